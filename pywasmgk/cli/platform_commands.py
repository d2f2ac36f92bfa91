"""What the command line may say of folders of plugins; see ``commands``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .grants import policies_option
from .options import IN_MEMORY, LIMIT_NAMES, PATH, HostChoice, PluginFolder, limit_options, pairs
from .session import Session, pass_session

__all__ = ["jobs_command", "mcp_command", "plugins_command", "serve_command", "watch_command"]

if TYPE_CHECKING:
    from ..platform.policies import Policies

_LEVELS = ("debug", "info", "warn", "error")


_folder_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path)
)


def _folder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds what all commands for a folder of plugins say of it. The command gets it as
    ``folder``."""

    @functools.wraps(command)
    def carried(
        *given: Any,
        folder: Path,
        state: Path | None,
        config: dict[str, str],
        database: str,
        host: str | None,
        services: Path | None,
        http: bool,
        policies: Policies | None,
        **rest: Any,
    ) -> Any:
        choice = HostChoice(
            config, database, host, http, log="none", services=services, policies=policies
        )
        limits = {name: rest.pop(name) for name in LIMIT_NAMES if name in rest}
        return command(*given, folder=PluginFolder(folder, state, choice, limits), **rest)

    options = (
        click.option(
            "--state",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Where it is kept which plugins are switched off.  "
            "[default: .pywasmgk-state.json in DIR]",
        ),
        click.option(
            "--config",
            multiple=True,
            metavar="NAME=VALUE",
            callback=pairs,
            help="A setting that plugins may ask their host for.",
        ),
        click.option(
            "--database",
            type=click.Path(dir_okay=False),
            default=IN_MEMORY,
            metavar="FILE",
            help="An SQLite file as their database.  [default: an empty one in memory]",
        ),
        click.option(
            "--host",
            metavar="FILE.py:NAME",
            help="Their host: a HostAPI in a Python file of yours, or what makes one.",
        ),
        click.option(
            "--services",
            type=PATH,
            metavar="FILE",
            help="Services for them, from a TOML or JSON file: their database, mail and so on.",
        ),
        click.option("--http", is_flag=True, help="Let plugins fetch from the web."),
        policies_option,
        limit_options,
    )
    for option in reversed(options):
        carried = option(carried)
    return carried


_seconds_option = click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="End after this time, not at Ctrl-C.",
)


@click.command("plugins")
@_folder_argument
@_folder_options
@click.option("--enable", multiple=True, metavar="NAME", help="Switch this plugin on first.")
@click.option("--disable", multiple=True, metavar="NAME", help="Switch this plugin off first.")
@pass_session
def plugins_command(
    session: Session,
    /,
    folder: PluginFolder,
    enable: tuple[str, ...],
    disable: tuple[str, ...],
) -> None:
    """List the plugins of a folder.

    Each .wasm file in DIR and below is loaded, and its plugin listed with version, whether it is
    switched on, and its file. A file that cannot be loaded is told on standard error, and the exit
    code is 1. What is switched on and off is kept, for the other commands too.
    """
    from .folders import list_plugins

    list_plugins(session, folder, enable, disable)


@click.command("jobs")
@_folder_argument
@_folder_options
@click.option("--run", is_flag=True, help="Run them when they are due, until Ctrl-C.")
@click.option(
    "--timezone",
    metavar="NAME",
    default="UTC",
    show_default=True,
    help="The time zone of their schedules, such as Europe/Berlin.",
)
@click.option(
    "--log",
    type=click.Choice((*_LEVELS, "none")),
    default="info",
    show_default=True,
    help="With --run, the least level of the plugins' log that is shown.",
)
@_seconds_option
@pass_session
def jobs_command(
    session: Session,
    /,
    folder: PluginFolder,
    run: bool,
    timezone: str,
    log: str,
    seconds: float | None,
) -> None:
    """List the jobs of a folder's plugins, and when they are due.

    Needs the extra jobs: pip install 'pywasmgk[jobs]'. With --run a line is printed for each run,
    and each line of the log; with --json each is a line of JSON. Files that cannot be loaded are
    told on standard error; without --run the exit code is 1 then, or if a schedule cannot be
    understood.
    """
    from .folders import list_jobs, run_jobs

    if run:
        run_jobs(session, folder, timezone, log, seconds)
    else:
        list_jobs(session, folder, timezone)


@click.command("watch")
@_folder_argument
@_folder_options
@click.option("--lazy", is_flag=True, help="Load plugins at their first call only.")
@click.option(
    "--polling", is_flag=True, help="Look at the folder every second, whatever the system can tell."
)
@click.option(
    "--log",
    type=click.Choice((*_LEVELS, "none")),
    default="info",
    show_default=True,
    help="The least level of the log that is shown.",
)
@_seconds_option
@pass_session
def watch_command(
    session: Session,
    /,
    folder: PluginFolder,
    lazy: bool,
    polling: bool,
    log: str,
    seconds: float | None,
) -> None:
    """Load the plugins of a folder, load them again when their files change, and show their log.

    Plugins whose files are new are loaded, those whose files are gone are taken out of service.
    It goes on until Ctrl-C. With the extra watch the system tells of changes; without it, the
    folder is looked at every second. With --json each entry of the log and each change is a line of
    JSON.
    """
    from .folders import watch

    watch(
        session, folder,
        lazy=lazy, polling=polling, level=log, seconds=seconds,
    )  # fmt: skip


@click.command("mcp")
@click.argument("folder", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))
@_folder_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve streamable HTTP on loopback there, at /mcp; 0 takes a free port.",
)
@click.option("--list", "listed", is_flag=True, help="Only list the tools.")
@pass_session
def mcp_command(
    session: Session,
    /,
    folder: PluginFolder,
    port: int | None,
    listed: bool,
) -> None:
    """Offer plugins' tools to agents, by the Model Context Protocol.

    Each entry of mcp_tools in the manifests of DIR, or of one file, is a tool PLUGIN__TOOL. The
    client is at standard input and output, or with --port whoever asks on this machine. Needs the
    extra mcp: pip install 'pywasmgk[mcp]'.
    """
    from .folders import list_tools, serve_tools

    if listed:
        list_tools(session, folder)
    else:
        serve_tools(session, folder, port)


@click.command("serve")
@_folder_argument
@_folder_options
@click.option(
    "--bind",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where it listens; 0.0.0.0 is all of this machine's addresses.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Its port; 0 takes a free one.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="A name that it is asked for by, such as that of a proxy; others are refused.",
)
@click.option(
    "--token-file",
    type=PATH,
    metavar="FILE",
    help="The operator's token, at least 16 characters.  [default: a new one, which is printed]",
)
@click.option("--no-token", is_flag=True, help="Let in everybody on this machine.")
@click.option(
    "--grant",
    type=click.Choice(("declared", "default", "all")),
    default="declared",
    show_default=True,
    help="What plugins may do for which no --policy says it: what their manifests declare; read "
    "the database and use the cache; or all that there is.",
)
@click.option("--public", is_flag=True, help="Answer routes without middleware to everybody.")
@click.option("--no-watch", is_flag=True, help="Do not load plugins again when files change.")
@click.option("--no-jobs", is_flag=True, help="Do not run the plugins' jobs.")
@click.option(
    "--log",
    type=click.Choice((*_LEVELS, "none")),
    default="warn",
    show_default=True,
    help="The least level of the plugins' log that is shown here.",
)
@_seconds_option
@pass_session
def serve_command(session: Session, /, folder: PluginFolder, **listening: Any) -> None:
    """Serve a folder's plugins over HTTP, with a dashboard.

    The routes of their manifests are answered, and /-/ has the operator's pages: widgets, menus,
    plugins with their calls and policies, the log. The link that is printed lets a browser in;
    programs send the token as "Authorization: Bearer TOKEN". Plugins are loaded again when their
    files change, and their jobs run. It goes on until Ctrl-C. Needs the extra server:
    pip install 'pywasmgk[server]'.
    """
    from .serving import Listening, serve

    serve(session, folder, Listening(**listening))
