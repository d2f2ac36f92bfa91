"""Options and arguments that several commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from .. import examples
from ..errors import CacheError, near_miss
from ..wasm.cache import ENVIRONMENT
from ..wasm.runtime.defaults import (
    DEFAULT_COMMAND_MEMORY,
    DEFAULT_FUEL,
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TIMEOUT,
    ENGINES,
    OUTSIDE,
)
from ..wasm.types import MAX_PAGES
from .output import binary_stream

__all__ = [
    "IN_MEMORY",
    "LIMIT_NAMES",
    "NEW_FILE",
    "PATH",
    "SOURCE",
    "HostChoice",
    "PluginFolder",
    "Source",
    "chosen_features",
    "coredump_option",
    "engine_option",
    "features_option",
    "instance_limits",
    "key_option",
    "limit_options",
    "module_limit_options",
    "module_limits",
    "pairs",
    "stats_option",
]

if TYPE_CHECKING:
    from ..platform.policies import Policies
    from ..wasm.features import Features
    from .grants import Grants

    ParamType = click.ParamType[Any]
else:
    # only newer versions of click have it generic
    ParamType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])
#: what lifts a limit
_NONE = "none"
#: seconds; clocks and locks take no more
_LONGEST = 1e9


# -- files

#: of a file that is read, and of one that is written
PATH = click.Path(exists=True, dir_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
#: stands for standard input
STDIN = "-"
_STDIN_NAME = "<stdin>"


class Source(NamedTuple):
    """The content of a file, and what it is called in messages."""

    name: str
    content: bytes
    #: where the file is, if it is one
    path: str = ""

    @property
    def folder(self) -> str | None:
        """Where that is."""
        return str(Path(self.path).parent) if self.path else None

    @property
    def data(self) -> bytes | str:
        """What a module is made of; text is told by the name, or, of standard input, by how it
        begins. Raises TextError for text that is no UTF-8."""
        # the line alone needs no module
        from ..wasm.module import content_of

        if self.name == _STDIN_NAME and self.content.lstrip()[:1] in (b"(", b";"):
            return content_of(".wat", self.content)
        return content_of(self.name, self.content)


class SourceType(ParamType):
    """A file, the name of an embedded example, or "-" for standard input."""

    name = "file or example"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads it."""
        if isinstance(value, Source):
            return value
        if value == STDIN:
            return Source(_STDIN_NAME, binary_stream("stdin").read())
        path = Path(value)
        try:
            if path.exists() and not path.is_dir():
                return Source(path.name, path.read_bytes(), str(path))
            if value in examples.names():
                return Source(f"{value}.wasm", examples.read(value))
            folder = path.is_dir()
            hint = "" if folder else near_miss(value, [*examples.names(), *_beside(path)])
        except (OSError, ValueError) as error:
            raise click.BadParameter(f"cannot read {value!r}: {error}", ctx, param) from error
        what = f"{value!r} is a folder" if folder else f"no file or example is named {value!r}"
        raise click.BadParameter(what + hint, ctx, param)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Examples by name; the shell knows files."""
        found = [CompletionItem(name) for name in examples.names() if name.startswith(incomplete)]
        return [*found, CompletionItem(incomplete, type="file")]


def _beside(path: Path) -> list[str]:
    """The files that could have been meant."""
    folder = path.parent
    return [str(folder / entry.name) for entry in folder.iterdir()] if folder.is_dir() else []


SOURCE = SourceType()


coredump_option = click.option(
    "--coredump",
    type=NEW_FILE,
    metavar="FILE",
    help="Write a core dump there if the guest fails, for debug --core.",
)


class KeyType(ParamType):
    """A file with a key, or ``env:NAME``."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads it."""
        if isinstance(value, bytes):
            return value
        # the line alone reads no keys
        from .keys import key_at

        try:
            return key_at(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def key_option(name: str, of: str) -> Callable[[F], F]:
    """Adds an option for the key of what ``of`` says."""
    return click.option(
        name,
        type=KeyType(),
        metavar="FILE|env:NAME",
        help=f"The key of {of}: what the file has, or the variable of the environment.",
    )


# -- words


def pairs(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` words as a dict."""
    for word in words:
        if "=" not in word or word.startswith("="):
            raise click.BadParameter(f"expected NAME=VALUE, found {word!r}", ctx, param)
    return dict(word.split("=", 1) for word in words)


# -- hosts

#: SQLite's name for a database without a file
IN_MEMORY = ":memory:"


class HostChoice(NamedTuple):
    """What the line says of a plugin's host."""

    config: Mapping[str, str]
    database: str = IN_MEMORY
    #: FILE.py:NAME of one's own
    own: str | None = None
    #: whether the usual one fetches from the web
    web: bool = False
    org: int = 0
    user: int = 0
    language: str = "en"
    #: the least level that is shown, or none
    log: str = "warn"
    #: a file that describes services
    services: Path | None = None
    #: what the plugin may do on it; without anything said, all
    grants: Grants | None = None
    #: what each of many plugins may do on it; without, all
    policies: Policies | None = None


class PluginFolder(NamedTuple):
    """What the line says of a folder of plugins."""

    #: or one file
    path: Path
    #: where it is kept what is switched off, if not in the folder
    state: Path | None
    host: HostChoice
    limits: dict[str, Any]


# -- limits


class Limit(ParamType):
    """A number, or ``none`` for no limit."""

    def __init__(self, name: str, kind: Callable[[str], float], least: float, most: float) -> None:
        self.name = name
        self.kind = kind
        self.least = least
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, in range."""
        if value == _NONE:
            return value
        try:
            number = self.kind(value)
        except ValueError:
            self.fail(f"expected {self.name} or 'none', found {value!r:.60}", param, ctx)
        if not self.least <= number <= self.most:
            most = f"at least {self.least:g}" if self.most == math.inf else ""
            most = most or f"{self.least:g} to {self.most:g}"
            self.fail(f"expected {most}, found {value:.60}", param, ctx)
        return number


_LIMITS = (
    click.option(
        "--fuel",
        type=Limit("instructions", int, 0, math.inf),
        metavar="N|none",
        help=f"Instructions that a call may take.  [default: {DEFAULT_FUEL}]",
    ),
    click.option(
        "--timeout",
        type=Limit("seconds", float, 0.001, _LONGEST),
        metavar="SECONDS|none",
        help=f"Seconds that a call may take.  [default: {DEFAULT_TIMEOUT:g}]",
    ),
)

#: which engine runs it
engine_option = click.option(
    "--engine",
    type=click.Choice((*ENGINES, *OUTSIDE)),
    default="auto",
    show_default=True,
    help="What runs the module.",
)

#: the releases, as words on the line, and the presets of Features
_RELEASES = {"2.0": "SEED", "3.0": "V3"}
_ALL = "all"


def features_option(default: str | None) -> Callable[[F], F]:
    """Adds ``--features``: what a module may use."""
    return click.option(
        "--features",
        type=click.Choice((*_RELEASES, _ALL)),
        default=default,
        show_default=default is not None,
        help="Proposals that the module may use: of a release, or all that are known.",
    )


def chosen_features(word: str) -> Features:
    """What a word of ``--features`` stands for."""
    from ..wasm.features import Features

    chosen: Features = getattr(Features, _RELEASES[word]) if word in _RELEASES else Features()
    return chosen


#: what the guest took, for people; the JSON forms always say it
stats_option = click.option(
    "--stats", is_flag=True, help="Print instructions, seconds and pages to standard error."
)


def _cache_folder(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The folder as ``cache_dir`` takes it: ``None`` if the environment says, "" if there is none.

    Without either it is the user's own; one that cannot be used is no error then, since nobody
    asked for it.
    """
    if ctx.meta.get(_NO_CACHE):
        if value is not None:
            raise click.UsageError("--cache-dir and --no-cache exclude each other", ctx)
        return ""
    if value is not None or ENVIRONMENT in os.environ or ctx.resilient_parsing:
        return value
    # only commands that run something pay for it
    from ..wasm.cache.directory import CodeCache, user_directory

    try:
        directory = user_directory()
        return "" if directory is None else str(CodeCache(directory).directory)
    except CacheError:
        return ""


def _note_no_cache(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_NO_CACHE] = value


_NO_CACHE = f"{__name__}.no_cache"
#: where it is kept what is known of modules; without is looked at first
_CACHE = (
    click.option(
        "--cache-dir",
        metavar="DIR",
        callback=_cache_folder,
        help="A private folder that makes later starts quick.  "
        f"[default: {ENVIRONMENT} in the environment, else one in the user's cache folder]",
    ),
    click.option(
        "--no-cache",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_note_no_cache,
        help="Keep nothing of the module, and use nothing that was kept.",
    ),
)


def _limit_options(default: str) -> Callable[[F], F]:
    memory = click.option(
        "--memory-limit",
        "--memory",
        "memory",
        type=Limit("pages", int, 0, MAX_PAGES),
        metavar="PAGES|none",
        help=f"Pages of 64 KiB that its memory may have.  [default: {default}]",
    )

    def add(command: F) -> F:
        fuel, timeout = _LIMITS
        for option in reversed((fuel, memory, timeout, engine_option, *_CACHE)):
            command = option(command)
        return command

    return add


#: add ``--fuel``, ``--memory-limit``, ``--timeout``, ``--engine``, ``--cache-dir`` and
#: ``--no-cache`` to a command for plugins, and to one for modules, which may be programs
limit_options = _limit_options(f"{DEFAULT_MEMORY_LIMIT}")
module_limit_options = _limit_options(f"{DEFAULT_COMMAND_MEMORY}")


#: what the options of limits and features are called where they are given on
LIMIT_NAMES = ("fuel", "memory", "timeout", "engine", "cache_dir", "features")


def module_limits(**line: Any) -> dict[str, Any]:
    """:func:`instance_limits` for modules, which have the memory of programs."""
    return {"memory_limit": DEFAULT_COMMAND_MEMORY, **instance_limits(**line)}


def instance_limits(
    fuel: Any,
    memory: Any,
    timeout: Any,
    engine: str,
    cache_dir: str | None,
    features: str | None = None,
) -> dict[str, Any]:
    """The limits on the line as ``pywasmgk.instantiate`` and ``load`` take them; others keep
    defaults."""
    memory = MAX_PAGES if memory == _NONE else memory
    given = {"fuel": fuel, "memory_limit": memory, "timeout": timeout, "engine": engine}
    given["cache_dir"] = cache_dir
    given["features"] = None if features is None else chosen_features(features)
    return {
        name: None if limit == _NONE else limit
        for name, limit in given.items()
        if limit is not None
    }
