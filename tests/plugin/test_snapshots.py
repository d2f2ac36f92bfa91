"""Plugins that begin where another one was: with what it had, at none of the cost of starting."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_guests import COUNTER

import pywasmgk
from pywasmgk import CallError, MemoryHost, PluginError, SuspensionError, examples

GO = Path(__file__).parents[1] / "guests/go/workshop.wasm"


def test_it_begins_with_what_the_other_one_had() -> None:
    with pywasmgk.load(COUNTER) as plugin:
        assert [plugin.call("next") for _ in range(3)] == [2, 3, 4]
        data = plugin.snapshot()
        assert plugin.call("next") == 5
    for _ in range(2):
        with pywasmgk.load(COUNTER, snapshot=data) as again:
            assert again.registration.name == "counter"
            assert [again.call("next") for _ in range(2)] == [5, 6]


def test_fresh_instances_begin_so_too() -> None:
    with pywasmgk.load(COUNTER) as plugin:
        plugin.call("next")
        data = plugin.snapshot(b"key")
    options = {"snapshot": data, "snapshot_key": b"key", "restart_on_trap": True}
    with pywasmgk.load(COUNTER, **options) as again:
        assert [again.call("next") for _ in range(2)] == [3, 4]
        with pytest.raises(CallError):
            again.call("crash")
        assert again.call("next") == 3
        assert again.restarts == 1


def test_a_go_plugin_pays_its_start_once() -> None:
    host = MemoryHost()
    host.connection.executescript("CREATE TABLE score (name, value)")
    module = pywasmgk.Module.from_file(GO)
    with pywasmgk.load(module) as plugin:
        plugin.init(host)
        expected = plugin.call("report", {})
        data = plugin.snapshot()
    with pywasmgk.load(module, snapshot=data, fuel=200_000) as again:
        again.init(host, replace=True)
        assert again.call("report", {}) == expected
        assert again.snapshot() != data
    # starting takes more than that
    with pytest.raises(CallError, match="fuel"):
        pywasmgk.load(module, fuel=200_000)


@pytest.mark.parametrize(
    ("change", "key", "why"),
    [
        (lambda data: data[:-1] + b"\0", None, "changed"),
        (lambda data: b"x" + data, None, "bytes"),
        (lambda data: data, b"key", "key"),
    ],
)
def test_what_is_no_snapshot_of_it_is_refused(change: object, key: object, why: str) -> None:
    with pywasmgk.load(COUNTER) as plugin:
        data = plugin.snapshot()
    with pytest.raises(PluginError, match=f"begin with a snapshot: .*{why}") as error:
        pywasmgk.load(COUNTER, snapshot=change(data), snapshot_key=key)  # type: ignore[operator]
    assert isinstance(error.value.__cause__, SuspensionError)


def test_a_snapshot_of_another_plugin_is_refused() -> None:
    with pywasmgk.load(COUNTER) as plugin:
        data = plugin.snapshot()
    with pytest.raises(PluginError, match="another module"):
        pywasmgk.load(examples.read("hello"), snapshot=data)


def test_no_snapshot_of_one_that_is_held() -> None:
    with pywasmgk.load(COUNTER) as plugin, plugin.start("next"):
        with pytest.raises(pywasmgk.Busy):
            plugin.snapshot()
