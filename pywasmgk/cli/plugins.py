"""Commands for plugins: ``call``, ``register``, ``examples``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from .. import examples
from ..errors import near_miss
from ..plugin import MISSING, CallContext, GKRegistration, MemoryHost, Plugin, load
from ..plugin.gojson import JSONError, decode
from ..plugin.schema import encode_struct
from ..wasm.instance import chosen_cache
from ..wasm.module import Module
from .options import SOURCE, Source, limit_options, plugin_limits, stats_option
from .output import binary_stream, json_text, plain, pretty, say
from .progress import Progress
from .session import Measures, Session, pass_session

__all__ = ["call_command", "examples_command", "register_command"]

_LEVELS = ("debug", "info", "warn", "error")


class ConsoleHost(MemoryHost):
    """A host in memory whose log goes to standard error, from a level up."""

    def __init__(
        self, level: str, config: Mapping[str, str], database: str, progress: Progress
    ) -> None:
        super().__init__(config=config, database=database)
        self._level = level
        self._progress = progress

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Prints a line."""
        if self._level in _LEVELS[: _LEVELS.index(level) + 1]:
            self._progress.erase()
            say(f"{level}: {plain(message)}", err=True)


def pairs(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` words as a dict."""
    for word in words:
        if "=" not in word or word.startswith("="):
            raise click.BadParameter(f"expected NAME=VALUE, found {word!r}", ctx, param)
    return dict(word.split("=", 1) for word in words)


# -- call


@click.command("call")
@click.argument("plugin", type=SOURCE)
@click.argument("function")
@click.argument("arguments", metavar="[JSON]", required=False)
@limit_options
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
    default=":memory:",
    metavar="FILE",
    help="An SQLite file as the plugin's database.  [default: an empty one in memory]",
)
@click.option(
    "--log",
    type=click.Choice([*_LEVELS, "none"]),
    default="warn",
    show_default=True,
    help="The least level of the plugin's log that is shown.",
)
@stats_option
@pass_session
def call_command(
    session: Session,
    /,
    plugin: Source,
    function: str,
    arguments: str | None,
    config: dict[str, str],
    database: str,
    log: str,
    stats: bool,
    **limits: Any,
) -> None:
    """Call a plugin's function.

    PLUGIN is a file or the name of an embedded example. JSON is the argument; "-" reads it from
    standard input, and without it the plugin gets none. The result is printed as JSON, "null"
    where there is none. The plugin's host keeps cache, settings and so on in memory.
    """
    argument = MISSING if arguments is None else _argument(arguments)
    with (
        Progress(wanted=not session.json) as progress,
        closing(ConsoleHost(log, config, database, progress)) as host,
        _load(session, plugin, plugin_limits(**limits), host, progress) as loaded,
    ):
        session.begin(lambda: _measures(loaded))
        result = loaded.call(function, argument)
        progress.erase()
        if session.json:
            session.print_json({"result": result, **session.measures()})
            return
        say(pretty(result))
        hint = _unknown_function(loaded.registration, function, result)
        if hint:
            say(f"Hint: the plugin has no function {function!r}{hint}", err=True)
        if stats:
            session.print_stats()


def _argument(text: str) -> Any:
    try:
        return decode(binary_stream("stdin").read() if text == "-" else text)
    except JSONError as error:
        where = "standard input" if text == "-" else repr(text if len(text) < 60 else text[:60])
        raise click.UsageError(f"the argument is no JSON: {error} in {where}") from error


def _load(
    session: Session,
    source: Source,
    limits: dict[str, Any],
    host: MemoryHost | None = None,
    progress: Progress | None = None,
) -> Plugin:
    """The plugin in a file; what it prints goes to standard error."""
    session.subject = source.name
    session.begin(lambda: Measures(host_calls=0))
    stderr = binary_stream("stderr")
    cache = chosen_cache(limits.get("cache_dir"))
    module = Module(source.data, name=source.name, cache=cache)

    def written(data: bytes) -> None:
        if progress is not None:
            progress.erase()
        stderr.write(data)
        stderr.flush()

    plugin = load(module, stdout=written, stderr=written, progress=progress, **limits)
    if host is not None:
        plugin.init(host)
    return plugin


def _measures(plugin: Plugin) -> Measures:
    last = plugin.last_call
    return (
        Measures(host_calls=0) if last is None else Measures(last.fuel, last.pages, last.host_calls)
    )


def _unknown_function(registration: GKRegistration, function: str, result: Any) -> str:
    """A hint where the answer says, as plugins do by convention, that it is not there."""
    error = result.get("error") if isinstance(result, dict) else None
    if not isinstance(error, str) or not error.startswith("unknown function"):
        return ""
    return near_miss(function, set(_handlers(registration.raw)) - {function})


def _handlers(manifest: Any) -> Iterator[str]:
    """The functions that a manifest names."""
    for key, value in manifest.items():
        if key == "handler" and isinstance(value, str):
            yield value
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict):
                yield from _handlers(item)


# -- register


@click.command("register")
@click.argument("plugin", type=SOURCE)
@limit_options
@click.option("--strict", is_flag=True, help="Refuse odd manifests.")
@pass_session
def register_command(session: Session, /, plugin: Source, strict: bool, **limits: Any) -> None:
    """Show a plugin's manifest: what it says of itself when it is loaded.

    With --json it is the manifest itself, empty fields left out.
    """
    with _load(session, plugin, {**plugin_limits(**limits), "strict": strict}) as loaded:
        registration = loaded.registration
        manifest = encode_struct(registration)
        if session.json:
            session.print_json(manifest)
            return
        for line in _manifest_lines(manifest):
            say(plain(line))
        unknown = registration.unknown_keys
        if unknown:
            say(f"Hint: no manifest has {', '.join(map(plain, unknown))}.", err=True)


def _manifest_lines(manifest: dict[str, Any]) -> Iterator[str]:
    """Simple values a line each, then what there are several of, an entry a line."""
    several = {name: value for name, value in manifest.items() if isinstance(value, (list, dict))}
    single = {name: value for name, value in manifest.items() if name not in several}
    width = max(map(len, single), default=0)
    yield from (f"{name:{width}}  {value}" for name, value in single.items() if value != "")
    for name, value in several.items():
        yield f"{name}:"
        entries = value if isinstance(value, list) else [value]
        yield from (f"  {_entry(entry)}" for entry in entries)


def _entry(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    words = ((key, value) for key, value in entry.items() if value != "")
    return ", ".join(
        f"{key}: {value if isinstance(value, str) else json_text(value)}" for key, value in words
    )


# -- examples


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
    if copy is not None:
        _copy_sources(session, copy)
        return
    forms = []
    for name in examples.names():
        data = examples.read(name)
        with _load(session, Source(f"{name}.wasm", data), {}) as plugin:
            about = plugin.registration.description
        forms.append({"name": name, "size": len(data), "description": about})
    if session.json:
        session.print_json({"examples": forms})
        return
    width = max((len(str(form["name"])) for form in forms), default=0)
    for form in forms:
        say(f"{form['name']:{width}}  {form['size']:>6,} bytes  {form['description']}")


def _copy_sources(session: Session, folder: Path) -> None:
    sources = examples.sources()
    there = [name for name in sources if (folder / name).exists()]
    if there:
        raise click.UsageError(f"{', '.join(there)}: already in {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    if session.json:
        session.print_json({"copied": list(sources)})
        return
    for name in sources:
        say(name)
