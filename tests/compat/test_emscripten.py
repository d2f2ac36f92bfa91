"""Modules of Emscripten's without its JavaScript."""

# scripts are easier to read on one line
# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from processor import least_seconds

import pywasmgk
from pywasmgk.compat import emscripten
from pywasmgk.compat.emscripten.names import names_in

GUESTS = Path(__file__).parent / "guests"
MODULE = pywasmgk.Module.from_file(GUESTS / "emscripten.wat")
SCRIPT = GUESTS / "emscripten.js"
FINE, JUMPS, TRAPS = 1, 2, 3


def load(**options: Any) -> emscripten.Program:
    return emscripten.load(MODULE, SCRIPT, **options)


def test_names_are_found_in_the_script() -> None:
    names = names_in(SCRIPT.read_text())
    assert names.imports["a"] == "emscripten_resize_heap"
    assert names.imports["c"] == "_emscripten_throw_longjmp"
    assert [names.imports[key] for key in "bdjo"] == [
        "invoke_vi",
        "__assert_fail",
        "fd_write",
        "_gmtime_js",
    ]
    assert {key: names.exports[key] for key in "rstuvwxyz"} == {
        "r": "__wasm_call_ctors", "s": "malloc", "t": "free", "u": "stackSave", "v": "stackRestore",
        "w": "setThrew", "x": "stackAlloc", "y": "try_call", "z": "main",
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "wasmImports={", "wasmImports={a:", "wasmImports = {" * 9999, "wasmImports={" + "a:_b," * 99999,
     'wasmExports["a"]' * 9999, "=" * 99999 + 'wasmExports["a"]', "initRuntime() {" * 9999, "addOnInit(" * 9999],
)  # fmt: skip
def test_reading_a_script_is_bounded(text: str) -> None:
    assert least_seconds(lambda: names_in(text), enough=2) < 2


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_a_jump_ends_in_invoke(engine: str) -> None:
    program = load(engine=engine)
    assert program.started() == 1
    assert program.try_call(FINE) == 0
    assert program.started() == 7
    assert program.try_call(JUMPS) == 1
    with pytest.raises(pywasmgk.Trap) as caught:
        program.try_call(TRAPS)
    assert caught.value.trap_code is pywasmgk.TrapCode.UNREACHABLE
    for index in (0, 77, -1):
        with pytest.raises(pywasmgk.Trap, match=r"table access|uninitialized element"):
            program.try_call(index)


def test_jumps_cost_the_same_in_every_engine() -> None:
    used = []
    for engine in ("interpreter", "compiler"):
        program = load(engine=engine)
        program.try_call(JUMPS)
        used.append(program.instance.fuel_used)
    assert used[0] == used[1] > 10


def test_the_heap_grows_within_the_limit() -> None:
    program = load(memory_limit=4)
    assert program.grow(3 * 65536) == 1 and program.memory.pages == 3
    assert program.grow(65536) == 1 and program.memory.pages == 3
    assert program.grow(5 * 65536) == 0 and program.grow(-1) == 0
    assert program.memory.pages == 3


def test_ends_are_traps_and_exits() -> None:
    program = load()
    with pytest.raises(pywasmgk.Trap, match=r"assertion failed: x > 0 \(main\.c:17, in main\)"):
        program.fail()
    with pytest.raises(pywasmgk.Trap, match="abort"):
        program.end()
    with pytest.raises(pywasmgk.Trap, match=r"'a'\.'l'.*stub"):
        program.odd()
    assert program.main("a", "b") == 3
    assert program.main("Ada") == ord("A")


def test_clocks_are_those_of_wasi() -> None:
    clocks = pywasmgk.Clocks.fixed()
    program = load(wasi=pywasmgk.WasiConfig(clocks=clocks))
    assert program.clock() < program.clock() < 10
    assert program.day(86_400 * 30) == 31
    assert program.day(1 << 60) == 1


def test_copies_are_charged_and_checked() -> None:
    program = load(fuel=2_000)
    program.memory.write(100, b"goat")
    program.move(200, 100, 4)
    assert program.memory.read(200, 4) == b"goat"
    with pytest.raises(pywasmgk.Trap, match="out of bounds"):
        program.move(65530, 0, 100)
    with pytest.raises(pywasmgk.OutOfFuel):
        program.move(0, 32768, 32768)


def test_without_files_nothing_is_there() -> None:
    program = load()
    assert program.open(0) == -44
    assert program.size() == -44
    assert program.where() == 2 and program.text(2048) == "/"


def test_files_are_those_of_wasi() -> None:
    folder = pywasmgk.MemoryDirectory({"goats.txt": b"three goats"})
    program = load(wasi=pywasmgk.WasiConfig(preopens={"/data": folder}))
    assert program.size() == 11
    fd = program.open(2)
    assert fd >= 3
    assert program.rewind(fd) == 0
    assert program.memory.read_u64(2048) == 10
    program.memory.write(4096, b"kids")
    assert program.say(fd, 4096, 4) == 0
    assert program.size() == 14
    readonly = program.open(0)
    assert program.say(readonly, 4096, 4) != 0
    written: list[bytes] = []
    program = load(
        wasi=pywasmgk.WasiConfig(stdout=written.append, quotas=pywasmgk.Quotas(output=4))
    )
    program.memory.write(4096, b"kids")
    assert program.say(1, 4096, 4) == 0 and program.say(1, 4096, 4) != 0
    assert b"".join(written) == b"kids"


def test_texts_and_bytes_are_passed_by_address() -> None:
    program = load()
    before = program.malloc(0)
    program.call("free", "Ada")
    assert program.text(before) == "Ada"
    with pytest.raises(AttributeError, match="did you mean 'malloc'"):
        program.call("maloc", 1)
    with pytest.raises(AttributeError):
        program.nothing_like_it  # noqa: B018


def test_what_hosts_raise_passes_through_the_runtime() -> None:
    text = (
        (GUESTS / "emscripten.wat")
        .read_text()
        .replace(
            "(func $traps (param i32) unreachable)",
            "(func $traps (param i32) (call $unknown (i32.const 1)))",
        )
    )

    def refuse(number: int) -> None:
        raise LookupError("mine")

    own = {"env": {"emscripten_do_something_new": refuse}}
    program = emscripten.load(pywasmgk.Module(text), SCRIPT, imports=own)
    with pytest.raises(LookupError, match="mine"):
        program.try_call(TRAPS)


def test_addresses_outside_are_traps() -> None:
    text = (GUESTS / "emscripten.wat").read_text()
    for old, new in (
        ("(i32.const 1024) (i32.const 1030)", "(i32.const -1) (i32.const -9)"),
        (
            "(i32.const 2048))\n    (i32.load (i32.const 2060))",
            "(i32.const -4))\n    (i32.load (i32.const 2060))",
        ),
    ):
        assert old in text
        program = emscripten.load(pywasmgk.Module(text.replace(old, new)), SCRIPT)
        with pytest.raises(pywasmgk.Trap):
            program.fail()
            program.day(1)


def test_own_imports_win_by_the_names_of_c() -> None:
    seen: list[int] = []
    program = load(imports={"env": {"emscripten_do_something_new": seen.append}})
    program.odd()
    assert seen == [1]
    program = emscripten.load(MODULE, names={"a": "emscripten_resize_heap"}, memory_limit=2)
    assert program.grow(2 * 65536) == 1


# -- side modules

MAIN = pywasmgk.Module.from_file(GUESTS / "main.wat")
SIDE = pywasmgk.Module.from_file(GUESTS / "side.wat")


def test_a_side_module_shares_memory_table_and_symbols() -> None:
    program = emscripten.load(MAIN)
    side = program.load_side(SIDE)
    assert side.exports.six(7) == 42
    assert side.exports.relocated() == 512
    assert side.exports.clock() >= 0
    assert program.instance.tables[0].size >= 3
    other = program.load_side(SIDE)
    assert other.exports.six(1) == 6


def test_what_is_no_side_module_is_refused() -> None:
    program = emscripten.load(MAIN)
    with pytest.raises(pywasmgk.LinkError, match=r"no dylink\.0"):
        program.load_side(MAIN)
    big = (GUESTS / "side.wat").read_text()
    for needs in (
        "\\\\01\\\\07\\\\ff\\\\ff\\\\ff\\\\7f\\\\02\\\\01\\\\00",
        "\\\\01\\\\06\\\\20\\\\02\\\\ff\\\\ff\\\\7f\\\\00",
    ):
        text = big.replace("\\01\\04\\20\\02\\01\\00", needs.replace("\\\\", "\\"))
        with pytest.raises(pywasmgk.LinkError, match=r"room|limit"):
            program.load_side(pywasmgk.Module(text))
    for needs in ("\\01\\7f", "\\01\\04\\80\\80", "\\05"):
        text = big.replace("\\01\\04\\20\\02\\01\\00", needs)
        with pytest.raises((pywasmgk.LinkError, pywasmgk.DecodeError)):
            program.load_side(pywasmgk.Module(text))
