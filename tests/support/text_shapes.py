"""Texts that make reading dear: each a form that repeats, for a size in characters.

What reading takes must be linear in the characters read, whatever they say.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["TEXT_SHAPES"]


def _repeated(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    return lambda size: before + piece * (size // len(piece)) + after


def _nested(opening: str, closing: str, before: str = "", after: str = "") -> Callable[[int], str]:
    def make(size: int) -> str:
        depth = size // (len(opening) + len(closing))
        return before + opening * depth + closing * depth + after

    return make


def _numbered(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """Pieces with a number of their own in each."""

    def make(size: int) -> str:
        return before + "".join(piece % n for n in range(size // (len(piece) + 4))) + after

    return make


_CODE = '(func (export "f")', ")"
_LONG = "a" * 1_000
#: a text of about so many characters, by what is special about it
TEXT_SHAPES: dict[str, Callable[[int], str]] = {
    "blanks": _repeated(" "),
    "lines": _repeated("\n"),
    "line comments": _repeated(";;\n"),
    "a comment": _repeated("x", "(;", ";)"),
    "comments": _repeated("(;;)"),
    "nested comments": _nested("(;", ";)"),
    "unended comments": _repeated("(;"),
    "parentheses": _repeated("("),
    "closing parentheses": _repeated(")"),
    "words": _repeated("a "),
    "numbers in code": _repeated("1 ", *_CODE),
    "nops": _repeated("nop ", *_CODE),
    "folded nops": _repeated("(nop)", *_CODE),
    "nested nops": _nested("(nop", ")", *_CODE),
    "constants": _repeated("i32.const 0 drop ", *_CODE),
    "folded constants": _repeated("(drop(i64.const 0))", *_CODE),
    "float constants": _repeated("f64.const 0x1.8p-3 drop ", *_CODE),
    "long decimals": _repeated("f64.const 1" + "0" * 300 + "e-299 drop ", *_CODE),
    "one long integer": _repeated("1", "(func i64.const ", ")"),
    "one long hexadecimal": _repeated("f", "(func i64.const 0x", ")"),
    "one long float": _repeated("1", "(func f64.const 0.", " drop)"),
    "one long float of 32 bits": _repeated("1", "(func f32.const 1.000000178813934", " drop)"),
    "one long exponent": _repeated("1", "(func f64.const 1e", " drop)"),
    "lines in numbers": _repeated("1_", "(func i64.const ", "1 drop)"),
    "one long word": _repeated("a"),
    "one long identifier": _repeated("a", "(func $", ")"),
    "one long string": _repeated("a", '(data "', '")'),
    "escapes": _repeated("\\00", '(data "', '")'),
    "backslashes": _repeated("\\\\", '(data "', '")'),
    "quotes": _repeated('\\"', '(data "', '")'),
    "an unended string": _repeated('\\"', '(data "'),
    "unicode escapes": _repeated("\\u{7f}", '(data "', '")'),
    "strings": _repeated('"" ', "(data ", ")"),
    "identifiers in quotes": _numbered('(func $"%d")'),
    "blocks": _repeated("block end ", *_CODE),
    "nested blocks": _nested("block ", "end ", *_CODE),
    "nested folded blocks": _nested("(block", ")", *_CODE),
    "nested ifs": _nested("(if(then", "))", *_CODE),
    "ifs": _repeated("(if(i32.const 0)(then))", *_CODE),
    "labels": _numbered("block $l%d end ", *_CODE),
    "nested labels of one name": _nested("block $l ", "end ", *_CODE),
    "nested labels": lambda size: (
        "(func " + "".join(f"block $l{n} " for n in range(size // 18)) + "end " * (size // 18) + ")"
    ),
    "branch tables": _repeated("br_table 0 0 ", *_CODE),
    "one branch table": _repeated("0 ", "(func br_table ", ")"),
    "block types": _repeated("(block(param)(result))", *_CODE),
    "block types of 500": _repeated("(block (result" + " i32" * 500 + ") unreachable)", *_CODE),
    "different block types": lambda size: (
        "(func "
        + "".join(
            f"block (param {' '.join('i32' if n >> b & 1 else 'i64' for b in range(20))}) end "
            for n in range(size // 100)
        )
        + ")"
    ),
    "selects": _repeated("select(result i32) ", *_CODE),
    "locals": _repeated(" i32", "(func (local", "))"),
    "local groups": _repeated("(local)", *_CODE),
    "named locals": _numbered("(local $l%d i32)", *_CODE),
    "alternating locals": _repeated(" i32 i64", "(func (local", "))"),
    "parameters": _repeated("(param i32)", *_CODE),
    "functions": _repeated("(func)"),
    "named functions": _numbered("(func $f%d)"),
    "functions with an export": _numbered('(func(export "%d"))'),
    "exports in place": _numbered('(export "%d")', "(func", ")"),
    "calls by name": _repeated("call $f ", "(func $f ", ")"),
    "calls through a type": _repeated("call_indirect(param i32) ", "(table 1 funcref)(func ", ")"),
    "types": _repeated("(type(func))"),
    "types ahead": _repeated("(func(type 1))", after="(type(func))(type(func))"),
    "repeated types": _repeated("(func(type 0)(param i32))", "(type(func(param i32)))"),
    "uses of a large type": lambda size: (
        f"(type(func(param{' i32' * (size // 10)}))){'(func(type 0))' * (size // 30)}"
    ),
    "adjacent strings": _repeated('(import""""(func))'),
    "spaced imports": _repeated('(import "" "" (func))'),
    "globals": _repeated("(global i32 i32.const 0)"),
    "tables": _repeated("(table 0 funcref)"),
    "tables with elements": _repeated("(table funcref(elem))"),
    "memories": _repeated("(memory 0)"),
    "memories with data": _repeated("(memory(data))"),
    "data": _repeated("(data)"),
    "active data": _repeated("(data(i32.const 0))", "(memory 1)"),
    "elements": _repeated("(elem func)"),
    "indices in elements": _repeated(" 0", "(func)(elem func", ")"),
    "expressions in elements": _repeated("(ref.null func)", "(elem funcref", ")"),
    "exports": _numbered('(export "%d" (func 0))', "(func)"),
    "starts": _repeated("(start 0)", "(func)"),
    "annotations": _repeated("(@a)"),
    "nested annotations": _nested("(@a", ")"),
    "words in an annotation": _repeated("a ", "(@a ", ")"),
    "words in a known annotation": _repeated('"" ', '(@custom "x" ', ")"),
    "misplaced names": lambda size: "(@name)" * (size // 16) + '(@custom "")' * (size // 16),
    "custom sections": _repeated('(@custom "")'),
    "producers": _repeated('(sdk "" "")', "(@producers", ")"),
    "names": _numbered('(func (@name "%d"))'),
    "branch hints": _repeated('(@metadata.code.branch_hint "\\00")(if(then))', *_CODE),
    "misplaced annotations": _repeated("(@name)", *_CODE),
    "a quoted module": _repeated("(func)", '(module quote "', '")'),
    "quoted strings": _repeated('"(func)" ', "(module quote ", ")"),
    "a binary module": _repeated('"\\00" ', '(module binary "\\00asm" "\\01\\00\\00\\00" ', ")"),
    "vectors": _repeated("v128.const i8x16" + " 0" * 16 + " drop ", *_CODE),
    "shuffles": _repeated("i8x16.shuffle" + " 0" * 16 + " ", *_CODE),
    "memory arguments": _repeated("i32.load offset=0 align=4 ", *_CODE),
    "controls": _repeated("\x01"),
    "reserved": _repeated("{}"),
    "unknown fields": _repeated("(a)"),
    "unknown instructions": _repeated("nopp ", *_CODE),
    "long unknown instructions": _repeated(_LONG + " ", *_CODE),
    "astral characters": _repeated("\U0001f600", '(data "', '")'),
}  # fmt: skip
