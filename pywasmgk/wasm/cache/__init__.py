"""What is known of modules beyond this process, so that a later start need not find it out again.

A directory holds one file per module: its declarations, the verdict of validation, the functions
that were made ready for the interpreter, and compiled code. ``directory`` keeps files, ``stored``
what is in one, ``declarations`` and ``prepared`` turn objects into plain values and back. This file
alone is imported by those who have no cache.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from .directory import CodeCache

__all__ = ["ENVIRONMENT", "Directory", "chosen_cache"]

#: names the directory where no ``cache_dir`` is given
ENVIRONMENT = "PYWASMGK_CACHE"

Directory = Union[str, "os.PathLike[str]"]


def chosen_cache(directory: Directory | None) -> CodeCache | None:
    """The cache that ``cache_dir`` names, or the environment where that is ``None``; an empty name
    is none. Raises CacheError (``open_cache``)."""
    if not (os.environ.get(ENVIRONMENT) if directory is None else os.fspath(directory)):
        return None
    from .directory import open_cache

    return open_cache(directory)
