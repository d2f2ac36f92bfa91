"""What happens, for pages that watch: the log, calls and changes, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

from ..log_buffer import LogEntry
from ..manager import PluginChange, PluginManager
from ..records import CallRecord

__all__ = ["Event", "Feed", "call_form"]

#: events that wait for a page at most; a slow one loses what is older (contract 5.7)
_MOST_WAITING = 256
#: calls that are remembered for the plots
_MOST_CALLS = 2000


class Event(NamedTuple):
    """``log``, ``call``, ``change`` or ``lost``, and its JSON value."""

    kind: str
    form: dict[str, Any]

    @property
    def data(self) -> str:
        """The value on one line."""
        return json.dumps(self.form, default=str)


class Feed:
    """Takes note of what a manager tells, and hands it on to pages."""

    def __init__(self, manager: PluginManager) -> None:
        self._calls: deque[CallRecord] = deque(maxlen=_MOST_CALLS)
        self._pages: tuple[_Page, ...] = ()
        self._lock = threading.Lock()
        self._ends: list[Callable[[], None]] = [
            manager.on_call.add(self._called),
            manager.on_change.add(self._changed),
            manager.log.follow(self._logged),
        ]

    def close(self) -> None:
        """Listens no more, and ends the pages' streams."""
        for end in self._ends:
            end()
        for page in self._pages:
            page.put(None)

    def calls(self, plugin: str | None = None) -> list[CallRecord]:
        """The latest calls, the oldest first."""
        with self._lock:
            calls = list(self._calls)
        return [call for call in calls if plugin is None or call.plugin == plugin]

    async def events(self) -> AsyncIterator[Event]:
        """What happens from now on."""
        page = _Page(asyncio.get_running_loop())
        with self._lock:
            self._pages = (*self._pages, page)
        try:
            while (event := await page.get()) is not None:
                yield event
        finally:
            with self._lock:
                self._pages = tuple(one for one in self._pages if one is not page)

    def _tell(self, event: Event) -> None:
        for page in self._pages:
            page.put(event)

    def _called(self, record: CallRecord) -> None:
        with self._lock:
            self._calls.append(record)
        self._tell(Event("call", call_form(record)))

    def _changed(self, change: PluginChange) -> None:
        self._tell(Event("change", change._asdict()))

    def _logged(self, entry: LogEntry) -> None:
        self._tell(Event("log", entry.form()))


class _Page:
    """A stream of events to one browser, filled from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Event | None] = deque()
        self._lost = 0
        self._bell = asyncio.Event()

    def put(self, event: Event | None) -> None:
        """Hands an event on; ``None`` is the end."""
        try:
            self._loop.call_soon_threadsafe(self._take, event)
        except RuntimeError:
            pass  # the loop has ended, and the page with it

    def _take(self, event: Event | None) -> None:
        self._waiting.append(event)
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft()
            self._lost += 1
        self._bell.set()

    async def get(self) -> Event | None:
        """The next event."""
        while not self._waiting:
            self._bell.clear()
            await self._bell.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return Event("lost", {"events": lost})
        return self._waiting.popleft()


def call_form(record: CallRecord) -> dict[str, Any]:
    """A call as JSON."""
    return {
        "plugin": record.plugin,
        "function": record.function,
        "caller": record.caller,
        "timestamp": record.timestamp,
        "seconds": round(record.seconds, 6),
        "fuel": record.fuel,
        "pages": record.pages,
        "host_calls": record.host_calls,
        "error": None if record.error is None else str(record.error)[:500],
    }
