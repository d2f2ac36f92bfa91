"""A host that keeps everything in memory: for tests, notebooks and small programs."""

from __future__ import annotations

import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .custom_fields import Filter, apply_operation
from .database import Database
from .gojson import encode
from .host import CallContext, HostAPI, HostFunctionError
from .kept import Ledger, Log, LogRecord, weight
from .placing import placed
from .quotas import HostQuotas

if TYPE_CHECKING:
    import sqlite3

    from .guarding import HostPolicy
    from .protocol import PluginLike

__all__ = ["Deleted", "Email", "Event", "LogRecord", "MemoryHost"]

#: ``handler(method, url, headers, body) -> (status, body)``
HTTPHandler = Callable[[str, str, Mapping[str, str], "bytes | None"], "tuple[int, bytes | None]"]


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


class Deleted(NamedTuple):
    """An entity that a plugin deleted for good."""

    entity_type: str
    entity_id: int
    plugin: str


class MemoryHost(HostAPI):
    """Cache, settings, translations, log, events, mails, SQL on sqlite3, and other plugins.

    Nothing of the machine is in a plugin's reach, and what is kept for one is not in another's:
    cache, secrets and custom fields are kept by the name under which the plugin was admitted. All
    plugins share one database, settings, translations and the recycle bin.

    ``plugins`` are Plugins by name; they are attached to this host. ``database`` is an sqlite3
    connection or a path. ``http`` answers requests; without it every one gets 404. ``clock`` gives
    seconds, for the cache. ``empty_rows_as_list`` makes a query without rows answer ``[]``, not
    ``null``. ``quotas`` bound what a plugin makes this host keep.
    """

    def __init__(
        self,
        *,
        plugins: Mapping[str, PluginLike] | None = None,
        config: Mapping[str, str] | None = None,
        translations: Mapping[str, Mapping[str, str]] | None = None,
        database: sqlite3.Connection | str = ":memory:",
        http: HTTPHandler | None = None,
        clock: Callable[[], float] = time.monotonic,
        org_id: int = 0,
        empty_rows_as_list: bool = False,
        quotas: HostQuotas | None = None,
    ) -> None:
        self.empty_rows_as_list = empty_rows_as_list
        self.config = dict(config or {})
        self.translations = {lang: dict(texts) for lang, texts in (translations or {}).items()}
        quotas = self.quotas = quotas or HostQuotas()
        #: by plugin and key
        self.secrets: dict[str, dict[str, str]] = defaultdict(dict)
        self.logs: list[LogRecord] = []
        self.events: list[Event] = []
        self.emails: list[Email] = []
        #: values with the time at which they go, by plugin and key
        self.cache: dict[str, dict[str, tuple[bytes | None, float]]] = defaultdict(dict)
        #: entries of the recycle bin by type and id
        self.recycle_bin: dict[tuple[str, int], dict[str, Any]] = {}
        self.hard_deleted: list[Deleted] = []
        #: values by field, by plugin and by type and id of the object
        self.custom_fields: dict[str, dict[tuple[str, int], dict[str, Any]]] = defaultdict(dict)
        self._database = Database(database, quotas)
        # nobody has to close a host in memory
        weakref.finalize(self, self._database.close)
        self._ledger = Ledger(quotas, self._kept)
        self._log = Log(self.logs, quotas)
        self._http = http
        self._clock = clock
        self._org_id = org_id
        self.plugins: dict[str, PluginLike] = {}
        for name, plugin in (plugins or {}).items():
            self.add_plugin(plugin, name)

    def add_plugin(
        self,
        plugin: PluginLike,
        name: str | None = None,
        *,
        replace: bool = False,
        policy: HostPolicy | None = None,
    ) -> None:
        """Lets other plugins call this one, and attaches it to this host under a name: its own, if
        no other is given; under a ``policy``, if there is one. Raises PluginError for a name that
        is taken, unless to replace who has it."""
        name = plugin.name if name is None else name
        # plugins of other classes need not know of policies
        under = {} if policy is None else {"policy": policy}
        plugin.init(self, name=name, replace=replace, **under)
        self.plugins[name] = plugin

    def _kept(self, plugin: str) -> Iterator[tuple[Any, ...]]:
        """All that is kept for a plugin."""
        yield from self.secrets[plugin].items()
        yield from ((key, value) for key, (value, _) in self.cache[plugin].items())
        yield from ((*key, fields) for key, fields in self.custom_fields[plugin].items())
        for key, entry in self.recycle_bin.items():
            if entry["deleted_by"] == plugin:
                yield (*key, entry)
        entries: Iterable[Event | Email | Deleted]
        for entries in (self.events, self.emails, self.hard_deleted):
            yield from (entry for entry in entries if entry.plugin == plugin)

    # -- database

    @property
    def connection(self) -> sqlite3.Connection:
        """The database, for the host itself: what it does there is not bound."""
        return self._database.connection

    def close(self) -> None:
        """Closes the database, if it was opened here."""
        self._database.close()

    def db_query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name. A statement reaches the database and nothing else; it ends with the
        call, and its answer has bounds."""
        return self._database.query(ctx, sql, args)

    def db_exec(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed, never below 0."""
        return self._database.execute(ctx, sql, args)

    # -- cache, settings, texts

    def cache_get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one that has not expired."""
        value, expires = self.cache[ctx.caller].get(key, (None, -1.0))
        if expires < 0 or (expires and self._clock() >= expires):
            self.cache_delete(ctx, key)
            return None, False
        return value, True

    def cache_set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is for ever."""
        cache = self.cache[ctx.caller]
        old = weight(key, cache[key][0]) if key in cache else 0
        self._ledger.charge(ctx.caller, key not in cache, weight(key, value) - old)
        cache[key] = (value, self._clock() + ttl if ttl > 0 else 0.0)

    def cache_delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value."""
        found = self.cache[ctx.caller].pop(key, None)
        if found is not None:
            self._ledger.charge(ctx.caller, -1, -weight(key, found[0]))

    def config_get(self, ctx: CallContext, key: str) -> str:
        """A setting. Raises HostFunctionError for one that is not there."""
        if key not in self.config:
            raise HostFunctionError(f"config key {key!r:.80} is not set")
        return self.config[key]

    def secure_config_get(self, ctx: CallContext, key: str) -> str:
        """A secret of the calling plugin's own."""
        found = self.secrets[ctx.caller].get(key)
        if found is None:
            raise HostFunctionError(f"secure config key {key!r:.80} is not set")
        return found

    def secure_config_set(self, ctx: CallContext, key: str, value: str) -> None:
        """Keeps a secret of the calling plugin's own."""
        secrets = self.secrets[ctx.caller]
        old = weight(key, secrets[key]) if key in secrets else 0
        self._ledger.charge(ctx.caller, key not in secrets, weight(key, value) - old)
        secrets[key] = value

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text in the context's language, else in English, else the key; ``%s``, ``%d`` and
        ``%v`` take the arguments in order."""
        text = self.translations.get(ctx.language, {}).get(key)
        if text is None:
            text = self.translations.get("en", {}).get(key, key)
        return placed(text, args)

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
        email = Email(to, subject, body, html, ctx.caller)
        self._ledger.charge(ctx.caller, 1, weight(*email))
        self.emails.append(email)

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Puts a line into ``logs``, which keeps the latest lines of each plugin."""
        self._log.add(ctx.caller, LogRecord(level, message, dict(fields)))

    def publish_event(self, ctx: CallContext, channel: str, event_type: str, data: str) -> None:
        """Puts an event into ``events``."""
        event = Event(channel, event_type, data, ctx.caller)
        self._ledger.charge(ctx.caller, 1, weight(*event))
        self.events.append(event)

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        """Calls another plugin of this host."""
        target = self.plugins.get(plugin)
        if target is None:
            raise HostFunctionError(
                f'plugin "{plugin:.80}" not found (required by "{ctx.caller}" '
                f'to call "{function:.80}")'
            )
        return target.call_raw(function, args, timeout=ctx.seconds_left())

    # -- entities and their fields

    def entity_soft_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Puts an entity into the recycle bin."""
        entry = {
            "entity_type": entity_type,
            "entity_id": id,
            "reason": reason,
            "deleted_by": ctx.caller,
        }
        self._forget(entity_type, id)
        self._ledger.charge(ctx.caller, 1, weight(entity_type, id, entry))
        self.recycle_bin[entity_type, id] = entry

    def entity_restore(self, ctx: CallContext, entity_type: str, id: int) -> None:
        """Takes an entity out of the recycle bin."""
        if not self._forget(entity_type, id):
            raise HostFunctionError(f"{entity_type:.80} {id} is not in the recycle bin")

    def _forget(self, entity_type: str, id: int) -> bool:
        """Takes an entry out of the recycle bin, if it is there."""
        entry = self.recycle_bin.pop((entity_type, id), None)
        if entry is None:
            return False
        self._ledger.charge(entry["deleted_by"], -1, -weight(entity_type, id, entry))
        return True

    def entity_hard_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Deletes an entity for good, with the calling plugin's fields of it."""
        deleted = Deleted(entity_type, id, ctx.caller)
        self._ledger.charge(ctx.caller, 1, weight(*deleted))
        self._forget(entity_type, id)
        fields = self.custom_fields[ctx.caller].pop((entity_type, id), None)
        if fields is not None:
            self._ledger.charge(ctx.caller, -1, -weight(entity_type, id, fields))
        self.hard_deleted.append(deleted)

    def recycle_bin_list(self, ctx: CallContext, entity_type: str) -> bytes:
        """The entries of a type, as JSON."""
        found = []
        for (kind, _), entry in list(self.recycle_bin.items()):
            if kind == entity_type:
                found.append(encode(entry))
                ctx.check()
        return b"[" + b",".join(found) + b"]"

    def custom_fields_get(
        self, ctx: CallContext, entity_type: str, object_id: int, fields: Sequence[str] | None
    ) -> dict[str, Any] | None:
        """Values by field, of the calling plugin's own; ``None`` asks for all."""
        values = self.custom_fields[ctx.caller].get((entity_type, object_id))
        if values is None or fields is None:
            return values
        return {name: values[name] for name in fields if name in values}

    def custom_fields_set(
        self, ctx: CallContext, entity_type: str, object_id: int, values: Mapping[str, Any]
    ) -> None:
        """Sets fields, all or none; a value may be an operation (contract 2.3)."""
        objects, key = self.custom_fields[ctx.caller], (entity_type, object_id)
        present = objects.get(key, {})
        changed = {name: apply_operation(present.get(name), new) for name, new in values.items()}
        fields = {**present, **changed}
        old = weight(*key, present) if key in objects else 0
        self._ledger.charge(ctx.caller, key not in objects, weight(*key, fields) - old)
        objects[key] = fields

    def custom_fields_query(
        self, ctx: CallContext, entity_type: str, filters: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Ids of the objects that pass all filters, in order, by the calling plugin's fields."""
        tests = [Filter(wanted, ctx.check) for wanted in filters]
        return sorted(
            id
            for (kind, id), values in list(self.custom_fields[ctx.caller].items())
            if kind == entity_type and all(test.passes(values) for test in tests)
        )
