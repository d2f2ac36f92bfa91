"""Running a WASI command as ``subprocess.run`` runs a program."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import Exit, LinkError
from ...tracebacks import hidden, shortened
from ..module import Module
from ..runtime.defaults import DEFAULT_COMMAND_MEMORY
from ..runtime.functions import Func
from ..runtime.instance import Instance, instantiate
from ..runtime.metering import CancelToken, Meter
from ..types import FuncType
from .config import Preopen, Sink, Source, WasiConfig
from .context import WasiContext
from .functions import functions
from .overlay import Source as Directory

__all__ = [
    "CAPTURE",
    "CompletedRun",
    "Program",
    "begin_library",
    "prepared",
    "run_wasi",
    "start_of",
]

__tracebackhide__ = hidden

_MODULE = "wasi_snapshot_preview1"
#: bytes of each output that are captured
_CAPTURED = 1 << 26
#: stands for "collect it"
CAPTURE: Any = object()


@dataclass(frozen=True)
class CompletedRun:
    """What a command has done."""

    #: 0 where it returned without saying anything
    exit_code: int
    #: what it wrote, empty where it went elsewhere
    stdout: bytes
    stderr: bytes
    #: instructions
    fuel: int
    #: of wall clock, loading left out
    seconds: float
    #: pages of 64 KiB that its memory had at the end
    pages: int

    def check(self) -> CompletedRun:
        """Itself; raises Exit for another exit code than 0."""
        if self.exit_code:
            raise Exit(self.exit_code)
        return self


@shortened
def run_wasi(
    module: Module | bytes | str | os.PathLike[str],
    args: Sequence[str] | None = None,
    *,
    stdin: Source = None,
    env: Mapping[str, str] | None = None,
    preopens: Mapping[str, Directory | Preopen | str | os.PathLike[str]] | None = None,
    stdout: Sink = CAPTURE,
    stderr: Sink = CAPTURE,
    name: str | None = None,
    config: WasiConfig | None = None,
    imports: Mapping[str, Any] | None = None,
    fuel: int | None = None,
    timeout: float | None = None,
    memory_limit: int = DEFAULT_COMMAND_MEMORY,
    cancel: CancelToken | None = None,
    progress: Callable[[Meter], object] | None = None,
    engine: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
) -> CompletedRun:
    """Runs a WASI command (a module that exports ``_start``) to its end.

    ``module`` is a module, its bytes, or the path of its file. ``args`` are what follows the
    program's name, which is ``name``, that of ``config``, or the file's. Output is captured, 64 MiB
    of each stream, unless a sink is given. What is not given is as in ``config``; ``fuel``
    (instructions) and ``timeout`` (seconds) are unlimited unless given, ``memory_limit`` is in
    pages, ``cache_dir`` is as for ``instantiate``.

    Raises LinkError for a module that is no command, Trap, and OutOfFuel, DeadlineExceeded or
    Cancelled at the limits; another exit code than 0 is no exception.
    """
    program = prepared(
        module,
        args,
        {"env": env, "stdin": stdin, "preopens": preopens, "stdout": stdout, "stderr": stderr},
        name=name,
        config=config,
        imports=imports,
        cache_dir=cache_dir,
    )
    instance, code, seconds = _run(
        program,
        memory_limit=memory_limit,
        fuel=fuel,
        timeout=timeout,
        cancel=cancel,
        progress=progress,
        engine=engine,
        cache_dir=cache_dir,
    )
    pages = instance.memory.pages if instance.memories else 0
    written = bytes(program.out.data), bytes(program.err.data)
    return CompletedRun(code, *written, instance.fuel_used, seconds, pages)


class Program(NamedTuple):
    """A command that can be begun: its module, what it imports, its descriptors, and where its
    output is collected."""

    module: Module
    imports: Mapping[str, Any]
    wasi: WasiContext
    out: Capture
    err: Capture


def prepared(
    module: Module | bytes | str | os.PathLike[str],
    args: Sequence[str] | None,
    given: dict[str, Any],
    *,
    name: str | None,
    config: WasiConfig | None,
    imports: Mapping[str, Any] | None,
    cache_dir: str | os.PathLike[str] | None,
) -> Program:
    """A command from what ``run_wasi`` is given; CAPTURE among its outputs collects them. Who has
    it closes its descriptors."""
    program = loaded(module, cache_dir)
    out, err = Capture(), Capture()
    for stream, capture in (("stdout", out), ("stderr", err)):
        if given[stream] is CAPTURE:
            given[stream] = capture
    wasi = WasiContext(configured(config, program, name, args, given))
    return Program(program, {**(imports or {}), _MODULE: functions(wasi)}, wasi, out, err)


def configured(
    config: WasiConfig | None,
    module: Module,
    name: str | None,
    args: Sequence[str] | None,
    given: Mapping[str, Any],
) -> WasiConfig:
    """The configuration of a program, with what is given besides; outputs always are."""
    config = config or WasiConfig()
    first = name or (config.args[0] if config.args else module.name or "program")
    words = (first, *(config.args[1:] if args is None else args))
    outputs = ("stdout", "stderr")
    changes = {key: item for key, item in given.items() if item is not None or key in outputs}
    return replace(config, args=words, **changes)


def loaded(
    module: Module | bytes | str | os.PathLike[str], cache_dir: str | os.PathLike[str] | None
) -> Module:
    """A module that may be given as bytes or as a file."""
    if isinstance(module, (str, os.PathLike)):
        return Module.from_file(Path(module), cache_dir=cache_dir)
    return module if isinstance(module, Module) else Module(module, cache_dir=cache_dir)


def _run(program: Program, **options: Any) -> tuple[Instance, int, float]:
    """Runs a command, with options of ``instantiate``: what it ran in, its exit code, seconds."""
    try:
        instance = instantiate(program.module, program.imports, **options)
        start = start_of(instance)
        began = time.monotonic()
        code = _exit_code(start)
        return instance, code, time.monotonic() - began
    finally:
        program.wasi.close_all()


def start_of(instance: Instance) -> Func:
    """What a command begins with. Raises LinkError for a module that is none."""
    start = instance.exports.get("_start")
    if not isinstance(start, Func) or start.type != FuncType():
        raise LinkError("no WASI command: it exports no function _start without parameters")
    return start


def begin_library(instance: Instance) -> None:
    """What a library begins with, its instance made with ``run_start=False``: the start function,
    then ``_initialize``. Raises what these raise."""
    instance.begin()
    item = instance.exports.get("_initialize")
    if isinstance(item, Func) and item.type == FuncType():
        item()


class Capture:
    """Collects output, and is full at some point."""

    def __init__(self) -> None:
        self.data = bytearray()

    def __call__(self, data: bytes) -> None:
        if len(self.data) + len(data) > _CAPTURED:
            raise OSError(errno.ENOSPC, "too much output to capture")
        self.data += data


def _exit_code(start: Func) -> int:
    try:
        start()
    except Exit as error:
        return error.code
    return 0
