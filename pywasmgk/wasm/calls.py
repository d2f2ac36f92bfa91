"""Calls from the host into a guest: who may enter, and on whose account."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import GuestError
from .functions import Func
from .interpreter import Execution
from .metering import Meter, current_meter, set_current_meter
from .ownership import Domain

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["Account", "ensure_recursion", "invoke"]

#: Python frames that one wasm frame may need: a host function that calls back in
_PYTHON_FRAMES = 8
_HOST_RESERVE = 1_000

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

    def __init__(self, instance: Instance, meter: Meter) -> None:
        self._instance = instance
        self._meter = meter
        self._domain: Domain | None = None
        self._outermost = False

    def __enter__(self) -> Meter:
        self._domain = self._instance.domain.enter()
        running = current_meter()
        if running is not None:
            self._meter = running
        else:
            self._outermost = True
            set_current_meter(self._meter)
        return self._meter

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._outermost:
            set_current_meter(None)
            self._instance.fuel_used = self._meter.fuel_used
            if isinstance(error, GuestError) and error.fuel_used is None:
                error.fuel_used = self._meter.fuel_used
        if self._domain is not None:
            self._domain.leave()


def invoke(func: Func, args: Sequence[Any]) -> Sequence[Any]:
    """Calls a function with engine values, on the running account or one of its own."""
    meter = current_meter()
    instance = func.instance
    if instance is None:
        return func.call_host(None, meter or Meter(), args)
    if meter is None:
        with instance.account() as meter:
            return Execution(func, args).run(meter)
    domain = instance.domain.enter()
    depth = meter.depth
    try:
        return Execution(func, args).run(meter)
    finally:
        meter.depth = depth
        if domain is not None:
            domain.leave()
