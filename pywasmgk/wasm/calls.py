"""Calls from the host into a guest: who may enter, and on whose account."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import GuestError, Trap, TrapCode
from .functions import Func
from .interpreter import Execution
from .metering import CURRENT, FRAMES_LEFT, Meter, current_meter

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["Account", "ensure_recursion", "invoke", "way_in"]

#: Python frames that one wasm frame may need: a host function that calls back in
_PYTHON_FRAMES = 9
_HOST_RESERVE = 1_000
#: calls from host functions back into guests that may be open at once. On CPython 3.12 each takes
#: some of a stack of C's whose size nobody can set: about 500 such calls fill it.
MOST_ENTRIES = 300 if sys.version_info[:2] == (3, 12) else 100_000

_recursion = threading.Lock()


def ensure_recursion(depth: int) -> None:
    """Raises Python's recursion limit to what ``depth`` wasm frames may need.

    It is never lowered: doing so under a running thread's feet aborts CPython 3.10 and 3.11.
    """
    needed = min(depth, 20_000 // _PYTHON_FRAMES) * _PYTHON_FRAMES + _HOST_RESERVE
    with _recursion:
        if sys.getrecursionlimit() < needed:
            sys.setrecursionlimit(needed)


class Account:
    """The account of one outermost call, as a context manager that gives its Meter.

    All calls of the thread inside it draw on it. It holds the instance for the thread. Inside
    another account it opens none of its own: the outermost one counts.
    """

    __slots__ = ("_budget", "_depth", "_domain", "_instance", "_meter", "_outermost")

    def __init__(self, instance: Instance, meter: Meter | None) -> None:
        self._instance = instance
        self._meter = meter
        self._outermost = meter is not None and current_meter() is None

    def __enter__(self) -> Meter:
        if not self._outermost and _running().entries >= MOST_ENTRIES:
            raise Trap(TrapCode.STACK_OVERFLOW)
        if self._outermost and self._meter is not None:
            meter = self._meter
        else:
            meter = self._meter = _running()
        self._domain = self._instance.domain.enter(meter)
        if self._outermost:
            CURRENT.meter = meter
            self._instance.tiers.begin(meter)
        meter.entries += 1
        self._depth, self._budget = meter.depth, meter.budget
        return meter

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        meter = self._meter
        if meter is not None:
            meter.depth, meter.budget = self._depth, self._budget
            meter.entries -= 1
            if self._outermost:
                CURRENT.meter = None
                self._instance.fuel_used = meter.fuel_used
                self._instance.template.follow(meter)
            # the innermost account knows it first
            if isinstance(error, GuestError) and error.fuel_used is None:
                error.fuel_used = meter.fuel_used
        if self._domain is not None:
            self._domain.leave()


def _running() -> Meter:
    meter = current_meter()
    if meter is None:
        raise RuntimeError("no account is open in this thread")
    return meter


def invoke(func: Func, args: Sequence[Any]) -> Sequence[Any]:
    """Calls a function with engine values, on the running account or one of its own."""
    instance = func.instance
    if instance is None:
        return func.call_host(None, current_meter() or Meter(), args)
    outer = current_meter()
    with instance.account() as meter:
        if outer is not None:
            # the host's time is not in the fuel: the next test point looks at the clock
            meter.resume()
        if func.compiled and meter.budget >= FRAMES_LEFT:
            results = instance.tiers.binding.enter(func.index, meter, args)
        elif func.ready is None and instance.tiers.resolve(func, meter) is None:
            # in two steps, since every Python frame counts when hosts call back in
            instance.tiers.look(meter)
            results = instance.tiers.binding.enter(func.index, meter, args)
        else:
            results = Execution(func, args).run(meter)
        # results go to the host: a test point
        if meter.left < 0:
            meter.refill(meter.left)
        return results


def way_in(func: Func) -> Callable[..., Any] | None:
    """The shortest way into a compiled function, if it has one."""
    from .compiler.entrance import entrance

    return entrance(func, invoke, MOST_ENTRIES)
