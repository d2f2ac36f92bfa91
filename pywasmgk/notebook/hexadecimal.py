"""Bytes of memory in rows: in hexadecimal, as characters, and as numbers of a type."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .parts import Bytes

__all__ = ["NUMBERS", "ByteRow", "rows_of"]

#: bytes of a row
_ROW = 16
#: types that memory is read as, by name: how ``struct`` calls them
NUMBERS = {
    "u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q",
    "f32": "f", "f64": "d",
}  # fmt: skip


@dataclass(frozen=True)
class ByteRow:
    """Sixteen bytes, or fewer at the end."""

    address: int
    data: bytes
    changed: frozenset[int]
    kind: str

    def digits(self) -> Iterator[tuple[str, bool, bool]]:
        """Each byte in hexadecimal, whether it has changed, and whether it is zero."""
        for at, byte in enumerate(self.data, self.address):
            yield f"{byte:02x}", at in self.changed, not byte

    def characters(self) -> Iterator[tuple[str, bool]]:
        """Each byte as a character, and whether it has changed."""
        for at, byte in enumerate(self.data, self.address):
            yield chr(byte) if 32 <= byte < 127 else ".", at in self.changed

    @property
    def padding(self) -> str:
        """What is missing in a row that is not full."""
        return "   " * (_ROW - len(self.data))

    def numbers(self) -> str:
        """The bytes as numbers; nothing where all are zero."""
        if not any(self.data):
            return ""
        form = NUMBERS[self.kind]
        size = struct.calcsize(f"<{form}")
        count = len(self.data) // size
        values = struct.unpack_from(f"<{count}{form}", self.data)
        return " ".join(f"{one:g}" if isinstance(one, float) else f"{one}" for one in values)


def rows_of(part: Bytes) -> Iterator[ByteRow]:
    """The rows of some bytes."""
    for at in range(0, len(part.data), _ROW):
        data = part.data[at : at + _ROW]
        yield ByteRow(part.start + at, data, part.changed, part.numbers)
