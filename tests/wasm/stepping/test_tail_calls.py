"""Functions that are called in the place of others, in executions that are held."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk import Execution, SuspensionError

MODULE = pywasmgk.Module("""(module
  (import "env" "ask" (func $ask (param i32) (result i32)))
  (type $t (func (param i32) (result i32)))
  (table funcref (elem $ask $odd $even))
  (func $even (export "even") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return_call $ask (i32.const 70))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (return_call_indirect (type $t) (i32.const 7) (i32.const 0))))
    (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 2)))
  (func (export "f") (param i32) (result i32)
    (i32.add (call $even (local.get 0)) (i32.const 1))))""")
IMPORTS = {"env": {"ask": lambda number: number + 2}}


@pytest.mark.parametrize("argument", [4, 5])
@pytest.mark.parametrize("export", ["f", "even"])
def test_every_step_travels_and_can_be_taken_back(export: str, argument: int) -> None:
    """What takes the place of the function that was called from outside, too."""
    instance = pywasmgk.instantiate(MODULE, IMPORTS)
    expected = instance.exports[export](argument)
    with instance.start(export, argument) as held:
        seen = []
        while not held.done:
            seen.append([str(frame) for frame in held.frames])
            again = Execution.from_bytes(held.to_bytes(), MODULE, IMPORTS)
            assert [str(frame) for frame in again.frames] == seen[-1]
            assert again.finish() == expected
            held.step()
        assert held.results == expected
        for step in reversed(range(len(seen))):
            held.goto(step)
            assert [str(frame) for frame in held.frames] == seen[step]


@pytest.mark.parametrize(("argument", "asked"), [(4, 70), (5, 7)])
def test_a_tail_call_of_the_host_stops_and_waits(argument: int, asked: int) -> None:
    instance = pywasmgk.instantiate(MODULE, IMPORTS)
    with instance.start("f", argument) as held:
        held.break_at(host_call="*ask")
        assert held.run() == "breakpoint"
        assert held.frames[0].opcode_name.startswith("return_call")
    with instance.start("f", argument, defer=["*ask"]) as held:
        assert held.run() == "pending"
        assert held.pending is not None and held.pending.arguments == (asked,)
        assert held.resume(10) == "done"
        assert held.results == 11


@pytest.mark.parametrize(("changed", "why"), [(-2, "does not call"), (-4, "outermost frame")])
def test_what_nobody_calls_is_refused(changed: int, why: str) -> None:
    other = pywasmgk.Module("""(module
      (func $a (result i32) i32.const 1) (func $b (result i32) i32.const 2)
      (func (export "f") (result i32) call $a) (func (export "g") (result i32) call $b))""")
    with pywasmgk.instantiate(other).start("f") as held:
        held.step()
        data = held.to_bytes()
    from pywasmgk.wasm.stepping import packing

    head, content = data[:11], bytearray(data[11 + 32 :])
    # the innermost frame's function: behind it its position alone
    assert content[-2:] == b"\0\0"
    content[changed] = 1
    digest = packing._digest(head + bytes(content), None)
    with pytest.raises(SuspensionError, match=why):
        Execution.from_bytes(head + digest + bytes(content), other)
