"""Operands of floating-point arithmetic: what was loaded, and what was made of it."""

from __future__ import annotations

import pytest

import pywasmgk

FORMS = {
    "itself": "(f32.mul (local.get $p) (f32.load (i32.const 8)))",
    "its negative": "(f32.mul (local.get $p) (f32.neg (f32.load (i32.const 8))))",
    "its magnitude": "(f32.add (local.get $p) (f32.abs (f32.load (i32.const 8))))",
    "kept in a local": "(f32.sub (local.get $p) (f32.neg (local.tee $l (f32.load (i32.const 8)))))",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_is_made_of_a_loaded_number_is_not_left_out(form: str) -> None:
    made = pywasmgk.Module(
        '(module (memory 1) (data (i32.const 8) "\\00\\00\\20\\c0")'
        f'(func (export "f") (param $p f32) (result f32) (local $l f32) {form}))'
    )
    found = [
        pywasmgk.instantiate(made, engine=engine).exports.f(1.5)
        for engine in ("interpreter", "quick", "optimized")
    ]
    assert found[0] == found[1] == found[2]
    assert None not in made.compiled.values()
