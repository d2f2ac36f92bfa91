"""Exceptions of WebAssembly's: both encodings, in every tier, with the same fuel."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from differential import check
from oracle import have_wasmtime, our_engines
from processor import patiently
from throw_generator import generate

import pywasmgk
from pywasmgk import Module, Tag, Trap, TrapCode, WasmException, instantiate

ENGINES = (*our_engines(), "quick", "optimized", "mixed")
by_engine = pytest.mark.parametrize("engine", dict.fromkeys(ENGINES))

TAGS = "(tag $i (param i32)) (tag $none) (tag $two (param i64 f32))"


def outcome(instance: Any, name: str, *args: Any) -> tuple[Any, int]:
    """What a call gives or raises, and its fuel."""
    try:
        result = instance.exports[name](*args)
    except WasmException as error:
        result = "thrown", error.tag.name, error.payload, error.frames
    except Trap as error:
        result = error.trap_code, error.frames
    return result, instance.fuel_used


#: text of a module, calls of its export ``f``, and for each what it gives and its fuel
PROGRAMS: dict[str, tuple[str, list[tuple[tuple[int, ...], Any, int]]]] = {
    "what a callee throws is caught, and what follows the call is not charged": (
        """(func $g (param i32) (throw $i (local.get 0)) (i32.const 3) drop)
        (func (export "f") (param i32) (result i32)
          (block $h (result i32)
            (try_table (result i32) (catch $i $h)
              (call $g (local.get 0)) (i32.const 3) (i32.const 9) i32.add)))""",
        # f: entering, try_table, local.get, call; g: entering, local.get, throw
        [((7,), 7, 7)],
    ),
    "a try that does not throw": (
        """(func (export "f") (result i32)
          (block $h (result i32)
            (try_table (result i32) (catch $i $h) (i32.const 5))))""",
        [((), 5, 3)],
    ),
    "all four clauses": (
        """(func $g (param i32)
          (if (i32.eqz (local.get 0)) (then (throw $i (i32.const 40))))
          (if (i32.eq (local.get 0) (i32.const 1))
            (then (throw $two (i64.const -1) (f32.const 0.5))))
          (throw $none))
        (func (export "f") (param i32) (result i32) (local $x exnref)
          (block $all_ref (result exnref)
            (block $two_ref (result i64 f32 exnref)
              (block $one (result i32)
                (try_table (catch $i $one) (catch_ref $two $two_ref) (catch_all_ref $all_ref)
                  (call $g (local.get 0)))
                (return (i32.const 1)))
              (return (i32.add (i32.const 2))))
            (local.set $x) (drop) (drop)
            (return (i32.add (ref.is_null (local.get $x)) (i32.const 5))))
          (i32.add (ref.is_null) (i32.const 9)))""",
        [((0,), 42, 12), ((1,), 5, 20), ((2,), 9, 16)],
    ),
    "it passes by what catches another": (
        """(func $g (throw $none))
        (func $h (block $b (result i32) (try_table (catch $i $b) (call $g)) (return)) drop)
        (func (export "f") (result i32)
          (block $b
            (try_table (catch_all $b) (call $h) (i32.const 1) (drop)) (return (i32.const 1)))
          (i32.const 2))""",
        [((), 2, 9)],
    ),
    "thrown again, it is the same": (
        """(func $g (param i32) (throw $i (local.get 0)))
        (func $h (param i32)
          (block $b (result i32 exnref)
            (try_table (catch_ref $i $b) (call $g (local.get 0))) (return))
          (throw_ref))
        (func (export "f") (param i32) (result i32)
          (block $b (result i32)
            (try_table (catch $i $b) (call $h (local.get 0))) (i32.const 0)))""",
        [((6,), 6, 12)],
    ),
    "a null is no exception": (
        """(func (export "f") (block $b (try_table (catch_all $b) (throw_ref (ref.null exn)))))""",
        [((), (TrapCode.NULL_EXCEPTION,), 4)],
    ),
    "traps are not caught": (
        """(func $g (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))) unreachable)
        (func (export "f") (param i32)
          (block $b (try_table (catch_all $b) (call $g (local.get 0)))))""",
        [
            ((0,), (TrapCode.INTEGER_DIVISION_BY_ZERO,), 8),
            ((1,), (TrapCode.UNREACHABLE,), 8),
        ],
    ),
    "uncaught": (
        """(func $g (param i32) (throw $i (local.get 0)) (i32.const 3) drop)
        (func (export "f") (param i32) (call $g (local.get 0)) (i32.const 1) (drop))""",
        [((-7,), ("thrown", "i", (-7,)), 6)],
    ),
    "a loop that throws and catches in each turn": (
        """(func $g (param i32)
          (if (i32.and (local.get 0) (i32.const 1)) (then (throw $i (i32.const 10)))))
        (func (export "f") (param i32) (result i32) (local i32)
          (loop $again
            (block $next
              (block $h (result i32)
                (try_table (catch $i $h) (call $g (local.get 0)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1)))
                (br $next))
              (local.set 1 (i32.add (local.get 1))))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
          (local.get 1))""",
        [((10,), 55, 182)],
    ),
    "a clause that goes to a loop": (
        """(func $g (param i32) (if (i32.gt_u (local.get 0) (i32.const 3)) (then (throw $none))))
        (func (export "f") (param i32) (result i32)
          (loop $again
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (try_table (catch $none $again) (call $g (local.get 0))))
          (local.get 0))""",
        [((3,), 2, 14), ((9,), 3, 79)],
    ),
    "a clause that leaves the function": (
        """(func (export "f") (result i32)
          (i32.const 9) (try_table (catch $i 0) (throw $i (i32.const 8))) (drop) (i32.const 1))""",
        [((), 8, 5)],
    ),
    "operands below stay": (
        """(func (export "f") (param i32) (result i32)
          (local.get 0) (i32.mul (local.get 0) (i32.const 3))
          (block $h (result i32)
            (i32.const 5)
            (try_table (catch $i $h) (local.set 0 (i32.const 1)) (throw $i (i32.const 100)))
            (drop) (i32.const 0))
          i32.add i32.add (local.get 0) i32.add)""",
        [((2,), 2 + 6 + 100 + 1, 15)],
    ),
    "legacy: catch, catch_all and what follows": (
        """(func $g (param i32)
          (if (i32.eqz (local.get 0)) (then (throw $i (i32.const 40))))
          (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $none))))
        (func (export "f") (param i32) (result i32)
          (i32.const 1000)
          (try (result i32)
            (do (call $g (local.get 0)) (i32.const 1))
            (catch $i (i32.add (i32.const 2)))
            (catch_all (i32.const 3)))
          i32.add)""",
        [((0,), 1042, 14), ((1,), 1003, 16), ((2,), 1001, 15)],
    ),
    "legacy: rethrow": (
        """(func $g (param i32) (throw $i (local.get 0)))
        (func (export "f") (param i32) (result i32)
          (try (result i32)
            (do
              (try (result i32)
                (do (call $g (local.get 0)) (i32.const 1))
                (catch $i
                  (if (i32.eqz) (then (rethrow 1)))
                  (try (result i32)
                    (do (throw $none))
                    (catch_all (rethrow 1)))))
            )
            (catch $i (i32.add (i32.const 1)))
            (catch_all (i32.const 77))))""",
        [((0,), 1, 13), ((5,), 6, 15)],
    ),
    "legacy: delegate passes by": (
        """(func $g (throw $none))
        (func (export "f") (result i32)
          (try $outer (result i32)
            (do
              (try (result i32)
                (do
                  (try (do (call $g)) (delegate $outer))
                  (i32.const 1))
                (catch_all (i32.const 2))))
            (catch_all (i32.const 3))))""",
        [((), 3, 8)],
    ),
    "legacy: delegate to the caller": (
        """(func $g (throw $i (i32.const 4)))
        (func $h
          (try (do (try (do (call $g)) (delegate 1))) (catch_all)))
        (func (export "f") (result i32)
          (try (result i32) (do (call $h) (i32.const 0)) (catch $i)))""",
        [((), 4, 10)],
    ),
    "legacy: branches out of a catch": (
        """(func (export "f") (param i32) (result i32)
          (i32.const 100)
          (block $b (result i32)
            (i32.const 7)
            (try $t (result i32)
              (do (throw $i (local.get 0)))
              (catch $i
                (br_if $b (local.get 0) (local.get 0))
                (br $t)))
            i32.add)
          i32.add)""",
        [((3,), 103, 10), ((0,), 107, 12)],
    ),
    "through tail calls": (
        """(func $g (param i32) (throw $i (local.get 0)))
        (func $h (param i32)
          (block $b (try_table (catch_all $b) (return_call $g (local.get 0)))))
        (func (export "f") (param i32) (result i32)
          (block $b (result i32)
            (try_table (catch $i $b) (call $h (local.get 0))) (i32.const 0)))""",
        [((8,), 8, 11)],
    ),
}


@by_engine
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str, engine: str) -> None:
    text, calls = PROGRAMS[name]
    instance = instantiate(Module(f"(module {TAGS} {text})"), engine=engine)
    for _ in range(3):
        for args, expected, fuel in calls:
            found, used = outcome(instance, "f", *args)
            if isinstance(expected, tuple):
                found = found[: len(expected)]
            assert (found, used) == (expected, fuel), args


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_tier_has_the_same_frames(name: str) -> None:
    text, calls = PROGRAMS[name]
    module = Module(f"(module {TAGS} {text})")
    found = [
        [outcome(instantiate(module, engine=engine), "f", *args) for args, _, _ in calls]
        for engine in ENGINES
    ]
    assert all(each == found[0] for each in found[1:])


@by_engine
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_fuel_limit(name: str, engine: str) -> None:
    """A call that is stopped has used its limit, in every tier at the same place."""
    text, calls = PROGRAMS[name]
    module = Module(f"(module {TAGS} {text})")
    instance, other = (instantiate(module, engine=kind) for kind in (engine, "interpreter"))
    args = calls[-1][0]
    for fuel in range(calls[-1][2] + 2):
        assert _limited(instance, args, fuel) == _limited(other, args, fuel), fuel


def _limited(instance: Any, args: tuple[int, ...], fuel: int) -> Any:
    with instance.account(fuel=fuel) as meter:
        try:
            result = outcome(instance, "f", *args)[0]
        except pywasmgk.OutOfFuel as error:
            result = "stopped", error.frames
        return result, meter.fuel_used


# -- tags and the host

LIBRARY = """(module
  (tag (export "t") (param i32))
  (func (export "throw") (param i32) (throw 0 (local.get 0))))"""
CLIENT = """(module
  (import "lib" "t" (tag $t (param i32)))
  (import "lib" "throw" (func $throw (param i32)))
  (tag $mine (param i32))
  (func (export "f") (param i32) (result i32)
    (block $a (result i32)
      (block $b (result i32)
        (try_table (catch $mine $b) (catch $t $a) (call $throw (local.get 0))) (i32.const -1))
      (return (i32.const -2)))))"""


@by_engine
def test_a_tag_is_known_across_instances(engine: str) -> None:
    library = instantiate(LIBRARY, engine=engine)
    client = instantiate(CLIENT, {"lib": library.exports}, engine=engine)
    assert [outcome(client, "f", 5) for _ in range(3)] == [(5, 7)] * 3
    # another instance's is another one, even of the same module
    twin = instantiate(LIBRARY, engine=engine)
    mixed = {"lib": {"t": twin.exports.t, "throw": library.exports.throw}}
    other = instantiate(CLIENT, mixed, engine=engine)
    with pytest.raises(WasmException) as caught:
        other.exports.f(5)
    assert caught.value.tag is library.exports.t
    assert caught.value.payload == (5,)


HOST = """(module
  (import "env" "t" (tag $t (param i32 i64 f64)))
  (import "env" "h" (func $h (param i32) (result i32)))
  (func (export "f") (param i32) (result i32)
    (block $b (result i32 i64 f64)
      (try_table (catch $t $b) (return (call $h (local.get 0))))
      unreachable)
    drop (i32.wrap_i64) (i32.add))
  (func (export "any") (param i32) (result i32)
    (block $b (try_table (catch_all $b) (return (call $h (local.get 0))))) (i32.const -5))
  (func (export "throw") (param i32) (throw $t (local.get 0) (i64.const -2) (f64.const 0.5))))"""


@by_engine
def test_a_host_function_raises_what_the_guest_catches(engine: str) -> None:
    tag = Tag("i32", "i64", "f64", name="oops")

    def h(number: int) -> int:
        if number:
            raise WasmException(tag, (number, -3, 1.5))
        return 77

    instance = instantiate(HOST, {"env": {"t": tag, "h": h}}, engine=engine)
    for _ in range(3):
        assert instance.exports.f(10) == 7
        assert instance.fuel_used == 6
        assert instance.exports.f(0) == 77
        assert instance.exports.any(3) == -5
    with pytest.raises(
        WasmException, match=r"tag \(i32, i64, f64\) 'oops' with \(9, -2, 0.5\)"
    ) as caught:
        instance.exports.throw(9)
    error = caught.value
    assert error.tag is tag and error.payload == (9, -2, 0.5)
    assert [frame.name for frame in error.frames] == ["throw"]
    assert error.fuel_used == 5
    assert isinstance(error, pywasmgk.GuestError)


@by_engine
@pytest.mark.parametrize(
    "raise_it",
    [
        lambda: {}["missing"],
        lambda: (_ for _ in ()).throw(KeyboardInterrupt),
        lambda: (_ for _ in ()).throw(pywasmgk.Exit(3)),
        lambda: (_ for _ in ()).throw(Trap(TrapCode.UNREACHABLE)),
        lambda: (_ for _ in ()).throw(RecursionError),
    ],
)
def test_no_guest_catches_other_exceptions(raise_it: Callable[[], Any], engine: str) -> None:
    tag = Tag("i32", "i64", "f64")
    instance = instantiate(HOST, {"env": {"t": tag, "h": lambda number: raise_it()}}, engine=engine)
    for _ in range(3):
        with pytest.raises(BaseException) as caught:
            instance.exports.any(3)
        assert not isinstance(caught.value, WasmException)


@by_engine
def test_no_guest_catches_a_limit(engine: str) -> None:
    text = """(module (tag $t)
      (func $spin (loop (br 0)))
      (func $deep (call $deep))
      (func (export "spin") (block (try_table (catch_all 0) (call $spin))))
      (func (export "deep") (block (try_table (catch_all 0) (call $deep))))
      (func (export "legacy") (try (do (call $spin)) (catch_all))))"""
    instance = instantiate(text, engine=engine, fuel=50_000, timeout=20)
    for name in ("spin", "legacy"):
        with pytest.raises(pywasmgk.OutOfFuel):
            instance.exports[name]()
        assert instance.fuel_used == 50_000
    with pytest.raises(Trap, match="call stack exhausted"):
        instance.exports.deep()

    def attempt(seconds: float) -> None:
        slow = instantiate(text, engine=engine, fuel=None, timeout=seconds)
        with pytest.raises(pywasmgk.DeadlineExceeded):
            slow.exports.spin()

    patiently(attempt, 0.2)


@by_engine
def test_call_depth_is_given_back(engine: str) -> None:
    """Unwinding many frames, many times: the depth is that of the frame that catches."""
    text = """(module (tag $t)
      (func $down (param i32)
        (if (i32.eqz (local.get 0)) (then (throw $t)))
        (call $down (i32.sub (local.get 0) (i32.const 1))))
      (func (export "f") (param i32) (param i32) (result i32)
        (loop $again
          (block $h (try_table (catch_all $h) (call $down (local.get 1))))
          (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 0)))"""
    instance = instantiate(text, engine=engine, depth_limit=400)
    assert instance.exports.f(30, 390) == 0
    with pytest.raises(Trap, match="call stack exhausted"):
        instance.exports.f(1, 400)
    assert instance.exports.f(1, 390) == 0


def test_fuel_of_deep_unwinding_is_the_same() -> None:
    text = """(module (tag $t)
      (func $down (param i32)
        (if (i32.eqz (local.get 0)) (then (throw $t)))
        (call $down (i32.sub (local.get 0) (i32.const 1))) (drop (i32.const 1)))
      (func (export "f") (param i32) (param i32)
        (loop $again
          (block $h (try_table (catch_all $h) (call $down (local.get 1)) (drop (i32.const 1))))
          (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    module = Module(text)
    found = set()
    for engine in ENGINES:
        instance = instantiate(module, engine=engine, depth_limit=2_000)
        for _ in range(2):
            instance.exports.f(20, 1_500)
            found.add(instance.fuel_used)
    assert len(found) == 1


@by_engine
def test_a_host_between_two_guests(engine: str) -> None:
    """What an inner guest throws passes a host function and is caught by the outer guest; another
    host function turns it into something else."""
    inner = instantiate(
        '(module (tag (export "t") (param i32)) '
        '(func (export "f") (param i32) (throw 0 (local.get 0)) (drop (i32.const 1))))',
        engine=engine,
    )

    def through(number: int) -> int:
        inner.exports.f(number)
        return 0

    def swallowed(number: int) -> int:
        try:
            inner.exports.f(number)
        except WasmException as error:
            return int(error.payload[0]) + 1
        return 0

    text = """(module (import "e" "t" (tag $t (param i32)))
      (import "e" "h" (func $h (param i32) (result i32)))
      (func (export "f") (param i32) (result i32)
        (block $b (result i32)
          (try_table (catch $t $b) (call $h (local.get 0)) (return)) unreachable)))"""
    module = Module(text)
    for host, expected in ((through, 5), (swallowed, 6)):
        imports = {"e": {"t": inner.exports.t, "h": host}}
        outer = instantiate(module, imports, engine=engine)
        for _ in range(3):
            assert outer.exports.f(5) == expected
            # entering, try_table, local.get, call; entering, local.get, throw
            assert outer.fuel_used == 7


def test_an_exnref_is_a_value_that_hosts_can_keep() -> None:
    text = """(module (tag $t (export "t") (param i32))
      (func (export "f") (result exnref)
        (block $b (result exnref) (try_table (catch_all_ref $b) (throw $t (i32.const -4)))
          unreachable))
      (func (export "again") (param exnref) (throw_ref (local.get 0))))"""
    instance = instantiate(text)
    kept = instance.exports.f()
    assert (kept.tag, kept.payload) == (instance.exports.t, (-4,))
    for _ in range(2):
        with pytest.raises(WasmException) as caught:
            instance.exports.again(kept)
        assert caught.value.payload == (-4,)
        assert len(caught.value.frames) == 1
    with pytest.raises(TypeError, match="expected an exnref or None, found int"):
        instance.exports.again(3)
    with pytest.raises(Trap, match="null exception reference"):
        instance.exports.again(None)


def test_payloads_are_checked() -> None:
    tag = Tag("i32", pywasmgk.ValType.F32, "v128")
    assert repr(tag) == "<Tag (i32, f32, v128)>"
    error = WasmException(tag, (-1, 1, bytes(16)))
    assert error.payload == (-1, 1.0, bytes(16))
    assert error.values == (0xFFFFFFFF, 1.0, 0)
    assert error.frames == () and error.fuel_used is None
    wrong: tuple[tuple[tuple[Any, ...], type[Exception]], ...] = (
        ((1,), TypeError), (("x", 1, b""), TypeError), ((1 << 40, 1, bytes(16)), OverflowError),
    )  # fmt: skip
    for payload, kind in wrong:
        with pytest.raises(kind):
            WasmException(tag, payload)
    with pytest.raises(ValueError, match="i31"):
        Tag("i31")


def test_imports_of_tags_are_matched() -> None:
    text = '(module (import "e" "t" (tag (param i32))))'
    instantiate(text, {"e": {"t": Tag("i32")}})
    with pytest.raises(pywasmgk.LinkError, match=r"wanted tag \(i32\), found tag \(i64\)"):
        instantiate(text, {"e": {"t": Tag("i64")}})
    with pytest.raises(pywasmgk.LinkError, match=r"wanted tag \(i32\), found nothing"):
        instantiate(text, {"e": {}})
    with pytest.raises(TypeError, match="expected a tag, found int"):
        instantiate(text, {"e": {"t": 5}})


def test_what_is_caught_lets_go_of_its_frames() -> None:
    """An exnref is no way to keep Python's frames, nor does throwing it again make it longer."""
    text = """(module
      (import "e" "see" (func $see (param exnref)))
      (tag $t)
      (func (export "f") (param i32) (local exnref)
        (block $b (result exnref) (try_table (catch_all_ref $b) (throw $t)) unreachable)
        (local.set 1)
        (loop $again
          (block $b (result exnref)
            (try_table (catch_all_ref $b) (throw_ref (local.get 1))) unreachable)
          (local.set 1)
          (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (call $see (local.get 1))))"""
    seen: list[Any] = []
    for engine in ENGINES:
        instance = instantiate(text, {"e": {"see": seen.append}}, engine=engine)
        instance.exports.f(50)
    assert all(len(kept) == 2 and kept.values == () for kept in seen)
    assert len(seen) == len(ENGINES)


def test_tags_travel_in_no_pickle_but_modules_do() -> None:
    text = '(module (tag $t (param i32)) (func (export "f") (throw $t (i32.const 1))))'
    again = pickle.loads(pickle.dumps(Module(text)))
    with pytest.raises(WasmException):
        instantiate(again).exports.f()


def test_clauses_beyond_reason_are_within_the_deadline() -> None:
    """A throw costs one unit, whatever is looked at until it is caught."""
    clauses = "(catch $a 0) " * 2_000
    text = f"""(module (tag $a) (tag $b)
      (func $g (block {"(try_table " + clauses} (throw $b)) {")"})
      (func (export "f")
        (loop $again (block $h (try_table (catch $b $h) (call $g))) (br $again))))"""

    def attempt(seconds: float) -> None:
        instance = instantiate(text, engine="interpreter", timeout=seconds, fuel=None)
        with pytest.raises(pywasmgk.DeadlineExceeded):
            instance.exports.f()
        assert instance.fuel_used < 100_000

    patiently(attempt, 0.3)


# -- programs


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_generated_programs(first: int) -> None:
    """Results, fuel, frames and memory, of every engine and of wasmtime; some under many limits."""
    for seed in range(first, first + 20):
        program = generate(seed)
        found = check(program, ENGINES, reference=have_wasmtime(), stops=seed % 10 == 0)
        assert list(found) == [], seed


GUESTS = Path(__file__).parents[1] / "guests" / "exceptions"


@by_engine
@pytest.mark.parametrize("encoding", ["errors", "errors_legacy"])
def test_setjmp_of_c(encoding: str, engine: str) -> None:
    """What clang makes of setjmp, in either encoding; the fuel is wasmtime's of the new one."""
    module = Module.from_file(GUESTS / f"{encoding}.wasm")
    instance = instantiate(module, wasi=pywasmgk.WasiConfig(), engine=engine)
    for name, args, result, fuel in (
        ("guarded", (7, 2, 3), 6, 82),
        ("guarded", (7, 0, 3), -107, 149),
        ("nested", (7, 0), 1008, 293),
        ("many", (300,), 12150, 37310),
    ):
        assert outcome(instance, name, *args) == (result, fuel)
