"""A pool answers as a plugin does, and no call is lost or made twice, whatever ends its workers."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from plugin_guests import COUNTER, EXIT, LOG, LOOP, RELAY, SAY, asker, guest, question

import pywasmgk
from pywasmgk import (
    CallError,
    CallTimeout,
    CancelToken,
    MemoryHost,
    PluginClosed,
    PluginError,
    PluginRecipe,
    acting,
    errors,
    examples,
)
from pywasmgk.errors import PoolBusy, WorkerLost
from pywasmgk.platform import Permission, PluginManager, Policies, Policy
from pywasmgk.plugin import PluginLike
from pywasmgk.pool import PluginPool

HELLO = examples.read("hello")
SPIN = guest(call=(*LOOP, "unreachable"))
DOING = "workers:Doing"
EXECUTORS = ["processes", "threads"]


def until(condition: Callable[[], object]) -> None:
    """Waits for what will be so soon."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come to be so"
        time.sleep(0.01)


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def doing(notes: Path | None = None, **options: Any) -> PluginRecipe:
    arguments = {} if notes is None else {"notes": str(notes)}
    return PluginRecipe.of(RELAY, host=DOING, arguments=arguments, **options)


# -- the same as a plugin


def timeless(text: object) -> str:
    """A text without what a clock has said."""
    return re.sub(r"[\d.]+ s\b", "... s", str(text))


class Logging(MemoryHost):
    """Keeps what is logged, without tracebacks."""

    def __init__(self) -> None:
        super().__init__(config={"a": "b"})
        self.lines: list[Any] = []

        @self.function
        def sum(caller: pywasmgk.CallContext, a: int, b: int) -> list[Any]:
            assert caller.meter is not None
            caller.meter.charge(1000)
            return [a + b, caller.caller, caller.chain, caller.org_id]

        @self.function
        def fail() -> None:
            raise ZeroDivisionError("in the host")

        @self.function
        def late(caller: pywasmgk.CallContext) -> None:
            caller.sleep(60)

    def log(self, ctx: pywasmgk.CallContext, level: str, message: str, fields: Any) -> None:
        fields = {name: fields[name] for name in fields if name != "traceback"}
        self.lines.append((level, timeless(message), fields, ctx.chain))


def outcome(call: Callable[[], Any]) -> Any:
    """A result, or all that can be told of an error."""
    try:
        return call()
    except pywasmgk.PywasmgkError as error:
        cause = getattr(error, "cause", None)
        texts = map(timeless, (error, cause))
        told = [type(error), type(cause), *texts, type(error.__cause__)]
        return [*told, getattr(cause, "frames", None), getattr(cause, "fuel_used", None)]


#: modules, and calls of each
CASES: dict[str, tuple[bytes | str, list[tuple[str, bytes | None]]]] = {
    "hello": (HELLO, [("hello", b'{"name":"Ada"}'), ("no_such", None), ("hello", b"{")]),
    "echo": (guest(), [("f", b'"x"'), ("f", None), ("", b"1"), ("f", bytes(300_000))]),
    "counter": (
        pywasmgk.Module(COUNTER).data,
        [("a", None), ("b", b""), ("traps", b""), ("c", None)],
    ),
    "trap": (guest(call=("unreachable",)), [("f", None), ("f", b"1")]),
    "exit": (
        guest(
            imports=[EXIT],
            call=("i32.const 3", "call $proc_exit", "unreachable"),
        ),
        [("f", None), ("f", None)],
    ),
    "fuel": (SPIN, [("f", None), ("f", None)]),
    "log": (guest(imports=[LOG], call=SAY), [("f", b"\1\0\0\0hi"), ("f", b"\3\0\0\0\xff")]),
    "asks": (
        asker(),
        [
            ("call", question("sum", {"a": 1, "b": 2})),
            ("call", question("fail", {})),
            ("call", question("last_error", {})),
            ("raw", question("no_such", {})),
            ("call", question("sum", {"a": "x"})),
            ("call", question("config_get", {"key": "a"})),
            ("call", question("log", {"level": "warn", "message": "m", "fields": {"k": 1}})),
            ("call", question("db_query", {"query": "SELECT 1 AS one", "args": []})),
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_answers_as_a_plugin_does(case: str, executor: str) -> None:
    data, calls = CASES[case]
    options: dict[str, Any] = {"fuel": 100_000, "engine": "interpreter"}
    found: list[Any] = []
    for made in (pywasmgk.load(data, **options), PluginPool(data, 1, executor, **options)):
        host = Logging()
        with made as plugin, acting(org_id=9):
            assert isinstance(plugin, PluginLike)
            plugin.init(host)
            each = []
            for function, args in calls:
                each.append(outcome(lambda f=function, a=args: plugin.call_raw(f, a)))
                last = plugin.last_call
                assert last is not None
                each.append((last.fuel, last.pages, last.host_calls, last.restarted))
            each += [plugin.registration, plugin.fingerprint, plugin.limits, plugin.identity]
            found.append((each, host.lines))
        assert plugin.closed
    assert found[0] == found[1]


def test_json_is_as_a_plugins(executor: str) -> None:
    with PluginPool(HELLO, 2, executor) as pool:
        assert pool.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
        assert asyncio.run(pool.call_async("hello", {"name": "Bo"})) == {"message": "Hello, Bo!"}
    with PluginPool(guest(), 1, executor) as pool, pytest.raises(errors.ResultError) as caught:
        pool.call_raw("f", b"no JSON")
        pool._decoded("f", b"no JSON")
    assert caught.value.raw == b"no JSON"


@pytest.mark.parametrize("data", [b"", guest(omit=["gk_call"]), guest({"name": 1})])
def test_loading_fails_as_a_plugins(data: bytes, executor: str) -> None:
    plain = outcome(lambda: pywasmgk.load(data))
    assert outcome(lambda: PluginPool(data, 2, executor)) == plain


def test_what_makes_no_pool() -> None:
    for wrong in ({"size": 0}, {"executor": "fibres"}, {"start_method": "fork"}):
        with pytest.raises(ValueError, match="must be"):
            PluginPool(HELLO, **wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="fuel"):
        PluginPool(PluginRecipe.of(HELLO), fuel=1)


def test_it_begins_with_a_snapshot(executor: str) -> None:
    with pywasmgk.load(COUNTER) as plugin:
        plugin.call("next")
        data = plugin.snapshot(b"key")
    options = {"snapshot": data, "snapshot_key": b"key"}
    with PluginPool(COUNTER, 1, executor, **options) as pool:
        assert [pool.call("next") for _ in range(2)] == [3, 4]


def test_a_host_is_made_in_each_worker() -> None:
    with PluginPool(doing(), 2) as pool, ThreadPoolExecutor(4) as threads:
        pids = {*threads.map(lambda _: pool.call("pid"), range(50))}
        assert os.getpid() not in pids
        assert len(pids) <= 2
        with acting(language="de", org_id=7, user_id=8):
            assert pool.call("who", {}) == ["de", 7, 8, "relay"]
        with pytest.raises(PluginError, match="by its recipe"):
            pool.init(MemoryHost())


# -- waiting and ending


def test_a_deadline_counts_the_waiting(executor: str) -> None:
    with PluginPool(SPIN, 1, executor, fuel=None, timeout=60) as pool:
        token = CancelToken()
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(pool.call, "f", cancel=token)
            until(lambda: pool.statistics.running)
            with pytest.raises(CallTimeout, match=r"busy with other calls for 0\.05 s"):
                pool.call("f", timeout=0.05)
            with pytest.raises(CallTimeout, match="busy with other calls"):
                asyncio.run(pool.call_async("f", timeout=0.05))
            assert pool.statistics.waiting == 0
            token.cancel()
            with pytest.raises(CallError) as caught:
                first.result(60)
        assert isinstance(caught.value.cause, pywasmgk.Cancelled)
        with pytest.raises(CallTimeout) as late:
            pool.call("f", timeout=0.1)
        assert isinstance(late.value.cause, pywasmgk.DeadlineExceeded)
        assert pool.statistics.restarts == 0


def test_what_waits_can_be_cancelled(executor: str) -> None:
    with PluginPool(SPIN, 1, executor, fuel=None, timeout=60) as pool:
        token, waiting = CancelToken(), CancelToken()
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(pool.call, "f", cancel=token)
            until(lambda: pool.statistics.running)
            second = threads.submit(pool.call, "f", cancel=waiting)
            until(lambda: pool.statistics.waiting)
            waiting.cancel()
            with pytest.raises(CallError, match="cancelled while it waited"):
                second.result(60)
            token.cancel()
            assert isinstance(first.exception(60), CallError)


def test_a_task_that_is_cancelled_ends_its_call(executor: str) -> None:
    async def main() -> None:
        task = asyncio.create_task(pool.call_async("f"))
        while not pool.statistics.running:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with PluginPool(SPIN, 1, executor, fuel=None, timeout=60) as pool:
        asyncio.run(main())
        until(lambda: not pool.statistics.running)
        assert pool.statistics.failed == 1


def test_the_queue_is_bounded(executor: str) -> None:
    with PluginPool(SPIN, 1, executor, waiting=2, fuel=None, timeout=60) as pool:
        token = CancelToken()
        with ThreadPoolExecutor(3) as threads:
            calls = [threads.submit(pool.call, "f", cancel=token)]
            until(lambda: pool.statistics.running)
            calls += [threads.submit(pool.call, "f", cancel=token) for _ in range(2)]
            until(lambda: pool.statistics.waiting == 2)
            with pytest.raises(PoolBusy, match="2 calls wait already"):
                pool.call("f")
            token.cancel()
            assert all(isinstance(call.exception(60), CallError) for call in calls)


def test_callers_take_turns(executor: str) -> None:
    """One of a caller's that comes last is not behind all of another's."""
    order: list[str] = []
    host = MemoryHost()
    began = threading.Event()
    go_on = threading.Event()

    @host.function
    def note(who: str) -> None:
        began.set()
        go_on.wait(60)
        order.append(who)

    with PluginPool(RELAY, 1, executor, host=host) as pool, ThreadPoolExecutor(5) as threads:
        calls = [threads.submit(pool.call, "note", {"who": "a"}, caller="a")]
        began.wait(60)
        for number, who in enumerate("aaab", 1):
            calls.append(threads.submit(pool.call, "note", {"who": who}, caller=who))
            until(lambda n=number: pool.statistics.waiting == n)
        go_on.set()
        for call in calls:
            call.result(60)
    assert order.index("b") == 2


def test_host_calls_see_deadline_and_cancellation(executor: str) -> None:
    with PluginPool(asker(), 1, executor, host=Logging()) as pool:
        with pytest.raises(CallTimeout) as late:
            pool.call_raw("call", question("late", {}), timeout=0.2)
        assert isinstance(late.value.cause, pywasmgk.DeadlineExceeded)
        token = CancelToken()
        threading.Timer(0.2, token.cancel).start()
        with pytest.raises(CallError) as caught:
            pool.call_raw("call", question("late", {}), cancel=token)
        assert isinstance(caught.value.cause, pywasmgk.Cancelled)
        assert pool.statistics.restarts == 0


def test_host_calls_charge_the_call(executor: str) -> None:
    with PluginPool(asker(), 1, executor, host=Logging(), fuel=900) as pool:
        with pytest.raises(CallError) as caught:
            pool.call_raw("call", question("sum", {"a": 1, "b": 2}))
        assert isinstance(caught.value.cause, pywasmgk.OutOfFuel)


# -- workers that end


def test_a_call_is_not_made_twice(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with PluginPool(doing(notes), 1) as pool:
        with pytest.raises(WorkerLost, match=r"ended \(7\)"):
            pool.call("die")
        assert notes.stat().st_size == 1
        with pytest.raises(WorkerLost):
            pool.call("die", idempotent=True)
        assert notes.stat().st_size == 3
        assert pool.call("pid") != os.getpid()
        assert (pool.statistics.restarts, pool.statistics.lost) == (3, 2)


def test_an_idempotent_call_is_made_again(tmp_path: Path) -> None:
    with PluginPool(doing(tmp_path / "notes"), 2) as pool:
        assert pool.call("die_once", idempotent=True) > 0
        assert (pool.statistics.restarts, pool.statistics.lost) == (1, 0)


def test_what_does_not_come_back_is_killed(tmp_path: Path) -> None:
    with PluginPool(doing(tmp_path / "notes"), 1, grace=0.2) as pool:
        before = pool.call("pid")
        with pytest.raises(CallTimeout, match="its worker was ended"):
            pool.call("hang", {"seconds": 60}, timeout=0.2, idempotent=True)
        after, token = pool.call("pid"), CancelToken()
        threading.Timer(0.2, token.cancel).start()
        with pytest.raises(CallError) as caught:
            pool.call("hang", {"seconds": 60}, cancel=token)
        assert isinstance(caught.value.cause, pywasmgk.Cancelled)
        assert len({before, after, pool.call("pid")}) == 3
        assert (pool.statistics.restarts, pool.statistics.lost) == (2, 0)


def test_a_worker_that_ends_while_idle_is_replaced() -> None:
    with PluginPool(doing(), 1) as pool:
        pid = pool.call("pid")
        os.kill(pid, signal.SIGKILL)
        until(lambda: pool.statistics.restarts)
        assert pool.call("pid") != pid


def test_a_host_function_that_does_not_come_back_keeps_no_caller() -> None:
    host, go_on = MemoryHost(config={"a": "b"}), threading.Event()

    @host.function
    def hang() -> None:
        go_on.wait(60)

    with PluginPool(RELAY, 1, host=host, grace=0.1) as pool:
        with pytest.raises(CallTimeout):
            pool.call("hang", timeout=0.1)
        go_on.set()
        assert pool.call("config_get", {"key": "a"}) == {"value": "b"}


# -- another recipe


def test_reloading_loses_no_call(executor: str) -> None:
    texts = [
        COUNTER.replace("local.get 1) (i32.const 5)", f"local.get 1) (i32.const {n})")
        for n in (90, 91)
    ]
    answers: list[bytes | None] = []
    ended = threading.Event()

    def calls() -> None:
        while not ended.is_set():
            answers.append(pool.call_raw("next"))

    with PluginPool(texts[0], 2, executor) as pool, ThreadPoolExecutor(3) as threads:
        loops = [threads.submit(calls) for _ in range(3)]
        for number in range(1, 4):
            before = len(answers)
            pool.replace(texts[number % 2])
            until(lambda n=before: len(answers) > n + 10)
        ended.set()
        for loop in loops:
            loop.result(60)
        numbers = pool.statistics
        assert (numbers.calls, numbers.failed, numbers.lost) == (len(answers), 0, 0)


def test_calls_end_on_the_old_and_begin_on_the_new(executor: str) -> None:
    host, go_on, began = MemoryHost(), threading.Event(), threading.Event()

    @host.function
    def hold() -> str:
        began.set()
        go_on.wait(60)
        return "old"

    with PluginPool(RELAY, 2, executor, host=host) as pool, ThreadPoolExecutor(1) as threads:
        call = threads.submit(pool.call, "hold")
        began.wait(60)
        pool.replace(guest({"name": "relay", "version": "2.0.0"}))
        assert pool.registration.version == "2.0.0"
        assert pool.call("hold", "new") == "new"
        go_on.set()
        assert call.result(60) == "old"


def test_a_recipe_that_fails_changes_nothing(executor: str) -> None:
    with PluginPool(HELLO, 2, executor) as pool:
        with pytest.raises(PluginError):
            pool.replace(b"")
        assert pool.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
    with pytest.raises(PluginClosed):
        pool.replace(HELLO)


# -- the end


def test_closing_waits_for_what_it_has(executor: str) -> None:
    host, go_on, began = MemoryHost(), threading.Event(), threading.Event()

    @host.function
    def hold() -> str:
        began.set()
        go_on.wait(60)
        return "done"

    pool = PluginPool(RELAY, 1, executor, host=host)
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(pool.call, "hold") for _ in range(2)]
        began.wait(60)
        until(lambda: pool.statistics.waiting)
        end = threads.submit(pool.close)
        until(lambda: pool.closed)
        with pytest.raises(PluginClosed):
            pool.call("hold")
        go_on.set()
        end.result(60)
        assert [call.result(60) for call in calls] == ["done", "done"]
    pool.close()
    assert pool.statistics.calls == 2


def test_closing_waits_no_longer_than_it_is_told(executor: str) -> None:
    pool = PluginPool(SPIN, 1, executor, fuel=None, timeout=None)
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(pool.call, "f") for _ in range(2)]
        until(lambda: pool.statistics.waiting)
        pool.close(0.1)
        for call in calls:
            assert isinstance(call.exception(60), PluginClosed)
    assert not any(thread.is_alive() for thread in pool._threads)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are not listed here")
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    def round_() -> None:
        with PluginPool(doing(tmp_path / "notes"), 2) as pool:
            with pytest.raises(WorkerLost):
                pool.call("die")
            pool.replace(doing(tmp_path / "notes"))
            pool.call("pid")

    round_()
    gc.collect()
    before = descriptors(), threading.active_count()
    round_()
    gc.collect()
    assert (descriptors(), threading.active_count()) == before


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are not listed here")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_their_parent(how: signal.Signals, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    support = Path(__file__).parents[1] / "support"
    (tmp_path / "spin.wasm").write_bytes(SPIN)
    program = tmp_path / "program.py"
    program.write_text(
        f"import sys; sys.path[:0] = [{str(support)!r}]\n"
        "from pathlib import Path\nfrom workers import busy_parent\n"
        "if __name__ == '__main__':\n"
        f"    busy_parent({str(told)!r}, Path('spin.wasm').read_bytes())\n"
    )
    path = {"PYTHONPATH": str(Path(pywasmgk.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env={**os.environ, **path},
        stderr=subprocess.DEVNULL,
    ) as parent:
        until(lambda: told.exists() and len(told.read_text().split()) == 2)
        pids = [int(pid) for pid in told.read_text().split()]
        assert all(map(alive, pids))
        parent.send_signal(how)
        parent.wait(60)
    until(lambda: not any(map(alive, pids)))


# -- in a manager


def test_a_manager_takes_it_as_a_plugin(executor: str) -> None:
    host = MemoryHost(config={"a": "b"})
    with PluginManager(host) as manager:
        pool = PluginPool(RELAY, 2, executor)
        manager.register(pool)
        manager.register(pywasmgk.load(asker("other")))
        assert manager.call("relay", "config_get", {"key": "a"}) == {"value": "b"}
        request = {"plugin": "relay", "function": "config_get", "args": {"key": "a"}}
        result = manager.call_raw("other", "call", question("plugin_call", request))
        assert result == b'{"value":"b"}'
        # in a circle
        assert manager.call("relay", "plugin_call", {**request, "args": {"key": "a"}}) == "none"
        manager.replace("relay", PluginPool(RELAY, 1, executor))
        until(lambda: pool.closed)
        assert manager.call("relay", "config_get", {"key": "a"}) == {"value": "b"}


def test_a_managers_policies_judge_its_host_calls(executor: str) -> None:
    policy = Policy(permissions=(Permission("config", "read", ("a",)),))
    host = MemoryHost(config={"a": "b", "c": "d"})
    with PluginManager(host, policies=Policies({"relay": policy})) as manager:
        manager.register(PluginPool(RELAY, 1, executor))
        assert manager.call("relay", "config_get", {"key": "a"}) == {"value": "b"}
        assert manager.call("relay", "config_get", {"key": "c"}) == "none"
        assert manager.call("relay", "db_query", {"query": "SELECT 1", "args": []}) == "none"
