"""What is known of calls: one each, and sums by plugin."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..errors import CallTimeout

__all__ = ["CallRecord", "CallStats", "CallTally"]


class CallRecord(NamedTuple):
    """A call that has ended, well or not."""

    plugin: str
    function: str
    #: the plugin that called, or nothing
    caller: str
    #: since 1970, when it began
    timestamp: float
    #: that it took on the wall, waiting for other calls included
    seconds: float
    #: instructions, and pages of memory after it; 0 where that is not known
    fuel: int
    pages: int
    #: host calls, WASI's too
    host_calls: int
    error: BaseException | None


@dataclass(frozen=True)
class CallStats:
    """Sums over the calls of one plugin."""

    calls: int = 0
    #: of those, how many failed; of these, how many by their deadline
    failures: int = 0
    timeouts: int = 0
    #: all together, and the longest
    seconds: float = 0.0
    longest: float = 0.0
    fuel: int = 0
    #: since 1970; 0 before the first
    last_call_at: float = 0.0


class CallTally:
    """Sums by plugin, from any thread."""

    def __init__(self) -> None:
        self._stats: dict[str, CallStats] = {}
        self._lock = threading.Lock()

    def count(self, record: CallRecord) -> None:
        """Adds a call."""
        with self._lock:
            past = self._stats.get(record.plugin, CallStats())
            self._stats[record.plugin] = replace(
                past,
                calls=past.calls + 1,
                failures=past.failures + (record.error is not None),
                timeouts=past.timeouts + isinstance(record.error, CallTimeout),
                seconds=past.seconds + record.seconds,
                longest=max(past.longest, record.seconds),
                fuel=past.fuel + record.fuel,
                last_call_at=record.timestamp,
            )

    def of(self, plugin: str) -> CallStats:
        """Those of one plugin; zeros before its first call."""
        return self._stats.get(plugin, CallStats())
