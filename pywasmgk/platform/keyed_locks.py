"""A lock for each key, for as long as somebody holds or wants it."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

__all__ = ["KeyedLocks"]


class KeyedLocks:
    """``with locks.held(key):`` keeps other threads out of the same key. The same thread may hold
    it twice."""

    def __init__(self) -> None:
        #: a lock, and how many threads hold or want it
        self._locks: dict[Hashable, tuple[threading.RLock, int]] = {}
        self._guard = threading.Lock()

    @contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """Waits for the key's lock, and holds it."""
        with self._guard:
            lock, users = self._locks.get(key, (None, 0))
            lock = lock or threading.RLock()
            self._locks[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = lock, users - 1
