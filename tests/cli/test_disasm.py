"""``disasm``: any module as text, functions by name, and the Python that they become."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_guests import ADD, NEEDS_MORE, run
from text_modules import WAT2WASM, assembled, content
from wasm_builder import body, function, functype, module, rich_module

from pywasmgk import examples
from pywasmgk.wasm.compiler.pipeline import PASSES
from pywasmgk.wasm.module import Module


def written(folder: Path, data: bytes) -> Path:
    path = folder / "guest.wasm"
    path.write_bytes(data)
    return path


def test_offsets_and_fuel_stand_before_the_text(tmp_path: Path) -> None:
    lines = ("local.get 0", "if _", "nop", "else", "end", "local.get 0", "i32.const -2", "i32.add")
    done = run("disasm", written(tmp_path, function("i32", "i32", *lines)), "f")
    assert done.out.splitlines() == [
        "0x00001f    1    (func $f (;0;) (type 0) (param i32) (result i32)",
        "0x000020    2      local.get 0",
        "0x000022           if  (;@1;)",
        "0x000024    0        nop",
        "0x000025           else",
        "0x000026    0      end",
        "0x000027    3      local.get 0",
        "0x000029           i32.const -2",
        "0x00002b           i32.add",
        "0x00002c         )",
    ]


def test_the_fuel_that_is_shown_is_the_fuel_that_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, ADD)
    shown = [line["fuel"] for line in run("disasm", path, "--json").form["functions"][0]["lines"]]
    assert sum(fuel or 0 for fuel in shown) == run("run", path, "f", 1, 2, "--json").form["fuel"]


@pytest.mark.parametrize("word", ["gk_free", "$gk_free", "1"])
def test_a_function_has_a_name_and_an_index(word: str) -> None:
    index = Module(examples.read("hello")).function_name(1)
    assert index == "gk_free"
    assert "(func $gk_free (;1;)" in run("disasm", "hello", word).out.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gk_fre"], "no function is called 'gk_fre'; did you mean 'gk_free'?"),
        (["999"], "there is no function 999: the module has"),
        (["--python"], "--python, --steps and --after want a FUNCTION"),
        (["0", "--after", "sinkin"], "called 'sinkin'; did you mean 'sinking'? (lowering,"),
        (["--python", "0", "--json"], "without --wat and --json"),
    ],
)
def test_a_line_that_is_wrong(words: list[str], message: str) -> None:
    done = run("disasm", "hello", *words)
    assert done.code == 2
    assert message in done.out + done.err


@pytest.mark.skipif(WAT2WASM is None, reason="wat2wasm is not installed")
@pytest.mark.parametrize("name", ["hello", "rich"])
def test_an_assembler_reads_it_back(name: str, tmp_path: Path) -> None:
    data = rich_module() if name == "rich" else examples.read(name)
    text = run("disasm", "--wat", written(tmp_path, data)).out
    back = assembled(text)
    assert back is not None
    assert content(Module(back)) == content(Module(data))


def test_what_is_wrong_is_shown_in_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, function("i32", "i64", "local.get 0"))
    lines = run("disasm", path, "f").out.splitlines()
    assert lines[2].endswith("(;invalid: type mismatch: end expected i64, found i32;)")
    assert lines[1].endswith("local.get 0")


def test_imports(tmp_path: Path) -> None:
    path = written(tmp_path, NEEDS_MORE)
    assert '(func $env.f (;0;) (import "env" "f") (type 0))' in run("disasm", path, "0").out
    assert "imported: it is the host's" in run("disasm", path, "env.f", "--python").out
    assert "imported: it is the host's" in run("disasm", path, "env.f", "--steps").out


def test_side_by_side_has_all_of_both() -> None:
    """Every instruction once, in order, and every line of Python."""
    alone = run("disasm", "hello", "gk_malloc").out.splitlines()
    both = run("disasm", "hello", "gk_malloc", "--python").out.splitlines()
    left = [line[:52].rstrip() for line in both if not re.search(r"\^\s*$", line[:52])]
    shown = [line for line in left if line.strip()]
    assert [line[:8].strip() for line in shown] == [line[:8].strip() for line in alone]
    python = "\n".join(line[54:] for line in both if line[54:])
    assert "def f0(l0, d):" in python
    compile(python, "shown", "exec")
    # an instruction stands beside what it became
    assert any("i32.gt_u" in line for line in alone)
    assert any(" br_if " in line and "| " in line and " if " in line[52:] for line in both)


def test_a_function_that_is_not_compiled_says_why(tmp_path: Path) -> None:
    path = written(tmp_path, function("", "", *["nop"] * 20_001))
    out = run("disasm", path, "f", "--python").out
    assert out.startswith(";; stays in the interpreter: it has 20,002 instructions; above 20,000")


def test_the_steps(tmp_path: Path) -> None:
    lines = ("loop _", "local.get 0", "i32.const 1", "i32.sub", "local.tee 0", "br_if 0", "end")
    out = run("disasm", written(tmp_path, function("i32", "", *lines)), "f", "--steps").out
    assert "fuel 5, head of a loop:" in out
    assert "  l0 = l0 - 1 if l0 else 4294967295" in out
    assert ";; structure" in out
    assert re.search(r"loop \d+\n", out)


def test_after_one_pass(tmp_path: Path) -> None:
    lines = ("local.get 0", "i32.const 3", "i32.mul", "local.set 1", "i32.const 4", "local.set 1")
    path = written(tmp_path, function("i32 i32", "i32", *lines, "local.get 1"))
    before, after = (
        run("disasm", path, "f", "--after", name).out for name in ("sinking", "dead stores")
    )
    assert before.startswith(";; after sinking: the same\nblock 0 at ")
    assert "  l1 = l0 * 3 & 4294967295\n  l1 = 4\n" in before
    assert "l1 =" not in after and after.endswith("  return 4\n")
    every = run("disasm", path, "f", "--steps").out
    assert every.count(";; after ") == 1 + len(PASSES) and ";; after sinking: the same\n" in every


def test_names_are_no_text_of_ours(tmp_path: Path) -> None:
    """Names that would end comments or strings, or are there twice."""
    names = [b'a;) "b', b"same", b"same"]
    section = b"".join(bytes([n, len(name)]) + name for n, name in enumerate(names))
    data = module(
        types=[functype()],
        functions=[0, 0, 0],
        exports=[('x"\\\n\u00e9', 0, 0)],
        bodies=[body("", "call 1"), body("", "call 0"), body("", "nop")],
        customs=[("name", bytes([1, len(section) + 1, 3]) + section)],
    )
    out = run("disasm", "--wat", written(tmp_path, data)).out
    assert '(export "x\\22\\5c\\0a\u00e9" (func 0 (;a; ) "b;)))' in out
    assert "call 1 (;same;)" in out
    if WAT2WASM is not None:
        back = assembled(out)
        assert back is not None
        assert content(Module(back)) == content(Module(data))


def test_every_command_takes_wat(tmp_path: Path) -> None:
    path = tmp_path / "seven.wat"
    path.write_text('(module (func (export "f") (result i32) i32.const 7))')
    assert run("run", path, "f").out == "7\n"
    assert run("disasm", path, "f").out.startswith("0x00001e    1    (func $f ")
    assert run("validate", path).code == 0
    path.write_text("(module\n (func (call $x)))")
    form = run("validate", path, "--json").form["files"][0]
    assert (form["error"]["type"], form["error"]["line"]) == ("TextError", 2)
    assert "seven.wat: unknown func $x (line 2, column 14)" in run("inspect", path).err
