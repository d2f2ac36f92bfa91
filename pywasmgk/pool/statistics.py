"""What a pool has done so far."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .jobs import Job

__all__ = ["Counters", "PoolStatistics"]

#: calls whose times are kept
_LATEST = 1_000


class PoolStatistics(NamedTuple):
    """Numbers of a pool."""

    #: workers that there are to be
    size: int
    #: calls that have ended, and those of them that failed
    calls: int
    failed: int
    #: calls that wait for a worker, and that have one
    waiting: int
    running: int
    #: workers that ended by themselves or were killed, and calls that were lost with one
    restarts: int
    lost: int
    #: seconds of the latest 1,000 calls, waiting included: half of them took no longer, and 99 of a
    #: hundred; 0 before the first
    p50: float
    p99: float
    #: instructions of all calls
    fuel: int


class Counters:
    """Counts; to be used under one lock."""

    def __init__(self) -> None:
        self.calls = self.failed = self.running = self.restarts = self.lost = self.fuel = 0
        self._seconds: deque[float] = deque(maxlen=_LATEST)

    def ended(self, job: Job, now: float) -> None:
        """Counts a call that has ended."""
        self.calls += 1
        self.failed += job.future.exception() is not None
        self._seconds.append(now - job.submitted)
        if job.last_call is not None:
            self.fuel += job.last_call.fuel

    def shown(self, size: int, waiting: int) -> PoolStatistics:
        """The numbers now."""
        seconds = sorted(self._seconds) or [0.0]
        p50, p99 = (seconds[int((len(seconds) - 1) * part)] for part in (0.5, 0.99))
        return PoolStatistics(
            size, self.calls, self.failed, waiting, self.running, self.restarts, self.lost,
            p50, p99, self.fuel,
        )  # fmt: skip
