"""Plugins in an event loop, in threads and without: same results, fuel and errors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import RELAY

import pywasmgk
from pywasmgk import CallError, CallTimeout, MemoryHost, Plugin, examples

BOTH = pytest.mark.parametrize("threads", [True, False])


def relay(**options: Any) -> tuple[Plugin, MemoryHost]:
    host, plugin = MemoryHost(), pywasmgk.load(RELAY, **options)

    @host.function
    async def double(number: int) -> int:
        await asyncio.sleep(0.001)
        return number * 2

    @host.function
    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("nowhere")

    @host.function
    async def sleep() -> None:
        await asyncio.sleep(60)

    @host.function
    def plain(number: int) -> int:
        return number + 1

    plugin.init(host)
    return plugin, host


def awaited(plugin: Plugin, name: str, args: Any, threads: bool, **limits: Any) -> Any:
    return asyncio.run(plugin.call_async(name, args, threads=threads, **limits))


@BOTH
def test_async_functions_of_the_host_are_awaited(threads: bool) -> None:
    plugin, _ = relay()
    assert awaited(plugin, "double", {"number": 21}, threads) == 42
    assert plugin.restarts == 0
    assert awaited(plugin, "plain", {"number": 1}, threads) == 2


def test_slices_take_the_fuel_of_a_call() -> None:
    with pywasmgk.load(examples.read("hello")) as plugin:
        plain, cost = plugin.call("hello", {"name": "Ada"}), plugin.last_call
        assert awaited(plugin, "hello", {"name": "Ada"}, threads=False) == plain
        assert cost is not None and plugin.last_call is not None
        assert plugin.last_call._replace(seconds=0) == cost._replace(seconds=0)


@BOTH
def test_what_fails_is_told_to_the_log_and_not_the_guest(threads: bool) -> None:
    plugin, host = relay()
    assert awaited(plugin, "fail", {}, threads) == "none"
    assert "fail failed: nowhere" in host.logs[-1].message
    # nobody awaits it here
    assert plugin.call("double", {"number": 1}) == "none"
    assert "can only be called by call_async" in host.logs[-1].message


@BOTH
def test_waiting_counts_against_the_deadline(threads: bool) -> None:
    plugin, _ = relay()
    with pytest.raises(CallTimeout):
        awaited(plugin, "sleep", {}, threads, timeout=0.2)
    assert awaited(plugin, "double", {"number": 1}, threads) == 2
    assert plugin.restarts == 1


@BOTH
def test_a_cancelled_task_ends_its_call(threads: bool) -> None:
    plugin, _ = relay()

    async def main() -> Any:
        task = asyncio.ensure_future(plugin.call_async("sleep", {}, threads=threads))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await plugin.call_async("double", {"number": 2}, threads=threads)

    assert asyncio.run(main()) == 4


@BOTH
def test_calls_of_one_plugin_queue(threads: bool) -> None:
    plugin, _ = relay()

    async def main() -> list[Any]:
        calls = (plugin.call_async("double", {"number": n}, threads=threads) for n in range(5))
        return await asyncio.gather(*calls)

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]


@BOTH
def test_errors_are_those_of_calls(threads: bool) -> None:
    path = Path(__file__).parents[1] / "guests/wat/errands.wasm"
    with pywasmgk.load_from_file(path) as plugin:
        with pytest.raises(CallError) as plain:
            plugin.call("sum", [1], fuel=100)
        with pytest.raises(CallError) as other:
            awaited(plugin, "sum", [1], threads, fuel=100)
        assert type(plain.value.cause) is type(other.value.cause)


@BOTH
def test_the_host_is_told_on_whose_behalf_it_is_asked(threads: bool) -> None:
    plugin, host = relay()
    found = []

    @host.function
    def who(caller: pywasmgk.CallContext) -> int:
        found.append((caller.language, caller.org_id, caller.user_id, caller.chain))
        return 0

    async def main() -> None:
        with pywasmgk.acting(language="de", org_id=7, user_id=9):
            await plugin.call_async("who", {}, threads=threads)
        await plugin.call_async("who", {}, threads=threads)

    with plugin:
        asyncio.run(main())
    assert found == [("de", 7, 9, ("relay",)), ("en", 0, 0, ("relay",))]


@BOTH
def test_what_a_call_took_is_known_behind_it(threads: bool) -> None:
    plugin, _ = relay()

    async def main() -> pywasmgk.LastCall | None:
        await plugin.call_async("plain", {"number": 1}, threads=threads)
        return plugin.last_call

    with plugin:
        plugin.call("plain", {"number": 1})
        plain, awaited = plugin.last_call, asyncio.run(main())
        assert plain is not None and awaited is not None
        assert awaited._replace(seconds=0) == plain._replace(seconds=0)
