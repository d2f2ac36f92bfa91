"""Holds engines against each other on generated programs, and makes failing ones small."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fuel_model import Model
from generator import Program, generate
from oracle import (
    Limits,
    Outcome,
    Session,
    differences,
    expose,
    frames_told,
    open_session,
    reference_differences,
    state_differences,
)

import pywasmgk
from pywasmgk.wasm import isa
from pywasmgk.wasm.binary.features_used import features_used

__all__ = ["Finding", "check", "fuels_to_try", "minimise"]

_TAIL_CALLS = frozenset(
    form for form, does in isa.CONTROL_FORMS.items() if does.calls and does.leaves
)
#: no call gets more; one that needs more is compared among our own engines only
FUEL = 20_000
_LIMITS = Limits(memory=32, table=1_000)


class Finding(NamedTuple):
    """Where two engines do not agree."""

    #: ``call``, ``stop``, ``start`` or ``crash``
    kind: str
    engine: str
    #: number of the call, and its fuel limit
    call: int
    fuel: int | None
    text: str

    @property
    def sort(self) -> tuple[str, str]:
        """What stays the same while the program is made smaller."""
        return self.kind, self.engine


def check(
    program: Program, engines: Sequence[str], *, reference: bool = True, stops: bool = True
) -> Iterable[Finding]:
    """All calls on all engines and wasmtime: results, traps, fuel, frames, memory, globals, tables.
    With ``stops`` one call under many fuel limits too, held against the model."""
    try:
        module = pywasmgk.Module(program.data)
        reference = reference and "legacy exception handling" not in features_used(module)
        yield from _compare_calls(program, module, engines, reference)
        if stops:
            yield from _compare_stops(program, module, engines)
    except Exception as error:  # whatever it is, it is a finding
        yield Finding("crash", "?", 0, None, f"{type(error).__name__}: {error}"[:300])


def _compare_calls(
    program: Program, module: Any, engines: Sequence[str], reference: bool
) -> Iterable[Finding]:
    first, *others = [
        open_session(engine, program.data, program.host, _LIMITS, module) for engine in engines
    ]
    oracle = (
        open_session("wasmtime", expose(program.data), program.host, _LIMITS) if reference else None
    )
    if first.instance is None:
        # its start function traps
        for other in (*others, *([oracle] if oracle else [])):
            told = frames_told(other.engine)
            found = differences(other.started, first.started, frames=other is not oracle, most=told)
            if found:
                yield Finding("start", other.engine, 0, None, "; ".join(found))
        return
    for number, (name, args) in enumerate(program.calls):
        mine = first.call(name, args, FUEL)
        state = first.state()
        for other in others:
            told = frames_told(other.engine)
            found = differences(other.call(name, args, FUEL), mine, frames=True, most=told)
            found += state_differences(other.state(), state)
            if found:
                yield Finding("call", other.engine, number, FUEL, "; ".join(found))
                return
        if oracle is not None and mine.kind != "stopped":
            found = _against_reference(oracle, mine, state, name, args)
            if found:
                yield Finding("call", "wasmtime", number, FUEL, "; ".join(found))
                return
        if mine.kind == "stopped":
            # where it was stopped is not where wasmtime would be
            oracle = None


def _against_reference(
    oracle: Session, mine: Outcome, state: Any, name: str, args: Sequence[int]
) -> list[str]:
    theirs = oracle.call(name, args, 2 * FUEL)
    return reference_differences(mine, theirs) + state_differences(state, oracle.state())


def fuels_to_try(total: int, seed: int) -> list[int]:
    """Every fuel up to 300, and 50 of those above, if there are."""
    few = list(range(min(total, 300) + 1))
    if total > 300:
        few += random.Random(seed).sample(range(301, total + 1), min(50, total - 300))
    return few


def _ends_in_calls(module: Any) -> bool:
    """Whether a module has tail calls, of which the model keeps no account."""
    first = module.import_counts["func"]
    rows = module.isa.rows
    return any(
        rows[number].form in _TAIL_CALLS
        for index in range(first, len(module.functions))
        for number, _ in module.block_map(index).code
    )


def _compare_limits(
    program: Program, module: Any, engines: Sequence[str], number: int
) -> Iterable[Finding]:
    """A call under many fuel limits, on all engines: the model knows nothing of exceptions."""
    name, args = program.calls[number]
    total = open_session("interpreter", program.data, program.host, _LIMITS, module)
    for fuel in fuels_to_try(total.call(name, args, FUEL).fuel or 0, len(program.data)):
        first, *others = [
            open_session(engine, program.data, program.host, _LIMITS, module) for engine in engines
        ]
        wanted = first.call(name, args, fuel)
        for other in others:
            told = frames_told(other.engine)
            found = differences(other.call(name, args, fuel), wanted, frames=True, most=told)
            found += state_differences(other.state(), first.state())
            if found:
                yield Finding("stop", other.engine, number, fuel, "; ".join(found))
                return


def _compare_stops(program: Program, module: Any, engines: Sequence[str]) -> Iterable[Finding]:
    if not program.calls or _ends_in_calls(module):
        return
    number = len(program.data) % len(program.calls)
    name, args = program.calls[number]
    probe = open_session("interpreter", program.data, program.host, _LIMITS, module)
    if probe.instance is None or probe.call(name, args, FUEL).kind == "stopped":
        return
    if module.tags:
        yield from _compare_limits(program, module, engines, number)
        return
    trace = Model(program.data, program.host, _LIMITS).watch(name, args)
    for fuel in fuels_to_try(trace.total, len(program.data)):
        outcome, state = trace.expected(fuel)
        for engine in engines:
            guest = open_session(engine, program.data, program.host, _LIMITS, module)
            told = frames_told(engine)
            found = differences(guest.call(name, args, fuel), outcome, frames=True, most=told)
            if state is not None:
                found += state_differences(guest.state(), state)
            if found:
                yield Finding("stop", engine, number, fuel, "; ".join(found))
                return


# -- making programs small


def minimise(
    tape: Sequence[int], fails: Callable[[Program], bool], tries: int = 2_000
) -> list[int]:
    """A short, simple tape whose program still fails."""
    best = list(tape)
    left = tries

    def better(candidate: list[int]) -> bool:
        nonlocal best, left
        if left <= 0 or candidate == best:
            return False
        left -= 1
        if not fails(generate(tape=candidate)):
            return False
        best = candidate
        return True

    changed = True
    while changed and left > 0:
        changed = False
        size = max(len(best) // 2, 1)
        while size and left > 0:
            position = 0
            while position < len(best):
                end = position + size
                if better(best[:position] + best[end:]):
                    changed = True
                    continue
                zeros = best[:position] + [0] * len(best[position:end]) + best[end:]
                changed |= better(zeros)
                position = end
            size //= 2
        for position, value in enumerate(list(best)):
            if position < len(best) and value > 1 and best[position] == value:
                changed |= better([*best[:position], value // 2, *best[position + 1 :]])
    while best and best[-1] == 0:
        best.pop()
    return best
