"""The language that glue is written in: what it means, and what bounds it."""

# scripts are easier to read on one line
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest
from processor import least_seconds

import pywasmgk
from pywasmgk.compat.js.border import to_python
from pywasmgk.compat.js.builtins import make_realm
from pywasmgk.compat.js.evaluation import Interpreter
from pywasmgk.compat.js.objects import JSError, ScriptError
from pywasmgk.compat.js.syntax import read_script
from pywasmgk.wasm.runtime.calls import Opened
from pywasmgk.wasm.runtime.metering import Meter


def value_of(text: str, quota: int = 1 << 20, **limits: Any) -> Any:
    """What a script's ``return`` gives."""
    interpreter = Interpreter(*make_realm(quota))
    (tree,) = read_script(f"function main() {{ {text} }}")
    with Opened(Meter(**limits)), interpreter.guarded():
        interpreter.run(interpreter.top, [tree])
        return to_python(interpreter, interpreter.top.names["main"].call(None, ()))


#: results are those of Node 20
EXPRESSIONS = [
    ("1 + 2 * 3 ** 2", 19), ("7 / 2", 3.5), ("8 / 2 + 0", 4), ("-7 % 3", -1), ("'a' + 1 + 2", "a12"),
    ("1 + undefined", None), ("-1 >>> 0", 4294967295), ("1 << 31", -2147483648), ("~5", -6),
    ("2**32 | 0", 0), ("'5' * '2'", 10), ("null ?? 3", 3), ("0 || 'x'", "x"), ("0 && 1", 0),
    ("typeof nothing", "undefined"), ("typeof 1n", "bigint"), ("typeof (() => 1)", "function"),
    ("1n + 2n", 3), ("BigInt.asUintN(64, -1n)", 2**64 - 1), ("BigInt.asIntN(8, 255n)", -1),
    ("'x' in {x: 1}", True), ("[] instanceof Array", True), ("({}) instanceof Object", True),
    ("new Uint8Array(2) instanceof Uint8Array", True), ("1 == '1'", True), ("null == undefined", True),
    ("null == 0", False), ("NaN === NaN", False), ("[1, ...[2, 3]].length", 3),
    ("`${1 + 1}-${`${'a'}`}`", "2-a"), ("((a, b = 2, ...c) => a + b + c.length)(1, undefined, 3, 4)", 5),
    ("(function() { return arguments.length; })(1, 2, 3)", 3), ("({a: {b: 1}}).a?.b", 1),
    ("({}).a?.b.c", None), ("(0, 5)", 5), ("[3, 1, 2].sort().join()", "1,2,3"),
    ("Object.entries({a: 1, b: 2})", [["a", 1], ["b", 2]]), ("Object.keys({b: 1, 2: 1, 1: 1})", ["1", "2", "b"]),
    ("JSON.stringify({a: [1, 'x', null, undefined], b: undefined, c: 1.5})", '{"a":[1,"x",null,null],"c":1.5}'),
    ("JSON.parse('{\"a\": [1, 2.5]}').a[1]", 2.5), ("1e21 + ''", "1e+21"), ("1e-7 + ''", "1e-7"),
    ("0.000001 + ''", "0.000001"), ("(0.1 + 0.2) + ''", "0.30000000000000004"), ("1/0 + ''", "Infinity"),
    ("'a\\u{1F600}b'.length", 4), ("'\\ud83d\\ude00'.codePointAt(0)", 0x1F600), ("'abc'.slice(-2)", "bc"),
    ("new TextEncoder().encode('ä')", b"\xc3\xa4"), ("new TextDecoder().decode(new Uint8Array([226, 130, 172]))", "€"),
    ("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", b"\2\3"), ("new Uint8Array([257, -1])", b"\1\xff"),
    ("new Uint8ClampedArray([300, -5, 1.5])", b"\xff\0\2"),
    ("(() => { const v = new DataView(new ArrayBuffer(8)); v.setFloat64(0, 1, true); return v.getInt32(4, true); })()", 0x3FF00000),
    ("new Map([['a', 1]]).get('a')", 1), ("[...new Set([1, 1, 2])]", [1, 2]), ("[1, 2, 3].map((x) => x * 2)", [2, 4, 6]),
    ("[...new Map([[1, 2]]).entries()]", [[1, 2]]), ("Number.isSafeInteger(2 ** 53)", False),
    ("isNaN('x')", True), ("(255).toString(16)", "ff"), ("parseInt('12')", 12), ("'a,b'.split(',')", ["a", "b"]),
    ("Reflect.get({a: 4}, 'a')", 4), ("Object.prototype.hasOwnProperty.call({q: 1}, 'q')", True),
    ("void 0 === undefined", True), ("!!document", None), ("-0 + ''", "0"), ("[,1].length", 2), ("/a/g", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_an_expression_has_its_value(text: str, expected: Any) -> None:
    if text == "1 + undefined":
        assert value_of(f"return ({text}) !== ({text})") is True
    elif text == "!!document":
        with pytest.raises(JSError, match="ReferenceError: document is not defined"):
            value_of(f"return {text}")
    elif text == "/a/g":
        with pytest.raises(ScriptError, match="regular expressions"):
            value_of(f"return {text}")
    else:
        found = value_of(f"return {text}")
        assert found == expected and type(found) is type(expected)


SCRIPTS = [
    ("let a = 0; for (let i = 0; i < 5; i++) { if (i === 3) continue; a += i; } return a;", 7),
    ("var s = ''; for (const k in {x: 1, y: 2}) s += k; for (const v of 'ab') s += v; return s;", "xyab"),
    ("let n = 0; do { n++; if (n > 3) break; } while (true); while (n < 9) n++; return n;", 9),
    ("try { throw new TypeError('x'); } catch (e) { return e instanceof Error && e.message; }", "x"),
    ("let r = []; try { try { null.x; } finally { r.push(1); } } catch { r.push(2); } return r;", [1, 2]),
    ("switch (2) { case 1: return 'a'; case 2: case 3: return 'b'; default: return 'c'; }", "b"),
    ("const {a, b: {c = 5}, ...rest} = {a: 1, b: {}, d: 2}; return [a, c, rest.d];", [1, 5, 2]),
    ("let x, y; [x, , y = 9] = [1, 2]; ({x} = {x: 7}); return [x, y];", [7, 9]),
    ("class A { #p = 2; constructor(n) { this.n = n; } get d() { return this.n * this.#p; } static of(n) { return new A(n); } }"
     "class B extends A { constructor() { super(21); } get d() { return super.d + 1; } } return [A.of(1).d, new B().d];", [2, 43]),
    ("function f(n) { return n < 2 ? 1 : n * f(n - 1); } return f(10);", 3628800),
    ("const o = {get x() { return 4; }, set x(v) { this.y = v; }, m() { return this.y; }}; o.x = 3; return [o.x, o.m()];", [4, 3]),
    ("const a = [1, 2]; a[4] = 5; a.length -= 1; return [a.length, a[3]];", [4, None]),
    ("let i = 5; const j = i++ + ++i; i ||= 1; i &&= 3; let u; u ??= 8; return [i, j, u];", [3, 12, 8]),
    ("const c = (() => { let n = 0; return () => ++n; })(); c(); return c();", 2),
    ("const it = {[Symbol.iterator]() { let n = 0; return {next: () => ({done: n > 2, value: n++})}; }}; return [...it];", [0, 1, 2]),
    ("if (1) { function inner() { return 6; } } return (function() { return inner2(); function inner2() { return 6; } })();", 6),
    ("return [1, 2, 3].filter((x) => x > 1).reduce((a, b) => a + b, 0);", 5),
    ("const f = function() { return this.v; }; return [f.call({v: 1}), f.bind({v: 2})(), f.apply({v: 3}, [])];", [1, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SCRIPTS)
def test_a_script_gives_its_result(text: str, expected: Any) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize("text", ["while (true) {}", "for (;;);", "do {} while (1);"])
def test_a_loop_is_charged(text: str) -> None:
    with pytest.raises(pywasmgk.OutOfFuel):
        value_of(text, fuel=10_000)
    with pytest.raises(pywasmgk.DeadlineExceeded):
        value_of(text, fuel=None, timeout=0.2)
    # limits are nothing that a script can catch
    with pytest.raises(pywasmgk.OutOfFuel):
        value_of(f"try {{ {text} }} catch (e) {{}} finally {{ return 1; }}", fuel=10_000)


HUNGRY = [
    "const kept = []; while (true) kept.push(new Uint8Array(65536));",
    "const kept = []; while (true) kept.push({});",
    "let s = 'x'; while (true) s += s;",
    "const m = new Map(); for (let i = 0; ; i++) m.set(i, i);",
    "const o = {}; for (let i = 0; ; i++) o['k' + i] = i;",
    "return new Uint8Array(1e9);", "return 'x'.repeat(1e8);", "return new Array(1e9);",
    "return new ArrayBuffer(1e9);", "const a = []; a[16000000] = 1;",
    "let f = () => 1; while (true) f = f.bind(null, 'x'.repeat(1000));",
]  # fmt: skip


@pytest.mark.parametrize("text", HUNGRY)
def test_what_is_kept_is_bounded(text: str) -> None:
    with pytest.raises((JSError, pywasmgk.OutOfFuel)) as caught:
        value_of(text, quota=1 << 20, fuel=300_000)
    if isinstance(caught.value, JSError):
        assert caught.value.name == "RangeError"


def test_what_is_let_go_is_given_back() -> None:
    text = "for (let i = 0; i < 200; i++) { new Uint8Array(65536); ({a: 'x'.repeat(60000)}); } return 1"
    assert value_of(text, quota=1 << 20) == 1


def test_depth_is_bounded() -> None:
    with pytest.raises(JSError, match="too much recursion"):
        value_of("const f = (n) => f(n + 1); return f(0);")
    for text in ("(" * 500 + ")" * 500, "[" * 5000, "{" * 5000, "-" * 9000 + "1", "new " * 5000):
        assert read_script(f"{text}; const after = 1;")[-1:] in (
            [],
            read_script("const after = 1;"),
        )
    assert value_of("let a = []; for (let i = 0; i < 3000; i++) a = [a]; return a;")
    with pytest.raises(JSError, match="circular"):
        value_of("const a = []; a.push(a); return JSON.stringify(a);")
    looped = value_of("const o = {}; o.self = o; return o;")
    assert looped["self"] is looped


def test_what_cannot_be_read_is_left_out() -> None:
    tree = read_script("const a = 1; label: for (;;) { break label; } @ const b = 2;\nconst c = 3;")
    assert ("declare", "const", [(("name", "a"), ("literal", 1))]) in tree
    assert ("declare", "const", [(("name", "c"), ("literal", 3))]) in tree
    for text in (
        "1.1n",
        "08n",
        "9" * 5000 + "n",
        "`${",
        "`${`${`${`${`${`${`${`${`${`",
        "'",
        "\\",
        "0x",
        "/[/",
    ):
        try:
            read_script(text)
        except ScriptError:
            continue


def test_functions_that_are_not_run_say_so() -> None:
    for text in ("function* f() {} f();", "({ async *f() {} }).f();"):
        with pytest.raises(JSError, match="generators are not run here"):
            value_of(text)


def test_async_functions_run_at_once() -> None:
    text = "async function f(x) { return await x + 1; } const g = async (x) => (await f(x)) * 2; return g(4);"
    assert value_of(text) == 10
    assert value_of("const o = { async m() { return 3; } }; return o.m();") == 3


def test_reading_takes_time_in_proportion() -> None:
    for piece in ("(", "(a)", "{", "a(", "`${a}`", "x = ", "@ ", "/", "'a' ", "?"):
        text = piece * (20_000 // len(piece))
        assert least_seconds(lambda: read_script(text), enough=3) < 3, piece  # noqa: B023
