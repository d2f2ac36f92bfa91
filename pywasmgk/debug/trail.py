"""What the latest instructions took and gave, to be shown beside them.

An execution keeps no values; a trail has its last steps executed once more, and looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wasm.runtime.values import to_python
from .dataflow import Operands, operands_of

if TYPE_CHECKING:
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.execution import Execution

__all__ = ["Made", "Trail"]

#: steps that are looked at, and how many of them going back may leave before more are
_LENGTH, _FEW = 200, 50


class Made(NamedTuple):
    """What one instruction took and gave when it was executed."""

    #: frames that there were, its own included
    depth: int
    func: Func
    pc: int
    takes: tuple[Any, ...]
    #: nothing of a call until it has returned
    gives: tuple[Any, ...]
    #: where it went in memory, if it did
    address: int | None = None


class Trail:
    """The last steps of an execution. ``follow`` has it come to where the execution is."""

    def __init__(self, execution: Execution) -> None:
        self._held = execution
        #: by step, what was executed there; several where a call returned
        self._made: list[tuple[int, Made]] = []
        self._first = self._end = execution.steps
        self._operands: dict[Func, list[Operands | None]] = {}

    def step(self) -> str:
        """Has one instruction executed, and gives why it stopped."""
        if self._held.steps != self._end or self._held.done:
            return self._held.step()
        why = self._observed(self._held.step)
        del self._made[: -2 * _LENGTH]
        return why

    def follow(self) -> None:
        """Looks at the steps before the one where the execution is now, which it stays at."""
        held = self._held
        now, stopped_by = held.steps, held.stopped_by
        if held.pending is not None or held.closed:
            return
        oldest = held.earliest
        if self._first <= now <= self._end and now - self._first >= min(_FEW, now - oldest):
            self._made = [one for one in self._made if one[0] < now]
            self._end = now
            return
        self._made.clear()
        self._first = self._end = max(now - _LENGTH, oldest)
        if self._end < now:
            held.goto(self._end)
        while held.steps < now and not held.done:
            self._observed(lambda: held.goto(held.steps + 1))
        held.stopped_by = stopped_by

    def beside(self, depth: int, func: Func) -> dict[int, Made]:
        """What the instructions of a frame made the last time that it came to them, by position;
        ``depth`` is how many frames there are, down to this one."""
        found: dict[int, Made] = {}
        for _, made in reversed(self._made):
            if made.depth < depth or (made.depth == depth and made.func is not func):
                break
            if made.depth == depth:
                found.setdefault(made.pc, made)
        return found

    @property
    def address(self) -> int | None:
        """Where in memory the latest instruction went that did."""
        found = (made.address for _, made in reversed(self._made))
        return next((address for address in found if address is not None), None)

    def _observed(self, go: Callable[[], str]) -> str:
        held = self._held
        step, depth, (pc, stack, _, func) = held.steps, held.depth, held.raw_frame
        operands = self._of(func)[pc]
        count = 0 if operands is None else len(operands.takes)
        takes = tuple(stack[-count:]) if count else ()
        address = self._address(func, pc, takes)
        why = go()
        self._end = held.steps
        made = Made(depth, func, pc, _shown(operands and operands.takes, takes), (), address)
        if not held.done and operands is not None and held.depth == depth:
            made = made._replace(gives=self._given(operands, func))
        self._made.append((step, made))
        if held.depth < depth and held.depth:
            self._returned(step)
        return why

    def _given(self, operands: Operands, func: Func) -> tuple[Any, ...]:
        _, stack, _, now = self._held.raw_frame
        count = len(operands.gives)
        if now is not func or not count:
            return ()
        return _shown(operands.gives, stack[-count:])

    def _returned(self, step: int) -> None:
        """A call came back: it has given its results now."""
        pc, stack, _, func = self._held.raw_frame
        operands = self._of(func)[pc - 1]
        if operands is not None and operands.gives:
            gives = _shown(operands.gives, stack[-len(operands.gives) :])
            self._made.append((step, Made(self._held.depth, func, pc - 1, (), gives)))

    def _address(self, func: Func, pc: int, takes: tuple[Any, ...]) -> int | None:
        instance: Any = func.instance
        number, x = instance.module.block_map(func.index).code[pc]
        if "memarg" not in instance.module.isa.rows[number].immediates or not takes:
            return None
        offset: int = x[0] if isinstance(x, tuple) else x
        address: int = takes[0] + offset
        return address

    def _of(self, func: Func) -> list[Operands | None]:
        if func not in self._operands:
            instance: Any = func.instance
            self._operands[func] = operands_of(instance.module, func.index)
        return self._operands[func]

    def operands(self, func: Func) -> list[Operands | None]:
        """What each instruction of a function takes and gives, by position."""
        return self._of(func)


def _shown(kinds: Any, values: Any) -> tuple[Any, ...]:
    """Values as hosts see them."""
    return tuple(
        value if kind is None else to_python(kind, value)
        for kind, value in zip(kinds or (), values)
    )
