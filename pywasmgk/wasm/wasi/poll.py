"""poll_oneoff: sleeping, and waiting for the standard streams."""

from __future__ import annotations

import struct
import time
from typing import NamedTuple

from ..runtime.functions import Caller
from ..runtime.values import u32
from .abi import Errno, Refused, Rights
from .clocks import read_clock
from .context import MOST_VECTORS, Descriptor, WasiContext, memory_of, require_memory
from .streams import Input, ready_inputs
from .vfs import File

_CLOCK, _FD_READ, _FD_WRITE = 0, 1, 2
_ABSOLUTE = 1
#: userdata, tag; then either clock, timeout, precision, flags, or a descriptor
_SUBSCRIPTION = struct.Struct("<QB7xI4xQQH6x")
#: userdata, error, type; bytes that are there, flags
_EVENT = struct.Struct("<QHB5xQH6x")
#: seconds between two looks at the account while waiting for input
_LOOK_EVERY = 0.05


class Event(NamedTuple):
    """What has happened to a subscription."""

    userdata: int
    errno: int
    kind: int
    nbytes: int = 0


class Alarm(NamedTuple):
    """A subscription to a clock, and after how many nanoseconds it is due."""

    userdata: int
    delay: int


class Waiting(NamedTuple):
    """A subscription to an input that may not have anything yet."""

    userdata: int
    source: Input


def poll_oneoff(
    wasi: WasiContext, caller: Caller, subscriptions: u32, events: u32, count: u32, result: u32
) -> None:
    """Waits for the first of some events. Waiting ends with the call's deadline."""
    memory = memory_of(caller)
    if not 0 < count <= MOST_VECTORS:
        raise Refused(Errno.INVAL)
    size = _SUBSCRIPTION.size
    require_memory(memory, subscriptions, size * count)
    require_memory(memory, events, _EVENT.size * count)
    require_memory(memory, result, 4)
    wanted = _Wanted(wasi)
    for place in range(subscriptions, subscriptions + size * count, size):
        wanted.subscribe(*_SUBSCRIPTION.unpack(memory.read(place, size)))
    ready = wanted.wait(caller)
    for number, event in enumerate(ready):
        memory.write(events + _EVENT.size * number, _EVENT.pack(*event, 0))
    memory.write_u32(result, len(ready))


class _Wanted:
    """What one call subscribes to, sorted by whether it must be waited for."""

    def __init__(self, wasi: WasiContext) -> None:
        self._wasi = wasi
        self._ready: list[Event] = []
        self._alarms: list[Alarm] = []
        self._waiting: list[Waiting] = []

    def subscribe(
        self, userdata: int, kind: int, number: int, timeout: int, precision: int, flags: int
    ) -> None:
        """Takes a subscription; one that cannot be met is an event with an error."""
        if kind not in (_CLOCK, _FD_READ, _FD_WRITE) or (kind == _CLOCK and flags & ~_ABSOLUTE):
            raise Refused(Errno.INVAL)
        try:
            if kind == _CLOCK:
                now = read_clock(self._wasi, number)
                delay = max(timeout - now, 0) if flags & _ABSOLUTE else timeout
                self._alarms.append(Alarm(userdata, delay))
            else:
                self._subscribe_fd(userdata, kind, self._wasi.get(number))
        except Refused as error:
            self._ready.append(Event(userdata, error.errno, kind))

    def _subscribe_fd(self, userdata: int, kind: int, descriptor: Descriptor) -> None:
        node = descriptor.node
        right = Rights.FD_READ if kind == _FD_READ else Rights.FD_WRITE
        if isinstance(node, Input) and kind == _FD_READ:
            self._waiting.append(Waiting(userdata, node))
            return
        if not descriptor.rights & right:
            raise Refused(Errno.BADF)
        nbytes = 0
        if isinstance(node, File) and kind == _FD_READ:
            nbytes = max(node.stat().size - descriptor.position, 0)
        self._ready.append(Event(userdata, Errno.SUCCESS, kind, nbytes))

    def wait(self, caller: Caller) -> list[Event]:
        """The events that are there, else the first that come."""
        ready = self._ready + self._inputs(0)
        if ready:
            return ready
        if not self._waiting:
            return self._sleep(caller)
        until = None
        if self._alarms:
            until = time.monotonic() + min(alarm.delay for alarm in self._alarms) / 1e9
        while True:
            left = _LOOK_EVERY if until is None else min(until - time.monotonic(), _LOOK_EVERY)
            ready = self._inputs(max(left, 0))
            caller.meter.check()
            if ready:
                return ready
            if until is not None and time.monotonic() >= until:
                return self._due()

    def _inputs(self, seconds: float) -> list[Event]:
        """Those of the inputs that have something; waits at most so long, for all of them at
        once."""
        ready = ready_inputs({source for _, source in self._waiting}, seconds)
        return [
            Event(userdata, Errno.SUCCESS, _FD_READ, source.buffered)
            for userdata, source in self._waiting
            if source in ready
        ]

    def _sleep(self, caller: Caller) -> list[Event]:
        delay = min(alarm.delay for alarm in self._alarms)
        sleep = self._wasi.config.clocks.sleep
        if sleep is None:
            caller.meter.sleep(delay / 1e9)
        else:
            sleep(delay)
            caller.meter.check()
        return self._due()

    def _due(self) -> list[Event]:
        first = min(alarm.delay for alarm in self._alarms)
        due = (alarm for alarm in self._alarms if alarm.delay <= first)
        return [Event(alarm.userdata, Errno.SUCCESS, _CLOCK) for alarm in due]
