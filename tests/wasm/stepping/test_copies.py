"""The copies of code that held executions run are bounded, and nobody sees that they are."""

from __future__ import annotations

from typing import Any

import pytest

import pywasmgk
from pywasmgk.wasm.interpreter import prepared
from pywasmgk.wasm.stepping import copies

#: functions that call each other deep, and trap, throw and catch on the way
COUNT = 9
TEXT = f"""(module (memory 1) (tag $t (param i32))
  (func $f0 (export "f") (param i32) (result i32) (call $f1 (local.get 0)))
  {
    "".join(
        f'''(func $f{n} (param i32) (result i32)
          (block (result i32)
            (try_table (result i32) (catch $t 0)
              (i32.store (i32.const {n % 3}) (local.get 0))
              (i32.add (i32.load (i32.const {n % 4}))
                (call $f{n + 1} (i32.sub (local.get 0) (i32.const 1)))))))'''
        for n in range(1, COUNT)
    )
}
  (func $f{COUNT} (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (if (i32.lt_s (local.get 0) (i32.const 0)) (then (throw $t (local.get 0))))
    (i32.add (local.get 0) (call $f1 (i32.sub (local.get 0) (i32.const 1))))))"""


def held(number: int) -> pywasmgk.Execution:
    execution = pywasmgk.instantiate(TEXT).start("f", number)
    execution.break_at("f3")
    execution.break_at(instruction="i32.add")
    execution.watch_memory(0, 8)
    return execution


def place(execution: pywasmgk.Execution, why: str) -> tuple[Any, ...]:
    frames = [(frame.index, frame.offset) for frame in execution.frames]
    return why, execution.steps, execution.fuel_used, frames


def wandered(number: int) -> list[tuple[Any, ...]]:
    """Where an execution is on its way forth, back and forth again, and how it ends."""
    with held(number) as execution:
        seen = []
        while not execution.done:
            seen.append(place(execution, execution.run()))
            seen.append(place(execution, execution.step_over()))
        execution.rewind(execution.steps // 3)
        for _ in range(5):
            seen.append(place(execution, execution.reverse_run()))
            seen.append(place(execution, execution.step_out()))
        execution.run(lambda now: False)
        return [*seen, place(execution, str(execution.trap) + str(execution.results))]


@pytest.mark.parametrize("number", [4, 20, 32])
def test_copies_that_are_dropped_are_made_again(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = wandered(number)
    assert len(wanted) > 20
    for most in (30, 120, 400):
        monkeypatch.setattr(copies, "_MOST", most)
        monkeypatch.setattr(prepared, "_MOST", most)
        assert wandered(number) == wanted


def test_no_more_is_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the frames that are on the stack."""
    most = 150
    monkeypatch.setattr(copies, "_MOST", most)
    with held(40) as execution:
        running, deepest = execution._running, 0
        while execution.step(7) not in ("done", "trap"):
            latest = running._copies.code(running.top[0])
            assert running._copies.weight <= most or len(running._copies) == 1
            kept = {id(frame[0]): len(frame[0]) for frame in running.frames[1:]}
            assert sum(kept.values()) <= most + (latest.size if latest else 0)
            deepest = max(deepest, running.depth)
    assert deepest > 3 * COUNT


def test_stops_that_are_put_in_later_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "_MOST", 600)
    with pywasmgk.instantiate(TEXT).start("f", 40) as execution:
        execution.step(100)
        before = len(execution._running._copies)
        execution.break_at(instruction="*")
        assert execution._running._copies.weight <= 600
        assert 0 < len(execution._running._copies) < before
