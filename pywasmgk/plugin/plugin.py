"""Plugins: loading, calling, ending (contract 1.4, 1.6, 1.12)."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, TypeVar, Union

from ..errors import ManifestError, PluginClosed, PluginError, ResultError
from ..wasm.metering import CancelToken, Meter, current_meter
from ..wasm.module import Module
from ..wasm.wasi import Sink, WasiConfig
from .abi import Guest, end_of
from .bridge import Bridge
from .dispatcher import HostDispatcher, in_chain
from .gojson import JSONError, decode, encode
from .host import HostAPI
from .limits import Limits, lowered
from .loading import decoded, start_guest
from .lock import Turns
from .manifest import GKRegistration, manifest_warnings, parse_manifest

__all__ = ["MISSING", "LastCall", "Plugin", "PluginOptions", "load", "load_from_file"]

#: where a guest's output goes: as for WASI, or into the host's log
Output = Union[Sink, Literal["log"]]


class _Missing:
    """Stands for arguments that were not given, as ``None`` is JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class PluginOptions:
    """How a plugin is run; ``load`` takes these as keyword arguments, and those of Limits."""

    limits: Limits = Limits()
    #: after a stop, an exit or an interruption, start a fresh instance at the next call
    restart: bool = True
    #: do so after a trap too, which may have left the guest's data half changed
    restart_on_trap: bool = False
    #: refuse odd manifests
    strict: bool = False
    #: where the guest's standard output and errors go: a binary file, a callable that takes bytes,
    #: "log" for the host's log, or nowhere
    stdout: Output = None
    stderr: Output = None
    #: "auto", "interpreter" or "compiler"
    engine: str = "auto"
    #: a private directory for compiled code; ``PYWASMGK_CACHE`` by default, "" for none
    cache_dir: str | os.PathLike[str] | None = None
    #: is called with the running call's Meter about every 10 ms
    progress: Callable[[Meter], object] | None = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> PluginOptions:
        """The options from keyword arguments; single limits change ``limits``."""
        names = {field.name for field in dataclasses.fields(Limits)}
        bounds = {name: options[name] for name in options if name in names}
        rest = {name: options[name] for name in options if name not in names}
        known = {field.name for field in dataclasses.fields(cls)}
        for name in rest:
            if name not in known:
                raise TypeError(f"unknown option {name!r}; options are {sorted(known | names)}")
        limits = dataclasses.replace(rest.pop("limits", None) or Limits(), **bounds)
        return cls(limits=limits, **rest)


class LastCall(NamedTuple):
    """What the latest call of a thread took, all that ran for it included."""

    #: instructions
    fuel: int
    #: time on the wall
    seconds: float
    #: pages of memory after it
    pages: int
    #: calls of host functions, WASI's too
    host_calls: int
    #: it began with a fresh instance
    restarted: bool


def load(data: bytes | str | Module, **options: Any) -> Plugin:
    """A plugin from the bytes of its module, or its text in WAT. Options are those of
    PluginOptions and Limits, such as ``memory_limit=`` (pages), ``call_timeout=`` (seconds),
    ``fuel=`` (instructions), ``restart=``, ``strict=``, ``stdout=``.

    Raises PluginError: ContractError for missing exports, ManifestError for a bad manifest,
    CallError for what goes wrong inside the guest; and CacheError for a ``cache_dir`` that cannot
    be used. The engine's exception is the ``__cause__``.
    """
    return Plugin(data, PluginOptions.of(options))


def load_from_file(path: str | Path, **options: Any) -> Plugin:
    """A plugin from a file, text if its name ends in .wat. Raises PluginError too where the file
    cannot be read."""
    plugin_options = PluginOptions.of(options)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PluginError(f"read wasm file: {error}") from error
    module = decoded(data, plugin_options.limits, Path(path).name, plugin_options.cache_dir)
    return Plugin(module, plugin_options)


class Plugin:
    """A loaded plugin. Calls from several threads queue; ``with`` shuts it down at the end."""

    def __init__(self, data: bytes | str | Module, options: PluginOptions) -> None:
        self.options = options
        #: the host's limits, or less where the manifest asks for less
        self.limits = options.limits
        self._module = decoded(data, options.limits, cache_dir=options.cache_dir)
        self._turns = Turns()
        self._bridge = Bridge()
        self._host: HostAPI | None = None
        self._dispatcher: HostDispatcher | None = None
        self._closed = False
        self._running: CancelToken | None = None
        self._local = threading.local()
        #: how often a fresh instance took the place of one that had ended
        self.restarts = 0
        self._guest: Guest | None
        self._guest, self._manifest = self._start()
        try:
            manifest = self._parse(strict=options.strict)
        except ManifestError:
            self._drop_guest()
            raise
        #: the name in the manifest
        self.name = manifest.name
        self.limits, refused = lowered(options.limits, manifest.resources)
        #: what is odd about the manifest, or asked for and not granted
        self.warnings = (*manifest_warnings(manifest), *refused)
        self._lower_memory()

    # -- what it is

    @property
    def registration(self) -> GKRegistration:
        """The manifest, as an object of the caller's own. It stays after :meth:`shutdown`."""
        return self._parse(strict=False)

    @property
    def closed(self) -> bool:
        """Whether it was shut down."""
        return self._closed

    @property
    def dirty(self) -> bool:
        """Whether a trap may have left the running guest's data half changed."""
        guest = self._guest
        return guest is not None and guest.trapped is not None

    @property
    def last_call(self) -> LastCall | None:
        """What the calling thread's latest call took; ``None`` before its first."""
        found: LastCall | None = getattr(self._local, "last_call", None)
        return found

    def __repr__(self) -> str:
        return f"<Plugin {self.name or '?'}{' (closed)' if self._closed else ''}>"

    # -- life

    def init(self, host: HostAPI) -> None:
        """Attaches a host, or another one in its place. The guest is not entered. The host's log
        gets the plugin's ``warnings``."""
        with self._turns.taken(self.name, self.limits.call_timeout):
            if self._closed:
                raise PluginClosed(f"plugin {self.name!r} is closed")
            self._host = host
            self._dispatcher = HostDispatcher(host, self.name, self.limits)
            self._bridge.dispatcher = self._dispatcher
            for warning in self.warnings:
                self._warn(warning)

    def shutdown(self, *, force: bool = False, timeout: float | None = None) -> None:
        """Waits for a running call and closes the plugin; a second time does nothing.

        ``force`` ends the running call as its cancel token would, together with the call that it
        serves. Raises CallTimeout if the call still runs after ``timeout`` seconds.
        """
        if force:
            # in this order: a call that begins now sees it closed, or is seen here
            self._closed = True
            running = self._running
            if running is not None:
                running.cancel()
        with self._turns.taken(self.name, timeout):
            self._closed = True
            self._drop_guest()

    def __enter__(self) -> Plugin:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    # -- calls

    def call(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Any:
        """Calls a function of the plugin's with a JSON value, and gives its JSON value.

        Without ``args`` the guest gets none; ``None`` is JSON's null. ``timeout`` and ``fuel`` can
        only shorten the plugin's own. No result is ``None``. Raises ResultError for a result that
        is no JSON, and what :meth:`call_raw` raises.
        """
        raw = None if args is MISSING else encode(args)
        result = self.call_raw(function, raw, timeout=timeout, fuel=fuel, cancel=cancel)
        if result is None:
            return None
        try:
            limits = self.limits
            return decode(result, max_bytes=limits.json_bytes, max_depth=limits.json_depth)
        except JSONError as error:
            message = f"{self.name}.{function} gave no JSON: {error} in {result[:60]!r}"
            raise ResultError(message, result) from error

    def call_raw(
        self,
        function: str,
        args: bytes | None = None,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
    ) -> bytes | None:
        """:meth:`call` with bytes, which nobody looks into; ``None`` is no result.

        Raises CallError, CallTimeout (also for waiting too long behind other calls), PluginClosed.
        """
        name, data = function.encode("utf-8", "surrogatepass"), bytes(args or b"")
        own, cancel = self.limits, cancel or CancelToken()
        longest = _seconds(own.call_timeout)
        timeout = longest if timeout is None else _shorter(longest, _seconds(timeout))
        fuel = own.fuel if fuel is None else _shorter(own.fuel, fuel)
        wait = timeout
        outer = current_meter()
        if outer is not None:
            # inside another call, that one's token and deadline count
            cancel = outer.cancel = outer.cancel or cancel
            wait = _shorter(wait, outer.seconds_left())
        self._turns.take(self.name, wait, cancel)
        try:
            self._running = cancel
            guest, restarted = self._ready()
            account = guest.instance.account(timeout=timeout, fuel=fuel, cancel=cancel)
            with account as meter, in_chain(self.name):
                return self._call(guest, meter, name, data, restarted)
        finally:
            self._running = None
            self._turns.leave()

    def _call(
        self, guest: Guest, meter: Meter, name: bytes, data: bytes, restarted: bool
    ) -> bytes | None:
        """A call on an open account, and what it took."""
        started, spent, calls = time.perf_counter(), meter.fuel_used, meter.host_calls
        try:
            return guest.call(name, data)
        except PluginError:
            raise
        except BaseException as error:
            # an interruption: it may have come between any two steps
            guest.ended = end_of(error)
            raise
        finally:
            self._bridge.flush()
            self._local.last_call = LastCall(
                meter.fuel_used - spent,
                time.perf_counter() - started,
                guest.exports.memory.pages,
                meter.host_calls - calls,
                restarted,
            )

    def _ready(self) -> tuple[Guest, bool]:
        """The guest to call, and whether it was started for this call."""
        if self._closed:
            raise PluginClosed(f"plugin {self.name!r} is closed")
        if self._dispatcher is not None:
            self._dispatcher.begin_call()
        guest = self._guest
        why = "its restart failed" if guest is None else _end_of(guest, self.options)
        if guest is not None and why is None:
            return guest, False
        if not self.options.restart:
            raise PluginClosed(f"plugin {self.name!r} is closed: {why}")
        self._drop_guest()
        self._guest, _ = self._start()
        self.restarts += 1
        self._lower_memory()
        self._warn(f"plugin restarted: {why}")
        return self._guest, True

    # -- loading

    def _start(self) -> tuple[Guest, bytes]:
        """A fresh instance, registered. No host is attached meanwhile (contract 1.4)."""
        options, bridge = self.options, self._bridge
        bridge.dispatcher = None
        try:
            wasi = WasiConfig(
                stdout=bridge.sink("stdout", "info") if options.stdout == "log" else options.stdout,
                stderr=bridge.sink("stderr", "warn") if options.stderr == "log" else options.stderr,
            )
            guest, manifest = start_guest(
                self._module, bridge, options.limits, wasi, options.engine, options.progress
            )
            bridge.guest = guest
            return guest, manifest
        finally:
            bridge.dispatcher = self._dispatcher

    def _parse(self, *, strict: bool) -> GKRegistration:
        limits = self.options.limits
        try:
            return parse_manifest(
                self._manifest,
                strict=strict,
                max_bytes=limits.json_bytes,
                max_depth=limits.json_depth,
            )
        except ManifestError as error:
            raise ManifestError(f"gk_register failed: {error}") from error.__cause__

    def _lower_memory(self) -> None:
        """Holds the guest to the pages that its manifest asks for."""
        if self._guest is not None:
            memory = self._guest.exports.memory
            memory.limit = max(min(memory.limit, self.limits.memory_limit), memory.pages)

    def _drop_guest(self) -> None:
        guest, self._guest, self._bridge.guest = self._guest, None, None
        if guest is not None:
            guest.close()

    def _warn(self, message: str) -> None:
        if self._dispatcher is not None:
            self._dispatcher.log("warn", message, {"plugin": self.name}, None)


_N = TypeVar("_N", int, float)


def _seconds(timeout: float | None) -> float | None:
    """A timeout, where nothing above 0 is no limit."""
    return timeout if timeout is not None and timeout > 0 else None


def _shorter(limit: _N | None, other: _N | None) -> _N | None:
    """The lower one of two limits; ``None`` is no limit."""
    if limit is None or other is None:
        return other if limit is None else limit
    return min(limit, other)


def _end_of(guest: Guest, options: PluginOptions) -> str | None:
    """Why a guest must not be called again, in one line."""
    why = guest.ended or (guest.trapped if options.restart_on_trap else None)
    return why or ("it was interrupted" if guest.instance.dead else None)
