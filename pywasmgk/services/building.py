"""Services from a file: a table of TOML or JSON per service.

Texts may have ``${NAME}`` for a variable of the environment, so that no password need stand in the
file. Paths are relative to the file. What no service knows is refused, with the nearest name.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError, near_miss
from ..plugin.quotas import HostQuotas
from .cache import Cache, MemoryCache, RedisCache
from .catalogues import Catalogues
from .config import Settings, read_table
from .databases import Databases, PooledDatabase
from .entities import EntityTable, RecycleBin, TableEntities
from .events import Events
from .failures import require
from .fields import CustomFields
from .files import Files, FolderStore, RemoteStore
from .host import Services
from .http import HTTPLimits, HTTPService
from .mail import Mail, MailFolder, SMTPMail
from .secure_config import Secrets, key_from
from .sql_server import SQLServer
from .sqlite import SQLiteDatabase

__all__ = ["services_from", "services_from_file"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECTIONS = (
    *("database", "databases", "cache", "mail", "config", "secrets", "i18n", "events", "files"),
    *("fields", "entities", "telemetry", "http"),
)


def services_from_file(
    path: str | os.PathLike[str], *, kind: Callable[..., Services] = Services, **given: Any
) -> Services:
    """The services that a file describes, as Services or whatever ``kind`` makes of them. ``given``
    are services that are there already, such as ``http=``. Raises ConfigError, which names the
    table and the setting."""
    return services_from(read_table(path), Path(path).parent, kind=kind, **given)


def services_from(
    table: Mapping[str, Any],
    folder: Path,
    *,
    kind: Callable[..., Services] = Services,
    **given: Any,
) -> Services:
    """The services that a table describes, with paths relative to ``folder``. Raises
    ConfigError."""
    tables = {name: _Table(name, value, folder) for name, value in _expanded(table).items()}
    for name in tables:
        hint = near_miss(name, _SECTIONS)
        require(name in _SECTIONS, f"there is no service {name!r}{hint}; there are {_SECTIONS}")
    default = _database(tables["database"]) if "database" in tables else None
    made = {
        name: build(tables[name], default) for name, build in _BUILDERS.items() if name in tables
    }
    if "databases" in tables:
        named = tables["databases"].tables()
        made["db"] = Databases(default, {name: _database(one) for name, one in named.items()})
    elif default is not None:
        made["db"] = default
    if "entities" in made:
        made["entities"] = made["entities"](made.get("fields"))
    return kind(**{**made, **given})


def _expanded(value: Any) -> Any:
    """With variables of the environment in their places. Raises ConfigError."""
    if isinstance(value, Mapping):
        return {name: _expanded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_expanded(one) for one in value]
    return _VARIABLE.sub(_variable, value) if isinstance(value, str) else value


def _variable(match: re.Match[str]) -> str:
    found = os.environ.get(match[1])
    require(found is not None, f"the variable {match[1]} is not set")
    return str(found)


class _Table:
    """The settings of one service."""

    def __init__(self, name: str, values: Any, folder: Path) -> None:
        require(isinstance(values, Mapping), f"[{name}] must be a table of settings")
        self.name = name
        self.values: dict[str, Any] = dict(values)
        self.folder = folder

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def tables(self) -> dict[str, _Table]:
        """Tables in it, by name."""
        return {
            name: _Table(f"{self.name}.{name}", value, self.folder)
            for name, value in self.values.items()
        }

    def take(self, key: str, default: Any = None) -> Any:
        """A setting, which is read with that."""
        return self.values.pop(key, default)

    def path(self, key: str) -> Path:
        """A path."""
        found = self.take(key)
        require(isinstance(found, str) and found, f"[{self.name}] {key} must be a path")
        return self.folder / str(found)

    def make(self, build: Callable[..., Any], *args: Any) -> Any:
        """What is made with all settings that were not read. Raises ConfigError for those that it
        does not have, and for what it raises."""
        if "quotas" in self.values and "pool" in inspect.signature(build).parameters:
            quotas = _Table(f"{self.name}.quotas", self.values["quotas"], self.folder)
            self.values["quotas"] = quotas.make(HostQuotas)
        parameters = list(inspect.signature(build).parameters)[len(args) :]
        for key in self.values:
            hint = near_miss(key, parameters)
            there = ", ".join(sorted(parameters))
            require(
                key in parameters, f"[{self.name}] has no setting {key!r}{hint}; there are {there}"
            )
        try:
            return build(*args, **self.values)
        except ConfigError as error:
            raise ConfigError(f"[{self.name}] {error}") from error
        except (TypeError, ValueError) as error:
            raise ConfigError(f"[{self.name}] {error}") from error


def _database(table: _Table) -> PooledDatabase:
    require(
        ("path" in table) != ("url" in table),
        f"[{table.name}] needs either path (an SQLite file) or url (a server)",
    )
    if "url" in table:
        made: PooledDatabase = table.make(SQLServer, table.take("url"))
        return made
    path = table.take("path") if table.values["path"] == ":memory:" else table.path("path")
    found: PooledDatabase = table.make(SQLiteDatabase, path)
    return found


def _cache(table: _Table, database: PooledDatabase | None) -> Cache:
    made: Cache = (
        table.make(RedisCache, table.take("url")) if "url" in table else table.make(MemoryCache)
    )
    return made


def _mail(table: _Table, database: PooledDatabase | None) -> Mail:
    require(
        ("folder" in table) != ("host" in table),
        f"[{table.name}] needs either folder (an outbox) or host (an SMTP server)",
    )
    folder = "folder" in table
    made: Mail = (
        table.make(MailFolder, table.path("folder"))
        if folder
        else table.make(SMTPMail, table.take("host"))
    )
    return made


def _config(table: _Table, database: PooledDatabase | None) -> Settings:
    if "file" in table:
        path = table.path("file")
        require(not table.values, "[config] has a file or settings, not both")
        return Settings.from_file(path)
    own = table.take("plugins", {})
    require(isinstance(own, Mapping), "[config.plugins] must be a table of tables")
    return Settings(table.values, plugins=own)


def _secrets(table: _Table, database: PooledDatabase | None) -> Secrets:
    keys = []
    # old keys open what the first one has not sealed yet
    for prefix in ("key", "old_key"):
        file, variable = table.take(f"{prefix}_file"), table.take(f"{prefix}_variable")
        if prefix == "key" or file or variable:
            place = None if file is None else table.folder / str(file)
            keys.append(key_from(file=place, variable=variable))
    path = table.path("file")
    made: Secrets = table.make(Secrets, path, keys)
    return made


def _http(table: _Table, database: PooledDatabase | None) -> HTTPService:
    usual = HTTPLimits()

    def build(
        networks: Sequence[str] = (),
        body_bytes: int = usual.body_bytes,
        redirects: int = usual.redirects,
        seconds: float = usual.seconds,
    ) -> HTTPService:
        return HTTPService(networks=networks, limits=HTTPLimits(body_bytes, redirects, seconds))

    made: HTTPService = table.make(build)
    return made


def _i18n(table: _Table, database: PooledDatabase | None) -> Catalogues:
    if "folder" in table:
        table.values["folder"] = table.path("folder")
    made: Catalogues = table.make(Catalogues)
    return made


def _files(table: _Table, database: PooledDatabase | None) -> Files:
    require(
        ("folder" in table) != ("url" in table),
        "[files] needs either folder (here) or url (where fsspec reaches)",
    )
    store = (
        RemoteStore(str(table.take("url"))) if "url" in table else FolderStore(table.path("folder"))
    )
    made: Files = table.make(Files, store)
    return made


def _needed(table: _Table, database: PooledDatabase | None) -> PooledDatabase:
    """The database for a service's own tables: one of its own, or that of plugins' SQL."""
    if "database" in table:
        return _database(_Table(f"{table.name}.database", table.take("database"), table.folder))
    if database is None:
        raise ConfigError(f"[{table.name}] needs a database: [database] or its own")
    return database


def _fields(table: _Table, database: PooledDatabase | None) -> CustomFields:
    made: CustomFields = table.make(CustomFields, _needed(table, database))
    return made


def _entities(table: _Table, database: PooledDatabase | None) -> Callable[..., RecycleBin]:
    needed = _needed(table, database)
    tables = {name: one.make(EntityTable) for name, one in table.tables().items()}
    return lambda fields: RecycleBin(needed, TableEntities(needed, tables), fields=fields)


def _events(table: _Table, database: PooledDatabase | None) -> Events:
    made: Events = table.make(Events)
    return made


def _telemetry(table: _Table, database: PooledDatabase | None) -> Any:
    from .telemetry import Telemetry

    require(not table.values, "[telemetry] has no settings: OpenTelemetry's own are its")
    return Telemetry()


_BUILDERS: dict[str, Callable[[_Table, PooledDatabase | None], Any]] = {
    "cache": _cache,
    "mail": _mail,
    "config": _config,
    "secrets": _secrets,
    "i18n": _i18n,
    "events": _events,
    "files": _files,
    "fields": _fields,
    "entities": _entities,
    "telemetry": _telemetry,
    "http": _http,
}
