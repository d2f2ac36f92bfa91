"""Webs: assignments of one variable that the same readers see, by their reaching definitions.

Compilers use a local for several things, one after the other. What is decided about what a local
holds is decided for one of these at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..ir.cfg import RETURN
from ..ir.expr import Expr
from ..ir.function import Function, LoweredBlock
from ..ir.statements import Assign, Statement
from .liveness import live_variables

__all__ = ["Assignment", "Place", "Reading", "Web", "assignments", "readings", "webs"]

#: where a variable holds something: a block, and how often the block has assigned it
Place = tuple[int, int]


class Assignment(NamedTuple):
    """What a variable is set to."""

    #: where: an instruction and a local; or a slot, and by ``~number`` the block at whose head
    site: tuple[int, int]
    value: Expr
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
        #: where they reach: of a local, where it is live; of a slot, everywhere
        self.places = places

    @property
    def blocks(self) -> set[int]:
        """The blocks that they reach."""
        return {block for block, _ in self.places}


def assignments(function: Function) -> Iterator[Assignment]:
    """What variables are set to: locals, and slots at the heads of blocks."""
    for number, result in function.blocks.items():
        for line in result.statements:
            if isinstance(line, Assign) and line.local:
                site = line.at, int(line.local[1:])
                yield Assignment(site, line.value, number, result.rare)
        yield from _slots(function, result)


def _slots(function: Function, result: LoweredBlock) -> Iterator[Assignment]:
    for flow in result.flows:
        target = RETURN if flow is None else flow.edge.target
        if flow is not None and target != RETURN and function.graph.is_merge(target):
            for slot, term in enumerate(flow.stack, function.context.nlocals):
                yield Assignment((~target, slot), term, result.block.number, result.rare)


def webs(function: Function, found: Collection[Assignment]) -> list[Web]:
    """Assignments of some variables by their readers. ``found`` are all of each."""
    nlocals, everywhere = function.context.nlocals, frozenset((n, 0) for n in function.blocks)
    readers = _Readers(function, {item.site[1] for item in found if item.site[1] < nlocals})
    groups: dict[Any, list[Assignment]] = {}
    for item in found:
        definition = readers.after.get(item.site)
        groups.setdefault(item.site if definition is None else readers.root(definition), []).append(
            item
        )
    return [
        Web(
            items[0].site[1], items, readers.places(group) if isinstance(group, int) else everywhere
        )
        for group, items in groups.items()
    ]


class _Readers:
    """What locals hold, by who reads it. At the head of each block that it is live at a local holds
    something, and something else after every assignment; where code goes from one block to
    another, two of these are the same."""

    def __init__(self, function: Function, locals_: Collection[int]) -> None:
        self._parents: list[int] = []
        self._defined_at: list[Place] = []
        #: the definitions after assignments, by their sites
        self.after: dict[tuple[int, int], int] = {}
        live = live_variables(function) if locals_ else {}
        heads = {
            number: {local: self._new((number, 0)) for local in locals_ if bits >> local & 1}
            for number, bits in live.items()
        }
        for number, head in heads.items():
            current, counts = dict(head), dict.fromkeys(locals_, 0)
            for line in function.blocks[number].statements:
                local = int(line.local[1:]) if line.local else -1
                if local in counts:
                    counts[local] += 1
                    current[local] = self._assigned((line.at, local), (number, counts[local]))
            for flow in function.blocks[number].flows:
                target = RETURN if flow is None else flow.edge.target
                for local, other in heads.get(target, {}).items():
                    if local in current:
                        self._unite(current[local], other)
        self._places: dict[int, list[Place]] = {}
        for number, place in enumerate(self._defined_at):
            self._places.setdefault(self.root(number), []).append(place)

    def _new(self, place: Place) -> int:
        self._parents.append(len(self._parents))
        self._defined_at.append(place)
        return len(self._parents) - 1

    def _assigned(self, site: tuple[int, int], place: Place) -> int:
        definition = self._new(place)
        # a block that is made several times has it in each
        self._unite(definition, self.after.setdefault(site, definition))
        return definition

    def _unite(self, one: int, other: int) -> None:
        self._parents[self.root(one)] = self.root(other)

    def root(self, definition: int) -> int:
        """The one that stands for all that are the same."""
        parents = self._parents
        while parents[definition] != definition:
            parents[definition] = definition = parents[parents[definition]]
        return definition

    def places(self, root: int) -> frozenset[Place]:
        """Where the definitions of a root reach."""
        return frozenset(self._places[root])


class Reading(NamedTuple):
    """What is read in one place of a block."""

    #: the line that reads it, or none after them
    line: Statement | None
    terms: Iterable[Expr]
    block: int
    #: how often the block has assigned locals so far
    counts: Mapping[int, int]

    def place(self, variable: Expr) -> tuple[int, Place]:
        """The reaching definition that a read sees: the variable, its block, and how many
        definitions precede it there."""
        return variable.place, (self.block, self.counts.get(variable.place, 0))


def readings(function: Function) -> Iterator[Reading]:
    """All that is read in blocks that are expected to run."""
    for number, result in function.blocks.items():
        if not result.rare:
            counts: dict[int, int] = {}
            for line in result.statements:
                yield Reading(line, line.uses, number, counts)
                if line.local:
                    local = int(line.local[1:])
                    counts[local] = counts.get(local, 0) + 1
            yield Reading(None, result.exit_uses, number, counts)
