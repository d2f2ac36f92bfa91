"""Calls that are held: stepped, taken back, suspended and run again at random, for comparison with
plain ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oracle import Limits, OurSession, Outcome, state_differences

import pywasmgk
from pywasmgk import HostError, Module, PywasmgkError
from pywasmgk.wasm.runtime.values import from_bits, to_bits
from pywasmgk.wasm.stepping.execution import Execution
from pywasmgk.wasm.stepping.stops import Breakpoint

__all__ = ["LIMITS", "WAYS", "HeldSession", "Way", "differences", "travel", "wander"]

#: what all sessions are given
LIMITS = Limits(memory=32, table=1_000)
#: instructions that are stepped one by one; what is longer goes on in larger steps
_SINGLE = 3_000
#: points of a run that are looked at again on the way back
_LOOKS = 8


def _some(chance: random.Random) -> int:
    return int(2 ** (chance.random() * 12))


class _Astray(PywasmgkError):
    """It is not as it was: sessions take no outcome for this."""


# -- sessions


class HeldSession(OurSession):
    """A session whose calls go by a way to their ends."""

    seed = 0
    #: how a call is taken to its end; it may be another execution that comes there
    drive: Way

    def call(
        self, name: str, args: Sequence[Any] = (), fuel: int | None = None, **more: Any
    ) -> Outcome:
        func = self.instance.exports[name]
        kinds = func.type.results

        def act() -> tuple[Any, ...]:
            values = [from_bits(kind, arg) for kind, arg in zip(func.type.params, args)]
            self.seed += 1
            execution = Execution(func, values, self.instance.meter(fuel=fuel))
            with execution, self.drive(self, execution, random.Random(self.seed)) as held:
                if held.trap is not None:
                    raise held.trap
                bits = map(to_bits, kinds, held.values or ())
                return tuple(self._shown(str(kind), value) for kind, value in zip(kinds, bits))

        outcome = self._guard(act)
        return outcome._replace(fuel=self.instance.fuel_used)

    def moved(self, instance: Any) -> None:
        """Another instance has taken the place of its own."""
        self.instance, self._numbers = instance, {}


#: takes a session's execution to its end by detours
Way = Callable[[HeldSession, Execution, random.Random], Execution]


# -- ways forwards


def one_by_one(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """An instruction at a time."""
    while not held.done:
        held.step(1 if held.steps < _SINGLE else 97)
    return held


def whole(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """At one go."""
    held.run()
    return held


def slices(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """In slices of fuel of random sizes."""
    while not held.done:
        if held.steps > _SINGLE:
            held.step(_some(chance))
            continue
        end = held.fuel_used + chance.randint(1, 300)
        held.run(until=lambda now, end=end: now.fuel_used >= end)
    return held


def compiled(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """In slices, with loops and what ends soon in compiled code, behind and in which some end."""
    held.call_whole(warm=chance.randrange(3))
    meter = held.meter
    meter.largest_slice = chance.choice((20, 300, meter.largest_slice))
    while not held.done:
        held.end_slice_at(chance.choice((-1.0, float("inf"))))
        if chance.random() < 0.5:
            # the next test point looks at the clock
            meter.expire(meter.left)
        held.step(_some(chance))
    return held


def travel(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """Through bytes, into a new instance each time, where it can."""
    while held.step(_some(chance)) == "step":
        try:
            data = held.to_bytes(b"key")
        except HostError:  # a reference to an object of the host's, or an exception that is handled
            continue
        again = Execution.from_bytes(
            data, session.module, session.named_imports(), key=b"key",
            memory_limit=session.limits.memory, table_limit=session.limits.table,
        )  # fmt: skip
        held.close()
        session.moved(again.instance)
        held = again
    return held


# -- ways back


def _seen(session: HeldSession, held: Execution) -> tuple[Any, ...]:
    """All that there is to see of an execution and its instance."""
    frames = [
        (pc, list(map(repr, stack)), list(map(repr, locals_)), func.index)
        for pc, stack, locals_, func in held.raw_frames
    ]
    return held.steps, held.fuel_used, held.depth, held.done, frames, session.state()


def rewound(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """To the end and back again, by way of points that must look as they did on the way there."""
    seen: dict[int, tuple[Any, ...]] = {}
    while held.step(_some(chance)) == "step" and len(seen) < 100:
        seen[held.steps] = _seen(session, held)
    held.run()
    end = _seen(session, held)
    points = chance.sample(sorted(seen), min(len(seen), _LOOKS))
    for step in (*sorted(points, reverse=True), *points):
        if step < held.oldest:
            continue
        held.goto(step)
        if _seen(session, held) != seen[step]:
            raise _Astray(f"step {step} is another one on the way back")
    held.goto(held.oldest)
    held.run()
    if _seen(session, held) != end:
        raise _Astray("run again it ends otherwise")
    return held


def replayed(session: HeldSession, held: Execution, chance: random.Random) -> Execution:
    """Recorded, as bytes too, and run again in an instance without the host."""
    held.run()
    try:
        data = held.recording().to_bytes(session.module)
    except HostError:  # a reference to an object of the host's
        return held
    limits = {"memory_limit": session.limits.memory, "table_limit": session.limits.table}
    recording = pywasmgk.Recording.from_bytes(data, session.module)
    with recording.replay(session.module, **limits) as again:
        again.step(_some(chance))
        again.run()
        found, wanted = ((one.steps, one.fuel_used, one.done, one.values) for one in (again, held))
        if repr(found[:3]) != repr(wanted[:3]) or (found[3] is None) != (wanted[3] is None):
            raise _Astray(f"replayed: {found}, {wanted} before")
        snapshots = [one.instance for one in (again, held)]
    held.close()
    if snapshots[0].snapshot() != snapshots[1].snapshot():
        raise _Astray("replayed, another state is left")
    return held


def wander(session: HeldSession, execution: Execution, chance: random.Random) -> Execution:
    """Forwards and back, by all that there is for it, with breakpoints and watchpoints."""
    for _ in range(30):
        if execution.done and chance.random() < 0.3:
            break
        _MOVES[chance.randrange(len(_MOVES))](execution, chance)
    for stop in execution.stops:
        execution.remove(stop)
    execution.goto(max(execution.oldest, execution.steps // 2))
    execution.run()
    return execution


def _add(execution: Execution, chance: random.Random) -> None:
    if len(execution.stops) < 3:
        module = execution.instance.module
        last = len(module.functions) - 1
        kinds: Sequence[Callable[[], object]] = (
            lambda: execution.break_at(chance.randint(0, last)),
            lambda: execution.break_at(instruction="*.add", ignore=chance.randrange(3)),
            lambda: execution.break_at(host_call="*"),
            lambda: (
                execution.watch_memory(0, 1024, chance.choice(("change", "write", "read")))
                if execution.instance.memories
                else None
            ),
            lambda: execution.watch_global(0) if execution.instance.globals else None,
        )
        chance.choice(kinds)()


_MOVES: Sequence[Callable[[Execution, random.Random], object]] = (
    lambda held, chance: held.step(_some(chance)),
    lambda held, chance: held.step(),
    lambda held, chance: held.step_over(),
    lambda held, chance: held.step_out(),
    lambda held, chance: held.run(),
    lambda held, chance: held.rewind(_some(chance)),
    lambda held, chance: held.rewind(),
    lambda held, chance: held.goto(max(held.oldest, held.steps + _some(chance) - 500)),
    lambda held, chance: held.reverse_run(),
    lambda held, chance: held.reverse_step_over(),
    lambda held, chance: _add(held, chance),
    lambda held, chance: held.run(Breakpoint(chance.randrange(4))),
    lambda held, chance: held.run(until=lambda now: now.steps % 97 == 0),
)

#: all ways by name
WAYS: Mapping[str, Way] = {
    way.__name__: way
    for way in (one_by_one, whole, slices, compiled, travel, rewound, replayed, wander)
}


# -- comparing


class Difference(NamedTuple):
    """What a way has made otherwise."""

    way: str
    call: int
    what: str


def differences(
    program: Any, seed: int, ways: Sequence[str] = tuple(WAYS), fuel: int = 20_000
) -> Iterator[Difference]:
    """What is otherwise when the calls of a program go by detours: results, traps, fuel, frames,
    memories, globals or tables."""
    module = Module(program.data)
    plain = OurSession("interpreter", module, program.host, LIMITS)
    if plain.instance is None:
        return
    expected = [(plain.call(name, args, fuel), plain.state()) for name, args in program.calls]
    for way in ways:
        session = HeldSession("auto", module, program.host, LIMITS)
        session.drive, session.seed = WAYS[way], seed * 1_000
        for number, ((name, args), (outcome, state)) in enumerate(zip(program.calls, expected)):
            try:
                found = session.call(name, args, fuel)
            except Exception as error:
                yield Difference(way, number, f"{type(error).__name__}: {error}")
                break
            if found != outcome:
                yield Difference(way, number, f"{found} is not {outcome}")
                break
            if others := state_differences(session.state(), state):
                yield Difference(way, number, f"{others}")
                break
