"""Compiled code at the borders: hosts, traps, growth, what instances share, depth, threads."""

from __future__ import annotations

import struct
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wasm_builder import body, code, function, functype, limits, module, name

import pywasmgk
from pywasmgk.errors import GuestError, OutOfFuel, Trap, TrapCode
from pywasmgk.wasm.compiler import optimizing
from pywasmgk.wasm.runtime import defaults

ENGINES = (*defaults.ENGINES, *defaults.FORCED)
TIERS = [engine for engine in ENGINES if engine != "auto"]

# -- exceptions of host functions

RAISED = [
    IndexError("a"), KeyError("k"), ZeroDivisionError("z"), ValueError("v"), OverflowError("o"),
    TypeError("t"), struct.error("s"), RecursionError("r"), MemoryError("m"), StopIteration("i"),
    KeyboardInterrupt("c"), SystemExit(3), ArithmeticError("x"),
]  # fmt: skip
#: a load that would trap around the call, so that a line table could be mistaken
CALLS_HOST = function(
    "i32", "i32", "local.get 0", "i32.load 2+0", "i32.const 7", "call 0", "i32.div_u",
    imports=[name("env") + name("f") + b"\0\0"],
    exports=[("f", 0, 1), ("outer", 0, 2)],
    functions=[0, 0],
    memories=[limits(1)],
    bodies=[
        body("", "local.get 0", "i32.load 2+0", "i32.const 7", "call 0", "i32.div_u"),
        body("", "local.get 0", "call 1"),
    ],
)  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_host_function_raises_arrives_unchanged(error: BaseException, engine: str) -> None:
    def raising(x: int) -> int:
        raise error

    error.__dict__.pop("__notes__", None)
    instance = pywasmgk.instantiate(CALLS_HOST, {"env": {"f": raising}}, engine=engine)
    with pytest.raises(type(error)) as caught:
        instance.exports.outer(0)
    assert caught.value is error
    notes = error.__notes__  # type: ignore[attr-defined]
    assert [note.split(" at ")[0] for note in notes] == [
        "wasm frame: $f",
        "wasm frame: $outer",
    ]
    assert instance.fuel_used == 1 + 2 + 1 + 5
    assert not instance.dead


def test_the_guest_goes_on_after_a_host_error_in_both_tiers() -> None:
    answers: list[Any] = [KeyError("once"), 4]

    def host(x: int) -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    for engine in TIERS:
        answers[:] = [KeyError("once"), 4]
        instance = pywasmgk.instantiate(CALLS_HOST, {"env": {"f": host}}, engine=engine)
        with pytest.raises(KeyError):
            instance.exports.outer(0)
        assert instance.exports.outer(0) == 0


# -- traps

M = {"memories": [limits(1, 2)]}
T = {"tables": [b"\x70" + limits(3)], "elements": [b"\0" + code("i32.const 0") + b"\1\0"]}
DIVISIONS = [
    f"{kind}.{op}" for kind in ("i32", "i64") for op in ("div_s", "div_u", "rem_s", "rem_u")
]
LOADS = ["i32.load", "i64.load", "f32.load", "f64.load", "i32.load8_s", "i32.load8_u"]
LOADS += ["i32.load16_s", "i32.load16_u", "i64.load32_s", "i64.load32_u", "i64.load8_u"]
STORES = ["i32.store", "i64.store", "f32.store", "f64.store", "i32.store8", "i32.store16"]
STORES += ["i64.store8", "i64.store16", "i64.store32"]
TRUNC = [
    f"{to}.trunc_{of}_{sign}" for to in ("i32", "i64") for of in ("f32", "f64") for sign in "su"
]


def trapping() -> dict[str, tuple[list[str], dict[str, Any]]]:
    """Code that traps, by what it does."""
    found: dict[str, tuple[list[str], dict[str, Any]]] = {"unreachable": (["unreachable"], {})}
    for op in DIVISIONS:
        kind = op[:3]
        found[op] = ([f"{kind}.const 5", f"{kind}.const 0", op, "drop"], {})
        second = ["local.get 0"] if kind == "i32" else ["local.get 0", "i64.extend_i32_u"]
        found[f"{op} variable"] = ([f"{kind}.const 5", *second, op, "drop"], {})
    for kind, least in (("i32", -(1 << 31)), ("i64", -(1 << 63))):
        lines = [f"{kind}.const {least}", f"{kind}.const -1", f"{kind}.div_s", "drop"]
        found[f"{kind} overflow"] = (lines, {})
    for op in LOADS:
        for address in ("65535", "-1"):
            found[f"{op} {address}"] = ([f"i32.const {address}", f"{op} 0+1", "drop"], M)
        found[f"{op} variable"] = (["local.get 0", f"{op} 0+65536", "drop"], M)
    for op in STORES:
        value = [f"{op[:3]}.const 1"]
        found[f"{op} end"] = (["i32.const 65535", *value, f"{op} 0+1"], M)
        found[f"{op} variable"] = (["local.get 0", *value, f"{op} 0+65536"], M)
    for op in TRUNC:
        of = op[10:13]
        for value in ("nan", "1e30", "-1e30"):
            found[f"{op} {value}"] = ([f"{of}.const {value}", op, "drop"], {})
    for index in ("1", "3", "-1"):
        found[f"call_indirect {index}"] = ([f"i32.const {index}", "call_indirect 1 0"], T)
    found["bad signature"] = (["i32.const 0", "call_indirect 1 0"], T)
    found["memory.fill"] = (
        ["i32.const 65530", "i32.const 1", "i32.const 7", "memory.fill"], M,
    )  # fmt: skip
    found["memory.copy"] = (["i32.const 0", "i32.const -4", "i32.const 5", "memory.copy"], M)
    found["table.get"] = (["i32.const 3", "table.get 0", "drop"], T)
    found["table.set"] = (["i32.const 3", "ref.null funcref", "table.set 0"], T)
    return found


TRAPPING = trapping()


@pytest.mark.parametrize("what", TRAPPING)
def test_traps_are_the_same_in_both_tiers(what: str) -> None:
    """Frames with offsets, fuel, code and message, below a caller and in a branch."""
    lines, parts = TRAPPING[what]
    around = ["i32.const 3", "local.set 0", "i32.const 0", "local.set 0", "nop"]
    inner = ["local.get 0", "i32.eqz", "if _", *around, *lines, "end"]
    data = function(
        "i32", "", types=[functype("i32"), functype("")], functions=[0, 0],
        exports=[("f", 0, 1)],
        bodies=[body("", *inner), body("", "nop", "local.get 0", "call 0", "i32.const 1", "drop")],
        **parts,
    )  # fmt: skip
    found = []
    for engine in TIERS:
        instance = pywasmgk.instantiate(data, engine=engine)
        with pytest.raises(Trap) as caught:
            instance.exports.f(0)
        error = caught.value
        found.append((error.trap_code, error.message, error.frames, error.fuel_used))
    assert found[0] == found[1]
    assert len(found[0][2]) == 2


# -- the switch from one tier to the other

LOOP = function(
    "i32", "i32",
    "block _", "local.get 0", "i32.eqz", "br_if 0",
    "loop _", "local.get 1", "local.get 0", "i32.mul", "i32.const 7", "i32.add", "local.set 1",
    "local.get 0", "i32.const 1", "i32.sub", "local.tee 0", "br_if 0", "end", "end",
    "local.get 1", locals_="i32",
)  # fmt: skip


def ending(data: bytes, engine: str, argument: int, fuel: int) -> tuple[Any, ...]:
    instance = pywasmgk.instantiate(data, engine=engine, fuel=fuel, timeout=None)
    try:
        result: Any = instance.exports.f(argument)
    except OutOfFuel as error:
        result = error.frames
    loops = instance.tiers._binding._loops if instance.tiers._binding else {}
    return result, instance.fuel_used, bool(loops)


def test_a_call_in_a_hot_loop_goes_on_in_compiled_code() -> None:
    result = ending(LOOP, "interpreter", 30_000, 10**9)
    assert result[2] is False
    total = result[1]
    assert ending(LOOP, "auto", 30_000, 10**9) == (*result[:2], True)
    switched = set()
    for fuel in (3, 19_999, 20_001, 59_999, 60_007, 140_003, total - 1, total, total + 1):
        mine, theirs = (ending(LOOP, engine, 30_000, fuel) for engine in ("auto", "interpreter"))
        assert mine[:2] == theirs[:2], fuel
        switched.add(mine[2])
    assert switched == {True, False}


#: a large function of which calls run a little: nothing of its body, then a loop of 9 * n + 1
MOSTLY_IDLE = (
    *("local.get 0", "i32.eqz", "if _", *["i32.const 1", "drop"] * 1_000, "end"),
    *("loop _", "call 0", "drop", "local.get 0", "i32.const 1", "i32.sub", "local.tee 0"),
    *("br_if 0", "end"),
)


def calls_until_compiled(calls: int, turns: int) -> int | None:
    """How often a function that is large was called when it was compiled."""
    data = module(
        types=[functype("i32"), functype("", "i32")],
        imports=[name("env") + name("f") + b"\0\1"],
        functions=[0],
        exports=[("f", 0, 1)],
        bodies=[body("", *MOSTLY_IDLE)],
    )
    instance = pywasmgk.instantiate(data, {"env": {"f": lambda: 0}}, engine="auto")
    for call in range(calls):
        if instance.exports.f.compiled:
            return call
        instance.exports.f(turns)
    return None


def test_what_runs_much_in_short_calls_is_compiled() -> None:
    # 2,010 instructions: some 241,000 to run. Calls of 1,500 are far below a slice, with a look at
    # the clock after each host call
    found = calls_until_compiled(400, 200)
    assert found is not None
    assert 60 <= found <= 320


def test_what_runs_little_is_not_compiled_for_its_host_calls() -> None:
    assert calls_until_compiled(300, 10) is None


def test_a_slice_is_used_up_by_who_ran_and_not_by_whom_he_calls() -> None:
    work = ["i32.const 1", "drop"] * 200
    # behind the block, so that it is charged after the loop's test point and before the call's
    lines = [
        "loop _",
        "block _",
        "end",
        *work,
        "call 0",
        "local.get 0",
        "i32.const 1",
        "i32.sub",
        "local.tee 0",
    ]
    data = module(
        types=[functype(""), functype("i32")],
        functions=[0, 1],
        exports=[("f", 0, 1)],
        bodies=[body("", "nop"), body("", *lines, "br_if 0", "end")],
    )
    instance = pywasmgk.instantiate(data, engine="auto")
    for _ in range(100):
        # 2,000 of the 49,000 that it is to run, nearly all just before a call
        instance.exports.f(10)
    assert instance.exports.f.compiled


def test_the_optimizer_is_brought_in_for_what_repays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = pywasmgk.instantiate(LOOP, engine="auto")
    tiers = instance.tiers
    tiers.binding.compile(0, 1)
    monkeypatch.delitem(sys.modules, "pywasmgk.wasm.compiler.optimizing", raising=False)
    # 0.003 s of a loop of a few instructions, which repay their own optimizing
    assert not tiers.sample_quick(0, 100_000)
    # 0.1 s, with those of before
    assert tiers.sample_quick(0, 3_300_000)


def test_an_optimizer_that_is_there_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = pywasmgk.instantiate(LOOP, engine="auto")
    instance.tiers.binding.compile(0, 1)
    monkeypatch.setitem(sys.modules, "pywasmgk.wasm.compiler.optimizing", optimizing)
    assert instance.tiers.sample_quick(0, 100_000)


# -- memory that grows

GROWS = function(
    "i32", "i32",
    "i32.const 8", "i32.const 1234", "i32.store 2+0",
    "local.get 0", "memory.grow", "drop",
    "i32.const 65544", "i32.const 4321", "i32.store 2+0",
    "i32.const 8", "i32.load 2+0", "i32.const 65544", "i32.load 2+0", "i32.add",
    memories=[limits(1)], exports=[("f", 0, 0), ("memory", 2, 0)],
)  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_growth_under_views_of_the_host(engine: str) -> None:
    instance = pywasmgk.instantiate(GROWS, engine=engine)
    memory = instance.exports.memory
    views = [memory.view()]
    for pages in (1, 3, 0, 7):
        assert instance.exports.f(pages) == 5555
        views.append(memory.view())
        memory.write(8, b"\0\0\0\0")
    assert memory.pages == 12
    assert [len(view) // 65536 for view in views] == [1, 2, 5, 5, 12]
    assert bytes(views[0][8:12]) == (1234).to_bytes(4, "little")


# -- what instances share

SHARED = module(
    types=[functype("i32", "i32"), functype("", "i32"), functype("i32")],
    imports=[
        name("m") + name("memory") + b"\2" + limits(1),
        name("m") + name("table") + b"\1\x70" + limits(4),
        name("m") + name("global") + b"\3\x7f\1",
        name("m") + name("next") + b"\0\1",
    ],
    functions=[0, 1, 2],
    exports=[("indirect", 0, 1), ("read", 0, 2), ("set", 0, 3)],
    bodies=[
        body("", "local.get 0", "call_indirect 1 0"),
        body("", "i32.const 16", "i32.load 2+0", "global.get 0", "i32.add", "call 0", "i32.add"),
        body("", "local.get 0", "global.set 0", "i32.const 16", "local.get 0", "i32.store 2+0"),
    ],
)


@pytest.mark.parametrize("first", ENGINES)
@pytest.mark.parametrize("second", ENGINES)
def test_instances_see_what_others_do(first: str, second: str) -> None:
    shared = {
        "memory": pywasmgk.Memory(1),
        "table": pywasmgk.Table(pywasmgk.ValType.FUNCREF, 4),
        "global": pywasmgk.Global(pywasmgk.GlobalType(pywasmgk.ValType.I32, True), 0),
        "next": lambda: 100,
    }
    a = pywasmgk.instantiate(SHARED, {"m": shared}, engine=first)
    b = pywasmgk.instantiate(SHARED, {"m": {**shared, "next": a.exports.read}}, engine=second)
    a.exports.set(5)
    assert a.exports.read() == 110
    assert b.exports.read() == 120
    b.exports.set(7)
    shared["memory"].grow(1)
    assert a.exports.read() == 114
    table = shared["table"]
    for instance in (a, b, a):
        with pytest.raises(Trap) as caught:
            instance.exports.indirect(2)
        assert caught.value.trap_code is TrapCode.INDIRECT_CALL_TO_NULL
        table.set(2, instance.exports.read)
        other = b if instance is a else a
        assert other.exports.indirect(2) == instance.exports.read()
        table.set(2, instance.exports.set)
        with pytest.raises(Trap) as caught:
            other.exports.indirect(2)
        assert caught.value.trap_code is TrapCode.BAD_SIGNATURE
        table.set(2, None)


# -- depth

DEEP = function(
    "i32", "i32", "local.get 0", "if i32", "local.get 0", "i32.const 1", "i32.sub", "call 0",
    "i32.const 1", "i32.add", "else", "i32.const 0", "end",
)  # fmt: skip


def deepest(call: Callable[[int], Any], around: int) -> list[Any]:
    """What comes of a depth of so much, and of one less."""
    found: list[Any] = []
    for depth in (around - 1, around):
        try:
            found.append(call(depth))
        except GuestError as error:
            assert isinstance(error, Trap) and error.trap_code is TrapCode.STACK_OVERFLOW
            found.append((len(error.frames), error.fuel_used))
    return found


@pytest.mark.parametrize("limit", [1, 10, 2_000, 5_000, 100_000])
def test_recursion_ends_at_the_same_depth_in_both_tiers(limit: int) -> None:
    found = []
    for engine in TIERS:
        instance = pywasmgk.instantiate(DEEP, engine=engine, depth_limit=limit)
        found.append(deepest(instance.exports.f, limit))
    assert found[0] == found[1]
    assert found[0][0] == limit - 1


def test_eight_threads_with_deep_guests() -> None:
    failures: list[BaseException] = []
    limit = sys.getrecursionlimit()

    def run() -> None:
        try:
            instance = pywasmgk.instantiate(DEEP, engine="compiler")
            for _ in range(3):
                assert instance.exports.f(1_999) == 1_999
                with pytest.raises(Trap):
                    instance.exports.f(2_000)
        except BaseException as error:  # of a thread: to be seen by the test
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sys.getrecursionlimit() >= limit


# -- whole kernels

KERNELS = Path(pywasmgk.__file__).parent.parent / "tools" / "kernels"
FUELS = (1, 777, 20_001, 45_679, 99_991, 150_001)


@pytest.mark.parametrize("file", ["kernels", "rust", "mixed"])
def test_kernels_stop_at_the_same_place_in_auto(file: str) -> None:
    """Fuel that ends before, at and after the switch from one tier to the other."""
    module = pywasmgk.Module.from_file(KERNELS / f"{file}.wasm")
    compiled = 0
    for export in module.exports:
        if export.kind != "func" or str(export.type) != "(i32) -> i32":
            continue
        for fuel in FUELS:
            found = []
            for engine in ("interpreter", "auto"):
                instance = pywasmgk.instantiate(module, engine=engine, fuel=fuel, timeout=None)
                outcome: Any
                try:
                    outcome = instance.exports[export.name](50)
                except GuestError as error:
                    outcome = type(error), error.frames
                memory = instance.memory
                found.append((outcome, instance.fuel_used, memory and zlib.crc32(memory.data)))
            assert found[0] == found[1], (export.name, fuel)
            compiled += instance.tiers._binding is not None
    assert compiled
