"""Call depth does not depend on Python's stack: engine, thread, host functions in between."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from processor import HANGS

import pywasmgk
from pywasmgk.wasm.runtime import metering
from pywasmgk.wasm.runtime.metering import CURRENT
from pywasmgk.wasm.runtime.python_stack import RecursionLimit, allowance, frames_of, stack_size

ENGINES = ("interpreter", "compiler", "auto")
BACK_IN = """(module (import "h" "h" (func $h (param i32) (result i32)))
  (func (export "f") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $h (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 1)))))"""

#: guests that never come back, run in a thread; prints how many frames each had
DEEP = '''
import functools, sys, threading
import pywasmgk
from pywasmgk.wasm.runtime import metering
from pywasmgk.wasm.runtime.metering import CURRENT

PARAM = "(param i32) (result i32)"
DOWN = "(i32.sub (local.get 0) (i32.const 1))"
# not compiled, for its size; not run either
HUGE = "(if (i32.const 0) (then " + "(drop (i32.const 1))" * 10_000 + "))"
TEXTS = {
    "itself": f'(module (func $f (export "f") {PARAM} (i32.add (call $f {DOWN}) (i32.const 1))))',
    "a table": f"""(module (table funcref (elem $f)) (type $t (func {PARAM})) (func $f (export "f")
      (type $t) (i32.add (i32.const 1) (call_indirect (type $t) {DOWN} (i32.const 0)))))""",
    "two tiers": f"""(module
      (func $g {PARAM} {HUGE} (i32.add (i32.const 1) (call $f (local.get 0))))
      (func $f (export "f") {PARAM} (loop) (i32.add (i32.const 1) (call $g {DOWN}))))""",
    "the host": f"""(module (import "h" "h" (func $h {PARAM}))
      (func (export "f") {PARAM} (i32.add (i32.const 1) (call $h {DOWN}))))""",
}


def directly(number):
    return boxes[-1].exports.f(number)


def through_c(number):
    return max([number], key=lambda n: functools.reduce(lambda a, b: directly(n), (1, 2)))


def run():
    for name, text in TEXTS.items():
        for host in (directly, through_c) if name == "the host" else (None,):
            found = []
            for engine in ("interpreter", "compiler", "auto"):
                imports = {"h": {"h": host}} if host else None
                boxes.append(pywasmgk.instantiate(text, imports, engine=engine))
                for _ in range(2):
                    try:
                        boxes[-1].exports.f(0)
                    except pywasmgk.Trap as trap:
                        found.append(len(trap.frames))
                        assert trap.trap_code.name == "STACK_OVERFLOW"
            print(name, *sorted(set(found)), sep=";")


boxes = []
limit = sys.getrecursionlimit()
threading.stack_size(int(sys.argv[1]) << 10)
thread = threading.Thread(target=run)
thread.start()
thread.join()
assert sys.getrecursionlimit() == limit
'''


@pytest.mark.skipif(sys.platform in ("win32", "emscripten"), reason="needs threads of any size")
@pytest.mark.parametrize("kibibytes", [128, 256, 1024, 8192])
def test_threads_with_any_stack(kibibytes: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", DEEP, str(kibibytes)], capture_output=True, text=True, timeout=HANGS
    )
    assert (run.returncode, run.stderr) == (0, "")
    frames = [line.split(";") for line in run.stdout.splitlines()]
    assert frames[:3] == [["itself", "2000"], ["a table", "2000"], ["two tiers", "2000"]]
    # the same in all engines, and not less because the host goes through functions of C
    assert len(frames) == 5 and all(len(row) == 2 for row in frames)
    if kibibytes <= 256:
        assert frames[3] == frames[4]


def outcomes(engine: str, levels: int) -> list[Any]:
    """What calls come to whose host function takes so many frames to call back in."""

    def helper(number: int, levels: int = levels) -> Any:
        return helper(number, levels - 1) if levels else instance.exports.f(number)

    instance = pywasmgk.instantiate(BACK_IN, {"h": {"h": helper}}, engine=engine)
    found: list[Any] = []
    for depth in (10, 100, 149, 2_500):
        try:
            found.append(instance.exports.f(depth))
        except pywasmgk.Trap as trap:
            found.append((trap.trap_code.name, len(trap.frames)))
    return found


@pytest.mark.parametrize("levels", [0, 1, 20])
def test_calls_back_in_end_as_a_trap_at_the_same_depth(levels: int) -> None:
    limit = sys.getrecursionlimit()
    found = [outcomes(engine, levels) for engine in ENGINES]
    assert found[0] == found[1] == found[2]
    most = min(allowance().entries, 2_000)
    assert found[0][:3] == [11, 101, 150]
    assert found[0][-1] == ("STACK_OVERFLOW", most)
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("engine", ENGINES)
def test_the_limit_is_raised_once_for_many_calls_back_in(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """(module (import "h" "h" (func $h (param i32) (result i32)))
      (func $f (export "f") (param i32) (result i32) (call $h (local.get 0))))"""
    raised: list[int] = []
    inside: list[int] = []

    def helper(depth: int) -> int:
        inside.append(sys.getrecursionlimit())
        if not depth:
            return 0
        # the innermost one comes back 50 times, past the place where the limit is raised
        return sum(instance.exports.f(depth - 1) for _ in range(50 if depth == 2 else 1))

    instance = pywasmgk.instantiate(text, {"h": {"h": helper}}, engine=engine)
    for _ in range(100):
        instance.exports.f(1)
    limit = sys.getrecursionlimit()
    change = sys.setrecursionlimit
    monkeypatch.setattr(sys, "setrecursionlimit", lambda new: raised.append(new) or change(new))
    for _ in range(3):
        inside.clear()
        instance.exports.f(5)
        assert len(inside) == 4 + 2 * 50
        # host functions have room where they are, and nothing is left of it
        assert inside[-1] > frames_of(sys._getframe()) + 800
        assert sys.getrecursionlimit() == limit
    assert len(raised) == 3 * 2, "raised and lowered once for each outermost call"


def test_a_host_function_has_stack_at_the_deepest() -> None:
    def deep(number: int) -> int:
        return number and deep(number - 1)

    text = """(module (import "h" "h" (func $h (result i32)))
      (func $f (export "f") (param i32) (result i32) (if (result i32) (local.get 0)
        (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (call $h)))))"""
    for engine in ENGINES:
        instance = pywasmgk.instantiate(text, {"h": {"h": lambda: deep(150)}}, engine=engine)
        assert instance.exports.f(1_999) == 0


def in_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_the_stack_of_a_thread_is_known() -> None:
    sizes: list[int] = []
    before = threading.stack_size(512 << 10)
    try:
        in_thread(lambda: sizes.append(stack_size()))
    finally:
        threading.stack_size(before)
    assert sizes[0] >= 512 << 10 and stack_size() >= 512 << 10


def test_the_recursion_limit_is_what_the_threads_need() -> None:
    own = sys.getrecursionlimit()
    limit = RecursionLimit()
    depth = frames_of(sys._getframe())
    first = limit.hold(depth, 5_000)
    raised = sys.getrecursionlimit()
    assert raised >= 5_000 + depth
    second = limit.hold(depth, 9_000)
    in_thread(lambda: limit.release(limit.hold(depth, 20)))
    assert sys.getrecursionlimit() > raised
    limit.release(second)
    assert sys.getrecursionlimit() == raised
    limit.release(first)
    assert sys.getrecursionlimit() == own


def test_a_recursion_limit_that_somebody_else_sets_stays() -> None:
    own = sys.getrecursionlimit()
    limit = RecursionLimit()
    depth = frames_of(sys._getframe())
    held = limit.hold(depth, 5_000)
    try:
        sys.setrecursionlimit(7_777)
        limit.release(held)
        assert sys.getrecursionlimit() == 7_777
    finally:
        sys.setrecursionlimit(own)


def test_the_limit_is_not_lowered_under_a_thread_that_is_deep() -> None:
    """CPython 3.10 and 3.11 would abort."""
    own = sys.getrecursionlimit()
    limit = RecursionLimit()
    depth = frames_of(sys._getframe())
    inside, leave = threading.Event(), threading.Event()

    def deep(number: int) -> None:
        if number:
            deep(number - 1)
        else:
            inside.set()
            leave.wait(20)

    def run() -> None:
        with contextlib.suppress(RecursionError):  # since 3.12 it may be lowered under it
            deep(3_000)

    held = limit.hold(depth, 5_000)
    thread = threading.Thread(target=run)
    thread.start()
    assert inside.wait(20)
    limit.release(held)
    lowered = sys.getrecursionlimit()
    leave.set()
    thread.join()
    assert lowered == own or sys.version_info < (3, 12)
    limit.release(limit.hold(depth, 5_000))
    assert sys.getrecursionlimit() == own


class Counting:
    """A collection that counts who asks whether something is in it."""

    def __init__(self, inside: Any) -> None:
        self.inside, self.asked = inside, 0

    def __contains__(self, item: object) -> bool:
        self.asked += 1
        return item in self.inside

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inside, name)

    def __getitem__(self, key: object) -> Any:
        return self.inside[key]

    def __setitem__(self, key: object, value: object) -> None:
        self.inside[key] = value


def two_exports(size: int) -> str:
    """Two functions that call the host, one of which has so many instructions more."""
    body = "(param i32) (result i32) (call $h (local.get 0))"
    return f"""(module (import "h" "h" (func $h (param i32) (result i32)))
      (func (export "f") {body}) (func (export "g") {body} {"(drop (i32.const 1))" * size}))"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [0, 40_000])  # the larger is not compiled
def test_frames_of_python_are_counted_once(
    engine: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many calls back in are open: what each looks at are the frames since the others."""
    deepest: list[int] = []

    def between(number: int, frames: int) -> int:
        if frames:
            return between(number, frames - 1)
        if not number:
            deepest.append(frames_of(sys._getframe()))
            return 0
        return int(guest.exports.g(number - 1))

    def host(number: int) -> int:
        return between(number, 20)

    guest = pywasmgk.instantiate(two_exports(size), {"h": {"h": host}}, engine=engine)
    for _ in range(300):
        guest.exports.f(0)

    def run() -> None:
        kept = CURRENT.state._frames._depths = Counting({})
        stubs = Counting(metering.STUBS)
        monkeypatch.setattr(metering, "STUBS", stubs)
        limit = sys.getrecursionlimit()
        guest.exports.f(140)
        assert sys.getrecursionlimit() == limit
        assert not kept.inside
        counted.append((kept.asked, stubs.asked))

    counted: list[tuple[int, int]] = []
    in_thread(run)
    depth = deepest[-1]
    assert depth > 140 * 20
    # for the limit; for whether the account is open, as it is asked some times for each call
    assert counted[0][0] < 3 * depth
    assert counted[0][1] < 8 * depth


def test_an_empty_module_of_limits_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLite's kernel has one in the place of Python's."""
    monkeypatch.setitem(sys.modules, "resource", ModuleType("resource"))
    assert stack_size() == 1 << 20
    assert allowance().frames > 1000
