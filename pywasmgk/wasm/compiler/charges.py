"""When fuel is taken: charges are delayed and merged where nobody can see the difference.

The rules charge a basic block whole when it is entered (RATIONALE.md, "Why is fuel counted per
basic block?"). Between two places where the number is seen (test points, calls, the way out)
compiled code may take it in one go; what is charged but not yet taken is *pending*, and known at
every line, so that a trap can be given the exact number.
"""

from __future__ import annotations

from .analysis import Analysis
from .translate import Result, Way

__all__ = ["Charges"]

#: comparisons with something else than zero: the way that is taken where numbers are equal, which
#: they seldom are, and the other way
_EQUAL = {"==": (0, 1), "!=": (1, 0)}


class Charges:
    """What is pending at the head of every block."""

    def __init__(self, analysis: Analysis) -> None:
        graph, results = analysis.graph, analysis.results
        self.results = results
        #: entering the function costs one; a loop's head is reached with nothing pending
        self.at_head = {graph.entry: 1 if analysis.slots is None else 0}
        for number in graph.order[1:]:
            if number not in results:
                continue
            block = graph.blocks[number]
            # a wasm loop is a test point: everything is taken on the way there. Where a call goes
            # on from the middle of a loop, the loops of the graph may begin elsewhere
            if block.header is not None or number in graph.loops:
                self.at_head[number] = 0
                continue
            before = [
                results[pred]
                for pred in block.preds
                if pred in results and leads_to(results[pred], number)
            ]
            # what is not expected to come here gives back what the others carry on
            usual = [result for result in before if not self.is_rare(result, number)] or before
            self.at_head[number] = min(map(self.at_end, usual))

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
