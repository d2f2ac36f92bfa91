"""What the command line may say of a call: the export, its arguments, a program's folders and
variables, or that it is a plugin's. See ``commands``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import (
    LIMIT_NAMES,
    PATH,
    HostChoice,
    Source,
    features_option,
    module_limit_options,
    pairs,
)

if TYPE_CHECKING:
    from ..wasm.wasi import HostDirectory
    from .calling import Call

__all__ = ["RunCommand", "call_options", "plugin_options", "stdin_option"]

_NEGATIVE = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)
#: behind a folder that the guest must not change
_READ_ONLY = ":ro"
#: before a folder that is granted
_DIR = "dir="
#: where the words after ``--`` are kept
_REST = f"{__name__}.rest"


class RunCommand(click.Command):
    """Takes negative numbers for arguments, where click would take them for options, and keeps
    what comes after ``--`` apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hides their sign from click; no word of a command line contains NUL."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_REST] = tuple(args[end + 1 :])
        hidden = [f"\0{word}" if _NEGATIVE.match(word) else word for word in args[:end]]
        return super().parse_args(ctx, hidden)

    def make_parser(self, ctx: click.Context) -> Any:
        """Click's parser, which gives all values with their sign."""
        parser = super().make_parser(ctx)
        parse: Callable[[list[str]], tuple[dict[str, Any], Any, Any]] = parser.parse_args

        def parsed(args: list[str]) -> tuple[dict[str, Any], Any, Any]:
            values, left, order = parse(args)
            return {name: _signed(value) for name, value in values.items()}, left, order

        parser.parse_args = parsed  # type: ignore[method-assign]
        return parser


def _signed(value: Any) -> Any:
    """A value of the line as it was given, or several."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_signed, value))
    return value.removeprefix("\0") if isinstance(value, str) else value


def _with_rest(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> tuple[str, ...]:
    rest: tuple[str, ...] = ctx.meta[_REST]
    return words + rest


def _folders(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> dict[str, HostDirectory]:
    """``HOST``, ``HOST::GUEST`` and either with ``:ro`` as what a guest finds under the names."""
    found: dict[str, HostDirectory] = {}
    if words:
        from ..wasm.wasi import HostDirectory
    for word in words:
        mapping = word.removesuffix(_READ_ONLY)
        host, _, guest = mapping.partition("::")
        if not Path(host).is_dir():
            raise click.BadParameter(f"there is no folder {host!r}", ctx, param)
        found[guest or host] = HostDirectory(host, writable=mapping == word)
    return found


def _allowed_folders(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> dict[str, HostDirectory]:
    """``dir=`` before what ``--dir`` takes."""
    for word in words:
        if not word.startswith(_DIR):
            raise click.BadParameter(
                f"a program is granted folders, by dir=PATH or dir=PATH:ro, not {word!r:.80}",
                ctx,
                param,
            )
    return _folders(ctx, param, tuple(word.removeprefix(_DIR) for word in words))


def call_options(command: Any) -> Any:
    """Adds what a line says of a call, behind the module. The command gets it as ``call``: a
    ``calling.Call``, or ``None`` without a module."""

    @functools.wraps(command)
    def carried(
        *given: Any,
        module: Source | None,
        export: str | None,
        args: tuple[str, ...],
        env: dict[str, str],
        folders: dict[str, HostDirectory],
        allowed: dict[str, HostDirectory],
        stub_imports: bool,
        **rest: Any,
    ) -> Any:
        from .calling import Call

        folders = {**folders, **allowed}
        limits = {name: rest.pop(name) for name in LIMIT_NAMES}
        call = module and Call(module, export, args, env, folders, stub_imports, limits)
        return command(*given, call=call, **rest)

    options = (
        click.argument("export", required=False),
        click.argument("args", nargs=-1, callback=_with_rest),
        click.option(
            "--env",
            multiple=True,
            metavar="NAME=VALUE",
            callback=pairs,
            help="A variable that the guest sees.",
        ),
        click.option(
            "--dir",
            "folders",
            multiple=True,
            metavar="HOST[::GUEST][:ro]",
            callback=_folders,
            help="A folder for the guest, under its own or another name; with :ro only for "
            "reading.",
        ),
        click.option(
            "--allow",
            "allowed",
            multiple=True,
            metavar="dir=HOST[::GUEST][:ro]",
            callback=_allowed_folders,
            help="What the guest is granted: a folder, as --dir has it.",
        ),
        click.option(
            "--stub-imports",
            is_flag=True,
            help="Let functions be missing that the module imports; calling one is a trap.",
        ),
        module_limit_options,
        features_option("all"),
    )
    for option in reversed(options):
        carried = option(carried)
    return carried


#: for commands that have standard input for themselves
stdin_option = click.option("--stdin", type=PATH, metavar="FILE", help="What a program reads.")


def plugin_options(command: Any) -> Any:
    """Lets the call be one of a plugin."""

    @functools.wraps(command)
    def carried(
        *given: Any,
        call: Call,
        of_plugin: bool,
        config: dict[str, str],
        host: str | None,
        **rest: Any,
    ) -> Any:
        if of_plugin:
            choice = HostChoice(config, own=host)
            call = call._replace(host=choice)
        elif config or host is not None:
            raise click.UsageError("--config and --host are for plugins: --plugin says it is one")
        return command(*given, call=call, **rest)

    for option in (
        click.option(
            "--host",
            metavar="FILE.py:NAME",
            help="Its host: a HostAPI in a Python file of yours, or what makes one.",
        ),
        click.option(
            "--config",
            multiple=True,
            metavar="NAME=VALUE",
            callback=pairs,
            help="A setting that the plugin may ask its host for.",
        ),
        click.option(
            "--plugin",
            "of_plugin",
            is_flag=True,
            help="MODULE is a plugin: EXPORT is its function, and ARGS its JSON.",
        ),
    ):
        carried = option(carried)
    return carried
