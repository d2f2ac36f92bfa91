"""What a plugin may ask of its host: the API and its dispatcher (contract part 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ..wasm.metering import CancelToken, Meter
from .gojson import JSONError, decode, encode, raw_members
from .schema import ANY, BOOL, BYTES, INT, STRING, Kind, fold, listed, mapped

__all__ = ["MAX_CALL_DEPTH", "CallContext", "HostAPI", "HostDispatcher", "HostFunctionError"]

#: plugin calls within plugin calls
MAX_CALL_DEPTH = 10

#: names of the plugins whose calls are running, outermost first
_chain: ContextVar[tuple[str, ...]] = ContextVar("pywasmgk_plugin_chain", default=())


class HostFunctionError(Exception):
    """A host call cannot be carried out; its text goes to the host's log."""


@dataclass(frozen=True)
class CallContext:
    """Who asks, on whose behalf, and how long there is (contract 4.4)."""

    #: name of the plugin that asks
    caller: str = ""
    #: plugin calls that led here
    depth: int = 0
    #: the plugins of those calls, outermost first
    chain: tuple[str, ...] = ()
    language: str = "en"
    org_id: int = 0
    user_id: int = 0
    #: the account of the running call: its deadline binds the host too
    meter: Meter | None = field(default=None, repr=False)

    @property
    def cancel(self) -> CancelToken | None:
        """The token that ends the call, if it was given one."""
        return None if self.meter is None else self.meter.cancel

    def seconds_left(self) -> float | None:
        """Seconds to the call's deadline, or ``None`` without one."""
        return None if self.meter is None else self.meter.seconds_left()

    def sleep(self, seconds: float) -> None:
        """Sleeps at most to the deadline; raises DeadlineExceeded or Cancelled."""
        if self.meter is not None:
            self.meter.sleep(seconds)


class HostAPI:
    """A host with safe defaults: it has nothing, and does nothing (contract 4.1).

    Override what a plugin shall have. What a method raises is logged, and the plugin gets no
    answer. The functions of later hosts (contract 2.4) exist if the object has methods of their
    names, such as ``cache_delete(ctx, key)``.
    """

    def db_query(
        self, ctx: CallContext, sql: str, args: Sequence[Any]
    ) -> list[dict[str, Any]] | None:
        """Rows by column name."""
        return None

    def db_exec(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed."""
        return 0

    def cache_get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one."""
        return None, False

    def cache_set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 is for ever."""

    def http_request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """Status and body of the answer."""
        return 200, None

    def send_email(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Sends a mail."""

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Takes a line of the log; levels are debug, info, warn and error."""

    def config_get(self, ctx: CallContext, key: str) -> str:
        """A setting."""
        return ""

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text in the language of ``ctx``."""
        return ""

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls another plugin; JSON in, JSON out."""
        raise HostFunctionError("plugin calls not available in default host")

    def publish_event(self, ctx: CallContext, channel: str, event_type: str, data: str) -> None:
        """Tells whoever listens."""
        raise HostFunctionError("SSE not available in default host")

    def entity_soft_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Moves an entity to the recycle bin."""
        raise HostFunctionError("entity deletion not available in default host")

    def entity_restore(self, ctx: CallContext, entity_type: str, id: int) -> None:
        """Takes an entity out of the recycle bin."""
        raise HostFunctionError("entity deletion not available in default host")

    def entity_hard_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Deletes an entity for good."""
        raise HostFunctionError("entity deletion not available in default host")

    def recycle_bin_list(self, ctx: CallContext, entity_type: str) -> bytes:
        """What is in the recycle bin, as JSON."""
        return b"[]"

    def secure_config_get(self, ctx: CallContext, key: str) -> str:
        """A secret of the calling plugin's own."""
        raise HostFunctionError(f"secure config key {key!r} is not set")

    def secure_config_set(self, ctx: CallContext, key: str, value: str) -> None:
        """Keeps a secret of the calling plugin's own."""
        raise HostFunctionError("secure config not available in default host")

    def org_id(self, ctx: CallContext) -> int:
        """The organisation that the call is for; 0 is none."""
        return ctx.org_id

    def custom_fields_get(
        self, ctx: CallContext, entity_type: str, object_id: int, fields: Sequence[str] | None
    ) -> dict[str, Any] | None:
        """Values by field; ``None`` asks for all fields."""
        return None

    def custom_fields_set(
        self, ctx: CallContext, entity_type: str, object_id: int, values: Mapping[str, Any]
    ) -> None:
        """Sets fields; a value may be an operation such as ``{"op": "increment", "value": 1}``."""
        raise HostFunctionError("custom fields not available in default host")

    def custom_fields_query(
        self, ctx: CallContext, entity_type: str, filters: Sequence[Mapping[str, Any]]
    ) -> list[int] | None:
        """Ids of the objects that pass all filters."""
        return None


class HostFunction(NamedTuple):
    """One row of the dispatcher: what a guest asks by a name."""

    name: str
    #: members of the request, in the order of the method's parameters
    request: tuple[tuple[str, Kind], ...]
    #: turns the method's result into a JSON value, or bytes that go out as they are
    respond: Callable[[Any], Any]
    #: the method, where it is not called like the function
    method: str = ""
    #: the request may be empty
    bare: bool = False


def _ok(result: Any) -> Any:
    return {"ok": True}


def _status(result: Any) -> Any:
    return {"status": "ok"}


def _value(result: Any) -> Any:
    return {"value": result}


def _cached(result: tuple[bytes | None, bool]) -> Any:
    value, found = result
    return {"found": bool(found), "value": value}


def _answered(result: tuple[int, bytes | None]) -> Any:
    status, body = result
    return {"body": body, "status": status}


def _kept(name: str) -> Callable[[Any], Any]:
    return lambda result: {name: result}


def _same(result: Any) -> Any:
    return result


def _rows(result: Sequence[Mapping[str, Any]] | None) -> Any:
    """Rows of a table: bytes are text there, and what JSON lacks is written out. No rows are null,
    as Go's nil slice is."""
    if not result:
        return None
    return [{str(name): _column(value) for name, value in row.items()} for row in result]


def _column(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "replace")
    written = (str, int, float, datetime, dict, list, tuple)
    return value if value is None or isinstance(value, written) else str(value)


_STRINGS = mapped(STRING, dict)
_KEY = ("key", STRING)
_ENTITY = (("entity_type", STRING), ("entity_id", INT))
_OBJECT = (("entity_type", STRING), ("object_id", INT))
_REASON = ("reason", STRING)
_TICKET = (("ticket_id", INT), ("created_by", INT), ("subject", STRING), ("body", STRING))

FUNCTIONS = [
    # 0.7
    HostFunction("db_query", (("query", STRING), ("args", listed(ANY))), _rows),
    HostFunction("db_exec", (("query", STRING), ("args", listed(ANY))), _kept("affected")),
    HostFunction("cache_get", (_KEY,), _cached),
    HostFunction("cache_set", (_KEY, ("value", BYTES), ("ttl", INT)), _ok),
    HostFunction(
        "http_request",
        (("method", STRING), ("url", STRING), ("headers", _STRINGS), ("body", BYTES)),
        _answered,
    ),
    HostFunction(
        "send_email", (("to", STRING), ("subject", STRING), ("body", STRING), ("html", BOOL)), _ok
    ),
    HostFunction("config_get", (_KEY,), _value),
    HostFunction("translate", (_KEY, ("args", listed(ANY))), _value),
    HostFunction(
        "publish_event", (("channel", STRING), ("event_type", STRING), ("data", STRING)), _status
    ),
    # 0.8.0
    HostFunction("entity_soft_delete", (*_ENTITY, _REASON), _status),
    HostFunction("entity_restore", _ENTITY, _status),
    HostFunction("entity_hard_delete", (*_ENTITY, _REASON), _status),
    HostFunction("recycle_bin_list", (("entity_type", STRING),), _same),
    HostFunction("secure_config_get", (_KEY,), _value),
    HostFunction("secure_config_set", (_KEY, ("value", STRING)), _status),
    HostFunction("org_id", (), _same, bare=True),
    HostFunction("custom_fields_get", (*_OBJECT, ("fields", listed(STRING, lambda: None))), _same),
    HostFunction("custom_fields_set", (*_OBJECT, ("values", mapped(ANY))), _status),
    HostFunction(
        "custom_fields_query", (("entity_type", STRING), ("filters", listed(mapped(ANY)))), _same
    ),
]

#: of later hosts, each there if the host object has its method
LATER_FUNCTIONS = [
    HostFunction("cache_delete", (_KEY,), _ok),
    HostFunction("time_now", (), _kept("now"), bare=True),
    HostFunction("store_file", (_KEY, ("data", BYTES), ("metadata", _STRINGS)), _status),
    HostFunction(
        "get_file",
        (_KEY,),
        lambda result: {"data": result[0], "metadata": result[1]},
    ),
    HostFunction("delete_file", (_KEY,), _status),
    HostFunction("list_files", (("prefix", STRING),), _same),
    HostFunction(
        "generate_thumbnail",
        (("data", BYTES), ("content_type", STRING), ("max_width", INT), ("max_height", INT)),
        lambda result: {"thumb_content_type": result[1], "thumb_data": result[0]},
    ),
    HostFunction(
        "create_article_attachment",
        (
            ("article_id", INT),
            ("created_by", INT),
            ("filename", STRING),
            ("content_type", STRING),
            ("content", BYTES),
        ),
        _kept("id"),
    ),
    HostFunction("list_article_attachments", (("article_id", INT),), _kept("attachments")),
    HostFunction(
        "delete_article_attachment", (("article_id", INT), ("attachment_id", INT)), _status
    ),
    HostFunction("create_article", (*_TICKET, ("visible_to_customer", BOOL)), _kept("id")),
    HostFunction(
        "change_ticket_status",
        (("ticket_id", INT), ("state_id", INT), ("user_id", INT), ("until_time", INT)),
        _status,
    ),
    HostFunction("list_ticket_states", (), _kept("states"), bare=True),
    HostFunction("list_ticket_views", (), _kept("views"), bare=True),
    HostFunction(
        "render_markdown_to_pdf",
        (("markdown", STRING), ("options", mapped(ANY))),
        lambda pdf: {"pdf": pdf},
    ),
]


def _members(request: Any, fields: Sequence[tuple[str, Kind]]) -> list[Any]:
    if request is None:
        request = {}
    if not isinstance(request, dict):
        raise JSONError("the request is no JSON object")
    given = {fold(key): value for key, value in request.items()}
    values = []
    for key, kind in fields:
        value = given.get(fold(key))
        values.append(kind.zero() if value is None else kind.decode(value, key))
    return values


class HostDispatcher:
    """Carries out one plugin's host calls on a host object."""

    def __init__(self, host: HostAPI, plugin: str) -> None:
        self.host = host
        self.plugin = plugin
        self._functions = {function.name: function for function in FUNCTIONS}
        for function in LATER_FUNCTIONS:
            if callable(getattr(host, function.name, None)):
                self._functions[function.name] = function

    def context(self, meter: Meter | None) -> CallContext:
        """The context that a call made now gets."""
        chain = _chain.get()
        return CallContext(
            caller=self.plugin, depth=max(len(chain) - 1, 0), chain=chain, meter=meter
        )

    def call(self, name: str, args: bytes, meter: Meter | None) -> bytes:
        """Carries out a host call and gives its response. Raises what goes wrong."""
        context = self.context(meter)
        if name == "plugin_call":
            return self._call_plugin(context, args) or b""
        function = self._functions.get(name)
        if function is None:
            raise HostFunctionError(f"unknown host function: {name}")
        request = None if function.bare else decode(args)
        values = _members(request, function.request)
        result = getattr(self.host, function.method or function.name)(context, *values)
        response = function.respond(result)
        return response if isinstance(response, bytes) else encode(response)

    def log(self, level: str, message: str, fields: Mapping[str, Any], meter: Meter | None) -> None:
        """Gives the host a line of the log."""
        self.host.log(self.context(meter), level, message, fields)

    def _call_plugin(self, context: CallContext, args: bytes) -> bytes | None:
        plugin, function = _members(decode(args), (("plugin", STRING), ("function", STRING)))
        raw = None
        for key, text in raw_members(args) if args.lstrip()[:1] == b"{" else ():
            raw = text if fold(key) == "args" else raw
        if context.depth >= MAX_CALL_DEPTH:
            raise HostFunctionError(
                f"plugin call depth exceeded (max {MAX_CALL_DEPTH}): {self.plugin} -> {plugin}"
            )
        if plugin in context.chain:
            route = " -> ".join((*context.chain, plugin))
            raise HostFunctionError(f"plugin call cycle: {route}")
        return self.host.call_plugin(context, plugin, function, raw)


class in_chain:
    """While a plugin's call runs, its name stands at the end of the chain."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin

    def __enter__(self) -> None:
        self._token = _chain.set((*_chain.get(), self._plugin))

    def __exit__(self, *exc: object) -> None:
        _chain.reset(self._token)
