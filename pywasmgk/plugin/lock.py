"""The lock of a plugin: whose turn it is, waited for in order not to hang.

A thread that holds one plugin may wait for another one (plugin_call). Threads that would wait for
each other in a circle find that out while they wait, and the last of them to begin is refused.

An interruption (KeyboardInterrupt) may come between any two steps, also between taking the turn
and noting it, or before it is given up. So nobody has to give anything up: a turn belongs to the
frame of the function that took it, and is over when that is not executing any more. What is
shared is changed in single steps of C, so that no lock of Python's can be left behind either.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from itertools import count
from types import FrameType
from typing import Any

from ..errors import CallError, CallTimeout, Cancelled
from ..wasm.runtime.metering import CancelToken

__all__ = ["Taken", "Turns"]

#: seconds between two looks at what a waiting thread may be told by nobody
_LOOK_EVERY = 0.02


class _Turn:
    """One thread's turn. Those that come after one another are linked: the next one is put into
    ``next`` by ``dict.setdefault``, which gives each turn exactly one successor."""

    __slots__ = ("frame", "next", "owner")

    def __init__(self, frame: FrameType | None, owner: int | None) -> None:
        #: of the function that holds it; ``None`` once it is over
        self.frame = frame
        #: ident of its thread
        self.owner = owner
        self.next: dict[int, _Turn] = {}

    def is_over(self) -> bool:
        """Whether it was given up, or its function has ended without doing so."""
        frame = self.frame
        return frame is None or not _executes(frame)


class _Waiter:
    """A thread that waits for a turn."""

    __slots__ = ("bell", "frame", "ticket", "turns")

    def __init__(self, turns: Turns, frame: FrameType) -> None:
        self.turns = turns
        self.frame = frame
        #: who comes later has a larger one
        self.ticket = next(_tickets)
        #: released when a turn ends
        self.bell = threading.Lock()
        self.bell.acquire()


_tickets = count()
#: what threads wait for, by ident
_waiting: dict[int, _Waiter] = {}


def _executes(frame: FrameType) -> bool:
    """Whether a function has not ended. A frame that has is cleared, which does no harm."""
    try:
        frame.clear()
    except RuntimeError:
        return True
    return False


class Turns:
    """One thread at a time; the same thread twice is an error, not a hang."""

    def __init__(self) -> None:
        self._latest = _Turn(None, None)
        self._waiters: deque[_Waiter] = deque()

    @property
    def owner(self) -> int | None:
        """Ident of the thread whose turn it is."""
        turn = self._last()
        return None if turn.is_over() else turn.owner

    def taken(self, label: str, timeout: float | None, cancel: CancelToken | None = None) -> Taken:
        """The turn, for a ``with`` block of a function that catches nothing around it. It is
        waited for at most ``timeout`` seconds; ``label`` is for messages.

        Raises CallError for a re-entrant or circular call and for a cancelled one, CallTimeout.
        """
        return Taken(self, label, timeout, cancel)

    def _last(self) -> _Turn:
        turn = self._latest
        while turn.next:
            turn = turn.next[0]
        return turn

    def _try(self, mine: _Turn) -> bool:
        """Takes the turn if it is nobody's."""
        turn = self._last()
        if turn.is_over() and turn.next.setdefault(0, mine) is mine:
            self._latest = mine
            return True
        return False

    def _leave(self, mine: _Turn) -> None:
        mine.frame = None
        self._wake()

    def _wake(self) -> None:
        if self._waiters:
            try:
                self._waiters.popleft().bell.release()
            except IndexError:
                return  # it gave up at this moment

    def _take(
        self, frame: FrameType, label: str, timeout: float | None, cancel: CancelToken | None
    ) -> tuple[_Turn, bool]:
        me = threading.get_ident()
        mine = _Turn(frame, me)
        if self._try(mine):
            return mine, False
        if self.owner == me:
            raise CallError(f"{label} is called from within its own call")
        waiter = _waiting[me] = _Waiter(self, frame)
        self._waiters.append(waiter)
        try:
            self._wait(waiter, mine, label, timeout, cancel)
        finally:
            del _waiting[me]
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif self._last() is not mine:
                self._wake()  # it was another one's bell that rang
        return mine, True

    def _wait(
        self,
        waiter: _Waiter,
        mine: _Turn,
        label: str,
        timeout: float | None,
        cancel: CancelToken | None,
    ) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while not self._try(mine):
            if self._is_last_of_circle(waiter):
                raise CallError(f"{label} is busy with a call that waits for this one: deadlock")
            if cancel is not None and cancel.cancelled:
                why = "cancelled while it waited for another call"
                raise CallError(f"{label}: {why}", Cancelled(why))
            left = _LOOK_EVERY if end is None else end - time.monotonic()
            if left <= 0:
                raise CallTimeout(f"{label} was busy with another call for {timeout:g} s")
            waiter.bell.acquire(timeout=min(left, _LOOK_EVERY))

    def _is_last_of_circle(self, waiter: _Waiter) -> bool:
        """Whether the thread whose turn it is waits, over others, for this one, which came last."""
        seen: set[int] = set()
        owner = self.owner
        while owner is not None and owner not in seen:
            seen.add(owner)
            other = _waiting.get(owner)
            if other is waiter:
                return True
            if other is None or other.ticket > waiter.ticket or not _executes(other.frame):
                return False
            owner = other.turns.owner
        return False


class Taken:
    """A turn while it lasts, as a context manager."""

    __slots__ = ("_terms", "_turn", "_turns")

    def __init__(self, turns: Turns, *terms: Any) -> None:
        self._turns = turns
        self._terms = terms

    def __enter__(self) -> bool:
        """Takes the turn; gives whether somebody else had it."""
        self._turn, waited = self._turns._take(sys._getframe(1), *self._terms)
        return waited

    def __exit__(self, *exc: object) -> None:
        self._turns._leave(self._turn)
