"""The control-flow graph of a function, from its block map.

A :class:`Block` is a run of instructions that is entered at its head only and left at its end only.
WebAssembly's control is structured, so the graph is reducible: every loop has one head, which
dominates it. Code that cannot be reached is not in the graph.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..blockmap import Branch, Control
from ..isa import InstructionSet
from .inlining import Body

__all__ = ["RETURN", "Block", "Edge", "Graph", "Irreducible", "build"]


class Edge(NamedTuple):
    """A way out of a block: to another one, or out of the function (``target`` -1)."""

    target: int
    #: operands that it carries, and those that stay below them; -1 keeps the stack as it is
    arity: int = 0
    height: int = -1


RETURN = -1
#: instructions of a block that is copied for each way into it, and the most ways
_SMALL_END = 12
_MOST_COPIES = 8


class Block:
    """A basic block. ``exit`` says how it ends: jump, branch, switch, return or trap."""

    __slots__ = (
        "at", "copy", "edges", "exit", "header", "instructions", "number", "preds", "start",
    )  # fmt: skip

    def __init__(self, number: int, start: int, copy: int = 0) -> None:
        self.number = number
        #: how many others are the same code, with other ways in
        self.copy = copy
        #: index of its first instruction in the body
        self.start = start
        #: indices of its instructions, those that move control left out
        self.instructions: list[int] = []
        self.exit = ""
        #: index of the instruction that ends it
        self.at = start
        self.edges: tuple[Edge, ...] = ()
        #: index of the loop instruction whose body begins here
        self.header: int | None = None
        #: blocks that lead here
        self.preds: list[int] = []

    def __repr__(self) -> str:
        targets = ", ".join(str(edge.target) for edge in self.edges)
        return f"<Block {self.number} at {self.start}: {self.exit} {targets}>"


class Irreducible(Exception):
    """A loop can be entered past its head: it has no form with structured control."""


class Graph:
    """Blocks by number, as far as the entry leads to them: the function's start, block 0, or the
    head of the loop that is entered in the middle of a call. Raises Irreducible; a function that
    is entered at its start never is."""

    def __init__(self, blocks: list[Block], entry: int) -> None:
        self.blocks = blocks
        self.entry = entry
        self.order = _reverse_postorder(blocks, entry)
        self.position = {number: place for place, number in enumerate(self.order)}
        for number in self.order:
            for target in dict.fromkeys(edge.target for edge in blocks[number].edges):
                if target != RETURN:
                    blocks[target].preds.append(number)
        self.dominator = self._dominators()
        for number in self.order:
            for pred in blocks[number].preds:
                if self.back_edge(pred, number) and not self.dominates(number, pred):
                    raise Irreducible
        self.loops = self._natural_loops()
        #: heads of loops of one block
        self.single = frozenset(head for head, inside in self.loops.items() if len(inside) == 1)

    def back_edge(self, source: int, target: int) -> bool:
        """Whether an edge leads to a loop's head from inside."""
        return self.position[target] <= self.position[source]

    def _dominators(self) -> dict[int, int]:
        """The immediate dominator of every block (Cooper, Harvey, Kennedy 2001)."""
        dominator = {self.entry: self.entry}
        changed = True
        while changed:
            changed = False
            for number in self.order[1:]:
                known = [pred for pred in self.blocks[number].preds if pred in dominator]
                found = self._common(known, dominator)
                if dominator.get(number) != found:
                    dominator[number] = found
                    changed = True
        return dominator

    def _common(self, blocks: Sequence[int], dominator: Mapping[int, int]) -> int:
        """The lowest block that dominates all of some. Their ways up the tree are walked together,
        the lowest first, so that what ten thousand branches to one label share is walked once."""
        order, position = self.order, self.position
        waiting = [-position[block] for block in blocks]
        heapq.heapify(waiting)
        while True:
            lowest = heapq.heappop(waiting)
            while waiting and waiting[0] == lowest:
                heapq.heappop(waiting)
            block = order[-lowest]
            if not waiting:
                return block
            heapq.heappush(waiting, -position[dominator[block]])

    def dominates(self, a: int, b: int) -> bool:
        """Whether every way to ``b`` leads through ``a``."""
        position = self.position
        while position[b] > position[a]:
            b = self.dominator[b]
        return a == b

    def _natural_loops(self) -> dict[int, frozenset[int]]:
        """The blocks of each loop, by its head."""
        loops = {}
        for head in self.order:
            sources = [pred for pred in self.blocks[head].preds if self.back_edge(pred, head)]
            if not sources:
                continue
            inside, waiting = {head}, sources
            while waiting:
                number = waiting.pop()
                if number not in inside:
                    inside.add(number)
                    waiting += self.blocks[number].preds
            loops[head] = frozenset(inside)
        return loops


def _reverse_postorder(blocks: Sequence[Block], entry: int) -> list[int]:
    seen, done = {entry}, []
    stack: list[tuple[int, Iterator[Edge]]] = [(entry, iter(blocks[entry].edges))]
    while stack:
        number, edges = stack[-1]
        for edge in edges:
            if edge.target != RETURN and edge.target not in seen:
                seen.add(edge.target)
                stack.append((edge.target, iter(blocks[edge.target].edges)))
                break
        else:
            done.append(number)
            stack.pop()
    return done[::-1]


class _Builder:
    def __init__(self, body: Body, forms: Sequence[str | None]) -> None:
        self.code = body.code
        self.forms = forms
        #: index of the function's last instruction
        self.last = len(body.code) - 1
        self.blocks: list[Block] = []
        self.by_start: dict[int, Block] = {}

    def block_at(self, start: int) -> Block:
        block = self.by_start.get(start)
        if block is None:
            block = self.by_start[start] = Block(len(self.blocks), start)
            self.blocks.append(block)
        return block

    def edge(self, branch: Branch) -> Edge:
        """The edge of a branch."""
        control = branch.target
        if control.form == "func":
            return Edge(RETURN, branch.arity)
        start = control.start if control.form == "loop" else control.end
        return Edge(self.block_at(start + 1).number, branch.arity, control.height)

    def build(self, entry: int) -> Graph:
        """Walks the body once; forward branches make their targets before those are reached."""
        current: Block | None = self.block_at(0)
        for index, (number, x) in enumerate(self.code):
            waiting = self.by_start.get(index)
            if waiting is not None and waiting is not current:
                if current is not None:
                    self.close(current, "jump", index - 1, Edge(waiting.number))
                current = waiting
            if current is not None:
                current = self.take(current, index, self.forms[number], x)
        _split_ends(self.blocks)
        return Graph(self.blocks, self.by_start[entry].number)

    def take(self, block: Block, index: int, form: str | None, x: Any) -> Block | None:
        """Adds one instruction; gives the block that goes on, if one does."""
        if form in (None, "call", "call_indirect"):
            block.instructions.append(index)
            return block
        step = _STEPS.get(str(form))
        return block if step is None else step(self, block, index, x)

    def close(self, block: Block, exit: str, at: int, *edges: Edge) -> None:
        block.exit, block.at, block.edges = exit, at, edges

    def loop(self, block: Block, index: int, x: Control) -> Block:
        head = self.block_at(index + 1)
        head.header = index
        self.close(block, "jump", index, Edge(head.number))
        return head

    def if_(self, block: Block, index: int, x: Control) -> Block:
        then = self.block_at(index + 1)
        other = self.block_at((x.end if x.otherwise is None else x.otherwise) + 1)
        self.close(block, "branch", index, Edge(then.number), Edge(other.number))
        return then

    def else_(self, block: Block, index: int, x: Control) -> None:
        self.close(block, "jump", index, Edge(self.block_at(x.end + 1).number))

    def end(self, block: Block, index: int, x: Control) -> Block | None:
        if index != self.last:
            return block
        self.close(block, "return", index, Edge(RETURN, len(x.results)))
        return None

    def br(self, block: Block, index: int, x: Branch) -> None:
        edge = self.edge(x)
        self.close(block, "return" if edge.target == RETURN else "jump", index, edge)

    def br_if(self, block: Block, index: int, x: Branch) -> Block:
        taken = self.edge(x)
        fall = self.block_at(index + 1)
        self.close(block, "branch", index, taken, Edge(fall.number))
        return fall

    def br_table(self, block: Block, index: int, x: Sequence[Branch]) -> None:
        edges = {branch: self.edge(branch) for branch in dict.fromkeys(x)}
        self.close(block, "switch", index, *(edges[branch] for branch in x))

    def unreachable(self, block: Block, index: int, x: Any) -> None:
        self.close(block, "trap", index)


_STEPS: dict[str, Any] = {
    "loop": _Builder.loop,
    "if": _Builder.if_,
    "else": _Builder.else_,
    "end": _Builder.end,
    "br": _Builder.br,
    "br_if": _Builder.br_if,
    "br_table": _Builder.br_table,
    "return": _Builder.br,
    "unreachable": _Builder.unreachable,
}


def _split_ends(blocks: list[Block]) -> None:
    """Gives small blocks that end the function a copy for each block that leads there, so that
    what is known on the way is known at the end."""
    sources: dict[int, list[Block]] = {}
    for block in blocks:
        for target in dict.fromkeys(edge.target for edge in block.edges):
            sources.setdefault(target, []).append(block)
    for number, leading in sources.items():
        if number == RETURN or not 1 < len(leading) <= _MOST_COPIES:
            continue
        end = blocks[number]
        if end.exit not in ("return", "trap") or end.header is not None:
            continue
        if len(end.instructions) > _SMALL_END:
            continue
        for place, block in enumerate(leading[1:], 1):
            twin = Block(len(blocks), end.start, place)
            twin.instructions, twin.exit, twin.at, twin.edges = (
                end.instructions, end.exit, end.at, end.edges,
            )  # fmt: skip
            blocks.append(twin)
            block.edges = tuple(
                edge._replace(target=twin.number) if edge.target == number else edge
                for edge in block.edges
            )


def build(body: Body, instructions: InstructionSet, entry: int = 0) -> Graph:
    """The graph of a validated body, entered at the instruction ``entry``: the first one, or the
    one behind a loop instruction."""
    return _Builder(body, [row.form for row in instructions.rows]).build(entry)
