"""Core dumps: what was there is in them, byte by byte as the conventions say, and nothing else is
read. tests/guests/coredump/wasmtime.core is another engine's."""

from __future__ import annotations

import asyncio
import math
import random
import struct
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk import CoreDump, ValType, core_on_trap, examples
from pywasmgk.wasm.coredump.parts import (
    CoreFrame,
    CoreGlobal,
    CoreInstance,
    CoreMemory,
    CoreThread,
    CoreValue,
)
from pywasmgk.wasm.runtime.witness import WITNESS

GUEST = Path(__file__).parents[2] / "guests/coredump/div.wat"
THEIRS = GUEST.with_name("wasmtime.core").read_bytes()
I32, I64, F32, F64 = ValType.I32, ValType.I64, ValType.F32, ValType.F64


def module() -> pywasmgk.Module:
    return pywasmgk.Module.from_file(GUEST)


def dumped(instance: pywasmgk.Instance, name: str, *args: Any) -> CoreDump:
    """The dump of a call that fails."""
    with pytest.raises(pywasmgk.GuestError):
        with core_on_trap() as core:
            instance.exports[name](*args)
    assert core.dump is not None
    return core.dump


# -- what is in one


def test_interpreted_frames_are_exact() -> None:
    dump = dumped(pywasmgk.instantiate(module(), engine="interpreter"), "f", 0)
    inner, outer = dump.frames
    assert inner.locals == [CoreValue(I32, -3), CoreValue(I32, 0), CoreValue(F64, 1.5), None]
    # what the division had taken is there, a vector has no place
    assert inner.stack == [CoreValue(I32, 77), CoreValue(I32, -3), CoreValue(I32, 0)]
    # what the call had taken is not
    assert (outer.locals, outer.stack) == ([CoreValue(I32, 0)], [CoreValue(I32, 9)])
    assert [frame.function for frame in dump.frames] == [0, 1]
    assert dump.globals[0] == (I64, 42) and math.isnan(dump.globals[1].value)
    (memory,) = dump.memories
    assert (memory.pages, memory.maximum) == (2, 4)
    assert memory.segments == [(70000, b"hello")]
    assert memory.read(69_999, 7) == b"\0hello\0" and memory.read_u8(70_001) == ord("e")


def test_compiled_frames_have_their_places() -> None:
    interpreted = dumped(pywasmgk.instantiate(module(), engine="interpreter"), "f", 0)
    compiled = dumped(pywasmgk.instantiate(module(), engine="compiler"), "f", 0)
    for one, other in zip(interpreted.frames, compiled.frames):
        assert one[:3] == other[:3]
        assert other.locals == [None] * len(one.locals) and other.stack == []
    assert compiled.memories[0].segments == interpreted.memories[0].segments


def test_an_execution_is_dumped_where_it_is() -> None:
    with pywasmgk.instantiate(module()).start("f", 2) as held:
        held.run(lambda now: now.depth == 2)
        held.step(3)
        inner, outer = CoreDump.of(held).frames
        assert inner.locals[:3] == [CoreValue(I32, -3), CoreValue(I32, 2), CoreValue(F64, 1.5)]
        assert (inner.stack, outer.stack) == ([CoreValue(I32, 77)], [CoreValue(I32, 9)])
        before = CoreDump.of(held).to_bytes()
        held.run()
        held.goto(held.steps - 1)
        assert CoreDump.of(held).to_bytes() != before


def test_a_held_execution_that_has_trapped_is_dumped_as_the_call() -> None:
    instance = pywasmgk.instantiate(module())
    with instance.start("f", 0) as held:
        held.run()
        found = CoreDump.of(held).to_bytes()
    whole = pywasmgk.instantiate(module(), engine="interpreter")
    assert found == dumped(whole, "f", 0).to_bytes()


def test_all_instances_are_there_once() -> None:
    text = """(module (import "a" "m" (memory 1)) (import "a" "g" (global (mut i32)))
      (import "a" "f" (func $f)) (memory $own 0)
      (func (export "go") (global.set 0 (i32.const 5)) (call $f)))"""
    text = text.replace("(memory $own 0)", "")
    first = pywasmgk.instantiate(
        """(module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 0))
        (func (export "f") (i32.store8 (i32.const 7) (i32.const 1)) unreachable))"""
    )
    second = pywasmgk.instantiate(text, {"a": first.exports})
    dump = dumped(second, "go")
    # the program is that of the outermost frame
    assert dump.instances == [CoreInstance(0, [0], [0]), CoreInstance(1, [0], [0])]
    assert [frame.instance for frame in dump.frames] == [1, 0]
    assert dump.globals == [(I32, 5)] and dump.memories[0].segments == [(7, b"\1")]


def test_calls_back_in_are_seen_too() -> None:
    text = """(module (import "h" "f" (func $f (param i32)))
      (func (export "out") (param i32) (call $f (local.get 0)))
      (func (export "in") (param i32) (local $l i32) unreachable))"""
    instance: Any = None
    imports = {"h": {"f": lambda n: instance.exports["in"](n + 1)}}
    instance = pywasmgk.instantiate(text, imports, engine="interpreter")
    dump = dumped(instance, "out", 6)
    assert [frame.function for frame in dump.frames] == [2, 1]
    assert dump.frames[0].locals == [CoreValue(I32, 7), CoreValue(I32, 0)]


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_whatever_ends_a_guest_is_dumped(engine: str) -> None:
    text = """(module (tag $t (param i32)) (memory 1)
      (func (export "throws") (throw $t (i32.const 1)))
      (func $deep (export "deep") (call $deep))
      (func (export "endless") (loop $l (br $l)))
      (func (export "store") (i32.store offset=8 (i32.const -4) (i32.const 5))))"""
    instance = pywasmgk.instantiate(text, engine=engine, fuel=10_000, depth_limit=200)
    assert len(dumped(instance, "throws").frames) == 1
    assert len(dumped(instance, "deep").frames) in (200, 201)
    assert len(dumped(instance, "endless").frames) == 1
    stored = dumped(instance, "store").frames[0].stack
    exact = [CoreValue(I32, -4), CoreValue(I32, 5)]
    assert stored == (exact if engine == "interpreter" else [])


def test_only_what_leaves_the_block_is_kept() -> None:
    instance = pywasmgk.instantiate(module())
    with core_on_trap() as core:
        with pytest.raises(pywasmgk.Trap):
            instance.exports.f(0)
        assert instance.exports.f(1) == 83
    assert core.dump is None
    with pytest.raises(RuntimeError):
        with core_on_trap() as core:
            with pytest.raises(pywasmgk.Trap):
                instance.exports.f(0)
            raise RuntimeError
    assert core.dump is None
    with pytest.raises(pywasmgk.Trap):
        instance.exports.f(0)
    assert core.dump is None


def test_a_plugin_that_traps_is_dumped() -> None:
    with pywasmgk.load(examples.read("hello")) as plugin:
        with pytest.raises(pywasmgk.CallError):
            with core_on_trap() as core:
                plugin.call("hello", {"name": "Ada" * 100}, fuel=2_000)
        assert core.dump is not None and core.dump.frames
        assert core.dump.memories[0].pages == 2


# -- the format


def test_the_bytes_are_those_of_the_conventions() -> None:
    dump = CoreDump(
        "a.wasm",
        ["m"],
        [CoreInstance(0, [0], [0])],
        [
            CoreThread(
                "t", [CoreFrame(0, 3, 200, [CoreValue(I32, -1), None], [CoreValue(F32, 1.5)])]
            )
        ],
        [CoreMemory(1, [(65_530, b"xy")])],
        [CoreGlobal(I64, -2)],
    )
    frame = b"\0\0\x03\xc8\x01" + b"\x02\x7f\x7f\x01" + b"\x01\x7d" + struct.pack("<f", 1.5)
    sections = [
        b"\0\x0d\x04core\0\x06a.wasm",
        b"\0\x10\x0bcoremodules\x01\0\x01m",
        b"\0\x15\x0dcoreinstances\x01\0\0\x01\0\x01\0",
        b"\x05\x03\x01\0\x01",
        b"\x06\x06\x01\x7e\0\x42\x7e\x0b",
        b"\x0b\x0a\x01\0\x41\xfa\xff\x03\x0b\x02xy",
        b"\0" + bytes([10 + 4 + len(frame)]) + b"\x09corestack\0\x01t\x01" + frame,
    ]
    assert dump.to_bytes() == b"\0asm\1\0\0\0" + b"".join(sections)
    again = CoreDump.from_bytes(dump.to_bytes())
    assert again.threads == dump.threads and again.instances == dump.instances
    assert again.globals == dump.globals and again.memories[0].segments == [(65_530, b"xy")]


def test_a_dump_of_wasmtime_is_read() -> None:
    theirs = CoreDump.from_bytes(THEIRS)
    ours = dumped(pywasmgk.instantiate(module(), engine="interpreter"), "f", 0)
    assert [frame[:3] for frame in theirs.frames] == [frame[:3] for frame in ours.frames]
    assert theirs.executable == "div.wat" and theirs.instances == ours.instances
    assert theirs.memories[0].segments == ours.memories[0].segments
    assert [one.type for one in theirs.globals] == [one.type for one in ours.globals]
    assert [theirs.globals[n].value for n in (0, 2, 3)] == [
        ours.globals[n].value for n in (0, 2, 3)
    ]


def test_frames_of_the_first_version_of_the_format_are_read() -> None:
    frame = b"\0\x05\x07\0\0"
    data = b"\0asm\1\0\0\0" + b"\0\x07\x04core\0\0" + b"\0\x12\x09corestack\0\0\x01" + frame
    data = data.replace(b"\0\x12\x09", bytes([0, 10 + 3 + len(frame), 9]))
    (found,) = CoreDump.from_bytes(data).frames
    assert found[:3] == (0, 5, 7)


def test_nothing_is_allocated_for_what_is_not_there() -> None:
    head = b"\0asm\1\0\0\0\0\x07\x04core\0\0"
    many = b"\xff\xff\xff\xff\x0f"
    found = CoreDump.from_bytes(head + b"\x05\x05\x01\0\x80\x80\x04")
    assert found.memories[0].pages == 65_536
    assert found.memories[0].read(0xFFFF_FFF0, 16) == bytes(16)
    with pytest.raises(IndexError):
        found.memories[0].read(0xFFFF_FFF0, 17)
    for section in (
        b"\x05" + bytes([len(many)]) + many,
        b"\x05\x05\x01\0\x81\x80\x04",
        b"\x0b\x08\x01\0\x41\0\x0b\x02xy",
        b"\0" + bytes([10 + 2 + len(many)]) + b"\x09corestack\0\0" + many,
        b"\0\x11\x0dcoreinstances\x01\0\x07",
        b"\x06\x05\x01\x7f\0\x01\x0b",
    ):
        with pytest.raises(pywasmgk.DecodeError):
            CoreDump.from_bytes(head + section)
    for other in (b"", b"\x7fELF", pywasmgk.Module("(module)").data):
        with pytest.raises(pywasmgk.DecodeError):
            CoreDump.from_bytes(other)


def test_damaged_files_raise_decode_errors() -> None:
    ours = dumped(pywasmgk.instantiate(module(), engine="interpreter"), "f", 0).to_bytes()
    chance = random.Random(4)
    read = 0
    for number in range(6_000):
        data = bytearray(ours if number % 2 else THEIRS)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            how = chance.randrange(3)
            if how == 0:
                data[at] = chance.randrange(256)
            elif how == 1:
                del data[at : at + chance.randint(1, 3)]
            else:
                data[at:at] = chance.randbytes(chance.randint(1, 3))
        try:
            found = CoreDump.from_bytes(bytes(data))
            found.to_bytes()
            read += 1
        except pywasmgk.DecodeError:
            pass
    assert read > 100


@pytest.mark.parametrize("threads", [True, False])
def test_calls_of_tasks_are_looked_at_each_by_its_own(threads: bool) -> None:
    """Blocks of tasks end in any order, and one does not see what another one's guest did."""
    text = """(module (import "env" "wait" (func $wait (param i32)))
      (func $fail (param $n i32) (call $wait (local.get $n)) unreachable)
      (func (export "go") (param $n i32) (call $fail (local.get $n))))"""

    async def wait(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def failing(turns: int) -> CoreDump | None:
        imports = {"env": {"wait": wait}}
        instance = pywasmgk.instantiate(text, imports, engine="interpreter")
        with pytest.raises(pywasmgk.Trap), core_on_trap() as core:
            await instance.exports.go.call_async(turns, threads=threads)
        return core.dump

    async def main() -> list[CoreDump | None]:
        return await asyncio.gather(*map(failing, (9, 1, 5)))

    for dump, turns in zip(asyncio.run(main()), (9, 1, 5)):
        assert dump is not None
        assert [frame.locals for frame in dump.frames] == [[CoreValue(I32, turns)]] * 2
    assert WITNESS.get() is None
