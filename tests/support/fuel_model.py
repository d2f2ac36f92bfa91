"""What fuel the rules give: a model of their own, to hold the engines against.

It watches a call one instruction at a time and keeps its own account by the rules: what an
instruction costs, where basic blocks begin and end, where the test points are (RATIONALE.md, "When
does a fuel limit stop the guest?"). It takes from the engine which instruction comes next and what
is on the stack, and none of its numbers. Of one watched call it can say how the same call ends
under every fuel limit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oracle import Host, Imports, Limits, OurSession, Outcome, State

import pywasmgk
from pywasmgk.wasm.interpreter.execution import Execution
from pywasmgk.wasm.runtime.metering import current_meter
from pywasmgk.wasm.runtime.values import from_bits, to_bits

__all__ = ["Model", "Trace", "block_costs"]

FREE = frozenset("nop drop block loop else end return unreachable".split())
#: a basic block ends with one of these
ENDS = frozenset("br br_if br_table if else return unreachable".split())
#: and begins behind one of these, or at a loop, or at the start
BEGINS_BEHIND = frozenset("if else br_if end".split())
#: cost their length too, which is the topmost operand, and are test points
BULK = frozenset("memory.fill memory.copy memory.init table.fill table.copy table.init".split())
#: cost what they grow by too, if they do
GROW = frozenset(("memory.grow", "table.grow"))
#: may leave for the host, or enter a function
CALLS = frozenset(("call", "call_indirect"))


def block_costs(names: Sequence[str]) -> dict[int, int]:
    """What the basic block that begins at a position costs."""
    begins = {0}
    for position, name in enumerate(names):
        if name == "loop":
            begins.add(position)
        if name in BEGINS_BEHIND:
            begins.add(position + 1)
    costs = {}
    for begin in begins:
        cost = 0
        for position in range(begin, len(names)):
            if position != begin and position in begins:
                break
            cost += names[position] not in FREE
            if names[position] in ENDS:
                break
        costs[begin] = cost
    return costs


class TestPoint(NamedTuple):
    """A moment at which fuel is compared with the limit."""

    __test__ = False  # no class of tests, whatever pytest thinks of its name

    kind: str
    charged: int
    frames: tuple[int, ...]
    state: State | None
    #: host calls that have begun before it
    host_calls: int
    #: call depth that its frames take together
    depth: int
    #: what it charged itself, at a function's entry
    entry: int = 0


@dataclass
class Trace:
    """A call as it was watched."""

    points: list[TestPoint] = field(default_factory=list)
    outcome: Outcome = Outcome("values", ())
    state: State | None = None

    @property
    def total(self) -> int:
        """All that was charged."""
        return self.outcome.fuel or 0

    def stop_at(self, fuel: int) -> TestPoint | None:
        """The test point that finds more charged than ``fuel``, if one does."""
        index = bisect_right(self.points, fuel, key=lambda point: point.charged)
        return self.points[index] if index < len(self.points) else None

    def expected(self, fuel: int | None) -> tuple[Outcome, State | None]:
        """How the call ends under a fuel limit, and the state that it leaves."""
        point = None if fuel is None else self.stop_at(fuel)
        if point is None:
            return self.outcome, self.state
        return Outcome("stopped", "OutOfFuel", fuel, point.frames), point.state

    def expected_in_depth(self, limit: int) -> tuple[Outcome, State | None]:
        """How the call ends under a limit of depth: a call that is too deep traps, uncharged."""
        for point in self.points:
            if point.kind == "entry" and point.depth > limit:
                fuel = point.charged - point.entry
                return Outcome("trap", "STACK_OVERFLOW", fuel, point.frames[1:]), point.state
        return self.outcome, self.state


class _Body:
    """A function's instructions by name, and what its basic blocks cost."""

    def __init__(self, module: Any, index: int) -> None:
        rows = module.isa.rows
        block_map = module.block_map(index)
        self.names = [rows[number].name for number, _ in block_map.code]
        self.depth = 1 + (len(block_map.locals) + block_map.max_height) // 256
        self.costs = block_costs(self.names)
        # a loop at the start begins a block of its own behind an empty one
        self.entry = 0 if self.names[0] == "loop" else self.costs[0]


class Model:
    """An instance whose calls are watched. ``snapshots`` says at which test points (counted from
    0) the state is kept: all of them, unless that would be too many."""

    def __init__(
        self,
        data: bytes,
        imports: Imports | None = None,
        limits: Limits | None = None,
        snapshots: Callable[[int], bool] = lambda number: True,
    ) -> None:
        self.module = pywasmgk.Module(data)
        self.snapshots = snapshots
        self._bodies: dict[int, _Body] = {}
        self._trace: Trace | None = None
        self._outer: tuple[int, ...] = ()
        watched = {name: self._watch(host) for name, host in (imports or {}).items()}
        self.session = OurSession("interpreter", self.module, watched, limits or Limits())

    def _watch(self, host: Host) -> Host:
        def call(session: OurSession, *args: Any) -> Any:
            if self._trace is None:
                # of a start function, which is nobody's call
                return host.call(session, *args)
            # its arguments are gone from the stack, but the frames are those of before
            self._test("host", self._peek())
            self._host_calls += 1
            frames, outer = self._frames, self._outer
            self._outer = frames
            try:
                return host.call(self, *args)
            finally:
                self._outer, self._frames = outer, frames

        return Host(host.params, host.results, call)

    # -- what host functions may ask of a session

    def read(self, ptr: int, size: int) -> bytes:
        """Bytes of memory 0."""
        return self.session.read(ptr, size)

    def write(self, ptr: int, data: bytes) -> None:
        """Writes to memory 0."""
        self.session.write(ptr, data)

    def again(self, name: str, args: Sequence[Any] = ()) -> tuple[Any, ...]:
        """A call from a host function back in."""
        func = self.session.instance.exports[name]
        return self._shown(func, self._run(func, args))

    # -- watching

    def watch(self, name: str, args: Sequence[Any] = ()) -> Trace:
        """Makes a call and keeps the account."""
        func = self.session.instance.exports[name]
        self._trace = trace = Trace()
        self._charged = self._host_calls = 0
        self._frames = self._outer = ()

        def act() -> tuple[Any, ...]:
            with self.session.instance.account():
                return self._shown(func, self._run(func, args))

        outcome = self.session._guard(act)
        trace.outcome = outcome._replace(fuel=self._charged)
        trace.state = self.session.state()
        self._trace = None
        return trace

    def _shown(self, func: Any, results: Sequence[Any]) -> tuple[Any, ...]:
        kinds = func.type.results
        return tuple(
            self.session._shown(str(kind), to_bits(kind, value))
            for kind, value in zip(kinds, results)
        )

    def _body(self, func: Any) -> _Body:
        body = self._bodies.get(func.index)
        if body is None:
            body = self._bodies[func.index] = _Body(self.module, func.index)
        return body

    def _run(self, func: Any, args: Sequence[Any]) -> list[Any]:
        """One call from the host, stepped to its end."""
        meter = current_meter()
        values = [from_bits(kind, arg) for kind, arg in zip(func.type.params, args)]
        execution = Execution(func, values)
        frames = execution.frames
        # of each frame the position of the instruction that ran last in it
        previous: list[int] = []
        execution.step(meter)
        while len(frames) > 1:
            depth = len(frames) - 1
            del previous[depth:]
            if depth > len(previous):
                previous.append(-1)
            _, pc, stack, _, running = frames[-1]
            body = self._body(running)
            self._arrive(frames, body, pc, previous[-1])
            previous[-1] = pc
            self._do(execution, meter, body.names[pc], stack)
        self._frames = self._outer
        self._test("results", self._peek())
        results = execution.step(meter)
        if results is None:
            raise AssertionError("the call has not ended where its last frame did")
        return results

    def _do(self, execution: Execution, meter: Any, name: str, stack: list[Any]) -> None:
        """Runs one instruction, and charges what depends on its operands."""
        if name in BULK:
            length, before = stack[-1], self._peek()
            execution.step(meter)
            self._charged += length
            self._frames = self._indices(execution.frames)
            self._test("bulk", before)
        elif name in GROW:
            delta = stack[-1]
            execution.step(meter)
            if stack[-1] != 0xFFFFFFFF:
                self._charged += delta
        else:
            if name in CALLS:
                self._frames = self._indices(execution.frames)
            execution.step(meter)

    def _indices(self, frames: Sequence[Any]) -> tuple[int, ...]:
        return tuple(frame[4].index for frame in reversed(frames[1:])) + self._outer

    def _arrive(self, frames: Sequence[Any], body: _Body, pc: int, previous: int) -> None:
        """Charges and tests that arriving at an instruction brings."""
        if previous == -1:
            self._charged += 1 + body.entry
            self._test_here("entry", frames)
            points = self._trace.points
            points[-1] = points[-1]._replace(entry=1 + body.entry)
            begins = body.names[pc] == "loop"
        else:
            begins = pc in body.costs
            if pc and body.names[pc - 1] == "loop" and previous != pc - 1:
                # a branch back to the loop: its block is entered again
                self._charged += body.costs[pc - 1]
                self._test_here("loop", frames)
        if begins:
            self._charged += body.costs[pc]
            if body.names[pc] == "loop":
                self._test_here("loop", frames)

    def _test_here(self, kind: str, frames: Sequence[Any]) -> None:
        self._frames = self._indices(frames)
        self._test(kind, self._peek())

    def _depth(self, frames: tuple[int, ...]) -> int:
        first = self.module.import_counts["func"]
        return sum(self._bodies[index].depth for index in frames if index >= first)

    def _peek(self) -> State | None:
        """The state, if the next test point shall have it."""
        return self.session.state() if self.snapshots(len(self._trace.points)) else None

    def _test(self, kind: str, state: State | None) -> None:
        self._trace.points.append(
            TestPoint(
                kind,
                self._charged,
                self._frames,
                state,
                self._host_calls,
                self._depth(self._frames),
            )
        )
