"""Placeholders of every kind go with a list of arguments, on every Python and as SQLite counts."""

from __future__ import annotations

import sqlite3
import warnings

import pytest

import pywasmgk
from pywasmgk.plugin.sql import bound

#: statements, arguments, and the row that they give
STATEMENTS = [
    ("SELECT ?, ?", [1, 2], (1, 2)),
    ("SELECT ?2, ?1", [1, 2], (2, 1)),
    ("SELECT ?1, ?1", [1], (1, 1)),
    # a question mark is one more than the largest so far
    ("SELECT ?, ?1, ?, ?2", [1, 2], (1, 1, 2, 2)),
    ("SELECT ?3, ?, ?1, ?2", [1, 2, 3, 4], (3, 4, 1, 2)),
    # a name is so too where it first comes
    ("SELECT :a, @b, $c, :a, ?", [1, 2, 3, 4], (1, 2, 3, 1, 4)),
    ("SELECT $1, $2, $1", ["x", "y"], ("x", "y", "x")),
    ("SELECT '?1', \"?2\", ?1 -- ?3\n, /* ?4 :x */ ?2", [1, 2], ("?1", "?2", 1, 2)),
    ("SELECT 'it''s ?2', ?1", [1], ("it's ?2", 1)),
    ("SELECT [?9], `?8`, a$b, ?1 FROM (SELECT 7 AS [?9], 8 AS `?8`, 9 AS a$b)", [1], (7, 8, 9, 1)),
    ("SELECT ?1 -- :end", [None], (None,)),
    ("SELECT ?1 /* :end", [5], (5,)),
]


@pytest.mark.parametrize(("sql", "args", "row"), STATEMENTS)
def test_a_list_is_bound_as_sqlite_counts(sql: str, args: list[object], row: object) -> None:
    connection = sqlite3.connect(":memory:")
    with warnings.catch_warnings():
        # what warns from Python 3.12 on is refused from 3.14 on
        warnings.simplefilter("error")
        assert connection.execute(*bound(sql, args)).fetchone() == row
    connection.close()


def test_plain_statements_stay_as_they_are() -> None:
    assert bound("SELECT ?, ':a ?1' -- @b", ["x"]) == ("SELECT ?, ':a ?1' -- @b", ("x",))


def test_groups_are_recognized_by_number() -> None:
    host = pywasmgk.MemoryHost()
    host.connection.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (4)")
    context = pywasmgk.CallContext()
    sql = "SELECT x % ?1 AS rest, count(*) AS n FROM t GROUP BY x % ?1 HAVING n >= ? ORDER BY 1"
    assert host.db_query(context, sql, [2, 1]) == [{"rest": 0, "n": 2}, {"rest": 1, "n": 1}]
    assert host.db_exec(context, "UPDATE t SET x = ?2 WHERE x = ?1", [4, 5]) == 1
    host.close()


@pytest.mark.parametrize(
    ("sql", "args", "takes"),
    [
        ("SELECT ?1", [], 1),
        ("SELECT ?2", [1], 2),
        ("SELECT :a", [1, 2], 1),
        ("SELECT ?3", [1] * 4, 3),
    ],
)
def test_the_number_of_arguments_must_be_right(sql: str, args: list[object], takes: int) -> None:
    with pytest.raises(ValueError, match=f"takes {takes} arguments, found {len(args)}"):
        bound(sql, args)


@pytest.mark.parametrize("piece", ["'", '"', "`", "[", "/*", "--", "?", "'a", "x$", "/"])
def test_long_statements_take_no_time(piece: str) -> None:
    # a scan that begins anew at every piece would take hours
    bound(piece * 300_000 + " ?1", [1] * (300_000 if piece == "?" else 1))
