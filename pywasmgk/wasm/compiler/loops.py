"""Counted loops: loops of one block that a variable counts through, run by Python's ``for``.

Most of the time of a small loop goes into its fuel, its counter and its test. Where the number of
turns is known when the loop is come to, all of these are dealt with at once: the *fast turns* are
all but the last, as far as the fuel in hand lasts; what is left goes the ordinary way. A trap in a
fast turn takes back the charge of the turns that have not been run (``Ahead``).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .analysis import Analysis
from .assumptions import NEAR
from .facts import Environment, clamp
from .liveness import read_first
from .printing import at_least, show
from .terms import Term, constant, negate
from .translate import Line, Result, Settle, Site, Way

__all__ = ["Ahead", "Counted", "counted"]

#: a question of alignment, as ``translate`` puts it
_ASKED = re.compile(r"not l(\d+) & (\d+)\b")
#: the largest number whose double does not wrap
_HALF = (1 << 31) - 1
#: turns from which on it pays
_ENOUGH = 5


class Ahead(NamedTuple):
    """How much fuel is charged for turns that have not been run: ``turns * cost``, where the turns
    are ``left``, or those that ``range(left, stop, step)`` has behind its first; all are names or
    numbers."""

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


class Counted(NamedTuple):
    """A loop that can run fast turns."""

    #: what must hold so that it pays
    test: str
    #: how many turns there are before the last
    turns: str
    #: name of the counter, and what it goes up by
    counter: str
    step: str
    #: the counter is set by the ``for`` statement: its own line is left out
    own_counter: bool
    #: the block's code in a fast turn, and its way back to the head
    lines: list[Line]
    way: Way
    #: fuel of a turn
    cost: int


class _Step(NamedTuple):
    """How a variable changes in a turn: by a number, or by another variable."""

    #: of the variable in the environment
    place: int
    by: Term


def counted(analysis: Analysis, result: Result) -> Counted | None:
    """What is known of a loop whose body is one block, if it is counted."""
    number = result.block.number
    back = [way is not None and way.edge.target == number for way in result.ways]
    if result.block.exit != "branch" or sum(back) != 1 or result.test is None:
        return None
    if result.settled or any(isinstance(line, Settle) for line in result.lines):
        return None
    condition = result.test if back[0] else negate(result.test)
    found = _bound(condition, _assigned(result))
    return None if found is None else _fast(analysis, result, *found)


def _assigned(result: Result) -> dict[str, list[tuple[int, Term]]]:
    """The assignments to locals, by name."""
    found: dict[str, list[tuple[int, Term]]] = {}
    for place, line in enumerate(result.lines):
        if len(line.parts) == 3 and line.parts[1] == " = " and isinstance(line.parts[0], str):
            value = line.parts[2]
            if isinstance(value, Term):
                found.setdefault(line.parts[0], []).append((place, value))
    return found


def _bound(
    condition: Term, assigned: dict[str, list[tuple[int, Term]]]
) -> tuple[str, _Step, Term, int] | None:
    """The relation in which the counter must stand to a bound so that the loop goes on, the step
    and the bound; and above which number bounds are negative, if it compares signed numbers."""
    op, args, sign = condition.op, condition.args, 0
    if op == "slt":
        op, sign = args[0], args[3]
        args = args[1:3]
    elif op == "truth":
        op, args = "!=", (args[0], constant(0))
    if op not in ("!=", "<", "<=", ">", ">=") or len(args) != 2:
        return None
    for x, y, relation in ((args[0], args[1], op), (args[1], args[0], _MIRROR[op])):
        if x.low is None or y.low is None:
            return None
        step = _step(x, assigned)
        if step is not None and _invariant(y, assigned):
            return relation, step, y, sign
    return None


_MIRROR = {"!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _invariant(term: Term, assigned: dict[str, list[tuple[int, Term]]]) -> bool:
    if term.op == "const":
        return True
    return term.op == "var" and term.args[0].startswith("l") and term.args[0] not in assigned


def _step(term: Term, assigned: dict[str, list[tuple[int, Term]]]) -> _Step | None:
    """How a variable is stepped, if that is all that happens to it."""
    if term.op != "var" or len(assigned.get(term.args[0], ())) != 1:
        return None
    _, value = assigned[term.args[0]][0]
    if value.op in ("%", "wrap"):
        value = value.args[0]
    if value.op != "+" or not term.reads:
        return None
    base, by = value.args
    if by.op == "var" and by.args[0] == term.args[0]:
        base, by = by, base
    if base.op != "var" or base.args[0] != term.args[0] or not _invariant(by, assigned):
        return None
    return _Step(term.place, by)


def _fast(
    analysis: Analysis, result: Result, relation: str, step: _Step, bound: Term, sign: int
) -> Counted | None:
    number = result.block.number
    down = step.by.op == "const" and step.by.args[0] < 0
    if down:
        relation = {"!=": "!=", ">": "<", ">=": "<="}.get(relation, "")
    if relation not in ("!=", "<", "<=") or (relation == "!=" and step.by.op != "const"):
        return None
    env = analysis.env[number].copy()
    by = abs(step.by.args[0]) if step.by.op == "const" else 1
    high = min(bound.high, sign - 1) if sign else bound.high
    if bound.op == "var" and not clamp(env, bound, bound.low, high):
        return None
    site = Site(analysis.shape, result.block, env, (), "u")
    head = site.local(step.place)
    if head.low is None:
        return None
    low, most = (bound.low + by, head.high) if down else (head.low, high - by)
    if not clamp(site.env, head, low, most):
        return None
    near = _near(analysis, result, site)
    fast = site.run()
    ways = [way for way in fast.ways if way is not None and way.edge.target == number]
    if not ways or fast.settled or fast.pending != result.pending:
        return None
    name = f"l{step.place}"
    lines, own = _without_step(fast, name)
    distance, test = _distance(name, head, step.by, bound, down)
    turns = _turns(relation, distance, step.by, by)
    if relation == "!=" and by > 1 and not _aligned(head, bound, by):
        test += f" and not ({distance}) % {by}"
    if sign and bound.high >= sign:
        test += f" and {show(bound)} < {sign}"
    for more in near:
        test += f" and {more}"
    return Counted(test, turns, name, show(step.by), own, lines, ways[0], result.pending)


class _Near(NamedTuple):
    """A variable that is taken to be small, and a multiple of ``2**zeros``, in all fast turns."""

    place: int
    zeros: int

    def holds(self, env: Environment) -> bool:
        """Whether it is so where a turn ends."""
        fact = env[self.place]
        return fact is not None and fact[1] <= _HALF and fact[2] >= self.zeros


def _near(analysis: Analysis, result: Result, site: Site) -> list[str]:
    """Tests that are worth making before the first fast turn, so that sums do not wrap and words
    are aligned. What holds there must hold at every other turn, as the accesses of a turn show:
    a variable below 2**30 is then below 2**31. Makes ``site`` ready to be run with that."""
    number = result.block.number
    assigned = _assigned(result)
    wanted = _wanted(analysis, result, site)
    while True:
        env = site.env.copy()
        for place, zeros in wanted:
            fact = env[place]
            if fact is not None:
                high = _HALF if f"l{place}" in assigned else NEAR - 1
                env[place] = fact[0], min(fact[1], high), max(fact[2], zeros)
        stack = analysis.operands(number, env)
        trial = Site(analysis.shape, result.block, env, stack, "u").run()
        back = [way for way in trial.ways if way is not None and way.edge.target == number]
        kept = [near for near in wanted if back and near.holds(back[0].env)]
        if kept == wanted:
            break
        wanted = kept
    site.env, site.stack = env, stack
    tests = [" | ".join(f"l{place}" for place, _ in wanted) + f" < {NEAR}"] if wanted else []
    return tests + [f"not l{place} & {(1 << zeros) - 1}" for place, zeros in wanted if zeros]


def _wanted(analysis: Analysis, result: Result, site: Site) -> list[_Near]:
    """The variables that a block takes from its head and that may be large, or are asked whether
    they are multiples of a word's size."""
    parts = [part for line in result.lines for part in line.parts if isinstance(part, Term)]
    asked = {int(place): int(mask) for place, mask in _ASKED.findall(" ".join(map(show, parts)))}
    candidates = read_first(result.lines) & analysis.shape.words
    found = []
    for place in range(analysis.shape.nlocals):
        fact = site.env[place]
        if fact is None or not candidates >> place & 1:
            continue
        far = fact[1] > _HALF
        if far or place in asked:
            found.append(_Near(place, asked.get(place, 0).bit_length()))
    return found


def _distance(name: str, head: Term, by: Term, bound: Term, down: bool) -> tuple[str, str]:
    """How far the counter is from its bound, and the test that there are enough turns."""
    end = at_least(bound, 11)
    zero = bound.op == "const" and bound.args[0] == 0
    distance = (name if zero else f"{name} - {end}") if down else f"{end} - {name}"
    if by.op == "const":
        return distance, f"{distance} > {_ENOUGH * abs(by.args[0])}"
    return distance, f"0 < {show(by)} * {_ENOUGH} < {distance}"


def _turns(relation: str, distance: str, by: Term, size: int) -> str:
    """The number of turns before the last."""
    if relation == "!=":
        return f"{distance} - 1" if size == 1 else f"({distance}) // {size} - 1"
    # the counter is compared after the step: it goes on while it is below, or not above
    less = f"({distance} - 1)" if relation == "<" else f"({distance})"
    if by.op == "const" and size == 1:
        return less
    return f"{less} // {size if by.op == 'const' else show(by)}"


def _aligned(head: Term, bound: Term, by: int) -> bool:
    return by & (by - 1) == 0 and min(head.zeros, bound.zeros) >= by.bit_length() - 1


def _without_step(fast: Result, name: str) -> tuple[list[Line], bool]:
    """The lines of a turn; without the counter's own, if nothing reads it behind that."""
    places = [place for place, line in enumerate(fast.lines) if line.parts[:2] in ([name, " = "],)]
    if len(places) != 1:
        return fast.lines, False
    place = places[0]
    bit = 1 << int(name[1:])
    behind = [part for line in fast.lines[place + 1 :] for part in line.parts]
    stacks = [term for way in fast.ways if way is not None for term in way.stack]
    if any(part.reads & bit for part in (*behind, *stacks) if isinstance(part, Term)):
        return fast.lines, False
    return fast.lines[:place] + fast.lines[place + 1 :], True
