"""What a statement in SQL does: the tables that it reads and writes."""

from __future__ import annotations

from typing import NamedTuple

from .scopes import ascii_lower, matches

__all__ = ["Statement", "StatementRefused", "TableName"]

#: what a name without schema stands in
_DEFAULT_SCHEMAS = {"sqlite": "main", "postgres": "public", "mysql": ""}


class StatementRefused(Exception):
    """A statement that no policy lets pass, or that cannot be judged."""

    def __init__(self, message: str, *, is_schema: bool = False) -> None:
        super().__init__(message)
        #: whether it would change what tables or rights there are, as far as one can see
        self.is_schema = is_schema


class TableName(NamedTuple):
    """A table as a statement names it."""

    #: of the schema, or in MySQL the database; empty if none is said
    schema: str
    name: str
    dialect: str
    #: case counts: the name is quoted where quoting keeps it
    exact: bool = False

    @property
    def shown(self) -> str:
        """It with its schema, unless that is the one that it would be in anyway."""
        if not self.schema or self.schema == _DEFAULT_SCHEMAS[self.dialect]:
            return self.name
        return f"{self.schema}.{self.name}"

    @property
    def describes_schema(self) -> bool:
        """Whether it is of the standard's ``information_schema``."""
        return ascii_lower(self.schema) == "information_schema"

    def matches(self, entry: str) -> bool:
        """Whether an entry of a scope names it. An entry without a point is a table of the usual
        schema; ``reports.*`` is all of another one."""
        schema, point, name = entry.partition(".")
        usual = _DEFAULT_SCHEMAS[self.dialect]
        if not point:
            schema, name = usual, entry
        # each by itself: no wildcard of a name reaches over the point into another schema
        return matches(schema, self.schema or usual, case=self.exact) and matches(
            name, self.name, case=self.exact
        )


class Statement(NamedTuple):
    """What one statement does."""

    #: whether it changes what tables there are (DDL)
    is_schema: bool
    reads: frozenset[TableName]
    writes: frozenset[TableName]
    #: functions that are not known to be harmless
    functions: frozenset[str]
