"""Compiling is bounded as running is: by the account's clock, its token, and by work."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import Any

import pytest
from compiling_shapes import SHAPES, WIDE
from compiling_shapes import module as growing_module
from wasm_builder import functype, unsigned
from wasm_builder import module as module_of

import pywasmgk
from pywasmgk.errors import Cancelled, DeadlineExceeded
from pywasmgk.wasm.compiler import budget as budgets
from pywasmgk.wasm.compiler import driver
from pywasmgk.wasm.compiler import request as requests
from pywasmgk.wasm.compiler.budget import Budget, OutOfTime, OutOfWork
from pywasmgk.wasm.compiler.request import OPTIMIZED, QUICK, Request, compiled_function
from pywasmgk.wasm.runtime.metering import CancelToken

#: takes long enough for many looks if each is due at once
BODY = "(local.set 0 (i32.add (local.get 0) (i32.load8_u (i32.and (local.get 0) (i32.const 63)))))"
TEXT = f"""(module (memory 1)
    (func (export "f") (param i32) (result i32)
        {f"(if (local.get 0) (then {BODY}))" * 40} (local.get 0)))"""


@pytest.fixture(autouse=True)
def _always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "_LOOK_EVERY", 0.0)


def instance(engine: str = "optimized", **options: Any) -> Any:
    return pywasmgk.instantiate(pywasmgk.Module(TEXT), engine=engine, **options)


EXPECTED = instance("interpreter").exports.f(7)


def test_the_progress_callback_is_told_while_compiling() -> None:
    seen: list[int] = []
    guest = instance(progress=lambda meter: seen.append(meter.fuel_used))
    assert guest.exports.f(7) == EXPECTED
    assert len(seen) > 40
    told = len(seen)
    assert guest.exports.f(7) == EXPECTED
    assert len(seen) < told + 5


def test_a_call_can_be_cancelled_while_it_compiles() -> None:
    token, seen = CancelToken(), []

    def tell(meter: Any) -> None:
        seen.append(meter)
        if len(seen) == 20:
            token.cancel()

    guest = instance()
    with pytest.raises(Cancelled), guest.account(progress=tell, cancel=token):
        guest.exports.f(7)
    assert len(seen) == 20
    assert not guest.module.compiled
    assert guest.exports.f(7) == EXPECTED
    assert guest.exports.f.compiled


def test_a_deadline_ends_a_compilation() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.01
        return now[0]

    # time passes with every look, far more than Python's own clock shows
    guest = instance(timeout=0.3, clock=clock)
    with pytest.raises(DeadlineExceeded):
        guest.exports.f(7)
    assert not guest.module.compiled and not guest.module.postponed


def test_what_would_take_too_much_of_the_time_is_interpreted() -> None:
    guest = instance(timeout=20.0)
    key = Request(0).key
    guest.module.postponed[key] = 9.0  # as if that had not been enough
    assert guest.exports.f(7) == EXPECTED
    assert not guest.exports.f.compiled
    guest.module.postponed[key] = 1.0
    assert guest.exports.f(7) == EXPECTED
    assert guest.exports.f.compiled


def test_a_compilation_that_was_given_up_says_how_much_time_it_had() -> None:
    module = pywasmgk.Module(TEXT)
    request = Request(0)
    assert compiled_function(module, request, Budget(seconds=1e-5)) is None
    assert module.postponed == {request.key: 1e-5}
    assert compiled_function(module, request, Budget(seconds=1e-4)) is None
    assert module.postponed == {request.key: 1e-4}
    looks: list[None] = []
    again = Budget(lambda: looks.append(None), seconds=1.5e-4)
    assert compiled_function(module, request, again) is None
    assert not looks
    assert compiled_function(module, request) is not None


def test_python_is_not_asked_to_compile_what_there_is_no_time_for() -> None:
    Budget(seconds=60.0).check_text(1_000_000)
    with pytest.raises(OutOfTime):
        Budget(seconds=60.0).check_text(1_000_000_000)


def test_work_is_bounded_by_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget()
    budget.begin(100)
    with pytest.raises(OutOfWork):
        budget.check(1_000_000)
    monkeypatch.setattr(budgets, "_LEAST_WORK", 0)
    monkeypatch.setattr(budgets, "_WORK_PER_INSTRUCTION", 0.5)
    module = pywasmgk.Module(TEXT)
    with pytest.raises(driver.CannotCompile, match="takes too long"):
        driver.source_of(module, 0)
    assert compiled_function(module, Request(0)) is None
    # that is the function's own fault, and no matter of time
    assert module.compiled == {Request(0).key: None}


@pytest.mark.parametrize("level", [QUICK, OPTIMIZED])
@pytest.mark.parametrize("shape", [*SHAPES, *WIDE], ids=lambda shape: shape.__name__)
def test_the_steps_between_two_looks_are_bounded(shape: Any, level: int) -> None:
    """Calls and returns are counted, Python's own included; a million take some 40 ms; what C
    does in one step, and what is done but once, is below that."""
    made = growing_module(shape(6_000 // len(shape(64)) * 64))
    with contextlib.suppress(driver.CannotCompile):
        driver.source_of(made, 0, level=level)  # what is made once is there
    count, last, most = 0, 0, 0

    def note(frame: Any, event: str, arg: Any) -> None:
        nonlocal count, last, most
        count += 1
        if frame.f_code is Budget.check.__code__:
            most, last = max(most, count - last), count

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        driver.source_of(made, 0, level=level)
    except driver.CannotCompile:
        pass
    finally:
        sys.setprofile(None)
        gc.enable()
    assert max(most, count - last) < 750_000


def test_what_is_prepared_for_the_interpreter_is_on_the_account_too() -> None:
    """A body of a megabyte, of which nothing but the first loop runs."""
    far = b"\0" + b"\x03\x40\x0c\0\x0b" + b"\x41\0\x1a" * 300_000 + b"\x0b"
    data = module_of(
        types=[functype()],
        functions=[0],
        exports=[("f", 0, 0)],
        bodies=[unsigned(len(far)) + far],
    )
    guest = pywasmgk.instantiate(data, engine="interpreter")
    seen: list[Any] = []
    with pytest.raises(Cancelled), guest.account(progress=seen.append, cancel=(t := CancelToken())):
        t.cancel()
        guest.exports.f()
    assert not guest.module.codes
    # others are not told of what runs for somebody else
    assert guest.module.block_map(0).code


def test_a_full_stack_of_python_is_no_fault_of_the_function(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = pywasmgk.Module(TEXT)

    def deep(levels: int) -> Any:
        return deep(levels - 1) if levels else compiled_function(module, Request(0))

    monkeypatch.setattr(driver, "compile_source", refused)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 2_000)
    try:
        assert deep(500) is None
        assert not module.compiled and module.postponed
        monkeypatch.undo()
        monkeypatch.setattr(driver, "source_for", overflowing)
        assert compiled_function(pywasmgk.Module(TEXT), Request(0)) is None
    finally:
        sys.setrecursionlimit(limit)


def refused(source: Any) -> Any:
    raise driver.TooDeep


def overflowing(*args: Any) -> Any:
    raise RecursionError


def test_a_module_has_no_more_generated_than_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loop of a function may be a way into it: what is kept is bounded by their sum."""
    module = pywasmgk.Module(TEXT)
    assert compiled_function(module, Request(0)) is not None
    monkeypatch.setattr(requests, "MOST_GENERATED", module.generated - 1)
    assert compiled_function(module, Request(0, level=QUICK)) is None
    assert not module.postponed
    guest = pywasmgk.instantiate(pywasmgk.Module(TEXT), engine="quick")
    guest.module.generated = 1 << 40
    assert guest.exports.f(7) == EXPECTED
    assert not guest.exports.f.compiled
