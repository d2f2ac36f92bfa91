"""Question marks of statements: which are placeholders, and what drivers get."""

from __future__ import annotations

import pytest

from pywasmgk.plugin import HostFunctionError
from pywasmgk.services.placeholders import dialect_named, parse


def bound(sql: str, dialect: str = "postgresql", style: str = "format") -> str:
    statement = parse(sql, dialect_named(dialect))
    text, values = statement.bound(style, list(range(statement.marks)))
    assert len(values) == statement.marks
    return text


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT ?", "SELECT %s"),
        ("SELECT ?, '?' , \"?\"", "SELECT %s, '?' , \"?\""),
        ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', %s"),
        ("SELECT ? -- ?\n, ?", "SELECT %s -- ?\n, %s"),
        ("SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ %s"),
        ("SELECT $$ ? $$, $a$ ? $$ ? $a$, ?", "SELECT $$ ? $$, $a$ ? $$ ? $a$, %s"),
        (r"SELECT E'\' ?', ?", r"SELECT E'\' ?', %s"),
        (r"SELECT '\', ?", r"SELECT '\', %s"),
        ("SELECT a LIKE '%x' AND b % ? = 0", "SELECT a LIKE '%%x' AND b %% %s = 0"),
        # operators of JSON
        ("SELECT data ? 'key'", "SELECT data ? 'key'"),
        ("SELECT data ? ?", "SELECT data ? %s"),
        ("SELECT data -> 'a' ?| ARRAY[?]", "SELECT data -> 'a' ?| ARRAY[%s]"),
        ("SELECT (data) ?& ?", "SELECT (data) ?& %s"),
        ("SELECT data @? ?", "SELECT data @? %s"),
        ("SELECT data ?? 'key'", "SELECT data ? 'key'"),
        ("SELECT x['a'] ? ?", "SELECT x['a'] ? %s"),
        ("SELECT ?::jsonb ? ?", "SELECT %s::jsonb ? %s"),
        # placeholders that look like them
        ("SELECT ?||'x'", "SELECT %s||'x'"),
        ("WHERE a = ?AND b IN (?,?)", "WHERE a = %sAND b IN (%s,%s)"),
        ("LIMIT ? OFFSET ?", "LIMIT %s OFFSET %s"),
        ("WHERE a BETWEEN ? AND ? OR NOT ?", "WHERE a BETWEEN %s AND %s OR NOT %s"),
        ("CASE WHEN ? THEN ? ELSE ? END", "CASE WHEN %s THEN %s ELSE %s END"),
        ("VALUES (?), (?)", "VALUES (%s), (%s)"),
        # open ends
        ("SELECT '?", "SELECT '?"),
        ("SELECT /* ?", "SELECT /* ?"),
        ("SELECT $x$ ?", "SELECT $x$ ?"),
    ],
)
def test_postgresql(sql: str, wanted: str) -> None:
    assert bound(sql) == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (r"SELECT 'it\'s ?', ?", r"SELECT 'it\'s ?', %s"),
        (r'SELECT "say \"?\"", ?', r'SELECT "say \"?\"", %s'),
        ("SELECT `?`, ? # ?\n, ?", "SELECT `?`, %s # ?\n, %s"),
        ("SELECT 5--?", "SELECT 5--%s"),
        ("SELECT 5 -- ?\n", "SELECT 5 -- ?\n"),
        ("SELECT /* ? /* */ ?", "SELECT /* ? /* */ %s"),
        ("SELECT a ?", "SELECT a %s"),
    ],
)
def test_mariadb(sql: str, wanted: str) -> None:
    assert bound(sql, "mariadb") == wanted


def test_other_styles() -> None:
    sql = "SELECT ? + ?, '%'"
    assert bound(sql, "mssql", "qmark") == sql
    assert bound(sql, "oracle", "numeric") == "SELECT :1 + :2, '%'"
    assert bound(sql, "oracle", "numeric_dollar") == "SELECT $1 + $2, '%'"
    named = parse(sql, dialect_named("oracle")).bound("named", [5, "x"])
    assert named == ("SELECT :p1 + :p2, '%'", {"p1": 5, "p2": "x"})
    assert bound("SELECT [?], ?", "mssql", "qmark") == "SELECT [?], ?"
    assert parse("SELECT [?], ?", dialect_named("mssql")).marks == 1


@pytest.mark.parametrize(
    ("sql", "verb"),
    [
        ("select 1", "SELECT"),
        ("-- x\n/* y */ Update t SET a = 1", "UPDATE"),
        ("WITH a AS (INSERT INTO t VALUES (1)) SELECT 1", "SELECT"),
        ("WITH a AS (SELECT 1), b AS (SELECT 2) DELETE FROM t", "DELETE"),
        ("WITH a AS (SELECT 'UPDATE') SELECT * FROM t FOR UPDATE", "SELECT"),
        ("", ""),
    ],
)
def test_what_a_statement_does(sql: str, verb: str) -> None:
    assert parse(sql, dialect_named("postgresql")).verb == verb


@pytest.mark.parametrize(
    ("sql", "several"),
    [("SELECT 1; -- x\n ", False), ("SELECT 1; SELECT 2", True), ("SELECT ';', 1", False)],
)
def test_one_statement_or_several(sql: str, several: bool) -> None:
    assert parse(sql, dialect_named("postgresql")).is_several == several


def test_arguments_are_counted() -> None:
    statement = parse("SELECT ?", dialect_named("mariadb"))
    with pytest.raises(HostFunctionError, match="has 1 placeholders, found 0 arguments"):
        statement.bound("format", [])
    with pytest.raises(HostFunctionError, match="argument 1 is a list: pass it as JSON text"):
        statement.bound("format", [[1]])


def test_every_character_stays() -> None:
    """A statement without placeholders is its tokens, put together again."""
    sql = "\x00 a\"b''c`d[e]$1 $f$ --g\n/*h*/ 1.5e3 'ü' \U0001f410 \\ ;"
    for name in ("postgresql", "mariadb", "sqlite", "oracle"):
        statement = parse(sql, dialect_named(name))
        assert "".join(token.text for token in statement.tokens) == sql
