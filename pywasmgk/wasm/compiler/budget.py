"""What one compilation may take of an account's time, and of work.

Compiling is charged no fuel, so it looks at the account by itself: the passes call
:meth:`Budget.check` between blocks, a fraction of a millisecond apart. Work is counted too, in
instructions that are lowered: the sum bounds what the search for facts may take in proportion to a
function's size, whatever its shape, and does not depend on clocks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

__all__ = ["Budget", "OutOfTime", "OutOfWork", "Watched"]

_T = TypeVar("_T")

#: seconds between two looks at the account
_LOOK_EVERY = 0.01
#: instructions that may be lowered for each that a function has, and beside these: the functions of
#: compilers take 1 to 3, and kernels of nested loops up to 12
_WORK_PER_INSTRUCTION = 60
_LEAST_WORK = 20_000
#: blocks, and steps within one, between two looks at the clock: some 0.1 ms and 20 us each
_OFTEN = 16
_STEPS = 128
#: seconds that Python's own compiler takes for a character, at most (RATIONALE.md, "How long may
#: compiling take?")
_PER_CHARACTER = 1.2e-6


class OutOfTime(Exception):
    """A compilation was given up for its time: the next one may have more."""


class OutOfWork(Exception):
    """A compilation was given up for what it took in proportion to the function."""


class Budget:
    """What one compilation may take.

    ``look`` is called every 10 ms and raises what ends the account's call; ``seconds`` is what the
    compilation may take of its time, ``None`` for no limit.
    """

    def __init__(
        self, look: Callable[[], object] | None = None, seconds: float | None = None
    ) -> None:
        self.seconds = math.inf if seconds is None else seconds
        self._look = look
        now = time.monotonic()
        self._end = now + self.seconds
        self._next_look = now + _LOOK_EVERY
        #: instructions that may still be lowered
        self._work: float = math.inf

    def begin(self, size: int) -> None:
        """Bounds the work by a function's size in instructions."""
        self._work = _LEAST_WORK + _WORK_PER_INSTRUCTION * size

    def check(self, work: int = 0) -> None:
        """Takes note of some work, and looks at the account if it is time to. Raises OutOfTime,
        OutOfWork, and whatever ``look`` raises."""
        self._work -= work
        if self._work < 0:
            raise OutOfWork
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            if now > self._end:
                raise OutOfTime
            if self._look is not None:
                self._look()

    def each(self, items: Iterable[_T]) -> Iterator[_T]:
        """The items of a block, with a look now and then. Raises what :meth:`check` does."""
        for number, item in enumerate(items):
            if not number % _STEPS:
                self.check()
            yield item

    def look(self, at: int | None) -> None:
        """:meth:`check`, for what knows nothing of budgets."""
        self.check()

    def check_text(self, characters: int) -> None:
        """Raises OutOfTime if Python would take too long to compile so much text: it cannot be
        interrupted there."""
        if time.monotonic() + characters * _PER_CHARACTER > self._end:
            raise OutOfTime


class Watched(dict[int, _T]):
    """The blocks of a function, with a look at the clock wherever some of them are read: so no pass
    need care, however it goes through them. Reading raises what :meth:`Budget.check` does."""

    __slots__ = ("_budget", "_left")

    def __init__(self, blocks: Mapping[int, _T], budget: Budget) -> None:
        super().__init__(blocks)
        self._budget = budget
        self._left = _OFTEN

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            self._left = _OFTEN
            self._budget.check()

    def __getitem__(self, number: int) -> _T:
        self._step()
        return dict.__getitem__(self, number)

    def values(self) -> Iterator[_T]:  # type: ignore[override]
        """The blocks."""
        for block in dict.values(self):
            self._step()
            yield block

    def items(self) -> Iterator[tuple[int, _T]]:  # type: ignore[override]
        """Numbers and blocks."""
        for pair in dict.items(self):
            self._step()
            yield pair
