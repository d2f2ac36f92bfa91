"""Guests in an event loop, in threads and without: same results, fuel, errors; the loop lives."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import held_loop
import pytest
from generator import generate
from oracle import Limits, OurSession

import pywasmgk
from pywasmgk import HostError, Instance
from pywasmgk.wasm.runtime.values import from_bits
from pywasmgk.wasm.stepping import seats as seats_module
from pywasmgk.wasm.stepping.execution import Execution
from pywasmgk.wasm.stepping.seats import Seats, Visit

BOTH = pytest.mark.parametrize("threads", [True, False])
WORK = """(module
  (import "env" "fetch" (func $fetch (param i32) (result i32)))
  (func $spin (export "spin") (param $n i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "run") (param $n i32) (result i32)
    (i32.add (call $spin (local.get $n)) (i32.add (call $fetch (i32.const 2))
                                                  (call $fetch (i32.const 3)))))
  (func (export "forever") (loop (br 0))))"""


async def fetch(number: int) -> int:
    await asyncio.sleep(0.001)
    return number * 10


def working(fetching: Any = fetch, **options: Any) -> Instance:
    return pywasmgk.instantiate(WORK, {"env": {"fetch": fetching}}, **options)


@BOTH
def test_async_functions_of_the_host_run_on_the_loop(threads: bool) -> None:
    instance = working()
    run = instance.exports["run"]
    assert asyncio.run(run.call_async(100, threads=threads)) == 5050 + 50
    used = instance.fuel_used
    other = working(lambda number: number * 10)
    assert other.exports["run"](100) == 5100
    assert other.fuel_used == used


@BOTH
def test_the_loop_goes_on_while_a_guest_works(threads: bool) -> None:
    instance = working()

    async def main() -> tuple[int, int]:
        task = asyncio.ensure_future(instance.exports["spin"].call_async(300_000, threads=threads))
        turns = 0
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        return task.result(), turns

    result, turns = asyncio.run(main())
    assert result == instance.exports["spin"](300_000)
    assert turns > 3


@BOTH
def test_many_guests_wait_at_once(threads: bool) -> None:
    async def slow(number: int) -> int:
        await asyncio.sleep(0.2)
        return number

    async def main() -> list[int]:
        runs = [working(slow).exports["run"].call_async(10, threads=threads) for _ in range(30)]
        return await asyncio.gather(*runs)

    began = time.perf_counter()
    assert asyncio.run(main()) == [60] * 30
    # one after the other would take 12 s
    assert time.perf_counter() - began < 6


@BOTH
def test_exceptions_pass_through_the_guest(threads: bool) -> None:
    async def fail(number: int) -> int:
        raise LookupError(number)

    with pytest.raises(LookupError):
        asyncio.run(working(fail).exports["run"].call_async(1, threads=threads))


@BOTH
def test_limits_hold(threads: bool) -> None:
    forever = working().exports["forever"]
    with pytest.raises(pywasmgk.OutOfFuel):
        asyncio.run(forever.call_async(threads=threads, fuel=10_000))
    with pytest.raises(pywasmgk.DeadlineExceeded):
        asyncio.run(forever.call_async(threads=threads, timeout=0.05))


@BOTH
def test_waiting_for_the_host_counts(threads: bool) -> None:
    async def sleepy(number: int) -> int:
        await asyncio.sleep(30)
        return 0

    began = time.perf_counter()
    with pytest.raises(pywasmgk.DeadlineExceeded):
        asyncio.run(working(sleepy).exports["run"].call_async(1, threads=threads, timeout=0.1))
    assert time.perf_counter() - began < 10


@BOTH
def test_a_cancelled_task_ends_its_guest(threads: bool) -> None:
    instance = working()

    async def main() -> None:
        task = asyncio.ensure_future(
            instance.exports["forever"].call_async(threads=threads, timeout=None, fuel=None)
        )
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert instance.exports["spin"](3) == 6


@BOTH
@pytest.mark.parametrize("turns", range(4))
def test_a_task_that_is_cancelled_as_it_begins(turns: int, threads: bool) -> None:
    instances = [working() for _ in range(5)]

    async def main() -> None:
        tasks = [
            asyncio.ensure_future(
                instance.exports["forever"].call_async(threads=threads, timeout=None, fuel=None)
            )
            for instance in instances
        ]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}

    asyncio.run(main())
    # none of them runs on
    assert [instance.exports["spin"](3) for instance in instances] == [6] * 5


@BOTH
def test_a_token_ends_it_too(threads: bool) -> None:
    token = pywasmgk.CancelToken()

    async def main() -> None:
        asyncio.get_running_loop().call_later(0.02, token.cancel)
        await working().exports["forever"].call_async(threads=threads, cancel=token)

    with pytest.raises(pywasmgk.Cancelled):
        asyncio.run(main())


def test_a_plain_call_says_that_it_cannot_wait() -> None:
    with pytest.raises(HostError, match="call_async"):
        working().exports["run"](1)


@BOTH
def test_hosts_get_their_caller(threads: bool) -> None:
    async def size(caller: pywasmgk.Caller) -> int:
        await asyncio.sleep(0)
        assert caller.memory is not None
        return caller.memory.pages

    kind = pywasmgk.FuncType((), (pywasmgk.ValType.I32,))
    host = pywasmgk.Func(kind, size, access_caller=True)
    module = """(module (import "" "f" (func $f (result i32))) (memory 3)
      (table funcref (elem $f)) (func (export "run") (result i32)
        (call_indirect (result i32) (i32.const 0))))"""
    instance = pywasmgk.instantiate(module, {"": {"f": host}})
    assert asyncio.run(instance.exports["run"].call_async(threads=threads)) == 3


@BOTH
def test_guests_of_which_some_are_cancelled(threads: bool) -> None:
    """At length, with the times that the loop waits: ``tools/held loop``."""
    found = [held_loop.run(15, seed, threads, sleep=0.004) for seed in range(2)]
    assert [one.wrong for one in found] == [[]] * 2
    assert all(one.finished for one in found) and any(one.cancelled for one in found)


def test_the_loop_has_a_turn_between_any_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, seen = [0], []
    step = Execution.step

    def counted(self: Execution, n: int = 1) -> str:
        seen.append(turns[0])
        return step(self, min(n, 3_000))

    async def main() -> None:
        guests = [working(engine="interpreter") for _ in range(10)]
        runs = [guest.exports["run"].call_async(2_000, threads=False) for guest in guests]
        tasks = asyncio.gather(*runs)
        while not tasks.done():
            await asyncio.sleep(0)
            turns[0] += 1

    monkeypatch.setattr(Execution, "step", counted)
    asyncio.run(main())
    assert len(seen) > 60
    assert len(set(seen)) == len(seen)


# -- seats of guests in threads


@pytest.fixture
def all_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a busy machine keeps a thread from running, it keeps its seat."""
    monkeypatch.setattr(seats_module, "_UNSEEN", 3600.0)


@pytest.mark.usefixtures("all_are_seen")
def test_only_so_many_guests_run_at_once() -> None:
    seats, running, most = Seats(3), [0], [0]

    def guest() -> None:
        visit = Visit(seats, lambda: False)
        visit.enter()
        for _ in range(20):
            running[0] += 1
            most[0] = max(most[0], running[0])
            running[0] -= 1
            visit.look()
        visit.leave()

    threads = [threading.Thread(target=guest) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
    assert not seats._taken and not seats._waiting


def test_who_is_not_seen_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats_module, "_UNSEEN", -1.0)
    seats = Seats(1)
    lost, next_one = (Visit(seats, lambda: False) for _ in range(2))
    lost.enter()
    next_one.enter()
    assert [*seats._taken] == [next_one]
    # it comes back, and the other one is not seen in its turn
    lost.look()
    assert [*seats._taken] == [lost]
    next_one.leave()
    lost.leave()
    assert not seats._taken


@pytest.mark.usefixtures("all_are_seen")
def test_what_ends_a_call_ends_its_waiting() -> None:
    seats = Seats(1)
    first, second = Visit(seats, lambda: False), Visit(seats, lambda: True)
    first.enter()
    second.enter()
    assert [*seats._taken] == [first]
    second.leave()
    first.leave()
    third = Visit(seats, lambda: False)
    third.enter()
    assert [*seats._taken] == [third]


@pytest.mark.parametrize("seed", range(15))
def test_slices_change_nothing(seed: int) -> None:
    program = generate(720_000 + seed)
    module = pywasmgk.Module(program.data)
    plain, awaited = (
        OurSession("auto", module, program.host, Limits(memory=32, table=1_000)) for _ in range(2)
    )
    if plain.instance is None:
        return
    for name, args in program.calls:
        expected = plain.call(name, args, 20_000)
        func = awaited.instance.exports[name]
        if any(str(kind) in ("v128", "funcref", "externref") for kind in func.type.params):
            awaited.call(name, args, 20_000)
            continue
        values = map(from_bits, func.type.params, args)
        try:
            asyncio.run(func.call_async(*values, threads=False, turn=1e-6, fuel=20_000))
        except Exception as error:
            assert expected.kind != "values", error
        else:
            assert expected.kind == "values"
        assert awaited.instance.fuel_used == expected.fuel
        assert awaited.state() == plain.state()
