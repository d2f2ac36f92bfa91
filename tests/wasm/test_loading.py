"""Loading is bounded by the file's size, whatever the file says."""

from __future__ import annotations

import gc
import operator
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loading_shapes import SHAPES
from plugin_guests import LOOP, Function, guest
from wasm_builder import body, code, function, functype, limits, module, name, unsigned, vector

import pywasmgk
from pywasmgk.errors import (
    CallError,
    CallTimeout,
    Cancelled,
    DeadlineExceeded,
    PywasmgkError,
    ValidationError,
)
from pywasmgk.wasm.interpreter.code import Zeros, zeros_of
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.metering import CancelToken, Meter

#: bytes of memory for each byte of the file, and for any file
PER_BYTE, ALWAYS = 60, 250_000


def peak_of_loading(data: bytes) -> int:
    """The most memory that loading a file takes beyond what there was."""
    gc.collect()
    tracemalloc.start()
    try:
        Module(data)
    except PywasmgkError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="needs tracemalloc")
@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_linear_in_the_file(shape: str) -> None:
    Module(b"\0asm\1\0\0\0")
    data = SHAPES[shape](25_000)
    assert 20_000 < len(data) < 120_000
    assert peak_of_loading(data) <= PER_BYTE * len(data) + ALWAYS


def test_operands_are_bounded() -> None:
    thousand = functype("", "i32 " * 1000)
    for calls in (100, 101):
        data = module(
            types=[functype(), thousand],
            imports=[name("a") + name("b") + b"\0\1"],
            functions=[0],
            bodies=[body("", *["call 0"] * calls, "unreachable")],
        )
        if calls == 100:
            assert Module(data).block_map(1).max_height == 100_000
            continue
        with pytest.raises(ValidationError, match="too many operands on the stack: at most 100000"):
            Module(data)


def test_operands_of_all_blocks_count_together() -> None:
    """Also where each block has few of them."""
    few = ["i32.const 0"] * 90
    lines = [word for _ in range(1_200) for word in (*few, "block _")]
    with pytest.raises(ValidationError, match="too many operands"):
        Module(function("", "", *lines, *["end"] * 1_200, "unreachable"))


# -- time


class Clock:
    """A clock that goes on by a second each time somebody looks."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return float(self.looks)


def looks_of_loading(data: bytes, **options: Any) -> int:
    clock = Clock()
    try:
        Module(data, timeout=1e9, clock=clock, **options)
    except PywasmgkError:
        pass
    return clock.looks


#: shapes of which little is read, or in one go
QUICK = {
    *("a large branch table", "types of 1,000", "no sections", "names", "names of locals"),
    "opcodes that do not exist",
}


@pytest.mark.parametrize("shape", sorted(SHAPES.keys() - QUICK))
def test_the_clock_is_looked_at_all_along(shape: str) -> None:
    """At least every 64 KB, which take some 10 ms; what is dear, far more often."""
    small, large = (SHAPES[shape](size) for size in (20_000, 100_000))
    assert looks_of_loading(large) - looks_of_loading(small) >= (len(large) - len(small)) >> 16


@pytest.mark.parametrize("shape", ["types", "globals", "tables", "data segments"])
def test_features_are_looked_for_in_time(shape: str) -> None:
    data = SHAPES[shape](20_000)
    features = pywasmgk.Features(simd=False)
    assert looks_of_loading(data, features=features) > looks_of_loading(data)


def test_the_deadline_ends_loading_with_the_place() -> None:
    data = SHAPES["constants"](300_000)
    with pytest.raises(
        DeadlineExceeded, match=r"^gave up loading after 6 s at offset 0x"
    ) as caught:
        Module(data, timeout=6, clock=Clock())
    assert isinstance(caught.value, TimeoutError)
    for never in (None, 0, -1):
        assert Module(data, timeout=never, clock=Clock()).bodies


def test_loading_can_be_cancelled() -> None:
    class Later(CancelToken):
        looks = 0

        @property
        def cancelled(self) -> bool:
            self.looks += 1
            return self.looks > 8

    with pytest.raises(Cancelled, match=r"^cancelled while loading at offset 0x.*, after 0"):
        Module(SHAPES["constants"](300_000), cancel=Later())


def test_files_are_bounded_too(tmp_path: Path) -> None:
    path = tmp_path / "a.wasm"
    path.write_bytes(SHAPES["constants"](1_000))
    token = CancelToken()
    assert Module.from_file(path, cancel=token, timeout=5).bodies
    token.cancel()
    with pytest.raises(Cancelled):
        Module.from_file(path, cancel=token)
    with pytest.raises(DeadlineExceeded):
        Module.from_file(path, timeout=1e-9)


def test_what_is_validated_later_has_no_deadline_of_loading() -> None:
    found = Module(function("", "", "nop"), validate="lazy", timeout=8, clock=Clock())
    for _ in range(20):
        assert found.block_map(0).code


def test_instantiating_is_one_account() -> None:
    """From the bytes to the end of the start function."""
    data = function("", "", "loop _", "br 0", "end", start=0)
    clock = Clock()
    with pytest.raises(DeadlineExceeded, match="gave up after 100 s"):
        pywasmgk.instantiate(data, timeout=100, clock=clock)
    assert clock.looks < 110


def elements(item: bytes, count: int) -> bytes:
    return module(
        types=[functype()],
        imports=[name("a") + name("b") + b"\3\x6f\0"],
        functions=[0],
        bodies=[body("", "nop")],
        exports=[("f", 0, 0)],
        tables=[b"\x6f" + limits(count)],
        elements=[b"\6\0" + code("i32.const 0") + b"\x6f" + vector([item] * count)],
    )


@pytest.mark.parametrize("item", [code("global.get 0"), code("ref.null externref")])
def test_segments_are_filled_within_the_deadline(item: bytes) -> None:
    found = Module(elements(item, 5_000))
    clock = Clock()
    given = {"a": {"b": pywasmgk.Global(pywasmgk.GlobalType(pywasmgk.ValType.EXTERNREF), clock)}}
    instance = pywasmgk.instantiate(found, given, timeout=1_000, clock=clock)
    assert {*instance.tables[0].elements} <= {clock, None}
    assert clock.looks > 10
    with pytest.raises(DeadlineExceeded):
        pywasmgk.instantiate(found, given, timeout=9, clock=Clock())


def test_equal_expressions_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from pywasmgk.wasm.runtime import initial
    from pywasmgk.wasm.valid import bodies

    runs = []

    def counted(*args: Any) -> Any:
        runs.append(args)
        return bodies.validate_constant(*args)

    monkeypatch.setattr(initial, "validate_constant", counted)
    pywasmgk.instantiate(elements(code("ref.null externref"), 5_000), {"a": {"b": ANY}})
    assert len(runs) == 1


ANY = pywasmgk.Global(pywasmgk.GlobalType(pywasmgk.ValType.EXTERNREF), None)


# -- plugins


def test_a_plugins_timeout_is_for_all_of_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    data = guest(start="$go", functions={"go": Function("", "", LOOP)})
    with pytest.raises(CallTimeout, match="instantiate wasm: start function"):
        pywasmgk.load(data, timeout=0.5, fuel=None)
    monkeypatch.setattr(Meter, "seconds_left", lambda meter: 0.0)
    with pytest.raises(CallTimeout, match="gave up loading"):
        pywasmgk.load(guest(), timeout=5)


def test_loading_a_plugin_can_be_cancelled(tmp_path: Path) -> None:
    token = CancelToken()
    pywasmgk.load(guest(), cancel=token).shutdown()
    token.cancel()
    path = tmp_path / "a.wasm"
    path.write_bytes(guest())
    for load, what in ((pywasmgk.load, guest()), (pywasmgk.load_from_file, path)):
        with pytest.raises(CallError, match="cancelled while loading"):
            load(what, cancel=token)
    # a module that was decoded before is not run either
    with pytest.raises(CallError, match="cancelled"):
        pywasmgk.load(Module(guest()), cancel=token)


# -- linking


def instances(count: int) -> Iterator[Any]:
    """Instances that give so many functions, and a module that wants them."""
    functions = {"types": [functype()], "functions": [0] * count}
    bodies = [body("", "nop")] * count
    exports = [(f"f{n}", 0, n) for n in range(count)]
    yield pywasmgk.instantiate(module(**functions, bodies=bodies, exports=exports))
    imports = [name("t") + name(f"f{n}") + b"\0\0" for n in range(count)]
    yield Module(module(types=[functype()], imports=imports))


@pytest.mark.parametrize("given", ["exports", "instance", "dict"])
def test_linking_looks_for_no_nearest_name(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = instances(50)
    kinds = {"exports": first.exports, "instance": first, "dict": dict(first.exports)}
    monkeypatch.setattr("difflib.get_close_matches", None)
    assert len(pywasmgk.instantiate(second, {"t": kinds[given]}).funcs) == 50


def test_nearest_names_are_looked_for_among_few(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("difflib.get_close_matches", lambda *args: seen.append(args) or [])
    given = dict.fromkeys([*(f"f{n}" for n in range(5_000)), "x" * 1_000], print)
    data = module(types=[functype()], imports=[name("t") + name("g") + b"\0\0"])
    with pytest.raises(pywasmgk.LinkError):
        pywasmgk.instantiate(data, {"t": given})
    (found,) = seen
    assert len(found[1]) == 1_000 and max(map(len, found[1])) < 10
    long = module(types=[functype()], imports=[name("t") + name("g" * 1_000) + b"\0\0"])
    with pytest.raises(pywasmgk.LinkError):
        pywasmgk.instantiate(long, {"t": given})
    assert len(seen) == 1


# -- locals


def test_many_functions_of_many_locals_that_are_called() -> None:
    """Nothing of the size of a frame is kept for a function."""
    content = b"\2" + unsigned(49_999) + b"\x7f\1\x7c" + b"\x20" + unsigned(49_999) + b"\x0b"
    count = 40
    data = module(
        types=[functype("", "f64")],
        functions=[0] * count,
        exports=[(f"f{n}", 0, n) for n in range(count)],
        bodies=[unsigned(len(content)) + content] * count,
    )
    exports = pywasmgk.instantiate(data, engine="interpreter").exports
    exports["f0"]()
    gc.collect()
    tracemalloc.start()
    for n in range(1, count):
        assert exports[f"f{n}"]() == 0.0
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 30_000 * count


def test_zeros_make_frames_as_a_list_does() -> None:
    plain = [0] * 700 + [0.0] * 700 + [None]
    zeros = zeros_of(plain)
    assert isinstance(zeros, Zeros)
    assert operator.add([1, 2], zeros) == [1, 2, *plain]
    assert zeros[:] == plain == [*zeros]
    assert zeros == zeros_of([*plain]) != zeros_of([*plain, None])
    assert zeros_of(plain[:100]) == plain[:100]
