"""Files of the source that a module was compiled from, as far as they are here."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath

__all__ = ["find_source"]

#: bytes of a file of source
_LARGEST = 4 << 20


def find_source(file: str, folder: Path) -> Path | None:
    """A file of the source below a folder; ``None`` where it is not there. The module says what it
    is called, so that only what is in the folder is found: leading folders of the name may be left
    out, none is gone up."""
    parts = [part for part in PurePosixPath(file.replace("\\", "/")).parts if part != "/"]
    if ".." in parts:
        return None
    for start in range(len(parts)):
        path = folder.joinpath(*parts[start:])
        with contextlib.suppress(OSError, ValueError):
            inside = path.resolve().is_relative_to(folder.resolve())
            if inside and path.is_file() and path.stat().st_size <= _LARGEST:
                return path.resolve()
    return None
