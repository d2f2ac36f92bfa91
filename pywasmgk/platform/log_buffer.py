"""The latest lines of the log, to be asked for (contract 5.5), and the way into Python's logging.

::

    log = LogBuffer()
    logging.getLogger("pywasmgk.plugins").addHandler(JSONLinesHandler(sys.stderr))
    manager = PluginManager(host, log=log)
    log.at_least("warn")          # newest first
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import IO, Any

from ..printable import printable
from .listeners import Listeners

__all__ = ["LEVELS", "JSONLinesHandler", "LogBuffer", "LogEntry", "PlainFormatter", "is_shown"]

#: from the least
LEVELS = ("debug", "info", "warn", "error")
#: entries that are kept if nobody says otherwise
DEFAULT_SIZE = 1000
#: characters of a message in a line for people
_LONGEST = 8000
#: the logger that lines of plugins go to
LOGGER = "pywasmgk.plugins"

_OF_LOGGING = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
#: where a record of logging keeps the entry that it was made of
_ENTRY = "gk_entry"

# who wants no logging shall not get warnings on standard error either: logging's last resort
logging.getLogger(LOGGER).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class LogEntry:
    """A line of the log. ``timestamp`` is in seconds since 1970."""

    timestamp: float
    plugin: str
    level: str
    message: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def when(self) -> str:
        """The time in UTC, as RFC 3339 has it, with milliseconds."""
        moment = datetime.fromtimestamp(self.timestamp, timezone.utc)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def form(self) -> dict[str, Any]:
        """The line as a JSON object; without fields it has no member ``fields``."""
        form: dict[str, Any] = {
            "timestamp": self.when,
            "plugin": self.plugin,
            "level": self.level,
            "message": self.message,
        }
        return {**form, "fields": dict(self.fields)} if self.fields else form

    def to_json(self) -> str:
        """:meth:`form` as one line of ASCII: whatever is in it, nothing breaks the line."""
        return json.dumps(self.form(), default=str, skipkeys=True)

    def __str__(self) -> str:
        who = f" {printable(self.plugin)}:" if self.plugin else ""
        return (
            f"{self.when} {printable(self.level)}{who} {printable(self.message, longest=_LONGEST)}"
        )


class LogBuffer:
    """The latest entries, at most ``size`` of them: 0 and less are the default, 1000.

    All methods may be called from any thread. ``forward`` also gives each line to the logger
    ``pywasmgk.plugins`` of Python's :mod:`logging`, escaped, so that it stays one line. ``clock``
    gives seconds since 1970.
    """

    def __init__(
        self,
        size: int = DEFAULT_SIZE,
        *,
        forward: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=size if size > 0 else DEFAULT_SIZE)
        self._lock = threading.Lock()
        self._forward = forward
        self._clock = clock
        self._followers: Listeners[LogEntry] = Listeners()

    def add(
        self, level: str, message: str, fields: Mapping[str, Any] | None = None, plugin: str = ""
    ) -> LogEntry:
        """Takes a line. The plugin is the field ``plugin`` if there is one, else ``plugin``."""
        fields = dict(fields or {})
        owner = fields.pop("plugin", None) or plugin
        entry = LogEntry(self._clock(), str(owner), level, message, fields)
        with self._lock:
            self._entries.append(entry)
        if self._forward:
            severity = _OF_LOGGING.get(level, logging.INFO)
            # any handler may write it to a terminal, or a file of lines
            text = printable(message, longest=_LONGEST)
            logging.getLogger(LOGGER).log(severity, "%s", text, extra={_ENTRY: entry})
        self._followers.tell(entry)
        return entry

    def follow(self, follower: Callable[[LogEntry], object]) -> Callable[[], None]:
        """Has each new entry given to ``follower``, in the thread that logs; gives what ends
        that."""
        return self._followers.add(follower)

    # -- what there is, the newest first

    def all(self) -> list[LogEntry]:
        """All entries."""
        with self._lock:
            return [*reversed(self._entries)]

    def of_plugin(self, plugin: str) -> list[LogEntry]:
        """Those of one plugin."""
        return [entry for entry in self.all() if entry.plugin == plugin]

    def at_least(self, level: str) -> list[LogEntry]:
        """Those at or above a level; one that is not known counts as debug."""
        least = _rank(level)
        return [entry for entry in self.all() if _rank(entry.level) >= least]

    def recent(self, count: int) -> list[LogEntry]:
        """The latest ``count`` at most."""
        return self.all()[: max(count, 0)]

    def clear(self) -> None:
        """Forgets all entries."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<LogBuffer of {len(self)} entries, at most {self._entries.maxlen}>"


def is_shown(level: str, least: str) -> bool:
    """Whether who wants lines from ``least`` on wants one of a level; one that is not known counts
    as info. ``"none"`` wants nothing."""
    known = LEVELS.index(level) if level in LEVELS else LEVELS.index("info")
    return least in LEVELS and known >= LEVELS.index(least)


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


# -- the way into logging


def entry_of(record: logging.LogRecord) -> LogEntry:
    """A record of logging as an entry: of a plugin's line, or of anything else."""
    entry = getattr(record, _ENTRY, None)
    if isinstance(entry, LogEntry):
        return entry
    fields = {}
    if record.exc_info and record.exc_info[0] is not None:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    levels = {number: name for name, number in _OF_LOGGING.items()}
    level = levels.get(record.levelno, record.levelname.lower())
    return LogEntry(record.created, "", level, record.getMessage(), fields)


class PlainFormatter(logging.Formatter):
    """A record of logging as one line for people, which gives a terminal no orders."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return str(entry_of(record))


class JSONLinesHandler(logging.StreamHandler):  # type: ignore[type-arg]  # no generic on 3.10
    """Writes what is logged as lines of JSON, one each, to a stream of text."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return entry_of(record).to_json()
