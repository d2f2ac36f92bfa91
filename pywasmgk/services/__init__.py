"""Host services on real parts: each usable alone, together a host for plugins.

A module per service; ``host.py`` puts them together, ``building.py`` does so from a file. Nothing
here is imported by the rest of the package but the command line, and by policies how addresses are
read. A module is imported when one of
its names is first used, and what comes with an extra when it is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .building import services_from, services_from_file
    from .cache import MemoryCache, RedisCache
    from .catalogues import Catalogues
    from .config import Settings
    from .databases import Databases
    from .entities import EntityTable, RecycleBin, TableEntities
    from .events import Events
    from .fields import CustomFields
    from .files import Files, FolderStore, RemoteStore
    from .host import Services
    from .http import HTTPLimits, HTTPService
    from .mail import MailFolder, SMTPMail
    from .secure_config import Secrets, key_from, new_key
    from .sql_server import SQLServer
    from .sqlite import SQLiteDatabase
    from .telemetry import Telemetry

__all__ = [
    "Catalogues",
    "CustomFields",
    "Databases",
    "EntityTable",
    "Events",
    "Files",
    "FolderStore",
    "HTTPLimits",
    "HTTPService",
    "MailFolder",
    "MemoryCache",
    "RecycleBin",
    "RedisCache",
    "RemoteStore",
    "SMTPMail",
    "SQLServer",
    "SQLiteDatabase",
    "Secrets",
    "Services",
    "Settings",
    "TableEntities",
    "Telemetry",
    "key_from",
    "new_key",
    "services_from",
    "services_from_file",
]

#: where the names are defined
_DEFINED_IN = {
    "building": "services_from services_from_file",
    "cache": "MemoryCache RedisCache",
    "catalogues": "Catalogues",
    "config": "Settings",
    "databases": "Databases",
    "entities": "EntityTable RecycleBin TableEntities",
    "events": "Events",
    "fields": "CustomFields",
    "files": "Files FolderStore RemoteStore",
    "host": "Services",
    "http": "HTTPLimits HTTPService",
    "mail": "MailFolder SMTPMail",
    "secure_config": "Secrets key_from new_key",
    "sql_server": "SQLServer",
    "sqlite": "SQLiteDatabase",
    "telemetry": "Telemetry",
}
_HOMES = {name: home for home, names in _DEFINED_IN.items() for name in names.split()}


# type checkers shall find that a name is not there
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f".{home}", __name__), name)
        return found
