"""The natural loops of a reducible graph, and how they nest (P. Havlak, 1997).

Loops are found from the inside out; whatever lies in a loop that is known already is skipped by
union-find, so that the whole takes little more than a look at each edge. An order of the blocks in
which every loop is one stretch makes each loop a pair of numbers, whatever the depth of the nest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

__all__ = ["LoopBlocks", "LoopNest"]


class LoopBlocks(Collection[int]):
    """The blocks of one loop, its head first."""

    __slots__ = ("_nest", "end", "first")

    def __init__(self, nest: LoopNest, first: int, end: int) -> None:
        self._nest = nest
        #: its stretch of ``LoopNest.schedule``
        self.first = first
        self.end = end

    def __contains__(self, number: object) -> bool:
        return self.first <= self._nest.place.get(number, -1) < self.end  # type: ignore[call-overload,no-any-return]

    def __len__(self) -> int:
        return self.end - self.first

    def __iter__(self) -> Iterator[int]:
        return iter(self._nest.schedule[self.first : self.end])


class LoopNest:
    """Which loops there are, and which are inside which."""

    def __init__(
        self, order: Sequence[int], preds: Mapping[int, Sequence[int]], position: Mapping[int, int]
    ) -> None:
        """``order`` is a reverse postorder, ``position`` its inverse."""
        #: the innermost loop that a block lies in, by its head; a head lies in its own loop
        self.within: dict[int, int] = {}
        #: the loop around another one
        self.outer: dict[int, int] = {}
        heads = self._find(order, preds, position)
        #: blocks in an order in which edges go forward, but for those to heads, and in which every
        #: loop is one stretch (a weak topological order, F. Bourdoncle 1993)
        self.schedule: list[int] = []
        self.place: dict[int, int] = {}
        self.loops: dict[int, LoopBlocks] = {}
        #: how many loops a block lies in
        self.depth: dict[int, int] = {}
        self._lay_out(order, heads)

    def around(self, number: int) -> Iterator[int]:
        """The heads of the loops that a block lies in, innermost first."""
        head = self.within.get(number)
        while head is not None:
            yield head
            head = self.outer.get(head)

    def _find(
        self, order: Sequence[int], preds: Mapping[int, Sequence[int]], position: Mapping[int, int]
    ) -> set[int]:
        """Notes what lies in which loop; gives the heads."""
        heads = set()
        #: for a block that lies in a loop that is known, a loop around it
        known: dict[int, int] = {}

        def outermost(number: int) -> int:
            while number in known:
                above = known[number]
                known[number] = number = known.get(above, above)
            return number

        for head in reversed(order):
            waiting = [pred for pred in preds[head] if position[pred] >= position[head]]
            if not waiting:
                continue
            heads.add(head)
            self.within[head] = head
            while waiting:
                number = outermost(waiting.pop())
                if number != head:
                    known[number] = head
                    (self.outer if number in heads else self.within)[number] = head
                    waiting += preds[number]
        return heads

    def _lay_out(self, order: Sequence[int], heads: set[int]) -> None:
        parts: dict[int | None, list[int]] = {None: [], **{head: [] for head in heads}}
        for number in order:
            if number in heads:
                parts[self.outer.get(number)].append(number)
            else:
                parts[self.within.get(number)].append(number)
        first: dict[int, int] = {}
        waiting = [(number, False) for number in reversed(parts[None])]
        while waiting:
            number, is_done = waiting.pop()
            if is_done:
                self.loops[number] = LoopBlocks(self, first[number], len(self.schedule))
                continue
            around = self.outer.get(number) if number in heads else self.within.get(number)
            self.depth[number] = (0 if around is None else self.depth[around]) + (number in heads)
            self.place[number] = len(self.schedule)
            self.schedule.append(number)
            if number in heads:
                first[number] = self.place[number]
                waiting.append((number, True))
                waiting += [(inner, False) for inner in reversed(parts[number])]
        # outer loops first
        self.loops = {number: self.loops[number] for number in order if number in heads}
