"""The validation algorithm with a memory: operand stacks as the states of an automaton.

What an instruction does to the operand types depends on these types and on its own typing alone,
and a module uses few stacks and few typings. So the algorithm (``bodies``, ``typing_rules``) types
each pair of them once; from then on it is a look-up. Whatever is not plainly valid is left to the
algorithm itself: it alone words errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ...errors import DecodeError, ValidationError
from ..isa import CONTROL_FORMS, Instruction, InstructionSet
from ..types import FuncType, ValType
from . import typing_rules
from .bodies import BASE, FIXED, LOCAL, MEMORY, RULE, BodyValidator, Entry, ModuleContext

__all__ = ["HIGHEST", "Automaton", "Block", "Effect", "ResultType", "Stack", "Unaccepted"]

#: operands that a state may have; the algorithm itself takes what has more
HIGHEST = 100
#: what remembering a transition, a stack and each of its operands counts; bytes, about
_TRANSITION, _STACK, _OPERAND = 100, 800, 8
#: the same of an instruction in functions of the same locals, and the share of all that is kept of
#: these beside the rest; they are cheap to make again
_WITH_LOCALS, _SHARE = 90, 2
#: bytes of an opcode and an index of a local
_LONGEST_LOCAL = 6
#: functions of at most so many locals, all of one type, share the effects of instructions: most
#: functions have no others, and each has its own number of them
_SHARED = 64

#: bytes of an instruction with a number, of which any in so many is right: LEB128 one less than
#: the most that there may be
_LONGEST = {"i32": 5, "i64": 10, "f32": 5, "f64": 9}

I32 = ValType.I32


class Unaccepted(Exception):
    """It is not known to be valid: the algorithm must say."""


class Effect:
    """What an instruction does to the operands. Two that do the same are the same object."""

    __slots__ = ("apply", "move", "x")

    def __init__(
        self,
        apply: Callable[[BodyValidator], object],
        move: Callable[[Any, Stack, Any], Stack] | None = None,
        x: Any = None,
    ) -> None:
        #: types it, in the algorithm; of an instruction that moves control nothing
        self.apply = apply
        #: follows it where it moves control: ``move(walk, stack, x)``
        self.move = move
        self.x = x


class Stack(dict[Effect, Any]):
    """The operands of the innermost block, with the stack that each effect leaves. Effects that
    move control are followed anew each time, for the automaton's present walk."""

    __slots__ = ("automaton", "height", "polymorphic", "types")
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(
        self, automaton: Automaton, types: tuple[ValType | None, ...], polymorphic: bool
    ) -> None:
        self.automaton = automaton
        self.types = types
        self.height = len(types)
        #: in dead code, below the types, is whatever is asked for
        self.polymorphic = polymorphic

    def __missing__(self, effect: Effect) -> Stack:
        if effect.move is not None:
            return effect.move(self.automaton.walk, self, effect.x)
        following = self[effect] = self.automaton.follow(self, effect)
        return following


class ResultType:
    """A list of types as control needs it, by the effects and the stack that belong to it."""

    __slots__ = ("entered", "keep_if", "pop", "pop_if", "push", "types")

    def __init__(self, automaton: Automaton, types: tuple[ValType, ...]) -> None:
        self.types = types
        self.pop = automaton.effect(types, ())
        self.push = automaton.effect((), types)
        #: the same with a condition on top: taken all; put back but for the condition
        self.pop_if = automaton.effect((*types, I32), ())
        self.keep_if = automaton.effect((*types, I32), types)
        #: a block that has just these operands
        self.entered = automaton.stack(types)


class Block:
    """A block as its instruction declares it, or a later part of it."""

    __slots__ = ("form", "label", "lacks_else", "last", "otherwise", "params", "results", "taken")

    def __init__(self, form: str, params: ResultType, results: ResultType) -> None:
        self.form = form
        self.params = params
        self.results = results
        #: what a branch to it carries
        self.label = params if form == "loop" else results
        #: takes its operands
        self.taken = params.pop_if if form == "if" else params.pop
        #: what it is behind its ``else``, without which it may not end, or behind a ``catch``
        later = {"if": "else", "try": "catch"}.get(form)
        self.otherwise = Block(later, params, results) if later else self
        #: what it is behind a ``catch_all``
        self.last = Block("catch_all", params, results) if form == "catch" else self
        self.lacks_else = form == "if" and params is not results


class _Prepared(dict[bytes, Any]):
    """What is known of instructions, by their bytes."""

    __slots__ = ("prepare",)

    def __init__(self, prepare: Callable[[bytes], Any]) -> None:
        self.prepare = prepare

    def __missing__(self, token: bytes) -> Any:
        found = self[token] = self.prepare(token)
        return found


class _WithLocals(dict[bytes, Effect]):
    """The effects of instructions, by their bytes, in functions whose locals have these types."""

    __slots__ = ("automaton", "longest", "types")

    def __init__(
        self, automaton: Automaton, types: Sequence[ValType], longest: int = _LONGEST_LOCAL
    ) -> None:
        self.automaton = automaton
        self.types = types
        #: bytes that an instruction on a local may have
        self.longest = longest

    def __missing__(self, token: bytes) -> Effect:
        automaton, types = self.automaton, self.types
        automaton.spend_on_locals(_WITH_LOCALS)
        effect: Effect = automaton.prepared[token]
        local = automaton.locals.get(token)
        if local is not None:
            index, by_type = local
            known = index < len(types) and len(token) <= self.longest
            effect = by_type[types[index]] if known else automaton.fault
        self[token] = effect
        return effect


@lru_cache(maxsize=_SHARED + 1)
def _beyond(instructions: InstructionSet, count: int) -> frozenset[bytes]:
    """The instructions on locals that functions of ``count`` of them have not, and others that they
    share effects with have."""
    rows = (row for row in instructions.rows if row.immediates == ("localidx",))
    opcodes = [row.opcode for row in rows if row.prefix is None]
    return frozenset(bytes((one, index)) for one in opcodes for index in range(count, _SHARED))


class Automaton:
    """The stacks and effects of a module that have been met."""

    def __init__(
        self,
        context: ModuleContext,
        moves: Mapping[str, Callable[[Any, Stack, Any], Stack]],
        room: int,
    ) -> None:
        self.context = context
        self.moves = moves
        #: bytes that it may remember
        self.most = room
        self.effects: dict[Any, Effect] = {}
        self.stacks: dict[Any, Stack] = {}
        self.result_types: dict[tuple[ValType, ...], ResultType] = {}
        #: the effect of each instruction, by its bytes; none of those on locals
        self.prepared = _Prepared(self._prepare)
        #: the instruction as a block map has it: dense number and immediate, ``None`` of those that
        #: move control
        self.items = _Prepared(self._item)
        #: instructions in ``items`` that are a form of control, or do not cost one unit of fuel
        self.marked: set[bytes] = set()
        #: the same as ``prepared``, of instructions on locals too, for functions of the same locals
        self.by_locals: dict[Any, _WithLocals] = {}
        #: the pass that is on its way, for what moves control
        self.walk: Any = None
        #: index of the local, and the effect by its type, of instructions on locals
        self.locals: dict[bytes, tuple[int, dict[ValType, Effect]]] = {}
        #: by opcode, of instructions that only have a number: what longer ones are read for, and
        #: the effect
        self._numbers: dict[int, tuple[int, Effect]] = {}
        #: by opcode, of unmarked instructions that have one immediate and need no rule: their
        #: number, and what reads the immediate
        self._plain: dict[int, tuple[int, Callable[[bytes], Any]]] = {}
        self._local_effects: dict[tuple[bool, bool], dict[ValType, Effect]] = {}
        #: the effect of what is not accepted
        self.fault = Effect(_refuse)
        self._scratch = BodyValidator(context, -1, b"", 0, (), ())
        #: behind the end of a body nothing may follow
        self.closed = _Closed(self, (), False)
        self.forget()

    def forget(self) -> None:
        """Begins anew: nothing may be in use."""
        for stack in self.stacks.values():
            # they know each other: so they go at once
            stack.clear()
        memories: tuple[dict[Any, Any], ...] = (
            self.effects, self.stacks, self.result_types, self.prepared, self.items, self.locals,
            self._local_effects, self.by_locals, self._numbers, self._plain,
        )  # fmt: skip
        for memory in memories:
            memory.clear()
        self.marked.clear()
        #: bytes that it may still remember
        self.room = self.most
        self.room_with_locals = self.most // _SHARE
        self.dead = self.stack((), polymorphic=True)

    # -- the automaton

    def stack(self, types: tuple[ValType | None, ...], polymorphic: bool = False) -> Stack:
        """The state of these operands."""
        key = types, polymorphic
        found = self.stacks.get(key)
        if found is None:
            if len(types) > HIGHEST:
                raise Unaccepted
            self._spend(_STACK + _OPERAND * len(types))
            found = self.stacks[key] = Stack(self, types, polymorphic)
        return found

    def follow(self, stack: Stack, effect: Effect) -> Stack:
        """What the algorithm makes of a stack."""
        self._spend(_TRANSITION)
        scratch = self._scratch
        scratch.stack = [BASE, *stack.types]
        scratch.controls[-1].unreachable = stack.polymorphic
        effect.apply(scratch)
        return self.stack(tuple(scratch.stack[1:]), scratch.controls[-1].unreachable)

    def _spend(self, size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise Unaccepted

    # -- effects

    def effect(self, params: Sequence[ValType], results: Sequence[ValType]) -> Effect:
        """Takes operands and leaves others."""
        key = *params, None, *results
        found = self.effects.get(key)
        if found is None:

            def apply(v: BodyValidator) -> None:
                v.pop_all(params, _NO_ROW, 0)
                v.push_all(results)

            found = self._keep(key, apply)
        return found

    def _keep(self, key: Any, apply: Callable[[BodyValidator], object]) -> Effect:
        self._spend(_STACK)
        found = self.effects[key] = Effect(apply)
        return found

    def result_type(self, types: tuple[ValType, ...]) -> ResultType:
        """The list of types, made when it is met first."""
        found = self.result_types.get(types)
        if found is None:
            found = self.result_types[types] = ResultType(self, types)
        return found

    def block(self, form: str, kind: FuncType) -> Block:
        """A block of a type."""
        return Block(form, self.result_type(kind.params), self.result_type(kind.results))

    # -- instructions

    def _item(self, token: bytes) -> tuple[int, Any]:
        self._spend(_TRANSITION + _OPERAND * len(token))
        known = self._plain.get(token[0])
        if known is not None:
            return known[0], known[1](token)
        scratch = self._scratch
        scratch.data = token
        entry, pos = scratch.entry(0)
        x, _ = scratch.immediates(entry, 0, pos)
        if entry.row.form or entry.fuel != 1:
            self.marked.add(token)
        elif entry.kind != RULE and entry.reader is not None and entry.row.prefix is None:
            # what could be wrong with another one, validation has seen
            self._plain[token[0]] = entry.number, _immediate(entry)
        if entry.kind == RULE:
            if entry.row.form in self.moves:
                return entry.number, None
            scratch.stack = [BASE]
            scratch.controls[-1].unreachable = True
            x = entry.rule(scratch, entry.row, x, 0)
        return entry.number, x

    def _prepare(self, token: bytes) -> Effect:
        """Reads an instruction and checks all of it that does not depend on where it stands."""
        if not token:
            return self.fault
        known = self._numbers.get(token[0])
        if known is not None and len(token) <= known[0]:
            # the pattern that cut it has seen to what else could be wrong with a number
            self._spend(_TRANSITION + _OPERAND * len(token))
            return known[1]
        self._spend(_TRANSITION + _OPERAND * len(token))
        scratch = self._scratch
        scratch.data = token
        try:
            entry, pos = scratch.entry(0)
            x, pos = scratch.immediates(entry, 0, pos)
            if pos != len(token):
                return self.fault
            if entry.kind in (FIXED, MEMORY):
                longest = _LONGEST.get(entry.row.immediates[0], 0) if entry.reader else 0
                if longest and entry.row.prefix is None:
                    self._numbers[token[0]] = longest, self._signed(entry)
                return self.effects.get(entry.row.typing) or self._signed(entry)
            if entry.kind == LOCAL:
                self.locals[token] = x, self._effects_by_type(entry)
                return self.fault
            return self._ruled(entry, x)
        except (DecodeError, ValidationError):
            return self.fault

    def with_locals(
        self, key: Any, types: Sequence[ValType]
    ) -> tuple[Mapping[bytes, Effect], frozenset[bytes]]:
        """The effects of instructions in functions that have locals of these types, and those of
        them that such a function may not have; ``key`` stands for the types."""
        count = len(types)
        shared = count <= _SHARED and (not count or types.count(types[0]) == count)
        if shared:
            key = types[0] if count else I32
        found = self.by_locals.get(key)
        if found is None:
            self.spend_on_locals(_STACK)
            # that the others have not, ``_beyond`` has to know in the one way to write them
            found = _WithLocals(self, (key,) * _SHARED, 2) if shared else _WithLocals(self, types)
            self.by_locals[key] = found
        return found, _beyond(self.context.instructions, count) if shared else _NONE

    def spend_on_locals(self, size: int) -> None:
        """Counts bytes that are remembered of instructions in functions of the same locals, and
        forgets all of them where that comes to too much."""
        self.room_with_locals -= size
        if self.room_with_locals < 0:
            self.by_locals.clear()
            self.room_with_locals = self.most // _SHARE

    def _effects_by_type(self, entry: Entry) -> dict[ValType, Effect]:
        """The effect of an instruction on a local for each type that the local may have."""
        takes, gives = bool(entry.params), entry.result is not None
        found = self._local_effects.get((takes, gives))
        if found is None:
            found = self._local_effects[takes, gives] = {
                kind: self.effect((kind,) * takes, (kind,) * gives) for kind in ValType
            }
        return found

    def _signed(self, entry: Entry) -> Effect:
        """The effect of an instruction whose signature says all."""
        results = () if entry.result is None else (entry.result,)
        found = self.effects[entry.row.typing] = self.effect(entry.params, results)
        return found

    def _ruled(self, entry: Entry, x: Any) -> Effect:
        """The effect of an instruction with a rule of its own."""
        row = entry.row
        form = row.form or ""
        if form in self.moves:
            does = CONTROL_FORMS[form]
            if does.opens:
                x = self._opening(form, x)
            elif does.calls:
                x = self._tail_call(form, x)
            elif does.catches and not does.closes:
                tag = x if row.immediates else None
                x = tag, self._carried(tag)
            return Effect(_refuse, self.moves[form], x)
        if not _is_straight(row):
            return self.fault
        # which function is called is all the same
        key = (entry.number, self.context.functions[x] if row.rule == "call" else x)
        return self.effects.get(key) or self._keep(key, lambda v: entry.rule(v, row, x, 0))

    def _opening(self, form: str, x: Any) -> Any:
        """What is known of a block; of a ``try_table`` also its clauses and what each carries."""
        kind, clauses = x if form == "try_table" else (x, None)
        block = self.block(form, typing_rules.block_type(self._scratch, kind, 0))
        if clauses is None:
            return block
        return block, [(clause, self._carried(clause.tag, clause.ref)) for clause in clauses]

    def _carried(self, tag: int | None, ref: bool = False) -> ResultType:
        """What an exception of a tag carries, and itself if that is asked for."""
        types = () if tag is None else typing_rules.carried(self._scratch, tag, 0)
        return self.result_type((*types, ValType.EXNREF) if ref else types)

    def _tail_call(self, form: str, x: Any) -> tuple[Effect, tuple[ValType, ...], Any]:
        """What a tail call takes and gives, and its immediate in a block map."""
        if form == "return_call":
            kind = self.context.functions[x]
            return self.effect(kind.params, ()), kind.results, x
        kind = self.context.types[x[0]]
        if self.context.tables[x[1]].element is not ValType.FUNCREF:
            raise Unaccepted
        return self.effect((*kind.params, I32), ()), kind.results, (kind, x[1])


#: forms that are so beside calls
_STRAIGHT = ("nop", "unreachable", "throw", "throw_ref")


def _immediate(entry: Entry) -> Callable[[bytes], Any]:
    """Reads the immediate of an instruction with an opcode of one byte, as block maps have it."""
    read = entry.reader
    if entry.kind == MEMORY:
        return lambda token: read(token, 1, 0)[0][1]  # type: ignore[misc]
    return lambda token: read(token, 1, 0)[0]  # type: ignore[misc]


def _is_straight(row: Instruction) -> bool:
    """Whether control goes on behind it, or never comes back, whatever blocks it is in."""
    if row.form is None:
        return True
    form = CONTROL_FORMS[row.form]
    return (form.calls and not form.leaves) or row.form in _STRAIGHT


def _refuse(v: BodyValidator) -> None:
    raise Unaccepted


class _Closed(Stack):
    """Behind the end of a body."""

    __slots__ = ()

    def __missing__(self, effect: Effect) -> Stack:
        raise Unaccepted


_NONE: frozenset[bytes] = frozenset()
#: errors that name no instruction reach nobody
_NO_ROW: Any = Instruction(0, "")
