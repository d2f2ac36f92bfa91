"""Many guests in one event loop, whose host functions sleep, some of them cancelled."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, NamedTuple

import pywasmgk

__all__ = ["Round", "run"]

#: works, waits for the host, works on: 12 instructions a turn
MODULE = pywasmgk.Module("""(module
  (import "env" "sleep" (func $sleep (param i32) (result i32)))
  (memory 2)
  (func $spin (param $n i32) (result i32) (local $s i32)
    (loop $again
      (i32.store (i32.and (local.get $n) (i32.const 0xFFFC)) (local.get $s))
      (local.set $s (i32.add (local.get $s) (local.get $n)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $s))
  (func (export "run") (param $waits i32) (param $turns i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (call $spin (local.get $turns))))
      (local.set $s (i32.add (local.get $s) (call $sleep (local.get $waits))))
      (br_if $again (local.tee $waits (i32.sub (local.get $waits) (i32.const 1)))))
    (local.get $s)))""")


class Round(NamedTuple):
    """What became of the guests."""

    finished: int
    cancelled: int
    #: those that gave something else than they should, or could not be called again
    wrong: list[str]
    #: seconds that the loop had no turn, at the most
    stall: float


def _expected(waits: int, turns: int) -> int:
    return waits * (turns * (turns + 1) // 2) + waits * (waits + 1) // 2


async def _ticks(gaps: list[float]) -> None:
    """Looks how long the loop leaves somebody waiting who wants a turn every millisecond."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        gaps.append(time.perf_counter() - began - 0.001)


async def _round(guests: int, seed: int, threads: bool, cancels: float, **options: Any) -> Round:
    chance, gaps, wrong = random.Random(seed), [0.0], []
    longest = options.pop("sleep", 0.02)

    async def sleep(number: int) -> int:
        await asyncio.sleep(chance.random() * longest)
        return number

    instances = [
        pywasmgk.instantiate(MODULE, {"env": {"sleep": sleep}}, timeout=600) for _ in range(guests)
    ]
    calls = [(chance.randint(1, 6), chance.randint(1, 2_000)) for _ in instances]
    ticker = asyncio.ensure_future(_ticks(gaps))
    tasks = [
        asyncio.ensure_future(instance.exports["run"].call_async(*call, threads=threads, **options))
        for instance, call in zip(instances, calls)
    ]
    for task in tasks:
        if chance.random() < cancels:
            asyncio.get_running_loop().call_later(chance.random() * 6 * longest, task.cancel)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for number, (end, call) in enumerate(zip(ends, calls)):
        if not isinstance(end, asyncio.CancelledError) and end != _expected(*call):
            wrong.append(f"guest {number}: {end!r}, not {_expected(*call)}")
    cancelled = [number for number, end in enumerate(ends) if not isinstance(end, int)]
    for number in cancelled[:5]:
        # nothing is left of a call that was cancelled
        again = await instances[number].exports["run"].call_async(1, 10, threads=threads)
        if again != _expected(1, 10):
            wrong.append(f"guest {number}, called again: {again}")
    ticker.cancel()
    return Round(guests - len(cancelled), len(cancelled), wrong, max(gaps))


def run(guests: int, seed: int, threads: bool, cancels: float = 0.3, **options: Any) -> Round:
    """A round of guests, of which a part is cancelled at random."""
    return asyncio.run(_round(guests, seed, threads, cancels, **options))
