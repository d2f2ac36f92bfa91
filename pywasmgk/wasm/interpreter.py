"""Runs prepared functions: the dispatch loop's surroundings.

The loop itself is written by ``dispatch``. It keeps wasm frames in a list of its own, so that wasm
calls need no Python recursion, and an execution can pause between any two instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Frame, GuestError, HostError, PywasmgkError, Stopped, Trap
from .functions import Func
from .metering import Meter
from .types import FuncType

if TYPE_CHECKING:
    from .code import Code
    from .instance import Instance

__all__ = ["Execution", "explain"]

#: what the meaning of an instruction may raise itself; its row says which trap that is
_NATIVE = (IndexError, struct.error, ZeroDivisionError, OverflowError)


class Execution:
    """A call that runs: its frames, each ``(operations, pc, operand stack, locals, function)``.

    The first frame is not of the module: it holds the arguments, calls the function and halts.
    """

    def __init__(self, func: Func, args: Sequence[Any]) -> None:
        instance = func.instance
        if instance is None:
            raise HostError(f"{func!r} is no function of a module")
        self.dispatch = instance.dispatch
        control = self.dispatch.control
        start = [(control["call"], func.index), (control["halt"], None)]
        self.frames: list[Any] = [(start, 0, list(args), [], func)]

    @classmethod
    def of_constant(cls, instance: Instance, code: Code) -> Execution:
        """The evaluation of a constant expression, as if it were a function's body."""
        func = Func.defined(instance, 0, FuncType())
        func.code = code
        execution = cls(func, ())
        execution.frames[0] = (execution.frames[0][0], 1, [], [], func)
        execution.frames.append((code.operations, 0, [], [], func))
        return execution

    def run(self, meter: Meter) -> list[Any]:
        """Runs to the end; gives the results. Raises what ends it otherwise."""
        results: list[Any] = self.dispatch.run(self, meter)
        return results

    def step(self, meter: Meter, turns: int = 1) -> list[Any] | None:
        """Runs so many instructions; gives the results, or ``None`` if it has not ended."""
        results: list[Any] | None = self.dispatch.step(self, meter, turns)
        return results

    def trace(self) -> list[Frame]:
        """The wasm frames, innermost first."""
        return [
            func.instance.module.frame(func.index, func.code.offset(pc))
            for operations, pc, stack, locals_, func in reversed(self.frames[1:])
        ]


def explain(error: BaseException, execution: Execution, meter: Meter) -> BaseException:
    """What a guest's caller gets to see of an exception that the loop met.

    An exception of Python's is a trap only if the loop itself raised it: then its traceback has no
    further entry. What came from a host function goes on unchanged, with the wasm frames as notes.
    Anything else interrupted the guest between two steps of one instruction.
    """
    frames = execution.trace()
    traceback = error.__traceback__
    raised_here = traceback is not None and traceback.tb_next is None
    if raised_here and error is not meter.host_error:
        if isinstance(error, _NATIVE):
            error = _native_trap(error, execution)
        elif isinstance(error, MemoryError):
            error = Stopped("the host has no memory left for the guest")
    if isinstance(error, GuestError):
        error.frames += tuple(frames)
    elif error is meter.host_error:
        _add_notes(error, frames)
    elif not isinstance(error, PywasmgkError):
        execution.frames[-1][
            4
        ].instance.domain.root().dead = (
            f"the instance was interrupted by {type(error).__name__} and is in no defined state"
        )
    return error


def _native_trap(error: BaseException, execution: Execution) -> BaseException:
    operations, pc, *_ = execution.frames[-1]
    row = execution.dispatch.operations[operations[pc - 1][0]].row
    if row is None or row.native is None:
        return error
    trap = Trap(row.native)
    trap.__suppress_context__ = True
    return trap


def _add_notes(error: BaseException, frames: Sequence[Frame]) -> None:
    notes = [f"wasm frame: {frame}" for frame in frames]
    if len(notes) > 20:
        notes[10:-10] = [f"... {len(notes) - 20} more wasm frames ..."]
    try:
        present = list(getattr(error, "__notes__", ()))
        error.__notes__ = present + notes  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return
