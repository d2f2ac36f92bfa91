"""Views of the memory that begin further on, pointers shifted once, ends that are copied."""

from __future__ import annotations

import re

import pytest
from two_engines import outcome

import pywasmgk
from pywasmgk.errors import Trap, TrapCode
from pywasmgk.wasm.compiler.backend.views import _MOST
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.runtime.memory import Memory, filled
from pywasmgk.wasm.text.reading import assemble


def module(body: str, params: str = "i32") -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1 3)
        (func (export "f") (param {params}) (result i32) (local $p i32) (local $q i32) {body}))"""
    return pywasmgk.Module(assemble(text))


def source(body: str, params: str = "i32") -> str:
    return source_of(module(body, params), 0, 1 << 30, assume=False).text


# -- views


def test_a_field_is_read_through_a_view_that_begins_there() -> None:
    text = source("local.get 0 i32.const -4 i32.and i32.load offset=28")
    assert "MI_7[" in text and "MI[" not in text


def test_a_byte_too() -> None:
    assert "MB_65000[l0]" in source("local.get 0 i32.load8_u offset=65000")


def test_no_view_where_the_rest_may_be_below_zero() -> None:
    text = source(
        "local.get 0 i32.const 8 i32.lt_u if (result i32) i32.const 0 else"
        " local.get 0 i32.const 8 i32.sub i32.load8_u end"
    )
    assert "mem[l0 - 8]" in text


def test_their_number_is_bounded() -> None:
    loads = [f"local.get 0 i32.load8_u offset={5 * n + 1} i32.add" for n in range(3 * _MOST)]
    text = source("i32.const 0 " + " ".join(loads))
    assert len(set(re.findall(r"MB_\d+", text))) == _MOST


@pytest.mark.parametrize("engine", ["interpreter", "optimized"])
def test_views_follow_a_growth_and_end_where_the_memory_ends(engine: str) -> None:
    body = """local.get 1 memory.grow drop
        local.get 0 i32.const 7 i32.store offset=40
        local.get 0 i32.load offset=40 local.get 0 i32.load8_u offset=41 i32.add"""
    for grow, pages in ((0, 1), (1, 2), (2, 3)):
        for address in (0, 16, pages * 65536 - 44, pages * 65536 - 43, 0xFFFFFFF0):
            guest = pywasmgk.instantiate(module(body, "i32 i32"), engine=engine)
            if address <= pages * 65536 - 44:
                assert guest.exports["f"](address, grow) == 7
                assert guest.memory.read_u32(address + 40) == 7
            else:
                with pytest.raises(Trap) as caught:
                    guest.exports["f"](address, grow)
                assert caught.value.trap_code is TrapCode.MEMORY_OUT_OF_BOUNDS


def test_a_view_behind_the_end_is_empty_until_the_memory_grows() -> None:
    memory = Memory(0, 2)
    cell = memory.cell("MI_7")
    assert len(cell.cell_contents) == 0
    memory.grow(1)
    assert len(cell.cell_contents) == 65536 // 4 - 7
    memory.write_u32(28, 5)
    assert cell.cell_contents[0] == 5


def test_growing_by_nothing_keeps_the_views() -> None:
    memory = Memory(1)
    before = memory.cell("MB_3").cell_contents
    assert memory.grow(0) == 1
    assert memory.cell("MB_3").cell_contents is before


@pytest.mark.parametrize("value", [0, 1, 0x0102])
def test_filled(value: int) -> None:
    assert filled(value, 2, 3) == value.to_bytes(2, "little") * 3


# -- pointers


def test_a_pointer_is_shifted_and_asked_once() -> None:
    text = source(
        "local.get 0 i32.load local.get 0 i32.load offset=4 i32.add"
        " local.get 1 if local.get 0 i32.const 1 i32.store offset=8 end",
        "i32 i32",
    )
    assert text.count("l0 >> 2") == 1
    assert text.count("l0 & 3") == 1


@pytest.mark.parametrize("access", ["i32.load", "i32.load16_u", "i32.load16_s", "i64.load32_u"])
def test_what_says_that_it_stands_anywhere_is_not_asked(access: str) -> None:
    wrap = "i32.wrap_i64" if access[:3] == "i64" else ""
    body = f"""local.get 0 {access}{{0}} {wrap} local.get 0 {access} offset=8{{0}} {wrap} i32.add
        local.get 0 i32.const 7 i32.store offset=16{{0}}"""
    text = source(body.format(" align=1"))
    assert "l0 & " not in text and "l0 >>" not in text
    assert "l0 & " in source(body.format(""))


@pytest.mark.parametrize("address", [1024, 1025])
def test_and_it_is_where_it_stands(address: int) -> None:
    body = "local.get 0 i32.const 0x1234567 i32.store align=1 local.get 0 i32.load offset=1 align=1"
    found = [outcome(module(body), engine, address) for engine in ("interpreter", "optimized")]
    assert found[0] == found[1]


def test_an_address_that_is_known_to_be_even_makes_an_element_all_the_same() -> None:
    assert "MI[256]" in source("i32.const 1024 i32.load align=1 local.get 0 i32.add")


def test_but_not_where_it_has_changed() -> None:
    text = source(
        "local.get 0 i32.load local.get 1 if local.get 1 local.set 0 end"
        " local.get 0 i32.load i32.add",
        "i32 i32",
    )
    changed, _, kept = text.partition("l0 = l1\n")[2].partition("return")
    assert "MI[" not in changed and "load_u32(mem, l0)" in changed
    assert "MI[t1_1] if not t1" in kept


def test_a_loop_that_keeps_a_pointer_shifts_it_before() -> None:
    text = source(
        """local.get 0 i32.load local.set $p
        loop local.get $q local.get 0 i32.load i32.add local.set $q
          local.get 1 if local.get $q local.set $p end
          local.get $q i32.const 9 i32.lt_u br_if 0 end local.get $p""",
        "i32 i32",
    )
    assert text.index("l0 >> 2") < text.index("while 1:")
    assert text.count("l0 >> 2") == 1


def test_a_pointer_beside_another_one_shares_its_shift() -> None:
    text = source(
        "local.get 0 i32.load local.get 0 i32.const 12 i32.add local.tee $p i32.load i32.add"
        " local.get $p i32.load offset=4 i32.add"
    )
    assert text.count(">> 2") == 1
    assert "MI_3[" in text and "MI_4[" in text


def test_a_sum_of_words_needs_no_shift_of_its_own() -> None:
    text = source(
        "global.get $g i32.load global.get $g drop local.get 0 i32.const 2 i32.shl i32.const 64"
        " i32.add i32.load i32.add".replace("global.get $g", "i32.const 16")
    )
    assert "(l0 + 16) % 1073741824" in text


@pytest.mark.parametrize("engine", ["interpreter", "optimized"])
def test_pointers_between_words_whose_sum_is_a_word(engine: str) -> None:
    words = [f"local.get {n} i32.load offset={at} drop" for n in (0, 1) for at in (0, 4)]
    body = f"""{" ".join(words)} local.get 0 local.get 1 i32.add local.set $p
        local.get $p i32.load offset=8 local.get $p i32.load offset=12 i32.xor"""
    guest = pywasmgk.instantiate(module(body, "i32 i32"), engine=engine)
    guest.memory.write(0, bytes(n * 37 & 0x7F for n in range(64)))
    for one in range(8):
        for other in range(8):
            found = guest.exports["f"](one, other)
            at = one + other + 8
            expected = guest.memory.read_u32(at) ^ guest.memory.read_u32(at + 4)
            assert found == expected, (one, other)


# -- ends


def test_the_end_is_copied_for_each_way_into_it() -> None:
    text = source(
        "local.get 0 i32.const 5 i32.eq if i32.const 8 local.set $p"
        " else i32.const 3 local.set $p end local.get $p i32.const 2 i32.mul"
    )
    assert "return 16" in text and "return 6" in text


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("local.get 0 i32.load local.get 0 i32.load offset=4 i32.add", True),
        ("local.get 0 i32.const 1 local.get 1 i32.add i32.store local.get 0 i32.load", True),
        ("local.get 0 local.get 1 i32.store local.get 0 local.get 1 i32.store offset=8 i32.const 0",
         True),
        # bytes, places between words, other pointers, and one word alone need none
        ("local.get 0 local.get 1 i32.store8 local.get 0 i32.load8_u", False),
        ("local.get 0 local.get 1 i32.store offset=2 local.get 0 i32.load offset=6", False),
        ("local.get 0 i32.const 1 i32.add local.get 1 i32.store local.get 0 i32.load", False),
        ("local.get 1 local.get 0 i32.store local.get 0 i32.load", False),
    ],
)  # fmt: skip
def test_a_function_asks_for_pointers_that_it_reads_or_writes_words_through(
    body: str, asked: bool
) -> None:
    made = module(body, "i32 i32")
    text = source_of(made, 0, 1 << 30).text
    assert ("if l0 >= 1073741823 or l0 & 3: return deep(0, d, (l0, l1, ))" in text) is asked
    for place in (0, 8, 6, 65_532, 1 << 31):
        found = [outcome(made, engine, place, 77) for engine in ("interpreter", "optimized")]
        assert found[0] == found[1]
