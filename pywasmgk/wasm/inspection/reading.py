"""A position in a file that is read leniently: whatever is there, and no further than it goes."""

from __future__ import annotations

from ...errors import DecodeError
from ..binary.leb128 import read_signed, read_u32, read_unsigned

__all__ = ["Reading"]


class Reading:
    """Reads from ``pos`` to ``end`` of a file. Every method raises DecodeError where that is not
    enough, with the offset."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = min(end, len(data))

    @property
    def more(self) -> bool:
        """Whether something is left."""
        return self.pos < self.end

    def byte(self) -> int:
        """One byte."""
        if self.pos >= self.end:
            raise self.fault("unexpected end")
        self.pos += 1
        return self.data[self.pos - 1]

    def peek(self) -> int:
        """The next byte, which stays."""
        if self.pos >= self.end:
            raise self.fault("unexpected end")
        return self.data[self.pos]

    def u32(self) -> int:
        """An unsigned number."""
        value, self.pos = read_u32(self.data, self.pos)
        return self._within(value)

    def u64(self) -> int:
        """An unsigned number of 64 bits."""
        value, self.pos = read_unsigned(self.data, self.pos, 64)
        return self._within(value)

    def s33(self) -> int:
        """A signed number of 33 bits."""
        value, self.pos = read_signed(self.data, self.pos, 33)
        return self._within(value)

    def _within(self, value: int) -> int:
        if self.pos > self.end:
            raise self.fault("unexpected end")
        return value

    def count(self) -> int:
        """How many items follow; each takes a byte at least."""
        at, count = self.pos, self.u32()
        if count > self.end - self.pos:
            raise DecodeError(f"{count} items in {self.end - self.pos} bytes", at)
        return count

    def take(self, size: int) -> int:
        """Skips bytes; gives where they began."""
        start = self.pos
        if size > self.end - start:
            raise self.fault(f"unexpected end: {size} bytes wanted, {self.end - start} left")
        self.pos = start + size
        return start

    def name(self) -> str:
        """A name; what is no UTF-8 in it is replaced."""
        size = self.u32()
        start = self.take(size)
        return self.data[start : start + size].decode("utf-8", "replace")

    def fault(self, message: str, at: int | None = None) -> DecodeError:
        """An error at the position, or another one."""
        return DecodeError(message, self.pos if at is None else at)
