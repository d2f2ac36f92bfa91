"""What a :class:`MemoryHost` keeps and does for its plugins, at most."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

__all__ = ["HostQuotas"]


@dataclass(frozen=True)
class HostQuotas:
    """Bounds on what a plugin makes its MemoryHost keep and do. ``HostQuotas(kept_bytes=1 << 20)``
    changes one of the defaults.

    Raises TypeError and ValueError for bounds that make no sense.
    """

    #: values in the cache, secrets, custom fields, bin entries, events and mails, per plugin
    kept_entries: int = 100_000
    #: bytes of memory that all those take together, per plugin
    kept_bytes: int = 64 << 20
    #: lines of the log that are kept per plugin; the oldest go
    log_lines: int = 10_000
    #: bytes of memory that those lines take, per plugin
    log_bytes: int = 16 << 20
    #: bytes by which the database may grow, all plugins together
    database_bytes: int = 64 << 20
    #: characters of a statement in SQL
    sql_text: int = 100_000
    #: bytes of one value or row in SQL
    sql_value: int = 512 << 10
    #: rows of a query's answer
    sql_rows: int = 10_000
    #: values of a query's answer
    sql_cells: int = 50_000
    #: bytes of a query's answer
    sql_bytes: int = 16 << 20

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{field.name} must be an integer, found {value!r}")
            if value < 0:
                raise ValueError(f"{field.name} must not be negative, found {value}")
