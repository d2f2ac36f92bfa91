"""What a module declares, as plain values and back: all that decoding and the validation of
declarations find out, so that neither is done again."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..binary.reader import ConstExpr, Element, Span
from ..binary.segments import DataSegments
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
from ..valid.bodies import ModuleContext

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["declared", "restore"]


def declared(module: Module) -> tuple[Any, ...]:
    """The declarations of a decoded module, in types that marshal knows."""
    numbers = {kind: number for number, kind in enumerate(module.types)}
    context = module.context
    return (
        [(_names(kind.params), _names(kind.results)) for kind in module.types],
        _packed(numbers[kind] for kind in module.functions),
        list(map(_table, module.tables)),
        list(map(_memory, module.memories)),
        list(map(_global, module.globals)),
        [_names(tag.params) for tag in module.tags],
        [(*item[:3], _extern(item.type, numbers)) for item in module.imports],
        [(item.name, item.kind, item.index) for item in module.exports],
        dict(module.import_counts),
        module.groups_imports,
        _packed(place for body in module.bodies for place in body),
        list(map(tuple, module.global_inits)),
        module.start,
        list(map(_element, module.elements)),
        module.datas.packed(),
        module.data_count,
        list(module.custom_sections),
        sorted(context.declared),
        _other_constants(module),
    )


def restore(module: Module, plain: tuple[Any, ...]) -> None:
    """Gives a module, whose bytes and options are set, the declarations that it had."""
    (
        types, functions, tables, memories, globals_, tags, imports, exports, import_counts,
        groups_imports, bodies, global_inits, start, elements, datas, data_count, custom_sections,
        references, constants,
    ) = plain  # fmt: skip
    kinds = module.types = [FuncType(_types(params), _types(results)) for params, results in types]
    module.functions = [kinds[number] for number in _unpacked(functions)]
    module.tables = [_table_of(*table) for table in tables]
    module.memories = [_memory_of(*memory) for memory in memories]
    module.globals = [_global_of(*item) for item in globals_]
    module.tags = [TagType(_types(params)) for params in tags]
    module.imports = tuple(
        ImportType(origin, name, kind, _extern_of(kind, form, kinds))
        for origin, name, kind, form in imports
    )
    spaces: dict[str, Sequence[Any]] = {
        "func": module.functions,
        "table": module.tables,
        "memory": module.memories,
        "global": module.globals,
        "tag": module.tags,
    }
    module.exports = tuple(
        ExportType(name, kind, spaces[kind][index], index) for name, kind, index in exports
    )
    module.import_counts = import_counts
    module.groups_imports = groups_imports
    places = iter(_unpacked(bodies))
    module.bodies = list(map(Span, places, places))
    module.global_inits = [ConstExpr(*span) for span in global_inits]
    module.start = start
    module.elements = [_element_of(*element) for element in elements]
    module.datas = DataSegments.unpacked(datas)
    module.data_count = data_count
    module.custom_sections = custom_sections
    module.context = ModuleContext(module, frozenset(references))
    module.context.plain.update(constants)


# -- integers


def _packed(numbers: Iterable[int]) -> bytes:
    return array("I", numbers).tobytes()


def _unpacked(packed: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(packed)
    return numbers


# -- types


def _names(kinds: Sequence[ValType]) -> list[str]:
    return [kind.value for kind in kinds]


def _types(names: Sequence[str]) -> tuple[ValType, ...]:
    return tuple(map(ValType, names))


def _table(table: TableType) -> tuple[Any, ...]:
    return table.element.value, *table.limits


def _table_of(element: str, minimum: int, maximum: int | None) -> TableType:
    return TableType(ValType(element), Limits(minimum, maximum))


def _memory(memory: MemoryType) -> tuple[Any, ...]:
    return *memory.limits, memory.shared


def _memory_of(minimum: int, maximum: int | None, shared: bool) -> MemoryType:
    return MemoryType(Limits(minimum, maximum), shared)


def _global(item: GlobalType) -> tuple[Any, ...]:
    return item.value_type.value, item.mutable


def _global_of(value_type: str, mutable: bool) -> GlobalType:
    return GlobalType(ValType(value_type), mutable)


def _extern(kind: ExternType, numbers: dict[FuncType, int]) -> Any:
    """The type of an import."""
    if isinstance(kind, FuncType):
        return numbers[kind]
    if isinstance(kind, TableType):
        return _table(kind)
    if isinstance(kind, TagType):
        return _names(kind.params)
    return _memory(kind) if isinstance(kind, MemoryType) else _global(kind)


def _extern_of(kind: str, plain: Any, types: Sequence[FuncType]) -> ExternType:
    if kind == "func":
        found: FuncType = types[plain]
        return found
    if kind == "table":
        return _table_of(*plain)
    if kind == "tag":
        return TagType(_types(plain))
    return _memory_of(*plain) if kind == "memory" else _global_of(*plain)


# -- segments


def _element(element: Element) -> tuple[Any, ...]:
    mode, table, offset, kind, init, at = element
    indices: bytes | None = None
    items: list[Any] = []
    if all(isinstance(item, int) for item in init):
        indices = _packed(init)
    else:
        items = [item if isinstance(item, int) else tuple(item) for item in init]
    return mode, table, offset and tuple(offset), kind.value, indices, items, at


def _element_of(
    mode: str, table: int, offset: Any, kind: str, indices: bytes | None, items: list[Any], at: int
) -> Element:
    if indices is not None:
        init: list[Any] = _unpacked(indices).tolist()
    else:
        init = [item if isinstance(item, int) else ConstExpr(*item) for item in items]
    place = None if offset is None else ConstExpr(*offset)
    return Element(mode, table, place, ValType(kind), init, at)


def _other_constants(module: Module) -> dict[int, Any]:
    """The values of constant expressions that are numbers; those of data segments stand with
    them."""
    spans = [*module.global_inits, *(item.offset for item in module.elements if item.offset)]
    spans += [init for item in module.elements for init in item.init if not isinstance(init, int)]
    plain = module.context.plain
    return {span.start: plain[span.start] for span in spans if span.start in plain}
