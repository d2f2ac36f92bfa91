"""What Python cannot nest runs at the quick level, and else in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wasm_builder import function

import pywasmgk
from pywasmgk.errors import OutOfFuel
from pywasmgk.wasm.compiler import driver, optimizing
from pywasmgk.wasm.compiler import source as sources
from pywasmgk.wasm.compiler.request import QUICK

FUEL = 3_000


def loops(depth: int) -> list[str]:
    """Loops in loops, each of which goes on to every other one."""
    lines = ["loop _"] * depth
    lines += ["local.get 0", "i32.const 1", "i32.sub", "local.tee 0"]
    for label in range(depth):
        lines += [f"br_if {label}", "local.get 0"]
    return [*lines, "drop", *["end"] * depth, "local.get 0"]


def ifs(depth: int) -> list[str]:
    """Ifs in ifs, with something to do in each before and after."""
    lines: list[str] = []
    for number in range(depth):
        lines += ["local.get 0", f"i32.const {number}", "i32.gt_u", "if _"]
        lines += ["i32.const 7", "local.get 0", "i32.add", "local.set 0"]
    for _ in range(depth):
        lines += ["local.get 0", "i32.const 3", "i32.mul", "local.set 0", "end"]
    return [*lines, "local.get 0"]


def switch(arms: int) -> list[str]:
    """A switch whose arms run on into one another."""
    lines = ["block _"] * arms
    lines += ["local.get 0", "br_table " + ",".join(map(str, range(arms)))]
    for number in range(arms):
        lines += ["end", "local.get 0", f"i32.const {number}", "i32.add", "local.set 0"]
    return [*lines, "local.get 0"]


def carried(depth: int) -> list[str]:
    """Blocks that are left with operands."""
    lines = ["block i32"] * depth
    for label in range(depth):
        lines += ["i32.const 5", "local.get 0", f"i32.const {label}", "i32.eq", f"br_if {label}"]
        lines += ["local.get 0", "i32.add", "local.set 0"]
    lines += ["local.get 0"]
    for number in range(depth):
        lines += ["end", f"i32.const {number}", "i32.xor"]
    return lines


def chain(length: int) -> list[str]:
    """One block that is left in many places, one after the other."""
    leaving = ["local.get 0", "br_if 0"] * length
    return ["block _", *leaving, "i32.const 9", "local.set 0", "end", "local.get 0"]


def resumed(points: int) -> list[str]:
    """A loop over a chain of blocks, entered anywhere, as Go makes it; small loops are among them,
    and jumps forward, back, and to the head."""
    lines = ["loop _", *["block _"] * points, "local.get 1"]
    lines += ["br_table " + ",".join(map(str, range(points)))]
    for number in range(points):
        lines += ["end", "local.get 0", f"i32.const {number + 3}", "i32.add", "local.set 0"]
        if number % 5 == 1:
            lines += ["i32.const 3", "local.set 2", "loop _", "local.get 2", "i32.const 1"]
            lines += ["i32.sub", "local.tee 2", "br_if 0", "end"]
        if number % 5 == 2 and number + 9 < points:
            lines += ["local.get 0", "i32.const 7", "i32.and", "i32.eqz", f"br_if {7}"]
        if number % 8 == 3:
            # on with another segment, by way of the head
            lines += ["local.get 0", "i32.const 3", "i32.mul", "i32.const 63", "i32.and"]
            lines += ["local.set 1", "local.get 0", "i32.const 100000", "i32.lt_u"]
            lines += [f"br_if {points - number - 1}"]
    return [*lines, "end", "local.get 0"]


SHAPES: dict[str, tuple[Callable[[int], list[str]], int]] = {
    "resumed": (resumed, 64),
    "loops": (loops, 40),
    "ifs": (ifs, 110),
    "switch": (switch, 300),
    "carried": (carried, 60),
    "chain": (chain, 9_000),
}


def shaped(lines: list[str]) -> bytes:
    """A module with a function of that code, and locals beside its parameter."""
    return function("i32", "i32", *lines, locals_="i32 i32")


def outcome(instance: Any, argument: int) -> tuple[Any, int]:
    try:
        return instance.exports.f(argument), instance.fuel_used
    except OutOfFuel as error:
        return [frame.offset for frame in error.frames], instance.fuel_used


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_do_the_same_in_both_tiers(shape: str) -> None:
    make, size = SHAPES[shape]
    module = pywasmgk.Module(shaped(make(size)))
    tiers = [
        pywasmgk.instantiate(module, engine=engine, fuel=FUEL)
        for engine in ("interpreter", "optimized")
    ]
    for argument in (0, 1, 2, 5, size // 2, size - 1, size, size + 9):
        first, second = (outcome(instance, argument) for instance in tiers)
        assert first == second, argument
    assert tiers[1].tiers.binding.levels == {0: QUICK}
    with pytest.raises(driver.CannotCompile, match="cannot nest"):
        driver.source_of(module, 0)


@pytest.mark.parametrize("fuel", [0, 1, 17, 100, 255])
def test_shapes_stop_at_the_same_place(fuel: int) -> None:
    for shape, (make, size) in SHAPES.items():
        module = pywasmgk.Module(shaped(make(min(size, 300))))
        found = [
            outcome(pywasmgk.instantiate(module, engine=engine, fuel=fuel), 3)
            for engine in ("interpreter", "optimized")
        ]
        assert found[0] == found[1], shape


@pytest.mark.parametrize("error", [RecursionError, MemoryError, SyntaxError, OverflowError])
def test_what_python_refuses_is_left_to_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(*args: Any, **options: Any) -> Any:
        raise error("too many statically nested blocks")

    monkeypatch.setattr(sources, "compile", refuse, raising=False)
    instance = pywasmgk.instantiate(function("i32", "i32", *chain(3)), engine="optimized")
    assert instance.exports.f(4) == 4
    assert set(instance.module.compiled.values()) == {None}


@pytest.mark.parametrize("error", [RecursionError, MemoryError, OverflowError, KeyError])
def test_a_fault_in_a_pass_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*args: Any) -> Any:
        raise error("in a pass")

    monkeypatch.setattr(optimizing, "run", fail)
    with pytest.raises(error):
        driver.source_of(pywasmgk.Module(function("i32", "i32", *chain(3))), 0)


def test_a_table_of_branches_counts_by_its_targets() -> None:
    """A million targets are two instructions; as Python they would take gigabytes."""
    labels = ",".join(["0", "1"] * 100_000)
    lines = ["block _", "block _", "local.get 0", f"br_table {labels}"]
    lines += ["end", "i32.const 1", "return", "end", "i32.const 2"]
    instance = pywasmgk.instantiate(function("i32", "i32", *lines), engine="optimized")
    assert [instance.exports.f(number) for number in (0, 1, 199_999, 200_000)] == [1, 2, 2, 2]
    assert set(instance.module.compiled.values()) == {None}
