"""Events that plugins publish, and those who listen (``publish_event``).

A subscriber has a queue with an end. Whoever is too slow loses events, the latest ones, and is told
how many before the next one it gets; nobody who publishes waits. ``lines_of`` writes an event as
server-sent events have it, where data of several lines are several fields (W51).
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from ..plugin.host import CallContext, HostFunctionError
from .failures import require

__all__ = ["Event", "Events", "Subscription", "lines_of"]

_LINES = re.compile(r"\r\n|\r|\n")
#: characters of the names in an event
_LONGEST_NAME = 200
#: the type of the event that says how many were lost
LOST = "lost"


class Event(NamedTuple):
    """An event that a plugin published; of type ``lost`` and of no plugin where it says, in its
    data, how many others were lost."""

    channel: str
    event_type: str
    data: str
    plugin: str
    #: counts all events that were published
    number: int


def lines_of(event: Event) -> str:
    """The event in the format of server-sent events (HTML standard, 9.2.5). Line breaks in data are
    kept, and those in names cannot begin another field."""
    name = _LINES.sub(" ", event.event_type)
    data = "".join(f"data: {line}\n" for line in _LINES.split(event.data))
    return f"id: {event.number}\nevent: {name}\n{data}\n"


class Subscription:
    """What one listener gets, in order: iterate over it, or :meth:`get`. ``with`` ends it."""

    def __init__(self, events: Events, channel: str | None, plugin: str | None, size: int) -> None:
        self._events = events
        self._channel, self._plugin = channel, plugin
        self._size = size
        self._queue: deque[Event] = deque()
        self._changed = threading.Condition()
        self._lost = 0
        self._closed = False

    def wants(self, event: Event) -> bool:
        """Whether it is among those that were asked for."""
        return self._channel in (None, event.channel) and self._plugin in (None, event.plugin)

    def put(self, event: Event) -> None:
        """Gives it an event, or counts it as lost where there is no room."""
        with self._changed:
            if self._closed:
                return
            if len(self._queue) >= self._size:
                self._lost += 1
                return
            self._note_lost(event.number)
            self._queue.append(event)
            self._changed.notify()

    def _note_lost(self, number: int) -> None:
        """Says in the queue how many were lost before an event of a number."""
        if self._lost:
            self._queue.append(Event("", LOST, str(self._lost), "", number))
            self._lost = 0

    def get(self, timeout: float | None = None) -> Event | None:
        """The next event; ``None`` where none came in so many seconds, or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._lost or self._closed, timeout)
            if not self._queue:
                self._note_lost(self._events.published)
            return self._queue.popleft() if self._queue else None

    def __iter__(self) -> Iterator[Event]:
        while True:
            event = self.get()
            if event is None:
                return
            yield event

    def close(self) -> None:
        """Ends it: whoever waits gets what is there, then nothing."""
        self._events.forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Events:
    """Tells events to all who listen. ``max_bytes`` is what the data of one may have; ``queue`` how
    many events wait for a listener; ``listeners`` how many there may be. Raises ConfigError."""

    def __init__(
        self, *, max_bytes: int = 64 << 10, queue: int = 256, listeners: int = 1_000
    ) -> None:
        for name, value in (("max_bytes", max_bytes), ("queue", queue), ("listeners", listeners)):
            good = isinstance(value, int) and not isinstance(value, bool) and value > 0
            require(good, f"events: {name} must be above 0, found {value!r}")
        self._max_bytes = max_bytes
        self._queue = queue
        self._most = listeners
        self._lock = threading.Lock()
        self._listeners: list[Subscription] = []
        #: how many events there were
        self.published = 0

    def publish(self, ctx: CallContext, channel: str, event_type: str, data: str) -> None:
        """Tells whoever listens, in the caller's name. Raises HostFunctionError for too much."""
        if len(data.encode("utf-8", "replace")) > self._max_bytes:
            raise HostFunctionError(f"an event has at most {self._max_bytes:,} bytes of data")
        if len(channel) > _LONGEST_NAME or len(event_type) > _LONGEST_NAME:
            raise HostFunctionError(f"names of events have at most {_LONGEST_NAME} characters")
        with self._lock:
            self.published += 1
            event = Event(channel, event_type, data, ctx.caller, self.published)
            # within the lock, so that all get events in the same order
            for listener in self._listeners:
                if listener.wants(event):
                    listener.put(event)

    def subscribe(
        self, channel: str | None = None, *, plugin: str | None = None, queue: int | None = None
    ) -> Subscription:
        """Events from now on: of a channel, of a plugin, or all. Raises RuntimeError where as many
        listen as may."""
        found = Subscription(self, channel, plugin, queue or self._queue)
        with self._lock:
            if len(self._listeners) >= self._most:
                raise RuntimeError(f"{self._most} listen already")
            self._listeners.append(found)
        return found

    def forget(self, listener: Subscription) -> None:
        """Tells it nothing any more."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def close(self) -> None:
        """Ends all subscriptions."""
        for listener in list(self._listeners):
            listener.close()
