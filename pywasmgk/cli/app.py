"""The command ``pywasmgk``: finds commands, and what all of them have in common."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from .._version import __version__
from ..errors import near_miss
from .session import Failure, Session

__all__ = ["main"]

#: what commands are for, by name
COMMANDS = {
    "call": "Call a plugin's function with JSON.",
    "register": "Show a plugin's manifest.",
    "examples": "List the embedded example plugins.",
    "run": "Run any module: its program, or one export.",
    "debug": "Step through a call, forwards and back.",
    "profile": "Show where a call's instructions went.",
    "coverage": "Show what of a module a call executes, or several do.",
    "trace": "Print a call's instructions, with what they take and give.",
    "validate": "Check modules, or say what is wrong and where.",
    "inspect": "Show sections, imports, exports and features.",
    "plugins": "List the plugins of a folder, or switch them on and off.",
    "jobs": "List the jobs of a folder's plugins, or run them.",
    "watch": "Follow a folder of plugins, and show their log.",
    "mcp": "Offer plugins' tools to agents.",
    "serve": "Serve plugins over HTTP, with a dashboard.",
    "verify-receipt": "Have the call of a receipt done again, and compare.",
    "stub": "Write a Python host with all imports and exports.",
    "disasm": "Show a module as text, or the Python that functions become.",
    "spec": "Run scripts of the official test suite.",
    "new": "Begin a plugin in one of seven languages.",
    "pack": "Make a package of a plugin's folder.",
    "unpack": "Check a package and make a folder of it.",
    "keygen": "Make a pair of keys for signing.",
    "sign": "Sign files.",
    "verify": "Verify the signatures beside files.",
    "search": "List packages of a folder.",
    "install": "Install plugins from a folder of packages.",
    "update": "Replace installed plugins by newer versions.",
    "grade": "Grade submissions by a test specification.",
    "playground": "Serve a page to run and step through modules.",
    "doctor": "Say what works on this machine, and what the rest needs.",
    "docs": "Show the documentation.",
}
#: what may stand anywhere on the line, before ``--``
FLAGS = ("--json", "--debug")


class Application(click.Group):
    """Loads commands late, suggests near misses, and turns exceptions into messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, plugins first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        from . import commands, package_commands, platform_commands, plugin_commands

        name = f"{cmd_name.replace('-', '_')}_command"
        homes = (plugin_commands, platform_commands, package_commands, commands)
        command: click.Command = next(getattr(home, name) for home in homes if hasattr(home, name))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands and options that begin so, without importing any command."""
        commands = [
            CompletionItem(name, help=purpose)
            for name, purpose in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists them without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that a line names."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{near_miss(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the flags from wherever they stand."""
        end = args.index("--") if "--" in args else len(args)
        head = args[:end]
        flags = [flag for flag in FLAGS if flag in head]
        rest = [word for word in head if word not in FLAGS]
        ctx.obj = Session(json="--json" in flags, debug="--debug" in flags)
        try:
            return super().parse_args(ctx, flags + rest + args[end:])
        except click.UsageError as error:
            raise ctx.obj.failure(error) from error

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command. Whatever it raises becomes a message and an exit code."""
        session: Session = ctx.obj
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, Failure, BrokenPipeError):
            raise
        # a traceback is for those who ask for it
        except (Exception, KeyboardInterrupt) as error:
            raise session.failure(error) from error


@click.command(cls=Application, context_settings={"help_option_names": ["--help"]})
@click.option("--json", is_flag=True, help="Print a stable form for programs.")
@click.option("--debug", is_flag=True, help="Show Python's traceback of an error too.")
@click.version_option(__version__, message="%(prog)s %(version)s")
def main(json: bool, debug: bool) -> None:
    """Run WebAssembly plugins and modules in pure Python.

    --json and --debug may stand anywhere on the line. The exit code is 0 if all went well, 1 if
    the module or the guest failed, 2 if the line itself is wrong, 130 after Ctrl-C.
    """
