"""Index hoisting: loop-invariant code motion of the indices of words.

Where every iteration reads words through a pointer of its own and one that stays, as through the
address of an array on the stack, the second one's index is the same each time. Which indices blocks
would use is noted as they are lowered; those of pointers that a loop does not change are computed
by the blocks before the loop, and the loop is lowered again with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ..analysis.ranges import lowered_again
from ..ir.domain import Shifted
from ..ir.function import Function

__all__ = ["hoist"]

#: with an index that is there already, a block may wish for what is a number more
_ROUNDS = 2
#: loops around a block that are looked at: Python nests no more (``emit``)
_MOST_NESTED = 18


def hoist(function: Function) -> Function:
    """Computes what loops use of pointers that they do not change before them."""
    for _ in range(_ROUNDS):
        found = _found(function)
        if not found:
            break
        hoisted = dict(function.context.hoisted)
        for block, wanted_indices in found.items():
            hoisted[block] = [*hoisted.get(block, ()), *sorted(wanted_indices)]
        function = lowered_again(function, function.context.with_choices(hoisted=hoisted), found)
    return function


def _found(function: Function) -> dict[int, set[Shifted]]:
    """What blocks before loops are to compute."""
    had: dict[int, set[Shifted]] = {}
    for head, wanted_indices in _wanted_indices(function).items():
        # the outermost of the loops that do not change a pointer computes what they use of it
        around = [*islice(function.graph.nest.around(head), _MOST_NESTED)][::-1]
        may = [
            (other, function.search.changed(other)) for other in around if _before(function, other)
        ]
        for wanted in wanted_indices:
            for other, changed in may:
                if not changed >> wanted[0] & 1 and wanted not in function.env[other].shifted:
                    had.setdefault(other, set()).add(wanted)
                    break
    found: dict[int, set[Shifted]] = {}
    for head, wanted_indices in had.items():
        for block in _before(function, head):
            found.setdefault(block, set()).update(wanted_indices)
    return found


def _wanted_indices(function: Function) -> dict[int, set[Shifted]]:
    """What blocks would use of pointers, by the innermost loop that they lie in."""
    found: dict[int, set[Shifted]] = {}
    for number, head in function.graph.nest.within.items():
        result = function.blocks.get(number)
        # loops of one block shift before their fast iterations, where they know more of pointers
        if result is not None and result.wanted_indices and not result.rare:
            if number not in function.graph.single:
                found.setdefault(head, set()).update(result.wanted_indices)
    return found


def _before(function: Function, head: int) -> Sequence[int]:
    """The blocks that lead to a loop from outside; none if that is not worth it: of a loop of one
    block, whose fast iterations do it themselves, or where what leads there is part of another
    loop."""
    graph, results = function.graph, function.blocks
    if head not in results or head in graph.single:
        return ()
    inside = graph.loops[head]
    before = [number for number in graph.blocks[head].preds if number not in inside]
    for number in before:
        other = graph.nest.within.get(number)
        if number not in results or (other is not None and head not in graph.loops[other]):
            return ()
    return before
