"""The account of an execution that is held: entered for each slice, left between."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ...errors import Busy, HostError, InstanceDead
from ..runtime.metering import CURRENT, Meter, current_meter
from ..runtime.with_statement import Exit, holder_of

if TYPE_CHECKING:
    from ..runtime.instance import Instance

__all__ = ["Hold", "require_no_call"]


class Hold:
    """Keeps an instance, and those that it is linked with, for one execution, until it is closed or
    gone. ``with hold as meter`` is a slice: time counts and guests may run in this thread.

    Raises Busy where somebody else is inside, InstanceDead, and HostError inside a running call.
    """

    def __init__(self, instance: Instance, meter: Meter) -> None:
        self.closed = False
        self.meter = meter
        self._instance = instance
        #: the slice that runs, under 0. As with domains, ``setdefault`` takes the place and says
        #: whose it is in one step, whatever comes between two
        self._slices: dict[int, weakref.ref[Any]] = {}
        self.statement: weakref.ref[Any] | None = None
        require_no_call()
        self._domain = instance.domain.enter(meter)
        meter.holder = weakref.ref(self)
        # it may have paid for something before
        meter.over = False
        meter.pause()

    def require_open(self) -> None:
        """Raises HostError once it is closed: the instance may be somebody else's."""
        if self.closed:
            raise HostError("the execution is closed")

    def __enter__(self) -> Meter:
        self.require_open()
        require_no_call()
        mine = holder_of(self)
        running = self._slices.setdefault(0, mine)
        if running is not mine:
            if running() is not None:
                raise Busy("another thread is stepping this execution")
            self.close()
            raise InstanceDead(self._instance.domain.root().dead or "it was interrupted")
        meter, state = self.meter, CURRENT.state
        meter.holder = mine
        meter.go_on()
        meter.budget = state.frames
        meter.entries = 1
        state.meter = meter
        self._instance.tiers.begin(meter)
        return meter

    def _leave(self, *exc: object) -> None:
        self.meter.pause()
        self.meter.entries = 0
        self.meter.holder = weakref.ref(self)
        CURRENT.state.close()
        self._slices.clear()

    __exit__ = Exit(_leave)

    def close(self) -> None:
        """Gives the instance back; a dead one where an interruption came while a slice was left."""
        if not self.closed:
            self.closed = self.meter.over = True
            self._instance.fuel_used = self.meter.fuel_used
            running = self._slices.get(0)
            if running is not None and running() is None:
                self._instance.domain.kill("an exception of the host's")
            if self._domain is not None:
                self._domain.root().leave()

    def __del__(self) -> None:
        if hasattr(self, "_domain"):
            self.close()


def require_no_call() -> None:
    """Raises HostError inside a call of this thread."""
    if current_meter() is not None:
        raise HostError("an execution cannot be held inside a call: this thread runs a guest")
