"""Programs that report errors by unwinding, as toolchains build them: setjmp of C, exceptions of
C++, panics of Rust; in either encoding, by every engine with equal fuel, and with wasmtime's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pywasmgk
from pywasmgk import Module, WasiConfig, instantiate

GUESTS = Path(__file__).parents[1] / "guests" / "exceptions"
ENGINES = ("interpreter", "compiler", "auto")


class Program(NamedTuple):
    """A guest: the export that says where texts go, and calls with their results; the text is put
    before each call."""

    place: str
    calls: tuple[tuple[str, str, tuple[int, ...], int], ...]


def texts(
    export: str, results: dict[str, int]
) -> tuple[tuple[str, str, tuple[int, ...], int], ...]:
    return tuple((text, export, (), result) for text, result in results.items())


PROGRAMS = {
    "forth": Program("source", texts("evaluate", {
        "6 7 *": 42,
        "[ 1 0 / ] 10 *": 40,  # caught, its number pushed
        "[ 5 6 ] + +": 11,  # no error is 0
        "[ [ 7 fail ] 1 + fail ]": 208,  # caught, changed, passed on, caught again
        "1 0 /": -4,
        "nope": -3,
        "+": -1,
        "1 [ 2": 5,
        " ".join(["1"] * 17): -2,
        "[ 1 [ 2 0 / ] + ] swap": 5,
    })),
    "parser": Program("text", (
        *texts("value", {
            "2*(3+4) - 8/2": 10,
            "7/0": -1204,  # a derived class, caught by its base, changed on its way
            "?(7/(1-1)):5 + 1": 6,  # caught where it belongs
            "?(2+):3": -1105,  # of another class, so it passes that handler
            "?(9999999999):1": -2010,  # of the standard library, with its text
            "1 x": -3000,  # no class at all
        }),
        ("", "destroyed", (), 60),
    )),
    "unwind": Program("", (
        ("", "guarded", (7, 2, 3), 6),
        ("", "guarded", (7, 0, 3), -25),  # "attempt to divide by zero"
        ("", "guarded", (7, -1, 3), -1007),  # a payload of its own
        ("", "passed_on", (7, 7), 1),
        ("", "passed_on", (7, 0), 9975),
        ("", "passed_on", (7, -1), 8993),
        ("", "dropped", (), 18),
        ("", "at", (2,), 8),
        ("", "at", (3,), -52),
    )),
}  # fmt: skip


def outcomes(path: Path, program: Program, engine: str) -> list[tuple[Any, int]]:
    """Result and fuel of each call."""
    instance = instantiate(Module.from_file(path), wasi=WasiConfig(), engine=engine)
    exports = instance.exports
    if "_initialize" in exports:
        exports._initialize()
    found = []
    for text, name, args, _ in program.calls:
        if program.place:
            instance.memory.write(exports[program.place](), text.encode() + b"\0")
        result = exports[name](*args)
        found.append((result, instance.fuel_used))
    return found


def of_wasmtime(path: Path, program: Program) -> list[tuple[Any, int]]:
    wasmtime = pytest.importorskip("wasmtime", reason="wasmtime is not installed")
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    store.set_fuel(1 << 40)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    instance = linker.instantiate(store, wasmtime.Module.from_file(engine, str(path)))
    exports = instance.exports(store)
    if exports.get("_initialize"):
        exports["_initialize"](store)
    found = []
    for text, name, args, _ in program.calls:
        if program.place:
            at = exports[program.place](store)
            exports["memory"].write(store, text.encode() + b"\0", at)
        store.set_fuel(1 << 40)
        result = exports[name](store, *args)
        found.append((result, (1 << 40) - store.get_fuel()))
    return found


@pytest.mark.parametrize("encoding", ["", "_legacy"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_engine_gives_the_results_for_the_same_fuel(name: str, encoding: str) -> None:
    program = PROGRAMS[name]
    path = GUESTS / f"{name}{encoding}.wasm"
    found = {engine: outcomes(path, program, engine) for engine in ENGINES}
    assert [result for result, _ in found["auto"]] == [call[-1] for call in program.calls]
    assert found["interpreter"] == found["compiler"] == found["auto"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_fuel_of_the_newer_encoding_is_wasmtimes(name: str) -> None:
    path = GUESTS / f"{name}.wasm"
    assert outcomes(path, PROGRAMS[name], "auto") == of_wasmtime(path, PROGRAMS[name])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_cpp_throws_out_of_the_module(engine: str) -> None:
    module = Module.from_file(GUESTS / "parser.wasm")
    instance = instantiate(module, wasi=WasiConfig(), engine=engine)
    instance.exports._initialize()
    instance.memory.write(instance.exports.text(), b"7/0\0")
    with pytest.raises(pywasmgk.WasmException) as caught:
        instance.exports.unguarded()
    (pointer,) = caught.value.payload
    # what clang's C++ puts in front of a thrown object (Itanium C++ ABI, 2.2.1)
    assert instance.memory.read(pointer, 8) == b"CLNGC++\0"[::-1]
    assert instance.exports.destroyed() == 6
    assert instance.exports.value() == -1204
