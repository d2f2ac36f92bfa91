"""Options and arguments that several commands share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click
from click.shell_completion import CompletionItem

from .. import examples
from ..errors import near_miss
from ..wasm.instance import DEFAULT_MEMORY_LIMIT, ENGINES
from ..wasm.metering import DEFAULT_FUEL, DEFAULT_TIMEOUT
from ..wasm.module import content_of
from ..wasm.types import MAX_PAGES

__all__ = [
    "SOURCE",
    "Source",
    "engine_option",
    "instance_limits",
    "limit_options",
    "plugin_limits",
    "stats_option",
]

if TYPE_CHECKING:
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


class Source(NamedTuple):
    """The content of a file, and what it is called in messages."""

    name: str
    content: bytes

    @property
    def data(self) -> bytes | str:
        """What a module is made of. Raises TextError for text that is no UTF-8."""
        return content_of(self.name, self.content)


class SourceType(ParamType):
    """A file, or the name of an embedded example."""

    name = "file or example"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Reads it."""
        if isinstance(value, Source):
            return value
        path = Path(value)
        try:
            if path.exists() and not path.is_dir():
                return Source(path.name, path.read_bytes())
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
        "--memory",
        type=Limit("pages", int, 0, MAX_PAGES),
        metavar="PAGES|none",
        help=f"Pages of 64 KiB that its memory may have.  [default: {DEFAULT_MEMORY_LIMIT}]",
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
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="What runs the module.",
)

#: what the guest took, for people; the JSON forms always say it
stats_option = click.option(
    "--stats", is_flag=True, help="Print instructions, seconds and pages to standard error."
)


#: where compiled code is kept
cache_option = click.option(
    "--cache-dir",
    metavar="DIR",
    help="A private folder for compiled code, so that later starts are quick.  "
    "[default: PYWASMGK_CACHE in the environment]",
)


def limit_options(command: F) -> F:
    """Adds ``--fuel``, ``--memory``, ``--timeout``, ``--engine`` and ``--cache-dir``."""
    for option in reversed((*_LIMITS, engine_option, cache_option)):
        command = option(command)
    return command


def instance_limits(
    fuel: Any, memory: Any, timeout: Any, engine: str, cache_dir: str | None
) -> dict[str, Any]:
    """The limits on the line as ``pywasmgk.instantiate`` takes them; others keep defaults."""
    memory = MAX_PAGES if memory == _NONE else memory
    given = {"fuel": fuel, "memory_limit": memory, "timeout": timeout, "engine": engine}
    given["cache_dir"] = cache_dir
    return {
        name: None if limit == _NONE else limit
        for name, limit in given.items()
        if limit is not None
    }


def plugin_limits(
    fuel: Any, memory: Any, timeout: Any, engine: str, cache_dir: str | None
) -> dict[str, Any]:
    """The limits on the line as ``pywasmgk.load`` takes them."""
    limits = instance_limits(fuel, memory, timeout, engine, cache_dir)
    if "timeout" in limits:
        limits["call_timeout"] = limits.pop("timeout")
    return limits
