"""Atomics and shared memories where one thread runs (the threads proposal)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from processor import patiently

import pywasmgk
from pywasmgk import CancelToken, Memory, Module, Trap, TrapCode, ValidationError, instantiate
from pywasmgk.wasm.text.disassembly import Disassembly

ENGINES = ("interpreter", "quick", "optimized")
FOREVER = -1

WAITING = Module(
    """(memory 1 1 shared)
    (func (export "wait32") (param i32 i32 i64) (result i32)
      (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait64") (param i32 i64 i64) (result i32)
      (memory.atomic.wait64 offset=8 (local.get 0) (local.get 1) (local.get 2)))
    (func (export "wait_on") (param i32 i64) (result i32)
      (drop (memory.atomic.wait32 (local.get 0) (i32.const 0) (local.get 1)))
      (call 4))
    (func (export "notify") (param i32 i32) (result i32)
      (memory.atomic.notify (local.get 0) (local.get 1)))
    (func (result i32) (i32.const 5))"""
)


def modified(name: str, *operands: int, before: int, engine: str, kind: str) -> tuple[int, int]:
    """What a read-modify-write gives and leaves in eight bytes of memory."""
    params = " ".join([kind] * len(operands))
    gets = " ".join(f"(local.get {n})" for n in range(len(operands)))
    text = f"""(memory (export "m") 1)
      (func (export "f") (param {params}) (result {kind}) ({name} (i32.const 8) {gets}))"""
    instance = instantiate(text, engine=engine)
    memory = instance.exports.m
    memory.write_u64(8, before)
    (result,) = instance.exports.f.call_bits(*operands)
    return result, memory.read_u64(8)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "operands", "result", "after"),
    [
        ("i32.atomic.rmw.add", (0xFFFFFFFF,), 0x55667788, 0x1122334455667787),
        ("i32.atomic.rmw8.add_u", (0x178,), 0x88, 0x1122334455667700),
        ("i32.atomic.rmw16.sub_u", (0x7789,), 0x7788, 0x112233445566FFFF),
        ("i64.atomic.rmw.sub", (1,), 0x1122334455667788, 0x1122334455667787),
        ("i64.atomic.rmw32.and_u", (0xFF0000FFFF,), 0x55667788, 0x1122334400007788),
        ("i64.atomic.rmw8.or_u", (0xFF77,), 0x88, 0x11223344556677FF),
        ("i64.atomic.rmw16.xor_u", (0x1FFFF,), 0x7788, 0x1122334455668877),
        ("i32.atomic.rmw8.xchg_u", (0xABCD,), 0x88, 0x11223344556677CD),
        ("i64.atomic.rmw.cmpxchg", (0x1122334455667788, 7), 0x1122334455667788, 7),
        ("i64.atomic.rmw.cmpxchg", (1, 7), 0x1122334455667788, 0x1122334455667788),
        # what is expected is wrapped, too
        ("i32.atomic.rmw8.cmpxchg_u", (0x7788, 0x101), 0x88, 0x1122334455667701),
        ("i64.atomic.rmw32.cmpxchg_u", (0x155667788, 0), 0x55667788, 0x1122334400000000),
    ],
)
def test_read_modify_write(
    engine: str, name: str, operands: tuple[int, ...], result: int, after: int
) -> None:
    before = 0x1122334455667788
    assert modified(name, *operands, before=before, engine=engine, kind=name[:3]) == (result, after)


def outcome(text: str, engine: str) -> tuple[object, ...]:
    """The trap of a function without parameters, its frames, its fuel and what it says."""
    with pytest.raises(Trap) as caught:
        instantiate(Module(text), engine=engine).exports.f()
    trap = caught.value
    return trap.trap_code, trap.frames, trap.fuel_used, trap.message


@pytest.mark.parametrize(
    ("code", "trap"),
    [
        ("(drop (i32.atomic.load (i32.const 2)))", TrapCode.UNALIGNED_ATOMIC),
        ("(i64.atomic.store16 offset=1 (i32.const 0) (i64.const 1))", TrapCode.UNALIGNED_ATOMIC),
        ("(drop (i64.atomic.rmw.add (i32.const 4) (i64.const 1)))", TrapCode.UNALIGNED_ATOMIC),
        # it is asked first
        ("(drop (i32.atomic.load (i32.const 65537)))", TrapCode.UNALIGNED_ATOMIC),
        ("(drop (i32.atomic.load8_u (i32.const 65536)))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        ("(i64.atomic.store (i32.const 65536) (i64.const 1))", TrapCode.MEMORY_OUT_OF_BOUNDS),
        (
            "(drop (i32.atomic.rmw16.cmpxchg_u (i32.const 65536) (i32.const 1) (i32.const 2)))",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
        ),
        (
            "(drop (memory.atomic.notify (i32.const 65536) (i32.const 1)))",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
        ),
        ("(drop (memory.atomic.notify (i32.const 1) (i32.const 1)))", TrapCode.UNALIGNED_ATOMIC),
        (
            "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const 0)))",
            TrapCode.EXPECTED_SHARED_MEMORY,
        ),
        (
            "(drop (memory.atomic.wait64 (i32.const 65536) (i64.const 1) (i64.const 0)))",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
        ),
    ],
)
def test_traps(code: str, trap: TrapCode) -> None:
    body = f"(global.set $g (i32.const 1)) {code}"
    text = f"""(memory 1) (global $g (mut i32) (i32.const 0)) (func (export "f") {body})"""
    found = [outcome(text, engine) for engine in ENGINES]
    assert found[0][0] is trap
    assert found.count(found[0]) == len(ENGINES)


@pytest.mark.parametrize("align", [1, 2, 8])
def test_the_alignment_is_the_natural_one(align: int) -> None:
    text = f"(memory 1) (func (drop (i32.atomic.load align={align} (i32.const 0))))"
    with pytest.raises(ValidationError, match="atomic alignment must be natural"):
        Module(text)


def test_a_shared_memory_needs_a_maximum() -> None:
    with pytest.raises(ValidationError, match="shared memory must have maximum"):
        Module("(memory 1 shared)")
    with pytest.raises(ValueError, match="must have a maximum"):
        Memory(1, shared=True)


def test_a_shared_memory_matches_shared_ones_only() -> None:
    wants_shared = Module('(import "env" "m" (memory 1 2 shared))')
    wants_own = Module('(import "env" "m" (memory 1 2))')
    shared, own = Memory(1, 2, shared=True), Memory(1, 2)
    instantiate(wants_shared, {"env": {"m": shared}})
    instantiate(wants_own, {"env": {"m": own}})
    with pytest.raises(pywasmgk.LinkError, match=r"wanted memory 1..2 shared, found memory 1..2$"):
        instantiate(wants_shared, {"env": {"m": own}})
    with pytest.raises(pywasmgk.LinkError, match=r"wanted memory 1..2, found memory 1..2 shared"):
        instantiate(wants_own, {"env": {"m": shared}})


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_answers_at_once_or_after_its_time(engine: str) -> None:
    exports = instantiate(WAITING, engine=engine).exports
    assert exports.wait32(0, 1, FOREVER) == 1
    assert exports.wait64(0, 1, FOREVER) == 1
    assert exports.wait64(0, 0, 0) == 2
    began = time.monotonic()
    assert exports.wait32(0, 0, 30_000_000) == 2
    assert 0.03 <= time.monotonic() - began < 5, "as long as it says, and not for ever"
    assert exports.notify(0, 5) == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("wait", [FOREVER, 3_600_000_000_000])
def test_a_wait_ends_with_the_call(engine: str, wait: int) -> None:
    def attempt(seconds: float) -> None:
        exports = instantiate(WAITING, engine=engine, timeout=seconds).exports
        with pytest.raises(pywasmgk.DeadlineExceeded):
            exports.wait32(0, 0, wait)
        # and nothing runs behind it
        with pytest.raises(pywasmgk.DeadlineExceeded):
            exports.wait_on(0, wait)

    patiently(attempt, 0.05)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_is_cancelled(engine: str) -> None:
    token = CancelToken()
    instance = instantiate(WAITING, engine=engine, timeout=None, cancel=token)
    threading.Timer(0.05, token.cancel).start()
    with pytest.raises(pywasmgk.Cancelled):
        instance.exports.wait32(0, 0, FOREVER)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_that_nothing_ends_traps(engine: str) -> None:
    exports = instantiate(WAITING, engine=engine, timeout=None).exports
    with pytest.raises(Trap, match="endless wait") as caught:
        exports.wait32(0, 0, FOREVER)
    assert caught.value.trap_code is TrapCode.ENDLESS_WAIT
    assert exports.wait32(0, 1, FOREVER) == 1
    assert exports.wait32(0, 0, 1000) == 2


def test_a_shared_memory_is_printed_as_it_is_read() -> None:
    text = "\n".join(map(str, Disassembly(WAITING).lines()))
    assert "1 1 shared)" in text
    assert "memory.atomic.wait64 offset=8" in text
    again = Module(text)
    assert again.memories == WAITING.memories
    assert [again.data[slice(*body)] for body in again.bodies] == [
        WAITING.data[slice(*body)] for body in WAITING.bodies
    ]


def test_the_cache_keeps_that_a_memory_is_shared(tmp_path: Path) -> None:
    data = Module('(import "e" "m" (memory 1 2 shared)) (export "m" (memory 0))').data
    first = Module(data, cache_dir=tmp_path / "c")
    assert first.stored is not None
    first.stored.save()
    again = Module(data, cache_dir=tmp_path / "c")
    assert again.stored is not None
    assert again.stored.declarations is not None
    assert [str(memory) for memory in again.memories] == ["memory 1..2 shared"]
    assert again.imports == first.imports


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_that_was_built_for_threads(engine: str) -> None:
    path = Path(__file__).parents[1] / "guests" / "threads" / "counter.wasm"
    exports = instantiate(Module.from_file(path), engine=engine).exports
    assert exports.memory.shared
    assert (exports.count(1000), exports.total()) == (1000, 332_833_500)
    # taken, not to be had within its time, given back without anybody to wake, taken again
    assert [exports.lock(1000), exports.lock(1000), exports.unlock(), exports.lock(0)] == [
        *(0, 2, 0, 0),
    ]
