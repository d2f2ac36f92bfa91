"""One test's call or run, within its limits, in a fresh instance: what it did, or how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from ..error_forms import engine_error
from ..errors import (
    CallError,
    DeadlineExceeded,
    DecodeError,
    Exit,
    GuestError,
    HostError,
    LinkError,
    OutOfFuel,
    PluginError,
    Stopped,
    ValidationError,
    near_miss,
)
from ..plugin.receipts import Conditions, ReceiptPolicy
from ..printable import printable
from ..wasm.dwarf import DebugLines
from ..wasm.module import Module
from ..wasm.runtime.functions import Func
from ..wasm.runtime.globals import Global
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.metering import Meter
from ..wasm.types import FuncType
from ..wasm.wasi import MemoryDirectory, Quotas, WasiConfig
from ..wasm.wasi.run import begin_library
from .comparing import as_value, size_of
from .outcome import Outcome
from .sources import Failed
from .specification import UNSET, Call, Limits, MemoryView, PluginCall, Run, Test
from .verdicts import Verdict

__all__ = ["perform", "run_program", "seed_of"]

#: 2022-01-01 00:00 UTC, and what clocks gain at each reading, in nanoseconds
_START, _STEP = 1_640_995_200, 1_000_000
#: what a program may do to the files in its folder
_WRITTEN, _NAMES, _OPEN = 16 << 20, 1_000, 100
#: seconds for finding the lines of a source
_LINES = 60.0
#: the folder in which a program begins
_ROOT = "/"


class _Flood(Exception):
    """More output than a test may have."""


class _Collected:
    """Output up to a limit."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self.data = bytearray()

    def __call__(self, data: bytes) -> None:
        self.data += data[: self._most - len(self.data) + 1]
        if len(self.data) > self._most:
            raise _Flood(f"more than {self._most:,} bytes to {self._name}")


def perform(module: Module, test: Test, limits: Limits, seed: bytes, outcome: Outcome) -> None:
    """Does what a test says, and notes it in ``outcome`` as far as it comes. Raises Failed."""
    if test.plugin is not None:
        _call_plugin(module, test.plugin, limits, seed, outcome)
        return
    _require_pages(module, limits)
    if test.call is not None:
        _call(module, test.call, test.memory, limits, seed, outcome)
    elif test.run is not None:
        run_program(module, test.run, test.memory, limits, seed, outcome)


def _require_pages(module: Module, limits: Limits) -> None:
    """A memory that begins over the limit is over it, however little of it would be used."""
    most = limits.pages or 0
    for memory in module.memories:
        if memory.limits.min > most:
            about = f"its memory has {memory.limits.min:,} pages, and {most:,} are allowed"
            raise Failed(Verdict.MLE, about)


# -- calls and programs


def _call(
    module: Module,
    call: Call,
    views: tuple[MemoryView, ...],
    limits: Limits,
    seed: bytes,
    outcome: Outcome,
) -> None:
    out, err = _outputs(limits)
    config = _config(Run(), seed, out, err)
    with _instance(module, config, limits, outcome) as (instance, _):
        begin_library(instance)
        func, args = _function(instance, call)
        found = func(*args)
        count = len(func.type.results)
        outcome.results = tuple(found) if count > 1 else (found,) * count
        _note_memory(instance, views, outcome)
    outcome.stdout, outcome.stderr = bytes(out.data), bytes(err.data)


def _function(instance: Instance, call: Call) -> tuple[Func, list[Any]]:
    """An exported function, and its arguments. Raises Failed where it is not as a test needs it."""
    item = instance.exports.get(call.export)
    if not isinstance(item, Func):
        names = [name for name, found in instance.exports.items() if isinstance(found, Func)]
        hint = near_miss(call.export, names)
        raise Failed(Verdict.CE, f"it exports no function {call.export!r}{hint}")
    kinds, results = item.type.params, item.type.results
    count = None if call.results is None else len(call.results)
    if len(kinds) != len(call.args) or (count is not None and count != len(results)):
        wanted = f"{len(call.args)} parameters" + ("" if count is None else f", {count} results")
        raise Failed(Verdict.CE, f"{call.export!r} is {item.type}, expected {wanted}")
    try:
        for kind, value in zip(results, call.results or ()):
            as_value(kind, value)
        return item, [as_value(kind, value) for kind, value in zip(kinds, call.args)]
    except (TypeError, ValueError, OverflowError) as error:
        raise Failed(
            Verdict.CE, f"{call.export!r} has other types than expected: {item.type}", str(error)
        ) from error


def run_program(
    module: Module,
    run: Run,
    views: tuple[MemoryView, ...],
    limits: Limits,
    seed: bytes,
    outcome: Outcome,
) -> None:
    """Runs a program. Raises Failed."""
    out, err = _outputs(limits)
    # neither the time nor what this process has run before
    files = {path: text.encode("utf-8", "surrogatepass") for path, text in run.files.items()}
    folder = MemoryDirectory.of_files(files, clock=lambda: _START * 10**9, device=1)
    config = _config(run, seed, out, err, folder)
    try:
        with _instance(module, config, limits, outcome) as (instance, _):
            start = instance.exports.get("_start")
            if not isinstance(start, Func) or start.type != FuncType():
                raise Failed(Verdict.CE, "it is no program: it exports no function '_start'")
            instance.begin()
            outcome.exit_code = 0
            try:
                start()
            except Exit as error:
                outcome.exit_code = error.code
            _note_memory(instance, views, outcome)
    finally:
        outcome.stdout, outcome.stderr = bytes(out.data), bytes(err.data)
    outcome.files = {path: folder.read(path) for path in run.written if path in folder.files()}


def _outputs(limits: Limits) -> tuple[_Collected, _Collected]:
    most = limits.output or 0
    return _Collected("standard output", most), _Collected("standard error", most)


def _config(
    run: Run,
    seed: bytes,
    out: _Collected,
    err: _Collected,
    folder: MemoryDirectory | None = None,
) -> WasiConfig:
    """The world of a program, the same at every run."""
    conditions = Conditions(seed, _START, _STEP)
    return WasiConfig(
        args=("program", *run.args),
        env=run.env,
        stdin=run.stdin.encode("utf-8", "surrogatepass"),
        stdout=out,
        stderr=err,
        preopens={} if folder is None else {_ROOT: folder},
        clocks=conditions.clocks(),
        random=conditions.random(),
        quotas=Quotas(open_files=_OPEN, written=_WRITTEN, entries=_NAMES),
    )


@contextmanager
def _instance(
    module: Module, config: WasiConfig, limits: Limits, outcome: Outcome
) -> Iterator[tuple[Instance, Meter]]:
    """A fresh instance whose start function has not run, on one account for all that follows.
    Raises Failed, whatever happens in it."""
    meter: Meter | None = None
    instance: Instance | None = None
    with _verdicts(lambda: meter.refused if meter else ""):
        try:
            instance = instantiate(
                module,
                wasi=config,
                memory_limit=limits.pages or 0,
                depth_limit=limits.depth or 0,
                fuel=limits.fuel,
                timeout=limits.seconds,
                cache_dir="",
                run_start=False,
            )
            with instance.account() as meter:
                yield instance, meter
        finally:
            if meter is not None and instance is not None:
                memory = instance.first_memory
                outcome.fuel = meter.fuel_used
                outcome.pages = 0 if memory is None else memory.pages
                outcome.refused = meter.refused or ""


def _note_memory(instance: Instance, views: tuple[MemoryView, ...], outcome: Outcome) -> None:
    for view in views:
        address, size = _address(instance, view.at), size_of(view)
        memory = instance.first_memory
        if memory is None:
            raise Failed(Verdict.WA, "it has no memory")
        if address + size > len(memory):
            raise Failed(Verdict.WA, f"memory at {view.at} ends before {size} bytes")
        outcome.memory.append(memory.read(address, size))


def _address(instance: Instance, at: int | str) -> int:
    if isinstance(at, int):
        return at
    item = instance.exports.get(at)
    if not isinstance(item, Global) or not isinstance(item.value, int):
        raise Failed(Verdict.CE, f"it exports no global {at!r} with an address")
    return item.value & 0xFFFFFFFF


# -- plugins


def _call_plugin(
    module: Module, call: PluginCall, limits: Limits, seed: bytes, outcome: Outcome
) -> None:
    # only who grades plugins pays for them
    from ..plugin import MISSING, MemoryHost, load

    _require_pages(module, limits)
    out, err = _outputs(limits)
    with _verdicts(lambda: ""):
        plugin = load(
            module,
            memory_limit=limits.pages or 0,
            depth_limit=limits.depth or 0,
            fuel=limits.fuel,
            timeout=limits.seconds,
            cache_dir="",
            stdout=out,
            stderr=err,
            receipts=ReceiptPolicy(seed, _START, _STEP),
        )
        with plugin:
            plugin.init(MemoryHost(config=dict(call.config)))
            try:
                args = MISSING if call.args is UNSET else call.args
                raw = plugin.call_raw(call.function, _encoded(args))
                if raw is not None and len(raw) > (limits.output or 0):
                    raise _Flood(f"more than {limits.output:,} bytes of result")
                outcome.json = None if raw is None else plugin.decoded(call.function, raw)
            finally:
                last = plugin.last_call
                outcome.fuel, outcome.pages = (last.fuel, last.pages) if last else (0, 0)
                outcome.stdout, outcome.stderr = bytes(out.data), bytes(err.data)


def _encoded(args: Any) -> bytes | None:
    from ..plugin import MISSING
    from ..plugin.gojson import encode

    return None if args is MISSING else encode(args)


# -- how it ends


@contextmanager
def _verdicts(refused: Callable[[], str | None]) -> Iterator[None]:
    """Makes verdicts of what ends a guest."""
    try:
        yield
    except (Failed, KeyboardInterrupt):
        raise
    except _Flood as error:
        raise Failed(Verdict.OLE, str(error)) from error
    except LinkError as error:
        raise Failed(Verdict.CE, _link_text(error)) from error
    except Exit as error:
        raise Failed(Verdict.RTE, str(error)) from error
    except (PluginError, GuestError, HostError, DecodeError, ValidationError) as error:
        raise _ended(error, refused() or "") from error


def _link_text(error: LinkError) -> str:
    return f"it cannot be linked: {printable(str(error), lines=True)}"


def _ended(error: Exception, refused: str) -> Failed:
    engine = engine_error(error) or error
    for frame in engine.frames if isinstance(engine, GuestError) else ():
        if isinstance(frame.lines, DebugLines):
            # what students are told must not depend on how busy the machine is
            frame.lines.allow(_LINES)
    about = printable(str(error if engine is error else engine), lines=True)
    if isinstance(engine, OutOfFuel):
        # its own first line says how long that took
        rest = about.partition("\n")[2]
        used = f"all {engine.fuel_used or 0:,} instructions used up"
        return Failed(Verdict.TLE, f"{used}\n{rest}" if rest else used)
    if isinstance(engine, DeadlineExceeded):
        return Failed(Verdict.SE, "the grader's clock ended the test", about)
    if isinstance(engine, Stopped):
        return Failed(Verdict.SE, "the test was cancelled", about)
    if isinstance(engine, _Flood):
        return Failed(Verdict.OLE, str(engine))
    if refused and isinstance(engine, GuestError):
        return Failed(Verdict.MLE, f"{refused}\n{about}")
    if isinstance(engine, (GuestError, Exit, CallError)):
        return Failed(Verdict.RTE, about)
    if isinstance(engine, (LinkError, DecodeError, ValidationError)):
        return Failed(Verdict.CE, about)
    return Failed(Verdict.CE if isinstance(error, PluginError) else Verdict.RTE, str(error))


def seed_of(seed: str) -> bytes:
    """What random numbers are made from."""
    return sha256(seed.encode("utf-8", "surrogatepass")).digest()
