"""Loops of one block: how variables change in a turn, and how many turns there are.

Most of the time of a small loop goes into its fuel, its counter and its test. Here is what can be
known of it before its turns are run; ``turns`` makes the code of the *fast turns* from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Union

from .conditions import negate
from .facts import Environment, clamp
from .lines import Settle
from .printing import at_least, show
from .terms import Term, constant
from .translate import Result

__all__ = ["Ahead", "Count", "count", "goes_on", "is_plain", "is_wrapped", "steps", "unwrapped"]

_TURNS = (1 << 32, 1 << 64)
#: a variable, and what is added to what it held at first: a number, and another variable
_Way = tuple[str, int, Union[Term, None]]

#: turns from which on it pays to count them
_ENOUGH = 5


class Ahead(NamedTuple):
    """How much fuel is charged for turns that have not been run: ``turns * cost``, where the turns
    are ``left``, or those that ``range(left, stop, step)`` has behind its first; all are names or
    numbers. Turns that have been run without a charge count as below zero."""

    cost: int
    left: str
    stop: str | None = None
    step: str | int = 1

    def amount(self, values: dict[str, int]) -> int:
        """The fuel, given the local variables of the frame."""
        if self.stop is None:
            return values[self.left] * self.cost
        step = values[self.step] if isinstance(self.step, str) else self.step
        return ((values[self.stop] - values[self.left]) // step - 1) * self.cost


def is_plain(result: Result) -> bool:
    """Whether a loop's only block runs from end to end: it calls nothing, and charges only what
    its instructions cost."""
    number = result.block.number
    back = [way is not None and way.edge.target == number for way in result.ways]
    if result.block.exit != "branch" or sum(back) != 1 or result.test is None or result.settled:
        return False
    return result.pending > 0 and not any(isinstance(line, Settle) for line in result.lines)


def goes_on(result: Result) -> Term:
    """The condition for another turn."""
    way, test = result.ways[0], result.test
    if test is None:
        raise ValueError("the block does not end with a branch")
    back = way is not None and way.edge.target == result.block.number
    return test if back else negate(test)


# -- how variables change


def steps(result: Result, turns: Mapping[int, int]) -> dict[int, Term]:
    """What is added to integers in a turn, by place: a number, or a variable that does not change.
    ``turns`` says where the values of each begin anew."""
    reached: dict[str, _Way | None] = {}
    for line in result.lines:
        target = line.target
        if target:
            value = line.parts[2]
            reached[target] = _sum(value, target, reached) if isinstance(value, Term) else None
    found = {}
    for target, way in reached.items():
        place = int(target[1:])
        if way is None or way[0] != target or place not in turns:
            continue
        _, number, other = way
        turn = turns[place]
        if other is None and number % turn:
            found[place] = constant((number + turn // 2) % turn - turn // 2)
        elif other is not None and not number and other.args[0] not in reached:
            found[place] = other
    return found


def is_wrapped(value: Term) -> bool:
    """Whether a sum may have wrapped."""
    return value.op == "wrap" or (value.op == "%" and value.args[1].args[0] in _TURNS)


def unwrapped(value: Term) -> Term:
    """A sum as it is where it does not wrap."""
    inner: Term = value.args[0] if is_wrapped(value) else value
    return inner


def _sum(value: Term, target: str, reached: Mapping[str, _Way | None]) -> _Way | None:
    """A value as what a variable held at first, plus a number or another variable. Of two
    variables the first is ``target``, if one is."""
    value = unwrapped(value)
    if value.op != "+":
        return reached.get(value.args[0], (value.args[0], 0, None)) if _is_local(value) else None
    base, by = value.args
    if by.op == "const":
        found = _sum(base, target, reached)
        return found and (found[0], found[1] + by.args[0], found[2])
    if not (_is_local(base) and _is_local(by)):
        return None
    for one, other in ((base, by), (by, base)):
        if reached.get(one.args[0], (one.args[0], 0, None)) == (target, 0, None):
            return target, 0, other
    return None


def _is_local(term: Term) -> bool:
    return term.op == "var" and bool(term.reads) and term.args[0][0] == "l"


# -- how many turns there are


class Count(NamedTuple):
    """A loop that a variable counts through: it goes on while the variable, behind its step, is in
    a relation to a bound."""

    place: int
    by: Term
    relation: str
    bound: Term
    #: the number above which bounds are negative, if signed numbers are compared
    sign: int

    @property
    def down(self) -> bool:
        """Whether it counts down."""
        return self.by.op == "const" and bool(self.by.args[0] < 0)

    @property
    def size(self) -> int:
        """The step, as far as it is a number."""
        return abs(self.by.args[0]) if self.by.op == "const" else 1

    def assume(self, env: Environment, head: Term) -> bool:
        """Notes what holds at the head of every turn that is not the last; gives whether there can
        be such turns."""
        bound, by = self.bound, self.size
        high = min(bound.high, self.sign - 1) if self.sign else bound.high
        if bound.op == "var" and not clamp(env, bound, bound.low, high):
            return False
        low, most = (bound.low + by, head.high) if self.down else (head.low, high - by)
        return clamp(env, head, low, most)

    def tests(self, head: Term) -> list[str]:
        """What must hold so that there are turns enough to pay; the first one gives ``turns`` its
        ``n``."""
        distance = self._distance()
        first = f"(n := {distance})" if self._is_named(distance) else distance
        if self.by.op == "const":
            tests = [f"{first} > {_ENOUGH * self.size}"]
        else:
            tests = [f"0 < {show(self.by)} * {_ENOUGH} < {first}"]
        if self.relation == "!=" and self.size > 1 and not self._divides(head):
            tests.append(f"not {'n' if first != distance else distance} % {self.size}")
        if self.sign and self.bound.high >= self.sign:
            tests.append(f"{show(self.bound)} < {self.sign}")
        return tests

    def turns(self, *, whole: bool) -> str:
        """The number of turns; of those before the last, if they are not to be ``whole``."""
        distance, size = self._distance(), self.size
        if self._is_named(distance):
            distance = "n"
        if self.relation == "!=":
            number = distance if size == 1 else f"{distance} // {size}"
            return number if whole else f"{number} - 1"
        # the counter is compared after the step: it goes on while it is below, or not above
        less = f"({distance} - 1)" if self.relation == "<" else distance
        if self.by.op == "const" and size == 1:
            return less
        return f"{less} // {size if self.by.op == 'const' else show(self.by)}"

    def _distance(self) -> str:
        """How far the counter is from its bound."""
        name, end = f"l{self.place}", at_least(self.bound, 11)
        if not self.down:
            return f"{end} - {name}"
        return name if self.bound.op == "const" and not self.bound.args[0] else f"{name} - {end}"

    @staticmethod
    def _is_named(distance: str) -> bool:
        """Whether it must be computed, and so is worth a name."""
        return " " in distance

    def _divides(self, head: Term) -> bool:
        size = self.size
        return size & (size - 1) == 0 and min(head.zeros, self.bound.zeros) >= size.bit_length() - 1


_MIRROR = {"!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def count(result: Result, stepped: dict[int, Term]) -> Count | None:
    """How a plain loop is counted, if it is."""
    condition = goes_on(result)
    op, args, sign = condition.op, condition.args, 0
    if op == "slt":
        op, sign = args[0], args[3]
        args = args[1:3]
    elif op == "truth":
        op, args = "!=", (args[0], constant(0))
    if op not in _MIRROR or len(args) != 2:
        return None
    changed = {line.target for line in result.lines}
    for x, y, relation in ((args[0], args[1], op), (args[1], args[0], _MIRROR[op])):
        by = stepped.get(x.place) if _is_local(x) else None
        fixed = y.op == "const" or (_is_local(y) and y.args[0] not in changed)
        if by is not None and fixed and x.low is not None and y.low is not None:
            return _counted(Count(x.place, by, relation, y, sign))
    return None


def _counted(found: Count) -> Count | None:
    if found.down:
        # counting down, "above" is what "below" is on the way up
        turned = {"!=": "!=", ">": "<", ">=": "<="}.get(found.relation)
        return None if turned is None else found._replace(relation=turned)
    if found.relation not in ("!=", "<", "<="):
        return None
    return found if found.by.op == "const" or found.relation != "!=" else None
