"""Calls of plugins that are held: they give what plain calls give, and go back, host calls too."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk import Busy, CallError, HostError, MemoryHost, Plugin, SuspensionError, examples
from pywasmgk.wasm.stepping.packing import _digest

GUESTS = Path(__file__).parents[1] / "guests"
TOOLCHAINS = ["c", "rust", "assemblyscript", "zig", "wat"]


def dashboard(**options: Any) -> tuple[Plugin, MemoryHost]:
    host = MemoryHost(config={"site.name": "Help desk"})
    host.connection.executescript(
        "CREATE TABLE ticket (id, state); INSERT INTO ticket VALUES (1, 'open')"
    )
    plugin = pywasmgk.load(examples.read("dashboard"), **options)
    plugin.init(host)
    return plugin, host


def test_it_gives_what_the_call_gives_at_the_same_cost() -> None:
    plugin, _ = dashboard()
    with plugin:
        expected = plugin.call("widget_tickets", {})
        cost = plugin.last_call
        assert cost is not None
        held = plugin.start("widget_tickets", {})
        assert held.results is None
        held.step(100)
        assert held.frames[-1].function.index == held.func.index
        assert held.finish() == expected
        assert plugin.last_call is not None
        assert plugin.last_call._replace(seconds=0) == cost._replace(seconds=0)
        assert plugin.call("widget_tickets", {}) == expected
        assert plugin.restarts == 0


def test_it_goes_back_over_host_calls_that_call_back_in() -> None:
    plugin, host = dashboard()
    asked = []
    host.connection.set_trace_callback(asked.append)
    with plugin, plugin.start("widget_tickets", {}) as held:
        held.break_at(host_call="gk.*")
        places = []
        while held.run() == "breakpoint":
            places.append((held.steps, held.fuel_used, str(held.frames[0])))
        assert len(places) > 1
        results, count = held.results, len(asked)
        assert count > 0
        for place in reversed(places):
            assert held.reverse_run() == "breakpoint"
            assert (held.steps, held.fuel_used, str(held.frames[0])) == place
        held.goto(0)
        assert held.finish() == results
        assert len(asked) == count


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_plugins_of_every_toolchain_go_back(toolchain: str) -> None:
    with pywasmgk.load_from_file(GUESTS / toolchain / "errands.wasm") as plugin:
        expected = plugin.call("sum", [1, -2, 40])
        with plugin.start("sum", [1, -2, 40]) as held:
            held.run()
            end = held.steps
            held.goto(end // 2)
            middle = held.fuel_used, [str(frame) for frame in held.frames]
            held.goto(1)
            held.goto(end // 2)
            assert (held.fuel_used, [str(frame) for frame in held.frames]) == middle
            assert held.finish() == expected
        assert plugin.call("sum", [1, -2, 40]) == expected


def test_others_are_busy_until_it_is_closed() -> None:
    plugin, _ = dashboard()
    other, _ = dashboard()
    with plugin, other:
        held = plugin.start("widget_tickets", {})
        with pytest.raises(Busy, match="close that first"):
            plugin.call("widget_tickets", {})
        with pytest.raises(Busy):
            plugin.start("widget_tickets", {})
        assert other.call("widget_tickets", {})
        held.run()
        held.close()
        assert plugin.call("widget_tickets", {})
        assert plugin.restarts == 0


@pytest.mark.parametrize("forgotten", [False, True])
def test_one_that_is_given_up_costs_the_guest(forgotten: bool) -> None:
    plugin, _ = dashboard()
    with plugin:
        held = plugin.start("widget_tickets", {})
        held.step(50)
        if not forgotten:
            held.close()
        del held
        assert plugin.call("widget_tickets", {})
        assert plugin.restarts == 1


def test_it_starts_a_fresh_guest_where_that_is_needed() -> None:
    plugin, _ = dashboard()
    with plugin:
        plugin.start("widget_tickets", {}).close()
        assert "ticket" in str(plugin.start("widget_tickets", {}).finish())
        assert plugin.last_call is not None and plugin.last_call.restarted


def test_shutting_down_closes_it() -> None:
    plugin, _ = dashboard()
    held = plugin.start("widget_tickets", {})
    plugin.shutdown()
    with pytest.raises(HostError, match="closed"):
        held.step()


def test_what_goes_wrong_is_told_as_by_a_call() -> None:
    plugin, _ = dashboard()
    with plugin:
        with pytest.raises(CallError) as plain:
            plugin.call("widget_tickets", {}, fuel=1_000)
        plugin.call("widget_tickets", {})
        held = plugin.start("widget_tickets", {}, fuel=1_000)
        assert held.run() == "trap"
        assert isinstance(held.trap, pywasmgk.OutOfFuel)
        held.rewind(10)
        with pytest.raises(CallError) as stepped:
            held.finish()
        assert str(stepped.value).split(" in ")[0] == str(plain.value).split(" in ")[0]
        assert isinstance(stepped.value.cause, pywasmgk.OutOfFuel)
        assert plugin.call("widget_tickets", {})
        assert plugin.restarts == 2


def test_it_may_be_stepped_and_closed_by_other_threads() -> None:
    plugin, _ = dashboard()
    with plugin:
        held = plugin.start("widget_tickets", {})
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(held.finish()))
        thread.start()
        thread.join()
        assert found == [plugin.call("widget_tickets", {})]


def test_it_cannot_be_begun_inside_a_call() -> None:
    seen: list[str] = []

    class Host(MemoryHost):
        def log(self, context: Any, level: str, message: str, fields: Any) -> None:
            with pytest.raises(HostError, match="inside a call"):
                plugin.start("note", {})
            seen.append(message)

    with pywasmgk.load((GUESTS / "wat/errands.wasm").read_bytes()) as plugin:
        plugin.init(Host())
        plugin.call_raw("note", b"1word")
        assert seen == ["word"]


def test_a_go_plugin_goes_back_over_its_host_calls() -> None:
    host = MemoryHost()
    host.connection.executescript(
        "CREATE TABLE score (name, value); INSERT INTO score VALUES ('Ada', 7), ('Bob', 9)"
    )
    with pywasmgk.load_from_file(GUESTS / "go/workshop.wasm", timeout=600) as plugin:
        plugin.init(host)
        with plugin.start("report", {}) as held:
            seen = []
            host_call = held.break_at(host_call="gk.host_call")
            while held.run() == "breakpoint":
                seen.append((held.steps, held.fuel_used, str(held.frames[0])))
            assert len(seen) >= 3
            events = len(host.events)
            results = held.results
            assert results == {"best": "Bob", "count": 2, "mean": 8}
            for place in reversed(seen):
                assert held.reverse_run() == "breakpoint"
                assert (held.steps, held.fuel_used, str(held.frames[0])) == place
            held.remove(host_call)
            held.goto(held.oldest)
            assert held.finish() == results
            assert len(host.events) == events


def test_a_call_is_recorded_and_run_again_without_plugin_and_host() -> None:
    plugin, _ = dashboard()
    with plugin, plugin.start("widget_tickets", {}) as held:
        held.run()
        end = held.steps, held.fuel_used, held.values
        data = held.recording().to_bytes(held.instance.module)
    module = pywasmgk.Module(examples.read("dashboard"))
    recording = pywasmgk.Recording.from_bytes(data, module)
    assert {call.name for call in recording.calls} >= {"host_call"}
    with recording.replay(module) as again:
        assert again.run() == "done"
        assert (again.steps, again.fuel_used, again.values) == end
        again.rewind(100)
        assert again.run() == "done"


def test_a_call_of_the_host_may_be_answered_later() -> None:
    plugin, _ = dashboard()
    with plugin:
        expected = plugin.call("widget_tickets", {})
        with plugin.start("widget_tickets", {}, defer=["gk.host_call"]) as held:
            why, asked = held.run(), 0
            while why == "pending":
                asked += 1
                why = held.approve()
            assert (held.results, why) == (expected, "done")
            assert asked > 1


@pytest.mark.parametrize("key", [None, b"secret"])
def test_a_call_that_waits_for_an_answer_goes_on_in_another_plugin(key: bytes | None) -> None:
    plugin, _ = dashboard()
    with plugin:
        expected, cost = plugin.call("widget_tickets", {}), plugin.last_call
        with plugin.start("widget_tickets", {}, defer=["gk.host_call"]) as held:
            assert held.run() == "pending"
            data = held.to_bytes(key)
    other, _ = dashboard()
    with other:
        held = other.resume(data, key, defer=["gk.host_call"])
        assert held.run() == "pending"
        while held.approve() == "pending":
            pass
        assert held.finish() == expected
        assert cost is not None and other.last_call is not None
        assert other.last_call.fuel == cost.fuel
        assert other.call("widget_tickets", {}) == expected
        assert other.restarts == 0


def test_what_is_no_suspended_call_of_it_is_refused() -> None:
    plugin, _ = dashboard()
    with plugin, pywasmgk.load(examples.read("hello")) as hello:
        with plugin.start("widget_tickets", {}) as held:
            held.step(10)
            data = held.to_bytes()
        with pytest.raises(SuspensionError, match="another module"):
            hello.resume(data)
        with pytest.raises(SuspensionError, match="key"):
            hello.resume(data, b"key")
        chance = random.Random(1)
        for _ in range(200):
            content = bytearray(data[11 + 32 :])
            for _ in range(chance.randint(1, 3)):
                at = chance.randrange(min(60, len(content)))
                content[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
            if chance.random() < 0.2:
                del content[chance.randrange(len(content)) :]
            changed = data[:11] + _digest(data[:11] + bytes(content), None) + bytes(content)
            try:
                plugin.resume(changed).close()
            except SuspensionError:
                continue
        assert plugin.call("widget_tickets", {})
