"""Records what passes between a host and a guest, and replays it on another engine.

A recording has everything that crosses the border: calls in with their arguments, what the host
wrote into memory meanwhile, calls out with what they gave. So a guest that needs a host of any
kind, WASI, host calls, calls back into it, can be run again on an engine that has no such host, and
both runs compared at every crossing: arguments, results, traps, memory, and fuel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from oracle import (
    Host,
    Limits,
    Outcome,
    Session,
    canonical,
    checksum,
    differences,
    expose,
    open_session,
)

import pywasmgk
from pywasmgk.errors import Stopped, Trap
from pywasmgk.plugin import loading
from pywasmgk.wasm.runtime import calls
from pywasmgk.wasm.runtime.functions import Func
from pywasmgk.wasm.runtime.instance import _with_wasi
from pywasmgk.wasm.runtime.metering import current_meter
from pywasmgk.wasm.runtime.values import from_python, to_bits, to_python

__all__ = ["Difference", "Player", "Recording", "record", "replay", "stand_ins"]

#: bytes of memory that are compared at once when a host's writes are looked for
_CHUNK = 4096


class Difference(Exception):
    """A replay does not go as it was recorded."""


class Write(NamedTuple):
    """The host wrote into memory 0."""

    ptr: int
    data: bytes


class Enter(NamedTuple):
    """The host calls a function of the guest."""

    function: int
    args: tuple[Any, ...]


class Leave(NamedTuple):
    """That call ended; fuel and memory are of outermost calls."""

    outcome: Outcome
    memory: tuple[int, int] | None


class Out(NamedTuple):
    """The guest calls the host."""

    module: str
    name: str
    args: tuple[Any, ...]


class Back(NamedTuple):
    """The host answers: a result, or an exception."""

    result: Any
    error: str | None


Event = Any


class Recording:
    """One instance's life."""

    def __init__(self, module: Any, limits: Limits, together: list[Recording]) -> None:
        self.module = module
        self.limits = limits
        #: all recordings; other guests may run, on the same account, while this one waits
        self.together = together
        self._foreign = 0
        self.events: list[Event] = []
        self.instance: Any = None
        self._seen = b""
        self._depth = 0

    # -- what the host wrote

    def _memory(self) -> Any:
        memory = None if self.instance is None else self.instance.memory
        return b"" if memory is None else memory.data

    def _keep(self) -> None:
        """From here on the host runs."""
        self._seen = bytes(self._memory())

    def _note_writes(self) -> None:
        """From here on the guest runs: what is new in memory is the host's."""
        now, seen = self._memory(), self._seen
        if len(now) != len(seen) or now == seen:
            return
        for start in range(0, len(now), _CHUNK):
            piece = now[start : start + _CHUNK]
            if piece != seen[start : start + _CHUNK]:
                self.events.append(Write(start, bytes(piece)))

    # -- calls in

    def call(self, func: Func, args: Sequence[Any], invoke: Callable[..., Any]) -> Any:
        """A call of the guest, recorded."""
        shown = tuple(map(to_bits, func.type.params, args))
        self._note_writes()
        self.events.append(Enter(func.index, shown))
        outermost = self._depth == 0
        begin, foreign = _fuel(), self._foreign
        self._depth += 1
        outcome = Outcome("host", "?")
        try:
            results = invoke(func, args)
            bits = (
                canonical(str(kind), to_bits(kind, value))
                for kind, value in zip(func.type.results, results)
            )
            outcome = Outcome("values", tuple(bits))
            return results
        except Trap as trap:
            outcome = Outcome("trap", trap.trap_code.name)
            raise
        except BaseException as error:
            outcome = Outcome("host", type(error).__name__)
            raise
        finally:
            self._depth -= 1
            self._keep()
            if outermost:
                used = self.instance.fuel_used if current_meter() is None else _fuel() - begin
                for other in self.together:
                    if other is not self and other._depth:
                        other._foreign += used
                outcome = outcome._replace(fuel=used - (self._foreign - foreign))
                self.events.append(Leave(outcome, checksum(self._memory())))
            else:
                self.events.append(Leave(outcome, None))

    # -- calls out

    def wrap(self, module: str, name: str, func: Any, kind: Any) -> Func:
        """A host function that is recorded."""
        if not isinstance(func, Func):
            func = Func(kind, func, name=name)

        def call(caller: Any, *args: Any) -> Any:
            self.instance = self.instance or caller.instance
            self._keep()
            self.events.append(Out(module, name, args))
            values = [from_python(k, v) for k, v in zip(kind.params, args)]
            try:
                results = func.call_host(caller.instance, caller.meter, values)
            except BaseException as error:
                self._note_writes()
                self.events.append(Back(None, type(error).__name__))
                raise
            shown = [to_python(k, v) for k, v in zip(kind.results, results)]
            result = None if not shown else shown[0] if len(shown) == 1 else tuple(shown)
            self._note_writes()
            self.events.append(Back(result, None))
            return result

        return Func(kind, call, access_caller=True, name=name)


def _fuel() -> int:
    meter = current_meter()
    return 0 if meter is None else meter.fuel_used


@contextmanager
def record() -> Iterator[list[Recording]]:
    """Records all instances that are made inside; gives the list of their recordings."""
    recordings: list[Recording] = []
    make, invoke, way_in = pywasmgk.instantiate, calls.invoke, calls.way_in

    def instantiate(
        module: Any, imports: Mapping[str, Any] | None = None, *, wasi: Any = None, **options: Any
    ) -> Any:
        limits = Limits(
            options.get("memory_limit", 256),
            options.get("table_limit", 1_000_000),
            options.get("depth_limit", 2_000),
        )
        if not isinstance(module, pywasmgk.Module):
            module = pywasmgk.Module(module)
        recording = Recording(module, limits, recordings)
        recordings.append(recording)
        given = _with_wasi(module, imports, wasi) or {}
        wrapped: dict[str, dict[str, Any]] = {}
        for item in module.imports:
            func = given[item.module][item.name]
            wrapped.setdefault(item.module, {})[item.name] = recording.wrap(
                item.module, item.name, func, item.type
            )
        instance = make(module, wrapped, **options)
        recording.instance = instance
        recording._keep()
        return instance

    def recorded(func: Func, args: Sequence[Any]) -> Any:
        for recording in recordings:
            if recording.instance is not None and func.instance is recording.instance:
                return recording.call(func, args, invoke)
        return invoke(func, args)

    pywasmgk.instantiate = instantiate
    loading.instantiate = instantiate  # type: ignore[assignment]
    calls.invoke = recorded
    # no shorter ways in
    calls.way_in = lambda func: None
    try:
        yield recordings
    finally:
        pywasmgk.instantiate = make
        loading.instantiate = make
        calls.invoke = invoke
        calls.way_in = way_in


class _Exit(Exception):
    """Stands in a replay for what a host function raised."""


class Player:
    """Goes through a recording, and stands for the host in it."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.position = 0

    def next(self, kind: type) -> Any:
        """The next event, which must be of a kind."""
        event = self.events[self.position]
        if not isinstance(event, kind):
            raise Difference(f"event {self.position}: {event!r:.200} was recorded, not {kind}")
        self.position += 1
        return event

    def host(self, module: str, name: str) -> Callable[..., Any]:
        """What stands for a host function: it does what was recorded."""

        def call(session: Session, *args: Any) -> Any:
            expected = self.next(Out)
            if (module, name, args) != expected:
                raise Difference(f"{module}.{name}{args} called, recorded was {expected}")
            while not isinstance(self.events[self.position], Back):
                self.act(session)
            back = self.next(Back)
            if back.error is not None:
                raise _Exit(back.error)
            return back.result

        return call

    def act(self, session: Session) -> None:
        """One thing that a host function did."""
        if isinstance(self.events[self.position], Write):
            session.write(*self.next(Write))
            return
        enter = self.next(Enter)
        outcome: Outcome | None = None
        try:
            outcome = Outcome("values", session.again(f"#f{enter.function}", enter.args))
        except (Difference, Stopped):
            # a stop goes through to who set the limit
            raise
        except Exception:  # the engine's own trap: what kind it is, its outermost call tells
            outcome = None
        leave = self.next(Leave)
        if outcome is None:
            if leave.outcome.kind == "values":
                raise Difference(f"a call back in did not end with {leave.outcome}")
            raise _Exit(str(self.next(Back).error))
        if outcome[:2] != leave.outcome[:2]:
            raise Difference(f"a call back in gave {outcome}, not {leave.outcome}")


def stand_ins(recording: Recording, player: Player) -> dict[tuple[str, str], Host]:
    """What a guest imports, done by a player."""
    return {
        (item.module, item.name): Host(
            tuple(map(str, item.type.params)),
            tuple(map(str, item.type.results)),
            player.host(item.module, item.name),
        )
        for item in recording.module.imports
    }


def replay(recording: Recording, engine: str) -> list[str]:
    """Runs a recording on an engine; gives the differences, at most one."""
    player = Player(recording.events)
    imports = stand_ins(recording, player)
    data = expose(recording.module.data)
    try:
        session = open_session(engine, data, imports, recording.limits)
        while player.position < len(player.events):
            if isinstance(player.events[player.position], Write):
                session.write(*player.next(Write))
                continue
            at = player.position
            enter = player.next(Enter)
            mine = session.call(f"#f{enter.function}", enter.args)
            if mine.detail == "Difference":
                return [f"call {enter} went astray at event {player.position}"]
            leave = player.next(Leave)
            recorded = leave.outcome
            if recorded.kind == "host" and mine.kind == "host":
                mine = mine._replace(detail=recorded.detail)
            found = differences(mine, recorded)
            if leave.memory != (memory := _memory_of(session)):
                found.append(f"memory {memory} against {leave.memory}")
            if found:
                return [f"event {at}, function {enter.function}: {'; '.join(found)}"]
    except Difference as difference:
        return [str(difference)]
    return []


def _memory_of(session: Session) -> tuple[int, int]:
    return next(iter(session.checksums()), checksum(b""))
