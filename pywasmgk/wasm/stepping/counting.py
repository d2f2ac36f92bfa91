"""What is counted of an execution: how often each instruction ran, and in which chain of calls."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

from ..runtime.functions import Func
from ..valid.blockmap import ENTERING

__all__ = ["Arms", "Counter", "Counts", "Node", "Nowhere"]

#: chains of calls that are told apart, and counters for all of them
_MOST_NODES, _MOST_COUNTERS = 20_000, 20_000_000

#: of a function, by the position of a table of branches and the number of one of its labels
Arms = dict[tuple[int, int], int]


class Counts(list[int]):
    """How often each instruction of a function ran, by position; and what some charged beside one
    unit: the lengths of bulk operations, the pages of growths. ``arms`` are of all chains: how
    often tables of branches were left by each of their labels, by position and label's number."""

    def __init__(self, size: int, arms: Arms) -> None:
        super().__init__(bytes(size))
        self.charges: dict[int, int] = {}
        self.arms = arms

    def choose(self, pc: int, label: int) -> None:
        """A table of branches was left by one of its labels."""
        self.arms[pc, label] = self.arms.get((pc, label), 0) + 1

    def charge(self, pc: int, fuel: int) -> None:
        """An instruction charges more than its unit."""
        self.charges[pc] = self.charges.get(pc, 0) + fuel


class Node:
    """A chain of calls: a function, called by the chain that this one is a child of."""

    def __init__(self, func: Func | None, fuels: Sequence[int], arms: Arms) -> None:
        self.func = func
        #: fuel of each instruction of the function, by position
        self.fuels = fuels
        #: how often it was called so
        self.calls = 0
        self.counts = Counts(len(fuels), arms)
        self.children: dict[Func, Node] = {}

    def fuel_at(self, pc: int) -> int:
        """Fuel that an instruction took here."""
        return self.counts[pc] * self.fuels[pc] + self.counts.charges.get(pc, 0)

    @property
    def fuel(self) -> int:
        """Fuel of the function itself in this chain, what it calls aside."""
        own: int = sum(map(operator.mul, self.counts, self.fuels))
        return self.calls * ENTERING + own + sum(self.counts.charges.values())

    def walk(self, chain: tuple[Func, ...] = ()) -> Iterator[tuple[tuple[Func, ...], Node]]:
        """All chains with their nodes, callers before callees."""
        waiting = [(chain, self)]
        while waiting:
            chain, node = waiting.pop()
            if node.func is not None:
                chain = (*chain, node.func)
                yield chain, node
            waiting += [(chain, child) for child in reversed(node.children.values())]


class Nowhere(Counts):
    """Counters that nobody reads."""

    def __init__(self) -> None:
        super().__init__(0, {})

    def __getitem__(self, pc: Any) -> Any:
        return 0

    def __setitem__(self, pc: Any, count: Any) -> None:
        """Forgets it."""

    def charge(self, pc: int, fuel: int) -> None:
        """Forgets it."""

    def choose(self, pc: int, label: int) -> None:
        """Forgets it."""


class Counter:
    """Counts every instruction of an execution, in its chain of calls, while it is attached. With
    ``whole`` it is there from the beginning, and the first call is one that it has seen."""

    def __init__(self, *, whole: bool = False) -> None:
        # two operations that are of no module, and cost nothing
        self.root = Node(None, (0, 0), {})
        #: of each function that ran
        self.arms: dict[Func, Arms] = {}
        self._fuels: dict[Func, Sequence[int]] = {}
        #: of each frame the chain that it is in
        self._nodes = [self.root]
        self._left = _MOST_NODES
        self._counters = _MOST_COUNTERS
        self._whole = whole

    def follow(self, functions: Sequence[Func]) -> None:
        """Begins in frames of functions, the outermost first, whose calls it has not seen."""
        self._nodes = [self.root]
        for func in functions:
            self._nodes.append(self._child(self._nodes[-1], func))
            self._nodes[-1].calls += self._whole
        self._whole = False

    def counts_in(self, func: Func, place: int) -> Counts:
        """The counters of the frame that runs now, which has ``place`` frames below it."""
        nodes = self._nodes
        if place == 0:
            # what is not of a module
            return self.root.counts
        if place < len(nodes):
            # it came back, or another function has taken the frame over
            del nodes[place + 1 :]
            if nodes[place].func is not func:
                nodes[place] = self._called(nodes[place - 1], func)
        else:
            nodes.append(self._called(nodes[-1], func))
        return nodes[place].counts

    def _called(self, caller: Node, func: Func) -> Node:
        node = self._child(caller, func)
        node.calls += 1
        return node

    def _child(self, caller: Node, func: Func) -> Node:
        node = caller.children.get(func)
        if node is None:
            fuels = self._fuels_of(func)
            if self._left <= 0 or self._counters < len(fuels):
                # too many: all further chains of the function are one
                caller = self.root
                node = caller.children.get(func)
            if node is None:
                self._left -= 1
                self._counters -= len(fuels)
                arms = self.arms.setdefault(func, {})
                node = caller.children[func] = Node(func, fuels, arms)
        return node

    def _fuels_of(self, func: Func) -> Sequence[int]:
        found = self._fuels.get(func)
        if found is None:
            instance: Any = func.instance
            module = instance.module
            rows, code = module.isa.rows, module.block_map(func.index).code
            found = self._fuels[func] = [rows[number].fuel for number, _ in code]
        return found
