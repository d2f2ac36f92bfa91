"""Loop versioning: a fast version of loops of one block, for many iterations at once.

Fuel is dealt with for all iterations together, as far as the fuel in hand lasts (strip mining).
Variables that only go up by a step (induction variables) are not assigned in an iteration: they are
read as what they were at its head plus something, a pointer to words as the index of a word, and
one of them is Python's own loop variable. What only counts is set after the loop. Where the trip
count is known when the loop is reached, all iterations are run so, or all but the last where that
one may wrap; otherwise they are run until the loop is left. What they take for granted of pointers
is tested once before them. A trap corrects the fuel by the number of iterations that have been run
(``Ahead``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..analysis.induction import Count, count, goes_on, is_plain, is_wrapped, steps
from ..analysis.liveness import kept, read_first
from ..backend.operators import in_python
from ..frontend.context import NEAR, Context
from ..ir import expr
from ..ir.domain import Environment
from ..ir.expr import Expr, constant, name, variable
from ..ir.function import Flow, Function, LoweredBlock
from ..ir.statements import Assign, Statement, Store, TestPoint
from ..ir.traversal import rewritten, subterms
from .boolean_locals import freed
from .byte_narrowing import narrowed
from .fast_version import MOST, FastVersion, Fill, Induction
from .loop_iteration import Iteration
from .redundant_masks import without_redundant_masks

__all__ = ["version_loops"]

#: the largest number whose double does not wrap
_HALF = (1 << 31) - 1
#: bytes of the words of the memory and its views
_SIZES = {"mem": 1, "MH": 2, "MI": 4, "MQ": 8}

#: operators whose second operand is an address, or an index of words
_ACCESSES = ("index", "packed")


class _Follower(NamedTuple):
    """A local that holds what another one held at an iteration's head plus a number."""

    place: int
    root: int
    more: int

    def value(self, iteration: Iteration) -> Expr:
        """Its value after an iteration, when the other one has gone on."""
        more = self.more - iteration.stepped[self.root].args[0]
        root = name(f"l{self.root}")
        value = Expr("+", (root, constant(more))) if more else root
        wraps = self.root in iteration.wrapping or is_wrapped(iteration.now[self.place])
        return (
            Expr("%", (value, constant(iteration.context.moduli[self.place])))
            if more and wraps
            else value
        )


class _Assumed(NamedTuple):
    """A variable that is taken to be small, and a multiple of ``2**zeros``, in all fast
    iterations."""

    place: int
    zeros: int

    def holds(self, env: Environment) -> bool:
        """Whether it is so where an iteration ends."""
        fact = env[self.place]
        return fact is not None and fact[1] <= _HALF and fact[2] >= self.zeros


class _Attempt(NamedTuple):
    """An iteration that was translated."""

    iteration: Iteration
    result: LoweredBlock
    back: Flow
    assumed: list[_Assumed]
    #: the variable that iterations must end for before it is below zero, or -1
    floor: int


class _Code(NamedTuple):
    """An iteration's statements, and what is evaluated after them."""

    statements: list[Statement]
    back: Flow
    goes_on: Expr
    #: whether the condition is evaluated in every iteration: where iterations are counted it is not
    asks: bool

    @property
    def exit_uses(self) -> list[Expr]:
        """What is evaluated after the statements."""
        return [*self.back.stack, self.goes_on] if self.asks else list(self.back.stack)

    @property
    def terms(self) -> list[Expr]:
        """All expressions."""
        return [*(term for line in self.statements for term in line.uses), *self.exit_uses]

    def with_exit_uses(self, uses: list[Expr]) -> _Code:
        """The same with other expressions after the statements."""
        stack = uses[:-1] if self.asks else uses
        back = Flow(self.back.edge, self.back.env, stack)
        return self._replace(back=back, goes_on=uses[-1] if self.asks else self.goes_on)

    def mapped(self, change: Callable[[Expr], Expr]) -> _Code:
        """The same with each expression changed."""
        lines = [line.mapped(change) for line in self.statements]
        return self.with_exit_uses(list(map(change, self.exit_uses)))._replace(statements=lines)


class _Loop:
    """A loop whose fast iterations are made."""

    def __init__(self, function: Function, result: LoweredBlock) -> None:
        self.function = function
        self.context: Context = function.context
        self.result = result
        self.number = result.block.number
        #: variables that one iteration reads of the one before, as a set of bits
        self.live_in = function.live[self.number]
        #: variables that are read where the loop is left
        self.live_out = 0
        for flow in result.flows:
            if flow is not None and flow.edge.target != self.number:
                self.live_out |= function.live.get(flow.edge.target, 0)
        #: variables that are read after an iteration, in the next one or after the loop
        self.live = self.live_in | self.live_out
        assigned = self.context.assigned(result.block)
        #: locals that no iteration assigns, as a set of bits
        self.fixed = (1 << self.context.nlocals) - 1 & ~assigned
        self.stepped = steps(result, self.context.moduli)
        #: locals of 64 bits of which accesses take the lower half, as a set of bits
        self.wide = _wide_pointers(result.statements, self.context)
        #: locals that may be pointers
        self.pointers = self.context.words | self.wide
        self.count: Count | None = count(result, self.stepped)

    def translated(self, *, floored: bool) -> _Attempt | None:
        """An iteration, with as much taken for granted before the first as all others show. What
        holds there must hold at every other iteration, as the accesses of an iteration tell: a
        variable below 2**30 is then below 2**31. With ``floored`` iterations may end before a
        variable that counts down gets below zero."""
        env = self.function.env[self.number].copy()
        if self.count is not None:
            head = self.context.variable(env, self.count.place)
            if head.low is None or not self.count.assume(env, head):
                return None
        assumed, stepped = self._wanted(env), dict(self.stepped)
        wrapping: set[int] = set()
        asked: set[int] = set()
        floor = -1
        while True:
            known = self._known(env, assumed, -1 if floor in wrapping else floor)
            stack = self.function.search.operands(self.number, known)
            iteration = Iteration(self, known, stack, stepped, set(wrapping))
            attempt = iteration.run()
            back = self._back(attempt)
            if back is None:
                return None
            confirmed = list(self._weakened(assumed, asked, back.env))
            if confirmed == assumed and not iteration.lost and iteration.wrapping == wrapping:
                confirmed = self._aligned(assumed, asked, attempt)
                if confirmed == assumed:
                    return _Attempt(
                        iteration, attempt, back, assumed, -1 if floor in wrapping else floor
                    )
            assumed, wrapping = confirmed, iteration.wrapping
            if floored and floor < 0:
                floor = next((place for place in wrapping if _goes_down(stepped[place])), -1)
                wrapping.discard(floor)
            stepped = {place: by for place, by in stepped.items() if place not in iteration.lost}
            wrapping &= stepped.keys()

    def _known(self, env: Environment, assumed: list[_Assumed], floor: int) -> Environment:
        """What is known at the head of a fast iteration."""
        known = env.copy()
        for place, zeros in assumed:
            fact = known[place]
            if fact is not None:
                high = NEAR - 1 if self.fixed >> place & 1 else _HALF
                known[place] = fact[0], min(fact[1], high), max(fact[2], zeros)
        fact = known[floor] if floor >= 0 else None
        if fact is not None:
            known[floor] = max(fact[0], -self.stepped[floor].args[0]), fact[1], fact[2]
        return known

    def _aligned(
        self, assumed: list[_Assumed], asked: set[int], attempt: LoweredBlock
    ) -> list[_Assumed]:
        """Takes a pointer of 64 bits for a multiple of what is tested of it, once: before its upper
        half was taken to be zero, nobody knew that the test was about it."""
        found = []
        for place, zeros in assumed:
            more = attempt.alignment_tests.get(place, 0)
            if self.wide >> place & 1 and more > zeros and place not in asked:
                asked.add(place)
                zeros = more
            found.append(_Assumed(place, zeros))
        return found

    def _weakened(
        self, assumed: list[_Assumed], asked: set[int], env: Environment
    ) -> Iterator[_Assumed]:
        """What of it holds where an iteration ends; of a pointer that goes on by less than a word,
        at least that it is small."""
        for item in assumed:
            if not item.holds(env) and item.place in asked:
                item = item._replace(zeros=0)
            if item.holds(env):
                yield item

    def _back(self, attempt: LoweredBlock) -> Flow | None:
        for flow in attempt.flows:
            if flow is not None and flow.edge.target == self.number:
                return flow
        return None

    def _wanted(self, env: Environment) -> list[_Assumed]:
        """The variables that an iteration takes from its head and that may be large, or are tested
        whether they are multiples of a word's size."""
        lines, alignment_tests = self.result.statements, self.result.alignment_tests
        candidates = read_first(lines) & self.pointers
        masked = _masked(term for line in lines for term in line.uses)
        found = []
        for place in range(self.context.nlocals):
            fact = env[place]
            if fact is not None and candidates >> place & 1:
                far = NEAR if (self.fixed & masked) >> place & 1 else _HALF + 1
                if fact[1] >= far or place in alignment_tests:
                    found.append(_Assumed(place, alignment_tests.get(place, 0)))
        return found

    def fast(self) -> FastVersion | None:
        """All that is written, if something is."""
        for floored in (self.count is None, False):
            attempt = self.translated(floored=floored)
            if (
                attempt is None
                or attempt.result.settled
                or attempt.result.pending != self.result.pending
            ):
                return None
            found = self._assembled(attempt)
            if attempt.floor < 0 or found is None or _counts(found.counter, attempt.floor):
                return found
        return None

    def _assembled(self, attempt: _Attempt) -> FastVersion | None:
        iteration, back = attempt.iteration, attempt.back
        out = next((flow for flow in attempt.result.flows if flow not in (None, back)), None)
        if self.count is None and (out is None or out.stack):
            return None
        code, read = self._code(attempt)
        preheader, inductions = self._inductions(iteration, read)
        counter = self._counter(inductions, attempt.floor)
        if self.count is None and counter is None:
            return None  # nothing would be saved
        for place, item in enumerate(inductions):
            folded = self._folded(item, iteration, code.terms) if item.is_plain else None
            if item is not counter and folded is not None:
                inductions[place] = folded.sum
                preheader[folded.sum.name] = folded.start
                code = code.mapped(folded.applied)
        follow = self._followers(iteration)
        roots = sum(1 << place for place in {item.root for item in follow})
        increments = [item for item in inductions if item is not counter]
        simple = self.count is not None and not increments and not code.back.stack
        whole = self._end_of_counter(out)
        return FastVersion(
            tests=self._tests(attempt),
            trip_count=self.count and self.count.trip_count(whole=whole is not None),
            whole=whole,
            cost=attempt.result.pending,
            preheader=preheader,
            counter=counter,
            statements=code.statements,
            back=code.back,
            goes_on=code.goes_on,
            increments=increments,
            final_values=self._final_values(iteration, self.live | roots, inductions),
            live_out={
                f"l{place}" for place in iteration.stepped if (self.live_out | roots) >> place & 1
            },
            followers={f"l{item.place}": item.value(iteration) for item in follow},
            fill=self._fill(code.statements, counter) if simple else None,
        )

    def _end_of_counter(self, out: Flow | None) -> tuple[str, Expr] | None:
        """The counter after the last iteration, and its value: what it was compared with, if that
        is known."""
        count = self.count
        if count is None or count.relation != "!=" or out is None or out.stack:
            return None
        return f"l{count.place}", count.bound

    def _final_values(
        self, iteration: Iteration, live: int, inductions: list[Induction]
    ) -> list[tuple[Induction, int]]:
        """Variables that only count and are read after all iterations, each with what it wraps at,
        if it may have."""
        names = {item.name for item in inductions}
        return [
            (
                Induction(f"l{place}", by.args[0]),
                self.context.moduli[place] if place in iteration.wrapping else 0,
            )
            for place, by in iteration.stepped.items()
            if live >> place & 1 and f"l{place}" not in names
        ]

    def _code(self, attempt: _Attempt) -> tuple[_Code, int]:
        """An iteration's code, as that of the block itself is written, and the variables it
        reads."""
        iteration = attempt.iteration
        # followers are set after the loop, whatever iterations set them to before
        live = self.live & ~sum(
            1 << place for place in iteration.now if place not in iteration.stepped
        )
        code = _Code([], attempt.back, goes_on(attempt.result), self.count is None)
        lines, read = kept(attempt.result.statements, live, code.exit_uses)
        lines = narrowed(lines, self.function.narrow.get(self.number))
        lines, uses = without_redundant_masks(lines, code.exit_uses)
        lines = freed(lines, self.function.outcomes)
        return code.with_exit_uses(uses)._replace(statements=lines), read

    def _fill(self, lines: list[Statement], counter: Induction | None) -> Fill | None:
        """The one thing that iterations do, if it is to fill memory upwards."""
        stores = [line for line in lines if not isinstance(line, TestPoint)]
        if len(stores) != 1 or counter is None or not isinstance(stores[0], Store):
            return None
        place, value = stores[0].uses
        if place.op != "index":
            return None
        base, index = place.args
        parts, offset = expr.addends(index)
        size = _SIZES.get(base.args[0], 0)
        if [part.args[0] for part in parts] != [counter.name] or offset < 0 or not size:
            return None
        if isinstance(counter.step, int) and (counter.step < 0 or (size > 1 < counter.step)):
            return None
        fixed = value.op == "const" or (value.op == "var" and value.reads & self.fixed)
        if not fixed or value.low is None or value.low < 0 or value.high >> 8 * size:
            return None
        return Fill(offset, size, in_python(value))

    def _tests(self, attempt: _Attempt) -> list[Expr]:
        """What must hold before the first iteration."""
        tests: list[Expr] = []
        assumed = attempt.assumed
        if self.count is not None:
            env = self.function.env[self.number]
            tests += self.count.tests(self.context.variable(env, self.count.place))
        tests += [Expr("<", (name(f"l{place}"), constant(NEAR))) for place, _ in assumed]
        if attempt.floor >= 0:
            least = -self.stepped[attempt.floor].args[0] * MOST
            tests.append(Expr(">=", (name(f"l{attempt.floor}"), constant(least))))
        for place, zeros in assumed:
            if zeros:
                low = Expr("&", (name(f"l{place}"), constant((1 << zeros) - 1)))
                tests.append(Expr("not", (low,)))
        return tests

    def _followers(self, iteration: Iteration) -> list[_Follower]:
        """Locals that are read after the loop, and not assigned in it."""
        return [
            _Follower(place, *iteration.sum_of(value))
            for place, value in iteration.now.items()
            if place not in iteration.stepped and self.live >> place & 1
        ]

    def _inductions(
        self, iteration: Iteration, read: int
    ) -> tuple[dict[str, Expr], list[Induction]]:
        """What is computed before the iterations, and what changes from iteration to iteration."""
        preheader: dict[str, Expr] = {}
        found = []
        shifted = self.function.env[self.number].shifted
        for text, (place, bits) in iteration.indices.items():
            known = shifted.get((place, bits, 0))
            index = Expr(">>", (name(f"l{place}"), constant(bits)))
            preheader[text] = index if known is None else variable(known, -1)
            by = iteration.stepped.get(place)
            if by is not None:
                step = by.args[0] >> bits if by.op == "const" else f"q{by.place}_{bits}"
                found.append(Induction(text, step))
        for place, by in iteration.stepped.items():
            if read >> place & 1:
                wrapped = in_python(iteration.now[place]) if place in iteration.wrapping else None
                found.append(Induction(f"l{place}", by.args[0], wrapped))
        return preheader, found

    def _folded(self, item: Induction, iteration: Iteration, parts: list[Expr]) -> _Folded | None:
        """A variable that is only read in sums with another one that does not change: the sum may
        take its place."""
        if any(part.is_variable(item.name) for part in parts):
            return None
        users = [
            term
            for term in subterms(parts)
            if any(isinstance(arg, Expr) and arg.is_variable(item.name) for arg in term.args)
        ]
        others = {_other_of_sum(term, item.name) for term in users}
        other = others.pop() if len(others) == 1 else ""
        place, _ = iteration.indices.get(other, (int(other[1:]) if other[:1] == "l" else -1, 0))
        if place < 0 or not self.fixed >> place & 1:
            return None
        return _Folded(item, other)

    def _counter(self, inductions: list[Induction], floor: int) -> Induction | None:
        """The loop variable: one that goes up by a number and does not wrap, or the counter."""
        own = "" if self.count is None else f"l{self.count.place}"
        for item in inductions:
            if item.is_plain and (isinstance(item.step, int) or item.name == own):
                if floor < 0 or _counts(item, floor):
                    return item
        return None


class _Folded(NamedTuple):
    """A variable, and another one that it is only read with."""

    item: Induction
    other: str

    @property
    def sum(self) -> Induction:
        """The variable that is their sum."""
        return self.item._replace(name=f"r{self.item.name[1:]}_{self.other[1:]}")

    @property
    def start(self) -> Expr:
        """What that is at first."""
        return Expr("+", (name(self.item.name), name(self.other)))

    def applied(self, term: Expr) -> Expr:
        """An expression that reads the sum."""
        return rewritten(term, self._replaced)

    def _replaced(self, term: Expr) -> Expr:
        if _other_of_sum(term, self.item.name) != self.other:
            return term
        return Expr("var", (self.sum.name,), term.low, term.high, term.zeros)


def _other_of_sum(term: Expr, name: str) -> str:
    """The other variable, where an expression is the sum of one and another; nothing if it is
    not."""
    if term.op != "+" or any(arg.op != "var" for arg in term.args):
        return ""
    names = [str(arg.args[0]) for arg in term.args]
    if name not in names:
        return ""
    names.remove(name)
    return names[0]


def _masked(parts: Iterable[Any]) -> int:
    """The variables that are parts of sums which may wrap, as a set of bits."""
    bits = 0
    for term in subterms(parts):
        if is_wrapped(term) or (term.op == "&" and expr.keeps(term) == _HALF * 2 + 1):
            bits |= term.reads
    return bits


def _wide_pointers(lines: Sequence[Statement], context: Context) -> int:
    """Locals of 64 bits that are, with nothing but a constant added, brought into 32 bits as an
    address: what is stored so need not be one."""
    bits = 0
    names: set[str] = set()
    for line in reversed(lines):
        addresses = [term.args[1] for term in subterms(line.uses) if term.op in _ACCESSES]
        if isinstance(line, Assign) and line.temporary in names:
            addresses.append(line.value)
        for term in subterms(addresses):
            if term.op == "var":
                names.add(term.args[0])
            elif expr.keeps(term) == _HALF * 2 + 1:
                parts, _ = expr.addends(term.args[0])
                bits |= parts[0].reads if len(parts) == 1 and parts[0].op == "var" else 0
    wide = (1 << index for index, modulus in context.moduli.items() if modulus >> 32 > 1)
    return bits & sum(wide)


def _goes_down(by: Expr) -> bool:
    return by.op == "const" and bool(by.args[0] < 0)


def _counts(counter: Induction | None, place: int) -> bool:
    """Whether the loop variable is a local, or its index of words."""
    return counter is not None and counter.name.split("_")[0][1:] == str(place)


def version_loops(function: Function) -> Function:
    """Makes the fast iterations of loops whose body is one block, where there are some to be
    had."""
    fast = {}
    for head in function.graph.loops:
        function.context.budget.check()
        result = function.blocks.get(head)
        if head in function.graph.single and result is not None and is_plain(result):
            found = _Loop(function, result).fast()
            if found is not None:
                fast[head] = found
    return function._replace(fast=fast)
