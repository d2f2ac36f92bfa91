"""What notebooks show of modules, functions, memories, executions and what they give."""

from __future__ import annotations

import json
import pickle
import re
from typing import Any

import pytest
from wasm_builder import body, functype, module, name

import pywasmgk
from pywasmgk import examples, notebook
from pywasmgk.debug.coverage import Coverage
from pywasmgk.debug.profile import Profile
from pywasmgk.notebook.traps import watch
from pywasmgk.wasm.runtime.metering import CURRENT

SUM = """(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2 4)
  (data (i32.const 64) "hello, world")
  (global $limit (mut i32) (i32.const 5))
  (func $sum (export "sum") (param $n i32) (result i32) (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (local.get $n)))
      (i32.store (i32.const 8) (local.get $total))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.div_u (local.get $total) (local.get $n))))
"""


def made(**options: Any) -> pywasmgk.Instance:
    return pywasmgk.instantiate(
        pywasmgk.Module(SUM, name="sum.wat"), wasi=pywasmgk.WasiConfig(), **options
    )


class Printer:
    """What IPython's printer is to those who print themselves."""

    def __init__(self, depth: int) -> None:
        self.stack = [None] * depth
        self.shown = ""

    def text(self, text: str) -> None:
        self.shown += text


def test_nobody_imports_anything() -> None:
    thing = pywasmgk.Module(SUM)
    assert thing._repr_html_().startswith('<div class="pywasmgk"><style>')
    # marimo sends what is derived from str as objects
    assert type(thing._repr_html_()) is type(notebook.text(thing)) is str
    alone, within = Printer(1), Printer(2)
    thing._repr_pretty_(alone, False)
    thing._repr_pretty_(within, False)
    assert alone.shown == notebook.text(thing)
    assert within.shown == repr(thing)
    assert thing._repr_mimebundle_() == {}
    # IPython takes the repr of a class before a method that it inherits
    assert "_repr_pretty_" in vars(pywasmgk.Module)


def test_a_module_says_where_its_bytes_are() -> None:
    shown = notebook.text(pywasmgk.Module(SUM, name="sum.wat"))
    assert "Module sum.wat" in shown
    sizes = [int(size) for size in re.findall(r"(\d+) bytes +[\d.]+ %", shown)]
    assert sum(sizes) == len(pywasmgk.Module(SUM).data)
    assert re.search(r"wasi_snapshot_preview1\.fd_write +func +\(i32.*WASI preview 1", shown)
    assert re.search(r"sum +func +\(n: i32\) -> i32", shown)
    assert re.search(r"memory 0 +2\.\.4 pages", shown)


def test_a_function_stands_beside_its_python() -> None:
    shown = notebook.text(made().exports.sum)
    assert re.search(r"0x\w+ +loop .*while 1:|while 1:", shown)
    assert re.search(r"i32\.add", shown)
    assert "(n: i32) -> i32" in shown
    host = pywasmgk.Func(pywasmgk.FuncType(), print)
    assert "of the host" in notebook.text(host)


def test_an_instance_shows_what_it_is_now() -> None:
    instance = made()
    instance.globals[0].value = 77
    shown = notebook.text(instance)
    assert re.search(r"limit +global mut i32 +77 \(0x4d\)", shown)
    assert re.search(r"memory +memory +2 pages of at most 4", shown)


def test_another_engine_is_named() -> None:
    pytest.importorskip("wasmtime")
    instance = made(engine="wasmtime")
    assert re.search(r"runs +in the engine 'wasmtime'", notebook.text(instance.exports.sum))
    shown = notebook.text(instance)
    assert re.search(r"functions +1$", shown, re.MULTILINE)
    assert re.search(r"engine +wasmtime$", shown, re.MULTILINE)
    assert "hello, world" in notebook.text(instance.memory)
    assert not re.search(r"^ *engine ", notebook.text(made()), re.MULTILINE)
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports.sum(3)
    assert re.search(r"▶ 0x\w+ +i32\.div_u", notebook.text(caught.value))


def test_a_memory_shows_texts_pages_and_changes() -> None:
    memory = made().memory
    first = notebook.text(memory)
    assert "0x40     hello, world" in first
    assert "░·" in first
    assert "changed" not in first
    memory.write(0x10041, b"!")
    memory.write_i32(0x44, -2)
    second = notebook.text(memory)
    assert "changed since it was shown before: 0, 1" in second
    assert "fe*ff*ff*ff*" in second
    assert "changed" not in notebook.text(memory).replace("shown before", "")
    floats = notebook.text(memory, at=0x40, rows=1, numbers="f64")
    assert len(re.findall(r"^  000000", floats, re.MULTILINE)) == 1
    with pytest.raises(ValueError, match="numbers must be one of"):
        notebook.text(memory, numbers="i3")
    with pytest.raises(IndexError):
        notebook.text(memory, at=len(memory) + 1)
    assert "Memory" in notebook.text(pywasmgk.Memory(0))


def test_an_execution_has_values_and_lines_beside_its_code() -> None:
    with made().start("sum", 3) as held:
        held.step(15)
        shown = notebook.text(held)
        assert "▶ 0x" in shown
        assert re.search(r"├┴ +i32\.add +< 3, 2", shown)
        assert re.search(r"╰─ +local\.set \$total +< 3", shown)
        assert re.search(r"\$total i32 +3 \(0x3\)", shown)
        assert held.steps == 15
        held.rewind(5)
        # it knows how far it was
        assert re.search(r"●─+ 15$", notebook.text(held), re.MULTILINE)
        held.run()
        assert "Trap: integer divide by zero" in notebook.text(held)
    # one that is closed, or cannot go back, is shown too
    assert "Execution" in notebook.text(held)
    with made().start("sum", 3, history=None) as held:
        held.step(15)
        assert "▶" in notebook.html(held)


def test_a_trap_shows_the_code_around_its_place() -> None:
    with pytest.raises(pywasmgk.Trap) as caught:
        made(engine="interpreter").exports.sum(3)
    shown = notebook.text(caught.value)
    assert re.search(r"▶ 0x\w+ +i32\.div_u", shown)
    assert "takes" not in shown
    # a frame travels without its module, and is the same as before
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.frames == caught.value.frames
    # of the error itself others may send the traceback along, as Dask has it
    assert len(pickle.dumps(caught.value.frames)) < 1000
    assert "at $sum" in notebook.text(again)
    assert "▶" not in notebook.text(again)


def test_what_a_trap_took_is_shown_where_somebody_watched() -> None:
    before = CURRENT.state.witness
    try:
        watch()
        with pytest.raises(pywasmgk.Trap) as caught:
            made(engine="interpreter").exports.sum(3)
        shown = notebook.text(caught.value)
        assert "takes  i32 = 6" in shown
        assert "local  $n i32 = 0" in shown
        with pytest.raises(pywasmgk.Trap):
            made(engine="interpreter").exports.sum(4)
        # what another one held is not that of this one
        assert "takes" not in notebook.text(caught.value)
    finally:
        CURRENT.state.witness = before


def test_profile_and_coverage() -> None:
    profile = Profile.of(made(), "sum", 3)
    assert "<svg" in notebook.html(profile)
    assert re.search(r"\d+ +100\.0 +\d+ +1 +sum", notebook.text(profile))
    shown = notebook.text(Coverage.of(profile))
    assert re.search(r"3 +\(br_if \$again", shown)
    assert re.search(r"functions +1 of 1 +100\.0 %", shown)


def test_a_registration_looks_as_a_host_shows_it() -> None:
    with pywasmgk.load(examples.read("dashboard")) as plugin:
        registration = plugin.registration
    shown = notebook.text(registration)
    assert f"Plugin {registration.name} {registration.version}" in shown
    assert "[Tickets]" in shown
    assert "wg-card" in notebook.html(registration)


def test_nothing_is_shown_of_anything_else() -> None:
    with pytest.raises(TypeError, match="nothing is shown of a int"):
        notebook.html(5)


# -- bounds


def large() -> bytes:
    """5,000 functions that are imported, as many that are exported, one of them very long."""
    long = body("", *["i32.const 1", "drop"] * 20_000)
    return module(
        types=[functype()],
        imports=[name("env") + name(f"f{number}") + b"\0\0" for number in range(5_000)],
        functions=[0] * 5_000,
        exports=[(f"g{number}", 0, 5_000 + number) for number in range(5_000)],
        bodies=[long, *[body("")] * 4_999],
        customs=[(f"custom {number}", b"x" * number) for number in range(300)],
    )


def test_large_modules_are_cut() -> None:
    loaded = pywasmgk.Module(large())
    env = {f"f{number}": lambda: None for number in range(5_000)}
    instance = pywasmgk.instantiate(loaded, {"env": env})
    for thing in (loaded, instance, instance.exports.g0):
        page = notebook.html(thing)
        assert len(page) < 60_000
        assert "more" in page
    assert "and 4,970 more" in notebook.text(loaded)
    assert "too large to be compiled for a look" in notebook.text(instance.exports.g0)


def test_long_names_are_cut() -> None:
    loaded = pywasmgk.Module(f'(module (func (export "{"x" * 100_000}")))')
    assert len(notebook.html(loaded)) < 20_000
    assert json.dumps(notebook.text(loaded)).count("x") < 2_000


def test_deep_recursion_shows_few_frames() -> None:
    deep = pywasmgk.instantiate('(module (func $f (export "f") (call $f)))')
    with pytest.raises(pywasmgk.Trap) as caught:
        deep.exports.f()
    assert len(notebook.html(caught.value)) < 40_000
