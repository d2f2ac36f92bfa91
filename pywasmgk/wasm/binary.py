"""The binary format (spec, chapter "Binary Format"): bytes to a Module, driven by ppci's reader.

``BinaryFileReader`` dispatches sections and definitions and makes the components. This subclass
gives it primitives that work on positions in the file and check everything, the forms that came
after the first release of WebAssembly, and function bodies as byte ranges.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DecodeError, ValidationError
from .bodies import MAX_LOCALS
from .decoding import read_opcode
from .isa import InstructionSet
from .isa.immediates import READERS, VALUE_TYPES
from .leb128 import read_signed, read_u32
from .names import clean
from .ppci_import import (
    BinaryFileReader,
    CustomSection,
    DataSegment,
    ElementSegment,
    ReferenceTable,
    arguments,
    components,
)
from .types import (
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemoryType,
    TableType,
    ValType,
)

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Body", "ConstExpr", "Data", "Element", "ModuleReader", "Span"]

_DATA_COUNT = 12
#: sections in the order in which they must come
_ORDER = {number: place for place, number in enumerate((1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11))}
#: sections that hold a counted vector
_VECTORS = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 10, 11))
_KINDS = ("func", "table", "memory", "global")
_MODES = ("active", "passive", "active", "declarative")
#: what people load by mistake, by its first bytes
_MISTAKEN = {
    b"(": "WebAssembly text: give it as a str",
    b"<": "a web page",
    b"PK": "a zip archive",
    b"\x1f\x8b": "gzip: unpack it first",
    b"\x7fELF": "a native program",
}
#: limits flags, value types and forms of types that belong to proposals
_LIMITS_PROPOSALS = {2: "threads", 3: "threads", 4: "memory64", 5: "memory64"}
_TYPE_PROPOSALS = {
    **dict.fromkeys((0x63, 0x64), "the function references proposal"),
    **dict.fromkeys((*range(0x6A, 0x6F), *range(0x71, 0x74)), "garbage collection"),
    **dict.fromkeys((0x69, 0x74), "exception handling"),
}
_FORM_PROPOSALS = dict.fromkeys((0x4E, 0x4F, 0x50, 0x5E, 0x5F), "garbage collection")


class Span(NamedTuple):
    """A range of bytes in the file."""

    start: int
    end: int


#: where a function's locals and code are
Body = Span
#: where a constant expression is, its ``end`` included
ConstExpr = Span


class Element(NamedTuple):
    """An element segment."""

    mode: str
    table: int
    offset: ConstExpr | None
    type: ValType
    #: function indices, or constant expressions
    init: list[Any]
    #: where the segment begins in the file
    offset_in_file: int


class Data(NamedTuple):
    """A data segment; its bytes are ``start`` to ``end`` of the file."""

    mode: str
    memory: int
    offset: ConstExpr | None
    start: int
    end: int


class _Lazy(Sequence[Any]):
    """Part of a body as ppci has it, decoded anew each time somebody looks."""

    # no reference to the module: it would keep modules alive until the garbage collector runs
    __slots__ = ("_data", "_isa", "_span")

    def __init__(self, data: bytes, instructions: InstructionSet, span: Span) -> None:
        self._data = data
        self._isa = instructions
        self._span = span

    def _decode(self) -> list[Any]:
        reader = ModuleReader(self._data, self._isa)
        with reader.push_data(self._span):
            return self._read(reader)

    @staticmethod
    @abstractmethod
    def _read(reader: ModuleReader) -> list[Any]:
        """What there is of the body that ``reader`` is at."""

    def __len__(self) -> int:
        return len(self._decode())

    def __getitem__(self, index: Any) -> Any:
        return self._decode()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._decode())

    def __repr__(self) -> str:
        return repr(self._decode())


class _Locals(_Lazy):
    """The declared locals, as pairs of no name and a type."""

    __slots__ = ()

    @staticmethod
    def _read(reader: ModuleReader) -> list[Any]:
        found = reader.read_locals()
        reader.read_exactly()
        return found


class _Instructions(_Lazy):
    """The instructions, without the last ``end``."""

    __slots__ = ()

    @staticmethod
    def _read(reader: ModuleReader) -> list[Any]:
        reader.read_locals()
        return list(reader.read_expression())


class ModuleReader(BinaryFileReader):  # type: ignore[misc]
    """Reads one module; what it finds goes into ``module`` and into ppci's definitions."""

    module: Module

    def __init__(self, data: bytes, instructions: InstructionSet) -> None:
        super().__init__(None)
        self.data = data
        self.isa = instructions
        self.pos = 0
        #: where the section, or what is read of it, ends
        self.limit = len(data)
        self.in_section = False
        self.last_place = -1
        #: an index that leads nowhere, to be raised once the whole file is well-formed
        self.invalid: ValidationError | None = None
        self.imports: list[ImportType] = []
        #: name, kind, index and offset of exports, whose types may be known only later
        self.exports: list[tuple[str, str, int, int]] = []

    # -- the whole file

    def read_module(self, module: Module) -> None:
        """Reads all sections. Raises DecodeError, or ValidationError for an index out of range."""
        self.module = module
        self.spaces: dict[str, list[Any]] = {
            "func": module.functions,
            "table": module.tables,
            "memory": module.memories,
            "global": module.globals,
        }
        super().read_module(module)
        self._require_bodies()
        if module.data_count is not None and module.data_count != len(module.datas):
            raise self.malformed("data count and data section have inconsistent lengths")
        module.imports = tuple(self.imports)
        module.exports = tuple(self._typed_exports())
        if self.invalid is not None:
            raise self.invalid

    def _typed_exports(self) -> Iterator[ExportType]:
        for name, kind, index, at in self.exports:
            space = self.spaces[kind]
            if index < len(space):
                yield ExportType(name, kind, space[index], index)
            else:
                self.defer(f"unknown {_word(kind)} {index} in export {clean(name)!r}", at)

    def _require_bodies(self) -> None:
        declared = len(self._type4func)
        if declared != len(self.module.bodies):
            raise self.malformed(
                "function and code section have inconsistent lengths: "
                f"{declared} functions, {len(self.module.bodies)} bodies"
            )

    def read_header(self) -> None:
        """Magic number and version."""
        magic, version = self.data[:4], self.data[4:8]
        cut = f": unexpected end of a file of {len(self.data)} bytes" if len(self.data) < 8 else ""
        if magic != b"\0asm":
            kinds = (kind for start, kind in _MISTAKEN.items() if magic.startswith(start))
            what = "".join(f" (this is {kind})" for kind in kinds)
            raise DecodeError(f"invalid magic number: magic header not detected{what}{cut}", 0)
        if version != b"\1\0\0\0":
            what = " (a component, not a module)" if version[2:3] == b"\1" else ""
            raise DecodeError(f"invalid version header: unknown binary version{what}{cut}", 4)
        self.pos = 8

    def read_section(self, section_id: int) -> None:
        """Checks a section's order and count, and lets ppci's reader read it."""
        if section_id:
            place = _ORDER.get(section_id)
            if place is None:
                what = ": exception handling is not supported" if section_id == 13 else ""
                raise self.malformed(f"malformed section id {section_id}{what}")
            if place <= self.last_place:
                raise self.malformed("unexpected content after last section: sections out of order")
            self.last_place = place
        if section_id in _VECTORS:
            count, after = read_u32(self.data, self.pos)
            if count > self.limit - after:
                raise self.malformed(
                    f"unexpected end: {count} definitions in {self.limit - after} bytes"
                )
        if section_id == _DATA_COUNT:
            self.module.data_count = self.read_uint()
        else:
            super().read_section(section_id)

    # -- errors

    def malformed(self, message: str, at: int | None = None) -> DecodeError:
        """A DecodeError at a position, by default the present one."""
        return DecodeError(message, self.pos if at is None else at)

    def defer(self, message: str, at: int) -> None:
        """Remembers the first index out of range."""
        if self.invalid is None:
            self.invalid = ValidationError(message, at)

    # -- primitives, by position

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

    def _within(self, value: Any, after: int) -> Any:
        if after > self.limit:
            raise self.malformed("unexpected end")
        self.pos = after
        return value

    def read_uint(self) -> int:
        """An unsigned 32-bit integer."""
        value: int = self._within(*read_u32(self.data, self.pos))
        return value

    def read_int(self) -> int:
        """A signed integer of at most 64 bits."""
        value: int = self._within(*read_signed(self.data, self.pos, 64))
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
        return str(self._value_type())

    def _value_type(self) -> ValType:
        at = self.pos
        byte = self.read_byte()
        kind = VALUE_TYPES.get(byte)
        if kind is None:
            raise self.malformed(
                f"malformed value type {byte:#04x}{_why(_TYPE_PROPOSALS, byte)}", at
            )
        return kind

    def _reference_type(self) -> ValType:
        at = self.pos
        kind = self._value_type()
        if not kind.is_reference:
            raise self.malformed(f"malformed reference type {self.data[at]:#04x}", at)
        return kind

    def read_limits(self) -> Limits:
        """A minimum, and a maximum where the flag says so."""
        at = self.pos
        flag = self.read_byte()
        if flag > 1:
            why = _why(_LIMITS_PROPOSALS, flag, "the {} proposal")
            # the flag was one integer, too long or too large, before there were proposals
            fault = "representation too long" if flag & 0x80 else "too large"
            raise self.malformed(f"malformed limits flags {flag:#04x}: integer {fault}{why}", at)
        minimum = self.read_uint()
        return Limits(minimum, self.read_uint() if flag else None)

    def _mutability(self) -> bool:
        at = self.pos
        flag = self.read_byte()
        if flag > 1:
            raise self.malformed(f"malformed mutability {flag:#04x}", at)
        return bool(flag)

    # -- definitions

    def read_type_definition(self) -> Any:
        """A function type."""
        form = self.data[self.pos] if self.pos < self.limit else 0x60
        if form != 0x60:
            why = _why(_FORM_PROPOSALS, form)
            raise self.malformed(f"malformed function type: form {form:#04x}{why}")
        definition = super().read_type_definition()
        self.module.types.append(
            FuncType(
                tuple(ValType(kind) for _, kind in definition.params),
                tuple(ValType(kind) for kind in definition.results),
            )
        )
        return definition

    def _function_type(self, index: int, at: int) -> FuncType:
        if index < len(self.module.types):
            return self.module.types[index]
        self.defer(f"unknown type {index} of function {len(self.module.functions)}", at)
        return FuncType()

    def read_import_definition(self) -> Any:
        """An import."""
        module, name = self.read_str(), self.read_str()
        at = self.pos
        number = self.read_byte()
        if number >= len(_KINDS):
            what = ": exception handling is not supported" if number == 4 else ""
            raise self.malformed(f"malformed import kind {number:#04x}{what}", at)
        kind = _KINDS[number]
        type_, info = self._import_type(kind)
        definition = components.Import(module, name, kind, self.gen_id(kind), info)
        self.add_definition(kind, definition)
        self.imports.append(ImportType(module, name, kind, type_))
        self.spaces[kind].append(type_)
        self.module.import_counts[kind] += 1
        return definition

    def _import_type(self, kind: str) -> tuple[ExternType, tuple[Any, ...]]:
        """The type of an import, for us and as ppci has it."""
        if kind == "func":
            at = self.pos
            ref = self.read_space_ref("type")
            return self._function_type(ref.index, at), (ref,)
        if kind == "table":
            table = TableType(self._reference_type(), self.read_limits())
            return table, (str(table.element), *table.limits)
        if kind == "memory":
            limits = self.read_limits()
            return MemoryType(limits), tuple(limits)
        global_ = GlobalType(self._value_type(), self._mutability())
        return global_, (str(global_.value_type), global_.mutable)

    def read_function_prototypes(self) -> None:
        """The types of the functions that the module defines."""
        at = self.pos
        super().read_function_prototypes()
        functions = self.module.functions
        for index in self._type4func.values():
            functions.append(self._function_type(index, at))

    def read_table_definition(self) -> Any:
        """A table."""
        table = TableType(self._reference_type(), self.read_limits())
        self.module.tables.append(table)
        definition = ReferenceTable(self.gen_id("table"), str(table.element), *table.limits)
        self.add_definition("table", definition)
        return definition

    def read_memory_definition(self) -> Any:
        """A memory."""
        definition = super().read_memory_definition()
        self.module.memories.append(MemoryType(Limits(definition.min, definition.max)))
        return definition

    def read_global_definition(self) -> Any:
        """A global and its initial value."""
        global_ = GlobalType(self._value_type(), self._mutability())
        instructions, init = self._constant()
        self.module.globals.append(global_)
        self.module.global_inits.append(init)
        definition = components.Global(
            self.gen_id("global"), str(global_.value_type), global_.mutable, instructions
        )
        self.add_definition("global", definition)
        return definition

    def read_export_definition(self) -> Any:
        """An export; its index is checked when all sections are read."""
        name = self.read_str()
        at = self.pos
        number = self.read_byte()
        if number >= len(_KINDS):
            raise self.malformed(f"malformed export kind {number:#04x}", at)
        kind = _KINDS[number]
        ref = self.read_space_ref(kind)
        self.exports.append((name, kind, ref.index, at))
        return components.Export(name, kind, ref)

    def read_start_definition(self) -> Any:
        """The start function."""
        definition = super().read_start_definition()
        self.module.start = definition.ref.index
        return definition

    def read_elem_definition(self) -> Any:
        """An element segment, in any of its eight forms."""
        at = self.pos
        flags = self.read_uint()
        if flags > 7:
            raise self.malformed(f"malformed elements segment kind {flags}", at)
        mode = _MODES[flags & 3]
        table = self.read_uint() if flags & 3 == 2 else 0
        instructions, offset = self._constant() if flags & 1 == 0 else ([], None)
        kind = self._element_kind(flags)
        count = self.read_uint()
        if count > self.limit - self.pos:
            raise self.malformed(f"unexpected end: {count} elements announced")
        init: list[Any] = (
            [self._constant()[1] for _ in range(count)]
            if flags & 4
            else [self.read_uint() for _ in range(count)]
        )
        segment = Element(mode, table, offset, kind, init, at)
        self.module.elements.append(segment)
        return ElementSegment(table, instructions, segment)

    def _element_kind(self, flags: int) -> ValType:
        if not flags & 3:
            return ValType.FUNCREF
        if flags & 4:
            return self._reference_type()
        at = self.pos
        kind = self.read_byte()
        if kind:
            raise self.malformed(f"malformed element kind {kind:#04x}", at)
        return ValType.FUNCREF

    def read_data_definition(self) -> Any:
        """A data segment."""
        at = self.pos
        flags = self.read_uint()
        if flags > 2:
            raise self.malformed(f"malformed data segment kind {flags}", at)
        memory = self.read_uint() if flags == 2 else 0
        instructions, offset = ([], None) if flags == 1 else self._constant()
        start, end = self.read_length_prefixed_bytes()
        segment = Data("passive" if flags == 1 else "active", memory, offset, start, end)
        self.module.datas.append(segment)
        return DataSegment(memory, instructions, self.data[start:end], segment)

    def read_func_definition(self, index: int) -> Any:
        """A function body, as the range of its bytes."""
        at = self.pos
        span = self.read_length_prefixed_bytes()
        if index not in self._type4func:
            raise self.malformed("function and code section have inconsistent lengths", at)
        self.module.bodies.append(span)
        definition = components.Func.__new__(components.Func)
        definition.id = self.gen_id("func")
        definition.ref = components.Ref("type", index=self._type4func[index])
        definition.locals = _Locals(self.data, self.isa, span)
        definition.instructions = _Instructions(self.data, self.isa, span)
        self.add_definition("func", definition)
        return definition

    def read_locals(self) -> list[tuple[None, str]]:
        """The locals that a body declares, one by one, as ppci has them."""
        found: list[tuple[None, str]] = []
        for _ in range(self.read_uint()):
            at = self.pos
            count = self.read_uint()
            if count > MAX_LOCALS - len(found):
                raise self.malformed(f"too many locals: at most {MAX_LOCALS}", at)
            found += [(None, self.read_type())] * count
        return found

    def read_custom_definition(self) -> Any:
        """A custom section; only its name is looked at."""
        name = self.read_str()
        self.module.custom_sections.append((name, self.pos, self.limit))
        return CustomSection(name, self.read_exactly())

    # -- constant expressions

    def _constant(self) -> tuple[list[Any], ConstExpr]:
        start = self.pos
        instructions = self.read_expression()
        return instructions, ConstExpr(start, self.pos)

    def read_instruction(self) -> Any:
        """One instruction, as a ppci component: of constant expressions, and for show."""
        if self.pos >= self.limit:
            raise self.malformed("unexpected end: END opcode expected")
        row, pos = read_opcode(self.data, self.pos, 0, self.isa)
        found: list[Any] = []
        for kind in row.immediates:
            value, pos = READERS[kind](self.data, pos, 0)
            found += arguments(kind, value)
        self._within(None, pos)
        if not found:
            return _bare(row.name)
        block = row.form in ("block", "loop", "if")
        component = components.BlockInstruction if block else components.Instruction
        return component(row.name, *found)


@lru_cache(maxsize=1024)
def _bare(name: str) -> Any:
    """An instruction without immediates, one for all places."""
    return components.Instruction(name)


def _why(proposals: dict[int, str], byte: int, wording: str = "{}") -> str:
    """The end of an error message: which proposal a byte belongs to, if one is known."""
    if byte not in proposals:
        return ""
    return f": {wording.format(proposals[byte])} is not supported"


def _word(kind: str) -> str:
    return "function" if kind == "func" else kind
