"""Threads, re-entrancy, and plugins that call each other (contract 1.12, design "Depth")."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from plugin_guests import LOOP, ask, asker, guest, question, quick
from processor import patiently

from pywasmgk.errors import CallError, CallTimeout, PluginError
from pywasmgk.plugin import CallContext, HostAPI, MemoryHost, Plugin
from pywasmgk.plugin.lock import Turns
from pywasmgk.wasm.runtime.metering import CancelToken

case = pytest.mark.case


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Runs jobs in threads; gives their results, exceptions too. A hang fails."""
    results: list[Any] = [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        try:
            results[number] = job()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=item, daemon=True) for item in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return results


def asking(target: str, function: str = "call", request: Any = None) -> dict[str, Any]:
    """The request of a plugin_call."""
    return {"plugin": target, "function": function, "args": request}


class Nesting(MemoryHost):
    """A host that passes bytes on as they are, so that askers can ask each other."""

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        return super().call_plugin(ctx, plugin, "call", self.scripts.get(plugin))

    scripts: dict[str, bytes] = {}


def linked(script: dict[str, bytes], host_class: type[Nesting] = Nesting) -> Nesting:
    """A host with askers by name; each, when it is called by another, asks what the script says."""
    host = host_class()
    host.scripts = script
    for name in script:
        host.add_plugin(quick(asker(name)))
    return host


# -- re-entrancy and cycles


@case("E35", "W03")
def test_a_calls_a() -> None:
    host = linked({"a": question("org_id")})
    assert ask(host.plugins["a"], "plugin_call", asking("a")) is None
    assert host.logs[-1].message == "host_call plugin_call failed: plugin call cycle: a -> a"
    assert ask(host.plugins["a"], "org_id") == b"0"


@case("E35", "W03")
def test_a_calls_b_calls_a() -> None:
    host = linked({"a": b"", "b": question("plugin_call", asking("a"))})
    # b's call ends normally, with no result
    assert ask(host.plugins["a"], "plugin_call", asking("b")) is None
    assert [line.message for line in host.logs] == [
        "host_call plugin_call failed: plugin call cycle: a -> b -> a"
    ]
    assert host.logs[0].fields == {"caller": "b"}


@case("W03")
def test_a_cycle_under_another_name() -> None:
    host = linked({"a": question("org_id")})
    host.plugins["alias"] = host.plugins["a"]
    host.scripts["alias"] = question("org_id")
    assert ask(host.plugins["a"], "plugin_call", asking("alias")) is None
    assert host.logs[-1].message == (
        "host_call plugin_call failed: plugin 'a' is called from within its own call"
    )


class Meeting(Nesting):
    """Both plugins are inside their calls before one calls the other."""

    def __init__(self) -> None:
        super().__init__()
        self.barrier = threading.Barrier(2)

    def call_plugin(
        self, ctx: CallContext, plugin: str, function: str, args: bytes | None
    ) -> bytes | None:
        self.barrier.wait(10)
        return super().call_plugin(ctx, plugin, function, args)


@case("E35", "W03")
def test_a_calls_b_while_b_calls_a() -> None:
    host = linked({"a": question("org_id"), "b": question("org_id")}, Meeting)
    a, b = host.plugins["a"], host.plugins["b"]
    began = time.monotonic()
    results = together(
        lambda: ask(a, "plugin_call", asking("b")), lambda: ask(b, "plugin_call", asking("a"))
    )
    # one of them is refused, the other gets its answer; nobody waits for the deadline
    assert sorted(results, key=str) == [None, b"0"] or sorted(results, key=str) == [b"0", None]
    assert time.monotonic() - began < 4
    assert len(host.logs) == 1 and host.logs[0].message.endswith("waits for this one: deadlock")


@case("E37")
def test_a_chain_of_eleven_plugins() -> None:
    names = [f"p{number}" for number in range(1, 12)]
    script = {name: question("plugin_call", asking(after)) for name, after in pairwise(names)}
    host = linked({**script, names[-1]: question("org_id")})
    assert ask(host.plugins["p1"], "plugin_call", asking("p2")) is None
    assert [line.message for line in host.logs] == [
        "host_call plugin_call failed: plugin call depth exceeded (max 10): p10 -> p11"
    ]
    assert ask(host.plugins["p2"], "plugin_call", asking("p3")) == b"0"


def test_one_account_for_all_of_a_chain() -> None:
    host = linked({"a": b"", "b": question("org_id")})
    host.add_plugin(quick(guest({"name": "loop"}, call=(*LOOP, "i64.const 0")), fuel=10**9))
    a = quick(asker("a"), fuel=50_000)
    a.init(host, replace=True)
    with pytest.raises(CallError, match=r"^gk_call failed: module closed with fuel exhausted"):
        ask(a, "plugin_call", asking("loop"))
    assert a.last_call is not None and a.last_call.fuel == 50_000
    # both were in the middle of something
    loop = host.plugins["loop"]
    assert ask(a, "plugin_call", asking("b")) == b"0"
    assert (a.restarts, loop.restarts) == (1, 0)

    def restarted(seconds: float) -> None:
        with pytest.raises(CallTimeout):
            loop.call_raw("f", timeout=seconds)
        assert loop.restarts == 1

    # enough for the restart
    patiently(restarted, 0.5)


# -- waiting


def test_waiting_is_bounded() -> None:
    plugin = quick(guest(call=(*LOOP, "i64.const 0")), fuel=None, timeout=60)
    thread = threading.Thread(target=lambda: together(lambda: plugin.call_raw("f")))
    thread.start()
    while plugin._running is None:
        time.sleep(0.001)
    with pytest.raises(CallTimeout, match=r"^plugin 'x' was busy with another call for 0\.02 s$"):
        plugin.call_raw("f", timeout=0.02)
    token = CancelToken()
    timer = threading.Timer(0.02, token.cancel)
    timer.start()
    with pytest.raises(CallError, match=r"^plugin 'x': cancelled while it waited"):
        plugin.call_raw("f", cancel=token)
    plugin.shutdown(force=True)
    thread.join(10)
    timer.join()
    with pytest.raises(PluginError, match="is closed"):
        plugin.call_raw("f")


def test_a_host_function_cannot_shut_its_caller_down() -> None:
    class Closing(HostAPI):
        def org_id(self, ctx: CallContext) -> int:
            plugin.shutdown()
            return 1

        def log(self, ctx: CallContext, level: str, message: str, fields: Any) -> None:
            lines.append(message)

    lines: list[str] = []
    plugin = quick(asker())
    plugin.init(Closing())
    assert ask(plugin, "org_id") is None
    assert lines == ["host_call org_id failed: plugin 'x' is called from within its own call"]
    assert not plugin.closed


def test_turns_find_longer_circles() -> None:
    turns = [Turns(), Turns(), Turns()]
    barrier = threading.Barrier(3)

    def walk(number: int) -> str:
        with turns[number].taken(str(number), 10):
            barrier.wait(10)
            try:
                with turns[(number + 1) % 3].taken(str(number + 1), 10):
                    return "ran"
            except CallError:
                return "refused"

    results = together(*(lambda n=n: walk(n) for n in range(3)))
    assert sorted(results) == ["ran", "ran", "refused"]
    for each in turns:
        assert each.owner is None
        with each.taken("again", 0):
            pass


# -- many threads


def test_fifty_threads_on_one_plugin() -> None:
    plugin = quick(asker(), timeout=30)
    plugin.init(MemoryHost())

    def work(number: int) -> list[bytes | None]:
        return [ask(plugin, "translate", {"key": f"{number}-{turn}"}) for turn in range(4)]

    results = together(*(lambda n=n: work(n) for n in range(50)))
    for number, found in enumerate(results):
        assert found == [b'{"value":"%d-%d"}' % (number, turn) for turn in range(4)]


RECURSE: Sequence[str] = (
    *("local.get 3", "i32.eqz", "if _", "i64.const 0", "return", "end"),
    *("local.get 0", "local.get 1", "local.get 2", "local.get 3", "i32.const 1", "i32.sub"),
    "call $gk_call",
)


def test_eight_threads_with_deep_guests() -> None:
    plugins = [quick(guest(call=RECURSE), timeout=30) for _ in range(8)]

    def work(plugin: Plugin) -> int:
        overflows = 0
        for _ in range(3):
            assert plugin.call_raw("f", bytes(1_900)) is None
            try:
                plugin.call_raw("f", bytes(3_000))
            except CallError as error:
                overflows += "stack overflow" in str(error)
        return overflows

    assert together(*(lambda p=p: work(p) for p in plugins)) == [3] * 8


@case("D17")
def test_one_loops_and_the_other_answers() -> None:
    looping = quick(guest(call=(*LOOP, "i64.const 0")), fuel=None)
    other = quick(guest())

    def answer() -> list[bytes | None]:
        while looping._running is None:
            time.sleep(0.001)
        found = [other.call_raw("f", b"1") for _ in range(5)]
        looping.shutdown(force=True)
        return found

    results = together(lambda: looping.call_raw("f"), answer)
    assert isinstance(results[0], CallError) and "canceled" in str(results[0])
    assert results[1] == [b"1"] * 5


def test_last_call_is_the_threads_own() -> None:
    plugin = quick(guest())
    plugin.call_raw("f", b"1")
    mine = plugin.last_call
    others = together(lambda: plugin.last_call, lambda: (plugin.call_raw("f"), plugin.last_call)[1])
    assert others[0] is None and others[1] is not None
    assert plugin.last_call is mine
