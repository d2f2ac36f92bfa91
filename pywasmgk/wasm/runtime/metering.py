"""One account per outermost call: fuel, deadline, cancellation, progress, depth.

The tiers count fuel down in a slice of their own and come here only when it is used up, at a *test
point* (RATIONALE.md, "When does a fuel limit stop the guest?"). ``reserve`` is what has not been
handed out; whatever a tier holds plus the reserve is what is left of the limit, so that the
verdict OutOfFuel depends on the charges alone and never on slices or clocks.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import Cancelled, DeadlineExceeded, HostError, OutOfFuel
from .defaults import DEFAULT_DEPTH, DEFAULT_FUEL, DEFAULT_TIMEOUT
from .python_stack import RECURSION, CountedFrames, allowance

if TYPE_CHECKING:
    from .witness import Witness

__all__ = [
    "CURRENT",
    "EASY_ENTRIES",
    "FIRST_SLICE",
    "FRAMES_LEFT",
    "STUBS",
    "CancelToken",
    "Meter",
    "Renewed",
    "ThreadState",
    "current_meter",
    "is_running",
]


#: frames of Python that compiled code must find, or else the interpreter goes on
FRAMES_LEFT = 50
#: frames of Python that guests use without seeing to it that there are so many
_FREE_FRAMES = 300
#: calls that may be open on an account without seeing to it that Python has frames for more
EASY_ENTRIES = 4
#: frames of Python for host functions, from one time that somebody sees to it to the next
_HOST_FRAMES = 800
_HOSTS_AT_ONCE = 8
#: stands for "no limit"; far above what can be counted, far below slow integers
_UNLIMITED = 1 << 60
#: instructions that an account hands out before anybody looks at the clock
FIRST_SLICE = 20_000
#: the most that it hands out at once, however cheap the latest instructions were: the next ones may
#: be the dearest there are (RATIONALE.md, "What bounds the time between two looks at the clock?")
_LARGEST_SLICE = 100_000
#: seconds between two looks at the clock that the slices aim for, at most
_LOOK_EVERY = 0.01


#: seconds that one call of the host's may sleep; its clocks count no further than 2**63 ns
_LONGEST_SLEEP = 86_400.0

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
    #: the latest exception that was explained to who called (``faults``); any other one that ends a
    #: call is an interruption
    told: BaseException | None = None
    #: charged for what an exception of the host's passed by: given back if the host function that
    #: runs swallows it
    unspent = 0
    #: the latest growth of a memory that a limit forbade
    refused: str | None = None
    #: a host function runs on it
    outside = False
    #: who holds it is between two slices of its time
    paused = False
    #: what is there as long as it is open, if that is no frame of an entry stub
    holder: weakref.ref[Any] | None = None
    #: what is there as long as the innermost call inside of it that has an Account is
    inner: weakref.ref[Any] | None = None
    #: it was closed
    over = False
    # instructions of the slice that ended at the latest look at the clock; 0 if it goes on
    used_up = 0
    #: the most that is handed out at once
    largest_slice = _LARGEST_SLICE
    _slice = FIRST_SLICE
    #: the part of the slice that is not handed out
    _rest = 0
    #: when the slice began, in the clock's seconds, if that was not with the call
    _slice_began: float | None = None
    #: when time was made to stand still
    _paused_at = 0.0

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
        #: what remains of the frames of Python that compiled code may take in this thread
        self.budget = CURRENT.state.frames
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
        meter.budget = CURRENT.state.frames
        # one look: another thread may have this one go on
        meter.left = left = self.left
        meter.reserve = terms.budget - left
        return meter

    def follow(self, other: Meter) -> None:
        """Goes on with the slice that ``other`` left at its end: so the ends of slices come to
        whatever runs much, also where all calls are short. Nothing was charged to it yet."""
        # one that came to nothing is not yet known to be used up
        rest = other.left if other.left >= 0 else other._rest or FIRST_SLICE
        self._begin(min(rest, FIRST_SLICE))

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

    def refuel(self, amount: int) -> None:
        """Sets what remains, for a host function: what was spent stays spent."""
        used = self.fuel_used
        self.terms = self.terms._replace(fuel=used + amount, budget=used + amount)
        self.left = min(self.left, amount)
        self.reserve = amount - self.left

    def shorten(self, seconds: float | None, cancel: CancelToken | None) -> None:
        """Has it end so many seconds from now at the latest, and when ``cancel`` is used."""
        if seconds is not None:
            left = self.seconds_left_paused() if self.paused else self.seconds_left()
            now = self.seconds_paused() if self.paused else self.elapsed()
            if left is None or seconds < left:
                self.terms = self.terms._replace(timeout=now + seconds)
        if cancel is not None:
            self.cancel = cancel

    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.clock() - self.started

    def seconds_left_paused(self) -> float | None:
        """Seconds that it will have when it goes on, or ``None`` without a deadline."""
        deadline = self.deadline
        return None if deadline is None else max(deadline - self._paused_at, 0.0)

    def seconds_paused(self) -> float:
        """Seconds that its call had run when it was paused."""
        return self._paused_at - self.started

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

    def look(self) -> None:
        """Raises Cancelled or DeadlineExceeded if it is time to, and tells of the progress: for
        test points, and for what takes time without charging fuel."""
        self.check()
        progress = self.terms.progress
        if progress is not None:
            progress(self)

    def sleep(self, seconds: float) -> None:
        """Sleeps, but not past the deadline, nor on when cancelled; then checks both."""
        self.doze(seconds)
        self.check()

    def doze(self, seconds: float) -> None:
        """Sleeps, but not past the deadline, nor on when cancelled; both are left to the next test
        point."""
        left = self.seconds_left()
        seconds = seconds if left is None else min(seconds, left)
        while seconds > 0 and not self._is_over():
            part = min(seconds, _LONGEST_SLEEP)
            if self.cancel is None:
                time.sleep(part)
            elif self.cancel.wait(part):
                return
            seconds -= part

    def forget(self) -> None:
        """Lets go of exceptions when the call is over: their frames hold the meter."""
        self.told = self.host_error = None

    def charge(self, amount: int) -> None:
        """Charges what a host function does, as if it were instructions. Raises OutOfFuel,
        DeadlineExceeded or Cancelled."""
        self.left -= amount
        if self.left < 0:
            self.refill(self.left)

    def _account(self) -> str:
        return f"{self.fuel_used:,} instructions, {self.elapsed():.3f} s"

    def await_for(self, func: object, coroutine: Any) -> Any:
        """What a coroutine of the host's gives. Raises HostError where there is no event loop."""
        # calls beside a loop are looked at by who knows it
        await_for = getattr(self.terms.progress, "await_for", None)
        if await_for is None:
            coroutine.close()
            raise HostError(
                f"{func!r} is async def: it can only be called by call_async, in our engines"
            )
        result: Any = await_for(coroutine)
        return result

    def pause(self) -> None:
        """Lets time stand still, until :meth:`go_on`."""
        self._paused_at = self.clock()
        self.paused = True

    def go_on(self) -> None:
        """Has time count again."""
        since = self.clock() - self._paused_at
        self.started += since
        if self._slice_began is not None:
            self._slice_began += since
        self.paused = False

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """Has time count for nothing, for one that is paused and goes on inside."""
        started, paused_at = self.started, self._paused_at
        self.started += _LONGEST_SLEEP * 365
        try:
            yield
        finally:
            self.started = started + self._paused_at - paused_at

    def spend(self, used: int) -> None:
        """Has it be as after so many instructions, for who goes back in time."""
        self.reserve, self.left, self._rest = self.terms.budget - used + 1, -1, 0

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
        self.look()
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
        """Steers the slice to one look every 10 ms, or more often where the largest slice is used
        up sooner, the time of host calls in it included."""
        now, began = self.clock(), self._slice_began
        since = now - (self.started if began is None else began)
        self._slice_began = now
        if since < _LOOK_EVERY / 2:
            self._slice = min(self._slice * 2, self.largest_slice)
        elif since > _LOOK_EVERY * 2:
            self._slice = max(self._slice // 2, 1_000)


class Renewed(Meter):
    """A Meter that is filled by hand."""

    __init__ = object.__init__


#: code objects of entry stubs, whose frames keep accounts open
STUBS: set[CodeType] = set()
#: the states of all threads that ran guests
_STATES: weakref.WeakSet[ThreadState] = weakref.WeakSet()


class ThreadState:
    """What guests have of one thread.

    An interruption may come between any two steps, also of what closes an account. So an account
    that is found here is not believed to be open: its call must still be on the stack.
    """

    __slots__ = (
        *("__weakref__", "_frames", "entries", "floor", "frames"),
        *("kept", "meter", "thread", "witness"),
    )

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        #: the account of the outermost call that runs in it
        self.meter: Meter | None = None
        #: frames of Python that an account begins with, and calls that may be open on it
        self.frames, self.entries = allowance()
        #: what must remain of the account's ``budget``, until somebody sees to it that Python's
        #: recursion limit lets it be used
        self.floor = max(self.frames - _FREE_FRAMES, 0)
        #: the recursion limit that is kept for host functions that call back in, until the account
        #: is closed; 0 if none is
        self.kept = 0
        #: who wants to know of frames that exceptions leave, where no task has a witness of its own
        self.witness: Witness | None = None
        self._frames = CountedFrames()
        _STATES.add(self)

    def checked(self) -> Meter | None:
        """The account that runs in it, which is the running thread; drops one whose call is gone.
        Who asks may be an entry stub that is about to join it, and is no proof."""
        meter = self.meter
        if meter is not None and (meter.paused or not _is_open(meter, sys._getframe(2))):
            meter = self.meter = None
            self.floor = max(self.frames - _FREE_FRAMES, 0)
            self.let_go()
        return meter

    def room(self, meter: Meter) -> int:
        """How deep compiled code may call at once."""
        return min(meter.depth, meter.budget - self.floor)

    def extend(self, budget: int) -> tuple[int, int]:
        """Lets all of a budget be used. Gives what :meth:`restore` takes."""
        before = self.floor, RECURSION.hold(self._frames.depth(sys._getframe(1)), budget)
        self.floor = 0
        return before

    def host_calls_in(self, meter: Meter) -> None:
        """Makes room for host functions that call back in, every so often, until the account is
        closed: who does it once often does it again."""
        # that of the with statement is there as long as the call
        frame = sys._getframe(3)
        if not self.has_room_for_hosts(meter, frame):
            depth = self._frames.keep(frame, meter.entries)
            self.kept = RECURSION.keep(depth, meter.budget - self.floor + _HOST_FRAMES)

    def has_room_for_hosts(self, meter: Meter, frame: FrameType) -> bool:
        """Whether there is room for one more host function that calls back in; the frame is there
        as long as its call."""
        entries = meter.entries
        if entries < EASY_ENTRIES or entries % _HOSTS_AT_ONCE != EASY_ENTRIES:
            return True
        kept, frames = self.kept, meter.budget - self.floor + _HOST_FRAMES
        return kept > 0 and self._frames.suffices(kept, frames, frame, entries)

    def restore(self, before: tuple[int, int]) -> None:
        """Takes back what was extended."""
        self.floor, held = before
        RECURSION.release(max(held, self.kept))

    def let_go(self) -> None:
        """Takes back what was kept until the account is closed, and all else."""
        self.kept = 0
        self._frames.forget()
        RECURSION.release()

    def close(self) -> None:
        """The account runs in it no more."""
        if self.kept:
            self.let_go()
        # last: while the account is open, who is inside is alive
        self.meter = None


class _Current(threading.local):
    """The running thread's state."""

    def __init__(self) -> None:
        self.state = ThreadState()


#: what guests have of the running thread
CURRENT = _Current()


def current_meter() -> Meter | None:
    """The account that a call made now, in this thread, would draw on."""
    state = CURRENT.state
    return None if state.meter is None else state.checked()


def is_running(meter: Meter) -> bool:
    """Whether an account is open in some thread, or held between two slices."""
    if meter.paused:
        return _is_open(meter, None)
    frames = sys._current_frames()
    return any(
        state.meter is meter and _is_open(meter, frames.get(state.thread))
        for state in list(_STATES)
    )


def _is_open(meter: Meter, frame: FrameType | None) -> bool:
    """Whether what opened an account is still there, for a thread that is in a frame."""
    inner = meter.inner
    if inner is not None and inner() is not None:
        return True
    if meter.holder is not None:
        return not meter.over and meter.holder() is not None
    while frame is not None:
        if frame.f_code in STUBS:
            return True
        frame = frame.f_back
    return False
