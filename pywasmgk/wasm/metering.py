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
from typing import NamedTuple

from ..errors import Cancelled, DeadlineExceeded, OutOfFuel

__all__ = [
    "CURRENT",
    "DEFAULT_DEPTH",
    "DEFAULT_FUEL",
    "DEFAULT_TIMEOUT",
    "FIRST_SLICE",
    "FRAMES_LEFT",
    "CancelToken",
    "Meter",
    "Renewed",
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
#: instructions that an account hands out before anybody looks at the clock
FIRST_SLICE = 20_000
_LARGEST_SLICE = (1 << 30) - 1
#: seconds between two looks at the clock that the slices aim for
_LOOK_EVERY = 0.01


_sleepers = threading.Lock()


class CancelToken:
    """Stops calls that were given it, from any thread."""

    def __init__(self) -> None:
        self._cancelled = False
        #: what sleepers wait for; most calls have a token and no sleepers
        self._event: threading.Event | None = None

    def cancel(self) -> None:
        """Ends every call with this token at its next test point, and wakes it if it sleeps."""
        self._cancelled = True
        if self._event is not None:
            self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    def wait(self, seconds: float) -> bool:
        """Sleeps until cancelled, at most so long; gives whether it was."""
        with _sleepers:
            event = self._event = self._event or threading.Event()
        # in this order: who cancels now is seen here, or sees the event
        return self._cancelled or event.wait(seconds)


class Terms(NamedTuple):
    """What an account allows."""

    #: instructions; ``None`` is no limit
    fuel: int | None
    #: seconds; ``None`` is no limit
    timeout: float | None
    #: told at every look at the clock
    progress: Callable[[Meter], object] | None
    #: wasm frames
    depth: int
    clock: Callable[[], float]
    #: instructions, as a number
    budget: int
    #: nobody need look at the beginning: the first slice is short, and the clock the machine's
    quick: bool


class Meter:
    """The account of one outermost call and of all that runs under it. The call has begun."""

    # most calls never change these, and creating an account is a part of what they cost

    #: who may end the call, if anybody
    cancel: CancelToken | None = None
    #: calls from the host that are open on it: the outermost, and those of host functions
    entries = 0
    #: calls to host functions so far
    host_calls = 0
    #: an exception that came from a host function, to tell it from an interruption
    host_error: BaseException | None = None
    # instructions of the slice that ended at the latest look at the clock; 0 if it goes on
    used_up = 0
    _slice = FIRST_SLICE
    #: the part of the slice that is not handed out
    _rest = 0
    #: when the slice began, in the clock's seconds, if that was not with the call
    _slice_began: float | None = None

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
        timeout = timeout if timeout is not None and timeout > 0 else None
        quick = cancel is None and progress is None and clock is time.monotonic
        budget = _UNLIMITED if fuel is None else fuel
        self.terms = Terms(fuel, timeout, progress, depth, clock, budget, quick)
        self.started = clock()
        if cancel is not None:
            self.cancel = cancel
        #: what remains of the call depth
        self.depth = depth
        #: how deep compiled code may call, since Python's own stack is bounded too
        self.budget = min(depth, _PYTHON_DEPTH)
        #: fuel in the hands of the tier, as far as it has told; negative when overdrawn
        self.left = 0
        #: fuel that is not handed out
        self.reserve = budget
        self._begin(FIRST_SLICE)

    def _begin(self, first: int) -> None:
        """Hands out the first slice, or lets the first test point look."""
        if self.terms.quick:
            self.left = min(first, self.terms.budget)
        else:
            self.left, self._rest = -1, first
        self.reserve = self.terms.budget - self.left

    def renewed(self) -> Meter:
        """One that begins now, with the limits of this one, which nothing was charged to."""
        terms = self.terms
        if not terms.quick:
            rest = terms.progress, terms.depth, terms.clock
            watched = Meter(terms.fuel, terms.timeout, self.cancel, *rest)
            watched._rest = self._rest
            return watched
        meter: Meter = Renewed()
        meter.terms = terms
        meter.started = terms.clock()
        meter.depth = self.depth
        meter.budget = self.budget
        # one look: another thread may have this one go on
        meter.left = left = self.left
        meter.reserve = terms.budget - left
        return meter

    def follow(self, other: Meter) -> None:
        """Goes on with the slice that ``other`` left at its end: so the ends of slices come to
        whatever runs much, also where all calls are short. Nothing was charged to it yet."""
        rest = other.left if other.left > 0 else other._rest
        self._begin(min(rest or FIRST_SLICE, FIRST_SLICE))

    # -- what hosts ask

    @property
    def limit(self) -> int | None:
        """What the call may spend; ``None`` is no limit."""
        return self.terms.fuel

    @property
    def clock(self) -> Callable[[], float]:
        """What tells the time."""
        return self.terms.clock

    @property
    def deadline(self) -> float | None:
        """When the call must end, in the clock's seconds; ``None`` is never."""
        timeout = self.terms.timeout
        return None if timeout is None else self.started + timeout

    @property
    def fuel_used(self) -> int:
        """Instructions charged so far; the limit itself once that has stopped the call. What runs
        at the moment may still hold charges of its own: hosts see them at their calls."""
        return self.terms.budget - self.reserve - self.left

    @property
    def fuel_left(self) -> int | None:
        """Instructions that remain, or ``None`` without a limit."""
        return None if self.limit is None else max(self.reserve + self.left, 0)

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.started

    def seconds_left(self) -> float | None:
        """Seconds to the deadline, never negative, or ``None`` without one."""
        deadline = self.deadline
        return None if deadline is None else max(deadline - self.clock(), 0.0)

    def is_due(self) -> bool:
        """Whether the next test point is to end the call, or to tell somebody of it."""
        cancel = self.cancel
        if self.terms.progress is not None or (cancel is not None and cancel.cancelled):
            return True
        return self._is_over()

    def _is_over(self) -> bool:
        """Whether the time is up."""
        terms = self.terms
        return terms.timeout is not None and terms.clock() >= self.started + terms.timeout

    def check(self) -> None:
        """Raises Cancelled or DeadlineExceeded if it is time to."""
        cancel = self.cancel
        if cancel is not None and cancel.cancelled:
            raise Cancelled(f"cancelled after {self._account()}")
        if self._is_over():
            raise DeadlineExceeded(
                f"gave up after {self.terms.timeout:g} s at {self.fuel_used:,} instructions; "
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
        """Gives a tier what is left when it goes on after the host, whose time is not in the fuel:
        nothing in hand, if its next test point is to look."""
        return self.expire(self.left) if self.is_due() else self.left

    def expire(self, fuel: int) -> int:
        """Takes a slice back, so that the next test point comes to :meth:`refill`."""
        # a slice that was taken back before goes down with what was charged since
        self._rest = fuel if fuel > 0 else max(self._rest + fuel + 1, 0)
        # one less than nothing: it comes even if nothing is charged until then
        self.reserve += fuel + 1
        self.left = -1
        return -1

    def refill(self, fuel: int) -> int:
        """The slow path of a test point: takes an overdrawn slice, gives its rest or the next one.

        Raises OutOfFuel, DeadlineExceeded or Cancelled; the tier still holds ``fuel`` then.
        """
        self.left = fuel
        if self.reserve + fuel < 0:
            self.reserve = -fuel
            raise OutOfFuel(f"all {self.limit:,} instructions used up in {self.elapsed():.3f} s")
        self.check()
        progress = self.terms.progress
        if progress is not None:
            progress(self)
        issued = self._rest + fuel + 1
        if self._rest and issued > 0:
            self.used_up = 0
        else:
            self.used_up = self._slice
            self._adapt()
            issued = self._slice
        self._rest = 0
        left = self.reserve + fuel
        if issued > left:
            issued = left
        self.left = issued
        self.reserve = left - issued
        return issued

    def note(self, fuel: int) -> None:
        """Says in ``used_up`` whether the slice is used up, where that is no test point."""
        self.used_up = self._slice if self._rest + fuel < 0 else 0

    def _adapt(self) -> None:
        """Steers the slice to one look every 10 ms, the time of host calls in it included."""
        now, began = self.clock(), self._slice_began
        since = now - (self.started if began is None else began)
        self._slice_began = now
        if since < _LOOK_EVERY / 2:
            self._slice = min(self._slice * 2, _LARGEST_SLICE)
        elif since > _LOOK_EVERY * 2:
            self._slice = max(self._slice // 2, 1_000)


class Renewed(Meter):
    """A Meter that is filled by hand."""

    __init__ = object.__init__


class _Current(threading.local):
    """The account of the outermost call that runs in this thread."""

    meter: Meter | None = None


#: open accounts, by thread
CURRENT = _Current()


def current_meter() -> Meter | None:
    """The account that a call made now, in this thread, would draw on."""
    return CURRENT.meter
