"""Assignments that are made only on the ways that read them."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.text.reading import assemble


def module(body: str) -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result i32) (local $p i32) (local $q i32) {body}))"""
    return pywasmgk.Module(assemble(text))


def source(body: str) -> str:
    return source_of(module(body), 0).text


AHEAD = "local.get 0 i32.const 3 i32.mul local.set $p"
#: reads ``$p`` in one arm of two; the arms are too large to be computed without a branch
ARMS = """local.get 1 if (result i32) local.get $p local.get $p i32.store8 local.get $p
    else i32.const 8 i32.const 9 i32.store8 i32.const 7 end"""


def line_of(text: str, part: str) -> int:
    return next(place for place, line in enumerate(text.split("\n")) if part in line)


def test_what_one_arm_reads_is_assigned_there() -> None:
    text = source(f"{AHEAD} {ARMS}")
    assert text.count("l2 = ") == 1
    assert line_of(text, "if ") < line_of(text, "if l1") < line_of(text, "l2 = ")


@pytest.mark.parametrize(
    "body",
    [
        # every way reads it
        f"{AHEAD} {ARMS} local.get $p i32.add",
        # the branch itself does
        f"{AHEAD} {ARMS}".replace("local.get 1 if", "local.get $p if"),
        # an operand that waits for the arm does
        f"{AHEAD} local.get $p {ARMS} i32.add",
        # what it is computed from changes before the branch
        f"{AHEAD} local.get 1 local.set 0 {ARMS} local.get 0 i32.add",
    ],
)
def test_what_cannot_move_stays(body: str) -> None:
    text = source(body)
    assert line_of(text, "l2 = ") < line_of(text, "8] = ")


def test_what_can_trap_stays() -> None:
    text = source(f"local.get 0 i32.load local.set $p {ARMS}")
    assert line_of(text, "load_u32") < line_of(text, "8] = ")


def test_it_moves_on_through_branches() -> None:
    inner = ARMS.replace("local.get 1", "local.get 0")
    text = source(
        f"{AHEAD} local.get 1 if (result i32) {inner} else i32.const 5 i32.const 6 i32.store8"
        " i32.const 4 end"
    )
    assert line_of(text, "l1") < line_of(text, "if l0") < line_of(text, "l2 = ")


@pytest.mark.parametrize("form", ["if", "loop"])
def test_the_same_comes_out(form: str) -> None:
    loop = """loop $again local.get 0 i32.const 1 i32.add local.set $q local.get 0 i32.load8_u
        local.set $p local.get $q local.set 0 local.get 1 i32.const 1 i32.sub local.tee 1
        br_if $again end local.get $p local.get $q i32.add"""
    body = f"{AHEAD} {ARMS}" if form == "if" else loop
    tiers = [
        pywasmgk.instantiate(module(body), engine=engine) for engine in ("interpreter", "optimized")
    ]
    for first in (0, 5, 1000):
        for second in (0, 1, 7, 3000) if form == "if" else (1, 7, 3000):
            found = []
            for tier in tiers:
                tier.memory.write(0, bytes(n * 7 & 255 for n in range(9000)))
                result = tier.exports["f"](first, second)
                found.append((result, tier.fuel_used, tier.memory.read(0, 9000)))
            assert found[0] == found[1]


@pytest.mark.parametrize("mask", ["", "i32.const 255 i32.and"])
def test_a_question_about_a_digit_needs_no_digit(mask: str) -> None:
    digit = "local.get 0 i32.load8_u local.tee $p i32.const 48 i32.sub local.tee $q"
    body = f"""{digit} {mask} i32.const 10 i32.lt_u if (result i32)
        local.get 1 i32.const 9 i32.store8 local.get $q i32.const 10 i32.mul
        else local.get 1 i32.const 8 i32.store8 i32.const 7 end"""
    text = source(body)
    # what is known of the character there says that the difference does not wrap
    assert line_of(text, "if 48 <= l2 < 58") < line_of(text, "l3 = l2 - 48")
    tiers = [
        pywasmgk.instantiate(module(body), engine=engine) for engine in ("interpreter", "optimized")
    ]
    for tier in tiers:
        tier.memory.write(0, bytes(range(256)))
    for character in (0, 47, 48, 57, 58, 255):
        found = [(tier.exports["f"](character, 300), tier.fuel_used) for tier in tiers]
        assert found[0] == found[1]
        assert found[0][0] == ((character - 48) * 10 if 48 <= character < 58 else 7)


#: sets a global, and is not put in the place of calls
SET = "(func $set (param i32) local.get 0 global.set $g loop i32.const 0 br_if 0 end)"


@pytest.mark.parametrize("change", ["i32.const 1002 global.set $g", "i32.const 1002 call $set"])
@pytest.mark.parametrize(
    ("ahead", "behind"),
    [
        # an assignment that one arm reads
        (
            "global.get $g i32.const 1 i32.add local.set $p",
            "local.get 0 if (result i32) local.get $p else i32.const 1 end",
        ),
        # a remainder by way of a quotient
        (
            "global.get $g i32.const 10 i32.div_u local.set $p",
            "global.get $g local.get $p i32.const 10 i32.mul i32.sub",
        ),
    ],
)
def test_globals_change_on_the_way(change: str, ahead: str, behind: str) -> None:
    text = f"""(module (global $g (mut i32) (i32.const 77)) {SET}
        (func (export "f") (param i32) (result i32) (local $p i32) {ahead} {change} {behind}))"""
    results = {
        engine: pywasmgk.instantiate(pywasmgk.Module(text), engine=engine).exports.f(1)
        for engine in ("interpreter", "quick", "optimized")
    }
    assert len(set(results.values())) == 1, results
