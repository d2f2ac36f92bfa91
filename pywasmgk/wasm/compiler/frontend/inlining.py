"""Small functions in the place of calls to them, before anything else is made of a body.

A call between compiled functions costs as much as ten instructions. The callee's instructions stand
here as a block of the caller's: its parameters and locals are further locals, its ``return`` leaves
the block, and the call instruction stays before it with an :class:`Inlined` as immediate, which
says what entering does. Every instruction keeps the frames that an error shows.

A callee is a test point and takes call depth as if it were called. The depth is asked for when the
caller is entered, which is earlier; where it does not suffice, the interpreter runs the caller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....errors import DecodeError, ValidationError
from ...isa import CONTROL_FORMS, Instruction
from ...types import FuncType, ValType
from ...valid.blockmap import BlockMap, Branch, Control, Try
from ..ir.body import Body, Inlined, Lookup, Other, Place, Through, size_of
from .partial_inlining import Fork, Join, Step, early_ways

if TYPE_CHECKING:
    from ...module import Module

__all__ = ["expanded"]

#: size of a callee
_MOST_INSTRUCTIONS = 40
#: and bytes, so that others need not be decoded to be refused
_MOST_BYTES = 4 * _MOST_INSTRUCTIONS
_MOST_LOCALS = 16
#: functions of a type that are expected in tables
_MOST_EXPECTED = 3
#: and their accesses to words of memory
_MOST_WORDS = 2
#: callees within callees
_MOST_NESTED = 4
#: what callees may add to the size of a body, and how much for each instruction that it has
_MOST_ADDED = 200
_MOST_GROWTH = 0.5
#: the size of a body above which it stays as it is
_MOST_EXPANDED = 10_000


def expanded(module: Module, index: int) -> Body:
    """A function with the small ones that it calls in the places of the calls."""
    plain = module.block_map(index)
    body = Body(plain, index)
    rows = module.isa.rows
    calls = any(rows[number].form in ("call", "call_indirect") for number, _ in plain.code)
    if calls and size_of(plain) <= _MOST_EXPANDED:
        _Expansion(module, body).run(plain, body.places[0])
    return body


#: forms that functions in the place of calls do not have
_KEPT = frozenset(
    (
        "loop",
        *(
            name
            for name, form in CONTROL_FORMS.items()
            if form.throws or form.catches or (form.calls and form.leaves)
        ),
    )
)


def _small(module: Module, index: int) -> BlockMap | None:
    """The body of a function that may stand in the place of calls."""
    known = module.small
    if index not in known:
        known[index] = _if_small(module, index)
    return known[index]


def _if_small(module: Module, index: int) -> BlockMap | None:
    place = index - module.import_counts["func"]
    if place < 0 or module.bodies[place].end - module.bodies[place].start > _MOST_BYTES:
        return None
    try:
        body = module.block_map(index)
    except (DecodeError, ValidationError):
        return None  # whoever calls it will see
    rows = module.isa.rows
    if size_of(body) > _MOST_INSTRUCTIONS or len(body.locals) > _MOST_LOCALS:
        return None
    if any(
        rows[number].form in _KEPT or (rows[number].form, x) == ("call", index)
        for number, x in body.code
    ):
        return None
    return body


def _expected(module: Module, kind: FuncType) -> list[tuple[int, BlockMap]]:
    """The functions of a type that tables hold, if they are few, and all of them small."""
    if module.held is None:
        module.held = {}
        functions = {index: None for element in module.elements for index in element.init}
        for index in functions:
            if isinstance(index, int):
                module.held.setdefault(module.functions[index], []).append(index)
    held = module.held.get(kind, [])
    if not 0 < len(held) <= _MOST_EXPECTED:
        return []
    bodies = [(index, _small(module, index)) for index in held]
    small = [
        (index, body)
        for index, body in bodies
        if body is not None and _words(module, body) <= _MOST_WORDS
    ]
    return small if len(small) == len(held) else []


def _words(module: Module, body: BlockMap) -> int:
    """How often a function accesses words of memory. Called, it may take pointers to be aligned;
    in the place of a call they are asked each time."""
    return sum(module.isa.rows[number].width > 1 for number, _ in body.code)


class _Copies:
    """The blocks of a function and the branches to them, made anew where it is moved to."""

    def __init__(self, base: int, outermost: bool) -> None:
        self.base = base
        self.outermost = outermost
        self.controls: dict[Control, Control] = {}

    def of(self, x: Any) -> Any:
        """The immediate of a control instruction."""
        if isinstance(x, Control):
            return self.control(x)
        if isinstance(x, Branch):
            return Branch(self.control(x.target), x.height + self.base)
        if isinstance(x, tuple) and x and isinstance(x[0], Branch):
            return tuple(map(self.of, x))
        return x

    def control(self, old: Control) -> Control:
        new = self.controls.get(old)
        if new is None:
            # a callee as a whole is a block of its caller
            form = "block" if old.form == "func" and not self.outermost else old.form
            kind = Try if isinstance(old, Try) else Control
            new = kind(form, old.params, old.results, old.height + self.base, old.start)
            self.controls[old] = new
            if isinstance(old, Try) and isinstance(new, Try):
                self.catching(old, new)
        return new

    def catching(self, old: Try, new: Try) -> None:
        """Has a block catch what another one does."""
        new.catching = old.catching
        new.delegate = None if old.delegate is None else self.control(old.delegate)
        new.catches = [
            catch._replace(branch=catch.branch and self.of(catch.branch)) for catch in old.catches
        ]

    def settle(self, moved: Sequence[int]) -> None:
        """Has the blocks begin and end where their instructions stand now."""
        for old, new in self.controls.items():
            new.start = moved[max(old.start, 0)]
            new.end = moved[old.end]
            new.otherwise = None if old.otherwise is None else moved[old.otherwise]
            if isinstance(new, Try):
                new.catches = [
                    catch if catch.at < 0 else catch._replace(at=moved[catch.at])
                    for catch in new.catches
                ]


class _Expansion:
    """Writes the instructions of one body."""

    def __init__(self, module: Module, body: Body) -> None:
        self.module = module
        self.rows: Sequence[Instruction] = module.isa.rows
        self.functions: Sequence[FuncType] = module.functions
        self.body = body
        #: what callees may still add to its size
        self.left = _MOST_ADDED + int(_MOST_GROWTH * len(body.code))
        self.code: list[tuple[int, Any]] = []
        self.offsets: list[int] = []
        self.places: list[Place] = []
        self.costs: dict[int, int] = {}
        self.locals: list[ValType] = list(body.locals)
        #: the ways on which a call of the function by itself returns early
        self.early: list[Step] = []
        #: numbers of control instructions
        self.forms = {row.form: number for number, row in enumerate(self.rows)}
        #: locals for callees, by type; callees that follow each other share them
        self.spare: dict[ValType, list[int]] = {}

    def run(self, plain: BlockMap, place: Place) -> None:
        """Changes the body, unless nothing that it calls is small."""
        self.early = early_ways(plain, place.function, self.rows)
        moved = self.take(plain, place, range(len(plain.locals)), 0, Counter())
        if len(self.code) > len(plain.code):
            body = self.body
            body.code, body.offsets, body.costs = self.code, self.offsets, self.costs
            body.locals, body.places, body.moved = tuple(self.locals), self.places, moved

    def take(
        self,
        plain: BlockMap,
        place: Place,
        locals_: Sequence[int],
        base: int,
        used: Counter[ValType],
    ) -> list[int]:
        """Adds a function's instructions; gives where each stands now, and where the next will.

        ``locals_`` are its locals in the body, ``base`` the operands below its own, ``used`` the
        spare locals that it and its callers have.
        """
        moved: list[int] = []
        copies = _Copies(base, not place.callers)
        height: int | None = base
        for at, (number, x) in enumerate(plain.code):
            row = self.rows[number]
            moved.append(len(self.code))
            if row.form is not None:
                x = copies.of(x)
            elif row.immediates == ("localidx",):
                x = locals_[x]
            self.add((number, x), plain.base + plain.offsets[at], place)
            below, height = height, self.height(row, x, height, at)
            if row.form == "call" and below is not None:
                callee = self.callee(x, place, plain.code[at + 1])
                if callee is not None:
                    self.enter(callee, x, below - len(callee.type.params), used)
                elif x == place.function and not place.callers:
                    self.divide(plain, below - len(plain.type.params))
            elif row.form == "call_indirect" and below is not None:
                self.choose(x[0], x[1], below - 1 - len(x[0].params), used)
        moved.append(len(self.code))
        copies.settle(moved)
        for at, cost in plain.costs.items():
            # what a callee begins with is charged by the call before it
            if at or not place.callers:
                self.costs[moved[at]] = self.costs.get(moved[at], 0) + cost
        return moved

    def height(self, row: Instruction, x: Any, height: int | None, at: int) -> int | None:
        """The operands after the instruction ``at``; ``None`` where nothing goes on after it."""
        form = row.form
        if form in ("else", "end", "delegate"):
            return int(x.height) + len(x.params if form == "else" else x.results)
        if form in ("catch", "catch_all"):
            carried = next(catch.arity for catch in x.catches if catch.at == at)
            return int(x.height) + 1 + int(carried)
        if height is None or (form is not None and CONTROL_FORMS[form].leaves):
            return None
        if form in ("call", "call_indirect"):
            kind = self.functions[x] if form == "call" else x[0]
            return height - (form != "call") - len(kind.params) + len(kind.results)
        if form is None and row.typing is not None:
            return height - len(row.typing.params) + len(row.typing.results)
        return height - (form in ("if", "br_if"))

    def callee(self, index: int, place: Place, following: tuple[int, Any]) -> BlockMap | None:
        """The body of a function if it is to stand in the place of a call of it."""
        callers = {place.function, *(function for function, _ in place.callers)}
        if index in callers or len(place.callers) >= _MOST_NESTED:
            return None
        if self.rows[following[0]].form == "unreachable":
            # nobody comes back from there: it is how guests give up
            return None
        found = _small(self.module, index)
        if found is None or size_of(found) > self.left:
            return None
        self.left -= size_of(found)
        return found

    def enter(
        self,
        callee: BlockMap,
        index: int,
        base: int,
        used: Counter[ValType],
        found: bool = False,
    ) -> None:
        """Adds a callee after its call."""
        used = used.copy()
        locals_ = [self.spare_local(kind, used) for kind in callee.locals]
        nparams = len(callee.type.params)
        zeroed = tuple(zip(locals_[nparams:], callee.locals[nparams:]))
        entry = Inlined(
            index, tuple(locals_[:nparams]), zeroed, (), found, callee.entry_fuel, len(self.code)
        )
        self.code[-1] = self.code[-1][0], entry
        self.take(callee, self.inner(callee, index, base), locals_, base, used)

    def choose(self, kind: FuncType, table: int, base: int, used: Counter[ValType]) -> None:
        """Adds, after an indirect call, the few functions that it can be expected to find."""
        outer, offset, (call, _) = self.places[-1], self.offsets[-1], self.code[-1]
        expected = _expected(self.module, kind)
        callers = {outer.function, *(function for function, _ in outer.callers)}
        size = sum(size_of(callee) + 4 for _, callee in expected)
        if not expected or size > self.left or len(outer.callers) >= _MOST_NESTED:
            return
        if callers.intersection(index for index, _ in expected):
            return
        self.left -= size
        self.code[-1] = call, Lookup(kind, table)
        whole = Control("block", (), kind.results, base, len(self.code))
        for index, callee in expected:
            fork = Control("block", (), (), -1, len(self.code))
            self.add((call, Other(index)), offset, outer)
            self.add((self.forms["br_if"], Branch(fork, -1)), offset, outer)
            self.add((self.forms["call"], index), offset, outer)
            self.enter(callee, index, base, used, True)
            self.add((self.forms["br"], Branch(whole, base)), offset, outer)
            fork.end = len(self.code) - 1
        self.add((call, Through(kind)), offset, outer)
        whole.end = len(self.code) - 1

    def inner(self, callee: BlockMap, index: int, base: int) -> Place:
        """Where the instructions of a callee stand, whose call is the latest one."""
        outer, body = self.places[-1], self.body
        callers = (*outer.callers, (outer.function, self.offsets[-1]))
        place = Place(index, callers, outer.depth + callee.depth)
        body.inner = max(body.inner, place.depth)
        body.max_height = max(body.max_height, base + callee.max_height + len(callee.type.params))
        return place

    def divide(self, callee: BlockMap, base: int) -> None:
        """Adds, after a call of the function by itself, the ways on which that returns early;
        on others the call follows."""
        # a step is two instructions at most
        if not self.early or 2 * len(self.early) > self.left:
            return
        self.left -= 2 * len(self.early)
        outer, offset, (call, index) = self.places[-1], self.offsets[-1], self.code[-1]
        inner = self.inner(callee, index, base)
        copies = self.copies(callee, index)
        whole = Control("block", (), callee.type.results, base, len(self.code))
        leave = self.forms["br"], Branch(whole, base)
        starts, forks = [], []
        for step in self.early:
            starts.append(len(self.code))
            where = callee.base + callee.offsets[step if isinstance(step, int) else 0], inner
            if isinstance(step, int):
                number, x = callee.code[step]
                x = copies[x] if self.rows[number].immediates == ("localidx",) else x
                self.add((number, x), *where)
            elif isinstance(step, Fork):
                fork = Control("block", (), (), -1, len(self.code))
                forks.append((fork, step.taken))
                self.add((self.forms["br_if"], Branch(fork, -1)), offset, outer)
            elif isinstance(step, Join):
                entry = Inlined(index, cost=callee.entry_fuel, at=len(self.code), more=step.fuel)
                self.add((call, entry), *where)
                self.add(leave, *where)
            else:
                self.add((call, index), offset, outer)
                self.add(leave, offset, outer)
        whole.end = len(self.code) - 1
        for fork, taken in forks:
            fork.end = starts[taken] - 1

    def copies(self, callee: BlockMap, index: int) -> dict[int, int]:
        """Locals of the body for those that early ways use, by number; the call sets them."""
        named = [callee.code[step] for step in self.early if isinstance(step, int)]
        locals_ = {x for number, x in named if self.rows[number].immediates == ("localidx",)}
        used = Counter[ValType]()
        copies = {x: self.spare_local(callee.locals[x], used) for x in sorted(locals_)}
        nparams = len(callee.type.params)
        zeroed = tuple((copies[x], callee.locals[x]) for x in copies if x >= nparams)
        kept = tuple((x - nparams, copies[x]) for x in copies if x < nparams)
        self.code[-1] = self.code[-1][0], Inlined(index, (), zeroed, kept)
        return copies

    def add(self, instruction: tuple[int, Any], offset: int, place: Place) -> None:
        self.code.append(instruction)
        self.offsets.append(offset)
        self.places.append(place)

    def spare_local(self, kind: ValType, used: Counter[ValType]) -> int:
        """A local of the body that no caller of the callee has."""
        spare = self.spare.setdefault(kind, [])
        if used[kind] == len(spare):
            spare.append(len(self.locals))
            self.locals.append(kind)
        used[kind] += 1
        return spare[used[kind] - 1]
