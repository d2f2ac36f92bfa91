"""Instances that "auto" has put into another engine, and that move when a call is to be held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from plugin_guests import RELAY

import pywasmgk
from pywasmgk import HostError, MemoryHost, Trap, TrapCode, examples
from pywasmgk.wasm.runtime import defaults

COUNTS = """(module
  (import "env" "seen" (func $seen (param i32)))
  (type $to_i32 (func (result i32)))
  (table (export "table") 2 4 funcref) (elem (i32.const 0) $count)
  (memory (export "memory") 1 6) (data (i32.const 8) "data")
  (global $n (export "n") (mut i64) (i64.const 40))
  (func $count (export "count") (result i32)
    (global.set $n (i64.add (global.get $n) (i64.const 1)))
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 4) (i32.wrap_i64 (global.get $n)))
    (call $seen (i32.load (i32.const 4)))
    (i32.wrap_i64 (global.get $n)))
  (func (export "widen") (result i32) (table.grow 0 (ref.null func) (i32.const 1)))
  (func (export "at") (param i32) (result i32) (call_indirect (type $to_i32) (local.get 0))))"""
DROPS = """(module (memory 1) (data $d "x") (func (export "f") (data.drop $d)))"""


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes "auto" another engine, as it is in Pyodide."""
    pytest.importorskip("wasmtime")
    monkeypatch.setattr(defaults, "AUTO", "wasmtime")
    yield


def counting() -> tuple[pywasmgk.Instance, list[int]]:
    """An instance in the other engine, in which something was done, and what its host has seen."""
    seen: list[int] = []
    instance = pywasmgk.instantiate(COUNTS, {"env": {"seen": seen.append}})
    assert not instance.is_ours and instance.can_hold
    assert (instance.exports.at(0), instance.exports.widen()) == (41, 2)
    return instance, seen


def test_what_an_instance_holds_moves_with_it() -> None:
    instance, seen = counting()
    memory, table, n, at = (instance.exports[name] for name in ("memory", "table", "n", "at"))
    used = instance.exports.count() and instance.fuel_used
    with instance.start("at", 0) as call:
        assert (memory.pages, memory.read_i32(4), memory.read(8, 4)) == (3, 42, b"data")
        assert (n.value, len(table), table.get(0)) == (42, 3, instance.exports.count)
        call.run()
        assert (call.results, n.value) == (43, 43)
        call.goto(0)
        assert n.value == 42
        assert call.finish() == 43
    assert instance.is_ours and "left 'wasmtime'" in str(instance.engine_note)
    assert instance.exports.memory is memory and instance.memory is memory
    assert at(0) == 44 and sorted({*seen}) == [41, 42, 43, 44]
    assert instance.exports.count() and instance.fuel_used == used
    assert memory.grow(1) == -1
    with pytest.raises(Trap) as caught:
        at(1)
    assert caught.value.trap_code is TrapCode.INDIRECT_CALL_TO_NULL
    # one element more is what its tables may still have
    assert (instance.exports.widen(), instance.exports.widen()) == (3, -1)


def test_the_limit_of_tables_moves_too() -> None:
    text = COUNTS.replace("2 4 funcref", "2 funcref")
    instance = pywasmgk.instantiate(text, {"env": {"seen": lambda n: None}}, table_limit=3)
    assert instance.exports.widen() == 2
    instance.make_holdable("test it")
    assert instance.exports.widen() == -1


@pytest.mark.parametrize("what", ["snapshot", "fork", "twin"])
def test_whatever_only_ours_can_do_moves_it(what: str) -> None:
    instance, _ = counting()
    getattr(instance, what)()
    assert instance.is_ours and instance.exports.count() == 42


def test_snapshots_go_to_instances_that_move_for_it() -> None:
    instance, _ = counting()
    other, _ = counting()
    other.exports.count()
    instance.restore(other.snapshot())
    assert instance.exports.count() == 43


def test_linked_instances_move_together() -> None:
    one, _ = counting()
    text = """(module (import "one" "memory" (memory 1))
      (import "one" "count" (func $c (result i32)))
      (func (export "f") (result i32) (i32.add (call $c) (i32.load (i32.const 4)))))"""
    two = pywasmgk.instantiate(text, {"one": one.exports})
    assert two.exports.f() == 84
    with two.start("f") as call:
        call.step(4)
        assert len(call.frames) == 2
        assert call.finish() == 86
    assert one.is_ours and two.is_ours and two.memory is one.memory


def test_who_chose_the_engine_keeps_it() -> None:
    instance = pywasmgk.instantiate(examples.read("hello"), engine="wasmtime")
    for act in (
        lambda: instance.start("gk_register"),
        lambda: pywasmgk.Execution(instance.exports.gk_register, (), instance.meter()),
        instance.snapshot,
    ):
        with pytest.raises(HostError, match=r"in wasmtime: to .*, use engine='interpreter'"):
            act()
    assert not instance.is_ours and not instance.can_hold


def test_segments_that_may_be_dropped_stay() -> None:
    instance = pywasmgk.instantiate(DROPS)
    instance.exports.f()
    with pytest.raises(HostError, match=r"dropped segments in wasmtime: .*engine='interpreter'"):
        instance.start("f")
    instance.exports.f()
    kept = pywasmgk.instantiate(DROPS.replace("(data.drop $d)", ""))
    assert kept.start("f").finish() is None


def test_nothing_moves_inside_a_call() -> None:
    found: list[BaseException] = []

    def seen(number: int) -> None:
        with pytest.raises(HostError, match="inside a call") as caught:
            instance.start("count")
        found.append(caught.value)

    instance = pywasmgk.instantiate(COUNTS, {"env": {"seen": seen}})
    assert instance.exports.count() == 41
    assert found and not instance.is_ours


def test_plugins_move_when_they_are_stepped() -> None:
    with pywasmgk.load(examples.read("hello")) as plugin:
        assert plugin.can_hold and not plugin.is_ours
        assert plugin.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
        fuel = plugin.last_call.fuel
        with plugin.start("hello", {"name": "Ada"}) as call:
            assert call.finish() == {"message": "Hello, Ada!"}
        assert plugin.is_ours
        assert plugin.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
        assert plugin.last_call.fuel == fuel
        with plugin.start("hello", {"name": "Bob"}) as call:
            call.step(5)
            data = call.to_bytes()
    with pywasmgk.load(examples.read("hello")) as plugin:
        assert plugin.resume(data).finish() == {"message": "Hello, Bob!"}


def test_plugins_move_for_hosts_with_async_functions() -> None:
    host = MemoryHost()

    @host.function
    async def later() -> int:
        await asyncio.sleep(0)
        return 7

    async def ask() -> Any:
        with pywasmgk.load(RELAY) as plugin:
            plugin.init(host)
            assert not plugin.is_ours
            found = await plugin.call_async("later", {}, threads=False)
            assert plugin.is_ours
            return found

    assert asyncio.run(ask()) == 7
