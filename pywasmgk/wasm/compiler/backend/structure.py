"""Structured control flow from the control-flow graph: loops, scopes that can be left, choices.

Every block is placed by the tree of dominators (N. Ramsey, "Beyond Relooper", ICFP 2022): a block
with one predecessor stands where that leaves, one with several stands after a :class:`Scope` that
all of them leave. What a loop leads to stands after the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Union

from ..ir.cfg import RETURN
from ..ir.expr import Expr
from ..ir.function import Flow, Function, LoweredBlock
from ..source import TooDeep

__all__ = [
    "Attempt",
    "Choice",
    "Code",
    "Jump",
    "Leave",
    "Loop",
    "Node",
    "Scope",
    "Structure",
    "Switch",
    "TooDeep",
    "structured",
]

#: blocks within blocks that are placed by recursion; Python before 3.11 dies of 20,000 frames
_DEEPEST = 1_000
#: lines up to which a block that only returns is repeated where it is reached
_SMALL = 3


class Code:
    """The lines of a block; and where it is all of a loop, what stands where the loop is left."""

    __slots__ = ("out", "result")

    def __init__(self, result: LoweredBlock, out: Sequence[Node] = ()) -> None:
        self.result = result
        self.out = out


class Jump:
    """An edge to a label: the head of a loop around it, or what stands after a scope."""

    __slots__ = ("flow", "result")

    def __init__(self, result: LoweredBlock, flow: Flow) -> None:
        self.result = result
        self.flow = flow


class Leave:
    """The way from one block into another that stands right after it."""

    __slots__ = ("flow", "result")

    def __init__(self, result: LoweredBlock, flow: Flow) -> None:
        self.result = result
        self.flow = flow


class Choice:
    """A branch."""

    __slots__ = ("otherwise", "result", "test", "then")

    def __init__(
        self, result: LoweredBlock, test: Expr, then: list[Node], otherwise: list[Node]
    ) -> None:
        self.result = result
        self.test = test
        self.then = then
        self.otherwise = otherwise


class Switch:
    """A choice by number: ``arms[i]`` up to and without ``ends[i]``, the last one without end.

    ``table`` maps the selector to the arm, if arms are not runs of it.
    """

    __slots__ = ("arms", "ends", "result", "table")

    def __init__(
        self, result: LoweredBlock, arms: list[list[Node]], ends: list[int], table: tuple[int, ...]
    ) -> None:
        self.result = result
        self.arms = arms
        self.ends = ends
        self.table = table


class Attempt:
    """What ends a block and may throw: the clauses that may catch that, each with what it leads to;
    and what follows where nothing is thrown."""

    __slots__ = ("arms", "clauses", "following", "result")

    def __init__(
        self, result: LoweredBlock, following: list[Node], arms: Sequence[list[Node]]
    ) -> None:
        self.result = result
        self.following = following
        self.clauses = result.block.clauses
        self.arms = arms


class Loop:
    """A loop; falling off its end is another turn."""

    __slots__ = ("body", "head")

    def __init__(self, head: int, body: list[Node]) -> None:
        self.head = head
        self.body = body


class Scope:
    """Code that can be left for what stands after it, block ``label``."""

    __slots__ = ("body", "label")

    def __init__(self, label: int, body: list[Node]) -> None:
        self.label = label
        self.body = body


Node = Union[Code, Jump, Leave, Choice, Switch, Attempt, Loop, Scope]


class Structure:
    """Where each block of a function stands in nested code."""

    def __init__(self, function: Function) -> None:
        self.function = function
        graph = self.graph = function.graph
        self.blocks = function.blocks
        self.entries = self._count_entries()
        #: blocks that stand after a scope opened at another one, in order
        self.follows: dict[int, list[int]] = {}
        self.placed: set[int] = set()
        #: how deep blocks stand in one another where one is being placed
        self.depth = 0
        for number in graph.order[1:]:
            if number in self.blocks:
                self._place(number)

    def _count_entries(self) -> dict[int, int]:
        """Forward edges into each block, as often as they will be written."""
        entries: dict[int, int] = {}
        for number, result in self.blocks.items():
            flows = result.flows
            if result.block.exit == "switch":
                flows = [result.flows[index] for index in arms_of(result.flows)[0]]
            for flow in flows:
                if flow is not None and flow.edge.target != RETURN:
                    if not self.graph.back_edge(number, flow.edge.target):
                        entries[flow.edge.target] = entries.get(flow.edge.target, 0) + 1
        return entries

    def _place(self, number: int) -> None:
        """Decides where a block stands: where it is reached, or after a scope."""
        owner = self.graph.dominator[number]
        loops, blocks = self.graph.loops, self.graph.blocks
        if blocks[number].pad is not None:
            # only there is the exception at hand
            return
        outer = blocks[owner].preds[0] if blocks[owner].pad is not None else owner
        around = self.graph.nest.around(outer)
        left = list(takewhile(lambda head: number not in loops[head], around))
        if self._repeatable(number) or (left and self._passes(number, left)):
            return
        if left:
            # after the outermost loop that it is left through
            owner = left[-1]
        elif self.entries.get(number, 0) < 2:
            return
        self.follows.setdefault(owner, []).append(number)
        self.placed.add(number)

    def _repeatable(self, number: int) -> bool:
        """Whether a block is so small that it is written again wherever it is reached."""
        result = self.blocks[number]
        return (
            result.block.exit in ("return", "trap")
            and sum(line.size for line in result.statements) <= _SMALL
            and number not in self.graph.loops
        )

    def _passes(self, number: int, left: Sequence[int]) -> bool:
        """Whether a block after a loop only leads on to where the loop is left for as well: it
        stands inside, so that both ways leave the loop for one place."""
        result = self.blocks[number]
        if result.block.exit != "jump" or self.entries.get(number) != 1:
            return False
        target = result.block.edges[0].target
        if number in self.graph.loops or target == RETURN:
            return False
        inside = self.graph.loops[left[0]]
        return any(pred in inside for pred in self.graph.blocks[target].preds)

    def tree(self, number: int) -> list[Node]:
        """A block and all that stands with it. Raises TooDeep."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise TooDeep
        nodes = self._placed(number)
        self.depth -= 1
        return nodes

    def _placed(self, number: int) -> list[Node]:
        follows = self.follows.get(number, [])
        inside = self.graph.loops.get(number)
        if inside is None:
            return self._scoped(self._block(number), follows)
        body = self._scoped(self._block(number), [f for f in follows if f in inside])
        return self._scoped([Loop(number, body)], [f for f in follows if f not in inside])

    def _scoped(self, body: list[Node], follows: Sequence[int]) -> list[Node]:
        for label in follows:
            body = [Scope(label, body), *self.tree(label)]
        return body

    def _block(self, number: int) -> list[Node]:
        result = self.blocks[number]
        nodes: list[Node] = [Code(result)]
        exit, flows = result.block.exit, result.flows
        if exit in ("jump", "return") and flows[0] is not None:
            nodes += self._flow(result, flows[0])
        elif exit == "branch" and result.test is not None:
            then, other = (None if flow is None else self._flow(result, flow) for flow in flows)
            if then is not None and other is not None:
                nodes[0] = Code(result, way_out(result, then, other))
                nodes.append(Choice(result, result.test, then, other))
            else:
                nodes += then or other or []
        elif exit == "switch":
            chosen, ends, table = arms_of(flows)
            arms = [
                self._flow(result, flow) for flow in (flows[i] for i in chosen) if flow is not None
            ]
            nodes.append(Switch(result, arms, ends, table))
        elif result.block.clauses:
            ways = [self._flow(result, flow) for flow in flows if flow is not None]
            following = ways.pop(0) if exit == "invoke" else []
            nodes.append(Attempt(result, following, ways))
        return nodes

    def _flow(self, result: LoweredBlock, flow: Flow) -> list[Node]:
        target = flow.edge.target
        if (
            target == RETURN
            or target in self.placed
            or self.graph.back_edge(result.block.number, target)
        ):
            return [Jump(result, flow)]
        return [Leave(result, flow), *self.tree(target)]


def way_out(result: LoweredBlock, then: list[Node], other: list[Node]) -> list[Node]:
    """Of two ways, the one that does not lead back to the block itself."""
    flow = result.flows[0]
    return other if flow is not None and flow.edge.target == result.block.number else then


def arms_of(flows: Sequence[Flow | None]) -> tuple[list[int], list[int], tuple[int, ...]]:
    """The arms of a switch: for each the index of a way, where its run of numbers ends, and the
    table that makes runs of them where they are none."""
    runs = [
        index
        for index in range(len(flows))
        if index + 1 == len(flows) or flows[index] is not flows[index + 1]
    ]
    kinds: dict[int, int] = {}
    for flow in flows:
        kinds.setdefault(id(flow), len(kinds))
    if len(runs) == len(kinds) or len(flows) > 1 << 16:
        return runs, [index + 1 for index in runs], ()
    chosen = [next(i for i, flow in enumerate(flows) if id(flow) == kind) for kind in kinds]
    table = tuple(kinds[id(flow)] for flow in flows)
    return chosen, list(range(1, len(chosen) + 1)), table


def structured(function: Function) -> list[Node]:
    """The whole function as nested code. Raises TooDeep."""
    try:
        return Structure(function).tree(function.graph.entry)
    except RecursionError:
        # whoever called is deep already
        raise TooDeep from None
