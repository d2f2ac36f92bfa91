"""What exceptions leave behind on their way out of a guest: a host function may swallow one at each
of 2,000 levels, and all of that is past the deadline."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import pywasmgk
from pywasmgk.wasm.text.source import SourceMap

ENGINES = ["interpreter", "compiler", "optimized", "auto"]
TEXT = """(module (import "h" "h" (func $h (param i32) (result i32))) (memory 1) (tag $t)
  (table 1 funcref)
  (func (export "divide") (result i32) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "unreachable") unreachable)
  (func (export "load") (result i32) (i32.load (i32.const -1)))
  (func (export "null") (call_indirect (i32.const 0)))
  (func (export "throw") (throw $t))
  (func $r (export "recurse") (result i32) (i32.add (call $r) (i32.const 1)))
  (func (export "endless") (loop (br 0)))
  (func (export "raise") (result i32) (call $h (i32.const 1)))
  (func (export "back") (result i32) (call $h (i32.const 2)))
  (func (export "refuse") (result i32) (call $h (i32.const 3)))
  (func (export "swallow") (result i32) (call $h (i32.const 4)))
  (func (export "deep") (result i32) (call $h (i32.const 5))))"""
#: its calls end in an exception, but for the last two
EXPORTS = (
    "divide unreachable load null throw recurse endless raise back refuse swallow deep".split()
)


def instance(engine: str) -> pywasmgk.Instance:
    """A guest whose host function raises, calls back in, and swallows what comes of that."""
    box: list[pywasmgk.Instance] = []

    def host(number: int) -> Any:
        if number == 1:
            raise KeyError("mine")
        if number == 2:
            return box[0].exports.divide()
        if number == 3:
            return "no number"
        with suppress(pywasmgk.PywasmgkError):
            box[0].exports.deep() if number == 5 else box[0].exports.throw()
        return 0

    limits = {"fuel": 100_000, "engine": engine}
    box.append(pywasmgk.instantiate(TEXT, {"h": {"h": host}}, **limits))
    return box[0]


def left_by(call: Callable[[], object]) -> int:
    """How many objects only the collector of circles finds after a call."""
    gc.collect()
    gc.disable()
    try:
        with suppress(Exception):
            call()
        return gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("engine", ENGINES)
def test_exceptions_are_in_no_circle(engine: str, name: str) -> None:
    export = getattr(instance(engine).exports, name)
    for _ in range(3):  # whatever is compiled or imported
        with suppress(Exception):
            export()
    assert left_by(export) == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_level_that_is_given_up_costs_some_calls(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's calls from the end on, for each host function that swallows it."""
    text = """(module (import "h" "h" (func $h (param i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (i32.add (call $h (i32.sub (local.get 0) (i32.const 1))) (call $h (local.get 0)))))"""
    token, box, calls, asked, levels = pywasmgk.CancelToken(), [], [], [], 100

    def note(frame: Any, event: str, arg: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    def host(number: int) -> int:
        if number == 0:
            token.cancel()
            sys.setprofile(note)
            return 0
        with suppress(pywasmgk.Cancelled):
            return int(box[0].exports.f(number))
        return 0

    place = SourceMap.place
    monkeypatch.setattr(SourceMap, "place", lambda *args: asked.append(1) or place(*args))
    box.append(pywasmgk.instantiate(text, {"h": {"h": host}}, engine=engine, cancel=token))
    before = sys.getprofile()
    # what other tests have left is not let go of here, where that would be counted
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(pywasmgk.Cancelled) as caught:
            box[0].exports.f(levels)
    finally:
        sys.setprofile(before)
        gc.enable()
    assert levels < len(calls) < 40 * levels, Counter(calls).most_common(40)
    # nobody has read where they were
    assert not asked
    assert caught.value.frames[0].line == 3


def noted(levels: int, engine: str) -> list[str]:
    """The notes of an exception that has passed so many guests, and so many host functions."""
    text = """(module (import "h" "h" (func $h (param i32) (result i32)))
      (func $f (export "f") (param i32) (result i32) (call $h (local.get 0))))"""
    box: list[pywasmgk.Instance] = []

    def host(number: int) -> int:
        if number == 0:
            raise KeyError("mine")
        return int(box[0].exports.f(number - 1))

    box.append(pywasmgk.instantiate(text, {"h": {"h": host}}, engine=engine))
    with pytest.raises(KeyError) as caught:
        box[0].exports.f(levels - 1)
    return list(caught.value.__notes__)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_has_few_notes_however_many_guests_it_passes(engine: str) -> None:
    frame = noted(1, engine)[0]
    assert frame.startswith("wasm frame: $f at 0x")
    assert noted(20, engine) == [frame] * 20
    for levels in (21, 22, 150):
        more = f"... {levels - 20} more wasm frames ..."
        assert noted(levels, engine) == [*[frame] * 10, more, *[frame] * 10]


def test_what_others_note_stays_in_its_place() -> None:
    text = """(module (import "h" "h" (func $h (param i32)))
      (func $deep (param i32) (if (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (call $h (i32.const 0)))))
      (func $f (export "f") (call $h (i32.const 1)))
      (func (export "g") (call $deep (i32.const 30))))"""
    box: list[pywasmgk.Instance] = []
    error: Any = KeyError("the same one each time")
    error.__notes__ = ["before"]

    def host(number: int) -> None:
        if number == 0:
            raise error
        try:
            box[0].exports.g()
        except KeyError as passing:
            passing.__notes__.append("between")
            raise

    box.append(pywasmgk.instantiate(text, {"h": {"h": host}}))
    for times in (1, 2, 50):
        while error.__notes__.count("between") < times:
            with pytest.raises(KeyError):
                box[0].exports.f()
        notes = [note for note in error.__notes__ if note != "between"]
        assert notes[0] == "before" and notes[1].startswith("wasm frame: $deep at")
        # ten, what was left out, and ten
        assert len(notes) == 22
        assert notes[11] == f"... {times * 33 - 20:,} more wasm frames ..."
        assert notes[-1].startswith("wasm frame: $f at")
