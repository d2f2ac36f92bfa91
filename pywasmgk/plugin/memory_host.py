"""A host that keeps everything in memory: for tests, notebooks and small programs."""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .custom_fields import apply_operation, passes
from .host import CallContext, HostAPI, HostFunctionError
from .sql import bound

if TYPE_CHECKING:
    import sqlite3

    from .plugin import Plugin

__all__ = ["Email", "Event", "LogRecord", "MemoryHost"]

#: ``handler(method, url, headers, body) -> (status, body)``
HTTPHandler = Callable[[str, str, Mapping[str, str], "bytes | None"], "tuple[int, bytes | None]"]


class LogRecord(NamedTuple):
    """A line of the log."""

    level: str
    message: str
    fields: dict[str, Any]


class Event(NamedTuple):
    """An event that a plugin published."""

    channel: str
    event_type: str
    data: str
    plugin: str


class Email(NamedTuple):
    """A mail that a plugin sent."""

    to: str
    subject: str
    body: str
    html: bool
    plugin: str


class MemoryHost(HostAPI):
    """Cache, settings, translations, log, events, mails, SQL on sqlite3, and other plugins.

    ``plugins`` are Plugins by name; they get this host where they have none. ``database`` is an
    sqlite3 connection or a path. ``http`` answers requests; without it every one gets 404.
    ``clock`` gives seconds, for the cache. ``empty_rows_as_list`` makes a query without rows
    answer ``[]``, not ``null``.
    """

    def __init__(
        self,
        *,
        plugins: Mapping[str, Plugin] | None = None,
        config: Mapping[str, str] | None = None,
        translations: Mapping[str, Mapping[str, str]] | None = None,
        database: sqlite3.Connection | str = ":memory:",
        http: HTTPHandler | None = None,
        clock: Callable[[], float] = time.monotonic,
        org_id: int = 0,
        empty_rows_as_list: bool = False,
    ) -> None:
        self.empty_rows_as_list = empty_rows_as_list
        self.config = dict(config or {})
        self.translations = {lang: dict(texts) for lang, texts in (translations or {}).items()}
        self.secrets: dict[tuple[str, str], str] = {}
        self.logs: list[LogRecord] = []
        self.events: list[Event] = []
        self.emails: list[Email] = []
        #: values with the time at which they go, by key
        self.cache: dict[str, tuple[bytes | None, float]] = {}
        #: entries of the recycle bin by type and id
        self.recycle_bin: dict[tuple[str, int], dict[str, Any]] = {}
        self.hard_deleted: list[tuple[str, int]] = []
        self.custom_fields: dict[tuple[str, int], dict[str, Any]] = {}
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._database_lock = threading.Lock()
        self._http = http
        self._clock = clock
        self._org_id = org_id
        self.plugins: dict[str, Plugin] = {}
        for name, plugin in (plugins or {}).items():
            self.add_plugin(plugin, name)

    def add_plugin(self, plugin: Plugin, name: str | None = None) -> None:
        """Lets other plugins call this one, and attaches it to this host."""
        self.plugins[name or plugin.name] = plugin
        plugin.init(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """The database."""
        if self._connection is None:
            # late: some Pythons come without it
            import sqlite3

            if isinstance(self._database, sqlite3.Connection):
                self._connection = self._database
            else:
                self._connection = sqlite3.connect(self._database, check_same_thread=False)
                # nobody has to close a host in memory
                weakref.finalize(self, self._connection.close)
        return self._connection

    def close(self) -> None:
        """Closes the database, if it was opened here."""
        if self._connection is not None and self._connection is not self._database:
            self._connection.close()
            self._connection = None

    # -- database

    def db_query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""
        with self._querying(ctx) as connection:
            cursor = connection.execute(*bound(sql, args))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def db_exec(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed, never below 0."""
        with self._querying(ctx) as connection, connection:
            return max(connection.execute(*bound(sql, args)).rowcount, 0)

    @contextmanager
    def _querying(self, ctx: CallContext) -> Iterator[sqlite3.Connection]:
        """The database, for one thread at a time; a statement ends with the call's deadline."""
        connection = self.connection
        with self._database_lock:
            connection.set_progress_handler(ctx.must_end, 10_000)
            try:
                yield connection
            except Exception:
                ctx.check()  # the statement was ended for this reason
                raise
            finally:
                connection.set_progress_handler(None, 0)

    # -- cache, settings, texts

    def cache_get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one that has not expired."""
        value, expires = self.cache.get(key, (None, -1.0))
        if expires < 0 or (expires and self._clock() >= expires):
            self.cache.pop(key, None)
            return None, False
        return value, True

    def cache_set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is for ever."""
        self.cache[key] = (value, self._clock() + ttl if ttl > 0 else 0.0)

    def cache_delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value."""
        self.cache.pop(key, None)

    def config_get(self, ctx: CallContext, key: str) -> str:
        """A setting. Raises HostFunctionError for one that is not there."""
        if key not in self.config:
            raise HostFunctionError(f"config key {key!r} is not set")
        return self.config[key]

    def secure_config_get(self, ctx: CallContext, key: str) -> str:
        """A secret of the calling plugin's own."""
        if (ctx.caller, key) not in self.secrets:
            raise HostFunctionError(f"secure config key {key!r} is not set")
        return self.secrets[ctx.caller, key]

    def secure_config_set(self, ctx: CallContext, key: str, value: str) -> None:
        """Keeps a secret of the calling plugin's own."""
        self.secrets[ctx.caller, key] = value

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text in the context's language, else in English, else the key; ``%s``, ``%d`` and
        ``%v`` take the arguments in order."""
        text = self.translations.get(ctx.language, {}).get(key)
        if text is None:
            text = self.translations.get("en", {}).get(key, key)
        for arg in args:
            at = min((p for p in map(text.find, ("%s", "%d", "%v")) if p >= 0), default=-1)
            if at < 0:
                break
            text = f"{text[:at]}{arg}{text[at + 2 :]}"
        return text

    def org_id(self, ctx: CallContext) -> int:
        """The organisation that the call is made for, else that of the host."""
        return ctx.org_id or self._org_id

    # -- the world outside

    def http_request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """What the ``http`` handler answers; 404 without one."""
        if self._http is None:
            return 404, None
        return self._http(method or "GET", url, headers, body)

    def send_email(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Puts a mail into ``emails``."""
        self.emails.append(Email(to, subject, body, html, ctx.caller))

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Puts a line into ``logs``."""
        self.logs.append(LogRecord(level, message, dict(fields)))

    def publish_event(self, ctx: CallContext, channel: str, event_type: str, data: str) -> None:
        """Puts an event into ``events``."""
        self.events.append(Event(channel, event_type, data, ctx.caller))

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls another plugin of this host."""
        target = self.plugins.get(plugin)
        if target is None:
            raise HostFunctionError(
                f'plugin "{plugin}" not found (required by "{ctx.caller}" to call "{function}")'
            )
        return target.call_raw(function, args, timeout=ctx.seconds_left())

    # -- entities and their fields

    def entity_soft_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Puts an entity into the recycle bin."""
        self.recycle_bin[entity_type, id] = {
            "entity_type": entity_type,
            "entity_id": id,
            "reason": reason,
            "deleted_by": ctx.caller,
        }

    def entity_restore(self, ctx: CallContext, entity_type: str, id: int) -> None:
        """Takes an entity out of the recycle bin."""
        if self.recycle_bin.pop((entity_type, id), None) is None:
            raise HostFunctionError(f"{entity_type} {id} is not in the recycle bin")

    def entity_hard_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Deletes an entity for good."""
        self.recycle_bin.pop((entity_type, id), None)
        self.custom_fields.pop((entity_type, id), None)
        self.hard_deleted.append((entity_type, id))

    def recycle_bin_list(self, ctx: CallContext, entity_type: str) -> bytes:
        """The entries of a type, as JSON."""
        entries = [entry for (kind, _), entry in self.recycle_bin.items() if kind == entity_type]
        return json.dumps(entries, separators=(",", ":")).encode()

    def custom_fields_get(
        self, ctx: CallContext, entity_type: str, object_id: int, fields: Sequence[str] | None
    ) -> dict[str, Any] | None:
        """Values by field; ``None`` asks for all."""
        values = self.custom_fields.get((entity_type, object_id))
        if values is None or fields is None:
            return values
        return {name: values[name] for name in fields if name in values}

    def custom_fields_set(
        self, ctx: CallContext, entity_type: str, object_id: int, values: Mapping[str, Any]
    ) -> None:
        """Sets fields, all or none; a value may be an operation (contract 2.3)."""
        present = self.custom_fields.get((entity_type, object_id), {})
        changed = {name: apply_operation(present.get(name), new) for name, new in values.items()}
        self.custom_fields[entity_type, object_id] = {**present, **changed}

    def custom_fields_query(
        self, ctx: CallContext, entity_type: str, filters: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Ids of the objects that pass all filters, in order."""
        candidates: Iterable[tuple[tuple[str, int], dict[str, Any]]] = self.custom_fields.items()
        return sorted(
            id
            for (kind, id), values in candidates
            if kind == entity_type and all(passes(values, item) for item in filters)
        )
