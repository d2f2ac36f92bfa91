"""Sliding windows: how often something may happen in the last seconds (contract 4.3)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["RateLimiter"]


class RateLimiter:
    """At most ``most`` events in any ``seconds``; 0 is no limit. Threads may share it.

    A changed limit begins with an empty window; the same one again changes nothing (contract 4.2).
    """

    def __init__(
        self, seconds: float, most: int = 0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """Events in a window."""
        return self._most

    def limit(self, most: int) -> None:
        """Changes the limit."""
        with self._lock:
            if most != self._most:
                self._most = most
                self._times.clear()

    def take(self) -> bool:
        """Whether one more may happen now; if so, it is counted."""
        with self._lock:
            if not self._most:
                return True
            now = self._clock()
            while self._times and self._times[0] <= now - self._seconds:
                self._times.popleft()
            if len(self._times) >= self._most:
                return False
            self._times.append(now)
            return True
