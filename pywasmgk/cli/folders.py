"""Commands for folders of plugins: ``plugins``, ``jobs``, ``watch``, ``mcp``."""

from __future__ import annotations

import dataclasses
import math
import queue
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timezone, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from ..errors import PywasmgkError, ShutdownError
from ..platform import (
    JobRun,
    JobStatus,
    LoadFailure,
    LogBuffer,
    LogEntry,
    PluginLoader,
    PluginManager,
    PluginStatus,
    PluginWatcher,
    Scheduler,
    WatchEvent,
)
from ..platform.log_buffer import is_shown
from .options import PluginFolder, instance_limits
from .output import say
from .plugins import chosen_host
from .progress import Progress
from .session import FAILED, Session, describe

__all__ = [
    "Opened",
    "list_jobs",
    "list_plugins",
    "list_tools",
    "opened",
    "run_jobs",
    "say_failures",
    "serve_tools",
    "watch",
]

#: where it is kept what is switched off, in the folder
_STATE = ".pywasmgk-state.json"
#: seconds between two looks at whether somebody pressed Ctrl-C
_PATIENCE = 0.5
_LOOPBACK = "127.0.0.1"


class Opened(NamedTuple):
    """A folder whose plugins are loaded."""

    manager: PluginManager
    loader: PluginLoader
    failures: list[LoadFailure]


@contextmanager
def opened(
    session: Session, folder: PluginFolder, log: LogBuffer | None = None, *, lazy: bool = False
) -> Iterator[Opened]:
    """Loads what is in a folder, or one file; at the end all is shut down."""
    file = folder.path if folder.path.is_file() else None
    path = folder.path if file is None else file.parent
    if not path.is_dir():
        raise click.UsageError(f"there is no folder {str(path)!r}")
    session.subject = str(folder.path)
    with Progress(wanted=False) as progress, chosen_host(folder.host, progress) as host:
        manager = PluginManager(
            host,
            state=folder.state or path / _STATE,
            log=log or LogBuffer(forward=False),
            policies=folder.host.policies,
        )
        with _ended(manager):
            loader = PluginLoader(manager, path, lazy=lazy, **instance_limits(**folder.limits))
            if file is not None:
                loader.load(file)
            yield Opened(manager, loader, [] if file is not None else loader.load_all())


@contextmanager
def _ended(manager: PluginManager) -> Iterator[None]:
    """Shuts all plugins down; what ends the block counts more than what goes wrong there."""
    try:
        yield
    except BaseException:
        try:
            manager.shutdown()
        except ShutdownError as error:
            say(f"Warning: {error}", err=True)
        raise
    manager.shutdown()


# -- plugins


def list_plugins(
    session: Session,
    folder: PluginFolder,
    enable: tuple[str, ...],
    disable: tuple[str, ...],
) -> None:
    """Lists a folder's plugins, after some were switched on or off."""
    with opened(session, folder) as (manager, loader, failures):
        for name in enable:
            manager.enable(name)
        for name in disable:
            manager.disable(name)
        found = [(status, loader.path_of(status.name)) for status in manager.status()]
        if session.json:
            forms = [_plugin_form(status, path, folder.path) for status, path in found]
            session.print_json({"plugins": forms, "errors": [*map(_failure_form, failures)]})
        else:
            rows = [
                [
                    status.name,
                    status.version,
                    "enabled" if status.enabled else "disabled",
                    _below(folder.path, path),
                    status.description,
                ]
                for status, path in found
            ]
            _say_table(rows)
            say_failures(failures)
    if failures:
        raise click.exceptions.Exit(FAILED)


def _plugin_form(status: PluginStatus, path: Path | None, folder: Path) -> dict[str, Any]:
    return {
        "name": status.name,
        "version": status.version,
        "description": status.description,
        "enabled": status.enabled,
        "file": _below(folder, path),
        "warnings": [*status.warnings],
    }


def _below(folder: Path, path: Path | None) -> str:
    return "" if path is None else path.relative_to(folder).as_posix()


def _failure_form(failure: LoadFailure) -> dict[str, Any]:
    return {"file": failure.file, "error": describe(failure.error)}


def say_failures(failures: list[LoadFailure]) -> None:
    for failure in failures:
        say(f"Error: {failure}", err=True)


def _say_table(rows: list[list[str]]) -> None:
    """Rows in columns, each line without blanks at its end."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        say("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip())


# -- jobs


def list_jobs(
    session: Session,
    folder: PluginFolder,
    zone_name: str,
) -> None:
    """Lists the jobs of a folder's plugins."""
    zone = _zone(zone_name)
    with opened(session, folder) as (manager, _, failures):
        jobs = Scheduler(manager, timezone=zone).jobs()
        if session.json:
            forms = [_job_form(job) for job in jobs]
            session.print_json({"jobs": forms, "errors": [*map(_failure_form, failures)]})
        else:
            _say_table(
                [[job.name, job.job.schedule, _due(job), f"{job.timeout} s"] for job in jobs]
            )
            say_failures(failures)
            for job in jobs:
                if job.error is not None:
                    say(f"Error: {job.name}: {job.error}", err=True)
    if failures or any(job.error is not None for job in jobs):
        raise click.exceptions.Exit(FAILED)


def _due(job: JobStatus) -> str:
    return "never" if job.next_run is None else job.next_run.isoformat(" ", "minutes")


def _job_form(job: JobStatus) -> dict[str, Any]:
    return {
        "name": job.name,
        "plugin": job.plugin,
        "id": job.job.id,
        "handler": job.job.handler,
        "schedule": job.job.schedule,
        "description": job.job.description,
        "timeout": job.timeout,
        "next_run": None if job.next_run is None else job.next_run.isoformat(),
        "error": None if job.error is None else describe(job.error),
    }


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return timezone.utc  # everywhere, also without a list of time zones
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.UsageError(f"there is no time zone {name!r}") from error


def run_jobs(
    session: Session,
    folder: PluginFolder,
    zone_name: str,
    level: str,
    seconds: float | None,
) -> None:
    """Runs jobs when they are due, until Ctrl-C or for some seconds."""
    zone = _zone(zone_name)
    told = _Told(session, level)
    with opened(session, folder, told.log) as (manager, _, _):
        scheduler = Scheduler(manager, timezone=zone)
        errors: list[PywasmgkError] = [job.error for job in scheduler.jobs() if job.error]
        if errors and not any(job.next_run for job in scheduler.jobs()):
            raise errors[0]
        scheduler.on_run.add(told.put)
        with scheduler:
            told.say_all(seconds)


def watch(
    session: Session,
    folder: PluginFolder,
    *,
    lazy: bool,
    polling: bool,
    level: str,
    seconds: float | None,
) -> None:
    """Follows a folder until Ctrl-C, or for some seconds."""
    told = _Told(session, level)
    opened_folder = opened(session, folder, told.log, lazy=lazy)
    with opened_folder as (_, loader, _), PluginWatcher(loader, polling=polling, on_event=told.put):
        told.say_all(seconds)


class _Told:
    """What threads have to tell, said by the one that may end with whoever reads it."""

    def __init__(self, session: Session, level: str) -> None:
        self._session = session
        self._least = level
        self._waiting: queue.Queue[LogEntry | WatchEvent | JobRun] = queue.Queue()
        self.log = LogBuffer(forward=False)
        self.log.follow(self.put)

    def put(self, what: LogEntry | WatchEvent | JobRun) -> None:
        """Takes what is to be told."""
        if isinstance(what, LogEntry) and not is_shown(what.level, self._least):
            return
        self._waiting.put(what)

    def say_all(self, seconds: float | None) -> None:
        """Says all that comes, for so many seconds; for ever without."""
        until = math.inf if seconds is None else time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            try:
                what = self._waiting.get(timeout=min(max(left, 0.0), _PATIENCE))
            except queue.Empty:
                if left <= 0:
                    return
                continue
            if self._session.json:
                self._session.print_json(_told_form(what))
            elif isinstance(what, LogEntry):
                say(str(what))
            elif isinstance(what, JobRun) and what.error is None:
                say(f"{what.name}: {what.seconds:.3f} s")


def _told_form(what: LogEntry | WatchEvent | JobRun) -> dict[str, Any]:
    if isinstance(what, LogEntry):
        return {"log": what.form()}
    error = None if what.error is None else describe(what.error)
    if isinstance(what, JobRun):
        seconds = round(what.seconds, 6)
        return {
            "run": {
                "job": what.name,
                "timestamp": what.timestamp,
                "seconds": seconds,
                "error": error,
            }
        }
    return {
        "event": {
            "kind": what.kind,
            "plugin": what.plugin,
            "file": str(what.path),
            "error": error,
        }
    }


# -- mcp


def list_tools(
    session: Session,
    folder: PluginFolder,
) -> None:
    """Lists what agents are offered."""
    from ..platform.mcp_server import tools_of

    with opened(session, folder) as (manager, _, failures):
        tools = tools_of(manager)
        if session.json:
            forms = [
                {**dataclasses.asdict(own.item), "name": name, "plugin": own.plugin}
                for name, own in tools.items()
            ]
            session.print_json({"tools": forms, "errors": [*map(_failure_form, failures)]})
        else:
            _say_table([[name, own.item.description] for name, own in tools.items()])
            say_failures(failures)
    if failures:
        raise click.exceptions.Exit(FAILED)


def serve_tools(
    session: Session,
    folder: PluginFolder,
    port: int | None,
) -> None:
    """Serves tools to a client at standard input and output, or to all on loopback."""
    from ..platform.mcp_server import http_app, serve_stdio, tool_server

    with opened(session, folder) as (manager, _, failures):
        say_failures(failures)
        server = tool_server(manager)
        if port is None:
            serve_stdio(server)
            return
        with closing(socket.create_server((_LOOPBACK, port))) as listening:
            say(f"http://{_LOOPBACK}:{listening.getsockname()[1]}/mcp", err=True)
            _serve(http_app(server), listening)


def _serve(app: Any, listening: socket.socket) -> None:
    """Serves an application until Ctrl-C. What asks is not logged."""
    import uvicorn

    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run([listening])
