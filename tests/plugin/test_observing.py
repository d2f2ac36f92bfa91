"""What a host has around its plugins' calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from plugin_guests import ask, asker, question
from transaction_guest import transactor

from pywasmgk.errors import CallError, CallTimeout
from pywasmgk.plugin import CallContext, CallObserver, MemoryHost, load


class Watcher(CallObserver):
    """Notes what begins and how it ends."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def _around(self, what: str) -> Iterator[None]:
        self.seen.append(f"begin {what}")
        try:
            yield
        except BaseException as error:
            self.seen.append(f"{type(error).__name__} ends {what}")
            raise
        self.seen.append(f"end {what}")

    @contextmanager
    def plugin_call(self, ctx: CallContext, function: str) -> Iterator[None]:
        assert ctx.meter is not None
        with self._around(f"{ctx.caller}.{function}"):
            yield

    @contextmanager
    def host_call(self, ctx: CallContext, name: str) -> Iterator[None]:
        with self._around(name):
            yield


@pytest.fixture
def watched() -> MemoryHost:
    host = MemoryHost()
    host.observer = Watcher()
    return host


def seen(host: MemoryHost) -> list[str]:
    assert isinstance(host.observer, Watcher)
    found, host.observer.seen = host.observer.seen, []
    return found


def test_calls_and_host_calls_are_surrounded(watched: MemoryHost) -> None:
    with load(transactor()) as plugin:
        watched.add_plugin(plugin)
        assert seen(watched) == []
        ask(plugin, "org_id")
        assert seen(watched) == ["begin x.call", "begin org_id", "end org_id", "end x.call"]
        ask(plugin, "nothing")
        failed = "HostFunctionError ends nothing"
        assert seen(watched) == ["begin x.call", "begin nothing", failed, "end x.call"]


def test_an_end_is_told_whatever_it_is(watched: MemoryHost) -> None:
    with load(transactor()) as plugin:
        watched.add_plugin(plugin)
        with pytest.raises(CallError):
            plugin.call_raw("traps", question("org_id"))
        assert seen(watched)[-1] == "CallError ends x.traps"
        with pytest.raises(CallTimeout):
            plugin.call_raw("forever", question("org_id"), timeout=0.2)
        assert seen(watched)[-1] == "CallTimeout ends x.forever"
        # the next call has a fresh instance
        ask(plugin, "org_id")
        assert seen(watched)[0] == "begin x.call"
        assert plugin.restarts == 1


def test_calls_of_plugins_by_plugins_are_within(watched: MemoryHost) -> None:
    with load(asker("a")) as outer, load(asker("b")) as inner:
        watched.add_plugin(outer)
        watched.add_plugin(inner)
        request = {"plugin": "b", "function": "echo"}
        ask(outer, "plugin_call", request)
        assert seen(watched)[:3] == ["begin a.call", "begin plugin_call", "begin b.echo"]


def test_what_it_raises_ends_the_call(watched: MemoryHost) -> None:
    class Refusing(CallObserver):
        @contextmanager
        def plugin_call(self, ctx: CallContext, function: str) -> Iterator[None]:
            yield
            raise CallError("not kept")

    watched.observer = Refusing()
    with load(asker()) as plugin:
        watched.add_plugin(plugin)
        with pytest.raises(CallError, match="not kept"):
            ask(plugin, "org_id")
        assert plugin.restarts == 0


def test_by_default_nothing_is_around() -> None:
    host = MemoryHost()
    host.observer = CallObserver()
    with load(asker()) as plugin:
        host.add_plugin(plugin)
        assert ask(plugin, "org_id") == b"0"
