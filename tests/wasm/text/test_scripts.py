"""Test scripts in the text format: what they say, and what becomes of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pywasmgk.errors import TextError
from pywasmgk.wasm.features import Features
from pywasmgk.wasm.script import Report, from_text, run_script, unlimited
from pywasmgk.wasm.text.scripts import ScriptReader

SUITE = Path(__file__).parents[3].parent / "shared" / "spec-testsuite"


def commands(text: str) -> list[dict[str, Any]]:
    return ScriptReader(text).commands()


def report(text: str) -> Report:
    return run_script(from_text(text, "script"), unlimited("interpreter"))


def value(text: str) -> Any:
    [command] = commands(f'(assert_return (invoke "f") {text})')
    [found] = command["expected"]
    return found


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("(i32.const -1)", {"type": "i32", "value": "4294967295"}),
        ("(i64.const 0x10)", {"type": "i64", "value": "16"}),
        ("(f32.const 1)", {"type": "f32", "value": str(0x3F800000)}),
        ("(f64.const nan:canonical)", {"type": "f64", "value": "nan:canonical"}),
        ("(f64.const -nan:0x1)", {"type": "f64", "value": str(0xFFF0000000000001)}),
        (
            "(v128.const f32x4 1 nan:arithmetic -0 inf)",
            {
                "type": "v128",
                "lane_type": "f32",
                "value": [str(0x3F800000), "nan:arithmetic", str(1 << 31), str(0x7F800000)],
            },
        ),
        (
            "(v128.const i64x2 -1 2)",
            {"type": "v128", "lane_type": "i64", "value": [str((1 << 64) - 1), "2"]},
        ),
        ("(ref.null func)", {"type": "funcref", "value": "null"}),
        ("(ref.null extern)", {"type": "externref", "value": "null"}),
        ("(ref.null nofunc)", {"type": "refnull"}),
        ("(ref.null)", {"type": "refnull"}),
        ("(ref.func)", {"type": "funcref"}),
        ("(ref.extern)", {"type": "externref"}),
        ("(ref.extern 7)", {"type": "externref", "value": "7"}),
        ("(ref.i31)", {"type": "i31ref"}),
        ("(ref.host 3)", {"type": "anyref", "value": "3"}),
        (
            "(either (i32.const 1) (i32.const 2))",
            {
                "type": "either",
                "values": [{"type": "i32", "value": "1"}, {"type": "i32", "value": "2"}],
            },
        ),
    ],
)
def test_values(text: str, form: dict[str, Any]) -> None:
    assert value(text) == form


def test_commands() -> None:
    reader = ScriptReader(
        """(module $a (func (export "f")))
        (module binary "\\00asm" "\\01\\00\\00\\00")
        (module definition $d (memory 1))
        (module instance $i $d)
        (module instance)
        (register "m" $a)
        (invoke $a "f")  (get $a "g")
        (assert_trap (invoke "f") "x")
        (assert_exhaustion (invoke "f") "x")
        (assert_exception (invoke "f"))
        (assert_trap (module (start 0)) "x")
        (assert_unlinkable (module (import "a" "b" (func))) "x")
        (assert_malformed (module quote "(func" ")") "x")
        (assert_malformed (module quote "\\ff") "x")
        (assert_invalid (module definition quote "") "x")
        (assert_return_canonical_nan (invoke "f"))"""
    )
    found = reader.commands()
    assert [(command["type"], command["line"]) for command in found] == [
        ("module", 1), ("module", 2), ("module_definition", 3), ("module_instance", 4),
        ("module_instance", 5), ("register", 6), ("action", 7), ("action", 7), ("assert_trap", 8),
        ("assert_exhaustion", 9), ("assert_exception", 10), ("assert_uninstantiable", 11),
        ("assert_unlinkable", 12), ("assert_malformed", 13), ("assert_malformed", 14),
        ("assert_invalid", 15), ("assert_return", 16),
    ]  # fmt: skip
    assert found[0] == {
        "type": "module", "line": 1, "name": "a", "filename": "0.wat", "module_type": "text",
    }  # fmt: skip
    assert found[3] == {"type": "module_instance", "line": 4, "instance": "i", "module": "d"}
    assert found[5] == {"type": "register", "line": 6, "as": "m", "name": "a"}
    assert found[6]["action"] == {"type": "invoke", "module": "a", "field": "f", "args": []}
    assert found[7]["action"] == {"type": "get", "module": "a", "field": "g"}
    assert found[16]["expected"] == [{"type": "float", "value": "nan:canonical"}]
    assert list(reader.contents.values()) == [
        '(module $a (func (export "f")))', b"\0asm\1\0\0\0", "(module            $d (memory 1))",
        "(module (start 0))", '(module (import "a" "b" (func)))', "(func\n)", b"\xff", "",
    ]  # fmt: skip


def test_a_script_of_fields_alone_is_one_module() -> None:
    assert commands('(func) (memory 1) (export "m" (memory 0))')[0]["type"] == "module"
    assert report("(func) (memory 1)").failures == []
    assert commands(" ;; nothing\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(module", "expected ')', found the end (line 1, column 8)"),
        ("(module) x", "expected '(', found 'x' (line 1, column 10)"),
        ("(module) (func)", "unknown command func"),
        ("(assert_nothing)", "unknown command assert_nothing"),
        ('(assert_return (call "f"))', "expected invoke or get, found call"),
        ('(assert_return (invoke "f" (i32.add 1)))', "expected a value, found i32.add"),
        ('(assert_return (invoke "f" (i32.const nan)))', "expected an integer, found nan"),
        ('(assert_return (invoke "f" (v128.const i1x1 0)))', "unknown shape i1x1"),
        ('(assert_trap (invoke "f"))', "expected a string"),
        ('(assert_invalid (func) "x")', "expected 'module', found 'func'"),
        ('(assert_malformed (module quote "(func" "x")', "expected a string, found the end"),
        ("(; ", "a comment that does not end"),
    ],
)
def test_what_is_no_script(text: str, message: str) -> None:
    with pytest.raises(TextError) as caught:
        commands(text)
    assert message in str(caught.value)


GOOD = r"""
(module $m
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "nan") (result f32) (f32.const -nan))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "self") (result funcref) (ref.func 0))
  (func (export "null") (result funcref) (ref.null func))
  (func (export "lanes") (result v128) (v128.const f32x4 nan 1 2 -0))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const -1))
  (func $deep (export "deep") (call $deep))
  (func (export "trap") unreachable)
  (global (export "g") i64 (i64.const 7)))
(assert_return (invoke "add" (i32.const 1) (i32.const -2)) (i32.const -1))
(assert_return (invoke "add" (i32.const 1) (i32.const 1)) (either (i32.const 9) (i32.const 2)))
(assert_return (invoke "nan") (f32.const nan:canonical))
(assert_return (invoke "nan") (f32.const nan:arithmetic))
(assert_return_canonical_nan (invoke "nan"))
(assert_return (invoke "same" (ref.extern 5)) (ref.extern 5))
(assert_return (invoke "same" (ref.extern 5)) (ref.extern))
(assert_return (invoke "same" (ref.null extern)) (ref.null extern))
(assert_return (invoke "self") (ref.func))
(assert_return (invoke "null") (ref.null))
(assert_return (invoke "lanes") (v128.const f32x4 nan:canonical 1 2 -0))
(assert_return (invoke "two") (i32.const 1) (i64.const -1))
(assert_return (get $m "g") (i64.const 7))
(assert_trap (invoke "trap") "unreachable")
(assert_exhaustion (invoke "deep") "call stack exhausted")
(register "m")
(module (import "m" "g" (global $g i64)) (func (export "g") (result i64) (global.get $g)))
(assert_return (invoke "g") (i64.const 7))
(assert_unlinkable (module (import "m" "no" (func))) "unknown import")
(assert_trap (module (func unreachable) (start 0)) "unreachable")
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module quote "(func") "unexpected end")
(assert_malformed (module quote "\ff") "malformed UTF-8 encoding")
(assert_malformed (module binary "\00asm") "unexpected end")
(module definition $d (global (export "g") (mut i32) (i32.const 1))
  (func (export "bump") (result i32)
    (global.set 0 (i32.add (global.get 0) (i32.const 1))) (global.get 0)))
(module instance $i $d)
(module instance $j $d)
(assert_return (invoke $i "bump") (i32.const 2))
(assert_return (invoke $i "bump") (i32.const 3))
(assert_return (invoke $j "bump") (i32.const 2))
(invoke $j "bump")
"""


def test_a_script_runs() -> None:
    found = report(GOOD)
    assert found.failures == []
    assert found.passed == GOOD.count("(assert_")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ('(assert_return (invoke "one") (i32.const 2))', "expected i32 0x2, found i32 0x1"),
        ('(assert_return (invoke "one") (i64.const 1))', "expected i64 0x1, found i32 0x1"),
        ('(assert_return (invoke "one"))', "0 results expected, found 1"),
        ('(assert_return (invoke "one") (ref.null))', "expected refnull"),
        ('(assert_return (invoke "one") (f32.const nan:canonical))', "expected f32 nan:canonical"),
        (
            '(assert_return (invoke "one") (either (i32.const 2) (i32.const 3)))',
            "expected i32 0x2 or i32 0x3, found i32 0x1",
        ),
        ('(assert_trap (invoke "one") "x")', "it did not trap"),
        ('(assert_exhaustion (invoke "trap") "x")', "trapped otherwise: unreachable"),
        ('(invoke "trap")', "Trap: unreachable"),
        ('(invoke "none")', "KeyError"),
        ('(get "one")', "one is no global"),
        ('(invoke $x "one")', "no instance x"),
        ("(module instance $i $x)", "no module x"),
        ('(assert_invalid (module) "x")', "it was accepted, ValidationError expected"),
        ('(assert_malformed (module (func drop)) "x")', "ValidationError: type mismatch"),
        ('(assert_unlinkable (module) "x")', "it was accepted, LinkError expected"),
        ('(assert_trap (module) "x")', "it was accepted, Trap expected"),
        ("(module (func nope))", "did you mean 'nop'? (line 3, column 15)"),
        ('(module quote "(func" " nope)")', "(line 4, column 2) in function 0"),
        ('(assert_exception (invoke "one"))', "no exception came out of it"),
    ],
)
def test_what_does_not_hold_fails(command: str, message: str) -> None:
    start = '(module (func (export "one") (result i32) (i32.const 1))\n'
    [failure] = report(f'{start}  (func (export "trap") unreachable))\n{command}').failures
    assert failure["line"] == 3
    assert message in failure["message"]


@pytest.mark.skipif(not SUITE.exists(), reason="the official suite is not beside the project")
@pytest.mark.parametrize(
    "name", ["2.0/core/i32", "2.0/core/bulk", "2.0/core/linking", "2.0/core/simd/simd_lane",
             "2.0/core/elem", "1.0/core/f32", "3.0/core/annotations", "3.0/core/id"]
)  # fmt: skip
def test_scripts_of_the_suite(name: str) -> None:
    with zipfile.ZipFile(SUITE / "wast-sources.zip") as archive:
        text = archive.read(f"{name}.wast")
    script = from_text(text, name)
    # a script of an earlier release refuses what became valid later: constants of own globals
    script.allowed = Features.V3 if name.startswith("3.0") else Features.SEED
    found = run_script(script, unlimited("interpreter"))
    assert found.failures == []
    assert found.passed == text.count(b"\n(assert_") + text.count(b"\n  (assert_") or name


@pytest.mark.skipif(not SUITE.exists(), reason="the official suite is not beside the project")
@pytest.mark.parametrize("name", ["i64", "const", "ref_null", "table_grow", "imports", "exports"])
def test_commands_are_those_of_the_suites_json(name: str) -> None:
    with zipfile.ZipFile(SUITE / "wast-sources.zip") as archive:
        ours = commands(archive.read(f"2.0/core/{name}.wast").decode())
    with zipfile.ZipFile(SUITE / "core-2.0.zip") as archive:
        if f"{name}.json" not in archive.namelist():
            pytest.skip("unchanged since 1.0")
        theirs = json.loads(archive.read(f"{name}.json"))["commands"]
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs):
        # the line there is that of the module or action in an assertion
        assert 0 <= other["line"] - mine["line"] <= 2
        for key in ("type", "action", "expected", "as", "text"):
            assert mine.get(key) == other.get(key)
