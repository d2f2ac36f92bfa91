"""A host for plugins, put together of services."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from ..plugin.host import CallContext, CallObserver, HostAPI, HostFunctionError
from ..printable import printable
from .cache import Cache, MemoryCache
from .catalogues import Catalogues
from .config import Settings
from .databases import Database
from .events import Events
from .failures import require, unavailable
from .files import Files

if TYPE_CHECKING:
    from ..plugin.protocol import PluginLike
    from .entities import RecycleBin
    from .fields import CustomFields
    from .mail import Mail
    from .secure_config import Secrets
    from .telemetry import Telemetry

__all__ = ["HTTP", "Services"]

#: where lines of plugins' logs go
LOG = logging.getLogger("pywasmgk.plugins")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING}


class HTTP(Protocol):
    """What a host asks of its way into the web."""

    def request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """Status and body of the answer. Raises HostFunctionError."""


class _Observer(CallObserver):
    """Around a plugin's call: its span, and within that its transactions."""

    def __init__(self, database: Database | None, telemetry: Telemetry | None) -> None:
        self._database = database
        self._telemetry = telemetry

    @contextmanager
    def plugin_call(self, ctx: CallContext, function: str) -> Iterator[None]:
        """All that is around it."""
        outer: AbstractContextManager[object] = nullcontext()
        if self._telemetry is not None:
            outer = self._telemetry.plugin_call(ctx, function)
        with outer, nullcontext() if self._database is None else self._database.calling(ctx):
            yield

    def host_call(self, ctx: CallContext, name: str) -> AbstractContextManager[object]:
        """Its span."""
        return nullcontext() if self._telemetry is None else self._telemetry.host_call(ctx, name)


class Services(HostAPI):
    """A host whose functions are services; what is not given is not there, and plugins are told so.
    Cache, settings, texts and events are in memory unless others are given. Lines of plugins' logs
    go to Python's, logger ``pywasmgk.plugins``.

    ``with`` closes all services at the end; so does :meth:`close`.
    """

    def __init__(
        self,
        *,
        db: Database | None = None,
        cache: Cache | None = None,
        http: HTTP | None = None,
        mail: Mail | None = None,
        config: Settings | None = None,
        secrets: Secrets | None = None,
        i18n: Catalogues | None = None,
        events: Events | None = None,
        files: Files | None = None,
        fields: CustomFields | None = None,
        entities: RecycleBin | None = None,
        telemetry: Telemetry | None = None,
        plugins: Mapping[str, PluginLike] | None = None,
        empty_rows_as_list: bool = False,
    ) -> None:
        self.db = db
        self.cache: Cache = cache or MemoryCache()
        self.http = http
        self.mail = mail
        self.config = config or Settings()
        self.secrets = secrets
        self.i18n = i18n or Catalogues()
        self.events = events or Events()
        self.files = files
        self.fields = fields
        self.entities = entities
        self.empty_rows_as_list = empty_rows_as_list
        for service, method in ((db, "query"), (http, "request"), (mail, "send"), (cache, "get")):
            good = service is None or callable(getattr(service, method, None))
            require(good, f"a {type(service).__name__} is no such service: it has no {method}")
        if telemetry is not None or getattr(db, "has_transactions", False):
            self.observer = _Observer(db, telemetry)
        self.plugins: dict[str, PluginLike] = {}
        for name, plugin in (plugins or {}).items():
            self.add_plugin(plugin, name)

    def sql_dialect(self, database: str) -> str:
        """What SQL a database speaks, as the service says."""
        said: Callable[[str], str] | None = getattr(self.db, "sql_dialect", None)
        return super().sql_dialect(database) if said is None else said(database)

    def add_plugin(
        self, plugin: PluginLike, name: str | None = None, *, replace: bool = False
    ) -> None:
        """Lets other plugins call this one, and attaches it to this host under a name: its own, if
        no other is given. Raises PluginError for a name that is taken, unless to replace who has
        it."""
        name = plugin.name if name is None else name
        plugin.init(self, name=name, replace=replace)
        self.plugins[name] = plugin

    def close(self) -> None:
        """Closes all services that have something open."""
        for service in (self.db, self.cache, self.http, self.events):
            close = getattr(service, "close", None)
            if close is not None:
                close()

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- database, cache

    def db_query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""
        if self.db is None:
            raise unavailable("database")
        return self.db.query(ctx, sql, args)

    def db_exec(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed."""
        if self.db is None:
            raise unavailable("database")
        return self.db.execute(ctx, sql, args)

    def cache_get(self, ctx: CallContext, key: str) -> tuple[bytes | None, bool]:
        """The value, and whether there is one."""
        return self.cache.get(ctx, key)

    def cache_set(self, ctx: CallContext, key: str, value: bytes | None, ttl: int) -> None:
        """Keeps a value for ``ttl`` seconds; 0 or less is as long as there is room."""
        self.cache.set(ctx, key, value, ttl)

    def cache_delete(self, ctx: CallContext, key: str) -> None:
        """Forgets a value."""
        self.cache.delete(ctx, key)

    # -- settings, texts, time

    def config_get(self, ctx: CallContext, key: str) -> str:
        """A setting."""
        return self.config.get(ctx, key)

    def secure_config_get(self, ctx: CallContext, key: str) -> str:
        """A secret of the calling plugin's own."""
        if self.secrets is None:
            raise unavailable("secrets")
        return self.secrets.get(ctx, key)

    def secure_config_set(self, ctx: CallContext, key: str, value: str) -> None:
        """Keeps a secret of the calling plugin's own."""
        if self.secrets is None:
            raise unavailable("secrets")
        self.secrets.set(ctx, key, value)

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        """A text in the language of ``ctx``."""
        return self.i18n.translate(ctx, key, args)

    def time_now(self, ctx: CallContext) -> datetime:
        """The time here."""
        return datetime.now().astimezone()

    # -- the world outside

    def http_request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """Status and body of the answer."""
        if self.http is None:
            raise unavailable("way into the web")
        return self.http.request(ctx, method, url, headers, body)

    def send_email(self, ctx: CallContext, to: str, subject: str, body: str, html: bool) -> None:
        """Sends a mail."""
        if self.mail is None:
            raise unavailable("mail")
        self.mail.send(ctx, to, subject, body, html)

    def publish_event(self, ctx: CallContext, channel: str, event_type: str, data: str) -> None:
        """Tells whoever listens."""
        self.events.publish(ctx, channel, event_type, data)

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Puts a line into Python's log; ``plugin`` and ``fields`` are attributes of its record."""
        extra = {"plugin": ctx.caller, "fields": dict(fields)}
        # a log may be read on a terminal
        text = f"{printable(ctx.caller)}: {printable(message)}"
        where = str(fields.get("traceback", ""))
        text += "\n" + printable(where, lines=True) if where else ""
        LOG.log(_LEVELS.get(level, logging.ERROR), "%s", text, extra=extra)

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

    # -- files

    def store_file(
        self, ctx: CallContext, key: str, data: bytes | None, metadata: Mapping[str, str]
    ) -> None:
        """Keeps a file of the calling plugin's."""
        self._files().store(ctx, key, data, metadata)

    def get_file(self, ctx: CallContext, key: str) -> tuple[bytes, dict[str, str] | None]:
        """A file's bytes and metadata."""
        return self._files().get(ctx, key)

    def delete_file(self, ctx: CallContext, key: str) -> None:
        """Deletes a file."""
        self._files().delete(ctx, key)

    def list_files(self, ctx: CallContext, prefix: str) -> list[dict[str, Any]] | None:
        """What files there are whose keys begin so; null is none, as Go has it."""
        return self._files().find(ctx, prefix) or None

    def _files(self) -> Files:
        if self.files is None:
            raise unavailable("files")
        return self.files

    # -- entities and their fields

    def entity_soft_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Moves an entity to the recycle bin."""
        self._entities().soft_delete(ctx, entity_type, id, reason)

    def entity_restore(self, ctx: CallContext, entity_type: str, id: int) -> None:
        """Takes an entity out of the recycle bin."""
        self._entities().restore(ctx, entity_type, id)

    def entity_hard_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Deletes an entity for good, with all fields of it."""
        self._entities().hard_delete(ctx, entity_type, id, reason)

    def recycle_bin_list(self, ctx: CallContext, entity_type: str) -> bytes:
        """What is in the recycle bin, as JSON."""
        return self._entities().list_json(ctx, entity_type)

    def _entities(self) -> RecycleBin:
        if self.entities is None:
            raise unavailable("entities")
        return self.entities

    def custom_fields_get(
        self, ctx: CallContext, entity_type: str, object_id: int, fields: Sequence[str] | None
    ) -> dict[str, Any] | None:
        """Values by field, of the calling plugin's own."""
        return self._fields().get(ctx, entity_type, object_id, fields)

    def custom_fields_set(
        self, ctx: CallContext, entity_type: str, object_id: int, values: Mapping[str, Any]
    ) -> None:
        """Sets fields, all or none; a value may be an operation (contract 2.3)."""
        self._fields().set(ctx, entity_type, object_id, values)

    def custom_fields_query(
        self, ctx: CallContext, entity_type: str, filters: Sequence[Mapping[str, Any]]
    ) -> list[int] | None:
        """Ids of the objects that pass all filters; null is none, as Go has it."""
        return self._fields().query(ctx, entity_type, filters) or None

    def _fields(self) -> CustomFields:
        if self.fields is None:
            raise unavailable("custom fields")
        return self.fields
