"""What a plugin may ask of its host (contract part 4)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from weakref import ReferenceType, ref

from ..errors import PluginError
from ..printable import printable
from ..wasm.runtime.metering import CancelToken, Meter
from .own_functions import OwnFunction, inspect_function

if TYPE_CHECKING:
    from .protocol import PluginLike

__all__ = ["CallContext", "CallObserver", "HostAPI", "HostFunctionError"]

F = TypeVar("F", bound=Callable[..., Any])


class HostFunctionError(Exception):
    """A host call cannot be carried out; its text goes to the host's log."""


class _Admitted(NamedTuple):
    """Who has a name on a host."""

    plugin: ReferenceType[PluginLike]
    #: of its module
    fingerprint: bytes


@dataclass(frozen=True)
class CallContext:
    """Who asks, on whose behalf, and how long there is (contract 4.4)."""

    #: the plugin that asks, by the name under which the host admitted it
    caller: str = ""
    #: plugins whose calls led here, the caller too
    depth: int = 0
    #: their names, outermost first
    chain: tuple[str, ...] = ()
    language: str = "en"
    org_id: int = 0
    user_id: int = 0
    #: the account of the running call: its deadline binds the host too
    meter: Meter | None = field(default=None, repr=False)
    #: judges where a request leads, redirects too: raises HostFunctionError, or gives the networks
    #: that are not public and that the address may be in. Without a policy there is none
    judge_url: Callable[[str], Sequence[str]] | None = field(default=None, repr=False)

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
        else:
            time.sleep(seconds)

    def must_end(self) -> bool:
        """Whether the call is to end: its deadline is over, or it was cancelled."""
        meter = self.meter
        cancelled = meter is not None and meter.cancel is not None and meter.cancel.cancelled
        return cancelled or self.seconds_left() == 0.0

    def check(self) -> None:
        """Raises DeadlineExceeded or Cancelled if the call is to end: for work that takes long."""
        if self.meter is not None:
            self.meter.check()


class CallObserver:
    """What a host has around its plugins' calls: each method gives a context manager, which is left
    with the exception that has ended the call. What it raises is raised to whom called.

    Calls that are held (``Plugin.start``) are not observed, their host calls are.
    """

    def plugin_call(self, ctx: CallContext, function: str) -> AbstractContextManager[object]:
        """Around a call of a plugin, whose name is ``ctx.caller``; with its account."""
        return nullcontext()

    def host_call(self, ctx: CallContext, name: str) -> AbstractContextManager[object]:
        """Around a host function that a plugin has called."""
        return nullcontext()


class HostAPI:
    """A host with safe defaults: it has nothing, and does nothing (contract 4.1).

    Override what a plugin shall have. What a method raises is logged, and the plugin gets no
    answer. The functions of later hosts (contract 2.4) exist if the object has methods of their
    names, such as ``cache_delete(ctx, key)``. Functions of your own are added by
    :meth:`function`.
    """

    #: is told of all calls of plugins, and may surround them
    observer: CallObserver | None = None
    #: a query without rows answers ``[]``; by default ``null``, as plugins know it
    empty_rows_as_list = False
    #: whether it looks itself at how deep, and in circles, plugins call each other
    judges_routes = False

    def admit(self, plugin: PluginLike, name: str, *, replace: bool = False) -> str:
        """Gives a plugin the name by which this host knows it: who a plugin is, is said by the host
        and not by its manifest. ``Plugin.init`` calls it.

        Whoever has a name has what is kept for it. Raises PluginError for the name of another
        plugin, also of one that is gone, unless it is to be replaced. A plugin that was shut down,
        and is loaded again from the same module, is no other.
        """
        # not in __init__: subclasses need not call it
        admitted: dict[str, _Admitted] = self.__dict__.setdefault("_admitted", {})
        mine = _Admitted(ref(plugin), plugin.fingerprint)
        first = admitted.setdefault(name, mine)
        holder = first.plugin()
        again = first.fingerprint == plugin.fingerprint and (holder is None or holder.closed)
        if holder is not plugin and not again and not replace:
            raise PluginError(
                f'plugin "{printable(name)}" already registered: init(host, name=...) gives '
                "another name, init(host, replace=True) its place"
            )
        admitted[name] = mine
        return name

    def sql_dialect(self, database: str) -> str:
        """What SQL a database speaks, the usual one (``""``) or one that statements select by
        ``@name:``: ``sqlite``, ``postgres`` or ``mysql``. Policies judge statements by it."""
        return "sqlite"

    def function(self, function: F | None = None, *, name: str | None = None) -> Any:
        """Lets plugins call a Python function by ``host_call``, on this host only.

        ::

            @host.function
            def add(caller: CallContext, a: int, b: int = 1) -> int:
                return a + b

        The request is a JSON object with the parameters' names as keys, the response the JSON of
        what it returns. Annotations are int, str, bytes (base64), bool, float, any JSON (``Any``,
        ``dict``, ``list``), lists and dicts of those, or ``X | None``. A first parameter named
        ``caller`` gets the :class:`CallContext`. What is missing or null in the request is the
        parameter's default, else the type's zero value.

        Raises TypeError for parameters that cannot come from JSON, ValueError for a name of the
        contract's.
        """

        def register(function: F) -> F:
            own = inspect_function(function, name)
            self.own_functions[own.name] = own
            return function

        return register if function is None else register(function)

    @property
    def own_functions(self) -> dict[str, OwnFunction]:
        """What :meth:`function` has added, by name."""
        # not in __init__: subclasses need not call it
        found: dict[str, OwnFunction] = self.__dict__.setdefault("_own_functions", {})
        return found

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
