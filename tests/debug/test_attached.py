"""Probes come and go while an execution is held; nothing of them is there otherwise."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.debug.paging import Growth, MemoryMap, PageUse
from pywasmgk.debug.profile import Profile
from pywasmgk.wasm.interpreter.dispatch import Dispatch, loop_source
from pywasmgk.wasm.isa import STANDARD

SUM = """(module
  (import "env" "look" (func $look))
  (memory (export "memory") 1 3)
  (func $add (param $a i32) (param $b i32) (result i32) (i32.add (local.get $a) (local.get $b)))
  (func (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (call $add (local.get $total) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $look)
    (local.get $total))
  (func (export "touch") (result i32)
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 0xfffe) (i32.load (i32.const 4)))
    (drop (memory.grow (i32.const 9)))
    (memory.copy (i32.const 0x10000) (i32.const 8) (i32.const 100))
    (memory.size)))"""


def held(name: str, *args: int, look: object = lambda: None) -> pywasmgk.Execution:
    return pywasmgk.instantiate(SUM, {"env": {"look": look}}).start(name, *args)


def test_what_is_not_counted_runs_in_loops_that_know_nothing_of_counting() -> None:
    for name in ("run", "step"):
        assert "counts" not in loop_source(STANDARD, name)
    assert "counts" in loop_source(STANDARD, "count")
    # the loop that counts is not even written
    assert not [name for name in vars(Dispatch(STANDARD)) if name in ("count", "step")]


def test_a_part_of_an_execution_is_counted() -> None:
    with held("sum", 1_000) as execution:
        execution.step(4_321)
        before = execution.fuel_used
        profile = Profile.attach(execution)
        execution.step(2_000)
        execution.run(lambda now: now.depth == 1)
        profile.detach()
        counted = execution.fuel_used - before
        assert profile.fuel == counted
        execution.run()
        assert profile.fuel == counted and execution.results == 500_500
        with pytest.raises(ValueError, match="not attached"):
            profile.detach()


def test_parts_make_the_whole() -> None:
    with held("sum", 100) as execution:
        first = Profile.attach(execution)
        execution.step(333)
        with pytest.raises(pywasmgk.HostError, match="counted already"):
            Profile.attach(execution)
        first.detach()
        second = Profile.attach(execution)
        execution.run()
        assert first.fuel + second.fuel == execution.fuel_used
        calls = [one.calls for found in (first, second) for one in found.functions()]
        assert sum(calls) == 101


def test_stops_and_ways_back_count_nothing_twice() -> None:
    with held("sum", 100) as plain:
        whole = Profile.attach(plain)
        plain.run()
    with held("sum", 100) as execution:
        profile = Profile.attach(execution)
        execution.break_at("add")
        while execution.run() != "done":
            pass
        assert profile.fuel == whole.fuel == execution.fuel_used
        execution.rewind(500)
        execution.goto(200)
        execution.reverse_run()
        assert profile.fuel == whole.fuel
        execution.goto(0)
        execution.finish()
        # all but entering the function that it began with
        assert profile.fuel == 2 * whole.fuel - 1


def test_a_host_function_ends_the_counting() -> None:
    found: list[Profile] = []
    execution = held("sum", 10, look=lambda: found[0].detach())
    with execution:
        found.append(Profile.attach(execution))
        execution.run()
        assert execution.results == 55
        assert 0 < found[0].fuel <= execution.fuel_used


def test_pages_and_growths_are_seen() -> None:
    with held("touch") as execution:
        seen = MemoryMap.attach(execution)
        execution.run()
        assert execution.results == 2
    assert seen.pages == {0: PageUse(2, 1), 1: PageUse(0, 2)}
    first, second = seen.growths
    assert first[3:] == (1, 1, 2) and second[3:] == (9, 2, 2)
    assert (first.refused, second.refused) == (False, True)
    assert isinstance(first, Growth) and first.name == "touch"


def test_a_memory_map_sees_only_what_is_new() -> None:
    with held("touch") as execution:
        execution.step(6)
        seen = MemoryMap.attach(execution)
        execution.run()
        assert seen.pages[0] == PageUse(1, 1) and len(seen.growths) == 1
        before = dict(seen.pages)
        execution.goto(2)
        assert seen.pages == before
        seen.detach()
        execution.run()
        assert seen.pages == before


def test_a_breakpoint_that_is_off_is_passed() -> None:
    with held("sum", 5) as execution:
        stop = execution.break_at("add")
        assert execution.run() == "breakpoint"
        stop.enabled = False
        assert execution.run() == "done" and execution.results == 15
