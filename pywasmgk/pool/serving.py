"""What runs in a worker process: one instance of the plugin, which makes the calls it is told.

Two pipes lead here. By one come calls, one at a time; by the same one go host calls, log lines and
the answer. The other one tells what to end while the guest runs: a call that was cancelled, or,
when the pool's process is gone, everything.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ..errors import CallError, PluginError, Stopped
from ..plugin import (
    CallContext,
    GKRegistration,
    HostAPI,
    HostFunctionError,
    LastCall,
    Limits,
    Plugin,
    acting,
)
from ..plugin.dispatcher import HostDispatcher
from ..plugin.recipe import PluginRecipe
from ..wasm.runtime.metering import CancelToken, Meter

__all__ = ["Facts", "Request", "facts_of", "receive", "send", "serve", "told_elsewhere"]


def send(pipe: Connection, message: object) -> None:
    """Sends what can be pickled. ``Connection.send`` leaves a buffer in the frames of an error,
    which CPython 3.13 cannot collect. Raises OSError for a pipe that nobody reads."""
    pipe.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))


def receive(pipe: Connection) -> Any:
    """What :func:`send` has sent. Raises EOFError and OSError when nobody sends any more."""
    return pickle.loads(pipe.recv_bytes())


class Facts(NamedTuple):
    """What is known of a plugin that was loaded."""

    registration: GKRegistration
    limits: Limits
    warnings: tuple[str, ...]


class Request(NamedTuple):
    """A call, as it is sent to a worker."""

    number: int
    function: str
    args: bytes | None
    timeout: float | None
    fuel: int | None
    #: language, organisation, user
    behalf: tuple[str, int, int]
    #: the pool's process has a host, which answers host calls
    hosted: bool


def facts_of(plugin: Plugin) -> Facts:
    """What a pool wants to know of its plugin."""
    return Facts(plugin.registration, plugin.limits, plugin.warnings)


class _Lines(HostAPI):
    """Sends lines of the log to the pool's process."""

    def __init__(self, calls: Connection) -> None:
        self._calls = calls

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        send(self._calls, ("log", level, message, dict(fields)))


class RemoteDispatcher(HostDispatcher):
    """Has the pool's process answer host calls."""

    def __init__(self, calls: Connection, plugin: Plugin) -> None:
        super().__init__(_Lines(calls), plugin.identity, plugin.limits)
        self._calls = calls

    def call(self, name: str, args: bytes, meter: Meter | None) -> bytes:
        """Asks, and waits for the answer; what the host has spent of the call's fuel is charged."""
        self._require_size("request", len(name) + len(args))
        left = (None, None) if meter is None else (meter.fuel_left, meter.seconds_left())
        send(self._calls, ("host", name, args, *left))
        response, error, spent = receive(self._calls)
        if meter is not None and spent:
            meter.charge(spent)
        if error is not None:
            raise error
        found: bytes = response
        return found

    def failed(self, name: str, error: BaseException, meter: Meter | None) -> None:
        """The host's log was told of it where it failed."""
        if not isinstance(error, _ToldElsewhere):
            super().failed(name, error, meter)


class _ToldElsewhere(HostFunctionError):
    """A host call failed in the pool's process, whose log has it."""


class _Running:
    """The call that runs, for who is to cancel it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = -1
        self._token = CancelToken()
        self._cancelled = -1

    def begin(self, number: int) -> CancelToken:
        """A call begins; its token may be used already."""
        with self._lock:
            self._number, self._token = number, CancelToken()
            if self._cancelled == number:
                self._token.cancel()
            return self._token

    def cancel(self, number: int) -> None:
        """Cancels a call by its number: the running one, or the next."""
        with self._lock:
            self._cancelled = number
            if self._number == number:
                self._token.cancel()


def _watch(control: Connection, running: _Running) -> None:
    """Cancels what it is told, until the pool's process is gone; then this one ends at once,
    whatever it does."""
    with suppress(EOFError, OSError):
        while True:
            running.cancel(receive(control))
    os._exit(1)


def serve(
    calls: Connection, control: Connection, recipe: bytes, host: str | None, local: dict[str, Any]
) -> None:
    """The main function of a worker process."""
    # Ctrl-C in a terminal comes to all processes there; the pool's process ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running = _Running()
    threading.Thread(target=_watch, args=(control, running), daemon=True).start()
    try:
        hosts = () if host is None else (host,)
        plugin = PluginRecipe.from_bytes(recipe, hosts=hosts).load(**local)
    except BaseException as error:
        _send_error(calls, "failed", error, None)
        return
    with plugin:
        send(calls, ("ready", facts_of(plugin)))
        remote = RemoteDispatcher(calls, plugin)
        with suppress(EOFError, OSError):
            while (request := receive(calls)) is not None:
                if request.hosted:
                    plugin.attach(remote)
                _answer(calls, plugin, request, running)


def _answer(calls: Connection, plugin: Plugin, request: Request, running: _Running) -> None:
    """Makes a call and sends what became of it."""
    token = running.begin(request.number)
    language, org_id, user_id = request.behalf
    try:
        with acting(language=language, org_id=org_id, user_id=user_id):
            result = plugin.call_raw(
                request.function,
                request.args,
                timeout=request.timeout,
                fuel=request.fuel,
                cancel=token,
            )
    except (EOFError, OSError) as error:
        if isinstance(error, PluginError):
            # CallTimeout is an OSError
            _send_error(calls, "failed", error, plugin.last_call)
        else:
            raise
    except BaseException as error:
        _send_error(calls, "failed", error, plugin.last_call)
    else:
        send(calls, ("done", result, plugin.last_call))


def _send_error(
    calls: Connection, kind: str, error: BaseException, last_call: LastCall | None
) -> None:
    """Sends an error with its cause; one that cannot be pickled is described."""
    try:
        send(calls, (kind, error, error.__cause__, last_call))
    except OSError:
        raise
    except Exception:  # whatever pickle, or an error's own code, raises
        said = CallError(f"{type(error).__name__}: {error}")
        send(calls, (kind, said, None, last_call))


def told_elsewhere(error: BaseException) -> BaseException:
    """What a worker raises for a host call that failed in the pool's process."""
    return error if isinstance(error, Stopped) else _ToldElsewhere(str(error))
