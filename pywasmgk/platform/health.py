"""Whether plugins answer, and starting those again that do not (contract 5.1, health).

A probe waits its seconds and no longer, also behind a call that never ends, and each plugin has
its own thread for it: one that is wedged keeps no other from being probed (W49).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ..errors import CallTimeout, PlatformError
from ..plugin.gojson import JSONError, decode
from .background import Background
from .listeners import Listeners
from .manager import PluginChange, PluginManager
from .starting import started

__all__ = ["PING", "HealthMonitor", "PluginHealth"]

#: the reserved function that probes call
PING = "__health_ping__"

#: seconds between probes, and for one; misses that make a plugin unhealthy
INTERVAL, LIMIT, MISSES = 60.0, 5.0, 3
#: seconds before a restart, which double
_FIRST_DELAY, _LONGEST_DELAY = 5.0, 300.0
#: so many restarts in so many seconds are enough
_MOST_RESTARTS, _WINDOW = 5, 600.0
#: bytes of an answer that is kept
_MOST_PAYLOAD = 64 << 10

Status = Literal["unknown", "healthy", "unhealthy", "given up"]


class PluginHealth(NamedTuple):
    """How a plugin does. ``given up``: it was restarted too often."""

    plugin: str
    status: Status
    #: probes in a row that were not answered
    misses: int
    #: what it said last, if that was JSON
    payload: Any
    #: that were tried since somebody else has changed it
    restarts: int


@dataclass
class _Patient:
    """What is known of a plugin."""

    status: Status = "unknown"
    misses: int = 0
    payload: Any = None
    restarts: int = 0
    #: seconds before the next restart
    delay: float = _FIRST_DELAY
    #: when it is to be restarted
    restart_at: float | None = None
    #: when that was tried, as far as it counts
    tried: deque[float] = field(default_factory=deque)
    #: its probe, or restart, that has not ended
    busy: threading.Thread | None = None

    def is_busy(self) -> bool:
        return self.busy is not None and self.busy.is_alive()


class HealthMonitor(Background):
    """Probes the plugins that are switched on every ``interval`` seconds. An answer within
    ``limit`` seconds, also an error, is a sign of life; none for ``misses`` times in a row is
    unhealthy.

    ``restart`` is called with the name of an unhealthy plugin, such as ``loader.reload``: after 5
    seconds, and twice as long each time until it answers again, at most 5 minutes. After five times
    within ten minutes it is given up, until somebody replaces it, switches it on, or says
    :meth:`reset`. ``clock`` gives seconds. ``with monitor:`` runs it in a thread, :meth:`step`
    looks once.
    """

    thread_name = "health"

    def __init__(
        self,
        manager: PluginManager,
        *,
        restart: Callable[[str], object] | None = None,
        interval: float = INTERVAL,
        limit: float = LIMIT,
        misses: int = MISSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._manager = manager
        self._restart = restart
        self._interval = interval
        self._limit = limit
        self._misses = misses
        self._clock = clock
        self._patients: dict[str, _Patient] = {}
        self._next_probe = clock()
        self._lock = threading.Lock()
        #: told whenever the status of a plugin changes
        self.on_change: Listeners[PluginHealth] = Listeners()
        #: those that are being restarted by us
        self._restarting: set[str] = set()
        manager.on_change.add(self._changed)

    # -- what is known

    def health(self) -> list[PluginHealth]:
        """All plugins that are registered and switched on, by name."""
        with self._lock:
            return [self._form(name) for name in self._names()]

    def of(self, plugin: str) -> PluginHealth:
        """One plugin; ``unknown`` before its first probe."""
        with self._lock:
            return self._form(plugin)

    def _form(self, name: str) -> PluginHealth:
        patient = self._patients.get(name, _Patient())
        return PluginHealth(name, patient.status, patient.misses, patient.payload, patient.restarts)

    def reset(self, plugin: str) -> None:
        """Forgets what is known of a plugin: it is probed, and restarted, as if it were new."""
        with self._lock:
            self._patients.pop(plugin, None)

    def _changed(self, change: PluginChange) -> None:
        if change.kind != "disabled" and change.plugin not in self._restarting:
            self.reset(change.plugin)

    def _names(self) -> list[str]:
        manager = self._manager
        return [name for name in manager.names() if manager.is_enabled(name)]

    # -- looking

    def step(self) -> None:
        """Does what is due: restarts, and probes, each in a thread. Comes back when they have
        ended, at the latest after ``limit`` seconds and a little."""
        now = self._clock()
        names = self._names()
        jobs = [
            self._begin(name, self._restarted) for name in names if self._is_to_restart(name, now)
        ]
        if now >= self._next_probe:
            self._next_probe = now + self._interval
            jobs += [self._begin(name, self._probed) for name in names]
        until = time.monotonic() + self._limit + _GRACE
        for thread in jobs:
            if thread is not None:
                thread.join(max(until - time.monotonic(), 0.0))

    def _is_to_restart(self, name: str, now: float) -> bool:
        with self._lock:
            patient = self._patients.get(name)
            if patient is None or patient.restart_at is None or patient.is_busy():
                return False
            return patient.restart_at <= now

    def _begin(self, name: str, work: Callable[[str], None]) -> threading.Thread | None:
        with self._lock:
            patient = self._patients.setdefault(name, _Patient())
            hanging = patient.is_busy()
            if not hanging:
                thread = threading.Thread(
                    target=work, args=(name,), name=f"health {name}", daemon=True
                )
                patient.busy = thread
        if hanging:
            if name not in self._restarting:
                # the last probe did not even end: that is no sign of life
                self._miss(name)
            return None
        return thread if started(thread) else None

    def _probed(self, name: str) -> None:
        try:
            answer = self._manager.call_raw(name, PING, timeout=self._limit)
        except PlatformError:
            return  # it is gone, or was switched off
        except CallTimeout:
            self._miss(name)
            return
        except Exception:  # an error is an answer
            answer = None
        self._alive(name, answer)

    def _alive(self, name: str, answer: bytes | None) -> None:
        with self._lock:
            patient = self._patients.setdefault(name, _Patient())
            patient.misses, patient.restart_at, patient.delay = 0, None, _FIRST_DELAY
            try:
                patient.payload = decode(answer or b"", strict=True, max_bytes=_MOST_PAYLOAD)
            except JSONError:
                patient.payload = None
            changed = self._set(name, patient, "healthy")
        self._tell(changed)

    def _miss(self, name: str) -> None:
        with self._lock:
            patient = self._patients.setdefault(name, _Patient())
            patient.misses += 1
            changed = None
            if patient.misses >= self._misses and patient.status != "given up":
                changed = self._set(name, patient, "unhealthy")
                self._plan_restart(patient)
        self._tell(changed)

    def _plan_restart(self, patient: _Patient) -> None:
        if self._restart is not None and patient.restart_at is None:
            patient.restart_at = self._clock() + patient.delay
            patient.delay = min(2 * patient.delay, _LONGEST_DELAY)

    def _set(self, name: str, patient: _Patient, status: Status) -> PluginHealth | None:
        if patient.status == status:
            return None
        patient.status = status
        return self._form(name)

    def _tell(self, changed: PluginHealth | None) -> None:
        if changed is None:
            return
        level = "info" if changed.status == "healthy" else "error"
        self._manager.log.add(level, f"plugin is {changed.status}", plugin=changed.plugin)
        self.on_change.tell(changed)

    # -- restarting

    def _restarted(self, name: str) -> None:
        now = self._clock()
        with self._lock:
            patient = self._patients.setdefault(name, _Patient())
            while patient.tried and patient.tried[0] <= now - _WINDOW:
                patient.tried.popleft()
            if len(patient.tried) >= _MOST_RESTARTS:
                patient.restart_at = None
                given_up = self._set(name, patient, "given up")
            else:
                given_up = None
                patient.tried.append(now)
                patient.restarts += 1
                patient.restart_at = None
                self._restarting.add(name)
        if given_up is not None:
            self._tell(given_up)
            return
        self._try_restart(name, patient)

    def _try_restart(self, name: str, patient: _Patient) -> None:
        restart = self._restart
        try:
            if restart is not None:
                restart(name)
        except Exception as error:  # whatever loading raises
            self._manager.log.add("error", f"restart failed: {error}", plugin=name)
            with self._lock:
                self._plan_restart(patient)
        else:
            self._manager.log.add("warn", "plugin restarted: it did not answer", plugin=name)
            with self._lock:
                patient.misses = 0
        finally:
            with self._lock:
                self._restarting.discard(name)

    # -- for as long as it is wanted

    def run(self) -> None:
        """Probes until :meth:`stop`."""
        while not self._stop.is_set():
            self.step()
            self._stop.wait(self._seconds_to_next())

    def _seconds_to_next(self) -> float:
        with self._lock:
            due = [p.restart_at for p in self._patients.values() if p.restart_at is not None]
        return min(
            max(min([self._next_probe, *due]) - self._clock(), _SHORTEST_WAIT), _LONGEST_WAIT
        )


#: seconds that a probe's thread may need besides
_GRACE = 1.0
#: seconds of a wait: restarts may be planned meanwhile
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 1.0
