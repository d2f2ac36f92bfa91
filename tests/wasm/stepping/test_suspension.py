"""Executions and instances as bytes: what comes back goes on as it would have; what does not fit is
our error."""

from __future__ import annotations

import random

import pytest
from generator import generate
from held import differences
from held_mutants import Source, damaged, source, try_one

import pywasmgk
from pywasmgk import Execution, HostError, Module, SuspensionError

SUM = Module("""
(module
  (import "env" "double" (func $double (param i32) (result i32)))
  (memory (export "memory") 1 10)
  (table 2 10 funcref)
  (elem (i32.const 0) $twice $sum)
  (data (i32.const 5000) "some text")
  (global $last (mut i32) (i32.const 5))
  (global $ref (mut funcref) (ref.null func))
  (func $twice (param i32) (result i32)
    (global.set $ref (ref.func $sum))
    (call $double (local.get 0)))
  (func $sum (export "sum") (param $n i32) (param $x f64) (result f64) (local $s f64) (local v128)
    (loop $again
      (local.set $s (f64.add (local.get $s)
        (f64.convert_i32_s (call_indirect (param i32) (result i32) (local.get $n) (i32.const 0)))))
      (i32.store (i32.const 5004) (local.get $n))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (global.set $last (memory.grow (i32.const 1)))
    (f64.mul (local.get $s) (local.get $x))))
""")
IMPORTS = {"env": {"double": lambda number: 2 * number}}


def begun(steps: int) -> Execution:
    held = pywasmgk.instantiate(SUM, IMPORTS).start("sum", 4, 0.5)
    held.step(steps)
    return held


def test_it_goes_on_where_it_was() -> None:
    expected = pywasmgk.instantiate(SUM, IMPORTS)
    result = expected.exports["sum"](4, 0.5)
    steps = 0
    while True:
        held = begun(steps)
        if held.done:
            break
        again = Execution.from_bytes(held.to_bytes(), SUM, IMPORTS)
        assert (again.steps, again.fuel_used, again.depth) == (steps, held.fuel_used, held.depth)
        assert [str(frame) for frame in again.frames] == [str(frame) for frame in held.frames]
        assert again.finish() == result == 10.0
        assert again.instance.fuel_used == expected.fuel_used
        assert again.instance.snapshot() == expected.snapshot()
        held.close()
        steps += 1
    assert steps > 60


def test_it_can_be_taken_back_from_there_on() -> None:
    again = Execution.from_bytes(begun(20).to_bytes(), SUM, IMPORTS)
    again.run()
    assert again.oldest == 20
    again.goto(25)
    assert again.finish() == 10.0


def test_a_branch_to_the_end_leaves_nothing_behind() -> None:
    module = Module('(module (func (export "f") (result i32) i32.const 1 i32.const 2 br 0))')
    with pywasmgk.instantiate(module).start("f") as held:
        held.step(3)
        assert [operand.value for operand in held.frames[0].operands] == [2]
        assert Execution.from_bytes(held.to_bytes(), module).finish() == 2


def test_its_size_is_that_of_what_was_touched() -> None:
    assert len(begun(3).to_bytes()) < 300
    assert 4096 < len(begun(60).to_bytes()) < 4096 + 300


@pytest.mark.parametrize("seed", range(40))
def test_programs_that_travel_end_as_others_do(seed: int) -> None:
    assert [*differences(generate(710_000 + seed), seed, ["travel"])] == []


# -- what does not fit


def test_a_key_is_needed_where_one_was_given() -> None:
    data = begun(20).to_bytes(b"secret")
    assert Execution.from_bytes(data, SUM, IMPORTS, key=b"secret").finish() == 10.0
    for key in (None, b"other"):
        with pytest.raises(SuspensionError, match="key"):
            Execution.from_bytes(data, SUM, IMPORTS, key=key)
    with pytest.raises(SuspensionError, match="key"):
        Execution.from_bytes(begun(20).to_bytes(), SUM, IMPORTS, key=b"secret")


def test_another_module_is_refused() -> None:
    other = Module(SUM.data + b"\0\2\1x")
    with pytest.raises(SuspensionError, match="another module"):
        Execution.from_bytes(begun(20).to_bytes(), other, IMPORTS)
    with pytest.raises(SuspensionError, match="bytes"):
        Execution.from_bytes(b"\0asm", SUM, IMPORTS)
    with pytest.raises(SuspensionError, match="bytes"):
        Execution.from_bytes(pywasmgk.instantiate(SUM, IMPORTS).snapshot(), SUM, IMPORTS)


def test_what_is_done_does_not_travel() -> None:
    held = begun(1_000)
    with pytest.raises(HostError, match="done"):
        held.to_bytes()


def test_damaged_states_are_refused_or_run() -> None:
    """With the digest right, as one without a key makes it. At length: ``tools/held mutants``."""
    whole = begun(38).to_bytes()
    chance = random.Random(1)
    states = [Source(whole, SUM, lambda data: Execution.from_bytes(data, SUM, IMPORTS))]
    states += filter(None, map(source, range(12)))
    outcomes = [
        try_one(state, damaged(state.data, chance)).how for state in states for _ in range(100)
    ]
    assert set(outcomes) == {"refused", "ran"}


# -- instances


def test_a_snapshot_brings_a_state_back() -> None:
    instance = pywasmgk.instantiate(SUM, IMPORTS)
    before = instance.snapshot()
    instance.exports["sum"](4, 1.0)
    after = instance.snapshot(b"key")
    assert instance.exports["memory"].pages == 2
    instance.restore(before)
    assert instance.exports["memory"].pages == 1
    assert instance.snapshot() == before
    other = pywasmgk.instantiate(SUM, IMPORTS)
    other.restore(after, b"key")
    assert other.exports["memory"].read(5000, 9) == b"some\1\0\0\0t"
    assert other.snapshot(b"key") == after


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_compiled_code_sees_what_was_restored(engine: str) -> None:
    instance = pywasmgk.instantiate(SUM, IMPORTS, engine=engine)
    before = instance.snapshot()
    assert instance.exports["sum"](4, 1.0) == 20.0
    instance.restore(before)
    assert instance.exports["sum"](4, 1.0) == 20.0
    assert instance.exports["memory"].pages == 2


def test_a_fork_goes_its_own_way() -> None:
    instance = pywasmgk.instantiate(SUM, IMPORTS)
    instance.exports["sum"](4, 1.0)
    fork = instance.fork()
    assert fork.snapshot() == instance.snapshot()
    instance.exports["memory"].write(0, b"x")
    assert fork.exports["memory"][0] == 0
    assert fork.exports["sum"](4, 1.0) == 20.0
    assert (fork.exports["memory"].pages, instance.exports["memory"].pages) == (3, 2)


def test_what_is_shared_is_not_forked() -> None:
    memory = pywasmgk.Memory(1)
    sharing = pywasmgk.instantiate('(module (import "" "" (memory 1)))', {"": {"": memory}})
    with pytest.raises(HostError, match="shares"):
        sharing.fork()


def test_no_snapshot_while_it_is_held() -> None:
    with begun(5) as held, pytest.raises(pywasmgk.Busy):
        held.instance.snapshot()
