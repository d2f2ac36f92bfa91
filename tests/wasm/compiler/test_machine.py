"""What Python cannot nest runs as a machine of states, and else in the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from differential import check
from generator import generate
from loop_generator import generate as loops_of
from wasm_builder import function

import pywasmgk
from pywasmgk.errors import OutOfFuel
from pywasmgk.wasm.compiler import fast, turns, unit
from pywasmgk.wasm.compiler.emit import TooDeep

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


SHAPES: dict[str, tuple[Callable[[int], list[str]], int]] = {
    "loops": (loops, 40),
    "ifs": (ifs, 110),
    "switch": (switch, 300),
    "carried": (carried, 60),
    "chain": (chain, 9_000),
}


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The forms that were tried."""
    tried: list[str] = []
    for name in ("emit_rows", "machine_rows"):
        form = getattr(unit, name)

        def noted(*args: Any, form: Any = form, name: str = name) -> Any:
            tried.append(name)
            return form(*args)

        monkeypatch.setattr(unit, name, noted)
    yield tried


def outcome(instance: Any, argument: int) -> tuple[Any, int]:
    try:
        return instance.exports.f(argument), instance.fuel_used
    except OutOfFuel as error:
        return [frame.offset for frame in error.frames], instance.fuel_used


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_do_the_same_in_both_tiers(shape: str, forms: list[str]) -> None:
    make, size = SHAPES[shape]
    module = pywasmgk.Module(function("i32", "i32", *make(size)))
    tiers = [
        pywasmgk.instantiate(module, engine=engine, fuel=FUEL)
        for engine in ("interpreter", "compiler")
    ]
    for argument in (0, 1, 2, 5, size // 2, size - 1, size, size + 9):
        first, second = (outcome(instance, argument) for instance in tiers)
        assert first == second, argument
    assert module.compiled and None not in module.compiled.values()
    assert forms == ["emit_rows", "machine_rows"]


@pytest.mark.parametrize("fuel", [0, 1, 17, 100, 255])
def test_shapes_stop_at_the_same_place(fuel: int) -> None:
    for shape, (make, size) in SHAPES.items():
        module = pywasmgk.Module(function("i32", "i32", *make(min(size, 300))))
        found = [
            outcome(pywasmgk.instantiate(module, engine=engine, fuel=fuel), 3)
            for engine in ("interpreter", "compiler")
        ]
        assert found[0] == found[1], shape


def test_whole_programs_run_as_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*args: Any) -> Any:
        raise TooDeep

    monkeypatch.setattr(unit, "emit_rows", too_deep)
    monkeypatch.setattr(turns, "MOST", 8)
    monkeypatch.setattr(fast, "MOST", 8)
    for make in (generate, loops_of):
        for seed in range(40):
            found = list(check(make(seed), ("interpreter", "compiler"), stops=seed % 10 == 0))
            assert not found, seed


@pytest.mark.parametrize(
    "error", [TooDeep, RecursionError, MemoryError, SyntaxError, OverflowError]
)
def test_what_python_refuses_is_left_to_the_interpreter(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(*args: Any) -> Any:
        raise error("too many statically nested blocks")

    monkeypatch.setattr(unit, "compile_source", refuse)
    instance = pywasmgk.instantiate(function("i32", "i32", *chain(3)), engine="compiler")
    assert instance.exports.f(4) == 4
    assert set(instance.module.compiled.values()) == {None}


def test_a_table_of_branches_counts_by_its_targets() -> None:
    """A million targets are two instructions; as Python they would take gigabytes."""
    labels = ",".join(["0", "1"] * 100_000)
    lines = ["block _", "block _", "local.get 0", f"br_table {labels}"]
    lines += ["end", "i32.const 1", "return", "end", "i32.const 2"]
    instance = pywasmgk.instantiate(function("i32", "i32", *lines), engine="compiler")
    assert [instance.exports.f(number) for number in (0, 1, 199_999, 200_000)] == [1, 2, 2, 2]
    assert set(instance.module.compiled.values()) == {None}
