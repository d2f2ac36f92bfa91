"""Instances in wasmtime: what tiers do, they do, to the last unit of fuel."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from differential import check
from fuel_model import Model, Trace
from fuel_modules import CASES, HOST, FuelCase
from generator import generate
from oracle import Limits, OurSession, differences, state_differences
from plugin_guests import ECHO, guest
from throw_generator import generate as throws

import pywasmgk
from pywasmgk import examples
from pywasmgk.wasm.engines import open_store, wasmtime
from pywasmgk.wasm.runtime.metering import Meter

pytestmark = pytest.mark.skipif(not wasmtime.is_there(), reason="wasmtime is not installed")
by_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def native(text: str, imports: Any = None, **options: Any) -> pywasmgk.Instance:
    """An instance in wasmtime."""
    made = pywasmgk.instantiate(text, imports, **{"engine": "wasmtime", **options})
    assert made.engine_note is None
    return made


# -- fuel, stops, depth


@functools.cache
def watched(case_name: str) -> list[tuple[str, tuple[int, ...], Trace]]:
    case = next(case for case in CASES if case.name == case_name)
    return [(name, args, Model(case.data, HOST).watch(name, args)) for name, args, _ in case.calls]


@by_case
def test_every_fuel(case: FuelCase) -> None:
    module = pywasmgk.Module(case.data)
    for name, args, trace in watched(case.name):
        for fuel in (None, *range(trace.total + 2)):
            guest = OurSession("wasmtime", module, HOST)
            assert guest.instance.engine_note is None
            outcome, state = trace.expected(fuel)
            assert not differences(guest.call(name, args, fuel), outcome, frames=True), (name, fuel)
            assert not state_differences(guest.state(), state), (name, args, fuel)


@by_case
def test_every_depth(case: FuelCase) -> None:
    module = pywasmgk.Module(case.data)
    for name, args, trace in watched(case.name):
        for depth in range(max(point.depth for point in trace.points) + 1):
            guest = OurSession("wasmtime", module, HOST, Limits(depth=depth))
            if guest.started.kind != "values":
                assert depth == 0
                continue
            outcome, state = trace.expected_in_depth(depth)
            assert not differences(guest.call(name, args), outcome, frames=True), (name, depth)
            assert not state_differences(guest.state(), state), (name, args, depth)


# of 3394 wasmtime does not tell which instruction trapped
@pytest.mark.parametrize("seed", [*range(10), 3394])
@pytest.mark.parametrize("make", [generate, throws], ids=["generated", "throws"])
def test_generated_programs(make: Any, seed: int) -> None:
    engines = ["interpreter", "engine:wasmtime"]
    assert list(check(make(seed), engines, reference=False, stops=False)) == []


def test_a_runaway_is_stopped_by_whoever_looks() -> None:
    text = '(module (func (export "f") (loop (br 0))))'
    with pytest.raises(pywasmgk.OutOfFuel, match="all 1,000 instructions"):
        native(text, fuel=1000).exports.f()
    looks = []
    token = pywasmgk.CancelToken()

    def progress(meter: Meter) -> None:
        looks.append(meter.fuel_used)
        if len(looks) == 3:
            token.cancel()

    with pytest.raises(pywasmgk.Cancelled) as caught:
        native(text, fuel=None, timeout=None, progress=progress, cancel=token).exports.f()
    assert [frame.function for frame in caught.value.frames] == [0]
    ticks = iter(range(1000))
    with pytest.raises(pywasmgk.DeadlineExceeded):
        native(text, fuel=None, timeout=20, clock=lambda: float(next(ticks))).exports.f()


# -- what hosts have of it

VIEWS = """(module (memory (export "memory") 1) (global (export "g") (mut i64) (i64.const 7))
  (table (export "t") 2 8 funcref) (elem (i32.const 0) $one)
  (table (export "any") 1 externref)
  (func $one (export "one") (result i32) (i32.const 1))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "g2") (result i64) (global.get 0))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "vector") (param v128) (result v128) (local.get 0))
  (func (export "floats") (param f32 f64) (result f64 f32) (local.get 1) (local.get 0))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"""


def test_memory_is_shared_both_ways() -> None:
    instance = native(VIEWS, memory_limit=3)
    memory = instance.memory
    memory.write(10, b"ab")
    memory.write(12, memoryview(b"c"))
    assert [instance.exports.peek(at) for at in (10, 11, 12)] == [97, 98, 99]
    instance.exports.poke(11, 200)
    assert (memory[9:13], memory[11], memory.read_u16(11)) == (b"\0a\xc8c", 200, 0x63C8)
    assert (memory.grow(1), instance.exports.grow(1), memory.pages, len(memory)) == (
        *(1, 2, 3, 3 << 16),
    )
    assert [memory.grow(1), instance.exports.grow(1)] == [-1, -1]
    memory.view()[-1] = 5
    assert instance.exports.peek((3 << 16) - 1) == 5
    with pytest.raises(IndexError, match="outside the memory"):
        memory.read((3 << 16) - 1, 2)
    told = (
        r"out of bounds memory access: 1 byte at 0x30000 \(196,608\), the memory has 196,608 bytes"
    )
    with pytest.raises(pywasmgk.Trap, match=told) as caught:
        instance.exports.peek(3 << 16)
    assert caught.value.frames[0].excerpt is not None


def test_globals_and_tables_are_shared_both_ways() -> None:
    exports = native(VIEWS).exports
    exports.g.value = -9
    assert (exports.g2(), exports.g.value) == (-9, -9)
    table = exports.t
    assert (table.get(0), table.get(1), table.size) == (exports.one, None, 2)
    assert exports.call(0) == 1
    with pytest.raises(pywasmgk.Trap, match="uninitialized element"):
        exports.call(1)
    kind = pywasmgk.FuncType((), (pywasmgk.ValType.I32,))
    mine = pywasmgk.Func(kind, lambda: 42)
    table.set(1, mine)
    assert (exports.call(1), table.get(1)) == (42, mine)
    assert (table.grow(1, exports.one), table.grow(9), exports.call(2)) == (2, -1, 1)
    with pytest.raises(pywasmgk.Trap, match="undefined element"):
        exports.call(7)
    thing = object()
    assert exports.same(thing) is thing
    exports.any.set(0, thing)
    assert (exports.any.get(0), exports.same(None)) == (thing, None)


def test_all_bits_come_through() -> None:
    exports = native(VIEWS).exports
    assert exports.vector(bytes(range(16))) == bytes(range(16))
    assert exports.floats.call_bits(0x7FA00001, 0xFFF0000000000001) == (
        *(0xFFF0000000000001, 0x7FA00001),
    )
    assert exports.floats(1.5, -0.0) == (-0.0, 1.5)


def test_what_a_host_has_made_moves_in() -> None:
    memory = pywasmgk.Memory(1, 2)
    memory.write(0, b"x")
    count = pywasmgk.Global(pywasmgk.ValType.I32, 5, mutable=True)
    table = pywasmgk.Table(pywasmgk.ValType.EXTERNREF, 1)
    table.set(0, "thing")
    text = """(module (import "h" "m" (memory 1 2)) (import "h" "g" (global (mut i32)))
      (import "h" "t" (table 1 externref)) (import "h" "c" (global i64))
      (func (export "f") (result i32 externref i64)
        (global.set 0 (i32.add (global.get 0) (i32.load8_u (i32.const 0))))
        (i32.store8 (i32.const 1) (i32.const 121))
        (global.get 0) (table.get 0 (i32.const 0)) (global.get 1)))"""
    given = {"h": {"m": memory, "g": count, "t": table, "c": 1 << 40}}
    first = native(text, given)
    assert first.exports.f() == (125, "thing", 1 << 40)
    assert (memory.read(0, 2), count.value, first.memory) == (b"xy", 125, memory)
    # it is there already
    assert native(text, given).exports.f()[0] == 245
    # in another store it cannot be
    other = pywasmgk.instantiate(text, given, engine=open_store("wasmtime"))
    assert other.engine_note == "it imports from instances that share no store"
    assert other.exports.f()[0] == 365


def test_instances_share_through_a_store() -> None:
    one = native('(module (func (export "f") (result i32) (i32.const 4)))')
    text = '(module (import "a" "f" (func (result i32))) (export "f" (func 0)))'
    assert native(text, {"a": one}).exports.f is one.exports.f
    # with an interpreter, calls go through the host, on the same account
    ours = pywasmgk.instantiate(
        """(module (import "a" "f" (func $f (result i32)))
          (func (export "f") (result i32) (i32.add (call $f) (i32.const 1))))""",
        {"a": one},
        engine="interpreter",
    )
    again = native(
        """(module (import "a" "f" (func $f (result i32)))
          (func (export "f") (result i32) (i32.add (call $f) (i32.const 1))))""",
        {"a": ours},
    )
    assert (again.exports.f(), again.fuel_used) == (6, 4 + 4 + 2)


# -- exceptions


def test_what_a_host_function_raises_comes_through() -> None:
    text = """(module (import "h" "f" (func $f)) (func $in call $f) (func (export "f") call $in))"""
    mine = RuntimeError("mine")

    def fail() -> None:
        raise mine

    instance = native(text, {"h": {"f": fail}})
    with pytest.raises(RuntimeError) as caught:
        instance.exports.f()
    assert caught.value is mine
    assert [note.split(" at ")[0] for note in mine.__notes__] == [  # type: ignore[attr-defined]
        *("wasm frame: $in", "wasm frame: $f"),
    ]
    assert not instance.dead


def test_exceptions_of_guests_and_hosts() -> None:
    tag = pywasmgk.Tag("i32", "externref", name="mine")
    text = """(module (import "h" "t" (tag $t (param i32 externref))) (import "h" "f" (func $f))
      (func (export "throw") (param i32 externref)
        (throw $t (local.get 0) (local.get 1)))
      (func (export "catch") (result i32 externref)
        (block $b (result i32 externref)
          (try_table (catch $t $b) (call $f)) (i32.const 0) (ref.null extern))))"""
    thing = object()

    def throw() -> None:
        raise pywasmgk.WasmException(tag, (5, thing))

    fuels = []
    for engine in ("interpreter", "wasmtime"):
        instance = pywasmgk.instantiate(text, {"h": {"t": tag, "f": throw}}, engine=engine)
        with pytest.raises(pywasmgk.WasmException) as caught:
            instance.exports.throw(3, thing)
        assert (caught.value.tag, caught.value.payload) == (tag, (3, thing))
        fuels.append((instance.fuel_used, len(caught.value.frames)))
        assert instance.exports["catch"]() == (5, thing)
        fuels.append((instance.fuel_used, 0))
    assert fuels[:2] == fuels[2:]


# -- what it cannot do


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("(module (memory 1 1 shared))", "it has a shared memory"),
        ("(module (func try catch_all end))", "the legacy encoding of exceptions"),
    ],
)
def test_what_does_not_run_there_runs_in_our_tiers(text: str, note: str) -> None:
    for engine in ("wasmtime", "fastest"):
        made = pywasmgk.instantiate(text, engine=engine)
        assert note in (made.engine_note or "")
        assert made.tiers.engine == "auto"
    assert pywasmgk.instantiate("(module)", engine="fastest").engine_note is None


def test_nothing_is_stepped_there() -> None:
    instance = native(VIEWS)
    acts = (
        lambda: instance.start("one"), instance.snapshot, lambda: instance.restore(b""),
        instance.fork, instance.twin,
    )  # fmt: skip
    for act in acts:
        with pytest.raises(pywasmgk.HostError, match=r"runs in wasmtime: .* engine='interpreter'"):
            act()
    assert instance.exports.one() == 1


def test_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wasmtime, "library", lambda: None)
    with pytest.raises(pywasmgk.HostError, match=r"pip install 'pywasmgk\[native\]'"):
        pywasmgk.instantiate("(module)", engine="wasmtime")
    made = pywasmgk.instantiate("(module)", engine="fastest")
    assert made.engine_note == "no other engine is installed"
    with pytest.raises(ValueError, match="auto, interpreter, compiler, wasmtime, browser, fastest"):
        pywasmgk.instantiate("(module)", engine="v8")


def test_sizes_are_checked_first() -> None:
    with pytest.raises(pywasmgk.LinkError, match="min 5 pages"):
        native("(module (memory 5))", memory_limit=4)
    with pytest.raises(pywasmgk.LinkError, match="tables: 9 elements"):
        native("(module (table 9 funcref))", table_limit=4)
    with pytest.raises(pywasmgk.Trap, match="out of bounds memory access"):
        native('(module (memory 0) (data (i32.const 1) "a"))')


# -- plugins


def test_plugins_run_there() -> None:
    fuels = set()
    for engine in ("interpreter", "wasmtime"):
        with pywasmgk.load(examples.read("hello"), engine=engine) as plugin:
            assert plugin.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
            fuels.add(plugin.last_call.fuel)
    assert len(fuels) == 1


def test_a_tail_call_that_traps_is_in_the_trace() -> None:
    text = """(module (table 1 funcref) (func $in (result i32)
        (return_call_indirect (result i32) (i32.const 0)))
      (func (export "f") (result i32) (call $in)))"""
    frames = []
    for engine in ("interpreter", "wasmtime"):
        with pytest.raises(pywasmgk.Trap, match="uninitialized element") as caught:
            pywasmgk.instantiate(text, engine=engine).exports.f()
        frames.append([(frame.function, frame.offset) for frame in caught.value.frames])
    assert frames[0] == frames[1] != []


# -- what traps and limits say


CALLED = """(module (type $t (func (result i32))) (table 3 funcref) (elem (i32.const 0) $a $b)
  (func $a (result i32) (i32.const 1)) (func $b (param i32))
  (func $down (param i32) (result i32) (call_indirect (type $t) (local.get 0)))
  (func (export "f") (param i32) (result i32)
    (drop (call $down (i32.const 0))) (call $down (local.get 0)))
  (func (export "tail") (param i32) (result i32) (return_call_indirect (type $t) (local.get 0))))"""


@pytest.mark.parametrize("name", ["f", "tail"])
@pytest.mark.parametrize("element", [0, 1, 2, 3, -1])
def test_traps_of_indirect_calls_tell_operands(name: str, element: int) -> None:
    told = []
    for engine in ("interpreter", "wasmtime"):
        # another one of the module, whose latest call was fine, is in the store of none
        pywasmgk.instantiate(CALLED, engine=engine).exports[name](0)
        try:
            told.append((pywasmgk.instantiate(CALLED, engine=engine).exports[name](element),))
        except pywasmgk.Trap as trap:
            told.append((trap.trap_code, trap.message))
    assert told[0] == told[1]


def test_of_two_instances_of_a_module_the_one_that_trapped_is_told() -> None:
    store = open_store("wasmtime")
    instances = [pywasmgk.instantiate(CALLED, engine=store) for _ in range(2)]
    told = []
    for instance, element in zip(instances, (2, 3)):
        with pytest.raises(pywasmgk.Trap) as caught:
            instance.exports.f(element)
        told.append((caught.value.trap_code.name, caught.value.message.split(":")[0]))
    # where both could have been, the engine's own word stays
    assert told == [
        ("INDIRECT_CALL_TO_NULL", "uninitialized element 2"),
        ("TABLE_OUT_OF_BOUNDS", "undefined element 3"),
    ]


def test_a_limit_of_pages_that_is_lowered_holds() -> None:
    text = """(module (memory (export "m") 1)
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"""
    exports = native(text, memory_limit=9).exports
    exports.m.limit = 3
    assert (exports.grow(3), exports.grow(2), exports.grow(1), exports.m.limit) == (-1, 1, -1, 3)
    exports.m.limit = 2
    assert (exports.grow(1), exports.grow(0)) == (-1, 3)
    exports.m.limit = 4
    assert (exports.m.grow(1), exports.m.grow(1)) == (3, -1)


def test_a_plugin_has_the_memory_that_its_manifest_asks_for() -> None:
    manifest = {"name": "x", "version": "1.0.0", "resources": {"memory_mb": 1}}
    growing = ("i32.const 5", "memory.grow", "drop") * 4
    with pywasmgk.load(guest(manifest, call=(*growing, *ECHO)), engine="wasmtime") as plugin:
        assert plugin.call_raw("f", b"1") == b"1"
        assert plugin.last_call is not None and plugin.last_call.pages == 16
