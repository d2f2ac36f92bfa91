"""Calls of a function by itself that end at once: what they do stands in the place of the call.

Half of all calls of a function that divides its work find nothing to do. What they run until they
return only reads parameters. So the caller runs that part itself, on copies and without charging
for it; where it comes to a return, entering is tested and all is charged, and anything else is left
to a call, which begins again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...isa import Instruction
from ...valid.blockmap import BlockMap, Branch

__all__ = ["Fork", "Join", "Leave", "Step", "early_ways"]

#: instructions on all paths together, and branches
_MOST_STEPS = 40
_MOST_FORKS = 1


class Fork(NamedTuple):
    """A branch whose condition is on the stack: the way that begins at step ``taken`` if it
    holds, else the next step."""

    taken: int


class Join(NamedTuple):
    """The end of a way: the function returns, with fuel that its blocks take after the first."""

    fuel: int


class Leave(NamedTuple):
    """The end of a way on which the function goes on, with nothing but arguments on the stack."""


#: an instruction of the function's by its index, or one of the above
Step = Any


class _Ways:
    """Walks from the function's start along every path, as far as nobody could see it."""

    def __init__(self, body: BlockMap, rows: Sequence[Instruction]) -> None:
        self.body = body
        self.rows = rows
        self.steps: list[Step] = []
        self.forks = 0
        #: no way goes on with operands on the stack
        self.clean = True

    def walk(self, at: int, fuel: int, height: int) -> None:
        """Follows one path from instruction ``at`` and records its pure steps, until it returns
        (Join) or needs a real call (Leave). ``height`` is the number of operands on the stack."""
        last = len(self.body.code) - 1
        empty = None
        while True:
            empty = empty if height else len(self.steps)
            if at:
                fuel += self.body.costs.get(at, 0)
            number, x = self.body.code[at]
            row = self.rows[number]
            form = row.form
            if form == "return" or (form == "end" and at == last):
                self.steps.append(Join(fuel))
                return
            if form in ("if", "br_if") and self.forks < _MOST_FORKS:
                self.fork(form, at, x, fuel, height - 1)
                return
            following = self.following(row, at, x)
            if following is None or len(self.steps) >= _MOST_STEPS:
                self.leave(empty)
                return
            if form is None and row.typing is not None:
                height += len(row.typing.results) - len(row.typing.params)
            at = following

    def leave(self, empty: int | None) -> None:
        """Ends a way where the stack was empty, if it was: what was computed since has no use."""
        if empty is None:
            self.clean = False
        else:
            del self.steps[empty:]
        self.steps.append(Leave())

    def following(self, row: Instruction, at: int, x: Any) -> int | None:
        """Where a way goes on after an instruction; ``None`` where it does not."""
        form = row.form
        if form is None:
            if not self.is_pure(row, x):
                return None
            self.steps.append(at)
        elif form == "else":
            return int(x.end) + 1
        elif form == "br":
            return self.target(x)
        elif form not in ("block", "end", "nop"):
            return None
        return at + 1

    def target(self, branch: Branch) -> int | None:
        """Where a branch leads, if that is forward; operands are dropped only by returning."""
        control = branch.target
        if control.form == "func":
            return len(self.body.code) - 1
        return None if control.form == "loop" or branch.unwinds else control.end + 1

    def is_pure(self, row: Instruction, x: Any) -> bool:
        """Whether nobody can tell that an instruction ran, and parameters are as before."""
        if row.effect and (row.immediates != ("localidx",) or x < len(self.body.type.params)):
            return False
        return not (row.native or row.guards or row.length or row.charge or row.moves_memory)

    def fork(self, form: str, at: int, x: Any, fuel: int, height: int) -> None:
        """Adds both ways of a branch."""
        self.forks += 1
        if form == "br_if":
            taken, other = self.target(x), at + 1
        else:
            taken, other = at + 1, (x.end if x.otherwise is None else x.otherwise) + 1
        place = len(self.steps)
        self.steps.append(Fork(0))
        self.walk(other, fuel, height)
        self.steps[place] = Fork(len(self.steps))
        if taken is None:
            self.leave(None if height else len(self.steps))
        else:
            self.walk(taken, fuel, height)


def early_ways(body: BlockMap, index: int, rows: Sequence[Instruction]) -> list[Step]:
    """The steps of a function up to its early returns; none if a call of itself is not worth it."""
    calls = sum((rows[number].form, x) == ("call", index) for number, x in body.code)
    if not calls or (calls < 2 and all(rows[number].form != "loop" for number, _ in body.code)):
        return []
    flows = _Ways(body, rows)
    flows.walk(0, 0, 0)
    ends = {type(step) for step in flows.steps}
    return flows.steps if flows.forks and flows.clean and Join in ends else []
