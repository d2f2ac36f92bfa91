"""Accepts valid bodies, and makes block maps, along the automaton; everything else it leaves to the
algorithm (``bodies``), which says what is wrong.

A ``move`` follows an instruction that moves control: ``move(walk, stack, x)`` gives the stack on
which code goes on behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from itertools import accumulate, compress, count, islice
from operator import getitem
from threading import Lock
from typing import TYPE_CHECKING, Any

from ...errors import ValidationError
from ..binary.tokens import tokens
from ..isa import CONTROL_FORMS, InstructionSet
from ..isa.immediates import CatchClause
from ..types import FuncType, ValType
from ..watch import parts
from .automaton import HIGHEST, Automaton, Block, Effect, ResultType, Stack, Unaccepted
from .blockmap import BlockMap, Branch, Catch, Control, Try
from .bodies import (
    MAX_OPERANDS,
    SPLITS,
    FunctionCode,
    ModuleContext,
    function_code,
    validate_function,
)

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["FunctionValidator"]


#: bytes of code altogether that are not worth an automaton; functions then, and locals of each
_SMALL, _FEW = 16 << 10, 256
#: bytes that the automaton may remember: for each byte of code, and at least
_ROOM, _LEAST_ROOM = 8, 1 << 18


#: forms of blocks that catch exceptions
_CATCHING = frozenset(("try", "try_table"))


class Walk:
    """One pass over a body: the blocks that are open, and what is recorded for a block map."""

    def __init__(self, automaton: Automaton, results: tuple[ValType, ...], recording: bool) -> None:
        self.automaton = automaton
        func = automaton.block("func", FuncType((), results))
        #: open blocks, each with the operands below it, and how many are below those
        self.blocks: list[tuple[Block, Stack, int]] = [(func, automaton.closed, 0)]
        #: operands below the innermost block, and the most that there were
        self.base = self.highest = 0
        #: open blocks as the block map has them
        self.controls: list[Control] = [Control("func", (), results, 0, -1)]
        #: of each instruction that moves control: its immediate, and the operands below the
        #: innermost block behind it; ``None`` where nobody wants to know
        self.records: list[tuple[Any, int]] | None = [] if recording else None
        self.stack = automaton.stack(())
        #: if it records: the operands in the innermost block before each instruction
        self.stacks = [self.stack]

    def follow(self, effects: Iterable[Effect]) -> None:
        """Types instructions. Raises Unaccepted or ValidationError."""
        self.automaton.walk = self
        if self.records is None:
            self.stack = reduce(getitem, effects, self.stack)
        else:
            self.stacks += islice(accumulate(effects, getitem, initial=self.stack), 1, None)
            self.stack = self.stacks[-1]

    def label(self, x: int) -> ResultType:
        """What a branch carries to the label of a number."""
        if x >= len(self.blocks):
            raise Unaccepted
        return self.blocks[~x][0].label

    def max_height(self, moves: Iterable[int]) -> int:
        """The most operands at once, given the indices of what moved control."""
        base = start = highest = 0
        if self.highest:
            for pc, (_, following) in zip(moves, self.records or ()):
                if following != base:
                    highest = max(highest, base + _highest(self.stacks[start : pc + 1]))
                    base, start = following, pc + 1
        return max(highest, base + _highest(self.stacks[start:]))


def _highest(stacks: Iterable[Stack]) -> int:
    # few of them are different
    return max(stack.height for stack in set(stacks))


def _block(walk: Walk, stack: Stack, block: Block) -> Stack:
    below: Stack = stack[block.taken]
    walk.blocks.append((block, below, walk.base))
    if below.height:
        walk.base += below.height
        walk.highest = max(walk.highest, walk.base)
    if walk.records is not None:
        types = block.params.types, block.results.types
        make = Try if block.form in _CATCHING else Control
        walk.controls.append(make(block.form, *types, walk.base, -1))
        walk.records.append((walk.controls[-1], walk.base))
    return block.params.entered


def _close(stack: Stack, results: ResultType) -> None:
    """Requires that a block ends with its results and nothing else."""
    if stack is not results.entered and stack[results.pop].height:
        raise Unaccepted


def _else(walk: Walk, stack: Stack, x: None) -> Stack:
    block, below, base = walk.blocks[-1]
    if block.form != "if":
        raise Unaccepted
    _close(stack, block.results)
    walk.blocks[-1] = block.otherwise, below, base
    if walk.records is not None:
        walk.records.append((walk.controls[-1], walk.base))
    return block.params.entered


def _end(walk: Walk, stack: Stack, x: None) -> Stack:
    block, below, walk.base = walk.blocks.pop()
    results = block.results
    if stack is not results.entered:
        _close(stack, results)
    if block.lacks_else:
        raise Unaccepted
    if walk.records is not None:
        walk.records.append((walk.controls.pop(), walk.base))
    return below[results.push] if walk.blocks else below


def _br(walk: Walk, stack: Stack, x: int) -> Stack:
    stack[walk.label(x).pop]
    if walk.records is not None:
        walk.records.append((Branch(walk.controls[~x], walk.base + stack.height), walk.base))
    return walk.automaton.dead


def _br_if(walk: Walk, stack: Stack, x: int) -> Stack:
    following: Stack = stack[walk.label(x).keep_if]
    if walk.records is not None:
        height = walk.base + max(stack.height - 1, 0)
        walk.records.append((Branch(walk.controls[~x], height), walk.base))
    return following


def _br_table(walk: Walk, stack: Stack, x: tuple[int, ...]) -> Stack:
    chosen = {label: walk.label(label) for label in set(x)}
    for types in set(chosen.values()):
        stack[types.pop_if]
        if len(types.types) != len(chosen[x[-1]].types):
            raise Unaccepted
    if walk.records is not None:
        height = walk.base + max(stack.height - 1, 0)
        branches = {label: Branch(walk.controls[~label], height) for label in chosen}
        walk.records.append((tuple([branches[label] for label in x]), walk.base))
    return walk.automaton.dead


def _return(walk: Walk, stack: Stack, x: None) -> Stack:
    return _br(walk, stack, len(walk.blocks) - 1)


# -- exceptions


def _try_table(
    walk: Walk, stack: Stack, x: tuple[Block, Sequence[tuple[CatchClause, ResultType]]]
) -> Stack:
    block, clauses = x
    if any(walk.label(clause.label) is not carried for clause, carried in clauses):
        raise Unaccepted
    around = tuple(walk.controls)
    entered = _block(walk, stack, block)
    opened = walk.controls[-1]
    if walk.records is not None and isinstance(opened, Try):
        opened.catches = [
            Catch(
                clause.tag,
                clause.ref,
                len(carried.types) - clause.ref,
                Branch(around[~clause.label], walk.base + len(carried.types)),
            )
            for clause, carried in clauses
        ]
    return entered


def _catch(walk: Walk, stack: Stack, x: tuple[int | None, ResultType]) -> Stack:
    tag, carried = x
    block, below, base = walk.blocks[-1]
    if block.form not in ("try", "catch"):
        raise Unaccepted
    _close(stack, block.results)
    if block.form == "try":
        # the exception itself, which the code does not see
        walk.base += 1
        walk.highest = max(walk.highest, walk.base)
    walk.blocks[-1] = block.otherwise, below, base
    opened = walk.controls[-1]
    if walk.records is not None and isinstance(opened, Try):
        opened.catches.append(Catch(tag, False, len(carried.types), None))
        opened.catching = True
        walk.records.append((opened, walk.base))
    return carried.entered


def _catch_all(walk: Walk, stack: Stack, x: tuple[None, ResultType]) -> Stack:
    entered = _catch(walk, stack, x)
    block, below, base = walk.blocks[-1]
    # no other clause follows
    walk.blocks[-1] = block.last, below, base
    return entered


def _delegate(walk: Walk, stack: Stack, x: int) -> Stack:
    block, below, walk.base = walk.blocks.pop()
    if block.form != "try" or x >= len(walk.blocks):
        raise Unaccepted
    _close(stack, block.results)
    if walk.records is not None:
        opened = walk.controls.pop()
        if isinstance(opened, Try):
            opened.delegate = walk.controls[~x]
        walk.records.append((opened, walk.base))
    following: Stack = below[block.results.push]
    return following


def _rethrow(walk: Walk, stack: Stack, x: int) -> Stack:
    walk.label(x)
    if walk.blocks[~x][0].form not in ("catch", "catch_all"):
        raise Unaccepted
    if walk.records is not None:
        walk.records.append((walk.controls[~x], walk.base))
    return walk.automaton.dead


def _tail_call(walk: Walk, stack: Stack, x: tuple[Effect, tuple[ValType, ...], Any]) -> Stack:
    takes, results, found = x
    if results != walk.controls[0].results:
        raise Unaccepted
    stack[takes]
    if walk.records is not None:
        walk.records.append((found, walk.base))
    return walk.automaton.dead


#: the control forms that depend on the blocks around them
MOVES: dict[str, Callable[[Walk, Stack, Any], Stack]] = {
    "block": _block,
    "loop": _block,
    "if": _block,
    "else": _else,
    "end": _end,
    "br": _br,
    "br_if": _br_if,
    "br_table": _br_table,
    "return": _return,
    "try_table": _try_table,
    "try": _block,
    "catch": _catch,
    "catch_all": _catch_all,
    "delegate": _delegate,
    "rethrow": _rethrow,
    "return_call": _tail_call,
    "return_call_indirect": _tail_call,
}


class FunctionValidator:
    """Validates functions of a module, and makes their block maps."""

    def __init__(self, context: ModuleContext, size: int) -> None:
        """``size`` is that of the code of all functions."""
        self.context = context
        #: maps that were made at once, until they are asked for
        self._kept: dict[int, BlockMap] = {}
        self._small = size <= _SMALL
        #: threads share what is remembered, and the automaton follows one walk at a time
        self._lock = Lock()
        self._automaton = Automaton(context, MOVES, _LEAST_ROOM + _ROOM * size)

    def check(self, module: Module, index: int) -> None:
        """Validates a defined function (``index`` counts imports). Raises ValidationError, or
        DecodeError where its body is malformed."""
        code = function_code(self.context, module, index)
        if self._small and len(self._kept) < _FEW and len(code.locals) <= _FEW:
            self._kept[index] = validate_function(self.context, module, code)
        elif self._walk(module, code) is None:
            validate_function(self.context, module, code, recording=False)

    def block_map(self, module: Module, index: int) -> BlockMap:
        """Validates a function and gives its block map. Raises what :meth:`check` does."""
        if index in self._kept:
            return self._kept.pop(index)
        code = function_code(self.context, module, index)
        found: list[bytes] = []
        walk = self._walk(module, code, found)
        if walk is not None:
            try:
                automaton = self._automaton
                with self._lock:
                    items = [*map(automaton.items.__getitem__, found)]
                    marked = [*compress(count(), map(automaton.marked.__contains__, found))]
            except Unaccepted:
                with self._lock:
                    self._forget()
            else:
                return _block_map(self.context, code, walk, found, items, marked)
        return validate_function(self.context, module, code)

    def _forget(self) -> None:
        """Has the automaton begin anew if it has no room left."""
        if self._automaton.room < 0:
            self._automaton.forget()

    def _walk(
        self, module: Module, code: FunctionCode, found: list[bytes] | None = None
    ) -> Walk | None:
        """A pass over a function to its end, or nothing if it must be left to the algorithm. The
        instructions go to ``found``, if what control takes is to be recorded."""
        automaton = self._automaton
        # what stands for the types of the locals: their declaration, behind the same parameters
        locals_ = module.data[module.function_offset(code.funcidx) : code.start], id(code.type)
        try:
            with self._lock:
                walk = Walk(automaton, code.type.results, found is not None)
            for piece in tokens(module.data, code.start, code.end, module.isa):
                self.context.look(code.start)
                with self._lock:
                    effects, beyond = automaton.with_locals(locals_, code.locals)
                    if beyond and not beyond.isdisjoint(piece):
                        raise Unaccepted
                    walk.follow(map(effects.__getitem__, piece))
                if found is not None:
                    found += piece
        except (Unaccepted, ValidationError):
            with self._lock:
                self._forget()
            return None
        return None if walk.blocks or walk.highest > MAX_OPERANDS - HIGHEST else walk


@lru_cache(maxsize=8)
def _marks(instructions: InstructionSet) -> list[tuple[int, bool, bool, str, bool]]:
    """Of each instruction, by dense number: its fuel beyond one unit, whether it is a form of
    control and whether one of ``MOVES``, as what its place is noted in its block, if it is, and
    whether a basic block ends with it."""
    return [
        (
            row.fuel - 1,
            row.form is not None,
            row.form in MOVES,
            _place(row.form),
            row.form in SPLITS,
        )
        for row in instructions.rows
    ]


def _place(form: str | None) -> str:
    """The attribute of a block that says where an instruction of it is."""
    places = {
        "end": "end", "delegate": "end", "else": "otherwise", "catch": "clause_at",
        "catch_all": "clause_at",
    }  # fmt: skip
    opens = form in MOVES and CONTROL_FORMS[form].opens
    return "start" if opens else places.get(form or "", "")


def _block_map(
    context: ModuleContext,
    code: FunctionCode,
    walk: Walk,
    found: Sequence[bytes],
    items: list[tuple[int, Any]],
    marked: Sequence[int],
) -> BlockMap:
    """What a walk learned: control instructions get their immediates, basic blocks their fuel.
    ``marked`` are the places of the instructions that are not as most."""
    marks, records = _marks(context.instructions), iter(walk.records or ())
    costs: dict[int, int] = {}
    control: list[int] = []
    moves: list[int] = []
    start = 0
    # what the basic block costs beyond one unit for each instruction
    more = 0
    for _, part in parts(marked, context.look):
        for pc in part:
            number = items[pc][0]
            beyond, is_control, is_move, place, splits = marks[number]
            more += beyond
            if not is_control:
                continue
            control.append(pc)
            if is_move:
                record, _ = next(records)
                items[pc] = number, record
                moves.append(pc)
                if place:
                    setattr(record, place, pc)
            if splits:
                costs[start] = pc + 1 - start + more
                start, more = pc + 1, 0
    costs[start] = 0
    context.look(code.start)
    offsets = [0, *accumulate(map(len, found))]
    offsets.pop()
    height = walk.max_height(moves)
    return BlockMap(code.type, code.locals, items, offsets, costs, height, code.start, control)
