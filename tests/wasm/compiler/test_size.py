"""What compiling takes is bounded: functions that would take too much stay in the interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pywasmgk
from pywasmgk.wasm.compiler import driver
from pywasmgk.wasm.text.reading import assemble


def ifs(count: int, locals_: int) -> str:
    lines = (f"local.get 0 if local.get 0 local.set {n % locals_} end" for n in range(count))
    return "\n".join(lines)


def loops(count: int, locals_: int) -> str:
    lines = (
        f"loop local.get 0 local.set {n % locals_} local.get {n * 7 % locals_} br_if 0 end"
        for n in range(count)
    )
    return "\n".join(lines)


def loads(count: int, locals_: int) -> str:
    lines = (
        f"local.get {n % locals_} i32.load offset={4 * n} local.set {(n + 1) % locals_}"
        for n in range(count)
    )
    return "\n".join(lines)


SHAPES: dict[str, tuple[Callable[[int, int], str], int, int]] = {
    "ifs and locals": (ifs, 1_900, 1_000),
    "loops and locals": (loops, 1_300, 1_000),
    "loads": (loads, 4_000, 300),
}


def module(shape: Callable[[int, int], str], count: int, locals_: int) -> pywasmgk.Module:
    kinds = "i32 " * (locals_ - 1)
    text = f"""(module (memory 1)
        (func (export "f") (param i32) (local {kinds}) {shape(count, locals_)}))"""
    return pywasmgk.Module(assemble(text))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says its peak there")
@pytest.mark.parametrize("name", SHAPES)
def test_large_functions_are_compiled_in_less_than_500_megabytes(name: str) -> None:
    # ``getrusage`` would tell the peak of the process that this one was forked from
    code = f"""
import re, sys
from pathlib import Path
sys.path.insert(0, {str(__file__).rpartition("/")[0]!r})
from pywasmgk.wasm.compiler import request
from test_size import SHAPES, module
made = module(*SHAPES[{name!r}])
# Python cannot nest all of them
request.compiled_function(made, request.Request(0))
assert request.compiled_function(made, request.Request(0, level=request.QUICK)) is not None
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500


@pytest.mark.parametrize(
    ("shape", "count", "locals_", "reason"),
    [(ifs, 3_900, 5_000, "variables"), (ifs, 4_100, 2, "20,501 instructions")],
)
def test_what_would_take_more_is_left_to_the_interpreter(
    shape: Callable[[int, int], str], count: int, locals_: int, reason: str
) -> None:
    large = module(shape, count, locals_)
    with pytest.raises(driver.CannotCompile, match=reason):
        driver.source_of(large, 0)
    guest = pywasmgk.instantiate(large, engine="optimized")
    assert guest.exports["f"](1) is None
