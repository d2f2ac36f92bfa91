"""The benchmark of real programs: its table of programs, its glue, and what it makes of runs."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk.compat.gojs import imports

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from benchmarks import real_programs  # noqa: E402
from benchmarks.real import glue, gojs  # noqa: E402
from benchmarks.real.engines import Guest, open_guest  # noqa: E402
from benchmarks.real.programs import PROGRAMS  # noqa: E402

SHOUT = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 5))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (call $exit (i32.const 3))))"""


def test_there_are_programs_of_every_toolchain() -> None:
    assert len(PROGRAMS) >= 12
    toolchains = {program.toolchain for program in PROGRAMS.values()}
    assert toolchains >= {"Go", "TinyGo", "Rust", "Emscripten", "wasi-sdk", "AssemblyScript"}


def test_the_host_reads_writes_and_ends() -> None:
    guest, output = Guest(), bytearray()
    data = pywasmgk.Module(SHOUT).data
    host = {"wasi_snapshot_preview1": glue.wasi(guest, output, (), b"hello, world")}
    open_guest("interpreter", guest, data, lambda memory: host)
    with pytest.raises(glue.Exited, match="3"):
        guest.call("_start")
    assert bytes(output) == b"hello"
    assert guest.u32(8) == 5


def test_objects_of_bindgen_have_numbers() -> None:
    heap = glue.BindgenHeap(Guest(), "malloc")
    functions = heap.functions()
    made = functions["new"]()
    functions["set"](made, heap.keep("key"), heap.keep(7))
    assert heap.take(functions["stringify"](made)) == '{"key": 7}'
    assert functions["__wbindgen_is_undefined"](128) == 1


def test_the_memory_of_go_has_what_its_host_asks_of_one() -> None:
    guest, data = Guest(), pywasmgk.Module('(module (memory (export "memory") 1))').data
    open_guest("interpreter", guest, data, lambda memory: {})
    memory = gojs._Memory(guest)
    asked = set(re.findall(r"\bmemory\.((?:read|write)_\w+)", inspect.getsource(imports)))
    assert len(asked) > 3
    for name in asked:
        assert callable(getattr(memory, name))
    memory.write_u64(8, 2**64 - 1)
    assert (memory.read_u64(8), memory.read_i64(8), memory.read_u32(12)) == (
        2**64 - 1,
        -1,
        2**32 - 1,
    )
    with pytest.raises(AttributeError):
        memory.read_word  # noqa: B018


def times(whole: float) -> dict[str, Any]:
    return {"load": 0.1, "first": 0.2, "whole": whole, "peak_mib": 30.0}


def test_the_table_names_the_worst_program() -> None:
    rows = [
        {"program": "a", "toolchain": "C", "warm": False, "answers_equal": True,
         "engines": {"auto": times(1.0), "pwasm": times(4.0)}},
        {"program": "b", "toolchain": "C", "warm": False, "answers_equal": False,
         "engines": {"auto": times(1.0), "pwasm": times(1.0)}},
        {"program": "c", "toolchain": "C", "warm": False, "answers_equal": True,
         "engines": {"auto": times(1.0), "pwasm": "Exception: no"}},
    ]  # fmt: skip
    text = real_programs.table({"python": "x", "load": [], "rounds": 3, "rows": rows})
    assert "cold: auto is 2.00 times as fast as pwasm, at least 1.00" in text
    assert text.count("ANSWERS DIFFER") == 1
