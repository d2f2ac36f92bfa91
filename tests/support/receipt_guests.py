"""A plugin whose result has all that a receipt must hold still, and its host."""

from __future__ import annotations

from typing import Any

from pywasmgk import HostFunctionError, MemoryHost, Module, Plugin, ReceiptPolicy, load

#: it takes random numbers and the time, counts its calls, logs, prints, asks its host for what it
#: was called with, and gives all that; "crash", "leave" and "grow" do so first
ROLL = Module(r"""(module
  (import "gk" "host_call" (func $ask (param i32 i32 i32 i32) (result i64)))
  (import "gk" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 64) "\00\01\00\00\05\00\00\00")
  (data (i32.const 256) "hello")
  (data (i32.const 1024) "{\"name\":\"roll\",\"version\":\"1.0.0\"}")
  (func (export "gk_register") (result i64) (i64.const 0x40000000021))
  (func (export "gk_malloc") (param $size i32) (result i32)
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))
  (func $spin (param $n i32) (loop $again
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "gk_call") (param $name i32) (param $size i32) (param $args i32) (param $all i32)
    (result i64)
    (local $first i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store (i32.const 560) (global.get $calls))
    (drop (call $random (i32.const 512) (i32.const 40)))
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 568)))
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 576)))
    (call $spin (i32.const 3000))
    (call $log (i32.const 1) (i32.const 256) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 48)))
    (local.set $first (i32.load8_u (local.get $name)))
    (if (i32.eq (local.get $first) (i32.const 0x21)) (then unreachable))
    (if (i32.eq (local.get $first) (i32.const 0x2e)) (then (call $exit (i32.const 3))))
    (if (i32.eq (local.get $first) (i32.const 0x2b))
      (then (drop (memory.grow (i32.const 5)))))
    (if (i32.eq (local.get $first) (i32.const 0x2a)) (then (loop $ever (br $ever))))
    (if (local.get $all)
      (then
        (i64.store (i32.const 584) (call $ask
          (local.get $name) (local.get $size) (local.get $args) (local.get $all)))
        (i64.store (i32.const 592) (call $ask
          (local.get $name) (local.get $size) (local.get $args) (local.get $all)))))
    (i64.const 0x20000000058)))""").data
#: the same receipts everywhere
POLICY = ReceiptPolicy(seed=bytes(range(32)), start=1_700_000_000)
#: the receipt of ``add`` with ``{"by": 3}``, whatever runs it, on any Python
DIGEST = "de6f5066823448d9a09fca5a73b825228f010f5fb3510bda64afb0c5617c691c"


def host() -> MemoryHost:
    """One that answers ``add`` otherwise each time, fails at ``refuse`` and charges at ``toll``."""
    found = MemoryHost()
    count = 0

    @found.function
    def add(caller: Any, by: int) -> int:
        nonlocal count
        count += by
        return count

    @found.function
    def refuse(caller: Any, by: int) -> None:
        raise HostFunctionError("not now")

    @found.function
    def toll(caller: Any, by: int) -> str:
        caller.meter.charge(by)
        return "paid"

    @found.function
    async def later(caller: Any, by: int) -> int:
        caller.meter.charge(by)
        return by * 2

    return found


def roll(**options: Any) -> Plugin:
    """The plugin on its host."""
    found = load(ROLL, **{"receipts": POLICY, **options})
    found.init(host())
    return found


def receipt_of(plugin: Plugin, *, answers: bool = True) -> bytes:
    """The receipt of the latest call."""
    last = plugin.last_call
    assert last is not None
    return last.receipt(answers=answers)
