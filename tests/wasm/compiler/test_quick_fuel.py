"""Fuel at labels of the quick level, where ways that owe different sums meet."""

from __future__ import annotations

import pytest

import pywasmgk

#: ways to $out: one before the loop, one inside of it, and its end
LANDING = """(module (func (export "f") (param $n i32) (param $m i32) (result i32)
  block $out
    local.get $n i32.const 1 i32.add i32.const 1 i32.sub i32.eqz br_if $out
    local.get $m i32.eqz br_if $out
    loop $next
      local.get $n local.get $m i32.eq br_if $out
      local.get $n i32.const 1 i32.sub local.tee $n br_if $next
    end
  end
  local.get $n))"""
#: the same within an ``if``, whose end is the block's
IN_AN_ARM = """(module (func (export "f") (param $n i32) (param $m i32) (result i32)
  block $out
    local.get $n
    if
      local.get $m i32.const 1 i32.add i32.const 1 i32.sub i32.eqz br_if $out
      loop $next
        local.get $n local.get $m i32.eq br_if $out
        local.get $n i32.const 1 i32.sub local.tee $n br_if $next
      end
    else
      i32.const 9 local.set $n
    end
  end
  local.get $n))"""


@pytest.mark.parametrize("text", [LANDING, IN_AN_ARM], ids=["landing", "in an arm"])
def test_ways_out_of_a_loop_and_past_it(text: str) -> None:
    found = {}
    for engine in ("interpreter", "quick", "optimized"):
        instance = pywasmgk.instantiate(text, engine=engine)
        for n in range(5):
            for m in range(5):
                result = instance.exports.f(n, m), instance.fuel_used
                assert found.setdefault((n, m), result) == result, (engine, n, m)
