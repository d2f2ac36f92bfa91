"""Sums that are brought into 32 bits where they are read."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.text.reading import assemble

#: a loop of several blocks that adds to $s and counts $i up to the second parameter
LOOP = """
    {before}
    loop $on
      {body}
      local.get $i i32.const 3 i32.and i32.eqz if call $other end
      local.get $i i32.const 1 i32.add local.tee $i local.get 1 i32.lt_u br_if $on
    end
    {behind}"""
ADD = "local.get $s local.get 0 i32.add local.set $s"
SUM = "local.get $s i32.const 5 i32.add"


def module(body: str, behind: str = SUM, before: str = "") -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1) (global $g (mut i32) (i32.const 0))
        (func $other global.get $g i32.const 1 i32.add global.set $g {"nop " * 60})
        (func (export "f") (param i32 i32) (result i32)
          (local $i i32) (local $s i32) (local $r i32) (local $n i32)
          {LOOP.format(body=body, behind=behind, before=before)}))"""
    return pywasmgk.Module(assemble(text))


def steps(made: pywasmgk.Module) -> list[str]:
    return [line for line in source_lines(made, 1) if line.startswith(("l3 = ", "l4 = "))]


@pytest.mark.parametrize(
    ("body", "behind", "before", "freed"),
    [
        (ADD, SUM, "", True),
        ("local.get $s i32.const -7 i32.add local.set $s", SUM, "", True),
        # below zero from the beginning: near it, with a sign
        (ADD, SUM, "i32.const -3 local.set $s", True),
        # read for its low bits as part of something else
        (f"{ADD} local.get $r local.get $s i32.xor i32.const 31 i32.mul local.set $r",
         f"{SUM} local.get $r i32.add", "", True),
        # by a branch, which asks of something else that is brought into 32 bits
        (f"{ADD} local.get $s i32.const 0x5B000005 i32.add local.get 0 i32.lt_u "
         "if call $other end", SUM, "", True),
        # read as it is
        (ADD, "local.get $s", "", False),
        (f"{ADD} i32.const 8 local.get $s i32.store", SUM, "", False),
        (f"{ADD} local.get $s i32.const 9 i32.gt_u if call $other end", SUM, "", False),
        (f"{ADD} local.get $s if call $other end", SUM, "", False),
        (f"{ADD} local.get $s i32.const 9 i32.gt_u local.get $r i32.add local.set $r",
         f"{SUM} local.get $r i32.const 2 i32.shr_u i32.add", "", False),
        (f"{ADD} local.get $s i32.const 3 i32.shr_u local.set $r", f"{SUM} local.get $r i32.add",
         "", False),
        # begins anywhere
        (ADD, SUM, "local.get 1 local.set $s", False),
        # gets large soon
        ("local.get $s i32.const 3 i32.mul i32.const 1 i32.add local.set $s", SUM, "", False),
        ("local.get $s local.get $s i32.add local.set $s", SUM, "i32.const 1 local.set $s", False),
        ("local.get $s local.get $r i32.add local.set $s "
         "local.get $r local.get $s i32.add local.set $r",
         f"{SUM} local.get $r i32.add", "i32.const 1 local.set $r", False),
    ],
)  # fmt: skip
def test_sums_are_masked_where_they_are_read(
    body: str, behind: str, before: str, freed: bool
) -> None:
    made = module(body, behind, before)
    own = [line for line in steps(made) if line.startswith("l3 = ") and "l3" in line[5:]]
    assert own and all(("4294967295" in line or "4294967296" in line) != freed for line in own)
    for first in (0, 1, 5, 0x7FFFFFFF, -1, -2):
        for second in (0, 1, 2, 40, 300):
            args = first, second
            assert outcome(made, "optimized", *args) == outcome(made, "interpreter", *args)


def test_two_sums_that_add_to_each_other_stay_small() -> None:
    body = """local.get $s local.get $r i32.add local.set $s
        local.get $r local.get $s i32.add local.set $r"""
    made = module(body, f"{SUM} local.get $r i32.add", "i32.const 1 local.set $r")
    instance = pywasmgk.instantiate(made, engine="optimized", fuel=3_000_000)
    expected = pywasmgk.instantiate(made, engine="interpreter", fuel=3_000_000)
    assert instance.exports["f"](0, 60_000) == expected.exports["f"](0, 60_000)
    assert all("4294967296" in line or "429496729" in line for line in steps(made)[1:])


def test_a_loop_of_one_block_is_left_to_its_fast_turns() -> None:
    text = f"""(module (func (export "f") (param i32 i32) (result i32)
        (local $i i32) (local $s i32)
        loop {ADD} local.get $i i32.const 1 i32.add local.tee $i local.get 1 i32.ne br_if 0 end
        {SUM}))"""
    made = pywasmgk.Module(assemble(text))
    assert "l3 = l0 + l3\n" not in source_of(made, 0, 1 << 30).text


@pytest.mark.parametrize(
    "inside",
    [
        # read twice by one line
        "local.get $s i32.const 1020 i32.and local.get $s i32.const 255 i32.and i32.store",
        "local.get $s i32.const 7 i32.add i32.const 255 i32.and local.set $r",
    ],
)
def test_what_a_loop_of_one_block_reads_is_left_alone(inside: str) -> None:
    body = f"""{ADD} i32.const 4 local.set $n
        loop {inside} local.get $n i32.const 1 i32.sub local.tee $n br_if 0 end"""
    made = module(body, f"{SUM} local.get $r i32.add")
    own = [line for line in steps(made) if line.startswith("l3 = ") and "l3" in line[5:]]
    assert own and all("429496729" in line for line in own)
    for first in (5, -3, 0x7FFFFFFF):
        args = first, 30
        assert outcome(made, "optimized", *args) == outcome(made, "interpreter", *args)


def test_a_parameter_begins_anywhere() -> None:
    made = module("local.get 0 i32.const 3 i32.add local.set 0", "local.get 0 i32.const 1 i32.add")
    text = source_of(made, 1, 1 << 30).text
    assert "l0 = l0 + 3\n" not in text
