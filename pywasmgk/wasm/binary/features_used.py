"""Which features after the first release of WebAssembly a module makes use of."""

from __future__ import annotations

from collections.abc import Iterator

from ..features import TITLES, declared
from ..module import Module
from ..types import FuncType
from .decoding import instructions_of, skip_locals

__all__ = ["features_used"]


def features_used(module: Module) -> list[str]:
    """Names of features, sorted. Every instruction is looked at: a megabyte takes seconds."""
    fields = {use.feature for use in declared(module)} | set(_executed(module))
    return sorted(TITLES[field] for field in fields)


def _executed(module: Module) -> Iterator[str]:
    """Features by the instructions and block types of all bodies."""
    rows = {}
    for start, end in module.bodies:
        body = module.data[start:end]
        for _, row, immediates in instructions_of(body, start, module.isa, skip_locals(body)):
            rows[row.opcode] = row
            if row.immediates == ("blocktype",) and isinstance(immediates[0], int):
                yield from _of_block(module.types[immediates[0]])
    yield from (row.proposal for row in rows.values() if row.proposal is not None)


def _of_block(kind: FuncType) -> Iterator[str]:
    # the first release had blocks without parameters, with one result at most
    if kind.params or len(kind.results) > 1:
        yield "multi_value"
