"""The source that a module was compiled from, as far as it is here: files, or texts in the module's
source map."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from ..wasm.module import Module

__all__ = ["embedded_source", "find_source", "source_text"]

#: bytes of a file of source
_LARGEST = 4 << 20


def find_source(file: str, folder: Path) -> Path | None:
    """A file of the source below a folder; ``None`` where it is not there. The module says what it
    is called, so that only what is in the folder is found: leading folders of the name may be left
    out, none is gone up. Where it is called as addresses are, ``%20`` is a space."""
    found = _below(file, folder)
    return _below(unquote(file), folder) if found is None and "%" in file else found


def embedded_source(module: Module, file: str) -> str | None:
    """The text of a file of the source that the module's source map has in itself."""
    text = None if module.lines is None else module.lines.text(file)
    return text if text is not None and len(text) <= _LARGEST else None


def source_text(module: Module, file: str, folder: Path) -> str | None:
    """The text of a file of the source: of the file in a folder, or else of the source map;
    ``None`` where neither is there."""
    path = find_source(file, folder)
    if path is not None:
        with contextlib.suppress(OSError):
            return path.read_text("utf-8", "replace")
    return embedded_source(module, file)


def _below(file: str, folder: Path) -> Path | None:
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
