"""Executions and instances as bytes, to go on in another process, on another machine or version."""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any

from ...errors import HostError, SuspensionError
from ..isa import CONTROL_FORMS
from ..runtime.functions import Func
from ..types import ValType
from ..valid.typing_rules import HIDDEN
from .activations import is_call, is_indirect, typing_before
from .packing import Reader, Writer, read_world, seal, unseal, write_world
from .world import World, WorldState

if TYPE_CHECKING:
    from ..runtime.instance import Instance
    from .execution import Execution

__all__ = ["Suspended", "fork", "restore", "snapshot", "suspended"]

_EXECUTION, _INSTANCE = b"\1", b"\2"
_F64 = Struct("<d")
_MOST = (1 << 62) - 1


# -- instances


def snapshot(instance: Instance, key: bytes | None) -> bytes:
    """The state of an instance that nobody is inside."""
    writer = Writer(instance)
    write_world(writer, instance)
    return seal(_INSTANCE, bytes(writer.out), key)


def restore(instance: Instance, data: bytes, key: bytes | None) -> None:
    """Makes an instance's state what a snapshot says. Raises SuspensionError."""
    reader = Reader(unseal(_INSTANCE, data, key), instance)
    state = read_world(reader, instance)
    reader.end()
    World(instance).put_back(state)


def fork(instance: Instance) -> Instance:
    """Another instance in the same state. Raises HostError where it shares more than functions."""
    counts = instance.module.import_counts
    imported = instance.module.globals[: counts["global"]]
    if counts["memory"] or counts["table"] or any(item.mutable for item in imported):
        raise HostError("the instance shares a memory, a table or a global: it cannot be forked")
    state = World(instance).capture()
    made = instance.twin()
    World(made).put_back(_moved(state, instance, made))
    return made


def _moved(state: WorldState, instance: Instance, made: Instance) -> WorldState:
    """A state whose references to an instance's functions are another's."""
    twins = {id(old): new for old, new in zip(instance.funcs, made.funcs)}

    def moved(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(twins.get(id(value), value) for value in values)

    return state._replace(
        tables=tuple(map(moved, state.tables)),
        globals=moved(state.globals),
        elems=tuple(tuple(map(moved, elems)) for elems in state.elems),
    )


# -- executions


def suspended(execution: Execution, key: bytes | None) -> bytes:
    """An execution that is not done. Raises HostError for what cannot travel."""
    if execution.done:
        raise HostError("the execution is done: there is nothing to go on with")
    instance = execution.instance
    writer = Writer(instance)
    write_world(writer, instance)
    writer.number(execution.func.index)
    writer.number(execution.steps)
    _write_meter(writer, execution)
    frames = execution.raw_frames
    writer.number(len(frames))
    for position, (pc, stack, locals_, func) in enumerate(frames):
        writer.number(func.index)
        writer.number(pc)
        try:
            kinds, operands = _types(func, pc, position == len(frames) - 1)
        except SuspensionError as error:
            raise HostError(str(error)) from None
        writer.values(kinds, locals_)
        # branches to a function's end leave what lies below its results
        writer.values(operands, stack[len(stack) - len(operands) :])
    return seal(_EXECUTION, bytes(writer.out), key)


def _write_meter(writer: Writer, execution: Execution) -> None:
    meter = execution.meter
    writer.number(0 if meter.limit is None else meter.limit + 1)
    writer.number(meter.fuel_used)
    left = meter.seconds_left_paused()
    writer.out += _F64.pack(math.inf if left is None else left)


def _types(func: Func, pc: int, innermost: bool) -> tuple[Sequence[ValType], Sequence[ValType]]:
    """Types of a frame's locals, and of the operands that it has: an outer one's are those that the
    call has left."""
    instance: Any = func.instance
    module = instance.module
    body = module.block_map(func.index)
    at = pc if innermost else pc - 1
    operands, _ = typing_before(module, func.index, body, at)
    if not innermost:
        number, x = body.code[at]
        indirect = is_indirect(module.isa.rows[number])
        kind = x[0] if indirect else module.functions[x]
        taken = len(kind.params) + indirect
        operands = operands[: len(operands) - taken]
    if any(kind is HIDDEN for kind in operands):
        raise SuspensionError("a frame handles an exception, which cannot be written")
    if None in operands:
        raise SuspensionError("a frame is where nothing is ever run")
    return body.locals, operands  # type: ignore[return-value]


class Suspended:
    """What the bytes of an execution say, read and checked against a new instance."""

    def __init__(self, data: bytes, instance: Instance, key: bytes | None) -> None:
        reader = Reader(unseal(_EXECUTION, data, key), instance)
        self.instance = instance
        self.world = read_world(reader, instance)
        self.func = self._function(reader)
        self.steps = reader.number(_MOST, "steps")
        limit = reader.number(_MOST, "a fuel limit")
        self.fuel = limit - 1 if limit else None
        # what is charged for the rest of a basic block may be over the limit
        self.charged = reader.number(_MOST, "fuel used")
        (left,) = _F64.unpack(reader.bytes(8))
        if not left >= 0:
            raise SuspensionError(f"a deadline in {left} seconds")
        self.timeout = None if math.isinf(left) else left
        self.frames: list[tuple[int, list[Any], list[Any], Func]] = []
        self._replaced: dict[frozenset[int], set[int]] = {}
        self.depth = 0
        count = reader.count(instance.template.depth, "frames", 2)
        for position in range(count):
            self._read_frame(reader, position == count - 1)
        if not self.frames:
            raise SuspensionError("there are no frames")
        reader.end()

    def _function(self, reader: Reader) -> Func:
        instance = self.instance
        index = reader.number(len(instance.funcs) - 1, "the index of a function")
        func = instance.funcs[index]
        if func.instance is not instance:
            raise SuspensionError(f"function {index} is not of the module")
        return func

    def _read_frame(self, reader: Reader, innermost: bool) -> None:
        func = self._function(reader)
        module = self.instance.module
        body = module.block_map(func.index)
        pc = reader.number(len(body.code) - 1, "a position in a function")
        self._require_called(func)
        if not innermost:
            self._require_call(module, body, pc)
        locals_, operands = _types(func, pc, innermost)
        self.depth += body.depth
        if self.depth > self.instance.template.depth:
            raise SuspensionError(f"frames of a call depth of {self.depth}")
        values = reader.values(locals_)
        self.frames.append((pc, reader.values(operands), values, func))

    def _require_call(self, module: Any, body: Any, pc: int) -> None:
        number, _ = body.code[pc - 1] if pc else body.code[0]
        row = module.isa.rows[number]
        if not pc or not is_call(row) or CONTROL_FORMS[row.form or ""].leaves:
            raise SuspensionError("an outer frame is not behind a call")

    def _called(self, number: int, x: Any) -> set[int]:
        """The functions of the module that a call may come to."""
        module = self.instance.module
        if is_indirect(module.isa.rows[number]):
            return {index for index, kind in enumerate(module.functions) if kind == x[0]}
        return {x}

    def _in_place(self, called: frozenset[int]) -> set[int]:
        """What may run where one of these functions was called: they, and what has taken their
        place by tail calls."""
        known = self._replaced.get(called)
        if known is not None:
            return known
        module = self.instance.module
        found = self._replaced[called] = set(called)
        waiting = [*found]
        while waiting:
            index = waiting.pop()
            if index < module.import_counts["func"]:
                continue
            for number, x in module.block_map(index).code:
                row = module.isa.rows[number]
                if is_call(row) and CONTROL_FORMS[row.form or ""].leaves:
                    new = self._called(number, x) - found
                    found |= new
                    waiting += new
        return found

    def _require_called(self, func: Func) -> None:
        """The function must be what the frame outside of it has called, the outermost one that
        which was called from outside; or what has taken the place of that by tail calls."""
        if not self.frames:
            if func is not self.func and func.index not in self._in_place(
                frozenset((self.func.index,))
            ):
                raise SuspensionError("the outermost frame is not of the function that was called")
            return
        pc, _, _, caller = self.frames[-1]
        module = self.instance.module
        number, x = module.block_map(caller.index).code[pc - 1]
        if is_indirect(module.isa.rows[number]):
            exact = x[0] == func.type
        else:
            exact = self.instance.funcs[x] is func
        if not exact and func.index not in self._in_place(frozenset(self._called(number, x))):
            raise SuspensionError(f"function {caller.index} does not call function {func.index}")
