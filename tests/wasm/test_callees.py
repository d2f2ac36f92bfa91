"""What indirect calls of compiled code find: bounded, and in step with tables."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.wasm.runtime import callees

TEXT = """(module (type $get (func (result i32))) (type $other (func (param i64)))
  (table (export "t") 4 1000 funcref) (elem (i32.const 0) $one $two)
  (elem declare func $two $odd)
  (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
  (func $odd (type $other))
  (func (export "set") (param i32) (table.set (local.get 0) (ref.func $two)))
  (func (export "odd") (param i32) (table.set (local.get 0) (ref.func $odd)))
  (func (export "grow") (result i32) (table.grow (ref.func $one) (i32.const 3)))
  (func (export "call") (param i32) (result i32) (call_indirect (type $get) (local.get 0))))"""


def outcomes(engine: str) -> list[object]:
    """What calls give, and trap with, while the table changes."""
    exports = pywasmgk.instantiate(TEXT, engine=engine).exports
    found: list[object] = []
    actions = "set 0", "set 3", "odd 1", "grow", "set 6", "odd 6", "set 0"
    for action in ("", *actions):
        name, *args = action.split() or [""]
        if name:
            exports[name](*map(int, args))
        for index in (0, 1, 2, 3, 4, 6, 7, -1):
            try:
                found.append(exports.call(index))
            except pywasmgk.Trap as trap:
                found.append((str(trap), trap.fuel_used))
    return found


@pytest.mark.parametrize(
    ("bound", "value"), [("_MOST", 0), ("_LONGEST", 3), ("_MOST_CHANGES", 2), ("_MOST", 1_000_000)]
)
def test_lists_and_looking_up_are_alike(
    bound: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callees, bound, value)
    assert outcomes("compiler") == outcomes("interpreter")


def test_a_table_that_changes_for_ever_takes_no_more_memory() -> None:
    text = """(module (type $get (func (result i32))) (table 4 funcref) (elem (i32.const 0) $one)
      (func $one (result i32) (i32.const 1))
      (func (export "f") (param i32) (result i32) (local i32)
        (loop (table.set (i32.const 1) (ref.func $one))
          (local.set 1 (call_indirect (type $get) (i32.const 1)))
          (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"""
    instance = pywasmgk.instantiate(text, engine="compiler")
    assert instance.exports.f(30_000) == 1
    kept = instance.tiers.binding._callees._places
    assert sum(map(len, kept.values())) <= 10_010
