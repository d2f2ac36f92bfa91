"""Statements with ``?`` for databases whose drivers want something else.

Contract 2.1 has question marks and a list of arguments. A question mark is a placeholder where an
operand may begin: not in strings, comments and quoted names, and in PostgreSQL not behind an
operand, where ``?``, ``?|`` and ``?&`` are operators of JSON (PostgreSQL, "JSON Functions and
Operators"). Which is which is told from the token before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..plugin.host import HostFunctionError

__all__ = ["Dialect", "Statement", "dialect_named", "parse"]


class Dialect(NamedTuple):
    """How a database writes what hides question marks."""

    #: backslashes escape in strings, and strings may have double quotes (MySQL, MariaDB)
    backslashes: bool = False
    #: ``#`` begins a comment, ``--`` only before white space (MySQL, MariaDB)
    hash_comments: bool = False
    #: comments nest, ``$tag$`` quotes, ``E''`` has backslashes, JSON has ``?`` (PostgreSQL)
    postgres: bool = False
    #: ``[name]`` is a quoted name (SQLite, SQL Server)
    brackets: bool = False


_DIALECTS = {
    "postgresql": Dialect(postgres=True),
    "cockroachdb": Dialect(postgres=True),
    "mysql": Dialect(backslashes=True, hash_comments=True),
    "mariadb": Dialect(backslashes=True, hash_comments=True),
    "sqlite": Dialect(brackets=True),
    "mssql": Dialect(brackets=True),
}


def dialect_named(name: str) -> Dialect:
    """How a database of a name writes; standard SQL for those that are not known."""
    return _DIALECTS.get(name, Dialect())


class Token(NamedTuple):
    """A part of a statement; ``kind`` is space, word, operand, operator, open, close or mark."""

    kind: str
    text: str


class Statement(NamedTuple):
    """What is known of a statement: its tokens, and the words in it, in capitals."""

    tokens: tuple[Token, ...]
    words: tuple[str, ...]

    @property
    def first(self) -> str:
        """Its first word."""
        return self.words[0] if self.words else ""

    @property
    def verb(self) -> str:
        """The word that says what it does; behind WITH and its tables that is another one."""
        if self.first != "WITH":
            return self.first
        depth = 0
        for kind, text in self.tokens:
            depth += (text == "(") - (text == ")") if kind in ("open", "close") else 0
            if not depth and kind == "word" and text.upper() in _VERBS:
                return text.upper()
        return self.first

    @property
    def is_several(self) -> bool:
        """Whether there is another statement behind a semicolon."""
        kinds = [token for token in self.tokens if token.kind != "space"]
        return any(token.text == ";" and token.kind == "open" for token in kinds[:-1])

    @property
    def marks(self) -> int:
        """How many placeholders it has."""
        return sum(token.kind == "mark" for token in self.tokens)

    def bound(self, style: str, args: Sequence[Any]) -> tuple[str, Any]:
        """The text for a driver with a paramstyle (PEP 249), and its parameters. Raises
        HostFunctionError for another number of arguments, and such as databases do not have."""
        if self.marks != len(args):
            raise HostFunctionError(
                f"the statement has {self.marks} placeholders, found {len(args)} arguments"
            )
        for number, value in enumerate(args, 1):
            if isinstance(value, (dict, list, tuple)):
                kind = "an object" if isinstance(value, dict) else "a list"
                raise HostFunctionError(f"argument {number} is {kind}: pass it as JSON text")
        write, percent = _STYLES[style]
        parts, number = [], 0
        for kind, text in self.tokens:
            number += kind == "mark"
            if kind == "mark":
                parts.append(write.format(number))
            else:
                parts.append(text.replace("%", "%%") if percent else text)
        values = {f"p{number}": value for number, value in enumerate(args, 1)}
        return "".join(parts), values if style == "named" else tuple(args)


_VERBS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "TABLE"})
#: how a placeholder is written, by paramstyle, and whether other percent signs are doubled
_STYLES = {
    "qmark": ("?", False),
    "format": ("%s", True),
    "pyformat": ("%s", True),
    "numeric": (":{}", False),
    "numeric_dollar": ("${}", False),
    "named": (":p{}", False),
}

#: words before which no operand has ended: what follows them is one, or another word
_LEADING = frozenset(
    """ALL AND ANY ARRAY AS BETWEEN BY CALL CASE DATE DEFAULT DELETE DISTINCT ELSE ESCAPE EXCEPT
    EXPLAIN FETCH FIRST FROM GLOB HAVING ILIKE IN INTERSECT INTERVAL INTO IS JOIN LIKE LIMIT MATCH
    NEXT NOT OFFSET ON ONLY OR OVERLAPS REGEXP RETURNING RLIKE SELECT SET SIMILAR SOME SYMMETRIC
    THEN TIME TIMESTAMP TO TOP UNION UPDATE USING VALUES WHEN WHERE WITH XOR DIV MOD""".split()
)

_COMMON = r"""
    (?P<space>\s+ | --[^\n]* )
    | (?P<word>[^\W\d][\w$]*)
    | (?P<operand>'(?:[^']|'')*'? | "(?:[^"]|"")*"? | `(?:[^`]|``)*`? | \d[\w.]* | \.\d[\w]* )
    | (?P<open>[(\[,;]) | (?P<close>[)\]])
    | (?P<mark>\?)
    | (?P<operator>.)
"""
_MYSQL = _COMMON.replace(r"\s+ | --[^\n]*", r"\s+ | --(?=\s|\Z)[^\n]* | \#[^\n]*").replace(
    r"""'(?:[^']|'')*'? | "(?:[^"]|"")*"?""",
    r"""'(?:[^'\\]|''|\\.)*'? | "(?:[^"\\]|""|\\.)*"?""",
)
_POSTGRES = (
    r"""(?P<quoted>[eE]'(?:[^'\\]|''|\\.)*'? | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<number>\$\d+) |"""
    + _COMMON
)
_BRACKETS = r"(?P<quoted>\[[^\]]*\]?) |" + _COMMON
_FLAGS = re.VERBOSE | re.DOTALL
_TOKENS = {
    name: re.compile(pattern, _FLAGS)
    for name, pattern in {
        "plain": _COMMON,
        "mysql": _MYSQL,
        "postgres": _POSTGRES,
        "brackets": _BRACKETS,
    }.items()
}
_OPERANDS = {"quoted", "number"}


def parse(sql: str, dialect: Dialect) -> Statement:
    """Reads a statement. Time is linear in its length."""
    tokens = tuple(_tokens(sql, dialect))
    words = tuple(token.text.upper() for token in tokens if token.kind == "word")
    return Statement(tokens, words)


def _tokens(sql: str, dialect: Dialect) -> Iterator[Token]:
    pattern = _TOKENS[_pattern_of(dialect)]
    at, ended = 0, False  # whether an operand has just ended
    while at < len(sql):
        if sql.startswith("/*", at):
            end = _comment_end(sql, at, nested=dialect.postgres)
            yield Token("space", sql[at:end])
            at = end
            continue
        match = pattern.match(sql, at)
        if match is None:  # what no pattern knows stands for itself
            raise HostFunctionError(f"the statement cannot be read at character {at}")
        kind, text = match.lastgroup or "operator", match[0]
        kind = "operand" if kind in _OPERANDS else kind
        if kind == "mark" and ended and dialect.postgres:
            kind, text = "operator", sql[at : at + 1 + (sql[at + 1 : at + 2] in ("|", "&", "?"))]
        elif kind == "mark" and sql[at - 1 : at] == "@" and dialect.postgres:
            kind = "operator"  # @?
        at += len(text)
        if kind == "operator" and text == "??":
            text = "?"  # as drivers of Java's have it escaped
        if kind != "space":
            ended = kind in ("operand", "close", "mark") or (
                kind == "word" and text.upper() not in _LEADING
            )
        yield Token(kind, text)


def _pattern_of(dialect: Dialect) -> str:
    if dialect.postgres:
        return "postgres"
    if dialect.backslashes:
        return "mysql"
    return "brackets" if dialect.brackets else "plain"


_COMMENT = re.compile(r"/\*|\*/")


def _comment_end(sql: str, at: int, *, nested: bool) -> int:
    """Where a comment ends that begins at a place; an open one ends with the statement."""
    if not nested:
        end = sql.find("*/", at + 2)
        return len(sql) if end < 0 else end + 2
    depth = 0
    for match in _COMMENT.finditer(sql, at):
        depth += 1 if match[0] == "/*" else -1
        if not depth:
            return match.end()
    return len(sql)
