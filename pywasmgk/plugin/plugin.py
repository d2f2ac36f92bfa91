"""Plugins: loading, calling, ending (contract 1.4, 1.6, 1.12)."""

from __future__ import annotations

import copy
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import (
    CallError,
    CallTimeout,
    DecodeError,
    Exit,
    GuestError,
    LinkError,
    ManifestError,
    PluginClosed,
    PluginError,
    ResultError,
    Stopped,
    ValidationError,
)
from ..wasm.functions import Caller, Func
from ..wasm.instance import DEFAULT_MEMORY_LIMIT, Instance, instantiate
from ..wasm.linker import MissingImport
from ..wasm.metering import DEFAULT_FUEL, DEFAULT_TIMEOUT, CancelToken
from ..wasm.module import Module
from ..wasm.types import MAX_PAGES, FuncType, ValType
from ..wasm.values import u32
from ..wasm.wasi import Sink, WasiConfig
from .abi import Guest, describe, pack
from .gojson import JSONError, decode, encode
from .host import HostAPI, HostDispatcher, in_chain
from .manifest import GKRegistration, parse_manifest

__all__ = ["MISSING", "LastCall", "Plugin", "PluginOptions", "load", "load_from_file"]

_I32, _I64 = ValType.I32, ValType.I64
_LEVELS = ("debug", "info", "warn", "error")
_HOST_CALL = FuncType((_I32,) * 4, (_I64,))
_LOG = FuncType((_I32,) * 3, ())


class _Missing:
    """Stands for arguments that were not given, as ``None`` is JSON's null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class PluginOptions:
    """How a plugin is run; ``load`` takes these as keyword arguments."""

    #: pages of 65536 bytes that its memory may have
    memory_limit: int = DEFAULT_MEMORY_LIMIT
    #: seconds that a call may take, also loading; ``None`` or nothing above 0 is no limit
    call_timeout: float | None = DEFAULT_TIMEOUT
    #: instructions that a call may take; ``None`` is no limit
    fuel: int | None = DEFAULT_FUEL
    #: after a stop or an exit, start a fresh instance at the next call
    restart: bool = True
    #: refuse odd manifests
    strict: bool = False
    #: where the guest's standard output and errors go: a binary file, a callable, or nowhere
    stdout: Sink = None
    stderr: Sink = None
    #: "auto" or "interpreter"
    engine: str = "auto"

    def __post_init__(self) -> None:
        if isinstance(self.memory_limit, bool) or not 0 <= self.memory_limit <= MAX_PAGES:
            raise ValueError(
                f"memory_limit must be 0 to {MAX_PAGES} pages, found {self.memory_limit}"
            )
        if self.fuel is not None and self.fuel < 0:
            raise ValueError(f"fuel must not be negative, found {self.fuel}")


@dataclass(frozen=True)
class LastCall:
    """What the latest call of a thread took, all that ran for it included."""

    #: instructions
    fuel: int
    seconds: float
    #: pages of memory after it
    pages: int
    #: calls of host functions, WASI's too
    host_calls: int
    #: it began with a fresh instance
    restarted: bool


def load(data: bytes | Module, **options: Any) -> Plugin:
    """A plugin from the bytes of its module; options are those of PluginOptions.

    Raises PluginError: ContractError for missing exports, ManifestError for a bad manifest,
    CallError for what goes wrong inside the guest. The engine's exception is the ``__cause__``.
    """
    return Plugin(data, PluginOptions(**options))


def load_from_file(path: str | Path, **options: Any) -> Plugin:
    """A plugin from a file. Raises PluginError too where the file cannot be read."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise PluginError(f"read wasm file: {error}") from error
    plugin_options = PluginOptions(**options)
    return Plugin(_module(data, Path(path).name), plugin_options)


def _module(data: bytes, name: str | None = None) -> Module:
    try:
        return Module(data, name=name)
    except (DecodeError, ValidationError) as error:
        raise PluginError(f"instantiate wasm: {error}") from error


class Plugin:
    """A loaded plugin. Calls from several threads queue; ``with`` shuts it down at the end."""

    def __init__(self, data: bytes | Module, options: PluginOptions) -> None:
        self.options = options
        self._module = data if isinstance(data, Module) else _module(data)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._dispatcher: HostDispatcher | None = None
        self._host: HostAPI | None = None
        self._closed = False
        self._local = threading.local()
        #: how often a fresh instance took the place of one that had ended
        self.restarts = 0
        self._registration: GKRegistration | None = None
        self._guest: Guest | None = self._start()

    # -- what it is

    @property
    def registration(self) -> GKRegistration:
        """The manifest, as a copy of the caller's own. It stays after :meth:`shutdown`."""
        return copy.deepcopy(self._registration) or GKRegistration()

    @property
    def name(self) -> str:
        """The name in the manifest."""
        return self._registration.name if self._registration is not None else ""

    @property
    def closed(self) -> bool:
        """Whether it was shut down."""
        return self._closed

    @property
    def last_call(self) -> LastCall | None:
        """What the calling thread's latest call took; ``None`` before its first."""
        found: LastCall | None = getattr(self._local, "last_call", None)
        return found

    def __repr__(self) -> str:
        return f"<Plugin {self.name or '?'}{' (closed)' if self._closed else ''}>"

    # -- life

    def init(self, host: HostAPI) -> None:
        """Attaches a host, or another one in its place. The guest is not entered."""
        with self._locked(None):
            if self._closed:
                raise PluginClosed(f"plugin {self.name!r} is closed")
            self._host = host
            self._dispatcher = HostDispatcher(host, self.name)

    def shutdown(self) -> None:
        """Waits for a running call and closes the plugin; a second time does nothing."""
        with self._locked(None):
            self._closed = True
            self._guest = None

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
            return decode(result)
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
        limits = self._limits(timeout, fuel, cancel)
        with self._locked(limits["timeout"]):
            guest, restarted = self._ready()
            started = time.perf_counter()
            with guest.instance.account(**limits) as meter, in_chain(self.name):
                spent, calls = meter.fuel_used, meter.host_calls
                try:
                    return guest.call(function.encode("utf-8", "surrogatepass"), args or b"")
                finally:
                    self._local.last_call = LastCall(
                        meter.fuel_used - spent,
                        time.perf_counter() - started,
                        guest.exports.memory.pages,
                        meter.host_calls - calls,
                        restarted,
                    )

    def _limits(
        self, timeout: float | None, fuel: int | None, cancel: CancelToken | None
    ) -> dict[str, Any]:
        own = self.options
        times = [t for t in (own.call_timeout, timeout) if t is not None and t > 0]
        fuels = [f for f in (own.fuel, fuel) if f is not None]
        return {
            "timeout": min(times, default=None),
            "fuel": min(fuels, default=None),
            "cancel": cancel,
        }

    def _locked(self, timeout: float | None) -> _Turn:
        return _Turn(self, timeout)

    def _ready(self) -> tuple[Guest, bool]:
        """The guest to call, and whether it was started for this call."""
        if self._closed or self._guest is None:
            raise PluginClosed(f"plugin {self.name!r} is closed")
        guest = self._guest
        if guest.ended is None and not guest.instance.dead:
            return guest, False
        why = guest.ended or "it was interrupted"
        if not self.options.restart:
            raise PluginClosed(f"plugin {self.name!r} is closed: {describe_end(why)}")
        self._guest = self._start()
        self.restarts += 1
        if self._dispatcher is not None:
            self._dispatcher.log(
                "warn", f"plugin restarted: {describe_end(why)}", {"plugin": self.name}, None
            )
        return self._guest, True

    # -- loading

    def _start(self) -> Guest:
        """A fresh instance, registered. No host is attached meanwhile (contract 1.4)."""
        options = self.options
        attached, self._dispatcher = self._dispatcher, None
        try:
            instance = self._instantiate()
            with instance.account(fuel=options.fuel, timeout=options.call_timeout):
                self._run_start(instance)
                guest = Guest(instance)
                manifest = guest.manifest()
        finally:
            self._dispatcher = attached
        if self._registration is None:
            try:
                self._registration = parse_manifest(manifest, strict=options.strict)
            except ManifestError as error:
                raise ManifestError(f"gk_register failed: {error}") from error.__cause__
        return guest

    def _instantiate(self) -> Instance:
        options = self.options
        host_call = Func(_HOST_CALL, self._host_call, access_caller=True, name="host_call")
        log = Func(_LOG, self._log, access_caller=True, name="log")
        imports = {"gk": {"host_call": host_call, "log": log}}
        wasi = WasiConfig(stdout=options.stdout, stderr=options.stderr)
        try:
            return instantiate(
                self._module,
                imports,
                wasi=wasi,
                memory_limit=options.memory_limit,
                fuel=options.fuel,
                timeout=options.call_timeout,
                engine=options.engine,
            )
        except LinkError as error:
            raise PluginError(f"instantiate wasm: {_link_text(error)}") from error
        except GuestError as error:
            where = f"start function[{self._module.start}] failed: "
            where = "" if self._module.start is None else where
            raise _load_error(f"instantiate wasm: {where}", error) from error
        except Exit as error:
            raise PluginError(f"instantiate wasm: {describe(error)}") from error

    def _run_start(self, instance: Instance) -> None:
        """Runs ``_start``, or else ``_initialize``, if it is there."""
        for name in ("_start", "_initialize"):
            item = instance.exports[name] if name in instance.exports else None
            if isinstance(item, Func) and item.type == FuncType():
                break
        else:
            return
        try:
            item()
        except Exit as error:
            if error.code == 0:
                hint = "build a reactor, or let main return"
                raise PluginError(
                    f"gk_register failed: module closed with exit_code(0): {hint}"
                ) from error
            raise PluginError(f"instantiate wasm: {describe(error)}") from error
        except GuestError as error:
            where = f"module[{self._module.name or ''}] function[{name}] failed: "
            raise _load_error(f"instantiate wasm: {where}", error) from error

    # -- what the guest calls

    def _host_call(
        self, caller: Caller, name_ptr: u32, name_len: u32, args_ptr: u32, args_len: u32
    ) -> int:
        """``gk.host_call`` (contract 1.8): 0 is a failure, whose reason the host's log gets."""
        dispatcher, guest, memory = self._dispatcher, self._guest, caller.memory
        if dispatcher is None or guest is None or memory is None:
            return 0
        size = len(memory)
        if name_ptr + name_len > size or args_ptr + args_len > size:
            return 0
        name = memory.read(name_ptr, name_len).decode("utf-8", "replace")
        args = memory.read(args_ptr, args_len)
        try:
            response = dispatcher.call(name, args, caller.meter)
        except Stopped:
            raise
        except Exception as error:  # whatever a host's own code raises is the host's log's
            message = f"host_call {name} failed: {error}"
            dispatcher.log("error", message, {"caller": self.name}, caller.meter)
            return 0
        if not response:
            return 0
        try:
            ptr = guest.place(response)
        except CallError as error:
            if error.cause is not None:
                raise error.cause from None
            raise
        return 0 if ptr is None else pack(ptr, len(response))

    def _log(self, caller: Caller, level: u32, ptr: u32, size: u32) -> None:
        """``gk.log`` (contract 1.8)."""
        dispatcher, memory = self._dispatcher, caller.memory
        if dispatcher is None or memory is None or ptr + size > len(memory):
            return
        message = memory.read(ptr, size).decode("utf-8", "replace")
        name = _LEVELS[level] if level < len(_LEVELS) else "info"
        dispatcher.log(name, message, {"plugin": self.name}, caller.meter)


class _Turn:
    """The plugin's lock, waited for no longer than a call may take."""

    def __init__(self, plugin: Plugin, timeout: float | None) -> None:
        self._plugin = plugin
        self._timeout = timeout

    def __enter__(self) -> None:
        plugin = self._plugin
        me = threading.get_ident()
        if plugin._owner == me:
            raise CallError(f"plugin {plugin.name!r} is called from within its own call")
        if not plugin._lock.acquire(timeout=-1 if self._timeout is None else self._timeout):
            raise CallTimeout(
                f"plugin {plugin.name!r} was busy with another call for {self._timeout:g} s"
            )
        plugin._owner = me

    def __exit__(self, *exc: object) -> None:
        self._plugin._owner = None
        self._plugin._lock.release()


def describe_end(why: BaseException | str) -> str:
    """Why a guest ended, in one line."""
    return why if isinstance(why, str) else describe(why).splitlines()[0]


def _load_error(prefix: str, error: GuestError) -> PluginError:
    kind = CallTimeout if isinstance(error, TimeoutError) else CallError
    return kind(prefix + describe(error), error)


def _link_text(error: LinkError) -> str:
    """The contract's text for the first problem, ours for all of them."""
    problems = [item for item in error.missing if isinstance(item, MissingImport)]
    if not problems:
        return str(error)
    first = problems[0]
    if first.found is not None:
        text = (
            f"import func[{first.module}.{first.name}]: signature mismatch: "
            f"{_signature(first.wanted)} != {_signature(first.found)}"
        )
    elif first.module in ("gk", "wasi_snapshot_preview1"):
        text = f'"{first.name}" is not exported in module "{first.module}"'
    else:
        text = f"module[{first.module}] not instantiated"
    return f"{text}; {error}"


def _signature(kind: Any) -> str:
    if not isinstance(kind, FuncType):
        return str(kind)
    params, results = ("".join(map(str, part)) or "v" for part in (kind.params, kind.results))
    return f"{params}_{results}"
