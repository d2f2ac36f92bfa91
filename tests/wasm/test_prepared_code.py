"""What is kept of functions that were made ready for the interpreter is bounded."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.wasm.interpreter import prepared
from pywasmgk.wasm.interpreter.dispatch import FETCH, LOOPS, loop_source
from pywasmgk.wasm.interpreter.execution import Execution
from pywasmgk.wasm.isa import STANDARD

#: functions that call each other deep, and trap, throw and catch on the way
COUNT = 12
TEXT = f"""(module (tag $t (param i32))
  (func $f0 (export "f") (param i32) (result i32) (call $f1 (local.get 0)))
  {
    "".join(
        f'''(func $f{n} (param i32) (result i32)
          (block (result i32)
            (try_table (result i32) (catch $t 0)
              (i32.add (i32.const {n}) (call $f{n + 1} (i32.sub (local.get 0) (i32.const 1)))))))'''
        for n in range(1, COUNT)
    )
}
  (func $f{COUNT} (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (if (i32.lt_s (local.get 0) (i32.const 0)) (then (throw $t (local.get 0))))
    (i32.add (local.get 0) (call $f1 (i32.sub (local.get 0) (i32.const 1))))))"""


def outcome(instance: pywasmgk.Instance, number: int) -> tuple[object, ...]:
    try:
        return instance.exports.f(number), instance.fuel_used
    except pywasmgk.Trap as trap:
        return str(trap), tuple(trap.frames), trap.fuel_used


@pytest.mark.parametrize("engine", ["interpreter", "auto", "mixed"])
def test_dropped_code_is_made_again(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results, traps, places and fuel are those of code that is kept."""
    module = pywasmgk.Module(TEXT)
    numbers = (5, 11, 24, 35, 100, 11, 5)
    wanted = [outcome(pywasmgk.instantiate(module, engine=engine), number) for number in numbers]
    assert {type(first) for first, *_ in wanted} == {int, str}
    monkeypatch.setattr(prepared, "_MOST", 200)
    module = pywasmgk.Module(TEXT)
    for _ in range(3):
        # instances of a module share what is made
        first, second = (pywasmgk.instantiate(module, engine=engine) for _ in range(2))
        for number, expected in zip(numbers, wanted):
            assert outcome(first, number) == outcome(second, number) == expected
    assert any(code.dropped for code in module.codes.values())


def test_no_more_is_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "_MOST", 1_000)
    count, size = 50, 100
    text = "".join(f'(func (export "f{n}") {"nop " * size})' for n in range(count))
    instance = pywasmgk.instantiate(f"(module {text})", engine="interpreter")
    codes = instance.module.codes
    for _ in range(3):
        for n in range(count):
            instance.exports[f"f{n}"]()
            assert not codes[n].dropped
            assert sum(code.weight for code in codes.values() if not code.dropped) <= 1_000
    operations = sum(len(code.operations) for code in codes.values())
    assert operations <= 1_000 + count
    # a single one may be larger
    monkeypatch.setattr(prepared, "_MOST", 10)
    instance.exports.f1()
    assert [n for n in range(count) if not codes[n].dropped] == [1]


def test_steps_see_no_code_that_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def steps() -> int:
        instance = pywasmgk.instantiate(TEXT)
        with instance.account() as meter:
            execution, turns = Execution(instance.exports.f, [100]), 1
            while execution.step(meter) is None:
                turns += 1
        return turns

    wanted = steps()
    monkeypatch.setattr(prepared, "_MOST", 100)
    assert steps() == wanted


def test_code_that_is_dropped_goes_into_no_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prepared, "_MOST", 100)
    for _ in range(2):
        module = pywasmgk.Module(TEXT, cache_dir=str(tmp_path))
        instance = pywasmgk.instantiate(module, engine="interpreter")
        assert instance.exports.f(5) == pywasmgk.instantiate(TEXT).exports.f(5)
        assert any(code.dropped for code in module.codes.values())
        assert module.stored is not None
        module.stored.save()


def test_frames_on_the_stack_keep_nothing_that_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function that calls, and is dropped meanwhile, is made again when it goes on."""
    most, count, size = 2_000, 40, 200
    monkeypatch.setattr(prepared, "_MOST", most)
    body = "(drop (i32.const 1))" * size
    text = "".join(
        f'(func $f{n} (export "f{n}") (result i32) {body} (i32.add (i32.const 1) (call $f{n + 1})))'
        for n in range(count)
    )
    kept: list[int] = []

    def deepest() -> int:
        found = [each for each in gc.get_objects() if type(each) is Execution]
        lists = {id(frame[0]): len(frame[0]) for each in found for frame in each.frames}
        kept.append(sum(lists.values()))
        return 0

    text = f'(module (import "h" "h" (func $f{count} (result i32))) {text})'
    instance = pywasmgk.instantiate(text, {"h": {"h": deepest}}, engine="interpreter")
    assert instance.exports.f0() == count
    assert instance.fuel_used == count * (size + 4)
    assert 0 < kept[0] <= most + 2 * count


@pytest.mark.parametrize("name", LOOPS)
def test_loops_take_the_next_operation_in_a_line_that_is_known(name: str) -> None:
    lines = loop_source(STANDARD, name).splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("def "))
    assert lines[begin + FETCH[name]].strip() == "op, x = operations[pc]"
