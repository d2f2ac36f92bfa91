"""Rows of generated code, each with what is known of it if it raises."""

from __future__ import annotations

from typing import NamedTuple

from .loops import Ahead

__all__ = ["Entry", "Row"]


class Entry(NamedTuple):
    """What one line of generated code is about."""

    #: index of the wasm instruction
    at: int
    #: fuel charged but not taken when it raises
    pending: int
    #: name of the TrapCode that an IndexError or the like of this line is, and a message
    trap: object
    #: fuel taken for turns of a loop that are not run yet
    ahead: Ahead | None = None


class Row(NamedTuple):
    """One line of the function."""

    indent: int
    text: str
    entry: Entry
    #: it is not to be merged with the line before it
    own: bool = False
