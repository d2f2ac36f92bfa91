"""Calls in slices whose functions are compiled where that ends soon: nothing else is different."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import pywasmgk
from pywasmgk.wasm.runtime.metering import Meter
from pywasmgk.wasm.stepping import whole
from pywasmgk.wasm.stepping.whole import Whole

TEXT = """(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1)
  (global $seen (mut i32) (i32.const 0))
  (table 1 funcref)
  (elem (i32.const 0) $mix)
  (type $binary (func (param i32 i32) (result i32)))
  (tag $odd (param i32))
  (func $clamp (param $n i32) (result i32)
    (if (result i32) (i32.gt_s (local.get $n) (i32.const 1000))
      (then (i32.rem_s (local.get $n) (i32.const 1000)))
      (else (local.get $n))))
  (func $mix (param $a i32) (param $b i32) (result i32)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (i32.store (i32.const 16) (local.get $a))
    (call $clamp (i32.add (i32.mul (local.get $a) (i32.const 31)) (local.get $b))))
  (func $last (param $a i32) (param $b i32) (result i32)
    (return_call $mix (local.get $b) (local.get $a)))
  (func $ratio (param $a i32) (param $b i32) (result i32)
    (i32.div_s (local.get $a) (local.get $b)))
  (func $odd (param $n i32)
    (if (i32.and (local.get $n) (i32.const 1)) (then (throw $odd (local.get $n)))))
  (func $loops (param $n i32) (result i32)
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $n))
  (func $deep (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (call $deep (i32.sub (local.get $n) (i32.const 1)))) (else (i32.const 0))))
  (func $fills (memory.fill (i32.const 0) (i32.const 0) (i32.const 100)))
  (func $grows (drop (memory.grow (i32.const 0))))
  (func $asks (result i32) (call $ask (i32.const 1)))
  (func $indirect (result i32)
    (call_indirect (type $binary) (i32.const 1) (i32.const 2) (i32.const 0)))
  (func (export "go") (param $n i32) (result i32) (local $x i32) (local $caught i32)
    (loop $again
      (local.set $x (call $mix (local.get $x) (local.get $n)))
      (local.set $x (call $last (local.get $n) (local.get $x)))
      (block $odd (result i32)
        (try_table (catch $odd $odd) (call $odd (local.get $x)))
        (i32.const 0))
      (local.set $caught (i32.add (local.get $caught)))
      (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 50)))
        (then (local.set $x (i32.add (local.get $x) (call $ask (local.get $n))))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.xor (local.get $x) (local.get $caught)))
  (func (export "traps") (param $n i32) (result i32) (local $x i32)
    (loop $again
      (local.set $x (i32.add (local.get $x) (call $ratio (i32.const 100) (local.get $n))))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $again))
    (local.get $x)))"""
MODULE = pywasmgk.Module(TEXT)


async def ask(number: int) -> int:
    await asyncio.sleep(0)
    return number * 3


def instance(engine: str = "auto", **options: Any) -> pywasmgk.Instance:
    return pywasmgk.instantiate(MODULE, {"env": {"ask": ask}}, engine=engine, **options)


def outcome(made: pywasmgk.Instance, name: str, arg: int, **options: Any) -> tuple[Any, ...]:
    """What a call gives or raises, and the state that it leaves."""
    try:
        found: Any = asyncio.run(getattr(made.exports, name).call_async(arg, **options))
    except pywasmgk.GuestError as error:
        found = type(error), str(error).split(" in 0.")[0], error.fuel_used, error.frames
    memory = made.exports.memory
    return found, made.fuel_used, memory.read_u32(16), made.globals[0].value


def compiled(made: pywasmgk.Instance) -> set[str]:
    names = {func: MODULE.function_name(func.index) or "" for func in made.funcs}
    return {name for func, name in names.items() if func.compiled}


def test_what_ends_soon_runs_compiled_and_nothing_is_different() -> None:
    made = instance()
    found = outcome(made, "go", 500, threads=False)
    assert found == outcome(instance(), "go", 500, threads=True)
    assert found == outcome(instance("interpreter"), "go", 500, threads=False)
    # a function that ends in a tail call may stay in the interpreter
    assert {"clamp", "mix", "odd"} <= compiled(made) <= {"clamp", "mix", "odd", "last"}


def test_traps_in_it_are_told_as_ever() -> None:
    made = instance()
    found = outcome(made, "traps", 60, threads=False)
    assert "ratio" in compiled(made)
    assert found == outcome(instance("interpreter"), "traps", 60, threads=False)
    assert found[0][0] is pywasmgk.Trap and len(found[0][3]) == 2


@pytest.mark.parametrize("name", ["go", "traps"])
def test_fuel_ends_it_at_the_same_place(name: str) -> None:
    """Every limit around calls of compiled functions."""
    seen = set()
    for fuel in range(1_500, 1_760):
        made = instance()
        found = outcome(made, name, 60, threads=False, fuel=fuel)
        assert found == outcome(instance("interpreter"), name, 60, threads=False, fuel=fuel)
        seen |= compiled(made)
    assert seen


def test_a_slice_ends_behind_each_of_them_where_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = outcome(instance("interpreter"), "go", 200, threads=False)
    ends = []
    call = Whole.call

    def late(self: Whole, func: Any) -> Any:
        self.until = -1.0
        ends.append(func)
        return call(self, func)

    monkeypatch.setattr(Whole, "call", late)
    assert outcome(instance(), "go", 200, threads=False) == expected
    assert len(ends) > 400


def test_what_has_no_bound_is_not_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = instance()
    bounded = Whole(made)
    by_name = {MODULE.function_name(func.index): func for func in made.funcs[1:]}
    fuel = {name: bounded.most_fuel(func) for name, func in by_name.items()}
    assert {name for name, most in fuel.items() if most is None} == {
        "loops", "deep", "fills", "grows", "asks", "indirect", "go", "traps",
    }  # fmt: skip
    assert fuel["clamp"] == 9 and fuel["ratio"] == 4
    monkeypatch.setattr(whole, "_MOST", 8)
    assert Whole(made).most_fuel(by_name["clamp"]) is None
    assert not any(Whole(instance("interpreter")).takes(made.funcs[1], Meter()) for _ in range(99))


def test_plugins_in_slices_have_it_too() -> None:
    text = r"""(module
      (memory (export "memory") 2)
      (data (i32.const 0)
        "{\"name\":\"n\",\"version\":\"1.0.0\"}")
      (func (export "gk_register") (result i64) (i64.const 30))
      (func (export "gk_malloc") (param i32) (result i32) (i32.const 4096))
      (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
      (func (export "gk_call") (param $n i32) (param i32 i32 i32) (result i64)
        (local.set $n (i32.const 300))
        (loop $again
          (i32.store (i32.const 64) (call $square (local.get $n)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (i32.store8 (i32.const 64) (i32.const 49))
        (i64.const 0x4000000001)))"""
    with pywasmgk.load(text) as plugin:
        took = []
        for threads in (False, True):
            assert asyncio.run(plugin.call_async("f", threads=threads)) == 1
            assert plugin.last_call is not None
            took.append(plugin.last_call._replace(seconds=0))
            assert plugin._guest is not None
            assert plugin._guest.instance.funcs[2].compiled
        assert took[0] == took[1]
