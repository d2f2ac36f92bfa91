"""Instrumented modules do what the tiers do: the same charges, the same stops, the same state."""

from __future__ import annotations

from typing import Any

import pytest
from fuel_model import Model, Trace
from fuel_modules import CASES, HOST, FuelCase
from generator import Program, generate
from metered import MeteredSession
from oracle import Limits, OurSession, differences, state_differences
from throw_generator import generate as throws

import pywasmgk
from pywasmgk.wasm.binary.features_used import features_used
from pywasmgk.wasm.instrument import Instrumented, Options
from pywasmgk.wasm.instrument.bodies import BodyWriter

#: no generated call gets more
FUEL = 20_000
OPTIONS = Options(256, 1_000)

by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def watched(case: FuelCase) -> list[tuple[str, tuple[int, ...], Trace]]:
    return [(name, args, Model(case.data, HOST).watch(name, args)) for name, args, _ in case.calls]


@by_case
def test_every_fuel(case: FuelCase) -> None:
    module = pywasmgk.Module(case.data)
    for name, args, trace in watched(case):
        for fuel in (None, *range(trace.total + 2)):
            guest = MeteredSession("interpreter", module, HOST)
            outcome, state = trace.expected(fuel)
            assert not differences(guest.call(name, args, fuel), outcome, frames=True), (name, fuel)
            assert not state_differences(guest.state(), state), (name, args, fuel)


@by_case
def test_every_depth(case: FuelCase) -> None:
    module = pywasmgk.Module(case.data)
    for name, args, trace in watched(case):
        for depth in range(max(point.depth for point in trace.points) + 1):
            guest = MeteredSession("interpreter", module, HOST, Limits(depth=depth))
            if guest.started.kind != "values":
                assert depth == 0
                continue
            outcome, state = trace.expected_in_depth(depth)
            assert not differences(guest.call(name, args), outcome, frames=True), (name, depth)
            assert not state_differences(guest.state(), state), (name, args, depth)


# -- generated programs


def compare(program: Program, limits: Limits) -> None:
    """All calls of a program, and one of them under many fuels, against the interpreter."""
    module = pywasmgk.Module(program.data)
    if "legacy exception handling" in features_used(module):
        with pytest.raises(pywasmgk.ValidationError, match="legacy encoding"):
            pywasmgk.instrument(module)
        return
    ours = OurSession("interpreter", module, program.host, limits)
    metered = MeteredSession("interpreter", module, program.host, limits)
    assert differences(metered.started, ours.started, fuel=False) == []
    if ours.instance is None:
        return
    for name, args in program.calls:
        wanted = ours.call(name, args, FUEL)
        assert differences(metered.call(name, args, FUEL), wanted, frames=True) == []
        assert state_differences(metered.state(), ours.state()) == []
        if wanted.kind == "values" and wanted.fuel:
            for fuel in {wanted.fuel // 2, wanted.fuel - 1}:
                again = OurSession("interpreter", module, program.host, limits)
                other = MeteredSession("interpreter", module, program.host, limits)
                stop = again.call(name, args, fuel)
                assert differences(other.call(name, args, fuel), stop, frames=True) == []
                assert state_differences(other.state(), again.state()) == []


@pytest.mark.parametrize("seed", range(12))
def test_generated_programs(seed: int) -> None:
    compare(generate(seed), Limits(memory=32, table=1_000))


@pytest.mark.parametrize("seed", range(16))
def test_generated_exceptions(seed: int) -> None:
    compare(throws(seed), Limits(memory=32, table=1_000))


# -- what is public


def metered(text: str, left: int, depth: int = 100, **limits: int) -> pywasmgk.Instance:
    """An instance of an instrumented text, with an account."""
    i64 = pywasmgk.ValType.I64

    def refill(fuel: int) -> int:
        raise pywasmgk.OutOfFuel("no more")

    def exhausted() -> None:
        raise pywasmgk.Trap(pywasmgk.TrapCode.STACK_OVERFLOW)

    names = {
        "refill": pywasmgk.Func(pywasmgk.FuncType((i64,), (i64,)), refill),
        "exhausted": pywasmgk.Func(pywasmgk.FuncType(), exhausted),
    }
    data = pywasmgk.instrument(text, **limits)
    instance = pywasmgk.instantiate(data, {"pywasmgk": names, "h": {"f": lambda: None}})
    instance.exports["pywasmgk.fuel"].value = left
    instance.exports["pywasmgk.depth"].value = depth
    return instance


def test_sizes_are_bounded() -> None:
    text = """(module (memory 1) (table 2 funcref) (table 1 externref)
      (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "first") (param i32) (result i32) (table.grow 0 (ref.null func) (local.get 0)))
      (func (export "second") (param i32) (result i32)
        (table.grow 1 (ref.null extern) (local.get 0))))"""
    exports = metered(text, 1000, memory_limit=3, table_limit=7).exports
    assert [exports.memory(count) for count in (3, 2, 1)] == [-1, 1, -1]
    # the tables share what they may have: three are there, four may come
    assert [exports.first(3), exports.second(2), exports.second(1), exports.first(1)] == [
        *(2, -1, 1, -1)
    ]
    for limits in ({"memory_limit": 0}, {"table_limit": 2}):
        with pytest.raises(pywasmgk.LinkError, match="over limit of"):
            pywasmgk.instrument(text, **limits)


def test_the_length_of_a_bulk_operation_is_charged_before_it_acts() -> None:
    text = """(module (memory (export "m") 1) (data $d "abcdefgh")
      (func (export "init") (param i32 i32) (memory.init $d (i32.const 0) (local.get 0)
        (local.get 1)))
      (func (export "drop") (data.drop $d)))"""
    instance = metered(text, 12)
    with pytest.raises(pywasmgk.OutOfFuel):
        instance.exports.init(0, 8)
    assert instance.exports["pywasmgk.fuel"].value == 12 - 1 - 4 - 8
    assert instance.memory.read(0, 2) == b"\0\0"
    instance.exports["pywasmgk.fuel"].value = 100
    for start, length in ((1, 8), (-1, 2), (9, 0)):
        with pytest.raises(pywasmgk.Trap, match="out of bounds"):
            instance.exports.init(start, length)
    instance.exports.init(0, 8)
    # what traps charges no length
    assert instance.exports["pywasmgk.fuel"].value == 100 - 4 * 5 - 8
    instance.exports.drop()
    with pytest.raises(pywasmgk.Trap, match="out of bounds"):
        instance.exports.init(0, 1)


def test_a_start_function_is_left_to_the_host() -> None:
    text = """(module (import "h" "f" (func)) (global (export "g") (mut i32) (i32.const 0))
      (func $start (global.set 0 (i32.const 5))) (start $start))"""
    instance = metered(text, 10)
    assert instance.exports.g.value == 0
    instance.exports["pywasmgk.start"]()
    assert (instance.exports.g.value, instance.exports["pywasmgk.fuel"].value) == (5, 7)


def test_fuel_is_tested_before_the_host_is_called() -> None:
    text = """(module (import "h" "f" (func))
      (func (export "f") nop (block (br_if 0 (i32.const 0)) (call 0))))"""
    instance = metered(text, 3)
    with pytest.raises(pywasmgk.OutOfFuel):
        instance.exports.f()
    assert instance.exports["pywasmgk.fuel"].value == -1


def test_depth_is_that_of_the_caller_again() -> None:
    text = """(module (func $f (export "f") (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
      (br 0 (call $f (i32.sub (local.get 0) (i32.const 1))))))"""
    instance = metered(text, 1000, depth=5)
    assert [instance.exports.f(4), instance.exports.f(4)] == [7, 7]
    with pytest.raises(pywasmgk.Trap, match="call stack exhausted"):
        instance.exports.f(5)


def test_places_lead_back() -> None:
    module = pywasmgk.Module("""(module (memory 1) (func (export "f") (param i32) (result i32)
      (loop (br_if 0 (local.get 0))) (i32.load (i32.const -1))))""")
    done = Instrumented(module, Options(1, 1))
    at = module.bodies[0].start
    found = [done.place(offset) for offset in range(len(done.data))]
    offsets = [place.offset for place in found if place]
    assert set(offsets) >= set(range(at + 1, module.bodies[0].end))
    for offset, place in enumerate(found):
        if place and module.data[place.offset] == 0x28 and done.data[offset] == 0x28:
            break
    else:
        raise AssertionError("the load is nowhere")


# -- how long it may take


class LooksAtTheClock(pywasmgk.CancelToken):
    """Is asked whenever somebody looks; cancels at the look with a number."""

    def __init__(self, at: float = float("inf")) -> None:
        super().__init__()
        self.at, self.looks = at, 0

    @property
    def cancelled(self) -> bool:
        self.looks += 1
        return self.looks >= self.at


CALLS = 4_000
ENDLESS = {
    "many functions": "(module" + "(func)" * CALLS + ")",
    "many instructions": "(module (func $f) (func" + "(call $f)" * CALLS + "))",
    "many calls in one block that may throw": (
        "(module (tag) (func $f) (func" + "(call $f)" * CALLS + "))"
    ),
}


@pytest.mark.parametrize("shape", ENDLESS)
def test_somebody_looks_at_the_clock_all_the_time(shape: str) -> None:
    module = pywasmgk.Module(ENDLESS[shape])
    token = LooksAtTheClock()
    made = pywasmgk.instrument(module, cancel=token)
    assert token.looks > CALLS / 1_000
    assert pywasmgk.Module(made)
    for at in range(1, token.looks + 1, token.looks // 5):
        with pytest.raises(pywasmgk.Cancelled):
            pywasmgk.instrument(module, cancel=LooksAtTheClock(at))


def test_its_time_is_that_of_loading_too() -> None:
    for module in (ENDLESS["many functions"], pywasmgk.Module(ENDLESS["many functions"])):
        with pytest.raises(pywasmgk.DeadlineExceeded):
            pywasmgk.instrument(module, timeout=1e-9)
    assert pywasmgk.instrument("(module)", timeout=None)


def test_what_is_behind_many_calls_is_counted_once() -> None:
    """Instructions that are looked at grow with the function, not with its square."""
    counted = []
    for calls in (500, 1_000):
        text = "(module (tag) (func $f) (func" + "(call $f)" * calls + "))"
        made = Instrumented(pywasmgk.Module(text), OPTIONS)
        writer = BodyWriter(made.plan, 1)
        writer.body = writer.body._replace(code=Counted(writer.body.code))
        writer.write()
        counted.append(writer.body.code.reads)  # type: ignore[attr-defined]
    assert counted[1] < 2.1 * counted[0]


class Counted(list[Any]):
    """Counts what is read of it."""

    reads = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.reads += len(found) if isinstance(index, slice) else 1
        return found


def test_a_trace_writes_no_body_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Instrumented(pywasmgk.Module("(module (func nop nop) (func unreachable))"), OPTIONS)
    places = [made.place(offset) for offset in range(len(made.data))]
    assert {place.function for place in places if place} == {0, 1}
    monkeypatch.setattr(BodyWriter, "write", None)
    assert [made.place(offset) for offset in range(len(made.data))] == places
