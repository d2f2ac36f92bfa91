"""From blocks to nested code: loops, scopes that can be left, and choices.

Every block is placed by the tree of dominators (N. Ramsey, "Beyond Relooper", ICFP 2022): a block
with one way in stands where its only predecessor leaves, one with several stands behind a
:class:`Scope` that all of them leave. What a loop leads to stands behind the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Union

from .analysis import Analysis
from .graph import RETURN
from .terms import Term
from .translate import Result, Way

__all__ = [
    "Choice",
    "Code",
    "Jump",
    "Leave",
    "Loop",
    "Node",
    "Scope",
    "Switch",
    "TooDeep",
    "structured",
]

#: blocks within blocks that are placed by recursion; Python before 3.11 dies of 20,000 frames
_DEEPEST = 1_000
#: lines up to which a block that only returns is repeated where it is reached
_SMALL = 3


class TooDeep(Exception):
    """Python cannot nest so deeply: the function needs another form."""


class Code:
    """The lines of a block; and where it is all of a loop, what stands where the loop is left."""

    __slots__ = ("out", "result")

    def __init__(self, result: Result, out: Sequence[Node] = ()) -> None:
        self.result = result
        self.out = out


class Jump:
    """An edge to a label: the head of a loop around it, or what stands behind a scope."""

    __slots__ = ("result", "way")

    def __init__(self, result: Result, way: Way) -> None:
        self.result = result
        self.way = way


class Leave:
    """The way from one block into another that stands right behind it."""

    __slots__ = ("result", "way")

    def __init__(self, result: Result, way: Way) -> None:
        self.result = result
        self.way = way


class Choice:
    """A branch."""

    __slots__ = ("otherwise", "result", "test", "then")

    def __init__(self, result: Result, test: Term, then: list[Node], otherwise: list[Node]) -> None:
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
        self, result: Result, arms: list[list[Node]], ends: list[int], table: tuple[int, ...]
    ) -> None:
        self.result = result
        self.arms = arms
        self.ends = ends
        self.table = table


class Loop:
    """A loop; falling off its end is another turn."""

    __slots__ = ("body", "head")

    def __init__(self, head: int, body: list[Node]) -> None:
        self.head = head
        self.body = body


class Scope:
    """Code that can be left for what stands behind it, block ``label``."""

    __slots__ = ("body", "label")

    def __init__(self, label: int, body: list[Node]) -> None:
        self.label = label
        self.body = body


Node = Union[Code, Jump, Leave, Choice, Switch, Loop, Scope]


class _Structure:
    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        graph = self.graph = analysis.graph
        self.results = analysis.results
        self.entries = self._count_entries()
        #: blocks that stand behind a scope opened at another one, in order
        self.follows: dict[int, list[int]] = {}
        self.placed: set[int] = set()
        #: how deep blocks stand in one another where one is being placed
        self.depth = 0
        for number in graph.order[1:]:
            if number in self.results:
                self._place(number)

    def _count_entries(self) -> dict[int, int]:
        """Forward edges into each block, as often as they will be written."""
        entries: dict[int, int] = {}
        for number, result in self.results.items():
            ways = result.ways
            if result.block.exit == "switch":
                ways = [result.ways[index] for index in arms_of(result.ways)[0]]
            for way in ways:
                if way is not None and way.edge.target != RETURN:
                    if not self.graph.back_edge(number, way.edge.target):
                        entries[way.edge.target] = entries.get(way.edge.target, 0) + 1
        return entries

    def _place(self, number: int) -> None:
        """Decides where a block stands: where it is reached, or behind a scope."""
        owner = self.graph.dominator[number]
        left = [
            head
            for head, inside in self.graph.loops.items()
            if owner in inside and number not in inside
        ]
        if self._repeatable(number) or (left and self._passes(number, left)):
            return
        if left:
            # behind the outermost loop that it is left through
            owner = max(left, key=lambda head: len(self.graph.loops[head]))
        elif self.entries.get(number, 0) < 2:
            return
        self.follows.setdefault(owner, []).append(number)
        self.placed.add(number)

    def _repeatable(self, number: int) -> bool:
        """Whether a block is so small that it is written again wherever it is reached."""
        result = self.results[number]
        return (
            result.block.exit in ("return", "trap")
            and len(result.lines) <= _SMALL
            and number not in self.graph.loops
        )

    def _passes(self, number: int, left: Sequence[int]) -> bool:
        """Whether a block behind a loop only leads on to where the loop is left for as well: it
        stands inside, so that both ways leave the loop for one place."""
        result = self.results[number]
        if result.block.exit != "jump" or self.entries.get(number) != 1:
            return False
        target = result.block.edges[0].target
        if number in self.graph.loops or target == RETURN:
            return False
        inside = self.graph.loops[min(left, key=lambda head: len(self.graph.loops[head]))]
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
        result = self.results[number]
        nodes: list[Node] = [Code(result)]
        exit, ways = result.block.exit, result.ways
        if exit in ("jump", "return") and ways[0] is not None:
            nodes += self._way(result, ways[0])
        elif exit == "branch" and result.test is not None:
            then, other = (None if way is None else self._way(result, way) for way in ways)
            if then is not None and other is not None:
                nodes[0] = Code(result, way_out(result, then, other))
                nodes.append(Choice(result, result.test, then, other))
            else:
                nodes += then or other or []
        elif exit == "switch":
            chosen, ends, table = arms_of(ways)
            arms = [self._way(result, way) for way in (ways[i] for i in chosen) if way is not None]
            nodes.append(Switch(result, arms, ends, table))
        return nodes

    def _way(self, result: Result, way: Way) -> list[Node]:
        target = way.edge.target
        if (
            target == RETURN
            or target in self.placed
            or self.graph.back_edge(result.block.number, target)
        ):
            return [Jump(result, way)]
        return [Leave(result, way), *self.tree(target)]


def way_out(result: Result, then: list[Node], other: list[Node]) -> list[Node]:
    """Of two ways, the one that does not lead back to the block itself."""
    way = result.ways[0]
    return other if way is not None and way.edge.target == result.block.number else then


def arms_of(ways: Sequence[Way | None]) -> tuple[list[int], list[int], tuple[int, ...]]:
    """The arms of a switch: for each the index of a way, where its run of numbers ends, and the
    table that makes runs of them where they are none."""
    runs = [
        index
        for index in range(len(ways))
        if index + 1 == len(ways) or ways[index] is not ways[index + 1]
    ]
    kinds: dict[int, int] = {}
    for way in ways:
        kinds.setdefault(id(way), len(kinds))
    if len(runs) == len(kinds) or len(ways) > 1 << 16:
        return runs, [index + 1 for index in runs], ()
    chosen = [next(i for i, way in enumerate(ways) if id(way) == kind) for kind in kinds]
    table = tuple(kinds[id(way)] for way in ways)
    return chosen, list(range(1, len(chosen) + 1)), table


def structured(analysis: Analysis) -> list[Node]:
    """The whole function as nested code."""
    return _Structure(analysis).tree(analysis.graph.entry)
