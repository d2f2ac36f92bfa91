"""WAT as input: the modules that wabt makes, or an error with its place."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from text_modules import WAT2WASM, assembled, content, module_texts

import pywasmgk
from pywasmgk.errors import DecodeError, TextError, ValidationError
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.disassembly import Disassembly

ROOT = Path(__file__).parents[3]
SOURCES = ROOT.parent / "shared" / "spec-testsuite" / "wast-sources.zip"

FIB = """(module ;; (; comments ;)
  (func $fib (export "fib") (param $n i64) (result i64)
    (if (result i64) (i64.lt_u (local.get $n) (i64.const 2))
      (then (local.get $n))
      (else (i64.add
        (call $fib (i64.sub (local.get $n) (i64.const 1)))
        (call $fib (i64.sub (local.get $n) (i64.const 2))))))))"""
IMPORTS = """(module
  (import "a" "b" (func)) (import "a" "c" (func)) (import "m" "g" (global i32))
  (func $x (result i32) (i32.const 7))
  (func (export "f") (result i32) (call $x)))"""
RICH = r"""
(type $t (func (param i32) (result i32)))
(import "e" "f" (func $f (type $t)))
(import "e" "t" (table $it 1 externref))
(table $t funcref (elem $f $g)) (memory $m (data "a\00\u{e9}" "\"\n"))
(global $g (mut f32) (f32.const -0x1.8p-3)) (global v128 (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11
  12 13 14 15 -16))
(func $g (type $t) (param $p i32) (result i32) (local $l i64) (local f32 f64)
  block $b (result i32)
    loop $l
      local.get $p  br_if $l  i32.const 3  local.get 0  br_table $b $b 2
    end
    i32.const 1
  end $b
  (select (result i32) (i32.const 5) (local.get $p)) (call_indirect $t (type $t) (i32.const 0))
  (i32.load8_u offset=3 align=1) (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0)) drop
  (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0)) (data.drop $d)
  (i32x4.extract_lane 2 (v128.load64_lane offset=8 1 (i32.const 0) (v128.const i64x2 1 2))))
(start $s) (func $s (table.set $it (i32.const 0) (ref.null extern)))
(elem $e func $f) (elem declare func $g) (elem (table $t) (i32.const 0) funcref (ref.func $f))
(data $d "xy") (export "g" (global $g)) (export "\u{1f600}" (func $g))
"""


def test_text_is_a_module() -> None:
    assert pywasmgk.instantiate(Module(FIB)).exports.fib(15) == 610
    assert Module.from_wat(FIB.encode(), name="fib").name == "fib"


def test_imports_without_names_count() -> None:
    imports = {"a": {"b": lambda: None, "c": lambda: None}, "m": {"g": 1}}
    assert pywasmgk.instantiate(Module(IMPORTS), imports).exports.f() == 7


def test_a_file_that_ends_in_wat(tmp_path: Path) -> None:
    path = tmp_path / "fib.wat"
    path.write_text(FIB)
    assert pywasmgk.instantiate(Module.from_file(path)).exports.fib(10) == 55
    path.write_bytes(b"(module\n  \xff)")
    with pytest.raises(TextError, match=r"malformed UTF-8 encoding \(line 2, column 3\)"):
        Module.from_file(path)


@pytest.mark.skipif(WAT2WASM is None, reason="wat2wasm is not installed")
@pytest.mark.parametrize("text", [FIB, IMPORTS, RICH], ids=["fib", "imports", "rich"])
def test_wabt_makes_the_same(text: str) -> None:
    reference = assembled(text if text is not RICH else f"(module {text})")
    assert reference is not None
    assert content(Module(text)) == content(Module(reference))


NAMES = """(module $m
  (type $t (func (param $unused i32)))
  (import "a" "b" (func $imported))
  (table 1 funcref) (table $tab 1 funcref) (memory $mem 1) (global $g i32 (i32.const 1))
  (func (type $t))
  (func $f (export "f") (param $a i32) (param i32) (local $b i64) unreachable)
  (elem $e func $f) (data "x") (data $d "y"))"""
ERRANDS = (ROOT / "tests/guests/wat/errands.wat").read_text()


@pytest.mark.skipif(WAT2WASM is None, reason="wat2wasm is not installed")
@pytest.mark.parametrize(
    "text",
    [FIB, IMPORTS, f"(module {RICH})", NAMES, ERRANDS],
    ids=["fib", "imports", "rich", "names", "errands"],
)
def test_wabt_gives_the_same_names(text: str) -> None:
    reference = assembled(text, "--debug-names")
    assert reference is not None
    module = Module(text)
    assert content(module) == content(Module(reference))
    kinds = "module functions locals labels types tables memories globals elements datas tags"
    ours, theirs = (
        {kind: getattr(found.names, kind) for kind in kinds.split()}
        for found in (module, Module(reference))
    )
    # wabt names the parameters of imports too, and writes maps without names
    theirs["locals"] = {
        index: found
        for index, found in theirs["locals"].items()
        if found and index >= module.import_counts["func"]
    }
    assert ours == theirs


def test_names_of_the_text_are_kept() -> None:
    names = Module(NAMES).names
    assert names.module == "m"
    assert names.functions == {0: "imported", 2: "f"}
    assert names.locals == {2: {0: "a", 2: "b"}}
    assert (names.types, names.tables, names.memories) == ({0: "t"}, {1: "tab"}, {0: "mem"})
    assert (names.globals, names.elements, names.datas) == ({0: "g"}, {0: "e"}, {1: "d"})
    with pytest.raises(pywasmgk.Trap) as caught:
        pywasmgk.instantiate(NAMES, {"a": {"b": lambda: None}}).exports.f(1, 2)
    assert caught.value.frames[0].name == "f"
    # without a name there is no section
    assert Module("(module (func) (memory 1))").custom_sections == []


SMALL = [
    path for path in sorted((ROOT / "tests/guests").rglob("*.wasm")) if path.stat().st_size < 35_000
]


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_what_disasm_prints_is_read_back(path: Path) -> None:
    module = Module(path.read_bytes())
    text = "\n".join(map(str, Disassembly(module).lines()))
    assert content(Module(text)) == content(module)


@pytest.mark.skipif(WAT2WASM is None, reason="wabt is not installed")
@pytest.mark.parametrize("flags", [(), ("--fold-exprs",), ("--generate-names", "--inline-imports")])
def test_what_wabt_prints_is_read(flags: tuple[str, ...]) -> None:
    assert WAT2WASM is not None
    printer = Path(WAT2WASM).with_name("wasm2wat")
    for path in SMALL:
        done = subprocess.run([printer, "--enable-threads", *flags, path], capture_output=True)
        assert done.returncode == 0
        assert content(Module(done.stdout.decode())) == content(Module(path.read_bytes()))


@pytest.mark.skipif(not SOURCES.exists() or WAT2WASM is None, reason="no suite or no wat2wasm")
def test_the_suites_texts_become_what_wabt_makes_of_them() -> None:
    """Every ninth module text of the 2.0 scripts."""
    counts: Counter[str] = Counter()
    texts: dict[str, None] = {}
    with zipfile.ZipFile(SOURCES) as archive:
        for name in archive.namelist():
            if name.startswith("2.0/core/"):
                texts |= dict.fromkeys(module_texts(archive.read(name).decode("utf-8", "replace")))
    for text in list(texts)[::9]:
        reference = assembled(text)
        assert reference is not None
        counts["same" if content(Module(text)) == content(Module(reference)) else "other"] += 1
    assert counts["same"] > 100
    assert counts["other"] == 0


# -- errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(module", "expected ')', found the end (line 1"),
        ("(module\n  (func (call $x)))", "unknown func $x (line 2, column 15)"),
        ("(module (func (local.get $x)))", "unknown local $x (line 1, column 26)"),
        ("(module (func br $l))", "unknown label $l (line 1, column 18)"),
        ("(module (func i32.avgr))", "unknown instruction i32.avgr"),
        ("(module (func i32.ad))", "; did you mean 'i32.add'? (line 1, column 15)"),
        (
            "(module (func (pram i32)))",
            "instruction pram; did you mean 'param'? (line 1, column 16)",
        ),
        ("(func (rsult i32) nop)", "unknown instruction rsult; did you mean 'result'?"),
        ("(module (func (result) (param)))", "unknown instruction param (line 1, column 25)"),
        ("(moule (func))", "unknown field moule; did you mean 'module'? (line 1, column 2)"),
        ("(module (memry 1))", "unknown field memry; did you mean 'memory'? (line 1, column 10)"),
        ("(module (fun))", "unknown field fun; did you mean 'func'? (line 1, column 10)"),
        ("(module (func (i32.const 4294967296) drop))", "does not fit into 32 bits"),
        ("(module (func (i32.const 1.5) drop))", "expected an integer, found 1.5"),
        ("(module (func (f32.const 1e39) drop))", "1e39 is out of range"),
        ("(module (func (f32.const nan:0x800000) drop))", "payload out of range"),
        ("(module (func $a) (func $a))", "$a is there twice (line 1, column 25)"),
        ("(module (func (param $a i32) (local $a i32)))", "$a is there twice"),
        ('(module (func) (import "a" "b" (func)))', "imports must come before"),
        ("(module (func block (block end)))", "end without a block"),
        ("(module (func block $a end $b))", "mismatching label $b"),
        ("(module (func (block (else))))", "else without a block"),
        ("(module (func loop))", "a block that does not end"),
        ("(module (type (func)) (func (type 0) (param i32)))", "inline function type"),
        ("(module (func (type 3) (param i32)))", "unknown type 3"),
        ("(module (memory 1) (func (i32.load align=3 (i32.const 0)) drop))", "power of two"),
        ("(module (start 0) (start 0) (func))", "multiple start sections"),
        ('(module (import "a" "\\ff" (func)))', "malformed UTF-8 encoding"),
        ('(module (data "\\u{d800}"))', "a character that is none"),
        ('(module "a""b")', "a blank is missing"),
        ("(module (; x", "a comment that does not end (line 1, column 9)"),
        ("(module (tag (param $x i32)))", "parameters of blocks and calls have no names"),
        ("(module (func (catch_all)))", "catch_all without a block (line 1, column 16)"),
        ("(module (func (try (catch_all))))", "expected a part of a try, found 'catch_all'"),
        ("(module (func (try)))", "expected '(do', found ')'"),
        ("(module (func (try (do) (catch_all) (catch 0))))", "catch without a try"),
        ("(module (func (try (do) (delegate 0) (catch_all))))", "catch_all without a try"),
        ("(module (func try catch_all delegate 0))", "delegate without a try"),
        ("(module (func block catch_all end))", "catch_all without a try"),
        ("(module (func (try_table (catch $e 0))))", "unknown tag $e"),
        ("(module (func (return_call_ref 0)))", "the function references proposal"),
        ("(module (func (drop (i32.konst 1))))", "did you mean 'i32.const'? (line 1, column 22)"),
        ("(module (func 12))", "expected an instruction, found '12' (line 1, column 15)"),
        ("(module\n(func\n  (nop)", "expected ')', found the end (line 3, column 8)"),
        ("(module (memory 1 (x)))", "expected ')', found '(' (line 1, column 19)"),
        ("(module (func) extra)", "expected ')', found 'extra'"),
        ("(module) (module)", "expected the end"),
        ('(module (global funcref (ref.func "x")))', "expected a func, found a string"),
        ("(module " + "(func " + "(block " * 5000, "expected ')', found the end"),
    ],
)
def test_errors_say_what_and_where(text: str, message: str) -> None:
    with pytest.raises(TextError) as caught:
        Module(text)
    assert message in str(caught.value)
    assert caught.value.line >= 1 and caught.value.column >= 1


def test_a_module_that_can_be_read_is_validated_too() -> None:
    with pytest.raises(ValidationError, match="type mismatch"):
        Module("(module (func (result i32) (i64.const 0)))")


def mutants(count: int) -> list[str]:
    rng = random.Random(7)
    sources = [FIB, IMPORTS, RICH]
    pieces = ["(", ")", '"', "$x", "0", "-1", "module", "func", "(type 0)", "end", "1e9", "\\", ";"]
    found = []
    for _ in range(count):
        text = rng.choice(sources)
        for _ in range(rng.randint(1, 4)):
            at, size = rng.randrange(len(text)), rng.choice((0, 1, 3, 20))
            text = text[:at] + rng.choice([*pieces, "", ""]) + text[at + size :]
        found.append(text)
    return found


def test_damaged_texts_raise_our_errors_only() -> None:
    outcomes: Counter[str] = Counter()
    for text in mutants(1500):
        try:
            Module(text)
            outcomes["read"] += 1
        except (DecodeError, ValidationError) as error:
            outcomes[type(error).__name__] += 1
    assert outcomes["TextError"] > 500
    assert outcomes["DecodeError"] == 0


def test_nothing_hangs_on_assert() -> None:
    """The same verdicts where Python leaves assert out."""
    program = (
        "import sys; sys.path[:0] = ['tests/support', 'tests/wasm/text']\n"
        "from test_reading import mutants, verdicts\n"
        "print(verdicts(mutants(150)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, *flags, "-c", program], capture_output=True, text=True, cwd=ROOT
        )
        for flags in ([], ["-O"])
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def verdicts(texts: list[str]) -> list[str]:
    """What becomes of texts: the size of the module, or the error."""

    def verdict(text: str) -> Any:
        try:
            return len(Module(text).data)
        except (DecodeError, ValidationError) as error:
            return str(error)

    return [str(verdict(text)) for text in texts]


def test_only_text_brings_in_the_reader() -> None:
    program = (
        "import sys, pywasmgk; pywasmgk.Module(b'\\0asm\\1\\0\\0\\0')\n"
        "assert not [name for name in sys.modules if 'wasm.text' in name]\n"
        "pywasmgk.Module('(module)')\n"
        "assert 'ppci.wasm.wasm2ppci' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "(module definition)",
        "(module definition $m (func))",
        '(module definition binary "\\00asm\\01\\00\\00\\00")',
        '(module definition quote "(func)")',
    ],
)
def test_a_definition_is_a_module(text: str) -> None:
    """Scripts write it of a module that gets no instance yet."""
    assert Module(text).data[:4] == b"\0asm"


@pytest.mark.parametrize(
    ("word", "now"),
    [
        ("get_local", "local.get"),
        ("set_global", "global.set"),
        ("grow_memory", "memory.grow"),
        ("i32.wrap/i64", "i32.wrap_i64"),
        ("i32.trunc_s/f32", "i32.trunc_f32_s"),
        ("i32.ad", "i32.add"),
    ],
)
def test_old_and_unfinished_names_lead_to_those_of_now(word: str, now: str) -> None:
    with pytest.raises(TextError, match=f"unknown instruction {word}; did you mean '{now}'"):
        Module(f"(module (func {word} 0))")


def test_unknown_names_say_of_what() -> None:
    with pytest.raises(TextError, match=r"unknown local \$coutn; did you mean '\$count'\?"):
        Module("(module (func (local $count i32) local.get $coutn drop))")
