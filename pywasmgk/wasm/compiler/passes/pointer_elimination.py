"""Pointer elimination: strength reduction undone for pointers that go with an index.

Compilers walk through an array with two induction variables, the index that the source has and a
pointer that is the index times the size of a word plus the array's address, since both are free on
a processor. Here each is an assignment in every iteration. Where all that reads such a pointer are
accesses to memory that can compute their place from the index, the pointer is dropped.
"""

from __future__ import annotations

from ..analysis.liveness import reads
from ..analysis.ranges import lowered_again
from ..ir.function import Function

__all__ = ["drop_pointers"]


def drop_pointers(function: Function) -> Function:
    """Has accesses through pointers that are multiples of an index in a loop use the index, if then
    nothing else reads these pointers. Assignments to them are left to ``drop_dead_stores``."""
    context, results = function.context, function.blocks
    heads = function.graph.loops.keys() & results.keys()
    if not any(function.env[head].multiples for head in heads):
        return function
    flows = (flow for result in results.values() for flow in result.flows if flow is not None)
    known = {pointer for flow in flows for pointer in flow.env.multiples}
    wanted = sum(1 << pointer for pointer in known if pointer < context.nlocals)
    readers = [
        number
        for number, result in results.items()
        if any(reads(line.uses) & wanted for line in result.statements)
    ]
    while wanted != function.context.scaled:
        function = lowered_again(function, context.with_choices(scaled=wanted), readers)
        wanted &= ~_readers(function, wanted)
    return function


def _readers(function: Function, pointers: int) -> int:
    """Which of some pointers are read by anything but assignments to such pointers."""
    bits = 0
    for result in function.blocks.values():
        bits |= reads(result.exit_uses)
        for line in result.statements:
            if not line.defs & pointers or line.is_fixed:
                bits |= reads(line.uses)
    return bits & pointers
