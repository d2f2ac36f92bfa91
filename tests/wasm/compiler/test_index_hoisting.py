"""What loops use of pointers that stay the same is computed before them."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.text.reading import assemble

MEMORY = {64: bytes(range(256)) * 4}

#: a branch, so that a loop is one of several blocks
BRANCH = "local.get $a i32.const 1 i32.and if local.get $a i32.const 3 i32.add local.set $a end"
ADD = "i32.load local.get $a i32.add local.set $a"
#: the place of a word in the array at $q by an index that may be anything
PLACE = "local.get $q local.get $i i32.const 2 i32.shl i32.add"
WORD = f"{PLACE} {ADD}"
STEP = "local.get $n i32.const 1 i32.add local.tee $n"
AGAIN = f"local.get $i i32.const 5 i32.mul local.set $i {STEP} i32.const 20 i32.lt_u br_if"
AHEAD = "local.get $q i32.const 8 i32.add local.set $q"
INNER = f"loop {BRANCH} {WORD} {AGAIN} 0 end"


def module(body: str) -> pywasmgk.Module:
    """A function of an address and an index, with a pointer $q to words, and $a, $n and $m."""
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32) (param $i i32) (result i32)
          (local $q i32) (local $a i32) (local $n i32) (local $m i32)
          local.get 0 i32.const -4 i32.and local.set $q {body} local.get $a))"""
    return pywasmgk.Module(assemble(text))


def same(made: pywasmgk.Module) -> None:
    for pointer in (64, 128, 67, 0, 65_500, 0xFFFFFFF0, 0x40000000):
        for index in (0, 3, 0xFFFFFFFF, 0x3FFFFFFF):
            found = [
                outcome(made, engine, pointer, index, memory=MEMORY)
                for engine in ("optimized", "interpreter")
            ]
            assert found[0] == found[1]


def before_and_inside(made: pywasmgk.Module, text: str) -> tuple[int, int]:
    """In how many lines a text is before the first loop, and from its head on."""
    lines = source_lines(made)
    head = lines.index("while 1:")
    return sum(text in line for line in lines[:head]), sum(text in line for line in lines[head:])


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (INNER, (1, 0)),
        (f"loop $o {BRANCH} {INNER} {AGAIN} $o end", (1, 0)),
        # its turns change it
        (f"loop {BRANCH} {WORD} {AHEAD} {AGAIN} 0 end", (0, 1)),
        # those of the outer loop do: before the inner one
        (f"loop $o {BRANCH} {INNER} {AHEAD} {AGAIN} $o end", (0, 1)),
        # another loop leads there, each turn of which would compute it
        (f"loop {BRANCH} {STEP} i32.const 9 i32.lt_u br_if 0 end {INNER}", (0, 1)),
    ],
)
def test_an_index_is_computed_before_the_outermost_loop(body: str, found: tuple[int, int]) -> None:
    made = module(body)
    assert before_and_inside(made, "l2 >> 2") == found
    same(made)


def test_before_an_inner_loop_it_is_computed_once_a_turn_of_the_outer_one() -> None:
    lines = source_lines(module(f"loop $o {BRANCH} {INNER} {AHEAD} {AGAIN} $o end"))
    outer, inner = (place for place, line in enumerate(lines) if line == "while 1:")
    (shifted,) = (place for place, line in enumerate(lines) if "l2 >> 2" in line)
    assert outer < shifted < inner


def test_a_number_that_is_added_is_part_of_it() -> None:
    made = module(f"loop {BRANCH} {WORD} {PLACE} i32.const 16 i32.add {ADD} {AGAIN} 0 end")
    assert before_and_inside(made, " + 4") == (1, 0)
    same(made)


def test_loops_of_one_block_shift_by_themselves() -> None:
    turn = f"loop {WORD} {STEP} i32.const 9 i32.rem_u br_if 0 end"
    made = module(f"loop {BRANCH} {turn} {AGAIN} 0 end")
    assert before_and_inside(made, "l2 >> 2")[0] == 0
    same(made)


def test_operands_that_are_left_across_blocks_are_found_by_their_new_names() -> None:
    """A block is written anew, with fewer temporaries; the one behind it uses the operands."""
    left = f"{PLACE} i32.load local.get $m br_if $out"
    made = module(f"block $out loop {BRANCH} {left} local.set $a {WORD} {AGAIN} 0 end end")
    same(made)
