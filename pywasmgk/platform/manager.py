"""Plugins by name: registering, calling, replacing, switching off, ending (contract 5.1).

::

    with PluginManager(MemoryHost(), state="plugins.json") as manager:
        manager.register(pywasmgk.load_from_file("hello.wasm"))
        manager.call("hello", "greet", {"name": "Ada"})
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple

from ..errors import (
    PlatformError,
    PluginDisabled,
    PluginError,
    PluginNotFound,
    ResultError,
    ShutdownError,
)
from ..plugin import MISSING, CallContext, GKRegistration, HostAPI, LastCall, Plugin, PluginLike
from ..plugin.dispatcher import MAX_CALL_DEPTH, in_chain, running_chain
from ..plugin.gojson import JSONError, decode, encode
from ..plugin.host import HostFunctionError
from ..plugin.manifest import is_usual_name, wants_newer_host
from ..printable import printable
from ..wasm.runtime.metering import CancelToken, current_meter
from .catalog import Catalog
from .dependencies import require_present
from .ending import shut_down_all
from .envelope import Envelope, current_envelope, enveloped
from .fields import field_prefix
from .hosting import ManagedHost
from .keyed_locks import KeyedLocks
from .listeners import Listeners
from .log_buffer import LogBuffer
from .policies import Policies
from .records import CallRecord, CallStats, CallTally
from .registry import (
    Effect,
    Registry,
    TemplateHandler,
    Undo,
    adding,
    error_codes,
    template_overrides,
    translations,
    undone,
)
from .sandbox import Sandbox
from .service import Service
from .state import StateFile

__all__ = ["PluginChange", "PluginManager", "PluginStatus"]

#: seconds that a plugin is given to end, where its policy does not say
SHUTDOWN_TIMEOUT = 10.0


class PluginChange(NamedTuple):
    """Something has changed: ``registered``, ``replaced``, ``unregistered``, ``enabled`` or
    ``disabled``."""

    kind: str
    plugin: str


class PluginStatus(NamedTuple):
    """A registered plugin, at one moment."""

    name: str
    version: str
    description: str
    enabled: bool
    #: calls that are inside it
    running: int
    stats: CallStats
    #: what is odd about its manifest, or asked for and not granted
    warnings: tuple[str, ...]


@dataclass
class _Entry:
    """A registered plugin."""

    service: Service
    dependencies: tuple[str, ...]
    #: what stands between it and its host, if there are policies
    sandbox: Sandbox | None = None
    #: what registering did elsewhere
    undos: list[Undo] = field(default_factory=list)


class PluginManager:
    """Plugins by the names in their manifests; all methods may be called from any thread.

    ``host`` is behind all of them: each plugin gets it with calls of other plugins added.
    ``policies`` say what of it each may use, its limits and its time to end; without, all may use
    all. They can be changed at any time. ``state`` is a file that keeps which plugins are switched
    off. Lines of their log go into ``log``. ``effects`` are done for each plugin that registers,
    and taken back when it goes, beside the manager's own: ``translations``, ``error_codes`` and
    ``template_overrides``.
    """

    def __init__(
        self,
        host: HostAPI | None = None,
        *,
        policies: Policies | None = None,
        state: str | os.PathLike[str] | None = None,
        log: LogBuffer | None = None,
        effects: Sequence[Effect] = (),
        shutdown_timeout: float = SHUTDOWN_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = HostAPI() if host is None else host
        self.policies = policies
        self.log = LogBuffer() if log is None else log
        #: texts by language and ``NAMESPACE.KEY``
        self.translations: Registry[tuple[str, str], str] = Registry()
        #: error codes by ``PLUGIN:CODE``
        self.error_codes: Registry[str, Any] = Registry()
        #: told of each call that has ended, in its thread
        self.on_call: Listeners[CallRecord] = Listeners()
        #: told of each change
        self.on_change: Listeners[PluginChange] = Listeners()
        #: registers a plugin that is not there, if somebody can, and gives the name that it has:
        #: see PluginLoader
        self.find_missing: Callable[[str], str | None] | None = None
        self._overrides: Registry[str, TemplateHandler] = Registry()
        self._effects: tuple[Effect, ...] = (
            adding(self.translations, translations),
            adding(self.error_codes, error_codes),
            adding(self._overrides, template_overrides),
            *effects,
        )
        self._state = StateFile(state)
        self._shutdown_timeout = shutdown_timeout
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._closed = False
        #: of the table; held for single steps only
        self._lock = threading.Lock()
        #: of what is done with one name
        self._changing = KeyedLocks()
        #: names that the host has admitted for this manager, which may give them to others
        self._admitted: set[str] = set()
        self._tally = CallTally()

    def __enter__(self) -> PluginManager:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"<PluginManager of {len(self._entries)} plugins>"

    # -- coming and going

    def register(self, plugin: PluginLike, *, dependencies: Iterable[str] = ()) -> str:
        """Takes a loaded plugin into service, and gives its name. ``dependencies`` are names that
        have to be registered.

        Raises PlatformError for a name that is taken or odd, for what is missing, and for one that
        wants a newer host, and PluginError for one that the host does not take. Then nothing has
        changed, and the plugin is the caller's still.
        """
        manifest = plugin.registration
        name = manifest.name
        needed = tuple(dependencies)
        with self._changing.held(name):
            if name in self._entries:
                raise PlatformError(f'plugin "{printable(name)}" already registered')
            self._require_fit(manifest)
            with self._lock:
                self._require_own_fields(name)
            require_present(name, needed, self._entries)
            sandbox = self._init(plugin, name, replace=False)
            undos = self._done(name, manifest)
            self._enter(name, _Entry(self._service(name, plugin), needed, sandbox, undos))
        self.on_change.tell(PluginChange("registered", name))
        return name

    def replace(
        self, name: str, plugin: PluginLike, *, dependencies: Iterable[str] | None = None
    ) -> None:
        """Puts a loaded plugin into the place of the one that has this name. Calls that have begun
        end on the old one, which the last of them shuts down; those that begin now go to the new.

        Raises as :meth:`register` does, and PluginNotFound; then the old one stays as it was, and
        the new one is the caller's still.
        """
        manifest = plugin.registration
        with self._changing.held(name):
            entry = self._entry(name)
            if manifest.name != name:
                raise PlatformError(
                    f'new plugin name "{printable(manifest.name)}" doesn\'t match old name '
                    f'"{printable(name)}"'
                )
            self._require_fit(manifest)
            needed = entry.dependencies if dependencies is None else tuple(dependencies)
            require_present(name, needed, self._entries)
            old = entry.service
            try:
                sandbox = self._init(plugin, name, replace=True)
                undos = self._done(name, manifest)
                self._enter(name, _Entry(self._service(name, plugin), needed, sandbox, undos))
            except BaseException:
                # the host shall know the old one by this name again
                self._readmit(entry, name)
                raise
            undone(entry.undos)
        old.retire()
        self.on_change.tell(PluginChange("replaced", name))

    def unregister(self, name: str) -> None:
        """Takes a plugin out of service: calls that have begun end, then it is shut down, and what
        registering did is taken back. Raises PluginNotFound, and PlatformError for one that does
        not end in time; then it stays in service."""
        with self._changing.held(name):
            entry = self._entry(name)
            try:
                entry.service.close(self._seconds_to_end(name))
            except Exception as error:
                text = f'plugin "{printable(name)}" shutdown failed: {error}'
                raise PlatformError(text) from error
            with self._lock:
                # shutdown may have come in between, and does the rest then
                is_gone = self._entries.pop(name, None) is None
            if is_gone:
                return
            undone(entry.undos)
        self.on_change.tell(PluginChange("unregistered", name))

    def shutdown(self) -> None:
        """Takes all plugins out of service and ends them, all at the same time, each within its
        seconds: a call that still runs then is ended. Raises ShutdownError, with all that went
        wrong."""
        with self._lock:
            self._closed = True
            entries, self._entries = self._entries, {}
        errors = shut_down_all(
            {name: entry.service for name, entry in entries.items()}, self._seconds_to_end
        )
        for entry in entries.values():
            undone(entry.undos)
        if errors:
            raise ShutdownError(errors)

    def _enter(self, name: str, entry: _Entry) -> None:
        """Puts a plugin into the table, or takes back what it did. Raises PlatformError."""
        try:
            with self._lock:
                if self._closed:
                    raise PlatformError("the manager is shut down")
                # another one may have come while this one began
                self._require_own_fields(name)
                self._entries[name] = entry
        except PlatformError:
            undone(entry.undos)
            raise

    def _require_own_fields(self, name: str) -> None:
        """Raises PlatformError for a name whose custom fields would be those of another plugin."""
        prefix = field_prefix(name)
        for other in self._entries:
            if other != name and field_prefix(other) == prefix:
                raise PlatformError(
                    f'plugin "{name}" would have the custom fields of plugin "{other}": both '
                    f'begin with "{prefix}"'
                )

    def _require_fit(self, manifest: GKRegistration) -> None:
        name = manifest.name
        if not is_usual_name(name):
            raise PlatformError(
                f'plugin name "{printable(name, longest=80)}" must be of a-z, 0-9, "-" and "_", '
                "and begin with a letter or digit"
            )
        newer = wants_newer_host(manifest)
        if newer is not None:
            raise PlatformError(f'plugin "{name}": {newer}')

    def _init(self, plugin: PluginLike, name: str, *, replace: bool) -> Sandbox | None:
        """Gives a plugin its host, and what stands between them."""
        policies = self.policies
        try:
            host = ManagedHost(self.host, name, self, self.log, self._admitted, self.translations)
            if policies is None:
                plugin.init(host, name=name, replace=replace)
                return None
            if isinstance(plugin, Plugin):
                plugin.init(host, name=name, replace=replace, policy=policies)
                return plugin.sandbox if isinstance(plugin.sandbox, Sandbox) else None
            host.admit(plugin, name, replace=replace)
            sandbox = policies.guard(host, plugin, name)
            plugin.init(sandbox, name=name, replace=replace)
            return sandbox
        except (PluginError, TypeError) as error:
            raise PlatformError(f'plugin "{name}" init failed: {error}') from error

    def _done(self, name: str, manifest: GKRegistration) -> list[Undo]:
        """Does the effects; what takes them back."""
        undos: list[Undo] = []
        try:
            for effect in self._effects:
                undos.append(effect(name, manifest))
        except BaseException as error:
            undone(undos)
            if isinstance(error, Exception):
                raise PlatformError(f'plugin "{name}" init failed: {error}') from error
            raise
        return undos

    def _readmit(self, entry: _Entry, name: str) -> None:
        if isinstance(self.host, HostAPI):
            self.host.admit(entry.service.plugin, name, replace=True)
        if self.policies is not None and entry.sandbox is not None:
            self.policies.restore(name, entry.sandbox)

    def _service(self, name: str, plugin: PluginLike) -> Service:
        def ended(error: BaseException | None) -> None:
            if error is not None:
                self.log.add("warn", f"the replaced plugin did not end well: {error}", plugin=name)

        return Service(plugin, on_end=ended)

    def _seconds_to_end(self, name: str) -> float:
        own = None if self.policies is None else self.policies.get(name).shutdown_seconds
        return self._shutdown_timeout if own is None else own

    def load_options(self, name: str) -> dict[str, Any]:
        """Options with which a plugin is to be loaded, as for ``pywasmgk.load``: those that its
        policy gives (W16)."""
        return {} if self.policies is None else self.policies.get(name).load_options()

    def _entry(self, name: str) -> _Entry:
        """Raises PluginNotFound."""
        entry = self._entries.get(name)
        if entry is None:
            raise PluginNotFound(name)
        return entry

    # -- switching on and off

    def enable(self, name: str) -> None:
        """Switches a plugin on. Raises PluginNotFound, and PlatformError if that cannot be kept."""
        self._switch(name, True)

    def disable(self, name: str) -> None:
        """Switches a plugin off: it stays loaded, and calls of it raise PluginDisabled. Raises as
        :meth:`enable` does."""
        self._switch(name, False)

    def _switch(self, name: str, enabled: bool) -> None:
        with self._changing.held(name):
            self._entry(name)
            self._state.set_enabled(name, enabled)
        self.on_change.tell(PluginChange("enabled" if enabled else "disabled", name))

    # -- what there is

    def is_registered(self, name: str) -> bool:
        """Whether a plugin has this name, switched on or off."""
        return name in self._entries

    def is_enabled(self, name: str) -> bool:
        """Whether a plugin of this name is, or would be, switched on."""
        return self._state.is_enabled(name)

    def get(self, name: str) -> PluginLike | None:
        """The plugin itself, if it is registered and switched on. Calls that are made on it
        directly are not counted, and may find it closed when it is replaced."""
        entry = self._entries.get(name)
        return None if entry is None or not self.is_enabled(name) else entry.service.plugin

    def names(self) -> list[str]:
        """The registered plugins, sorted."""
        with self._lock:
            return sorted(self._entries)

    def status(self) -> list[PluginStatus]:
        """All registered plugins, by name."""
        with self._lock:
            entries = sorted(self._entries.items())
        return [
            PluginStatus(
                name,
                entry.service.manifest.version,
                entry.service.manifest.description,
                self.is_enabled(name),
                entry.service.calls,
                self._tally.of(name),
                tuple(getattr(entry.service.plugin, "warnings", ())),
            )
            for name, entry in entries
        ]

    def stats(self, name: str) -> CallStats:
        """Sums over a plugin's calls."""
        return self._tally.of(name)

    def manifest(self, name: str) -> GKRegistration:
        """The manifest of a registered plugin. Raises PluginNotFound."""
        return self._entry(name).service.manifest

    @property
    def catalog(self) -> Catalog:
        """What the plugins that are switched on bring along, now."""
        with self._lock:
            entries = [*self._entries.items()]
        return Catalog(
            {name: entry.service.manifest for name, entry in entries if self.is_enabled(name)}
        )

    def template_override(self, template: str) -> TemplateHandler | None:
        """Who makes a template in the place of the host: the latest that is switched on."""
        owners = self._overrides.owners(template)
        return next((own.item for own in owners if self.is_enabled(own.plugin)), None)

    # -- calls

    def call(
        self,
        name: str,
        function: str,
        args: Any = MISSING,
        *,
        envelope: Envelope | None = None,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
    ) -> Any:
        """Calls a plugin's function with a JSON value, and gives its JSON value; ``None`` is no
        result.

        ``envelope`` says for whom. What ``args`` has of its keys comes from elsewhere and is left
        out. ``timeout``, ``fuel`` and ``cancel`` are as for ``Plugin.call``. Raises PluginNotFound,
        PluginDisabled, and what the call raises: CallError, CallTimeout, ResultError.
        """
        raw = None if args is MISSING else encode(args)
        result = self.call_raw(
            name, function, raw, envelope=envelope, timeout=timeout, fuel=fuel, cancel=cancel
        )
        return None if result is None else _decoded(name, function, result)

    def call_raw(
        self,
        name: str,
        function: str,
        args: bytes | None = None,
        *,
        envelope: Envelope | None = None,
        timeout: float | None = None,
        fuel: int | None = None,
        cancel: CancelToken | None = None,
    ) -> bytes | None:
        """:meth:`call` with bytes; what is no JSON object gets no envelope."""
        options = {"timeout": timeout, "fuel": fuel, "cancel": cancel}
        for_whom = envelope or current_envelope()
        if for_whom is None:
            return self._call("", name, function, enveloped(args, None), options)
        with for_whom.acting():
            return self._call("", name, function, enveloped(args, for_whom), options)

    def call_from(
        self, context: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls a plugin for another one, ``context.caller``, for whom that one was called.

        Raises HostFunctionError for a call that leads back to a plugin of its own chain, or too
        deep, and what :meth:`call` raises, with the caller in the texts.
        """
        chain = running_chain() or (context.caller,)
        if plugin in chain:
            raise HostFunctionError(f"plugin call cycle: {' -> '.join((*chain, plugin))}")
        if len(chain) >= MAX_CALL_DEPTH:
            raise HostFunctionError(
                f"plugin call depth exceeded (max {MAX_CALL_DEPTH}): {context.caller} -> {plugin}"
            )
        given = enveloped(args, current_envelope())
        options = {"timeout": context.seconds_left()}
        return self._call(context.caller, plugin, function, given, options)

    def _call(
        self, caller: str, name: str, function: str, args: bytes | None, options: dict[str, Any]
    ) -> bytes | None:
        service = self._entered(name, caller, function)
        name = service.manifest.name
        with service as plugin:
            began, started, before = self._clock(), time.perf_counter(), _last_call(plugin)
            failure: BaseException | None = None
            try:
                return _called(plugin, name, function, args, options, outermost=not caller)
            except BaseException as error:
                failure = error
                raise
            finally:
                seconds = time.perf_counter() - started
                last = _last_call(plugin)
                took = _NOTHING if last is None or last is before else last
                record = CallRecord(
                    name, function, caller, began, seconds, took.fuel, took.pages,
                    took.host_calls, failure,
                )  # fmt: skip
                self._tally.count(record)
                self.on_call.tell(record)

    def _entered(self, name: str, caller: str, function: str) -> Service:
        """The service of a plugin, with one more call inside."""
        find = self.find_missing
        if name not in self._entries and find is not None:
            try:
                name = find(name) or name
            except PluginError as error:
                raise PluginNotFound(name, caller, function) from error
        while (entry := self._entries.get(name)) is not None:
            if not self.is_enabled(name):
                raise PluginDisabled(name, caller)
            if entry.service.enter():
                return entry.service
            if self._entries.get(name) is entry:
                break  # it is about to end
        raise PluginNotFound(name, caller, function)


_NOTHING = LastCall(0, 0.0, 0, 0, False)


def _last_call(plugin: PluginLike) -> LastCall | None:
    return plugin.last_call if isinstance(plugin, Plugin) else None


def _called(
    plugin: PluginLike,
    name: str,
    function: str,
    args: bytes | None,
    options: dict[str, Any],
    *,
    outermost: bool,
) -> bytes | None:
    given = {key: value for key, value in options.items() if value is not None}
    if isinstance(plugin, Plugin):
        return plugin.call_raw(function, args, **given)
    # such a plugin takes no account, and does not note itself in the chain
    timeout = given.get("timeout")
    with in_chain(name, outermost=outermost and current_meter() is None):
        return plugin.call_raw(function, args, timeout=timeout)


def _decoded(name: str, function: str, result: bytes) -> Any:
    try:
        return decode(result, strict=True)
    except JSONError as error:
        text = f"{name}.{printable(function)} gave no JSON: {error} in {result[:60]!r}"
        raise ResultError(text, result) from error
