"""The judge of statements against its table of cases."""

from __future__ import annotations

import sqlite3
import sys
from types import FrameType

import pytest
from statement_cases import Case, cases

pytest.importorskip("sqlglot", reason="the extra sql is not installed")

from pywasmgk.platform import sql
from pywasmgk.platform.sql import judge
from pywasmgk.platform.statement import StatementRefused, TableName

CASES = list(dict.fromkeys(cases()))


def verdict(case: Case) -> str:
    try:
        found = judge(case.statement, case.dialect)
    except StatementRefused:
        return "no"
    words = ["ddl"] if found.is_schema else []
    for letter, names in (
        ("r", [table.shown for table in found.reads]),
        ("w", [table.shown for table in found.writes]),
        ("f", list(found.functions)),
    ):
        if names:
            words.append(f"{letter}:{','.join(sorted(names))}")
    return " ".join(words)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql"])
@pytest.mark.case("W22", "W23", "W24")
def test_every_statement_is_judged_right(dialect: str) -> None:
    judged = [case for case in CASES if case.dialect == dialect]
    wrong = {
        case.statement[:100]: (found, case.verdict)
        for case in judged
        if (found := verdict(case)) != case.verdict
    }
    assert wrong == {}


def accessed(connection: sqlite3.Connection, statement: str) -> set[str]:
    """The tables that SQLite itself says a statement reads or changes, those of the database's own
    aside."""
    found: set[str] = set()

    def authorize(action: int, first: str | None, *rest: str | None) -> int:
        if action in TABLE_ACTIONS and first and not first.startswith("sqlite_"):
            found.add(first.lower())
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
    # compiled, not carried out
    connection.execute(f"EXPLAIN {statement}")
    return found


TABLE_ACTIONS = {
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
}


def test_sqlite_itself_reads_no_table_that_was_not_judged() -> None:
    compared = 0
    for case in CASES:
        if (
            "?1" in case.statement
            or case.dialect != "sqlite"
            or case.verdict == "no"
            or "f:" in case.verdict
        ):
            continue
        connection = sqlite3.connect(":memory:")
        for table in ("ticket", "users", "a", "b", "c", "d"):
            connection.execute(f"CREATE TABLE {table} (id UNIQUE, a UNIQUE, b, c, created)")
        try:
            found = accessed(connection, case.statement)
        except sqlite3.Error:
            continue  # this SQLite does not know it
        finally:
            connection.set_authorizer(lambda *args: 0)
            connection.close()
        judged = judge(case.statement, "sqlite")
        names = {table.name for table in judged.reads | judged.writes}
        assert found <= names | {"json_each"} | COMPUTED, case.statement
        compared += 1
    assert compared > 100


#: what SQLite calls results that it computes, and new tables
COMPUTED = {"x", "y", "n", "own", "u"}


def test_there_are_enough_of_them() -> None:
    assert len({case.statement for case in CASES}) >= 300
    assert len({case.statement for case in CASES if case.verdict == "no"}) >= 100


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql"])
@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "LONGVARCHAR(" * 39 + "1" + ")" * 39,
        "SELECT a" + " -|- a" * 1500,
        "SELECT * FROM a " + "STRAIGHT_JOIN b " * 400,
        "SELECT * FROM " + "a, " * 10_000 + "a",
        "INSERT INTO t VALUES " + ", ".join(["(?, ?, ?)"] * 2_000),
        "SELECT " + "/**/" * 10_000 + "1",
        "SELECT '" + "''" * 20_000 + "'",
        "SELECT " + "'" * 40_001,
        "SELECT " + "x" * 49_000,
        "/" * 50_000,
        "SELECT * FROM t WHERE " + "a = 1 OR " * 4_000 + "b",
    ],
)
def test_hostile_statements_take_bounded_work(
    dialect: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of the parser are counted, not seconds."""
    most = []
    real = sql._parser(dialect)

    def parse(text: str) -> object:
        steps = [0]

        def trace(frame: FrameType, event: str, arg: object) -> None:
            steps[0] += frame.f_code.co_name == "_advance"

        sys.setprofile(trace)
        try:
            return real(text)
        finally:
            sys.setprofile(None)
            most.append(steps[0])

    monkeypatch.setattr(sql, "_parser", lambda dialect: parse)
    sql._judged.cache_clear()
    try:
        judge(text, dialect)
    except StatementRefused:
        pass
    assert all(steps <= 20 * len(text) + 1_000 for steps in most)


def test_a_deep_stack_is_no_answer_that_is_kept() -> None:
    """What the depth of a stack forbids is judged again where it is not so deep."""
    statement = "SELECT a FROM ticket WHERE b IN (SELECT c FROM users)"

    def deep(left: int) -> object:
        try:
            return judge(statement, "sqlite") if left == 0 else deep(left - 1)
        except RecursionError:
            return None

    sql._judged.cache_clear()
    for depth in range(500, sys.getrecursionlimit(), 20):
        try:
            deep(depth)
        except StatementRefused as error:
            assert "too deep" in str(error)
    assert {table.name for table in judge(statement, "sqlite").reads} == {"ticket", "users"}


@pytest.mark.parametrize(
    ("entry", "schema", "name", "dialect", "expected"),
    [
        ("ticket_*", "", "ticket_a", "postgres", True),
        ("ticket_*", "public", "ticket_a", "postgres", True),
        ("ticket_*", "ticket_archive", "users", "postgres", False),
        ("app_*", "app_other", "users", "mysql", False),
        ("*_log", "other", "x_log", "mysql", False),
        ("*", "other", "users", "mysql", False),
        ("reports.*", "reports", "daily", "postgres", True),
        ("reports.*", "reports2", "daily", "postgres", False),
        ("rep*.daily", "reports", "daily", "mysql", True),
        ("public.users", "", "users", "postgres", True),
        ("main.users", "", "users", "sqlite", True),
        # quoted names with a point in them
        ("reports.*", "", "reports.daily", "postgres", False),
        ("reports_*", "", "reports_a.daily", "postgres", True),
    ],
)
def test_wildcards_stay_in_their_schema(
    entry: str, schema: str, name: str, dialect: str, expected: bool
) -> None:
    assert TableName(schema, name, dialect).matches(entry) is expected


def test_dialects_that_are_not_known() -> None:
    with pytest.raises(StatementRefused, match="oracle"):
        judge("SELECT 1", "oracle")


def test_texts_of_plugins_do_not_get_into_logs(caplog: pytest.LogCaptureFixture) -> None:
    import sqlglot

    judge("SELECT a ->> '$[x\x1b' FROM ticket", "sqlite")
    assert caplog.records == []
    sqlglot.parse_one("SELECT a ->> '$[x' FROM ticket", read="sqlite")
    # others hear what they would
    assert len(caplog.records) == 1
