"""Texts that the specification's grammar does not have are refused, and odd ones that it has are
read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from processor import least_seconds

import pywasmgk
from pywasmgk.errors import TextError, ValidationError
from pywasmgk.wasm.module import Module

SUITE = Path(__file__).parents[3].parent / "shared" / "spec-testsuite"

# by the rule that they break
MALFORMED = {
    "an identifier has a character": [
        "(func $)", "(module $)", "(type $ (func))", "(func (local $ i32))", "(func block $ end $)",
        '(func $ (export "f"))', '(data $"" "")',
    ],
    "the condition of a folded if is folded": [
        "(func (if i32.const 0 (then)))", "(func (if (i32.const 1) drop (i32.const 0) (then)))",
        "(func (if nop (i32.const 0) (then)))", "(func (if (i32.const 0) nop (then)))",
    ],
    "a folded if has one then, at most one else behind it, and nothing more": [
        "(func (if (i32.const 0)))", "(func (if (i32.const 0) (else)))",
        "(func (if (i32.const 0) (else) (then)))", "(func (if (i32.const 0) (then) (then)))",
        "(func (if (i32.const 0) (then) (else) (else)))", "(func (then))", "(func (block (else)))",
        "(func (if (i32.const 0) (then) (nop)))", "(func (if (i32.const 0) (then) nop))",
        "(func (if (i32.const 0) (then) (i32.const 0)))", "(func block (then) end)",
    ],
    "what is in a folded instruction is folded": [
        "(func (drop i32.const 0))", "(func (i32.add (i32.const 0) i32.const 0) drop)",
        "(func (drop (i32.const 0) nop))", "(func (call 0 end))", "(func (nop else))",
    ],
    "blocks end where they begin": [
        "(func block)", "(func (block block))", "(func end)", "(func (block end))", "(func else)",
        "(func block else end)", "(func (block (end)))", "(func i32.const 0 if else else end)",
        "(func (i32.const 0) (block if) end)", "(func i32.const 0 if (else) end)",
        "(func block $a end $b)", "(func i32.const 0 if $a else $b end)", "(func block end $a)",
        "(func loop (nop end))", "(func (result i32) (block i32.const 0 if (then) end))",
    ],
    "func is left out only together with the table": [
        "(table 1 funcref) (func) (elem (table 0) (i32.const 0) 0)", "(func) (elem 0)",
        "(func $f) (elem declare $f)",
    ],
    "expressions have a type before them, functions func": [
        "(table 1 funcref) (func) (elem (i32.const 0) (ref.func 0))",
        "(table 1 funcref) (func) (elem (i32.const 0) (item ref.func 0))",
        "(func) (elem func (ref.func 0))", "(func) (elem func 0 (ref.func 0))",
        "(func) (elem declare func (ref.func 0))", "(func) (elem funcref 0)",
        "(table 1 funcref) (func) (elem (i32.const 0) func (item ref.func 0))",
        "(func) (table funcref (elem 0 (ref.func 0)))", "(func) (table (elem 0))",
        "(func) (table funcref (elem (ref.func 0) 0))",
    ],
    "an element is folded or an item": [
        "(func) (elem funcref ref.func 0)", "(func) (elem funcref nop (ref.func 0))",
        "(func) (elem funcref (ref.func 0 nop))", "(func) (table funcref (elem ref.func 0))",
        "(elem funcref (item)", "(elem funcref ())",
    ],
    "a memory or table is said with an offset": [
        '(memory 1) (data 0 "")', '(data 0 "a")', '(memory 1) (data (memory 0) "")',
        "(table 1 funcref) (elem (table 0) func)",
    ],
    "an offset is one instruction, or in parentheses": [
        '(memory 1) (data i32.const 0 "")', "(memory 1) (data (i32.const 0) (i32.const 0))",
        '(memory 1) (data (i32.const 0 nop) "")', '(memory 1) (data () "")',
    ],
    "both tables or memories are said, or none": [
        "(table $a 1 funcref) (func (table.copy $a (i32.const 0) (i32.const 0) (i32.const 1)))",
        "(memory 1) (func (memory.copy 0 (i32.const 0) (i32.const 0) (i32.const 1)))",
    ],
    "offset comes before align, each once, each a number": [
        "(func i32.load align=1 offset=1)", "(func i32.load offset=1 offset=1)",
        "(func i32.load offset= 1)", "(func i32.load offset=-1)", "(func i32.load offset=1_)",
        "(func i32.load align=0)", "(func i32.load align=3)", "(func i32.load align=4294967296)",
        "(func i32.load offset=4294967296)", "(func i32.load offset)",
    ],
    "an index is an unsigned number of 32 bits": [
        "(func) (start +0)", "(func) (start -0)", "(func (br 4294967296))", "(func (br 0x))",
        "(func (local.get 1_))", "(func (br_table))", "(func (br_table $x))", "(start)",
        "(func (call 0drop))", "(func (i32.const 0) (br_table 0$l))",
    ],
    "parameters, results and locals stand in this order": [
        "(func (result i32) (param i32))", "(func (local i32) (param i32))",
        "(func (local i32) (result i32))", "(type (func (result i32) (param i32)))",
        "(func nop (local i32))", "(func (param i32) (type 0))",
        "(func (call_indirect (result i32) (param i32)))", "(func (block (result i32) (type 0)))",
    ],
    "a name has one parameter or local": [
        "(func (param $x i32 i32))", "(func (local $x))", "(func (local $x i32 i64))",
        "(func (param $x i32) (param $x i32))", "(func (param $x i32) (local $x i32))",
    ],
    "parameters of blocks and calls have no names": [
        "(func (block (param $x i32)))", "(type (func)) (func (block (type 0) (param $x i32)))",
        "(func (call_indirect (param $x i32)))", '(func (block (param (@name "x") i32)))',
    ],
    "exports stand before imports, imports before a type": [
        '(memory (import "a" "b") (export "a") 1)', '(memory 1 (export "a"))',
        '(func (type 0) (import "a" "b"))', '(global i32 (export "g") (i32.const 0))',
    ],
    "imports come before what is defined": [
        '(func) (import "a" "b" (func))', '(memory 1) (func (import "a" "b"))',
        '(global i32 (i32.const 0)) (import "a" "b" (table 1 funcref))',
    ],
    "names of a kind are there once": [
        "(func $a) (func $a)", '(import "" "" (func $f)) (func $f)', "(memory $m 1) (memory $m 1)",
        '(data $d "") (data $d "")', "(elem $e func) (elem $e func)",
        "(type $t (func)) (type $t (func))", "(table $t 1 funcref) (table $t 1 funcref)",
    ],
    "a text is one module": [
        "(module) (module)", "(module) (func)", "(func) (module)", "(module))", "(module", "nop",
        "(module $a $b)", '(module "x")', "(func))", "hello", '"(module)"', "0", "\0", "((module))",
        "()", "(",
    ],
    "what a module has is in parentheses": [
        "(module func)", "(module (func) nop)", "(module (memory 1 (x)))", "(module (fun))",
        "(memory)", "(memory $m)", "(table 1)", "(global)", "(type)", "(type func)", "(import)",
        '(import "a")', '(import "a" "b")', '(import "a" "b" func)', '(import "a" "b" (x))',
        '(export "a")', '(export "a" func 0)', '(export a (func 0))', '(export "a" (func))',
    ],
}  # fmt: skip


@pytest.mark.parametrize("rule", MALFORMED)
def test_malformed_texts_are_refused(rule: str) -> None:
    for text in MALFORMED[rule]:
        with pytest.raises(TextError) as caught:
            Module(text)
        assert str(caught.value).count("\n") == 2, text


@pytest.mark.skipif(not SUITE.exists(), reason="the official suite is not beside the project")
def test_every_malformed_text_of_the_suite_is_refused() -> None:
    seen = 0
    for path in sorted(SUITE.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                commands = json.loads(archive.read(name))["commands"] if "json" in name else []
                for command in commands:
                    if "malformed" in command["type"] and command["module_type"] == "text":
                        seen += 1
                        with pytest.raises(TextError):
                            Module.from_wat(archive.read(command["filename"]))
    assert seen > 2_000


@pytest.mark.parametrize(
    "text",
    [
        "", "  \n", ";; a comment", "(; (; ;) ;)", "\ufeff", "\ufeff(module)", "(module)",
        "\ufeff;; a comment\r\n(module\r\n)\r", "(@a b)",
        '(module binary "\\00asm" "\\01\\00\\00\\00")',
        '(module quote "(module" ")")', '(module quote "")', '(module $m quote)',
        '(module quote "(module quote \\"\\")")',
        "(func) (start 0x0_0)", "(func) (start 00)", "(elem func)", "(elem declare func)",
        '(data)', "(memory (data))", "(table funcref (elem))", "(func (param) (result) (local))",
        "(func (if (i32.const 0) (then)))",
        "(func (if $l (i32.const 0) (then (br $l)) (else (br 0))))",
        "(func i32.const 0 if $l else $l end $l)", "(func (block $l (block $l (br $l))))",
        "(func $f) (table $f 1 funcref) (memory $f 1) (type $f (func))",
        "(func $f (local $f i32) block $f br $f end) (global $f i32 (i32.const 0))",
        "(memory $m 1) (func (drop (i32.load $m offset=1 (i32.const 0))) (drop (memory.size $m)))",
        "(memory 1) (func (drop (v128.load8_lane 0 1 (i32.const 0) (v128.const i64x2 0 0))))",
        "(memory 1) (func (v128.load8_lane 0 align=1 1 (i32.const 0) (v128.const i64x2 0 0)) drop)",
        "(memory 1) (func (memory.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
        '(memory 1) (data $d "") (func i32.const 0 i32.const 0 i32.const 0 memory.init 0 $d)',
        "(memory 1) (func (memory.fill 0 (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(type (func (param $a i32) (param $a i32)))",
        "(table 1 funcref) (func $f) (elem 0 (i32.const 0) $f)",
        '(memory $m 1) (data $m (i32.const 0) "")',
        "(func (type 1) (local $x i64) i64.const 0 local.set $x) (type (func)) (func (param i32))",
        "(type (func)) (func (type 0) (param))", "(func nop;;c\n)", "(func nop(;c;)nop)",
    ],
)  # fmt: skip
def test_odd_texts_are_read(text: str) -> None:
    Module(text)


def test_the_condition_of_an_if_is_outside_of_its_label() -> None:
    text = """(func (export "f") (result i32)
      (block $l (result i32) (drop (if $l (result i32) (br 0 (i32.const 7)) (then (i32.const 1))
        (else (i32.const 2)))) (i32.const 3)))"""
    assert pywasmgk.instantiate(text).exports.f() == 7


def test_a_type_may_be_meant_before_it_is_written() -> None:
    text = """(func $f (type 1) (local $x i32)
        (local.set $x (i32.add (local.get 0) (i32.const 1))) (drop (local.get $x)))
      (type (func)) (func (export "g") (param i32) (call $f (local.get 0)))"""
    assert pywasmgk.instantiate(text).exports.g(1) is None
    with pytest.raises(ValidationError, match="unknown type 3"):
        Module("(func (type 3)) (func (param i32))")
    with pytest.raises(TextError, match="unknown type 3"):
        Module("(func (type 3) (param i32))")


@pytest.mark.parametrize(
    ("text", "proposal"),
    [
        ("(func (call_ref 0))", "the function references proposal"),
        ("(func (param (ref null func)))", "the function references proposal"),
        ("(table 1 funcref (ref.null func))", "the function references proposal"),
        ("(table 1 funcref ref.null func)", "the function references proposal"),
        ("(func (drop (ref.null 0)))", "the function references proposal"),
        ("(type (struct))", "garbage collection"),
        ("(type (sub (func)))", "garbage collection"),
        ("(rec (type (func)))", "garbage collection"),
        ("(func (result anyref))", "garbage collection"),
        ("(func (ref.null any))", "garbage collection"),
        ("(func (struct.new 0))", "garbage collection"),
        ("(table 1 eqref)", "garbage collection"),
        ("(memory i64 1)", "memory64"),
        ("(table i64 1 funcref)", "memory64"),
        ("(func i8x16.relaxed_swizzle)", "relaxed SIMD"),
        ("(memory 1 (pagesize 1))", "custom page sizes"),
        ('(memory (pagesize 1) (data "a"))', "custom page sizes"),
        ("(memory i32 1)", "memory64"),
        ('(import "a" "b" (table $t i32 1 funcref))', "memory64"),
        ("(table shared 1 funcref)", "shared-everything threads"),
        ("(elem anyref)", "garbage collection"),
        ("(elem (ref func))", "the function references proposal"),
        ("(type (cont 0))", "the stack switching proposal"),
        ("(func (cont.new 0))", "the stack switching proposal"),
        ("(func (memory.discard))", "the memory control proposal"),
        ("(func f16x8.add)", "the half precision proposal"),
        ("(func (param contref))", "the stack switching proposal"),
        ("(func (drop (ref.null nocont)))", "the stack switching proposal"),
        ("(func (resume_throw_ref 0))", "the stack switching proposal"),
        ("(component)", "the component model"),
        ("(component (core module))", "the component model"),
        ("(func (param stringref))", "reference-typed strings"),
        ('(func (string.const "a"))', "reference-typed strings"),
        ("(func stringview_wtf16.length)", "reference-typed strings"),
        ("(type (shared (func)))", "shared-everything threads"),
        ("(global (shared i32) (i32.const 0))", "shared-everything threads"),
        ("(func (param (shared anyref)))", "shared-everything threads"),
        ("(func pause)", "shared-everything threads"),
        ("(func (thread.spawn 0))", "shared-everything threads"),
        ("(type (descriptor 1 (struct)))", "the custom descriptors proposal"),
        ("(func ref.get_desc 0)", "the custom descriptors proposal"),
        ("(func ref.test_desc 0)", "the custom descriptors proposal"),
        ('(import "a" "b" (func (exact (type 0))))', "the custom descriptors proposal"),
        ('(func (import "a" "b") (exact (type 0)))', "the custom descriptors proposal"),
        ("(func extern.internalize)", "garbage collection"),
        ("(func rtt.canon 0)", "garbage collection"),
        ("(func ref.is_i31)", "garbage collection"),
        ("(func (param dataref))", "garbage collection"),
        ("(func func.bind 0)", "the function references proposal"),
        ("(func i32.atomic.load acqrel)", "shared-everything threads"),
        ("(func atomic.fence seq_cst)", "shared-everything threads"),
        ("(global $g thread_local i32 (i32.const 0))", "shared-everything threads"),
        ("(func waitqueue.new)", "shared-everything threads"),
        ("(func memory.protect)", "the memory control proposal"),
        ("(func f32x4.promote_low_f16x8)", "the half precision proposal"),
        ("(func i16x8.trunc_sat_f16x8_s)", "the half precision proposal"),
        ('(import "a" "b" (type))', "the type imports proposal"),
        ('(import "a" "b" (type $t (sub any)))', "the type imports proposal"),
        ('(type $t (func)) (export "t" (type $t))', "the type imports proposal"),
        ('(type (import "a" "b"))', "the type imports proposal"),
        ('(type (export "t") (func))', "the type imports proposal"),
        ("(func f32.add_ceil)", "the rounding variants proposal"),
        ("(func f64.sqrt_trunc)", "the rounding variants proposal"),
        ("(func f32.convert_ceil_i32_s)", "the rounding variants proposal"),
        ("(func f32.demote_floor_f64)", "the rounding variants proposal"),
        (
            "(memory 1) (data (i32.const 0) (i8 1 2))",
            "the numeric values in data segments proposal",
        ),
        ('(data "a" (f32 1.5))', "the numeric values in data segments proposal"),
        ("(data (i16 1))", "the numeric values in data segments proposal"),
        ("(memory (data (v128 i32x4 1 2 3 4)))", "the numeric values in data segments proposal"),
        ("(func vec.i8.add)", "the flexible vectors proposal"),
        ("(func (param vec.i32))", "the flexible vectors proposal"),
        ("(func i32.vec.add)", "the flexible vectors proposal"),
        ("(func call_with_tag 0)", "the call tags proposal"),
        ("(call_tag)", "the call tags proposal"),
        ("(func features.supported 0)", "the feature detection proposal"),
        ("(func func.new 0)", "the JIT interface proposal"),
        ("(instance 0)", "the component model"),
        ("(module (module))", "the component model"),
        ('(import "a" "b" (instance))', "the component model"),
    ],
)
def test_proposals_are_named(text: str, proposal: str) -> None:
    with pytest.raises(TextError, match=f"{proposal} is not supported"):
        Module(text)


def test_no_proposal_is_named_for_what_is_plainly_wrong() -> None:
    with pytest.raises(TextError, match="unknown instruction i64") as caught:
        Module("(func i64)")
    assert "memory64" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(memory 1) (memory 1)",
        "(memory $a 1) (memory $b 1) (func (drop (i32.load $b (i32.const 0))))",
        '(memory 1) (data (memory 1) (i32.const 0) "")',
    ],
)
def test_proposals_that_only_a_module_shows(text: str) -> None:
    with pytest.raises((ValidationError, pywasmgk.DecodeError)):
        Module(text)


# -- any size


@pytest.mark.parametrize(
    ("opening", "inside", "closing"),
    [
        ("(i32.eqz ", "(i32.const 0)", ")"),
        ("(block (result i32) ", "(i32.const 0)", ")"),
        ("block (result i32) ", "i32.const 0", " end "),
        ("(if (result i32) (i32.const 0) (then ", "(i32.const 0)", ") (else (i32.const 1)))"),
        ("(if (result i32) ", "(i32.const 0)", " (then (i32.const 0)) (else (i32.const 1)))"),
        ("(; ", ";) i32.const 0 (; ", ";)"),
        ("(@a ", "", ")"),
    ],
    ids=lambda piece: piece[:12],
)
def test_what_is_nested_may_be_nested_however_deep(opening: str, inside: str, closing: str) -> None:
    depth = 20_000
    if inside.startswith(";"):
        inside, closing = ";) " * depth + "i32.const 0" + " (; " * depth, closing
    text = f"(func (result i32) {opening * depth}{inside}{closing * depth})"
    assert Module(text, validate="lazy").bodies


def named_locals(count: int) -> str:
    return "(func " + " ".join(f"(local $l{k} i32)" for k in range(count)) + ")"


def types_in_place(count: int) -> str:
    def params(number: int) -> str:
        return " ".join(("i32", "i64")[number >> bit & 1] for bit in range(14))

    return " ".join(f"(func (param {params(number)}))" for number in range(count))


def named_blocks(count: int) -> str:
    blocks = " ".join(f"block $b{k}" for k in range(count))
    return f"(func {blocks} {'br $b0 ' * count}{'end ' * count})"


def shadowed_blocks(count: int) -> str:
    return f"(func {'block $b br $b ' * count}{'end ' * count})"


def functions(count: int) -> str:
    return "".join(f"(func $f{k} (call $f{count - 1 - k}))" for k in range(count))


def exports(count: int) -> str:
    return "(func $f" + "".join(f'(export "{k}")' for k in range(count)) + ")"


def elements(count: int) -> str:
    return f"(func $f) (elem func {'$f ' * count}) (elem funcref {'(ref.func $f)' * count})"


def folded(count: int) -> str:
    return "(func " + "(drop " * count + "(i32.const 1)" + ")" * count + ")"


def uses(count: int) -> str:
    return "(type (func (param i32)))" + "(func (type 0) (param i32))" * count


SHAPES = [
    named_locals, types_in_place, named_blocks, shadowed_blocks, functions, exports, elements,
    folded, uses,
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_reading_is_linear(shape: object) -> None:
    from pywasmgk.wasm.text.reading import assemble

    small, large = shape(2_000), shape(8_000)  # type: ignore[operator]
    # four times as much; a busy machine adds
    bound = 10 * least_seconds(lambda: assemble(small)) + 0.1
    assert least_seconds(lambda: assemble(large), enough=bound) < bound
