"""Statements with placeholders of any kind, for a list of arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

__all__ = ["bound"]

#: strings, quoted names, comments and words, in which no placeholder stands; and placeholders
_TOKENS = re.compile(
    r"""'[^']*'? | "[^"]*"? | `[^`]*`? | \[[^\]]*\]? | --[^\n]* | /\*.*?(?:\*/|\Z) | [^\W\d][\w$]*
    | (?P<plain>\?(?!\d)) | (?P<named>\?\d+ | [:@$]\w+)""",
    re.VERBOSE | re.DOTALL,
)


def bound(sql: str, args: Sequence[Any]) -> tuple[str, Any]:
    """A statement and its arguments as sqlite3 takes them.

    Plain question marks go with a list. Where a placeholder has a number or a name sqlite3 wants a
    mapping (Python 3.12 warns, 3.14 refuses), so there each gets the number that SQLite would give
    it: a question mark, and a name where it first comes, one more than the largest so far
    (SQLite, "SQL Language Expressions", "Parameters"). Raises ValueError if then the number of
    arguments is another.
    """
    if not any(token["named"] for token in _TOKENS.finditer(sql)):
        return sql, tuple(args)
    names: dict[str, int] = {}
    largest = 0

    def numbered(token: re.Match[str]) -> str:
        nonlocal largest
        word = token["named"]
        if word is None and token["plain"] is None:
            return token[0]
        if word is None:
            number = largest + 1
        else:
            number = int(word[1:]) if word[0] == "?" else names.setdefault(word, largest + 1)
        largest = max(largest, number)
        return f"?{number}"

    statement = _TOKENS.sub(numbered, sql)
    if largest != len(args):
        raise ValueError(f"the statement takes {largest} arguments, found {len(args)}")
    return statement, {str(number): value for number, value in enumerate(args, 1)}
