"""A sandbox for tests of guests: limits by fuel, clocks and random numbers that are fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Union

from ..plugin import HostAPI, MemoryHost, Plugin, load
from ..plugin.receipts import ReceiptPolicy
from ..wasm.module import Module
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.wasi import CompletedRun, MemoryDirectory, WasiConfig, run_wasi
from .judging import Grade, grade
from .specification import DEFAULT_LIMITS, Limits, Specification
from .submissions import Submission

__all__ = ["WasmSandbox"]

#: a module: itself, its bytes, its text in WAT, or its file
Source = Union[Module, bytes, str, Path]


class WasmSandbox:
    """Runs guests so that a test passes or fails on every machine alike. What guests end by is
    raised as by the engine itself: :class:`~pywasmgk.Trap`, :class:`~pywasmgk.OutOfFuel`.

    ``limits`` are those of each call, by default those of grading: 50,000,000 instructions, 1,024
    pages, 2,000 frames.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = (limits or Limits()).over(DEFAULT_LIMITS)
        self._plugins = ExitStack()

    def __enter__(self) -> WasmSandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._plugins.close()

    def load(self, source: Source, imports: Mapping[str, Any] | None = None) -> Instance:
        """An instance, whose ``exports`` are called like functions."""
        return instantiate(
            _module(source),
            imports,
            wasi=WasiConfig.deterministic(),
            memory_limit=self.limits.pages or 0,
            depth_limit=self.limits.depth or 0,
            fuel=self.limits.fuel,
            timeout=self.limits.seconds,
            cache_dir="",
        )

    def run(
        self,
        source: Source,
        args: Sequence[str] = (),
        *,
        stdin: bytes | str = b"",
        env: Mapping[str, str] | None = None,
        files: Mapping[str, bytes | str] | MemoryDirectory | None = None,
    ) -> CompletedRun:
        """A run of a WASI program; ``files`` are what it finds in its folder ``/``."""
        folder = files if isinstance(files, MemoryDirectory) else MemoryDirectory(files or {})
        return run_wasi(
            _module(source),
            args,
            name="program",
            stdin=stdin,
            config=WasiConfig.deterministic(env=env or {}, preopens={"/": folder}),
            fuel=self.limits.fuel,
            timeout=self.limits.seconds,
            memory_limit=self.limits.pages or 0,
            cache_dir="",
        )

    def plugin(self, source: Source, host: HostAPI | None = None) -> Plugin:
        """A GoatKit plugin with a host, by default one in memory. It is shut down when the test
        ends."""
        plugin = load(
            _module(source),
            memory_limit=self.limits.pages or 0,
            depth_limit=self.limits.depth or 0,
            fuel=self.limits.fuel,
            timeout=self.limits.seconds,
            cache_dir="",
            receipts=ReceiptPolicy(b"", 1_640_995_200),
        )
        self._plugins.enter_context(plugin)
        plugin.init(MemoryHost() if host is None else host)
        return plugin

    def grade(self, specification: Specification, source: bytes | str | Path) -> Grade:
        """The grade of one submission: its file, its bytes, or its text in WAT."""
        name = source.name if isinstance(source, Path) else "submission"
        data = source.read_bytes() if isinstance(source, Path) else source
        data = data.encode() if isinstance(data, str) else data
        return grade(specification, Submission(name, {name: data}))


def _module(source: Source) -> Module:
    if isinstance(source, Module):
        return source
    if isinstance(source, Path):
        return Module.from_file(source, cache_dir="")
    return Module(source, cache_dir="")
