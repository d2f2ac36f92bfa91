"""SQL for plugins, on sqlite3: a statement reaches the database and nothing else of the machine.

While a plugin's statement runs, the connection has an authorizer (SQLite, "Compile-Time
Authorization Callbacks"), a progress handler that ends it with the call, and lower limits. All of
that is taken off again behind it, so that the host's own use of the connection is not bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..wasm.runtime.metering import CancelToken
from .host import CallContext, HostFunctionError
from .lock import Turns
from .quotas import HostQuotas
from .sql import bound

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Database", "Room"]

_T = TypeVar("_T")

#: actions of the authorizer that are refused (their numbers are part of SQLite's interface)
_REFUSED = {
    3: "make temporary indices",
    4: "make temporary tables",
    5: "make temporary triggers",
    6: "make temporary views",
    24: "attach databases, nor VACUUM",
    25: "detach databases",
    29: "make virtual tables",
}
_PRAGMA, _TRANSACTION, _FUNCTION, _SAVEPOINT = 19, 22, 31, 32
#: pragmas that only tell what a table looks like
_HARMLESS = {
    *("foreign_key_list", "index_info", "index_list", "index_xinfo"),
    *("table_info", "table_list", "table_xinfo"),
}
#: pragmas that may be read, but not set
_READABLE = {
    *("application_id", "data_version", "encoding", "foreign_keys", "freelist_count"),
    *("page_count", "page_size", "schema_version", "user_version"),
}
#: functions that reach out of the database, or whose arguments are addresses
_FUNCTIONS_REFUSED = {"edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"}
#: functions whose time is the product of their arguments' sizes, by number of arguments, and the
#: product at which they take some 50 ms
_QUADRATIC = {
    ("instr", 2): 1 << 30,
    ("replace", 3): 1 << 30,
    ("json_patch", 2): 1 << 30,
    ("jsonb_patch", 2): 1 << 30,
    ("trim", 2): 1 << 25,
    ("ltrim", 2): 1 << 25,
    ("rtrim", 2): 1 << 25,
    ("unhex", 2): 1 << 25,
}
#: where Python cannot lower SQLite's limit of patterns (3.10), these are watched as well
_PATTERNS = {("like", 2): 1 << 25, ("like", 3): 1 << 25, ("glob", 2): 1 << 25}
#: steps of SQLite's virtual machine between two looks at the clock: a single one may take 1 ms
#: where values are as long as they may be
_STEPS = 100
#: milliseconds that a statement may wait for a database file that another process has locked
_BUSY = 1000
#: bytes of all SQLite's memory in the process, where Python (3.10) cannot bound single values
_HEAP = 256 << 20


def _allow(*action: Any) -> int:
    return 0


class Database:
    """One sqlite3 connection, for the statements of plugins. ``database`` is a connection or a
    path; a path is opened when it is first needed."""

    def __init__(self, database: sqlite3.Connection | str, quotas: HostQuotas) -> None:
        self._database = database
        self._quotas = quotas
        self._connection: sqlite3.Connection | None = None
        self._turns = Turns()
        #: computes functions that are watched
        self._helper: sqlite3.Connection | None = None
        #: why the running statement is refused
        self._refusal = ""
        #: takes the guards off that are on, the last one first
        self._noted: list[Callable[[], object]] = []
        #: bytes by which plugins may still make it grow
        self._room = quotas.database_bytes
        #: milliseconds that a statement may wait for a lock of another process's
        self.busy = _BUSY
        #: a transaction is open over several statements, and none of these may end it
        self.holds = False

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection, unguarded: for the host itself."""
        if self._connection is None:
            # late: some Pythons come without it
            import sqlite3

            connection = (
                self._database
                if isinstance(self._database, sqlite3.Connection)
                else sqlite3.connect(self._database, check_same_thread=False)
            )
            self._prepare(connection)
            self._connection = connection
        elif self._turns.owner is None:
            self._release()  # an interruption may have left guards on it
        return self._connection

    def close(self) -> None:
        """Closes the connection, if it was opened here."""
        for connection in (self._connection, self._helper):
            if connection is not None and connection is not self._database:
                connection.close()
        self._connection = self._helper = None

    # -- statements

    def query(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """The rows of a statement, by column name. Raises HostFunctionError where it is refused, or
        gives more than the quotas have; DeadlineExceeded and Cancelled with the call."""

        def answer(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
            names = [column[0] for column in cursor.description or ()]
            room = Room(self._quotas, names)
            rows = []
            for row in cursor:
                room.take(row)
                rows.append(dict(zip(names, row)))
            return rows

        return self._run(ctx, sql, args, answer)

    def execute(self, ctx: CallContext, sql: str, args: Sequence[Any]) -> int:
        """The number of rows that a statement changed, never below 0. Raises what :meth:`query`
        raises."""
        changed: int = self._run(ctx, sql, args, lambda cursor: max(cursor.rowcount, 0))
        return changed

    def _run(
        self, ctx: CallContext, sql: str, args: Sequence[Any], answer: Callable[[Any], _T]
    ) -> _T:
        """A statement with its guards; what it gives is made of the cursor. A transaction that is
        open behind it is committed, or rolled back if it failed."""
        if len(sql) > self._quotas.sql_text:
            raise HostFunctionError(
                f"a statement of {len(sql):,} characters; {self._quotas.sql_text:,} are allowed"
            )
        with self._turns.taken("the database", ctx.seconds_left(), ctx.cancel):
            # late: some Pythons come without it
            import sqlite3

            self._refusal = ""
            try:
                return self._guarded(self.connection, ctx, sql, args, answer)
            except (sqlite3.Error, sqlite3.Warning, ArithmeticError, ValueError) as error:
                ctx.check()  # the statement was ended for this reason
                raise HostFunctionError(self._refusal or _told(error)) from error

    def _guarded(
        self,
        connection: sqlite3.Connection,
        ctx: CallContext,
        sql: str,
        args: Sequence[Any],
        answer: Callable[[Any], _T],
    ) -> _T:
        try:
            self._guard(connection, ctx)
            cursor = connection.cursor()
            # the host may have its own
            cursor.row_factory = None
            result = answer(cursor.execute(*bound(sql, args)))
            if connection.in_transaction and not self.holds:
                connection.commit()
            return result
        finally:
            _unguard(connection)
            if connection.in_transaction and not self.holds:
                connection.rollback()
            self._release()

    def _guard(self, connection: sqlite3.Connection, ctx: CallContext) -> None:
        """Puts guards on a connection; how to take each off is noted before."""
        self._release()
        waits = _pragma(connection, "busy_timeout")
        self._noted.append(lambda: _pragma(connection, f"busy_timeout = {waits}"))
        left = ctx.seconds_left()
        wait = min(waits, self.busy if left is None else int(left * 1000))
        _pragma(connection, f"busy_timeout = {wait}")
        most, pages = _pragma(connection, "max_page_count"), _pragma(connection, "page_count")
        size = _pragma(connection, "page_size")
        self._noted.append(lambda: self._grown(connection, most, pages, size))
        _pragma(connection, f"max_page_count = {min(most, self._pages(pages, size))}")
        for which, value in self._limits():
            self._noted.append(_lowered(connection, which, value))
        self._noted.append(lambda: _unguard(connection))
        connection.set_progress_handler(_watch(ctx), _STEPS)
        # it also has the statements prepared anew that the host has used itself
        connection.set_authorizer(self._authorize)

    def _pages(self, pages: int, size: int) -> int:
        """Pages of a size that it may have, of those that it has."""
        # an empty database needs a page for its first table
        return max(pages + self._room // size, 1)

    def _release(self) -> None:
        """Takes the guards off, also those that an interruption has left on."""
        while self._noted:
            self._noted[-1]()
            self._noted.pop()

    def _grown(self, connection: sqlite3.Connection, most: int, pages: int, size: int) -> None:
        """Lets the host have as many pages as before, and notes how many were taken."""
        _pragma(connection, f"max_page_count = {most}")
        taken = (_pragma(connection, "page_count") - pages) * size
        self._room = max(self._room - taken, 0)

    def _limits(self) -> list[tuple[int, int]]:
        """SQLite's limits by number (SQLITE_LIMIT_LENGTH is 0): values, text, columns, depth of
        expressions, compound selects, instructions, arguments of functions, patterns."""
        lengths = (self._quotas.sql_value, 4 * self._quotas.sql_text)
        return list(enumerate((*lengths, 100, 100, 50, 100_000, 50, 0, 50)))

    def _authorize(self, action: int, first: str | None, second: str | None, *rest: Any) -> int:
        """0 for what a plugin may do; it is asked while a statement is prepared."""
        why = _REFUSED.get(action)
        if action == _PRAGMA and first is not None:
            name = first.lower()
            if name not in _HARMLESS and (second is not None or name not in _READABLE):
                why = f"use PRAGMA {name}"
        elif action == _FUNCTION and second is not None and second.lower() in _FUNCTIONS_REFUSED:
            why = f"call {second}"
        elif action in (_TRANSACTION, _SAVEPOINT) and self.holds:
            why = "begin or end transactions: the call is one"
        if why is None:
            return 0
        self._refusal = f"a plugin's statement must not {why}"
        return 1

    # -- preparing a connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Gives it functions that are watched."""
        import sqlite3

        watched = dict(_QUADRATIC)
        if not hasattr(connection, "setlimit"):
            watched |= _PATTERNS
            _pragma(connection, f"hard_heap_limit = {_HEAP}")
        self._helper = sqlite3.connect(":memory:", check_same_thread=False)
        for (name, count), most in watched.items():
            compute = _computing(self._helper, name, count)
            if compute is not None:
                watch = self._watching(name, compute, most)
                connection.create_function(name, count, watch, deterministic=True)

    def _watching(self, name: str, compute: Callable[..., Any], most: int) -> Callable[..., Any]:
        """The function, refused for arguments with which it would take long."""

        def watch(*args: Any) -> Any:
            sizes = [len(arg) for arg in args if isinstance(arg, (str, bytes))]
            if len(sizes) > 1 and sizes[0] * sizes[1] > most:
                self._refusal = f"{name} of {sizes[0]:,} and {sizes[1]:,} characters takes too long"
                raise ValueError(self._refusal)
            return compute(*args)

        return watch


class Room:
    """What a query's answer may still have."""

    def __init__(self, quotas: HostQuotas, names: Sequence[str]) -> None:
        self._quotas = quotas
        #: bytes of a row without its values: every row has the names again
        self._names = sum(map(len, names)) + 8 * len(names)
        self._rows = quotas.sql_rows
        self._cells = quotas.sql_cells
        self._bytes = quotas.sql_bytes

    def take(self, row: Sequence[Any]) -> None:
        """Takes the room of a row. Raises HostFunctionError where there is none."""
        self._rows -= 1
        self._cells -= len(row)
        self._bytes -= self._names
        self._bytes -= sum(len(value) for value in row if isinstance(value, (str, bytes)))
        quotas = self._quotas
        for left, what, most in (
            (self._rows, "rows", quotas.sql_rows),
            (self._cells, "values", quotas.sql_cells),
            (self._bytes, "bytes", quotas.sql_bytes),
        ):
            if left < 0:
                raise HostFunctionError(
                    f"the answer has more than {most:,} {what}: ask for less at a time (LIMIT)"
                )


def _watch(ctx: CallContext) -> Callable[[], bool]:
    """What ``ctx.must_end`` says, asked very often."""
    meter = ctx.meter
    if meter is None:
        return bool
    clock, end = meter.clock, math.inf if meter.deadline is None else meter.deadline
    token = meter.cancel or CancelToken()
    return lambda: clock() >= end or token.cancelled


def _pragma(connection: sqlite3.Connection, text: str) -> int:
    """The number that a pragma gives; 0 for one that this SQLite does not have."""
    cursor = connection.cursor()
    # the host may have its own
    cursor.row_factory = None
    row = cursor.execute(f"PRAGMA {text}").fetchone()
    return int(row[0]) if row is not None else 0


def _unguard(connection: sqlite3.Connection) -> None:
    # None instead of a function is an error on Python 3.10
    connection.set_authorizer(_allow)
    connection.set_progress_handler(None, 0)


def _lowered(connection: sqlite3.Connection, which: int, most: int) -> Callable[[], object]:
    """Sets one of SQLite's limits where Python can (3.11), and gives what sets it back."""
    setlimit: Callable[[int, int], int] | None = getattr(connection, "setlimit", None)
    if setlimit is None:
        return bool
    before = setlimit(which, most)
    return lambda: setlimit(which, before)


def _computing(helper: sqlite3.Connection, name: str, count: int) -> Callable[..., Any] | None:
    """SQLite's own function; ``None`` where this SQLite has none of the name."""
    statement = f"SELECT {name}({', '.join('?' * count)})"

    def compute(*args: Any) -> Any:
        return helper.execute(statement, args).fetchone()[0]

    try:
        compute(*["{}" if name.startswith("json") else "!"] * count)
    except helper.OperationalError:
        return None
    return compute


def _told(error: Exception) -> str:
    """An error of sqlite3 or of its arguments."""
    return str(error) or type(error).__name__
