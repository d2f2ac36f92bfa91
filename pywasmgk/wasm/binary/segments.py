"""Data segments by columns: Go's linker writes 41,000 of them, which as objects take 10 MB."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

from .parts import ConstExpr, Data

__all__ = ["DataSegments"]

#: in ``offset_start`` of passive segments: no expression begins at the start of a file
_PASSIVE = 0
#: in ``value`` of segments whose offset is no plain number, or that have none
_UNKNOWN = -1


class Columns(NamedTuple):
    """One array per property, one element per segment."""

    memory: array[int]
    #: the range of the offset's expression
    offset_start: array[int]
    offset_end: array[int]
    #: the range of the content
    start: array[int]
    end: array[int]
    #: the offset if it is a plain number
    value: array[int]


class DataSegments(Sequence[Data]):
    """The data segments of a module, each made when it is looked at."""

    __slots__ = ("columns",)

    def __init__(self) -> None:
        self.columns = Columns(*(array(code) for code in "IIIIIq"))

    def append(self, segment: Data) -> None:
        """Adds one at the end."""
        first, last = segment.offset or (_PASSIVE, _PASSIVE)
        row = (segment.memory, first, last, segment.start, segment.end, _UNKNOWN)
        for column, value in zip(self.columns, row):
            column.append(value)

    def extend_plain(self, rows: Sequence[tuple[int, int, int, int, int]]) -> None:
        """Adds active ones of memory 0 whose offsets are numbers: of each the range of the offset's
        expression, the range of the content, and the offset."""
        if rows:
            columns = self.columns
            columns.memory.extend([0] * len(rows))
            for column, values in zip(columns[1:], zip(*rows)):
                column.extend(values)

    def place(self, plain: Mapping[int, Any]) -> None:
        """Takes in the values of constant expressions that are numbers, by where they begin."""
        values = self.columns.value
        for number, value in enumerate(values):
            if value == _UNKNOWN:
                values[number] = plain.get(self.columns.offset_start[number], _UNKNOWN)

    @classmethod
    def unpacked(cls, packed: Sequence[bytes]) -> DataSegments:
        """The segments that ``packed`` gave."""
        segments = cls()
        for column, content in zip(segments.columns, packed):
            column.frombytes(content)
        return segments

    def packed(self) -> list[bytes]:
        """The columns as bytes."""
        return [column.tobytes() for column in self.columns]

    def placed(self) -> Iterator[tuple[int, ConstExpr | None, int | None, int, int]]:
        """Memory, offset expression, its value if it is a plain number, and the content's range,
        of each segment; the expression is ``None`` where the value is known or none is needed."""
        for memory, first, last, start, end, value in zip(*self.columns):
            if value >= 0 or first == _PASSIVE:
                yield memory, None, value if value >= 0 else None, start, end
            else:
                yield memory, ConstExpr(first, last), None, start, end

    def _segment(self, memory: int, first: int, last: int, start: int, end: int, _: int) -> Data:
        offset = None if first == _PASSIVE else ConstExpr(first, last)
        return Data("passive" if offset is None else "active", memory, offset, start, end)

    def __len__(self) -> int:
        return len(self.columns.start)

    @overload
    def __getitem__(self, index: int) -> Data: ...

    @overload
    def __getitem__(self, index: slice) -> list[Data]: ...

    def __getitem__(self, index: int | slice) -> Data | list[Data]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return self._segment(*(column[index] for column in self.columns))

    def __iter__(self) -> Iterator[Data]:
        return (self._segment(*row) for row in zip(*self.columns))

    def __repr__(self) -> str:
        return f"<{len(self)} data segments>"
