"""Databases for plugins: what all have in common.

A database lends *sessions* (a connection each). Outside of transactions a statement has a session
of its own and is committed at once. With ``transactions=True`` all statements of a plugin's call
share one, which is committed when the call succeeds and rolled back when it fails, however that
ends. A plugin that is called by a plugin is part of that one's transaction: where it fails, what it
did is undone alone (a savepoint).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from ..errors import CallError
from ..plugin.host import CallContext, HostFunctionError
from ..plugin.quotas import HostQuotas
from .failures import LOG, require
from .slots import Slots

__all__ = ["Database", "Databases", "PooledDatabase", "Session", "split_name"]

_BINARY = ("text", "base64")


class Database(Protocol):
    """What a host asks of a database."""

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed, never below 0."""

    @contextmanager
    def calling(self, ctx: CallContext) -> Iterator[None]:
        """Around a plugin's call: its transaction, if it has one."""

    def close(self) -> None:
        """Closes all connections."""


class Session(Protocol):
    """A connection, while one call has it."""

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed."""

    def begin(self, ctx: CallContext, *, writes: bool) -> None:
        """Begins a transaction; ``writes`` says that the first statement will."""

    def commit(self, ctx: CallContext) -> None:
        """Makes it last."""

    def rollback(self) -> None:
        """Undoes it."""

    def savepoint(self, command: str) -> None:
        """Carries out ``SAVEPOINT name``, ``RELEASE SAVEPOINT name`` or ``ROLLBACK TO SAVEPOINT
        name``."""

    def give_back(self) -> None:
        """Lets others have the connection, whatever is open on it."""


class _Scope:
    """A plugin's call in a transaction: the outermost one has the session, those inside of it a
    savepoint each, which they set with their first statement."""

    def __init__(self, database: PooledDatabase, outer: _Scope | None) -> None:
        self._database = database
        self._outer = outer
        self._depth: int = 0 if outer is None else outer._depth + 1
        self._session: Session | None = None

    def session(self, ctx: CallContext, *, writes: bool) -> Session:
        """The session, in a transaction."""
        if self._session is not None:
            return self._session
        if self._outer is None:
            session = self._database.lend(ctx)
            try:
                session.begin(ctx, writes=writes)
            except BaseException:
                session.give_back()
                raise
        else:
            session = self._outer.session(ctx, writes=writes)
            session.savepoint(f"SAVEPOINT call_{self._depth}")
        self._session = session
        return session

    def succeed(self, ctx: CallContext) -> None:
        """Ends it where the call has succeeded. Raises CallError if that cannot be kept."""
        session = self._session
        if session is None:
            return
        try:
            if self._outer is None:
                session.commit(ctx)
            else:
                session.savepoint(f"RELEASE SAVEPOINT call_{self._depth}")
        except Exception as error:
            LOG.warning("commit failed for plugin %r", ctx.caller, exc_info=True)
            raise CallError("gk_call succeeded, but its transaction was not committed") from error

    def fail(self) -> None:
        """Ends it where the call has failed."""
        session = self._session
        if session is None:
            return
        try:
            if self._outer is None:
                session.rollback()
            else:
                session.savepoint(f"ROLLBACK TO SAVEPOINT call_{self._depth}")
        except Exception:
            # why the call failed is what matters; the connection is not used again as it is
            LOG.warning("rollback failed", exc_info=True)

    def leave(self) -> None:
        """Gives the session back."""
        if self._session is not None and self._outer is None:
            self._session.give_back()


class PooledDatabase(ABC):
    """A database with at most ``pool`` connections.

    ``transactions`` makes one of each plugin's call. ``patience`` is how many seconds a statement
    waits for a connection, where its call has no earlier deadline. ``quotas`` bound statements and
    answers. ``binary`` says what becomes of bytes in rows: ``"text"`` for those that are UTF-8 and
    an error for others (contract 2.1), or ``"base64"`` for all. Raises ConfigError.
    """

    def __init__(
        self,
        *,
        pool: int,
        transactions: bool,
        quotas: HostQuotas | None,
        patience: float,
        binary: str,
    ) -> None:
        require(isinstance(pool, int) and pool >= 1, f"pool must be 1 or more, found {pool!r}")
        require(
            isinstance(patience, (int, float)) and patience > 0,
            f"patience must be seconds above 0, found {patience!r}",
        )
        require(
            isinstance(transactions, bool), f"transactions must be true or false: {transactions!r}"
        )
        require(binary in _BINARY, f"binary must be one of {_BINARY}, found {binary!r}")
        #: whether each plugin's call is a transaction
        self.has_transactions = transactions
        #: whether what makes tables is part of a transaction; MySQL and MariaDB commit before it
        self.undoes_tables = True
        self.quotas = quotas or HostQuotas()
        self.patience = patience
        self.slots = Slots(pool, "connections of the database", patience)
        self._binary = binary
        self._scope: ContextVar[_Scope | None] = ContextVar("pywasmgk_transaction", default=None)

    @abstractmethod
    def lend(self, ctx: CallContext) -> Session:
        """A session of the caller's own, to be given back. Raises HostFunctionError."""

    @abstractmethod
    def close(self) -> None:
        """Closes all connections that nobody has."""

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name. Raises HostFunctionError where the statement is refused, fails, or
        gives more than the quotas have; DeadlineExceeded and Cancelled with the call."""
        with self._session(ctx, sql, writes=False) as session:
            rows = session.query(ctx, sql, args)
        if self._binary == "base64":
            rows = [{name: _encoded(value) for name, value in row.items()} for row in rows]
        return rows

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that a statement changed, never below 0. Raises what :meth:`query`
        raises."""
        with self._session(ctx, sql, writes=True) as session:
            return max(session.execute(ctx, sql, args), 0)

    @contextmanager
    def calling(self, ctx: CallContext) -> Iterator[None]:
        """Around a plugin's call: its transaction, if calls are transactions."""
        if not self.has_transactions:
            yield
            return
        with self.transaction(ctx):
            yield

    @contextmanager
    def transaction(self, ctx: CallContext) -> Iterator[None]:
        """All statements inside are one transaction, for this thread or task. Raises CallError
        where it cannot be committed."""
        scope = _Scope(self, self._scope.get())
        token = self._scope.set(scope)
        try:
            yield
            scope.succeed(ctx)
        except BaseException:
            scope.fail()
            raise
        finally:
            self._scope.reset(token)
            scope.leave()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread or task is inside of one."""
        return self._scope.get() is not None

    @contextmanager
    def _session(self, ctx: CallContext, sql: str, *, writes: bool) -> Iterator[Session]:
        """The session for a statement: that of the transaction, or one for it alone."""
        most = self.quotas.sql_text
        if len(sql) > most:
            raise HostFunctionError(f"a statement of {len(sql):,} characters; {most:,} are allowed")
        scope = self._scope.get()
        if scope is not None:
            yield scope.session(ctx, writes=writes)
            return
        session = self.lend(ctx)
        try:
            yield session
        finally:
            session.give_back()


def _encoded(value: Any) -> Any:
    """Bytes as base64."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        # late: only who asks for it needs it
        from base64 import b64encode

        return b64encode(value).decode()
    return value


# -- named databases

_NAME = re.compile(r"\s*@([A-Za-z_][A-Za-z0-9_-]*):\s*")


def split_name(sql: str) -> tuple[str | None, str]:
    """The database that a statement names, as in ``@reports: SELECT 1``, and the statement."""
    match = _NAME.match(sql)
    return (None, sql) if match is None else (match[1], sql[match.end() :])


class Databases:
    """Several databases: ``@name:`` before a statement says for which it is, others are for the
    ``default`` one. It is a database itself."""

    def __init__(self, default: Database | None, named: Mapping[str, Database]) -> None:
        for name in named:
            require(
                _NAME.fullmatch(f"@{name}:"),
                f"a database cannot be named {name!r}: letters, digits, _ and -, a letter first",
            )
        self.default = default
        self.named = dict(named)

    def _find(self, sql: str) -> tuple[Database, str]:
        name, statement = split_name(sql)
        found = self.default if name is None else self.named.get(name)
        if found is None:
            which = "database" if name is None else f"database named {name!r:.80}"
            raise HostFunctionError(f"this host has no {which}")
        return found, statement

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name. Raises HostFunctionError for a name that no database has, and what
        the database raises."""
        database, statement = self._find(sql)
        return database.query(ctx, statement, args)

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed. Raises what :meth:`query` raises."""
        database, statement = self._find(sql)
        return database.execute(ctx, statement, args)

    def sql_dialect(self, database: str) -> str:
        """What SQL one of them speaks; "" is the default one."""
        found = self.named.get(database) if database else self.default
        said: Callable[[str], str] | None = getattr(found, "sql_dialect", None)
        return "sqlite" if said is None else said("")

    @property
    def has_transactions(self) -> bool:
        """Whether calls are transactions on any of them."""
        return any(getattr(database, "has_transactions", True) for database in self._all())

    def _all(self) -> list[Database]:
        return [*([] if self.default is None else [self.default]), *self.named.values()]

    @contextmanager
    def calling(self, ctx: CallContext) -> Iterator[None]:
        """Around a plugin's call: a transaction on each that has them. They end one after the
        other, so that the last may fail where the first has been committed."""
        with ExitStack() as stack:
            for database in self._all():
                stack.enter_context(database.calling(ctx))
            yield

    def close(self) -> None:
        """Closes all."""
        for database in self._all():
            database.close()
