"""Runs that are recorded with their host, and run again without."""

from __future__ import annotations

import random
from typing import Any

import pytest
from generator import generate
from oracle import Limits, OurSession

import pywasmgk
from pywasmgk import Exit, HostError, Module, SuspensionError
from pywasmgk.wasm.runtime.values import from_bits
from pywasmgk.wasm.stepping.execution import Execution
from pywasmgk.wasm.stepping.recording import RecordedError, Recording

ECHO = Module("""
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\20\\00\\00\\00")
  (func (export "_start")
    (drop (call $random (i32.const 100) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.load8_u (i32.const 16)))))
""")


def recorded() -> tuple[Recording, bytes, bytes]:
    """A recording of a program that echoes, what it wrote, and its memory at the end."""
    import io

    out = io.BytesIO()
    wasi = pywasmgk.WasiConfig(stdin=io.BytesIO(b"hello"), stdout=out)
    with pywasmgk.instantiate(ECHO, wasi=wasi).start("_start") as held:
        assert held.run() == "trap"
        assert isinstance(held.trap, Exit)
        found = held.recording()
        assert held.run() == "trap"
        return found, out.getvalue(), held.instance.exports["memory"].read(0, 200)


def test_it_runs_again_without_its_host() -> None:
    found, written, memory = recorded()
    assert written == b"hello"
    names = [call.name for call in found.calls]
    assert names == ["random_get", "fd_read", "fd_write", "proc_exit"]
    assert found.calls[3].error is not None and "104" in found.calls[3].error
    again = Recording.from_bytes(found.to_bytes(ECHO, b"key"), ECHO, b"key")
    assert again.calls == found.calls
    held = again.replay(ECHO)
    assert held.run() == "trap"
    assert isinstance(held.trap, Exit) and held.trap.code == ord("h")
    assert held.instance.exports["memory"].read(0, 200) == memory
    held.goto(3)
    assert held.run() == "trap"


def test_a_guest_that_goes_another_way_is_told_where() -> None:
    held = recorded()[0].replay(ECHO)
    held._history.log[1] = held._history.log[0]
    assert held.run() == "trap"
    assert "call 1 to the host was random_get(100, 8)" in str(held.trap)
    held = recorded()[0].replay(ECHO)
    held.expect(held._history.log[:2])
    assert held.run() == "trap"
    assert "the recording has 2 calls" in str(held.trap)


def test_what_was_changed_is_no_recording() -> None:
    with pywasmgk.instantiate('(module (func (export "f") nop nop))').start("f") as held:
        held.step()
        held.recording()
        held._edited()
        with pytest.raises(HostError, match="no recording"):
            held.recording()


def test_exceptions_are_text_in_a_recording() -> None:
    def fail() -> None:
        raise LookupError("nowhere")

    module = Module('(module (import "" "f" (func $f)) (func (export "run") call $f))')
    with pywasmgk.instantiate(module, {"": {"f": fail}}).start("run") as held:
        held.run()
        data = held.recording().to_bytes(module)
    again = Recording.from_bytes(data, module).replay(module)
    again.run()
    assert isinstance(again.trap, RecordedError)
    assert "LookupError: nowhere" in str(again.trap)


@pytest.mark.parametrize("seed", range(25))
def test_generated_programs(seed: int) -> None:
    program = generate(730_000 + seed)
    module = Module(program.data)
    session = OurSession("auto", module, program.host, Limits(memory=32, table=1_000))
    if session.instance is None:
        return
    for name, args in program.calls:
        func = session.instance.exports[name]
        values = [from_bits(kind, arg) for kind, arg in zip(func.type.params, args)]
        with Execution(func, values, session.instance.meter(fuel=20_000)) as held:
            held.run()
            try:
                data = held.recording().to_bytes(module)
            except HostError:
                continue
        again = Recording.from_bytes(data, module).replay(
            module, memory_limit=32, table_limit=1_000
        )
        again.run()
        again.close()
        assert (again.done, type(again.trap)) == (True, type(held.trap))
        assert (again.steps, again.fuel_used) == (held.steps, held.fuel_used)
        assert again.instance.snapshot() == held.instance.snapshot()


@pytest.mark.parametrize("seed", range(4))
def test_damaged_recordings_are_refused_or_run(seed: int) -> None:
    from pywasmgk.wasm.stepping import packing

    chance = random.Random(seed)
    whole = recorded()[0].to_bytes(ECHO)
    head, content = whole[:11], whole[11 + 32 :]
    for _ in range(100):
        changed = bytearray(content)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.choice(
                (0, 0xFF, chance.randrange(256))
            )
        data = head + packing._digest(head + bytes(changed), None) + bytes(changed)
        held: Any
        try:
            held = Recording.from_bytes(data, ECHO).replay(ECHO)
        except SuspensionError:
            continue
        held.step(1_000)
