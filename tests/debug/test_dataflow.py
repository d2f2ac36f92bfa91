"""Operands by the code alone agree with validation; trails agree with what was executed."""

from __future__ import annotations

from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.debug.dataflow import lanes, operands_of
from pywasmgk.debug.trail import Trail
from pywasmgk.wasm.stepping.activations import typing_before

GUESTS = Path(__file__).parents[1] / "guests"
CLAUSES = ("end", "else", "catch", "catch_all", "delegate")
MIXED = """(module
  (tag $t (param i32 i64))
  (table 1 funcref)
  (func $two (param i32) (result i32 i64) (local.get 0) (i64.const 5))
  (func (export "f") (param i32) (result i32)
    (block $out (result i32)
      (if (result i32) (local.get 0)
        (then (call $two (i32.const 1)) (drop))
        (else (br $out (i32.const 7))))
      (br_if $out (i32.const 0))
      (select (i32.const 2) (i32.const 1))
      (return))
    (drop)
    (block (result i32 i64) (try_table (catch $t 0) (throw $t (i32.const 1) (i64.const 2)))
      (unreachable))
    (drop)
    (ref.is_null (ref.null func)) (i32.add)))"""


@pytest.mark.parametrize(
    "guest", [MIXED, GUESTS / "c/workshop.wasm", GUESTS / "assemblyscript/errands.wasm"], ids=str
)
def test_operands_are_those_of_validation(guest: str | Path) -> None:
    module = pywasmgk.Module(guest.read_bytes() if isinstance(guest, Path) else guest)
    looked = 0
    for index in range(module.import_counts["func"], len(module.functions)):
        body, found = module.block_map(index), operands_of(module, index)
        for pc in range(0, len(body.code) - 1, max(len(body.code) // 15, 1)):
            operands, row = found[pc], module.isa.rows[body.code[pc][0]]
            if operands is None or row.form in CLAUSES:
                continue
            kinds, _ = typing_before(module, index, body, pc)
            assert (operands.height, [*operands.takes]) == (len(kinds), kinds[operands.base :])
            looked += 1
    assert looked > 10


def test_legacy_catches_have_the_exception_below() -> None:
    module = pywasmgk.Module("""(module (tag $t (param i32 i32))
      (func (result i32) (i32.const 9)
        try (result i32) i32.const 1 catch $t i32.add catch_all i32.const 3 end i32.add))""")
    heights = [one and (one.height, len(one.gives)) for one in operands_of(module, 0)]
    assert heights == [
        (0, 1),
        (1, 0),
        (1, 1),
        (2, 2),
        (4, 1),
        (2, 0),
        (2, 1),
        (2, 1),
        (2, 1),
        (1, 1),
    ]


def test_lines_go_from_who_gives_to_who_takes() -> None:
    module = pywasmgk.Module("""(module (memory 1) (func (param i32)
      (i32.store (i32.const 8) (i32.add (local.get 0) (i32.const 1))) (unreachable) (drop)))""")
    drawn = [lanes(one, 0, 3) for one in operands_of(module, 0)]
    assert drawn == ["╭──", "│╭─", "││╭", "│├┴", "╰┴─", "   ", "   ", "   "]


SUM = """(module (memory 1)
  (func $double (param $n i32) (result i32) (i32.mul (local.get $n) (i32.const 2)))
  (func (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (call $double (local.get $n))))
      (i32.store offset=4 (i32.const 8) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $total)))"""


def beside(trail: Trail, held: pywasmgk.Execution) -> dict[int, tuple[object, object]]:
    found = trail.beside(held.depth, held.raw_frame[3])
    return {pc: (one.takes, one.gives) for pc, one in found.items()}


def test_a_trail_says_the_same_however_it_was_come_by() -> None:
    """Step by step, at once, and back: the values beside the code are one."""
    for steps in (3, 5, 9, 13, 30, 41):
        with pywasmgk.instantiate(SUM).start("sum", 3) as held:
            trail = Trail(held)
            for _ in range(steps):
                trail.step()
            trail.follow()
            single, address = beside(trail, held), trail.address
        with pywasmgk.instantiate(SUM).start("sum", 3) as held:
            trail = Trail(held)
            held.step(steps + 5)
            trail.follow()
            held.rewind(5)
            trail.follow()
            assert (beside(trail, held), trail.address) == (single, address)
            fresh = Trail(held)
            held.goto(held.steps)
            fresh._first = fresh._end = -1
            fresh.follow()
            assert beside(fresh, held) == single
    assert address == 12


def test_a_trail_leaves_the_execution_where_it_is() -> None:
    with pywasmgk.instantiate(SUM).start("sum", 3) as held:
        stop = held.break_at("double")
        held.run()
        held.run()
        before = held.steps, stop.hits, held.stopped_by
        trail = Trail(held)
        trail._first = trail._end = -1
        trail.follow()
        assert (held.steps, stop.hits, held.stopped_by) == before
        assert held.run() == "breakpoint" and stop.hits == 3
        held.run()
        assert held.results == 12
        trail.follow()
        assert held.done and held.results == 12


def test_calls_give_when_they_return() -> None:
    with pywasmgk.instantiate(SUM).start("sum", 3) as held:
        trail = Trail(held)
        held.step(4)
        trail.follow()
        assert trail.beside(1, held.frames[1].function)[3].gives == ()
        held.step_out()
        trail.follow()
        assert beside(trail, held)[3] == ((), (6,))
