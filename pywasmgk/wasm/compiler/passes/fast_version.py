"""What loop versioning gives: the fast version of a loop of one block, to be written."""

from __future__ import annotations

from typing import NamedTuple

from ..analysis.induction import N
from ..ir.expr import Expr, constant, name
from ..ir.function import Flow
from ..ir.statements import Statement

__all__ = ["MOST", "FastVersion", "Fill", "Induction"]

#: iterations that are run at once where they are not counted
MOST = 1024


class Induction(NamedTuple):
    """A variable of fast iterations that goes up by a step."""

    name: str
    #: a number, or the name of what does not change
    step: int | str
    #: the next value, if it may wrap
    wrapped: Expr | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it never wraps."""
        return self.wrapped is None

    @property
    def variable(self) -> Expr:
        """The variable itself, in Python's operators."""
        return name(self.name)

    @property
    def size(self) -> Expr:
        """The step without its sign."""
        return constant(abs(self.step)) if isinstance(self.step, int) else name(self.step)

    @property
    def following(self) -> Expr:
        """Its value at the next iteration's head."""
        return self._moved(self.size) if self.wrapped is None else self.wrapped

    @property
    def final(self) -> Expr:
        """Its value ``n`` iterations further on."""
        return self._moved(N if self.step in (1, -1) else Expr("*", (N, self.size)))

    def _moved(self, by: Expr) -> Expr:
        down = isinstance(self.step, int) and self.step < 0
        return Expr("-" if down else "+", (self.variable, by))


class Fill(NamedTuple):
    """Iterations that do nothing but store one number, from a place on, at equal distances."""

    #: the first place, as far as the loop variable is not in it, in words of ``size`` bytes
    offset: int
    size: int
    value: Expr


class FastVersion(NamedTuple):
    """What is written for a loop's fast iterations. Expressions have Python's operators only, but
    for those of ``statements``, ``back`` and ``goes_on``."""

    #: what must hold before them
    tests: list[Expr]
    #: how many iterations there are, the last left out if it is not ``whole``; nothing if not known
    trip_count: Expr | None
    #: what the counter is after the last iteration, if that is a fast one too: variable and value
    whole: tuple[str, Expr] | None
    #: fuel of an iteration
    cost: int
    #: what is computed before them, by name
    preheader: dict[str, Expr]
    #: the loop variable; none where nothing that is read goes up by a number
    counter: Induction | None
    statements: list[Statement]
    #: the way to the next iteration, and the condition for it
    back: Flow
    goes_on: Expr
    #: what else is assigned at the end of an iteration
    increments: list[Induction]
    #: locals that are assigned after all iterations, and what they wrap at, if they may have
    final_values: list[tuple[Induction, int]]
    #: the names of locals that go up by steps and are read where the loop is left
    live_out: set[str]
    #: assignments after these, where the loop is left, by name
    followers: dict[str, Expr]
    #: what all iterations together are, if they are that
    fill: Fill | None

    @property
    def final_values_outside(self) -> list[tuple[Induction, int]]:
        """Of ``final_values``, what is read where the loop is left."""
        return [pair for pair in self.final_values if pair[0].name in self.live_out]
