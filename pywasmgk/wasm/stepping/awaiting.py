"""Calls of guests in an event loop, which goes on meanwhile.

Where there are threads, the guest runs in one, at full speed, and ``async def`` functions of the
host run on the caller's loop. Where there are none (Pyodide), it runs on the interpreter's frames,
a slice at a time, and is held where it waits for the host; loops, and what ends soon, run in
compiled code (``whole``). Results, fuel and errors are the same.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from ..runtime.functions import Func
from ..runtime.metering import CancelToken, Meter, current_meter
from ..runtime.values import results_to_python
from .loop_locks import LoopLocks
from .seats import Seats, Visit

if TYPE_CHECKING:
    from ..runtime.instance import Instance
    from .execution import Execution
    from .pending import PendingCall

__all__ = ["HAS_THREADS", "Beside", "call_async", "drive", "in_thread"]

#: whether guests can run beside the event loop
HAS_THREADS = sys.platform not in ("emscripten", "wasi")
#: seconds of guest work between two turns of the loop, without threads
_TURN = 0.01
#: seconds between two looks at deadline and cancellation while a guest waits for the host
_LOOK = 0.05
_FIRST, _MOST = 2_000, 1_000_000
#: guests in threads that run at once, and at most keep a loop waiting for 5 ms each
_SEATS = Seats(3)

T = TypeVar("T")


async def call_async(
    func: Func,
    args: Sequence[Any],
    *,
    threads: bool | None = None,
    turn: float = _TURN,
    cancel: CancelToken | None = None,
    **limits: Any,
) -> Any:
    """Calls a guest's function from a coroutine. See ``Func.call_async``."""
    values = func.engine_values(args)
    instance = func.instance
    if instance is None:
        result = func(*args)
        return await result if asyncio.iscoroutine(result) else result
    if HAS_THREADS if threads is None else threads:
        return await _threaded(instance, func, values, cancel, limits)
    if not instance.is_ours:
        # in one go, within its limits
        with instance.account(cancel=cancel, **limits):
            return results_to_python(func.type.results, instance.invoke(func, values))
    return await _sliced(instance, func, values, turn, cancel, limits)


# -- with threads


async def _threaded(
    instance: Instance,
    func: Func,
    values: Sequence[Any],
    cancel: CancelToken | None,
    limits: dict[str, Any],
) -> Any:
    def call(beside: Beside) -> Any:
        progress = limits.pop("progress", instance.template.terms.progress)
        look = beside.looking(progress)
        with instance.account(cancel=beside.token, progress=look, **limits):
            return results_to_python(func.type.results, instance.invoke(func, values))

    return await in_thread(call, cancel)


class Beside:
    """A call of a guest in a thread beside an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, token: CancelToken) -> None:
        self._loop = loop
        #: is used when the task is cancelled
        self.token = token
        self._visit = Visit(_SEATS, self._is_over)

    def _is_over(self) -> bool:
        meter = current_meter()
        return self.token.cancelled or (meter is not None and meter.seconds_left() == 0)

    def run(self, call: Callable[[Beside], T]) -> T:
        """Makes the call."""
        self._visit.enter()
        try:
            return call(self)
        finally:
            self._visit.leave()

    def looking(self, progress: Callable[[Meter], object] | None) -> Look:
        """What the guest's meter is to call as its progress."""
        return Look(self, progress)

    def look(self) -> None:
        """Lets other guests run for a while, if any wait."""
        self._visit.look()

    def await_for(self, awaitable: Awaitable[Any]) -> Any:
        """Has the loop run an awaitable of the host's, gives its result or raises its exception."""
        self._visit.leave()
        try:
            future = asyncio.run_coroutine_threadsafe(_awaited(awaitable), self._loop)
            return _result(future, self.token)
        finally:
            self._visit.enter()


class Look:
    """The progress of a call in a thread: others have their turn, and the meter finds the loop."""

    def __init__(self, beside: Beside, progress: Callable[[Meter], object] | None) -> None:
        self._beside, self._progress = beside, progress
        self.await_for = beside.await_for

    def __call__(self, meter: Meter) -> None:
        self._beside.look()
        if self._progress is not None:
            self._progress(meter)


async def in_thread(call: Callable[[Beside], T], cancel: CancelToken | None = None) -> T:
    """Runs a call of a guest in a thread."""
    loop = asyncio.get_running_loop()
    beside = Beside(loop, cancel or CancelToken())
    # on whose behalf it is, and who wants to know of frames, is known there too
    run = copy_context().run
    async with _turns():
        pass  # a start of a thread waits until that has run, behind guests that run: one a turn
    done: asyncio.Future[T] = loop.run_in_executor(_workers(), run, beside.run, call)
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        beside.token.cancel()
        # nobody may find the instance busy once this has ended
        await asyncio.wait([done])
        done.exception()
        raise


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _result(future: Future[Any], token: CancelToken) -> Any:
    """What an awaitable gives; looked after while it is waited for."""
    meter = current_meter()
    while True:
        try:
            return future.result(_LOOK)
        except FutureTimeout:
            if future.done():
                raise
            try:
                if meter is not None:
                    meter.check()
            except BaseException:
                future.cancel()
                raise


_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()
#: guests that run beside event loops at once; more wait for their turn
_WORKERS = 128


def _workers() -> ThreadPoolExecutor:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(_WORKERS, "pywasmgk")
        return _pool


# -- without


async def _sliced(
    instance: Instance,
    func: Func,
    values: Sequence[Any],
    turn: float,
    cancel: CancelToken | None,
    limits: dict[str, Any],
) -> Any:
    from .execution import Execution

    def begin() -> Execution:
        return Execution(
            func, values, instance.meter(cancel=cancel, **limits), None, defer_async=True
        )

    return await drive(begin, turn)


async def drive(begin: Callable[[], Execution], turn: float = _TURN) -> Any:
    """Begins an execution, takes it to its end in slices of ``turn`` seconds, and gives what
    ``finish`` does."""
    size = _FIRST
    with ExitStack() as closing:
        async with _turns():
            held = closing.enter_context(begin())
        while not held.done:
            async with _turns():
                began = time.perf_counter()
                held.end_slice_at(began + turn)
                ends = held.steps + size
                held.step(size)
                took = time.perf_counter() - began
                if held.steps >= ends or took > 2 * turn:
                    # else compiled code has looked at the clock, and ended the slice
                    size = _adapted(size, took, turn)
            if held.pending is not None:
                await _answer(held, held.pending)
        return held.finish()


_LOCKS = LoopLocks()


@asynccontextmanager
async def _turns() -> AsyncIterator[None]:
    """The turn that a guest has for a slice. It is over when the loop has had its own, so that this
    never has to wait for two guests."""
    async with _LOCKS.of_this_loop():
        yield
        await asyncio.sleep(0)


def _adapted(size: int, took: float, turn: float) -> int:
    if took > turn:
        return max(size // 2, 1)
    return min(size * 2, _MOST) if took < turn / 2 else size


async def _answer(held: Execution, pending: PendingCall) -> None:
    """Has the host answer what an execution waits for; its time is the guest's."""
    meter = held.meter
    meter.go_on()
    task = asyncio.ensure_future(held.ask_host(pending))
    try:
        while not task.done():
            left = meter.seconds_left()
            await asyncio.wait([task], timeout=_LOOK if left is None else min(_LOOK, left))
            if not task.done():
                meter.check()
        held.answer(task.result())
    except asyncio.CancelledError:
        raise
    except Exception as error:
        held.answer(error=error)
    finally:
        task.cancel()
        meter.pause()
