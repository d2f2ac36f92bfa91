"""What a block becomes: remainders that are written as differences, signs, sums that may wrap."""

from __future__ import annotations

import struct

import pytest
from two_engines import outcome

import pywasmgk
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.text.reading import assemble

QUOTIENT = "local.get 0 i32.const 10 i32.div_u local.set $q"
REST = "local.get 0 local.get $q i32.const 10 i32.mul i32.sub"

REMAINDERS = {
    "a quotient in a local": f"{QUOTIENT} {REST}",
    "a quotient in the dividend's local": "local.get 0 local.get 0 i32.const 10 i32.div_u"
    " local.tee 0 i32.const 10 i32.mul i32.sub",
}
OTHERS = {
    "another dividend": f"{QUOTIENT} local.get 0 i32.const 1 i32.add local.set 0 {REST}",
    "another quotient": f"{QUOTIENT} local.get $q i32.const 1 i32.add local.set $q {REST}",
    "another divisor": f"{QUOTIENT} {REST}".replace("10 i32.mul", "11 i32.mul"),
    "a signed quotient": f"{QUOTIENT} {REST}".replace("div_u", "div_s"),
}


def module(body: str) -> pywasmgk.Module:
    text = f'(module (func (export "f") (param i32) (result i32) (local $q i32) {body}))'
    return pywasmgk.Module(assemble(text))


@pytest.mark.parametrize("name", REMAINDERS)
def test_remainders(name: str) -> None:
    assert "% 10\n" in source_of(module(REMAINDERS[name]), 0).text


@pytest.mark.parametrize("name", OTHERS)
def test_differences_that_are_none(name: str) -> None:
    assert "% 10\n" not in source_of(module(OTHERS[name]), 0).text


@pytest.mark.parametrize("body", [*REMAINDERS.values(), *OTHERS.values()])
def test_they_are_what_they_were(body: str) -> None:
    guests = [pywasmgk.instantiate(module(body), engine=e) for e in ("interpreter", "optimized")]
    for number in (0, 9, 10, 12345, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        one, other = (guest.exports["f"](number) for guest in guests)
        assert one == other


# -- comparisons of signed numbers


@pytest.mark.parametrize("op", ["lt_s", "le_s", "gt_s", "ge_s"])
@pytest.mark.parametrize("known", ["both", "left", "right", "none"])
def test_signed_comparisons(op: str, known: str) -> None:
    """Whatever is known of the operands' signs, the answer is the interpreter's."""
    left = "local.get 0" + (" i32.const 1 i32.shr_u" if known in ("both", "left") else "")
    right = "local.get $q" + (" i32.const 1 i32.shr_u" if known in ("both", "right") else "")
    text = f"""(module (func (export "f") (param i32 i32) (result i32) (local $p i32) (local $q i32)
        local.get 1 local.set $q {left} local.set 0 {right} local.set $q
        local.get 0 local.get $q i32.{op} if (result i32) i32.const 1 else i32.const 0 end))"""
    compared = pywasmgk.Module(assemble(text))
    guests = [pywasmgk.instantiate(compared, engine=e) for e in ("interpreter", "optimized")]
    numbers = (0, 1, 7, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF)
    for x in numbers:
        for y in numbers:
            one, other = (guest.exports["f"](x, y) for guest in guests)
            assert one == other, (x, y)


@pytest.mark.parametrize("op", ["eq", "ne", "lt_u", "ge_u"])
def test_signs_turned_by_the_guest_itself(op: str) -> None:
    """What signed comparisons are made of may stand in a module as well."""
    turned = " ".join(f"local.get {n} i32.const 0x80000000 i32.xor" for n in (0, 1))
    text = f'(module (func (export "f") (param i32 i32) (result i32) {turned} i32.{op}))'
    compared = pywasmgk.Module(assemble(text))
    guests = [pywasmgk.instantiate(compared, engine=e) for e in ("interpreter", "optimized")]
    for x in (0, 5, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF9):
        for y in (0, 5, 0x80000000, 0xFFFFFFF9):
            one, other = (guest.exports["f"](x, y) for guest in guests)
            assert one == other, (x, y)


# -- sums


def test_sums_of_two_variables_hardly_wrap_and_addresses_never() -> None:
    plain = '(module (memory 1) (func (export "f") (param i32 i32) (result i32) {}))'
    added = "local.get 0 local.get 1 i32.add"
    assert (
        "(l0 + l1) % 4294967296"
        in source_of(pywasmgk.Module(assemble(plain.format(added))), 0).text
    )
    scaled = "local.get 0 i32.const 3 i32.mul local.get 1 i32.add i32.load8_u"
    assert "% 4294967296" in source_of(pywasmgk.Module(assemble(plain.format(scaled))), 0).text


def test_a_difference_is_brought_into_range_by_a_remainder() -> None:
    # of a number below the divisor that is no division, and one addition more if it is below zero
    text = source_of(
        module("local.get 0 i32.const 255 i32.and i32.const 48 i32.sub local.tee $q"), 0
    ).text
    assert "(l0 % 256 - 48) % 4294967296" in text


@pytest.mark.parametrize(
    ("body", "rounded"),
    [
        ("local.get 0 i32.const 255 i32.and f32.convert_i32_u", False),
        ("local.get 0 i32.const 0xFFFFFF i32.and f32.convert_i32_s", False),
        ("local.get 0 i32.const 0x1FFFFFF i32.and f32.convert_i32_u", True),
        ("local.get 1 f32.const 0 f32.add", False),
        ("f32.const -0 local.get 1 f32.mul", False),
        ("local.get 1 f32.const -1 f32.mul", False),
        ("local.get 1 f32.const 0.5 f32.mul", True),
        ("local.get 1 local.get 1 f32.sub", True),
    ],
)
def test_what_is_a_float_of_32_bits_is_not_rounded(body: str, rounded: bool) -> None:
    text = f'(module (func (export "f") (param i32 f32) (result f32) {body}))'
    made = pywasmgk.Module(assemble(text))
    assert ("F[0] = " in source_of(made, 0).text) is rounded
    results = []
    for engine in ("interpreter", "optimized"):
        func = pywasmgk.instantiate(made, engine=engine).exports["f"]
        results.append([
            struct.pack("<f", func(number, value))
            for number in (0, 77, -1, 0x1FFFFFF)
            for value in (0.0, -0.0, 1.5, -3.4e38, 1e-45, float("inf"), float("nan"))
        ])  # fmt: skip
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "local.get 0 i32.load8_u i32.const 24 i32.shl i32.const 24 i32.shr_s",
            "t1 if t1 < 128 else t1 + 4294967040",
        ),
        (
            "local.get 0 i32.const 16 i32.shl i32.const 18 i32.shr_s",
            "(l0 & 65535 ^ 32768) - 32768 >> 2 & 4294967295",
        ),
        # a number of more bits loses its highest
        ("local.get 0 i32.const 8 i32.shl i32.const 4 i32.shr_s", ">> 4"),
    ],
)
def test_signs_of_few_bits(body: str, text: str) -> None:
    memory = '(memory (export "memory") 1)'
    made = pywasmgk.Module(
        assemble(f'(module {memory} (func (export "f") (param i32) (result i32) {body}))')
    )
    assert text in source_of(made, 0).text
    for number in (0, 1, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x12348765, -1):
        results = [
            outcome(made, engine, number, memory={0: bytes(range(256)) * 256})
            for engine in ("interpreter", "optimized")
        ]
        assert results[0] == results[1]
