"""The search for facts: every block is translated until what is known on its way in stands still.

Facts come from translating: a block is translated with what is known at its head and says what is
known along each of its edges. Blocks whose way in has changed are translated again; at the heads of
loops bounds are widened, so that this ends. What is left at the end is the code itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from .assumptions import Assumption, with_frames
from .facts import Environment, Shifted, join, stops_with, widen
from .graph import RETURN, Graph
from .lines import Line
from .shape import NEAR, Shape
from .terms import Term, is_word, signed
from .translate import Result, Site, Way

__all__ = ["Analysis", "analyse"]

#: numbers that a loop's turns are compared with, above which none is a stop: each may take a turn
_MOST_STOPS = 3
#: above signed numbers of 32 bits
_SIGN = 1 << 31


class Analysis:
    """The translated blocks of a function, by number; those that nothing reaches are not there."""

    def __init__(
        self, shape: Shape, graph: Graph, slots: int | None, assumed: Sequence[Assumption]
    ) -> None:
        self.shape = shape
        self.graph = graph
        #: how many operands are on the stack where the code is entered, if that is a loop's head
        self.slots = slots
        self.results: dict[int, Result] = {}
        #: variables that are read from a block's head on before they are written, as sets of bits
        #: (``liveness``)
        self.live: dict[int, int] = {}
        #: what is taken for granted at the entry
        self.assumed = assumed
        #: what is known at each block's head
        self.env: dict[int, Environment] = {graph.entry: self._at_entry()}
        #: operands at the head of a block that is entered from one place only
        self.stacks: dict[int, list[Term]] = {graph.entry: []}
        #: operands on the stack of the others; they are in slots there
        self.heights: dict[int, int] = {} if slots is None else {graph.entry: slots}
        self._incoming: dict[int, dict[tuple[int, int], Environment]] = {}
        #: locals that the turns of a loop assign, by its head, as sets of bits
        self._assigned: dict[int, int] = {}
        #: stops of bounds, by a loop's head
        self._stops: dict[int, Sequence[int]] = {}
        if slots is not None:
            self._incoming[graph.entry] = {(-1, 0): self.env[graph.entry]}
        elif any(item.is_global for item in assumed):
            self.assumed = with_frames(assumed, self.translated(graph.entry).lines)
            self.env[graph.entry] = self._at_entry()
        self._search(graph.entry)
        if graph.loops:
            self._narrow()
        self._drop_unreachable()

    def _at_entry(self) -> Environment:
        """What is known when the code is entered."""
        entry = self.shape.entry_environment(self.slots)
        for item in self.assumed:
            if entry[item.place] is not None:
                entry[item.place] = item.least, NEAR - 1, item.zeros
        return entry

    @property
    def lines(self) -> list[Line]:
        """The lines of all blocks."""
        return [line for result in self.results.values() for line in result.lines]

    @property
    def behind(self) -> list[Term]:
        """What is read behind the lines of all blocks."""
        return [term for result in self.results.values() for term in result.behind]

    def is_merge(self, number: int) -> bool:
        """Whether operands come in slots: a loop's head, or a block with several ways in."""
        block = self.graph.blocks[number]
        return block.header is not None or len(block.preds) > 1

    def _search(self, start: int) -> None:
        position, order = self.graph.position, self.graph.order
        waiting, queued = [position[start]], {position[start]}
        while waiting:
            number = order[heapq.heappop(waiting)]
            queued.discard(position[number])
            result = self.translated(number)
            self.results[number] = result
            for place, way in enumerate(result.ways):
                if way is None or way.edge.target == RETURN:
                    continue
                if self._arrive(number, place, way) and position[way.edge.target] not in queued:
                    queued.add(position[way.edge.target])
                    heapq.heappush(waiting, position[way.edge.target])

    def _narrow(self) -> None:
        """Takes back what widening gave up too much: one more turn from bounds that hold gives
        bounds that hold, and often better ones."""
        # a condition that was decided by wide bounds may be open by better ones
        reached = set(self.results)
        for number in self.graph.order:
            if number not in reached:
                continue
            if number in self._incoming:
                self.env[number] = self._joined(number)
            result = self.translated(number)
            self.results[number] = result
            for place, way in enumerate(result.ways):
                if way is not None and way.edge.target != RETURN:
                    self._bring(number, place, way)
                    reached.add(way.edge.target)
        # where a better bound made a worse one elsewhere, the search goes on from there
        for number in self._incoming:
            joined = join(self.env[number], self._joined(number))
            if joined != self.env[number]:
                self.env[number] = joined
                self._search(number)

    def _drop_unreachable(self) -> None:
        """Leaves out blocks that only conditions which never hold lead to."""
        reached, waiting = {self.graph.entry, RETURN}, [self.graph.entry]
        while waiting:
            for way in self.results[waiting.pop()].ways:
                if way is not None and way.edge.target not in reached:
                    reached.add(way.edge.target)
                    waiting.append(way.edge.target)
        self.results = {number: self.results[number] for number in sorted(reached - {RETURN})}

    def translated(self, number: int) -> Result:
        """A block's code, with what is known at its head."""
        env = self.env[number]
        return Site(self.shape, self.graph.blocks[number], env, self.operands(number, env)).run()

    def again(self, numbers: Iterable[int]) -> None:
        """Translates some blocks once more, for what the shape has been told since, and those that
        find other operands or names by it. Facts stay what they are."""
        waiting = set(numbers)
        for number in self.graph.order:
            if number in waiting and number in self.results:
                self.results[number] = result = self.translated(number)
                for place, way in enumerate(result.ways):
                    if way is None or way.edge.target == RETURN:
                        continue
                    if self._renamed(number, place, way):
                        waiting.add(way.edge.target)

    def _renamed(self, source: int, place: int, way: Way) -> bool:
        """Takes the names that come along an edge; gives whether a block must be written anew."""
        target = way.edge.target
        before = self.env[target]
        self._bring(source, place, way)
        if not self.is_merge(target):
            return bool(way.stack) or way.env.shifted != before.shifted
        shifted = self._joined(target).shifted
        if shifted == before.shifted:
            return False
        before.shifted = shifted
        return True

    def operands(self, number: int, env: Environment) -> list[Term]:
        """The operand stack at a block's head."""
        if number not in self.heights:
            return list(self.stacks[number])
        first = self.shape.nlocals
        return [self._slot(env, first + slot) for slot in range(self.heights[number])]

    def _slot(self, env: Environment, place: int) -> Term:
        """What a slot holds, read from the local that it is a copy of on all ways, if it is one."""
        for other, difference in env.linked(place):
            if not difference and other < self.shape.nlocals:
                return self.shape.variable(env, other)
        return self.shape.variable(env, place)

    def _bring(self, source: int, place: int, way: Way) -> None:
        """Notes what comes along an edge."""
        target = way.edge.target
        if not self.is_merge(target):
            self.env[target], self.stacks[target] = way.env, way.stack
            return
        env = way.env.copy()
        first = self.shape.nlocals
        for slot, term in enumerate(way.stack):
            is_signed = (~target, first + slot) in self.shape.signs and is_word(term)
            if is_signed:
                term = signed(term, _SIGN)
                # other ways may have the same operands
                way.stack = [*way.stack[:slot], term, *way.stack[slot + 1 :]]
            fact = None if term.low is None else (term.low, term.high, term.zeros)
            # what is linked with a local of 32 bits is such a number as well
            words = self.shape.words | 1 << first + slot
            env.set(first + slot, fact, term, words, signed=is_signed)
        self.heights[target] = len(way.stack)
        self._incoming.setdefault(target, {})[source, place] = env

    def _joined(self, number: int) -> Environment:
        """What holds on all ways into a block."""
        incoming = self._incoming[number]
        ways = iter(incoming.values())
        joined = next(ways).copy()
        for other in ways:
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
        """What the turns of a loop may change, as a set of bits: the locals that they assign, and
        whatever is no local."""
        if head not in self._assigned:
            blocks = (self.graph.blocks[number] for number in self.graph.loops[head])
            self._assigned[head] = reduce(or_, map(self.shape.assigned, blocks))
        return self._assigned[head] | -1 << self.shape.nlocals

    def _arrive(self, source: int, place: int, way: Way) -> bool:
        """Takes what comes along an edge; gives whether the target must be translated again."""
        target = way.edge.target
        self._bring(source, place, way)
        if not self.is_merge(target):
            return True
        joined = self._joined(target)
        old = self.env.get(target)
        if old is not None:
            shifted = joined.shifted
            joined = join(old, joined)
            # names are those of the code as it is now
            joined.shifted = shifted
            if joined == old:
                return False
            if target in self.graph.loops:
                joined = widen(old, joined, self._stops_at(target), self.changed(target))
        self.env[target] = joined
        return True

    def _stops_at(self, head: int) -> Sequence[int]:
        """Where bounds stop on their way at a loop's head: below the numbers, too, that ways back
        to it or out of the loop compare something with."""
        if head not in self._stops:
            inside, blocks = self.graph.loops[head], self.graph.blocks
            numbers = set()
            for number in inside:
                compared = self.shape.compared(blocks[number])
                targets = {edge.target for edge in blocks[number].edges}
                if compared is not None and (head in targets or not targets <= inside):
                    numbers.add(compared - 1)
            found = len(numbers) <= _MOST_STOPS
            self._stops[head] = stops_with(numbers if found else ())
        return self._stops[head]


def analyse(
    shape: Shape,
    graph: Graph,
    slots: int | None = None,
    assumed: Sequence[Assumption] = (),
) -> Analysis:
    """Translates a function's blocks with all that can be known. ``slots`` is the number of
    operands on the stack if it is entered at a loop's head."""
    return Analysis(shape, graph, slots, assumed)
