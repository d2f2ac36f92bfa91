"""One account per outermost call: fuel, deadline, cancellation, progress, depth.

The tiers count fuel down in a slice of their own and come here only when it is used up, at a *test
point* (RATIONALE.md, "When does a fuel limit stop the guest?"). ``reserve`` is what has not been
handed out; whatever a tier holds plus the reserve is what is left of the limit, so that the
verdict OutOfFuel depends on the charges alone and never on slices or clocks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import Cancelled, DeadlineExceeded, OutOfFuel

__all__ = [
    "DEFAULT_DEPTH",
    "DEFAULT_FUEL",
    "DEFAULT_TIMEOUT",
    "FRAMES_LEFT",
    "CancelToken",
    "Meter",
    "current_meter",
]

#: instructions per outermost call
DEFAULT_FUEL = 1_000_000_000
#: seconds per outermost call
DEFAULT_TIMEOUT = 30.0
#: wasm frames on the call stack
DEFAULT_DEPTH = 2_000

#: frames that Python must have left for compiled code, or else the interpreter goes on
FRAMES_LEFT = 50
#: wasm frames that may be frames of Python at once; deeper calls run in the interpreter's loop
_PYTHON_DEPTH = 2_000
#: stands for "no limit"; far above what can be counted, far below slow integers
_UNLIMITED = 1 << 60
_FIRST_SLICE = 20_000
_LARGEST_SLICE = (1 << 30) - 1
#: seconds between two looks at the clock that the slices aim for
_LOOK_EVERY = 0.01


class CancelToken:
    """Stops calls that were given it, from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ends every call with this token at its next test point, and wakes it if it sleeps."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleeps until cancelled, at most so long; gives whether it was."""
        return self._event.wait(seconds)


class Meter:
    """The account of one outermost call and of all that runs under it."""

    def __init__(
        self,
        fuel: int | None = DEFAULT_FUEL,
        timeout: float | None = DEFAULT_TIMEOUT,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
        depth: int = DEFAULT_DEPTH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if fuel is not None and fuel < 0:
            raise ValueError(f"fuel must not be negative, found {fuel}")
        self.clock = clock
        self.started = clock()
        self.timeout = timeout if timeout is not None and timeout > 0 else None
        #: when the call must end, in the clock's seconds; None is never
        self.deadline = None if self.timeout is None else self.started + self.timeout
        self.cancel = cancel
        self.progress = progress
        #: what the call may spend; None is no limit
        self.limit = fuel
        self._budget = _UNLIMITED if fuel is None else fuel
        #: fuel that is not handed out
        self.reserve = self._budget
        #: fuel in the hands of the tier, as far as it has told; negative when overdrawn
        self.left = 0
        #: what remains of the call depth
        self.depth = depth
        #: how deep compiled code may call, since Python's own stack is bounded too
        self.budget = min(depth, _PYTHON_DEPTH)
        #: accounts opened on it that are not closed: host functions that called back in
        self.entries = 0
        #: calls to host functions so far
        self.host_calls = 0
        #: an exception that came from a host function, to tell it from an interruption
        self.host_error: BaseException | None = None
        self._slice = _FIRST_SLICE
        #: the clock is not the machine's: whoever gave it wants it read at every occasion
        self.timed = clock is not time.monotonic
        self._last_look = self.started
        #: the latest slice
        self.issued = 0

    def renewed(self) -> Meter:
        """One that begins now, with the limits of this one, which nothing was charged to."""
        meter = Meter.__new__(Meter)
        meter.__dict__.update(self.__dict__)
        meter.started = meter._last_look = now = self.clock()
        if self.timeout is not None:
            meter.deadline = now + self.timeout
        return meter

    # -- what hosts ask

    @property
    def fuel_used(self) -> int:
        """Instructions charged so far; the limit itself once that has stopped the call. What runs
        at the moment may still hold charges of its own: hosts see them at their calls."""
        return self._budget - self.reserve - self.left

    @property
    def fuel_left(self) -> int | None:
        """Instructions that remain, or ``None`` without a limit."""
        return None if self.limit is None else max(self.reserve + self.left, 0)

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.started

    def seconds_left(self) -> float | None:
        """Seconds to the deadline, never negative, or ``None`` without one."""
        return None if self.deadline is None else max(self.deadline - self.clock(), 0.0)

    def check(self) -> None:
        """Raises Cancelled or DeadlineExceeded if it is time to."""
        if self.cancel is not None and self.cancel.cancelled:
            raise Cancelled(f"cancelled after {self._account()}")
        if self.deadline is not None and self.clock() >= self.deadline:
            raise DeadlineExceeded(
                f"gave up after {self.timeout:g} s at {self.fuel_used:,} instructions; "
                "for repeatable limits set fuel"
            )

    def sleep(self, seconds: float) -> None:
        """Sleeps, but not past the deadline, nor on when cancelled; then checks both."""
        left = self.seconds_left()
        seconds = max(seconds if left is None else min(seconds, left), 0.0)
        if self.cancel is not None:
            self.cancel.wait(seconds)
        else:
            time.sleep(seconds)
        self.check()

    def _account(self) -> str:
        return f"{self.fuel_used:,} instructions, {self.elapsed():.3f} s"

    # -- what tiers ask

    def resume(self) -> int:
        """Gives a tier what is left after a host function or at the start of a call: nothing in
        hand, so that its next test point looks at the clock."""
        return self.expire(self.left)

    def begin(self) -> None:
        """Gives a tier what it has at the start of a call from the host. The first slice of an
        account is short, so that nobody needs to look at the clock for it."""
        if self.issued or self.cancel is not None or self.progress is not None or self.timed:
            self.resume()
        else:
            self.left = self.issued = min(self._slice, self.reserve)
            self.reserve -= self.issued

    def expire(self, fuel: int) -> int:
        """Takes a slice back, so that the next test point comes to :meth:`refill`."""
        # one less than nothing: it comes even if nothing is charged until then
        self.reserve += fuel + 1
        self.left = -1
        return -1

    def refill(self, fuel: int) -> int:
        """The slow path of a test point: takes an overdrawn slice, gives the next one.

        Raises OutOfFuel, DeadlineExceeded or Cancelled; the tier still holds ``fuel`` then.
        """
        self.left = fuel
        if self.reserve + fuel < 0:
            self.reserve = -fuel
            raise OutOfFuel(f"all {self.limit:,} instructions used up in {self.elapsed():.3f} s")
        self.check()
        if self.progress is not None:
            self.progress(self)
        self._adapt(fuel)
        left = self.reserve + fuel
        self.issued = min(self._slice, left)
        self.reserve = left - self.issued
        self.left = self.issued
        return self.issued

    def _adapt(self, fuel: int) -> None:
        """Steers the slice to one look every 10 ms; a slice given back early says nothing."""
        now = self.clock()
        since, self._last_look = now - self._last_look, now
        if self.issued == self._slice:
            if since < _LOOK_EVERY / 2:
                self._slice = min(self._slice * 2, _LARGEST_SLICE)
            elif since > _LOOK_EVERY * 2:
                self._slice = max(self._slice // 2, 1_000)


class _Current(threading.local):
    """The account of the outermost call that runs in this thread."""

    meter: Meter | None = None


_current = _Current()


def current_meter() -> Meter | None:
    """The account that a call made now, in this thread, would draw on."""
    return _current.meter


def set_current_meter(meter: Meter | None) -> None:
    """Opens or closes the thread's account."""
    _current.meter = meter
