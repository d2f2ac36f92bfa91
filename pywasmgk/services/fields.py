"""Custom fields in a database (``custom_fields_get`` and others): values that plugins keep beside
the host's objects, each plugin its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..plugin.custom_fields import Filter, apply_operation
from ..plugin.gojson import encode
from ..plugin.host import CallContext, HostFunctionError
from .databases import PooledDatabase
from .failures import require
from .migrations import Migrations, digest

__all__ = ["CustomFields"]

_STEPS = (
    (
        # an object of a plugin's a row: all its fields are read and written together. `owner` and
        # `kind` are digests, the rest of the names is for people
        """CREATE TABLE pywasmgk_fields (
            owner CHAR(64) NOT NULL, object_id BIGINT NOT NULL, kind CHAR(64) NOT NULL,
            plugin VARCHAR(255), entity_type VARCHAR(255), revision BIGINT NOT NULL,
            content TEXT NOT NULL, PRIMARY KEY (owner, object_id))""",
        "CREATE INDEX pywasmgk_fields_kind ON pywasmgk_fields (kind, object_id)",
    ),
)
#: objects that a query looks at in one go
_PAGE = 500


class CustomFields:
    """Fields in a database's table ``pywasmgk_fields``, which is made when it is first needed.
    Plugins whose SQL has the same database could read it, unless their policy says otherwise.

    ``max_bytes`` is what an object's fields may take as JSON, ``max_objects`` how many objects a
    plugin may have fields of. Raises ConfigError.
    """

    def __init__(
        self, database: PooledDatabase, *, max_bytes: int = 32 << 10, max_objects: int = 1_000_000
    ) -> None:
        for name, value in (("max_bytes", max_bytes), ("max_objects", max_objects)):
            good = isinstance(value, int) and not isinstance(value, bool) and value > 0
            require(good, f"fields: {name} must be above 0, found {value!r}")
        self._database = database
        self._max_bytes = max_bytes
        self._max_objects = max_objects
        self._tables = Migrations(database, "custom fields", _STEPS)

    def get(
        self, ctx: CallContext, entity_type: str, object_id: int, fields: Sequence[str] | None
    ) -> dict[str, Any] | None:
        """Values by field, of the calling plugin's own; ``None`` asks for all, and is the answer
        where there are none."""
        self._tables.ready(ctx)
        values = self._read(ctx, digest(ctx.caller, entity_type), object_id)
        if values is None or fields is None:
            return values
        return {name: values[name] for name in fields if name in values}

    def _read(self, ctx: CallContext, owner: str, object_id: int) -> dict[str, Any] | None:
        sql = "SELECT content FROM pywasmgk_fields WHERE owner = ? AND object_id = ?"
        rows = self._database.query(ctx, sql, [owner, object_id])
        return dict(json.loads(rows[0]["content"])) if rows else None

    def set(
        self, ctx: CallContext, entity_type: str, object_id: int, values: Mapping[str, Any]
    ) -> None:
        """Sets fields, all or none; a value may be an operation (contract 2.3), which nobody gets
        in between of. Raises HostFunctionError for what is refused."""
        self._tables.ready(ctx)
        owner = digest(ctx.caller, entity_type)
        with self._database.transaction(ctx):
            self._lock(ctx, owner, entity_type, object_id)
            present = self._read(ctx, owner, object_id) or {}
            changed = {
                name: apply_operation(present.get(name), new) for name, new in values.items()
            }
            content = encode({**present, **changed}).decode()
            if len(content.encode()) > self._max_bytes:
                raise HostFunctionError(
                    f"the fields of an object take at most {self._max_bytes:,} bytes"
                )
            sql = "UPDATE pywasmgk_fields SET content = ? WHERE owner = ? AND object_id = ?"
            self._database.execute(ctx, sql, [content, owner, object_id])

    def _lock(self, ctx: CallContext, owner: str, entity_type: str, object_id: int) -> None:
        """Has others who would change the object wait for the transaction's end: every database
        locks a row that is written."""
        sql = "UPDATE pywasmgk_fields SET revision = revision + 1 WHERE owner = ? AND object_id = ?"
        if self._database.execute(ctx, sql, [owner, object_id]):
            return
        count = "SELECT count(*) AS n FROM pywasmgk_fields WHERE owner = ?"
        if self._database.query(ctx, count, [owner])[0]["n"] >= self._max_objects:
            raise HostFunctionError(f"a plugin has fields of at most {self._max_objects:,} objects")
        insert = "INSERT INTO pywasmgk_fields VALUES (?, ?, ?, ?, ?, 0, '{}')"
        names = [digest(entity_type), ctx.caller[:255], entity_type[:255]]
        try:
            self._database.execute(ctx, insert, [owner, object_id, *names])
        except HostFunctionError:
            # somebody else's transaction has just done so
            if not self._database.execute(ctx, sql, [owner, object_id]):
                raise

    def query(
        self, ctx: CallContext, entity_type: str, filters: Sequence[Mapping[str, Any]]
    ) -> list[int]:
        """Ids of the objects that pass all filters, in order, by the calling plugin's fields."""
        self._tables.ready(ctx)
        tests = [Filter(wanted, ctx.check) for wanted in filters]
        return [
            object_id
            for object_id, values in self._objects(ctx, digest(ctx.caller, entity_type))
            if all(test.passes(values) for test in tests)
        ]

    def _objects(self, ctx: CallContext, owner: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """All objects of a plugin's, in pages."""
        sql = (
            "SELECT object_id, content FROM pywasmgk_fields WHERE owner = ? AND object_id > ? "
            f"ORDER BY object_id LIMIT {_PAGE}"
        )
        last = -(1 << 63)
        # no id is below that, and one that equals it has come before the rest
        first = "SELECT object_id, content FROM pywasmgk_fields WHERE owner = ? AND object_id = ?"
        rows = self._database.query(ctx, first, [owner, last])
        while True:
            for row in rows:
                yield int(row["object_id"]), dict(json.loads(row["content"]))
            last = int(rows[-1]["object_id"]) if rows else last
            rows = self._database.query(ctx, sql, [owner, last])
            if not rows:
                return

    def forget(self, ctx: CallContext, entity_type: str, object_id: int) -> None:
        """Deletes all plugins' fields of an object: it is no more."""
        self._tables.ready(ctx)
        sql = "DELETE FROM pywasmgk_fields WHERE kind = ? AND object_id = ?"
        self._database.execute(ctx, sql, [digest(entity_type), object_id])
