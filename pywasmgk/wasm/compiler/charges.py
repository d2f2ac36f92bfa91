"""When fuel is taken: charges are delayed and merged where nobody can see the difference.

The rules charge a basic block whole when it is entered (RATIONALE.md, "Why is fuel counted per
basic block?"). Between two places where the number is seen (test points, calls, the way out)
compiled code may take it in one go; what is charged but not yet taken is *pending*, and known at
every line, so that a trap can be given the exact number. Where ways that took different sums meet,
they also take what is charged behind that place; there less than nothing is pending.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .analysis import Analysis
from .lines import Test
from .translate import Result, Way

__all__ = ["Charges"]

#: comparisons with something else than zero: the way that is taken where numbers are equal, which
#: they seldom are, and the other way
_EQUAL = {"==": (0, 1), "!=": (1, 0)}
#: passes over a function, after which loops are come to with nothing pending
_MOST_ROUNDS = 4
#: of so many ways into a block one must take something anyway, for all of them to take more
_MOST_WAYS = 4


class Charges:
    """What is pending at the head of every block."""

    def __init__(self, analysis: Analysis, counted: Collection[int] = ()) -> None:
        """``counted`` are heads of loops whose turns are charged before the loop."""
        self.analysis = analysis
        self.results = analysis.results
        self.at_head: dict[int, int] = {}
        #: what turns bring back to the heads of their loops, where it limits what may be pending
        self.back = dict.fromkeys(counted, 0)
        self._settle_heads()
        for number in reversed(analysis.graph.order):
            if number in self.results and number not in analysis.graph.loops:
                self._take_ahead(self.results[number])

    def _settle_heads(self) -> None:
        """Finds what may be pending at the heads of loops, and by that everywhere."""
        for _ in range(_MOST_ROUNDS):
            self._spread()
            limits = self._limits()
            if not limits:
                return
            self.back |= limits
        self.back |= dict.fromkeys(self.analysis.graph.loops, 0)
        self._spread()

    def _spread(self) -> None:
        """Finds what is pending at each block, given what turns bring back."""
        graph, results = self.analysis.graph, self.results
        # entering the function costs one
        self.at_head = {graph.entry: 1 if self.analysis.slots is None else 0}
        for number in graph.order[1:]:
            if number in results:
                inside = graph.loops.get(number, ())
                preds = graph.blocks[number].preds
                brought = self._brought(number, (pred for pred in preds if pred not in inside))
                self.at_head[number] = min(brought, self.back.get(number, brought))

    def _limits(self) -> dict[int, int]:
        """Heads of loops whose turns bring back less than is pending there: they take all at calls,
        or in counted loops."""
        limits = {}
        for number, inside in self.analysis.graph.loops.items():
            if number in self.at_head:
                brought = self._brought(number, inside)
                if brought < self.at_head[number]:
                    limits[number] = brought
        return limits

    def _brought(self, number: int, preds: Iterable[int]) -> int:
        """What is pending where those of some blocks that lead to another one are left for it."""
        before = self._before(number, preds)
        # what is not expected to come here gives back what the others carry on
        usual = [result for result in before if not self.is_rare(result, number)] or before
        return min(map(self.at_end, usual), default=self.at_head.get(number, 0))

    def _take_ahead(self, result: Result) -> None:
        """Lets the ways into a block take what is to be taken where it is left, if some of them
        take something anyway."""
        number = result.block.number
        if result.settled or any(isinstance(line, Test) for line in result.lines):
            return
        amount = self._left_with(result)
        ways = [
            self.along(before, way)
            for before in self._before(number, result.block.preds)
            if not before.rare
            for way in before.ways
            if way is not None and way.edge.target == number
        ]
        if amount and len(ways) > 1 and len(ways) <= _MOST_WAYS * sum(map(bool, ways)):
            self.at_head[number] -= amount

    def _left_with(self, result: Result) -> int:
        """What is taken where a block is left: by its only way, or by that to another turn of a
        loop, if the other one leaves it."""
        ways = [way for way in result.ways if way is not None]
        number, loops = result.block.number, self.analysis.graph.loops
        if len(ways) == 2 and result.block.exit == "branch":
            for way, other in (ways, reversed(ways)):
                inside = loops.get(way.edge.target, ())
                if number in inside and other.edge.target not in inside:
                    return self.along(result, way)
        if len(ways) != 1:
            return 0
        return self.along(result, ways[0])

    def _before(self, number: int, preds: Iterable[int]) -> list[Result]:
        """Those of some blocks that lead to another one."""
        found = (self.results[pred] for pred in preds if pred in self.results)
        return [result for result in found if leads_to(result, number)]

    def is_rare(self, result: Result, number: int) -> bool:
        """Whether a block is not expected to run, or not to be left for another one."""
        if result.rare or found_equal(result, number):
            return True
        preds = result.block.preds
        if len(preds) != 1 or preds[0] not in self.results:
            return False
        return found_equal(self.results[preds[0]], result.block.number)

    def at_end(self, result: Result) -> int:
        """What is pending when a block is left."""
        if result.settled:
            return result.pending
        return result.pending + self.at_head[result.block.number]

    def along(self, result: Result, way: Way) -> int:
        """What an edge must take, so that the block it leads to finds what it expects; negative
        if it is to give back."""
        target = way.edge.target
        return self.at_end(result) - self.at_head.get(target, 0)


def leads_to(result: Result, number: int) -> bool:
    """Whether a block can be left for another one."""
    return any(way is not None and way.edge.target == number for way in result.ways)


def found_equal(result: Result, number: int) -> bool:
    """Whether a block is left for another one only where two numbers are equal."""
    test = result.test
    if test is None or result.block.exit != "branch" or test.op not in _EQUAL:
        return False
    equal, other = (result.ways[way] for way in _EQUAL[test.op])
    if equal is None or equal.edge.target != number:
        return False
    return other is None or other.edge.target != number
