"""Small functions in the place of calls: which, and that nobody can tell."""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest
from wasm_builder import body, functype
from wasm_builder import module as built

import pywasmgk
from pywasmgk.errors import GuestError, TrapCode
from pywasmgk.wasm import profile
from pywasmgk.wasm.compiler import optimizing
from pywasmgk.wasm.compiler.driver import source_of
from pywasmgk.wasm.compiler.explain import side_by_side, steps_of
from pywasmgk.wasm.compiler.frontend import inlining
from pywasmgk.wasm.compiler.frontend.inlining import expanded
from pywasmgk.wasm.compiler.ir.body import Body, Inlined, size_of

#: functions that the modules below call
HELPERS = """
 (memory 1 3)
 (global $g (mut i32) (i32.const 5))
 (table funcref (elem $double $half))
 (func $double (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
 (func $half (param i32) (result i32) (i32.shr_u (local.get 0) (i32.const 1)))
 (func $sub (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
 (func $early (param i32) (result i32)
   (if (i32.eqz (local.get 0)) (then (return (i32.const 77))))
   (i32.const 9)
   (block (result i32)
     (br_if 1 (i32.const 8) (i32.and (local.get 0) (i32.const 1)))
     (i32.add (local.get 0)))
   (i32.add))
 (func $fresh (param i32) (result i32) (local i32 i64 f32 f64 funcref)
   (if (local.get 0) (then (local.set 1 (i32.add (local.get 1) (i32.const 3)))))
   (if (i32.eqz (ref.is_null (local.get 5))) (then (local.set 1 (i32.const 1000))))
   (local.set 5 (ref.func $double))
   (i32.add (local.get 1) (i32.trunc_f64_s (local.get 4)))
   (local.set 4 (f64.const 100)))
 (func $divide (param i32) (result i32) (i32.div_u (i32.const 1000) (local.get 0)))
 (func $store (param i32 i32)
   (i32.store (local.get 0) (local.get 1)) (global.set $g (i32.add (global.get $g) (i32.const 1))))
 (func $tell (param i32) (result i32) (call $host (local.get 0)) (i32.add (global.get $g)))
 (func $grow (result i32) (i32.store (i32.const 8) (i32.const 1)) (memory.grow (i32.const 1)))
 (func $pick (param i32) (result i32)
   (call_indirect (param i32) (result i32) (i32.const 20) (local.get 0)))
 (func $both (param i32) (result i32 i64) (local.get 0) (i64.extend_i32_u (local.get 0)))
 (func $nested (param i32) (result i32) (call $middle (i32.add (local.get 0) (i32.const 1))))
 (func $middle (param i32) (result i32) (call $divide (i32.sub (local.get 0) (i32.const 1))))
 (func $nothing)
 (func $switch (param i32) (result i32)
   (block (block (block (br_table 0 1 2 (local.get 0)))
     (return (i32.const 10))) (return (i32.const 11)))
   (i32.const 12) (return))
 (func $sum (param i32) (result i32)
   (if (result i32) (local.get 0)
     (then (i32.add (call $double (local.get 0)) (call $sum (i32.sub (local.get 0) (i32.const 1)))))
     (else (i32.const 0))))
 (func $again (param i32) (result i32) (call $sum (local.get 0)))
"""

#: what the exported function ``f`` does with its parameter
CASES = {
    "leaf": "(call $double (local.get 0))",
    "operands": "(call $sub (call $sub (local.get 0) (i32.const 3)) (call $sub (i32.const 40)"
    " (call $sub (i32.const 7) (local.get 0))))",
    "argument changes": "(local.get 0) (local.set 0 (i32.const 1)) (call $double)"
    " (i32.add (local.get 0))",
    "early": "(i32.add (call $early (local.get 0)) (call $early (i32.shl (local.get 0)"
    " (i32.const 1))))",
    "fresh": "(local.set 0 (i32.and (local.get 0) (i32.const 7))) (loop"
    " (local.set 1 (i32.add (local.get 1) (call $fresh (local.get 0))))"
    " (br_if 0 (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))"
    " (local.get 1)",
    "counted": "(local.set 0 (i32.const 40)) (loop"
    " (local.set 1 (call $sub (local.get 1) (call $double (local.get 0))))"
    " (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)",
    "counted trap": "(local.set 1 (i32.const 21)) (loop"
    " (drop (call $divide (i32.sub (local.get 1) (local.get 0))))"
    " (br_if 0 (local.tee 1 (i32.sub (local.get 1) (i32.const 1))))) (local.get 1)",
    "trap": "(i32.store (i32.const 4) (i32.const 9)) (call $divide (local.get 0))",
    "nested trap": "(call $nested (local.get 0))",
    "store": "(call $store (local.get 0) (i32.const 7)) (call $store (i32.const 65533)"
    " (local.get 0)) (global.get $g)",
    "host": "(call $store (i32.const 0) (i32.const 1)) (call $tell (local.get 0)) (call $double)",
    "grow": "(call $store (i32.const 65536) (call $grow)) (i32.load (i32.const 65536))",
    "indirect": "(call $pick (local.get 0))",
    "several": "(call $both (local.get 0)) (i32.wrap_i64) (i32.add)",
    "dead": "(block (br_if 0 (local.get 0)) (return (i32.const 2)) (drop (call $double)))"
    " (call $double (i32.const 1))",
    "switch": "(i32.add (call $switch (local.get 0)) (call $switch (i32.const 2)))",
    "nothing": "(call $nothing) (call $nothing) (i32.const 1)",
    "recursion": "(call $again (local.get 0))",
    "in a branch": "(if (result i32) (local.get 0) (then (call $half (i32.const 9)))"
    " (else (call $divide (call $double (local.get 0)))))",
}
#: the helpers' numbers: before them stand a function of the host, and ``f``
INDEX = {name: 2 + place for place, name in enumerate(re.findall(r"\(func \$(\w+)", HELPERS))}
ARGUMENTS = (0, 1, 2, 3, 6, 21)


@functools.cache
def module(code: str, *more: str) -> pywasmgk.Module:
    """A module whose function ``f`` has this code, and a second local."""
    function = f'(func (export "f") (param i32) (result i32) (local i32) {code})'
    host = '(import "m" "host" (func $host (param i32) (result i32)))'
    return pywasmgk.Module.from_wat("\n".join(["(module", host, function, HELPERS, *more, ")"]))


def host(x: int) -> int:
    if x == 3:
        raise KeyError("three")
    return x * 100


def outcome(engine: str, wasm: pywasmgk.Module, argument: int, **options: Any) -> tuple[Any, ...]:
    """All that can be told of a call of ``f``."""
    instance = pywasmgk.instantiate(wasm, {"m": {"host": host}}, engine=engine, **options)
    told: tuple[Any, ...]
    try:
        told = ("result", instance.exports.f(argument))
    except GuestError as error:
        text = str(error).partition(" in ")[0] if options else str(error)
        told = (type(error), text, getattr(error, "code", None), error.frames, error.fuel_used)
    except KeyError as error:
        told = ("host", getattr(error, "__notes__", None))
    values = [item.value for item in instance.globals]
    return (*told, instance.fuel_used, bytes(instance.memory.data), values)


def inlined(expansion: Body) -> int:
    """How many calls were replaced."""
    return sum(isinstance(x, Inlined) for _, x in expansion.code)


@pytest.mark.parametrize("name", CASES)
def test_nobody_can_tell(name: str) -> None:
    wasm = module(CASES[name])
    assert inlined(expanded(wasm, 1))
    for argument in ARGUMENTS:
        expected = outcome("interpreter", wasm, argument)
        assert outcome("optimized", wasm, argument) == expected


@pytest.mark.parametrize("name", CASES)
def test_nor_by_any_limit_of_fuel(name: str) -> None:
    wasm = module(CASES[name])
    for argument in (0, 3, 6):
        total = outcome("interpreter", wasm, argument)[-3]
        for fuel in range(min(total, 250) + 1):
            expected = outcome("interpreter", wasm, argument, fuel=fuel)
            assert outcome("optimized", wasm, argument, fuel=fuel) == expected, fuel


@pytest.mark.parametrize("name", ["leaf", "nested trap", "recursion", "host", "indirect"])
def test_nor_by_call_depth(name: str) -> None:
    wasm = module(CASES[name])
    ends = set()
    for depth in range(1, 14):
        argument = 1 if name == "indirect" else 6
        expected = outcome("interpreter", wasm, argument, depth_limit=depth)
        assert outcome("optimized", wasm, argument, depth_limit=depth) == expected, depth
        ends.add(expected[0])
    assert len(ends) > 1


@pytest.mark.parametrize("way", ["host", "double"])
def test_a_frame_that_nobody_asked_for_is_there(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter, its call depth used up, comes to a compiled function that does not test it,
    by itself or through the host."""
    monkeypatch.setattr(profile, "WARM", 300)
    limit = 60
    wasm = module(
        f"{'(drop (i32.const 0))' * 100} (if (result i32) (local.get 0)"
        " (then (call 1 (i32.sub (local.get 0) (i32.const 1))))"
        f" (else (call ${way} (i32.const 4))))",
        '(export "leaf" (func $double))',
    )
    instances: list[Any] = []

    def back(x: int) -> int:
        return int(instances[0].exports.leaf(x))

    instances.append(
        pywasmgk.instantiate(wasm, {"m": {"host": back}}, engine="auto", depth_limit=limit)
    )
    f, leaf = instances[0].exports.f, instances[0].exports.leaf
    while not leaf.compiled:
        leaf(1)
    assert "d <" not in source_of(wasm, INDEX["double"]).text
    assert f(limit - 2) == 8
    with pytest.raises(pywasmgk.Trap) as caught:
        f(limit - 1)
    assert caught.value.trap_code is TrapCode.STACK_OVERFLOW
    assert [frame.function for frame in caught.value.frames] == [1] * limit
    assert not f.compiled


def test_frames_of_a_trap_three_callees_deep() -> None:
    wasm = module(CASES["nested trap"])
    instance = pywasmgk.instantiate(wasm, {"m": {"host": host}}, engine="optimized")
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports.f(0)
    called = [frame.function for frame in caught.value.frames]
    assert called == [INDEX["divide"], INDEX["middle"], INDEX["nested"], 1]
    assert set(instance.tiers.binding.functions) == {1}


def test_a_call_that_goes_on_in_a_loop_has_callees_inlined() -> None:
    """Calls itself 100 times, then counts down in a loop that calls only in its last turn."""
    wasm = module(
        "(if (i32.lt_u (global.get $g) (i32.const 105)) (then"
        "  (global.set $g (i32.add (global.get $g) (i32.const 1)))"
        "  (return (call 1 (local.get 0)))))"
        f"(loop {'(drop (i32.const 0))' * 60}"
        "  (if (i32.eq (local.get 0) (i32.const 1))"
        "   (then (local.set 1 (call $nested (local.get 0)))))"
        "  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (local.get 1)"
    )
    ends = set()
    for depth in range(101, 106):
        expected = outcome("interpreter", wasm, 3_000, depth_limit=depth)
        assert outcome("auto", wasm, 3_000, depth_limit=depth) == expected
        ends.add(expected[0])
    assert len(ends) == 2
    ((index, entry),) = {key[:2] for key in wasm.compiled if key[1]}
    source = source_of(wasm, index, entry=entry, slots=0)
    assert source.room == 3
    assert "f1(" in source.text.splitlines()[1]
    assert f"f{INDEX['nested']}" not in source.text


def test_disassembly_says_what_stands_in_the_place_of_a_call() -> None:
    wasm = module(CASES["nested trap"])
    lines = list(side_by_side(wasm, 1))
    inner = f"^ func {INDEX['nested']} func {INDEX['middle']} func {INDEX['divide']}"
    (found,) = [line for line in lines if f"{inner} " in line and "//" in line]
    (call,) = [line for line in lines if "call $nested" in line]
    assert found[:8] == call[:8]
    steps = "\n".join(steps_of(wasm, 1))
    assert f";; in the place of a call, func {INDEX['divide']}: a test point" in steps


# -- which


def test_what_is_not_inlined() -> None:
    many = "(drop (i32.const 0))" * inlining._MOST_INSTRUCTIONS
    more = [
        f"(func $large {many})",
        "(func $loop (loop))",
        "(func $itself (call $itself))",
        "(func $one (call $two)) (func $two (call $one))",
        "(func $gives_up (call $nothing) (unreachable))",
        f"(func $wide (local {'i32 ' * 17}))",
    ]
    calls = "large loop host gives_up wide one".split()
    code = "".join(
        f"(call ${name} (local.get 0)) (drop)" if name == "host" else f"(call ${name})"
        for name in calls
    )
    wasm = module(f"{code} (i32.const 0)", *more)
    names = re.findall(r"\(func \$(\w+)", "".join(more))
    index = {name: 2 + len(INDEX) + place for place, name in enumerate(names)}
    replaced = [x.function for _, x in expanded(wasm, 1).code if isinstance(x, Inlined)]
    assert replaced == [index["gives_up"], index["one"], index["two"]]
    assert not inlined(expanded(wasm, index["itself"]))
    assert not inlined(expanded(wasm, index["gives_up"]))


def test_chains_end() -> None:
    chain = [f"(func $c{n} (call $c{n + 1}))" for n in range(9)]
    wasm = module("(call $c0) (i32.const 1)", *chain, "(func $c9)")
    found = expanded(wasm, 1)
    assert inlined(found) == found.inner == inlining._MOST_NESTED
    assert outcome("optimized", wasm, 0) == outcome("interpreter", wasm, 0)


@pytest.mark.parametrize("calls", [100, 9_000, 19_000])
def test_growth_is_bounded(calls: int) -> None:
    """By size, so that no body becomes too large for the compiler by it."""
    wasm = module("(local.get 0)" + "(call $switch)" * calls)
    plain, found = wasm.block_map(1), expanded(wasm, 1)
    assert bool(inlined(found)) is (calls < inlining._MOST_EXPANDED)
    most = size_of(plain) * (1 + inlining._MOST_GROWTH) + inlining._MOST_ADDED
    assert size_of(found) <= min(most, optimizing._TOO_LARGE)


def test_targets_of_branches_count() -> None:
    targets = "0 " * 100
    switch = f"(func $many (param i32) (block (br_table {targets} (local.get 0))))"
    wasm = module("(call $many (local.get 0)) (i32.const 1)", switch)
    assert not inlined(expanded(wasm, 1))


def test_chains_that_double_are_bounded() -> None:
    doubling = [f"(func $c{n} (call $c{n + 1}) (call $c{n + 1}))" for n in range(20)]
    wasm = module("(call $c0) (i32.const 1)", *doubling, "(func $c20)")
    assert len(expanded(wasm, 1).code) <= inlining._MOST_ADDED + 50
    assert outcome("optimized", wasm, 0, fuel=5000) == outcome("interpreter", wasm, 0, fuel=5000)


def test_callees_that_follow_each_other_share_locals() -> None:
    wasm = module("(local.get 0)" + "(call $double)" * 10)
    assert len(expanded(wasm, 1).locals) == 3


def test_a_callee_that_is_not_valid_is_found_when_it_is_called() -> None:
    data = built(
        types=[functype()], functions=[0, 0], exports=[("f", 0, 0)],
        bodies=[body("", "call 1"), body("", "i32.add")],
    )  # fmt: skip
    wasm = pywasmgk.Module(data, validate="lazy")
    assert not inlined(expanded(wasm, 0))


# -- through tables

CHOSEN = """(module (import "m" "host" (func $host (param i32) (result i32)))
 (memory 1) (global $g (mut i32) (i32.const 5))
 (table (export "table") 8 funcref) (elem (i32.const 0) $double $divide $nothing)
 (func $double (param i32) (result i32) (i32.shl (local.get 0) (i32.const 1)))
 (func $divide (param i32) (result i32) (i32.div_u (i32.const 1000) (local.get 0)))
 (func $nothing)
 (func (export "other") (param i32) (result i32) (i32.add (local.get 0) (global.get $g)))
 (func (export "f") (param i32 i32) (result i32) (local i32)
  (loop
   (global.set $g (i32.add (global.get $g) (i32.const 1)))
   (local.set 2 (i32.add (local.get 2)
    (call_indirect (param i32) (result i32) (local.get 1) (local.get 0))))
   (br_if 0 (i32.gt_s (local.tee 1 (i32.sub (local.get 1) (i32.const 1))) (i32.const -1))))
  (local.get 2)))"""


def chosen(engine: str, wasm: pywasmgk.Module, index: int, argument: int, **options: Any) -> Any:
    """All that can be told of a call through the table, which holds more than at first."""
    instance = pywasmgk.instantiate(wasm, {"m": {"host": host}}, engine=engine, **options)
    another = pywasmgk.instantiate(wasm, {"m": {"host": host}}, engine=engine)
    table = instance.exports.table
    table.set(4, instance.exports.other)
    table.set(5, another.exports.other)
    table.set(6, table.get(0))
    told: tuple[Any, ...]
    try:
        told = (instance.exports.f(index, argument),)
    except GuestError as error:
        told = (type(error), getattr(error, "message", ""), error.frames, error.fuel_used)
        if isinstance(error, pywasmgk.OutOfFuel):
            told = told[:1] + told[2:]
    return (*told, instance.fuel_used, [item.value for item in instance.globals])


def test_few_functions_in_a_table_stand_in_the_place_of_a_call() -> None:
    wasm = pywasmgk.Module.from_wat(CHOSEN)
    body = expanded(wasm, 5)
    assert [x.function for _, x in body.code if isinstance(x, Inlined)] == [1, 2]
    for index in (0, 1, 2, 3, 4, 5, 6, 8, -1):
        for argument in (-1, 0, 1):
            expected = chosen("interpreter", wasm, index, argument)
            assert chosen("optimized", wasm, index, argument) == expected, (index, argument)


@pytest.mark.parametrize(("index", "argument"), [(0, 1), (1, 0), (1, 1), (4, 1), (5, 1), (6, 1)])
def test_nor_by_fuel_or_depth_through_a_table(index: int, argument: int) -> None:
    wasm = pywasmgk.Module.from_wat(CHOSEN)
    for fuel in range(120):
        expected = chosen("interpreter", wasm, index, argument, fuel=fuel)
        assert chosen("optimized", wasm, index, argument, fuel=fuel) == expected, fuel
    for depth in (1, 2, 3):
        expected = chosen("interpreter", wasm, index, argument, depth_limit=depth)
        assert chosen("optimized", wasm, index, argument, depth_limit=depth) == expected, depth


def test_functions_in_tables_that_are_only_called() -> None:
    """Many of a type, one that is large, and one that reads many words."""
    small = "(func $a (param i32)) (func $b (param i32)) (func $c (param i32))"
    caller = "(func (param i32) (call_indirect (param i32) (local.get 0) (local.get 0)))"
    many = "(drop (i32.const 0))" * 50
    words = "(drop (i32.load (local.get 0)))" * 3
    for held, extra in (
        ("$a $b $c", ""),
        ("$a $b $c $d", "(func $d (param i32))"),
        ("$a $d", f"(func $d (param i32) {many})"),
        ("$a $d", f"(func $d (param i32) {words})"),
    ):
        wasm = pywasmgk.Module.from_wat(
            f"(module (memory 1) {caller} {small} {extra} (table funcref (elem {held})))"
        )
        assert inlined(expanded(wasm, 0)) == (0 if extra else 3)
