"""What the command line may say of plugins; see ``commands``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .grants import Grants, grant_options
from .options import (
    IN_MEMORY,
    NEW_FILE,
    PATH,
    SOURCE,
    HostChoice,
    Source,
    coredump_option,
    features_option,
    key_option,
    limit_options,
    pairs,
    stats_option,
)
from .session import Session, pass_session

__all__ = ["call_command", "examples_command", "register_command", "verify_receipt_command"]

#: the least level of a plugin's log that is shown
_LEVELS = ("debug", "info", "warn", "error", "none")


@click.command("call")
@click.argument("plugin", type=SOURCE)
@click.argument("function")
@click.argument("arguments", metavar="[JSON]", required=False)
@limit_options
@features_option("2.0")
@click.option(
    "--config",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="A setting that the plugin may ask its host for.",
)
@click.option(
    "--database",
    type=click.Path(dir_okay=False),
    default=IN_MEMORY,
    metavar="FILE",
    help="An SQLite file as the plugin's database.  [default: an empty one in memory]",
)
@click.option(
    "--host",
    metavar="FILE.py:NAME",
    help="The plugin's host: a HostAPI in a Python file of yours, or what makes one.",
)
@click.option(
    "--services",
    type=PATH,
    metavar="FILE",
    help="Services for the plugin, from a TOML or JSON file: its database, mail, files and so on.",
)
@click.option("--http", is_flag=True, help="Let the plugin fetch from the web.")
@grant_options
@click.option("--org", type=int, default=0, metavar="ID", help="The organisation it is called for.")
@click.option("--user", type=int, default=0, metavar="ID", help="The user it is called for.")
@click.option("--language", default="en", show_default=True, help="The language of that user.")
@click.option(
    "--log",
    type=click.Choice(_LEVELS),
    default="warn",
    show_default=True,
    help="The least level of the plugin's log that is shown.",
)
@click.option(
    "--receipt", type=NEW_FILE, metavar="FILE", help="Write a receipt there, for verify-receipt."
)
@stats_option
@coredump_option
@pass_session
def call_command(
    session: Session,
    /,
    plugin: Source,
    function: str,
    arguments: str | None,
    config: dict[str, str],
    database: str,
    host: str | None,
    services: Path | None,
    http: bool,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    ask: bool,
    policy: Path | None,
    org: int,
    user: int,
    language: str,
    log: str,
    receipt: Path | None,
    stats: bool,
    coredump: Path | None,
    **limits: Any,
) -> None:
    """Call a plugin's function.

    PLUGIN is a file or the name of an embedded example. JSON is the argument; "-" reads it from
    standard input, and without it the plugin gets none. The result is printed as JSON, "null"
    where there is none. The plugin's host keeps cache, settings and so on in memory, unless --host
    names another one, or --services a file with real ones (pywasmgk docs services). With --allow,
    --deny, --ask or --policy it may do on it what is granted, and nothing else (pywasmgk docs
    policy).
    """
    from .plugins import call

    grants = Grants(allow, deny, ask, policy)
    choice = HostChoice(
        config, database, host, http, org, user, language, log, services=services, grants=grants
    )
    call(session, plugin, function, arguments, choice, stats, coredump, receipt, limits)


@click.command("register")
@click.argument("plugin", type=SOURCE)
@limit_options
@features_option("2.0")
@click.option("--strict", is_flag=True, help="Refuse odd manifests, and keys that none has.")
@pass_session
def register_command(session: Session, /, plugin: Source, strict: bool, **limits: Any) -> None:
    """Show a plugin's manifest: what it says of itself when it is loaded.

    With --json it is the manifest itself, empty fields left out.
    """
    from .plugins import register

    register(session, plugin, strict, limits)


@click.command("examples")
@click.option(
    "--copy",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Put their sources and the headers for plugins in C there.",
)
@pass_session
def examples_command(session: Session, /, copy: Path | None) -> None:
    """List the embedded example plugins, which every command takes by name.

    With --copy, nothing is copied if any of the files is there already.
    """
    from .plugins import list_examples

    list_examples(session, copy)


@click.command("verify-receipt")
@click.argument("receipt", type=PATH)
@click.argument("plugin", type=SOURCE)
@click.option(
    "--arguments", metavar="JSON", help="The call's arguments, if the receipt does not carry them."
)
@click.option(
    "--recording", type=PATH, metavar="FILE", help="The host's answers, from a recording."
)
@click.option(
    "--host",
    metavar="FILE.py:NAME",
    help="What answers host calls: a HostAPI in a Python file of yours, or what makes one.",
)
@key_option("--recording-key", "that recording")
@click.option("--snapshot", type=PATH, metavar="FILE", help="What the plugin began with.")
@key_option("--snapshot-key", "that snapshot")
@limit_options
@pass_session
def verify_receipt_command(
    session: Session,
    /,
    receipt: Path,
    plugin: Source,
    arguments: str | None,
    recording: Path | None,
    recording_key: bytes | None,
    host: str | None,
    snapshot: Path | None,
    snapshot_key: bytes | None,
    **limits: Any,
) -> None:
    """Have the call of a receipt done again, and compare.

    RECEIPT is what call --receipt or LastCall.receipt has written, PLUGIN the plugin that it is of.
    The first field that is otherwise is named, and the exit code is 1 then. Host calls get the
    answers that the receipt carries, unless --recording or --host give them. Limits are what doing
    it again may take.
    """
    from .receipts import Given, verify

    given = Given(arguments, recording, recording_key, host, snapshot, snapshot_key)
    verify(session, receipt, plugin, given, limits)
