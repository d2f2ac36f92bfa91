"""The call that a line names, for the commands that carry one out: run, debug, profile, coverage,
trace."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import click

from ..compat.stubs import imports_as_traps
from ..errors import near_miss
from ..wasm.module import Module
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.linker import Imports
from ..wasm.types import FuncType
from ..wasm.wasi import MODULE, HostDirectory, WasiConfig
from ..wasm.wasi.context import WasiContext
from ..wasm.wasi.functions import functions as wasi_functions
from .options import HostChoice, Source, chosen_features, module_limits
from .output import binary_stream, say
from .session import Session
from .values import parse_arguments

__all__ = [
    "Call", "Task", "around", "begin", "begun", "core_written_to", "exported", "imports_of",
    "load", "prepare", "task_of", "write_core",
]  # fmt: skip

if TYPE_CHECKING:
    from ..wasm.coredump.dump import CoreDump

#: what a program and a library of WASI begin with
_START, _INITIALIZE = "_start", "_initialize"


class Call(NamedTuple):
    """What the line says."""

    module: Source
    export: str | None
    args: tuple[str, ...]
    env: dict[str, str]
    folders: dict[str, HostDirectory]
    stub_imports: bool
    limits: dict[str, Any]
    #: where it is the call of a plugin's function
    host: HostChoice | None = None


class Target(NamedTuple):
    """The exported function that is to run."""

    name: str
    type: FuncType


class Task(NamedTuple):
    """What is to be called."""

    module: Module
    #: ``None`` where the start function is all there is to run
    target: Target | None
    #: the words that a program gets; a function gets ``values``
    words: tuple[str, ...]
    values: list[Any]

    @property
    def is_program(self) -> bool:
        """Whether it is a program, which gets words and may print."""
        return self.target is None or self.target.name == _START


def prepare(session: Session, call: Call) -> Task:
    """Loads the module, and finds in it what is to be called."""
    return task_of(load(session, call), call.export, call.args)


def load(session: Session, call: Call) -> Module:
    """The module that a line names."""
    session.subject = call.module.name
    features = chosen_features(call.limits.pop("features"))
    cache_dir = call.limits["cache_dir"]
    source = call.module
    module = Module(source.data, name=source.name, features=features, cache_dir=cache_dir)
    module.folder = source.folder
    return module


def task_of(module: Module, export: str | None, args: tuple[str, ...]) -> Task:
    """What a module is to be asked for. Raises UsageError."""
    target = _find(module, export)
    if target is None or target.name == _START:
        return Task(module, target, args, [])
    return Task(module, target, (), parse_arguments(target.type, args, target.name))


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
    hint = near_miss(name, functions) or _misunderstanding(name, functions)
    raise click.UsageError(f"no function is exported as {name!r}{hint} (there: {there})")


def _misunderstanding(name: str, functions: Mapping[str, Target]) -> str:
    """What the line may have been meant to say."""
    if "gk_register" in functions:
        context = click.get_current_context(silent=True)
        options = {param.name for param in context.command.params} if context else set()
        here = "whose functions are called with --plugin"
        return (
            f": this is a GoatKit plugin, {here if 'of_plugin' in options else 'for pywasmgk call'}"
        )
    if _START in functions:
        return f"; a program's own arguments come after --, as in: -- {name}"
    return ""


@contextmanager
def _closing_wasi(config: WasiConfig) -> Iterator[Imports]:
    """The imports of WASI; all descriptors are closed at the end."""
    context = WasiContext(config)
    try:
        yield {MODULE: wasi_functions(context)}
    finally:
        context.close_all()


@contextmanager
def imports_of(
    task: Task, call: Call, stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO | None = None
) -> Iterator[Mapping[str, Any]]:
    """What the module imports. Its standard error is ours, unless another one is given."""
    config = WasiConfig(
        args=(call.module.name, *task.words),
        env=call.env,
        preopens=call.folders,
        stdin=stdin,
        stdout=stdout,
        stderr=binary_stream("stderr") if stderr is None else stderr,
    )
    with _closing_wasi(config) as wasi:
        yield imports_as_traps(task.module, wasi) if call.stub_imports else wasi


def begin(task: Task, imports: Imports, options: dict[str, Any]) -> tuple[Instance, Func]:
    """An instance, and the function that is to be called and was not yet. Raises UsageError where
    there is none."""
    if task.target is not None:
        instance = instantiate(task.module, imports, **options)
        return instance, exported(task, instance)
    if task.module.start is None:
        raise click.UsageError("the module has no program: say which export is to be called")
    instance = instantiate(task.module, imports, run_start=False, **options)
    return instance, instance.funcs[task.module.start]


@contextmanager
def around(
    task: Task, call: Call, stdin: Path | None, stdout: str, sink: BinaryIO | None = None
) -> Iterator[Imports]:
    """What the module imports, for commands that have standard input for themselves: a program
    reads a file, and prints to one of our streams, or all that it prints goes to a ``sink``."""
    with ExitStack() as stack:
        reader = stack.enter_context(stdin.open("rb")) if stdin else io.BytesIO()
        yield stack.enter_context(
            imports_of(task, call, reader, sink or binary_stream(stdout), sink)
        )


@contextmanager
def begun(
    task: Task, call: Call, stdin: Path | None, stdout: str, sink: BinaryIO | None = None
) -> Iterator[tuple[Instance, Func]]:
    """An instance with such imports, and the function that is to be called."""
    with around(task, call, stdin, stdout, sink) as imports:
        yield begin(task, imports, module_limits(**call.limits))


@contextmanager
def core_written_to(path: Path | None) -> Iterator[None]:
    """Writes a core dump if a guest fails inside, if somebody wants that."""
    if path is None:
        yield
        return
    # only who wants one needs it
    from ..wasm.coredump.capturing import core_on_trap

    core = core_on_trap()
    try:
        with core:
            yield
    finally:
        if core.dump is not None:
            write_core(core.dump, path)


def write_core(dump: CoreDump, path: Path) -> None:
    """Writes a core dump, and says so; what has failed is told whether that works or not."""
    try:
        path.write_bytes(dump.to_bytes())
        say(f"core dumped: {path}", err=True)
    except OSError as error:
        say(f"no core dumped: {path}: {error.strerror}", err=True)


def exported(task: Task, instance: Instance) -> Func:
    """The exported function that is to be called. A library of WASI is made ready for it."""
    if not task.is_program:
        _initialize(instance)
    name = "" if task.target is None else task.target.name
    func: Any = instance.exports[name]
    found: Func = func
    return found


def _initialize(instance: Instance) -> None:
    """A library of WASI wants this called first, once."""
    item = instance.exports[_INITIALIZE] if _INITIALIZE in instance.exports else None
    if isinstance(item, Func) and item.type == FuncType():
        item()
