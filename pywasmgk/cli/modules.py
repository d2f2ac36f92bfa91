"""Commands for any module: ``run`` and ``validate``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..errors import DecodeError, Exit, ValidationError, near_miss
from ..wasm.functions import Func
from ..wasm.instance import Instance, chosen_cache, instantiate
from ..wasm.linker import Imports
from ..wasm.module import Module
from ..wasm.types import FuncType
from ..wasm.wasi import MODULE, HostDirectory, WasiConfig
from ..wasm.wasi.context import WasiContext
from ..wasm.wasi.functions import functions as wasi_functions
from .options import SOURCE, Source, instance_limits, limit_options, stats_option
from .output import binary_stream, say
from .plugins import pairs
from .progress import Progress
from .session import FAILED, Measures, Session, describe, pass_session
from .values import as_json, as_text, parse_arguments

__all__ = ["run_command", "validate_command"]

_NEGATIVE = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)
#: what a program and a library of WASI begin with
_START, _INITIALIZE = "_start", "_initialize"
#: behind a folder that the guest must not change
_READ_ONLY = ":ro"
#: where the words after ``--`` are kept
_REST = f"{__name__}.rest"


# -- run


class Target(NamedTuple):
    """The exported function that is to run."""

    name: str
    type: FuncType


class RunCommand(click.Command):
    """Takes negative numbers for arguments, where click would take them for options, and keeps
    what comes after ``--`` apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hides their sign from click; no word of a command line contains NUL."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta[_REST] = tuple(args[end + 1 :])
        hidden = [f"\0{word}" if _NEGATIVE.match(word) else word for word in args[:end]]
        return super().parse_args(ctx, hidden)


def _shown(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    rest: tuple[str, ...] = ctx.meta[_REST]
    return tuple(word.removeprefix("\0") for word in words) + rest


def _folders(
    ctx: click.Context, param: click.Parameter, words: tuple[str, ...]
) -> dict[str, HostDirectory]:
    """``HOST``, ``HOST::GUEST`` and either with ``:ro`` as what a guest finds under the names."""
    found = {}
    for word in words:
        mapping = word.removesuffix(_READ_ONLY)
        host, _, guest = mapping.partition("::")
        if not Path(host).is_dir():
            raise click.BadParameter(f"there is no folder {host!r}", ctx, param)
        found[guest or host] = HostDirectory(host, writable=mapping == word)
    return found


@click.command("run", cls=RunCommand)
@click.argument("module", type=SOURCE)
@click.argument("export", required=False)
@click.argument("args", nargs=-1, callback=_shown)
@click.option(
    "--env",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="A variable that the guest sees.",
)
@click.option(
    "--dir",
    "folders",
    multiple=True,
    metavar="HOST[::GUEST][:ro]",
    callback=_folders,
    help="A folder for the guest, under its own or another name; with :ro only for reading.",
)
@limit_options
@stats_option
@pass_session
def run_command(
    session: Session,
    /,
    module: Source,
    export: str | None,
    args: tuple[str, ...],
    env: dict[str, str],
    folders: dict[str, HostDirectory],
    stats: bool,
    **limits: Any,
) -> None:
    """Run a module.

    Without EXPORT it is a program: its _start runs with WASI, and its exit code is ours. "run
    MODULE -- ARGS" gives it arguments. With EXPORT, ARGS are read by the types of its parameters
    (integers also in hex, floats also as inf and nan), and results are printed one a line. What
    comes after -- is never taken for an option or for EXPORT. With --json, what the guest itself
    prints goes to standard error.
    """
    session.subject = module.name
    session.begin(Measures)
    cache = chosen_cache(limits["cache_dir"])
    loaded = Module(module.data, name=module.name, cache=cache)
    target = _find(loaded, export)
    program = target is None or target.name == _START
    words = () if program else args
    values = parse_arguments(target.type, words, target.name) if target and not program else []
    config = WasiConfig(
        args=(module.name, *(args if program else ())),
        env=env,
        preopens=folders,
        stdin=binary_stream("stdin"),
        stdout=binary_stream("stderr" if session.json else "stdout"),
        stderr=binary_stream("stderr"),
    )
    # a program may print, and the line of progress would get between
    with closing_wasi(config) as wasi, Progress(wanted=not (session.json or program)) as progress:
        options = {**instance_limits(**limits), "progress": progress}
        code, results = _run(session, loaded, wasi, options, target, values)
    if session.json:
        session.print_json(_form(session, code, results))
    else:
        for result in results:
            say(as_text(result))
        if stats:
            session.print_stats()
    if code:
        # a process has eight bits for it
        raise click.exceptions.Exit(code & 0xFF or FAILED)


def _find(module: Module, name: str | None) -> Target | None:
    """The exported function to run; ``None`` where the start function is all there is to run."""
    functions = {
        export.name: Target(export.name, export.type)
        for export in module.exports
        if isinstance(export.type, FuncType)
    }
    if name is None:
        if _START in functions or module.start is None:
            name = _START
        else:
            return None
    if name in functions:
        return functions[name]
    there = ", ".join(functions) or "none"
    other = next((export.kind for export in module.exports if export.name == name), None)
    if other:
        raise click.UsageError(f"export {name!r} is a {other}, no function (functions: {there})")
    hint = near_miss(name, functions)
    raise click.UsageError(f"no function is exported as {name!r}{hint} (there: {there})")


@contextmanager
def closing_wasi(config: WasiConfig) -> Iterator[Imports]:
    """The imports of WASI; all descriptors are closed at the end."""
    context = WasiContext(config)
    try:
        yield {MODULE: wasi_functions(context)}
    finally:
        context.close_all()


def _run(
    session: Session,
    module: Module,
    imports: Imports,
    options: dict[str, Any],
    target: Target | None,
    values: list[Any],
) -> tuple[int, Sequence[Any]]:
    """Runs it; gives the exit code and the results."""
    try:
        instance = instantiate(module, imports, **options)
        session.begin(lambda: _measures(instance))
        if target is None:
            return 0, ()
        if target.name != _START:
            _initialize(instance)
        result = instance.exports[target.name](*values)  # type: ignore[operator]
    except Exit as error:
        return error.code, ()
    count = len(target.type.results)
    return 0, result if count > 1 else (result,) * count


def _initialize(instance: Instance) -> None:
    """A library of WASI wants this called first, once."""
    item = instance.exports[_INITIALIZE] if _INITIALIZE in instance.exports else None
    if isinstance(item, Func) and item.type == FuncType():
        item()


def _measures(instance: Instance) -> Measures:
    memory = instance.memory
    return Measures(instance.fuel_used, 0 if memory is None else memory.pages)


def _form(session: Session, code: int, results: Sequence[Any]) -> dict[str, Any]:
    if code:
        return {"error": describe(Exit(code)), **session.measures()}
    return {"results": [as_json(result) for result in results], **session.measures()}


# -- validate


@click.command("validate")
@click.argument("files", metavar="FILE...", type=SOURCE, nargs=-1, required=True)
@pass_session
def validate_command(session: Session, /, files: tuple[Source, ...]) -> None:
    """Check modules: says "valid", or what is wrong and where. Exit code 1 if any is not valid."""
    forms = [_verdict(source) for source in files]
    valid = all(form["valid"] for form in forms)
    if session.json:
        session.print_json({"valid": valid, "files": forms})
    else:
        for form in forms:
            error = form.get("error")
            say(
                f"{form['file']}: " + (f"{error['type']}: {error['message']}" if error else "valid")
            )
    if not valid:
        raise click.exceptions.Exit(FAILED)


def _verdict(source: Source) -> dict[str, Any]:
    try:
        Module(source.data, name=source.name)
    except (DecodeError, ValidationError) as error:
        return {"file": source.name, "valid": False, "error": describe(error)}
    return {"file": source.name, "valid": True}
