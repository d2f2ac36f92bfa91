"""The shortest way from Python into compiled code does what the long one through the interpreter
does: values, errors, fuel, stops, accounts, re-entry, threads."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processor import patiently
from wasm_builder import body, function, functype, limits, module, name

import pywasmgk
from pywasmgk.errors import Busy, DeadlineExceeded, InstanceDead, OutOfFuel, Stopped, Trap
from pywasmgk.wasm.runtime.metering import CancelToken, Meter, current_meter

KINDS = ("i32", "i64", "f32", "f64", "v128", "funcref", "externref")
#: counts its argument down with a store on every turn, then divides by 3 less it
COUNTDOWN = (
    *("loop _", "local.get 0", "local.get 0", "i32.store 2+0", "local.get 0", "i32.const 1"),
    *("i32.sub", "local.tee 0", "br_if 0", "end", "local.get 1", "i32.const 1", "i32.div_s"),
    *("local.get 1", "i32.div_s"),
)


def opened(data: bytes, imports: Any = None, **options: Any) -> tuple[Any, Any]:
    """The exports ``f`` by the interpreter and by the shortest way."""
    slow = pywasmgk.instantiate(data, imports, engine="interpreter", **options)
    fast = pywasmgk.instantiate(data, imports, engine="optimized", **options)
    func = fast.exports.f
    assert fast.tiers.binding.compile(func.index)
    return slow.exports.f, func


def outcome(func: Any, *args: Any) -> Any:
    """All that a caller can see of a call."""
    try:
        result = func(*args)
        shown: Any = type(result), struct.pack("<d", result) if result != result else result
    except Exception as error:
        frames = getattr(error, "frames", None)
        shown = type(error), str(error).split(" in ")[0], frames, getattr(error, "fuel_used", None)
    assert current_meter() is None
    return shown, func.instance.fuel_used


IDENTITIES = {kind: opened(function(kind, kind, "local.get 0")) for kind in KINDS}
VALUES = st.one_of(
    st.integers(-(1 << 65), 1 << 65),
    st.sampled_from((-(1 << 31), (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, True, False)),
    st.sampled_from((-(1 << 63), (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64)),
    st.floats(),
    st.binary(min_size=14, max_size=18),
    st.none(),
    st.text(max_size=2),
)


@given(
    kind=st.sampled_from(KINDS), args=st.lists(VALUES, min_size=1, max_size=1) | st.lists(VALUES)
)
def test_values_are_taken_and_given_alike(kind: str, args: list[Any]) -> None:
    slow, fast = IDENTITIES[kind]
    assert outcome(slow, *args) == outcome(fast, *args)
    assert fast.direct is not None


def test_references_come_back_as_they_are() -> None:
    for func in IDENTITIES["funcref"]:
        assert func(func) is func
    thing = object()
    for func in IDENTITIES["externref"]:
        assert func(thing) is thing


def test_none_and_several_results() -> None:
    none, several = functype("", ""), functype("i32 f64 i64", "i64 i32 f64")
    data = module(types=[none], functions=[0], exports=[("f", 0, 0)], bodies=[body("", "nop")])
    for func in opened(data):
        assert func() is None
        with pytest.raises(TypeError, match="takes 0 arguments, 2 were given"):
            func(1, 2)
    lines = ("local.get 2", "local.get 0", "local.get 1")
    data = module(types=[several], functions=[0], exports=[("f", 0, 0)], bodies=[body("", *lines)])
    for func in opened(data):
        assert func(-1, math.pi, 1 << 63) == (-(1 << 63), -1, math.pi)


@pytest.mark.parametrize("fuel", range(60))
def test_every_fuel_stops_alike(fuel: int) -> None:
    slow, fast = opened(function("i32 i32", "i32", *COUNTDOWN, memories=[limits(1)]), fuel=fuel)
    for args in ((3, 1), (3, 0), (1, -1), (4, 7)):
        assert outcome(slow, *args) == outcome(fast, *args)
    for func in (slow, fast):
        with func.instance.account(fuel=2 * fuel) as meter:
            with pytest.raises((Stopped, Trap)) as caught:
                for turn in range(1, 99):
                    func(turn, 0 if turn == 5 else 1)
            assert caught.value.fuel_used == meter.fuel_used
    assert slow.instance.fuel_used == fast.instance.fuel_used


def host_module(*lines: str) -> bytes:
    """``f``, and ``g`` that gives 7, beside the import ``h.h``, all of type () -> (i32)."""
    return module(
        types=[functype("", "i32")],
        imports=[name("h") + name("h") + b"\0\0"],
        functions=[0, 0],
        exports=[("f", 0, 1), ("g", 0, 2)],
        bodies=[body("", *lines), body("", "i32.const 7")],
    )


def test_cancellation_and_progress() -> None:
    data = function("i32", "", "loop _", "local.get 0", "br_if 0", "end")
    func = opened(data)[1]
    told: list[int] = []
    token = CancelToken()

    def tell(meter: Meter) -> None:
        told.append(meter.fuel_used)
        if len(told) == 5:
            token.cancel()

    with func.instance.account(progress=tell, cancel=token):
        func(0)
        func(0)
        # at the entries
        assert told == [1, 4]
        with pytest.raises(Stopped, match="cancelled") as caught:
            func(1)
        assert len(told) == 5
        assert caught.value.fuel_used > told[4]
        with pytest.raises(Stopped, match="cancelled"):
            func(0)
    func(0)
    assert len(told) == 5


@pytest.mark.parametrize("what", ["cancel", "progress", "clock"])
def test_who_looks_from_the_beginning_is_asked(what: str) -> None:
    asked: list[int] = []

    class Token(CancelToken):
        @property
        def cancelled(self) -> bool:
            asked.append(1)
            return False

    options: dict[str, Any] = {
        "cancel": Token(),
        "progress": asked.append,
        "clock": lambda: float(len(asked)) if asked.append(1) is None else 0.0,
    }
    func = opened(function("", "", "nop"), **{what: options[what]})[1]
    asked.clear()
    func()
    once = len(asked)
    func()
    assert once > 0
    assert len(asked) == 2 * once


def test_the_real_deadline() -> None:
    data = function("i32", "", "loop _", "local.get 0", "br_if 0", "end")

    def attempt(seconds: float) -> None:
        _, func = opened(data, timeout=seconds, fuel=None)
        func(0)
        with pytest.raises(DeadlineExceeded):
            func(1)
        func(0)

    patiently(attempt, 0.05)


def test_host_functions_call_back_in_on_one_account() -> None:
    boxes: list[Any] = []
    meters: list[Any] = []

    def host() -> int:
        meters.append(current_meter())
        before = meters[-1].fuel_used
        g = boxes[0].exports.g
        assert g() == g() == 7
        assert meters[-1].fuel_used == before + 2 * 2
        assert meters[-1].entries == 1
        return 1

    lines = ("call 0", "drop", "call 0")
    for func in opened(host_module(*lines), {"h": {"h": host}}):
        boxes[:] = [func.instance]
        assert func() == func() == 1
        assert func.instance.fuel_used == 1 + 2 + 2 * 2 * 2
        assert meters[-1] is meters[-2] is not meters[-3]
        assert meters[-1].host_calls == 2
        assert current_meter() is None


def test_what_host_functions_raise() -> None:
    error = KeyError("k")

    def host() -> int:
        raise error

    for func in opened(host_module("call 0"), {"h": {"h": host}}):
        for _ in range(2):
            with pytest.raises(KeyError) as caught:
                func()
            assert caught.value is error
            assert error.__notes__ == ["wasm frame: $f at 0x2d"]  # type: ignore[attr-defined]
            del error.__notes__  # type: ignore[attr-defined]
        assert not func.instance.dead


def test_interruptions_and_the_dead() -> None:
    def interrupt(meter: Meter) -> None:
        raise KeyboardInterrupt

    func = opened(function("", "", "nop"))[1]
    func()
    with pytest.raises(KeyboardInterrupt), func.instance.account(progress=interrupt):
        func()
    for _ in range(2):
        with pytest.raises(InstanceDead, match="interrupted by KeyboardInterrupt"):
            func()
    assert current_meter() is None


def from_another_thread(call: Callable[[], Any]) -> list[Any]:
    """What a call raises in a thread of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except BaseException as error:
            found.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


def test_another_thread_is_refused_meanwhile_and_changes_nothing() -> None:
    seen: list[Any] = []

    def state() -> tuple[Any, ...]:
        instance = func.instance
        return instance.fuel_used, instance.template.left, instance.tiers.binding.depth

    def host() -> int:
        before = state()
        seen.extend(from_another_thread(func))
        seen.extend(from_another_thread(func.instance.exports.g))
        assert state() == before
        return 2

    func = opened(host_module("call 0"), {"h": {"h": host}}, depth_limit=5_000)[1]
    func.instance.exports.g()
    func.instance.exports.g()
    assert func.instance.fuel_used == 2
    assert func() == func() == 2
    assert seen == [Busy] * 4
    assert func() == 2


def test_instances_that_are_linked_later_are_one_domain() -> None:
    seen: list[Any] = []
    first = opened(host_module("i32.const 3"), {"h": {"h": lambda: 0}})[1]
    assert first() == 3

    def host() -> int:
        seen.extend(from_another_thread(first))
        return first()  # type: ignore[no-any-return]

    second = opened(host_module("call 0"), {"h": {"h": host}})[1]
    assert second() == 3
    assert seen.pop() == 3
    # linking makes them one
    data = module(
        types=[functype("", "i32")],
        imports=[name("a") + name("f") + b"\0\0", name("b") + name("f") + b"\0\0"],
        functions=[0],
        exports=[("f", 0, 2)],
        bodies=[body("", "call 0", "call 1", "i32.add")],
    )
    both = opened(data, {"a": first.instance, "b": second.instance})[1]
    assert both() == 6
    assert seen.pop() is Busy
    assert second() == first() == 3
    assert seen.pop() is Busy


def test_where_pythons_stack_is_nearly_full_it_goes_the_long_way() -> None:
    boxes: list[Any] = []

    def host() -> int:
        return int(boxes[-1]())

    for func in opened(host_module("call 0"), {"h": {"h": host}}, depth_limit=90):
        boxes.append(func)
        for _ in range(2):
            with pytest.raises(Trap, match="call stack exhausted") as caught:
                func()
            assert len(caught.value.frames) == 90
            assert func.instance.fuel_used == caught.value.fuel_used == 90 * 2


def test_out_of_fuel_before_the_results_is_told() -> None:
    for func in opened(function("", "", *["i32.const 1", "drop"] * 9), fuel=5):
        with pytest.raises(OutOfFuel):
            func()
        assert func.instance.fuel_used == 5


def test_slices_go_on_from_call_to_call() -> None:
    data = function("i32", "", "loop _", "local.get 0", "i32.const 1", "i32.sub", "local.tee 0",
                    "br_if 0", "end")  # fmt: skip
    func = opened(data)[1]
    template = func.instance.template
    seen = []
    for _ in range(100):
        func(100)
        seen.append(template.left)
        assert func.instance.fuel_used == 1 + 5 * 100
        assert template.fuel_used == 0
    falls = [before - after for before, after in pairwise(seen)]
    assert falls.count(501) > 90
    # a slice ended now and then
    assert sum(fall < 0 for fall in falls) == 100 * 501 // 20_000
