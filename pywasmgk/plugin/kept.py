"""What plugins make a host keep: its size in memory, and the account of each plugin."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .host import HostFunctionError
from .quotas import HostQuotas

__all__ = ["Ledger", "Log", "LogRecord", "weight"]

#: nesting of a value that is kept: comparing values recurses in C
_MOST_DEPTH = 64


def weight(*values: Any) -> int:
    """Bytes of memory that values of JSON take, with all that is in them. Raises HostFunctionError
    for what is nested too deep to be compared later."""
    total, level, depth = 0, list(values), 0
    while level:
        depth += 1
        if depth > _MOST_DEPTH:
            raise HostFunctionError(f"a value nested deeper than {_MOST_DEPTH} is not kept")
        total += sum(map(sys.getsizeof, level))
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, (list, tuple)):
                below += value
        level = below
    return total


class Ledger:
    """How much of a host's room each plugin has taken."""

    def __init__(
        self, quotas: HostQuotas, kept: Callable[[str], Iterable[tuple[Any, ...]]]
    ) -> None:
        self._quotas = quotas
        #: all that is kept for a plugin, an entry each
        self._kept = kept
        self._used: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def charge(self, plugin: str, entries: int, size: int) -> None:
        """Notes that a plugin has so many entries and bytes more, or less. Raises HostFunctionError
        if that is too much; nothing is noted then."""
        if not self._fits(plugin, entries, size):
            # the host itself may have taken something away
            there = [weight(*entry) for entry in self._kept(plugin)]
            self._used[plugin] = (len(there), sum(there))
            if not self._fits(plugin, entries, size):
                quotas = self._quotas
                raise HostFunctionError(
                    f"this host keeps at most {quotas.kept_entries:,} entries and "
                    f"{quotas.kept_bytes:,} bytes for a plugin"
                )
        present = self._used[plugin]
        self._used[plugin] = (present[0] + entries, present[1] + size)

    def _fits(self, plugin: str, entries: int, size: int) -> bool:
        quotas, present = self._quotas, self._used[plugin]
        if entries <= 0 and size <= 0:
            return True
        return (
            present[0] + entries <= quotas.kept_entries and present[1] + size <= quotas.kept_bytes
        )


class LogRecord(NamedTuple):
    """A line of the log."""

    level: str
    message: str
    fields: dict[str, Any]


class Log:
    """The lines of a log, of which each plugin's latest stay."""

    def __init__(self, lines: list[LogRecord], quotas: HostQuotas) -> None:
        self._lines = lines
        self._quotas = quotas
        #: lines and bytes of each plugin
        self._used: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def add(self, plugin: str, line: LogRecord) -> None:
        """Puts a line at the end."""
        self._lines.append(line)
        count, size = self._used[plugin]
        self._used[plugin] = count, size = count + 1, size + weight(*line)
        if count > self._quotas.log_lines or size > self._quotas.log_bytes:
            self._shorten(plugin)

    def _shorten(self, plugin: str) -> None:
        """Leaves nine tenths of what a plugin may have, so that this is rarely done."""
        lines, size = self._quotas.log_lines * 9 // 10, self._quotas.log_bytes * 9 // 10
        kept, used = [], 0
        for line in reversed(self._lines):
            if plugin in (line.fields.get("plugin"), line.fields.get("caller")):
                lines, size = lines - 1, size - weight(*line)
                if lines < 0 or size < 0:
                    continue
                used += 1
            kept.append(line)
        self._lines[:] = reversed(kept)
        self._used[plugin] = used, self._quotas.log_bytes * 9 // 10 - size
