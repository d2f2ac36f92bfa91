"""Calls from the host into a guest: who may enter, and on whose account."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import GuestError, HostError, PywasmgkError, Trap, TrapCode
from ..interpreter.execution import Execution
from .functions import Func
from .metering import CURRENT, FRAMES_LEFT, Meter, current_meter
from .with_statement import Exit, holder_of

if TYPE_CHECKING:
    from .instance import Instance
    from .ownership import Domain

__all__ = ["Account", "Opened", "invoke", "way_in"]


class Account:
    """The account of one outermost call, as a context manager that gives its Meter.

    All calls of the thread inside it draw on it. It holds the instance for the thread. Inside
    another account it opens none of its own: the outermost one counts.
    """

    __slots__ = (
        *("__weakref__", "_around", "_budget", "_depth", "_domain", "_entered"),
        *("_instance", "_meter", "_outermost", "sound", "statement"),
    )

    def __init__(self, instance: Instance, meter: Meter | None) -> None:
        self._instance = instance
        self._meter = meter
        self._outermost = meter is not None and current_meter() is None
        self._domain: Domain | None = None
        self._entered = False
        #: no guest was left between two of its steps
        self.sound = True
        self.statement: weakref.ref[Any] | None = None

    def __enter__(self) -> Meter:
        try:
            return self._open()
        except BaseException:
            self._close()  # an interruption may come anywhere
            raise

    def _open(self) -> Meter:
        state = CURRENT.state
        if self._outermost and self._meter is not None:
            meter = self._meter
            meter.holder = holder_of(self)
            state.meter = meter
        else:
            meter = self._meter = _running()
            if meter.entries >= state.entries:
                raise Trap(TrapCode.STACK_OVERFLOW)
        self._domain = self._instance.domain.enter(meter)
        self._depth, self._budget = meter.depth, meter.budget
        if self._outermost:
            self._instance.tiers.begin(meter)
        else:
            state.host_calls_in(meter)
            self._around, meter.inner = meter.inner, holder_of(self)
        meter.entries += 1
        self._entered = True
        return meter

    def _leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        meter = self._meter
        # the innermost account knows it first
        if meter is not None and isinstance(error, GuestError) and error.fuel_used is None:
            error.fuel_used = meter.fuel_used
        self._close()

    __exit__ = Exit(_leave)

    def _close(self) -> None:
        """Undoes what was opened, the account last: while it is open, who is inside is alive."""
        meter, state = self._meter, CURRENT.state
        if self._entered and meter is not None:
            meter.depth, meter.budget = self._depth, self._budget
            meter.entries -= 1
            if not self._outermost:
                meter.inner = self._around
            else:
                self._instance.fuel_used = meter.fuel_used
                self._instance.template.follow(meter)
        if not self.sound:
            self._instance.domain.kill("an exception of the host's")
        if self._domain is not None:
            self._domain.leave()
        if self._outermost and meter is not None:
            meter.over = True
            if state.meter is meter:
                state.close()
            meter.forget()


class Opened:
    """The account of a meter for all calls of the thread inside a ``with`` block, while there is no
    instance yet; inside another account that one counts."""

    __slots__ = ("__weakref__", "_meter", "_outermost", "statement")

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._outermost = current_meter() is None
        self.statement: weakref.ref[Any] | None = None

    def __enter__(self) -> Meter:
        if self._outermost:
            self._meter.holder = holder_of(self)
            CURRENT.state.meter = self._meter
        return _running()

    def _leave(self, *exc: object) -> None:
        if self._outermost:
            self._meter.over = True
            CURRENT.state.close()
            self._meter.forget()

    __exit__ = Exit(_leave)


def _running() -> Meter:
    meter = current_meter()
    if meter is None:
        raise RuntimeError("no account is open in this thread")
    return meter


def invoke(func: Func, args: Sequence[Any]) -> Sequence[Any]:
    """Calls a function of an instance, with engine values, on the running account or its own."""
    instance = func.instance
    if instance is None:
        raise HostError(f"{func!r} is no function of a module")
    outer = current_meter()
    account = instance.account()
    with account as meter:
        if outer is not None:
            # the host's time is not in the fuel: the next test point looks at the clock
            meter.resume()
        account.sound = False
        try:
            if func.compiled and meter.budget >= FRAMES_LEFT:
                results = instance.tiers.binding.enter(func.index, meter, args)
            elif func.ready is None and instance.tiers.resolve(func, meter) is None:
                # in two steps, since every Python frame counts when hosts call back in
                instance.tiers.look(meter)
                results = instance.tiers.binding.enter(func.index, meter, args)
            else:
                results = Execution(func, args).run(meter)
        except BaseException as error:
            account.sound = error is meter.told or isinstance(error, PywasmgkError)
            if not account.sound:
                instance.domain.kill(type(error).__name__)
            raise
        account.sound = True
        # results go to the host: a test point
        if meter.left < 0:
            meter.refill(meter.left)
        return results


def way_in(func: Func) -> Callable[..., Any] | None:
    """The shortest way into a compiled function, if it has one."""
    from .entry_stub import entrance

    return entrance(func, invoke)
