"""Carries out a plugin's host calls on a host object (contract 1.8 and part 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..errors import HostError, JSONError, PywasmgkError
from ..printable import printable
from ..wasm.runtime.metering import Meter, current_meter
from .gojson import decode, encode, raw_members
from .host import CallContext, CallObserver, HostAPI, HostFunctionError
from .host_functions import FUNCTIONS
from .limits import Limits
from .methods import require_methods
from .own_functions import OwnFunction
from .schema import ANY, STRING, Kind, fold, mapped, record

__all__ = [
    "MAX_CALL_DEPTH",
    "HostDispatcher",
    "acting",
    "chained",
    "in_chain",
    "require_route",
    "running_behalf",
    "running_chain",
]

#: plugins that may wait for each other's answers, the outermost counted
MAX_CALL_DEPTH = 10

#: names of the plugins whose calls are running, outermost first
_chain: ContextVar[tuple[str, ...]] = ContextVar("pywasmgk_plugin_chain", default=())

#: language, organisation and user that calls are made for
_behalf: ContextVar[tuple[str, int, int]] = ContextVar("pywasmgk_behalf", default=("en", 0, 0))

_REQUESTS = {name: record(row.request, "the request") for name, row in FUNCTIONS.items()}
_PLUGIN_CALL = record((("plugin", STRING), ("function", STRING)), "the request")
_LOG = record((("level", STRING), ("message", STRING), ("fields", mapped(ANY))), "the request")


#: characters of a traceback that go into the log; the end says most
_LONGEST_TRACEBACK = 4_000


def _traceback(error: BaseException) -> str:
    # late: most programs never need it
    import traceback

    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return "".join(lines)[-_LONGEST_TRACEBACK:]


@contextmanager
def acting(*, language: str = "en", org_id: int = 0, user_id: int = 0) -> Iterator[None]:
    """On whose behalf plugins are called inside the ``with`` block, in this thread or task.

    Host functions see it in their CallContext, those of plugins that are called by plugins too.
    """
    token = _behalf.set((language, org_id, user_id))
    try:
        yield
    finally:
        _behalf.reset(token)


def running_chain() -> tuple[str, ...]:
    """Names of the plugins whose calls led here, outermost first."""
    return _chain.get()


def running_behalf() -> tuple[str, int, int]:
    """Language, organisation and user that a call made now would be for."""
    return _behalf.get()


class in_chain:
    """While a plugin's call runs, its name stands at the end of the chain; an outermost call begins
    one anew, whatever an interruption has left."""

    __slots__ = ("_names", "_token")

    def __init__(self, plugin: str, *, outermost: bool) -> None:
        self._names = (plugin,) if outermost else (*_chain.get(), plugin)

    def __enter__(self) -> None:
        self._token = _chain.set(self._names)

    def __exit__(self, *exc: object) -> None:
        _chain.reset(self._token)


@contextmanager
def chained(plugin: str) -> Iterator[None]:
    """Has a plugin at the end of the chain: one in Python, whose call nobody has noted."""
    if _chain.get()[-1:] == (plugin,):
        yield
        return
    with in_chain(plugin, outermost=False):
        yield


def require_route(context: CallContext, plugin: str) -> None:
    """Raises HostFunctionError for a call of a plugin that is too deep, or goes in a circle."""
    if context.depth >= MAX_CALL_DEPTH:
        raise HostFunctionError(
            f"plugin call depth exceeded (max {MAX_CALL_DEPTH}): {context.caller} -> {plugin}"
        )
    if plugin in context.chain:
        route = " -> ".join((*context.chain, plugin))
        raise HostFunctionError(f"plugin call cycle: {route}")


def _settled(own: OwnFunction, value: Any) -> Any:
    """What a host function gives, awaited where that is needed. Raises HostError where it cannot
    be."""
    if not own.is_async:
        return value
    meter = current_meter()
    if meter is None:
        value.close()
        raise HostError(
            f"{own.name} is async def: it can only be called by call_async, in our engines"
        )
    return meter.await_for(own.name, value)


class HostDispatcher:
    """One plugin's host calls on one host object, and how much of the log is left to it."""

    def __init__(self, host: HostAPI, plugin: str, limits: Limits) -> None:
        """Raises TypeError for a host whose methods cannot be called."""
        require_methods(host)
        self.host = host
        self.plugin = plugin
        self.limits = limits
        # hosts may be of any class that has the methods
        self.observer: CallObserver | None = getattr(host, "observer", None)
        #: why the latest host call failed, for guests that ask
        self.last_error = ""
        self.begin_call()
        self._special: dict[str, Callable[[CallContext, bytes], bytes | None]] = {
            "plugin_call": self._call_plugin,
            "log": self._log_structured,
            "last_error": lambda context, args: encode({"error": self.last_error}),
        }

    def begin_call(self) -> None:
        """A new call of the plugin's begins: it has the whole log volume before it."""
        self._messages_left = self.limits.log_messages
        self._bytes_left = self.limits.log_bytes
        self._log_full = False
        self.last_error = ""

    def context(self, meter: Meter | None) -> CallContext:
        """The context that a call made now gets."""
        chain = _chain.get()
        return CallContext(self.plugin, len(chain), chain, *_behalf.get(), meter)

    # -- host calls

    def call(self, name: str, args: bytes, meter: Meter | None) -> bytes:
        """Carries out a host call and gives its response. Raises what goes wrong."""
        self._require_size("request", len(name) + len(args))
        context = self.context(meter)
        if self.observer is None:
            return self._carry_out(name, context, args)
        with self.observer.host_call(context, name):
            return self._carry_out(name, context, args)

    def _carry_out(self, name: str, context: CallContext, args: bytes) -> bytes:
        special = self._special.get(name)
        return self._response(name, (special or self._find(name))(context, args))

    def _response(self, name: str, response: bytes | None) -> bytes:
        if response is None:
            response = b""
        elif not isinstance(response, bytes):
            kind = type(response).__name__
            raise HostError(f"{name} of the host gave {kind}; it may give bytes or None")
        if name != "last_error":
            self.last_error = ""
        self._require_size("response", len(response))
        return response

    def failed(self, name: str, error: BaseException, meter: Meter | None) -> None:
        """Puts a host call that failed into the host's log (contract 1.8, step 5), with a traceback
        if it was nothing that host functions are to raise. The guest is told less: the text of an
        exception may name files of the host."""
        why = str(error) or type(error).__name__
        fields = {"caller": self.plugin}
        expected = isinstance(error, (HostFunctionError, JSONError))
        if not expected and not isinstance(error, PywasmgkError):
            fields["traceback"] = _traceback(error)
        self.last_error = why if expected else f"the host function failed: {type(error).__name__}"
        message = f"host_call {printable(name)} failed: {why}"
        self.log(
            "error", message, fields, meter, size=len(message) + len(fields.get("traceback", ""))
        )

    def _require_size(self, what: str, size: int) -> None:
        if size > self.limits.host_call_bytes:
            raise HostFunctionError(
                f"a {what} of {size:,} bytes; {self.limits.host_call_bytes:,} are allowed"
            )

    def _find(self, name: str) -> Callable[[CallContext, bytes], bytes | None]:
        own = self.host.own_functions.get(name) if isinstance(self.host, HostAPI) else None
        if own is not None:
            return lambda context, args: encode(_settled(own, self._ask(own, context, args)))
        row, method = FUNCTIONS.get(name), getattr(self.host, name, None)
        if row is None or not callable(method):
            raise HostFunctionError(f"unknown host function: {printable(name)}")

        def carry_out(context: CallContext, args: bytes) -> bytes | None:
            values = {} if row.bare else self._read(_REQUESTS[name], args)
            response = row.respond(method(context, *values.values()))
            if response is None and name == "db_query" and self.host.empty_rows_as_list:
                response = []
            return response if isinstance(response, bytes) else encode(response, row.unknown)

        return carry_out

    def _ask(self, own: OwnFunction, context: CallContext, args: bytes) -> Any:
        return own(context, {} if own.bare else self._read(own.request, args))

    # -- functions of the host's that are awaited

    def is_async(self, name: str) -> bool:
        """Whether a host function is ``async def``."""
        own = self.host.own_functions.get(name) if isinstance(self.host, HostAPI) else None
        return own is not None and own.is_async

    @property
    def has_async(self) -> bool:
        """Whether any host function is ``async def``."""
        found = self.host.own_functions if isinstance(self.host, HostAPI) else {}
        return any(own.is_async for own in found.values())

    async def answer(self, name: str, args: bytes, context: CallContext) -> bytes:
        """:meth:`call` of an ``async def`` function."""
        self._require_size("request", len(name) + len(args))
        own = self.host.own_functions[name]
        return self._response(name, encode(await self._ask(own, context, args)))

    def _read(self, kind: Kind, args: bytes) -> dict[str, Any]:
        """The members of a request; null is an empty one."""
        value = decode(
            args,
            keep_duplicates=True,
            max_bytes=self.limits.json_bytes,
            max_depth=self.limits.json_depth,
            max_values=self.limits.json_values,
        )
        found: dict[str, Any] = kind.read(value, "", kind.zero())
        return found

    def _call_plugin(self, context: CallContext, args: bytes) -> bytes | None:
        plugin, function = self._read(_PLUGIN_CALL, args).values()
        raw = None
        for key, text in raw_members(args) if args.lstrip()[:1] == b"{" else ():
            raw = text if fold(key) == "args" else raw
        if not getattr(self.host, "judges_routes", False):
            require_route(context, plugin)
        return self.host.call_plugin(context, plugin, function, raw)

    # -- the log

    def _log_structured(self, context: CallContext, args: bytes) -> bytes:
        level, message, fields = self._read(_LOG, args).values()
        fields = {**fields, "plugin": self.plugin}
        self.log(level, message, fields, context.meter, size=len(args))
        return b'{"ok":true}'

    def log(
        self,
        level: str,
        message: str,
        fields: Mapping[str, Any],
        meter: Meter | None,
        *,
        size: int | None = None,
    ) -> None:
        """Gives the host a line of the log, as long as the call has some left."""
        if self._log_full:
            return
        size = len(message.encode("utf-8", "replace")) if size is None else size
        if self._messages_left <= 0 or size > self._bytes_left:
            self._log_full = True
            level, fields = "warn", {"plugin": self.plugin}
            message = (
                f"log limit reached ({self.limits.log_messages} messages, "
                f"{self.limits.log_bytes} bytes a call): the rest is dropped"
            )
        self._messages_left -= 1
        self._bytes_left -= size
        self.host.log(self.context(meter), level, message, fields)
