"""Runs prepared functions: the dispatch loop's surroundings.

The loop itself is written by ``dispatch``. It keeps wasm frames in a list of its own, so that wasm
calls need no Python recursion, and an execution can pause between any two instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from ...errors import Frame, HostError, Trap, WasmException
from ..runtime.accesses import access_trap
from ..runtime.faults import explained
from ..runtime.functions import Func
from ..runtime.metering import CURRENT, Meter
from ..runtime.tags import caught
from ..runtime.witness import WITNESS, LeftFrame
from ..types import FuncType
from .code import fuel_behind
from .dispatch import FETCH

if TYPE_CHECKING:
    from ..runtime.instance import Instance
    from .code import Code

__all__ = ["Execution", "catch", "is_hot", "is_never_hot"]

#: runs the rest of a call from a loop on: with the function, the position behind the loop
#: instruction, locals, operands and account; gives the results, or ``None`` if it cannot
EnterLoop = Callable[["Func", int, "list[Any]", "list[Any]", Meter], "list[Any] | None"]
#: clauses that are looked at for one exception until somebody looks at the clock
_MANY_CLAUSES = 64


class SliceOver(BaseException):
    """Ends a slice behind a call, which has given ``results``."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__()
        self.results = results


class LoopLeft(BaseException):
    """Leaves compiled code in a loop, whose head is charged and tested, for the interpreter to go
    on: ``entry`` is the position behind the loop instruction. Nothing is on the operand stack."""

    def __init__(self, entry: int, locals_: list[Any]) -> None:
        super().__init__()
        self.entry = entry
        self.locals = locals_


class Execution:
    """A call that runs: its frames, each ``(operations, pc, operand stack, locals, function)``.

    The first frame is not of the module: it holds the arguments, calls the function and halts.
    """

    def __init__(self, func: Func, args: Sequence[Any], *, here: bool = False) -> None:
        instance = func.instance
        if instance is None:
            raise HostError(f"{func!r} is no function of a module")
        self.dispatch = instance.dispatch
        control = self.dispatch.control
        # "here": in the interpreter even if the function is compiled
        call = (control["enter"], None) if here else (control["call"], func.index)
        start = [call, (control["halt"], None)]
        self.frames: list[Any] = [(start, 0, list(args), [], func)]
        #: instructions that remained when stepping paused
        self.turns = 0
        #: it paused at a ``stop``
        self.stopped = False

    @classmethod
    def of_constant(cls, instance: Instance, code: Code) -> Execution:
        """The evaluation of a constant expression, as if it were a function's body."""
        func = Func.defined(instance, 0, FuncType())
        func.code = func.ready = code
        execution = cls(func, ())
        execution.frames[0] = (execution.frames[0][0], 1, [], [], func)
        execution.frames.append((code.operations, 0, [], [], func))
        return execution

    def run(self, meter: Meter) -> list[Any]:
        """Runs to the end; gives the results. Raises what ends it otherwise."""
        while True:
            results: list[Any] | None = self.dispatch.run(self, meter)
            if results is not None:
                return results
            self._go_on_compiled(meter)

    def _go_on_compiled(self, meter: Meter) -> None:
        """Leaves the innermost frame, which has come to a loop, to compiled code if there is call
        depth for that."""
        self.leave_to(self.frames[-1][4].instance.tiers.enter_loop, meter)

    def leave_to(self, enter: EnterLoop, meter: Meter) -> bool:
        """Leaves the innermost frame, which is at the head of a loop, to what runs the rest of its
        call, and gives whether that did. Where LoopLeft comes out, the frame is gone."""
        frame = self.frames.pop()
        _, pc, stack, locals_, func = frame
        depth = meter.depth
        try:
            results = enter(func, pc, locals_, stack, meter)
        except LoopLeft:
            meter.depth = depth
            raise
        except BaseException as error:
            meter.depth = depth + func.code.depth
            if isinstance(error, WasmException) and self.catch(error, meter):
                return True
            domain = func.instance.tiers.instance.domain
            told = explained(error, self.trace(), meter, domain, None)
            self._note_left(told)
            self._give_back(told, meter)
            try:
                raise told from None
            finally:
                del told  # it would hold this frame, and this frame it
        if results is None:
            self.frames.append(frame)
            return False
        meter.depth = depth + func.code.depth
        self.frames[-1][2].extend(results)
        return True

    def step(self, meter: Meter, turns: int = 1) -> list[Any] | None:
        """Runs so many instructions, or up to a ``stop``; gives the results, or ``None`` if it has
        not ended. ``turns`` is what remains of them then, also where it raises."""
        self.stopped = False
        results: list[Any] | None = self.dispatch.step(self, meter, turns)
        return results

    def code_of(self, func: Func, meter: Meter) -> Code | None:
        """The code with which a stepped execution runs a function; ``None`` for the host's."""
        instance = func.instance
        return None if instance is None else instance.tiers.prepare(func)

    def outside(self, func: Func) -> Callable[..., list[Any]]:
        """What a stepped execution calls for a function of the host's: with the instance that
        calls, the account and the arguments."""
        return func.call_outside

    def unspent(self, first: int = 1) -> int:
        """What was charged for instructions behind the calls that its frames are in, from one of
        them on."""
        return sum(
            fuel_behind(func.instance.module, func.index, func.code, pc)
            for operations, pc, stack, locals_, func in self.frames[first:]
        )

    def _give_back(self, told: BaseException, meter: Meter) -> None:
        """Gives back what an exception that leaves all frames passes by, or notes it for a host
        function that swallows it."""
        if isinstance(told, WasmException):
            meter.left += self.unspent()
        elif told is meter.host_error:
            meter.unspent += self.unspent()

    def _note_left(self, told: BaseException) -> None:
        """Shows the frames that an exception leaves to whoever wants to know."""
        if (witness := WITNESS.get() or CURRENT.state.witness) is not None:
            witness.saw(
                told,
                (
                    LeftFrame(func.instance, func.index, func.code.offset(pc), locals_, stack)
                    for _, pc, stack, locals_, func in reversed(self.frames[1:])
                ),
            )

    def catch(self, error: WasmException, meter: Meter) -> bool:
        """Has the innermost frame that catches an exception go on where it does, and drops those
        that it leaves; ``False`` if none does."""
        frames, tag, looked = self.frames, error.tag, 0
        for place in range(len(frames) - 1, 0, -1):
            operations, pc, stack, locals_, func = frames[place]
            if func.code.regions:
                clause, steps = func.code.handler(pc, tag, func.instance.tags)
                looked += steps
                if clause is not None:
                    break
        else:
            return False
        meter.left += self.unspent(place)
        meter.depth += sum(frame[4].code.depth for frame in frames[place + 1 :])
        del frames[place + 1 :]
        _, ref, pc, cost, height, below = clause
        exn = caught(error)
        del stack[height:]
        stack += (exn, *exn.values) if below else (*exn.values, exn) if ref else exn.values
        frames[place] = operations, pc, stack, locals_, func
        meter.left -= cost
        if looked > _MANY_CLAUSES:
            # that took more time than fuel
            meter.expire(meter.left)
        return True

    def is_made_again(self, error: BaseException, meter: Meter) -> bool:
        """Whether the loop found nothing to run in the innermost frame, since its function's code
        was dropped while it called another one; that is made again."""
        found = error.__traceback__
        if not isinstance(error, IndexError) or found is None or found.tb_next is not None:
            return False
        loop = found.tb_frame.f_code
        if found.tb_lineno != loop.co_firstlineno + FETCH[loop.co_name]:
            return False
        _, pc, *rest, func = self.frames[-1]
        code = self.code_of(func, meter)
        if code is None or pc >= len(code.operations):
            return False
        self.frames[-1] = (code.operations, pc, *rest, func)
        return True

    def operation(self, meter: Meter) -> tuple[int, Any]:
        """The operation of the innermost frame that runs."""
        operations, pc, _, _, func = self.frames[-1]
        code = self.code_of(func, meter) if pc > len(operations) else None
        found: tuple[int, Any] = (operations if code is None else code.operations)[pc - 1]
        return found

    def trace(self) -> list[Frame]:
        """The wasm frames, innermost first."""
        return [
            func.instance.module.frame(func.index, func.code.offset(pc))
            for operations, pc, stack, locals_, func in reversed(self.frames[1:])
        ]


def catch(error: BaseException, execution: Execution, meter: Meter, depth: int) -> int:
    """Has a frame go on that catches the exception that the loop met, and gives the call depth that
    is left there. Raises what the loop raises otherwise."""
    try:
        if isinstance(error, SliceOver):
            raise error
        if execution.is_made_again(error, meter):
            return depth
    except SliceOver:
        del error  # as below
        raise
    except BaseException as stopped:
        error = stopped
    if isinstance(error, WasmException):
        meter.depth = depth
        if execution.catch(error, meter):
            return meter.depth
    try:
        raise _explained(error, execution, meter)
    finally:
        del error  # what is raised would hold this frame, and this frame it


def _explained(error: BaseException, execution: Execution, meter: Meter) -> BaseException:
    """What an execution is left by for an exception that it met, with its frames: see ``faults``.
    The innermost frame is that of the loop, if the exception was raised there."""
    traceback, native, loop = error.__traceback__, None, None
    if traceback is not None and traceback.tb_next is None:
        loop = traceback.tb_frame
        native = partial(_native_trap, execution, loop, meter)
    domain = execution.frames[-1][4].instance.domain
    told = explained(error, execution.trace(), meter, domain, native)
    if loop is not None and isinstance(told, Trap):
        _put_back(execution, loop, meter)
    execution._note_left(told)
    execution._give_back(told, meter)
    return told


def _put_back(execution: Execution, frame: FrameType, meter: Meter) -> None:
    """Gives a frame the operands again that the instruction which has trapped had taken."""
    stack = execution.frames[-1][2]
    number, _ = execution.operation(meter)
    row = execution.dispatch.operations[number].row
    if row is None or row.typing is None:
        return
    # the first one is there until the result takes its place
    first = 1 if row.typing.results else 0
    names = "abcd"[first : len(row.typing.params)]
    values = _variables(frame, names)
    if len(values) == len(names):
        stack += values


def _native_trap(execution: Execution, frame: FrameType, meter: Meter) -> Trap | None:
    _, _, stack, _, func = execution.frames[-1]
    number, x = execution.operation(meter)
    row = execution.dispatch.operations[number].row
    if row is None or row.native is None or row.typing is None:
        return None
    # the operand is there until the result takes its place
    operand = (
        stack[-1] if row.typing.results and stack else next(iter(_variables(frame, "a")), None)
    )
    first = x[0] if isinstance(x, tuple) else x
    return access_trap(func.instance, row, first, operand)


def _variables(frame: FrameType, names: str) -> list[Any]:
    """What variables of the loop hold, those that are set."""
    variables = frame.f_locals
    values = [variables[name] for name in names if name in variables]
    if isinstance(variables, dict):
        # Python keeps it with the frame, and the exception in it holds the frame
        variables.clear()
    return values


def is_hot(func: Func, pc: int, height: int, meter: Meter) -> bool:
    """Asked at test points whose slice is used up: whether compiled code takes over at a loop."""
    instance = func.instance
    return instance is not None and instance.tiers.sample(func, pc, height, meter)


def is_never_hot(func: Func, pc: int, height: int, meter: Meter) -> bool:
    """For those who want to see every step."""
    return False
