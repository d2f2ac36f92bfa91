"""A function made ready for the interpreter: the block map with its branches resolved."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from ..isa import InstructionSet
from ..runtime.values import ZERO
from ..valid.blockmap import BlockMap, Branch, Catch, Control, Try
from ..watch import Look, never, parts
from .dispatch import Dispatch, dispatch_for

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["FORMS", "Code", "Zeros", "fuel_behind", "prepare", "zeros_of"]

#: control forms that a basic block ends with, or before
_ENDS = frozenset(
    "br br_if br_table if else end loop return unreachable throw throw_ref rethrow catch catch_all "
    "delegate return_call return_call_indirect".split()
)


#: those of them that raise an exception
_THROWS = ("throw", "throw_ref", "rethrow")

#: a clause that catches exceptions, plain as the cache wants it: index of the tag or -1 for any,
#: whether the exception is given as an exnref; position, its fuel, operands that stay; whether the
#: exception stands below what it carries
Handler = tuple[int, bool, int, int, int, bool]
#: what catches exceptions of a stretch of code: before its first instruction, behind its last one;
#: the regions, by number, that are around it and that are asked next; its clauses
Region = tuple[int, int, int, int, tuple[Handler, ...]]


class Code:
    """What the dispatch loop runs: one ``(operation, immediate)`` per instruction."""

    __slots__ = (
        "base",
        "behind",
        "calls",
        "depth",
        "dropped",
        "entry",
        "large",
        "loops",
        "nparams",
        "offsets",
        "operations",
        "regions",
        "size",
        "weight",
        "zeros",
    )

    def __init__(
        self,
        body: BlockMap,
        operations: list[tuple[int, Any]],
        loops: bool,
        regions: Sequence[Region] = (),
    ) -> None:
        self.operations = operations
        #: the operations are to be made again
        self.dropped = False
        #: its instructions
        self.size = len(operations)
        #: what it takes of memory, in units of 30 to 60 bytes; forms of control take more
        self.weight = 5 + self.size + 3 * len(body.control)
        #: what catches exceptions, in the order of the code
        self.regions = regions
        #: fuel charged on entry
        self.entry = body.entry_fuel
        self.nparams = len(body.type.params)
        #: what the declared locals hold at first
        self.zeros = zeros_of([ZERO[kind] for kind in body.locals[self.nparams :]])
        #: call depth that a frame takes
        self.depth = body.depth
        self.large = body.large
        #: it may run long without calling anything
        self.loops = loops
        self.offsets: Sequence[int] = body.offsets
        self.base = body.base
        #: what ``fuel_behind`` found, by position
        self.behind: dict[int, int] = {}
        #: calls until it is warm; below zero where nobody wants to know
        self.calls = -1

    def copy(self) -> Code:
        """The same with operations of its own, for who wants to change them."""
        made = Code.__new__(Code)
        for name in self.__slots__:
            setattr(made, name, getattr(self, name))
        made.operations = list(self.operations)
        return made

    def drop(self, again: tuple[int, Any]) -> None:
        """Lets go of what takes most memory, also in frames that run it: these find nothing when
        they go on, and have it made again. A call begins with an operation that has it made
        ``again``."""
        self.offsets = array("I", self.offsets)
        self.dropped = True
        self.operations[:] = [again]

    def restore(self, made: Code) -> None:
        """Takes what was dropped from what was made again."""
        self.operations = made.operations
        self.dropped = False

    def offset(self, pc: int) -> int:
        """The offset in the file of the instruction before ``pc``, the one that runs."""
        return self.base + self.offsets[max(pc - 1, 0)]

    def handler(self, pc: int, tag: Any, tags: Sequence[Any]) -> tuple[Handler | None, int]:
        """The clause that catches an exception of the instruction before ``pc``, if one does, and
        how many were looked at. ``tags`` are those of the instance."""
        regions, at, looked = self.regions, pc - 1, 0
        number = bisect_left(regions, (at,)) - 1
        while number >= 0 and not at < regions[number][1]:
            number = regions[number][2]
        while number >= 0:
            _, _, _, number, clauses = regions[number]
            for clause in clauses:
                looked += 1
                if clause[0] < 0 or tags[clause[0]] is tag:
                    return clause, looked
            looked += 1
        return None, looked


def fuel_behind(module: Module, index: int, code: Code, pc: int) -> int:
    """Fuel of the instructions from ``pc`` to the end of their basic block."""
    found = code.behind.get(pc)
    if found is None:
        found = 0
        rows, instructions = module.isa.rows, module.block_map(index).code
        # what throws ends a block itself, and nothing leads behind it
        thrown = pc and rows[instructions[pc - 1][0]].form in _THROWS
        for number, _ in () if thrown else instructions[pc:]:
            found += rows[number].fuel
            if rows[number].form in _ENDS:
                break
        code.behind[pc] = found
    return found


#: locals whose zeros are kept one by one
_FEW = 1_000


class Zeros:
    """What many locals hold at first, kept in runs: a list takes 400 KB for 50,000 of them, and a
    module may have that in each of its functions. A frame is made of it as of a list."""

    __slots__ = ("_runs",)

    def __init__(self, zeros: Iterable[Any]) -> None:
        runs = (list(run) for _, run in groupby(zeros, type))
        self._runs = [(run[0], len(run)) for run in runs]

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(repeat(zero, count) for zero, count in self._runs)

    def __radd__(self, arguments: list[Any]) -> list[Any]:
        return [*arguments, *self]

    def __getitem__(self, index: slice) -> list[Any]:
        return [*self][index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Zeros) and self._runs == other._runs


def zeros_of(zeros: list[Any]) -> list[Any] | Zeros:
    """What the declared locals of a function hold at first, in the form that suits so many."""
    return zeros if len(zeros) <= _FEW else Zeros(zeros)


class Jump(NamedTuple):
    """Where a branch leads."""

    pc: int
    #: fuel of the block that begins there
    cost: int
    #: it leads back to a loop, which is a test point
    loops: bool
    #: operands that stay below those that it carries, or -1 where nothing lies between
    height: int
    #: operands that it carries
    arity: int


def prepare(body: BlockMap, instructions: InstructionSet, look: Look = never) -> Code:
    """Resolves branches to positions and fuel; everything else stays as validation left it.
    ``look`` may end it in time."""
    dispatch = dispatch_for(instructions.whole)
    resolver = _Resolver(body, dispatch)
    forms, loop = dispatch.forms, dispatch.control["loop"]
    # all that is no form of control has the number there that it has here
    operations = body.code[:]
    for _, part in parts(body.control, look):
        for pc in part:
            number, x = operations[pc]
            form = forms[number]
            operations[pc] = FORMS[form](resolver, form, pc, x)
    look(None)
    _pass_over_free(operations, body.control, dispatch.control)
    look(None)
    loops = any(operations[pc][0] == loop for pc in body.control)
    regions = _regions(resolver, resolver.tries) if resolver.tries else ()
    return Code(body, operations, loops, regions)


def _regions(resolver: _Resolver, tries: Sequence[Try]) -> tuple[Region, ...]:
    """What catches exceptions, of the constructs that do, in the order of the code."""
    around: list[int] = []
    opened: list[int] = []
    for number, control in enumerate(tries):
        while opened and control.start > tries[opened[-1]].body_end:
            opened.pop()
        around.append(opened[-1] if opened else -1)
        opened.append(number)
    found = []
    for number, control in enumerate(tries):
        following = around[number]
        target = control.delegate
        if target is not None:
            # past all that lies in the target
            while following >= 0 and tries[following] is not target:
                if tries[following].start < target.start:
                    break
                following = around[following]
        clauses = tuple([resolver.clause(control, clause) for clause in control.catches])
        found.append((control.start, control.body_end, around[number], following, clauses))
    return tuple(found)


def _pass_over_free(
    operations: list[tuple[int, Any]], places: Sequence[int], control: dict[str, int]
) -> None:
    """Lets free instructions (``nop block loop end`` without a charge) take one turn of the loop
    for each stretch of them, since time is bounded through fuel; positions stay as they are."""
    nop, loop, skip, loop_skip = map(control.__getitem__, ("nop", "loop", "skip", "loop_skip"))
    # the next instruction that does something, and the next beside loops that charge nothing: at
    # those a test finds what the one before them did
    doing = beyond = behind = len(operations)
    shared = operations[-1]
    for pc in reversed(places):
        if behind > pc + 1:
            # what lies between them does something
            doing = beyond = pc + 1
        behind = pc
        operation, x = operations[pc]
        if operation == nop:
            if doing > pc + 1:
                shared = shared if shared == (skip, doing) else (skip, doing)
                operations[pc] = shared
            continue
        if operation == loop and not x:
            if beyond > pc + 1:
                operations[pc] = loop_skip, beyond
        else:
            beyond = pc
        doing = pc


class _Resolver:
    def __init__(self, body: BlockMap, dispatch: Dispatch) -> None:
        self.costs = body.costs
        self.nresults = len(body.type.results)
        self.control = dispatch.control
        self.last = len(body.code) - 1
        #: constructs that catch exceptions, in the order of the code
        self.tries: list[Try] = []

    def resolve(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        """The operation of one control instruction, and its immediate."""
        return FORMS[form](self, form, pc, x)

    # -- one of each control form: its operation, and the immediate of that

    def nop(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        return self.control["nop"], None

    def loop(self, form: str, pc: int, x: Control) -> tuple[int, Any]:
        return self.control["loop"], self.costs[pc + 1]

    def if_(self, form: str, pc: int, x: Control) -> tuple[int, Any]:
        other = (x.end if x.otherwise is None else x.otherwise) + 1
        return self.control["if"], (self.costs[pc + 1], other, self.costs[other])

    def otherwise(self, form: str, pc: int, x: Control) -> tuple[int, Any]:
        return self.control["jump"], (x.end + 1, self.costs[x.end + 1])

    def end(self, form: str, pc: int, x: Control) -> tuple[int, Any]:
        if pc == self.last:
            return self.return_(form, pc, x)
        if isinstance(x, Try) and x.form == "try" and x.catches:
            return self.leave_catch(x)
        cost = self.costs[pc + 1]
        return (self.control["charge"], cost) if cost else (self.control["nop"], None)

    def return_(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        return self.control["return"], self.nresults

    def branch(self, form: str, pc: int, x: Branch) -> tuple[int, Any]:
        """The operation of a br or br_if, and its immediate: where it goes on, and if not."""
        jump = self.jump(x)
        fall = self.costs[pc + 1]
        if jump.height >= 0:
            return self.control[f"{form}_unwind"], (jump, fall)
        if form == "br":
            return self.control["jump_loop" if jump.loops else "jump"], jump[:2]
        return self.control["br_if_loop" if jump.loops else "br_if"], (*jump[:2], fall)

    def br_table(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        jumps = {branch: self.jump(branch) for branch in set(x)}
        return self.control["br_table"], [jumps[branch] for branch in x]

    def as_it_is(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        return self.control[form], x

    # -- exceptions

    def try_(self, form: str, pc: int, x: Try) -> tuple[int, Any]:
        self.tries.append(x)
        return self.control["nop"], None

    def catch(self, form: str, pc: int, x: Try) -> tuple[int, Any]:
        """Where code falls off its end before a legacy ``catch``, it goes behind the last one."""
        return self.otherwise(form, pc, x) if pc == x.body_end else self.leave_catch(x)

    def leave_catch(self, x: Control) -> tuple[int, Any]:
        """From the end of a legacy catch to behind it, without the exception that lies below."""
        end = x.end + 1
        return self.control["br_unwind"], (
            Jump(end, self.costs[end], False, x.height, len(x.results)), 0,
        )  # fmt: skip

    def rethrow(self, form: str, pc: int, x: Control) -> tuple[int, Any]:
        """The operand that is the exception."""
        return self.control[form], x.height

    def clause(self, control: Control, clause: Catch) -> Handler:
        """Where code goes on that catches an exception."""
        tag = -1 if clause.tag is None else clause.tag
        if clause.branch is None:
            pc = clause.at + 1
            return tag, clause.ref, pc, self.costs[pc], control.height, True
        jump = self.jump(clause.branch)
        height = clause.branch.target.height
        if jump.loops:
            # the instruction itself charges its block, and tests
            return tag, clause.ref, jump.pc - 1, 0, height, False
        if clause.branch.target.form == "func":
            height = 0
        return tag, clause.ref, jump.pc, jump.cost, height, False

    def jump(self, branch: Branch) -> Jump:
        """Resolves a branch. One to the function's end goes to its last instruction."""
        control, arity = branch.target, branch.arity
        height = control.height if branch.unwinds else -1
        if control.form == "func":
            return Jump(self.last, 0, False, -1, arity)
        if control.form == "loop":
            return Jump(control.start + 1, self.costs[control.start + 1], True, height, arity)
        return Jump(control.end + 1, self.costs[control.end + 1], False, height, arity)


#: what makes the operation of each control form
FORMS: dict[str, Callable[[_Resolver, str, int, Any], tuple[int, Any]]] = {
    "nop": _Resolver.nop,
    "block": _Resolver.nop,
    "loop": _Resolver.loop,
    "if": _Resolver.if_,
    "else": _Resolver.otherwise,
    "end": _Resolver.end,
    "br": _Resolver.branch,
    "br_if": _Resolver.branch,
    "br_table": _Resolver.br_table,
    "return": _Resolver.return_,
    "unreachable": _Resolver.as_it_is,
    "return_call": _Resolver.as_it_is,
    "return_call_indirect": _Resolver.as_it_is,
    "try_table": _Resolver.try_,
    "throw": _Resolver.as_it_is,
    "throw_ref": _Resolver.as_it_is,
    "try": _Resolver.try_,
    "catch": _Resolver.catch,
    "catch_all": _Resolver.catch,
    "delegate": _Resolver.end,
    "rethrow": _Resolver.rethrow,
    "call": _Resolver.as_it_is,
    "call_indirect": _Resolver.as_it_is,
}
