"""What a plugin has asked of its host, counted (contract 4.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Statistics"]

_COUNTERS = ("db_queries", "db_execs", "cache_ops", "http_requests", "calls", "errors")


class Statistics:
    """Counters of one plugin. ``now`` gives seconds since 1970."""

    def __init__(self, plugin_name: str, *, now: Callable[[], float] = time.time) -> None:
        self._plugin_name = plugin_name
        self._now = now
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._last_call_at = 0
        self._lock = threading.Lock()

    def count(self, counter: str, *, call: bool = True) -> None:
        """Adds one; of a ``call`` the time is noted. Without counter only that."""
        with self._lock:
            if counter:
                self._counts[counter] += 1
            if call:
                self._last_call_at = int(self._now() * 1000)

    def snapshot(self) -> dict[str, str | int]:
        """The counters by the contract's keys; ``last_call_at`` in milliseconds since 1970, 0 for
        never."""
        with self._lock:
            return {
                "plugin_name": self._plugin_name,
                **self._counts,
                "last_call_at": self._last_call_at,
            }
