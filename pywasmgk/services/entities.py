"""Entities that plugins delete and restore, and the recycle bin in between.

What an entity is, is the application's matter: it gives an object with the methods of
:class:`EntityStore`. :class:`TableEntities` is one for rows of tables with a column that says since
when they are deleted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import NamedTuple, Protocol

from ..plugin.gojson import encode
from ..plugin.host import CallContext, HostFunctionError
from .databases import PooledDatabase
from .failures import require
from .fields import CustomFields
from .migrations import Migrations, digest

__all__ = ["EntityStore", "EntityTable", "RecycleBin", "TableEntities"]

_STEPS = (
    (
        """CREATE TABLE pywasmgk_bin (
            kind CHAR(64) NOT NULL, entity_id BIGINT NOT NULL, entity_type VARCHAR(255),
            reason VARCHAR(2000), deleted_by VARCHAR(255), user_id BIGINT, deleted_at VARCHAR(40),
            PRIMARY KEY (kind, entity_id))""",
    ),
)
_LONGEST_REASON = 2_000
#: entries that a list has at most, the latest ones
_MOST_LISTED = 1_000


class EntityStore(Protocol):
    """What an application does with its entities when plugins ask for it, within the bin's
    transaction. Each raises HostFunctionError for types and ids that there are none of, and for
    what is not allowed."""

    def hide(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Takes it out of sight: it is in the recycle bin."""

    def show(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Shows it again."""

    def erase(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Deletes it for good, whether it was in the bin or not."""


class RecycleBin:
    """Deleted entities, in a database's table ``pywasmgk_bin``, which is made when it is first
    needed. ``fields`` are forgotten with what is erased."""

    def __init__(
        self,
        database: PooledDatabase,
        entities: EntityStore,
        *,
        fields: CustomFields | None = None,
    ) -> None:
        for name in ("hide", "show", "erase"):
            good = callable(getattr(entities, name, None))
            require(good, f"entities: a {type(entities).__name__} has no method {name}")
        self._database = database
        self._entities = entities
        self._fields = fields
        self._tables = Migrations(database, "recycle bin", _STEPS)

    def soft_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Moves an entity to the bin. Raises HostFunctionError where it is there, or nowhere."""
        if len(reason) > _LONGEST_REASON or len(entity_type) > 255:
            raise HostFunctionError(f"a reason has at most {_LONGEST_REASON:,} characters")
        self._tables.ready(ctx)
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        entry = [digest(entity_type), id, entity_type, reason, ctx.caller[:255], ctx.user_id, now]
        if self._is_there(ctx, entity_type, id):
            raise HostFunctionError(f"{entity_type:.80} {id} is in the recycle bin already")
        with self._database.transaction(ctx):
            # the bin first: two who delete the same wait for each other here
            self._database.execute(
                ctx, "INSERT INTO pywasmgk_bin VALUES (?, ?, ?, ?, ?, ?, ?)", entry
            )
            self._entities.hide(ctx, entity_type, id)

    def _is_there(self, ctx: CallContext, entity_type: str, id: int) -> bool:
        sql = "SELECT 1 AS found FROM pywasmgk_bin WHERE kind = ? AND entity_id = ?"
        return bool(self._database.query(ctx, sql, [digest(entity_type), id]))

    def restore(self, ctx: CallContext, entity_type: str, id: int) -> None:
        """Takes an entity out of the bin. Raises HostFunctionError where it is not there."""
        self._tables.ready(ctx)
        with self._database.transaction(ctx):
            if not self._forget(ctx, entity_type, id):
                raise HostFunctionError(f"{entity_type:.80} {id} is not in the recycle bin")
            self._entities.show(ctx, entity_type, id)

    def hard_delete(self, ctx: CallContext, entity_type: str, id: int, reason: str) -> None:
        """Deletes an entity for good, with all plugins' fields of it."""
        self._tables.ready(ctx)
        with self._database.transaction(ctx):
            self._forget(ctx, entity_type, id)
            self._entities.erase(ctx, entity_type, id)
        if self._fields is not None:
            self._fields.forget(ctx, entity_type, id)

    def _forget(self, ctx: CallContext, entity_type: str, id: int) -> int:
        sql = "DELETE FROM pywasmgk_bin WHERE kind = ? AND entity_id = ?"
        return self._database.execute(ctx, sql, [digest(entity_type), id])

    def list_json(self, ctx: CallContext, entity_type: str) -> bytes:
        """The entries of a type as JSON, the latest first."""
        self._tables.ready(ctx)
        sql = (
            "SELECT entity_type, entity_id, reason, deleted_by, user_id, deleted_at "
            f"FROM pywasmgk_bin WHERE kind = ? ORDER BY deleted_at DESC, entity_id "
            f"LIMIT {_MOST_LISTED}"
        )
        return encode(self._database.query(ctx, sql, [digest(entity_type)]))


class EntityTable(NamedTuple):
    """The table of a type of entities."""

    table: str
    id: str = "id"
    #: the column that has the time of the deletion, or NULL
    deleted: str = "deleted_at"


_NAME = re.compile(r"[A-Za-z_]\w{0,62}")


class TableEntities:
    """Entities that are rows: ``{"ticket": EntityTable("ticket")}``. Raises ConfigError for names
    that need quotes."""

    def __init__(self, database: PooledDatabase, tables: Mapping[str, EntityTable]) -> None:
        for kind, table in tables.items():
            for name in table:
                good = _NAME.fullmatch(name)
                require(good, f"entities: {name!r} of {kind!r} is no name of a table or column")
        self._database = database
        self._tables = dict(tables)

    def hide(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Sets the column."""
        now = datetime.now(timezone.utc).isoformat(" ", timespec="seconds")[:19]
        table = self._table(entity_type)
        self._one(
            ctx,
            f"UPDATE {table.table} SET {table.deleted} = ? "
            f"WHERE {table.id} = ? AND {table.deleted} IS NULL",
            [now, entity_id],
            entity_type,
        )

    def show(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Empties the column."""
        table = self._table(entity_type)
        self._one(
            ctx,
            f"UPDATE {table.table} SET {table.deleted} = NULL WHERE {table.id} = ?",
            [entity_id],
            entity_type,
        )

    def erase(self, ctx: CallContext, entity_type: str, entity_id: int) -> None:
        """Deletes the row."""
        table = self._table(entity_type)
        sql = f"DELETE FROM {table.table} WHERE {table.id} = ?"
        self._one(ctx, sql, [entity_id], entity_type)

    def _table(self, entity_type: str) -> EntityTable:
        found = self._tables.get(entity_type)
        if found is None:
            raise HostFunctionError(f"there are no entities of type {entity_type!r:.80}")
        return found

    def _one(self, ctx: CallContext, sql: str, args: list[object], entity_type: str) -> None:
        if self._database.execute(ctx, sql, args) != 1:
            raise HostFunctionError(f"there is no {entity_type:.80} {args[-1]}")
