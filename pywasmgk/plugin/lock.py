"""The lock of a plugin: whose turn it is, waited for in order not to hang.

A thread that holds one plugin may wait for another one (plugin_call). Threads that would wait for
each other in a circle are found when the last of them begins to wait, and that one is refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import CallError, CallTimeout, Cancelled
from ..wasm.metering import CancelToken

__all__ = ["Turns"]

#: seconds between two looks at a cancel token while waiting
_LOOK_EVERY = 0.02
#: seconds that one wait may take, or Python refuses it
_LONGEST = 3600.0

_book = threading.Lock()
#: what threads wait for, by ident
_waiting: dict[int, Turns] = {}


class Turns:
    """One thread at a time; the same thread twice is an error, not a hang."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: ident of the thread whose turn it is
        self.owner: int | None = None

    @contextmanager
    def taken(
        self, name: str, timeout: float | None, cancel: CancelToken | None = None
    ) -> Iterator[None]:
        """The turn, waited for at most ``timeout`` seconds; ``name`` is for messages.

        Raises CallError for a re-entrant or circular call and for a cancelled one, CallTimeout.
        """
        self.take(name, timeout, cancel)
        try:
            yield
        finally:
            self.leave()

    def leave(self) -> None:
        """Gives up what :meth:`take` took."""
        self.owner = None
        self._lock.release()

    def take(self, name: str, timeout: float | None, cancel: CancelToken | None) -> None:
        """The first half of :meth:`taken`."""
        me = threading.get_ident()
        if self.owner == me:
            raise CallError(f"plugin {name!r} is called from within its own call")
        if not self._lock.acquire(blocking=False):
            with _book:
                if self._leads_to(me):
                    raise CallError(
                        f"plugin {name!r} is busy with a call that waits for this one: deadlock"
                    )
                _waiting[me] = self
            try:
                self._wait(name, timeout, cancel)
            finally:
                with _book:
                    del _waiting[me]
        self.owner = me

    def _leads_to(self, me: int) -> bool:
        """Whether the thread whose turn it is waits, over others, for this one."""
        seen: set[int] = set()
        owner = self.owner
        while owner is not None and owner not in seen:
            if owner == me:
                return True
            seen.add(owner)
            waits_for = _waiting.get(owner)
            owner = None if waits_for is None else waits_for.owner
        return False

    def _wait(self, name: str, timeout: float | None, cancel: CancelToken | None) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            step = _LONGEST if cancel is None else _LOOK_EVERY
            if end is not None:
                step = max(min(step, end - time.monotonic()), 0.0)
            if self._lock.acquire(timeout=step):
                return
            if cancel is not None and cancel.cancelled:
                why = "cancelled while it waited for another call"
                raise CallError(f"plugin {name!r}: {why}", Cancelled(why))
            if end is not None and time.monotonic() >= end:
                raise CallTimeout(f"plugin {name!r} was busy with another call for {timeout:g} s")
