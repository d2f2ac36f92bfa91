"""What loops assign and what they compare with, known before anything is lowered."""

from __future__ import annotations

from collections.abc import Sequence

from ..frontend.context import Context
from ..ir.cfg import Graph
from ..ir.domain import stops_with

__all__ = ["LoopFacts"]

#: numbers that a loop's turns are compared with, above which none is a stop: each may take a turn
_MOST_STOPS = 3


class LoopFacts:
    """Facts about the loops of a graph, each found in one pass over the blocks."""

    def __init__(self, context: Context, graph: Graph) -> None:
        self._shape = context
        self._graph = graph
        self._assigned = self._assignments()
        self._compared = self._comparisons()

    def changed(self, head: int) -> int:
        """What the turns of a loop may change, as a set of bits: the locals that they assign, and
        whatever is no local."""
        return self._assigned[head] | -1 << self._shape.nlocals

    def stops(self, head: int) -> Sequence[int]:
        """Where bounds stop on their way at a loop's head: below the numbers, too, that back edges
        to it or out of the loop compare something with."""
        numbers = self._compared.get(head, set())
        return stops_with(numbers if len(numbers) <= _MOST_STOPS else ())

    def _assignments(self) -> dict[int, int]:
        graph, nest = self._graph, self._graph.nest
        found = dict.fromkeys(graph.loops, 0)
        for number, head in nest.within.items():
            found[head] |= self._shape.assigned(graph.blocks[number])
        for head in reversed(graph.loops):
            outer = nest.outer.get(head)
            if outer is not None:
                found[outer] |= found[head]
        return found

    def _comparisons(self) -> dict[int, set[int]]:
        graph = self._graph
        found: dict[int, set[int]] = {}
        for number in graph.nest.within:
            compared = self._shape.compared(graph.blocks[number])
            if compared is None:
                continue
            targets = {edge.target for edge in graph.blocks[number].edges}
            for head in graph.nest.around(number):
                inside = graph.loops[head]
                stays = all(target in inside for target in targets)
                if head in targets or not stays:
                    found.setdefault(head, set()).add(compared - 1)
                if stays and head not in targets:
                    break
        return found
