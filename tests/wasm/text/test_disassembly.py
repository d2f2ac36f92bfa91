"""The disassembler: every instruction, and an assembler reads the same module back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from text_modules import WAT2WASM, assembled, content
from wasm_builder import function

from pywasmgk.wasm import isa
from pywasmgk.wasm.isa.immediates import READERS
from pywasmgk.wasm.isa.numerics import f32_of_bits, f64_of_bits
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.disassembly import Disassembly
from pywasmgk.wasm.text.words import _WRITERS, comment, immediates

ROOT = Path(__file__).parents[3]
GUESTS = sorted(
    path
    for folder in ("pywasmgk/examples", "tests/guests", "tools/kernels")
    for path in (ROOT / folder).rglob("*.wasm")
    if path.stat().st_size < 140_000
)


def text_of(data: bytes) -> str:
    return "\n".join(map(str, Disassembly(Module(data)).lines()))


@pytest.mark.skipif(WAT2WASM is None, reason="wat2wasm is not installed")
@pytest.mark.parametrize("path", GUESTS, ids=lambda path: path.stem)
def test_guests_survive_the_way_through_text(path: Path) -> None:
    data = path.read_bytes()
    back = assembled(text_of(data))
    assert back is not None
    assert content(Module(back)) == content(Module(data))


def test_every_kind_of_immediate_can_be_written() -> None:
    assert _WRITERS.keys() == READERS.keys()


def test_an_invented_instruction_is_shown_by_its_row() -> None:
    row = isa.Instruction(
        0xFC_007E, "i32.avgr_u", (), isa.signature("i32 i32 -> i32"), meaning="({a} + {b} + 1) >> 1"
    )
    with isa.using(isa.STANDARD.extended(row)):
        data = function("i32 i32", "i32", "local.get 0", "local.get 1", "i32.avgr_u")
        assert "    i32.avgr_u\n" in text_of(data)


def test_a_renamed_row_is_shown_under_its_name() -> None:
    add = isa.STANDARD.lookup(0x6A)
    assert add is not None
    data = function("i32 i32", "i32", "local.get 0", "local.get 1", "i32.add")
    with isa.using(isa.STANDARD.extended(dataclasses.replace(add, name="i32.plus"))):
        assert "    i32.plus\n" in text_of(data)


def row_called(name: str) -> isa.Instruction:
    return next(row for row in isa.STANDARD if row.name == name)


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("i32.const", (0xFFFFFFFF,), "-1"),
        ("i64.const", (1 << 63,), str(-(1 << 63))),
        ("f32.const", (f32_of_bits(0x3DCCCCCD),), "0.1"),
        ("f32.const", (f32_of_bits(0x7F7FFFFF),), "3.4028234663852886e+38"),
        ("f32.const", (f32_of_bits(1),), "1e-45"),
        ("f32.const", (f32_of_bits(0x7FC00000),), "nan"),
        ("f32.const", (f32_of_bits(0xFFA00001),), "-nan:0x200001"),
        ("f64.const", (0.1,), "0.1"),
        ("f64.const", (-0.0,), "-0.0"),
        ("f64.const", (f64_of_bits(0x7FF0000000000001),), "nan:0x1"),
        ("f64.const", (-float("inf"),), "-inf"),
        ("i32.load", ((2, 0),), ""),
        ("i32.load", ((0, 4),), "offset=4 align=1"),
        ("call_indirect", (3, 0), "(type 3)"),
        ("call_indirect", (3, 1), "1 (type 3)"),
        ("table.init", (2, 5), "5 2"),
        ("table.get", (0,), "0"),
        ("memory.init", (2, 0), "2"),
        ("br_table", ((1, 0),), "1 0"),
        ("v128.const", (1 << 96,), "i32x4 0x00000000 0x00000000 0x00000000 0x00000001"),
        ("v128.load8_lane", ((0, 3), 5), "offset=3 5"),
    ],
)
def test_immediates(name: str, values: tuple[object, ...], text: str) -> None:
    assert immediates(row_called(name), values, lambda kind, x: str(x)).strip() == text


def test_a_comment_stays_one() -> None:
    assert comment("a;)b(;c") == "(;a; )b( ;c;)"


def test_deep_code_is_not_indented_without_end() -> None:
    sizes = []
    for depth in (2_000, 4_000):
        module = Module("(func " + "block " * depth + "end " * depth + ")")
        text = text_of(module.data)
        assert content(Module(text)) == content(module)
        sizes.append(len(text))
    assert sizes[1] < 2.1 * sizes[0]
