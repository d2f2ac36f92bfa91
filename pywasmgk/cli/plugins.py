"""Commands for plugins: ``call``, ``register``, ``examples``."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from .. import examples
from ..errors import ManifestError, ReceiptError, near_miss
from ..plugin import (
    MISSING,
    CallContext,
    GKRegistration,
    HostAPI,
    MemoryHost,
    Plugin,
    acting,
    load,
)
from ..plugin.gojson import JSONError, decode
from ..plugin.schema import encode_struct
from ..printable import printable
from ..wasm.features import Features
from ..wasm.module import Module
from ..wasm.stepping.execution import Execution
from .calling import Call, core_written_to
from .console_log import ConsoleLog
from .grants import Grants
from .hosts import fetch, host_at
from .options import IN_MEMORY, HostChoice, Source, instance_limits
from .output import binary_stream, json_text, pretty, say
from .progress import Progress
from .session import Measures, Session

__all__ = ["call", "chosen_host", "held_call", "list_examples", "register"]


class ConsoleHost(MemoryHost):
    """A host in memory whose log goes to standard error, from a level up, and that may fetch from
    the web."""

    def __init__(self, choice: HostChoice, progress: Progress) -> None:
        super().__init__(config=choice.config, database=choice.database)
        self._lines = ConsoleLog(choice.log, progress)
        self._web = choice.web
        #: fetches where a policy has judged the address
        self._judged: Any = None
        granted = choice.grants is not None and choice.grants.web
        self._may_fetch = granted or choice.policies is not None

    def http_request(
        self,
        ctx: CallContext,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> tuple[int, bytes | None]:
        """The web's answer, if plugins may ask it."""
        if ctx.judge_url is not None and (self._may_fetch or self._web):
            if self._judged is None:
                # only who grants the web pays for it
                from ..services.http import HTTPService

                self._judged = HTTPService()
            answer: tuple[int, bytes | None] = self._judged.request(ctx, method, url, headers, body)
            return answer
        if not self._web:
            return super().http_request(ctx, method, url, headers, body)
        return fetch(method, url, headers, body, ctx.seconds_left())

    def log(self, ctx: CallContext, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Prints a line, and where an exception came from."""
        self._lines.show(level, message, fields)


# -- call


def call(
    session: Session,
    plugin: Source,
    function: str,
    arguments: str | None,
    choice: HostChoice,
    stats: bool,
    coredump: Path | None,
    receipt: Path | None,
    limits: dict[str, Any],
) -> None:
    """Calls a plugin's function and prints the result."""
    argument = MISSING if arguments is None else _argument(arguments)
    bounds = {**instance_limits(**limits), "receipts": receipt is not None}
    with (
        core_written_to(coredump),
        Progress(wanted=not session.json) as progress,
        chosen_host(choice, progress) as host,
        _load(session, plugin, bounds, host, progress, choice.grants) as loaded,
        _receipt_written_to(receipt, loaded),
        acting(language=choice.language, org_id=choice.org, user_id=choice.user),
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


@contextmanager
def chosen_host(choice: HostChoice, progress: Progress) -> Iterator[HostAPI]:
    """The host that the line says. Raises UsageError for settings of another one."""
    if choice.own is not None and choice.services is not None:
        raise click.UsageError("--services and --host exclude each other")
    if choice.own is None and choice.services is None:
        with closing(ConsoleHost(choice, progress)) as usual:
            yield usual
        return
    if choice.config or choice.web or choice.database != IN_MEMORY:
        other = "--services" if choice.own is None else "--host"
        raise click.UsageError(
            f"--config, --database and --http are for the usual host, not {other}"
        )
    if choice.own is not None:
        yield host_at(choice.own)
        return
    # only who has them pays for them
    from .services import services_at

    with services_at(choice, progress) as services:
        yield services


@contextmanager
def held_call(session: Session, call: Call) -> Iterator[Execution]:
    """A call of a plugin's function, held before its first instruction."""
    if call.host is None or call.export is None or len(call.args) > 1:
        raise click.UsageError("--plugin takes a function and its JSON: MODULE FUNCTION [JSON]")
    own = None if call.host.own is None else host_at(call.host.own)
    argument = _argument(call.args[0]) if call.args else MISSING
    with (
        Progress(wanted=False) as progress,
        closing(ConsoleHost(call.host, progress)) as usual,
        _load(session, call.module, instance_limits(**call.limits), own or usual) as loaded,
        loaded.start(call.export, argument, history=None) as held,
    ):
        yield held


@contextmanager
def _receipt_written_to(path: Path | None, plugin: Plugin) -> Iterator[None]:
    """Writes a receipt of the call inside, however that ends, if somebody wants one."""

    def write() -> None:
        last = plugin.last_call
        if path is not None and last is not None:
            path.write_bytes(last.receipt(answers=True))

    try:
        yield
    except Exception:
        try:
            write()
        except ReceiptError as error:
            # why the call failed is what is to be told
            say(f"Hint: {error}", err=True)
        raise
    write()


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
    host: HostAPI | None = None,
    progress: Progress | None = None,
    grants: Grants | None = None,
) -> Plugin:
    """The plugin in a file; what it prints goes to standard error."""
    erase = bool if progress is None else progress.erase
    # before anything runs
    policy = None if grants is None else grants.policy_for(erase)
    session.subject = source.name
    session.begin(lambda: Measures(host_calls=0))
    stderr = binary_stream("stderr")
    features, cache_dir = limits.get("features", Features.SEED), limits.get("cache_dir")
    module = Module(source.data, name=source.name, features=features, cache_dir=cache_dir)
    module.folder = source.folder

    # a character may be split between two writes
    decode_part = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode

    def written(data: bytes) -> None:
        if progress is not None:
            progress.erase()
        # lines of a plugin's are no program's output: they must not give a terminal orders
        stderr.write(printable(decode_part(data), lines=True).encode())
        stderr.flush()

    plugin = load(module, stdout=written, stderr=written, progress=progress, **limits)
    if host is not None:
        plugin.init(host, policy=policy)
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


def register(session: Session, plugin: Source, strict: bool, limits: dict[str, Any]) -> None:
    """Prints a plugin's manifest."""
    with _load(session, plugin, {**instance_limits(**limits), "strict": strict}) as loaded:
        registration = loaded.registration
        unknown = registration.unknown_keys
        if strict and unknown:
            raise ManifestError(f"no manifest has {', '.join(unknown)}")
        manifest = encode_struct(registration)
        if session.json:
            session.print_json(manifest)
            return
        for line in _manifest_lines(manifest):
            say(line)
        if unknown:
            say(f"Hint: no manifest has {', '.join(unknown)}.", err=True)


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


def list_examples(session: Session, copy: Path | None) -> None:
    """Lists the embedded examples, or copies their sources."""
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
