"""Ends what waits for a server that does not answer.

A server ends a statement in time by itself, as it is told to. One that is frozen, or cut off, does
not; and nobody tells it that a call was cancelled. So one thread looks after all connections that
wait, and shuts the socket of one whose time is over: the driver then finds it closed, and says so.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..plugin.host import CallContext

__all__ = ["Watchdog"]

#: seconds between two looks
_LOOK_EVERY = 0.05


class _Watched:
    """A connection that waits."""

    def __init__(self, descriptor: int, end: float, ctx: CallContext) -> None:
        # a descriptor of its own: the connection's number may be another's by then
        self.socket = socket.socket(fileno=os.dup(descriptor))
        self.end = end
        self.token = ctx.cancel

    def is_over(self) -> bool:
        """Whether its time is over, or its call cancelled."""
        return time.monotonic() >= self.end or (self.token is not None and self.token.cancelled)

    def cut(self) -> None:
        """Ends both directions of the connection."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is closed already


class Watchdog:
    """Looks after connections while they wait. Its thread runs while there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: set[_Watched] = set()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, ctx: CallContext, descriptor: int | None, seconds: float) -> Iterator[None]:
        """Cuts a connection, by the descriptor of its socket, if the block takes longer than so
        many seconds, or the call is cancelled. ``None`` is one that cannot be cut."""
        if descriptor is None:
            yield
            return
        watched = _Watched(descriptor, time.monotonic() + seconds, ctx)
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._look, name="pywasmgk-watchdog", daemon=True
                )
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(watched)
            watched.socket.close()

    def _look(self) -> None:
        idle = 0
        while True:
            time.sleep(_LOOK_EVERY)
            with self._lock:
                for watched in [one for one in self._watched if one.is_over()]:
                    watched.cut()
                    self._watched.discard(watched)
                # a thread is not made anew for each statement
                idle = 0 if self._watched else idle + 1
                if idle > 100:
                    self._thread = None
                    return
