"""clock_*."""

from __future__ import annotations

from ..runtime.functions import Caller
from ..runtime.values import u32, u64
from .abi import Errno, Refused
from .context import WasiContext, memory_of

_REALTIME, _MONOTONIC = 0, 1
_U64 = (1 << 64) - 1


def read_clock(wasi: WasiContext, clock: int) -> int:
    """Nanoseconds of a clock; those of processor time do not exist."""
    if clock == _REALTIME:
        return wasi.config.clocks.realtime()
    if clock == _MONOTONIC:
        return wasi.config.clocks.monotonic()
    raise Refused(Errno.INVAL)


def clock_res_get(wasi: WasiContext, caller: Caller, clock: u32, result: u32) -> None:
    """The resolution of a clock in nanoseconds."""
    if clock not in (_REALTIME, _MONOTONIC):
        raise Refused(Errno.INVAL)
    memory_of(caller).write_u64(result, wasi.config.clocks.resolution)


def clock_time_get(
    wasi: WasiContext, caller: Caller, clock: u32, precision: u64, result: u32
) -> None:
    """A clock's time in nanoseconds."""
    memory_of(caller).write_u64(result, read_clock(wasi, clock) & _U64)
