"""The adapter of wasmtime, a native engine: the package of that name, which the extra ``native``
brings."""

from __future__ import annotations

from .parts import library
from .store import WasmtimeStore

__all__ = ["ABSENT", "WasmtimeStore", "is_there", "open_store"]

#: what is told where it is asked for and not there
ABSENT = "engine='wasmtime' needs the package wasmtime, 50 or newer: pip install 'pywasmgk[native]'"


def is_there() -> bool:
    """Whether wasmtime can be used."""
    return library() is not None


def open_store() -> WasmtimeStore:
    """A store for instances. Raises Unsuitable in a thread that has too little stack."""
    return WasmtimeStore()
