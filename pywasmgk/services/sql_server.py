"""SQL on a database server, or whatever else SQLAlchemy knows (extra ``sql``).

Plugins' statements go to the driver as they are, placeholders aside; SQLAlchemy brings the pool,
which finds out that a server was gone, and one way to drive them all. The server itself ends what
takes longer than the call has left.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..plugin.database import Room
from ..plugin.host import CallContext, HostFunctionError
from ..plugin.kept import weight
from ..plugin.quotas import HostQuotas
from .databases import PooledDatabase, Session
from .failures import LOG, require, required_module
from .placeholders import Statement, dialect_named, parse
from .watchdog import Watchdog

__all__ = ["SQLServer"]

#: first words of statements that change the connection itself, or end transactions
_SESSION_WORDS = frozenset(
    """ABORT BEGIN CHECKPOINT CLOSE COMMIT COPY DEALLOCATE DECLARE DISCARD DO END EXECUTE HANDLER
    KILL LISTEN LOAD LOCK NOTIFY PREPARE RELEASE RESET ROLLBACK SAVEPOINT SET SHUTDOWN START
    UNLISTEN UNLOCK USE VACUUM XA""".split()
)
#: words of statements that reach the server's files
_FILE_WORDS = frozenset({"OUTFILE", "DUMPFILE", "LOAD_FILE", "PG_READ_FILE", "LO_IMPORT"})
#: statements that give rows and change nothing
_READING = frozenset({"SELECT", "VALUES", "TABLE", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN"})
#: words whose effect stays on a connection to MySQL and MariaDB, which is closed then
_STICKY = frozenset({"GET_LOCK", "TEMPORARY"})
#: characters of an error's text that plugins are told
_MOST_TOLD = 300
#: milliseconds by which the server's limit is longer than the call's: that one is to come first
_GRACE = 20
#: seconds after which a server that should have answered is given up
_PATIENCE = 1.0


class SQLServer(PooledDatabase):
    """The database at an SQLAlchemy URL, such as ``postgresql+psycopg://user@host/name``.

    It need not be there yet. ``connect_timeout`` is for a connection, in seconds; ``timeout`` for
    statements of calls without a deadline. ``connect_args`` go to the driver. All other options are
    PooledDatabase's. Raises ConfigError for a URL that SQLAlchemy does not know, and where it or
    the driver is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: int = 5,
        transactions: bool = False,
        quotas: HostQuotas | None = None,
        patience: float = 30.0,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        binary: str = "text",
        connect_args: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            pool=pool, transactions=transactions, quotas=quotas, patience=patience, binary=binary
        )
        for name, value in (("timeout", timeout), ("connect_timeout", connect_timeout)):
            sensible = isinstance(value, (int, float)) and 0 < value < math.inf
            require(sensible, f"{name} must be seconds above 0, found {value!r}")
        self._alchemy = required_module("sqlalchemy", "sql", "a database at a URL")
        self.timeout = timeout
        self.watchdog = Watchdog()
        args = {**_connecting(str(url), connect_timeout, timeout), **(connect_args or {})}
        try:
            self._engine = self._alchemy.create_engine(
                url,
                pool_size=pool,
                max_overflow=0,
                pool_pre_ping=True,
                hide_parameters=True,
                connect_args=args,
            )
        except self._alchemy.exc.ArgumentError as error:
            # without the URL, which may have a password in it
            require(False, f"the database's URL cannot be used: {type(error).__name__}")
        except ImportError as error:
            require(False, f"the database's driver is not installed: {error}")
        dialect = self.engine_dialect = self._engine.dialect
        require(dialect.name != "sqlite", "for SQLite give the path of the file, not a URL")
        self.driver_error: type[Exception] = dialect.dbapi.Error
        self.dialect = dialect_named(dialect.name)
        self.style: str = dialect.paramstyle
        self.undoes_tables = not self.dialect.backslashes
        if self.dialect.postgres:
            self._alchemy.event.listen(self._engine, "reset", _discard)

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return str(self._engine.url.render_as_string(hide_password=True))

    def sql_dialect(self, database: str) -> str:
        """What SQL it speaks, by SQLAlchemy's name."""
        return str(self.engine_dialect.name)

    def lend(self, ctx: CallContext) -> Session:
        """A session of the caller's own, to be given back. Raises HostFunctionError."""
        self.slots.take(ctx)
        try:
            with self.telling(ctx):
                return ServerSession(self, self._engine.connect())
        except BaseException:
            self.slots.give_back()
            raise

    def take_back(self, connection: Any, *, reusable: bool) -> None:
        """Gives a connection to the pool, or closes it."""
        try:
            if not reusable:
                connection.invalidate()
            connection.close()
        except Exception:
            LOG.warning("a connection could not be given back", exc_info=True)
        finally:
            self.slots.give_back()

    @contextmanager
    def telling(self, ctx: CallContext) -> Iterator[None]:
        """Makes of the driver's errors what a plugin may read."""
        try:
            yield
        except (
            *(self._alchemy.exc.SQLAlchemyError, self.driver_error),
            *(ArithmeticError, UnicodeError),
        ) as error:
            told = _told(error)
            # the plugin's own faults are no news of the server
            level = logging.WARNING if told == _UNREACHABLE else logging.INFO
            LOG.log(level, "a statement failed for plugin %r", ctx.caller, exc_info=True)
            ctx.check()  # the statement was ended for this reason
            raise HostFunctionError(told) from error

    def close(self) -> None:
        """Closes all connections that nobody has."""
        self._engine.dispose()


#: numbers of MariaDB's and MySQL's errors: a lock that took too long, a deadlock
_ENDING = (1205, 1213)


class ServerSession:
    """A connection to a server, while one call has it."""

    def __init__(self, database: SQLServer, connection: Any) -> None:
        self._database = database
        self._connection = connection
        #: a transaction is open over several statements
        self._holds = False
        #: the server has ended it by itself
        self._lost = False
        self._reusable = True

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Rows by column name."""
        statement = self._parsed(sql)
        text, values = statement.bound(self._database.style, args)
        with self._database.telling(ctx), self._alone(ctx):
            if _gives_rows(statement):
                return self._rows(text, values)
            self._connection.exec_driver_sql(text, values)
            return []

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that changed."""
        statement = self._parsed(sql)
        text, values = statement.bound(self._database.style, args)
        with self._database.telling(ctx), self._alone(ctx):
            if _gives_rows(statement):
                # they have bounds too; what a SELECT has found is no change
                rows = self._rows(text, values)
                return 0 if statement.verb in _READING else len(rows)
            return int(self._connection.exec_driver_sql(text, values).rowcount)

    def _parsed(self, sql: str) -> Statement:
        """A statement that may be carried out. Raises HostFunctionError."""
        database = self._database
        statement = parse(sql, database.dialect)
        refused = _SESSION_WORDS & {statement.first} or _FILE_WORDS.intersection(statement.words)
        if refused:
            raise HostFunctionError(f"a plugin's statement must not use {min(refused)}")
        if statement.is_several:
            raise HostFunctionError("one statement at a time")
        if database.dialect.backslashes:
            if any(text.startswith(("/*!", "/*M!")) for _, text in statement.tokens):
                raise HostFunctionError("a plugin's statement must not have executable comments")
            if _STICKY.intersection(statement.words) or ("operator", "@") in statement.tokens:
                self._reusable = False
        return statement

    @contextmanager
    def _alone(self, ctx: CallContext) -> Iterator[None]:
        """Around a statement: its time, and its own commit or savepoint. Where it fails it is
        undone, and no more than it."""
        seconds = self._seconds(ctx) + _PATIENCE
        with self._database.watchdog.watching(ctx, self._descriptor(), seconds):
            yield from self._whole_or_undone(ctx)

    def _require_transaction(self) -> None:
        """What came after a transaction that is lost would last, whatever becomes of the call."""
        if self._lost:
            raise HostFunctionError("the transaction was rolled back by the database")

    def _whole_or_undone(self, ctx: CallContext) -> Iterator[None]:
        self._require_transaction()
        self._limit(ctx)
        # PostgreSQL refuses everything in a transaction of which a statement has failed
        within = self._holds and self._database.dialect.postgres
        if within:
            self._connection.exec_driver_sql("SAVEPOINT statement")
        try:
            yield
            if within:
                self._connection.exec_driver_sql("RELEASE SAVEPOINT statement")
            elif not self._holds:
                self._connection.commit()
        except BaseException as error:
            self._lost = self._holds and _ends_transaction(error)
            self._undo(within=within)
            raise

    def _undo(self, *, within: bool) -> None:
        """Undoes a statement that has failed; why it has is what matters."""
        try:
            if within:
                self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT statement")
            elif not self._holds:
                self._connection.rollback()
        except Exception:
            LOG.debug("a statement that failed was not undone", exc_info=True)
            self._reusable = False

    def _seconds(self, ctx: CallContext) -> float:
        """What a statement may take."""
        left, most = ctx.seconds_left(), self._database.timeout
        return most if left is None else min(left, most)

    def _descriptor(self) -> int | None:
        """The connection's socket, where the driver says which that is."""
        driver = self._connection.connection.dbapi_connection
        found: Any = getattr(getattr(driver, "pgconn", None), "socket", None)
        if found is None:
            wire = getattr(driver, "_sock", None)  # PyMySQL
            found = None if wire is None else wire.fileno()
        return found if isinstance(found, int) and found >= 0 else None

    def _limit(self, ctx: CallContext) -> None:
        """Has the server end the next statement with the call."""
        ctx.check()
        dialect = self._database.engine_dialect
        millis = int(self._seconds(ctx) * 1000) + _GRACE
        if self._database.dialect.postgres:
            self._connection.exec_driver_sql(f"SET LOCAL statement_timeout = {millis}")
        elif getattr(dialect, "is_mariadb", False):
            self._connection.exec_driver_sql(f"SET max_statement_time = {millis / 1000}")
        elif dialect.name == "mysql":
            self._connection.exec_driver_sql(f"SET max_execution_time = {millis}")

    def _rows(self, text: str, values: Any) -> list[dict[str, Any]]:
        """What a statement gives, no more of it than may be had."""
        cursor = self._connection.connection.cursor()
        if not hasattr(cursor, "stream"):
            cursor.close()
            unread = {"stream_results": True}
            result = self._connection.exec_driver_sql(text, values, execution_options=unread)
            if not result.returns_rows:
                return []
            return self._taken(result, result.cursor)
        # psycopg: row by row, whatever the statement is
        rows = cursor.stream(text, values)
        try:
            return self._taken(rows, cursor)
        except self._database.driver_error as error:
            dialect, lost = self._database.engine_dialect, self._connection.connection
            if dialect.is_disconnect(error, lost.dbapi_connection, cursor):
                self._connection.invalidate()
            raise
        finally:
            rows.close()

    def _taken(self, rows: Any, cursor: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        room, names = None, list[str]()
        try:
            for row in rows:
                if room is None:
                    names = [column[0] for column in cursor.description]
                    room = Room(self._database.quotas, names)
                room.take([_counted(value) for value in row])
                found.append(dict(zip(names, row)))
        except HostFunctionError:
            if not hasattr(cursor, "stream"):
                self._abandon(cursor)
            raise
        return found

    def _abandon(self, cursor: Any) -> None:
        """Gives up what is unread, with the connection: the driver would read it to its end, which
        may be long."""
        unread: Any = getattr(cursor, "_result", None)
        if hasattr(unread, "unbuffered_active"):
            unread.unbuffered_active = False  # PyMySQL, when the cursor goes
        self._connection.invalidate()

    def begin(self, ctx: CallContext, *, writes: bool) -> None:
        """Begins a transaction: SQLAlchemy does so by itself."""
        self._holds = True

    def commit(self, ctx: CallContext) -> None:
        """Makes it last."""
        self._require_transaction()
        self._holds = False
        with self._database.telling(ctx):
            self._connection.commit()

    def rollback(self) -> None:
        """Undoes it."""
        self._holds = self._lost = False
        self._connection.rollback()

    def savepoint(self, command: str) -> None:
        """Sets a savepoint, releases one or goes back to one."""
        if self._lost and command.startswith("ROLLBACK"):
            return  # more than that is undone already
        self._require_transaction()
        try:
            self._connection.exec_driver_sql(command)
        except self._database._alchemy.exc.SQLAlchemyError as error:
            LOG.warning("%s failed", command, exc_info=True)
            raise HostFunctionError(_told(error)) from error

    def give_back(self) -> None:
        """Lets others have the connection, whatever is open on it."""
        self._database.take_back(self._connection, reusable=self._reusable)


def _ends_transaction(error: BaseException) -> bool:
    """Whether a server has undone the whole transaction with a statement of it: MariaDB and MySQL
    do so to the victim of a deadlock, and may after waiting for a lock."""
    numbers: tuple[object, ...] = getattr(getattr(error, "orig", None), "args", ())
    return numbers[:1] in {(number,) for number in _ENDING}


def _gives_rows(statement: Statement) -> bool:
    return statement.verb in _READING or "RETURNING" in statement.words


def _counted(value: Any) -> Any:
    """A value whose length is what it takes."""
    return " " * weight(value) if isinstance(value, (list, dict, tuple)) else value


def _connecting(url: str, connect_timeout: float, timeout: float) -> dict[str, Any]:
    """What drivers are told about time, by the name in the URL."""
    name = url.partition("://")[0]
    if name.startswith("postgresql"):
        keep = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5}
        psycopg = {"prepare_threshold": None} if name.endswith("psycopg") else {}
        return {"connect_timeout": max(math.ceil(connect_timeout), 1), **keep, **psycopg}
    if name.endswith("pymysql"):
        patience = math.ceil(timeout) + 5
        times = {"connect_timeout": connect_timeout, "read_timeout": patience}
        return {**times, "write_timeout": patience}
    return {}


def _discard(connection: Any, record: Any, state: Any) -> None:
    """Makes a connection to PostgreSQL as new, before others get it."""
    if state.terminate_only:
        return
    connection.rollback()
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("DISCARD ALL")
    cursor.close()
    connection.autocommit = False


# -- what plugins are told

#: classes of SQLSTATE that are about a statement and its data (PostgreSQL, "Error Codes")
_STATEMENT_STATES = frozenset("0A 20 21 22 23 25 2B 34 38 39 3F 40 42 44 P0".split())
_CANCELED = "57014"
_UNREACHABLE = "the database cannot be reached"
#: errors of MariaDB and MySQL by number: those about statements, but for these, which name accounts
_STATEMENT_NUMBERS = frozenset(range(1000, 5000)) - frozenset(range(2000, 3000))
_SERVER_NUMBERS = frozenset({1040, 1042, 1043, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1698})
_TIMED_OUT = frozenset({1969, 3024})


def _told(error: BaseException) -> str:
    """What a plugin may know of an error: the text if it is about its statement."""
    cause: Any = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    number = cause.args[0] if cause.args and isinstance(cause.args[0], int) else None
    if state == _CANCELED or number in _TIMED_OUT:
        return "the statement took too long"
    if state is not None:
        tells = state[:2] in _STATEMENT_STATES
    elif number is not None:
        tells = number in _STATEMENT_NUMBERS and number not in _SERVER_NUMBERS
    else:
        tells = type(error).__name__ in ("ProgrammingError", "IntegrityError", "DataError")
        tells = tells or isinstance(error, (ArithmeticError, UnicodeError))
    if not tells:
        return _UNREACHABLE
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    text = primary or (str(cause.args[1]) if number is not None else str(cause))
    return (text.splitlines() or [""])[0][:_MOST_TOLD] or type(error).__name__
