"""Plugins' logs on standard error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .output import say
from .progress import Progress

__all__ = ["ConsoleLog"]

_LEVELS = ("debug", "info", "warn", "error")


class ConsoleLog:
    """Shows lines from a level up."""

    def __init__(self, level: str, progress: Progress) -> None:
        self._level = level
        self._progress = progress

    def show(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Prints a line, and where an exception came from."""
        # plugins may write any word there
        level = level if level in _LEVELS else "info"
        if self._level in _LEVELS[: _LEVELS.index(level) + 1]:
            self._progress.erase()
            say(f"{level}: {message}", err=True)
            for line in str(fields.get("traceback", "")).splitlines():
                say(f"  {line}", err=True)
