"""The primitives of the binary format, by position in the file; everything is checked.

ppci's reader calls them: it copies sections into streams of their own, here they are ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import DecodeError
from ..features import unsupported, why_no_type
from ..isa.immediates import VALUE_TYPES
from ..types import Limits, ValType
from .leb128 import read_signed, read_u32
from .parts import Span
from .ppci_import import BinaryFileReader

__all__ = ["PositionReader", "reason"]

#: the bits of limits flags
_HAS_MAXIMUM, _IS_SHARED = 1, 2
#: limits flags, value types and forms of types that belong to proposals
_LIMITS_PROPOSALS = {
    # of a table; shared memories are known
    **dict.fromkeys((2, 3), "shared-everything threads"),
    **dict.fromkeys(range(4, 8), "memory64"),
    **dict.fromkeys(range(8, 16), "custom page sizes"),
}


def reason(proposals: dict[int, str], byte: int) -> str:
    """The end of an error message: which proposal a byte belongs to, if one is known."""
    return f": {unsupported(proposals[byte])}" if byte in proposals else ""


class PositionReader(BinaryFileReader):  # type: ignore[misc]
    """A reader at a position of a file."""

    def __init__(self, data: bytes) -> None:
        super().__init__(None)
        self.data = data
        self.pos = 0
        #: where the section, or what is read of it, ends
        self.limit = len(data)
        self.in_section = False

    def malformed(self, message: str, at: int | None = None) -> DecodeError:
        """A DecodeError at a position, by default the present one."""
        return DecodeError(message, self.pos if at is None else at)

    @contextmanager
    def push_data(self, span: Span) -> Iterator[None]:
        """Reads within a range, which must be used up."""
        outer = self.limit, self.in_section
        self.pos, self.limit, self.in_section = span.start, span.end, True
        yield
        if self.pos != self.limit:
            raise self.malformed("section size mismatch: bytes are left over")
        self.limit, self.in_section = outer

    def read_length_prefixed_bytes(self) -> Span:
        """The range of a byte vector; the position goes behind it."""
        at = self.pos
        size = self.read_uint()
        if size > self.limit - self.pos:
            raise self.malformed(
                f"length out of bounds: unexpected end, {size} bytes announced, "
                f"{self.limit - self.pos} left",
                at,
            )
        span = Span(self.pos, self.pos + size)
        self.pos = span.end
        return span

    def read_exactly(self, amount: int | None = None) -> bytes:
        """So many bytes, or all that are left of the section."""
        size = self.limit - self.pos if amount is None else amount
        if not 0 <= size <= self.limit - self.pos:
            raise self.malformed("unexpected end")
        self.pos += size
        return self.data[self.pos - size : self.pos]

    def read_byte(self) -> int:
        """One byte. At the end of the file ppci expects an EOFError."""
        if self.pos >= self.limit:
            if not self.in_section:
                raise EOFError
            raise self.malformed("unexpected end")
        self.pos += 1
        return self.data[self.pos - 1]

    def within(self, value: Any, after: int) -> Any:
        """A value that was read up to ``after``, where that is not too far."""
        if after > self.limit:
            raise self.malformed("unexpected end")
        self.pos = after
        return value

    def read_uint(self) -> int:
        """An unsigned 32-bit integer."""
        value: int = self.within(*read_u32(self.data, self.pos))
        return value

    def read_int(self) -> int:
        """A signed integer of at most 64 bits."""
        value: int = self.within(*read_signed(self.data, self.pos, 64))
        return value

    def read_str(self) -> str:
        """A name: UTF-8, checked."""
        start, end = self.read_length_prefixed_bytes()
        try:
            return self.data[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError("malformed UTF-8 encoding", start + error.start) from None

    def read_type(self) -> str:
        """A value type, by name."""
        return str(self.value_type())

    def value_type(self) -> ValType:
        """A value type."""
        at = self.pos
        byte = self.read_byte()
        kind = VALUE_TYPES.get(byte)
        if kind is None:
            raise self.malformed(f"malformed value type {byte:#04x}{why_no_type(byte)}", at)
        return kind

    def reference_type(self) -> ValType:
        """A reference type."""
        at = self.pos
        kind = self.value_type()
        if not kind.is_reference:
            raise self.malformed(f"malformed reference type {self.data[at]:#04x}", at)
        return kind

    def read_limits(self) -> Limits:
        """A minimum, and a maximum where the flag says so."""
        return self._limits(_HAS_MAXIMUM)

    def read_memory_limits(self) -> tuple[Limits, bool]:
        """The limits of a memory, and whether it is shared."""
        shared = self.pos < self.limit and bool(self.data[self.pos] & _IS_SHARED)
        return self._limits(_HAS_MAXIMUM | _IS_SHARED), shared

    def _limits(self, known: int) -> Limits:
        """Limits whose flags are among some."""
        at = self.pos
        flags = self.read_byte()
        if flags & ~known:
            why = reason(_LIMITS_PROPOSALS, flags)
            # the flag was one integer, too long or too large, before there were proposals
            fault = "representation too long" if flags & 0x80 else "too large"
            raise self.malformed(f"malformed limits flags {flags:#04x}: integer {fault}{why}", at)
        minimum = self.read_uint()
        return Limits(minimum, self.read_uint() if flags & _HAS_MAXIMUM else None)

    def mutability(self) -> bool:
        """Whether a global is mutable."""
        at = self.pos
        flag = self.read_byte()
        if flag > 1:
            raise self.malformed(f"malformed mutability {flag:#04x}", at)
        return bool(flag)
