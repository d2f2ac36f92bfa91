"""Which of several operators writes the same number: what Python has sooner."""

from __future__ import annotations

import itertools
import operator

import pytest

from pywasmgk.wasm.compiler.backend.emit import codes_of
from pywasmgk.wasm.compiler.backend.printing import show, text_of
from pywasmgk.wasm.compiler.ir import conditions, expr
from pywasmgk.wasm.compiler.ir.expr import Expr, constant
from pywasmgk.wasm.compiler.ir.statements import Assign, Origin

_WORD, _LONG = (1 << 32) - 1, (1 << 64) - 1

X, Y = (expr.variable(f"l{n}", n, 0, _WORD) for n in range(2))
LONG, OTHER = (expr.variable(f"l{n}", n, 0, _LONG) for n in (2, 3))
#: a number with all its bits, as hashes have them
HASH = expr.bit_xor(X, expr.shift_left(Y, constant(7)))


def masked(term: Expr, bits: int) -> Expr:
    return expr.keep_low(term, bits)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        # a sum of sizes seldom wraps: the remainder is the sum itself
        (masked(expr.add(expr.add(X, Y), constant(4)), 30), "(l0 + l1 + 4) % 1073741824"),
        (masked(expr.subtract(X, Y), 32), "(l0 - l1) % 4294967296"),
        # ... a hash has every bit
        (masked(expr.multiply(X, constant(2654435761)), 32), "l0 * 2654435761 & 4294967295"),
        (masked(HASH, 32), "(l0 ^ l1 << 7) & 4294967295"),
        (masked(expr.add(LONG, OTHER), 64), "w if (w := l2 + l3) < 18446744073709551616 else w"),
        # digits of large numbers fill no 64 bits
        (masked(expr.add(expr.multiply(LONG, OTHER), LONG), 64), "% 18446744073709551616"),
        # few bits of something large are a number that Python has made already
        (masked(HASH, 3), "(l0 ^ l1 << 7) % 8"),
        (masked(HASH, 20), "(l0 ^ l1 << 7) & 1048575"),
        (masked(X, 2), "l0 % 4"),
        # ... and what is known to be small has digits enough for both
        (masked(expr.variable("l4", 4, 0, 1000), 2), "l4 & 3"),
        # an index is scaled by a product
        (masked(expr.shift_left(X, constant(2)), 32), "l0 * 4 % 4294967296"),
        (masked(expr.shift_left(X, constant(13)), 32), "(l0 & 524287) << 13"),
        (expr.shift_left(expr.variable("l4", 4, 0, 1000), constant(3)), "l4 * 8"),
        # one less is below zero for one number only
        (masked(expr.subtract(X, constant(1)), 32), "l0 - 1 if l0 else 4294967295"),
        (masked(expr.subtract(X, constant(2)), 32), "(l0 - 2) % 4294967296"),
        # what is below zero comes to its place by one subtraction
        (masked(expr.negative(X), 32), "4294967296 - l0 if l0 else 0"),
    ],
)
def test_the_operator(term: Expr, text: str) -> None:
    assert text in show(term)


VALUES = [0, 1, 2, 3, 255, 4096, (1 << 30) - 1, 1 << 30, (1 << 31) - 1, 1 << 31, _WORD - 1, _WORD]


@pytest.mark.parametrize("bits", [1, 3, 8, 9, 29, 30, 31, 32])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 13])
def test_the_number_is_the_same(bits: int, count: int) -> None:
    shifted = expr.shift_left(X, constant(count))
    cases = [
        (expr.add(shifted, Y), lambda x, y: (x << count) + y),
        (expr.subtract(shifted, Y), lambda x, y: (x << count) - y),
        (expr.negative(shifted), lambda x, y: -(x << count)),
        (expr.bit_xor(shifted, Y), lambda x, y: (x << count) ^ y),
        (expr.shift_left(expr.multiply(X, Y), constant(count)), lambda x, y: x * y << count),
    ]
    for term, meaning in cases:
        text = show(masked(term, bits))
        for x in VALUES:
            for y in VALUES:
                assert eval(text, {"l0": x, "l1": y}) == meaning(x, y) & (1 << bits) - 1, text


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_the_order_of_signed_numbers(op: str) -> None:
    sign = constant(1 << 31)
    text = show(conditions.compare(op, expr.bit_xor(X, sign), expr.bit_xor(Y, sign)))
    for x in VALUES:
        for y in VALUES:
            signed = [v - (1 << 32) if v >> 31 else v for v in (x, y)]
            assert eval(text, {"l0": x, "l1": y}) is eval(f"{signed[0]} {op} {signed[1]}")


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("bits", [8, 32])
def test_an_interval_is_asked_for_as_such(op: str, bits: int) -> None:
    turn = 1 << bits
    x = expr.variable("l0", 0, 0, turn - 1)
    ends = [0, 1, 2, 9, 47, 48, 57, 58, 100, turn // 2, turn - 58, turn - 2, turn - 1]
    for first in ends:
        moved = masked(expr.add(x, constant(-first)), bits)
        for size in ends:
            text = show(conditions.compare(op, moved, constant(size)))
            for value in ends:
                expected = eval(f"{(value - first) % turn} {op} {size}")
                assert bool(eval(text, {"l0": value})) is expected, (text, first, size, value)
    digit = conditions.compare("<", masked(expr.add(x, constant(-48)), bits), constant(10))
    assert show(digit) == "48 <= l0 < 58"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((X, Y), "if l0 >= l1: l0 = l1"),
        ((Y, X), "if l0 < l1: l0 = l1"),
        ((Y, constant(3)), "l0 = l1 if l0 < l1 else 3"),
    ],
)
def test_what_may_stay_is_set_by_a_statement(value: tuple[Expr, Expr], text: str) -> None:
    chosen = conditions.choose(conditions.compare("<", X, Y), *value)
    assert list(map(text_of, codes_of(Assign(X, chosen, Origin(0, 0, False))))) == [text]


# -- signs

_SIGN = 1 << 31
#: one that has no sign to ask for
POSITIVE = expr.variable("l0", 0, 0, _SIGN - 1)
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def signed(value: int) -> int:
    return value - 2 * _SIGN if value >= _SIGN else value


@pytest.mark.parametrize("op", _OPERATORS)
@pytest.mark.parametrize("first", [X, POSITIVE])
@pytest.mark.parametrize("mirrored", [False, True])
def test_signed_numbers_are_compared(op: str, first: Expr, mirrored: bool) -> None:
    pair = (Y, first) if mirrored else (first, Y)
    text = show(Expr("slt", (op, *pair, _SIGN)))
    opposite = show(conditions.negate(Expr("slt", (op, *pair, _SIGN))))
    for l0, l1 in itertools.product(VALUES, repeat=2):
        if l0 > first.high:
            continue
        a, b = (l1, l0) if mirrored else (l0, l1)
        expected = _OPERATORS[op](signed(a), signed(b))
        names = {"l0": l0, "l1": l1}
        assert bool(eval(text, names)) is expected
        assert bool(eval(opposite, names)) is not expected


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (conditions.compare("<", X, constant(_SIGN)), "l0 <= 1073741823 or l0 < 2147483648"),
        (conditions.compare(">=", X, constant(_SIGN)), "l0 > 1073741823 and l0 >= 2147483648"),
        (
            conditions.within(2, X, _SIGN),
            "2 <= l0 and (l0 <= 1073741823 or l0 < 2147483648)",
        ),
        # what is no sign is asked for at once
        (conditions.compare("<", X, constant(_SIGN + 1)), "l0 < 2147483649"),
        (conditions.within(_SIGN - 1, X, _SIGN), "2147483647 <= l0 < 2147483648"),
    ],
)
def test_a_sign_is_asked_for_where_a_number_is_large(condition: Expr, text: str) -> None:
    assert show(condition) == text
    plain = text.replace("l0 <= 1073741823 or ", "").replace("l0 > 1073741823 and ", "")
    for value in VALUES:
        assert eval(text, {"l0": value}) == eval(plain, {"l0": value})


@pytest.mark.parametrize("bits", [30, 32, 64])
@pytest.mark.parametrize("by", [1, 2])
def test_a_difference_is_brought_into_range(bits: int, by: int) -> None:
    for variable, largest in ((X, _WORD), (LONG, _LONG)):
        text = show(masked(expr.subtract(variable, constant(by)), bits))
        for value in (*VALUES, _LONG - 1, _LONG):
            if value <= largest:
                names = {"l0": value, "l2": value}
                assert eval(text, names) == (value - by) % (1 << bits)


def test_the_negative_of_what_is_below_zero_itself() -> None:
    term = expr.keep_low(expr.negative(expr.variable("l1", 1, -1, 1)), 32)
    for value in (-1, 0, 1):
        assert eval(show(term), {"l1": value}) == -value % (1 << 32)
