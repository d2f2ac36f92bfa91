"""Core dumps to bytes (tool-conventions, "Coredump.md")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import TYPE_CHECKING, Any

from ..isa.numerics import bits_of_f32, bits_of_f64
from ..text.encoding import signed, unsigned
from ..types import ValType
from .parts import CoreFrame, CoreGlobal, CoreInstance, CoreMemory, CoreThread, CoreValue

if TYPE_CHECKING:
    from .dump import CoreDump

__all__ = ["MISSING", "NUMBERS", "dump_bytes"]

#: stands for a value that nobody knows
MISSING = b"\x01"
#: types that values may have in a dump, with their byte
NUMBERS = {ValType.I32: 0x7F, ValType.I64: 0x7E, ValType.F32: 0x7D, ValType.F64: 0x7C}
_HEAD = b"\0asm\1\0\0\0"
_U32, _U64 = Struct("<I"), Struct("<Q")
#: opcodes of constants by type
_CONSTANTS = {
    ValType.I32: b"\x41", ValType.I64: b"\x42", ValType.F32: b"\x43", ValType.F64: b"\x44",
    ValType.V128: b"\xfd\x0c",
}  # fmt: skip
_TYPES = {
    **NUMBERS, ValType.V128: 0x7B, ValType.FUNCREF: 0x70, ValType.EXTERNREF: 0x6F,
    ValType.EXNREF: 0x69,
}  # fmt: skip
_END, _REF_NULL = b"\x0b", b"\xd0"
_MEMORY, _GLOBAL, _DATA = 5, 6, 11


def dump_bytes(dump: CoreDump) -> bytes:
    """The file of a dump."""
    parts = [
        _HEAD,
        _custom("core", b"\0" + _name(dump.executable)),
        _custom("coremodules", _vector(b"\0" + _name(name) for name in dump.modules)),
        _custom("coreinstances", _vector(map(_instance, dump.instances))),
    ]
    if dump.memories:
        parts.append(_section(_MEMORY, _vector(map(_memory, dump.memories))))
    if dump.globals:
        parts.append(_section(_GLOBAL, _vector(map(_global, dump.globals))))
    segments = [part for at, item in enumerate(dump.memories) for part in _segments(at, item)]
    if segments:
        parts.append(_section(_DATA, _vector(segments)))
    parts += (_custom("corestack", _thread(thread)) for thread in dump.threads)
    return b"".join(parts)


def _section(number: int, content: bytes) -> bytes:
    return bytes((number,)) + unsigned(len(content)) + content


def _custom(name: str, content: bytes) -> bytes:
    return _section(0, _name(name) + content)


def _name(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return unsigned(len(data)) + data


def _vector(items: Iterable[bytes]) -> bytes:
    found = [*items]
    return unsigned(len(found)) + b"".join(found)


def _instance(instance: CoreInstance) -> bytes:
    memories, globals_ = (_vector(map(unsigned, indices)) for indices in instance[1:])
    return b"\0" + unsigned(instance.module) + memories + globals_


def _thread(thread: CoreThread) -> bytes:
    return b"\0" + _name(thread.name) + _vector(map(_frame, thread.frames))


def _frame(frame: CoreFrame) -> bytes:
    head = b"\0" + unsigned(frame.instance) + unsigned(frame.function) + unsigned(frame.offset)
    return head + _vector(map(_value, frame.locals)) + _vector(map(_value, frame.stack))


def _value(item: CoreValue | None) -> bytes:
    if item is None or item.type not in NUMBERS:
        return MISSING
    return bytes((NUMBERS[item.type],)) + _number(item.type, item.value)


def _number(kind: ValType, value: Any) -> bytes:
    if kind is ValType.I32:
        return signed(value & 0xFFFFFFFF, 32)
    if kind is ValType.I64:
        return signed(value & 0xFFFFFFFFFFFFFFFF, 64)
    return _U32.pack(bits_of_f32(value)) if kind is ValType.F32 else _U64.pack(bits_of_f64(value))


def _memory(memory: CoreMemory) -> bytes:
    maximum = memory.maximum
    flag, rest = (b"\0", b"") if maximum is None else (b"\1", unsigned(maximum))
    return flag + unsigned(memory.pages) + rest


def _global(item: CoreGlobal) -> bytes:
    kind = item.type
    if kind is ValType.V128:
        constant = _CONSTANTS[kind] + bytes(item.value)
    elif kind in NUMBERS:
        constant = _CONSTANTS[kind] + _number(kind, item.value)
    else:
        constant = _REF_NULL + bytes((_TYPES[kind],))
    # a constant, as all globals of a dump are
    return bytes((_TYPES[kind], 0)) + constant + _END


def _segments(index: int, memory: CoreMemory) -> Iterator[bytes]:
    """The segments of a memory; the first one has a form of its own."""
    head = b"\0" if index == 0 else b"\2" + unsigned(index)
    for at, data in memory.segments:
        place = _CONSTANTS[ValType.I32] + signed(at & 0xFFFFFFFF, 32) + _END
        yield head + place + unsigned(len(data)) + data
