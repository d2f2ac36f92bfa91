"""Locks of event loops: one at a time, in order, and none outlasts its loop."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from pywasmgk.wasm.stepping.loop_locks import LoopLocks


def test_tasks_come_in_as_they_asked_and_one_at_a_time() -> None:
    locks, order, inside = LoopLocks(), [], [0]

    async def task(number: int) -> None:
        async with locks.of_this_loop():
            inside[0] += 1
            assert inside[0] == 1
            await asyncio.sleep(0)
            order.append(number)
            inside[0] -= 1

    async def main() -> None:
        await asyncio.gather(*map(task, range(10)))

    for _ in range(2):
        asyncio.run(main())
    assert order == [*range(10)] * 2


@pytest.mark.parametrize("passes", range(4))
def test_who_is_cancelled_passes_it_on(passes: int) -> None:
    locks = LoopLocks()

    async def wait() -> str:
        async with locks.of_this_loop():
            return "was in"

    async def main() -> None:
        async with locks.of_this_loop():
            first, second = (asyncio.ensure_future(wait()) for _ in range(2))
            await asyncio.sleep(0)
            if passes == 0:
                first.cancel()
        # it was given to the first one, which may not have run yet
        for _ in range(passes - 1):
            await asyncio.sleep(0)
        first.cancel()
        assert await second == "was in"
        async with locks.of_this_loop():
            pass

    asyncio.run(main())


def test_no_loop_is_kept() -> None:
    locks, loops = LoopLocks(), []

    async def main() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))

        async def task() -> None:
            async with locks.of_this_loop():
                await asyncio.sleep(0)

        await asyncio.gather(*(task() for _ in range(3)))

    asyncio.run(main())
    gc.collect()
    assert loops[0]() is None
    assert not locks._locks
