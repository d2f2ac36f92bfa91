"""Locals between conditions and branches."""

from __future__ import annotations

from typing import Any

import pytest

import pywasmgk
from pywasmgk.wasm.compiler.unit import source_of
from pywasmgk.wasm.text.reading import assemble

MASK = "i32.const 255 i32.and"


def module(body: str) -> pywasmgk.Module:
    text = f"""(module (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result i32) (local $z i32) (local $q i32) (local $a i32)
          {body}))"""
    return pywasmgk.Module(assemble(text))


def lines(made: pywasmgk.Module) -> list[str]:
    return [line.strip() for line in source_of(made, 0, 1 << 30).text.split("\n")]


def outcome(made: pywasmgk.Module, engine: str, *args: int) -> Any:
    instance = pywasmgk.instantiate(made, engine=engine, fuel=100_000)
    memory = instance.exports["memory"]
    memory.write(0, bytes(range(256)) * 4)
    try:
        result = instance.exports["f"](*args)
    except pywasmgk.GuestError as error:
        result = type(error), error.frames
    return result, instance.fuel_used, memory.read(0, 2048)


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
    assert text in "\n".join(lines(made))
    for first in (0, 3, 256, 1023):
        for second in (0, 1, 3, 300, -1):
            args = first, second
            assert outcome(made, "compiler", *args) == outcome(made, "interpreter", *args)
