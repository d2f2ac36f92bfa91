"""The control-flow graph of a function, from its block map.

A :class:`Block` is a run of instructions that is entered at its head only and left at its end only.
WebAssembly's control is structured, so the graph is reducible: every loop has one head, which
dominates it. Code that cannot be reached is not in the graph.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...isa import InstructionSet
from ...valid.blockmap import Branch, Control
from ...watch import Look, never, parts
from .body import Body, Inlined, Lookup, Other
from .handlers import Clause, clauses_of
from .loops import LoopNest

__all__ = ["FORMS", "RETURN", "Block", "Edge", "Graph", "Irreducible", "build"]


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
    """A basic block. ``exit`` says how it ends: jump, branch, switch, return, trap; or by a call
    that clauses are around (invoke), or by throwing (throw). Then it has an edge for each clause,
    to the block where that takes the exception (its pad); an invoke has another one before them,
    for what the call gives."""

    __slots__ = (
        "at", "clauses", "copy", "edges", "exit", "header", "instructions", "number", "pad",
        "preds", "start",
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
        #: the clauses around its last instruction, where that ends it
        self.clauses: tuple[Clause, ...] = ()
        #: the clause that takes an exception here, and does nothing else
        self.pad: Clause | None = None

    def __repr__(self) -> str:
        targets = ", ".join(str(edge.target) for edge in self.edges)
        return f"<Block {self.number} at {self.start}: {self.exit} {targets}>"


class Irreducible(Exception):
    """A loop can be entered past its head: it has no form with structured control."""


class Graph:
    """Blocks by number, as far as the entry leads to them: the function's start, block 0, or the
    head of the loop that is entered in the middle of a call. Raises Irreducible; a function that
    is entered at its start never is. ``look`` is called now and then, and may raise."""

    def __init__(self, blocks: list[Block], entry: int, look: Look = never) -> None:
        self.blocks = blocks
        self.entry = entry
        self.order = _reverse_postorder(blocks, entry)
        self.position = {number: place for place, number in enumerate(self.order)}
        for number in self.order:
            for target in dict.fromkeys(edge.target for edge in blocks[number].edges):
                if target != RETURN:
                    blocks[target].preds.append(number)
        look(None)
        self.dominator = self._dominators()
        look(None)
        self._spans = self._dominated()
        for number in self.order:
            for pred in blocks[number].preds:
                if self.back_edge(pred, number) and not self.dominates(number, pred):
                    raise Irreducible
        look(None)
        preds = {number: blocks[number].preds for number in self.order}
        self.nest = LoopNest(self.order, preds, self.position)
        #: the blocks of each loop, by its head
        self.loops = self.nest.loops
        #: heads of loops of one block
        self.single = frozenset(head for head, inside in self.loops.items() if len(inside) == 1)

    def is_merge(self, number: int) -> bool:
        """Whether operands come in slots: a loop's head, or a block with several predecessors."""
        block = self.blocks[number]
        return block.header is not None or len(block.preds) > 1

    def back_edge(self, source: int, target: int) -> bool:
        """Whether an edge leads to a loop's head from inside."""
        return self.position[target] <= self.position[source]

    def _dominators(self) -> dict[int, int]:
        """The immediate dominator of every block, if the graph is reducible: then edges back to
        heads of loops, which dominate where they come from, have no say in it."""
        dominator = {self.entry: self.entry}
        for place, number in enumerate(self.order[1:], 1):
            preds = self.blocks[number].preds
            before = [pred for pred in preds if self.position[pred] < place]
            dominator[number] = self._common(before, dominator)
        return dominator

    def _common(self, blocks: Sequence[int], dominator: Mapping[int, int]) -> int:
        """The lowest block that dominates all of some (Cooper, Harvey, Kennedy 2001). Their ways up
        the tree are walked together, the lowest first, so that what ten thousand branches to one
        label share is walked once."""
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
        """Whether every path to ``b`` leads through ``a``."""
        first, end = self._spans[a]
        return first <= self._spans[b][0] < end

    def _dominated(self) -> dict[int, tuple[int, int]]:
        """Where blocks stand in a preorder of the dominator tree, and where the last that each
        dominates is passed."""
        children: dict[int, list[int]] = {number: [] for number in self.order}
        sizes = dict.fromkeys(self.order, 1)
        for number in reversed(self.order[1:]):
            children[self.dominator[number]].append(number)
            sizes[self.dominator[number]] += sizes[number]
        spans: dict[int, tuple[int, int]] = {}
        waiting = [self.entry]
        while waiting:
            number = waiting.pop()
            spans[number] = len(spans), len(spans) + sizes[number]
            waiting += children[number]
        return spans


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
    def __init__(self, body: Body, forms: Sequence[str | None], look: Look) -> None:
        self.code = body.code
        self.forms = forms
        self.look = look
        self.clauses = clauses_of(body.code, forms, look)
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
        look = self.look
        for first, part in parts(self.code, look):
            for index, (number, x) in enumerate(part, first):
                waiting = self.by_start.get(index)
                if waiting is not None and waiting is not current:
                    if current is not None:
                        self.close(current, "jump", index - 1, Edge(waiting.number))
                    current = waiting
                if current is not None:
                    current = self.take(current, index, self.forms[number], x)
        look(None)
        _split_ends(self.blocks)
        return Graph(self.blocks, self.by_start[entry].number, look)

    def take(self, block: Block, index: int, form: str | None, x: Any) -> Block | None:
        """Adds one instruction; gives the block that goes on, if one does."""
        step = _Builder.instruction if form is None else FORMS[form]
        return step(self, block, index, x)

    def instruction(self, block: Block, index: int, x: Any) -> Block:
        block.instructions.append(index)
        return block

    def pass_(self, block: Block, index: int, x: Any) -> Block:
        return block

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
        if index == self.last:
            self.close(block, "return", index, Edge(RETURN, len(x.results)))
            return None
        if x.hidden:
            self.catch(block, index, x)
            return None
        return block

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

    def call(self, block: Block, index: int, x: Any) -> Block:
        block.instructions.append(index)
        if index not in self.clauses or isinstance(x, (Inlined, Lookup, Other)):
            return block
        behind = self.block_at(index + 1)
        self.catching(block, "invoke", index, Edge(behind.number))
        return behind

    def throw(self, block: Block, index: int, x: Any) -> None:
        block.instructions.append(index)
        self.catching(block, "throw", index)

    def catching(self, block: Block, exit: str, index: int, *edges: Edge) -> None:
        """Ends a block by what the clauses around it may catch."""
        block.clauses = self.clauses.get(index, ())
        pads = [self.pad(index, copy, clause) for copy, clause in enumerate(block.clauses, 1)]
        self.close(block, exit, index, *edges, *(Edge(pad.number) for pad in pads))

    def pad(self, index: int, copy: int, clause: Clause) -> Block:
        """The block where a clause takes an exception of an instruction."""
        pad = Block(len(self.blocks), index, copy)
        self.blocks.append(pad)
        pad.pad = clause
        branch, owner = clause.catch.branch, clause.owner
        if branch is not None:
            self.br(pad, index, branch)
        else:
            handler = self.block_at(clause.catch.at + 1)
            self.close(
                pad, "jump", index, Edge(handler.number, 1 + clause.catch.arity, owner.height)
            )
        return pad

    def catch(self, block: Block, index: int, x: Control) -> None:
        """The end of a legacy ``try``'s body, or of a ``catch``."""
        edge = Edge(self.block_at(x.end + 1).number, len(x.results), x.height)
        self.close(block, "jump", index, edge)

    def refused(self, block: Block, index: int, x: Any) -> None:
        """What the driver leaves to others."""
        raise NotImplementedError


#: what each control form does to the block that it stands in; gives the one that goes on
FORMS: dict[str, Callable[[_Builder, Block, int, Any], Block | None]] = {
    "nop": _Builder.pass_,
    "block": _Builder.pass_,
    "loop": _Builder.loop,
    "if": _Builder.if_,
    "else": _Builder.else_,
    "end": _Builder.end,
    "br": _Builder.br,
    "br_if": _Builder.br_if,
    "br_table": _Builder.br_table,
    "return": _Builder.br,
    "unreachable": _Builder.unreachable,
    "call": _Builder.call,
    "call_indirect": _Builder.call,
    "return_call": _Builder.refused,
    "return_call_indirect": _Builder.refused,
    "try_table": _Builder.pass_,
    "throw": _Builder.throw,
    "throw_ref": _Builder.throw,
    "try": _Builder.pass_,
    "catch": _Builder.catch,
    "catch_all": _Builder.catch,
    "delegate": _Builder.pass_,
    "rethrow": _Builder.throw,
}


def _split_ends(blocks: list[Block]) -> None:
    """Gives small blocks that end the function a copy for each block that leads there, so that
    what is known on the way is known at the end."""
    sources: dict[int, list[Block]] = {}
    moved: dict[int, dict[int, int]] = {}
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
            moved.setdefault(block.number, {})[number] = twin.number
    # once for each block: a switch may lead to thousands of ends
    for source, targets in moved.items():
        block = blocks[source]
        block.edges = tuple(
            edge._replace(target=targets.get(edge.target, edge.target)) for edge in block.edges
        )


def build(body: Body, instructions: InstructionSet, entry: int = 0, look: Look = never) -> Graph:
    """The graph of a validated body, entered at the instruction ``entry``: the first one, or the
    one after a loop instruction. ``look`` is called now and then, and may raise. Raises Irreducible
    and TooManyClauses."""
    return _Builder(body, [row.form for row in instructions.rows], look).build(entry)
