"""The optimized level of functions that throw and catch."""

from __future__ import annotations

import pytest

from pywasmgk import Module, WasmException, instantiate
from pywasmgk.wasm.compiler.driver import CannotCompile, source_of
from pywasmgk.wasm.compiler.ir.verify import verify
from pywasmgk.wasm.compiler.optimizing import stages
from pywasmgk.wasm.compiler.request import OPTIMIZED, Request
from pywasmgk.wasm.runtime.instance import Instance

HEAD = """(tag $i (param i32)) (tag $n) (memory 1) (global $g (mut i32) (i32.const 5))
  (func $throws (param i32)
    (loop (br_if 0 (i32.const 0)))
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 3))) (then (throw $i (local.get 0))))
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 5))) (then (throw $n))))"""

#: functions ``f`` of a number, with what they are about
BODIES = {
    "a local as it is at the call": """(local $s i32)
      (block $c (result i32)
        (try_table (catch $i $c)
          (local.set $s (i32.const 40)) (call $throws (local.get 0))
          (local.set $s (i32.const 50)) (call $throws (i32.const 6)))
        (i32.const 1))
      (i32.add (local.get $s))""",
    "what is computed ahead, for one way only": """(local $s i32) (local $t i32)
      (local.set $s (i32.mul (local.get 0) (i32.const 7)))
      (local.set $t (i32.add (global.get $g) (i32.const 1)))
      (block $c (result i32)
        (try_table (catch $i $c) (call $throws (local.get 0)) (return (local.get $t)))
        (i32.const 0))
      (i32.add (local.get $s))""",
    "a global that the callee has set": """
      (block $c (try_table (catch_all $c) (call $throws (local.get 0))))
      (i32.div_u (i32.const 1000) (global.get $g))""",
    "a store before the call": """
      (block $c
        (try_table (catch_all $c)
          (i32.store (i32.const 8) (local.get 0)) (call $throws (local.get 0))
          (i32.store (i32.const 8) (i32.const 1))))
      (i32.load (i32.const 8))""",
    "operands below a try": """
      (local.get 0)
      (block $c (result i32)
        (try_table (result i32) (catch $i $c) (call $throws (local.get 0)) (i32.const 100)))
      (i32.sub)""",
    "loops in and around a try": """(local $s i32) (local $k i32)
      (loop $outer
        (block $c
          (try_table (catch_all $c)
            (local.set $k (i32.const 4))
            (loop $inner
              (local.set $s (i32.add (local.get $s) (i32.const 3)))
              (call $throws (i32.add (local.get 0) (local.get $k)))
              (br_if $inner (local.tee $k (i32.sub (local.get $k) (i32.const 1))))))
          (local.set $s (i32.add (local.get $s) (i32.const 1000))))
        (local.set $s (i32.add (local.get $s) (i32.mul (local.get $k) (i32.const 10))))
        (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get $s)""",
    "rethrow, past a handler": """
      try (result i32)
        try
          local.get 0 call $throws
        catch $i
          i32.const 3 i32.store offset=4 (i32.const 0) rethrow 0
        end
        i32.const 9
      catch $i
        (i32.load offset=4 (i32.const 0)) i32.add
      catch_all
        i32.const 77
      end""".replace("i32.const 3 i32.store offset=4 (i32.const 0)",
                     "drop (i32.store offset=4 (i32.const 0) (i32.const 3))"),
    "delegate": """
      try (result i32)
        try
          try
            local.get 0 call $throws
          delegate 1
        catch_all
          (i32.store (i32.const 0) (i32.const 1))
        end
        (i32.load (i32.const 0))
      catch $i
      catch_all
        i32.const 77
      end""",
    "a handler that throws": """
      (block $c (result i32)
        (try_table (catch $i $c)
          (block $d
            (try_table (catch_all $d) (call $throws (local.get 0)) (return (i32.const 1))))
          (throw $i (i32.mul (local.get 0) (i32.const 2))))
        (unreachable))""",
    "an exnref": """(local $e exnref)
      (block $c (result i32 exnref)
        (try_table (catch_ref $i $c) (call $throws (local.get 0)))
        (return (i32.const 1)))
      (local.set $e)
      (block $c (result i32) (try_table (catch $i $c) (throw_ref (local.get $e))) (unreachable))
      (i32.add)""",
}  # fmt: skip


def module(body: str) -> Module:
    return Module(f'(module {HEAD} (func (export "f") (param i32) (result i32) {body}))')


def outcome(instance: Instance, number: int) -> tuple[object, int]:
    try:
        return instance.exports.f(number), instance.fuel_used
    except WasmException as error:
        return (error.payload, error.frames), instance.fuel_used


@pytest.mark.parametrize("about", BODIES)
def test_optimized_code_does_what_the_interpreter_does(about: str) -> None:
    text = source_of(module(BODIES[about]), 1).text
    assert "except W as" in text
    instances = [
        instantiate(module(BODIES[about]), engine=engine)
        for engine in ("interpreter", "quick", "optimized", "mixed")
    ]
    for number in (1, 3, 5, 7, 30):
        expected, *others = (outcome(instance, number) for instance in instances)
        assert others == [expected] * 3, number


@pytest.mark.parametrize("about", BODIES)
def test_functions_are_well_formed_after_every_pass(about: str) -> None:
    for name, function in stages(module(BODIES[about]), Request(1)):
        verify(function, name)


def test_calls_that_follow_each_other_nest_nothing() -> None:
    calls = "(call $throws (local.get 0))" * 120
    body = f"(block $c (try_table (catch_all $c) {calls} (return (i32.const 1)))) (i32.const 2)"
    text = source_of(module(body), 1).text
    lines = [line for line in text.split("\n") if " try: " in line]
    assert len(lines) == 120 and len({len(line) - len(line.lstrip()) for line in lines}) == 1
    assert instantiate(module(body), engine="optimized").exports.f(3) == 2


def test_a_callee_in_the_place_of_a_call_is_in_the_try() -> None:
    text = f"""(module {HEAD}
      (func $small (param i32) (result i32) (call $throws (local.get 0)) (i32.const 8))
      (func (export "f") (param i32) (result i32)
        (block $c (result i32)
          (try_table (result i32) (catch $i $c)
            (call $small (local.get 0)) (i32.const 1) i32.add))))"""
    assert "f1(" not in source_of(Module(text), 2).text.split("\n", 2)[2]
    instances = [
        instantiate(Module(text), engine=engine) for engine in ("interpreter", "optimized")
    ]
    for number in (1, 3, 5, 6):
        assert outcome(instances[0], number) == outcome(instances[1], number)


def test_clauses_beyond_reason_stay_quick() -> None:
    tags = "".join(f"(tag $t{number})" for number in range(30))
    catches = " ".join(f"(catch $t{number} $c)" for number in range(30))
    text = f"""(module {tags} (func $g)
      (func (block $c (try_table {catches} (call $g)))))"""
    with pytest.raises(CannotCompile, match="too many clauses"):
        source_of(Module(text), 1)


# -- loops within a try, entered in the middle of a call

LONG = """(module (tag $i (param i32))
  (func $step (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 7)) (then (throw $i (i32.const 1))))
    (i32.add (local.get 0) (i32.const 3)))
  (func (export "table") (param $n i32) (result i32) (local $s i32)
    (block $c (result i32)
      (try_table (catch $i $c)
        (loop $on
          (local.set $s (i32.add (local.get $s) (call $step (local.get $n))))
          (br_if $on (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
      (i32.const 5))
    (throw $i (i32.add (local.get $s))))
  (func (export "legacy") (param $n i32) (result i32) (local $s i32)
    try
      loop $on
        (local.set $s (i32.add (local.get $s) (call $step (local.get $n))))
        (br_if $on (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
      end
    catch $i
      local.get $s i32.add local.set $s
    end
    (throw $i (local.get $s)))
  (func (export "handler") (param $n i32) (result i32) (local $s i32)
    try (result i32)
      i32.const 7 call $step
    catch $i
      local.set $s
      loop $on
        (local.set $s (i32.add (local.get $s) (i32.const 3)))
        (br_if $on (local.tee $n (i32.sub (local.get $n) (i32.const 1))))
      end
      rethrow 0
    end))"""


@pytest.mark.parametrize("engine", ["auto", "compiler", "optimized"])
@pytest.mark.parametrize("name", ["table", "legacy", "handler"])
def test_a_loop_in_a_try_is_entered(engine: str, name: str) -> None:
    """What is thrown behind the ``try`` is not caught by it, whoever ran the loop."""
    instance, other = (instantiate(Module(LONG), engine=each) for each in (engine, "interpreter"))
    found = []
    for each in (instance, other):
        with pytest.raises(WasmException) as raised:
            each.exports[name](150_000)
        found.append((raised.value.payload, raised.value.frames, each.fuel_used))
    assert found[0] == found[1]
    loops = instance.tiers.binding._loops
    entered = [made for (_, _, level), made in loops.items() if level == OPTIMIZED]
    # quick code goes on where nothing is on the stack, which a handler's exception is
    assert any(entered) or engine == "optimized" or (engine, name) == ("compiler", "handler")


def test_what_a_try_costs_that_does_not_throw() -> None:
    """Nothing but Python's own ``try`` around the call."""
    body = """
      (block $c (try_table (catch_all $c) (call $throws (local.get 0))) (return (i32.const 2)))
      unreachable"""
    text = source_of(module(body), 1).text
    assert (
        """
  fuel -= 4
  try: f0(l0, d)
  except W as x3:
   fuel += unwound(x3)
   raise Trap(UNREACHABLE)
  fuel -= 1
  return 2
"""
        in text
    )
