"""The engine's own limits, which hold whatever a program asks of the door.

wasmtime has no limits unless a program sets some. Here some always hold; a program can only
lower them, and who runs it raises them with :func:`set_bounds`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from ...wasm.runtime.defaults import (
    DEFAULT_COMMAND_MEMORY,
    DEFAULT_DEPTH,
    DEFAULT_FUEL,
    DEFAULT_TABLE_LIMIT,
    DEFAULT_TIMEOUT,
)

__all__ = ["Bounds", "current", "set_bounds"]


@dataclass(frozen=True)
class Bounds:
    """What a call of the door may use at most."""

    #: instructions for each outermost call; ``None`` is no limit
    fuel: int | None = DEFAULT_FUEL
    #: seconds for each outermost call, and for loading a module; ``None`` is no limit
    timeout: float | None = DEFAULT_TIMEOUT
    #: pages of each memory
    memory_limit: int = DEFAULT_COMMAND_MEMORY
    #: elements that all tables of an instance may have together
    table_limit: int = DEFAULT_TABLE_LIMIT
    #: wasm frames
    depth_limit: int = DEFAULT_DEPTH


_current = Bounds()


def current() -> Bounds:
    """The bounds that stores get that are made now."""
    return _current


def set_bounds(**bounds: Any) -> Bounds:
    """Changes bounds of the stores that are made from now on; gives those of before.

    ``fuel`` is in instructions, ``timeout`` in seconds, ``memory_limit`` in pages, ``table_limit``
    in elements and ``depth_limit`` in wasm frames. Raises TypeError for other names.
    """
    global _current
    known = [field.name for field in fields(Bounds)]
    for name in bounds:
        if name not in known:
            raise TypeError(f"there is no bound {name!r}, only {', '.join(known)}")
    before, _current = _current, replace(_current, **bounds)
    return before
