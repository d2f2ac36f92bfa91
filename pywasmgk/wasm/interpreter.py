"""Runs prepared functions: the dispatch loop's surroundings.

The loop itself is written by ``dispatch``. It keeps wasm frames in a list of its own, so that wasm
calls need no Python recursion, and an execution can pause between any two instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import Frame, HostError, Trap
from .faults import explained
from .functions import Func
from .metering import Meter
from .types import FuncType

if TYPE_CHECKING:
    from .code import Code
    from .instance import Instance

__all__ = ["Execution", "explain", "is_hot", "is_never_hot"]


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
        frame = self.frames.pop()
        _, pc, stack, locals_, func = frame
        tiers = func.instance.tiers
        depth = meter.depth
        try:
            results = tiers.enter_loop(func, pc, locals_, stack, meter)
        except BaseException as error:
            raise explained(error, self.trace(), meter, tiers.instance.domain, None) from None
        if results is None:
            self.frames.append(frame)
            return
        meter.depth = depth + func.code.depth
        self.frames[-1][2].extend(results)

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
    """What the loop raises for an exception that it met: see ``faults``."""
    traceback = error.__traceback__
    raised_here = traceback is not None and traceback.tb_next is None
    native = (lambda: _native_trap(execution)) if raised_here else None
    domain = execution.frames[-1][4].instance.domain
    return explained(error, execution.trace(), meter, domain, native)


def _native_trap(execution: Execution) -> Trap | None:
    operations, pc, *_ = execution.frames[-1]
    row = execution.dispatch.operations[operations[pc - 1][0]].row
    return None if row is None or row.native is None else Trap(row.native)


def is_hot(func: Func, pc: int, height: int, meter: Meter) -> bool:
    """Asked at test points whose slice is used up: whether compiled code takes over at a loop."""
    instance = func.instance
    return instance is not None and instance.tiers.sample(func, pc, height, meter)


def is_never_hot(func: Func, pc: int, height: int, meter: Meter) -> bool:
    """For those who want to see every step."""
    return False
