"""So many at a time: connections, and what waits for one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..plugin.host import CallContext, HostFunctionError

__all__ = ["Slots"]

#: seconds between two looks at whether the call that waits is cancelled
_LOOK_EVERY = 0.02


class Slots:
    """Lets at most ``count`` calls have something at a time; others wait ``patience`` seconds, and
    never longer than their deadline."""

    def __init__(self, count: int, what: str, patience: float) -> None:
        self._free = threading.Semaphore(count)
        self._count = count
        self._what = what
        self._patience = patience

    def take(self, ctx: CallContext) -> None:
        """Takes one. Raises HostFunctionError where none came free in time; DeadlineExceeded and
        Cancelled with the call."""
        if self._free.acquire(blocking=False):
            return
        end = time.monotonic() + self._patience
        while not self._free.acquire(timeout=_LOOK_EVERY):
            ctx.check()
            if time.monotonic() > end:
                raise HostFunctionError(
                    f"all {self._count} {self._what} were in use for {self._patience:g} s"
                )

    def give_back(self) -> None:
        """Gives one back."""
        self._free.release()

    @contextmanager
    def taken(self, ctx: CallContext) -> Iterator[None]:
        """One, for a ``with`` block."""
        self.take(ctx)
        try:
            yield
        finally:
            self.give_back()
