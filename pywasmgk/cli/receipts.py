"""The command ``verify-receipt``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click

from ..plugin import Limits
from ..plugin.gojson import JSONError, decode, encode
from ..plugin.verifying import Difference, verify_receipt
from .hosts import host_at
from .options import Source, instance_limits
from .output import json_text, say
from .session import FAILED, Session

__all__ = ["Given", "verify"]

#: characters of a value that are shown
_MOST_SHOWN = 100


class Given(NamedTuple):
    """What the line has that a receipt may not carry."""

    #: as JSON
    arguments: str | None
    recording: Path | None
    #: FILE.py:NAME
    host: str | None
    snapshot: Path | None


def verify(
    session: Session, receipt: Path, plugin: Source, given: Given, limits: dict[str, Any]
) -> None:
    """Has the call of a receipt done again, and says what is otherwise, if anything is."""
    if given.recording is not None and given.host is not None:
        raise click.UsageError("--recording and --host exclude each other")
    session.subject = str(receipt)
    options = instance_limits(**limits)
    engine, cache_dir = (options.pop(name, None) for name in ("engine", "cache_dir"))
    found = verify_receipt(
        receipt.read_bytes(),
        plugin.data,
        arguments=None if given.arguments is None else _arguments(given.arguments),
        host=None if given.host is None else host_at(given.host),
        recording=None if given.recording is None else given.recording.read_bytes(),
        snapshot=None if given.snapshot is None else given.snapshot.read_bytes(),
        limits=Limits(**options),
        engine=engine,
        cache_dir=cache_dir,
    )
    if session.json:
        difference = {} if found is None else found._asdict()
        session.print_json({"verified": found is None, **difference})
    elif found is None:
        say(f"{receipt}: verified")
    else:
        say(f"{receipt}: {_sentence(found)}", err=True)
    if found is not None:
        raise click.exceptions.Exit(FAILED)


def _arguments(text: str) -> bytes:
    try:
        return encode(decode(text))
    except JSONError as error:
        raise click.UsageError(f"--arguments is no JSON: {error}") from error


def _sentence(found: Difference) -> str:
    known, again = (json_text(value)[:_MOST_SHOWN] for value in (found.receipt, found.found))
    return f"{found.field} is {known}, but {again} when it is done again"
