"""Pointers that go with an index through an array: read as the index, they need not be kept.

Compilers walk through an array with two variables, the index that the source has and a pointer that
is the index times the size of a word plus the array's address, since both are free on a processor.
Here each is an assignment in every turn. Where all that reads such a pointer are accesses to memory
that can compute their place from the index, the pointer is dropped.
"""

from __future__ import annotations

from .analysis import Analysis
from .liveness import reads, written

__all__ = ["drop_pointers"]


def drop_pointers(analysis: Analysis) -> None:
    """Has accesses through pointers that are multiples of an index in a loop use the index, if then
    nothing else reads these pointers. Assignments to them are left to ``drop_dead_stores``."""
    shape, results = analysis.shape, analysis.results
    heads = analysis.graph.loops.keys() & results.keys()
    if not any(analysis.env[head].multiples for head in heads):
        return
    ways = (way for result in results.values() for way in result.ways if way is not None)
    known = {pointer for way in ways for pointer in way.env.multiples}
    wanted = sum(1 << pointer for pointer in known if pointer < shape.nlocals)
    readers = [
        number
        for number, result in results.items()
        if any(reads(line.parts) & wanted for line in result.lines)
    ]
    while wanted != shape.scaled:
        shape.scaled = wanted
        analysis.again(readers)
        wanted &= ~_readers(analysis, wanted)


def _readers(analysis: Analysis, pointers: int) -> int:
    """Which of some pointers are read by anything but assignments to such pointers."""
    bits = 0
    for result in analysis.results.values():
        bits |= reads(result.behind)
        for line in result.lines:
            if not written(line) & pointers or line.trap is not None or line.own:
                bits |= reads(line.parts)
    return bits & pointers
