"""Functions that call themselves: what they do before they return early, in the place of calls."""

from __future__ import annotations

from typing import Any

import pytest

import pywasmgk
from pywasmgk.errors import GuestError
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.compiler.frontend.partial_inlining import early_ways

FIB = """(func $f (export "f") (param i32) (result i32)
 (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
 (i32.add (call $f (i32.sub (local.get 0) (i32.const 1)))
          (call $f (i32.sub (local.get 0) (i32.const 2)))))"""

#: modules whose function ``f`` calls itself
CASES = {
    "if": FIB,
    # the blocks that return are those of the long way too
    "shared end": """(func $f (export "f") (param i32) (result i32) (local i32)
     (block (br_if 0 (i32.lt_s (local.get 0) (i32.const 2)))
       (loop
         (local.set 1 (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (local.get 1)))
         (local.set 0 (i32.sub (local.get 0) (i32.const 2)))
         (br_if 0 (i32.gt_s (local.get 0) (i32.const 1)))))
     (i32.add (local.get 0) (local.get 1)))""",
    "two returns": """(func $f (export "f") (param i32) (result i32) (local i32)
     (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
     (local.set 1 (i32.and (local.get 0) (i32.const 3)))
     (block (br_if 0 (local.get 1)) (return (i32.const 7)))
     (i32.add (call $f (i32.shr_u (local.get 0) (i32.const 1)))
              (call $f (i32.sub (local.get 0) (local.get 1)))))""",
    "operands below": """(func $f (export "f") (param i32) (result i32) (local i32)
     (local.tee 1 (i32.const 5)) (i32.const 6)
     (br_if 0 (i32.lt_u (local.get 0) (i32.const 2)))
     (drop) (local.set 1)
     (i32.mul (local.get 1) (call $f (i32.shr_u (local.get 0) (i32.const 1))))
     (i32.add (call $f (i32.sub (local.get 0) (i32.const 2)))))""",
    "several results": """(func $f (export "f") (param i32) (result i32 i64)
     (if (result i32 i64) (i32.le_u (local.get 0) (i32.const 1))
      (then (local.get 0) (i64.const 9))
      (else (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (drop) (i32.const 1))
            (call $f (i32.sub (local.get 0) (i32.const 2))) (drop) (drop) (i64.const 2))))""",
    "effects": """(memory 1) (global $g (mut i32) (i32.const 0))
     (func $f (export "f") (param i32)
      (if (i32.eqz (local.get 0)) (then (return)))
      (global.set $g (i32.add (global.get $g) (local.get 0)))
      (i32.store (i32.shl (local.get 0) (i32.const 2)) (global.get $g))
      (call $f (i32.sub (local.get 0) (i32.const 1)))
      (if (i32.gt_u (local.get 0) (i32.const 2))
       (then (call $f (i32.sub (local.get 0) (i32.const 3))))))""",
    "global decides": """(global $g (mut i32) (i32.const 9))
     (func $f (export "f") (param i32) (result i32)
      (if (i32.gt_s (local.get 0) (global.get $g)) (then (return (global.get $g))))
      (global.set $g (i32.sub (global.get $g) (i32.const 1)))
      (i32.add (call $f (i32.add (local.get 0) (i32.const 2)))
               (call $f (i32.add (local.get 0) (i32.const 1)))))""",
    "a trap on the long way": """(func $f (export "f") (param i32) (result i32)
     (if (i32.lt_s (local.get 0) (i32.const 1)) (then (return (i32.const 3))))
     (i32.div_u (call $f (i32.sub (local.get 0) (i32.const 2)))
                (i32.sub (call $f (i32.sub (local.get 0) (i32.const 1))) (local.get 0))))""",
    "float": """(func $g (param f64) (result f64) (local f64)
      (if (f64.lt (local.get 0) (f64.const 2)) (then (return (local.get 1))))
      (f64.add (call $g (f64.div (local.get 0) (f64.const 2)))
               (call $g (f64.sub (local.get 0) (f64.const 3)))))
     (func (export "f") (param i32) (result f64) (call $g (f64.convert_i32_s (local.get 0))))""",
}


def outcome(engine: str, wasm: pywasmgk.Module, argument: int, **options: Any) -> tuple[Any, ...]:
    instance = pywasmgk.instantiate(wasm, engine=engine, **options)
    told: tuple[Any, ...]
    try:
        told = ("result", instance.exports.f(argument))
    except GuestError as error:
        told = (type(error), getattr(error, "code", None), error.frames, error.fuel_used)
    memory = bytes(instance.memory.data) if instance.memories else b""
    return (*told, instance.fuel_used, memory, [item.value for item in instance.globals])


@pytest.mark.parametrize("name", CASES)
def test_nobody_can_tell(name: str) -> None:
    wasm = pywasmgk.Module.from_wat(f"(module {CASES[name]})")
    assert early_ways(wasm.block_map(0), 0, wasm.isa.rows)
    for argument in (0, 1, 2, 5, 9, -3):
        expected = outcome("interpreter", wasm, argument, fuel=3_000)
        assert outcome("optimized", wasm, argument, fuel=3_000) == expected
    total = outcome("interpreter", wasm, 5, fuel=3_000)[-3]
    for fuel in range(min(total, 300) + 1):
        expected = outcome("interpreter", wasm, 5, fuel=fuel)
        assert outcome("optimized", wasm, 5, fuel=fuel) == expected, fuel
    for depth in range(1, 8):
        expected = outcome("interpreter", wasm, 4, fuel=3_000, depth_limit=depth)
        assert outcome("optimized", wasm, 4, fuel=3_000, depth_limit=depth) == expected, depth


def test_a_call_that_returns_at_once_is_no_call() -> None:
    wasm = pywasmgk.Module.from_wat(f"(module {FIB})")
    text = source_of(wasm, 0).text
    assert text.count("f0(l") == 3  # its head, and two calls
    calls = [line for line in text.splitlines() if "= f0(" in line]
    tests = [line for line in text.splitlines() if ": fuel = refill(" in line]
    assert len(calls) == 2
    assert len(tests) == 3


#: functions without a way that could be taken early, or for which that does not pay
NOT = {
    "no branch": "(func (param i32) (call 0 (local.get 0)) (call 0 (local.get 0)))",
    "once": "(func (param i32) (if (local.get 0) (then (call 0 (i32.const 0)))))",
    "a load decides": """(memory 1) (func (param i32)
     (if (i32.load (local.get 0)) (then (return)))
     (call 0 (local.get 0)) (call 0 (local.get 0)))""",
    "a parameter is set": """(func (param i32)
     (local.set 0 (i32.const 0)) (if (local.get 0) (then (return)))
     (call 0 (local.get 0)) (call 0 (local.get 0)))""",
    "an effect": """(global (mut i32) (i32.const 0)) (func (param i32)
     (global.set 0 (i32.const 1)) (if (local.get 0) (then (return)))
     (call 0 (local.get 0)) (call 0 (local.get 0)))""",
    "operands on the stack": """(func (param i32) (result i32)
     (i32.const 5) (i32.const 6) (br_if 0 (i32.eqz (local.get 0)))
     (i32.add) (i32.add (call 0 (local.get 0))) (i32.add (call 0 (local.get 0))))""",
    "a loop": """(func (param i32)
     (loop (br_if 0 (i32.const 0))) (if (local.get 0) (then (return)))
     (call 0 (local.get 0)) (call 0 (local.get 0)))""",
    "it may trap": """(func (param i32)
     (if (i32.div_u (i32.const 1) (local.get 0)) (then (return)))
     (call 0 (local.get 0)) (call 0 (local.get 0)))""",
}


@pytest.mark.parametrize("name", NOT)
def test_what_is_only_called(name: str) -> None:
    wasm = pywasmgk.Module.from_wat(f"(module {NOT[name]})")
    assert early_ways(wasm.block_map(0), 0, wasm.isa.rows) == []


def test_many_branches_end() -> None:
    branches = "(if (local.get 0) (then (local.set 1 (i32.const 2))))" * 2_000
    calls = "(call 0 (local.get 0)) (call 0 (local.get 0))"
    returns = "(if (local.get 0) (then (return)))"
    wasm = pywasmgk.Module.from_wat(
        f"(module (func (param i32) (local i32) {returns} {branches} {calls}))"
    )
    assert 0 < len(early_ways(wasm.block_map(0), 0, wasm.isa.rows)) < 100


def test_growth_is_bounded() -> None:
    calls = "(call 0 (local.get 0))" * 3_000
    wasm = pywasmgk.Module.from_wat(
        f"(module (func (param i32) (if (local.get 0) (then (return))) {calls}))"
    )
    own = len(wasm.block_map(0).code)
    assert own < len(expanded(wasm, 0).code) <= own * 1.5 + 200
