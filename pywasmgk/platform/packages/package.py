"""A package: a zip archive with ``plugin.yaml`` at its root and, for a wasm plugin, its module."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ...errors import PackageError
from ...printable import printable
from .archive import BOUNDS, Archive, Bounds
from .manifest import FILE_NAME, MOST_BYTES, PackageManifest, parse_package_manifest

__all__ = ["Package"]

_RUNTIMES = ("wasm", "grpc", "template", "theme")
_MODULE = ".wasm"
_ASSETS = "assets/"
_NO_MODULE = "package missing .wasm file (required for wasm runtime)"


class Package:
    """A package's bytes, checked: limits, names, manifest, and that its module is there. What is
    verified, looked at and extracted are these bytes, whatever becomes of the file.

    Raises PackageError with the texts of contract section 5.3.
    """

    def __init__(self, data: bytes, bounds: Bounds = BOUNDS) -> None:
        self.data = data
        self.archive = Archive(data, bounds)
        self.manifest = self._read_manifest()
        if self.manifest.runtime not in _RUNTIMES:
            raise PackageError(f"unsupported runtime type: {self.manifest.runtime}")
        #: the path of the module in it, for a wasm plugin
        self.binary = self._find_module() if self.manifest.runtime == "wasm" else None

    @classmethod
    def read(cls, path: Path, bounds: Bounds = BOUNDS) -> Package:
        """From a file. Raises PackageError also where it cannot be read."""
        try:
            with open(path, "rb") as file:
                data = file.read(bounds.archive_bytes + 1)
        except OSError as error:
            raise PackageError(f"failed to open package: {error.strerror}") from error
        return cls(data, bounds)

    @property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal digits."""
        return sha256(self.data).hexdigest()

    @property
    def assets(self) -> Mapping[str, str]:
        """Paths below ``assets/``, and where they are in the archive."""
        return {
            name.removeprefix(_ASSETS): name
            for name in self.archive.names
            if name.startswith(_ASSETS)
        }

    def _read_manifest(self) -> PackageManifest:
        if FILE_NAME not in self.archive.names:
            raise PackageError(f"package missing {FILE_NAME}")
        size = self.archive.size(FILE_NAME)
        if size > MOST_BYTES:
            raise PackageError(f"file {FILE_NAME} too large: {size} bytes (max {MOST_BYTES})")
        return parse_package_manifest(self.archive.read(FILE_NAME))

    def _find_module(self) -> str:
        """The module that the manifest names, else the one called after the plugin, else the only
        one."""
        names = set(self.archive.names)
        named = self.manifest.wasm or self.manifest.binary
        if named:
            path = str(PurePosixPath(named))
            if path not in names or not path.lower().endswith(_MODULE):
                raise PackageError(f"{_NO_MODULE}: {FILE_NAME} names {printable(named)!r}")
            return path
        if f"{self.manifest.name}{_MODULE}" in names:
            return f"{self.manifest.name}{_MODULE}"
        modules = sorted(name for name in names if name.lower().endswith(_MODULE))
        if not modules:
            raise PackageError(_NO_MODULE)
        if len(modules) > 1:
            raise PackageError(f"package has {len(modules)} .wasm files: {FILE_NAME} names none")
        return modules[0]
