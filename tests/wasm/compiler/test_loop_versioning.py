"""Fast turns of loops: the same as one turn after the other, wherever they end."""

from __future__ import annotations

from collections import Counter

import pytest
from differential import check
from generator import Program
from loop_generator import generate
from oracle import have_wasmtime
from two_engines import outcome

import pywasmgk
from pywasmgk.wasm.compiler.backend import fast_loops
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.passes import loop_versioning
from pywasmgk.wasm.text.reading import assemble

#: kinds of fast turns, and how their code tells them
KINDS = {
    "counted": " in range(",
    "until it is left": " p = ",
    "down to a floor": " - 8\n",
    "by an index of words": " q",
    "set behind the turns": " = (l",
    "all at once": "filled(",
    "by a sum of two": "[r",
    "by iteration": " in zip(",
}


@pytest.fixture(autouse=True)
def few_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of eight turns at once, so that they end in every way within a little fuel."""
    monkeypatch.setattr(loop_versioning, "MOST", 8)
    monkeypatch.setattr(fast_loops, "MOST", 8)


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_random_loops_do_the_same_everywhere(first: int) -> None:
    for seed in range(first, first + 50):
        engines = ["interpreter", "optimized"]
        found = list(
            check(generate(seed), engines, reference=have_wasmtime(), stops=seed % 10 == 0)
        )
        assert not found, seed


def test_random_loops_have_fast_turns_of_all_kinds() -> None:
    found: Counter[str] = Counter()
    for seed in range(200):
        text = source_of(pywasmgk.Module(generate(seed).data), 2, 1 << 30).text
        found.update(kind for kind, sign in KINDS.items() if sign in text)
    assert all(found[kind] >= 5 for kind in KINDS), found


def source(*lines: str, params: str = "i32 i32") -> str:
    """The code of a loop over the parameters and locals p, q, a."""
    text = " ".join(lines)
    data = assemble(
        f"""(module (memory 1) (func (export "f") (param {params}) (result i32)
        (local $p i32) (local $q i32) (local $a i32)
        loop $on {text} br_if $on end local.get $a local.get $p i32.add local.get $q i32.add))"""
    )
    return source_of(pywasmgk.Module(data), 0, 1 << 30).text


STEP_P = "local.get $p i32.const 4 i32.add local.set $p"
STEP_Q = "local.get $q i32.const 1 i32.add local.set $q"
SUM = "local.get $p i32.load local.get $a i32.add local.set $a"


def test_a_pointer_is_an_index_and_what_only_counts_waits() -> None:
    text = source(SUM, STEP_P, STEP_Q, "local.get $q local.get 0 i32.ne")
    assert "for q2_2 in range(q2_2, e, 1):" in text
    assert "l2 = l2 + n * 4" in text
    assert "l3 = l3 + n" in text


def test_a_search_is_charged_behind_it() -> None:
    text = source(SUM, STEP_P, STEP_Q, "local.get $a")
    assert "while q2_2 < e:" in text
    assert "n = q2_2 - p" in text


def test_what_may_wrap_keeps_its_mask() -> None:
    text = source(STEP_Q, STEP_P, SUM, "local.get $a")
    assert "n = n + 1\n    l3 = (l3 + n) % 4294967296" in text


def test_a_fill_is_done_at_once() -> None:
    store = "local.get $p i32.const 7 i32.store8 offset=5"
    text = source(store, "local.get $p local.get 0 i32.add local.tee $p local.get 1 i32.lt_u")
    assert "mem[l2 + 5:e + 5:l0] = filled(7, 1, n)" in text
    assert "if e + 5 <= len(mem):" in text


@pytest.mark.parametrize(
    "lines",
    [
        ("call 0 local.set $a", STEP_P, "local.get $a"),
        ("local.get $a i32.const 3 i32.mul local.set $a", "local.get $a"),
    ],
    ids=["with a call", "without anything that is stepped"],
)
def test_loops_without_fast_turns(lines: tuple[str, ...]) -> None:
    text = source("local.get 0 local.get 1" if "call" in lines[0] else "", *lines)
    assert "range(" not in text and " p = " not in text


def test_a_sum_with_what_does_not_change_is_stepped_itself() -> None:
    byte = "local.get 1 local.get $p i32.add i32.load8_u offset=7 local.get $a i32.add local.set $a"
    word = "local.get $q i32.load local.get $a i32.xor local.set $a"
    steps = (
        "local.get $q i32.const 4 i32.add local.set $q",
        "local.get $p i32.const 1 i32.add local.tee $p i32.const 1000 i32.ne",
    )
    text = source(byte, word, *steps)
    assert "MB_7[r2_1:r2_1 + n]" in text and "MB_7[l2 + l1" not in text
    # what is read by itself as well is stepped as before
    again = "local.get $p i32.const 3 i32.mul local.get $a i32.add local.set $a"
    assert "r2_1" not in source(byte, again, word, *steps)


def test_a_way_that_only_better_bounds_leave_open() -> None:
    # wide bounds of $p decide the second loop's condition, those found after them do not
    data = assemble(
        """(module (memory 1) (func (export "f") (param $q i32) (result i32)
        (local $p i32) (local $a i32)
        i32.const -1 local.set $p
        loop $first
          local.get $p i32.load offset=20 local.get $a i32.add local.set $a
          local.get $p i32.const 1073741824 i32.add local.set $p
          local.get $p i32.const 4 i32.add local.set $p
          local.get $q i32.const 1 i32.add local.tee $q i32.const 7 i32.lt_s br_if $first
        end
        loop $second
          local.get $q i32.const 16 i32.add local.set $q
          local.get $p i32.const 40 i32.gt_u br_if $second
        end
        local.get $a local.get $p i32.add))"""
    )
    program = Program(data, [("f", (0,)), ("f", (7,))], [])
    assert not list(
        check(program, ["interpreter", "optimized"], reference=have_wasmtime(), stops=1)
    )


def test_what_a_turn_sets_twice_reads_nothing_that_is_not_there() -> None:
    """The first value of $a is for $q, which nobody reads; the second follows from $p."""
    text = """(module (memory (export "memory") 1) (func (export "f") (param i32 i32) (result i32)
        (local $p i32) (local $q i32) (local $a i32) (local $n i32)
        local.get 0 local.set $p
        loop $on
          local.get $q i32.const 0x40000000 i32.add local.set $a
          local.get $a local.set $q
          local.get $p i32.const 1 i32.add local.tee $a i32.load8_u offset=4 local.set $n
          local.get $p i32.const 2 i32.add local.set $p
          local.get $n local.get 1 i32.lt_u br_if $on
        end
        local.get $a local.get $p i32.const 16 i32.shl i32.add))"""
    made = pywasmgk.Module(assemble(text))
    assert "l3" not in source_of(made, 0, 1 << 30).text
    for start, end in ((0, 100), (50, 255), (0, 0), (65_400, 300), (65_000, 99)):
        found = [
            outcome(made, engine, start, end, memory={0: bytes(range(256))})
            for engine in ("interpreter", "optimized")
        ]
        assert found[0] == found[1]


@pytest.mark.parametrize("half", [0x40000000, 0x3FFFFFFF, 0x20000000, 0x60000000, -0x40000000])
@pytest.mark.parametrize("turns_", [0, 1, 2, 7, 8, 9, 30])
def test_steps_that_come_to_half_of_all_numbers(half: int, turns_: int) -> None:
    """Two of 2**30 are one of -2**31."""
    step = f"local.get $q i32.const {half} i32.add local.set $q"
    text = f"""(module (memory (export "memory") 1) (func (export "f") (param i32) (result i32)
        (local $p i32) (local $q i32) (local $a i32)
        i32.const 4 local.set $q
        loop $on
          local.get $p i32.load local.get $a i32.add local.set $a
          local.get $p i32.const 4 i32.add local.set $p
          {step} {step}
          local.get $a local.get 0 i32.lt_s br_if $on
        end
        local.get $q))"""
    module = pywasmgk.Module(assemble(text))
    found = [
        outcome(module, engine, turns_, memory={0: b"\1\0\0\0" * 100})
        for engine in ("interpreter", "optimized")
    ]
    assert found[0] == found[1]


def test_a_sum_takes_the_place_of_no_other_sum() -> None:
    """Two pointers step, each read in a sum with the same third one, which does not change."""
    engines = ("interpreter", "optimized")
    found = list(check(generate(90159), engines, reference=have_wasmtime(), stops=False))
    assert not found


def test_the_start_of_an_index_that_was_computed_before_the_loop_is_kept() -> None:
    """Fast iterations read a temporary of the block before them, which must not be substituted."""
    engines = ("interpreter", "optimized")
    assert not list(check(generate(2273), engines, reference=have_wasmtime(), stops=False))
    text = source_of(pywasmgk.Module(generate(2273).data), 2, 1 << 30).text
    assert "= t5\n" in text and "  t5 = " in text


#: loops over a pointer of 64 bits, as Go has them: how far it goes on, and its accesses
WIDE = {
    "by a word": (8, "i64.load offset=8"),
    "by half a word": (4, "i64.load"),
    "by a byte": (1, "i64.load8_u offset=3"),
    "down by a word": (-8, "i64.load"),
}


def wide(case: str) -> pywasmgk.Module:
    """A loop that reads through a pointer of 64 bits and writes back."""
    step, load = WIDE[case]
    store = load.replace("load", "store").replace("8_u", "8")
    text = f"""(module (memory (export "memory") 1)
      (func (export "f") (param $p i64) (param $n i64) (result i64) (local $a i64)
        loop $on
          local.get $p i32.wrap_i64 {load} local.get $a i64.add local.set $a
          local.get $p i32.wrap_i64 local.get $a {store}
          local.get $p i64.const {step} i64.add local.set $p
          local.get $n i64.const 1 i64.sub local.tee $n i64.const 0 i64.ne br_if $on
        end
        local.get $a local.get $p i64.xor))"""
    return pywasmgk.Module(assemble(text))


@pytest.mark.parametrize("case", WIDE)
@pytest.mark.parametrize(
    "start",
    [0, 8, 13, 65_408, 65_528, (1 << 30) - 1, (1 << 32) - 16, (1 << 32) + 24, -8, (5 << 32) + 7],
)
def test_pointers_of_64_bits_do_the_same_wherever_they_lead(case: str, start: int) -> None:
    module = wide(case)
    for count in (1, 7, 9, 30, 400):
        found = [
            outcome(module, engine, start, count, memory={0: bytes(range(1, 251)) * 4})
            for engine in ("interpreter", "optimized", "quick")
        ]
        assert found[0] == found[1] == found[2], count


def test_a_pointer_of_64_bits_is_an_index_too() -> None:
    """That it has 32, and is a multiple of a word's size, is tested once before the iterations."""
    text = source_of(wide("by a word"), 0, 1 << 30).text
    assert "l0 < 1073741823 and not l0 & 7" in text
    assert "for q0_3 in range(q0_3, e, 1):" in text and "= MQ_1[q0_3]" in text
    # what goes on by less is not a multiple for long
    half = source_of(wide("by half a word"), 0, 1 << 30).text
    assert "l0 < 1073741823 and fuel" in half and "q0_3" not in half


def test_a_number_of_64_bits_that_is_stored_as_32_is_no_pointer() -> None:
    text = """(module (memory (export "memory") 1)
      (func (export "f") (param $v i64) (param $n i32) (result i64) (local $p i32)
        loop $on
          local.get $p local.get $v i32.wrap_i64 i32.store
          local.get $p i32.const 4 i32.add local.tee $p local.get $n i32.ne br_if $on
        end
        local.get $v))"""
    module = pywasmgk.Module(assemble(text))
    assert "l0 < 1073741823" not in source_of(module, 0, 1 << 30).text


def test_a_scaled_index_of_64_bits_is_masked_once() -> None:
    text = """(module (memory 1) (func (export "f") (param i64 i64) (result i32)
      local.get 0 local.get 1 i64.const 3 i64.shl i64.add i32.wrap_i64 i32.load8_u))"""
    source = source_of(pywasmgk.Module(assemble(text)), 0, 1 << 30).text
    assert "18446744073709551615" not in source and source.count("4294967296") == 1
