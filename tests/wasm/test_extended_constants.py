"""Constant expressions that compute (the extended constants proposal), and read earlier globals."""

from __future__ import annotations

from pathlib import Path

import pytest

import pywasmgk
from pywasmgk import Module, ValidationError, instantiate

TEXT = """(import "env" "base" (global $base i32))
  (global $start (export "start") i32 (i32.add (global.get $base) (i32.const 16)))
  (global $wide (export "wide") i64
    (i64.sub (i64.mul (i64.const -3) (i64.const 5)) (i64.const 1)))
  (global (export "wrapped") i32
    (i32.mul (global.get $start) (i32.sub (i32.const 0) (i32.const 1))))
  (memory (export "m") 1)
  (data (i32.add (global.get $start) (i32.const 1)) "ab")
  (table (export "t") 8 funcref)
  (elem (i32.sub (global.get $start) (i32.const 17)) $f)
  (func $f)"""


@pytest.mark.parametrize("cached", [False, True])
def test_values(cached: bool, tmp_path: Path) -> None:
    folder = tmp_path / "c" if cached else ""
    for _ in range(2):
        module = Module(TEXT, cache_dir=folder)
        exports = instantiate(module, {"env": {"base": 4}}).exports
        assert exports.start.value == 20
        assert exports.wide.value == -16
        assert exports.wrapped.value == -20
        assert exports.m[21:23] == b"ab"
        assert exports.t.get(3) is not None
        if module.stored is not None:
            module.stored.save()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(global i32 (global.get 0))", "unknown global 0: it is declared later"),
        (
            "(global i32 (global.get 1)) (global i32 (i32.const 1))",
            "unknown global 1: it is declared later",
        ),
        ("(global (mut i32) (i32.const 1)) (global i32 (global.get 0))", "global 0 is mutable"),
        ("(global i32 (i32.add (i32.const 1)))", "expected i32, found nothing"),
        ("(global i32 (i32.and (i32.const 1) (i32.const 1)))", "found i32.and"),
        ("(global i32 (i32.const 1) (i32.const 1))", "remains on the stack"),
    ],
)
def test_invalid_ones(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Module(text)


def test_a_segment_may_read_what_another_global_may_not() -> None:
    text = '(memory 1) (data (global.get 0) "x") (global i32 (i32.const 5))'
    instantiate(text)
    with pytest.raises(ValidationError, match="only imported ones are constant: extended"):
        Module(text, features=pywasmgk.Features.SEED)
