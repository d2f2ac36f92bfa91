"""The differential fuzzer: a run of it, what programs cover, that it finds what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from differential import check, fuels_to_try, minimise
from fuel_modules import text
from generator import Program, generate
from loop_generator import generate as loops
from oracle import differences, have_wasmtime, open_session, our_engines, tiers
from wasm_builder import function, limits

import pywasmgk
from pywasmgk.wasm import isa
from pywasmgk.wasm.valid.blockmap import BlockMap, Branch, Control


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_programs_do_the_same_everywhere(first: int) -> None:
    for seed in range(first, first + 50):
        found = list(
            check(generate(seed), tiers(), reference=have_wasmtime(), stops=seed % 10 == 0)
        )
        assert not found, seed


#: what the fuzzer has found once: instructions over the parameter, an i32
FOUND = {
    # a large constant was brought into 16 bits by a recursion for each multiple of 65536
    "a sum whose low bits are kept": "i32.const 0x7fffffff; local.get 0; i32.add; i32.extend16_s",
    "a sum whose low byte is stored": "i32.const 0; local.get 0; i32.const 0x7fffff00; i32.add; "
    "i32.store8 0+0; i32.const 0; i32.load 2+0",
    # that a sign was turned on both sides was taken for a comparison of signed numbers
    "equality with turned signs": "i32.const 0; i32.const 1; i32.store 2+0; "
    "local.get 0; i32.const -2147483648; i32.xor; "
    "i32.const 0; i32.load 2+0; i32.const -2147483648; i32.xor; i32.eq",
}


@pytest.mark.parametrize("engine", our_engines())
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found(name: str, engine: str) -> None:
    data = function("i32", "i32", *text(FOUND[name]), memories=[limits(1)])
    mine, definition = open_session(engine, data), open_session("interpreter", data)
    for argument in (0, 1, 0x8001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        expected = definition.call("f", [argument])
        assert not differences(mine.call("f", [argument]), expected, frames=True)


def test_a_seed_and_a_tape_give_the_same_program() -> None:
    first, second = generate(7), generate(7)
    assert first == second
    assert generate(tape=first.tape)[:2] == first[:2]
    assert generate(tape=[])[0] != first.data


def test_any_tape_gives_a_valid_module() -> None:
    tape = generate(11).tape
    for cut in range(0, len(tape), 37):
        pywasmgk.Module(generate(tape=tape[:cut]).data)
        pywasmgk.Module(generate(tape=tape[cut:]).data)


def test_programs_have_every_instruction() -> None:
    seen: set[int] = set()
    for seed in range(600):
        module = pywasmgk.Module(generate(seed).data, validate="lazy")
        first = module.import_counts["func"]
        for index in range(first, len(module.functions)):
            seen.update(number for number, _ in module.block_map(index).code)
    later = ("exceptions", "legacy_exceptions", "tail_calls")
    wanted = [row for row in isa.STANDARD.rows if row.proposal not in later]
    missing = {row.name for row in wanted if isa.STANDARD.number(row) not in seen}
    assert not missing


@pytest.mark.parametrize("make", [generate, loops])
def test_programs_have_blocks_left_from_before_a_loop_and_from_inside(
    make: Callable[[int], Program],
) -> None:
    found = 0
    for seed in range(60):
        module = pywasmgk.Module(make(seed).data)
        first = module.import_counts["func"]
        bodies = [module.block_map(index) for index in range(first, len(module.functions))]
        found += any(map(_leaves_twice, bodies))
    assert found >= 10


def _leaves_twice(body: BlockMap) -> bool:
    """Whether a block has a branch to its end before a loop in it, and one inside of that loop."""
    controls = {x for _, x in body.code if isinstance(x, Control)}
    ways = [(at, x.target) for at, (_, x) in enumerate(body.code) if isinstance(x, Branch)]
    return any(
        any(target is block and block.start < at < loop.start for at, target in ways)
        and any(target is block and loop.start < at < loop.end for at, target in ways)
        for block in controls
        for loop in controls
        if block.form == "block" and loop.form == "loop" and loop.start > block.start
    )


def test_fuels_to_try() -> None:
    assert fuels_to_try(12, 0) == list(range(13))
    many = fuels_to_try(10_000, 3)
    assert len(many) == 351
    assert max(many) <= 10_000


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
def test_a_wrong_meaning_is_found_and_made_small() -> None:
    right = next(row for row in isa.STANDARD if row.name == "i32.sub")
    wrong = replace(right, meaning="({a} + {b}) & 0xFFFFFFFF")
    with isa.using(isa.STANDARD.extended(wrong)):

        def fails(program: object) -> bool:
            found = check(program, ["interpreter"], stops=False)  # type: ignore[arg-type]
            return any(item.engine == "wasmtime" for item in found)

        program = next(program for program in map(generate, range(160, 300)) if fails(program))
        small = generate(tape=minimise(program.tape, fails, tries=40))
    assert len(small.data) < len(program.data)
    assert fails(small) is False


def test_wrong_fuel_is_found() -> None:
    right = next(row for row in isa.STANDARD if row.name == "drop")
    with isa.using(isa.STANDARD.extended(replace(right, fuel=right.fuel + 1))):
        found = [
            item
            for seed in range(8)
            for item in check(generate(seed), ["interpreter"], reference=False)
        ]
    assert {item.kind for item in found} == {"stop"}
