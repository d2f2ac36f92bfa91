"""Emscripten's builds for threads, run by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from processor import patiently

import pywasmgk
from pywasmgk.compat import emscripten

POOL = Path(__file__).parents[1] / "guests" / "threads" / "pool.wasm"
ENGINES = ("interpreter", "compiler", "auto")
TOTAL = sum(number * number + 5 for number in range(100))


def test_a_pool_that_gets_no_threads_works_by_itself() -> None:
    fuel = set()
    for engine in ENGINES:
        program = emscripten.load(POOL, engine=engine)
        assert program.memory.shared
        assert (program.sum(100, 0), program.why()) == (TOTAL, 0)
        assert program.sum(100, 3) == TOTAL
        fuel.add(program.instance.fuel_used)
        assert program.why() == 1  # EAGAIN
    assert len(fuel) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_for_nobody_ends(engine: str) -> None:
    program = emscripten.load(POOL, engine=engine)
    assert program.call("await", 2) == 1

    def wait(seconds: float) -> None:
        program = emscripten.load(POOL, engine=engine, timeout=seconds)
        with pytest.raises(pywasmgk.DeadlineExceeded):
            while program.call("await", 1_000) == 1:
                pass

    patiently(wait, 0.2)


@pytest.mark.parametrize(("count", "told"), [(4, 1111), (6, 111_110)])
def test_versions_take_more_about_the_main_thread(count: int, told: int) -> None:
    """Its address, three flags, and from then on the size of a stack and a zero."""
    digits = " ".join(
        f"local.get {at} i32.const 0 i32.ne i32.const {10 ** (count - 1 - at)} i32.mul i32.add"
        for at in range(count)
    )
    program = emscripten.load(
        pywasmgk.Module(f"""(module
          (import "env" "__emscripten_init_main_thread_js" (func $init (param i32)))
          (import "env" "clock_gettime" (func $clock (param i32 i32) (result i32)))
          (memory (export "memory") 1) (global $told (mut i32) (i32.const 0))
          (func (export "__wasm_call_ctors") (call $init (i32.const 64)))
          (func (export "_emscripten_thread_init") (param {"i32 " * count})
            i32.const 0 {digits} global.set $told)
          (func (export "_emscripten_tls_init") (result i32)
            (global.set $told (i32.add (global.get $told) (i32.const 1))) (i32.const 0))
          (func (export "told") (result i32) (global.get $told))
          (func (export "clock") (param i32) (result i32)
            (call $clock (local.get 0) (i32.const 128))))""")
    )
    assert program.told() == told + 1
    assert [program.clock(clock) for clock in (0, 1, 7)] == [0, 0, -1]
    assert program.memory.read_u32(132) < 1_000_000_000


def test_a_module_that_is_no_such_build_is_told_so() -> None:
    module = pywasmgk.Module("""(module
      (import "env" "__emscripten_init_main_thread_js" (func $init (param i32)))
      (func (export "__wasm_call_ctors") (call $init (i32.const 64))))""")
    with pytest.raises(pywasmgk.PywasmgkError, match="_emscripten_thread_init"):
        emscripten.load(module)
