"""Fast turns: the code of a loop of one block for many turns at once.

Fuel is dealt with for all turns together, as far as the fuel in hand lasts. Variables that only go
up by a step are not assigned in a turn: they are read as what they were at its head plus something,
a pointer to words as the index of a word, and one of them is Python's own loop variable. What only
counts is set behind the loop. Where the number of turns is known when the loop is come to, all are
run so, or all but the last where that one may wrap; otherwise turns are run until the loop is left.
A trap corrects the fuel by the number of turns that have been run (``Ahead``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from . import terms
from .analysis import Analysis
from .facts import Environment
from .graph import Edge
from .lines import Line, Test
from .liveness import kept, read_first
from .loops import Count, count, goes_on, is_plain, is_wrapped, steps, unwrapped
from .narrowing import loosened, narrowed
from .outcomes import freed
from .printing import show
from .shape import NEAR, Shape
from .terms import Term, constant, subterms, variable
from .translate import Result, Site, Way

__all__ = ["MOST", "FastTurns", "Induction", "fast_turns"]

#: turns that are run at once where they are not counted
MOST = 1024

#: the largest number whose double does not wrap
_HALF = (1 << 31) - 1
#: bytes of the words of the memory and its views
_SIZES = {"mem": 1, "MH": 2, "MI": 4, "MQ": 8}


class Induction(NamedTuple):
    """A variable of fast turns that goes up by a step."""

    name: str
    #: a number, or the name of what does not change
    step: int | str
    #: how the next value is computed, if it may wrap
    wrapped: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it never wraps."""
        return not self.wrapped

    @property
    def following(self) -> str:
        """Its value at the next turn's head."""
        return self.wrapped or self.after("")

    def after(self, turns: str) -> str:
        """Its value some turns further on; one, if it is not said how many."""
        down = isinstance(self.step, int) and self.step < 0
        size = -self.step if isinstance(self.step, int) and down else self.step
        by = f"{turns} * {size}" if turns and size != 1 else turns or str(size)
        return f"{self.name} {'-' if down else '+'} {by}"


class Fill(NamedTuple):
    """Turns that do nothing but store one number, from a place on, at equal distances."""

    #: the first place, as far as the loop variable is not in it, in words of ``size`` bytes
    offset: int
    size: int
    value: str


class FastTurns(NamedTuple):
    """What is written for a loop's fast turns."""

    #: what must hold before them
    tests: list[str]
    #: how many turns there are, the last left out if it is not ``whole``; nothing if not known
    turns: str
    #: what the counter is behind the last turn, if that is a fast one too: variable and value
    whole: tuple[str, str] | None
    #: fuel of a turn
    cost: int
    #: what is computed before them
    before: list[str]
    #: the loop variable; none where nothing that is read goes up by a number
    counter: Induction | None
    lines: list[Line]
    #: the way to the next turn, and the condition for it
    back: Way
    goes_on: Term
    #: what else is assigned at the end of a turn
    advance: list[Induction]
    #: locals that are assigned behind all turns, and what they wrap at, if they may have
    after: list[tuple[Induction, int]]
    #: the names of locals that go up by steps and are read where the loop is left
    behind: set[str]
    #: assignments behind these, where the loop is left
    follow: list[str]
    #: what all turns together are, if they are that
    fill: Fill | None

    @property
    def left(self) -> list[tuple[Induction, int]]:
        """Of ``after``, what is read where the loop is left."""
        return [pair for pair in self.after if pair[0].name in self.behind]


class _Follower(NamedTuple):
    """A local that holds what another one held at a turn's head plus a number."""

    place: int
    root: int
    more: int

    def text(self, turn: Turn) -> str:
        """Its assignment behind a turn, when the other one has gone on."""
        more = self.more - turn.stepped[self.root].args[0]
        value = f"l{self.root} + {more}" if more else f"l{self.root}"
        wraps = self.root in turn.loose or is_wrapped(turn.now[self.place])
        size = turn.shape.turns[self.place]
        return f"l{self.place} = {f'({value}) % {size}' if more and wraps else value}"


class Turn(Site):
    """A turn, being translated. The name of a variable that is stepped is what it holds at the
    head; what it holds further on is a term."""

    def __init__(
        self,
        loop: _Loop,
        env: Environment,
        stack: list[Term],
        stepped: dict[int, Term],
        loose: set[int],
    ) -> None:
        super().__init__(loop.shape, loop.result.block, env, stack, "u")
        self.loop = loop
        self.stepped = stepped
        #: variables whose steps may wrap
        self.loose = loose
        #: what variables hold that are not assigned
        self.now: dict[int, Term] = {}
        #: variables that a term does not stand for in every turn
        self.lost: set[int] = set()
        #: pointers to words, shifted: the variable and the bits, by name
        self.indices: dict[str, tuple[int, int]] = {}

    def local(self, index: int) -> Term:
        return self.now.get(index) or self.variable(index)

    def assign(self, target: str, value: Term) -> None:
        """Sets a local or a global; a local that follows from others is only noted."""
        index = self.immediate
        if target == "local":
            if self._follows(index, value):
                self.now[index] = self.operands["a"] = value
                return
            self.now.pop(index, None)
            if index in self.stepped:
                self.lost.add(index)
        super().assign(target, value)

    def _follows(self, index: int, value: Term) -> bool:
        """Whether a local needs no assignment, since its value follows from what variables held at
        the head of the turn."""
        root, _ = self.sum_of(value)
        if index not in self.stepped:
            if self.loop.kept >> index & 1:
                return False
            if self.loop.live >> index & 1:
                return root in self.stepped and self.stepped[root].op == "const"
        if root >= 0:
            return root in self.stepped
        value = unwrapped(value)
        if value.op != "+" or any(part.op != "var" for part in value.args):
            return False
        pair = [part for part in value.args if part.reads & self.shape.words]
        stepped = [part for part in pair if part.place in self.stepped]
        fixed = [part for part in pair if part.reads & self.loop.fixed]
        return len(stepped) == len(fixed) == 1

    def sum_of(self, value: Term) -> tuple[int, int]:
        """The local and the number whose sum a value is, wrapped or not; -1 if it is none."""
        value, more = unwrapped(value), 0
        if value.op == "+" and value.args[1].op == "const":
            value, more = value.args[0], value.args[1].args[0]
        known = value.op == "var" and value.reads and value.place in self.shape.turns
        return (value.place, more) if known else (-1, 0)

    def _way(self, edge: Edge, env: Environment) -> Way:
        env = env.copy()
        for index, by in self.stepped.items():
            value, head = self.now.get(index, terms.ZERO), self.variable(index)
            if not _is_step(unwrapped(value), head, by, self.shape.turns[index]):
                self.lost.add(index)
            elif is_wrapped(value) or not _is_exact(value, by):
                self.loose.add(index)
            else:
                value = terms.add(head, by if by.op == "const" else self.variable(by.place))
            env.forget(index, (value.low, value.high, value.zeros))
        return super()._way(edge, env)

    def _is_dear(self, part: Term, bits: int) -> bool:
        return super()._is_dear(part, bits) and self._own_index(part, bits) is None

    def _index(self, pointer: Term, bits: int) -> Term | None:
        return self._own_index(pointer, bits) or super()._index(pointer, bits)

    def _own_index(self, pointer: Term, bits: int) -> Term | None:
        """The index of the word that a pointer points to, as a variable of its own."""
        if pointer.op != "var" or not pointer.reads & self.shape.words:
            return None
        place = pointer.place
        by = self.stepped.get(place)
        if place in self.loose or (by is None and not self.loop.fixed >> place & 1):
            return None
        if by is not None:
            if by.zeros < bits or (by.op == "var" and self._own_index(by, bits) is None):
                return None
        name = f"q{place}_{bits}"
        self.indices[name] = place, bits
        shifted = terms.shift_right(pointer, constant(bits))
        return variable(name, -1, shifted.low, shifted.high, shifted.zeros)


def _is_step(value: Term, head: Term, by: Term, turn: int) -> bool:
    """Whether a value is what a variable held plus its step, modulo ``turn``."""
    if value.op != "+":
        return False
    if by.op == "const":
        base, more = value.args
        same = base.op == "var" and base.args == head.args and more.op == "const"
        return same and not (more.args[0] - by.args[0]) % turn
    return {part.args[0] for part in value.args if part.op == "var"} == {head.args[0], by.args[0]}


def _is_exact(value: Term, by: Term) -> bool:
    """Whether a step is what is added, not what is the same modulo a turn: several steps of a turn
    may come to more than half a one, which as a step goes the other way."""
    return by.op != "const" or bool(value.args[1].args[0] == by.args[0])


class _Near(NamedTuple):
    """A variable that is taken to be small, and a multiple of ``2**zeros``, in all fast turns."""

    place: int
    zeros: int

    def holds(self, env: Environment) -> bool:
        """Whether it is so where a turn ends."""
        fact = env[self.place]
        return fact is not None and fact[1] <= _HALF and fact[2] >= self.zeros


class _Made(NamedTuple):
    """A turn that was translated."""

    turn: Turn
    result: Result
    back: Way
    near: list[_Near]
    #: the variable that turns must end for before it is below zero, or -1
    floor: int


class _Loop:
    """A loop whose fast turns are made."""

    def __init__(self, analysis: Analysis, result: Result) -> None:
        self.analysis = analysis
        self.shape: Shape = analysis.shape
        self.result = result
        self.number = result.block.number
        #: variables that one turn reads of the one before, as a set of bits
        self.kept = analysis.live[self.number]
        #: variables that are read where the loop is left
        self.behind = 0
        for way in result.ways:
            if way is not None and way.edge.target != self.number:
                self.behind |= analysis.live.get(way.edge.target, 0)
        #: variables that are read behind a turn, in the next one or behind the loop
        self.live = self.kept | self.behind
        assigned = self.shape.assigned(result.block)
        #: locals that no turn assigns, as a set of bits
        self.fixed = (1 << self.shape.nlocals) - 1 & ~assigned
        self.stepped = steps(result, self.shape.turns)
        self.count: Count | None = count(result, self.stepped)

    def translated(self, *, floored: bool) -> _Made | None:
        """A turn, with as much taken for granted before the first as all others show. What holds
        there must hold at every other turn, as the accesses of a turn tell: a variable below 2**30
        is then below 2**31. With ``floored`` turns may end before a variable that counts down
        gets below zero."""
        env = self.analysis.env[self.number].copy()
        if self.count is not None:
            head = self.shape.variable(env, self.count.place)
            if head.low is None or not self.count.assume(env, head):
                return None
        near, stepped = self._wanted(env), dict(self.stepped)
        loose: set[int] = set()
        floor = -1
        while True:
            known = self._known(env, near, -1 if floor in loose else floor)
            stack = self.analysis.operands(self.number, known)
            turn = Turn(self, known, stack, stepped, set(loose))
            made = turn.run()
            back = self._back(made)
            if back is None:
                return None
            held = [item for item in near if item.holds(back.env)]
            if held == near and not turn.lost and turn.loose == loose:
                return _Made(turn, made, back, near, -1 if floor in loose else floor)
            near, loose = held, turn.loose
            if floored and floor < 0:
                floor = next((place for place in loose if _goes_down(stepped[place])), -1)
                loose.discard(floor)
            stepped = {place: by for place, by in stepped.items() if place not in turn.lost}
            loose &= stepped.keys()

    def _known(self, env: Environment, near: list[_Near], floor: int) -> Environment:
        """What is known at the head of a fast turn."""
        known = env.copy()
        for place, zeros in near:
            fact = known[place]
            if fact is not None:
                high = NEAR - 1 if self.fixed >> place & 1 else _HALF
                known[place] = fact[0], min(fact[1], high), max(fact[2], zeros)
        fact = known[floor] if floor >= 0 else None
        if fact is not None:
            known[floor] = max(fact[0], -self.stepped[floor].args[0]), fact[1], fact[2]
        return known

    def _back(self, made: Result) -> Way | None:
        for way in made.ways:
            if way is not None and way.edge.target == self.number:
                return way
        return None

    def _wanted(self, env: Environment) -> list[_Near]:
        """The variables that a turn takes from its head and that may be large, or are asked
        whether they are multiples of a word's size."""
        lines, asked = self.result.lines, self.result.asked
        candidates = read_first(lines) & self.shape.words
        masked = _masked(part for line in lines for part in line.parts)
        found = []
        for place in range(self.shape.nlocals):
            fact = env[place]
            if fact is not None and candidates >> place & 1:
                far = NEAR if (self.fixed & masked) >> place & 1 else _HALF + 1
                if fact[1] >= far or place in asked:
                    found.append(_Near(place, asked.get(place, 0)))
        return found

    def fast(self) -> FastTurns | None:
        """All that is written, if something is."""
        for floored in (self.count is None, False):
            made = self.translated(floored=floored)
            if made is None or made.result.settled or made.result.pending != self.result.pending:
                return None
            found = self._assembled(made)
            if made.floor < 0 or found is None or _counts(found.counter, made.floor):
                return found
        return None

    def _assembled(self, made: _Made) -> FastTurns | None:
        turn, back = made.turn, made.back
        out = next((way for way in made.result.ways if way not in (None, back)), None)
        if self.count is None and (out is None or out.stack):
            return None
        condition = goes_on(made.result)
        behind = [*back.stack, condition] if self.count is None else back.stack
        lines, read = self._lines(made, behind)
        before, inductions = self._inductions(turn, read)
        counter = self._counter(inductions, made.floor)
        if self.count is None and counter is None:
            return None  # nothing would be saved
        parts = [*(part for line in lines for part in line.parts), *behind]
        for place, item in enumerate(inductions):
            if item is not counter and item.is_plain:
                inductions[place] = self._folded(item, turn, parts, before)
        names = {item.name for item in inductions}
        follow = self._followers(turn)
        roots = sum(1 << place for place in {item.root for item in follow})
        wanted, left = self.live | roots, self.behind | roots
        count, turns, whole = self.count, "", None
        if count is not None:
            if count.relation == "!=" and out is not None and not out.stack:
                # behind the last turn the counter is what it was compared with, so it is set
                whole = f"l{count.place}", show(count.bound)
            turns = count.turns(whole=whole is not None)
        after = [
            (Induction(f"l{place}", by.args[0]), self.shape.turns[place] * (place in turn.loose))
            for place, by in turn.stepped.items()
            if wanted >> place & 1 and f"l{place}" not in names
        ]
        advance = [item for item in inductions if item is not counter]
        simple = count is not None and not advance and not back.stack
        return FastTurns(
            tests=self._tests(made),
            turns=turns,
            whole=whole,
            cost=made.result.pending,
            before=before,
            counter=counter,
            lines=lines,
            back=back,
            goes_on=condition,
            advance=advance,
            after=after,
            behind={f"l{place}" for place in turn.stepped if left >> place & 1},
            follow=[item.text(turn) for item in follow],
            fill=self._fill(lines, counter) if simple else None,
        )

    def _lines(self, made: _Made, behind: list[Term]) -> tuple[list[Line], int]:
        """A turn's lines, as those of the block itself are written, and the variables they read."""
        turn = made.turn
        # followers are set behind the loop, whatever turns set them to before
        live = self.live & ~sum(1 << place for place in turn.now if place not in turn.stepped)
        lines, read = kept(made.result.lines, live, behind)
        lines = loosened(narrowed(lines, self.shape.narrow.get(self.number)), behind)
        return freed(lines, self.shape.outcomes), read

    def _fill(self, lines: list[Line], counter: Induction | None) -> Fill | None:
        """The one thing that turns do, if it is to fill memory upwards."""
        stores = [line for line in lines if not isinstance(line, Test)]
        if len(stores) != 1 or counter is None or len(stores[0].parts) != 3:
            return None
        target, _, value = stores[0].parts
        if not isinstance(target, Term) or not isinstance(value, Term) or target.op != "index":
            return None
        base, index = target.args
        parts, offset = terms.addends(index)
        size = _SIZES.get(base.args[0], 0)
        if [part.args[0] for part in parts] != [counter.name] or offset < 0 or not size:
            return None
        if isinstance(counter.step, int) and (counter.step < 0 or (size > 1 < counter.step)):
            return None
        fixed = value.op == "const" or (value.op == "var" and value.reads & self.fixed)
        if not fixed or value.low is None or value.low < 0 or value.high >> 8 * size:
            return None
        return Fill(offset, size, show(value))

    def _tests(self, made: _Made) -> list[str]:
        """What must hold before the first turn."""
        tests, near = [], made.near
        if self.count is not None:
            env = self.analysis.env[self.number]
            tests += self.count.tests(self.shape.variable(env, self.count.place))
        tests += [f"l{place} < {NEAR}" for place, _ in near]
        if made.floor >= 0:
            tests.append(f"l{made.floor} >= {-self.stepped[made.floor].args[0] * MOST}")
        return tests + [f"not l{place} & {(1 << zeros) - 1}" for place, zeros in near if zeros]

    def _followers(self, turn: Turn) -> list[_Follower]:
        """Locals that are read behind the loop, and not assigned in it."""
        return [
            _Follower(place, *turn.sum_of(value))
            for place, value in turn.now.items()
            if place not in turn.stepped and self.live >> place & 1
        ]

    def _inductions(self, turn: Turn, read: int) -> tuple[list[str], list[Induction]]:
        """What is computed before the turns, and what changes from turn to turn."""
        before, found = [], []
        shifted = self.analysis.env[self.number].shifted
        for name, (place, bits) in turn.indices.items():
            before.append(f"{name} = {shifted.get((place, bits, 0)) or f'l{place} >> {bits}'}")
            by = turn.stepped.get(place)
            if by is not None:
                step = by.args[0] >> bits if by.op == "const" else f"q{by.place}_{bits}"
                found.append(Induction(name, step))
        for place, by in turn.stepped.items():
            if read >> place & 1:
                wrapped = show(turn.now[place]) if place in turn.loose else ""
                found.append(Induction(f"l{place}", by.args[0], wrapped))
        return before, found

    def _folded(
        self, item: Induction, turn: Turn, parts: list[Any], before: list[str]
    ) -> Induction:
        """A variable that is only read in sums with another one that does not change: the sum
        takes its place."""
        if any(isinstance(part, Term) and part.is_variable(item.name) for part in parts):
            return item
        users = [
            term
            for term in subterms(parts)
            if any(isinstance(arg, Term) and arg.is_variable(item.name) for arg in term.args)
        ]
        others = {_other_of_sum(term, item.name) for term in users}
        other = others.pop() if len(others) == 1 else ""
        place, _ = turn.indices.get(other, (int(other[1:]) if other[:1] == "l" else -1, 0))
        if place < 0 or not self.fixed >> place & 1:
            return item
        name = f"r{item.name[1:]}_{other[1:]}"
        before.append(f"{name} = {item.name} + {other}")
        for term in users:
            term.op, term.args, term.reads = "var", (name,), 0
        return item._replace(name=name)

    def _counter(self, inductions: list[Induction], floor: int) -> Induction | None:
        """The loop variable: one that goes up by a number and does not wrap, or the counter."""
        own = "" if self.count is None else f"l{self.count.place}"
        for item in inductions:
            if item.is_plain and (isinstance(item.step, int) or item.name == own):
                if floor < 0 or _counts(item, floor):
                    return item
        return None


def _other_of_sum(term: Term, name: str) -> str:
    """The other variable, where a term is the sum of one and another; nothing if it is not."""
    if term.op != "+" or any(arg.op != "var" for arg in term.args):
        return ""
    one, other = (arg.args[0] for arg in term.args)
    return str(other if one == name else one)


def _masked(parts: Iterable[Any]) -> int:
    """The variables that are parts of sums which may wrap, as a set of bits."""
    bits = 0
    for term in subterms(parts):
        if is_wrapped(term) or (term.op == "&" and terms.keeps(term) == _HALF * 2 + 1):
            bits |= term.reads
    return bits


def _goes_down(by: Term) -> bool:
    return by.op == "const" and bool(by.args[0] < 0)


def _counts(counter: Induction | None, place: int) -> bool:
    """Whether the loop variable is a local, or its index of words."""
    return counter is not None and counter.name.split("_")[0][1:] == str(place)


def fast_turns(analysis: Analysis, result: Result) -> FastTurns | None:
    """The fast turns of a loop whose body is one block; ``None`` if it has none."""
    return _Loop(analysis, result).fast() if is_plain(result) else None
