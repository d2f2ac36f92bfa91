"""The rows of a loop's fast version.

Counted iterations are a ``for`` statement, charged before it::

    if TESTS and fuel > COST:
     n = TRIP COUNT
     c = n * COST
     if c > fuel:
      n = fuel // COST
      fuel -= n * COST
      c = 0
     else:
      fuel -= c
     e = q + n
     for q in range(q, e, 1): ...
     if c: the exit

with the loads that step from iteration to iteration in the head, where that pays
(``stream_loads``)::

     for q, x0 in zip(range(q, e, 1), MI[q:q + n]): ...

Others are a ``while`` statement of at most 1024 iterations, charged after it::

    if TESTS and fuel > 1024 * COST:
     p = q
     e = q + 1024
     while q < e:
      ...
      if OUT: break
      q += 1
     else: continue, with the ordinary code
     the exit
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..analysis.induction import N
from ..compiled import Ahead
from ..ir.conditions import negate
from ..ir.expr import ONE, ZERO, Expr, call, constant, name
from ..ir.function import LoweredBlock
from ..ir.statements import TestPoint
from ..passes.fast_version import MOST, FastVersion, Fill, Induction
from ..passes.stream_loads import streamed, too_short
from .operators import in_python
from .rows import Code as RowCode
from .rows import Else, Entry, For, If, Jump, Row, Set, Take, While
from .structure import Node

if TYPE_CHECKING:
    from .emit import Emitter

__all__ = ["FastCode"]

#: names in generated code: what all iterations cost, and zero if the fuel did not last for all;
#: where the loop variable ends, and where it began; the fuel in hand
_C, _E, _P, _FUEL = name("c"), name("e"), name("p"), name("fuel")
_DOWN = constant(-1)


class FastCode:
    """The fast iterations of one loop. ``out`` is what stands where the loop is left."""

    def __init__(
        self, emitter: Emitter, found: FastVersion, result: LoweredBlock, out: Sequence[Node]
    ) -> None:
        self.emitter = emitter
        self.found = found
        self.out = out
        self.at = result.block.at
        #: what is pending before an iteration
        self.head = emitter.charges.at_head[result.block.number]
        self.indent = 0

    def add(self, indent: int, code: RowCode) -> None:
        self.emitter.add(self.indent + indent, code, self.at)

    def set(self, indent: int, target: str | Expr, value: Expr) -> None:
        target = name(target) if isinstance(target, str) else target
        self.add(indent, Set((target,), (value,)))

    def counted(self, indent: int) -> None:
        """Iterations as far as the fuel lasts, at the head of the loop."""
        fast = self.found
        if fast.trip_count is None:
            return
        self.indent = indent
        counter, cost = fast.counter, fast.cost
        self.add(0, If(_all([*fast.tests, _above(_FUEL, cost)])))
        if fast.trip_count is not N:
            self.set(1, N, fast.trip_count)
        for target, value in fast.preheader.items():
            self.set(1, target, value)
        if counter is None:
            self.charge(cost, told=fast.whole is not None)
            last = Expr("-", (N, ONE))
            self.add(1, For((_E,), call("range", last, _DOWN, _DOWN)))
            self.body(fast, Ahead(cost, "e"), cost)
        else:
            self.loop(fast, counter, cost)
        if fast.whole is not None:
            self.add(1, If(_C))
            self.restore(fast.final_values_outside, 2, fast.whole)
            # what the last iteration costs is taken on the way out
            self.add(2, Take(constant(-cost)))
            self.leave(fast, 2)
        self.restore(fast.final_values, 1)

    def loop(self, fast: FastVersion, counter: Induction, cost: int) -> None:
        """Iterations with a loop variable."""
        rows = self.emitter.rows
        before = len(rows)
        self.body(fast, Ahead(cost, counter.name, "e", counter.step), cost)
        turn, streams = streamed(rows[before:], _steps((counter, *fast.increments)))
        del rows[before:]
        if streams:
            self.add(1, If(too_short(streams), Set((N,), (ZERO,))))
        self.charge(cost, told=fast.whole is not None)
        self.set(1, _E, counter.final)
        if fast.fill is not None:
            self.fill(fast.fill, counter)
        first = counter.variable
        step = constant(counter.step) if isinstance(counter.step, int) else name(counter.step)
        source = call("range", first, _E, step)
        if streams:
            source = call("zip", source, *(stream.source for stream in streams))
        self.add(1, For((first, *(name(stream.name) for stream in streams)), source))
        rows += turn or [Row(self.indent + 2, Jump("pass"), Entry(self.at, 0, None))]
        if counter.name[0] == "l":
            self.set(1, first, _E)

    def charge(self, cost: int, *, told: bool) -> None:
        """Takes the fuel of ``n`` iterations, or of as many as it lasts for; ``c`` tells which."""
        each = constant(cost)
        self.set(1, _C, Expr("*", (N, each)))
        self.add(1, If(Expr(">", (_C, _FUEL))))
        self.set(2, N, Expr("//", (_FUEL, each)))
        self.add(2, Take(Expr("*", (N, each))))
        if told:
            self.set(2, _C, ZERO)
        self.add(1, Else())
        self.add(2, Take(_C))

    def fill(self, fill: Fill, counter: Induction) -> None:
        """All iterations at once, if they stay in memory; the ``for`` statement has none left
        then."""
        size = constant(fill.size)
        bounds = []
        for bound in (counter.variable, _E):
            if fill.offset:
                bound = Expr("+", (bound, constant(fill.offset)))
            bounds.append(Expr("*", (bound, size)) if fill.size > 1 else bound)
        memory, end = name("mem"), bounds[-1]
        if counter.step != 1:
            bounds.append(constant(counter.step) if isinstance(counter.step, int) else counter.size)
        place = Expr("index", (memory, Expr("slice", tuple(bounds))))
        self.add(1, If(Expr("<=", (end, call("len", memory)))))
        self.set(2, place, call("filled", fill.value, size, N))
        self.set(2, counter.variable, _E)

    def body(self, fast: FastVersion, ahead: Ahead, charged: int, out: Expr | None = None) -> None:
        """An iteration. ``charged`` is what was taken for it, ``out`` the condition that ends
        them."""
        rows, before = self.emitter.rows, len(self.emitter.rows)
        for line in fast.statements:
            if isinstance(line, TestPoint):
                continue  # the fuel in hand lasts for all these iterations
            at, pending, _, trap, own = line.origin
            entry = Entry(at, self.head + pending - charged, trap, ahead)
            rows += [Row(self.indent + 2, code, entry, own) for code in self.emitter.codes(line)]
        if out is not None:
            self.add(2, If(out))
            self.add(3, Jump("break"))
        self.emitter.into_slots(fast.back, self.indent + 2, self.at)
        for item in fast.increments:
            self.set(2, item.name, item.following)
        if len(rows) == before:
            self.add(2, Jump("pass"))

    def restore(
        self,
        after: Sequence[tuple[Induction, int]],
        indent: int,
        whole: tuple[str, Expr] | None = None,
    ) -> None:
        """Gives locals that were not assigned in an iteration the value that they have after ``n``
        of them. ``whole`` is a local whose value is known, and that."""
        for item, turn in after:
            value = item.final
            if whole is not None and whole[0] == item.name:
                value = whole[1]
            elif turn:
                value = Expr("%", (value, constant(turn)))
            self.set(indent, item.name, value)

    def searching(self, indent: int) -> None:
        """Iterations until the loop is left, or 1024 of them, after the first one."""
        fast = self.found
        counter = None if fast.trip_count is not None else fast.counter
        if counter is None:
            return
        self.indent = indent
        variable, step, cost = counter.variable, int(counter.step), fast.cost
        self.add(0, If(_all([*fast.tests, _above(_FUEL, self.head + MOST * cost)])))
        for target, value in fast.preheader.items():
            self.set(1, target, value)
        self.set(1, _P, variable)
        reach = constant(MOST * abs(step))
        self.set(1, _E, Expr("+" if step > 0 else "-", (variable, reach)))
        self.add(1, While(Expr("<" if step > 0 else ">", (variable, _E))))
        # nothing is charged yet: what ``Ahead`` counts is one iteration less than have been run
        out = in_python(negate(fast.goes_on))
        self.body(fast, Ahead(cost, counter.name, "p", step), cost, out)
        self.set(2, variable, counter.following)
        turns = Expr("-", (variable, _P) if step > 0 else (_P, variable))
        if abs(step) > 1:
            turns = Expr("//", (turns, constant(abs(step))))
        taken = Take(Expr("*", (N, constant(cost))))
        self.add(1, Else())
        self.set(2, N, turns)
        self.add(2, taken)
        self.restore(fast.final_values, 2)
        self.add(2, Jump("continue"))
        self.set(1, N, turns)
        self.add(1, taken)
        for item in (*fast.increments, counter):
            if item.name in fast.live_out:
                self.set(1, item.name, item.following)
        if fast.final_values_outside:
            self.set(1, N, Expr("+", (N, ONE)))
        self.restore(fast.final_values_outside, 1)
        self.leave(fast, 1)

    def leave(self, fast: FastVersion, indent: int) -> None:
        """The exit of the loop."""
        for target, value in fast.followers.items():
            self.set(indent, target, value)
        self.emitter.sequence(self.out, self.indent + indent, frozenset())


def _all(tests: Sequence[Expr]) -> Expr:
    return Expr("and", tuple(tests))


def _above(term: Expr, least: int) -> Expr:
    return Expr(">", (term, constant(least)))


def _steps(items: Sequence[Induction]) -> dict[str, int]:
    """What indices that go up by a number go up by."""
    return {
        item.name: item.step
        for item in items
        if isinstance(item.step, int) and item.step > 0 and item.is_plain
    }
