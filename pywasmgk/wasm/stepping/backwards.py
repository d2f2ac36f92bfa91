"""How an execution goes back: to a checkpoint, and forwards again from there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import HostError
from ..runtime.functions import Func
from .history import Checkpoint, History
from .stops import Stop

if TYPE_CHECKING:
    from .activations import Activation
    from .execution import Execution
    from .running import Running

__all__ = ["Backwards", "Until"]

#: asked behind every instruction whether to stop
Until = Callable[["Execution"], object]


class Backwards(ABC):
    """The ways back of an execution, which goes forwards in ways of its own."""

    steps: int
    done: bool
    stopped_by: tuple[Stop, ...]
    _past: History | None
    _running: Running
    _seen: int

    @property
    @abstractmethod
    def depth(self) -> int:
        """How many frames there are."""

    @property
    @abstractmethod
    def stops(self) -> tuple[Stop, ...]:
        """Its breakpoints and watchpoints."""

    @abstractmethod
    def add(self, stop: Stop) -> None:
        """Has a breakpoint or watchpoint stop it."""

    @abstractmethod
    def remove(self, stop: Stop) -> None:
        """Takes one out again."""

    @abstractmethod
    def _go(self, end: int | None, until: Until | None = None) -> str:
        """Goes on to a step, or to whatever stops it."""

    @abstractmethod
    def _restore(self, checkpoint: Checkpoint) -> None:
        """Makes everything what it was at a checkpoint."""

    @abstractmethod
    def _time_stands_still(self) -> Any:
        """Has time count for nothing, as a context manager."""

    @property
    def oldest(self) -> int:
        """The first step that it can go back to."""
        return self._history.oldest

    @property
    def earliest(self) -> int:
        """The same; where no history is kept, the step where it is."""
        return self.steps if self._past is None else self.oldest

    @property
    def history_size(self) -> int:
        """Bytes that its past takes, roughly."""
        return self._history.size

    @property
    def _history(self) -> History:
        if self._past is None:
            raise HostError("this execution keeps no history: start it with history=BYTES")
        return self._past

    def goto(self, step: int) -> str:
        """Goes to where so many instructions have been executed, back or forwards, past all stops.
        Raises ValueError for a step before :attr:`oldest`."""
        if step >= self.steps and not self.done:
            with self._running.unstopped():
                return self._go(step)
        if step < self.oldest:
            raise ValueError(f"step {step} is forgotten: the oldest is {self.oldest}")
        self._restore(self._history.before(step))
        return self._replay(step)

    def rewind(self, n: int = 1) -> str:
        """Goes back ``n`` instructions, or to the oldest step that is remembered."""
        target = max(self.steps - n, self.oldest)
        self.goto(target)
        return "step" if target > self.oldest else "start"

    def reverse_run(self, until: Stop | Until | None = None) -> str:
        """Goes back to where it stopped last before now, for any of its stops and ``until``."""
        if isinstance(until, Stop):
            self.add(until)
            try:
                return self.reverse_run()
            finally:
                self.remove(until)
        end = self.steps
        while end > self.oldest:
            start = self._history.before(end - 1)
            self._restore(start)
            found = self._last_stop(end, until)
            if found is not None:
                step, why, stops = found
                self.goto(step)
                self.stopped_by, self._seen = tuple(stops), step
                for stop, latest in stops.items():
                    stop.latest = latest
                return why
            end = start.steps
        self.goto(self.oldest)
        return "start"

    def _last_stop(self, end: int, until: Until | None) -> tuple[int, str, dict[Stop, Any]] | None:
        """Where it stops the last time before a step, running on from here: the step, why, and for
        what, with the latest changes there."""
        counted = {stop: (stop.hits, stop.ignore) for stop in self.stops}
        for stop in self.stops:
            stop.ignore = 0
        found = None
        self._seen = -1
        with self._time_stands_still():
            while self.steps < end and not self.done:
                why = self._go(end, until)
                if why not in ("step", "done", "trap") and self.steps < end:
                    found = self.steps, why, {stop: stop.latest for stop in self.stopped_by}
        for stop, (hits, ignore) in counted.items():
            stop.hits, stop.ignore = hits, ignore
        return found

    def reverse_step_over(self) -> str:
        """Goes back one instruction; over a call with all that it called."""
        depth = self.depth
        why = self.rewind()
        if self.depth <= depth or why == "start":
            return why
        # it had come back from a call of this frame: back to before that
        func, pc = self._running.frames[depth][4], self._running.frames[depth][1] - 1
        here = _Here(func, pc, lambda: self.depth == depth)
        stops = self.stops
        for stop in stops:
            self.remove(stop)
        try:
            return "step" if self.reverse_run(here) == "breakpoint" else "start"
        finally:
            for stop in stops:
                self.add(stop)

    def _replay(self, step: int) -> str:
        with self._time_stands_still(), self._running.unstopped():
            return self._go(step)


class _Here(Stop):
    """Before one instruction of a function, where something else is so too."""

    def __init__(self, func: Func, pc: int, also: Callable[[], bool]) -> None:
        super().__init__()
        self._func, self._pc, self._also = func, pc, also

    def positions(self, func: Func, body: Any) -> Any:
        return [self._pc] if func is self._func else []

    def holds(self, activation: Activation) -> bool:
        return self._also()
