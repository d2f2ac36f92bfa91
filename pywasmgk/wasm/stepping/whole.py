"""Functions that an execution in slices calls in compiled code, as one step.

Compiled code cannot be left before it ends, so only calls are made so that end soon whatever they
are given: their functions have no loops, call only such functions, and come to no function of the
host's, which might have to be awaited. After each of them somebody looks at the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..interpreter.execution import SliceOver
from ..valid.blockmap import ENTERING
from .activations import is_call, is_indirect

if TYPE_CHECKING:
    from ..isa import Instruction
    from ..runtime.functions import Func
    from ..runtime.instance import Instance
    from ..runtime.metering import Meter

__all__ = ["Whole"]

#: fuel of one such call, which takes some milliseconds in Pyodide; calls within calls
_MOST, _DEEPEST = 20_000, 50
#: calls of a function before it is looked at, and compiled
_WARM = 30


class Whole:
    """The functions of one instance that are called so, after ``warm`` calls of them."""

    def __init__(self, instance: Instance, warm: int = _WARM) -> None:
        self._instance = instance
        self._warm = warm
        #: when the slice is over
        self.until = float("inf")
        self._calls: dict[Func, int] = {}
        self._fuel: dict[Func, int | None] = {}

    def takes(self, func: Func, meter: Meter) -> bool:
        """Whether a function is to be called so now."""
        if func.instance is not self._instance:
            return False
        calls = self._calls.get(func, 0)
        if calls < self._warm:
            self._calls[func] = calls + 1
            return False
        if self.most_fuel(func) is None:
            return False
        tiers = self._instance.tiers
        tiers.want(func)
        if tiers.resolve(func, meter) is None:
            return True
        if not func.compiled:
            # it cannot be: nobody need try again
            self._fuel[func] = None
        return False

    def call(self, func: Func) -> Callable[..., list[Any]]:
        """What calls a function: with the instance that calls, the account and the arguments."""

        def call(caller: Instance, meter: Meter, args: Sequence[Any]) -> list[Any]:
            results = func.call_outside(caller, meter, args)
            if time.perf_counter() > self.until:
                raise SliceOver(results)
            return results

        return call

    def most_fuel(self, func: Func, depth: int = 0) -> int | None:
        """What a call may take at most, whatever it is given; ``None`` where nobody knows, or it is
        too much."""
        if func not in self._fuel:
            # who comes back to itself has no bound
            self._fuel[func] = None
            self._fuel[func] = self._bound(func, depth)
        return self._fuel[func]

    def _bound(self, func: Func, depth: int) -> int | None:
        if func.instance is not self._instance or depth > _DEEPEST:
            return None
        module = self._instance.module
        code, rows, total = module.block_map(func.index).code, module.isa.rows, ENTERING
        for number, x in code if len(code) <= _MOST else ():
            fuel = self._of(rows[number], x, depth)
            if fuel is None or total + fuel > _MOST:
                return None
            total += fuel
        return total if len(code) <= _MOST else None

    def _of(self, row: Instruction, x: Any, depth: int) -> int | None:
        """What an instruction takes, with all that it calls."""
        if row.form == "loop" or row.length or row.charge or is_indirect(row):
            return None
        if not is_call(row):
            return row.fuel
        inner = self.most_fuel(self._instance.funcs[x], depth + 1)
        return None if inner is None else row.fuel + inner
