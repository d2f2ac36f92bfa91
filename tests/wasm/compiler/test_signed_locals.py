"""Numbers that are kept with their sign: where, and that nothing is different for it."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.compiler.analysis.ranges import analyse
from pywasmgk.wasm.compiler.analysis.webs import assignments, webs
from pywasmgk.wasm.compiler.frontend.context import Context
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.compiler.ir.cfg import build
from pywasmgk.wasm.text.reading import assemble

#: small numbers with signs about 1000
MEMORY = {990: bytes((7 * place) % 256 for place in range(60))}


def module(body: str) -> pywasmgk.Module:
    """A function of a number with locals $k, $m, $d and $a that gives $a."""
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32)
          (local $k i32) (local $m i32) (local $d i32) (local $a i32)
          {body} local.get $a))"""
    return pywasmgk.Module(assemble(text))


def same(made: pywasmgk.Module, *arguments: int) -> None:
    for argument in arguments:
        found = [
            outcome(made, engine, argument, memory=MEMORY)
            for engine in ("optimized", "interpreter")
        ]
        assert found[0] == found[1]


#: a branch, so that a loop around it is one of several blocks
BRANCH = "local.get $a i32.const 1 i32.and if local.get $a i32.const 3 i32.add local.set $a end"
ADD = "local.get $a i32.add local.set $a"


def counting(start: int, reads: str, step: int = 1, end: str = "") -> str:
    again = f"local.get $k i32.const {step} i32.add local.tee $k {end} br_if 0"
    return f"i32.const {start} local.set $k loop {BRANCH} {reads} {again} end"


LOAD = f"local.get $k i32.const 1030 i32.add i32.load8_u {ADD}"
LESS = "local.get $k local.get 0 i32.load16_s i32.lt_s if i32.const 9 local.set $d end"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (counting(-30, LOAD), True),
        (counting(-30, LESS), True),
        (counting(-32, LOAD, 4), True),
        (counting(-30, LOAD, 2), True),
        (counting(-30, LOAD, 3, "i32.const 5 i32.lt_s"), True),
        (counting(-30, LOAD, 1, "i32.const -5 i32.ne"), True),
        # what is read through it is in memory, which is a bound too
        (counting(-30, LOAD, 3), True),
        # compared as a number without a sign, or stored as one
        (counting(-30, f"local.get $k i32.const 70 i32.lt_u {ADD}"), False),
        (counting(-30, "i32.const 0 local.get $k i32.store"), False),
        (counting(-30, f"local.get $k i32.const 2 i32.shr_u {ADD}"), False),
        # it may miss the end, and go on to where there are no more such numbers
        (counting(-30, LESS, 3), False),
        (counting(-30, LESS, -1), False),
        (counting(-30, LESS, 1, "i32.const -5 i32.ne"), False),
        # a loop of one block
        (f"i32.const -30 local.set $k loop {LOAD} local.get $k i32.const 1 i32.add local.tee $k"
         " br_if 0 end", False),
    ],
)  # fmt: skip
def test_a_counter_from_below_zero(body: str, kept: bool) -> None:
    made = module(body)
    starts = [line for line in source_lines(made) if line in ("l1 = -30", "l1 = -32")]
    assert bool(starts) is kept
    same(made, 1000, 1001, 65_535)


def test_two_that_take_turns() -> None:
    made = module(
        f"""i32.const -8000 local.set $k loop local.get $k local.set $m {BRANCH}
          local.get $m local.get 0 i32.load16_s i32.lt_s if local.get $a i32.const 1 i32.add
          local.set $a end
          local.get $m i32.const 1000 i32.add local.set $k
          local.get $m i32.const 7000 i32.lt_s br_if 0 end"""
    )
    lines = source_lines(made)
    assert {"l1 = -8000", "l1 = l2 + 1000", "if l2 >= 7000:"} <= set(lines)
    same(made, 1000, 1004, 1009, 1030)


@pytest.mark.parametrize(
    ("other", "is_near"),
    [("i32.load16_s offset=2", True), ("i32.load16_u", True), ("i32.load", False)],
)
def test_differences_where_ways_meet(other: str, is_near: bool) -> None:
    number = "local.get 0 i32.load16_s offset=4"
    made = module(
        f"""loop {BRANCH} local.get $a i32.const 2 i32.and
          if (result i32) {number} local.get 0 i32.load16_s i32.sub
          else {number} local.get 0 {other} i32.sub end
          i32.const 1 i32.lt_s if local.get $a i32.const 5 i32.add local.set $a end
          local.get $a i32.const 1 i32.add local.set $a
          local.get 0 i32.const 1 i32.add local.tee 0 i32.const 1030 i32.lt_u br_if 0 end"""
    )
    kept = any(line.startswith("if s0 < 1") or line == "if s0 >= 1:" for line in source_lines(made))
    assert kept is is_near
    same(made, 985, 990, 1000, 1020)


def test_numbers_of_64_bits_are_no_such() -> None:
    made = module(
        f"""loop {BRANCH} local.get 0 if (result i64) i64.const 0xFFFFFFFF else i64.const 5 end
          i64.const 1 i64.lt_s if i32.const 1 {ADD} end
          local.get $a i32.const 1 i32.add local.set $a
          local.get $a i32.const 20 i32.lt_u br_if 0 end"""
    )
    same(made, 0, 1)


def test_what_a_local_is_used_for_later_is_no_matter() -> None:
    made = module(
        f"""{counting(-30, LOAD)}
          local.get 0 i32.const 5 i32.mul local.tee $k i32.const 70 i32.lt_u {ADD}
          i32.const 512 local.get $k i32.store local.get $k {ADD}"""
    )
    assert "l1 = -30" in source_lines(made)
    same(made, 0, 7, 0xFFFFFFFF)


def test_a_call_goes_on_from_the_middle_of_a_loop() -> None:
    """The interpreter has numbers without signs: what goes on for it has none either."""
    again = "local.get $a i32.const 50_000 i32.lt_u br_if $o"
    made = module(f"loop $o {counting(-30, LOAD)} {again} end")
    interpreted, *others = (
        outcome(made, engine, 0, memory=MEMORY) for engine in ("interpreter", "auto", "optimized")
    )
    assert interpreted[0] >= 50_000
    assert others == [interpreted] * 2


def test_webs_are_assignments_with_the_same_readers() -> None:
    made = module(
        f"""local.get 0 if i32.const 1 local.set $k else i32.const 2 local.set $k end
          local.get $k {ADD} i32.const 3 local.set $k {BRANCH} local.get $k {ADD}
          i32.const 4 local.set $k local.get $k {ADD}"""
    )
    body = expanded(made, 0)
    shape = Context(body, made.context, made.isa, 1 << 30)
    analysis = analyse(shape, build(body, made.isa, 0))
    found = webs(analysis, [item for item in assignments(analysis) if item.site[1] == 1])
    values = sorted(sorted({item.value.args[0] for item in web.assignments}) for web in found)
    assert values == [[1, 2], [3], [4]]
    assert sorted(len({block for block, _ in web.places}) for web in found) == [1, 2, 3]


@pytest.mark.parametrize(("count", "kept"), [(3, True), (100, False)])
def test_it_is_not_tried_where_that_would_take_long(count: int, kept: bool) -> None:
    """What is known of each variable in each block grows with both."""
    names = [f"$v{number}" for number in range(count)]
    declared = " ".join(f"(local {name} i32)" for name in names)
    start = " ".join(f"i32.const -5 local.set {name}" for name in names)
    steps = " ".join(
        f"local.get {name} i32.const 0 i32.lt_s if local.get {name} i32.const 1 i32.add"
        f" local.set {name} end"
        for name in names
    )
    total = " ".join(f"local.get {name} i32.add" for name in names)
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32) {declared} {start}
          loop {steps} local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
          i32.const 0 {total}))"""
    made = pywasmgk.Module(assemble(text))
    assert ("l1 = -5" in source_lines(made)) is kept
    same(made, 1, 3, 9)
