"""SQL on an SQLite file, the database for one machine: nothing to install, nothing to start.

What a plugin's statement may do is what it may on a MemoryHost (``plugin/database.py``). A file is
put into WAL mode (SQLite, "Write-Ahead Logging"), so that readers do not wait for a writer.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..plugin.database import Database as Guarded
from ..plugin.host import CallContext, HostFunctionError
from ..plugin.quotas import HostQuotas
from .databases import PooledDatabase, Session
from .failures import LOG, ConfigError, require

__all__ = ["SQLiteDatabase"]

#: bytes that a file may have
_MOST_BYTES = 1 << 30
_IN_MEMORY = ":memory:"


_LOST = "the transaction was rolled back by the database"


class SQLiteDatabase(PooledDatabase):
    """A file, or ``":memory:"``.

    ``max_bytes`` is what the file may grow to by plugins; ``busy`` the seconds that a statement
    waits for a lock of another connection. All other options are PooledDatabase's. Raises
    ConfigError for a file that cannot be opened, or is no database.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = _IN_MEMORY,
        *,
        pool: int = 4,
        transactions: bool = False,
        quotas: HostQuotas | None = None,
        patience: float = 30.0,
        busy: float = 5.0,
        max_bytes: int = _MOST_BYTES,
        binary: str = "text",
    ) -> None:
        self._path = os.fspath(path)
        # every connection to memory is a database of its own
        pool = min(pool, 1) if self._path == _IN_MEMORY and isinstance(pool, int) else pool
        super().__init__(
            pool=pool, transactions=transactions, quotas=quotas, patience=patience, binary=binary
        )
        require(isinstance(busy, (int, float)) and busy >= 0, f"busy must be seconds: {busy!r}")
        require(
            isinstance(max_bytes, int) and max_bytes > 0,
            f"max_bytes must be above 0, found {max_bytes!r}",
        )
        self._busy = busy
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._idle: list[Guarded] = [self._opened()]
        # nobody has to close it
        weakref.finalize(self, _close_all, self._idle)

    def _opened(self) -> Guarded:
        # late: some Pythons come without it
        import sqlite3

        if self._path != _IN_MEMORY:
            folder = Path(self._path).parent
            require(folder.is_dir(), f"the folder of the database is not there: {folder}")
        connection = None
        try:
            connection = sqlite3.connect(
                self._path, timeout=self._busy, check_same_thread=False, isolation_level=None
            )
            connection.execute("PRAGMA journal_mode=WAL").close()
            connection.execute("PRAGMA synchronous=NORMAL").close()
            connection.execute("PRAGMA foreign_keys=ON").close()
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise ConfigError(f"the database {self._path} cannot be used: {error}") from error
        quotas = dataclasses.replace(self.quotas, database_bytes=self._max_bytes)
        guarded = _Capped(connection, quotas)
        guarded.busy = int(self._busy * 1000)
        return guarded

    def lend(self, ctx: CallContext) -> Session:
        """A session of the caller's own, to be given back. Raises HostFunctionError."""
        self.slots.take(ctx)
        try:
            with self._lock:
                guarded = self._idle.pop() if self._idle else None
            return SQLiteSession(self, guarded or self._opened())
        except BaseException as error:
            self.slots.give_back()
            if isinstance(error, ValueError):
                LOG.warning("the database cannot be opened", exc_info=True)
                raise HostFunctionError("the database cannot be opened") from error
            raise

    def take_back(self, guarded: Guarded) -> None:
        """Keeps a connection for the next call."""
        with self._lock:
            self._idle.append(guarded)
        self.slots.give_back()

    def close(self) -> None:
        """Closes all connections that nobody has."""
        _close_all(self._idle)


def _close_all(idle: list[Guarded]) -> None:
    """Closes the connections in a list, which is empty then."""
    while idle:
        guarded = idle.pop()
        guarded.connection.close()
        guarded.close()


class _Capped(Guarded):
    """A file that may have so many bytes, whoever has filled it."""

    def _pages(self, pages: int, size: int) -> int:
        return max(self._quotas.database_bytes // size, 1)


class SQLiteSession:
    """A connection to a file, while one call has it."""

    def __init__(self, database: SQLiteDatabase, guarded: Guarded) -> None:
        self._database = database
        self._guarded = guarded

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""
        self._require_transaction()
        return self._guarded.query(ctx, sql, args)

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed."""
        self._require_transaction()
        return self._guarded.execute(ctx, sql, args)

    def begin(self, ctx: CallContext, *, writes: bool) -> None:
        """Begins a transaction. One that writes first takes the lock at once, and waits for it:
        later it could not (SQLite, SQLITE_BUSY_SNAPSHOT)."""
        left, busy = ctx.seconds_left(), self._guarded.busy
        wait = busy if left is None else min(busy, int(left * 1000))
        self._do(f"PRAGMA busy_timeout = {wait}")
        try:
            self._do("BEGIN IMMEDIATE" if writes else "BEGIN")
        finally:
            self._do(f"PRAGMA busy_timeout = {busy}")
        self._guarded.holds = True

    @property
    def _is_lost(self) -> bool:
        """Whether a statement has ended the transaction, as ``INSERT OR ROLLBACK`` may. What came
        after it would last, whatever becomes of the call."""
        return self._guarded.holds and not self._guarded.connection.in_transaction

    def _require_transaction(self) -> None:
        if self._is_lost:
            raise HostFunctionError(_LOST)

    def _do(self, command: str) -> None:
        # late: some Pythons come without it
        import sqlite3

        try:
            self._guarded.connection.execute(command).close()
        except sqlite3.Error as error:
            LOG.warning("%s failed", command, exc_info=True)
            raise HostFunctionError(f"the transaction failed: {error}") from error

    def commit(self, ctx: CallContext) -> None:
        """Makes it last. Raises HostFunctionError where a statement's end has ended it."""
        self._guarded.holds = False
        if not self._guarded.connection.in_transaction:
            raise HostFunctionError(_LOST)
        self._do("COMMIT")

    def rollback(self) -> None:
        """Undoes it."""
        self._guarded.holds = False
        if self._guarded.connection.in_transaction:
            self._do("ROLLBACK")

    def savepoint(self, command: str) -> None:
        """Sets a savepoint, releases one or goes back to one."""
        if self._is_lost and command.startswith("ROLLBACK"):
            return  # more than that is undone already
        self._require_transaction()
        self._do(command)

    def give_back(self) -> None:
        """Lets others have the connection, whatever is open on it."""
        try:
            self.rollback()
        finally:
            self._database.take_back(self._guarded)
