"""LEB128 integers (spec, section "Binary Format: Integers"), checked for length and range.

Every reader takes ``(data, pos)`` and gives ``(value, next pos)``; ``base`` is added to the
offsets of errors where ``data`` is a slice of a file.
"""

from __future__ import annotations

from ...errors import DecodeError

__all__ = [
    "read_s32",
    "read_s33",
    "read_s64",
    "read_signed",
    "read_u32",
    "read_unsigned",
    "short_signed",
    "short_unsigned",
    "skip_numbers",
]


def read_unsigned(data: bytes, pos: int, bits: int, base: int = 0) -> tuple[int, int]:
    """An unsigned integer of at most ``bits`` bits."""
    start = pos
    result = shift = 0
    while True:
        if pos >= len(data):
            raise DecodeError("unexpected end: an integer is cut off", base + start)
        byte = data[pos]
        pos += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift >= bits:
            raise DecodeError("integer representation too long", base + start)
    if result >> bits:
        raise DecodeError("integer too large", base + start)
    return result, pos


def read_signed(data: bytes, pos: int, bits: int, base: int = 0) -> tuple[int, int]:
    """A signed integer of at most ``bits`` bits."""
    start = pos
    result = shift = 0
    while True:
        if pos >= len(data):
            raise DecodeError("unexpected end: an integer is cut off", base + start)
        byte = data[pos]
        pos += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
        if shift >= bits:
            raise DecodeError("integer representation too long", base + start)
    if byte & 0x40:
        result -= 1 << shift
    if not -1 << (bits - 1) <= result < 1 << (bits - 1):
        raise DecodeError("integer too large", base + start)
    return result, pos


def read_u32(data: bytes, pos: int, base: int = 0) -> tuple[int, int]:
    """An unsigned 32-bit integer."""
    if pos < len(data) and data[pos] < 0x80:
        return data[pos], pos + 1
    return read_unsigned(data, pos, 32, base)


def read_s32(data: bytes, pos: int, base: int = 0) -> tuple[int, int]:
    """A signed 32-bit integer."""
    return read_signed(data, pos, 32, base)


def read_s33(data: bytes, pos: int, base: int = 0) -> tuple[int, int]:
    """A signed 33-bit integer, as block types have it."""
    return read_signed(data, pos, 33, base)


def read_s64(data: bytes, pos: int, base: int = 0) -> tuple[int, int]:
    """A signed 64-bit integer."""
    return read_signed(data, pos, 64, base)


def short_unsigned(found: bytes) -> int:
    """The unsigned integer that one to four bytes are, which a pattern has found to be one."""
    bits = int.from_bytes(found, "little")
    if bits < 0x80:
        return bits
    return bits & 0x7F | bits >> 1 & 0x3F80 | bits >> 2 & 0x1FC000 | bits >> 3 & 0xFE00000


def short_signed(found: bytes) -> int:
    """The signed integer that one to four bytes are, which a pattern has found to be one."""
    value = short_unsigned(found)
    return value - (1 << 7 * len(found)) if found[-1] & 0x40 else value


def skip_numbers(data: bytes, pos: int, count: int) -> int:
    """Where so many integers end that were read before."""
    for _ in range(count):
        while data[pos] >= 0x80:
            pos += 1
        pos += 1
    return pos
