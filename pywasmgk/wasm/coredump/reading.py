"""Core dumps from bytes, of whatever engine (tool-conventions, "Coredump.md").

Everything is checked against the bytes that there are; what does not fit is a DecodeError with its
offset. Dumps of the format's first version, whose frames name no instance, are read too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import Any, TypeVar

from ...errors import DecodeError
from ...printable import printable
from ..binary.header import check_header
from ..binary.leb128 import read_signed, read_unsigned
from ..binary.parts import Span
from ..binary.primitives import PositionReader
from ..isa.immediates import VALUE_TYPES
from ..isa.numerics import f32_of_bits, f64_of_bits
from ..types import MAX_PAGES, ValType
from .dump import CoreDump
from .parts import CoreFrame, CoreGlobal, CoreInstance, CoreMemory, CoreThread, CoreValue
from .writing import MISSING, NUMBERS

__all__ = ["read_dump"]

_T = TypeVar("_T")
_U32, _U64 = Struct("<I"), Struct("<Q")
_CUSTOM, _MEMORY, _GLOBAL, _DATA = 0, 5, 6, 11
#: sections that name what a dump has, each of them once
_ONCE = ("core", "coremodules", "coreinstances")
_BY_BYTE = {byte: kind for kind, byte in NUMBERS.items()}
#: typed references, behind whose byte a heap type stands
_TYPED_REFERENCES = (0x63, 0x64)
#: flags of limits: a maximum, shared, addresses of 64 bits
_HAS_MAXIMUM, _SHARED, _IS_64 = 1, 2, 4
#: of a memory with such addresses; Python counts its bytes
_MOST_PAGES = 1 << 46
#: constants: opcodes, and how many bits their numbers have
_INTEGERS = {0x41: 32, 0x42: 64}
_F32, _F64, _VECTOR, _REF_NULL, _REF_FUNC, _END = 0x43, 0x44, 0xFD, 0xD0, 0xD2, 0x0B


def read_dump(data: bytes) -> CoreDump:
    """The dump in a file. Raises DecodeError."""
    data = bytes(data)
    check_header(data)
    reader = _Reader(data)
    customs: dict[str, list[Span]] = {}
    plain: dict[int, Span] = {}
    for number, name, span in reader.sections():
        if number in plain or (name in _ONCE and name in customs):
            raise DecodeError(f"a second section {name or number}", span.start)
        if number == _CUSTOM:
            customs.setdefault(name, []).append(span)
        else:
            plain[number] = span
    if "core" not in customs and "corestack" not in customs:
        raise DecodeError("no core dump: sections core and corestack are missing", len(data))
    return _Contents(reader, customs, plain).dump()


class _Reader(PositionReader):
    """The primitives of the binary format, and those of dumps."""

    def sections(self) -> Iterator[tuple[int, str, Span]]:
        """Number, name (of those that are not custom: none) and content of each section."""
        self.pos = 8
        while self.pos < len(self.data):
            number = self.data[self.pos]
            self.pos += 1
            span = self.read_length_prefixed_bytes()
            name = ""
            if number == _CUSTOM:
                with self.push_data(span):
                    name = self.read_str()
                    span = Span(self.pos, span.end)
                    self.pos = span.end
                self.pos = span.end
            yield number, name, span

    def vector(self, item: Callable[[], _T]) -> list[_T]:
        """A counted vector, each of whose items has a byte at least."""
        at = self.pos
        count = self.read_uint()
        if count > self.limit - self.pos:
            raise self.malformed(f"{count} items announced, {self.limit - self.pos} bytes left", at)
        return [item() for _ in range(count)]

    def zero(self) -> None:
        """The version of a part."""
        if self.read_byte() != 0:
            raise self.malformed("a part of a version that is not known", self.pos - 1)

    def name(self) -> str:
        """A name, cleaned for messages."""
        return printable(self.read_str())

    def signed(self, bits: int) -> int:
        """A signed integer."""
        value: int = self.within(*read_signed(self.data, self.pos, bits))
        return value

    def value(self) -> CoreValue | None:
        """A local or an operand; ``None`` for one that is missing."""
        at = self.pos
        byte = self.read_byte()
        if byte == MISSING[0]:
            return None
        kind = _BY_BYTE.get(byte)
        if kind is None:
            raise self.malformed(f"a value of type {byte:#04x}", at)
        if kind is ValType.I32 or kind is ValType.I64:
            return CoreValue(kind, self.signed(32 if kind is ValType.I32 else 64))
        return CoreValue(kind, self.float(kind))

    def float(self, kind: ValType) -> Any:
        """A float, its NaN's bits kept."""
        if kind is ValType.F32:
            return f32_of_bits(_U32.unpack(self.read_exactly(4))[0])
        return f64_of_bits(_U64.unpack(self.read_exactly(8))[0])

    def memory(self) -> tuple[int, int | None]:
        """Pages of a memory, and its maximum."""
        at = self.pos
        flags = self.read_byte()
        if flags & ~(_HAS_MAXIMUM | _SHARED | _IS_64):
            raise self.malformed(f"limits with flags {flags:#04x}", at)
        bits, most = (64, _MOST_PAGES) if flags & _IS_64 else (32, MAX_PAGES)
        pages: int = self.within(*read_unsigned(self.data, self.pos, bits))
        if pages > most:
            raise self.malformed(f"a memory of {pages} pages", at)
        maximum = None
        if flags & _HAS_MAXIMUM:
            maximum = self.within(*read_unsigned(self.data, self.pos, bits))
        return pages, maximum

    def kind(self) -> ValType:
        """A type of globals; a typed reference is a reference."""
        at = self.pos
        byte = self.read_byte()
        if byte in _TYPED_REFERENCES:
            self.signed(33)
            return ValType.EXTERNREF
        if byte in VALUE_TYPES:
            return VALUE_TYPES[byte]
        if 0x60 <= byte < 0x78:
            # the proposals' own references
            return ValType.EXTERNREF
        raise self.malformed(f"a global of type {byte:#04x}", at)

    def constant(self) -> Any:
        """What a constant expression of one instruction gives; of a reference nothing is known."""
        at = self.pos
        opcode = self.read_byte()
        value: Any = None
        if opcode in _INTEGERS:
            value = self.signed(_INTEGERS[opcode])
        elif opcode in (_F32, _F64):
            value = self.float(ValType.F32 if opcode == _F32 else ValType.F64)
        elif opcode == _VECTOR and self.read_uint() == 12:
            value = self.read_exactly(16)
        elif opcode == _REF_NULL:
            self.signed(33)
        elif opcode == _REF_FUNC:
            self.read_uint()
        else:
            raise self.malformed("an expression that is no constant", at)
        if self.read_byte() != _END:
            raise self.malformed("an expression of more than one constant", at)
        return value


class _Contents:
    """The parts of a dump in a file, whose sections are known."""

    def __init__(
        self, reader: _Reader, customs: dict[str, list[Span]], plain: dict[int, Span]
    ) -> None:
        self._reader = reader
        self._customs = customs
        self._plain = plain
        #: frames of the format's first version name no instance
        self._names_instances = "coreinstances" in customs

    def dump(self) -> CoreDump:
        """All of it, checked."""
        reader = self._reader
        executable = self._first("core", self._core) or ""
        modules = self._first("coremodules", lambda: reader.vector(self._module)) or []
        memories = self._memories()
        globals_ = self._vector(_GLOBAL, self._global)
        instances = self._first("coreinstances", lambda: reader.vector(self._instance))
        if instances is None:
            everything = [*range(len(memories))], [*range(len(globals_))]
            modules = modules or [executable]
            instances = [CoreInstance(0, *everything)]
        threads = [self._within(span, self._thread) for span in self._customs.get("corestack", ())]
        dump = CoreDump(executable, modules, instances, threads, memories, globals_)
        _require_indices(dump)
        return dump

    def _within(self, span: Span, read: Callable[[], _T]) -> _T:
        with self._reader.push_data(span):
            return read()

    def _first(self, name: str, read: Callable[[], _T]) -> _T | None:
        spans = self._customs.get(name)
        return self._within(spans[0], read) if spans else None

    def _vector(self, number: int, item: Callable[[], _T]) -> list[_T]:
        span = self._plain.get(number)
        return self._within(span, lambda: self._reader.vector(item)) if span else []

    # -- custom sections

    def _core(self) -> str:
        self._reader.zero()
        return self._reader.name()

    _module = _core

    def _instance(self) -> CoreInstance:
        reader = self._reader
        reader.zero()
        module = reader.read_uint()
        memories, globals_ = (reader.vector(reader.read_uint) for _ in range(2))
        return CoreInstance(module, memories, globals_)

    def _thread(self) -> CoreThread:
        reader = self._reader
        reader.zero()
        name = reader.name()
        return CoreThread(name, reader.vector(self._frame))

    def _frame(self) -> CoreFrame:
        reader = self._reader
        reader.zero()
        instance = reader.read_uint() if self._names_instances else 0
        function, offset = reader.read_uint(), reader.read_uint()
        locals_, stack = (reader.vector(reader.value) for _ in range(2))
        return CoreFrame(instance, function, offset, locals_, stack)

    # -- what a module has, too

    def _global(self) -> CoreGlobal:
        reader = self._reader
        at = reader.pos
        kind = reader.kind()
        reader.read_byte()
        value = reader.constant()
        if not _fits(kind, value):
            raise reader.malformed(f"a global of type {kind} with another value", at)
        return CoreGlobal(kind, value)

    def _memories(self) -> list[CoreMemory]:
        sizes = self._vector(_MEMORY, self._reader.memory)
        segments: list[list[tuple[int, bytes]]] = [[] for _ in sizes]
        memories = [
            CoreMemory(pages, own, maximum) for (pages, maximum), own in zip(sizes, segments)
        ]
        self._vector(_DATA, lambda: self._segment(memories, segments))
        return memories

    def _segment(
        self, memories: Sequence[CoreMemory], segments: Sequence[list[tuple[int, bytes]]]
    ) -> None:
        reader = self._reader
        at = reader.pos
        form = reader.read_uint()
        if form not in (0, 2):
            raise reader.malformed("a segment that is not active", at)
        index = reader.read_uint() if form else 0
        start = reader.constant()
        span = reader.read_length_prefixed_bytes()
        if index >= len(memories) or not isinstance(start, int):
            raise reader.malformed("a segment of no memory", at)
        # addresses are unsigned
        start &= (1 << 64) - 1 if memories[index].pages > MAX_PAGES else (1 << 32) - 1
        if start + span.end - span.start > len(memories[index]):
            raise reader.malformed("a segment that does not fit into its memory", at)
        segments[index].append((start, reader.data[span.start : span.end]))


def _fits(kind: ValType, value: Any) -> bool:
    """Whether a constant's value is one of a type."""
    if kind in (ValType.I32, ValType.I64):
        return isinstance(value, int)
    if kind in (ValType.F32, ValType.F64):
        return isinstance(value, float)
    return isinstance(value, bytes) if kind is ValType.V128 else value is None


def _require_indices(dump: CoreDump) -> None:
    """Raises DecodeError where a part names another one that is not there."""
    for instance in dump.instances:
        wrong = [index for index in instance.memories if index >= len(dump.memories)]
        wrong += [index for index in instance.globals if index >= len(dump.globals)]
        if wrong or instance.module >= max(len(dump.modules), 1):
            raise DecodeError("a core dump whose instances have what is not in it")
    for thread in dump.threads:
        if any(frame.instance >= len(dump.instances) for frame in thread.frames):
            raise DecodeError("a core dump whose frames are of instances that are not in it")
