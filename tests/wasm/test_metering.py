"""Accounts, stops, depth, threads; exact numbers for whole modules are in test_fuel.py."""

from __future__ import annotations

import contextlib
import sys
import threading
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from processor import patiently
from wasm_builder import body, function, functype, limits, module, name

from pywasmgk.errors import (
    Busy,
    Cancelled,
    DeadlineExceeded,
    InstanceDead,
    OutOfFuel,
    Stopped,
    Trap,
    TrapCode,
)
from pywasmgk.wasm.interpreter.execution import Execution
from pywasmgk.wasm.runtime.functions import Caller, Func
from pywasmgk.wasm.runtime.instance import Instance, instantiate
from pywasmgk.wasm.runtime.metering import CancelToken, Meter
from pywasmgk.wasm.runtime.python_stack import allowance
from pywasmgk.wasm.types import FuncType

LOOP = ("loop _", "br 0", "end")
#: counts its argument down, and gives 0
COUNTDOWN = ("loop _", "local.get 0", "i32.const 1", "i32.sub", "local.tee 0", "br_if 0", "end")
#: f(n) calls itself n times deep
RECURSE = (
    *("local.get 0", "if i32", "local.get 0", "i32.const 1", "i32.sub", "call 0"),
    *("else", "i32.const 0", "end"),
)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def host_module(*lines: str, results: str = "", params: str = "", **parts: object) -> bytes:
    """A function ``f`` beside the import ``h.h`` of type () -> ()."""
    return module(
        types=[functype(), functype(params, results)],
        imports=[name("h") + name("h") + b"\0\0"],
        functions=[1],
        exports=[("f", 0, 1)],
        bodies=[body("", *lines)],
        **parts,  # type: ignore[arg-type]
    )


def test_an_endless_loop_runs_out_of_fuel() -> None:
    instance = instantiate(function("", "", *LOOP), fuel=12_345)
    with pytest.raises(OutOfFuel, match="all 12,345 instructions used up") as caught:
        instance.exports.f()
    assert caught.value.fuel_used == instance.fuel_used == 12_345
    assert [frame.name for frame in caught.value.frames] == ["f"]
    with pytest.raises(OutOfFuel):
        instance.exports.f()


def test_fuel_is_counted_without_a_limit() -> None:
    instance = instantiate(function("i32", "", *COUNTDOWN), fuel=None, timeout=None)
    instance.exports.f(100_000)
    assert instance.fuel_used == 1 + 5 * 100_000


@pytest.mark.parametrize("fuel", [0, 1, 5, 6, 10, 11, 500, 501])
def test_every_limit_counts_exactly(fuel: int) -> None:
    instance = instantiate(function("i32", "", *COUNTDOWN), fuel=fuel)
    if fuel >= 501:
        instance.exports.f(100)
    else:
        with pytest.raises(OutOfFuel):
            instance.exports.f(100)
        assert instance.fuel_used == fuel


def test_deadline_by_an_injected_clock() -> None:
    clock = Clock()

    def host() -> None:
        clock.now += 3.0

    data = host_module("loop _", "call 0", "br 0", "end")
    instance = instantiate(data, {"h": {"h": host}}, timeout=10.0, clock=clock)
    with pytest.raises(
        DeadlineExceeded, match=r"gave up after 10 s at [\d,]+ instructions"
    ) as caught:
        instance.exports.f()
    assert isinstance(caught.value, TimeoutError)
    assert clock.now == 112.0


def test_deadline_by_the_real_clock() -> None:
    def attempt(seconds: float) -> None:
        instance = instantiate(function("", "", *LOOP), fuel=None, timeout=seconds)
        with pytest.raises(DeadlineExceeded):
            instance.exports.f()

    patiently(attempt, 0.05)


def test_cancelling_from_another_thread_and_from_within() -> None:
    token = CancelToken()
    instance = instantiate(function("", "", *LOOP), fuel=None, timeout=30, cancel=token)
    timer = threading.Timer(0.05, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        instance.exports.f()
    timer.join()
    inner = CancelToken()
    instance = instantiate(host_module("call 0", *LOOP), {"h": {"h": inner.cancel}}, cancel=inner)
    with pytest.raises(Cancelled):
        instance.exports.f()


def test_sleeping_ends_with_the_deadline() -> None:
    def nap(caller: Caller) -> None:
        caller.meter.sleep(60)

    func = Func(FuncType(), nap, access_caller=True)

    def attempt(seconds: float) -> None:
        instance = instantiate(host_module("call 0"), {"h": {"h": func}}, timeout=seconds)
        with pytest.raises(DeadlineExceeded):
            instance.exports.f()

    patiently(attempt, 0.05)


def test_progress_is_told() -> None:
    seen: list[int] = []
    instance = instantiate(
        function("i32", "", *COUNTDOWN),
        progress=lambda meter: seen.append(meter.fuel_used),
        timeout=None,
    )
    instance.exports.f(200_000)
    assert len(seen) >= 3
    assert seen == sorted(seen)


@pytest.mark.parametrize("engine", ["interpreter", "quick", "optimized"])
def test_cheap_fuel_buys_no_long_slices(engine: str) -> None:
    """The length of a bulk operation is much fuel in little time; what comes behind it is not."""
    seen: list[int] = []
    fill = ("i32.const 0", "i32.const 0", "i32.const 65536", "memory.fill")
    fills = ("loop _", *fill, *COUNTDOWN[1:])
    dear = ("i32.const 100000", "local.set 0", *COUNTDOWN)
    instance = instantiate(
        function("i32", "", *fills, *dear, memories=[limits(1)]),
        engine=engine,
        fuel=None,
        timeout=None,
        progress=lambda meter: seen.append(meter.fuel_used),
    )
    instance.exports.f(3_000)
    before_dear = 3_000 * (65536 + 9)
    looks = [fuel for fuel in seen if fuel >= before_dear]
    assert looks[0] - before_dear <= 100_000
    assert max(later - fuel for fuel, later in pairwise(looks)) <= 100_010


def test_one_account_for_several_calls_and_instances() -> None:
    first = instantiate(function("i32", "", *COUNTDOWN))
    second = instantiate(function("i32", "", *COUNTDOWN))
    with first.account(fuel=1000) as meter:
        first.exports.f(10)
        second.exports.f(10)
        assert meter.fuel_used == 2 * 51
        assert meter.fuel_left == 1000 - 2 * 51
        with pytest.raises(OutOfFuel):
            second.exports.f(1000)
    assert first.fuel_used == 1000
    with pytest.raises(ValueError, match="negative"):
        first.account(fuel=-1)


def test_errors_inside_an_account_say_what_it_was_charged() -> None:
    instance = instantiate(function("", "", "loop _", "br 0", "end"), fuel=1_000)
    with instance.account(fuel=100) as meter:
        with pytest.raises(OutOfFuel) as caught:
            instance.exports.f()
        assert caught.value.fuel_used == meter.fuel_used == 100
    with pytest.raises(OutOfFuel) as caught:
        instance.exports.f()
    assert caught.value.fuel_used == 1_000


def test_a_host_function_that_calls_back_in_draws_on_the_same_account() -> None:
    boxes: list[Instance] = []

    def again() -> None:
        boxes[0].exports.f2()

    data = module(
        types=[functype()],
        imports=[name("h") + name("h") + b"\0\0"],
        functions=[0, 0],
        exports=[("f", 0, 1), ("f2", 0, 2)],
        bodies=[body("", "call 0", "nop"), body("", "i32.const 1", "drop")],
    )
    boxes.append(instantiate(data, {"h": {"h": again}}))
    boxes[0].exports.f()
    assert boxes[0].fuel_used == (1 + 1) + (1 + 1)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_unreachable_says_that_memory_was_refused(engine: str) -> None:
    text = """(module (memory 2) (func (export "f") (param i32)
      (if (i32.lt_s (memory.grow (local.get 0)) (i32.const 0)) (then (unreachable)))
      (unreachable)))"""
    exports = instantiate(text, engine=engine, memory_limit=10).exports
    with pytest.raises(
        Trap, match=r"^unreachable: .* memory.grow\(9\) at 2 pages, the limit is 10"
    ):
        exports.f(9)
    with pytest.raises(Trap, match=r"^unreachable\n"):
        exports.f(1)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_a_full_call_stack_is_shown_in_short(engine: str) -> None:
    text = """(module (func $even (export "f") (call $odd)) (func $odd (call $even))
      (func $g (export "g") (call $g)))"""
    exports = instantiate(text, engine=engine, depth_limit=100).exports
    with pytest.raises(Trap) as caught:
        exports.f()
    lines = [line for line in str(caught.value).splitlines() if "$" in line or "..." in line]
    assert str(caught.value).startswith("call stack exhausted: more than depth_limit=100 frames\n")
    assert lines[-1] == "  ... these 2 frames above repeated 49 times more ..."
    with pytest.raises(Trap) as caught:
        exports.g()
    assert str(caught.value).endswith("  ... the frame above repeated 99 times more ...")
    assert len(caught.value.frames) == 100


SWALLOWED = """(module (import "e" "boom" (func $boom))
  (import "e" "invoke" (func $invoke (param i32)))
  (table (export "t") 1 funcref) (elem (i32.const 0) $outer)
  (func $inner (param i32) (if (local.get 0) (then (call $boom) (drop (i32.const 1)) (return)))
    (drop (i32.const 1)))
  (func $outer (local i32) (local.set 0 (i32.const 3))
    (loop (call $inner (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (drop (i32.add (i32.const 2) (i32.const 3))) (br_if 0 (local.get 0)))
    (drop (i32.const 9)))
  (func (export "go") (call $invoke (i32.const 0)) (drop (i32.const 5))))"""


@pytest.mark.parametrize("engine", ["interpreter", "compiler", "auto"])
def test_what_an_exception_of_the_host_passed_by_is_not_charged(engine: str) -> None:
    """If a host function swallows it; where nobody does, blocks that were entered count whole."""

    class Jump(Exception):
        pass

    def boom() -> None:
        raise Jump

    def invoke(index: int) -> None:
        with contextlib.suppress(Jump if swallowing else ()):
            instance.exports.t.get(index)()

    instance = instantiate(SWALLOWED, {"e": {"boom": boom, "invoke": invoke}}, engine=engine)
    # entering, two instructions of $inner or its call of $boom, and the loop before and behind it
    turn, last = (1 + 2 + 1) + 6 + 5, (1 + 2 + 1) + 6
    for _ in range(3):
        swallowing = True
        instance.exports.go()
        assert instance.fuel_used == 1 + 2 + (1 + 2) + 2 * turn + last + 1
        swallowing = False
        with pytest.raises(Jump):
            instance.exports.go()
        assert instance.fuel_used == 1 + 3 + (1 + 2) + 3 * turn + 1


@pytest.mark.parametrize("engine", ["interpreter", "quick", "optimized"])
def test_a_host_function_sets_what_remains(engine: str) -> None:
    """Less ends the call, more lets it go on; what was spent stays spent."""
    amounts: list[int] = []

    def change(caller: Caller) -> None:
        before = caller.meter.fuel_used
        caller.meter.refuel(amounts[0])
        assert (caller.meter.fuel_used, caller.meter.fuel_left) == (before, amounts[0])

    loop = """(module (import "" "" (func $change)) (func (export "f") (param $n i32)
      call $change
      (loop (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if 0 (local.get $n)))))"""
    func = Func(FuncType(), change, access_caller=True)
    instance = instantiate(loop, {"": {"": func}}, engine=engine, fuel=1_000)
    for amount, turns, enough in ((60_000, 10_000, True), (300, 100, False), (0, 1, False)):
        amounts[:] = [amount]
        if enough:
            instance.exports.f(turns)
            assert instance.fuel_used == 2 + 6 * turns
            continue
        with pytest.raises(OutOfFuel):
            instance.exports.f(turns)
        assert amount <= instance.fuel_used <= amount + 2


def test_call_depth() -> None:
    instance = instantiate(function("i32", "i32", *RECURSE), depth_limit=50)
    assert instance.exports.f(49) == 0
    with pytest.raises(Trap, match="call stack exhausted") as caught:
        instance.exports.f(50)
    assert caught.value.trap_code is TrapCode.STACK_OVERFLOW
    assert len(caught.value.frames) == 50
    assert instance.exports.f(49) == 0


def test_large_frames_cost_depth() -> None:
    big = "i32 " * 2559
    instance = instantiate(function("i32", "i32", *RECURSE, locals_=big), depth_limit=100)
    # 2,560 locals: each frame costs 1 + 10
    assert instance.exports.f(100 // 11 - 1) == 0
    with pytest.raises(Trap):
        instance.exports.f(100 // 11)


def test_deep_guests_in_eight_threads() -> None:
    failures: list[BaseException] = []

    def deep() -> None:
        try:
            instance = instantiate(function("i32", "i32", *RECURSE))
            assert instance.exports.f(1999) == 0
            with pytest.raises(Trap):
                instance.exports.f(2000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=deep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_deep_reentry_through_the_host_ends_as_a_trap() -> None:
    boxes: list[Instance] = []
    limit = sys.getrecursionlimit()
    boxes.append(instantiate(host_module("call 0"), {"h": {"h": lambda: boxes[0].exports.f()}}))
    with pytest.raises(Trap, match="call stack exhausted") as caught:
        boxes[0].exports.f()
    # Python 3.12 cannot nest so many calls of the host's: there it is their number that counts
    assert len(caught.value.frames) == min(2000, allowance().entries)
    assert sys.getrecursionlimit() >= limit
    assert not boxes[0].dead


def test_another_thread_gets_busy() -> None:
    inside, leave = threading.Event(), threading.Event()

    def host() -> None:
        inside.set()
        leave.wait(10)

    instance = instantiate(host_module("call 0"), {"h": {"h": host}})
    thread = threading.Thread(target=lambda: instance.exports.f())
    thread.start()
    assert inside.wait(10)
    with pytest.raises(Busy, match="another thread"):
        instance.exports.f()
    leave.set()
    thread.join()
    instance.exports.f()


def test_linked_instances_are_busy_together() -> None:
    inside, leave = threading.Event(), threading.Event()

    def host() -> None:
        inside.set()
        leave.wait(10)

    first = instantiate(host_module("call 0", memories=[limits(1)]), {"h": {"h": host}})
    data = module(
        types=[functype()],
        imports=[name("a") + name("f") + b"\0\0"],
        functions=[0],
        exports=[("g", 0, 1)],
        bodies=[body("", "call 0")],
    )
    second = instantiate(data, {"a": first})
    thread = threading.Thread(target=lambda: second.exports.g())
    thread.start()
    assert inside.wait(10)
    with pytest.raises(Busy):
        first.exports.f()
    leave.set()
    thread.join()


def test_an_interruption_kills_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(meter: Meter) -> None:
        raise KeyboardInterrupt

    instance = instantiate(function("", "", *LOOP), fuel=None, timeout=None, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        instance.exports.f()
    assert instance.dead
    with pytest.raises(InstanceDead, match="interrupted by KeyboardInterrupt"):
        instance.exports.f()


def test_it_stays_usable_after_traps_and_stops() -> None:
    instance = instantiate(function("i32", "i32", "i32.const 10", "local.get 0", "i32.div_u"))
    with pytest.raises(Trap):
        instance.exports.f(0)
    with instance.account(fuel=2), pytest.raises(Stopped):
        instance.exports.f(1)
    assert instance.exports.f(5) == 2


def test_stepping_one_instruction_at_a_time() -> None:
    instance = instantiate(function("i32", "i32", *RECURSE))
    func = instance.exports.f
    with instance.account() as meter:
        execution = Execution(func, [3])
        turns = 0
        deepest = 0
        while (results := execution.step(meter)) is None:
            turns += 1
            deepest = max(deepest, len(execution.trace()))
        stepped = meter.fuel_used
    assert results == [0]
    assert deepest == 4
    assert turns > 20
    assert func(3) == 0
    assert instance.fuel_used == stepped


def test_growing_and_locals_make_the_meter_look() -> None:
    clock = Clock()
    looks: list[float] = []
    data = function(
        "", "", "i32.const 1", "memory.grow", "drop", *LOOP[:1], "end", memories=[limits(1)]
    )
    instance = instantiate(data, clock=clock, progress=lambda meter: looks.append(clock.now))
    instance.exports.f()
    # at entry, at the loop behind the growth, and before the results
    assert len(looks) >= 2


def test_sizes_that_are_too_large_are_refused_not_allocated() -> None:
    lines = ("local.get 0", "memory.grow")
    instance = instantiate(function("i32", "i32", *lines, memories=[limits(1)]))
    assert instance.exports.f(-1) == -1
    assert instance.exports.f(65536) == -1
    assert instance.exports.f(255) == 1
    assert instance.fuel_used == 1 + 2 + 255
    assert instance.exports.f(1) == -1
    assert instance.fuel_used == 1 + 2


def test_a_token_wakes_all_who_sleep() -> None:
    token, woken = CancelToken(), []

    def nap() -> None:
        woken.append(token.wait(60))

    threads = [threading.Thread(target=nap) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not token.cancelled
    assert not token.wait(0.01)
    token.cancel()
    for thread in threads:
        thread.join(10)
    assert woken == [True] * 3
    assert token.cancelled
    assert token.wait(60)


def test_a_token_that_was_cancelled_before_stops_the_first_step() -> None:
    token = CancelToken()
    token.cancel()
    instance = instantiate(function("", "", "nop"))
    with instance.account(cancel=token), pytest.raises(Cancelled):
        instance.exports.f()
    instance.exports.f()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 50_000), st.sampled_from("trxh"))), st.booleans())
def test_slices_never_lose_fuel(steps: list[tuple[int, str]], watched: bool) -> None:
    """Whatever a tier and the host do with it, what was charged is what was charged."""
    clock = Clock()
    first = Meter(10**9, None, progress=(lambda meter: None) if watched else None, clock=clock)
    meter = first.renewed()
    fuel, charged, used_up = meter.left, 0, 0
    for cost, step in steps:
        clock.now += 0.003
        fuel -= cost
        charged += cost
        if step == "t" or fuel < 0:
            if fuel < 0:
                fuel = meter.refill(fuel)
                used_up += meter.used_up
        elif step == "r":
            meter.left = fuel
            fuel = meter.resume()
        elif step == "x":
            fuel = meter.expire(fuel)
        meter.left = fuel
        assert meter.fuel_used == charged
        assert meter.fuel_left == 10**9 - charged
    # slices are used up about as fast as fuel: what is overdrawn may count twice
    overdrawn = 50_000 * (len(steps) + 1)
    assert used_up <= charged + overdrawn
    first.follow(meter)
    assert first.fuel_used == 0
    assert first.renewed().fuel_used == 0


def test_a_new_account_goes_on_with_the_slice() -> None:
    first = Meter()
    meter = first.renewed()
    whole = meter.left
    meter.left -= 300
    first.follow(meter)
    meter = first.renewed()
    assert meter.left == whole - 300
    meter.expire(meter.left - 200)
    first.follow(meter)
    meter = first.renewed()
    assert meter.left == whole - 500
    meter.left -= whole
    assert meter.refill(meter.left) > 0
    assert meter.used_up == whole
