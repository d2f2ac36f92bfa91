"""The idea that one row says all: instructions made by a row alone, templates swapped."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from wasm_builder import function

import pywasmgk.wasm
from pywasmgk.errors import Trap, TrapCode
from pywasmgk.wasm import isa
from pywasmgk.wasm.binary.decoding import instructions_of
from pywasmgk.wasm.compiler.frontend.lowering import CALLS
from pywasmgk.wasm.compiler.ir.cfg import FORMS as COMPILED
from pywasmgk.wasm.compiler.quick.forms import FORMS as QUICK
from pywasmgk.wasm.interpreter.code import FORMS as INTERPRETED
from pywasmgk.wasm.interpreter.dispatch import LOOPS, loop_source
from pywasmgk.wasm.isa.reference import reference
from pywasmgk.wasm.isa.row import TYPE_VARIABLES
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.instance import instantiate
from pywasmgk.wasm.valid.typing_rules import BY_NAME, RULES

ENGINE = Path(pywasmgk.wasm.__file__).parent

AVERAGE = isa.Instruction(
    0xFC_007E,
    "i32.avgr_u",
    (),
    isa.signature("i32 i32 -> i32"),
    meaning="({a} + {b} + 1) >> 1",
    fuel=3,
)
CHECKED = isa.Instruction(
    0xFC_007F,
    "i32.checked_add",
    (),
    isa.signature("i32 i32 -> i32"),
    guards=(isa.Guard("{a} + {b} > 0xFFFFFFFF", TrapCode.INTEGER_OVERFLOW),),
    meaning="{a} + {b}",
)


@pytest.fixture
def invented() -> Iterator[None]:
    with isa.using(isa.STANDARD.extended(AVERAGE, CHECKED)):
        yield


def call(*lines: str, args: tuple[int, ...] = ()) -> tuple[object, int]:
    """Result and fuel of a function of two i32 with this code, the same in both tiers."""
    module = Module(function("i32 i32", "i32", *lines))
    found = []
    for engine in ("interpreter", "quick", "optimized"):
        instance = instantiate(module, engine=engine)
        try:
            found.append((instance.exports.f(*args), instance.fuel_used))
        except Trap as error:
            found.append(((error.trap_code, error.frames), error.fuel_used))
            trap = error
    assert found[0] == found[1]
    assert module.compiled and None not in module.compiled.values()
    if isinstance(found[0][0], tuple):
        raise trap
    return found[0]


def test_an_instruction_is_added_by_its_row_alone(invented: None) -> None:
    lines = ("local.get 0", "local.get 1", "i32.avgr_u")
    assert call(*lines, args=(4, 7)) == (6, 1 + 2 + 3)
    data = function("i32 i32", "i32", *lines)
    decoded = list(instructions_of(data[-8:], 0, isa.active(), 1))
    assert [item.row.name for item in decoded][-2:] == ["i32.avgr_u", "end"]
    assert "| i32.avgr_u | 0xFC 0x7E |  | i32 i32 -> i32 |  | 3 |" in reference()


def test_an_invented_instruction_traps_and_is_typed(invented: None) -> None:
    lines = ("local.get 0", "local.get 1", "i32.checked_add")
    assert call(*lines, args=(4, 7))[0] == 11
    with pytest.raises(Trap) as caught:
        call(*lines, args=(-1, 1))
    assert caught.value.trap_code is TrapCode.INTEGER_OVERFLOW
    assert caught.value.fuel_used == 4
    with pytest.raises(
        pywasmgk.errors.ValidationError, match=r"i32.avgr_u expected i32, found i64"
    ):
        Module(function("i32 i32", "i32", "local.get 0", "i64.const 1", "i32.avgr_u"))


def test_it_is_gone_again_without_its_row() -> None:
    with isa.using(isa.STANDARD.extended(AVERAGE)):
        data = function("i32 i32", "i32", "local.get 0", "local.get 1", "i32.avgr_u")
    with pytest.raises(pywasmgk.errors.DecodeError, match="illegal opcode 0xfc 0x7e"):
        Module(data)


def test_every_tier_takes_the_meaning_from_the_row() -> None:
    add = isa.STANDARD.lookup(0x6A)
    assert add is not None
    with isa.using(isa.STANDARD.extended(dataclasses.replace(add, meaning="{a} * {b}"))):
        assert call("local.get 0", "local.get 1", "i32.add", args=(6, 7))[0] == 42
    assert call("local.get 0", "local.get 1", "i32.add", args=(6, 7))[0] == 13


@pytest.mark.parametrize("loop", [name for name, loop in LOOPS.items() if loop.on_file])
def test_the_committed_loops_are_what_the_rows_say(loop: str) -> None:
    committed = (ENGINE / "interpreter" / f"_{loop}.py").read_text()
    assert committed == loop_source(isa.STANDARD, loop), (
        "renew it: python -m pywasmgk.wasm.interpreter.dispatch"
    )


def test_no_tier_names_an_instruction_or_its_opcode() -> None:
    names = {row.name for row in isa.STANDARD if row.form is None}
    names -= {"drop", "select", "nop"}
    paths = [path for path in ENGINE.rglob("*.py") if not path.is_relative_to(ENGINE / "isa")]
    assert len(paths) > 100
    for path in paths:
        if path.name in ("_run.py", "_step.py", "features.py"):
            continue
        text = path.read_text()
        # docstrings may say what memory.grow does; code may not ask for it
        found = [name for name in names if f'"{name}"' in text or f"'{name}'" in text]
        assert not found, f"{path.name} names {found}"


def test_rows_are_well_formed() -> None:
    opcodes = [row.opcode for row in isa.STANDARD]
    assert len(opcodes) == len(set(opcodes))
    for row in isa.STANDARD:
        assert row.rule is None or row.rule in RULES, row
        assert row.form is None or row.form in isa.CONTROL_FORMS, row
        assert row.typing is not None or row.rule is not None, row
        for kind in (*row.typing.params, *row.typing.results) if row.typing else ():
            assert kind in BY_NAME or kind in TYPE_VARIABLES, row
        results = 0 if row.typing is None else len(row.typing.results)
        assert bool(row.meaning) + bool(row.second) == results or row.form, row


#: what each tier does for the control forms
TIERS = {"interpreter": INTERPRETED, "quick": QUICK, "optimized": COMPILED}


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_has_every_control_form(tier: str) -> None:
    assert TIERS[tier].keys() == isa.CONTROL_FORMS.keys()


def test_what_calls_or_throws_is_lowered_as_a_statement() -> None:
    forms = isa.CONTROL_FORMS.items()
    calls = {form for form, does in forms if does.calls and not does.leaves}
    assert CALLS.keys() == calls | {form for form, does in forms if does.throws}


def test_every_control_form_is_declared_as_its_rows_are() -> None:
    """Each has a row; what chooses takes a number from the stack; what branches names labels."""
    rows = {row.form: row for row in isa.STANDARD if row.form is not None}
    assert rows.keys() == isa.CONTROL_FORMS.keys()
    for form, does in isa.CONTROL_FORMS.items():
        assert does.opens == (rows[form].immediates[:1] == ("blocktype",)), form
        labelled = rows[form].immediates in (("labelidx",), ("labels",))
        # what exceptions are about has labels too
        assert (does.branches or does.catches or does.throws) >= labelled, form
        assert does.branches <= labelled, form


def test_the_standard_set_is_complete() -> None:
    """WebAssembly 2.0, exceptions, tail calls, threads and wide arithmetic, counted by opcode; SIMD
    has 236 numbers below 256, atomics 67 with three gaps."""
    single = [row.opcode for row in isa.STANDARD if row.prefix is None]
    prefixed = [row.opcode & 0xFFFF for row in isa.STANDARD if row.prefix == 0xFC]
    numeric = set(range(0x41, 0xC5))
    assert numeric <= set(single)
    assert sorted(prefixed) == [*range(18), *range(0x13, 0x17)]
    atomics = {row.opcode & 0xFFFF for row in isa.STANDARD if row.prefix == 0xFE}
    assert atomics == {*range(4), *range(0x10, 0x4F)}
    assert len(single) == 183 + 8 + 2
    vectors = {row.opcode & 0xFFFF for row in isa.STANDARD if row.prefix == 0xFD}
    free = (0x9A, 0xA2, 0xA5, 0xA6, 0xAF, 0xB0, 0xB2, 0xB3, 0xB4, 0xBB, 0xC2, 0xC5, 0xC6, 0xCF)
    free += (0xD0, 0xD2, 0xD3, 0xD4, 0xE2, 0xEE)
    assert vectors == set(range(256)) - set(free)
    assert len(vectors) == 236


def test_reference_has_a_line_per_instruction() -> None:
    lines = reference().splitlines()
    assert len(lines) == 2 + len(isa.STANDARD.rows)
    assert (
        "| i32.div_s | 0x6D |  | i32 i32 -> i32 | integer divide by zero; integer overflow | 1 |"
        in lines
    )
