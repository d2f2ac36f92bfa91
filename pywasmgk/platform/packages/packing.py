"""A folder made a package: the same files give the same bytes."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ...errors import PackageError
from ...printable import printable
from ...services.atomic import write_atomically
from .archive import BOUNDS, Bounds
from .manifest import FILE_NAME, MOST_BYTES, PackageManifest, parse_package_manifest
from .package import Package

__all__ = ["pack"]

#: folders that tools fill, wherever they are; what begins with a dot stays out as well
_LEFT_OUT = frozenset({"node_modules", "target", "__pycache__"})
#: the first moment that an archive can say
_MOMENT = (1980, 1, 1, 0, 0, 0)
#: a regular file that all may read, in the place where archives of Unix have it
_MODE = 0o100644 << 16
#: stands in archives for the system that modes are of
_UNIX = 3


def pack(folder: Path, out: Path | None = None, bounds: Bounds = BOUNDS) -> Path:
    """Makes a package of a folder with ``plugin.yaml``, and gives its path: ``out``, or
    ``NAME-VERSION.zip`` in ``dist`` below the folder.

    Names that begin with a dot, ``node_modules``, ``target``, ``__pycache__`` and earlier packages
    of the same place stay out. Raises PackageError for what could not be extracted again, and for
    symbolic links, which may lead anywhere.
    """
    manifest = _manifest(folder)
    if out is None:
        version = f"-{manifest.version}" if manifest.version else ""
        out = folder / "dist" / f"{manifest.name}{version}.zip"
    own = {out.resolve()}
    data = _archive([path for path in _files(folder) if path.resolve() not in own], folder, bounds)
    Package(data, bounds)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, data)
    except OSError as error:
        raise PackageError(f"cannot write {out}: {error.strerror}") from error
    return out


def _manifest(folder: Path) -> PackageManifest:
    try:
        with open(folder / FILE_NAME, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise PackageError(f"failed to read {FILE_NAME}: {error.strerror}") from error
    return parse_package_manifest(data, nameless=FILE_NAME)


def _files(folder: Path) -> Iterator[Path]:
    """What belongs into the package, in the order of names."""
    dist = (folder / "dist").resolve()
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        for name in [*folders, *sorted(names)]:
            path = here / name
            if _is_left_out(name):
                continue
            if path.is_symlink():
                raise PackageError(
                    f"{printable(str(path.relative_to(folder)))} is a symbolic link, "
                    "which packages cannot have"
                )
            if name in names and not (here.resolve() == dist and path.suffix == ".zip"):
                yield path


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT


def _archive(paths: list[Path], folder: Path, bounds: Bounds) -> bytes:
    if len(paths) > bounds.files:
        raise PackageError(f"archive contains too many files (max {bounds.files})")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(paths):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr, entry.create_system = _MODE, _UNIX
            archive.writestr(entry, _content(path, bounds))
    return out.getvalue()


def _content(path: Path, bounds: Bounds) -> bytes:
    if not path.is_file():
        raise PackageError(f"{printable(path.name)} is neither file nor folder")
    try:
        with open(path, "rb") as file:
            data = file.read(bounds.file_bytes + 1)
    except OSError as error:
        raise PackageError(f"cannot read {printable(path.name)}: {error.strerror}") from error
    if len(data) > bounds.file_bytes:
        raise PackageError(f"file {printable(path.name)} too large: over {bounds.file_bytes} bytes")
    return data
