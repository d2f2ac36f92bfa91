"""Fuel by the rules: totals, and every stop on the way, for modules that cover each rule."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from fuel_model import Model, Trace, block_costs
from fuel_modules import CASES, HOST, FuelCase
from oracle import (
    Host,
    Limits,
    OurSession,
    differences,
    expose,
    have_wasmtime,
    open_session,
    our_engines,
    state_differences,
)

import pywasmgk
from pywasmgk.wasm.runtime.metering import CancelToken

by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
by_engine = pytest.mark.parametrize("engine", our_engines())


@functools.cache
def watched(case_name: str) -> list[tuple[str, tuple[int, ...], Trace]]:
    """What the model saw of each call of a case."""
    case = next(case for case in CASES if case.name == case_name)
    return [(name, args, Model(case.data, HOST).watch(name, args)) for name, args, _ in case.calls]


@functools.cache
def compiled(case_name: str) -> Any:
    """The module of a case, made once."""
    return pywasmgk.Module(next(case.data for case in CASES if case.name == case_name))


def session(case: FuelCase, engine: str, **options: Any) -> OurSession:
    """A fresh instance."""
    return OurSession(engine, compiled(case.name), HOST, **options)


def test_there_are_enough_modules() -> None:
    assert len(CASES) >= 20
    assert len({case.name for case in CASES}) == len(CASES)


@by_engine
@by_case
def test_totals(case: FuelCase, engine: str) -> None:
    for name, args, fuel in case.calls:
        outcome = session(case, engine).call(name, args)
        assert (outcome.kind == "values") == (fuel is not None)
        if fuel is not None:
            assert outcome.fuel == fuel, (name, args)


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@by_case
def test_totals_are_wasmtimes(case: FuelCase) -> None:
    data = expose(case.data)
    for name, args, _ in case.calls:
        other = open_session("wasmtime", data, HOST)
        theirs = other.call(name, args)
        for engine in our_engines():
            mine = open_session(engine, data, HOST)
            assert not differences(mine.call(name, args), theirs), (name, args)
            assert not state_differences(mine.state(), other.state()), (name, args)


@by_engine
@by_case
def test_every_fuel(case: FuelCase, engine: str) -> None:
    for name, args, trace in watched(case.name):
        for fuel in (None, *range(trace.total + 2)):
            guest = session(case, engine)
            outcome, state = trace.expected(fuel)
            assert not differences(guest.call(name, args, fuel), outcome, frames=True), (name, fuel)
            assert not state_differences(guest.state(), state), (name, args, fuel)


@by_engine
@by_case
def test_every_depth(case: FuelCase, engine: str) -> None:
    for name, args, trace in watched(case.name):
        for depth in range(max(point.depth for point in trace.points) + 1):
            guest = session(case, engine, limits=Limits(depth=depth))
            if guest.started.kind != "values":
                # a start function that is too deep
                assert depth == 0
                continue
            outcome, state = trace.expected_in_depth(depth)
            assert not differences(guest.call(name, args), outcome, frames=True), (name, depth)
            assert not state_differences(guest.state(), state), (name, args, depth)


# -- deadline and cancellation: at the next test point behind what the clock, or the token, says


class Clock:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def hooked(moment: int, act: Any) -> dict[tuple[str, str], Host]:
    """The host functions, the ``moment``-th call of which acts first."""
    calls = iter(range(1 << 30))

    def wrap(host: Host) -> Host:
        def call(session: Any, *args: Any) -> Any:
            if next(calls) == moment:
                act()
            return host.call(session, *args)

        return Host(host.params, host.results, call)

    return {name: wrap(host) for name, host in HOST.items()}


def moments(trace: Trace) -> Iterator[tuple[int, Any]]:
    """For each host call of a trace the test point at which a stop must come."""
    for moment in range(trace.points[-1].host_calls):
        points = (point for point in trace.points if point.host_calls > moment)
        yield moment, next(points, None)


@by_engine
@by_case
@pytest.mark.parametrize("verdict", ["DeadlineExceeded", "Cancelled"])
def test_stops_that_come_while_the_host_runs(case: FuelCase, engine: str, verdict: str) -> None:
    for name, args, trace in watched(case.name):
        # what is made ready, which looks at the token on a busy machine, is so from then on
        session(case, engine).call(name, args)
        for moment, point in moments(trace):
            clock, token = Clock(), CancelToken()

            def stop(clock: Clock = clock, token: CancelToken = token) -> None:
                if verdict == "Cancelled":
                    token.cancel()
                else:
                    clock.now += 5.0

            options = {"clock": clock, "timeout": 3.0, "cancel": token}
            guest = OurSession(engine, compiled(case.name), hooked(moment, stop), options=options)
            outcome = guest.call(name, args)
            if point is None:
                assert outcome.kind == trace.outcome.kind
                continue
            assert (outcome.kind, outcome.detail) == ("stopped", verdict)
            assert (outcome.fuel, outcome.frames) == (point.charged, point.frames)
            assert not state_differences(guest.state(), point.state)


@by_engine
@by_case
def test_a_call_that_is_cancelled_before_it_begins(case: FuelCase, engine: str) -> None:
    for name, args, trace in watched(case.name):
        # on a busy machine compiling may take long enough for a look at the token
        session(case, engine).call(name, args)
        token = CancelToken()
        token.cancel()
        guest = session(case, engine)
        outcome = guest.call(name, args, cancel=token)
        first = trace.points[0]
        assert (outcome.kind, outcome.detail) == ("stopped", "Cancelled")
        assert (outcome.fuel, outcome.frames) == (first.charged, first.frames)
        assert not state_differences(guest.state(), first.state)


# -- the model itself


def test_blocks_of_the_model() -> None:
    names = "local.get if nop i32.const drop else end loop br end unreachable end".split()
    assert block_costs(names) == {0: 2, 2: 1, 6: 0, 7: 1, 10: 0, 12: 0}


def test_the_model_watches_without_the_engines_numbers() -> None:
    trace = next(trace for _, args, trace in watched("loop") if args == (6,))
    assert [point.kind for point in trace.points] == ["entry", *["loop"] * 6, "results"]
    assert [point.charged for point in trace.points] == [3, 12, 21, 30, 39, 48, 57, 58]
    assert trace.expected(30)[0].kind == "stopped"
    assert trace.expected(58)[0].kind == "values"
