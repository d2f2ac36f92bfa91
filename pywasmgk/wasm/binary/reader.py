"""The binary format (spec, chapter "Binary Format"): bytes to a Module, driven by ppci's reader.

``BinaryFileReader`` dispatches sections and definitions and makes the components. This subclass
gives it primitives that work on positions in the file and check everything, the forms that came
after the first release of WebAssembly, and function bodies as byte ranges.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import ValidationError
from ...printable import printable
from ..isa import CONTROL_FORMS, InstructionSet
from ..isa.immediates import READERS, VALUE_TYPES
from ..types import (
    ExportType,
    ExternType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
)
from ..valid.bodies import MAX_LOCALS
from ..watch import Look, each, never
from .decoding import read_opcode
from .header import check_header
from .leb128 import read_u32, short_signed, short_unsigned, skip_numbers
from .parts import Body, ConstExpr, Data, Element, Span
from .plain_forms import plain_segment, short_expression
from .ppci_import import (
    CustomSection,
    DataSegment,
    ElementSegment,
    ReferenceTable,
    Tag,
    TagExport,
    TagImport,
    arguments,
    components,
    reference,
)
from .primitives import PositionReader, reason
from .unkept import OFTEN, Dropped, Ids, Numbered

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["Body", "ConstExpr", "Data", "Element", "ModuleReader", "Span"]

_IMPORT, _DATA, DATA_COUNT, _TAG = 2, 11, 12, 13
#: stand in the place of an import's kind, where there are several of a module, or of a type too
_OF_ONE_MODULE, _OF_ONE_TYPE = 0x7F, 0x7E
#: sections in the order in which they must come
_ORDER = {number: place for place, number in enumerate((1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11))}
#: sections that hold a counted vector
_VECTORS = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13))
_KINDS = ("func", "table", "memory", "global", "tag")
#: short constant expressions that are known again
_MOST_KNOWN = 1_000
#: plain data segments between two looks at the clock
_SEGMENTS_AT_ONCE = 512
_MODES = ("active", "passive", "active", "declarative")
#: stands where an index leads nowhere
_UNKNOWN_TYPE = FuncType()
#: begins a table with an initial value
_INITIALIZED_TABLE = 0x40
_FORM_PROPOSALS = {
    **dict.fromkeys((0x4E, 0x4F, 0x50, 0x5E, 0x5F), "garbage collection"),
    0x5D: "the stack switching proposal",
}


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


class ModuleReader(PositionReader):
    """Reads one module; what it finds goes into ``module``. ppci's definitions are kept only if
    ``keep`` says so: they take some 200 bytes each, where the file needs two for one."""

    module: Module

    def __init__(
        self,
        data: bytes,
        instructions: InstructionSet,
        *,
        keep: bool = False,
        look: Look = never,
    ) -> None:
        super().__init__(data)
        self.isa = instructions
        #: called now and then with the position, to end the reading in time
        self.look = look
        self.keep = keep
        self.last_place = -1
        #: an index that leads nowhere, to be raised once the whole file is well-formed
        self.invalid: ValidationError | None = None
        self._definitions_read = 0
        self.imports: list[ImportType] = []
        self.exports: list[ExportType] = []
        #: constant expressions that were read, to be known again
        self._expressions: set[bytes] = set()

    # -- the whole file

    def read_module(self, module: Module) -> None:
        """Reads all sections. Raises DecodeError, or ValidationError for an index out of range."""
        self.module = module
        self.spaces: dict[str, list[Any]] = {
            "func": module.functions,
            "table": module.tables,
            "memory": module.memories,
            "global": module.globals,
            "tag": module.tags,
        }
        super().read_module(module)
        self._require_bodies()
        if module.data_count is not None and module.data_count != len(module.datas):
            raise self.malformed("data count and data section have inconsistent lengths")
        module.imports = tuple(self.imports)
        module.exports = tuple(self.exports)
        if self.invalid is not None:
            raise self.invalid

    def _require_bodies(self) -> None:
        declared = len(self._type4func)
        if declared != len(self.module.bodies):
            raise self.malformed(
                "function and code section have inconsistent lengths: "
                f"{declared} functions, {len(self.module.bodies)} bodies"
            )

    def read_header(self) -> None:
        """Magic number and version."""
        check_header(self.data)
        self.pos = 8

    def read_section(self, section_id: int) -> None:
        """Checks a section's order and count, and lets ppci's reader read it."""
        self.look(self.pos)
        if not isinstance(self._type4func, Numbered):
            self._save_room()
        if section_id:
            place = _ORDER.get(section_id)
            if place is None:
                raise self.malformed(f"malformed section id {section_id}")
            if place <= self.last_place:
                raise self.malformed("unexpected content after last section: sections out of order")
            self.last_place = place
        if section_id in _VECTORS:
            count, after = read_u32(self.data, self.pos)
            if count > self.limit - after:
                raise self.malformed(
                    f"unexpected end: {count} definitions in {self.limit - after} bytes"
                )
        if section_id == DATA_COUNT:
            self.module.data_count = self.read_uint()
        elif section_id == _DATA and not self.keep:
            self.read_datas()
        elif section_id == _IMPORT:
            # ppci knows no groups of them, each of which counts as many as it has
            count = self.read_uint()
            while len(self.imports) < count:
                self.read_definition(components.Import)
        elif section_id == _TAG:
            for _ in range(self.read_uint()):
                self._definitions.append(self.read_definition(Tag))
        else:
            super().read_section(section_id)

    def _save_room(self) -> None:
        """Puts something lean in the place of what ppci fills while it reads."""
        self._type4func = Numbered(self.look)
        self._id_maps["tag"] = {}
        if not self.keep:
            self._definitions = Dropped()
            self._id_maps: Any = {space: Ids() for space in self.spaces}
            self._id_maps["type"] = Ids()

    def defer(self, message: str, at: int) -> None:
        """Remembers the first index out of range."""
        if self.invalid is None:
            self.invalid = ValidationError(message, at)

    # -- definitions

    def read_definition(self, cls: Any) -> Any:
        """Any definition of a section."""
        self._definitions_read += 1
        if not self._definitions_read % OFTEN:
            self.look(self.pos)
        # ppci knows no tags
        return self.read_tag_definition() if cls is Tag else super().read_definition(cls)

    def read_type_definition(self) -> Any:
        """A function type."""
        form = self.data[self.pos] if self.pos < self.limit else 0x60
        if form != 0x60:
            why = reason(_FORM_PROPOSALS, form)
            raise self.malformed(f"malformed function type: form {form:#04x}{why}")
        self.read_byte()
        kind = FuncType(self._types(), self._types())
        self.module.types.append(kind)
        params = enumerate(map(str, kind.params)) if self.keep else ()
        results = map(str, kind.results) if self.keep else ()
        definition = components.Type(self.gen_id("type"), [*params], [*results])
        self.add_definition("type", definition)
        return definition

    def _types(self) -> tuple[ValType, ...]:
        """A list of value types."""
        count = self.read_uint()
        kinds = map(VALUE_TYPES.get, self.data[self.pos : min(self.pos + count, self.limit)])
        found = tuple([kind for kind in kinds if kind is not None])
        if len(found) == count:
            self.pos += count
            return found
        return tuple([self.value_type() for _ in range(count)])

    def _function_type(self, index: int, at: int) -> FuncType:
        if index < len(self.module.types):
            return self.module.types[index]
        self.defer(f"unknown type {index} of function {len(self.module.functions)}", at)
        return _UNKNOWN_TYPE

    def read_import_definition(self) -> Any:
        """An import, or those that share a module, and perhaps a type (the compact import section
        proposal)."""
        module, name = self.read_str(), self.read_str()
        group = self.data[self.pos] if self.pos < self.limit and not name else 0
        if group not in (_OF_ONE_MODULE, _OF_ONE_TYPE):
            return self._import(module, name)
        self.module.groups_imports = True
        self.read_byte()
        place = self.pos
        if group == _OF_ONE_TYPE:
            self._import_type(self._import_kind())
        for _ in each(range(self.read_uint()), self.look, place):
            name, behind = self.read_str(), self.pos
            if group == _OF_ONE_TYPE:
                self.pos = place
            self._import(module, name)
            if group == _OF_ONE_TYPE:
                self.pos = behind
        return None

    def _import_kind(self) -> str:
        at = self.pos
        number = self.read_byte()
        if number >= len(_KINDS):
            raise self.malformed(f"malformed import kind {number:#04x}", at)
        return _KINDS[number]

    def _import(self, module: str, name: str) -> None:
        """An import of which the names were read."""
        kind = self._import_kind()
        type_, info = self._import_type(kind)
        definition: Any
        if kind == "tag":
            definition = TagImport(module, name, self.gen_id(kind), str(type_))
        else:
            definition = components.Import(module, name, kind, self.gen_id(kind), info)
        self.add_definition(kind, definition)
        self.imports.append(ImportType(module, name, kind, type_))
        self._definitions.append(definition)
        self.spaces[kind].append(type_)
        self.module.import_counts[kind] += 1

    def _import_type(self, kind: str) -> tuple[ExternType, tuple[Any, ...]]:
        """The type of an import, for us and as ppci has it."""
        if kind == "func":
            at = self.pos
            ref = self.read_space_ref("type")
            return self._function_type(ref.index, at), (ref,)
        if kind == "table":
            table = _table_type(self.reference_type(), self.read_limits())
            return table, (str(table.element), *table.limits)
        if kind == "memory":
            memory = _memory_type(*self.read_memory_limits())
            return memory, tuple(memory.limits)
        if kind == "tag":
            return self._tag_type(), ()
        global_ = _global_type(self.value_type(), self.mutability())
        return global_, (str(global_.value_type), global_.mutable)

    def read_function_prototypes(self) -> None:
        """The types of the functions that the module defines."""
        at = self.pos
        super().read_function_prototypes()
        functions, known = self.module.functions, len(self.module.types)
        for number, index in enumerate(self._type4func):
            first = index >= known and self.invalid is None
            where = skip_numbers(self.data, at, 1 + number) if first else at
            functions.append(self._function_type(index, where))

    def read_table_definition(self) -> Any:
        """A table."""
        if self.data[self.pos : self.pos + 1] == bytes([_INITIALIZED_TABLE]):
            why = reason(
                {_INITIALIZED_TABLE: "the function references proposal"}, _INITIALIZED_TABLE
            )
            raise self.malformed(f"a table with an initial value{why}")
        table = _table_type(self.reference_type(), self.read_limits())
        self.module.tables.append(table)
        definition = ReferenceTable(self.gen_id("table"), str(table.element), *table.limits)
        self.add_definition("table", definition)
        return definition

    def read_memory_definition(self) -> Any:
        """A memory."""
        memory = _memory_type(*self.read_memory_limits())
        self.module.memories.append(memory)
        definition = components.Memory(self.gen_id("memory"), *memory.limits)
        self.add_definition("memory", definition)
        return definition

    def _tag_type(self) -> TagType:
        """The type of a tag: an attribute, which is zero, and a function type without results."""
        at = self.pos
        attribute = self.read_byte()
        if attribute:
            raise self.malformed(f"malformed tag attribute {attribute:#04x}", at)
        at = self.pos
        index = self.read_uint()
        kind = _UNKNOWN_TYPE
        if index < len(self.module.types):
            kind = self.module.types[index]
        else:
            self.defer(f"unknown type {index} of tag {len(self.module.tags)}", at)
        if kind.results:
            self.defer(f"non-empty tag result type: tag {len(self.module.tags)} of type {kind}", at)
        return TagType(kind.params)

    def read_tag_definition(self) -> Any:
        """A tag."""
        type_ = self._tag_type()
        definition = Tag(self.gen_id("tag"), str(type_))
        self.add_definition("tag", definition)
        self.module.tags.append(type_)
        return definition

    def read_global_definition(self) -> Any:
        """A global and its initial value."""
        global_ = _global_type(self.value_type(), self.mutability())
        instructions, init = self._constant()
        self.module.globals.append(global_)
        self.module.global_inits.append(init)
        definition = components.Global(
            self.gen_id("global"), str(global_.value_type), global_.mutable, instructions
        )
        self.add_definition("global", definition)
        return definition

    def read_export_definition(self) -> Any:
        """An export."""
        name = self.read_str()
        at = self.pos
        number = self.read_byte()
        if number >= len(_KINDS):
            raise self.malformed(f"malformed export kind {number:#04x}", at)
        kind = _KINDS[number]
        index = self.read_uint()
        space = self.spaces[kind]
        if index < len(space):
            self.exports.append(ExportType(name, kind, space[index], index))
        else:
            self.defer(f"unknown {_word(kind)} {index} in export {printable(name)!r}", at)
        if kind == "tag":
            return TagExport(name, index)
        return components.Export(name, kind, reference(kind, index))

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
        read = self._element if flags & 4 else self.read_uint
        init: Sequence[Any] = [read() for _ in each(range(count), self.look, at)] if count else ()
        segment = Element(mode, table, offset, kind, init, at)
        self.module.elements.append(segment)
        return ElementSegment(table, instructions, segment)

    def _element_kind(self, flags: int) -> ValType:
        if not flags & 3:
            return ValType.FUNCREF
        if flags & 4:
            return self.reference_type()
        at = self.pos
        kind = self.read_byte()
        if kind:
            raise self.malformed(f"malformed element kind {kind:#04x}", at)
        return ValType.FUNCREF

    def _element(self) -> ConstExpr:
        """A constant expression of an element segment; most of them are the same few."""
        found = short_expression(self.isa)(self.data, self.pos, self.limit)
        if found is None or found[0] not in self._expressions:
            expression = self._constant()[1]
            if len(self._expressions) < _MOST_KNOWN:
                self._expressions.add(self.data[expression.start : expression.end])
            return expression
        self.pos = found.end()
        return ConstExpr(*found.span())

    def read_datas(self) -> None:
        """All data segments. Those at a plain address are read without further ado: Go's linker
        writes 41,000 of them."""
        left = self.read_uint()
        while left:
            self.look(self.pos)
            plain = self._plain_segments(min(left, _SEGMENTS_AT_ONCE))
            left -= plain
            if left and plain < _SEGMENTS_AT_ONCE:
                self.read_data_definition()
                left -= 1

    def _plain_segments(self, most: int) -> int:
        """Reads the data segments at plain addresses that come next, and gives how many."""
        find, data, pos, limit = plain_segment(self.isa), self.data, self.pos, self.limit
        rows = []
        for _ in range(most):
            found = find(data, pos, limit)
            if found is None:
                break
            number, size = found.group(2, 3)
            start = found.end()
            end = start + short_unsigned(size)
            if end > limit:
                break
            rows.append((*found.span(1), start, end, short_signed(number) & 0xFFFFFFFF))
            pos = end
        self.pos = pos
        self.module.datas.extend_plain(rows)
        return len(rows)

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
        content = self.data[start:end] if self.keep else b""
        return DataSegment(memory, instructions, content, segment)

    def read_func_definition(self, index: int) -> Any:
        """A function body, as the range of its bytes."""
        at = self.pos
        span = self.read_length_prefixed_bytes()
        if index >= len(self._type4func):
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
        self.within(None, pos)
        if not found:
            return _bare(row.name)
        block = row.form is not None and CONTROL_FORMS[row.form].opens
        component = components.BlockInstruction if block else components.Instruction
        return component(row.name, *found)


@lru_cache(maxsize=1024)
def _bare(name: str) -> Any:
    """An instruction without immediates, one for all places."""
    return components.Instruction(name)


def _word(kind: str) -> str:
    return "function" if kind == "func" else kind


# -- what is often the same


@lru_cache(maxsize=64)
def _global_type(value_type: ValType, mutable: bool) -> GlobalType:
    return GlobalType(value_type, mutable)


@lru_cache(maxsize=256)
def _table_type(element: ValType, limits: Limits) -> TableType:
    return TableType(element, limits)


@lru_cache(maxsize=256)
def _memory_type(limits: Limits, shared: bool) -> MemoryType:
    return MemoryType(limits, shared)
