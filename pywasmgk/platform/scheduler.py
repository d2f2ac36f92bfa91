"""Runs the jobs of plugins when they are due (contract 5.6).

::

    with Scheduler(manager):
        ...                     # jobs run in threads meanwhile
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import NamedTuple

from ..errors import PlatformError
from ..plugin.manifest import Job
from ..printable import printable
from ..wasm.runtime.metering import CancelToken
from .background import Background
from .listeners import Listeners
from .manager import PluginManager
from .schedules import Schedule, job_name, job_timeout
from .starting import started

__all__ = ["JobRun", "JobStatus", "Scheduler"]

#: jobs that run at the same time
MOST_RUNNING = 8
#: seconds between two looks at what jobs there are
_LOOK_EVERY = 1.0
#: for what is due and has to wait for others
_SHORTEST_WAIT = 0.05


class JobRun(NamedTuple):
    """A run of a job that has ended."""

    #: ``plugin.P.JOBID``
    name: str
    #: since 1970, when it began
    timestamp: float
    seconds: float
    error: BaseException | None


class JobStatus(NamedTuple):
    """An enabled job of an enabled plugin."""

    name: str
    plugin: str
    job: Job
    #: whole seconds that it may take; the plugin's own limit counts too
    timeout: int
    #: when it is due; ``None`` if that is never
    next_run: datetime | None
    running: bool
    last_run: JobRun | None
    #: why it cannot be scheduled
    error: PlatformError | None


@dataclass
class _Planned:
    """A job, and when it is to run."""

    plugin: str
    job: Job
    schedule: Schedule | None
    error: PlatformError | None
    due: datetime | None


class _Running(NamedTuple):
    """A run that has begun."""

    thread: threading.Thread
    cancel: CancelToken


class Scheduler(Background):
    """The jobs of a manager's plugins, as they are now: those of plugins that come later, or are
    replaced, are taken up within a second, and those of plugins that are switched off rest.

    A job's handler is called without arguments; what it gives is ignored, what it raises is logged.
    A job that still runs when it is due again is left out that time. What was missed while nobody
    looked is run once. ``timezone`` is that of the expressions, UTC by default. ``clock`` gives
    seconds since 1970. ``with scheduler:`` runs it in a thread, :meth:`run` in this one, and
    :meth:`step` looks once.
    """

    thread_name = "scheduler"

    def __init__(
        self,
        manager: PluginManager,
        *,
        timezone: tzinfo = timezone.utc,
        most_running: int = MOST_RUNNING,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self._manager = manager
        self._timezone = timezone
        self._most_running = most_running
        self._clock = clock
        self._planned: dict[str, _Planned] = {}
        #: by name, also where the plugin has gone meanwhile
        self._running: dict[str, _Running] = {}
        self._last_runs: dict[str, JobRun] = {}
        self._lock = threading.Lock()
        #: somebody may wait for runs to end
        self._ended = threading.Condition(self._lock)
        #: told of each run that has ended, in its thread
        self.on_run: Listeners[JobRun] = Listeners()

    def now(self) -> datetime:
        """The time in the scheduler's time zone."""
        return datetime.fromtimestamp(self._clock(), self._timezone)

    def jobs(self) -> list[JobStatus]:
        """Enabled jobs of enabled plugins, by plugin and id."""
        with self._lock:
            self._plan()
            return [
                JobStatus(
                    name,
                    planned.plugin,
                    planned.job,
                    job_timeout(planned.job),
                    planned.due,
                    name in self._running,
                    self._last_runs.get(name),
                    planned.error,
                )
                for name, planned in self._planned.items()
            ]

    def _plan(self) -> None:
        """Takes up what jobs there are now."""
        known, self._planned = self._planned, {}
        for plugin, job in self._manager.catalog.jobs():
            name = job_name(plugin, job)
            planned = known.get(name)
            if planned is None or planned.job.schedule != job.schedule:
                planned = self._newly_planned(plugin, job)
            planned.job = job
            self._planned[name] = planned

    def _newly_planned(self, plugin: str, job: Job) -> _Planned:
        try:
            schedule = Schedule(job.schedule)
        except PlatformError as error:
            text = f"job {printable(job.id)} is not scheduled: {error}"
            self._manager.log.add("error", text, plugin=plugin)
            return _Planned(plugin, job, None, error, None)
        return _Planned(plugin, job, schedule, None, schedule.after(self.now()))

    # -- running

    def step(self) -> list[str]:
        """Has the jobs run that are due, each in a thread of its own; gives their names."""
        begun: dict[str, threading.Thread] = {}
        with self._lock:
            self._plan()
            now = self.now()
            for name, planned in self._planned.items():
                if planned.due is None or planned.schedule is None or planned.due > now:
                    continue
                if name not in self._running and len(self._running) >= self._most_running:
                    continue  # it stays due
                planned.due = planned.schedule.after(now)
                if name in self._running:
                    text = f"job {printable(planned.job.id)} is left out: it still runs"
                    self._manager.log.add("warn", text, plugin=planned.plugin)
                    continue
                begun[name] = self._prepared(name, planned.plugin, planned.job)
        for thread in begun.values():
            started(thread)
        return [*begun]

    def _prepared(self, name: str, plugin: str, job: Job) -> threading.Thread:
        """The thread of a run, which counts as running from now on."""
        cancel = CancelToken()

        def work() -> None:
            try:
                self._run(name, plugin, job, cancel)
            finally:
                self._has_ended(name)

        # one that does not end must not keep the process from ending
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._running[name] = _Running(thread, cancel)
        return thread

    def _has_ended(self, name: str) -> None:
        with self._ended:
            self._running.pop(name, None)
            self._ended.notify_all()

    def run_now(self, name: str) -> JobRun:
        """Runs a job in this thread, due or not, and gives how that went. Raises PlatformError for
        one that is not there, or runs already."""
        with self._lock:
            self._plan()
            planned = self._planned.get(name)
            if planned is None:
                raise PlatformError(f'job "{printable(name)}" not found')
            if name in self._running:
                raise PlatformError(f'job "{printable(name)}" is running')
            cancel = CancelToken()
            self._running[name] = _Running(threading.current_thread(), cancel)
        try:
            return self._run(name, planned.plugin, planned.job, cancel)
        finally:
            self._has_ended(name)

    def _run(self, name: str, plugin: str, job: Job, cancel: CancelToken) -> JobRun:
        began, started = self._clock(), time.perf_counter()
        failure: Exception | None = None
        try:
            self._manager.call_raw(plugin, job.handler, timeout=job_timeout(job), cancel=cancel)
        except Exception as error:  # whatever a plugin's call raises
            failure = error
            text = f"job {printable(job.id)} failed: {error}"
            self._manager.log.add("error", text, plugin=plugin)
        run = JobRun(name, began, time.perf_counter() - started, failure)
        with self._lock:
            self._last_runs[name] = run
        self.on_run.tell(run)
        return run

    def run(self) -> None:
        """Runs jobs until :meth:`stop`."""
        while not self._stop.is_set():
            self.step()
            self._stop.wait(self._seconds_to_next())

    def _seconds_to_next(self) -> float:
        with self._lock:
            due = [planned.due for planned in self._planned.values() if planned.due is not None]
        left = min(due).timestamp() - self._clock() if due else _LOOK_EVERY
        return min(max(left, _SHORTEST_WAIT), _LOOK_EVERY)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for the runs that have begun, but for one that waits itself; gives whether they
        have ended in time."""
        me = threading.current_thread()

        def all_have_ended() -> bool:
            return all(running.thread is me for running in self._running.values())

        with self._ended:
            return self._ended.wait_for(all_have_ended, timeout)

    def stop(self, timeout: float = 5.0) -> None:
        """Begins no further run, ends those that run, and waits for them for at most ``timeout``
        seconds."""
        self._stop.set()
        with self._lock:
            running = [*self._running.values()]
        for one in running:
            one.cancel.cancel()
        super().stop()
        self.wait(timeout)
