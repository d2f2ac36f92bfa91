"""Exceptions of guests in executions that are held: they are stepped through, and taken back."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk import Execution, HostError

MODULE = pywasmgk.Module("""(module
  (tag $t (param i32))
  (func $throw (param i32)
    (if (i32.gt_s (local.get 0) (i32.const 2)) (then (throw $t (local.get 0)))))
  (func $mid (param i32) (call $throw (local.get 0)))
  (func (export "table") (param i32) (result i32)
    (block $h (result i32)
      (try_table (catch $t $h) (call $mid (local.get 0)))
      (i32.const -1)))
  (func (export "legacy") (param i32) (result i32)
    try (result i32) (call $mid (local.get 0)) (i32.const -1)
    catch $t (i32.const 10) i32.add end))""")


@pytest.mark.parametrize("name", ["table", "legacy"])
@pytest.mark.parametrize("argument", [1, 5])
def test_every_step_of_a_throw_can_be_taken_back(name: str, argument: int) -> None:
    instance = pywasmgk.instantiate(MODULE)
    expected, used = instance.exports[name](argument), instance.fuel_used
    with instance.start(name, argument) as held:
        seen = []
        while not held.done:
            seen.append(([str(frame) for frame in held.frames], held.fuel_used))
            held.step()
        assert (held.results, held.fuel_used) == (expected, used)
        for step in reversed(range(len(seen))):
            held.goto(step)
            assert ([str(frame) for frame in held.frames], held.fuel_used) == seen[step]
        assert held.finish() == expected


@pytest.mark.parametrize("name", ["table", "legacy"])
def test_a_step_over_a_call_that_throws_ends_where_it_is_caught(name: str) -> None:
    with pywasmgk.instantiate(MODULE).start(name, 5) as held:
        while held.frames[0].opcode_name != "call":
            held.step()
        before = held.steps
        assert held.step_over() == "frame"
        assert (held.depth, [one.value for one in held.frames[0].operands]) == (1, [5])
        held.reverse_step_over()
        assert held.steps == before


def test_what_handles_an_exception_of_the_legacy_kind_does_not_travel() -> None:
    with pywasmgk.instantiate(MODULE).start("legacy", 5) as held:
        while held.frames[0].opcode_name != "i32.add":
            held.step()
        with pytest.raises(HostError, match="handles an exception"):
            data = held.to_bytes()
        held.goto(3)
        data = held.to_bytes()
    assert Execution.from_bytes(data, MODULE).finish() == 15
