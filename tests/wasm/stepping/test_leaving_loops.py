"""Loops of calls in slices: in compiled code, which is left at a loop's head when the slice is
over; results, fuel, traps, frames and the turns of the event loop are as ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from held import differences
from loop_generator import generate

import pywasmgk
from pywasmgk.wasm.runtime import metering
from pywasmgk.wasm.runtime.binding import Binding
from pywasmgk.wasm.runtime.tiers import Tiers
from pywasmgk.wasm.stepping import whole
from pywasmgk.wasm.stepping.whole import Whole

TEXT = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $seen (mut i64) (i64.const 0))
  (table 1 funcref)
  (tag $odd)
  (func $twice (param f64) (result f64) (f64.add (local.get 0) (local.get 0)))
  (func $work (export "work") (param $n i32) (result i64)
    (local $i i32) (local $a i64) (local $b f32) (local $c f64) (local $d v128)
    (local.set $d (i32x4.splat (i32.const 3)))
    (loop $outer
      (local.set $i (i32.const 7))
      (global.set $seen (i64.add (global.get $seen) (i64.const 1)))
      (loop $inner
        (local.set $a (i64.mul (i64.add (local.get $a) (i64.const 5)) (i64.const 0x9E3779B97)))
        (local.set $b (f32.add (local.get $b) (f32.convert_i32_s (local.get $i))))
        (local.set $c (call $twice (f64.add (local.get $c) (f64.const 0.1))))
        (local.set $d (i32x4.mul (local.get $d) (i32x4.splat (local.get $i))))
        (i32.store (i32.shl (local.get $i) (i32.const 2)) (i32.wrap_i64 (local.get $a)))
        (br_if $inner (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.xor (i64.xor (local.get $a) (i64x2.extract_lane 1 (local.get $d)))
      (i64.xor (i64.extend_i32_u (i32.reinterpret_f32 (local.get $b)))
        (i64.reinterpret_f64 (local.get $c)))))
  (func (export "calls") (param $n i32) (result i64)
    (i64.add (call $work (local.get $n))
      (i64.extend_i32_s (call $ask (i32.wrap_i64 (call $work (local.get $n)))))))
  (func (export "traps") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum) (i32.div_u (i32.const 1000) (local.get $n))))
      (br $again))
    (local.get $sum))
  (func (export "forever") (loop (br 0)))
  (func (export "operand") (param i32) (result i32)
    (i32.const 5) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) )
  (func (export "parameter") (param i32)
    (local.get 0)
    (loop (param i32) (local.set 0) (local.get 0) (br_if 0 (i32.eqz (local.get 0))) drop))
  (func (export "catches") (param i32)
    (block $h (loop (try_table (catch $odd $h) nop) (br_if 0 (local.get 0)))))
  (func (export "asks") (loop (br_if 0 (call $ask (i32.const 0)))))
  (func (export "grows") (loop (br_if 0 (memory.grow (i32.const 0)))))
  (func (export "fills") (param i32)
    (loop (memory.fill (i32.const 0) (i32.const 0) (local.get 0)) (br_if 0 (local.get 0))))
  (func $deep (export "deep") (loop (call $deep)))
  (func (export "indirect") (loop (call_indirect (i32.const 0))))
  (func (export "straight") nop))"""
MODULE = pywasmgk.Module(TEXT)


async def ask(number: int) -> int:
    await asyncio.sleep(0)
    return number ^ 77


def instance(engine: str = "auto", **options: Any) -> pywasmgk.Instance:
    return pywasmgk.instantiate(MODULE, {"env": {"ask": ask}}, engine=engine, **options)


def outcome(made: pywasmgk.Instance, name: str, *args: int, **options: Any) -> tuple[Any, ...]:
    """What a call in slices gives or raises, and the state that it leaves."""
    options.setdefault("threads", False)
    try:
        found: Any = asyncio.run(getattr(made.exports, name).call_async(*args, **options))
    except pywasmgk.GuestError as error:
        found = type(error), str(error).split(" in 0.")[0], error.fuel_used, error.frames
    return found, made.fuel_used, made.exports.memory.read(0, 64), made.globals[0].value


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Slices of fuel end every few instructions, and those of time at once: loops are left as often
    as they can be. Gives the heads where they were."""
    monkeypatch.setattr(metering, "FIRST_SLICE", 40)
    monkeypatch.setattr(metering.Meter, "_slice", 40)
    monkeypatch.setattr(metering.Meter, "_adapt", lambda meter: None)
    monkeypatch.setattr(Whole, "is_over", True)
    heads: list[int] = []
    leave = Binding._leave_in_time

    def noted(self: Binding, index: int, entry: int, *rest: Any) -> None:
        self.leaves_at = -1.0
        heads.append(entry)
        leave(self, index, entry, *rest)

    monkeypatch.setattr(Binding, "_leave_in_time", noted)
    yield heads


@pytest.mark.parametrize("name", ["work", "calls"])
def test_nothing_is_different(name: str, left: list[int]) -> None:
    expected = outcome(instance("interpreter"), name, 40)
    assert outcome(instance(), name, 40) == expected
    assert len(left) > 50
    assert outcome(instance("compiler"), name, 40) == expected
    assert outcome(instance(), name, 40, threads=True) == expected


def test_traps_are_told_as_ever(left: list[int]) -> None:
    found = outcome(instance(), "traps", 60)
    assert left and found == outcome(instance("interpreter"), "traps", 60)
    assert found[0][0] is pywasmgk.Trap and len(found[0][3]) == 1


@pytest.mark.parametrize("name", ["work", "calls", "traps"])
def test_fuel_ends_it_at_the_same_place(name: str, left: list[int]) -> None:
    for fuel in range(1_400, 1_500):
        expected = outcome(instance("interpreter"), name, 60, fuel=fuel)
        assert outcome(instance(), name, 60, fuel=fuel) == expected
    assert left


def test_limits_end_a_loop_without_end() -> None:
    made = instance()
    assert outcome(made, "forever", timeout=0.05)[0][0] is pywasmgk.DeadlineExceeded
    assert outcome(made, "forever", fuel=10_000_000)[0][0] is pywasmgk.OutOfFuel

    async def cancelled() -> None:
        task = asyncio.ensure_future(made.exports.forever.call_async(threads=False, timeout=None))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert made.exports.straight() is None


def test_the_event_loop_has_its_turns_between(left: list[int]) -> None:
    async def main() -> int:
        made, turns = instance(), 0
        task = asyncio.ensure_future(made.exports.work.call_async(100, threads=False))
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    # each time that it is left the slice is over
    turns = asyncio.run(main())
    assert left and turns >= len(left)


def test_loops_that_could_not_be_left_stay_interpreted() -> None:
    made = instance()
    names = {export.name: export.index for export in MODULE.exports if export.kind == "func"}
    seen = Whole(made)
    heads = {
        name: len([*seen.heads(made.funcs[index], MODULE.block_map(index))])
        for name, index in names.items()
    }
    assert {name: count for name, count in heads.items() if count} == {
        "work": 2, "traps": 1, "forever": 1,
    }  # fmt: skip


def test_what_is_too_long_stays_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    made = instance()
    func = made.exports.work
    for name in ("_LONGEST", "_MOST"):
        with monkeypatch.context() as patched:
            patched.setattr(whole, name, 30)
            assert not [*Whole(made).heads(func, MODULE.block_map(func.index))]


def test_what_cannot_be_compiled_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuses(self: Tiers, func: Any, pc: int) -> bool:
        asked.append(pc)
        return False

    expected = outcome(instance("interpreter"), "work", 300)
    monkeypatch.setattr(Tiers, "makes_leavable", refuses)
    assert outcome(instance(), "work", 300) == expected
    assert len(asked) == 1


def test_generated_loops() -> None:
    """At length: ``tools/held programs --ways compiled``."""
    for seed in range(60):
        assert not [*differences(generate(seed), seed, ["compiled"])], seed
