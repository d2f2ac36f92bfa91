"""How the fast turns of a loop are written.

Counted turns are a ``for`` statement, charged before it::

    if TESTS and fuel > COST:
     n = TURNS
     c = n * COST
     if c > fuel:
      n = fuel // COST
      fuel -= n * COST
      c = 0
     else:
      fuel -= c
     e = q + n
     for q in range(q, e, 1): ...
     if c: the way out

with the loads that step from turn to turn in the head, where that pays (``streams``)::

     for q, x0 in zip(range(q, e, 1), MI[q:q + n]): ...

Others are a ``while`` statement of at most 1024 turns, charged behind it::

    if TESTS and fuel > 1024 * COST:
     p = q
     e = q + 1024
     while q < e:
      ...
      if OUT: break
      q += 1
     else: continue, with the ordinary code
     the way out
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .conditions import negate
from .lines import Test
from .loops import Ahead
from .printing import show
from .rows import Entry, Row
from .streams import streamed, too_short
from .structure import Node
from .translate import Result
from .turns import MOST, FastTurns, Fill, Induction

if TYPE_CHECKING:
    from .emit import Emitter

__all__ = ["FastCode"]


class FastCode:
    """The fast turns of one loop. ``out`` is what stands where the loop is left."""

    def __init__(
        self, emitter: Emitter, found: FastTurns, result: Result, out: Sequence[Node]
    ) -> None:
        self.emitter = emitter
        self.found = found
        self.out = out
        self.at = result.block.at
        #: what is pending before a turn
        self.head = emitter.charges.at_head[result.block.number]
        self.indent = 0

    def add(self, indent: int, text: str) -> None:
        self.emitter.add(self.indent + indent, text, self.at)

    def counted(self, indent: int) -> None:
        """Turns as far as the fuel lasts, at the head of the loop."""
        fast = self.found
        if not fast.turns:
            return
        self.indent = indent
        counter, cost = fast.counter, fast.cost
        self.add(0, f"if {' and '.join([*fast.tests, f'fuel > {cost}'])}:")
        if fast.turns != "n":
            self.add(1, f"n = {fast.turns}")
        for text in fast.before:
            self.add(1, text)
        if counter is None:
            self.charge(cost, told=fast.whole is not None)
            self.add(1, "for e in range(n - 1, -1, -1):")
            self.body(fast, Ahead(cost, "e"), cost)
        else:
            self.turns(fast, counter, cost)
        if fast.whole is not None:
            self.add(1, "if c:")
            self.restore(fast.left, 2, fast.whole)
            # what the last turn costs is taken on the way out
            self.add(2, f"fuel += {cost}")
            self.leave(fast, 2)
        self.restore(fast.after, 1)

    def turns(self, fast: FastTurns, counter: Induction, cost: int) -> None:
        """Turns with a loop variable."""
        rows = self.emitter.rows
        before = len(rows)
        self.body(fast, Ahead(cost, counter.name, "e", counter.step), cost)
        turn, streams = streamed(rows[before:], _steps((counter, *fast.advance)))
        del rows[before:]
        if streams:
            self.add(1, f"if {too_short(streams)}: n = 0")
        self.charge(cost, told=fast.whole is not None)
        self.add(1, f"e = {counter.after('n')}")
        if fast.fill is not None:
            self.fill(fast.fill, counter)
        names = ", ".join([counter.name, *(stream.name for stream in streams)])
        source = f"range({counter.name}, e, {counter.step})"
        if streams:
            source = f"zip({', '.join([source, *(stream.text for stream in streams)])})"
        self.add(1, f"for {names} in {source}:")
        rows += turn or [Row(self.indent + 2, "pass", Entry(self.at, 0, None))]
        if counter.name[0] == "l":
            self.add(1, f"{counter.name} = e")

    def charge(self, cost: int, *, told: bool) -> None:
        """Takes the fuel of ``n`` turns, or of as many as it lasts for; ``c`` tells which."""
        self.add(1, f"c = n * {cost}")
        self.add(1, "if c > fuel:")
        self.add(2, f"n = fuel // {cost}")
        self.add(2, f"fuel -= n * {cost}")
        if told:
            self.add(2, "c = 0")
        self.add(1, "else:")
        self.add(2, "fuel -= c")

    def fill(self, fill: Fill, counter: Induction) -> None:
        """All turns at once, if they stay in memory; the ``for`` statement has none left then."""
        first, end = counter.name, "e"
        if fill.offset:
            first, end = f"{first} + {fill.offset}", f"{end} + {fill.offset}"
        if fill.size > 1:
            first, end = f"({first}) * {fill.size}", f"({end}) * {fill.size}"
        step = "" if counter.step == 1 else f":{counter.step}"
        self.add(1, f"if {end} <= len(mem):")
        self.add(2, f"mem[{first}:{end}{step}] = filled({fill.value}, {fill.size}, n)")
        self.add(2, f"{counter.name} = e")

    def body(self, fast: FastTurns, ahead: Ahead, charged: int, out: str = "") -> None:
        """A turn. ``charged`` is what was taken for it, ``out`` the condition that ends them."""
        rows, before = self.emitter.rows, len(self.emitter.rows)
        for line in fast.lines:
            if isinstance(line, Test):
                continue  # the fuel in hand lasts for all these turns
            entry = Entry(line.at, self.head + line.pending - charged, line.trap, ahead)
            rows.append(Row(self.indent + 2, self.emitter.text(line), entry, line.own))
        if out:
            self.add(2, f"if {out}:")
            self.add(3, "break")
        self.emitter.into_slots(fast.back, self.indent + 2, self.at)
        for item in fast.advance:
            self.add(2, f"{item.name} = {item.following}")
        if len(rows) == before:
            self.add(2, "pass")

    def restore(
        self,
        after: Sequence[tuple[Induction, int]],
        indent: int,
        whole: tuple[str, str] | None = None,
    ) -> None:
        """Gives locals that were not assigned in a turn the value that they have behind ``n`` of
        them. ``whole`` is a local whose value is known, and that."""
        for item, turn in after:
            value = item.after("n")
            if whole is not None and whole[0] == item.name:
                value = whole[1]
            elif turn:
                value = f"({value}) % {turn}"
            self.add(indent, f"{item.name} = {value}")

    def searching(self, indent: int) -> None:
        """Turns until the loop is left, or 1024 of them, behind the first one."""
        fast = self.found
        counter = None if fast.turns else fast.counter
        if counter is None:
            return
        self.indent = indent
        name, step, cost = counter.name, int(counter.step), fast.cost
        self.add(0, f"if {' and '.join([*fast.tests, f'fuel > {self.head + MOST * cost}'])}:")
        for text in fast.before:
            self.add(1, text)
        self.add(1, f"p = {name}")
        self.add(1, f"e = {name} {'+' if step > 0 else '-'} {MOST * abs(step)}")
        self.add(1, f"while {name} {'<' if step > 0 else '>'} e:")
        # nothing is charged yet: what ``Ahead`` counts is one turn less than have been run
        self.body(fast, Ahead(cost, name, "p", step), cost, show(negate(fast.goes_on)))
        self.add(2, f"{name} = {counter.following}")
        distance = f"{name} - p" if step > 0 else f"p - {name}"
        turns = f"n = {distance}" if abs(step) == 1 else f"n = ({distance}) // {abs(step)}"
        self.add(1, "else:")
        self.add(2, turns)
        self.add(2, f"fuel -= n * {cost}")
        self.restore(fast.after, 2)
        self.add(2, "continue")
        self.add(1, turns)
        self.add(1, f"fuel -= n * {cost}")
        for item in (*fast.advance, counter):
            if item.name in fast.behind:
                self.add(1, f"{item.name} = {item.following}")
        if fast.left:
            self.add(1, "n = n + 1")
        self.restore(fast.left, 1)
        self.leave(fast, 1)

    def leave(self, fast: FastTurns, indent: int) -> None:
        """The way out of the loop."""
        for text in fast.follow:
            self.add(indent, text)
        if self.emitter.sequence(self.out, self.indent + indent, frozenset()):
            self.add(indent, "continue")  # a machine has chosen its next state


def _steps(items: Sequence[Induction]) -> dict[str, int]:
    """What indices that go up by a number go up by."""
    return {
        item.name: item.step
        for item in items
        if isinstance(item.step, int) and item.step > 0 and item.is_plain
    }
