"""proc_*."""

from __future__ import annotations

from ...errors import Exit
from ..functions import Caller
from ..values import u32
from .context import Errno, Refused, WasiContext

__all__ = ["proc_exit", "proc_raise"]


def proc_exit(wasi: WasiContext, caller: Caller, code: u32) -> None:
    """Ends the guest: raises Exit through it."""
    raise Exit(code)


def proc_raise(wasi: WasiContext, caller: Caller, signal: u32) -> None:
    """There are no signals."""
    raise Refused(Errno.NOSYS)
