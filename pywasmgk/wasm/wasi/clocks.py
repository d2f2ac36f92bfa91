"""clock_*, random_get and sched_yield."""

from __future__ import annotations

from ..functions import Caller
from ..values import u32, u64
from .context import MOST_BYTES, Errno, Refused, WasiContext, memory_of

__all__ = ["clock_res_get", "clock_time_get", "random_get", "read_clock", "sched_yield"]

_REALTIME, _MONOTONIC = 0, 1
#: nanoseconds: the clocks of common systems are no coarser
_RESOLUTION = 1000


def read_clock(wasi: WasiContext, clock: int) -> int:
    """Nanoseconds of a clock; those of processor time do not exist."""
    if clock == _REALTIME:
        return wasi.config.realtime()
    if clock == _MONOTONIC:
        return wasi.config.monotonic()
    raise Refused(Errno.INVAL)


def clock_res_get(wasi: WasiContext, caller: Caller, clock: u32, result: u32) -> None:
    """The resolution of a clock in nanoseconds."""
    read_clock(wasi, clock)
    memory_of(caller).write_u64(result, _RESOLUTION)


def clock_time_get(
    wasi: WasiContext, caller: Caller, clock: u32, precision: u64, result: u32
) -> None:
    """A clock's time in nanoseconds."""
    memory_of(caller).write_u64(result, read_clock(wasi, clock) & 0xFFFFFFFFFFFFFFFF)


def random_get(wasi: WasiContext, caller: Caller, buffer: u32, size: u32) -> None:
    """Fills a buffer with random bytes, a part at a time so that a deadline is met."""
    memory = memory_of(caller)
    if buffer + size > len(memory):
        raise Refused(Errno.FAULT)
    for done in range(0, size, MOST_BYTES // 16):
        part = min(size - done, MOST_BYTES // 16)
        memory.write(buffer + done, wasi.config.random(part))
        caller.meter.check()


def sched_yield(wasi: WasiContext, caller: Caller) -> None:
    """Nothing else wants to run."""
