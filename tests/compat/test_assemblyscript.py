"""Modules of AssemblyScript's, with bindings and without."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.compat import assemblyscript
from pywasmgk.compat.assemblyscript import JSError

GUESTS = Path(__file__).parent / "guests"
MODULE = pywasmgk.Module.from_file(GUESTS / "words.wasm")


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_bindings_take_and_give_values(engine: str) -> None:
    lines: list[tuple[str, str]] = []
    guest = assemblyscript.load(
        GUESTS / "words.wasm", engine=engine, log=lambda level, text: lines.append((level, text))
    )
    assert guest.greet("Zäh 😀") == "Hello, Zäh 😀!"
    assert guest.words("three goats graze") == ["three", "goats", "graze"]
    assert guest.sum(array("d", [1.5, 2.5])) == 4
    assert guest.reversed(b"abc") == b"cba"
    assert guest.doubled([1, -2]) == [2, -4]
    assert guest.length(b"") == 0
    assert guest.big(2**63) == 2**63 + 1
    guest.say("hi")
    assert lines == [("log", "hi")]
    with pytest.raises(JSError, match=r"why not in words\.ts:"):
        guest.fail("why not")
    with pytest.raises(JSError, match="value must not be null"):
        guest.greet(None)
    assert guest.greet("x" * 100_000)[-3:] == "xx!"
    with pytest.raises(AttributeError, match="gret"):
        guest.gret  # noqa: B018


@pytest.mark.parametrize("words", ["exports.instantiate = ", "module.exports.instantiate = "])
def test_bindings_may_be_of_common_js(words: str) -> None:
    text, _, _ = (GUESTS / "words.js").read_text("utf-8").partition("\nexport const {")
    script = text.replace("async function", words + "async function")
    assert "\nasync" not in script
    guest = assemblyscript.load(GUESTS / "words.wasm", script)
    assert guest.words(guest.greet("Ada")) == ["Hello,", "Ada!"]


def test_without_bindings_there_are_addresses() -> None:
    lines: list[tuple[str, str]] = []
    guest = assemblyscript.load(MODULE, log=lambda level, text: lines.append((level, text)))
    assert guest.string(guest.call("greet", "Ada")) == "Hello, Ada!"
    assert guest.call("length", b"12345") == 5
    with guest.pinned(guest.new_typed(guest.Float64Array_ID.value, [1.5, 2], "f64")) as values:
        assert guest.sum(values) == 3.5
        assert guest.typed(values, "f64") == array("d", [1.5, 2])
    listed = guest.array(guest.call("words", "a bc"), "u32")
    assert [guest.string(ptr) for ptr in listed] == ["a", "bc"]
    assert guest.buffer(guest.new_buffer(b"xyz")) == b"xyz"
    guest.call("say", "hi")
    assert lines == [("log", "hi")]
    with pytest.raises(pywasmgk.Trap, match=r"abort: no way \(words\.ts:\d+:"):
        guest.call("fail", "no way")
    assert guest.string(0) == ""


def test_hostile_addresses_are_errors() -> None:
    guest = assemblyscript.load(MODULE)
    for read in (guest.string, guest.buffer, guest.typed, guest.array):
        for ptr in (-1, 1 << 30):
            with pytest.raises(IndexError):
                read(ptr)
    guest.memory.write(1000, b"\xff\xff\xff\xff")
    with pytest.raises(IndexError):
        guest.string(1004)


def test_limits_hold_for_bindings() -> None:
    guest = assemblyscript.load(GUESTS / "words.wasm", fuel=20_000)
    assert guest.greet("Ada") == "Hello, Ada!"
    with pytest.raises(pywasmgk.OutOfFuel):
        guest.doubled(list(range(10_000)))
    guest = assemblyscript.load(GUESTS / "words.wasm", quota=1 << 16)
    with pytest.raises(JSError, match="bytes are kept"):
        guest.words(" " * 100_000)


#: the runtime of before 0.18, as far as a host sees it
OLD = """(module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "seed" (func $seed (result f64))) (import "env" "odd" (func $odd))
  (memory (export "memory") 1) (global $top (mut i32) (i32.const 4096))
  (func (export "__alloc") (param $size i32) (param $id i32) (result i32) (local $at i32)
    (local.set $at (i32.add (global.get $top) (i32.const 16)))
    (i32.store (i32.sub (local.get $at) (i32.const 8)) (local.get $id))
    (i32.store (i32.sub (local.get $at) (i32.const 4)) (local.get $size))
    (global.set $top (i32.add (local.get $at) (i32.add (local.get $size) (i32.const 16))))
    (local.get $at))
  (func (export "__retain") (param i32) (result i32) local.get 0)
  (func (export "__release") (param i32))
  (func (export "id") (param i32) (result i32)
    (i32.load (i32.sub (local.get 0) (i32.const 8))))
  (func (export "seed") (result f64) (call $seed)) (func (export "odd") (call $odd)))"""


def test_the_old_runtime_counts_references() -> None:
    guest = assemblyscript.load(pywasmgk.Module(OLD))
    assert guest.call("id", "text") == 1 and guest.call("id", b"data") == 0
    assert guest.string(guest.new_string("goat")) == "goat"
    assert guest.typed(guest.new_typed(7, b"ab")).tobytes() == b"ab"
    assert 0 <= guest.seed() < 2**53
    with pytest.raises(pywasmgk.Trap, match="'odd'"):
        guest.odd()
    assert (
        assemblyscript.load(pywasmgk.Module(OLD), imports={"env": {"seed": lambda: 4.0}}).seed()
        == 4
    )
