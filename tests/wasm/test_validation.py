"""Typing rules, one way to break each; the official suite has the rest."""

from __future__ import annotations

import pytest
from wasm_builder import body, code, function, functype, limits, module, vector

from pywasmgk.errors import DecodeError, ValidationError
from pywasmgk.wasm.features import Features
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.text.reading import assemble

MEMORY = {"memories": [limits(1)]}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("i64.const 1",), "end expected i32, found i64"),
        ((), "end expected i32, found nothing"),
        (("i32.const 1", "i32.const 1"), "a value of type i32 remains"),
        (("i32.const 1", "f32.const 1", "i32.add"), "i32.add expected i32, found f32"),
        (("i32.add",), "i32.add expected i32, found nothing"),
        (("local.get 5",), "unknown local 5"),
        (("i64.const 1", "local.set 0", "i32.const 0"), "local.set expected i32, found i64"),
        (("global.get 0",), "unknown global 0"),
        (("i32.const 1", "br 3"), "unknown label 3"),
        (("i32.const 0", "i32.load 0+0"), "unknown memory 0: i32.load needs a memory"),
        (("call 9",), "unknown function 9"),
        (("i32.const 0", "call_indirect 0 0"), "unknown table 0"),
        (("block 9", "end", "i32.const 1"), "unknown type 9"),
        (("i32.const 0", "if i32", "i32.const 1", "end"), "an if without else"),
        (("ref.func 0", "drop", "i32.const 1"), "undeclared function reference 0"),
        (
            ("ref.null funcref", "ref.null funcref", "i32.const 1", "select", "drop"),
            "select of ref",
        ),
        (("i32.const 0", "f32.const 1", "i32.const 1", "select"), "select expected i32, found f32"),
        (("i32.const 0", "table.get 0", "drop"), "unknown table 0"),
        (("elem.drop 0",), "unknown elem segment 0"),
    ],
)
def test_invalid_bodies_say_what_is_wrong(lines: tuple[str, ...], message: str) -> None:
    exports = [] if lines and lines[0].startswith("ref.func") else [("f", 0, 0)]
    with pytest.raises(ValidationError, match=message) as caught:
        Module(function("i32", "i32", *lines, exports=exports))
    assert caught.value.function == 0
    assert caught.value.offset > 8


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("i32.const 0", "i32.load 3+0"), "alignment must not be larger than natural"),
        (("i32.const 0", "i32.load 40+0"), "malformed memop flags"),
        (("data.drop 0", "i32.const 0"), "data count section required"),
    ],
)
def test_memory_rules(lines: tuple[str, ...], message: str) -> None:
    with pytest.raises((ValidationError, DecodeError), match=message):
        Module(function("", "i32", *lines, **MEMORY))


def test_a_malformed_body_is_malformed_even_if_ill_typed_first() -> None:
    content = b"\0" + code("i32.add")[:-1] + b"\xff\x0b"
    with pytest.raises(DecodeError, match="illegal opcode 0xff"):
        Module(function("", "", bodies=[bytes([len(content)]) + content]))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"memories": [limits(2, 1)]}, "size minimum must not be greater"),
        ({"memories": [limits(65537)]}, "at most 65536 pages"),
        ({"memories": [limits(1), limits(1)]}, "multiple memories"),
        ({"globals_": [b"\x7f\0" + code("i64.const 1")]}, "end expected i32, found i64"),
        (
            {"globals_": [b"\x7f\0" + code("i32.const 1", "i32.const 1", "i32.and")]},
            "constant expr",
        ),
        ({"globals_": [b"\x7f\0" + code("global.get 0")]}, "unknown global 0"),
        ({"exports": [("a", 2, 0), ("a", 2, 0)], **MEMORY}, "duplicate export name 'a'"),
        ({"exports": [("a", 0, 7)]}, "unknown function 7 in export 'a'"),
        ({"start": 0}, "unknown function 0 as start"),
        ({"datas": [b"\0" + code("i32.const 0") + b"\0"]}, "unknown memory 0 in data segment 0"),
        ({"elements": [b"\0" + code("i32.const 0") + b"\0"]}, "unknown table 0"),
        ({"elements": [b"\1\0" + vector([b"\7"])]}, "unknown function 7"),
        ({"types": [functype("i32 " * 1001)]}, "more than 1000 parameters"),
    ],
)
def test_invalid_modules(parts: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Module(module(**parts))  # type: ignore[arg-type]


def test_start_must_take_and_give_nothing() -> None:
    with pytest.raises(
        ValidationError, match=r"start function must be \(\) -> \(\), found \(i32\)"
    ):
        Module(function("i32", "", start=0))


def test_lazy_validation_waits_for_the_first_call() -> None:
    data = function("", "i32", "i64.const 1")
    assert Module(data, validate="lazy").bodies
    with pytest.raises(ValidationError):
        Module(data)
    with pytest.raises(ValueError, match="'eager' or 'lazy'"):
        Module(data, validate="never")


def test_dead_code_has_any_operands() -> None:
    Module(function("", "i32", "unreachable", "i32.add"))
    Module(function("", "i32", "i32.const 1", "br 0", "select", "i64.eqz"))
    with pytest.raises(ValidationError):
        Module(function("", "i32", "unreachable", "i64.const 1", "i32.eqz"))


def test_deep_nesting_needs_no_recursion() -> None:
    depth = 50_000
    Module(function("", "", bodies=[body("", *["block _"] * depth, *["end"] * depth)]))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("(type (func)) (func) (func (type 5))", "func"),
        ("(memory 1) (memory 1)", "memory"),
        ('(import "a" "b" (memory 1)) (memory 1)', "memory"),
        ('(import "a" "b" (func)) (import "a" "c" (memory 2 1))', "import"),
        ("(table 1 funcref) (table 2 1 funcref)", "table"),
        ('(func) (export "a" (func 0)) (export "a" (func 0))', "export"),
        ("(func (param i32)) (start 0)", "start"),
        ("(elem func) (elem func 1)", "elem"),
        ("(table 1 externref) (elem func) (elem (i32.const 0))", "elem"),
        ('(data "") (data (i32.const 0) "")', "data"),
        (f"(type (func)) (type (func (param {'i32 ' * 1001})))", "type"),
    ],
)
def test_errors_of_definitions_have_their_place(text: str, part: str) -> None:
    """The last definition of a text is wrong; its place is where it begins in the module too."""
    with pytest.raises(ValidationError) as caught:
        Module(text)
    place = caught.value.place
    assert place is not None
    assert place.column == 1 + text.rindex(f"({part}")
    with pytest.raises(ValidationError) as again:
        Module(assemble(text))
    assert again.value.offset == caught.value.offset > 8


def test_errors_of_features_have_their_place() -> None:
    off = Features(
        multi_value=False, simd=False, reference_types=False, bulk_memory=False,
        mutable_globals=False,
    )  # fmt: skip
    for text, part in (
        ("(type (func)) (type (func (result i32 i32)))", "type"),
        ("(type (func)) (type (func (param v128)))", "type"),
        ('(import "" "" (global i32)) (import "" "" (global (mut i32)))', "import"),
        ('(global $g (mut i32) (i32.const 0)) (export "g" (global $g))', "export"),
        ("(table 1 funcref) (table 1 funcref)", "table"),
        ("(elem (i32.const 0)) (elem func)", "elem"),
        ('(data (i32.const 0) "") (data "")', "data"),
    ):
        with pytest.raises(ValidationError, match="is not among the features") as caught:
            Module(text, features=off)
        assert caught.value.place is not None
        assert caught.value.place.column == 1 + text.rindex(f"({part}")
