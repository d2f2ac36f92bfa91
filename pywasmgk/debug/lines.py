"""Which line each instruction of a module stands in: of its WAT, or of the source it came from."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..errors import HostError

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.valid.blockmap import BlockMap

__all__ = ["MARKS", "Line", "Lines"]

#: forms that part blocks and do nothing: none is code of its line (an ``else`` is come to from
#: what stands before it)
MARKS = ("else", "end", "catch", "catch_all", "delegate")


class Line(NamedTuple):
    """A line of a text."""

    file: str
    #: from 1
    number: int


class Lines:
    """The lines of a module: of the text that it was made from, which is called ``path``, else what
    its DWARF sections say, which pyelftools reads, or its source map."""

    def __init__(self, module: Module, path: str | None = None) -> None:
        self._module = module
        self._path = path or module.name or "module.wat"

    def require(self) -> None:
        """Raises HostError where no lines are known, and says why."""
        if self._module.source is None:
            if self._module.lines is None:
                raise HostError("the module has no lines: no text, no debug information")
            if isinstance(self._table, HostError):
                raise self._table

    def at(self, offset: int) -> Line | None:
        """The line of the instruction at an offset in the file; ``None`` where none is known."""
        if self._module.source is not None:
            number = self._module.source.line(offset)
            return None if number is None else Line(self._path, number)
        if isinstance(self._table, HostError):
            return None
        offsets, lines = self._table
        index = bisect_right(offsets, offset)
        return lines[index - 1] if index else None

    def of(self, body: BlockMap) -> list[Line | None]:
        """The line of each instruction of a function, of MARKS none."""
        rows = self._module.isa.rows
        return [
            self.at(body.base + offset) if not pc or rows[number].form not in MARKS else None
            for pc, ((number, _), offset) in enumerate(zip(body.code, body.offsets))
        ]

    @cached_property
    def _table(self) -> tuple[list[int], list[Line | None]] | HostError:
        """Where lines begin, or why nobody knows."""
        try:
            rows = [] if self._module.lines is None else self._module.lines.all()
        except HostError as error:
            return error
        # the last one that begins at an offset holds for the code behind it
        return [row[0] for row in rows], [Line(*row[1:]) if row[2] else None for row in rows]
