"""What compiling takes grows with a function's size and no faster, whatever its shape.

Steps are counted, not seconds: calls of functions, Python's own included.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from compiling_shapes import SHAPES, module
from wasm_builder import function

import pywasmgk
from pywasmgk.wasm.compiler import driver


def steps(lines: list[str]) -> int:
    """The calls that compiling a function makes."""
    made = module(lines)
    count = [0]

    def note(frame: Any, event: str, arg: Any) -> None:
        count[0] += 1

    # what cannot be nested is found out by work that must not grow either
    with contextlib.suppress(driver.CannotCompile):
        driver.source_of(made, 0)  # what is made once is there
    # what others leave behind must not be tidied up meanwhile: that makes calls, too
    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        with contextlib.suppress(driver.CannotCompile):
            driver.source_of(made, 0)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count[0]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_twice_the_size_takes_twice_the_steps(shape: Callable[[int], list[str]]) -> None:
    # both large enough to take the same form; a square would be four times as much
    assert steps(shape(640)) < 2.4 * steps(shape(320))


@pytest.mark.parametrize("name", ["f64.add", "f64.neg", "f64.abs"])
def test_long_expressions_survive_the_small_stack_of_a_thread(name: str) -> None:
    count = 3_000
    operand = ["local.get 0"] if name == "f64.add" else []
    code = function("f64", "f64", "local.get 0", *[*operand, name] * count)
    found: list[float] = []

    def run() -> None:
        guest = pywasmgk.instantiate(pywasmgk.Module(code), engine="optimized", timeout=None)
        found.append(guest.exports.f(1.0))
        found.append(max(map(len, driver.source_of(guest.module, 0).text.splitlines())))

    before = threading.stack_size(256 << 10)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert found[0] == (count + 1 if operand else 1.0)
    assert found[1] < 1_000
