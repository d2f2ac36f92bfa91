"""The form for what Python cannot nest: one loop around a choice of the block that comes next.

``b`` is the number of a state. A state is a block with those behind it that only it leads to, as
far as they do not nest deep; everything else, back to heads of loops too, goes through ``b``. The
blocks, their charges and the table of lines are those of the nested form; a turn costs a walk down
a tree of comparisons more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from .analysis import Analysis
from .emit import Emitter, TooDeep
from .graph import RETURN
from .rows import Row
from .structure import Choice, Code, Jump, Leave, Node, Switch, arms_of, way_out
from .translate import Result, Way

__all__ = ["machine_rows"]

#: how deep blocks are nested in one state
_NESTED = 6
#: levels of indentation that states may take, so that with the tree Python's bound is far
_MOST_INDENT = 60


class Machine(Emitter):
    """Writes one function as a machine of states."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(analysis)
        self.results = analysis.results
        #: how many jumps to a block will be written
        self.entries = Counter(
            way.edge.target for result in self.results.values() for way in _written(result)
        )
        #: the numbers of states, by block; the blocks in their order
        self.states: dict[int, int] = {}
        self.order: list[int] = []

    def state(self, block: int) -> int:
        """The state that begins with a block."""
        if block not in self.states:
            self.states[block] = len(self.order)
            self.order.append(block)
        return self.states[block]

    def go(self, node: Jump, indent: int, falls: frozenset[int]) -> bool:
        """Chooses the state for the next turn, which falling off the end leads to."""
        self.add(indent, f"b = {self.state(node.way.edge.target)}", node.result.block.at)
        return True

    def nodes(self, number: int, depth: int) -> list[Node]:
        """A block, and what stands with it."""
        result = self.results[number]
        nodes: list[Node] = [Code(result)]
        exit, ways = result.block.exit, result.ways
        if exit == "switch":
            chosen, ends, table = arms_of(ways)
            arms = [self.way(result, ways[place], depth) for place in chosen]
            nodes.append(Switch(result, arms, ends, table))
        elif exit == "branch" and result.test is not None and None not in ways:
            then, other = (self.way(result, way, depth) for way in ways)
            nodes[0] = Code(result, way_out(result, then, other))
            nodes.append(Choice(result, result.test, then, other))
        elif exit != "trap":
            taken = next((way for way in ways if way is not None), None)
            nodes += self.way(result, taken, depth)
        return nodes

    def way(self, result: Result, way: Way | None, depth: int) -> list[Node]:
        """Where an edge leads."""
        if way is None:
            return []
        target = way.edge.target
        alone = self.entries[target] == 1 and target != self.graph.entry
        if target == RETURN or depth >= _NESTED or not alone:
            return [Jump(result, way)]
        return [Leave(result, way), *self.nodes(target, depth + 1)]

    def write(self, indent: int) -> list[Row]:
        """All rows."""
        self.state(self.graph.entry)
        states: list[list[Row]] = []
        # jumps in one state bring up others
        while len(states) < len(self.order):
            rows, _ = self.apart(self.nodes(self.order[len(states)], 0), 0, frozenset())
            if max(row.indent for row in rows) > _MOST_INDENT:
                raise TooDeep
            states.append(rows)
        at = self.graph.blocks[self.graph.entry].start
        self.add(indent, "b = 0", at)
        self.add(indent, "while 1:", at)
        self.tree(states, 0, len(states), indent + 1)
        return self.rows

    def tree(self, states: Sequence[Sequence[Row]], first: int, end: int, indent: int) -> None:
        """The choice among the states ``first`` to ``end``."""
        if end - first == 1:
            self.rows += [row._replace(indent=row.indent + indent) for row in states[first]]
            return
        middle = (first + end) // 2
        at = states[first][0].entry.at
        self.add(indent, f"if b < {middle}:", at)
        self.tree(states, first, middle, indent + 1)
        self.add(indent, "else:", at)
        self.tree(states, middle, end, indent + 1)


def _written(result: Result) -> Iterator[Way]:
    """The edges out of a block, each as often as it is written."""
    ways = result.ways
    if result.block.exit == "switch":
        ways = [ways[place] for place in arms_of(ways)[0]]
    return (way for way in ways if way is not None)


def machine_rows(analysis: Analysis, indent: int) -> list[Row]:
    """The body of a function. Raises TooDeep where even so Python cannot nest what it needs."""
    return Machine(analysis).write(indent)
