"""Ranges: abstract interpretation of a function over intervals and differences of its variables.

Facts come from lowering: a block is lowered with what is known at its head and says what is known
along each of its edges. At joins facts are joined, at the heads of loops widened, so that the
search ends in a fixpoint (Cousot and Cousot, POPL 1977); narrowing takes back what widening gave
up. What is left at the end is the code itself.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterable, Sequence

from ..frontend.context import NEAR, Context
from ..frontend.entry_guards import Assumption, with_frames
from ..frontend.lowering import Site
from ..ir.cfg import RETURN, Graph
from ..ir.domain import Environment, Shifted, join, widen
from ..ir.expr import Expr, is_word, signed
from ..ir.function import Flow, Function, LoweredBlock
from ..ir.loops import LoopNest
from ..ir.traversal import all_alike
from .loop_facts import LoopFacts

__all__ = ["Analysis", "analyse", "lowered_again"]

#: variables whose facts are copied and joined in the time that an instruction is lowered in
_FACTS_PER_WORK = 64
#: above signed numbers of 32 bits
_SIGN = 1 << 31


class Analysis:
    """The translated blocks of a function, by number; those that nothing reaches are not there."""

    def __init__(
        self, context: Context, graph: Graph, slots: int | None, assumed: Sequence[Assumption]
    ) -> None:
        self.context = context
        self.graph = graph
        #: how many operands are on the stack where the code is entered, if that is a loop's head
        self.slots = slots
        self.blocks: dict[int, LoweredBlock] = {}
        #: what is taken for granted at the entry
        self.assumed = assumed
        #: what is known at each block's head
        self.env: dict[int, Environment] = {graph.entry: self._at_entry()}
        #: operands at the head of a block that is entered from one place only
        self.stacks: dict[int, list[Expr]] = {graph.entry: []}
        #: operands on the stack of the others; they are in slots there
        self.heights: dict[int, int] = {} if slots is None else {graph.entry: slots}
        self._incoming: dict[int, dict[tuple[int, int], Environment]] = {}
        self._loop_facts = LoopFacts(context, graph)
        if slots is not None:
            self._incoming[graph.entry] = {(-1, 0): self.env[graph.entry]}
        elif any(item.is_global for item in assumed):
            self.assumed = with_frames(assumed, self.translated(graph.entry).statements)
            self.env[graph.entry] = self._at_entry()
        self._search(graph.entry)
        if graph.loops:
            self._narrow()
        self._drop_unreachable()

    def _at_entry(self) -> Environment:
        """What is known when the code is entered."""
        entry = self.context.entry_environment(self.slots)
        for item in self.assumed:
            if entry[item.place] is not None:
                entry[item.place] = item.least, NEAR - 1, item.zeros
        return entry

    @property
    def function(self) -> Function:
        """The function as it was found."""
        return Function(
            self.context, self.graph, self.blocks, self.env, self, self.slots, self.assumed
        )

    def resumed(self, context: Context, function: Function) -> Analysis:
        """Another one, for a function that goes on from what this one found, with other choices in
        its context."""
        found = copy.copy(self)
        found.context = context
        found.blocks = dict(function.blocks)
        found.env, found.stacks = dict(self.env), dict(self.stacks)
        found.heights = dict(self.heights)
        found._incoming = {number: dict(flows) for number, flows in self._incoming.items()}
        return found

    def _search(self, start: int) -> None:
        """Lowers a block, and all whose way in changes by that, until nothing changes."""
        waiting = _Waiting(self.graph.nest)
        waiting.add(start)
        is_first = True
        while (number := waiting.next()) is not None:
            if is_first or not self.graph.is_merge(number) or self._enter(number):
                for target in self._lower(number):
                    waiting.add(target, number)
            is_first = False

    def _lower(self, number: int) -> list[int]:
        """Lowers a block; gives those that may find something else at their heads now."""
        self.blocks[number] = result = self.translated(number)
        return [
            flow.edge.target
            for place, flow in enumerate(result.flows)
            if flow is not None and flow.edge.target != RETURN and self._bring(number, place, flow)
        ]

    def _enter(self, number: int) -> bool:
        """Takes what has come along the edges into a block; gives whether it must be lowered."""
        joined, old = self._joined(number), self.env.get(number)
        if old is not None:
            # names are those of the code as it is now
            shifted = joined.shifted
            joined = join(old, joined)
            joined.shifted = shifted
            if joined == old:
                return False
            if number in self.graph.loops:
                facts = self._loop_facts
                joined = widen(old, joined, facts.stops(number), facts.changed(number))
        self.env[number] = joined
        return True

    def _narrow(self) -> None:
        """Takes back what widening gave up too much: one more turn from bounds that hold gives
        bounds that hold, and often better ones."""
        changed: set[int] = set()
        for number in self.context.budget.each(self.graph.order):
            if number in self._incoming:
                joined = self._joined(number)
                if number in self.env and joined == self.env[number]:
                    continue
                self.env[number] = joined
            elif number not in changed:
                continue
            # a condition that was decided by wide bounds may be open by better ones
            changed.update(self._lower(number))
        # where a better bound made a worse one elsewhere, the search goes on from there
        for number in self.context.budget.each(self._incoming):
            joined = join(self.env[number], self._joined(number))
            if joined != self.env[number]:
                self.env[number] = joined
                self._search(number)

    def _drop_unreachable(self) -> None:
        """Leaves out blocks that only conditions which never hold lead to."""
        reached, waiting = {self.graph.entry, RETURN}, [self.graph.entry]
        while waiting:
            for flow in self.blocks[waiting.pop()].flows:
                if flow is not None and flow.edge.target not in reached:
                    reached.add(flow.edge.target)
                    waiting.append(flow.edge.target)
        self.blocks = {number: self.blocks[number] for number in sorted(reached - {RETURN})}

    def translated(self, number: int) -> LoweredBlock:
        """A block's code, with what is known at its head."""
        env, block = self.env[number], self.graph.blocks[number]
        self.context.budget.check(1 + len(block.instructions) + self.heights.get(number, 0))
        return Site(self.context, block, env, self.operands(number, env)).run()

    def again(self, numbers: Iterable[int]) -> None:
        """Translates some blocks, and those that find other operands or names by it, once more."""
        waiting = set(numbers)
        for number in self.graph.order:
            if number in waiting and number in self.blocks:
                self.blocks[number] = result = self.translated(number)
                for place, flow in enumerate(result.flows):
                    if flow is None or flow.edge.target == RETURN:
                        continue
                    if self._renamed(number, place, flow):
                        waiting.add(flow.edge.target)

    def _renamed(self, source: int, place: int, flow: Flow) -> bool:
        """Takes the names that come along an edge; gives whether a block must be written anew."""
        target = flow.edge.target
        before = self.env[target]
        self._bring(source, place, flow)
        if not self.graph.is_merge(target):
            return bool(flow.stack) or flow.env.shifted != before.shifted
        shifted = self._joined(target).shifted
        if shifted == before.shifted:
            return False
        self.env[target] = before.copy()
        self.env[target].shifted = shifted
        return True

    def operands(self, number: int, env: Environment) -> list[Expr]:
        """The operand stack at a block's head."""
        if number not in self.heights:
            return list(self.stacks[number])
        first = self.context.nlocals
        return [self._slot(env, first + slot) for slot in range(self.heights[number])]

    def _slot(self, env: Environment, place: int) -> Expr:
        """What a slot holds, read from the local that it is a copy of on all paths, if it is
        one."""
        for other, difference in env.linked(place):
            if not difference and other < self.context.nlocals:
                return self.context.variable(env, other)
        return self.context.variable(env, place)

    def _bring(self, source: int, place: int, flow: Flow) -> bool:
        """Notes what comes along an edge; gives whether that may change anything."""
        target = flow.edge.target
        if not self.graph.is_merge(target):
            before = self.env.get(target)
            if before == flow.env and all_alike(self.stacks[target], flow.stack):
                return False
            self.env[target], self.stacks[target] = flow.env, list(flow.stack)
            return True
        env = flow.env.copy() if flow.stack else flow.env
        self.context.budget.check(len(flow.stack) + len(env) // _FACTS_PER_WORK)
        first = self.context.nlocals
        for slot, term in enumerate(flow.stack):
            is_signed = (~target, first + slot) in self.context.signs and is_word(term)
            if is_signed:
                term = signed(term, _SIGN)
                # other ways may have the same operands
                flow.stack = [*flow.stack[:slot], term, *flow.stack[slot + 1 :]]
            fact = None if term.low is None else (term.low, term.high, term.zeros)
            # what is linked with a local of 32 bits is such a number as well
            words = self.context.words | 1 << first + slot
            env.set(first + slot, fact, term, words, signed=is_signed)
        self.heights[target] = len(flow.stack)
        self._incoming.setdefault(target, {})[source, place] = env
        return True

    def _joined(self, number: int) -> Environment:
        """What holds on all edges into a block."""
        incoming = self._incoming[number]
        flows = iter(incoming.values())
        joined = next(flows).copy()
        for other in self.context.budget.each(flows):
            joined = join(joined, other)
        inside = self.graph.loops.get(number)
        if inside is not None:
            before = (env for (source, _), env in incoming.items() if source not in inside)
            joined.shifted = self._untouched(number, before)
        return joined

    def _untouched(self, head: int, before: Iterable[Environment]) -> dict[Shifted, str]:
        """What was shifted before a loop, of pointers that its turns do not change."""
        known = [env.shifted for env in before]
        if not known or not known[0]:
            return {}
        changed = self.changed(head)
        return {
            key: text
            for key, text in known[0].items()
            if not changed >> key[0] & 1 and all(other.get(key) == text for other in known[1:])
        }

    def changed(self, head: int) -> int:
        """What the turns of a loop may change, as a set of bits."""
        return self._loop_facts.changed(head)


class _Waiting:
    """Blocks that are to be lowered, each once. What follows a loop waits until the loop stands
    still, and a loop's head until all back edges to it have come."""

    def __init__(self, nest: LoopNest) -> None:
        self._nest = nest
        self._heap: list[tuple[tuple[float, int], int]] = []
        self._keys: dict[int, tuple[float, int]] = {}

    def add(self, number: int, source: int = -1) -> None:
        """Adds a block that is reached from another one."""
        loop = self._nest.loops.get(number)
        key: tuple[float, int] = self._nest.place[number], 0
        if loop is not None and source in loop:
            # after all of the loop; of loops that end together, the inner one first
            key = loop.end - 0.5, -loop.first
        if number not in self._keys or key < self._keys[number]:
            self._keys[number] = key
            heapq.heappush(self._heap, (key, number))

    def next(self) -> int | None:
        """Takes the next one out."""
        while self._heap:
            key, number = heapq.heappop(self._heap)
            if self._keys.get(number) == key:
                del self._keys[number]
                return number
        return None


def analyse(
    context: Context,
    graph: Graph,
    slots: int | None = None,
    assumed: Sequence[Assumption] = (),
) -> Function:
    """Translates a function's blocks with all that can be known. ``slots`` is the number of
    operands on the stack if it is entered at a loop's head."""
    return Analysis(context, graph, slots, assumed).function


def lowered_again(function: Function, context: Context, numbers: Iterable[int]) -> Function:
    """A function of which some blocks are translated once more, for what is chosen in ``context``,
    and those that find other operands or names by it. Facts stay what they are."""
    analysis: Analysis = function.search.resumed(context, function)
    analysis.again(numbers)
    return analysis.function
