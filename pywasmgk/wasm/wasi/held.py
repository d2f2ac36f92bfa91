"""WASI commands that are held: stepped, taken back, recorded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import Exit
from ...tracebacks import hidden, shortened
from ..module import Module
from ..runtime.defaults import DEFAULT_COMMAND_MEMORY, OWN
from ..runtime.functions import Func
from ..runtime.instance import instantiate
from ..runtime.metering import CancelToken, Meter
from ..stepping.execution import DEFAULT_HISTORY, Execution
from .config import Preopen, Sink, Source, WasiConfig
from .overlay import Source as Directory
from .run import CAPTURE, CompletedRun, Program, prepared, start_of

__all__ = ["HeldRun", "start_wasi"]

__tracebackhide__ = hidden


class HeldRun(Execution):
    """A WASI command that is held before its first instruction. Made by :func:`start_wasi`.

    Its files are closed with it. What it has written stays written when it goes back: the host is
    not called again there.
    """

    def __init__(
        self, func: Func, meter: Meter, program: Program, history: int | None, defer: Sequence[str]
    ) -> None:
        self._program = program
        super().__init__(func, (), meter, history, defer=defer)

    @property
    def stdout(self) -> bytes:
        """What it has written, unless that goes elsewhere."""
        return bytes(self._program.out.data)

    @property
    def stderr(self) -> bytes:
        """What it has written as errors, unless that goes elsewhere."""
        return bytes(self._program.err.data)

    @property
    def exit_code(self) -> int | None:
        """How it ended: 0 where it said nothing, ``None`` before its end and where it trapped."""
        if isinstance(self.trap, Exit):
            return self.trap.code
        return 0 if self.done and self.trap is None else None

    def finish(self) -> CompletedRun:
        """Goes on to the end, whatever would stop it, closes it, and gives what ``run_wasi``
        would; raises what that would, and HostError where a call of the host is pending."""
        try:
            super().finish()
        except Exit as error:
            code = error.code
        else:
            code = 0
        memories = self.instance.memories
        pages = memories[0].pages if memories else 0
        seconds = self.meter.seconds_paused()
        return CompletedRun(code, self.stdout, self.stderr, self.fuel_used, seconds, pages)

    def close(self) -> None:
        """Gives the instance back, wherever the command is, and closes its files."""
        super().close()
        self._program.wasi.close_all()


@shortened
def start_wasi(
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
    cache_dir: str | os.PathLike[str] | None = None,
    history: int | None = DEFAULT_HISTORY,
    defer: Sequence[str] = (),
) -> HeldRun:
    """Begins a WASI command that is held before its first instruction, as ``Instance.start`` does a
    call: ``history`` and ``defer`` are as there, everything else is as for ``run_wasi``.

    Raises LinkError for a module that is no command.
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
    try:
        instance = instantiate(
            program.module,
            program.imports,
            memory_limit=memory_limit,
            fuel=fuel,
            timeout=timeout,
            cancel=cancel,
            engine=OWN,
            cache_dir=cache_dir,
        )
        return HeldRun(start_of(instance), instance.meter(cancel=cancel), program, history, defer)
    except BaseException:
        program.wasi.close_all()
        raise
