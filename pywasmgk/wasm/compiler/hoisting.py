"""Indices of words that are computed before a loop, of pointers that its turns do not change.

Where every turn reads words through a pointer of its own and one that stays, as through the address
of an array on the stack, the second one's index is the same each time. What blocks would have used
is noted as they are translated; what a loop does not change of that, the blocks before the loop
compute, and the loop is written again with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .analysis import Analysis
from .facts import Shifted

__all__ = ["hoist"]

#: with an index that is there already, a block may wish for what is a number more
_ROUNDS = 2


def hoist(analysis: Analysis) -> None:
    """Computes what loops use of pointers that they do not change before them."""
    for _ in range(_ROUNDS):
        found = _found(analysis)
        if not found:
            break
        for block, wishes in found.items():
            analysis.shape.ahead[block] = [*analysis.shape.ahead.get(block, ()), *sorted(wishes)]
        analysis.again(found)


def _found(analysis: Analysis) -> dict[int, set[Shifted]]:
    """What blocks before loops are to compute."""
    loops = analysis.graph.loops
    had: dict[int, frozenset[Shifted]] = {}
    found: dict[int, set[Shifted]] = {}
    for head in sorted(loops, key=lambda number: (-len(loops[number]), number)):
        before = _before(analysis, head)
        if before:
            # loops around it come first
            outer = (had[other] for other in had if head in loops[other])
            had[head] = _wishes(analysis, head).difference(*outer)
            for block in before if had[head] else ():
                found.setdefault(block, set()).update(had[head])
    return found


def _before(analysis: Analysis, head: int) -> Sequence[int]:
    """The blocks that lead to a loop from outside; none if that is not worth it: of a loop of one
    block, whose fast turns do it themselves, or where what leads there is part of another loop."""
    graph, results = analysis.graph, analysis.results
    if head not in results or head in graph.single:
        return ()
    inside = graph.loops[head]
    before = [number for number in graph.blocks[head].preds if number not in inside]
    others = [blocks for other, blocks in graph.loops.items() if head not in blocks]
    if any(number not in results or any(number in other for other in others) for number in before):
        return ()
    return before


def _wishes(analysis: Analysis, head: int) -> frozenset[Shifted]:
    """What a loop would use of pointers that it does not change, and has not yet."""
    changed, known = analysis.changed(head), analysis.env[head].shifted
    found: set[Shifted] = set()
    # loops of one block shift before their fast turns, where they know more of pointers
    for number in analysis.graph.loops[head] - analysis.graph.single:
        result = analysis.results.get(number)
        if result is not None and not result.rare:
            found |= result.wishes
    return frozenset(wish for wish in found if not changed >> wish[0] & 1 and wish not in known)
