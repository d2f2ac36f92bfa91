"""A task in a worker: prepared once, then done for each input, every time as if for the first."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..error_forms import engine_error, error_form
from ..errors import (
    BatchError,
    CallTimeout,
    DeadlineExceeded,
    DecodeError,
    Exit,
    GuestError,
    LinkError,
    ManifestError,
    OutOfFuel,
    PluginError,
    PywasmgkError,
    ValidationError,
)
from ..plugin import MISSING, MemoryHost, Plugin
from ..plugin.recipe import PluginRecipe
from ..printable import printable
from ..wasm.module import Module
from ..wasm.runtime.functions import Func
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.wasi import MODULE, MemoryDirectory, Quotas, WasiConfig
from ..wasm.wasi.run import begin_library, start_of
from .results import Result, Verdict
from .tasks import Call, Limits, PluginCall, Program, Run, Task

__all__ = ["Runner", "runner_of"]

_MOST_FRAMES, _LONGEST_MESSAGE = 50, 4000


class _Kept:
    """An output of which so many bytes are kept."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.data = bytearray()
        self.truncated = False

    def __call__(self, data: bytes) -> None:
        room = self._most - len(self.data)
        self.data += data[:room]
        self.truncated |= len(data) > room


class _Measures:
    """What is known of a run while it goes on."""

    def __init__(self, limits: Limits) -> None:
        self.out, self.err = _Kept(limits.output), _Kept(limits.output)
        self.fuel = self.pages = 0
        #: what of memory was refused to it
        self.refused = ""


class Runner:
    """A task that is ready. :meth:`run` never raises but KeyboardInterrupt."""

    def __init__(self, task: Task) -> None:
        self._limits = task.limits
        self._task = task

    def run(self, given: Any) -> Result:
        """Does it for one input."""
        measures, began = _Measures(self._limits), time.perf_counter()
        value: Any = None
        verdict, message = Verdict.OK, ""
        frames: tuple[dict[str, Any], ...] = ()
        try:
            value = self._run(given, measures)
        except Exit as error:
            value, verdict = error.code, Verdict.EXIT if error.code else Verdict.OK
        except (PywasmgkError, TypeError, ValueError, OverflowError, OSError) as error:
            verdict = _verdict(error, measures.refused)
            form = error_form(error)
            message, frames = (
                form["message"][:_LONGEST_MESSAGE],
                tuple(form["frames"][:_MOST_FRAMES]),
            )
        return Result(
            value,
            verdict,
            message,
            measures.fuel,
            measures.pages,
            bytes(measures.out.data),
            bytes(measures.err.data),
            measures.out.truncated or measures.err.truncated,
            frames,
            time.perf_counter() - began,
            f"{os.getpid()}/{threading.get_native_id()}",
        )

    def _run(self, given: Any, measures: _Measures) -> Any:
        raise NotImplementedError


def runner_of(task: Task) -> Runner:
    """What does a task; its module is decoded and validated. What is wrong with it is every
    result's."""
    kinds: dict[type[Any], type[Runner]] = {
        Call: _CallRunner, PluginCall: _PluginRunner, Program: _ProgramRunner,
    }  # fmt: skip
    try:
        return kinds[type(task)](task)
    except (PywasmgkError, TypeError, ValueError) as error:
        return _Failed(task, error)


class _Failed(Runner):
    """A task that cannot be made ready."""

    def __init__(self, task: Task, error: Exception) -> None:
        super().__init__(task)
        self._error = error

    def _run(self, given: Any, measures: _Measures) -> Any:
        raise self._error


def _verdict(error: BaseException, refused: str) -> Verdict:
    engine = engine_error(error) or error
    if isinstance(engine, OutOfFuel):
        return Verdict.FUEL
    if isinstance(engine, DeadlineExceeded) or isinstance(error, CallTimeout):
        return Verdict.TIMEOUT
    if refused and isinstance(engine, GuestError):
        return Verdict.MEMORY
    if isinstance(engine, GuestError):
        return Verdict.TRAP
    refusals = (DecodeError, ValidationError, LinkError, ManifestError, BatchError)
    if isinstance(engine, refusals) or isinstance(error, (TypeError, ValueError, OverflowError)):
        return Verdict.REFUSED
    return Verdict.ERROR


# -- modules


class _ModuleRunner(Runner):
    """Runs instances of one module."""

    def __init__(self, task: Call | Program) -> None:
        super().__init__(task)
        self._module = Module(task.module, cache_dir=task.cache_dir)
        self._imports_wasi = any(item.module == MODULE for item in self._module.imports)

    def _options(self) -> dict[str, Any]:
        limits = self._limits
        return {
            "memory_limit": limits.pages,
            "fuel": limits.fuel,
            "timeout": limits.timeout,
            "cache_dir": self._task.cache_dir,
        }

    def _wasi(self, measures: _Measures, run: Run) -> WasiConfig:
        preopens = {}
        if isinstance(self._task, Program):
            preopens["/"] = MemoryDirectory.of_files(self._task.files)
        return WasiConfig(
            args=("program", *run.args),
            env=dict(run.env),
            stdin=run.stdin,
            stdout=measures.out,
            stderr=measures.err,
            preopens=preopens,
            quotas=Quotas(written=self._limits.output),
        )

    @contextmanager
    def _account(self, instance: Instance, measures: _Measures) -> Iterator[None]:
        """One account for all that a task does in an instance."""
        memory = instance.first_memory
        with instance.account() as meter:
            try:
                yield
            finally:
                measures.fuel = meter.fuel_used
                measures.pages = 0 if memory is None else memory.pages
                measures.refused = meter.refused or ""


class _CallRunner(_ModuleRunner):
    """Calls an export of a fresh instance: taking a used one back costs as much as a new one, whose
    code is compiled already."""

    def __init__(self, task: Call) -> None:
        super().__init__(task)
        self._export = task.export

    def _run(self, given: Any, measures: _Measures) -> Any:
        args = tuple(given) if isinstance(given, (tuple, list)) else (given,)
        wasi = self._wasi(measures, Run()) if self._imports_wasi else None
        instance = instantiate(self._module, wasi=wasi, run_start=False, **self._options())
        with self._account(instance, measures):
            begin_library(instance)
            func = instance.exports.get(self._export)
            if not isinstance(func, Func):
                raise LinkError(f"it exports no function {printable(self._export)!r}")
            return func(*args)


class _ProgramRunner(_ModuleRunner):
    """Runs a program."""

    def _run(self, given: Any, measures: _Measures) -> Any:
        wasi = self._wasi(measures, Run.of(given))
        instance = instantiate(self._module, wasi=wasi, run_start=False, **self._options())
        with self._account(instance, measures):
            instance.begin()
            start_of(instance)()
        return 0


# -- plugins


class _PluginRunner(Runner):
    """Calls a plugin that nobody has called: each begins from the first one's snapshot, if it can
    be taken, with a host of its own."""

    def __init__(self, task: PluginCall) -> None:
        super().__init__(task)
        recipe = task.plugin
        self._recipe = recipe if isinstance(recipe, PluginRecipe) else PluginRecipe.of(recipe)
        self._function = task.function
        self._snapshot = self._recipe.options.snapshot
        features = self._recipe.options.features
        self._module = Module(self._recipe.data, features=features, cache_dir=task.cache_dir)

    def _run(self, given: Any, measures: _Measures) -> Any:
        if isinstance(given, tuple) and len(given) <= 1:
            given = given[0] if given else MISSING
        plugin = self._loaded(measures)
        with plugin:
            if self._recipe.host is None:
                plugin.init(MemoryHost())
            try:
                return plugin.call(self._function, given)
            finally:
                last = plugin.last_call
                if last is not None:
                    measures.fuel, measures.pages = last.fuel, last.pages

    def _loaded(self, measures: _Measures) -> Plugin:
        limits = dataclasses.replace(
            self._recipe.options.limits,
            memory_limit=self._limits.pages,
            fuel=self._limits.fuel,
            timeout=self._limits.timeout,
        )
        loaded = self._recipe.load(
            module=self._module,
            limits=limits,
            cache_dir=self._task.cache_dir,
            stdout=measures.out,
            stderr=measures.err,
            snapshot=self._snapshot,
        )
        if self._snapshot is None:
            try:
                self._snapshot = loaded.snapshot()
            except PluginError:
                pass  # it holds what cannot be written: it starts each time
        return loaded
