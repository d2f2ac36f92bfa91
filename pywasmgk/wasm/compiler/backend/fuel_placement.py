"""Fuel placement: charges are delayed and merged where nobody can see the difference.

The rules charge a basic block whole when it is entered (RATIONALE.md, "Why is fuel counted per
basic block?"). Between two places where the number is seen (test points, calls, exits) compiled
code may take it in one go; what is charged but not yet taken is *pending*, and known at every
statement, so that a trap can be given the exact number. At a join where some predecessors charge
anyway, all of them also prepay the block after it: pending is negative there, and a trap refunds
it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...valid.blockmap import ENTERING
from ..ir.function import Flow, Function, LoweredBlock
from ..ir.statements import TestPoint

__all__ = ["Charges"]

#: comparisons with something else than zero: the way that is taken where numbers are equal, which
#: they seldom are, and the other way
_EQUAL = {"==": (0, 1), "!=": (1, 0)}
#: passes over a function, after which loops are reached with nothing pending
_MOST_ROUNDS = 4
#: of so many edges into a block one must take something anyway, for all of them to take more
_MOST_WAYS = 4


class Charges:
    """What is pending at the head of every block."""

    def __init__(self, function: Function, counted: Collection[int] = ()) -> None:
        """``counted`` are heads of loops whose iterations are charged before the loop."""
        self.function = function
        self.blocks = function.blocks
        self.at_head: dict[int, int] = {}
        #: what iterations bring back to the heads of their loops, where it limits what may be
        #: pending
        self.back = dict.fromkeys(counted, 0)
        self._settle_heads()
        for number in reversed(function.graph.order):
            if number in self.blocks and number not in function.graph.loops:
                self._prepay(self.blocks[number])

    def _settle_heads(self) -> None:
        """Finds what may be pending at the heads of loops, and by that everywhere."""
        for _ in range(_MOST_ROUNDS):
            self._spread()
            limits = self._limits()
            if not limits:
                return
            self.back |= limits
        self.back |= dict.fromkeys(self.function.graph.loops, 0)
        self._spread()

    def _spread(self) -> None:
        """Finds what is pending at each block, given what iterations bring back."""
        graph, results = self.function.graph, self.blocks
        self.at_head = {graph.entry: ENTERING if self.function.slots is None else 0}
        for number in graph.order[1:]:
            if number in results:
                inside = graph.loops.get(number, ())
                preds = graph.blocks[number].preds
                brought = self._brought(number, (pred for pred in preds if pred not in inside))
                self.at_head[number] = min(brought, self.back.get(number, brought))

    def _limits(self) -> dict[int, int]:
        """Heads of loops whose iterations bring back less than is pending there: they take all at
        calls, or in counted loops."""
        limits = {}
        graph = self.function.graph
        for number, inside in graph.loops.items():
            if number in self.at_head:
                back = [pred for pred in graph.blocks[number].preds if pred in inside]
                brought = self._brought(number, back)
                if brought < self.at_head[number]:
                    limits[number] = brought
        return limits

    def _brought(self, number: int, preds: Iterable[int]) -> int:
        """What is pending where those of some blocks that lead to another one are left for it."""
        before = self._before(number, preds)
        # what is not expected to come here gives back what the others carry on
        usual = [result for result in before if not self.is_rare(result, number)] or before
        return min(map(self.at_end, usual), default=self.at_head.get(number, 0))

    def _prepay(self, result: LoweredBlock) -> None:
        """At a join where some predecessors charge anyway, has all of them prepay what is charged
        where the block is left."""
        number = result.block.number
        if result.settled or any(isinstance(line, TestPoint) for line in result.statements):
            return
        amount = self._charged_at_exit(result)
        flows = [
            self.along(before, flow)
            for before in self._before(number, result.block.preds)
            if not before.rare
            for flow in before.flows
            if flow is not None and flow.edge.target == number
        ]
        if amount and len(flows) > 1 and len(flows) <= _MOST_WAYS * sum(map(bool, flows)):
            self.at_head[number] -= amount

    def _charged_at_exit(self, result: LoweredBlock) -> int:
        """What is taken where a block is left: by its only way, or by that to another iteration of
        a loop, if the other one leaves it."""
        flows = [flow for flow in result.flows if flow is not None]
        number, loops = result.block.number, self.function.graph.loops
        if len(flows) == 2 and result.block.exit == "branch":
            for flow, other in (flows, reversed(flows)):
                inside = loops.get(flow.edge.target, ())
                if number in inside and other.edge.target not in inside:
                    return self.along(result, flow)
        if len(flows) != 1:
            return 0
        return self.along(result, flows[0])

    def _before(self, number: int, preds: Iterable[int]) -> list[LoweredBlock]:
        """Those of some blocks that lead to another one."""
        found = (self.blocks[pred] for pred in preds if pred in self.blocks)
        return [result for result in found if leads_to(result, number)]

    def is_rare(self, result: LoweredBlock, number: int) -> bool:
        """Whether a block is not expected to run, or not to be left for another one."""
        if result.rare or found_equal(result, number):
            return True
        preds = result.block.preds
        if len(preds) != 1 or preds[0] not in self.blocks:
            return False
        return found_equal(self.blocks[preds[0]], result.block.number)

    def at_end(self, result: LoweredBlock) -> int:
        """What is pending when a block is left."""
        if result.settled:
            return result.pending
        return result.pending + self.at_head[result.block.number]

    def along(self, result: LoweredBlock, flow: Flow) -> int:
        """What an edge must take, so that the block it leads to finds what it expects; negative
        if it is to give back."""
        target = flow.edge.target
        return self.at_end(result) - self.at_head.get(target, 0)


def leads_to(result: LoweredBlock, number: int) -> bool:
    """Whether a block can be left for another one."""
    return any(flow is not None and flow.edge.target == number for flow in result.flows)


def found_equal(result: LoweredBlock, number: int) -> bool:
    """Whether a block is left for another one only where two numbers are equal."""
    test = result.test
    if test is None or result.block.exit != "branch" or test.op not in _EQUAL:
        return False
    equal, other = (result.flows[flow] for flow in _EQUAL[test.op])
    if equal is None or equal.edge.target != number:
        return False
    return other is None or other.edge.target != number
