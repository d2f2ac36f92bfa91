"""Numbers of the text format: rounded once, in time that grows with their length."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from processor import least_seconds

from pywasmgk.wasm.isa.numerics import bits_of_f32, bits_of_f64, f32_of_bits, f64_of_bits
from pywasmgk.wasm.text.numerals import float_bits, integer


@pytest.mark.parametrize(
    ("word", "bits"),
    [
        ("0.1", 0x3DCCCCCD),
        ("1.00000017881393432617187499", 0x3F800001),
        ("1.00000017881393432617187500", 0x3F800002),
        ("1.000000178813934326171875" + "0" * 5000 + "1", 0x3F800002),
        ("0x1.000002ffffffffffffp0", 0x3F800001),
        ("0x1.000003p0", 0x3F800002),
        ("0x1.000001p0", 0x3F800000),
        ("0x1.000001" + "0" * 5000 + "1p0", 0x3F800001),
        ("-0x0.000001p-126", 0x80000000 + (1 << 23 >> 24)),
        ("0x1p-150", 0),
        ("0x1.000001p-150", 1),
        ("1e-45", 1),
        ("7.0064923216240853e-46", 0),
        ("7.0064923216240854e-46", 1),
        ("-nan:0x200001", 0xFFA00001),
        ("nan:0x" + "0" * 5000 + "1", 0x7F800001),
        ("3.4028235e38", 0x7F7FFFFF),
        ("340282356779733661637539395458142568447.9999", 0x7F7FFFFF),
        ("0x1.fffffefffp127", 0x7F7FFFFF),
        ("-inf", 0xFF800000),
        ("-0", 0x80000000),
        ("-0x0p999999999999999999999", 0x80000000),
        ("1e-999999999999999999999", 0),
        ("0x1p-999999999999999999999", 0),
        ("0." + "0" * 5000 + "1e5001", 0x3F800000),
        ("0x0." + "0" * 5000 + "1p20004", 0x3F800000),
        ("1" + "0" * 5000 + "e-5000", 0x3F800000),
        ("0x1" + "0" * 5000 + "p-20000", 0x3F800000),
        ("1e0000000000000000000000000000000000", 0x3F800000),
    ],
    ids=lambda value: f"{value:.40}" if isinstance(value, str) else hex(value),
)
def test_floats_of_32_bits_are_rounded_once(word: str, bits: int) -> None:
    assert float_bits(word, 32) == bits


@pytest.mark.parametrize(
    "word",
    [
        "1e39", "-1e39", "1e999999999999999999999", "0x1p128", "0x1p999999999999999999999",
        "340282356779733661637539395458142568448", "0x1.ffffffp127", "9" * 5000,
    ],
    ids=lambda word: f"{word:.40}",
)  # fmt: skip
def test_floats_out_of_range(word: str) -> None:
    with pytest.raises(ValueError, match="is out of range"):
        float_bits(word, 32)


def nearest(exact: Fraction, bits: int) -> int:
    """The bits of the positive float that is nearest, found by halving."""
    value = f32_of_bits if bits == 32 else f64_of_bits
    low, high = 0, 0x7F7FFFFF if bits == 32 else 0x7FEFFFFFFFFFFFFF
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if Fraction(value(middle)) <= exact else (low, middle)
    below, above = exact - Fraction(value(low)), Fraction(value(high)) - exact
    return low if below < above or (below == above and low % 2 == 0) else high


def test_decimals_and_hexadecimals_are_rounded_as_fractions_say() -> None:
    rng = random.Random(4)
    for _ in range(300):
        bits = rng.choice((32, 64))
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 40)))
        power = rng.randint(-50, 20)
        exact = Fraction(int(digits)) * Fraction(10) ** power
        if exact < 10**38:
            assert float_bits(f"{digits}e{power}", bits) == nearest(exact, bits)
        # next to the middle of two floats
        middle = rng.getrandbits(24) << 1 | 1
        tail = rng.choice(("", "0" * 30, "0" * 30 + "1"))
        word = f"0x{middle:x}.{tail}p{power}" if tail else f"0x{middle:x}p{power}"
        exact = (middle + (Fraction(1, 16**31) if tail.endswith("1") else 0)) * Fraction(2) ** power
        assert float_bits(word, 32) == nearest(exact, 32)


def test_every_float_is_read_as_python_reads_it() -> None:
    rng = random.Random(3)
    for _ in range(300):
        value = rng.uniform(-1, 1) * 10.0 ** rng.randint(-30, 30)
        assert float_bits(repr(value), 64) == float_bits(value.hex(), 64) == bits_of_f64(value)
        assert float_bits(repr(value), 32) == bits_of_f32(value)


def test_integers_of_any_length() -> None:
    assert integer("0" * 5000 + "7", 32) == integer("0x" + "0" * 5000 + "7", 32) == 7
    assert integer("-2147483648", 32) == integer("2147483648", 32) == 1 << 31
    for word in ("9" * 5000, "0x1" + "0" * 5000, "-2147483649", "4294967296"):
        with pytest.raises(ValueError, match="does not fit into 32 bits"):
            integer(word, 32)


@pytest.mark.parametrize("word", ["1__0", "_1", "0x", "1e", "0x1p", "infinity", "", "--1", "1.e"])
def test_what_is_no_number(word: str) -> None:
    with pytest.raises(ValueError):
        float_bits(word, 64)
    with pytest.raises(ValueError):
        integer(word, 32)


@pytest.mark.parametrize(
    "word",
    [
        "1" * 400_000, "0." + "1" * 400_000, "1e" + "9" * 400_000, "1e-" + "9" * 400_000,
        "0x" + "1" * 400_000, "0x1p" + "9" * 400_000, "0x1p-" + "9" * 400_000,
        "nan:0x" + "1" * 400_000, "1_" * 200_000 + "1", "1e400000000", "1e-400000000",
        "1.000000178813934326171875" + "0" * 400_000 + "1",
    ],
    ids=lambda word: f"{word:.8}",
)  # fmt: skip
def test_long_numbers_take_no_time(word: str) -> None:
    def reading() -> None:
        for bits in (32, 64):
            for read in (float_bits, integer):
                try:
                    read(word, bits)
                except ValueError as error:
                    assert len(str(error)) < 100

    assert least_seconds(reading, enough=1) < 1
