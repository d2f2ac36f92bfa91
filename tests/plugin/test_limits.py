"""Limits and time: group D of the conformance cases (contract 1.10, 1.11, design "Limits")."""

from __future__ import annotations

import dataclasses
import re
import struct
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest
from plugin_guests import (
    BUMP,
    ECHO,
    LOG,
    LOOP,
    Function,
    Import,
    ask,
    asker,
    constant,
    guest,
    question,
    quick,
    say,
    sayer,
)
from processor import least_seconds, patiently
from wasm_builder import body, functype, limits, module

from pywasmgk.errors import (
    CallError,
    CallTimeout,
    Cancelled,
    DeadlineExceeded,
    OutOfFuel,
    PluginClosed,
    PluginError,
    ResultError,
)
from pywasmgk.plugin import CallContext, Limits, MemoryHost, Plugin, load
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.metering import CancelToken

case = pytest.mark.case
ENDLESS = (*LOOP, "i64.const 0")
POLL = Import("wasi_snapshot_preview1", "poll_oneoff", "i32 i32 i32 i32", "i32")
#: grows by as many pages as the function's name has letters, and gives what memory.grow gave
GROW = (
    *("i32.const 512", "local.get 1", "memory.grow", "i32.store 2+0"),
    constant(512, 4),
)


def grown(plugin: Plugin, pages: int) -> int:
    """What memory.grow gave."""
    raw = plugin.call_raw("g" * pages)
    assert raw is not None
    return int(struct.unpack("<i", raw)[0])


# -- memory and tables


@case("D01")
def test_a_minimum_over_the_limit() -> None:
    text = (
        r"^instantiate wasm: section memory: min 257 pages \(16 Mi\) "
        r"over limit of 256 pages \(16 Mi\)$"
    )
    with pytest.raises(PluginError, match=text):
        quick(guest(pages=257))
    with pytest.raises(PluginError, match=r"min 1 pages .* over limit of 0 pages"):
        quick(guest(), memory_limit=0)


@case("D02")
def test_a_minimum_that_is_the_limit() -> None:
    assert quick(guest(pages=256)).name == "x"
    assert quick(guest(pages=1), memory_limit=1).name == "x"


@case("D04")
@pytest.mark.parametrize("maximum", [None, 4, 100, 65536])
def test_growth_to_the_limit_and_no_further(maximum: int | None) -> None:
    plugin = quick(guest(call=GROW, maximum=maximum), memory_limit=4)
    assert [grown(plugin, 3), grown(plugin, 1)] == [1, -1]
    assert plugin.last_call is not None and plugin.last_call.pages == 4


def test_a_declared_maximum_below_the_limit() -> None:
    plugin = quick(guest(call=GROW, maximum=2))
    assert [grown(plugin, 2), grown(plugin, 1), grown(plugin, 1)] == [-1, 1, -1]


@case("D05", "D06")
def test_growth_by_too_much_and_by_nothing() -> None:
    huge = (
        *("i32.const 512", "i32.const -1", "memory.grow", "i32.store 2+0"),
        *("i32.const 516", "i32.const 65536", "memory.grow", "i32.store 2+0"),
        *("i32.const 520", "i32.const 0", "memory.grow", "i32.store 2+0"),
        constant(512, 12),
    )
    raw = quick(guest(call=huge, pages=3)).call_raw("f")
    assert raw is not None and struct.unpack("<iii", raw) == (-1, -1, 3)


def test_tables() -> None:
    table = module(
        types=[functype()], functions=[0], tables=[b"\x70" + limits(1_001)], bodies=[body("")]
    )
    with pytest.raises(PluginError, match="tables: 1001 elements over limit of 1000 elements"):
        quick(table, table_limit=1_000)
    with pytest.raises(PluginError, match="plugin missing gk_register export"):
        quick(table)


def test_locals() -> None:
    few = guest(call=("i64.const 0",))
    assert quick(few, locals_limit=2).name == "x"
    with pytest.raises(PluginError, match="too many locals: 2, at most 1"):
        quick(few, locals_limit=1)
    with pytest.raises(PluginError, match="too many locals: 2, at most 1"):
        quick(Module(few), locals_limit=1)


# -- the options themselves


@case("D07")
@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"memory_limit": 65537}, ValueError),
        ({"memory_limit": -1}, ValueError),
        ({"memory_limit": True}, TypeError),
        ({"memory_limit": None}, TypeError),
        ({"memory_limit": 1.5}, TypeError),
        ({"fuel": -1}, ValueError),
        ({"fuel": 1.0}, TypeError),
        ({"timeout": "1s"}, TypeError),
        ({"timeout": float("nan")}, TypeError),
        ({"table_limit": -1}, ValueError),
        ({"depth_limit": -1}, ValueError),
        ({"locals_limit": 50_001}, ValueError),
        ({"json_depth": 10_001}, ValueError),
        ({"log_messages": -1}, ValueError),
        ({"host_call_bytes": None}, TypeError),
    ],
)
def test_limits_that_make_no_sense(wrong: dict[str, Any], kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^{next(iter(wrong))} must"):
        quick(guest(), **wrong)
    with pytest.raises(kind):
        Limits(**wrong)


@case("D07")
@pytest.mark.parametrize("timeout", [None, 0, -1, -0.5, float("inf")])
def test_no_deadline(timeout: float | None) -> None:
    plugin = quick(guest(call=ENDLESS), timeout=timeout, fuel=20_000)
    with pytest.raises(CallError, match="fuel exhausted"):
        plugin.call_raw("f")
    assert quick(asker(), timeout=timeout).call_raw("call", question("a")) is None


def test_limits_are_frozen_and_given_in_two_ways() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().fuel = 1  # type: ignore[misc]
    plugin = quick(guest(), limits=Limits(fuel=500, memory_limit=9), memory_limit=3)
    assert plugin.limits == Limits(fuel=500, memory_limit=3, timeout=5.0)


def test_old_names_work_with_a_warning() -> None:
    with pytest.warns(DeprecationWarning, match=r"^call_timeout= is timeout= now$"):
        plugin = load(guest(), call_timeout=3.0)
    with pytest.warns(DeprecationWarning, match=r"^call_timeout= is timeout= now$"):
        limits = Limits(call_timeout=3.0)  # type: ignore[call-arg]
    assert plugin.limits == limits == Limits(timeout=3.0)
    with pytest.warns(DeprecationWarning, match=r"^call_timeout is timeout now$"):
        assert limits.call_timeout == 3.0
    with pytest.warns(DeprecationWarning):
        assert dataclasses.replace(limits, call_timeout=4.0).timeout == 4.0  # type: ignore[call-arg]


# -- stops


@case("D08", "W01")
def test_an_endless_loop_meets_the_deadline() -> None:
    plugin = quick(guest(call=ENDLESS), timeout=0.05)
    began = time.monotonic()
    text = "^gk_call failed: module closed with context deadline exceeded: gave up after 0.05 s"
    with pytest.raises(CallTimeout, match=text) as caught:
        plugin.call_raw("f", b"1")
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value.cause, DeadlineExceeded)
    assert caught.value.__cause__ is caught.value.cause
    assert time.monotonic() - began < 5


@case("D08", "D10")
@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"call": ENDLESS}, "^gk_call failed: module closed with fuel exhausted: all 3,000 "),
        (
            {"malloc": (*LOOP, "i32.const 0")},
            "^failed to allocate memory for function name: gk_malloc: module closed with fuel",
        ),
        ({"free": LOOP}, "^gk_free failed: module closed with fuel exhausted"),
    ],
)
@pytest.mark.parametrize("limit", [{"fuel": 3_000}, {"timeout": 0.03}])
def test_stops_wherever_the_guest_runs(
    parts: dict[str, Sequence[str]], text: str, limit: dict[str, Any]
) -> None:
    kind = OutOfFuel if "fuel" in limit else DeadlineExceeded
    if kind is DeadlineExceeded:
        text = text.replace("fuel exhausted: all 3,000 ", "context").partition("fuel")[0]

    def stop(seconds: float) -> None:
        limits = limit if kind is OutOfFuel else {"timeout": seconds}
        with pytest.raises(CallError, match=text) as caught:
            quick(guest(**parts), **limits).call_raw("f", b"1")
        assert isinstance(caught.value.cause, kind)
        assert isinstance(caught.value, CallTimeout) == (kind is DeadlineExceeded)

    patiently(stop, limit.get("timeout", 0.0))


def test_a_stop_in_malloc_for_a_host_calls_answer() -> None:
    # the first two buffers are the host's for the call itself
    malloc = (
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("global.get $count", "i32.const 3", "i32.eq", "if _", *LOOP, "end"),
        *BUMP,
    )
    plugin = quick(asker(malloc=malloc), fuel=20_000)
    host = MemoryHost()
    plugin.init(host)
    with pytest.raises(CallError, match=r"^gk_call failed: module closed with fuel exhausted"):
        ask(plugin, "org_id")
    assert host.logs == []
    # a fresh instance counts anew, and stops again
    with pytest.raises(CallError, match="fuel exhausted"):
        ask(plugin, "org_id")
    assert plugin.restarts == 1


BULK = (
    *("loop _", "i32.const 0", "i32.const 0", "i32.const 4194304", "memory.fill", "br 0", "end"),
    "i64.const 0",
)


@pytest.mark.parametrize("limit", [{"fuel": 50_000_000}, {"fuel": None, "timeout": 0.05}])
def test_stops_between_bulk_operations(limit: dict[str, Any]) -> None:
    with pytest.raises(CallError, match="module closed with"):
        quick(guest(pages=65, call=BULK), **limit).call_raw("f")


def test_a_sleep_ends_with_the_deadline() -> None:
    # one subscription to the monotonic clock, an hour from now
    subscription = struct.pack("<QB7xI4xQQH6x", 1, 0, 1, 3600 * 10**9, 0, 0)
    sleeping = (
        *("local.get 2", "i32.const 512", "i32.const 1", "i32.const 600", "call $poll_oneoff"),
        *("drop", "i64.const 0"),
    )
    plugin = quick(guest(imports=[POLL], call=sleeping), timeout=0.05)
    with pytest.raises(CallTimeout):
        plugin.call_raw("f", subscription)
    token = CancelToken()
    timer = threading.Timer(0.02, token.cancel)
    timer.start()
    with pytest.raises(CallError, match="context canceled"):
        quick(guest(imports=[POLL], call=sleeping)).call_raw("f", subscription, cancel=token)
    timer.join()


def test_timeout_and_fuel_of_one_call_only_shorten() -> None:
    plugin = quick(guest(call=ENDLESS), fuel=5_000)
    for fuel, used in ((100, 100), (10**12, 5_000), (None, 5_000)):
        with pytest.raises(CallError):
            plugin.call_raw("f", fuel=fuel)
        assert plugin.last_call is not None and plugin.last_call.fuel == used
    plugin = quick(guest(call=ENDLESS), timeout=0.05, fuel=None)
    with pytest.raises(CallTimeout, match=r"gave up after 0\.05 s"):
        plugin.call_raw("f", timeout=60)
    with pytest.raises(CallTimeout, match=r"gave up after 0\.01 s"):
        plugin.call_raw("f", timeout=0.01)


# -- afterwards

#: counts, and loops for ever if it is given arguments
COUNTING = (
    *("local.get 3", "if _", *LOOP, "end"),
    *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
    *("i32.const 512", "global.get $count", "i32.const 48", "i32.add", "i32.store8 0+0"),
    constant(512, 1),
)


@case("D11")
def test_a_fresh_instance_after_a_stop() -> None:
    plugin = quick(guest(call=COUNTING), fuel=5_000)
    host = MemoryHost()
    plugin.init(host)
    assert [plugin.call("f"), plugin.call("f")] == [1, 2]
    with pytest.raises(CallError):
        plugin.call("f", "loop")
    assert plugin.restarts == 0
    assert plugin.call("f") == 1
    assert plugin.restarts == 1
    assert plugin.last_call is not None and plugin.last_call.restarted
    level, message, fields = host.logs[-1]
    assert (level, fields) == ("warn", {"plugin": "x"})
    assert message.startswith("plugin restarted: module closed with fuel exhausted: all 5,000 ")
    assert plugin.call("f") == 2 and not plugin.last_call.restarted


@case("D11")
def test_closed_after_a_stop() -> None:
    plugin = quick(guest(call=COUNTING), timeout=0.02, restart=False)
    with pytest.raises(CallTimeout):
        plugin.call("f", "loop")
    for _ in range(2):
        with pytest.raises(PluginClosed, match="closed: module closed with context deadline exc"):
            plugin.call("f")


def test_a_restart_that_fails_is_tried_again() -> None:
    # registers only while its environment, the fuel, allows
    plugin = quick(guest(call=COUNTING), fuel=3_000)
    with pytest.raises(CallError):
        plugin.call("f", "loop")
    limits = plugin.options.limits
    object.__setattr__(limits, "fuel", 0)
    for _ in range(2):
        with pytest.raises(CallError, match=r"^gk_register failed: module closed with fuel"):
            plugin.call("f")
    object.__setattr__(limits, "fuel", 3_000)
    assert plugin.call("f") == 1
    assert plugin.restarts == 1


# -- cancelling


@case("D13")
def test_cancelling_from_another_thread() -> None:
    plugin = quick(guest(call=ENDLESS), fuel=None)
    token = CancelToken()
    timer = threading.Timer(0.03, token.cancel)
    timer.start()
    text = "^gk_call failed: module closed with context canceled: cancelled after"
    with pytest.raises(CallError, match=text) as caught:
        plugin.call_raw("f", cancel=token)
    timer.join()
    assert isinstance(caught.value.cause, Cancelled)
    with pytest.raises(CallError, match="context canceled"):
        plugin.call_raw("f", cancel=token)


class Interrupting(MemoryHost):
    """A host in whose midst Ctrl-C is pressed."""

    def org_id(self, ctx: CallContext) -> int:
        raise KeyboardInterrupt


@pytest.mark.parametrize("restart", [True, False])
def test_an_interruption(restart: bool) -> None:
    plugin = quick(asker(), restart=restart)
    plugin.init(Interrupting())
    with pytest.raises(KeyboardInterrupt):
        ask(plugin, "org_id")
    if restart:
        assert ask(plugin, "translate", {"key": "a"}) == b'{"value":"a"}'
        assert plugin.restarts == 1
    else:
        with pytest.raises(PluginClosed, match=r"closed: KeyboardInterrupt$"):
            ask(plugin, "org_id")


def test_shutdown_by_force() -> None:
    plugin = quick(guest(call=ENDLESS), fuel=None)
    errors: list[BaseException] = []

    def call() -> None:
        try:
            plugin.call_raw("f")
        except PluginError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    while plugin._running is None:
        time.sleep(0.001)
    with pytest.raises(CallTimeout):
        plugin.shutdown(timeout=0.01)
    plugin.shutdown(force=True)
    thread.join(10)
    assert plugin.closed and len(errors) == 1
    assert "context canceled" in str(errors[0])


class Sleeper(MemoryHost):
    """A host whose clock runs while it works."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[float | None] = []
        self.woken = False

    def org_id(self, ctx: CallContext) -> int:
        self.left.append(ctx.seconds_left())
        ctx.sleep(60)
        self.woken = True
        return 1

    def translate(self, ctx: CallContext, key: str, args: Sequence[Any]) -> str:
        time.sleep(0.06)
        assert ctx.seconds_left() == 0 and ctx.must_end()
        return "late"


@case("D14")
def test_host_functions_see_the_deadline() -> None:
    text = r"^gk_call failed: module closed with context deadline"

    def look(seconds: float) -> None:
        plugin, host = quick(asker()), Sleeper()
        plugin.init(host)
        with pytest.raises(CallTimeout, match=text):
            plugin.call_raw("call", question("org_id"), timeout=seconds)
        assert len(host.left) == 1 and 0 < host.left[0] <= seconds  # type: ignore[operator]
        assert not host.woken

    patiently(look, 0.05)
    # one that does not look is followed by the guest's end
    plugin = quick(asker(), timeout=0.05)
    plugin.init(Sleeper())
    with pytest.raises(CallTimeout):
        ask(plugin, "translate", {"key": "a"})


def test_sql_ends_with_the_deadline() -> None:
    plugin = quick(asker())
    plugin.init(MemoryHost())
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with pytest.raises(CallTimeout):
        plugin.call_raw("call", question("db_query", {"query": endless}), timeout=0.05)
    assert ask(plugin, "db_query", {"query": "SELECT 1 AS a"}) == b'[{"a":1}]'


def test_a_context_without_a_call() -> None:
    context = CallContext()
    assert context.seconds_left() is None and context.cancel is None and not context.must_end()
    context.sleep(0)
    context.check()


# -- depth

#: calls itself as often as it has arguments
RECURSE = (
    *("local.get 3", "i32.eqz", "if _", "i64.const 0", "return", "end"),
    *("local.get 0", "local.get 1", "local.get 2", "local.get 3", "i32.const 1", "i32.sub"),
    "call $gk_call",
)


@case("D16")
def test_recursion() -> None:
    plugin = quick(guest(call=RECURSE))
    assert plugin.call_raw("f", bytes(1_000)) is None
    with pytest.raises(CallError, match=r"^gk_call failed: wasm error: stack overflow"):
        plugin.call_raw("f", bytes(5_000))
    assert plugin.call_raw("f", bytes(1_000)) is None
    shallow = quick(guest(call=RECURSE), depth_limit=50)
    with pytest.raises(CallError, match="stack overflow"):
        shallow.call_raw("f", bytes(60))
    assert shallow.call_raw("f", bytes(40)) is None


# -- the log


@case("W50")
def test_the_volume_of_the_log_import() -> None:
    flood = (
        *("loop _", "i32.const 1", "i32.const 0", "local.get 1", "call $log"),
        *("global.get $count", "i32.const 1", "i32.add", "global.set $count"),
        *("global.get $count", "i32.const 500", "i32.lt_u", "br_if 0", "end", "i64.const 0"),
    )
    full = "log limit reached (7 messages, 1048576 bytes a call): the rest is dropped"
    plugin = quick(guest(imports=[LOG], call=flood), log_messages=7)
    host = MemoryHost()
    plugin.init(host)
    plugin.call_raw("f")
    assert [line.level for line in host.logs] == ["info"] * 7 + ["warn"]
    assert host.logs[-1] == ("warn", full, {"plugin": "x"})
    # the next call has the whole volume again
    plugin.call_raw("f")
    assert len(host.logs) == 9 and host.logs[8].level == "info"


@case("W50")
def test_the_bytes_of_the_log_import() -> None:
    plugin = quick(sayer(), log_bytes=10)
    host = MemoryHost()
    plugin.init(host)
    say(plugin, 1, b"0123456789")
    say(plugin, 1, b"0123456789a")
    say(plugin, 1, b"")
    assert [line.message for line in host.logs] == [
        "0123456789",
        "log limit reached (1000 messages, 10 bytes a call): the rest is dropped",
        "",
    ]


@case("W50")
def test_failing_host_calls_and_the_log_function_count_too() -> None:
    for name, request in (("nope" * 10, {}), ("log", {"message": "m", "fields": {"a": "b" * 60}})):
        plugin = quick(asker(), log_bytes=50)
        host = MemoryHost()
        plugin.init(host)
        ask(plugin, name, request)
        assert [line.message[:17] for line in host.logs] == ["log limit reached"]


# -- sizes


def test_bytes_of_a_host_call() -> None:
    plugin = quick(asker(), host_call_bytes=100)
    host = MemoryHost(config={"long": "v" * 100, "short": "v"})
    plugin.init(host)
    assert ask(plugin, "config_get", {"key": "short"}) == b'{"value":"v"}'
    assert ask(plugin, "config_get", {"key": "k" * 100}) is None
    assert ask(plugin, "config_get", {"key": "long"}) is None
    messages = [line.message for line in host.logs]
    assert messages == [
        "host_call config_get failed: a request of 121 bytes; 100 are allowed",
        "host_call config_get failed: a response of 112 bytes; 100 are allowed",
    ]


def test_size_and_depth_of_json() -> None:
    with pytest.raises(PluginError, match="parse manifest: a text of 33 bytes; 32 are allowed"):
        quick(guest(b'{"name": "x", "version": "1.0.0"}'), json_bytes=32)
    with pytest.raises(PluginError, match="parse manifest: exceeded max depth"):
        quick(guest(b'{"name": "x", "y": [[[]]]}'), json_depth=3)
    plugin = quick(asker(), json_bytes=64, json_depth=3)
    host = MemoryHost()
    plugin.init(host)
    assert ask(plugin, "translate", {"key": "k" * 60}) is None
    assert ask(plugin, "translate", {"key": "k", "args": [[[1]]]}) is None
    assert ask(plugin, "translate", {"key": "k", "args": [[1]]}) == b'{"value":"k"}'
    assert "a text of 71 bytes; 64 are allowed" in host.logs[0].message
    assert "exceeded max depth" in host.logs[1].message
    few = quick(asker(), json_values=4)
    few.init(host, name="few")
    assert ask(few, "translate", {"key": "a,b,c[{[{", "args": [1, 2]}) == b'{"value":"a,b,c[{[{"}'
    assert ask(few, "translate", {"key": "k", "args": [1, 2, 3]}) is None
    assert "a text of 5 values; 4 are allowed" in host.logs[2].message
    echo = quick(guest(call=ECHO), json_bytes=64)
    assert echo.call_raw("f", b"1" * 65) == b"1" * 65
    with pytest.raises(ResultError, match="a text of 65 bytes"):
        echo.call("f", "1" * 63)


# -- one account for all of a call

#: 100 million instructions, which some tier may foresee
SPIN = (
    *("i32.const 20000000", "local.set 0", "loop _", "local.get 0", "i32.const 1", "i32.sub"),
    *("local.tee 0", "br_if 0", "end"),
)
#: goes through all numbers of 32 bits, in an order that nobody foresees: far more than these limits
#: allow, however fast it is run
ALL_NUMBERS = (
    *("i32.const 1013904223", "local.set 0", "loop _", "local.get 0", "i32.const 1664525"),
    *("i32.mul", "i32.const 1013904223", "i32.add", "local.tee 0", "br_if 0", "end"),
)


def slow(where: str, spin: Sequence[str] = SPIN) -> bytes:
    """A plugin that takes long when it is loaded."""
    names = {"start": "go", "_start": "_start", "_initialize": "_initialize"}
    if where == "gk_register":
        size = len(b'{"name": "x", "version": "1.0.0"}')
        register = Function("", "i64", (*spin, constant(1024, size)), "i32")
        return guest(functions={"gk_register": register})
    name = names[where]
    function = Function("", "", tuple(spin), "i32")
    return guest(functions={name: function}, start="$go" if where == "start" else None)


@pytest.mark.parametrize("where", ["start", "_start", "_initialize", "gk_register"])
@pytest.mark.parametrize("limit", [{"timeout": 0.5}, {"fuel": 1_000_000}])
def test_loading_has_one_account(where: str, limit: dict[str, Any]) -> None:
    data = slow(where, ALL_NUMBERS)

    def loading() -> None:
        with pytest.raises(CallError, match=r"deadline exceeded|fuel exhausted"):
            load(data, **{"timeout": 5.0, **limit})

    assert least_seconds(loading, enough=2) < 2


@pytest.mark.parametrize("where", ["start", "_start", "gk_register"])
def test_a_restart_is_on_the_account_of_its_call(where: str) -> None:
    plugin = quick(slow(where), timeout=60, fuel=None)
    assert plugin._guest is not None
    plugin._guest.ended = "for the test"
    for limit, kind in (({"timeout": 0.1}, CallTimeout), ({"fuel": 100_000}, CallError)):

        def restarting() -> None:
            with pytest.raises(kind):  # noqa: B023
                plugin.call_raw("f", b"1", **limit)  # type: ignore[arg-type]  # noqa: B023

        assert least_seconds(restarting, enough=1) < 1
    assert plugin.restarts == 0


def test_the_fuel_of_a_restart_is_spent() -> None:
    plugin = quick(guest(call=COUNTING), fuel=5_000)
    with pytest.raises(CallError):
        plugin.call("f", "loop")
    plugin.call("f")
    assert plugin.last_call is not None and plugin.last_call.restarted
    first = plugin.last_call.fuel
    plugin.call("f")
    assert first > plugin.last_call.fuel


def test_waiting_is_a_part_of_the_time() -> None:
    def attempt(seconds: float) -> None:
        plugin = quick(guest(call=ENDLESS), fuel=None, timeout=60)
        token, waited = CancelToken(), threading.Event()

        def hold() -> None:
            with pytest.raises(CallError, match="context canceled"):
                plugin.call_raw("f", cancel=token)

        def let_go() -> None:
            while not plugin._turns._waiters and not waited.wait(0.001):
                pass
            waited.wait(0.6 * seconds)
            token.cancel()

        threads = [threading.Thread(target=hold), threading.Thread(target=let_go)]
        threads[0].start()
        while plugin._running is None:
            time.sleep(0.001)
        threads[1].start()
        try:
            # the call itself has what waiting has left
            with pytest.raises(CallTimeout, match="gave up after") as caught:
                plugin.call_raw("f", timeout=seconds)
        finally:
            waited.set()
            for thread in threads:
                thread.join()
        left = re.search(r"gave up after ([\d.e-]+) s", str(caught.value))
        assert left is not None and float(left[1]) <= 0.4 * seconds

    patiently(attempt, 0.5)


def test_loading_is_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CallError, match="context canceled"):
        load(slow("gk_register"), cancel=token)

    def loading() -> None:
        token = CancelToken()
        timer = threading.Timer(0.2, token.cancel)
        timer.start()
        with pytest.raises(CallError, match="context canceled"):
            load(slow("_start"), cancel=token, fuel=None)
        timer.join()

    assert least_seconds(loading, enough=2) < 2


@pytest.mark.parametrize("text", ["1" * 200_000, "1." * 100_000, "1h" * 100_000, "." * 200_000])
def test_durations_are_not_read_for_ever(text: str) -> None:
    manifest = {"name": "x", "version": "1", "resources": {"call_timeout": text}}
    pages = 8
    data = guest(manifest, pages=pages)
    assert least_seconds(lambda: quick(data), enough=1) < 1
    plugin = quick(data)
    assert "resources.call_timeout is ignored: a duration of 200,000 chara" in plugin.warnings[0]


def test_old_names_are_warned_of_where_they_are_used() -> None:
    with pytest.warns(DeprecationWarning) as caught:
        load(guest(), call_timeout=1.0)
        Limits(call_timeout=2.0)
        Limits().call_timeout  # noqa: B018
    assert [warning.filename for warning in caught] == [__file__] * 3
