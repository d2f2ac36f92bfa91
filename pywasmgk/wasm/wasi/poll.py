"""poll_oneoff: sleeping, and waiting for the standard streams."""

from __future__ import annotations

from typing import NamedTuple

from ..functions import Caller
from ..values import u32
from .clocks import read_clock
from .context import MOST_VECTORS, Errno, Refused, WasiContext, memory_of

__all__ = ["poll_oneoff"]

_SUBSCRIPTION, _EVENT = 48, 32
_CLOCK, _FD_READ, _FD_WRITE = 0, 1, 2
_ABSOLUTE = 1


class Event(NamedTuple):
    """What has happened to a subscription."""

    userdata: int
    errno: int
    kind: int


class Alarm(NamedTuple):
    """A subscription to a clock."""

    userdata: int
    seconds: float


def poll_oneoff(
    wasi: WasiContext, caller: Caller, subscriptions: u32, events: u32, count: u32, result: u32
) -> None:
    """Waits for the first of some events. A sleep ends with the call's deadline."""
    memory = memory_of(caller)
    if not 0 < count <= MOST_VECTORS:
        raise Refused(Errno.INVAL)
    if events + _EVENT * count > len(memory) or result + 4 > len(memory):
        raise Refused(Errno.FAULT)
    ready: list[Event] = []
    alarms: list[Alarm] = []
    for place in range(subscriptions, subscriptions + _SUBSCRIPTION * count, _SUBSCRIPTION):
        _subscribe(wasi, memory.read(place, _SUBSCRIPTION), ready, alarms)
    if not ready and alarms:
        first = min(alarm.seconds for alarm in alarms)
        caller.meter.sleep(first)
        ready = [Event(alarm.userdata, 0, _CLOCK) for alarm in alarms if alarm.seconds <= first]
    for number, event in enumerate(ready):
        place = events + _EVENT * number
        memory.write(place, bytes(_EVENT))
        memory.write_u64(place, event.userdata)
        memory.write_u16(place + 8, event.errno)
        memory.write_u8(place + 10, event.kind)
    memory.write_u32(result, len(ready))


def _subscribe(wasi: WasiContext, raw: bytes, ready: list[Event], alarms: list[Alarm]) -> None:
    userdata, kind = int.from_bytes(raw[:8], "little"), raw[8]
    if kind == _CLOCK:
        clock = int.from_bytes(raw[16:20], "little")
        timeout = int.from_bytes(raw[24:32], "little")
        absolute = int.from_bytes(raw[40:42], "little") & _ABSOLUTE
        try:
            passed = read_clock(wasi, clock) if absolute else 0
        except Refused as error:
            ready.append(Event(userdata, error.errno, kind))
        else:
            alarms.append(Alarm(userdata, max(timeout - passed, 0) / 1e9))
    elif kind in (_FD_READ, _FD_WRITE):
        fd = int.from_bytes(raw[16:20], "little")
        fits = fd in wasi.open and (fd == 0) == (kind == _FD_READ)
        ready.append(Event(userdata, Errno.SUCCESS if fits else Errno.BADF, kind))
    else:
        raise Refused(Errno.INVAL)
