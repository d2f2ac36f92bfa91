"""Services for plugins from a file (``--services``), with their log on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from ..errors import ConfigError
from ..plugin.host import CallContext
from ..services.building import services_from_file
from ..services.host import Services
from .console_log import ConsoleLog
from .options import HostChoice
from .progress import Progress

__all__ = ["services_at"]


class _ConsoleServices(Services):
    """Services whose log goes to standard error."""

    def __init__(self, lines: ConsoleLog, **services: Any) -> None:
        self._lines = lines
        super().__init__(**services)

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Prints a line, and where an exception came from."""
        self._lines.show(level, message, fields)


@contextmanager
def services_at(choice: HostChoice, progress: Progress) -> Iterator[Services]:
    """The services that a file describes, for a ``with`` block. Raises UsageError for what it
    cannot mean."""
    kind = partial(_ConsoleServices, ConsoleLog(choice.log, progress))
    try:
        services = services_from_file(str(choice.services), kind=kind)
    except ConfigError as error:
        raise click.UsageError(f"--services: {error}") from error
    with services:
        yield services
