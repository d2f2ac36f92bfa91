"""Tables of services' own, made and changed by themselves.

A service has a list of steps, each a list of statements; how many were carried out stands in the
table ``pywasmgk_schema``. Steps are only ever added, at the end.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextvars import Context, copy_context

from ..plugin.host import CallContext, HostFunctionError
from .databases import PooledDatabase

__all__ = ["Migrations", "digest"]

_SCHEMA = "CREATE TABLE IF NOT EXISTS pywasmgk_schema (service VARCHAR(64) PRIMARY KEY, steps INT)"
#: what a key of a table is made of is as long as it likes, and databases compare texts in their own
#: ways: case, accents and blanks at the end may not count


def digest(*names: str) -> str:
    """Names as a key of 64 characters, which is equal only where the names are."""
    found = hashlib.sha256()
    for name in names:
        data = name.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


class Migrations:
    """The tables of one service in a database."""

    def __init__(
        self, database: PooledDatabase, service: str, steps: Sequence[Sequence[str]]
    ) -> None:
        self._database = database
        self._service = service
        self._steps = steps
        self._lock = threading.Lock()
        self._done = False

    def ready(self, ctx: CallContext) -> None:
        """Sees to it that the tables are there, and as they should be. Raises HostFunctionError
        where that cannot be done, or another version has made newer ones."""
        if self._done:
            return
        with self._lock:
            if self._done:
                return
            within = self._database.in_transaction and self._database.undoes_tables
            # a context without the transaction has a connection of its own
            run = copy_context().run if within else Context().run
            try:
                run(self._migrate, ctx)
            except HostFunctionError:
                # another process may have done so at the same moment
                run(self._migrate, ctx)
            # within a transaction they may yet be undone
            self._done = not within

    def _migrate(self, ctx: CallContext) -> None:
        database = self._database
        database.execute(ctx, _SCHEMA, [])
        rows = database.query(
            ctx, "SELECT steps FROM pywasmgk_schema WHERE service = ?", [self._service]
        )
        present = int(rows[0]["steps"]) if rows else 0
        if present > len(self._steps):
            raise HostFunctionError(f"the tables of {self._service} are of a newer version")
        for number, step in enumerate(self._steps[present:], present + 1):
            with database.transaction(ctx):
                for statement in step:
                    database.execute(ctx, statement, [])
                self._note(ctx, number)

    def _note(self, ctx: CallContext, number: int) -> None:
        sql = "UPDATE pywasmgk_schema SET steps = ? WHERE service = ?"
        if not self._database.execute(ctx, sql, [number, self._service]):
            sql = "INSERT INTO pywasmgk_schema (steps, service) VALUES (?, ?)"
            self._database.execute(ctx, sql, [number, self._service])
