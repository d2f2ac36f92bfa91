"""Functions and classes of C++ that embind registers."""

# guests are easier to change on one line
# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.compat import emscripten
from pywasmgk.compat.js.objects import JSError

GUESTS = Path(__file__).parent / "guests"
MODULE = pywasmgk.Module.from_file(GUESTS / "embind.wat")


@pytest.fixture(params=["interpreter", "compiler"])
def program(request: pytest.FixtureRequest) -> emscripten.Program:
    return emscripten.load(MODULE, engine=request.param, quota=1 << 20)


def test_functions_constants_and_enums(program: emscripten.Program) -> None:
    assert program.add(2, 3) == 105
    assert program.ANSWER == 42 and program.Kind.GOAT == 3
    assert program.shout("Zäh") == "Zäh!"
    assert program.shout(b"ab") == "ab!"
    assert set(program.bound) == {
        "ANSWER",
        "Kind",
        "add",
        "shout",
        "length",
        "keep",
        "Counter",
        "flip",
    }
    for wrong, error in (((1,), TypeError), ((1, "x"), TypeError), ((1, 1 << 31), OverflowError)):
        with pytest.raises(error):
            program.add(*wrong)


def test_classes_own_their_objects(program: emscripten.Program) -> None:
    counter = program.Counter(4)
    assert counter.bump(3) == 7 and counter.value == 7
    counter.value = -1
    assert counter.value == -1
    assert program.instance.exports.living.value == 1
    counter.delete()
    assert program.instance.exports.living.value == 0
    for act in (counter.delete, lambda: counter.bump(1), lambda: counter.value):
        with pytest.raises(ValueError, match="deleted"):
            act()
    with program.Counter(1) as other:
        assert "Counter at" in repr(other)
    assert repr(other) == "<deleted Counter>"
    with pytest.raises(TypeError, match="takes 1 arguments, found 2"):
        program.Counter(1, 2)


def test_structures_are_dicts(program: emscripten.Program) -> None:
    assert program.flip({"x": 1.5}) == {"x": -1.5}
    assert program.instance.exports.living.value == 0
    with pytest.raises(TypeError, match="lacks x"):
        program.flip({})


def test_values_have_handles_and_a_quota(program: emscripten.Program) -> None:
    assert program.length("goat") == 1
    handles = program.embind.handles
    assert handles.value_of(handles.handle_of({"a": [b"x", None]})) == {"a": [b"x", None]}
    assert [handles.handle_of(value) for value in (None, True, False)] == [4, 6, 8]
    with pytest.raises(JSError, match="bytes are kept"):
        for number in range(100_000):
            program.keep(str(number))
    for handle in (0, 7, 1 << 20):
        with pytest.raises(ValueError, match="no handle"):
            handles.get(handle)


def test_wrong_registrations_are_refused() -> None:
    text = (GUESTS / "embind.wat").read_text()
    unknown = text.replace(
        "(call $integer", "(if (i32.const 0) (then (nop))) (call $integer"
    ).replace(
        "(i32.const 1088) (i32.const 4) (f64.const 42)",
        "(i32.const 1088) (i32.const 99) (f64.const 42)",
    )
    with pytest.raises(pywasmgk.LinkError, match="0x63 was not registered"):
        emscripten.load(pywasmgk.Module(unknown))
    endless = text.replace(
        '(func (export "__wasm_call_ctors")',
        '(func (export "__wasm_call_ctors") (loop (call $void (i32.const 1) (i32.const 1024)) (br 0))',
    )
    with pytest.raises(pywasmgk.LinkError, match="registrations"):
        emscripten.load(pywasmgk.Module(endless))
    huge = text.replace(
        "(i32.const 1136) (i32.const 3) (i32.const 2048)",
        "(i32.const 1136) (i32.const 999999) (i32.const 2048)",
    )
    with pytest.raises(pywasmgk.LinkError, match="999999 types"):
        emscripten.load(pywasmgk.Module(huge))
