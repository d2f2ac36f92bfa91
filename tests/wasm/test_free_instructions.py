"""Instructions without fuel take no time of their own, and change nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from wasm_builder import function

from pywasmgk.errors import OutOfFuel
from pywasmgk.wasm.interpreter.execution import Execution
from pywasmgk.wasm.runtime.instance import Instance, instantiate
from pywasmgk.wasm.runtime.metering import Meter

ENGINES = ("interpreter", "quick", "optimized")
#: bodies of a loop, by what they consist of
FREE = {
    "nop": ("nop",) * 5_000,
    "block": ("block _",) * 500 + ("end",) * 500,
    "loop": ("loop _",) * 500 + ("end",) * 500,
    "loops in a row": ("loop _", "end") * 2_500,
    "mixed": ("loop _", "nop", "block _", "end", "end") * 1_000,
}


def turns(instance: Instance, pc: int = 1) -> int:
    """Turns that the dispatch loop takes from a loop's head to its branch."""
    func = instance.exports.f
    names = {number: name for name, number in instance.dispatch.control.items()}
    operations = instance.tiers.prepare(func).operations
    count = 0
    while names.get(operations[pc][0]) not in ("jump_loop", "br_if_loop"):
        operation, x = operations[pc]
        pc = x if names.get(operation) in ("skip", "loop_skip") else pc + 1
        count += 1
    return count


@pytest.mark.parametrize("kind", FREE)
def test_a_stretch_of_them_is_one_turn(kind: str) -> None:
    instance = instantiate(function("", "", "loop _", *FREE[kind], "br 0", "end"))
    assert turns(instance) <= 2


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", FREE)
def test_they_stay_free(kind: str, engine: str) -> None:
    instance = instantiate(
        function("", "", "loop _", *FREE[kind], "br 0", "end"), engine=engine, fuel=1_000
    )
    with pytest.raises(OutOfFuel):
        instance.exports.f()
    assert instance.fuel_used == 1_000


def free_code(chance: random.Random, depth: int = 0) -> Iterator[str]:
    """Lines full of free instructions, with some that charge and some that branch."""
    for _ in range(chance.randrange(1, 5)):
        kind = chance.randrange(8)
        if kind < 3 and depth < 4:
            yield chance.choice(("block _", "loop _"))
            yield from free_code(chance, depth + 1)
            if chance.randrange(2):
                yield from ("local.get 0", "i32.eqz", f"br_if {chance.randrange(depth + 1)}")
            yield "end"
        elif kind == 3:
            yield from ("local.get 0", "i32.const 1", "i32.sub", "local.set 0")
        elif kind == 4:
            yield from ("local.get 0", "if _", "nop", "else", "nop", "end")
        else:
            yield "nop"


def stepped(instance: Instance, fuel: int, count: int) -> tuple[object, ...]:
    """What a call comes to if every instruction is looked at."""
    meter = Meter(fuel, None)
    try:
        with instance.account():
            execution = Execution(instance.exports.f, (count,))
            while execution.step(meter) is None:
                pass
            if meter.left < 0:
                meter.refill(meter.left)  # results go to the host
    except OutOfFuel as error:
        return fuel, [frame.offset for frame in error.frames]
    return meter.fuel_used, None


@pytest.mark.parametrize("seed", range(40))
def test_fuel_and_test_points_are_the_same_as_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    data = function("i32", "", *free_code(chance), "local.get 0", "drop")
    engines = [instantiate(data, engine=engine, timeout=None) for engine in ENGINES]
    for fuel in range(30):
        found = []
        for instance in engines:
            try:
                with instance.account(fuel=fuel) as meter:
                    instance.exports.f(3)
                found.append((meter.fuel_used, None))
            except OutOfFuel as error:
                found.append((meter.fuel_used, [frame.offset for frame in error.frames]))
        expected = stepped(engines[0], fuel, 3)
        assert found[0] == expected, f"the interpreter with fuel={fuel}"
        assert found[1][0] == expected[0], f"the compiler with fuel={fuel}"
