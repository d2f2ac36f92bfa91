"""The frames of a held execution, in code of its own that stops can be put into."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import WasmException
from ..interpreter.execution import Execution as Frames
from ..interpreter.execution import LoopLeft, SliceOver
from ..runtime.functions import Func
from ..runtime.metering import Meter
from .copies import Copies
from .counting import Counter, Counts, Nowhere
from .stops import Stop

if TYPE_CHECKING:
    from ..interpreter.code import Code
    from .whole import Whole

__all__ = ["Running"]

#: answers a call to the host: with the function, the instance that calls, account and arguments
Answer = Callable[[Func, Any, Meter, Sequence[Any]], "list[Any]"]


class _Always:
    """Operations that are a ``stop`` wherever somebody comes back to them."""

    def __init__(self, stop: int) -> None:
        self._operation = (stop, None)

    def __getitem__(self, pc: int) -> tuple[int, Any]:
        return self._operation


class Running(Frames):
    """An execution all of whose functions are interpreted, in copies of their code."""

    def __init__(
        self, func: Func, args: Sequence[Any], answer: Callable[[], Answer | None]
    ) -> None:
        super().__init__(func, args)
        # who holds this one: not held by it, so that it goes when nobody else does
        self._answer = answer
        self._outermost = self.frames[0]
        stop = self.dispatch.control["stop"]
        self._copies = Copies((stop, None))
        self._trip = _Always(stop)
        #: counts what runs, if somebody wants that, and whether it knows the frames
        self._counter: Counter | None = None
        self._follows = False
        #: what runs in compiled code, where nobody looks at each step, and where it is entered
        self._whole: Whole | None = None
        self._heads: Stop | None = None
        #: it has stopped since its slice is over
        self.is_over = False
        #: it is to stop behind the call of the host that runs, or has stopped there
        self.pauses = False

    # -- for the loop

    def step(self, meter: Meter, turns: int = 1) -> list[Any] | None:
        self.is_over = self.pauses = False
        try:
            if self._whole is None and self._counter is not None:
                return self._counted(self._counter, meter, turns)
            return super().step(meter, turns)
        except SliceOver as over:
            self.is_over = not self.pauses
            self.frames[-1][2].extend(over.results)
            return None

    def _counted(self, counter: Counter, meter: Meter, turns: int) -> list[Any] | None:
        if not self._follows:
            counter.follow([frame[4] for frame in self.frames[1:]])
            self._follows = True
        self.stopped = False
        results: list[Any] | None = self.dispatch.count(self, meter, turns)
        return results

    def catch(self, error: WasmException, meter: Meter) -> bool:
        found = super().catch(error, meter)
        if found and self.pauses:
            raise SliceOver([])
        return found

    def call_whole(self, whole: Whole) -> None:
        """Has calls and loops run in compiled code, as one step each."""
        # only who awaits in slices pays for it
        from .whole import LoopHeads

        self._whole, self._heads = whole, LoopHeads(whole)
        self.add(self._heads)

    def end_slice_at(self, seconds: float) -> None:
        """When the slice is over that comes, in seconds of ``time.perf_counter``."""
        if self._whole is not None:
            self._whole.until = seconds

    def counts_in(self, func: Func, place: int) -> Counts:
        """The counters of the frame that runs now, which has ``place`` frames below it."""
        counter = self._counter
        if counter is None or not self._follows:
            # a function of the host's, called by what runs, has changed who counts
            return Nowhere()
        return counter.counts_in(func, place)

    def code_of(self, func: Func, meter: Meter) -> Code | None:
        if self._whole is not None and self._whole.takes(func, meter):
            return None
        code = self._copies.code(func)
        if code is None:
            prepared = super().code_of(func, meter)
            code = None if prepared is None else self._copies.make(func, prepared)
        return code

    def outside(self, func: Func) -> Callable[..., list[Any]]:
        if self._whole is not None and func.host is None:
            return self._whole.call(func)
        answer = self._answer()
        if answer is None:
            return super().outside(func)
        return functools.partial(answer, func)

    # -- frames

    @property
    def depth(self) -> int:
        """How many frames of modules there are."""
        return max(len(self.frames) - 1, 0)

    @property
    def top(self) -> tuple[Func, int]:
        """The function that runs, and the position of its next instruction."""
        _, pc, _, _, func = self.frames[-1]
        return func, pc

    def restore(self, frames: Iterable[Any], meter: Meter) -> None:
        """Has it be in frames ``(pc, operand stack, locals, function)``, the outermost first."""
        operations, _, _, locals_, func = self._outermost
        # the call of the function is done, what it gives is to come
        self.frames[:] = [(operations, 1, [], locals_, func)]
        for pc, stack, locals_, func in frames:
            code = self.code_of(func, meter)
            operations = () if code is None else code.operations
            self.frames.append((operations, pc, list(stack), list(locals_), func))
        self._follows = False

    @contextmanager
    def tripped(self, depth: int) -> Iterator[None]:
        """Has it stop where it comes back to one of the outermost ``depth`` frames."""
        for position in range(1, depth + 1):
            self.frames[position] = (self._trip, *self.frames[position][1:])
        try:
            yield
        finally:
            for position, (operations, pc, *rest) in enumerate(self.frames):
                if operations is self._trip:
                    code = self._copies.code(rest[-1])
                    # the loop makes again what was dropped
                    own = [] if code is None else code.operations
                    self.frames[position] = (own, pc, *rest)

    @property
    def came_back(self) -> bool:
        """Whether it stopped in a frame of those that are ``tripped``."""
        return self.stopped and self.frames[-1][0] is self._trip

    # -- stops

    def asked(self, meter: Meter) -> Sequence[Stop]:
        """Who is to be asked before the next instruction."""
        func, pc = self.top
        self.code_of(func, meter)
        return self._copies.asked(func, pc)

    def add(self, stop: Stop) -> None:
        """Has it stop where somebody wants to be asked."""
        self._copies.add(stop)

    @property
    def is_at_a_stop(self) -> bool:
        """Whether one was put before the next instruction, be it asked or not."""
        return self._copies.has_stop(*self.top)

    def remove(self, stop: Stop) -> None:
        """Takes a stop out again."""
        self._copies.remove(stop)

    # -- probes

    @property
    def counter(self) -> Counter | None:
        """What counts each instruction from now on: another loop runs then, so that none does not
        cost anything."""
        return self._counter

    @counter.setter
    def counter(self, counter: Counter | None) -> None:
        self._counter = counter
        self._follows = False

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Runs again what probes have seen already."""
        probes = self._copies.observers
        counter, self._counter = self._counter, None
        for probe in probes:
            self.remove(probe)
        try:
            yield
        finally:
            for probe in probes:
                self.add(probe)
            self.counter = counter

    def one(self, meter: Meter) -> list[Any] | None:
        """Runs the next instruction, whatever stops before it; of a loop's body in compiled code
        as much as this slice has time for."""
        if self._whole is not None and self._goes_on_compiled(self._whole, meter):
            return None
        with self._copies.without(*self.top):
            return self.step(meter)

    def _goes_on_compiled(self, whole: Whole, meter: Meter) -> bool:
        """Leaves the innermost frame to compiled code, if it is at the head of a loop that is."""
        func, pc = self.top
        if self._heads is None or self._heads not in self._copies.asked(func, pc):
            return False
        if not whole.enters(func, pc):
            if func in whole.given_up:
                self._copies.remove(self._heads)
                self._copies.add(self._heads)
            return False
        operations = self.frames[-1][0]
        self.turns = 0
        self.stopped = self.is_over = self.pauses = False
        try:
            entered = self.leave_to(whole.enter, meter)
        except LoopLeft as left:
            self.frames.append((operations, left.entry, [], left.locals, func))
            self.is_over = True
            return True
        self.is_over = entered and whole.is_over
        return entered

    def unstopped(self) -> AbstractContextManager[None]:
        """Runs past all stops but those that are ``lasting``."""
        return self._copies.unstopped()
