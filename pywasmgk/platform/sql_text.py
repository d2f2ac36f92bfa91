"""What of a statement's text a parser is shown.

Databases and parsers cut a text into strings, names and comments by rules that differ. Where they
disagree, the one judges another statement than the other runs: SQLite's comments end at the first
``*/``, PostgreSQL's nest; ``/*! */`` is code to MySQL, ``--1`` is arithmetic there. Here a text is
cut by its database's own rules; comments become a blank, placeholders a question mark, and what is
read in more than one way is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .statement import StatementRefused

__all__ = ["LONGEST", "plain", "require_no_lookalikes"]

#: characters of a statement
LONGEST = 50_000
#: parentheses and brackets within each other, and words that nest without any
_MOST_NESTED, _MOST_WORDS = 40, 200

_QUOTED = r"'(?:[^']|'')*'"
_NAME = r'"(?:[^"]|"")*"'
_TICKED = r"`(?:[^`]|``)*`"
_COMMENT = r"/\*(?:(?!/\*|\*/).)*\*/"
# a line ends a comment; what a carriage return alone does, databases do not agree on
_LINE = r"--[^\n\r]*"
_WORD = r"[^\W\d]\w*(?!\$)"
_NUMBER = r"(?:0[xX][0-9a-fA-F]+|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?!\w)"
_SIGN = r"[ \t\n!%&()+,.:;<=>?@\[\]^|~]|\*(?!/)|/(?!\*)|-(?!-)|\r\n"

#: by dialect; the first that fits is taken
_GRAMMARS = {
    "sqlite": (
        rf"(?P<quoted>{_QUOTED}|{_NAME}|{_TICKED}|\[[^\]\[]*\])",
        rf"(?P<comment>{_COMMENT}|{_LINE})",
        r"(?P<place>\?\d+|[:@$]\w+)",
    ),
    "postgres": (
        rf"(?P<quoted>{_QUOTED}|{_NAME})",
        rf"(?P<comment>{_COMMENT}|{_LINE})",
        r"(?P<place>\$\d+|\?\d+|(?<![:\w]):[A-Za-z_]\w*(?!:))|(?P<operator>\#)",
    ),
    "mysql": (
        # both where a backslash escapes a quote and where it does not
        rf"(?P<quoted>{_QUOTED}|{_NAME}|{_TICKED})",
        rf"(?P<comment>(?!/\*M?!|/\*\+){_COMMENT}|{_LINE[:2]}(?=[ \t\n]|\Z){_LINE[2:]}|\#[^\n\r]*)",
        r"(?P<place>\?\d+|(?<![:\w]):[A-Za-z_]\w*)",
    ),
}
_TOKENS = {
    dialect: re.compile(
        "|".join((*parts, rf"(?P<word>{_WORD})", rf"(?P<number>{_NUMBER})", rf"(?P<sign>{_SIGN})")),
        re.DOTALL,
    )
    for dialect, parts in _GRAMMARS.items()
}
#: in MySQL, where a backslash escapes
_ESCAPED = {
    "'": re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\]|\\.|"")*"', re.DOTALL),
}
#: prefixes of PostgreSQL's strings with rules of their own: escapes, and Unicode by number
_PREFIXED = re.compile(r"(?i)\b(?:e|u&)\Z")
#: words that nest without a parenthesis, or have a parser go back
_NESTING = re.compile(
    r"(?i)(?:not|case|select|join|between|like|ilike|escape|union|intersect|except|explain|interval"
    r"|with|values|exists|any|all|some|cast|over|distinct|array|row|is|in|from)\Z"
)
#: what some dialects call it, which sqlglot has no word for
_ALTERNATIVES = (
    (re.compile(r"(?i)\A\s*REPLACE(\s+INTO\b)"), r"INSERT\1"),
    (re.compile(r"(?i)\A(\s*UPDATE)\s+OR\s+(?:ABORT|FAIL|IGNORE|REPLACE|ROLLBACK)\b"), r"\1"),
    (re.compile(r"(?i)\A(\s*(?:UPDATE|DELETE))\s+(?:LOW_PRIORITY|QUICK|IGNORE)\b"), r"\1"),
)


def plain(sql: str, dialect: str) -> str:
    """The statement without comments, fit for a parser. Raises StatementRefused for what is too
    long, nested too deep, or read in more than one way."""
    if len(sql) > LONGEST:
        raise StatementRefused(f"a statement of {len(sql):,} characters; {LONGEST:,} are judged")
    text = "".join(_parts(sql, dialect))
    for pattern, better in _ALTERNATIVES:
        text = pattern.sub(better, text, count=1)
    return text


def _parts(sql: str, dialect: str) -> Iterator[str]:
    depth = words = signs = at = 0
    scan, before = _TOKENS[dialect].match, ""
    while at < len(sql):
        token = scan(sql, at)
        kind = "" if token is None else token.lastgroup
        if token is None or kind is None:
            raise StatementRefused(f"{_shown(sql, at)} is read in more than one way")
        text = token[0]
        if kind == "quoted":
            _require_plain_quotes(sql, at, text, before, dialect)
        elif kind == "sign":
            depth += (text in "([{") - (text in ")]}")
        elif kind == "word":
            words += _NESTING.match(text) is not None
            require_no_lookalikes(text)
        # prefixes can stand in rows: "- - - 1"
        signs = signs + (text in "+-~!@") if text in "+-~!@" or text.isspace() else 0
        if depth > _MOST_NESTED or words > _MOST_WORDS or signs > _MOST_NESTED:
            raise StatementRefused("it is nested too deep")
        before, at = text, token.end()
        yield " " if kind == "comment" else "?" if kind == "place" else text


def _require_plain_quotes(sql: str, at: int, text: str, before: str, dialect: str) -> None:
    """Raises StatementRefused for a string or name that ends elsewhere under another setting."""
    if "\0" in text:
        raise StatementRefused("a string with a NUL")
    if dialect == "postgres" and _PREFIXED.search(sql[max(at - 3, 0) : at]):
        raise StatementRefused("strings with escapes: use a placeholder")
    if dialect == "mysql" and text[0] in _ESCAPED:
        other = _ESCAPED[text[0]].match(sql, at)
        if other is None or other.end() != at + len(text):
            raise StatementRefused("a backslash before a quote: use a placeholder")


def require_no_lookalikes(name: str) -> None:
    """Raises StatementRefused for letters that become ASCII where case is changed, as the Kelvin
    sign does: not all databases change it."""
    if not name.isascii() and any(
        not c.isascii() and (c.lower().isascii() or c.upper().isascii()) for c in name
    ):
        raise StatementRefused("a name with letters that others are taken for")


def _shown(sql: str, at: int) -> str:
    return f"{sql[at : at + 20]!r} at character {at}"
