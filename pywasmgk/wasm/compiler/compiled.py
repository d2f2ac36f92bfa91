"""What the compiler gives to the runtime: code objects, and what their lines are about.

It knows nobody, so that code from the cache runs without the compiler being imported.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

__all__ = ["NOWHERE", "SPARE", "Ahead", "Compiled", "LineEntry", "LineTable"]

#: call depth kept back from ``top``: what most functions need, so that they ask without adding
SPARE = 6
#: the offset of a line that belongs to no instruction, in plain tables
NOWHERE = 0xFFFFFFFF


class Ahead(NamedTuple):
    """How much fuel is charged for turns that have not been run: ``turns * cost``, where the turns
    are ``left``, or those that ``range(left, stop, step)`` has after its first; all are names or
    numbers. Turns that have been run without a charge count as below zero."""

    cost: int
    left: str
    stop: str | None = None
    step: str | int = 1

    def amount(self, values: dict[str, int]) -> int:
        """The fuel, given the local variables of the frame."""
        if self.stop is None:
            return values[self.left] * self.cost
        step = values[self.step] if isinstance(self.step, str) else self.step
        return ((values[self.stop] - values[self.left]) // step - 1) * self.cost


class LineEntry(NamedTuple):
    """What a line of generated code is about, for errors."""

    #: the frames there, outermost first, each a function and a byte offset in the module's file;
    #: none where the function is not entered yet
    frames: tuple[tuple[int, int], ...]
    #: fuel charged but not taken
    pending: int
    #: name of the TrapCode that Python's own exceptions on this line stand for
    trap: str | None
    #: the trap's message, if it is not the code's own
    message: str | None
    #: fuel taken for turns of a loop that are not run yet
    ahead: Ahead | None = None


class LineTable:
    """The entries of a code object's lines, packed until somebody asks, which only errors do: as
    objects they take three times the code itself."""

    __slots__ = ("_entries", "packed")

    def __init__(self, packed: bytes) -> None:
        self.packed = packed
        self._entries: tuple[LineEntry, ...] | None = None

    @classmethod
    def plain(
        cls, index: int, offsets: bytes, owing: bytes, traps: bytes, kinds: Sequence[Any]
    ) -> LineTable:
        """The table of a function that nothing was put into: by line the offset in the module's
        file (all ones for a line that belongs to no instruction) and the fuel charged but not
        taken, four bytes each, and a number among the ``kinds`` of traps: name and message."""
        return cls(marshal.dumps((index, offsets, owing, traps, tuple(kinds))))

    @classmethod
    def of(cls, entries: Sequence[LineEntry]) -> LineTable:
        """The table of some entries, by line from 0."""
        return cls(marshal.dumps([(*rest, ahead and tuple(ahead)) for *rest, ahead in entries]))

    def __getitem__(self, line: int) -> LineEntry:
        return self.entries[line]

    def __iter__(self) -> Iterator[LineEntry]:
        return iter(self.entries)

    @property
    def entries(self) -> tuple[LineEntry, ...]:
        """All of them, unpacked."""
        if self._entries is None:
            entries = marshal.loads(self.packed)
            plain = isinstance(entries, tuple)
            self._entries = tuple(_plain(*entries) if plain else map(_entry, entries))
        return self._entries


def _plain(
    index: int, offsets: bytes, owing: bytes, traps: bytes, kinds: Sequence[Any]
) -> Iterator[LineEntry]:
    places = struct.unpack(f"<{len(traps)}I", offsets)
    owed = struct.unpack(f"<{len(traps)}I", owing)
    for offset, pending, trap in zip(places, owed, traps):
        frames = () if offset == NOWHERE else ((index, offset),)
        yield LineEntry(frames, pending, *kinds[trap])


def _entry(plain: Sequence[Any]) -> LineEntry:
    *rest, ahead = plain
    return LineEntry._make((*rest, ahead and Ahead._make(ahead)))


class Compiled(NamedTuple):
    """A code object and its table. It belongs to a module and is bound by instances."""

    code: CodeType
    lines: LineTable
    #: call depth that it must find left beyond the function's own
    room: int = 0
