"""What traps of accesses and of indirect calls say: the same in every tier."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.wasm.runtime import replay

ENGINES = ("interpreter", "quick", "optimized", "compiler")

TEXT = """(module (memory 1) (data "abc") (table $t 6 funcref)
  (elem (i32.const 0) $store8 $load8 $one $one) (elem $passive func $one)
  (func $store8 (export "store8") (param i32)
    (i32.store8 offset=3 (local.get 0) (i32.const 1)))
  (func $load8 (export "load8") (param i32) (result i32) (i32.load8_s offset=3 (local.get 0)))
  (func $one (result i32) (i32.const 1))
  (func (export "store") (param i32) (i32.store offset=3 (local.get 0) (i32.const 1)))
  (func (export "store64") (param i32)
    (i64.store (i32.shl (local.get 0) (i32.const 3)) (i64.const 1)))
  (func (export "storef") (param i32)
    (f32.store (i32.shl (local.get 0) (i32.const 3)) (f32.convert_i32_s (local.get 0))))
  (func (export "scaled") (param i32) (result i32)
    (i32.add (i32.load offset=4 (i32.shl (local.get 0) (i32.const 2))) (i32.const 5)))
  (func (export "f64") (param i32) (result f64)
    (f64.load (i32.add (local.get 0) (i32.const 8))))
  (func (export "vector") (param i32) (result i32)
    (i32x4.extract_lane 0 (v128.load (i32.add (local.get 0) (i32.const 8)))))
  (func (export "extended") (param i32) (result i32)
    (i32x4.extract_lane 0 (v128.load16x4_s (local.get 0))))
  (func (export "lane") (param i32) (result i32)
    (i32x4.extract_lane 0 (v128.load8_lane 0 (local.get 0) (v128.const i32x4 1 2 3 4))))
  (func (export "store_lane") (param i32)
    (v128.store16_lane 0 (local.get 0) (v128.const i32x4 1 2 3 4)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32)
    (memory.init 0 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "sum") (param i32 i32) (result i32) (local i32)
    (loop $l (local.set 2 (i32.add (local.get 2) (i32.load offset=8 (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 4)))
      (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
    (local.get 2))
  (func (export "bytes") (param i32 i32) (result i32) (local i32)
    (loop $l (local.set 2 (i32.add (local.get 2) (i32.load8_u offset=8 (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))
    (local.get 2))
  (func (export "get") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "set") (param i32) (table.set $t (local.get 0) (ref.null func)))
  (func (export "tinit") (param i32)
    (table.init $t $passive (local.get 0) (i32.const 0) (i32.const 1)))
  (func (export "tcopy") (param i32) (table.copy (local.get 0) (i32.const 0) (i32.const 2)))
  (func (export "tfill") (param i32)
    (table.fill $t (local.get 0) (ref.null func) (i32.const 3)))
  (func (export "call") (param i32) (result i32)
    (call_indirect (result i32) (i32.add (local.get 0) (i32.const 1))))
  (func (export "call1") (param i32) (result i32)
    (call_indirect (param i32) (result i32) (i32.const 7) (local.get 0))))"""

MEMORY = "out of bounds memory access: {} at {:#x} ({:,}), the memory has 65,536 bytes (1 page)"
TABLE = "out of bounds table access: "
MISMATCH = "indirect call type mismatch: element {} of a table of 6 is {}, expected {}"

CASES = [
    ("store8", (65533,), MEMORY.format("1 byte", 65536, 65536)),
    ("load8", (-1,), MEMORY.format("1 byte", 2**32 + 2, 2**32 + 2)),
    ("store", (65533,), MEMORY.format("4 bytes", 65536, 65536)),
    ("store64", (8192,), MEMORY.format("8 bytes", 65536, 65536)),
    ("storef", (8193,), MEMORY.format("4 bytes", 65544, 65544)),
    ("scaled", (16383,), MEMORY.format("4 bytes", 65536, 65536)),
    ("f64", (65521,), MEMORY.format("8 bytes", 65529, 65529)),
    ("vector", (65513,), MEMORY.format("16 bytes", 65521, 65521)),
    ("extended", (65529,), MEMORY.format("8 bytes", 65529, 65529)),
    ("lane", (65536,), MEMORY.format("1 byte", 65536, 65536)),
    ("store_lane", (65535,), MEMORY.format("2 bytes", 65535, 65535)),
    ("copy", (0, 65530, 10), MEMORY.format("10 bytes", 65530, 65530)),
    ("copy", (65531, 0, 10), MEMORY.format("10 bytes", 65531, 65531)),
    ("fill", (-1, 0, 2), MEMORY.format("2 bytes", 2**32 - 1, 2**32 - 1)),
    ("init", (0, 2, 2), "out of bounds memory access: 2 bytes at 2 of a data segment of 3"),
    ("init", (65535, 0, 3), MEMORY.format("3 bytes", 65535, 65535)),
    ("sum", (65456, 100), MEMORY.format("4 bytes", 65536, 65536)),
    ("bytes", (65518, 100), MEMORY.format("1 byte", 65536, 65536)),
    ("get", (6,), TABLE + "1 element at 6, there are 6"),
    ("set", (7,), TABLE + "1 element at 7, there are 6"),
    ("tinit", (6,), TABLE + "1 element at 6, there are 6"),
    ("tcopy", (5,), TABLE + "2 elements at 5, there are 6"),
    ("tfill", (4,), TABLE + "3 elements at 4, there are 6"),
    ("call", (5,), "undefined element 6: the table has 6 elements"),
    ("call", (-2,), "undefined element 4294967295: the table has 6 elements"),
    ("call", (4,), "uninitialized element 5: it is null, in a table of 6 elements"),
    ("call", (-1,), MISMATCH.format(0, "(i32) -> ()", "() -> i32")),
    ("call1", (3,), MISMATCH.format(3, "() -> i32", "(i32) -> i32")),
    ("call1", (4,), "uninitialized element 4: it is null, in a table of 6 elements"),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_traps_say_what_was_accessed(engine: str) -> None:
    exports = pywasmgk.instantiate(TEXT, engine=engine).exports
    for name, args, expected in CASES * 2:
        with pytest.raises(pywasmgk.Trap) as caught:
            exports[name](*args)
        assert caught.value.message == expected, (name, args)


# -- what is run again


def test_what_is_not_understood_is_not_told() -> None:
    mem, values = bytearray(64), [1]

    def chosen(a: int) -> int:
        return mem[(a if a > 3 else 2) + 100]

    def within(a: int) -> int:
        return mem[values[a] + 100]

    for function in (chosen, within):
        with pytest.raises(IndexError) as caught:
            function(0)
        last = caught.tb.tb_next
        assert last is not None
        frame = last.tb_frame
        assert replay.index_read(frame.f_code, last.tb_lasti, frame.f_locals) is None


def test_an_index_is_found_where_it_was_assigned_besides() -> None:
    mem = bytearray(64)

    def assigned(a: int) -> int:
        return mem[(a := a + 100)] + a

    with pytest.raises(IndexError) as caught:
        assigned(7)
    last = caught.tb.tb_next
    assert last is not None
    frame = last.tb_frame
    assert replay.index_read(frame.f_code, last.tb_lasti, frame.f_locals) == ("mem", 107)
