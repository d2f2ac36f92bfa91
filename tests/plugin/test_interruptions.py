"""Ctrl-C between any two instructions of the plugin layer leaves a plugin that can be used."""

from __future__ import annotations

import ctypes
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from async_strikes import settle, strike_often
from plugin_guests import LOOP, ask, asker, guest, quick
from processor import patiently

import pywasmgk.plugin
from pywasmgk.errors import CallError, PluginClosed, PluginError
from pywasmgk.plugin import MemoryHost, Plugin
from pywasmgk.plugin.lock import Turns
from pywasmgk.wasm.runtime.metering import CURRENT, current_meter

LAYER = str(Path(pywasmgk.plugin.__file__).parent)


class Interruption:
    """Raises KeyboardInterrupt before the n-th instruction of Python in the plugin layer."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.place = ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        # finalizers have nobody to raise to
        if not code.co_filename.startswith(LAYER) or code.co_name == "close":
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                sys.settrace(None)
                self.place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self

    def during(self, work: Callable[[], Any]) -> bool:
        """Does work; gives whether it was interrupted."""
        before = sys.gettrace()
        # Python 3.12 looks at this when the trace is set
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self)
        try:
            work()
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
            # the account is the engine's own affair
            CURRENT.state.meter = None
        return False


def instructions(work: Callable[[], Any]) -> int:
    """How many instructions of the layer some work takes."""
    interruption = Interruption(1 << 60)
    interruption.during(work)
    return (1 << 60) - interruption.left


def made() -> Plugin:
    plugin = quick(asker())
    plugin.init(MemoryHost())
    return plugin


def stopped(plugin: Plugin) -> None:
    """Has its next call begin with a restart."""
    with pytest.raises(CallError):
        plugin.call_raw("call", b"\0\0\0\0", fuel=1)


#: what is interrupted, after what was done to the plugin
WORKS: dict[str, tuple[Callable[[Plugin], Any], Callable[[Plugin], Any]]] = {
    "call": (lambda plugin: None, lambda plugin: ask(plugin, "translate", {"key": "k"})),
    "sql": (lambda plugin: None, lambda plugin: ask(plugin, "db_query", {"query": "SELECT 1"})),
    "restart": (stopped, lambda plugin: ask(plugin, "translate", {"key": "k"})),
    "init": (lambda plugin: None, lambda plugin: plugin.init(MemoryHost())),
}


@pytest.mark.parametrize("name", WORKS)
def test_an_interruption_anywhere(name: str) -> None:
    prepare, work = WORKS[name]
    plugin = made()
    prepare(plugin)
    total = instructions(lambda: work(plugin))
    assert total > 100
    generator = random.Random(7)
    numbers = sorted({*generator.sample(range(1, total + 1), 120), 1, total})
    for number in numbers:
        prepare(plugin)
        interruption = Interruption(number)
        interruption.during(lambda: work(plugin))
        where = f"{number} of {total}, {interruption.place}"
        assert plugin._turns.owner is None, where
        # the same thread, and another one
        assert ask(plugin, "translate", {"key": "k"}) == b'{"value":"k"}', where
        if number % 10 == 0:
            results: list[bytes | None] = []
            thread = threading.Thread(
                target=lambda: results.append(ask(plugin, "org_id"))  # noqa: B023
            )
            thread.start()
            thread.join(10)
            assert results == [b"0"], where
        assert ask(plugin, "db_query", {"query": "SELECT 1 AS a"}) == b'[{"a":1}]', where


def test_an_interruption_anywhere_without_restart() -> None:
    plugin = quick(asker(), restart=False)
    plugin.init(MemoryHost())
    total = instructions(lambda: ask(plugin, "org_id"))
    for number in random.Random(8).sample(range(1, total + 1), 60):
        plugin = quick(asker(), restart=False)
        plugin.init(MemoryHost())
        Interruption(number).during(lambda: ask(plugin, "org_id"))  # noqa: B023
        try:
            assert ask(plugin, "org_id") == b"0"
        except PluginClosed:
            with pytest.raises(PluginClosed, match="closed: "):
                ask(plugin, "org_id")


def test_a_shutdown_that_was_interrupted_is_repeated() -> None:
    total = instructions(lambda: made().shutdown())
    for number in random.Random(9).sample(range(1, total + 1), 60):
        plugin = made()
        Interruption(number).during(plugin.shutdown)
        plugin.shutdown()
        with pytest.raises(PluginClosed):
            plugin.call_raw("f")


# a finalizer has nobody to raise to
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_threads_that_are_interrupted() -> None:
    """Exceptions put into threads that wait for each other, by number of the thread."""
    plugin = made()
    stop = threading.Event()
    counts = [0, 0, 0]

    #: may be interrupted: set by the thread, taken back by who interrupts it
    inside = [False, False, False]

    def work(number: int) -> None:
        while not stop.is_set():
            try:
                inside[number] = True
                while not stop.is_set():
                    try:
                        ask(plugin, "translate", {"key": "k"})
                        counts[number] += 1
                    except PluginError:
                        time.sleep(0)
            except KeyboardInterrupt:
                continue

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(3)]
    for thread in threads:
        thread.start()
    generator = random.Random(10)
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    for _ in range(300):
        time.sleep(generator.uniform(0, 0.003))
        number = generator.randrange(3)
        if inside[number]:
            inside[number] = False
            ident = ctypes.c_ulong(threads[number].ident or 0)
            interrupt(ident, ctypes.py_object(KeyboardInterrupt))
    # one that is still on its way is taken back, and must not come behind the end
    for thread in threads:
        interrupt(ctypes.c_ulong(thread.ident or 0), None)
    # on a busy machine none may have come between two of them
    patience = time.monotonic() + 20
    while not sum(counts) and time.monotonic() < patience:
        time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    settle()
    assert sum(counts) > 0
    assert ask(plugin, "translate", {"key": "k"}) == b'{"value":"k"}'


class Struck:
    """A plugin, and what is done with it at the risk of an interruption anywhere below."""

    def __init__(self) -> None:
        self.spinning = quick(guest(call=(*LOOP, "i64.const 0")), fuel=5_000)
        self.plugin = made()

    def load(self) -> None:
        self.plugin = made()

    def restart(self) -> None:
        stopped(self.plugin)
        ask(self.plugin, "translate", {"key": "k"})

    def init(self) -> None:
        self.plugin.init(MemoryHost())

    def shutdown(self) -> None:
        self.plugin.shutdown()

    def check(self, closed: bool = False) -> None:
        """The thread has no account, its next guest its own limits, and the plugin works; or, if it
        was to be closed, it says so, perhaps only when asked again."""
        assert current_meter() is None
        assert self.plugin._turns.owner is None
        with pytest.raises(CallError, match="fuel"):
            self.spinning.call_raw("f")
        if closed:
            self.plugin.shutdown()
            with pytest.raises(PluginClosed):
                ask(self.plugin, "org_id")
            self.plugin = made()
        assert ask(self.plugin, "translate", {"key": "k"}) == b'{"value":"k"}'


# a finalizer has nobody to raise to
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(sys.platform == "emscripten", reason="needs threads")
@pytest.mark.parametrize("name", ["load", "restart", "init", "shutdown"])
def test_an_interruption_at_random(name: str) -> None:
    """As above, but in the engine too, and whatever the instruction."""
    work = Struck()
    closed = name == "shutdown"
    action: Callable[[], None] = getattr(work, name)
    # one that is shut down is soon done
    least = 0 if closed else 3
    assert strike_often(action, lambda: work.check(closed), 40, 12, least, work.check) >= least


def test_a_turn_ends_with_the_function_that_took_it() -> None:
    turns = Turns()

    def take() -> None:
        turns.taken("a", None).__enter__()
        assert turns.owner == threading.get_ident()

    take()
    assert turns.owner is None
    with turns.taken("a", 0):
        assert turns.owner is not None
        with pytest.raises(CallError, match="from within its own call"), turns.taken("a", 0):
            pass
    assert turns.owner is None


def test_who_waits_is_woken() -> None:
    def attempt(seconds: float) -> None:
        plugin = quick(guest(call=(*LOOP, "i64.const 0")), fuel=None)
        began = time.monotonic()

        def call() -> None:
            with pytest.raises(CallError):
                plugin.call_raw("f", timeout=seconds)

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # the time of the first counts for those behind it
        assert time.monotonic() - began < 10 * seconds

    patiently(attempt, 0.2)
