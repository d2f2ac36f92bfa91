"""Which features after the first release of WebAssembly a module makes use of."""

from __future__ import annotations

from collections.abc import Iterator

from .decoding import instructions_of
from .features import feature_of
from .leb128 import read_u32
from .module import Module
from .types import FuncType, GlobalType, TableType, ValType

__all__ = ["features_used"]


def features_used(module: Module) -> list[str]:
    """Names of features, sorted. Every instruction is looked at: a megabyte takes seconds."""
    return sorted({*_declared(module), *_executed(module)})


def _declared(module: Module) -> Iterator[str]:
    externs = [item.type for item in module.imports] + [item.type for item in module.exports]
    if any(isinstance(kind, GlobalType) and kind.mutable for kind in externs):
        yield "mutable globals"
    if any(len(kind.results) > 1 for kind in module.types):
        yield "multi-value"
    if module.data_count is not None or any(data.mode == "passive" for data in module.datas):
        yield "bulk memory"
    if any(element.mode == "passive" for element in module.elements):
        yield "bulk memory"
    kinds = {kind for func in module.types for kind in (*func.params, *func.results)}
    kinds.update(item.value_type for item in module.globals)
    tables = [table for table in module.tables if isinstance(table, TableType)]
    kinds.update(table.element for table in tables if table.element is ValType.EXTERNREF)
    if len(tables) > 1 or any(kind.is_reference for kind in kinds):
        yield "reference types"
    if any(element.mode == "declarative" for element in module.elements):
        yield "reference types"
    if ValType.V128 in kinds:
        yield "SIMD"


def _executed(module: Module) -> Iterator[str]:
    """Features by the instructions and block types of all bodies."""
    rows = {}
    for start, end in module.bodies:
        body = module.data[start:end]
        for _, row, immediates in instructions_of(body, start, module.isa, _skip_locals(body)):
            rows[row.opcode] = row
            if row.immediates == ("blocktype",) and isinstance(immediates[0], int):
                yield from _of_block(module.types[immediates[0]])
    yield from filter(None, map(feature_of, rows))


def _of_block(kind: FuncType) -> Iterator[str]:
    # the first release had blocks without parameters, with one result at most
    if kind.params or len(kind.results) > 1:
        yield "multi-value"


def _skip_locals(body: bytes) -> int:
    """Where the instructions of a body begin."""
    groups, pos = read_u32(body, 0)
    for _ in range(groups):
        pos = read_u32(body, pos)[1] + 1
    return pos
