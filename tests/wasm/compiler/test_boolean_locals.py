"""Locals between conditions and branches."""

from __future__ import annotations

import pytest
from two_engines import outcome, source_lines

import pywasmgk
from pywasmgk.wasm.text.reading import assemble

MASK = "i32.const 255 i32.and"


def module(body: str) -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result i32) (local $z i32) (local $q i32) (local $a i32)
          {body}))"""
    return pywasmgk.Module(assemble(text))


LESS = "local.get 0 local.get 1 i32.lt_u local.set $q"
#: too much to be computed without a branch
ARM = "if local.get 0 local.get 1 i32.store8 end"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"{LESS} local.get $q {ARM} local.get $q {ARM} i32.const 3", "l3 = l0 < l1"),
        # what is zero or not can be read as it is
        (f"local.get 1 i32.eqz i32.eqz local.set $q local.get $q {ARM} local.get $q {ARM} "
         "i32.const 3", "l3 = l1"),
        # somebody reads the number
        (f"{LESS} local.get $q {ARM} local.get 0 local.get $q i32.store local.get $q {ARM} "
         "i32.const 3", "l3 = 1 if l0 < l1 else 0"),
        # a parameter that is masked elsewhere
        (f"local.get 0 {MASK} local.get 1 i32.add local.get 0 local.get 1 i32.lt_u local.set 0 "
         f"local.get 0 {ARM} local.get 0 {ARM}", "l0 % 256"),
    ],
)  # fmt: skip
def test_what_only_branches_read_is_no_number(body: str, text: str) -> None:
    made = module(body)
    assert text in "\n".join(source_lines(made))
    for first in (0, 3, 256, 1023):
        for second in (0, 1, 3, 300, -1):
            found = [
                outcome(made, engine, first, second, memory={0: bytes(range(256)) * 4})
                for engine in ("optimized", "interpreter")
            ]
            assert found[0] == found[1]
