"""Bytes in locals: one mask where they are set, where nobody asks for more of them."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.text.reading import assemble

MASK = "i32.const 255 i32.and"
#: a checksum that is written back, byte by byte
SUM = f"""
    loop
      local.get $z local.get 0 i32.load8_u i32.xor i32.const 3 i32.add local.set $z
      local.get 0 local.get $z i32.store8
      {{more}}
      local.get 0 i32.const 1 i32.add local.tee 0
      local.get 1 i32.ne br_if 0
    end
    local.get $z {MASK}
    {{behind}}"""


def module(body: str) -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result i32) (local $z i32) (local $q i32) (local $a i32)
          {body}))"""
    return pywasmgk.Module(assemble(text))


BYTES = {0: bytes(range(256)) * 4}


def agree(made: pywasmgk.Module, *args: int) -> None:
    found = [outcome(made, engine, *args, memory=BYTES) for engine in ("optimized", "interpreter")]
    assert found[0] == found[1]


def same(made: pywasmgk.Module) -> None:
    for args in ((0, 1), (0, 40), (100, 900), (65_500, 0)):
        agree(made, *args)


def is_masked_once(made: pywasmgk.Module) -> bool:
    """Whether no assignment of $z makes more than a byte of it, and no store masks it again."""
    of_z = [line for line in source_lines(made) if line.startswith("l2 = ") and "^" in line]
    stores = [line for line in source_lines(made) if line.endswith(("= l2", "= l2 & 255"))]
    assert of_z and stores
    return all("256" in line or "255" in line for line in of_z) and all(
        line.endswith("= l2") for line in stores
    )


@pytest.mark.parametrize(
    ("more", "behind", "narrow"),
    [
        ("", "", True),
        (f"local.get $z {MASK} local.get $a i32.add local.set $a", "local.get $a i32.add", True),
        # another life of the same local is of 32 bits
        ("", "local.get 1 i32.const 77 i32.mul local.tee $z i32.add local.get $z i32.xor", True),
        # more of it is asked for
        ("", "local.get $z i32.add", False),
        ("local.get $z local.set $a", "local.get $a i32.add", False),
        ("local.get $z i32.const 1000 i32.gt_u if unreachable end", "", False),
        ("local.get $z i32.const 8 i32.shr_u local.set $a", "local.get $a i32.add", False),
        ("local.get 0 local.get $z i32.store16 offset=1100", "", False),
        ("local.get 0 i32.const 1023 i32.and local.get $z i32.add i32.load8_u drop", "", False),
        ("local.get $z i32.eqz if nop end", "", False),
    ],
)
def test_bytes_are_masked_once(more: str, behind: str, narrow: bool) -> None:
    made = module(SUM.format(more=more, behind=behind))
    assert is_masked_once(made) is narrow
    same(made)


def test_two_bytes_as_well() -> None:
    made = module(
        SUM.format(more="", behind="")
        .replace("i32.store8", "i32.store16")
        .replace(MASK, "i32.const 65535 i32.and")
    )
    text = "\n".join(source_lines(made))
    assert "= l2\n" in text and "4294967296" not in text.split("while 1:")[1]
    same(made)


@pytest.mark.parametrize(
    "body",
    [
        # what is computed from a masked number lies beyond the bounds of what it stands for
        f"""local.get 0 i32.const 7 i32.and i32.const 300 i32.add local.set $z
            local.get $z i32.const 290 i32.sub local.set $q
            local.get $q {MASK} local.get $z {MASK} i32.const 8 i32.shl i32.add""",
        f"""local.get 0 i32.load8_u local.get 1 i32.xor local.set $z
            i32.const 5 local.get $z i32.sub local.set $q
            local.get $q {MASK} i32.const 100 i32.lt_u""",
        # set on one of two ways
        f"""local.get 0 i32.const 1000 i32.mul local.get 1 i32.xor local.set $z
            local.get 1 i32.const 1 i32.and if local.get 0 local.set $z end
            local.get $z {MASK} local.get $z i32.const 0xFF i32.and i32.add""",
        # what was there before the loop is more than a byte
        f"""local.get 1 local.set $z
            loop local.get 0 local.get $z i32.store8
              local.get $z {MASK} local.get $a i32.add local.set $a
              local.get $z local.get 0 i32.load8_u i32.xor i32.const 1 i32.sub local.set $z
              local.get 0 i32.const 1 i32.add local.tee 0 i32.const 40 i32.lt_u br_if 0
            end local.get $a""",
        # a counter
        f"""loop local.get 0 local.get $z i32.store8
              local.get $z i32.const 3 i32.add local.set $z
              local.get 0 i32.const 1 i32.add local.tee 0 i32.const 940 i32.lt_u br_if 0
            end local.get $z {MASK}""",
    ],
)
def test_results_are_the_interpreters(body: str) -> None:
    made = module(body)
    for first in (0, 3, 77, 255, 256, 300):
        for second in (0, 1, 255, 256, 1000, -1, -256):
            agree(made, first, second)


@pytest.mark.parametrize("load", ["i32.load8_s", "i32.load16_s"])
@pytest.mark.parametrize(
    ("use", "loose"),
    [
        ("i32.const 7 i32.mul i32.const 3 i32.add", True),
        # as a place in memory it is a number of 32 bits, whatever reads or writes there
        ("i32.const 7 i32.store8 i32.const 65531 i32.load8_u", False),
        ("i32.const 7 i32.store i32.const 65531 i32.load8_u", False),
        ("i32.load8_u", False),
        # but an index of words is brought into 30 bits itself
        ("i32.const 2 i32.shl i32.const 7 i32.store i32.const 65516 i32.load8_u", True),
    ],
)
def test_loaded_numbers_with_a_sign(load: str, use: str, loose: bool) -> None:
    made = module(f"local.get 0 {load} {use}")
    if load == "i32.load16_s":
        text = "\n".join(source_lines(made))
        assert ("4294967295" not in text.split("fuel -=")[0]) is loose
    for address in (0, 5, 128, 251, 300):
        agree(made, address, 0)


@pytest.mark.parametrize(
    ("use", "masks"),
    [
        ("i32.const 5 i32.lt_s", 0),
        ("i32.eqz", 0),
        ("i32.const -7 i32.ne", 0),
        ("local.get 0 i32.load16_s offset=2 i32.lt_s", 0),
        ("i32.const 9 i32.div_u", 1),
        ("i32.const 5 i32.lt_u", 1),
        # two readers that need it without: once, where it is loaded
        ("local.tee $z i32.const 9 i32.div_u local.get $z i32.const 7 i32.rem_u i32.add", 1),
    ],
)
def test_loaded_numbers_have_their_sign_where_it_is_asked_for(use: str, masks: int) -> None:
    made = module(f"local.get 0 i32.load16_s {use}")
    text = "\n".join(source_lines(made)).split("fuel -=")[0]
    assert text.count("4294967295") == masks
    for address in (0, 5, 128, 251, 300):
        agree(made, address, 0)
