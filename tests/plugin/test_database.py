"""SQL of plugins: it reaches the database and nothing else, and ends in time (contract 2.1)."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processor import least_seconds

from pywasmgk.errors import Cancelled, DeadlineExceeded
from pywasmgk.plugin import CallContext, HostFunctionError, HostQuotas, MemoryHost
from pywasmgk.wasm.runtime.metering import CancelToken, Meter

#: counts for ever
COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
#: a text of 400,000 characters
LONG = "hex(zeroblob(200000))"


@pytest.fixture(params=["own", "given"])
def host(request: pytest.FixtureRequest) -> Iterator[MemoryHost]:
    """A host with a database of its own, and one with a connection that it was given."""
    if request.param == "own":
        yield MemoryHost()
        return
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    yield MemoryHost(database=connection)
    connection.close()


def context(timeout: float | None = None) -> CallContext:
    return CallContext("x", meter=Meter(None, timeout))


def refused(host: MemoryHost, sql: str, *args: Any) -> str:
    """Why a statement is refused."""
    reasons = set()
    for method in (host.db_query, host.db_exec):
        with pytest.raises(HostFunctionError) as caught:
            method(context(), sql, args)
        reasons.add(str(caught.value))
    [reason] = reasons
    return reason


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("ATTACH DATABASE '{}/new.db' AS n", "must not attach"),
        ("ATTACH ':memory:' AS n", "must not attach"),
        ("DETACH main", "must not detach"),
        ("VACUUM INTO '{}/copy.db'", "nor VACUUM"),
        ("SELECT load_extension('{}/x')", "not call load_extension|not authorized"),
        ("SELECT fts3_tokenizer('simple')", "not call fts3_tokenizer|no such function"),
        ("CREATE VIRTUAL TABLE v USING fts5(a)", "must not make virtual tables"),
        ("CREATE TEMP TABLE t (a)", "must not make temporary tables"),
        ("CREATE TEMP VIEW v AS SELECT 1", "must not make temporary views"),
        ("PRAGMA writable_schema = 1", "must not use PRAGMA writable_schema"),
        ("PRAGMA Database_List", "must not use PRAGMA database_list"),
        ("PRAGMA main.temp_store_directory = '{}'", "must not use PRAGMA temp_store_directory"),
        ("PRAGMA max_page_count = 1000000000", "must not use PRAGMA max_page_count"),
        ("PRAGMA hard_heap_limit = 1", "must not use PRAGMA hard_heap_limit"),
        ("PRAGMA journal_mode = DELETE", "must not use PRAGMA journal_mode"),
        ("PRAGMA user_version = 5", "must not use PRAGMA user_version"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
    ],
)
def test_what_is_out_of_reach(host: MemoryHost, tmp_path: Path, sql: str, why: str) -> None:
    with pytest.raises(HostFunctionError, match=why):
        host.db_query(context(), sql.format(tmp_path), ())
    with pytest.raises(HostFunctionError, match=why):
        host.db_exec(context(), sql.format(tmp_path), ())
    assert list(tmp_path.iterdir()) == []


def test_what_a_plugin_may_do(host: MemoryHost) -> None:
    for sql in (
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE, b DEFAULT 'x')",
        "CREATE INDEX i ON t (b)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = upper(b); END",
        "ALTER TABLE t ADD COLUMN c",
        "ANALYZE",
        "REINDEX",
    ):
        assert host.db_exec(context(), sql, ()) == 0
    assert host.db_exec(context(), "INSERT INTO t (a) VALUES (?), (?)", (1, 2)) == 2
    sql = "SELECT a, b, instr(b, 'X') AS i, replace(b, 'X', 'yz') AS r FROM t ORDER BY a DESC"
    assert host.db_query(context(), sql, ()) == [
        {"a": 2, "b": "X", "i": 1, "r": "yz"},
        {"a": 1, "b": "X", "i": 1, "r": "yz"},
    ]
    rows = host.db_query(context(), "PRAGMA table_info(t)", ())
    assert [row["name"] for row in rows] == ["id", "a", "b", "c"]
    assert host.db_query(context(), "PRAGMA user_version", ()) == [{"user_version": 0}]
    assert host.db_exec(context(), "DELETE FROM t", ()) == 2
    assert host.db_exec(context(), "DROP TABLE t", ()) == 0


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("instr('abc', 'c')", 3),
        ("instr(x'010203', x'03')", 3),
        ("instr(NULL, 'c')", None),
        ("replace('a1', 1, 2.5)", "a2.5"),
        ("trim('xxaxx', 'x')", "a"),
        ("ltrim(5.0, '5')", ".0"),
        ("rtrim('é1é', 'é')", "é1"),
        ("'aBc' LIKE 'Ab_'", 1),
        ("'a%c' LIKE 'a!%c' ESCAPE '!'", 1),
        ("'abc' GLOB 'a*'", 1),
    ],
)
def test_functions_that_are_watched_give_what_they_gave(
    host: MemoryHost, call: str, value: Any
) -> None:
    assert host.db_query(context(), f"SELECT {call} AS v", ()) == [{"v": value}]


def test_the_host_itself_is_not_bound(host: MemoryHost, tmp_path: Path) -> None:
    attach = f"ATTACH DATABASE '{tmp_path}/mine.db' AS mine"
    host.connection.execute(attach)
    host.connection.execute("CREATE TABLE mine.t (a)")
    host.connection.execute("DETACH mine")
    # the same text was prepared for the host, and must not go through for a plugin
    assert "must not attach" in refused(host, attach)
    host.connection.execute(attach)
    host.connection.execute("PRAGMA user_version = 7")
    length = host.connection.execute("SELECT length(zeroblob(1000000))").fetchone()[0]
    assert length == 1_000_000


def test_no_transaction_is_left_open(host: MemoryHost) -> None:
    host.db_exec(context(), "CREATE TABLE t (a)", ())
    host.db_query(context(), "INSERT INTO t VALUES (1) RETURNING a", ())
    assert not host.connection.in_transaction
    host.db_exec(context(), "BEGIN", ())
    assert not host.connection.in_transaction
    with pytest.raises(HostFunctionError):
        host.db_exec(context(), "INSERT INTO t SELECT abs(-9223372036854775808)", ())
    assert not host.connection.in_transaction
    assert host.db_query(context(), "SELECT count(*) AS n FROM t", ()) == [{"n": 1}]


# -- bounds

ENDLESS = {
    "count": f"{COUNT} SELECT count(*) FROM c",
    "sort": f"{COUNT} SELECT x FROM (SELECT x FROM c LIMIT 10000000) ORDER BY -x LIMIT 1",
    "sort of long texts": f"{COUNT} SELECT 1 FROM (SELECT {LONG} || x AS y FROM c) ORDER BY y",
    "distinct": f"{COUNT} SELECT count(*) FROM (SELECT DISTINCT {LONG} || x FROM c)",
    "groups": f"{COUNT} SELECT max({LONG} || x) FROM c GROUP BY x",
    "like": f"{COUNT} SELECT sum({LONG} || x LIKE '%0_0_0_0_0_0_0_0_0_0_0_1') FROM c",
    "join": "WITH t(a) AS (VALUES (1), (2), (3)) SELECT count(*) FROM "
    + ", ".join(f"t t{n}" for n in range(50)),
    "text": f"{COUNT} SELECT sum(length(printf('%.*c', 400000, 'x'))) FROM c",
    "search": f"{COUNT} SELECT sum(instr({LONG} || x, substr({LONG}, 1, 2000) || '1')) FROM c",
}


@pytest.mark.parametrize("sql", ENDLESS.values(), ids=ENDLESS)
def test_a_statement_ends_with_the_call(host: MemoryHost, sql: str) -> None:

    def query() -> None:
        with pytest.raises(DeadlineExceeded):
            host.db_query(context(0.1), sql, ())

    assert least_seconds(query, enough=0.5) < 0.5
    assert host.db_query(context(), "SELECT 1 AS a", ()) == [{"a": 1}]


def test_a_statement_ends_when_it_is_cancelled(host: MemoryHost) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        host.db_query(
            CallContext("x", meter=Meter(None, None, token)), f"{COUNT} SELECT max(x) FROM c", ()
        )


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (f"{COUNT} SELECT x FROM c", "more than 10,000 rows"),
        (f"{COUNT} SELECT 1 AS a, 2 AS b, 3 AS c, 4, 5, 6 FROM c", "more than 50,000 values"),
        (f"{COUNT} SELECT {LONG} AS t FROM c", "more than 16,777,216 bytes"),
        ("SELECT " + " || ".join(["'a'"] * 50_000), "characters; 100,000 are allowed"),
        ("SELECT " + "(" * 2_000, "parser stack overflow|incomplete|near"),
        ("SELECT json_patch(?, ?)", "takes too long|no such function"),
        ("SELECT trim(?, ?)", "takes too long"),
        ("SELECT replace(?, ?, '')", "takes too long"),
    ],
)
def test_what_is_too_much(host: MemoryHost, sql: str, why: str) -> None:
    args = ("a" * 200_000,) * sql.count("?")
    with pytest.raises(HostFunctionError, match=why):
        host.db_query(context(10), sql, args)


def test_values_have_a_bound(host: MemoryHost) -> None:
    if not hasattr(sqlite3.Connection, "setlimit"):
        pytest.skip("before 3.11 Python cannot set SQLite's limits")
    for sql, args in (
        ("SELECT zeroblob(1000000)", ()),
        ("SELECT ?", ("x" * 600_000,)),
        (f"SELECT {LONG} || {LONG}", ()),
        (f"{COUNT} SELECT group_concat({LONG}) FROM (SELECT x FROM c LIMIT 3)", ()),
    ):
        with pytest.raises(HostFunctionError, match="too big"):
            host.db_query(context(10), sql, args)


def test_the_database_has_a_bound() -> None:
    host = MemoryHost(quotas=HostQuotas(database_bytes=1 << 20))
    host.connection.execute("CREATE TABLE mine AS SELECT zeroblob(3000000) AS b")
    host.db_exec(context(), "CREATE TABLE t (a)", ())
    with pytest.raises(HostFunctionError, match="database or disk is full"):
        for _ in range(100):
            host.db_exec(context(), f"INSERT INTO t VALUES ({LONG})", ())
    # the host itself goes on
    host.connection.execute("INSERT INTO mine SELECT b FROM mine")


def test_arguments_that_sql_does_not_have(host: MemoryHost) -> None:
    for wrong in ([1], {"a": 1}, 1 << 70):
        with pytest.raises(HostFunctionError):
            host.db_query(context(), "SELECT ?", (wrong,))


def test_a_locked_file_is_not_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    host = MemoryHost(database=path)
    host.db_exec(context(), "CREATE TABLE t (a)", ())
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises((HostFunctionError, DeadlineExceeded)):
        host.db_query(context(0.1), "SELECT * FROM t", ())
    assert time.monotonic() - began < 2
    other.close()
    host.close()
