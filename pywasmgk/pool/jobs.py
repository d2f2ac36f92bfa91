"""Calls on their way, and the queue that they wait in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import Context, copy_context

from ..plugin import LastCall
from ..plugin.dispatcher import running_behalf
from ..wasm.runtime.metering import CancelToken, current_meter

__all__ = ["FairQueue", "Job"]


class Job:
    """One call: what is asked, how long there is, and a future of its answer."""

    __slots__ = (
        "args", "attempts", "behalf", "cancel", "cancelled_at", "context", "deadline", "fuel",
        "function", "future", "idempotent", "last_call", "outermost", "submitted", "timeout",
        "who",
    )  # fmt: skip

    def __init__(
        self,
        function: str,
        args: bytes | None,
        timeout: float | None,
        fuel: int | None,
        *,
        who: Hashable,
        idempotent: bool,
    ) -> None:
        self.function, self.args, self.timeout, self.fuel = function, args, timeout, fuel
        #: whose call it is, for the queue
        self.who = who
        #: it may be made again where it is not known what became of it
        self.idempotent = idempotent
        self.submitted = time.monotonic()
        self.deadline = None if timeout is None else self.submitted + timeout
        self.future: Future[bytes | None] = Future()
        self.last_call: LastCall | None = None
        #: workers that it was given to
        self.attempts = 0
        self.cancelled_at: float | None = None
        #: ends it in a thread of this process, and its host calls
        self.cancel = CancelToken()
        #: on whose behalf it is, for its host calls
        self.context: Context = copy_context()
        self.behalf = running_behalf()
        self.outermost = current_meter() is None

    def seconds_left(self) -> float | None:
        """Seconds to the deadline, below 0 behind it; ``None`` without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def is_overdue(self, grace: float) -> bool:
        """Whether it should have ended ``grace`` seconds ago."""
        left = self.seconds_left()
        late = left is not None and left <= -grace
        cancelled = self.cancelled_at
        return late or (cancelled is not None and time.monotonic() >= cancelled + grace)

    def succeed(self, result: bytes | None) -> None:
        """Gives the answer, unless there is one."""
        with suppress(InvalidStateError):
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Ends it with an error, unless it has ended."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class FairQueue:
    """Jobs by whose they are: each has its turn after all others had theirs, whatever it has put
    in. To be used under one lock."""

    def __init__(self) -> None:
        self._by: dict[Hashable, deque[Job]] = {}
        self._order: deque[Hashable] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def put(self, job: Job, *, first: bool = False) -> None:
        """Adds a job; ``first`` is one that was taken before."""
        jobs = self._by.get(job.who)
        if jobs is None:
            jobs = self._by[job.who] = deque()
            (self._order.appendleft if first else self._order.append)(job.who)
        (jobs.appendleft if first else jobs.append)(job)
        self._size += 1

    def take(self) -> Job:
        """The next job. Raises IndexError where there is none."""
        who = self._order.popleft()
        jobs = self._by[who]
        job = jobs.popleft()
        if jobs:
            self._order.append(who)
        else:
            del self._by[who]
        self._size -= 1
        return job

    def remove(self, job: Job) -> bool:
        """Takes a certain job out; whether it was there."""
        jobs = self._by.get(job.who)
        if jobs is None or job not in jobs:
            return False
        jobs.remove(job)
        self._size -= 1
        if not jobs:
            del self._by[job.who]
            self._order.remove(job.who)
        return True

    def drain(self) -> Iterator[Job]:
        """Takes all of them out."""
        while self._size:
            yield self.take()
