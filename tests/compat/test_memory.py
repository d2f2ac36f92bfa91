"""Strings, blocks and structures in memory."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.compat.memory import Allocator, Layout, c_string, c_text, prefixed

#: gives memory from 1024 on, none at 60000 or beyond, and counts what is freed
TEXT = """(module (memory (export "memory") 1) (global $top (mut i32) (i32.const 1024))
  (global $freed (mut i32) (i32.const 0))
  (func (export "malloc") (param $size i32) (result i32)
    (if (i32.gt_u (i32.add (global.get $top) (local.get $size)) (i32.const 60000))
      (then (return (i32.const 0))))
    (global.get $top) (global.set $top (i32.add (global.get $top) (local.get $size))))
  (func (export "free") (param i32) (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
  (func (export "freed") (result i32) global.get $freed))"""


@pytest.fixture
def instance() -> pywasmgk.Instance:
    return pywasmgk.instantiate(TEXT)


def test_c_strings_end_at_nul_or_not_at_all() -> None:
    memory = pywasmgk.Memory(1)
    memory.write(10, "Zäh\0x".encode())
    assert c_string(memory, 10) == "Zäh".encode()
    assert c_text(memory, 10) == "Zäh"
    memory.write(65530, b"abcdef")
    for ptr, limit in ((65530, 100), (65536, 100), (65540, 100), (10, 3), (-1, 100)):
        with pytest.raises(IndexError):
            c_string(memory, ptr, limit)
    assert c_string(memory, 10, 4) == "Zäh".encode()
    memory.write(0, b"\xff\0")
    assert c_text(memory, 0) == "\ufffd"


def test_prefixed_strings_are_checked() -> None:
    memory = pywasmgk.Memory(1)
    memory.write(0, b"\5\0\0\0hello")
    assert prefixed(memory, 0) == b"hello"
    assert prefixed(memory, 3, width=1) == b""
    memory.write(0, b"\xff\xff\xff\xff")
    with pytest.raises(IndexError):
        prefixed(memory, 0)


def test_an_allocator_frees_what_is_left(instance: pywasmgk.Instance) -> None:
    with Allocator(instance) as allocator:
        text = allocator.c_string("goat")
        block = allocator.prefixed(b"kid")
        assert c_text(allocator.memory, text) == "goat"
        assert prefixed(allocator.memory, block) == b"kid"
        kept = allocator.put(b"x")
        allocator.forget(kept)
        allocator.free(text)
        with pytest.raises(KeyError):
            allocator.free(text)
    assert instance.exports.freed() == 2
    with pytest.raises(MemoryError):
        allocator.room(65536)
    with pytest.raises(ValueError, match="NUL"):
        allocator.c_string("a\0b")
    with pytest.raises(ZeroDivisionError), Allocator(instance) as allocator:
        allocator.put(b"x")
        raise ZeroDivisionError
    assert instance.exports.freed() == 2


def test_structures_are_laid_out_as_in_c() -> None:
    memory = pywasmgk.Memory(1)
    layout = Layout(tag="u8", size="u16", at="f64", name="u8[3]", next="*", rows="i16[2]")
    assert [field[0] for field in layout.fields.values()] == [0, 2, 8, 16, 20, 24]
    assert layout.size == 32
    view = layout.at(memory, 64)
    view.tag, view.size, view.at, view.name, view.next = 1, 513, -0.5, b"abc", 0xFFFFFFFF
    view.rows = (-1, 2)
    assert memory.read(64, 4) == b"\1\0\1\2"
    assert (view.at, view.name, view.next, view.rows) == (-0.5, b"abc", 0xFFFFFFFF, (-1, 2))
    assert [item.tag for item in layout.array(memory, 64, 2)] == [1, 0]
    assert "size=513" in repr(view)
    with pytest.raises(AttributeError, match="width"):
        view.width  # noqa: B018
    with pytest.raises(OverflowError):
        view.tag = 256
    with pytest.raises(ValueError, match="3 items"):
        view.name = b"ab"
    with pytest.raises(IndexError):
        layout.at(memory, 65530).tag, layout.at(memory, 65530).rows
    for form in ("u9", "u8[2", "u82]"):
        with pytest.raises(ValueError):
            Layout(x=form)
