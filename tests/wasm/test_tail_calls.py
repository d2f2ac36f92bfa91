"""Tail calls: constant space, exact fuel, the same in every engine."""

from __future__ import annotations

import pytest

import pywasmgk
from pywasmgk import Module, Trap, TrapCode, ValidationError, instantiate

ENGINES = ("interpreter", "quick", "optimized", "mixed", "auto")

PARITY = Module(
    """(import "h" "twice" (func $twice (param i64) (result i64)))
    (type $t (func (param i64) (result i64)))
    (table funcref (elem $even $odd $plain $host_last))
    (func $even (export "even") (param i64) (result i64)
      (if (i64.eqz (local.get 0)) (then (return (i64.const 44))))
      (return_call $odd (i64.sub (local.get 0) (i64.const 1))))
    (func $odd (param i64) (result i64)
      (if (i64.eqz (local.get 0)) (then (return (i64.const 99))))
      (return_call_indirect (type $t) (i64.sub (local.get 0) (i64.const 1)) (i32.const 0)))
    ;; without tail calls: it may be compiled
    (func $plain (param i64) (result i64)
      (i64.div_s (i64.const 100) (local.get 0)))
    (func $host_last (export "host") (param i64) (result i64)
      (block (result i64)
        (i64.const 1)
        (return_call $twice (local.get 0)))
      drop (i64.const 13))
    (func (export "plain") (param i64) (result i64)
      (return_call $plain (local.get 0)))
    (func (export "around") (param i64) (result i64)
      (i64.add (i64.const 1) (call $even (local.get 0))))
    (func (export "at") (param i64 i32) (result i64)
      (return_call_indirect (type $t) (local.get 0) (local.get 1)))"""
)
HOST = {"h": {"twice": lambda n: 2 * n}}


def outcome(engine: str, name: str, *args: int, **limits: int) -> tuple[object, ...]:
    """The result or the end of a call, its frames, and its fuel."""
    instance = instantiate(PARITY, HOST, engine=engine, **limits)  # type: ignore[arg-type]
    found: object = None
    for _ in range(3):  # the levels change
        try:
            found = instance.exports[name](*args)
        except pywasmgk.GuestError as error:
            code = error.trap_code if isinstance(error, Trap) else None
            found = type(error), code, error.frames
    return found, instance.fuel_used


@pytest.mark.parametrize(
    ("name", "args", "found"),
    [
        ("even", (10_000,), 44),
        ("even", (10_001,), 99),
        ("around", (6,), 45),
        ("host", (21,), 42),
        ("plain", (7,), 14),
        ("at", (8, 0), 44),
        ("at", (50, 2), 2),
        ("at", (50, 3), 100),
    ],
)
def test_results_and_fuel(name: str, args: tuple[int, ...], found: int) -> None:
    outcomes = [outcome(engine, name, *args, depth_limit=20) for engine in ENGINES]
    assert outcomes[0][0] == found
    assert outcomes.count(outcomes[0]) == len(ENGINES)


def test_fuel_is_counted_by_hand() -> None:
    # a call costs one, and so do its own constants, comparison, branch, subtraction and call
    instance = instantiate(PARITY, HOST, engine="interpreter")
    instance.exports.even(0)
    base = instance.fuel_used
    instance.exports.even(2)
    assert instance.fuel_used == base + (1 + 3 + 4) + (1 + 3 + 5)


@pytest.mark.parametrize(
    ("name", "args"), [("plain", (0,)), ("at", (0, 2)), ("at", (0, 9)), ("at", (5, 2))]
)
def test_a_frame_that_was_given_up_is_not_shown(name: str, args: tuple[int, ...]) -> None:
    outcomes = [outcome(engine, name, *args) for engine in ENGINES]
    assert outcomes.count(outcomes[0]) == len(ENGINES)
    with pytest.raises(Trap) as caught:
        instantiate(PARITY, HOST).exports.plain(0)
    assert [frame.name for frame in caught.value.frames] == ["plain"]
    assert len(caught.value.frames) == 1


def test_every_limit_stops_at_the_same_place() -> None:
    for fuel in range(60):
        outcomes = [outcome(engine, "around", 5, fuel=fuel) for engine in ENGINES]
        assert outcomes.count(outcomes[0]) == len(ENGINES), fuel


def test_depth_is_given_back() -> None:
    for engine in ENGINES:
        instance = instantiate(PARITY, HOST, engine=engine, depth_limit=2)
        assert instance.exports.around(1000) == 45
        with pytest.raises(Trap) as caught:
            instantiate(PARITY, HOST, engine=engine, depth_limit=1).exports.around(1)
        assert caught.value.trap_code is TrapCode.STACK_OVERFLOW


def test_what_a_host_function_raises_comes_through() -> None:
    def failing(n: int) -> int:
        raise KeyError(n)

    for engine in ENGINES:
        with pytest.raises(KeyError):
            instantiate(PARITY, {"h": {"twice": failing}}, engine=engine).exports.host(1)


def test_between_instances() -> None:
    """The memory is that of the callee while it runs, and the caller's own again."""
    inner = instantiate(
        """(memory 1) (data (i32.const 0) "\\07")
        (func (export "read") (result i32) (i32.load8_u (i32.const 0)))"""
    )
    text = """(import "i" "read" (func $read (result i32)))
      (memory 1) (data (i32.const 0) "\\05")
      (func $last (result i32) (return_call $read))
      (func (export "f") (result i32)
        (i32.add (i32.mul (call $last) (i32.const 10)) (i32.load8_u (i32.const 0))))"""
    for engine in ENGINES:
        outer = instantiate(text, {"i": inner.exports}, engine=engine)
        assert [outer.exports.f() for _ in range(3)] == [75, 75, 75]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "(func (result i64) (return_call 1)) (func (result i32) (i32.const 1))",
            "a tail call gives",
        ),
        ("(func (return_call 1)) (func (param i32))", "expected i32, found nothing"),
        (
            "(table 1 funcref) (type (func (result i32)))"
            " (func (return_call_indirect (type 0) (i32.const 0)))",
            "a tail call gives",
        ),
        (
            "(table 1 externref) (type (func))"
            " (func (return_call_indirect (type 0) (i32.const 0)))",
            "table 0 holds no functions",
        ),
    ],
)
def test_invalid_ones(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Module(text)


def test_what_follows_is_dead_code() -> None:
    text = """(func $g (result i32) (i32.const 3))
      (func (export "f") (param i32) (result i32)
        (if (local.get 0) (then (return_call $g) unreachable) (else (return_call $g)))
        unreachable)"""
    for engine in ENGINES:
        exports = instantiate(text, engine=engine).exports
        assert (exports.f(0), exports.f(1)) == (3, 3)


def test_the_fast_pass_takes_them_too() -> None:
    """A large module is not left to the algorithm: its block maps are the same."""
    text = "".join(
        f"(func (param i32) (result i32) (return_call {n} (i32.add (local.get 0) (i32.const {n}))))"
        for n in range(1, 2_000)
    )
    module = Module(f'{text} (func (export "f") (param i32) (result i32) (local.get 0))')
    assert len(module.bodies) == 2_000
