"""Calls of recorded guests under many fuel limits, held against the model of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fuel_model import Model
from oracle import OurSession, differences, expose, state_differences
from replay import Enter, Leave, Player, Recording, Write, stand_ins

import pywasmgk

__all__ = ["StopReport", "check_stops", "outermost_calls"]


class StopReport(NamedTuple):
    """What one call under many limits showed."""

    total: int
    points: int
    tried: int
    findings: list[str]


def outermost_calls(recording: Recording) -> list[int]:
    """Positions of the events at which the host calls the guest, and nothing of it runs yet."""
    found, depth = [], 0
    for position, event in enumerate(recording.events):
        if isinstance(event, Enter):
            if not depth:
                found.append(position)
            depth += 1
        elif isinstance(event, Leave):
            depth -= 1
    return found


class _Saved:
    """An instance's state, to try the same call again."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance
        self.memories = [bytes(memory.data) for memory in instance.memories]
        self.globals = [cell.raw for cell in instance.globals]
        self.tables = [list(table.elements) for table in instance.tables]
        self.segments = list(instance.datas), list(instance.elems)

    def restore(self) -> bool:
        """Puts everything back; false where a memory has grown, which has no way back."""
        instance = self.instance
        for memory, data in zip(instance.memories, self.memories):
            if len(memory.data) != len(data):
                return False
            memory.data[:] = data
        for cell, raw in zip(instance.globals, self.globals):
            cell.cell.cell_contents = raw
        for table, elements in zip(instance.tables, self.tables):
            table.elements[:] = elements
        instance.datas[:], instance.elems[:] = self.segments
        return True


class _Prepared:
    """A guest that has been brought to a call by replaying what came before."""

    def __init__(self, recording: Recording, at: int, session: OurSession, player: Player) -> None:
        self.at = at
        self.player = player
        self.session = session
        while player.position < at:
            if isinstance(player.events[player.position], Write):
                session.write(*player.next(Write))
            else:
                enter = player.next(Enter)
                session.call(f"#f{enter.function}", enter.args)
                player.next(Leave)
        self.enter = recording.events[at]
        self.name = f"#f{self.enter.function}"
        self.saved = _Saved(session.instance)

    def again(self) -> bool:
        """Back to the moment before the call."""
        self.player.position = self.at + 1
        return self.saved.restore()


def check_stops(
    recording: Recording, at: int, engines: Sequence[str], count: int = 300
) -> StopReport:
    """One call under ``count`` fuel limits spread over what it costs."""
    data = expose(recording.module.data)
    module = pywasmgk.Module(data)

    def model() -> tuple[Model, _Prepared]:
        player = Player(recording.events)
        watcher = Model(data, stand_ins(recording, player), recording.limits, lambda number: False)
        return watcher, _Prepared(recording, at, watcher.session, player)

    watcher, prepared = model()
    prepared.again()
    args = prepared.enter.args
    trace = watcher.watch(prepared.name, args)
    total = trace.total
    fuels = sorted({total * step // max(count - 1, 1) for step in range(count)})
    stops = {id(point) for fuel in fuels if (point := trace.stop_at(fuel)) is not None}
    wanted = {number for number, point in enumerate(trace.points) if id(point) in stops}
    if not prepared.again():
        watcher, prepared = model()
        prepared.again()
    watcher.snapshots = wanted.__contains__
    trace = watcher.watch(prepared.name, args)
    findings = []
    for engine in engines:
        guest: _Prepared | None = None
        for fuel in fuels:
            if guest is None or not guest.again():
                player = Player(recording.events)
                session = OurSession(engine, module, stand_ins(recording, player), recording.limits)
                guest = _Prepared(recording, at, session, player)
                guest.again()
            outcome, state = trace.expected(fuel)
            found = differences(guest.session.call(prepared.name, args, fuel), outcome, frames=True)
            if state is not None:
                found += state_differences(guest.session.state(), state)
            if found:
                findings.append(f"{engine}, event {at}, fuel {fuel}: {'; '.join(found)}")
                break
    return StopReport(total, len(trace.points), len(fuels), findings)
