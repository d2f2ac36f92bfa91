"""Induction variables of loops of one block, and their trip counts.

Most of the time of a small loop goes into its fuel, its counter and its test. Here is what can be
known of it before its iterations are run; ``passes.loop_versioning`` makes a fast version from
that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Union

from ..ir.conditions import negate
from ..ir.domain import Environment, clamp
from ..ir.expr import Expr, constant, name
from ..ir.function import LoweredBlock
from ..ir.statements import Assign, Charge

__all__ = ["Count", "N", "count", "goes_on", "is_plain", "is_wrapped", "steps", "unwrapped"]

_MODULI = (1 << 32, 1 << 64)
#: a variable, and what is added to what it held at first: a number, and another variable
_Sum = tuple[str, int, Union[Expr, None]]

#: the number of iterations, in generated code
N = name("n")
#: iterations from which on it pays to count them
_ENOUGH = 5


def is_plain(result: LoweredBlock) -> bool:
    """Whether a loop's only block runs from end to end: it calls nothing, and charges only what
    its instructions cost."""
    number = result.block.number
    back = [flow is not None and flow.edge.target == number for flow in result.flows]
    if result.block.exit != "branch" or sum(back) != 1 or result.test is None or result.settled:
        return False
    return result.pending > 0 and not any(isinstance(line, Charge) for line in result.statements)


def goes_on(result: LoweredBlock) -> Expr:
    """The condition for another iteration."""
    flow, test = result.flows[0], result.test
    if test is None:
        raise ValueError("the block does not end with a branch")
    back = flow is not None and flow.edge.target == result.block.number
    return test if back else negate(test)


# -- how variables change


def steps(result: LoweredBlock, moduli: Mapping[int, int]) -> dict[int, Expr]:
    """What is added to integers in an iteration, by place: a number, or a variable that does not
    change. ``moduli`` says where the values of each begin anew."""
    reached: dict[str, _Sum | None] = {}
    for line in result.statements:
        if isinstance(line, Assign) and line.local:
            reached[line.local] = _sum(line.value, line.local, reached)
    found = {}
    for target, flow in reached.items():
        place = int(target[1:])
        if flow is None or flow[0] != target or place not in moduli:
            continue
        _, number, other = flow
        modulus = moduli[place]
        if other is None and number % modulus:
            found[place] = constant((number + modulus // 2) % modulus - modulus // 2)
        elif other is not None and not number and other.args[0] not in reached:
            found[place] = other
    return found


def is_wrapped(value: Expr) -> bool:
    """Whether a sum may have wrapped."""
    return value.op == "wrap" or (value.op == "%" and value.args[1].args[0] in _MODULI)


def unwrapped(value: Expr) -> Expr:
    """A sum as it is where it does not wrap."""
    inner: Expr = value.args[0] if is_wrapped(value) else value
    return inner


def _sum(value: Expr, target: str, reached: Mapping[str, _Sum | None]) -> _Sum | None:
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


def _is_local(term: Expr) -> bool:
    return term.op == "var" and bool(term.reads) and term.args[0][0] == "l"


# -- how many iterations there are


class Count(NamedTuple):
    """A loop that a variable counts through: it goes on while the variable, after its step, is in
    a relation to a bound."""

    place: int
    by: Expr
    relation: str
    bound: Expr
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

    def assume(self, env: Environment, head: Expr) -> bool:
        """Notes what holds at the head of every iteration that is not the last; gives whether there
        can be such iterations."""
        bound, by = self.bound, self.size
        high = min(bound.high, self.sign - 1) if self.sign else bound.high
        if bound.op == "var" and not clamp(env, bound, bound.low, high):
            return False
        low, most = (bound.low + by, head.high) if self.down else (head.low, high - by)
        return clamp(env, head, low, most)

    def tests(self, head: Expr) -> list[Expr]:
        """What must hold so that there are iterations enough to pay, in Python's operators; the
        first one gives ``trip_count`` its ``n``."""
        distance = self._distance()
        named = self._named(distance)
        first = distance if named is distance else Expr("named", (N, distance))
        if self.by.op == "const":
            tests = [Expr(">", (first, constant(_ENOUGH * self.size)))]
        else:
            enough = Expr("*", (self.by, constant(_ENOUGH)))
            tests = [Expr("chain", (constant(0), "<", enough, "<", first))]
        if self.relation == "!=" and self.size > 1 and not self._divides(head):
            tests.append(Expr("not", (Expr("%", (named, constant(self.size))),)))
        if self.sign and self.bound.high >= self.sign:
            tests.append(Expr("<", (self.bound, constant(self.sign))))
        return tests

    def trip_count(self, *, whole: bool) -> Expr:
        """The number of iterations; of those before the last, if they are not to be ``whole``."""
        distance, size = self._named(self._distance()), self.size
        if self.relation == "!=":
            number = distance if size == 1 else Expr("//", (distance, constant(size)))
            return number if whole else Expr("-", (number, constant(1)))
        # the counter is compared after the step: it goes on while it is below, or not above
        less = Expr("-", (distance, constant(1))) if self.relation == "<" else distance
        if self.by.op == "const" and size == 1:
            return less
        return Expr("//", (less, constant(size) if self.by.op == "const" else self.by))

    def _distance(self) -> Expr:
        """How far the counter is from its bound."""
        counter = name(f"l{self.place}")
        if not self.down:
            return Expr("-", (self.bound, counter))
        is_zero = self.bound.op == "const" and not self.bound.args[0]
        return counter if is_zero else Expr("-", (counter, self.bound))

    @staticmethod
    def _named(distance: Expr) -> Expr:
        """The name that stands for it, if it must be computed."""
        return distance if distance.is_atom else N

    def _divides(self, head: Expr) -> bool:
        size = self.size
        return size & (size - 1) == 0 and min(head.zeros, self.bound.zeros) >= size.bit_length() - 1


_MIRROR = {"!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def count(result: LoweredBlock, stepped: dict[int, Expr]) -> Count | None:
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
    changed = {line.local for line in result.statements}
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
