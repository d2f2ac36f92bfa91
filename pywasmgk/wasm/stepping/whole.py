"""What an execution in slices runs in compiled code, as one step: calls and loops.

Compiled code can be left at the heads of its loops alone, so only calls are made so that end soon
whatever they are given: their functions have no loops, call only such functions, and come to no
function of the host's, which might have to be awaited. After each of them somebody looks at the
clock. A function that has loops besides is interpreted up to the head of one, goes on in compiled
code from there, and comes back to a frame at a head when its slice is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..interpreter.execution import SliceOver
from ..valid.blockmap import ENTERING
from .activations import is_call, is_indirect
from .stops import Stop

if TYPE_CHECKING:
    from ..isa import Instruction
    from ..runtime.functions import Func
    from ..runtime.instance import Instance
    from ..runtime.metering import Meter
    from ..valid.blockmap import BlockMap
    from .activations import Activation

__all__ = ["LOOK_EVERY", "LoopHeads", "Whole"]

#: fuel of one such call, which takes some milliseconds in Pyodide; calls within calls
_MOST, _DEEPEST = 20_000, 50
#: fuel between two looks at the clock in loops: compiled code takes 1 ms for it, in Pyodide 5 or 10
LOOK_EVERY = 20_000
#: calls of a function before it is looked at, and compiled
_WARM = 30
#: instructions of a function with loops, whose compiling is part of a slice
_LONGEST = 2_000


class Whole:
    """The functions of one instance that are called so, after ``warm`` calls of them."""

    def __init__(self, instance: Instance, warm: int = _WARM) -> None:
        self._instance = instance
        self._warm = warm
        #: when the slice is over
        self.until = float("inf")
        self._calls: dict[Func, int] = {}
        self._fuel: dict[Func, int | None] = {}
        #: how often heads of loops were come to that are not compiled; ``None`` once they are
        self._heads: dict[tuple[Func, int], int | None] = {}
        #: functions whose loops stay interpreted
        self.given_up: set[Func] = set()

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
            if self.is_over:
                raise SliceOver(results)
            return results

        return call

    @property
    def is_over(self) -> bool:
        """Whether the slice is."""
        return time.perf_counter() > self.until

    # -- loops

    def heads(self, func: Func, body: BlockMap) -> Iterator[int]:
        """The positions behind the loop instructions of a function, if compiled code may run it
        from each of them on: it can be left at all, between which little is executed."""
        if func in self.given_up or len(body.code) > _LONGEST or not self._is_leavable(func, body):
            return
        for pc in body.control:
            if self._instance.module.isa.rows[body.code[pc][0]].form == "loop":
                yield pc + 1

    def _is_leavable(self, func: Func, body: BlockMap) -> bool:
        """Whether all loops of a function begin with an empty stack, and nothing in it catches."""
        if func.instance is not self._instance:
            return False
        rows, total = self._instance.module.isa.rows, ENTERING
        for number, x in body.code:
            row = rows[number]
            if row.form == "loop":
                fuel: int | None = None if x.height or x.params else row.fuel
            else:
                fuel = None if getattr(x, "catches", None) else self._of(row, x, 0)
            if fuel is None or total + fuel > _MOST:
                return False
            total += fuel
        return True

    def enters(self, func: Func, pc: int) -> bool:
        """Whether compiled code is to go on from the head of a loop, which is compiled when it has
        been come to often enough."""
        count = self._heads.get((func, pc), 0)
        if count is None:
            return True
        if count < self._warm:
            self._heads[func, pc] = count + 1
            return False
        if not self._instance.tiers.makes_leavable(func, pc):
            self.given_up.add(func)
            return False
        self._heads[func, pc] = None
        return True

    def enter(
        self, func: Func, pc: int, locals_: list[Any], stack: list[Any], meter: Meter
    ) -> list[Any] | None:
        """Goes on in compiled code, for this slice. Raises LoopLeft when it is over."""
        return self._instance.tiers.enter_leavable(func, pc, locals_, meter, self.until)

    # -- what calls take

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


class LoopHeads(Stop):
    """Where an execution leaves its frame to compiled code: it stops there, and nobody is told."""

    def __init__(self, whole: Whole) -> None:
        super().__init__()
        self._whole = whole

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        return self._whole.heads(func, body)

    def holds(self, activation: Activation) -> bool:
        return False
