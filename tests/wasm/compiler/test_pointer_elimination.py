"""Pointers that go with an index: known for what they are, and dropped where nobody else reads
them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.ir import expr
from pywasmgk.wasm.compiler.ir.domain import Environment, Multiple, clamp, join
from pywasmgk.wasm.compiler.ir.expr import Expr, constant, variable
from pywasmgk.wasm.text.reading import assemble

WORD = (1 << 32) - 1
COUNT = 4
NAMES = [f"l{index}" for index in range(COUNT)]
ALL = (1 << COUNT) - 1

numbers = st.sampled_from([0, 1, 4, 5, 1024, 1 << 30, WORD - 3, WORD])
places = st.integers(0, COUNT - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("number"), places, numbers, places),
        st.tuples(st.just("sum"), places, numbers, places),
        st.tuples(st.sampled_from([1, 2, 3]), places, numbers, places),
    ),
    max_size=12,
)


class Way:
    """Variables as they are, and what is known of them."""

    def __init__(self, values: list[int]) -> None:
        self.values = list(values)
        self.env = Environment([(0, WORD, 0)] * COUNT)

    def take(self, kind: Any, target: int, number: int, source: int) -> None:
        base = variable(NAMES[source], source, *self.env[source])
        if kind == "number":
            term, value = constant(number), number
        else:
            bits = 0 if kind == "sum" else kind
            term = expr.add(expr.shift_left(base, constant(bits)), constant(number))
            value = (self.values[source] << bits) + number & WORD
            term = expr.keep_low(term, 32)
        self.values[target] = value
        self.env.set(target, (term.low, term.high, 0), term, ALL)

    def check(self, env: Environment) -> None:
        for pointer, multiple in env.multiples.items():
            for index, bits, more in env.scaled(pointer):
                assert self.values[pointer] == (self.values[index] << bits) + more & WORD
            assert multiple.of != pointer


@given(st.lists(numbers, min_size=COUNT, max_size=COUNT), steps, steps, steps)
def test_multiples_hold_after_assignments_and_where_ways_meet(
    values: list[int], common: Any, one: Any, other: Any
) -> None:
    ways = Way(values), Way(values[::-1])
    for way, own in zip(ways, (one, other)):
        for step in (*common, *own):
            way.take(*step)
            way.check(way.env)
    joined = join(ways[0].env, ways[1].env)
    for way in ways:
        way.check(joined)
        way.check(join(joined, way.env))


def test_an_index_and_a_pointer_that_go_on_together_stay_what_they_were() -> None:
    way = Way([7] * COUNT)
    way.take(2, 1, 1024, 0)
    way.take("sum", 2, 0, 0)
    head = way.env.copy()
    way.take("sum", 2, 1, 2)
    way.take("sum", 1, 4, 1)
    assert Multiple(2, 2, 1024) in set(join(head, way.env).scaled(1))
    way.take("sum", 1, 4, 1)
    assert not join(head, way.env).multiples


def test_bounds_of_a_pointer_are_known_of_its_index() -> None:
    way = Way([7] * COUNT)
    way.env[0] = 0, 1 << 20, 0
    way.take(2, 1, 1024, 0)
    assert clamp(way.env, variable("l1", 1, 0, WORD), 2000, 4097)
    assert way.env[0] == (244, 768, 0)
    # where it may wrap, nothing is known
    way = Way([7] * COUNT)
    way.take(2, 1, 1024, 0)
    assert clamp(way.env, variable("l1", 1, 0, WORD), 2000, 4097)
    assert way.env[0] == (0, WORD, 0)


def test_a_pointer_that_no_index_can_give_is_none() -> None:
    way = Way([7] * COUNT)
    way.env[0] = 0, 10, 0
    way.take(2, 1, 1024, 0)
    assert not clamp(way.env, variable("l1", 1, 0, WORD), 2000, 4097)


# -- whole functions

WALK = """
    local.get 0 i32.const 2 i32.shl i32.const 1024 i32.add local.set $p
    loop
      local.get 0 i32.const 1 i32.add local.set 0
      {more}
      local.get $p i32.const 4 i32.add local.tee $p
      i32.load local.tee $a
      local.get 1 i32.lt_u br_if 0
    end
    {behind}"""
RESULT = "local.get 0 local.get $a i32.const 10 i32.shl i32.add"


def module(more: str = "", behind: str = RESULT) -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result i32) (local $p i32) (local $q i32) (local $a i32)
          {WALK.format(more=more, behind=behind)}))"""
    return pywasmgk.Module(assemble(text))


#: words about the array's begin
WORDS = {1024 - 128: b"".join((place * 3).to_bytes(4, "little") for place in range(64))}


@pytest.mark.parametrize("start", [0, -30, 17, 1 << 30, -(1 << 30), 20_000, 1 << 29])
@pytest.mark.parametrize(
    ("more", "behind", "dropped"),
    [
        ("", RESULT, True),
        # read behind the loop, as what a copy of it is
        ("", f"local.get $p i32.const 4 i32.sub local.tee $q i32.load drop {RESULT}", True),
        ("local.get $p local.get 0 i32.store offset=400", RESULT, True),
        # something else asks for it
        ("", f"local.get $p {RESULT} i32.xor", False),
        ("local.get $p i32.load8_u drop", RESULT, False),
        ("local.get $p i32.const 0x100000 i32.and if unreachable end", RESULT, False),
        # the two go on by different ways
        ("local.get $p i32.const 4 i32.add local.set $p", RESULT, False),
        ("local.get 0 i32.const 1 i32.add local.set 0", RESULT, False),
        # a place between two words
        ("", f"local.get $p i64.load32_u offset=2 i32.wrap_i64 {RESULT} i32.add", False),
    ],
)
def test_a_pointer_is_dropped_where_only_accesses_read_it(
    more: str, behind: str, dropped: bool, start: int
) -> None:
    made = module(more, behind)
    assert any(line.startswith("l2 = ") for line in source_lines(made)) is not dropped
    found = [
        outcome(made, engine, start, 100, memory=WORDS) for engine in ("optimized", "interpreter")
    ]
    assert found[0] == found[1]


def test_what_only_its_own_steps_read_is_not_kept() -> None:
    made = module("local.get $q i32.const 3 i32.add local.set $q")
    assert not any(line.startswith("l3 = ") for line in source_lines(made))


def test_terms_of_pointers_are_read_through_the_index() -> None:
    text = source_of(module(), 0).text
    assert "MI[((l0 + 256) % 1073741824)]" in text or "MI[(l0 + 256) % 1073741824]" in text


def test_a_shifted_number_that_is_no_variable_is_no_multiple() -> None:
    way = Way([7] * COUNT)
    value = expr.shift_left(Expr("*", (variable("l0", 0, 0, 9), constant(3)), 0, 27), constant(2))
    way.env.set(1, (0, 108, 2), value, ALL)
    assert not way.env.multiples
