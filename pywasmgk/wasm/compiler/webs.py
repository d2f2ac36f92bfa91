"""Assignments that belong together: those of one variable that the same readers see.

Compilers use a local for several things, one after the other. What is decided about what a local
holds is decided for one of these at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .analysis import Analysis
from .graph import RETURN
from .lines import Line, Part
from .liveness import live_variables
from .terms import Term
from .translate import Result

__all__ = ["Assignment", "Place", "Reading", "Web", "assignments", "readings", "webs"]

#: where a variable holds something: a block, and how often the block has assigned it
Place = tuple[int, int]


class Assignment(NamedTuple):
    """What a variable is set to."""

    #: where: an instruction and a local; or a slot, and by ``~number`` the block at whose head
    site: tuple[int, int]
    value: Term
    #: the block that it is part of, or that leads to the slot's
    block: int
    #: it is not expected to run
    rare: bool


class Web:
    """Assignments of a variable that the same readers see."""

    __slots__ = ("assignments", "places", "variable")

    def __init__(
        self, variable: int, assignments: Collection[Assignment], places: frozenset[Place]
    ) -> None:
        self.variable = variable
        self.assignments = assignments
        #: where what they set is held: of a local, where it is live; of a slot, everywhere
        self.places = places

    @property
    def blocks(self) -> set[int]:
        """The blocks where what is set is held."""
        return {block for block, _ in self.places}


def assignments(analysis: Analysis) -> Iterator[Assignment]:
    """What variables are set to: locals, and slots at the heads of blocks."""
    for number, result in analysis.results.items():
        for line in result.lines:
            if line.target and isinstance(line.parts[2], Term):
                site = line.at, int(line.target[1:])
                yield Assignment(site, line.parts[2], number, result.rare)
        yield from _slots(analysis, result)


def _slots(analysis: Analysis, result: Result) -> Iterator[Assignment]:
    for way in result.ways:
        target = RETURN if way is None else way.edge.target
        if way is not None and target != RETURN and analysis.is_merge(target):
            for slot, term in enumerate(way.stack, analysis.shape.nlocals):
                yield Assignment((~target, slot), term, result.block.number, result.rare)


def webs(analysis: Analysis, found: Collection[Assignment]) -> list[Web]:
    """Assignments of some variables by their readers. ``found`` are all of each."""
    nlocals, everywhere = analysis.shape.nlocals, frozenset((n, 0) for n in analysis.results)
    readers = _Readers(analysis, {item.site[1] for item in found if item.site[1] < nlocals})
    groups: dict[Any, list[Assignment]] = {}
    for item in found:
        held = readers.behind.get(item.site)
        groups.setdefault(item.site if held is None else readers.root(held), []).append(item)
    return [
        Web(
            items[0].site[1], items, readers.places(group) if isinstance(group, int) else everywhere
        )
        for group, items in groups.items()
    ]


class _Readers:
    """What locals hold, by who reads it. At the head of each block that it is live at a local holds
    something, and something else behind every assignment; where code goes from one block to
    another, two of these are the same."""

    def __init__(self, analysis: Analysis, locals_: Collection[int]) -> None:
        self._parents: list[int] = []
        self._held_at: list[Place] = []
        #: what is held behind assignments, by their sites
        self.behind: dict[tuple[int, int], int] = {}
        live = live_variables(analysis) if locals_ else {}
        heads = {
            number: {local: self._new((number, 0)) for local in locals_ if bits >> local & 1}
            for number, bits in live.items()
        }
        for number, head in heads.items():
            held, counts = dict(head), dict.fromkeys(locals_, 0)
            for line in analysis.results[number].lines:
                local = int(line.target[1:]) if line.target else -1
                if local in counts:
                    counts[local] += 1
                    held[local] = self._assigned((line.at, local), (number, counts[local]))
            for way in analysis.results[number].ways:
                target = RETURN if way is None else way.edge.target
                for local, other in heads.get(target, {}).items():
                    if local in held:
                        self._unite(held[local], other)
        self._places: dict[int, list[Place]] = {}
        for number, place in enumerate(self._held_at):
            self._places.setdefault(self.root(number), []).append(place)

    def _new(self, place: Place) -> int:
        self._parents.append(len(self._parents))
        self._held_at.append(place)
        return len(self._parents) - 1

    def _assigned(self, site: tuple[int, int], place: Place) -> int:
        held = self._new(place)
        # a block that is made several times has it in each
        self._unite(held, self.behind.setdefault(site, held))
        return held

    def _unite(self, one: int, other: int) -> None:
        self._parents[self.root(one)] = self.root(other)

    def root(self, held: int) -> int:
        """The one that stands for all that are the same."""
        parents = self._parents
        while parents[held] != held:
            parents[held] = held = parents[parents[held]]
        return held

    def places(self, root: int) -> frozenset[Place]:
        """Where what has some root is held."""
        return frozenset(self._places[root])


class Reading(NamedTuple):
    """What is read in one place of a block."""

    #: the line that reads it, or none behind them
    line: Line | None
    parts: Iterable[Part]
    block: int
    #: how often the block has assigned locals so far
    counts: Mapping[int, int]

    def place(self, variable: Term) -> tuple[int, Place]:
        """What a variable is, and where."""
        return variable.place, (self.block, self.counts.get(variable.place, 0))


def readings(analysis: Analysis) -> Iterator[Reading]:
    """All that is read in blocks that are expected to run."""
    for number, result in analysis.results.items():
        if not result.rare:
            counts: dict[int, int] = {}
            for line in result.lines:
                yield Reading(line, line.operands, number, counts)
                if line.target:
                    local = int(line.target[1:])
                    counts[local] = counts.get(local, 0) + 1
            yield Reading(None, result.behind, number, counts)
