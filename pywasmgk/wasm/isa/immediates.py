"""How the immediates of instructions are encoded: one reader per kind.

A reader takes ``(data, pos)`` and gives ``(value, next pos)``; it checks the encoding, never what
the value refers to. ``base`` is where ``data`` begins in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from ...errors import DecodeError
from ..leb128 import read_s32, read_s33, read_s64, read_u32
from ..numerics import f32_of_bits, f64_of_bits
from ..types import ValType

__all__ = ["READERS", "VALUE_TYPES", "BlockType", "MemArg"]

#: value types by their byte
VALUE_TYPES = {
    0x7F: ValType.I32,
    0x7E: ValType.I64,
    0x7D: ValType.F32,
    0x7C: ValType.F64,
    0x7B: ValType.V128,
    0x70: ValType.FUNCREF,
    0x6F: ValType.EXTERNREF,
}

#: a block's type: none, one result, or the index of a function type
BlockType = Union[None, ValType, int]
#: the alignment's exponent, and the offset in bytes
MemArg = tuple[int, int]


def _byte(data: bytes, pos: int, base: int) -> int:
    if pos >= len(data):
        raise DecodeError("unexpected end of an instruction", base + pos)
    return data[pos]


def _index(data: bytes, pos: int, base: int) -> tuple[int, int]:
    return read_u32(data, pos, base)


def _zero(data: bytes, pos: int, base: int) -> tuple[int, int]:
    if _byte(data, pos, base):
        raise DecodeError("zero byte expected: there is one memory only", base + pos)
    return 0, pos + 1


def _memarg(data: bytes, pos: int, base: int) -> tuple[MemArg, int]:
    start = pos
    if pos + 1 < len(data) and data[pos] < 32 and data[pos + 1] < 0x80:
        return (data[pos], data[pos + 1]), pos + 2
    align, pos = read_u32(data, pos, base)
    if align >= 32:
        raise DecodeError(f"malformed memop flags: alignment 2**{align}", base + start)
    offset, pos = read_u32(data, pos, base)
    return (align, offset), pos


def _labels(data: bytes, pos: int, base: int) -> tuple[tuple[int, ...], int]:
    """The labels of a branch table, the default one last."""
    start = pos
    count, pos = read_u32(data, pos, base)
    if count > len(data) - pos:
        raise DecodeError(f"unexpected end: no room for {count} labels", base + start)
    labels = []
    for _ in range(count + 1):
        label, pos = read_u32(data, pos, base)
        labels.append(label)
    return tuple(labels), pos


def _value_type(data: bytes, pos: int, base: int) -> tuple[ValType, int]:
    kind = VALUE_TYPES.get(_byte(data, pos, base))
    if kind is None:
        raise DecodeError(f"malformed value type {data[pos]:#04x}", base + pos)
    return kind, pos + 1


def _reference_type(data: bytes, pos: int, base: int) -> tuple[ValType, int]:
    kind, after = _value_type(data, pos, base)
    if not kind.is_reference:
        raise DecodeError(f"malformed reference type {data[pos]:#04x}", base + pos)
    return kind, after


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
        raise DecodeError(f"malformed block type {byte:#04x}", base + pos)
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
    "memarg": _memarg,
    "labels": _labels,
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
