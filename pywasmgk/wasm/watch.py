"""Ends work in time where no instructions are counted: decoding, validation, instantiation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from ..errors import Cancelled, DeadlineExceeded

if TYPE_CHECKING:
    from .runtime.metering import CancelToken

__all__ = ["Look", "Watch", "each", "never", "on_account", "parts", "rarely"]

_T = TypeVar("_T")
#: called now and then with a place in the file, if there is one; may raise to end the work
Look = Callable[[int | None], None]
#: items between two looks; the dearest take some 20 us each
_OFTEN = 512
#: seconds that are left when none are: nothing would be no limit
_MOMENT = 1e-9


def never(at: int | None) -> None:
    """A look of somebody who does not want to end the work."""


def on_account(at: int | None) -> None:
    """The look of what is done for the call that runs in this thread, if there is one: it ends
    with the call, which is told of it."""
    # who loads a module needs no accounts
    from .runtime.metering import CURRENT

    meter = CURRENT.state.meter
    if meter is not None:
        meter.look()


#: items that take less than a microsecond each, between two looks
_AT_ONCE = 1 << 13


def parts(items: Sequence[_T], look: Look) -> Iterator[tuple[int, Sequence[_T]]]:
    """The items in parts, each with the place where it begins, and a look before each but the
    first: for what must not cost more for that."""
    if len(items) <= _AT_ONCE:
        yield 0, items
        return
    for first in range(0, len(items), _AT_ONCE):
        look(None)
        yield first, items[first : first + _AT_ONCE]


def each(items: Iterable[_T], look: Look, at: int | None = None) -> Iterator[_T]:
    """The items, with a look now and then."""
    for number, item in enumerate(items):
        if not number % _OFTEN:
            look(at)
        yield item


def rarely(items: Iterable[_T], look: Look) -> Iterator[_T]:
    """The items, with a look now and then but none before the first ones: for work that is short,
    as a rule, and done often."""
    for number, item in enumerate(items, 1):
        if not number % _OFTEN:
            look(None)
        yield item


class Watch:
    """The time that loading may take, and who may end it. It has begun."""

    def __init__(
        self,
        timeout: float | None = None,
        cancel: CancelToken | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout = timeout if timeout is not None and timeout > 0 else None
        self.cancel = cancel
        self.clock = clock
        #: by the clock
        self.began = clock()

    def left(self) -> float | None:
        """Seconds that are left, more than nothing; ``None`` is no limit."""
        if self.timeout is None:
            return None
        return max(self.timeout - (self.clock() - self.began), _MOMENT)

    def look(self, at: int | None = None) -> None:
        """Raises Cancelled or DeadlineExceeded if it is time to, with the place in the file."""
        where = "" if at is None else f" at offset {at:#x}"
        if self.cancel is not None and self.cancel.cancelled:
            spent = self.clock() - self.began
            raise Cancelled(f"cancelled while loading{where}, after {spent:.3f} s")
        if self.timeout is not None and self.clock() - self.began >= self.timeout:
            raise DeadlineExceeded(f"gave up loading after {self.timeout:.6g} s{where}")
