"""Exceptions that come between any two steps of Python: afterwards an instance works, or is dead
and says so, and the thread's next guest has its own limits."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from types import FrameType
from typing import Any

import pytest
from processor import HANGS

import pywasmgk
from pywasmgk.wasm.runtime.metering import CURRENT, current_meter

TEXT = """(module (import "h" "h" (func $h (param i32) (result i32))) (memory 1)
  (global $g (mut i32) (i32.const 0))
  (func (export "plain") (param i32) (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (i32.store (i32.const 8) (local.get 0)) (i32.add (local.get 0) (i32.load (i32.const 8))))
  (func (export "asks") (param i32) (result i32) (call $h (local.get 0))))"""
SPIN = pywasmgk.instantiate('(module (func (export "f") (loop br 0)))', fuel=1_000, timeout=None)
ENGINES = ("interpreter", "compiler")


class Interruption(BaseException):
    """No error: as from a signal handler."""


class Strikes:
    """Raises Interruption before the opcodes of given numbers, counted from the beginning."""

    def __init__(self, *numbers: int, keep: bool = False) -> None:
        self.numbers = set(numbers)
        self.keep = keep
        self.seen = 0
        #: what ended the latest run, with its traceback
        self.ended: Interruption | None = None

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        frame.f_trace_opcodes = True
        if event == "opcode" and "pywasmgk" in frame.f_code.co_filename:
            self.seen += 1
            if self.seen in self.numbers:
                raise Interruption
        return self

    def run(self, action: Callable[[], object]) -> bool:
        """Does something under these strikes; gives whether one of them ended it."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            action()
        except Interruption as error:
            if self.keep:
                self.ended = error
            return True
        finally:
            sys.settrace(before)
        return False


@contextmanager
def opened(instance: pywasmgk.Instance) -> Iterator[None]:
    """An account that a generator holds, whose frame is not on the stack meanwhile."""
    with instance.account() as meter:
        yield
        assert meter is current_meter()


class Guests:
    """Instances of one engine, fresh ones in the place of dead ones."""

    def __init__(self, engine: str, name: str) -> None:
        self.engine, self.name = engine, name
        self.module = pywasmgk.Module(TEXT)
        self.dead = 0
        self.renew()

    def renew(self) -> None:
        self.instance = pywasmgk.instantiate(
            self.module, {"h": {"h": self.host}}, engine=self.engine, fuel=None, timeout=None
        )
        for _ in range(2):
            self.use()

    def host(self, number: int) -> int:
        return int(self.instance.exports.plain(number))

    def use(self) -> int:
        plain = self.instance.exports.plain
        if self.name == "account":
            with self.instance.account():
                return int(plain(4))
        if self.name == "variable":
            account = self.instance.account()
            with account as meter:
                return int(plain(4)) if meter is current_meter() else -1
        if self.name == "generator":
            with opened(self.instance):
                return int(plain(4))
        if self.name == "held":
            with closing(self.instance.start("plain", 4)) as held:
                held.run()
                return int(held.results)
        return int(self.instance.exports[self.name](4))

    def check(self) -> None:
        """The state of thread and instance, after whatever happened."""
        with pytest.raises(pywasmgk.OutOfFuel):
            SPIN.exports.f()
        try:
            assert self.use() == 8
        except pywasmgk.InstanceDead:
            self.dead += 1
            self.renew()
        assert current_meter() is None and CURRENT.state.meter is None


#: what strikes a finalizer is told, and goes no further
IN_FINALIZERS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@IN_FINALIZERS
@pytest.mark.parametrize(
    "name, engine",
    [(name, engine) for name in ("plain", "asks", "account") for engine in ENGINES]
    + [("held", "interpreter")],
)
def test_one_interruption_anywhere(name: str, engine: str) -> None:
    guests = Guests(engine, name)
    Strikes().run(guests.use)  # 3.12 traces opcodes only from the second time on
    count = Strikes()
    assert not count.run(guests.use)
    numbers = range(1, count.seen + 1, {"plain": 1, "held": 7}.get(name, 3))
    struck = 0
    for number in numbers:
        struck += Strikes(number).run(guests.use)
        guests.check()
    assert struck > len(numbers) * 3 // 4
    # most of them come outside of the guest, and do no harm
    assert guests.dead < struck


@IN_FINALIZERS
@pytest.mark.parametrize(
    "name, engine",
    [*(("plain", engine) for engine in ENGINES)]
    + [(name, "compiler") for name in ("account", "variable", "generator", "held")],
)
def test_an_interruption_whose_traceback_is_kept(name: str, engine: str) -> None:
    """As an interactive Python keeps the latest: the frames in it are over, and their account."""
    guests = Guests(engine, name)
    Strikes().run(guests.use)
    count = Strikes()
    count.run(guests.use)
    for number in range(1, count.seen + 1, 7 if name == "held" else 3):
        kept = Strikes(number, keep=True)
        kept.run(guests.use)
        left = current_meter() is not None
        kept.ended = None  # what else is asked would never end, had it the limits of that account
        assert not left, number
        guests.check()


def test_accounts_that_other_than_with_statements_hold() -> None:
    """Their functions return while the account is open."""
    instance = pywasmgk.instantiate(TEXT, {"h": {"h": lambda number: number}})
    with ExitStack() as stack:
        meter = stack.enter_context(instance.account(fuel=1_000))
        assert current_meter() is meter
        instance.exports.plain(1)
    assert current_meter() is None and 0 < meter.fuel_used == instance.fuel_used < 1_000
    account = instance.account(fuel=1_000)
    assert account.__enter__() is current_meter()
    account.__exit__(None, None, None)
    assert current_meter() is None


@pytest.mark.parametrize("engine", ENGINES)
def test_several_interruptions_in_a_row(engine: str) -> None:
    """What cleans up behind the first one is struck too."""
    chance = random.Random(7)
    guests = Guests(engine, "asks")
    for _ in range(250):
        first = chance.randrange(1, 600)
        strikes = Strikes(*(first + chance.randrange(1, 60) for _ in range(4)), first)
        strikes.run(guests.use)
        guests.check()


#: a thread that is struck at random while it uses instances; prints what became of them
STORM = '''
import collections, ctypes, os, random, signal, sys, threading, time
import pywasmgk
from pywasmgk.wasm.runtime.metering import current_meter

class Interruption(BaseException):
    pass

TEXT = """(module (memory 1) (global $g (mut i32) (i32.const 0))
  (func (export "f") (param i32) (result i32)
    (loop (global.set $g (i32.add (global.get $g) (i32.const 1)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (i32.load (i32.const 0))))"""
module = pywasmgk.Module(TEXT)
spin = pywasmgk.instantiate('(module (func (export "f") (loop br 0)))', fuel=1000)
found = collections.Counter()
chance = random.Random(int(sys.argv[1]))
armed = False


def fresh():
    return pywasmgk.instantiate(module, engine=chance.choice(("interpreter", "compiler")))


def handler(*_):
    if armed:
        raise Interruption


def strike(thread):
    for _ in range(int(sys.argv[2])):
        time.sleep(chance.uniform(0, 4e-4))
        if armed and chance.random() < 0.5:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread), ctypes.py_object(Interruption)
            )
        else:
            signal.raise_signal(signal.SIGINT)


def guarded(action):
    while True:  # a strike may come late
        try:
            return action()
        except Interruption:
            continue


def check():
    global instance
    try:
        spin.exports.f()
        found["no limits"] += 1
    except pywasmgk.OutOfFuel:
        pass
    try:
        instance.exports.f(3)
        found["works"] += 1
    except pywasmgk.InstanceDead:
        found["dead"] += 1
        instance = fresh()
    if current_meter() is not None:
        found["account left"] += 1


signal.signal(signal.SIGINT, handler)
instance = fresh()
striker = threading.Thread(target=strike, args=(threading.get_ident(),))
striker.start()


def storm():
    global armed, instance
    while striker.is_alive():
        try:
            armed = True
            while striker.is_alive():
                instance.exports.f(3)
        except (Interruption, pywasmgk.InstanceDead):
            pass
        while armed:
            try:
                armed = False
            except Interruption:
                pass
        try:
            guarded(check)
        except pywasmgk.PywasmgkError as error:
            found[type(error).__name__] += 1
            instance = fresh()


guarded(lambda: guarded(storm))  # one may come while another is caught
guarded(lambda: time.sleep(0.05))  # one may still be on its way
print(*sorted(found), flush=True)
os._exit(0)  # before a late one comes to what ends the process
'''


@pytest.mark.skipif(sys.platform in ("win32", "emscripten"), reason="needs threads and signals")
@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_them(seed: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", STORM, str(seed), "2000"],
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == ["dead", "works"]
