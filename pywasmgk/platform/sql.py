"""Judges statements by a real parser, sqlglot (extra ``sql``): what one reads and writes.

Whatever is not understood is refused: statements of other kinds than those below, syntax that the
parser passes on unread, functions that are not known to be harmless, settings and variables of the
session. The parser sees a text that is cut by the database's own rules (:mod:`.sql_text`), in
bounded time: every step that it goes is counted.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from .scopes import ascii_lower
from .sql_functions import HARMLESS
from .sql_text import plain, require_no_lookalikes
from .statement import Statement, StatementRefused, TableName

__all__ = ["DIALECTS", "judge"]

#: what databases are called, and their dialect in sqlglot
DIALECTS = {
    "sqlite": "sqlite",
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
}
#: steps that the parser may go for each token, and more for short statements: it takes one or two
_STEPS_A_TOKEN, _STEPS = 10, 500
#: characters of a name, behind which PostgreSQL cuts it off
_LONGEST_NAME = 63

#: statements that read and write rows
_QUERIES = ("Select", "Union", "Intersect", "Except", "SetOperation", "Subquery", "Values", "Paren")
_CHANGES = ("Insert", "Update", "Delete", "Merge")
#: queries, whose rows cannot be changed: what they read is found where it stands
_ROWS = ("Select", "Union", "Intersect", "Except", "SetOperation", "Values")
#: statements that change tables, and of what kind these may be
_SCHEMA = ("Create", "Drop", "Alter", "TruncateTable")
_KINDS = {"TABLE", "INDEX", "VIEW"}
_ALTERATIONS = (
    *("ColumnDef", "Drop", "RenameColumn", "AlterRename", "AlterColumn", "AddConstraint"),
)
_PROPERTIES = (
    *("LikeProperty", "CharacterSetProperty", "CollateProperty", "SchemaCommentProperty"),
    *("AutoIncrementProperty", "WithoutRowidProperty", "StrictProperty"),
)
_ENGINES = {"innodb", "myisam", "aria", "memory"}
#: words that statements may begin with; WITH and parentheses come before queries and changes
_BEGINNINGS = {
    *("SELECT", "VALUES", "TABLE", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"),
    *("CREATE", "DROP", "ALTER", "TRUNCATE"),
}
_SCHEMA_WORDS = {"CREATE", "DROP", "ALTER", "TRUNCATE", "GRANT", "REVOKE", "RENAME", "COMMENT"}
_FIRST = re.compile(r"[\s(]*([A-Za-z]+)")
#: nodes that are refused wherever they are
_REFUSED = {
    "Command": "is not understood",
    "Into": "makes a table or file of a query",
    "SessionParameter": "reads a setting of the server",
    "Pragma": "has a PRAGMA",
    "Copy": "copies files",
    "LoadData": "loads a file",
    "Attach": "attaches a database",
    "Detach": "detaches a database",
    "Set": "changes settings",
    "Use": "changes the database",
    "Kill": "ends sessions",
    "Hint": "has hints",
    "Heredoc": "has a string between dollars",
    "UserDefinedFunction": "makes a function",
    "Directory": "writes files",
}
#: tables of the database itself that hold passwords or are no tables
_NEVER_READ = ("pg_authid", "pg_shadow", "pg_user_mapping", "pg_user_mappings", "pg_largeobject")
_SYSTEM_SCHEMAS = {
    *("pg_catalog", "information_schema", "mysql", "performance_schema", "sys", "pg_toast"),
}


def judge(sql: str, dialect: str) -> Statement:
    """What a statement does. Raises StatementRefused for what cannot be judged or is never
    permitted, and where sqlglot is not installed."""
    known = DIALECTS.get(dialect)
    if known is None:
        raise StatementRefused(f"statements of {dialect!r:.40} cannot be judged")
    # what is missing is not kept as the answer to a statement, nor what the depth of a stack says
    _parser(known)
    try:
        answer = _judged(sql, known)
    except RecursionError:
        raise StatementRefused("it is nested too deep to be judged here") from None
    if isinstance(answer, StatementRefused):
        raise StatementRefused(str(answer), is_schema=answer.is_schema)
    return answer


@lru_cache(maxsize=512)
def _judged(sql: str, dialect: str) -> Statement | StatementRefused:
    """A plugin sends the same few statements again and again."""
    is_schema = False
    try:
        text = plain(sql, dialect)
        first = _FIRST.match(text)
        word = "" if first is None else first[1].upper()
        is_schema = word in _SCHEMA_WORDS
        if word not in _BEGINNINGS:
            raise StatementRefused(f"no statement of a plugin begins with {word or 'that'}")
        return _Judge(dialect).statement(_parsed(text, dialect))
    except StatementRefused as error:
        return StatementRefused(str(error), is_schema=is_schema)


def _parsed(text: str, dialect: str) -> Any:
    """The one statement in a text."""
    from sqlglot.errors import SqlglotError

    token = _judging.set(True)
    try:
        roots = [root for root in _parser(dialect)(text) if root is not None]
    except SqlglotError as error:
        first = str(error).split("\n")[0]
        raise StatementRefused(f"it cannot be judged: {first:.120}") from None
    except (StatementRefused, RecursionError, MemoryError):
        raise
    except Exception as error:
        # the parser's own faults, of which a plugin must not make use
        raise StatementRefused(f"the parser fails on it: {type(error).__name__}") from None
    finally:
        _judging.reset(token)
    roots = [root for root in roots if type(root).__name__ != "Semicolon"]
    if len(roots) != 1:
        raise StatementRefused("it is no statement" if not roots else "it is several statements")
    return roots[0]


@lru_cache(maxsize=len(DIALECTS))
def _parser(dialect: str) -> Any:
    """Parses a text: a parser that takes all functions by their names, goes a bounded number of
    steps, and passes nothing on unread."""
    try:
        from sqlglot import Dialect
    except ImportError:
        raise StatementRefused(
            "statements are judged by sqlglot, which is not installed: pip install pywasmgk[sql]"
        ) from None
    rules = Dialect.get_or_raise(dialect)
    logger = logging.getLogger("sqlglot")
    if _unless_judging not in logger.filters:
        logger.addFilter(_unless_judging)

    class Parser(rules.parser_class):  # type: ignore[misc, name-defined]
        # a class for a name would hide the name
        FUNCTIONS: dict[str, Any] = {}
        steps = 0

        def _advance(self, *args: Any) -> None:
            self.steps -= 1
            if self.steps < 0:
                raise StatementRefused("it takes the parser too long")
            super()._advance(*args)

        def _parse_as_command(self, *args: Any) -> Any:
            raise StatementRefused("it is not understood")

    def parse(text: str) -> Any:
        tokens = rules.tokenize(text)
        parser = Parser(dialect=rules)
        parser.steps = _STEPS + _STEPS_A_TOKEN * len(tokens)
        return parser.parse(tokens, text)

    return parse


#: whether this thread judges a statement
_judging: ContextVar[bool] = ContextVar("pywasmgk_judging", default=False)


def _unless_judging(record: logging.LogRecord) -> bool:
    """Lets no warning of sqlglot's pass that has a plugin's own text in it."""
    return not _judging.get()


class _Judge:
    """Goes through a statement, and notes what it does."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.reads: set[TableName] = set()
        self.writes: set[TableName] = set()
        self.functions: set[str] = set()

    def statement(self, root: Any) -> Statement:
        """What a parsed statement does."""
        kind = type(root).__name__
        if kind not in (*_QUERIES, *_CHANGES, *_SCHEMA):
            raise StatementRefused(f"it {_REFUSED.get(kind, f'is of another kind ({kind})')}")
        targets: set[int] = set()
        for node in root.walk():
            self._look(node, node is root, targets)
        for node in root.find_all(_expressions().Table):
            if id(node) not in targets and not self._is_defined(node):
                self._note(self.reads, node)
        if kind == "Create" and _kind(root) == "VIEW" and self.dialect != "sqlite":
            # who changes such a view changes the tables behind it
            self.writes |= self.reads
        return Statement(
            kind in _SCHEMA,
            frozenset(self.reads),
            frozenset(self.writes),
            frozenset(self.functions),
        )

    def _look(self, node: Any, is_root: bool, targets: set[int]) -> None:
        kind = type(node).__name__
        if kind in _REFUSED or (kind == "Parameter" and self.dialect == "mysql"):
            raise StatementRefused(f"it {_REFUSED.get(kind, 'has a variable of the session')}")
        if kind == "Anonymous":
            self._function(node)
        elif node.args.get("cascade") or node.args.get("option") == "CASCADE":
            raise StatementRefused("CASCADE reaches tables that it does not name")
        elif kind == "In" and node.args.get("field") is not None:
            raise StatementRefused("IN a table by its name: write IN (SELECT ...)")
        elif kind in _CHANGES:
            # of MySQL's: names, or aliases, of tables that stand behind FROM
            targets.update(id(table) for table in node.args.get("tables") or ())
            for table in self._changed(node):
                self._target(table, targets)
            if node.args.get("returning") is not None:
                for table in self._changed(node):
                    self._note(self.reads, table)
        elif kind in _SCHEMA and (is_root or kind != "Drop"):
            if _drops_index(node):
                # names of indexes, which the parser takes for tables
                targets.update(id(name) for name in node.args.get("tables") or ())
                targets.add(id(node.args.get("this")))
            for table in _altered(node):
                self._target(table, targets)

    def _target(self, table: Any, targets: set[int]) -> None:
        targets.add(id(table))
        self._note(self.writes, table)

    def _changed(self, node: Any) -> Iterator[Any]:
        """The tables that a statement changes the rows of. MySQL's may change all that it joins."""
        target = node.args.get("this")
        using = node.args.get("using")
        if type(node).__name__ == "Delete" and self.dialect == "mysql" and using:
            # the target is then one of these, maybe by its alias
            for table in using:
                yield from _joined(table)
            return
        if type(target).__name__ == "Schema":
            target = target.this
        if type(target).__name__ != "Table":
            raise StatementRefused("what it changes is no table")
        yield from _joined(target)

    # -- names

    def _note(self, where: set[TableName], table: Any) -> None:
        """Takes note of a table, if the node is one and no function."""
        named = table.this
        if type(named).__name__ != "Identifier":
            if table.args.get("rows_from") or type(named).__name__ in _SOURCES:
                return
            raise StatementRefused("a table without a name")
        schema = table.args.get("db")
        if table.args.get("catalog") is not None:
            raise StatementRefused("a table of another database by three names")
        name = self._table_name("" if schema is None else self._folded(schema), named)
        self._require_ordinary(name, where is self.writes)
        where.add(name)

    def _table_name(self, schema: str, named: Any) -> TableName:
        exact = self.dialect == "postgres" and bool(named.args.get("quoted"))
        return TableName(schema, self._folded(named), self.dialect, exact)

    def _folded(self, identifier: Any) -> str:
        """A name as the database takes it."""
        text = str(identifier.this)
        if len(text.encode("utf-8", "replace")) > _LONGEST_NAME or not text:
            raise StatementRefused("a name that is empty, or longer than databases keep")
        require_no_lookalikes(text)
        if self.dialect == "postgres" and identifier.args.get("quoted"):
            return text
        return ascii_lower(text)

    def _require_ordinary(self, table: TableName, written: bool) -> None:
        name, schema = ascii_lower(table.name), ascii_lower(table.schema)
        if self.dialect == "sqlite" and name.startswith("pragma_"):
            raise StatementRefused("it has a PRAGMA")
        if name in _NEVER_READ or schema == "mysql":
            raise StatementRefused(f"the table {name:.80} holds the database's own secrets")
        system = schema in _SYSTEM_SCHEMAS or name.startswith(("sqlite_", "pg_"))
        if written and system:
            raise StatementRefused(f"the table {name:.80} is the database's own")

    def _function(self, node: Any) -> None:
        name = node.this if isinstance(node.this, str) else node.this.this
        parent = node.parent
        schema = ""
        if type(parent).__name__ == "Dot" and parent.expression is node:
            schema = ascii_lower(str(getattr(parent.this, "this", ""))) or "?"
        quoted = not isinstance(node.this, str)
        exact = quoted and self.dialect == "postgres" and name != ascii_lower(name)
        name = name if exact else ascii_lower(name)
        if schema not in ("", "pg_catalog") or name not in HARMLESS[self.dialect]:
            self.functions.add(f"{schema}.{name}" if schema else name)

    def _is_defined(self, table: Any) -> bool:
        """Whether a name is surely that of a common table expression: of one that stands before it
        in its WITH, or anywhere in a recursive one."""
        named = table.this
        if table.args.get("db") is not None or type(named).__name__ != "Identifier":
            return False
        name, node = self._folded(named), table
        while node.parent is not None:
            child, node = node, node.parent
            clause = node if type(node).__name__ == "With" else node.args.get("with_")
            if clause is None or clause is child:
                continue
            for entry in clause.expressions:
                if entry is child and not clause.args.get("recursive"):
                    break
                alias = entry.args.get("alias")
                if alias is not None and self._folded(alias.this) == name:
                    return True
        return False


#: what stands in the place of a table and is none: its parts are looked at themselves
_SOURCES = {"Anonymous", "XMLTable", "JSONTable", "Unnest", "Subquery", "Values", "Tuple"}


def _expressions() -> Any:
    from sqlglot import exp

    return exp


def _joined(table: Any) -> Iterator[Any]:
    """A table, and those that are joined to it, also in parentheses."""
    kind = type(table).__name__
    if kind == "Table":
        yield table
    elif kind != "Subquery":
        raise StatementRefused("what it changes is no table")
    elif type(table.this).__name__ not in _ROWS:
        yield from _joined(table.this)
    for join in table.args.get("joins") or ():
        yield from _joined(join.this)


def _kind(node: Any) -> str:
    """What a statement makes, changes or drops."""
    return str(node.args.get("kind") or "TABLE").upper()


def _altered(node: Any) -> Iterator[Any]:
    """The tables that a statement makes, changes or drops."""
    kind = _kind(node)
    if kind not in _KINDS:
        raise StatementRefused(f"it is about a {kind:.40}, which plugins must not change")
    for properties in node.find_all(_expressions().Properties):
        for entry in properties.expressions:
            _require_property(entry)
    for entry in node.args.get("options") or ():
        _require_property(entry)
    for action in node.args.get("actions") or ():
        if type(action).__name__ not in _ALTERATIONS:
            raise StatementRefused("it alters a table in a way that is not known")
        if type(action).__name__ == "AlterRename":
            yield action.this
    targets = [node.args.get("this"), *(node.args.get("tables") or ())]
    if _drops_index(node):
        targets = [_table_of_index(node)]
    elif type(node).__name__ == "TruncateTable":
        targets = node.expressions
    for target in targets:
        if target is not None:
            yield _table_of(target)


def _drops_index(node: Any) -> bool:
    return type(node).__name__ == "Drop" and _kind(node) == "INDEX"


def _table_of_index(node: Any) -> Any:
    """The table that an index is dropped of, which MySQL's statements name."""
    # where sqlglot puts ON
    named = node.args.get("cluster")
    if type(named).__name__ != "OnProperty":
        raise StatementRefused("it drops an index, and does not name the table")
    return named.this


def _table_of(target: Any) -> Any:
    kind = type(target).__name__
    if kind == "Schema":
        return _table_of(target.this)
    if kind == "Index":
        return _table_of(target.args.get("table"))
    if kind != "Table":
        raise StatementRefused("what it changes is no table")
    return target


def _require_property(entry: Any) -> None:
    kind = type(entry).__name__
    if kind == "EngineProperty" and ascii_lower(str(entry.this.this)) in _ENGINES:
        return
    if kind not in _PROPERTIES:
        raise StatementRefused(f"tables with {kind} reach out of the database, or may")
