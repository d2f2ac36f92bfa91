"""A text, and where in it things stand that were made of it."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from functools import cached_property

from ...errors import Place, TextError
from ...printable import printable
from ..watch import Look, each, never

__all__ = ["Excerpt", "Source", "SourceMap"]

_NEWLINE = re.compile(r"\r\n|\r|\n")
#: characters of a line that a message shows before the place, and behind it
_BEFORE, _BEHIND = 60, 40


class Excerpt(str):
    """A text that stands in a larger one, whose lines and columns messages shall give."""

    def __new__(cls, text: str, line: int = 1, column: int = 1) -> Excerpt:
        """A text that begins at a line and column."""
        excerpt = super().__new__(cls, text)
        excerpt.line = line
        excerpt.column = column
        return excerpt

    line: int
    column: int


class Source:
    """A text as messages show it."""

    def __init__(self, text: str) -> None:
        self.text = text
        #: the place of its beginning, both from 1
        self.line = text.line if isinstance(text, Excerpt) else 1
        self.column = text.column if isinstance(text, Excerpt) else 1

    @cached_property
    def lines(self) -> array[int]:
        """Where each line begins."""
        return _beginnings(self.text, never)

    def find_lines(self, look: Look) -> None:
        """Finds the lines while the time of loading counts: what is told of a call must not wait
        for that. ``look`` may end it."""
        self.lines = _beginnings(self.text, look)

    def line_of(self, at: int) -> int:
        """The line of a position in the text, from 1."""
        return self.line + bisect_right(self.lines, at) - 1

    def place(self, at: int, function: str | None = None) -> Place:
        """Line, column and excerpt of a position in the text."""
        line = bisect_right(self.lines, at)
        begin = self.lines[line - 1]
        first, last = max(begin, at - _BEFORE), min(len(self.text), at + _BEHIND)
        # no further: a line may be all of the text
        newline = _NEWLINE.search(self.text, first, last + 1)
        goes_on = newline is None and last < len(self.text)
        before = printable(self.text[first:at].replace("\t", " "))
        end = last if newline is None else newline.start()
        behind = printable(self.text[at:end].replace("\t", " "))
        shown = f"{'...' if first > begin else ''}{before}"
        excerpt = f"  {shown}{behind}{'...' if goes_on else ''}\n  {' ' * len(shown)}^"
        column = at - begin + (self.column if line == 1 else 1)
        return Place(self.line + line - 1, column, excerpt, function)

    def failure(self, message: str, at: int, function: str | None = None) -> TextError:
        """The error for what stands at a position of the text."""
        place = self.place(at, function)
        return TextError(message, place.line, place.column, place)


def _beginnings(text: str, look: Look) -> array[int]:
    """Where each line of a text begins."""
    lines = array("Q", [0])
    lines.extend(newline.end() for newline in each(_NEWLINE.finditer(text), look))
    return lines


class SourceMap:
    """Which position of a text each offset of the module comes from.

    Two numbers an instruction, and the text: at most some five times the size of the text.
    """

    def __init__(self, source: Source, offsets: array[int], places: array[int]) -> None:
        self.source = source
        #: offsets in the module, ascending, and the positions of the text that belong to them
        self.offsets = offsets
        self.places = places

    def place(self, offset: int, function: str | None = None) -> Place | None:
        """The place of what stands at an offset, or begins before it; ``None`` if there is none."""
        index = bisect_right(self.offsets, offset)
        return self.source.place(self.places[index - 1], function) if index else None

    def line(self, offset: int) -> int | None:
        """The line of what stands at an offset; the same as in its ``place``."""
        index = bisect_right(self.offsets, offset)
        return self.source.line_of(self.places[index - 1]) if index else None
