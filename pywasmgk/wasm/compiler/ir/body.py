"""What is compiled: a function's instructions, with those of callees in the place of calls.

Control instructions have their blocks and branches as immediates, as in the block map; calls whose
callee follows say so by an immediate of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...types import FuncType, ValType
from ...valid.blockmap import BlockMap, Branch

__all__ = ["Body", "Inlined", "Lookup", "Other", "Place", "Through", "size_of"]


class Place(NamedTuple):
    """The function that an instruction belongs to, and how it was reached."""

    function: int
    #: calls that lead there, outermost first: function and byte offset of each
    callers: tuple[tuple[int, int], ...] = ()
    #: call depth that the frames below the outermost one take
    depth: int = 0


class Inlined(NamedTuple):
    """The immediate of a call whose callee follows."""

    function: int
    #: the caller's locals for the parameters, and for those that begin as zero with their types
    params: tuple[int, ...] = ()
    zeroed: tuple[tuple[int, ValType], ...] = ()
    #: instead of ``params``, for arguments that stay on the stack too: the place of each, from the
    #: end, and the local
    kept: tuple[tuple[int, int], ...] = ()
    #: the callee was found in a table, and is on the stack
    found: bool = False
    #: fuel that entering it takes, tested with the frames of the instruction ``at``; none where
    #: entering is not charged here
    cost: int = 0
    at: int = 0
    #: fuel taken after that test
    more: int = 0

    @property
    def fuel(self) -> int:
        """All fuel that is charged where it stands."""
        return self.cost + self.more


class Lookup(NamedTuple):
    """The immediate of an indirect call that is made in steps: it only finds the callee."""

    kind: FuncType
    table: int


class Other(NamedTuple):
    """The question whether the callee that was found is not a certain function."""

    function: int


class Through(NamedTuple):
    """The call of the callee that was found."""

    kind: FuncType


class Body:
    """What is compiled: a function's block map, with callees in it. Attributes that a BlockMap has
    mean the same, but for ``offsets``, which are of the file."""

    def __init__(self, body: BlockMap, index: int) -> None:
        self.type = body.type
        self.locals: tuple[ValType, ...] = tuple(body.locals)
        self.code: list[tuple[int, Any]] = body.code
        self.offsets: Sequence[int] = [body.base + offset for offset in body.offsets]
        self.costs = body.costs
        self.max_height = body.max_height
        self.depth = body.depth
        self.large = body.large
        #: the function's own locals, parameters included; those of callees follow
        self.own_locals = len(body.locals)
        #: call depth that callees take beyond that, at most
        self.inner = 0
        #: where an instruction of the function itself stands
        self.moved: Sequence[int] = range(len(body.code) + 1)
        self.places: Sequence[Place] = [Place(index)] * len(body.code)

    def frames(self, at: int) -> tuple[tuple[int, int], ...]:
        """The frames of an instruction, outermost first: function and byte offset of each."""
        place = self.places[at]
        return (*place.callers, (place.function, self.offsets[at]))


def size_of(body: BlockMap | Body) -> int:
    """Instructions, and the targets of branches that choose by number."""
    targets = (x for _, x in body.code if isinstance(x, tuple) and x and isinstance(x[0], Branch))
    return len(body.code) + sum(map(len, targets))
