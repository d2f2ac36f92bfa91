"""proc_* and sched_yield."""

from __future__ import annotations

from ...errors import Exit
from ..runtime.functions import Caller
from ..runtime.values import u32
from .abi import Errno, Refused
from .context import WasiContext


def proc_exit(wasi: WasiContext, caller: Caller, code: u32) -> None:
    """Ends the guest: raises Exit through it."""
    raise Exit(code)


def proc_raise(wasi: WasiContext, caller: Caller, signal: u32) -> None:
    """There are no signals."""
    raise Refused(Errno.NOSYS)


def sched_yield(wasi: WasiContext, caller: Caller) -> None:
    """Nothing else wants to run."""
