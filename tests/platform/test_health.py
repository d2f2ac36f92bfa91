"""Probes, and restarts of what does not answer (contract 5.1, health; W49)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from plugin_guests import LOOP, guest, quick
from processor import HANGS
from scripted import Script, Scripted

from pywasmgk import MemoryHost
from pywasmgk.errors import CallError, CallTimeout, PlatformError
from pywasmgk.platform import HealthMonitor, PluginHealth, PluginManager

case = pytest.mark.case
PING = "__health_ping__"


class Ward:
    """A monitor whose clock a test sets forward."""

    def __init__(self, *plugins: Any, stuck: bool = False, **options: Any) -> None:
        self.stuck = {"x"} if stuck else set()
        self.manager = PluginManager(MemoryHost())
        for plugin in plugins:
            self.manager.register(plugin)
        self.now = 1000.0
        self.monitor = HealthMonitor(self.manager, clock=lambda: self.now, **options)
        self.told: list[PluginHealth] = []
        self.monitor.on_change.add(self.told.append)

    def after(self, seconds: float) -> str:
        """The status of the plugin x at a later time."""
        self.now += seconds
        self.monitor.step()
        for name, patient in self.monitor._patients.items():
            # on a busy machine they may take longer than the step waits
            if patient.busy is not None and name not in self.stuck:
                patient.busy.join(HANGS)
        return self.monitor.of("x").status


def raising(error: Exception) -> Script:
    def ping(plugin: Scripted, args: Any) -> None:
        raise error

    return ping


def test_an_answer_in_time_is_a_sign_of_life() -> None:
    plugin = Scripted("x", {PING: lambda plugin, args: {"queue": 3}})
    ward = Ward(plugin)
    assert ward.monitor.of("x").status == "unknown"
    assert ward.after(0) == "healthy"
    assert plugin.calls == [(PING, None)]
    assert ward.monitor.of("x").payload == {"queue": 3}
    ward.after(59)
    assert len(plugin.calls) == 1
    ward.after(1)
    assert len(plugin.calls) == 2
    assert [health.status for health in ward.told] == ["healthy"]


@pytest.mark.parametrize("error", [CallError("gk_call failed: unreachable"), ValueError("odd")])
def test_an_error_in_time_is_one_too(error: Exception) -> None:
    ward = Ward(Scripted("x", {PING: raising(error)}))
    assert ward.after(0) == "healthy"
    assert ward.monitor.of("x").payload is None


def test_what_is_no_json_is_no_payload() -> None:
    plugin = Scripted("x")
    plugin.call_raw = lambda *args, **options: b"fine"  # type: ignore[method-assign]
    ward = Ward(plugin)
    assert ward.after(0) == "healthy"
    assert ward.monitor.of("x").payload is None


def test_three_times_none_is_unhealthy() -> None:
    functions: dict[str, Script] = {PING: raising(CallTimeout("late"))}
    plugin = Scripted("x", functions)
    ward = Ward(plugin)
    assert [ward.after(60) for _ in range(3)] == ["unknown", "unknown", "unhealthy"]
    assert ward.monitor.of("x").misses == 3
    plugin._functions[PING] = lambda plugin, args: 1
    assert ward.after(60) == "healthy"
    assert ward.monitor.of("x").misses == 0
    assert [health.status for health in ward.told] == ["unhealthy", "healthy"]
    logged = [entry.message for entry in reversed(ward.manager.log.all())]
    assert logged == ["plugin is unhealthy", "plugin is healthy"]


def test_who_is_switched_off_is_left_alone() -> None:
    plugin = Scripted("x")
    ward = Ward(plugin)
    ward.manager.disable("x")
    assert ward.after(60) == "unknown"
    assert plugin.calls == []
    assert ward.monitor.health() == []


@case("W49")
def test_a_wedged_plugin_keeps_no_other_from_being_probed() -> None:
    """A guest that loops under its lock: the probe gives up by itself."""
    wedged = quick(
        guest({"name": "x", "version": "1"}, call=(*LOOP, "i64.const 0")), timeout=HANGS, fuel=None
    )
    well = Scripted("well")
    ward = Ward(wedged, well, limit=0.2)
    caller = threading.Thread(
        target=lambda: swallowed(lambda: ward.manager.call("x", "f")), daemon=True
    )
    caller.start()
    while not any(status.running for status in ward.manager.status()):
        time.sleep(0.01)
    for number in range(3):
        ward.after(60)
        assert ward.monitor.of("well").status == "healthy"
        assert len(well.calls) == number + 1
    assert ward.monitor.of("x").status == "unhealthy"
    wedged.shutdown(force=True)
    caller.join(HANGS)
    assert not caller.is_alive()


def swallowed(work: Any) -> None:
    try:
        work()
    except CallError:
        return


@case("W49")
def test_nor_does_one_that_knows_no_time() -> None:
    """A plugin of another kind may not even come back from a probe. It gets no second one."""
    go = threading.Event()
    stuck = Scripted("x", {PING: lambda plugin, args: go.wait(HANGS)})
    well = Scripted("well")
    ward = Ward(stuck, well, limit=0.05, stuck=True)
    for _ in range(4):
        ward.after(60)
    assert len(stuck.calls) == 1
    assert len(well.calls) == 4
    assert ward.monitor.of("x").status == "unhealthy"
    assert ward.monitor.of("well").status == "healthy"
    go.set()


# -- restarts


def failing_until(count: int) -> tuple[list[float], Any]:
    """A restart that fails so many times; notes when it was tried."""
    tried: list[float] = []

    def restart(name: str) -> None:
        tried.append(ward_of[0].now - 1000)
        if len(tried) <= count:
            raise PlatformError("load wasm: broken")

    ward_of: list[Ward] = []
    return tried, (restart, ward_of)


def test_it_is_restarted_after_a_while_that_doubles() -> None:
    tried, (restart, ward_of) = failing_until(3)
    plugin = Scripted("x", {PING: raising(CallTimeout("late"))})
    ward = Ward(plugin, restart=restart)
    ward_of.append(ward)
    for _ in range(3):
        ward.after(60)
    assert ward.monitor.of("x").status == "unhealthy"
    while len(tried) < 4:
        ward.after(1)
    # unhealthy at 180; 5, 10, 20 and 40 seconds after the last try
    assert tried == [185, 195, 215, 255]
    assert ward.monitor.of("x").restarts == 4
    plugin._functions[PING] = lambda plugin, args: 1
    assert ward.after(60) == "healthy"


def test_it_is_given_up_after_five_times() -> None:
    tried, (restart, ward_of) = failing_until(99)
    ward = Ward(Scripted("x", {PING: raising(CallTimeout("late"))}), restart=restart)
    ward_of.append(ward)
    ward.now -= 60
    for _ in range(600):
        ward.after(1)
    assert len(tried) == 5
    assert ward.monitor.of("x").status == "given up"
    assert ward.told[-1].status == "given up"
    for _ in range(20):
        ward.after(60)
    assert len(tried) == 5
    # somebody puts another one there
    ward.manager.replace("x", Scripted("x"))
    assert ward.monitor.of("x").status == "unknown"
    assert ward.after(60) == "healthy"


def test_a_restart_does_not_forget_the_others() -> None:
    """Though it replaces the plugin, as somebody else would."""
    ward: Ward
    count = 0

    def restart(name: str) -> None:
        nonlocal count
        count += 1
        ward.manager.replace("x", Scripted("x", {PING: raising(CallTimeout("late"))}))

    ward = Ward(Scripted("x", {PING: raising(CallTimeout("late"))}), restart=restart)
    for _ in range(3 * 60 * 4):
        ward.after(1)
    assert count == ward.monitor.of("x").restarts > 1


def test_in_a_thread() -> None:
    probed = threading.Event()
    plugin = Scripted("x", {PING: lambda plugin, args: probed.set()})
    manager = PluginManager(MemoryHost())
    manager.register(plugin)
    with HealthMonitor(manager):
        assert probed.wait(HANGS)
    assert len(plugin.calls) == 1
