"""Which guests run just now, of those in threads beside event loops.

A loop that wants its turn gets Python's interpreter after each thread that waits for it has run for
``sys.getswitchinterval``, 5 ms. So only a few guests run at a time, and hand on when they look at
the clock, about every 10 ms; that costs them nothing, since Python runs one thread at a time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["Seats", "Visit"]

#: seconds after which a guest that was not seen is in a plain function of the host's, and its seat
#: somebody else's; and between two looks of those who wait
_UNSEEN, _PATIENCE = 0.1, 0.05


class Seats:
    """Seats for so many guests. More wait, those that came first first."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._lock = threading.Lock()
        #: who has a seat, and when each was last seen
        self._taken: dict[Visit, float] = {}
        self._waiting: deque[Visit] = deque()

    def _take(self, visit: Visit) -> bool:
        """Whether there is a seat at once; else it is waited for."""
        with self._lock:
            self._waiting.append(visit)
            self._fill()
            return visit in self._taken

    def _leave(self, visit: Visit) -> None:
        with self._lock:
            if self._taken.pop(visit, None) is None and visit in self._waiting:
                self._waiting.remove(visit)
            self._fill()

    def _fill(self) -> None:
        now = time.monotonic()
        if self._waiting and len(self._taken) >= self.count:
            for visit, seen in list(self._taken.items()):
                if now - seen > _UNSEEN:
                    del self._taken[visit]
        while self._waiting and len(self._taken) < self.count:
            visit = self._waiting.popleft()
            self._taken[visit] = now
            visit.bell.release()

    def look_around(self) -> None:
        """Gives seats to who waits, where they are free."""
        with self._lock:
            self._fill()

    def seen(self, visit: Visit) -> bool:
        """Takes note that a guest is there; gives whether it may keep its seat."""
        with self._lock:
            if visit not in self._taken or self._waiting:
                return False
            self._taken[visit] = time.monotonic()
            return True


class Visit:
    """One guest's call, which has a seat while the guest runs."""

    def __init__(self, seats: Seats, is_over: Callable[[], bool]) -> None:
        self._seats = seats
        #: says that it is not to wait any longer: what ends the call ends it
        self._is_over = is_over
        self.bell = threading.Lock()
        self.bell.acquire()

    def enter(self) -> None:
        """Waits for a seat."""
        seats = self._seats
        if seats._take(self):
            self.bell.acquire()
            return
        while not self.bell.acquire(timeout=_PATIENCE):
            if self._is_over():
                return
            seats.look_around()

    def leave(self) -> None:
        """Gives the seat to somebody else."""
        self._seats._leave(self)
        # one that was given at this moment
        self.bell.acquire(blocking=False)

    def look(self) -> None:
        """Goes to the end of the queue, if there is one. For who has just come back, too."""
        if not self._seats.seen(self):
            self.leave()
            self.enter()
