"""Which engine runs a module, where there is a choice."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk.compat.memory import c_string
from pywasmgk.wasm import engines
from pywasmgk.wasm.engines import browser, wasmtime
from pywasmgk.wasm.engines.browser import _FRAME, _TRAPS
from pywasmgk.wasm.runtime.defaults import OUTSIDE


def test_every_adapter_can_be_asked_for() -> None:
    assert (*engines.ADAPTERS, "fastest") == OUTSIDE


def test_the_browsers_engine_needs_pyodide() -> None:
    assert not browser.is_there()
    with pytest.raises(pywasmgk.HostError, match="needs Pyodide"):
        pywasmgk.instantiate("(module)", engine="browser")


def test_frames_of_a_browsers_trace() -> None:
    v8 = "at f (wasm://wasm/pywasmgk.12-0a1b2c3d:wasm-function[7]:0x1f4)\n at g (file:///x.js:3:4)"
    assert [match.groups() for match in _FRAME.finditer(v8)] == [("pywasmgk.12", "1f4")]
    assert _FRAME.search("at wasm://wasm/0a1b2c3d:wasm-function[7]:0x1f4") is not None


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("unreachable", "UNREACHABLE"),
        ("memory access out of bounds", "MEMORY_OUT_OF_BOUNDS"),
        ("index out of bounds", "TABLE_OUT_OF_BOUNDS"),
        ("table index is out of bounds", "TABLE_OUT_OF_BOUNDS"),
        ("table access out of bounds", "TABLE_OUT_OF_BOUNDS"),
        ("divide by zero", "INTEGER_DIVISION_BY_ZERO"),
        ("integer divide by zero", "INTEGER_DIVISION_BY_ZERO"),
        ("remainder by zero", "INTEGER_DIVISION_BY_ZERO"),
        ("divide result unrepresentable", "INTEGER_OVERFLOW"),
        ("integer overflow", "INTEGER_OVERFLOW"),
        ("float unrepresentable in integer range", "BAD_CONVERSION_TO_INTEGER"),
        ("invalid conversion to integer", "BAD_CONVERSION_TO_INTEGER"),
        ("null function or function signature mismatch", "BAD_SIGNATURE"),
        ("indirect call to null", "INDIRECT_CALL_TO_NULL"),
        ("indirect call signature mismatch", "BAD_SIGNATURE"),
        ("operation does not support unaligned accesses", "UNALIGNED_ATOMIC"),
        ("call stack", "STACK_OVERFLOW"),
    ],
)  # fmt: skip
def test_the_words_of_browsers_traps(message: str, code: str) -> None:
    import re

    found = next(found for words, found in _TRAPS if re.search(words, message))
    assert found.name == code


@pytest.mark.skipif(not wasmtime.is_there(), reason="wasmtime is not installed")
def test_helpers_read_memories_of_other_engines() -> None:
    memory = pywasmgk.instantiate("(module (memory 1))", engine="wasmtime").memory
    memory.write(0, b"x" * 5000 + b"\0" + b"y" * 60_535)
    assert (c_string(memory, 10), c_string(memory, 5000)) == (b"x" * 4990, b"")
    with pytest.raises(IndexError, match="no NUL ends the string"):
        c_string(memory, 5001)
