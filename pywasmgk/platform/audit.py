"""Every refusal of a policy, kept to be asked for, and told to Python's log."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from ..printable import printable

__all__ = ["AuditLog", "Refusal"]

_log = logging.getLogger("pywasmgk.audit")
# who wants them adds a handler; a plugin's host logs each refusal too
_log.addHandler(logging.NullHandler())
#: characters that are kept of a text
_LONGEST = 400
#: plugins whose refusals are counted
_MOST_PLUGINS = 10_000


class Refusal(NamedTuple):
    """What a plugin asked for and did not get."""

    #: seconds since 1970
    time: float
    plugin: str
    #: the host function
    function: str
    #: ``permission``, ``scope``, ``statement``, ``rate``, ``depth``, ``quota`` or ``blocked``
    reason: str
    message: str

    def form(self) -> dict[str, Any]:
        """It as a JSON object."""
        return self._asdict()


class AuditLog:
    """The latest ``size`` refusals, and how many there were of each plugin. Threads may share it.

    Each also goes to the logger ``pywasmgk.audit`` as a warning whose record has the attribute
    ``refusal``.
    """

    def __init__(self, size: int = 1000, *, now: Callable[[], float] = time.time) -> None:
        self._entries: deque[Refusal] = deque(maxlen=size)
        self._counts: Counter[str] = Counter()
        self._now = now
        self._lock = threading.Lock()

    def note(self, plugin: str, function: str, reason: str, message: str) -> Refusal:
        """Takes note of a refusal. Texts come from guests: they are kept printable and bounded."""
        refusal = Refusal(
            self._now(),
            printable(plugin),
            printable(function),
            reason,
            printable(message, longest=_LONGEST),
        )
        with self._lock:
            self._entries.append(refusal)
            if refusal.plugin in self._counts or len(self._counts) < _MOST_PLUGINS:
                self._counts[refusal.plugin] += 1
        _log.warning(
            "refused %s: %s", refusal.function, refusal.message, extra={"refusal": refusal.form()}
        )
        return refusal

    def entries(
        self,
        *,
        plugin: str | None = None,
        function: str | None = None,
        reason: str | None = None,
        since: float | None = None,
        most: int | None = None,
    ) -> list[Refusal]:
        """Refusals, the newest first; of one plugin, function or reason, and from a time on."""
        with self._lock:
            newest = list(reversed(self._entries))
        wanted = {"plugin": plugin, "function": function, "reason": reason}
        found = [
            entry
            for entry in newest
            if all(value in (None, getattr(entry, name)) for name, value in wanted.items())
            and (since is None or entry.time >= since)
        ]
        return found[:most]

    def counts(self) -> dict[str, int]:
        """How many refusals there were by plugin, those too that are not kept any more."""
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        """Forgets them."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()

    def __len__(self) -> int:
        return len(self._entries)
