"""Whether a plugin may run a statement: its tables against the grants (contract 4.3,
weaknesses W22 to W25)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..services.databases import split_name
from .policy import Permission
from .refusals import Refused, quoted
from .scopes import matches, shown
from .sql import judge
from .statement import Statement, StatementRefused, TableName

if TYPE_CHECKING:
    from .rules import Asked

__all__ = ["judge_sql", "missing_tables"]


class _Query(NamedTuple):
    #: its database; empty is the usual one
    database: str
    sql: str


def judge_sql(asked: Asked) -> None:
    """Looks at the statement of a call. Raises Refused."""
    # as the service reads it that has them
    database, sql = split_name(asked.args[0])
    query = _Query(database or "", sql)
    can_write = bool(asked.policy.granted("db", "write"))
    statement = _statement(asked, query, can_write)
    # long enough for the call's deadline to be looked at
    asked.context.check()
    if statement.is_schema and not can_write:
        raise Refused(f"{asked.who}: DDL statements not permitted", "statement")
    _require_database(asked, query.database, statement)
    _require_tables(asked, query.database, "write", sorted(statement.writes))
    _require_tables(asked, query.database, "read", sorted(statement.reads))
    for name in sorted(statement.functions):
        scopes = _of(asked.policy.granted("db", "function"), query.database)
        if not any(not scope or any(matches(entry, name) for entry in scope) for scope in scopes):
            message = f"{asked.who}: function {quoted(name)} is not known to be harmless"
            wanted = (_entry(query.database, name),)
            raise Refused(message, "statement", Permission("db", "function", wanted))


def _statement(asked: Asked, query: _Query, can_write: bool) -> Statement:
    try:
        return judge(query.sql, _dialect(asked, query.database))
    except StatementRefused as error:
        if error.is_schema and not can_write:
            message = f"{asked.who}: DDL statements not permitted"
        else:
            message = f"{asked.who}: statement refused: {error}"
        raise Refused(message, "statement") from None


def _dialect(asked: Asked, database: str) -> str:
    """What the host says that a database speaks."""
    return asked.sandbox.sql_dialect(database)


def _require_database(asked: Asked, database: str, statement: Statement) -> None:
    """Another database needs an entry of its own, ``@name:table`` or ``@name``, also where no table
    is named (weakness W25)."""
    if database and not any(True for _ in _of(asked.scopes, database)):
        message = f"{asked.who}: access to database {quoted('@' + database)} not permitted"
        tables = sorted(statement.reads | statement.writes)
        wanted = tuple(_entry(database, table.shown) for table in tables) or (f"@{database}",)
        access = "write" if asked.function == "db_exec" else "read"
        raise Refused(message, "scope", Permission("db", access, wanted))


def _require_tables(asked: Asked, database: str, access: str, tables: Iterable[TableName]) -> None:
    scopes = asked.policy.granted("db", access)
    own = list(_of(scopes, database))
    for table in tables:
        if access == "read" and table.describes_schema and own:
            continue
        if not any(not scope or any(table.matches(entry) for entry in scope) for scope in own):
            what = f"{'write ' * (access == 'write')}access to table {quoted(table.shown)}"
            message = f"{asked.who}: {what} not permitted"
            # versions differ: 0.9 tells of no write what would be allowed
            message += f" (allowed: {shown(scopes)})" if access == "read" else ""
            wanted = Permission("db", access, (_entry(database, table.shown),))
            raise Refused(message, "scope", wanted)


def _of(scopes: Iterable[Sequence[str]], database: str) -> Iterator[Sequence[str]]:
    """What of the scopes is about a database: names of tables, or nothing for all of them."""
    for scope in scopes:
        if not database and not scope:
            yield ()
        entries = [_split_entry(entry) for entry in scope]
        names = [name for wanted, name in entries if _is(wanted, database)]
        if "" in names:
            yield ()
        elif names:
            yield names


def _is(wanted: str, database: str) -> bool:
    # names of databases are the host's, where case counts
    return matches(wanted, database, case=True) if wanted and database else wanted == database


def _split_entry(entry: str) -> tuple[str, str]:
    """Database and table of an entry: ``@reports:daily``, ``@reports`` for all of it, or
    ``ticket``."""
    if not entry.startswith("@"):
        return "", entry
    database, _, table = entry[1:].partition(":")
    return database, "" if table == "*" else table


def _entry(database: str, name: str) -> str:
    return f"@{database}:{name}" if database else name


def missing_tables(asked: Asked) -> Permission:
    """The permission that a statement asks for: of its tables, if it has any."""
    access = "write" if asked.function == "db_exec" else "read"
    # as the service reads it that has them
    database, sql = split_name(asked.args[0])
    query = _Query(database or "", sql)
    try:
        statement = judge(query.sql, _dialect(asked, query.database))
    except StatementRefused:
        return Permission("db", access)
    tables = statement.writes if access == "write" else statement.reads
    return Permission(
        "db", access, tuple(_entry(query.database, table.shown) for table in sorted(tables))
    )
