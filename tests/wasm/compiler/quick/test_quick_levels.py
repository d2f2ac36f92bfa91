"""The quick level beside the others: the same answers, traps, frames and fuel, and the way up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from differential import check
from generator import generate
from loop_generator import generate as loops
from processor import HANGS

import pywasmgk
from pywasmgk.errors import OutOfFuel, Trap
from pywasmgk.wasm.compiler import driver
from pywasmgk.wasm.runtime import metering, tiers

LEVELS = ("interpreter", "quick", "mixed")
#: counts down, by calls or in a loop
COUNTS = """(module
  (func $step (export "step") (param i32) (result i32)
    (i32.sub (local.get 0) (i32.const 1)))
  (func (export "calls") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (call $step (local.get 0))))) (local.get 0))
  (func (export "loop") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.mul (local.get 0) (local.get 0))))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)))"""


@pytest.fixture
def short_slices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Samples come every few instructions."""
    monkeypatch.setattr(metering, "FIRST_SLICE", 40)
    monkeypatch.setattr(metering.Meter, "_slice", 40)
    monkeypatch.setattr(metering.Meter, "_adapt", lambda meter: None)
    yield


@pytest.mark.parametrize("make", [generate, loops], ids=["all", "loops"])
def test_generated_programs(make: object, short_slices: None) -> None:
    for seed in range(30):
        program = make(50_000 + seed)  # type: ignore[operator]
        found = list(check(program, LEVELS, reference=False, stops=seed % 6 == 0))
        assert not found, seed


@pytest.mark.parametrize("name", ["calls", "loop"])
def test_warm_functions_become_quick_and_hot_ones_optimized(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "_REPAYS", 0.01)
    expected = pywasmgk.instantiate(COUNTS, engine="interpreter").exports[name](3_000)
    instance = pywasmgk.instantiate(COUNTS, fuel=None)
    assert instance.exports[name](30) == pywasmgk.instantiate(COUNTS).exports[name](30)
    for _ in range(200):
        assert instance.exports[name](3_000) == expected
    levels = {key[-1] for key in instance.module.compiled}
    assert levels == {driver.QUICK, driver.OPTIMIZED}
    assert driver.OPTIMIZED in instance.tiers.binding.levels.values()


def test_one_call_goes_through_all_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the interpreter to the quick level, and from there to the optimized one, in a loop."""
    monkeypatch.setattr(tiers, "_SMALL", 0)
    monkeypatch.setattr(tiers, "_REPAYS", 0.01)
    module = pywasmgk.Module(COUNTS)
    instance = pywasmgk.instantiate(module, fuel=None, timeout=None)
    expected = sum(n * n for n in range(400_001)) % 2**32
    assert instance.exports.loop(400_000) % 2**32 == expected
    index = instance.exports.loop.index
    entered = {key[-1] for key in module.compiled if key[0] == index and key[1]}
    assert entered == {driver.QUICK, driver.OPTIMIZED}
    assert instance.fuel_used == 1 + 400_000 * 11 + 1


def test_the_interpreter_is_left_out_by_the_compiler() -> None:
    instance = pywasmgk.instantiate(COUNTS, engine="compiler")
    assert instance.exports.calls(3) == 0
    assert not instance.module.codes
    assert set(instance.tiers.binding.levels.values()) == {driver.QUICK}


def test_cold_functions_are_not_compiled() -> None:
    instance = pywasmgk.instantiate(COUNTS)
    assert instance.exports.calls(3) == 0
    assert instance.tiers._binding is None


@pytest.mark.parametrize("engine", ["interpreter", "quick", "optimized", "mixed"])
def test_traps_have_frames_and_fuel(engine: str) -> None:
    code = """(module (memory 1) (table funcref (elem $a))
      (func $a (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
      (func (export "f") (param i32 i32) (result i32)
        (block (br_if 0 (i32.eqz (local.get 1))) (drop (i32.load (local.get 1))))
        (call_indirect (param i32) (result i32) (local.get 0) (local.get 1))))"""
    found = []
    for args in ((0, 0), (1, 1), (1, 70_000), (3, 0)):
        instance = pywasmgk.instantiate(code, engine=engine)
        try:
            result: object = instance.exports.f(*args)
        except Trap as trap:
            result = trap.trap_code, [(frame.function, frame.offset) for frame in trap.frames]
        found.append((result, instance.fuel_used))
    instance = pywasmgk.instantiate(code, engine="interpreter")
    assert found[3] == (instance.exports.f(3, 0), instance.fuel_used)
    assert [str(item[0][0]) for item in found[:3]] == [  # type: ignore[index]
        "TrapCode.INTEGER_DIVISION_BY_ZERO",
        "TrapCode.TABLE_OUT_OF_BOUNDS",
        "TrapCode.MEMORY_OUT_OF_BOUNDS",
    ]
    again = pywasmgk.instantiate(code, engine="interpreter")
    with pytest.raises(Trap) as caught:
        again.exports.f(1, 70_000)
    frames = [(frame.function, frame.offset) for frame in caught.value.frames]
    assert found[2] == ((caught.value.trap_code, frames), again.fuel_used)


def test_a_missed_guard_leads_to_the_quick_form(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = " ".join(f"(drop (i32.load offset={4 * n} (local.get 0)))" for n in range(8))
    code = f'(module (memory 1) (func (export "f") (param i32) (result i32) {loads}'
    code += " (i32.load (local.get 0))))"
    asked = []
    source_for = driver.source_for
    monkeypatch.setattr(
        driver, "source_for", lambda *args: asked.append(args[1]) or source_for(*args)
    )
    instance = pywasmgk.instantiate(code, engine="optimized")
    assert [instance.exports.f(odd) for odd in range(1, 200, 2)] == [0] * 100
    assert [request.level for request in asked] == [driver.OPTIMIZED, driver.QUICK]
    assert instance.tiers.binding.levels[0] == driver.QUICK


def test_stops_within_all_levels(short_slices: None) -> None:
    module = pywasmgk.Module(COUNTS)
    for fuel in (0, 5, 39, 40, 41, 500, 1234):
        found = []
        for engine in ("interpreter", "quick", "mixed", "auto"):
            instance = pywasmgk.instantiate(module, engine=engine, fuel=fuel)
            with pytest.raises(OutOfFuel) as caught:
                instance.exports.calls(1_000)
            found.append(([frame.offset for frame in caught.value.frames], instance.fuel_used))
        assert found.count(found[0]) == len(found), fuel


def test_kernels_have_the_same_results_and_fuel() -> None:
    folder = Path(__file__).parents[4] / "tools" / "kernels"
    module = pywasmgk.Module.from_file(folder / "kernels.wasm")
    instances = [pywasmgk.instantiate(module, engine=e, fuel=None) for e in LEVELS]
    for export in module.exports:
        if export.kind == "func" and str(export.type) == "(i32) -> i32":
            found = [
                (instance.exports[export.name](9), instance.fuel_used) for instance in instances
            ]
            assert found.count(found[0]) == len(found), export.name


def test_jumps_past_a_loop_and_out_of_it_owe_different_fuel() -> None:
    code = """(module (func $h (param i32) (result i32) (local.get 0))
      (func (export "f") (param i32 i32) (result i32)
        (block
          (br_if 0 (i32.eqz (local.get 0)))
          (loop
            (br_if 1 (call $h (local.get 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (local.get 0)))"""
    found = []
    for engine in ("interpreter", "quick", "optimized"):
        instance = pywasmgk.instantiate(code, engine=engine)
        calls = [(0, 0), (0, 1), (1, 0), (5, 0), (5, 1)]
        found.append([(instance.exports.f(*args), instance.fuel_used) for args in calls])
    assert found[0] == found[1] == found[2]


#: chains of every instruction that gives what it takes, in a thread with a small stack
CHAINS = """
import threading
import pywasmgk
from pywasmgk.wasm import isa

def chains():
    for row in isa.STANDARD.rows:
        kinds = row.typing
        if row.form is None and row.rule is None and kinds and not row.immediates:
            if len(set(kinds.params + kinds.results)) == len(kinds.results) == 1:
                yield row.name, kinds.params

def run():
    for name, kinds in chains():
        kind = kinds[0]
        text = (
            f'(module (func (export "f") (param {kind}) (result {kind}) local.get 0 '
            + ("local.get 0 " * (len(kinds) - 1) + name + " ") * 300 + "))"
        )
        module = pywasmgk.Module(text)
        argument = b"\\1" * 16 if kind == "v128" else 3
        results = []
        for engine in ("interpreter", "quick"):
            instance = pywasmgk.instantiate(module, engine=engine)
            try:
                results.append((repr(instance.exports.f(argument)), instance.fuel_used))
            except pywasmgk.Trap as trap:
                results.append((trap.trap_code, instance.fuel_used))
        assert results[0] == results[1], (name, results)
        found.append(name)

found = []
threading.stack_size(128 << 10)
thread = threading.Thread(target=run)
thread.start()
thread.join()
print(len(found))
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python itself needs more stack there")
def test_long_chains_compile_in_threads_with_small_stacks() -> None:
    """Nested calls once took more of C's stack than there was, and ended the process."""
    done = subprocess.run(
        [sys.executable, "-c", CHAINS], capture_output=True, text=True, timeout=HANGS
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 60
