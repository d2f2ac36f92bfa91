"""An execution that somebody holds: it goes on, and back, when they say so.

It is interpreted, whatever is compiled, and exact: ``steps`` counts instructions that were
executed, ``fuel_used`` what they cost, nothing of what lies ahead. Between two of its steps its
instance, and those that it is linked with, belong to it; others get Busy.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import GuestError, HostError
from ...shown import Shown
from ..interpreter.execution import SliceOver
from ..runtime.defaults import OWN
from ..runtime.functions import Caller, Func
from ..runtime.instance import instantiate
from ..runtime.values import results_to_python
from .activations import Activation, Texts
from .backwards import Backwards, Until
from .counting import Counter
from .history import EVERY, Checkpoint, Effect, History
from .holding import Hold
from .pending import AsyncCalls, Deferred, PendingCall, approved, raising
from .recording import Recording, require_same
from .running import Running
from .stops import Breakpoint, Probe, Stop
from .suspension import Suspended, suspended
from .watching import Watching, at_index
from .world import World, WorldState, change

if TYPE_CHECKING:
    from ..module import Module
    from ..runtime.linker import Imports
    from ..runtime.metering import Meter

__all__ = ["DEFAULT_HISTORY", "Execution"]

#: bytes that the past may take
DEFAULT_HISTORY = 64 << 20
#: instructions that are run at once: more than 30 bits would cost the loop a tenth, which counts
_MOST = (1 << 30) - 1


class Execution(Shown, Backwards, Watching):
    """A call that is held before its first instruction. Made by ``Instance.start``, of a function
    and engine values.

    ``step``, ``run`` and the like give why they stopped: ``"step"`` (as many as were asked for),
    ``"breakpoint"`` or ``"watchpoint"`` (see ``stopped_by``), ``"until"``, ``"frame"`` (it came
    back to a frame), ``"start"`` (the oldest step that is remembered), ``"done"``, ``"trap"``:
    ``trap`` is the exception then, which ``finish`` raises; and ``"pending"``, before a call of the
    host that is among ``defer`` (patterns over ``module.name`` of imports): ``resume`` answers it.

    ``history`` is how many bytes of the past are kept, ``None`` for no way back.
    """

    def __init__(
        self,
        func: Func,
        args: Sequence[Any],
        meter: Meter,
        history: int | None = DEFAULT_HISTORY,
        since: Suspended | None = None,
        defer: Sequence[str] = (),
        *,
        defer_async: bool = False,
    ) -> None:
        instance = func.instance
        if instance is None:
            raise HostError(f"{func!r} is no function of a module: there is nothing to step")
        instance.make_holdable("hold a call")
        self.instance = instance
        self.func = func
        #: instructions executed so far
        self.steps = 0
        #: its results as the engine has them, once there are any
        self.values: Sequence[Any] | None = None
        #: what ended it, if that was an exception
        self.trap: BaseException | None = None
        #: it has given its results or raised
        self.done = False
        #: the breakpoints and watchpoints that stopped it the latest time
        self.stopped_by: tuple[Stop, ...] = ()
        self._stops: list[Stop] = []
        self._texts = Texts()
        self._calls = 0
        #: the step at which somebody has seen it stop
        self._seen = -1
        self._running = Running(func, args, weakref.WeakMethod(self._answer))
        self._hold = Hold(instance, meter)
        self._world = World(instance)
        with self._hold as account:
            if since is None:
                self._try(lambda: self._running.step(account))
                self.steps = 0
            else:
                self._running.restore(since.frames, account)
                account.spend(since.charged)
                account.depth -= since.depth
                self.steps = since.steps
        self._began = self.steps
        self._past = None if history is None else History(history)
        #: what later captures share their blocks with
        self._latest: WorldState | None = None
        self._keep()
        #: of a recording that runs again, how many calls of the host it has
        self._expected: int | None = None
        #: the call of the host that is to be answered
        self.pending: PendingCall | None = None
        self._answered: Callable[[], Any] | None = None
        known = weakref.WeakMethod(self._is_known)
        for pattern in defer:
            self._running.add(Deferred(pattern, known))
        if defer_async:
            self._running.add(AsyncCalls(known))
            self.call_whole()

    # -- what there is to see

    @property
    def fuel_used(self) -> int:
        """Fuel of the instructions that were executed; what is charged ahead is not in it."""
        charged = self._hold.meter.fuel_used
        return charged if self.done else charged - self._running.unspent()

    @property
    def results(self) -> Any:
        """What the call gives; ``None`` until it is done."""
        values = self.values
        return None if values is None else results_to_python(self.func.type.results, values)

    @property
    def frames(self) -> tuple[Activation, ...]:
        """The frames, innermost first. Where it has trapped, the innermost one is at the
        instruction that did."""
        found = []
        for position, (_, pc, stack, locals_, func) in enumerate(
            reversed(self._running.frames[1:])
        ):
            at = pc if position == 0 and not self.done else max(pc - 1, 0)
            found.append(Activation(func, at, stack, locals_, self._texts))
        return tuple(found)

    def _innermost(self) -> Activation:
        """The first one of ``frames``, where it is not done."""
        _, pc, stack, locals_, func = self._running.frames[-1]
        return Activation(func, pc, stack, locals_, self._texts)

    @property
    def depth(self) -> int:
        """How many frames there are."""
        return self._running.depth

    @property
    def closed(self) -> bool:
        """Whether the instance was given back: it can be looked at, and goes nowhere."""
        return self._hold.closed

    @property
    def meter(self) -> Meter:
        """Its account."""
        return self._hold.meter

    @property
    def raw_frame(self) -> tuple[int, list[Any], list[Any], Func]:
        """Position, operands, locals and function of the innermost frame, as the engine has them.
        There must be one: ``depth`` says so."""
        _, pc, stack, locals_, func = self._running.frames[-1]
        return pc, stack, locals_, func

    @property
    def raw_frames(self) -> tuple[tuple[int, list[Any], list[Any], Func], ...]:
        """Position, operands, locals and function of each frame, the outermost first, as the engine
        has them."""
        return tuple(
            (pc, stack, locals_, func) for _, pc, stack, locals_, func in self._running.frames[1:]
        )

    # -- as bytes

    def to_bytes(self, key: bytes | None = None) -> bytes:
        """The execution and the state of its instance, for :meth:`from_bytes`; it stays as it is.

        With a ``key`` they are authenticated by HMAC-SHA256. Raises HostError where it is done,
        where other instances are linked, and for references to objects of the host's.
        """
        with self._hold:
            return suspended(self, key)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        module: Module,
        imports: Imports | None = None,
        *,
        key: bytes | None = None,
        history: int | None = DEFAULT_HISTORY,
        defer: Sequence[str] = (),
        **options: Any,
    ) -> Execution:
        """Goes on with an execution in a new instance of the same module, whose start function is
        not run; ``options`` are those of ``instantiate``. Its past is not in the bytes.

        Raises SuspensionError for bytes that do not fit, without having allocated what they ask
        for, and LinkError.
        """
        options = {"engine": OWN, **options}
        instance = instantiate(module, imports, run_start=False, **options)
        found = Suspended(data, instance, key)
        World(instance).put_back(found.world)
        meter = instance.meter(fuel=found.fuel, timeout=found.timeout)
        return cls(found.func, (), meter, history, found, defer)

    def recording(self) -> Recording:
        """What the host has done so far, and where it began; it runs back there and forth again.
        Raises HostError where the beginning is forgotten, or something was changed by hand."""
        if self.oldest != self._began or not self._history.is_whole:
            raise HostError("the beginning is forgotten, or it was changed: there is no recording")
        now, effects = self.steps, tuple(self._history.log)
        self.goto(self._began)
        with self._hold:
            beginning = suspended(self, None)
        self.goto(now)
        return Recording(beginning, effects)

    def expect(self, effects: Sequence[Effect]) -> None:
        """Has the host's calls be those of a recording."""
        self._history.expect(effects)
        self._expected = len(effects)

    # -- forwards

    def step(self, n: int = 1) -> str:
        """Executes ``n`` instructions, or fewer if something stops it."""
        return self._go(self.steps + n)

    def run(self, until: Stop | Until | None = None) -> str:
        """Goes on to the next stop or the end; ``until`` is one stop more, or asked behind every
        instruction with the execution."""
        if isinstance(until, Stop):
            self.add(until)
            try:
                return self._go(None)
            finally:
                self.remove(until)
        return self._go(None, until)

    def step_over(self) -> str:
        """Executes one instruction; a call with all that it calls."""
        depth = self.depth
        why = self._go(self.steps + 1)
        if why != "step" or self.depth <= depth:
            return why
        return self._until_frame(depth)

    def step_out(self) -> str:
        """Goes on to where the running function has returned to its caller, or the end."""
        return self._until_frame(self.depth - 1)

    def come_back(self, depth: int, n: int | None = None) -> str:
        """Goes on to where no more than ``depth`` frames are left, or the end; with ``n`` at most
        so many instructions, ``"step"`` if they were too few. So whoever must not be kept waiting
        does what ``step_out`` does, in parts."""
        if self.depth <= depth:
            return "frame"
        return self._until_frame(depth, n)

    def _until_frame(self, depth: int, n: int | None = None) -> str:
        with self._running.tripped(depth):
            return self._go(None if n is None else self.steps + n)

    def finish(self) -> Any:
        """Goes on to the end, whatever would stop it, closes it, and gives what the call would;
        raises what the call would, and HostError where a call of the host is pending."""
        with self._running.unstopped():
            self._go(None)
        self._require_answered()
        try:
            return self._outcome()
        finally:
            self.close()

    def _outcome(self) -> Any:
        """What the call would give; raises what it would."""
        if self.trap is not None:
            raise self.trap
        return self.results

    def resume(self, result: Any = None, *, error: BaseException | None = None) -> str:
        """Answers the pending call of the host, by its result or the exception that it raises, and
        runs on. Raises HostError where none is pending."""
        self.answer(result, error=error)
        return self._go(None)

    def approve(self) -> str:
        """Has the host's own function answer the pending call, and runs on. Raises HostError where
        none is pending."""
        self.accept()
        return self._go(None)

    def accept(self) -> None:
        """:meth:`approve`, but it stays where it is: the call is the next instruction."""
        self._require_pending()
        self._answered, self.pending = approved, None

    def _require_answered(self) -> None:
        if self.pending is not None:
            raise HostError(f"{self.pending} is pending: resume() answers it")

    def answer(self, result: Any = None, *, error: BaseException | None = None) -> None:
        """:meth:`resume`, but it stays where it is: the call is the next instruction."""
        self._require_pending()
        self._answered = (lambda: result) if error is None else raising(error)
        self.pending = None

    def ask_host(self, pending: PendingCall) -> Coroutine[Any, Any, Any]:
        """The coroutine of a pending ``async def`` function of the host's."""
        func, arguments = pending.func, pending.arguments
        if func.access_caller:
            arguments = (Caller(self.instance, self.meter), *arguments)
        found: Coroutine[Any, Any, Any] = func.host(*arguments)  # type: ignore[misc]
        return found

    def call_whole(self, **options: int) -> None:
        """Has loops run in compiled code, and functions that end soon; nobody looks at its steps.
        ``options`` are those of ``Whole``."""
        # only who awaits in slices pays for it
        from .whole import LOOK_EVERY, Whole

        self.meter.largest_slice = min(self.meter.largest_slice, LOOK_EVERY)
        self._running.call_whole(Whole(self.instance, **options))

    def end_slice_at(self, seconds: float) -> None:
        """When the slice is over that comes, in seconds of ``time.perf_counter``."""
        self._running.end_slice_at(seconds)

    def _require_pending(self) -> None:
        if self.pending is None:
            raise HostError("no call of the host is pending")

    def close(self) -> None:
        """Gives the instance back, wherever the execution is."""
        self._hold.close()

    def __enter__(self) -> Execution:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- stops

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Its breakpoints and watchpoints."""
        return tuple(self._stops)

    def add(self, stop: Stop) -> None:
        """Has a breakpoint or watchpoint stop it."""
        self._stops.append(stop)
        self._running.add(stop)

    def remove(self, stop: Stop) -> None:
        """Takes one out again. Raises ValueError for one that is not there."""
        self._stops.remove(stop)
        self._running.remove(stop)

    def break_at(self, function: int | str | None = None, **options: Any) -> Breakpoint:
        """Adds a :class:`Breakpoint`, which it gives; options are those of the class. Raises
        HostError for a line of a source file that the module has no code of."""
        found = Breakpoint(function, **options)
        found.require_source(self.instance.module)
        self.add(found)
        return found

    # -- probes

    def attach(self, probe: Counter | Probe) -> None:
        """Has a probe see what is executed from now on; what is run again to go back is not shown
        to it. Raises HostError for a second one that counts."""
        if isinstance(probe, Probe):
            self._running.add(probe)
            return
        if self._running.counter is not None:
            raise HostError("this execution is counted already: detach() ends that")
        self._running.counter = probe

    def detach(self, probe: Counter | Probe) -> None:
        """Takes a probe out again. Raises ValueError for one that is not there."""
        if isinstance(probe, Probe):
            self._running.remove(probe)
            return
        if self._running.counter is not probe:
            raise ValueError("this probe is not attached")
        self._running.counter = None

    # -- changing

    def set_local(self, local: int | str, value: Any, frame: int = 0) -> None:
        """Sets a local of a frame, by index or name; 0 is the innermost. Raises KeyError,
        TypeError and OverflowError, and HostError once it is closed."""
        self._hold.require_open()
        self.frames[frame].put_local(local, value)
        self._edited()

    def set_global(self, index: int, value: Any) -> None:
        """Sets a global of its instance, by index. Raises TypeError if it is immutable, and
        HostError once it is closed."""
        self._hold.require_open()
        at_index(self.instance.globals, index, "global").value = value
        self._edited()

    def write_memory(self, address: int, data: bytes, memory: int = 0) -> None:
        """Overwrites bytes of a memory of its instance. Raises IndexError outside of it, and
        HostError once it is closed."""
        self._hold.require_open()
        at_index(self.instance.memories, memory, "memory").write(address, data)
        self._edited()

    def _edited(self) -> None:
        """What was to come is no more; that it was changed here is part of the past."""
        if self._past is not None:
            self._past.cut(self.steps, self._calls)
            self._keep(edited=True)

    # -- how it goes on

    def _go(self, end: int | None, until: Until | None = None) -> str:
        if self.done:
            return "done" if self.trap is None else "trap"
        self._require_answered()
        self.stopped_by = ()
        with self._hold as meter:
            why = self._slice(meter, end, until)
            if not self.done:
                # what was changed here is part of the past, also where it stops
                self._look_at_the_past()
        self._seen = self.steps
        if self.stopped_by and isinstance(self.stopped_by[0], Deferred):
            self.pending, why = PendingCall.of(self.frames[0]), "pending"
        return why

    def _slice(self, meter: Meter, end: int | None, until: Until | None) -> str:
        running = self._running
        while not self.done:
            if end is not None and self.steps >= end:
                return "step"
            self._look_at_the_past()
            asked = running.asked(meter)
            # where somebody has seen it stop it goes on, but not past a call that is not answered
            new = self.steps != self._seen
            if asked and self._is_stopped([stop for stop in asked if new or stop.lasting]):
                return "breakpoint"
            if asked or until is not None or running.is_at_a_stop:
                why = self._one(meter, asked, until)
            else:
                why = self._many(meter, end)
            if why:
                return why
        return "done" if self.trap is None else "trap"

    def _is_known(self) -> bool:
        """Whether the next call of the host is answered."""
        if self._answered is not None:
            return True
        return self._past is not None and self._past.known(self._calls) is not None

    def _is_stopped(self, asked: Sequence[Stop]) -> bool:
        activation = self._innermost()
        self.stopped_by = tuple(
            stop for stop in asked if stop.holds(activation) and stop.counts(activation)
        )
        return bool(self.stopped_by)

    def _one(self, meter: Meter, asked: Sequence[Stop], until: Until | None) -> str:
        """Executes one instruction, and asks behind it."""
        activation = self._innermost()
        watching = [stop for stop in asked if stop.prepare(activation)]
        self._try(lambda: self._running.one(meter))
        self.stopped_by = tuple(
            stop for stop in watching if stop.has_happened() and stop.counts(activation)
        )
        if self.stopped_by:
            return "watchpoint"
        if until is not None and not self.done and until(self):
            return "until"
        return self._ends_slice()

    def _many(self, meter: Meter, end: int | None) -> str:
        """Executes as many as nobody wants to be asked about."""
        turns = _MOST if end is None else min(end - self.steps, _MOST)
        if self._past is not None:
            turns = min(turns, self._past.due(self.steps) - self.steps)
        self._try(lambda: self._running.step(meter, turns), turns)
        return self._ends_slice()

    def _ends_slice(self) -> str:
        """Why it does not go on, if it does not."""
        if self._running.is_over:
            return "step"
        return "frame" if self._running.came_back else ""

    def _try(self, run: Callable[[], list[Any] | None], turns: int = 1) -> None:
        """Has some instructions executed, and takes note of how it ended if it did."""
        running = self._running
        try:
            try:
                results = run()
            finally:
                self.steps += turns - running.turns
            if results is None and running.depth == 0 and not running.stopped:
                # only the call's end is left, which is no instruction
                results = running.step(self._hold.meter)
            elif results is not None:
                self.steps -= 1
            if results is not None:
                self._give(results)
        except BaseException as error:
            self.done, self.trap = True, error
            if isinstance(error, GuestError) and error.fuel_used is None:
                error.fuel_used = self._hold.meter.fuel_used
            if not isinstance(error, Exception):
                self.close()
                raise

    def _give(self, results: list[Any]) -> None:
        # results go to the host: a test point
        meter = self._hold.meter
        if meter.left < 0:
            meter.refill(meter.left)
        self.done = True
        self.values = results

    # -- the past

    def _look_at_the_past(self) -> None:
        """Keeps a checkpoint if one is due; goes over to what was changed here."""
        past = self._past
        if past is None:
            return
        edit = past.edit_at(self.steps)
        if edit is not None and edit.calls >= self._calls and self._seen != self.steps:
            self._restore(edit)
        elif past.is_full or self.steps >= past.checkpoints[-1].steps + EVERY:
            self._keep()

    def _keep(self, edited: bool = False) -> None:
        if self._past is None or self.done:
            return
        self._latest = self._world.capture(self._latest)
        meter = self._hold.meter
        frames = tuple(
            (pc, list(stack), list(locals_), func) for pc, stack, locals_, func in self.raw_frames
        )
        self._past.add(
            Checkpoint(
                self.steps, frames, self._latest, meter.fuel_used, meter.depth, self._calls, edited
            )
        )

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._hold.require_open()
        meter = self._hold.meter
        self._world.put_back(checkpoint.world)
        self._latest = checkpoint.world
        self._running.restore(checkpoint.frames, meter)
        meter.spend(checkpoint.charged)
        meter.depth = checkpoint.depth
        self.steps, self._calls = checkpoint.steps, checkpoint.calls
        self.done, self.trap, self.values = False, None, None
        self.pending = self._answered = None
        self._seen = self.steps

    @contextmanager
    def _time_stands_still(self) -> Iterator[None]:
        with self._hold.meter.untimed(), self._running.unseen():
            yield

    # -- what the host does

    def _answer(self, func: Func, instance: Any, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Calls a function of the host's, or does what it did when the past was the present."""
        answered, self._answered = self._answered, None
        if answered is not None and answered is not approved:
            func = func.answered(answered)
        if self._past is None:
            return func.call_outside(instance, meter, args)
        known = self._past.known(self._calls)
        if self._expected is not None:
            require_same(known, self._calls, self._expected, func, args)
        self._calls += 1
        if known is not None:
            return self._again(known, meter)
        before = meter.fuel_used
        # what the guest did until now is no effect of the host's, which may undo it
        world = self._world.capture(self._latest)
        results: list[Any] | None = None
        error: BaseException | None = None
        try:
            results = func.call_outside(instance, meter, args)
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._latest = self._world.capture(world)
            happened = change(world, self._latest)
            given = None if results is None else tuple(results)
            charged = meter.fuel_used - before
            marks = {} if error is None else _copied(vars(error))
            self._past.note(
                Effect(
                    func.name or "?", func.type, tuple(args), given, error, marks, happened, charged
                )
            )
            self._running.pauses = self._past.is_full
        if self._running.pauses:
            raise SliceOver(results)
        return results

    def _again(self, effect: Effect, meter: Meter) -> list[Any]:
        self._world.apply(effect.change)
        meter.left -= effect.charged
        if effect.error is not None:
            # what the engine adds to it on its way comes again
            vars(effect.error).clear()
            vars(effect.error).update(_copied(effect.marks))
            meter.host_error = effect.error
            # frames that it has gone through before would add up
            raise effect.error.with_traceback(None)
        return list(effect.results or ())

    def __repr__(self) -> str:
        where = "done" if self.done else str(self.frames[0])
        return f"<Execution of {self.func!r}, step {self.steps:,}: {where}>"


def _copied(marks: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of an exception; notes are a list."""
    return {name: [*mark] if isinstance(mark, list) else mark for name, mark in marks.items()}
