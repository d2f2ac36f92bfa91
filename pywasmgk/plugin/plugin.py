"""Plugins: loading, calling, ending (contract 1.4, 1.6, 1.12)."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from ..errors import Busy, InstanceDead, ManifestError, PluginClosed, PluginError
from ..printable import printable
from ..tracebacks import hidden, shortened
from ..wasm.features import Features
from ..wasm.module import Module
from ..wasm.runtime.calls import Opened
from ..wasm.runtime.defaults import OWN
from ..wasm.runtime.metering import CancelToken, Meter, current_meter
from ..wasm.wasi import Sink, WasiConfig
from ..wasm.wasi.abi import Errno
from .abi import Guest, end_of
from .bridge import Bridge
from .dispatcher import HostDispatcher, in_chain
from .gojson import encode
from .holding import MISSING, Holding
from .host import HostAPI
from .last_call import LastCall
from .limits import Limits, lowered, renamed, seconds
from .loading import decoded, start_guest
from .lock import Turns
from .manifest import GKRegistration, manifest_warnings, parse_manifest
from .results import result_value

if TYPE_CHECKING:
    from .guarding import GuardedHost, HostPolicy
    from .receipts import ReceiptPolicy

__all__ = ["MISSING", "Plugin", "PluginOptions", "load", "load_from_file"]

__tracebackhide__ = hidden

#: where a guest's output goes: as for WASI, or into the host's log
Output = Union[Sink, Literal["log"]]


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
    #: the proposals that the module may use: those that the contract's own runtime knows
    features: Features = Features.SEED
    #: a private directory for compiled code; ``PYWASMGK_CACHE`` by default, "" for none
    cache_dir: str | os.PathLike[str] | None = None
    #: what fresh instances begin as, instead of starting: the bytes of :meth:`Plugin.snapshot`
    snapshot: bytes | None = None
    #: the key that these were made with, if they were
    snapshot_key: bytes | None = None
    #: is called with the running call's Meter about every 10 ms
    progress: Callable[[Meter], object] | None = None
    #: each call can give a receipt (``LastCall.receipt``): it begins in a fresh guest, whose
    #: clocks and random numbers are as the policy says; True is ``ReceiptPolicy()``
    receipts: bool | ReceiptPolicy = False

    @classmethod
    def of(cls, options: dict[str, Any]) -> PluginOptions:
        """The options from keyword arguments; single limits change ``limits``."""
        options = renamed(options)
        names = {field.name for field in dataclasses.fields(Limits)}
        bounds = {name: options[name] for name in options if name in names}
        rest = {name: options[name] for name in options if name not in names}
        known = {field.name for field in dataclasses.fields(cls)}
        for name in rest:
            if name not in known:
                raise TypeError(f"unknown option {name!r}; options are {sorted(known | names)}")
        limits = dataclasses.replace(rest.pop("limits", None) or Limits(), **bounds)
        return cls(limits=limits, **rest)


@shortened
def load(
    data: bytes | str | Module, *, cancel: CancelToken | None = None, **options: Any
) -> Plugin:
    """A plugin from the bytes of its module, or its text in WAT. Options are those of
    PluginOptions and Limits, such as ``memory_limit=`` (pages), ``timeout=`` (seconds),
    ``fuel=`` (instructions), ``restart=``, ``strict=``, ``stdout=``. Loading has one account of
    ``fuel`` and ``timeout`` for all that it does; ``cancel`` ends it.

    Raises PluginError: ContractError for missing exports, ManifestError for a bad manifest,
    CallError for what goes wrong inside the guest; and CacheError for a ``cache_dir`` that cannot
    be used. The engine's exception is the ``__cause__``.
    """
    return Plugin(data, PluginOptions.of(options), cancel=cancel)


@shortened
def load_from_file(
    path: str | Path, *, cancel: CancelToken | None = None, **options: Any
) -> Plugin:
    """A plugin from a file, text if its name ends in .wat; what :func:`load` says else. Raises
    PluginError too where the file cannot be read."""
    plugin_options = PluginOptions.of(options)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PluginError(f"read wasm file: {error}") from error
    return Plugin(data, plugin_options, name=Path(path).name, cancel=cancel)


class Plugin(Holding):
    """A loaded plugin. Calls from several threads queue; ``with`` shuts it down at the end."""

    def __init__(
        self,
        data: bytes | str | Module,
        options: PluginOptions,
        *,
        name: str | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self.options = options
        #: the host's limits, or less where the manifest asks for less
        self.limits = options.limits
        self._turns = Turns()
        self._host: HostAPI | None = None
        self._dispatcher: HostDispatcher | None = None
        #: the host as a policy lets the plugin use it
        self.sandbox: GuardedHost | None = None
        self._closed = False
        self._running: CancelToken | None = None
        self._local = threading.local()
        #: how often a fresh instance took the place of one that had ended
        self.restarts = 0
        self._guest: Guest | None = None
        limits = options.limits
        with self._opened(limits.fuel, seconds(limits.timeout), cancel) as meter:
            cache_dir, features = options.cache_dir, options.features
            self._module = decoded(data, limits, meter, name, cache_dir, features)
            #: what its guest imports
            self.bridge: Bridge
            self._guest, self._manifest, self.bridge = self._start()
        try:
            manifest = self._parse(strict=options.strict)
        except ManifestError:
            self._drop_guest()
            raise
        #: the name in the manifest
        self.name = manifest.name
        self._name_it(manifest.name)
        self.limits, refused = lowered(options.limits, manifest.resources)
        #: without what a policy takes away
        self._own_limits = self.limits
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
    def fingerprint(self) -> bytes:
        """A digest of its module, by which a host knows it again."""
        return sha256(self._module.data).digest()

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

    def _name_it(self, identity: str) -> None:
        #: the name by which the host knows it
        self.identity = identity
        #: what messages call it
        self._label = f"plugin {printable(identity)!r}"

    def __repr__(self) -> str:
        return f"<Plugin {self.name or '?'}{' (closed)' if self._closed else ''}>"

    # -- life

    @shortened
    def init(
        self,
        host: HostAPI,
        *,
        name: str | None = None,
        replace: bool = False,
        policy: HostPolicy | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Attaches a host, or another one in its place. The guest is not entered; a running call
        is waited for, unless ``cancel`` is used. The host's log gets the plugin's ``warnings``. A
        ``policy`` (``pywasmgk.platform``) says what of the host the plugin may use, and how much:
        ``sandbox`` is what stands between them then.

        The host knows the plugin by ``name``, or else by the name in its manifest: whoever has a
        name has the cache, secrets and fields that are kept for it. Raises PluginError for a name
        that the host has given to another plugin, unless to ``replace`` that one.
        """
        with self._turns.taken(self._label, self.limits.timeout, cancel):
            if self._closed:
                raise PluginClosed(f"{self._label} is closed")
            identity = self.name if name is None else name
            # hosts may be of any class that has the methods
            if isinstance(host, HostAPI):
                identity = host.admit(self, identity, replace=replace)
            self._name_it(identity)
            self._host = host
            if self.sandbox is not None:
                self.limits = self._own_limits
            self._own_limits = self.limits
            self.sandbox = None if policy is None else policy.guard(host, self, identity)
            self._lower_limits()
            self.attach(HostDispatcher(self.sandbox or host, identity, self.limits))
            for warning in self.warnings:
                self._warn(warning)

    @property
    def is_ours(self) -> bool:  # type: ignore[override]
        """Whether its guest runs in one of our own engines now."""
        return self._guest is None or self._guest.instance.is_ours

    def attach(self, dispatcher: HostDispatcher) -> None:
        """Has somebody answer its host calls."""
        self._dispatcher = self.bridge.dispatcher = dispatcher

    def shutdown(
        self,
        *,
        force: bool = False,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        """Waits for a running call and closes the plugin; a second time does nothing.

        ``force`` ends the running call as its cancel token would, together with the call that it
        serves. Raises CallTimeout if the call still runs after ``timeout`` seconds; without, it is
        waited for as long as it takes, which its own deadline bounds. ``cancel`` gives the waiting
        up: CallError.
        """
        if force:
            # in this order: a call that begins now sees it closed, or is seen here
            self._closed = True
            running = self._running
            if running is not None:
                running.cancel()
        with self._turns.taken(self._label, timeout, cancel):
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

    @shortened
    def call(
        self,
        function: str,
        args: Any = MISSING,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Any:
        """Calls a function of the plugin's with a JSON value, and gives its JSON value.

        Without ``args`` the guest gets none; ``None`` is JSON's null. ``timeout`` and ``fuel`` can
        only shorten the plugin's own; ``progress`` takes the place of the plugin's. No result is
        ``None``. Raises ResultError for a result that is no JSON, and what :meth:`call_raw` raises.
        """
        raw = None if args is MISSING else encode(args)
        result = self.call_raw(
            function, raw, timeout=timeout, fuel=fuel, cancel=cancel, progress=progress
        )
        return None if result is None else self.decoded(function, result)

    def decoded(self, function: str, result: bytes) -> Any:
        """The JSON value that a function gave as bytes. Raises ResultError."""
        return result_value(self.name, function, result, self.limits)

    @shortened
    def call_raw(
        self,
        function: str,
        args: bytes | None = None,
        *,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
    ) -> bytes | None:
        """:meth:`call` with bytes, which nobody looks into; ``None`` is no result.

        Raises CallError, CallTimeout (also for waiting too long behind other calls), PluginClosed.
        """
        name, data = function.encode("utf-8", "surrogatepass"), bytes(args or b"")
        cancel = cancel or CancelToken()
        timeout, fuel = self._bounds(timeout, fuel)
        wait = timeout
        outer = current_meter()
        if outer is not None:
            # inside another call, that one's token and deadline count
            cancel = outer.cancel = outer.cancel or cancel
            wait = _shorter(wait, outer.seconds_left())
        began = time.monotonic()
        with self._turns.taken(self._label, wait, cancel) as waited:
            if waited and timeout is not None:
                # nothing left is not without a limit
                timeout = max(timeout - (time.monotonic() - began), _NO_TIME)
            try:
                self._running = cancel
                with in_chain(self.identity, outermost=outer is None):
                    return self._on_account(name, data, timeout, fuel, cancel, progress)
            finally:
                self._running = None

    def _bounds(self, timeout: float | None, fuel: int | None) -> tuple[float | None, int | None]:
        """Seconds and fuel of a call, which can only be less than the plugin's own."""
        self._lower_limits()
        own = self.limits
        longest = seconds(own.timeout)
        timeout = longest if timeout is None else _shorter(longest, seconds(timeout))
        return timeout, own.fuel if fuel is None else _shorter(own.fuel, fuel)

    def _on_account(
        self,
        name: bytes,
        data: bytes,
        timeout: float | None,
        fuel: int | None,
        cancel: CancelToken,
        progress: Callable[[Meter], object] | None,
    ) -> bytes | None:
        """A call on one account, a restart included."""
        guest, why = self._usable()
        if guest is None and self.options.receipts:
            # on an account of its own, so that every call has the same one
            with self._opened(self.limits.fuel, timeout, cancel, progress):
                guest = self._restart(why)
        if guest is not None:
            try:
                account = guest.instance.account(
                    timeout=timeout, fuel=fuel, cancel=cancel, progress=progress
                )
                with account as meter:
                    return self._observed(guest, meter, name, data, None)
            except (Busy, InstanceDead):
                # it is this thread's turn: only an interruption can have left it so
                guest.ended = why = "it was interrupted"
                if not self.options.restart:
                    raise PluginClosed(f"{self._label} is closed: {why}") from None
        with self._opened(fuel, timeout, cancel, progress) as meter:
            spent = meter.fuel_used
            guest = self._restart(why)
            with guest.instance.account():
                return self._observed(guest, meter, name, data, spent)

    def _opened(
        self,
        fuel: int | None,
        timeout: float | None,
        cancel: CancelToken | None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Opened:
        """An account for what happens before there is an instance."""
        options = self.options
        depth = options.limits.depth_limit
        return Opened(Meter(fuel, timeout, cancel, progress or options.progress, depth))

    def _observed(
        self, guest: Guest, meter: Meter, name: bytes, data: bytes, spent: int | None
    ) -> bytes | None:
        """A call on an open account, within what the host has around it."""
        dispatcher = self._dispatcher
        if dispatcher is None or dispatcher.observer is None:
            return self._call(guest, meter, name, data, spent)
        function = name.decode("utf-8", "replace")
        with dispatcher.observer.plugin_call(dispatcher.context(meter), function):
            return self._call(guest, meter, name, data, spent)

    def _call(
        self, guest: Guest, meter: Meter, name: bytes, data: bytes, spent: int | None
    ) -> bytes | None:
        """A call on an open account, and what it took; ``spent`` is what the account had spent
        before a restart."""
        started, calls, restarted = time.perf_counter(), meter.host_calls, spent is not None
        spent = meter.fuel_used if spent is None else spent
        notes = self.bridge.notes
        outcome: bytes | BaseException | None = None
        if notes is not None:
            notes.begin(name, data, meter)
        try:
            outcome = guest.call(name, data)
            return outcome
        except PluginError as error:
            outcome = error
            raise
        except BaseException as error:
            # an interruption: it may have come between any two steps
            guest.ended = end_of(error)
            outcome = error
            raise
        finally:
            self._take_note(
                LastCall(
                    meter.fuel_used - spent,
                    time.perf_counter() - started,
                    guest.exports.memory.pages,
                    meter.host_calls - calls,
                    restarted,
                ),
                outcome,
            )

    def _take_note(self, last: LastCall, outcome: bytes | BaseException | None) -> None:
        """Takes note of what a call took, and how it has ended."""
        self.bridge.flush()
        notes = self.bridge.notes
        if notes is not None:
            notes.end(outcome)
            last = notes.receipted(last, self._module, self.options)
        self._local.last_call = last

    def note_end(
        self,
        guest: Guest,
        meter: Meter,
        calls: int,
        restarted: bool,
        outcome: bytes | BaseException | None,
    ) -> None:
        """Takes note that a call which was held is closed; ``calls`` are host calls before it."""
        self._take_note(
            LastCall(
                meter.fuel_used,
                meter.seconds_paused(),
                guest.exports.memory.pages,
                meter.host_calls - calls,
                restarted,
            ),
            outcome,
        )

    def _usable(self) -> tuple[Guest | None, str]:
        """The guest to call, or ``None`` and why there has to be a fresh one."""
        if self._closed:
            raise PluginClosed(f"{self._label} is closed")
        guest = self._guest
        if guest is not None:
            guest.require_free(self._label)
        if self._dispatcher is not None:
            self._dispatcher.begin_call()
        if self.sandbox is not None:
            self.sandbox.enter()
            self._lower_memory()
        why = "its restart failed" if guest is None else _end_of(guest, self.options)
        if why is None:
            notes = self.bridge.notes
            # what a receipt is of begins as it would anywhere
            return (guest, "") if notes is None or notes.request is None else (None, "")
        if not self.options.restart:
            raise PluginClosed(f"{self._label} is closed: {why}")
        return None, why

    def _restart(self, why: str) -> Guest:
        """Puts a fresh guest into the place of one that has ended; without a ``why`` that is as it
        should be."""
        self._drop_guest()
        guest, _, self.bridge = self._start()
        self._guest = guest
        self._lower_memory()
        if why:
            self.restarts += 1
            self._warn(f"plugin restarted: {why}")
        return guest

    # -- loading

    def _start(self) -> tuple[Guest, bytes, Bridge]:
        """A fresh instance, registered, and what it imports. No host is attached to that meanwhile
        (contract 1.4)."""
        options, bridge = self.options, Bridge()
        wasi = WasiConfig(
            stdout=bridge.sink("stdout", "info") if options.stdout == "log" else options.stdout,
            stderr=bridge.sink("stderr", "warn") if options.stderr == "log" else options.stderr,
            stream_socket=Errno.BADF,  # contract 1.9
        )
        if options.receipts:
            # only who wants them pays for it
            from .receipts import Notes, ReceiptPolicy

            policy = options.receipts
            bridge.notes = Notes(ReceiptPolicy() if policy is True else policy)
            wasi = bridge.notes.conditioned(wasi)
        start, engine = start_guest, options.engine
        if options.snapshot is not None:
            # only who has one pays for it
            from .snapshots import resume_guest

            start = partial(resume_guest, options.snapshot, options.snapshot_key)
            engine = OWN if engine == "auto" else engine
        guest, manifest = start(
            self._module, bridge, options.limits, wasi, engine, options.progress
        )
        self.can_hold = guest.instance.can_hold
        bridge.guest, bridge.dispatcher = guest, self._dispatcher
        return guest, manifest, bridge

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

    def _lower_limits(self) -> None:
        """Holds the plugin to its policy, which may have been changed."""
        if self.sandbox is not None:
            self.limits = self.sandbox.limits(self._own_limits)

    def _lower_memory(self) -> None:
        """Holds the guest to the pages that its manifest asks for, and its policy permits."""
        if self._guest is not None:
            memory = self._guest.exports.memory
            memory.limit = max(min(memory.limit, self.limits.memory_limit), memory.pages)

    def _drop_guest(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            held = guest.held() if guest.held is not None else None
            if held is not None:
                held.close()
            guest.close()

    def _warn(self, message: str) -> None:
        if self._dispatcher is not None:
            self._dispatcher.log("warn", message, {"plugin": self.identity}, None)


#: seconds that are as good as none
_NO_TIME = 1e-9

_N = TypeVar("_N", int, float)


def _shorter(limit: _N | None, other: _N | None) -> _N | None:
    """The lower one of two limits; ``None`` is no limit."""
    if limit is None or other is None:
        return other if limit is None else limit
    return min(limit, other)


def _end_of(guest: Guest, options: PluginOptions) -> str | None:
    """Why a guest must not be called again, in one line."""
    why = guest.ended or (guest.trapped if options.restart_on_trap else None)
    return why or ("it was interrupted" if guest.instance.dead else None)
