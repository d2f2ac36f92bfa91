"""What is claimed of variables holds: joins, widening, and what branches teach."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pywasmgk.wasm.compiler.backend.printing import show
from pywasmgk.wasm.compiler.ir import conditions, expr
from pywasmgk.wasm.compiler.ir.domain import Environment, Fact, join, refine, widen
from pywasmgk.wasm.compiler.ir.expr import Expr, constant, variable

WORD = (1 << 32) - 1
SIGN = 1 << 31
VALUES = st.one_of(
    st.sampled_from([0, 1, 2, 127, 128, 255, 256, SIGN - 1, SIGN, WORD]), st.integers(0, WORD)
)


def env(*facts: Fact) -> Environment:
    return Environment(facts)


def holds(fact: Fact, value: int) -> bool:
    return fact is None or (fact[0] <= value <= fact[1] and value % (1 << fact[2]) == 0)


@st.composite
def facts(draw: Any) -> tuple[Fact, int]:
    """A fact, and a value of which it holds: a number of 32 bits, or one with its sign."""
    value, least, most = draw(VALUES), 0, WORD
    if draw(st.booleans()):
        value, least, most = (value ^ SIGN) - SIGN, -SIGN, SIGN - 1
    low, high = draw(st.integers(least, value)), draw(st.integers(value, most))
    low, high = draw(st.sampled_from([(low, high), (least, most), (value, high), (low, value)]))
    return (low, high, draw(st.integers(0, min(expr._zeros_of(value), 6)))), value


@given(facts(), facts())
def test_joins_and_widening_keep_what_holds_on_either_way(a: Any, b: Any) -> None:
    for made in (join(env(a[0]), env(b[0])), join(env(b[0]), env(a[0]))):
        assert holds(made[0], a[1]) and holds(made[0], b[1])
    joined = join(env(a[0]), env(b[0]))
    assert holds(widen(env(a[0]), joined)[0], a[1]) and holds(widen(env(a[0]), joined)[0], b[1])
    for made in (join(env(a[0]), env(None)), widen(env(None), env(a[0]))):
        assert list(made) == [None]


@given(st.lists(facts(), min_size=2, max_size=60))
def test_widening_ends(found: list[Any]) -> None:
    """Every bound can move a few times only."""
    fact, moves = env(found[0][0]), 0
    for other, _ in found[1:]:
        wider = widen(fact, join(fact, env(other)))
        moves += wider[0][:2] != fact[0][:2]  # type: ignore[index]
        fact = wider
    assert moves <= 9


@st.composite
def conditioned(draw: Any) -> tuple[Environment, dict[str, int], Expr]:
    """Two variables with facts, and a condition on them."""
    (f0, v0), (f1, v1) = draw(facts()), draw(facts())
    assert f0 is not None and f1 is not None
    x, y = variable("l0", 0, *f0), variable("l1", 1, *f1)
    if draw(st.booleans()):
        x, y = expr.keep_low(x, 32), expr.keep_low(y, 32)
    k = draw(VALUES)

    def side(base: Expr) -> Expr:
        kind = draw(st.integers(0, 5))
        if kind == 0:
            return constant(k)
        if kind == 1:
            return expr.add(base, constant(draw(st.integers(-300, 300))))
        if kind == 2:
            return expr.bit_and(base, constant(draw(st.sampled_from([1, 3, 7, 255, 254, k]))))
        return base

    op = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    left, right = side(x), side(y)
    if (
        draw(st.booleans())
        and left.low >= 0
        and right.low >= 0
        and max(left.high, right.high) <= WORD
    ):
        left, right = (expr.bit_xor(item, constant(SIGN)) for item in (left, right))
    condition = conditions.compare(op, left, right)
    if draw(st.booleans()):
        condition = conditions.truth(side(x))
    if draw(st.booleans()):
        other = conditions.compare(draw(st.sampled_from(["<", "!="])), y, constant(k))
        condition = conditions.connect(draw(st.sampled_from(["and", "or"])), condition, other)
    if draw(st.booleans()):
        condition = conditions.negate(condition)
    return env(f0, f1), {"l0": v0, "l1": v1}, condition


@given(conditioned())
def test_what_a_branch_teaches_is_true(case: Any) -> None:
    known, values, condition = case
    taken = bool(eval(show(condition), {}, values))
    flow = condition if taken else conditions.negate(condition)
    found = refine(known, flow)
    assert found is not None, show(flow)
    for fact, value in zip(found, values.values()):
        assert holds(fact, value), (show(flow), fact, value)
    if conditions.decided(condition) is not None:
        assert conditions.decided(condition) is taken
