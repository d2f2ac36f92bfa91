"""Which engine runs a module, where there is a choice."""

from __future__ import annotations

import asyncio

import pytest

import pywasmgk
from pywasmgk import examples
from pywasmgk.compat.memory import c_string
from pywasmgk.wasm import engines
from pywasmgk.wasm.engines import browser, wasmtime
from pywasmgk.wasm.engines.browser import _FRAME, _TRAPS
from pywasmgk.wasm.runtime import defaults
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


# -- "auto" where Python itself runs in another engine; wasmtime stands for the browser's here

ADD = '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))'
ASYNC = """(module (import "env" "ask" (func $ask (result i32)))
  (func (export "f") (result i32) (i32.add (call $ask) (i32.const 1))))"""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes "auto" another engine, as it is in Pyodide."""
    pytest.importorskip("wasmtime")
    monkeypatch.setattr(defaults, "AUTO", "wasmtime")


def test_auto_is_our_own_engine_here() -> None:
    assert defaults.AUTO is None
    assert pywasmgk.instantiate(ADD).is_ours


def test_auto_is_the_engine_that_is_there(elsewhere: None) -> None:
    instance = pywasmgk.instantiate(ADD)
    assert isinstance(instance, engines.EngineInstance)
    assert (instance.exports.add(40, 2), instance.engine_note) == (42, None)
    own = pywasmgk.instantiate(ADD, engine="interpreter")
    assert own.is_ours and own.engine_note is None
    assert (own.exports.add(40, 2), own.fuel_used) == (42, instance.fuel_used)


def test_auto_is_ours_for_what_the_other_cannot_run(elsewhere: None) -> None:
    instance = pywasmgk.instantiate("(module (memory 1 1 shared))")
    assert instance.is_ours
    assert instance.engine_note == "it has a shared memory"


def test_auto_is_ours_for_async_functions(elsewhere: None) -> None:
    async def ask() -> int:
        await asyncio.sleep(0)
        return 41

    instance = pywasmgk.instantiate(ASYNC, {"env": {"ask": ask}})
    assert "async function" in str(instance.engine_note)
    assert asyncio.run(instance.exports.f.call_async(threads=False)) == 42


def test_calls_beside_a_loop_are_made_in_one_go_there(elsewhere: None) -> None:
    instance = pywasmgk.instantiate(ADD)
    assert asyncio.run(instance.exports.add.call_async(40, 2, threads=False)) == 42
    with pywasmgk.load(examples.read("hello"), engine="wasmtime") as plugin:
        assert not plugin.can_hold
        found = asyncio.run(plugin.call_async("hello", {"name": "Ada"}, threads=False))
        assert found == {"message": "Hello, Ada!"}
        with pytest.raises(pywasmgk.HostError, match="use engine='interpreter'"):
            plugin.start("hello")


def test_what_is_held_is_ours_all_the_same(elsewhere: None) -> None:
    with pywasmgk.instantiate(ADD, engine="interpreter").start("add", 40, 2) as call:
        call.step()
        data, recorded = call.to_bytes(), call.recording()
    module = pywasmgk.Module(ADD)
    assert pywasmgk.Execution.from_bytes(data, module).finish() == 42
    assert recorded.replay(module).finish() == 42
    program = '(module (memory (export "memory") 1) (func (export "_start")))'
    assert pywasmgk.start_wasi(pywasmgk.Module(program)).finish().exit_code == 0
    with pywasmgk.load(examples.read("hello")) as plugin:
        assert not plugin.is_ours
        snapshot = plugin.snapshot()
        assert plugin.is_ours
    with pywasmgk.load(examples.read("hello"), snapshot=snapshot) as plugin:
        assert plugin.is_ours and plugin.call("hello", {"name": "Ada"})
