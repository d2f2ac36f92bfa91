"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]

#: what whoever may read the folder may read
_READABLE = 0o644


def write_whole(path: Path, data: bytes, mode: int = _READABLE) -> None:
    """Writes a file, in place of what was there; whoever opens it meanwhile finds the old one.
    Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
