"""SQL of plugins on SQLite, PostgreSQL and MariaDB: the same behaviour on all."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import servers

from pywasmgk.errors import CallError, Cancelled, ConfigError, DeadlineExceeded
from pywasmgk.plugin import HostFunctionError, HostQuotas
from pywasmgk.plugin.gojson import encode
from pywasmgk.plugin.host_functions import rows
from pywasmgk.services import Databases, SQLiteDatabase, SQLServer
from pywasmgk.services.databases import PooledDatabase, split_name
from pywasmgk.wasm.runtime.metering import CancelToken

from .conftest import context

Make = Callable[..., PooledDatabase]
#: a SELECT of very many rows, and one that takes long
COUNT = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
MANY = {
    "sqlite": f"{COUNT} SELECT x FROM c",
    "postgresql": "SELECT n, repeat('x', 100) AS t FROM generate_series(1, 200000) AS n",
    "mariadb": "SELECT seq, repeat('x', 100) AS t FROM seq_1_to_9000000",
}
SLOW = {
    "sqlite": f"{COUNT} SELECT max(x) FROM c",
    "postgresql": "SELECT pg_sleep(60)",
    "mariadb": "SELECT sum(a.seq * b.seq) FROM seq_1_to_9000000 a, seq_1_to_9000000 b",
}


def make_table(database: PooledDatabase) -> None:
    database.execute(context(), "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(200))", [])


def names(database: PooledDatabase) -> list[str]:
    found = database.query(context(), "SELECT name FROM item ORDER BY id", [])
    return [row["name"] for row in found]


def insert(database: PooledDatabase, number: int, name: str = "x") -> int:
    return database.execute(context(), "INSERT INTO item VALUES (?, ?)", [number, name])


# -- statements


def test_statements_are_carried_out(database: PooledDatabase) -> None:
    make_table(database)
    assert insert(database, 1, "100% sure? 'yes'") == 1
    assert insert(database, 2, "\\") == 1
    sql = "SELECT id, name, '50%?' AS fixed FROM item WHERE id >= ? ORDER BY id -- ? and %\n"
    for _ in range(12):  # drivers prepare what comes often
        found = database.query(context(), sql, [1])
    assert found == [
        {"id": 1, "name": "100% sure? 'yes'", "fixed": "50%?"},
        {"id": 2, "name": "\\", "fixed": "50%?"},
    ]
    assert database.execute(context(), "UPDATE item SET name = ?", ["y"]) == 2
    assert database.execute(context(), "DELETE FROM item WHERE id = ?", [9]) == 0
    assert database.query(context(), "SELECT * FROM item WHERE id = 9", []) == []
    assert database.execute(context(), "SELECT * FROM item", []) == 0
    assert database.query(context(), "UPDATE item SET name = 'z'", []) == []
    assert names(database) == ["z", "z"]
    assert database.query(context(), "SELECT ? AS a", [None]) == [{"a": None}]


def test_rows_of_changes(kind: str, database: PooledDatabase) -> None:
    make_table(database)
    sql = "INSERT INTO item VALUES (?, ?) RETURNING id"
    assert database.query(context(), sql, [5, "x"]) == [{"id": 5}]
    assert database.execute(context(), sql, [6, "x"]) == (0 if kind == "sqlite" else 1)
    assert names(database) == ["x", "x"]


@pytest.mark.parametrize(
    ("sql", "args", "why"),
    [
        ("SELECT * FROM nowhere", (), "nowhere"),
        ("SELEC 1", (), "SELEC"),
        ("SELECT ?", (), "argument|binding|placeholders"),
        ("SELECT 1", (1,), "argument|binding|placeholders"),
        ("SELECT ?", ({"a": 1},), "object|type"),
        ("SELECT 1; SELECT 2", (), "one statement"),
        ("SELECT 1; DROP TABLE item", (), "one statement"),
        ("x" * 200_000, (), "100,000 are allowed"),
    ],
)
def test_what_is_refused(
    database: PooledDatabase, sql: str, args: tuple[Any, ...], why: str
) -> None:
    for method in (database.query, database.execute):
        with pytest.raises(HostFunctionError, match=f"(?i){why}"):
            method(context(), sql, args)
    # and the connection goes on
    assert database.query(context(), "SELECT 1 AS one", []) == [{"one": 1}]


@pytest.mark.parametrize(
    "sql",
    [
        "SET statement_timeout = 0",
        "set session max_statement_time = 0",
        "BEGIN",
        "COMMIT",
        "/* ? */ ROLLBACK",
        "COPY item TO '/tmp/x'",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE item",
        "SELECT * FROM item INTO OUTFILE '/tmp/x'",
        "SELECT pg_read_file('/etc/passwd')",
        "LOCK TABLE item",
        "LISTEN x",
    ],
)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_what_would_change_a_connection_or_reach_files(database: PooledDatabase, sql: str) -> None:
    with pytest.raises(HostFunctionError, match="must not use"):
        database.execute(context(), sql, [])


@pytest.mark.parametrize("kind", ["mariadb"])
def test_comments_that_are_executed(database: PooledDatabase) -> None:
    with pytest.raises(HostFunctionError, match="executable comments"):
        database.query(context(), "/*!50000 SET max_statement_time = 0 */", [])


@pytest.mark.parametrize("kind", ["postgresql"])
def test_a_connection_is_as_new_for_the_next_plugin(make_database: Make) -> None:
    database = make_database(pool=1)
    make_table(database)
    database.query(context("a"), "SELECT set_config('search_path', 'nowhere', false)", [])
    assert database.query(context("b"), "SELECT * FROM item", []) == []


@pytest.mark.parametrize("kind", ["mariadb"])
def test_variables_are_not_there_for_the_next_plugin(make_database: Make) -> None:
    database = make_database(pool=1)
    database.query(context("a"), "SELECT @secret := 5", [])
    assert database.query(context("b"), "SELECT @secret AS s", []) == [{"s": None}]


# -- values


def test_values_are_those_of_the_contract(kind: str, database: PooledDatabase) -> None:
    """Text for what JSON does not have, times as RFC 3339 (contract 2.1)."""
    if kind == "sqlite":
        pytest.skip("SQLite has no such types")
    uuid = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    kinds = "NUMERIC(9, 2)", "DATE", "TIMESTAMP", "UUID", "FLOAT", "BOOLEAN", "BIGINT"
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(kinds))
    database.execute(context(), f"CREATE TABLE sample ({columns})", [])
    values = ["12.50", "2026-02-03", "2026-02-03 04:05:06", uuid, 0.5, True, 2**62]
    database.execute(context(), "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    [row] = rows(database.query(context(), "SELECT * FROM sample", []))
    assert encode(row, str).decode() == (
        f'{{"c0":"12.50","c1":"2026-02-03","c2":"2026-02-03T04:05:06Z","c3":"{uuid}",'
        f'"c4":0.5,"c5":{"true" if kind == "postgresql" else "1"},"c6":{2**62}}}'
    )


def test_bytes_are_text_or_base64(kind: str, make_database: Make) -> None:
    binary = {"sqlite": "x'ff41'", "postgresql": "'\\xff41'::bytea", "mariadb": "x'ff41'"}[kind]
    text = {"sqlite": "x'41'", "postgresql": "'\\x41'::bytea", "mariadb": "x'41'"}[kind]
    sql = f"SELECT {binary} AS a, {text} AS b"
    plain = make_database().query(context(), sql, [])
    assert plain == [{"a": b"\xff\x41", "b": b"A"}]
    assert rows([{"b": plain[0]["b"]}]) == [{"b": "A"}]
    coded = make_database(binary="base64").query(context(), sql, [])
    assert coded == [{"a": "/0E=", "b": "QQ=="}]


@pytest.mark.parametrize("kind", ["postgresql"])
def test_operators_of_json_are_no_placeholders(database: PooledDatabase) -> None:
    sql = "SELECT '{\"a\": [1]}'::jsonb ? ? AS a, '{\"b\": 1}'::jsonb ?| ARRAY[?, 'c'] AS b"
    assert database.query(context(), sql, ["a", "b"]) == [{"a": True, "b": True}]


# -- bounds


def test_answers_have_bounds(kind: str, make_database: Make) -> None:
    database = make_database(quotas=HostQuotas(sql_rows=100), pool=1)
    for method in (database.query, database.execute):
        if (kind, method) == ("sqlite", database.execute):
            continue  # it reads no rows
        with pytest.raises(HostFunctionError, match="more than 100 rows"):
            method(context(timeout=30), MANY[kind], [])
    database = make_database(quotas=HostQuotas(sql_bytes=2_000), pool=1)
    with pytest.raises(HostFunctionError, match="more than 2,000 bytes"):
        database.query(context(timeout=30), MANY[kind], [])
    assert database.query(context(), "SELECT 1 AS one", []) == [{"one": 1}]


def test_a_statement_ends_with_the_call(kind: str, database: PooledDatabase) -> None:
    with pytest.raises(DeadlineExceeded):
        database.query(context(timeout=0.3), SLOW[kind], [])
    assert database.query(context(timeout=60), "SELECT 1 AS one", []) == [{"one": 1}]


def test_or_after_its_own_time(kind: str, make_database: Make) -> None:
    if kind == "sqlite":
        pytest.skip("calls without a deadline have none there")
    database = make_database(timeout=0.2)
    with pytest.raises(HostFunctionError, match="took too long"):
        database.query(context(), SLOW[kind], [])


def test_a_connection_is_waited_for_as_long_as_the_call_may(make_database: Make) -> None:
    database = make_database(pool=1, patience=0.05)
    held = database.lend(context())
    with pytest.raises(HostFunctionError, match="all 1 connections of the database were in use"):
        database.query(context(), "SELECT 1", [])
    with pytest.raises(DeadlineExceeded):
        database.query(context(timeout=0.01), "SELECT 1", [])
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        database.query(context(cancel=token), "SELECT 1", [])
    held.give_back()
    assert database.query(context(), "SELECT 1 AS one", []) == [{"one": 1}]


def test_many_threads(make_database: Make) -> None:
    database = make_database(pool=3)
    make_table(database)

    def work(first: int) -> None:
        for number in range(20):
            insert(database, first * 100 + number)
            names(database)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 160


# -- transactions


def test_a_transaction_is_kept_whole_or_not_at_all(make_database: Make) -> None:
    database, other = make_database(pool=1), make_database(pool=1)
    make_table(database)
    with database.transaction(context()):
        insert(database, 1)
        assert names(other) == []
        insert(database, 2)
        assert names(database) == ["x", "x"]
    assert names(other) == ["x", "x"]
    with pytest.raises(ZeroDivisionError), database.transaction(context()):
        database.execute(context(), "DELETE FROM item", [])
        _ = 1 / 0
    assert names(other) == names(database) == ["x", "x"]


def test_a_statement_that_fails_undoes_itself_alone(database: PooledDatabase) -> None:
    make_table(database)
    with database.transaction(context()):
        insert(database, 1)
        with pytest.raises(HostFunctionError, match=r"(?i)unique|duplicate"):
            insert(database, 1)
        insert(database, 2)
    assert names(database) == ["x", "x"]


def test_transactions_within_transactions(database: PooledDatabase) -> None:
    make_table(database)
    with database.transaction(context("a")):
        insert(database, 1, "a")
        with pytest.raises(ZeroDivisionError), database.transaction(context("b")):
            insert(database, 2, "b")
            with database.transaction(context("c")):
                insert(database, 3, "c")
            _ = 1 / 0
        with database.transaction(context("d")):
            insert(database, 4, "d")
        with database.transaction(context("e")):
            pass
    assert names(database) == ["a", "d"]


def test_what_comes_after_a_lost_transaction_is_refused(tmp_path: Path) -> None:
    """SQLite's OR ROLLBACK undoes more than its statement."""
    with contextlib.closing(SQLiteDatabase(tmp_path / "x.db")) as database:
        database.execute(context(), "CREATE TABLE t (a UNIQUE)", [])
        lost = "rolled back by the database"
        with pytest.raises(CallError, match="not comm"), database.transaction(context("a")):
            database.execute(context("a"), "INSERT INTO t VALUES (1)", [])
            with pytest.raises(CallError, match="not comm"), database.transaction(context("b")):
                with pytest.raises(HostFunctionError, match="UNIQUE"):
                    database.execute(context("b"), "INSERT OR ROLLBACK INTO t VALUES (1)", [])
                with pytest.raises(HostFunctionError, match=lost):
                    database.query(context("b"), "SELECT 1", [])
            with pytest.raises(HostFunctionError, match=lost):
                database.execute(context("a"), "INSERT INTO t VALUES (7)", [])
        assert database.query(context(), "SELECT * FROM t", []) == []
        # and the connection is as good as before
        with database.transaction(context()):
            database.execute(context(), "INSERT INTO t VALUES (2)", [])
        assert database.query(context(), "SELECT * FROM t", []) == [{"a": 2}]


def test_the_victim_of_a_deadlock_loses_all(mariadb: servers.MariaDB) -> None:
    barrier, ends = threading.Barrier(2), dict[int, str]()
    with contextlib.closing(SQLServer(mariadb.url)) as database:
        database.execute(context(), "CREATE TABLE t (id INT PRIMARY KEY, v INT)", [])
        database.execute(context(), "INSERT INTO t VALUES (1, 0), (2, 0)", [])

        def work(me: int, other: int) -> None:
            try:
                with database.transaction(context()):
                    database.execute(context(), f"UPDATE t SET v = {me} WHERE id = {me}", [])
                    barrier.wait(60)
                    with contextlib.suppress(HostFunctionError):
                        database.execute(context(), f"UPDATE t SET v = {me} WHERE id = {other}", [])
                    database.execute(context(), f"INSERT INTO t VALUES (2{me}, {me})", [])
                ends[me] = "committed"
            except HostFunctionError as error:
                ends[me] = str(error)

        threads = [threading.Thread(target=work, args=pair) for pair in ((1, 2), (2, 1))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rows = {row["id"]: row["v"] for row in database.query(context(), "SELECT * FROM t", [])}
        database.execute(context(), "DROP TABLE t", [])
    (winner,) = [me for me, end in ends.items() if end == "committed"]
    assert "rolled back by the database" in ends[3 - winner]
    assert rows == {1: winner, 2: winner, 20 + winner: winner}


def test_a_plugin_ends_no_transaction(database: PooledDatabase) -> None:
    make_table(database)
    with pytest.raises(ZeroDivisionError), database.transaction(context()):
        insert(database, 1)
        for sql in ("COMMIT", "SAVEPOINT x", "ROLLBACK"):
            with pytest.raises(HostFunctionError, match="must not"):
                database.execute(context(), sql, [])
        _ = 1 / 0
    assert names(database) == []


def test_a_transaction_whose_time_is_over(kind: str, database: PooledDatabase) -> None:
    make_table(database)
    with pytest.raises(DeadlineExceeded), database.transaction(context()):
        insert(database, 1)
        database.query(context(timeout=0.2), SLOW[kind], [])
    assert names(database) == []


# -- servers that go away


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_dies_and_comes_back(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    found = {"postgresql": servers.PostgreSQL, "mariadb": servers.MariaDB}[kind]
    pytest.importorskip("sqlalchemy")
    try:
        server = found()
    except servers.NotThere as error:
        pytest.skip(str(error))
    with server, contextlib.closing(SQLServer(server.url, connect_timeout=1)) as database:
        make_table(database)
        with pytest.raises(CallError, match="not committed") as caught:
            with database.transaction(context()):
                insert(database, 1)
                server.crash()
        assert caught.value.__cause__ is not None
        caplog.clear()
        with caplog.at_level(logging.INFO), pytest.raises(HostFunctionError) as refused:
            names(database)
        assert str(refused.value) == "the database cannot be reached"
        assert "Traceback" in caplog.text
        assert "secret" not in caplog.text
        server.start()
        assert names(database) == []
        assert insert(database, 2) == 1


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_server_that_is_frozen_ends_with_the_call(kind: str) -> None:
    found = {"postgresql": servers.PostgreSQL, "mariadb": servers.MariaDB}[kind]
    pytest.importorskip("sqlalchemy")
    try:
        server = found()
    except servers.NotThere as error:
        pytest.skip(str(error))
    with server, contextlib.closing(SQLServer(server.url, timeout=600)) as database:
        make_table(database)
        held = database.lend(context())
        try:
            server.freeze()
        except servers.NotThere as error:
            pytest.skip(str(error))
        with pytest.raises(DeadlineExceeded):
            held.query(context(timeout=0.2), "SELECT * FROM item", [])
        held.give_back()
        server.thaw()
        assert names(database) == []


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_statement_ends_when_the_call_is_cancelled(kind: str, database: PooledDatabase) -> None:
    token = CancelToken()
    timer = threading.Timer(0.2, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        database.query(context(cancel=token), SLOW[kind], [])
    timer.join()
    assert database.query(context(), "SELECT 1 AS one", []) == [{"one": 1}]


# -- names, settings


def test_databases_have_names(tmp_path: Path) -> None:
    main, reports = SQLiteDatabase(), SQLiteDatabase(tmp_path / "reports.db", transactions=True)
    both = Databases(main, {"reports": reports})
    both.execute(context(), "CREATE TABLE a (x)", [])
    with pytest.raises(ZeroDivisionError), both.calling(context()):
        both.execute(context(), " @reports: CREATE TABLE b (x)", [])
        assert both.query(context(), "@reports:SELECT count(*) AS n FROM b", []) == [{"n": 0}]
        _ = 1 / 0
    with pytest.raises(HostFunctionError, match="no such table"):
        both.query(context(), "@reports: SELECT * FROM b", [])
    with pytest.raises(HostFunctionError, match="no database named 'nowhere'"):
        both.query(context(), "@nowhere: SELECT 1", [])
    with pytest.raises(HostFunctionError, match="no database"):
        Databases(None, {"reports": reports}).query(context(), "SELECT 1", [])
    assert split_name("@a-b:  SELECT @x:y") == ("a-b", "SELECT @x:y")
    assert split_name("SELECT '@a: '") == (None, "SELECT '@a: '")
    with pytest.raises(ConfigError, match="cannot be named '1 x'"):
        Databases(main, {"1 x": reports})
    both.close()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"pool": 0}, "pool must be 1 or more, found 0"),
        ({"patience": -1}, "patience must be seconds above 0"),
        ({"binary": "hex"}, "binary must be one of"),
        ({"transactions": "yes"}, "transactions must be true or false"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        SQLiteDatabase(**options)


def test_files_that_are_no_databases(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database, and long enough to be seen to be none" * 20)
    with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
        SQLiteDatabase(tmp_path / "text")
    with pytest.raises(ConfigError, match="the folder of the database is not there"):
        SQLiteDatabase(tmp_path / "nowhere" / "x.db")
    with pytest.raises(ConfigError, match="busy must be seconds"):
        SQLiteDatabase(busy=-1)
    with pytest.raises(ConfigError, match="max_bytes must be above 0"):
        SQLiteDatabase(max_bytes=0)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "the database's URL cannot be used"),
        ("nosuchdialect://user:secret@host/x", "the database's URL cannot be used"),
        ("sqlite:///x.db", "for SQLite give the path"),
        ("oracle+oracledb://user:secret@host/x", "driver is not installed"),
    ],
)
def test_urls_that_cannot_be_used(url: str, why: str) -> None:
    pytest.importorskip("sqlalchemy")
    with pytest.raises(ConfigError, match=why) as caught:
        SQLServer(url)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    database = SQLServer("postgresql+psycopg://user:secret@127.0.0.1:1/x")
    assert database.url == "postgresql+psycopg://user:***@127.0.0.1:1/x"
    with pytest.raises(HostFunctionError) as caught:
        database.query(context(), "SELECT 1", [])
    assert str(caught.value) == "the database cannot be reached"


def test_a_file_may_have_so_many_bytes(tmp_path: Path) -> None:
    with contextlib.closing(SQLiteDatabase(tmp_path / "x.db", max_bytes=200_000)) as database:
        database.execute(context(), "CREATE TABLE t (x)", [])
        with pytest.raises(HostFunctionError, match="full"):
            for _ in range(20):
                database.execute(context(), "INSERT INTO t VALUES (zeroblob(20000))", [])
        assert database.query(context(), "SELECT count(*) AS n FROM t", [])[0]["n"] < 10
    with contextlib.closing(SQLiteDatabase(tmp_path / "x.db", max_bytes=200_000)) as database:
        with pytest.raises(HostFunctionError, match="full"):
            database.execute(context(), "INSERT INTO t VALUES (zeroblob(200000))", [])
