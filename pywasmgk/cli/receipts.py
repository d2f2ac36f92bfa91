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
#: what a digest tells that does not fit
_ALTERED = (
    "its digest does not fit: the receipt was changed after it was made, there, or in what goes in "
    "(function, seed, clock, limits) and this follows from"
)
_UNUSED = "the receipt was changed after it was made, in what this call does not depend on"


class Given(NamedTuple):
    """What the line has that a receipt may not carry."""

    #: as JSON
    arguments: str | None
    recording: Path | None
    recording_key: bytes | None
    #: FILE.py:NAME
    host: str | None
    snapshot: Path | None
    snapshot_key: bytes | None


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
        recording_key=given.recording_key,
        snapshot=None if given.snapshot is None else given.snapshot.read_bytes(),
        snapshot_key=given.snapshot_key,
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
    parts = [f"{found.field} is {known}, but {again} when it is done again"]
    if found.about:
        parts.append(f"  {found.about}")
    if found.altered:
        parts.append(f"  {_ALTERED}" if found.field != "digest" else f"  {_UNUSED}")
    return "\n".join(parts)
