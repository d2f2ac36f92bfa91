"""The binary format, written (spec, chapter "Binary Format"), with where each part comes from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from functools import cache

from ..isa import Instruction
from ..isa.immediates import VALUE_TYPES
from ..watch import Look, each, never

__all__ = [
    "SECTIONS",
    "TYPES",
    "Items",
    "Piece",
    "custom_section",
    "limits",
    "module",
    "name_section",
    "number_bytes",
    "opcode",
    "signed",
    "string",
    "types",
    "unsigned",
]

#: value types by their names in the text format
TYPES = {str(kind): bytes([byte]) for byte, kind in VALUE_TYPES.items()}
#: sections by the words that annotations have for them, in the order of the file
SECTIONS = {
    "type": 1, "import": 2, "func": 3, "table": 4, "memory": 5, "tag": 13, "global": 6,
    "export": 7, "start": 8, "elem": 9, "datacount": 12, "code": 10, "data": 11,
}  # fmt: skip
#: subsections of the name section, by the index spaces that they name
_NAMED = {
    "func": 1, "type": 4, "table": 5, "memory": 6, "global": 7, "elem": 8, "data": 9,
    "tag": 11,
}  # fmt: skip


#: offsets that are moved between two looks at the clock
_AT_ONCE = 1 << 16


class Piece:
    """Bytes, and for some of their offsets the position in the text that they come from."""

    __slots__ = ("data", "offsets", "places")

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.offsets = array("Q")
        self.places = array("Q")

    def mark(self, place: int) -> None:
        """What is written next comes from this position."""
        self.offsets.append(len(self.data))
        self.places.append(place)

    def add(self, other: Piece, look: Look = never) -> None:
        """Appends another piece."""
        base = len(self.data)
        self.data += other.data
        for first in range(0, len(other.offsets), _AT_ONCE):
            moved = other.offsets[first : first + _AT_ONCE]
            self.offsets.extend([base + offset for offset in moved])
            look(None)
        self.places.extend(other.places)


class Items(Piece):
    """The items of a section, one behind the other."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def begin(self, place: int) -> None:
        """What is written next is an item, which comes from this position."""
        self.count += 1
        self.mark(place)


def unsigned(value: int) -> bytes:
    """LEB128."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def signed(value: int, bits: int) -> bytes:
    """LEB128 of an unsigned value that stands for a signed one."""
    value -= (value >> (bits - 1)) << bits
    found = bytearray()
    while not -64 <= value < 64:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value & 0x7F)
    return bytes(found)


def number_bytes(value: int, bits: int) -> bytes:
    """A number as it lies in memory."""
    return value.to_bytes(bits // 8, "little")


def _vector(items: Iterable[bytes]) -> bytes:
    found = list(items)
    return unsigned(len(found)) + b"".join(found)


def opcode(row: Instruction) -> bytes:
    """The opcode of an instruction."""
    return _opcode(row.opcode)


@cache
def _opcode(number: int) -> bytes:
    if number <= 0xFF:
        return bytes([number])
    return bytes([number >> 16]) + unsigned(number & 0xFFFF)


def string(text: str | bytes) -> bytes:
    """Bytes or UTF-8 behind their length."""
    data = text.encode() if isinstance(text, str) else text
    return unsigned(len(data)) + data


def types(names: Iterable[str]) -> bytes:
    """A vector of value types."""
    return _vector(TYPES[name] for name in names)


def limits(minimum: int, maximum: int | None, shared: bool = False) -> bytes:
    """The size range of a table or memory."""
    flags = bytes([(maximum is not None) | shared << 1])
    return flags + unsigned(minimum) + (b"" if maximum is None else unsigned(maximum))


def custom_section(name: str, content: bytes) -> Piece:
    """A custom section."""
    data = string(name) + content
    return Piece(b"\0" + unsigned(len(data)) + data)


def module(
    sections: Mapping[str, Items],
    customs: Mapping[tuple[str, bool], list[Piece]],
    look: Look = never,
) -> Piece:
    """A module of the items of its sections; ``customs`` are custom sections by the section that
    they stand at and whether that is behind it."""
    found = Piece(b"\0asm\1\0\0\0")
    for name, number in SECTIONS.items():
        for custom in each(customs.get((name, False), ()), look):
            found.add(custom)
        items = sections.get(name)
        if items is not None:
            count = b"" if name in ("start", "datacount") else unsigned(items.count)
            found.data += bytes([number]) + unsigned(len(count) + len(items.data)) + count
            found.add(items, look)
        for custom in each(customs.get((name, True), ()), look):
            found.add(custom)
    return found


def name_section(
    module: str | None,
    names: Mapping[str, Mapping[int, str]],
    locals: Mapping[int, Mapping[int, str]],
    look: Look = never,
) -> bytes:
    """The content of the custom section with the names of a module, of what is in its index
    spaces, and of the locals by function; nothing if there is no name."""
    parts = {_NAMED[space]: _name_map(found, look) for space, found in names.items() if found}
    if module is not None:
        parts[0] = string(module)
    if any(locals.values()):
        parts[2] = _vector(
            unsigned(index) + _name_map(found, look) for index, found in locals.items() if found
        )
    return b"".join(bytes([number]) + string(part) for number, part in sorted(parts.items()))


def _name_map(names: Mapping[int, str], look: Look) -> bytes:
    pairs = each(sorted(names.items()), look)
    return _vector(unsigned(index) + string(name) for index, name in pairs)
