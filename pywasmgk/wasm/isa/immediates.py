"""How the immediates of instructions are encoded: one reader per kind.

A reader takes ``(data, pos)`` and gives ``(value, next pos)``; it checks the encoding, never what
the value refers to. ``base`` is where ``data`` begins in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Union

from ...errors import DecodeError
from ..binary.leb128 import read_s32, read_s33, read_s64, read_u32
from ..features import unsupported, why_no_type
from ..types import ValType
from .numerics import f32_of_bits, f64_of_bits

__all__ = ["CATCHES", "PATTERNS", "READERS", "VALUE_TYPES", "BlockType", "CatchClause", "MemArg"]

#: value types by their byte
VALUE_TYPES = {
    0x7F: ValType.I32,
    0x7E: ValType.I64,
    0x7D: ValType.F32,
    0x7C: ValType.F64,
    0x7B: ValType.V128,
    0x70: ValType.FUNCREF,
    0x6F: ValType.EXTERNREF,
    0x69: ValType.EXNREF,
}

_MULTI_MEMORY = "the multi-memory proposal"
#: a block's type: none, one result, or the index of a function type
BlockType = Union[None, ValType, int]
#: the alignment's exponent, and the offset in bytes
MemArg = tuple[int, int]


class CatchClause(NamedTuple):
    """What a ``try_table`` catches, and the label that it goes to."""

    #: the tag's index; ``None`` catches any exception
    tag: int | None
    #: the exception itself is given too, as an exnref
    ref: bool
    label: int


#: words of catch clauses by their byte
CATCHES = ("catch", "catch_ref", "catch_all", "catch_all_ref")


def _byte(data: bytes, pos: int, base: int) -> int:
    if pos >= len(data):
        raise DecodeError("unexpected end of an instruction", base + pos)
    return data[pos]


def _index(data: bytes, pos: int, base: int) -> tuple[int, int]:
    return read_u32(data, pos, base)


def _zero(data: bytes, pos: int, base: int) -> tuple[int, int]:
    if _byte(data, pos, base):
        why = f"there is one memory only: {unsupported(_MULTI_MEMORY)}"
        raise DecodeError(f"zero byte expected: {why}", base + pos)
    return 0, pos + 1


def _reserved(data: bytes, pos: int, base: int) -> tuple[int, int]:
    if _byte(data, pos, base):
        raise DecodeError("zero byte expected: it is reserved", base + pos)
    return 0, pos + 1


def _memarg(data: bytes, pos: int, base: int) -> tuple[MemArg, int]:
    start = pos
    if pos + 1 < len(data) and data[pos] < 32 and data[pos + 1] < 0x80:
        return (data[pos], data[pos + 1]), pos + 2
    align, pos = read_u32(data, pos, base)
    if align >= 32:
        indexed = f" with a memory index: {unsupported(_MULTI_MEMORY)}"
        why = indexed if align & 0x40 else f": alignment 2**{align}"
        raise DecodeError(f"malformed memop flags{why}", base + start)
    offset, pos = read_u32(data, pos, base)
    return (align, offset), pos


def _labels(data: bytes, pos: int, base: int) -> tuple[tuple[int, ...], int]:
    """The labels of a branch table, the default one last."""
    start = pos
    count, pos = read_u32(data, pos, base)
    if count > len(data) - pos:
        raise DecodeError(f"unexpected end: no room for {count} labels", base + start)
    short = bytes(data[pos : pos + count + 1])
    if len(short) > count and short.isascii():
        return tuple(short), pos + count + 1
    labels = []
    for _ in range(count + 1):
        label, pos = read_u32(data, pos, base)
        labels.append(label)
    return tuple(labels), pos


def _catches(data: bytes, pos: int, base: int) -> tuple[tuple[CatchClause, ...], int]:
    """The catch clauses of a ``try_table``."""
    start = pos
    count, pos = read_u32(data, pos, base)
    if count > len(data) - pos:
        raise DecodeError(f"unexpected end: no room for {count} catch clauses", base + start)
    found = []
    for _ in range(count):
        kind = _byte(data, pos, base)
        if kind >= len(CATCHES):
            raise DecodeError(f"malformed catch clause {kind:#04x}", base + pos)
        tag, pos = (None, pos + 1) if kind & 2 else read_u32(data, pos + 1, base)
        label, pos = read_u32(data, pos, base)
        found.append(CatchClause(tag, bool(kind & 1), label))
    return tuple(found), pos


def _value_type(data: bytes, pos: int, base: int) -> tuple[ValType, int]:
    byte = _byte(data, pos, base)
    kind = VALUE_TYPES.get(byte)
    if kind is None:
        raise DecodeError(f"malformed value type {byte:#04x}{why_no_type(byte)}", base + pos)
    return kind, pos + 1


def _reference_type(data: bytes, pos: int, base: int) -> tuple[ValType, int]:
    byte = _byte(data, pos, base)
    kind = VALUE_TYPES.get(byte)
    if kind is None or not kind.is_reference:
        why = why_no_type(byte, heap=True)
        raise DecodeError(f"malformed reference type {byte:#04x}{why}", base + pos)
    return kind, pos + 1


def _types(data: bytes, pos: int, base: int) -> tuple[tuple[ValType, ...], int]:
    start = pos
    count, pos = read_u32(data, pos, base)
    if count > len(data) - pos:
        raise DecodeError(f"unexpected end: no room for {count} types", base + start)
    types = []
    for _ in range(count):
        kind, pos = _value_type(data, pos, base)
        types.append(kind)
    return tuple(types), pos


def _block_type(data: bytes, pos: int, base: int) -> tuple[BlockType, int]:
    byte = _byte(data, pos, base)
    if byte == 0x40:
        return None, pos + 1
    if byte in VALUE_TYPES:
        return VALUE_TYPES[byte], pos + 1
    index, after = read_s33(data, pos, base)
    if index < 0:
        raise DecodeError(f"malformed block type {byte:#04x}{why_no_type(byte)}", base + pos)
    return index, after


def _i32(data: bytes, pos: int, base: int) -> tuple[int, int]:
    if pos < len(data) and data[pos] < 0x40:
        return data[pos], pos + 1
    value, pos = read_s32(data, pos, base)
    return value & 0xFFFFFFFF, pos


def _i64(data: bytes, pos: int, base: int) -> tuple[int, int]:
    value, pos = read_s64(data, pos, base)
    return value & 0xFFFFFFFFFFFFFFFF, pos


def _fixed(data: bytes, pos: int, size: int, base: int) -> int:
    if pos + size > len(data):
        raise DecodeError("unexpected end of a constant", base + pos)
    return int.from_bytes(data[pos : pos + size], "little")


def _f32(data: bytes, pos: int, base: int) -> tuple[float, int]:
    return f32_of_bits(_fixed(data, pos, 4, base)), pos + 4


def _f64(data: bytes, pos: int, base: int) -> tuple[float, int]:
    return f64_of_bits(_fixed(data, pos, 8, base)), pos + 8


def _v128(data: bytes, pos: int, base: int) -> tuple[int, int]:
    return _fixed(data, pos, 16, base), pos + 16


def _lane(data: bytes, pos: int, base: int) -> tuple[int, int]:
    return _byte(data, pos, base), pos + 1


#: ``reader(data, pos, base) -> (value, next pos)`` for every kind that a row may name
READERS: dict[str, Callable[[bytes, int, int], tuple[Any, int]]] = {
    "localidx": _index,
    "globalidx": _index,
    "funcidx": _index,
    "typeidx": _index,
    "tableidx": _index,
    "elemidx": _index,
    "dataidx": _index,
    "labelidx": _index,
    "memidx": _zero,
    "zero": _reserved,
    "memarg": _memarg,
    "labels": _labels,
    "catches": _catches,
    "tagidx": _index,
    "types": _types,
    "reftype": _reference_type,
    "blocktype": _block_type,
    "i32": _i32,
    "i64": _i64,
    "f32": _f32,
    "f64": _f64,
    "v128": _v128,
    "laneidx": _lane,
    # sixteen lane indices, the first one lowest, as one int like a v128
    "lanes": _v128,
}


_U32 = rb"[\x80-\xFF]{0,4}[\x00-\x7F]"
_U64 = rb"[\x80-\xFF]{0,9}[\x00-\x7F]"

#: the bytes of every kind of immediate as a pattern that matches in one way only: what a reader
#: takes matches, and may match where the reader finds a fault. A kind that is not here has no end
#: that a pattern finds
PATTERNS: dict[str, bytes] = {
    "localidx": _U32,
    "globalidx": _U32,
    "funcidx": _U32,
    "typeidx": _U32,
    "tableidx": _U32,
    "elemidx": _U32,
    "dataidx": _U32,
    "labelidx": _U32,
    "tagidx": _U32,
    "memidx": rb"\x00",
    "zero": rb"\x00",
    "memarg": _U32 + _U32,
    # one type; no other number of them is valid
    "types": rb"\x01.",
    "reftype": rb".",
    "blocktype": _U32,
    "i32": _U32,
    "i64": _U64,
    "f32": rb".{4}",
    "f64": rb".{8}",
    "v128": rb".{16}",
    "laneidx": rb".",
    "lanes": rb".{16}",
}
