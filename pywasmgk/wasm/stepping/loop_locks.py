"""Locks of event loops, which do not outlast these.

``asyncio.Lock`` refers to its loop, so that a table of them by loop would keep every loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from weakref import WeakKeyDictionary

__all__ = ["LoopLocks"]


class _Lock:
    """Lets one task of a loop in at a time, who came first first: ``async with``."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # it was given at this moment
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            other = self._waiting.popleft()
            if not other.done():
                other.set_result(None)
                return
        self._taken = False


class LoopLocks:
    """A lock for each event loop."""

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lock] = WeakKeyDictionary()

    def of_this_loop(self) -> _Lock:
        """The lock of the loop that runs."""
        return self._locks.setdefault(asyncio.get_running_loop(), _Lock())
