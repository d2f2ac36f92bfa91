"""A package made a folder: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import PackageError
from .manifest import PackageManifest
from .package import Package

__all__ = ["Extracted", "extract"]


@dataclass(frozen=True)
class Extracted:
    """What has become of a package."""

    manifest: PackageManifest
    folder: Path
    #: the module, for a wasm plugin
    binary: Path | None
    #: paths below ``assets/``, and where the files are
    assets: Mapping[str, Path]


def extract(package: Package, into: Path, *, replace: bool = False) -> Extracted:
    """Makes the folder ``into/NAME``; gives where things are.

    All is written beside it first, with the modes of new files, and renamed at the end. With
    ``replace`` a folder that is there goes away whole, nothing of it stays. Raises PackageError if
    it is there without that, if it cannot be written, and for contents other than the archive says.
    """
    target = into / package.manifest.name
    try:
        into.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target) and not replace:
            raise PackageError(f"plugin {package.manifest.name!r} is there already")
        # a name that begins with a dot is seen by no loader
        with tempfile.TemporaryDirectory(prefix=".extracting-", dir=into) as place:
            fresh = Path(place) / package.manifest.name
            _write(package, fresh)
            _exchange(fresh, target, Path(place) / "old")
    except OSError as error:
        raise PackageError(f"cannot write below {into}: {error.strerror}") from error
    return Extracted(
        package.manifest,
        target,
        None if package.binary is None else target / package.binary,
        {name: target / path for name, path in package.assets.items()},
    )


def _write(package: Package, folder: Path) -> None:
    root = folder.resolve()
    folder.mkdir()
    for name in package.archive.names:
        path = folder / name
        # names were looked at; this looks at what the system has made of them
        if not path.resolve().is_relative_to(root):
            raise PackageError(f"path traversal detected: {name} resolves outside plugin directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as file:
            for chunk in package.archive.chunks(name):
                file.write(chunk)


def _exchange(fresh: Path, target: Path, old: Path) -> None:
    """Puts the new folder where the old one was, which is kept until it is there."""
    if not os.path.lexists(target):
        fresh.rename(target)
        return
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    if old.is_symlink():
        old.unlink()
    else:
        shutil.rmtree(old)
