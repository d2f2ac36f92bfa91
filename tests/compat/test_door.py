"""The wasmtime-shaped door does what wasmtime-py does: each test runs on both."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOOR, REAL = "pywasmgk.compat.wasmtime", "wasmtime"


@pytest.fixture(params=[DOOR, REAL], ids=["door", "wasmtime"])
def w(request: pytest.FixtureRequest) -> Any:
    """The door, and the real one where it is installed."""
    if request.param == REAL:
        return pytest.importorskip(REAL, reason="wasmtime-py is not installed")
    return importlib.import_module(request.param)


class Guest:
    """An engine, a store in it, and instances of texts."""

    def __init__(self, w: Any, **settings: Any) -> None:
        config = w.Config()
        for name, value in settings.items():
            setattr(config, name, value)
        self.w, self.engine = w, w.Engine(config)
        self.store = w.Store(self.engine)

    def instance(self, text: str, *imports: Any) -> Any:
        return self.w.Instance(self.store, self.w.Module(self.engine, text), imports)

    def exports(self, text: str, *imports: Any) -> Any:
        return self.instance(text, *imports).exports(self.store)

    def func(self, params: str, results: str, do: Callable[..., Any], **options: Any) -> Any:
        return self.w.Func(self.store, self.type(params, results), do, **options)

    def type(self, params: str = "", results: str = "") -> Any:
        kinds = [
            [getattr(self.w.ValType, k)() for k in names.split()] for names in (params, results)
        ]
        return self.w.FuncType(*kinds)


@pytest.fixture
def guest(w: Any) -> Guest:
    return Guest(w)


KINDS = """(module
  (func (export "i32") (param i32) (result i32) local.get 0)
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "externref") (param externref) (result externref) local.get 0)
  (func $f (export "funcref") (param funcref) (result funcref) local.get 0)
  (func (export "two") (result i32 i64) i32.const -1 i64.const -5)
  (func (export "none")))"""


# -- values


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("i32", -1, -1),
        ("i32", (1 << 32) - 1, -1),
        ("i32", 1 << 31, -(1 << 31)),
        ("i32", 1 << 40, 0),
        ("i32", True, 1),
        ("i64", (1 << 64) - 1, -1),
        ("i64", -(1 << 63) - 1, (1 << 63) - 1),
        ("f32", 1.1, 1.100000023841858),
        ("f64", 1.1, 1.1),
        ("externref", "x", "x"),
        ("externref", None, None),
        ("funcref", None, None),
    ],
)
def test_values_go_in_and_out(guest: Guest, kind: str, given: Any, expected: Any) -> None:
    found = guest.exports(KINDS)[kind](guest.store, given)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("i32", "1", "don't know how to convert '1' to i32"),
        ("i32", 1.0, "don't know how to convert 1.0 to i32"),
        ("i64", None, "don't know how to convert None to i64"),
        ("f32", 1, "don't know how to convert 1 to f32"),
        ("f64", "x", "don't know how to convert 'x' to f64"),
        ("funcref", 1, "don't know how to convert 1 to funcref"),
    ],
)
def test_values_of_another_kind_are_refused(
    guest: Guest, kind: str, given: Any, words: str
) -> None:
    with pytest.raises(TypeError) as caught:
        guest.exports(KINDS)[kind](guest.store, given)
    assert str(caught.value) == words


def test_a_val_must_be_of_the_type(guest: Guest) -> None:
    exports, Val = guest.exports(KINDS), guest.w.Val
    assert exports["i64"](guest.store, Val.i64(5)) == 5
    assert exports["externref"](guest.store, Val.externref([1])) == [1]
    assert exports["funcref"](guest.store, Val.funcref(None)) is None
    with pytest.raises(TypeError, match="wrong type of `Val` provided"):
        exports["i64"](guest.store, Val.i32(5))


def test_vals(w: Any) -> None:
    Val, ValType = w.Val, w.ValType
    assert Val.i32((1 << 32) - 1).value == -1
    assert Val.f32(1.1).as_f32() == 1.100000023841858
    assert Val.i32(5) == 5
    assert Val.i32(5) == Val.i32(5)
    assert Val.i32(5) != Val.i64(5)
    assert (Val.i32(5).as_i32(), Val.i32(5).as_i64()) == (5, None)
    assert (Val.ref_null(ValType.funcref()).value, str(Val.externref(1).type)) == (None, "anyref")
    for make, given in ((Val.i32, "x"), (Val.f32, 1)):
        with pytest.raises(TypeError, match="expected a"):
            make(given)
    with pytest.raises(w.WasmtimeError, match="Invalid reference type for `ref_null`: i32"):
        Val.ref_null(ValType.i32())


def test_results_are_none_one_or_a_list(guest: Guest) -> None:
    exports = guest.exports(KINDS)
    assert exports["none"](guest.store) is None
    assert exports["two"](guest.store) == [-1, -5]


def test_the_number_of_parameters_must_be_right(guest: Guest) -> None:
    exports, error = guest.exports(KINDS), guest.w.WasmtimeError
    with pytest.raises(error, match=r"^too few parameters provided: given 0, expected 1$"):
        exports["i32"](guest.store)
    with pytest.raises(error, match=r"^too many parameters provided: given 2, expected 1$"):
        exports["i32"](guest.store, 1, 2)


def test_functions_pass_through_guests(guest: Guest) -> None:
    exports = guest.exports(KINDS)
    again = exports["funcref"](guest.store, exports["i32"])
    assert again(guest.store, 7) == 7
    assert isinstance(again, guest.w.Func)


# -- types


def test_types(w: Any) -> None:
    i32 = w.ValType.i32
    assert (i32() == i32(), i32() == w.ValType.i64(), i32() == "i32") == (True, False, False)
    assert w.FuncType([i32()], []).params == [i32()]
    memory = w.MemoryType(w.Limits(1, 3))
    assert (memory.limits == w.Limits(1, 3), memory.is_64, memory.page_size) == (True, False, 65536)
    assert w.MemoryType(w.Limits(1, None)).limits.max is None
    assert w.TableType(w.ValType.externref(), w.Limits(1, None)).element == w.ValType.externref()
    assert w.GlobalType(i32(), True).mutable is True


@pytest.mark.parametrize(
    ("error", "words", "make"),
    [
        ("WasmtimeError", "cannot construct directly", lambda w: w.ValType()),
        ("TypeError", "expected ValType", lambda w: w.FuncType([5], [])),
        ("TypeError", "expected valtype", lambda w: w.GlobalType(5, True)),
        ("TypeError", "expected Limits", lambda w: w.MemoryType(5)),
        (
            "WasmtimeError",
            "maximum page size cannot be smaller than the minimum page size",
            lambda w: w.MemoryType(w.Limits(5, 2)),
        ),
        (
            "WasmtimeError",
            "minimum size too large",
            lambda w: w.MemoryType(w.Limits(1 << 33, None)),
        ),
        (
            "WasmtimeError",
            "failed to allocate TableType",
            lambda w: w.TableType(w.ValType.i32(), w.Limits(1, 2)),
        ),
        ("TypeError", "expected Config", lambda w: w.Engine(5)),
        ("TypeError", "expected an Engine", lambda w: w.Store(5)),
        ("TypeError", "expected an Engine", lambda w: w.Module(5, b"")),
        ("TypeError", "expected wasm bytes", lambda w: w.Module(w.Engine(), 5)),
        ("TypeError", "expected wasm bytes", lambda w: w.Module.validate(w.Engine(), "(module)")),
        ("TypeError", "expected a Store", lambda w: w.Func(5, w.FuncType([], []), print)),
        ("TypeError", "expected a FuncType", lambda w: w.Func(w.Store(), 5, print)),
        ("TypeError", "expected a GlobalType", lambda w: w.Global(w.Store(), 5, 1)),
        ("TypeError", "expected a bool", lambda w: setattr(w.Config(), "wasm_simd", 1)),
        ("TypeError", "expected an int", lambda w: setattr(w.Config(), "memory_guard_size", "1")),
        (
            "WasmtimeError",
            "unknown opt level: fast",
            lambda w: setattr(w.Config(), "cranelift_opt_level", "fast"),
        ),
        ("WasmtimeError", "unknown strategy: x", lambda w: setattr(w.Config(), "strategy", "x")),
        (
            "WasmtimeError",
            "caching cannot be explicitly disabled",
            lambda w: setattr(w.Config(), "cache", False),
        ),
        ("AttributeError", "has no getter", lambda w: w.Config().wasm_simd),
    ],
)
def test_refusals(w: Any, error: str, words: str, make: Callable[[Any], Any]) -> None:
    kind = w.WasmtimeError if error == "WasmtimeError" else getattr(__builtins__, error, None)
    kind = kind or __builtins__[error]  # type: ignore[index]
    if words == "has no getter" and os.sys.version_info < (3, 11):  # type: ignore[attr-defined]
        words = "unreadable attribute"
    with pytest.raises(kind) as caught:
        make(w)
    assert words in str(caught.value)


def test_what_is_closed_stays_closed(w: Any) -> None:
    config = w.Config()
    w.Engine(config)
    with pytest.raises(ValueError, match="already closed"):
        w.Engine(config)
    with w.Store() as store:
        assert store.data() is None
    store.close()
    with pytest.raises(ValueError, match="already closed"):
        w.Func(store, w.FuncType([], []), print)


# -- modules


def test_imports_and_exports_are_described(guest: Guest) -> None:
    w = guest.w
    text = """(module (import "a" "f" (func (param i32 i64) (result f32)))
      (import "a" "m" (memory 1 3)) (import "" "g" (global (mut i64)))
      (export "m" (memory 0)) (export "f" (func 0)))"""
    module = w.Module(guest.engine, text)
    names = [(item.module, item.name, type(item.type).__name__) for item in module.imports]
    assert names == [("a", "f", "FuncType"), ("a", "m", "MemoryType"), ("", "g", "GlobalType")]
    assert [(item.name, type(item.type)) for item in module.exports] == [
        ("m", w.MemoryType),
        ("f", w.FuncType),
    ]
    assert str(module.imports[0].type.params) == "[i32, i64]"


def test_text_is_taken_as_bytes_too(guest: Guest, tmp_path: Path) -> None:
    w = guest.w
    assert w.wat2wasm(b"(module)") == bytearray(b"\0asm\1\0\0\0")
    w.Module(guest.engine, b"(module)")
    (tmp_path / "m.wat").write_text('(module (func (export "x")))')
    assert w.Module.from_file(guest.engine, tmp_path / "m.wat").exports[0].name == "x"
    with pytest.raises(FileNotFoundError):
        w.Module.from_file(guest.engine, tmp_path / "n.wat")


def test_faults_of_texts_are_shown(w: Any) -> None:
    with pytest.raises(w.WasmtimeError) as caught:
        w.wat2wasm("(module\n  (fnc))")
    assert "<anon>:2:4" in str(caught.value)
    assert "    2 |   (fnc))" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0asm\2\0\0\0", "failed to parse WebAssembly module"),
        (b"\0asm", "failed to parse WebAssembly module"),
        (b"\0asm\x0d\0\1\0", "expected a WebAssembly module but was given a WebAssembly component"),
        ("(module (func (result i32)))", "failed to compile: wasm[0]::function[0]"),
        (
            "(module (func (result i32)))",
            "Invalid input WebAssembly code at offset 24: type mismatch",
        ),
    ],
)
def test_modules_that_are_none(guest: Guest, data: Any, words: str) -> None:
    with pytest.raises(guest.w.WasmtimeError) as caught:
        guest.w.Module(guest.engine, data)
    assert words in str(caught.value)


def test_validate(guest: Guest) -> None:
    w = guest.w
    assert w.Module.validate(guest.engine, w.wat2wasm("(module)")) is None
    for data in (b"xx", b"(module)", w.wat2wasm("(module (func (result i32)))")):
        with pytest.raises(w.WasmtimeError, match="at offset 0x"):
            w.Module.validate(guest.engine, data)


def test_modules_are_serialized(guest: Guest, tmp_path: Path) -> None:
    w = guest.w
    encoded = w.Module(guest.engine, '(module (func (export "x")))').serialize()
    assert type(encoded) is bytearray
    assert w.Module.deserialize(guest.engine, encoded).exports[0].name == "x"
    (tmp_path / "m").write_bytes(encoded)
    assert w.Module.deserialize_file(guest.engine, str(tmp_path / "m")).exports[0].name == "x"
    for data in (b"x", bytes(w.wat2wasm("(module)"))):
        with pytest.raises(w.WasmtimeError, match="failed to parse precompiled artifact"):
            w.Module.deserialize(guest.engine, data)
    with pytest.raises(w.WasmtimeError, match="failed to open file"):
        w.Module.deserialize_file(guest.engine, str(tmp_path / "n"))


# -- instances and externals


def test_exports_are_a_mapping(guest: Guest) -> None:
    instance = guest.instance(KINDS)
    exports = instance.exports(guest.store)
    assert (len(exports), list(exports)[:2], "i32" in exports) == (8, ["i32", "i64"], True)
    assert exports["i32"] is exports["i32"]
    assert instance.exports(guest.store)["i32"] is exports["i32"]
    assert exports.by_index[1] is exports["i64"]
    assert exports.get("nothing") is None
    with pytest.raises(KeyError):
        exports["nothing"]
    with pytest.raises(KeyError):
        exports[0]


MEMORY = '(module (memory (export "m") 1 5))'


def test_memories(guest: Guest) -> None:
    store, memory = guest.store, guest.exports(MEMORY)["m"]
    assert (memory.size(store), memory.data_len(store), memory.page_size(store)) == (
        1,
        65536,
        65536,
    )
    assert (memory.grow(store, 1), memory.size(store)) == (1, 2)
    assert memory.type(store).limits.max == 5
    assert (memory.write(store, b"hello", 5), bytes(memory.read(store, 5, 10))) == (5, b"hello")
    assert type(memory.read(store, 0, 3)) is bytearray
    memory.write(store, bytearray(b"end"), -3)
    assert memory.read(store, -3) == b"end"
    assert memory.read(store, 131070, 200000) == b"nd"
    assert memory.read(store, 200000) == b""
    assert memory.read(store, None, 3) == bytes(3)
    for start in (131070, 131072, 131073):
        with pytest.raises(IndexError, match="index out of range"):
            memory.write(store, b"hello", start)
    with pytest.raises(guest.w.WasmtimeError, match=r"^failed to grow memory by `100`$"):
        memory.grow(store, 100)
    with pytest.raises(guest.w.WasmtimeError, match=r"^cannot grow by negative amount$"):
        memory.grow(store, -1)


def test_pointers_into_memories(guest: Guest) -> None:
    store, memory = guest.store, guest.exports(MEMORY)["m"]
    memory.write(store, b"hello", 5)
    assert bytes(memory.data_ptr(store)[5:10]) == b"hello"
    memory.data_ptr(store)[0] = 7
    assert memory.read(store, 0, 1) == b"\7"
    assert bytes(memory.get_buffer_ptr(store, 5, 5)) == b"hello"
    assert len(memory.get_buffer_ptr(store)) == 65536


def test_tables(guest: Guest) -> None:
    w, store = guest.w, guest.store
    table = guest.exports(
        '(module (func $f) (table (export "t") 3 10 funcref) (elem (i32.const 1) $f))'
    )["t"]
    assert isinstance(table.get(store, 0), w.Val)
    func = table.get(store, 1)
    assert isinstance(func, w.Func)
    assert table.get(store, 99) is None
    table.set(store, 0, func)
    assert isinstance(table.get(store, 0), w.Func)
    assert (table.grow(store, 2, None), table.size(store)) == (3, 5)
    with pytest.raises(w.WasmtimeError, match="failed to grow table by `20`"):
        table.grow(store, 20, None)
    with pytest.raises(w.WasmtimeError, match="out of bounds table access"):
        table.set(store, 99, None)
    with pytest.raises(TypeError, match="don't know how to convert 5 to funcref"):
        table.set(store, 0, 5)


def test_globals(guest: Guest) -> None:
    w, store = guest.w, guest.store
    exports = guest.exports(
        '(module (global (export "g") (mut i32) i32.const 4) (global (export "c") i64 i64.const 4))'
    )
    exports["g"].set_value(store, (1 << 32) - 1)
    assert exports["g"].value(store) == -1
    assert exports["c"].type(store).mutable is False
    with pytest.raises(w.WasmtimeError, match=r"^immutable global cannot be set$"):
        exports["c"].set_value(store, 5)
    with pytest.raises(TypeError, match="don't know how to convert 'x' to i32"):
        exports["g"].set_value(store, "x")
    null = w.Global(store, w.GlobalType(w.ValType.externref(), False), None)
    assert isinstance(null.value(store), w.Val)


def test_externals_of_the_host(guest: Guest) -> None:
    w, store = guest.w, guest.store
    memory = w.Memory(store, w.MemoryType(w.Limits(1, 2)))
    table = w.Table(store, w.TableType(w.ValType.externref(), w.Limits(2, None)), "x")
    number = w.Global(store, w.GlobalType(w.ValType.i32(), True), 5)
    exports = guest.exports(
        """(module (import "" "m" (memory 1)) (import "" "t" (table 1 externref))
          (import "" "g" (global (mut i32)))
          (func (export "f") (result externref)
            global.get 0 i32.const 7 i32.store8 i32.const 1 table.get 0))""",
        memory,
        table,
        number,
    )
    assert exports["f"](store) == "x"
    assert memory.read(store, 5, 6) == b"\7"


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ('(import "a" "b" (func))', [], "expected 1 imports, found 0"),
        ("", ["func"], "expected 0 imports, found 1"),
        ('(import "a" "b" (memory 1))', ["func"], "expected memory, but found function"),
        (
            '(import "a" "b" (func (param i32)))',
            ["func"],
            "types incompatible: expected type `(func (param i32))`, found type `(func)`",
        ),
        (
            '(import "a" "b" (memory 10))',
            ["memory"],
            "expected memory limits (min: 10, max: none) doesn't match provided memory limits "
            "(min: 1, max: 2)",
        ),
    ],
)
def test_imports_that_do_not_match(guest: Guest, text: str, given: list[str], words: str) -> None:
    w = guest.w
    items = {
        "func": guest.func("", "", lambda: None),
        "memory": w.Memory(guest.store, w.MemoryType(w.Limits(1, 2))),
    }
    with pytest.raises(w.WasmtimeError) as caught:
        guest.instance(f"(module {text})", *(items[name] for name in given))
    assert words in str(caught.value)
    if "incompat" in words:
        assert str(caught.value).startswith("incompatible import type for `a::b`\n\nCaused by:\n")


def test_what_cannot_be_imported(guest: Guest) -> None:
    with pytest.raises(TypeError, match="expected a Func, Global, Memory, SharedMemory, Tag, or"):
        guest.instance('(module (import "a" "b" (func)))', 5)


# -- functions of the host

CALLS = '(module (import "" "" (func $i)) (func $k (export "k") call $i))'


def test_results_of_host_functions(guest: Guest) -> None:
    store = guest.store
    assert guest.func("i32 i64", "i32", lambda a, b: a + b)(store, 1, -2) == -1
    assert guest.func("", "i32", lambda: (1 << 32) - 1)(store) == -1
    assert guest.func("", "i32 i32", lambda: [5, 6])(store) == [5, 6]
    assert guest.func("", "i64", lambda: guest.w.Val.i64(5))(store) == 5
    for results, do, error, words in (
        ("i32", lambda: "x", TypeError, "don't know how to convert 'x' to i32"),
        ("f64", lambda: 1, TypeError, "don't know how to convert 1 to f64"),
        ("i32", lambda: None, TypeError, "don't know how to convert None to i32"),
        ("", lambda: 5, guest.w.WasmtimeError, "callback produced results when it shouldn't"),
        (
            "i32 i32",
            lambda: [5],
            guest.w.WasmtimeError,
            "callback produced wrong number of results",
        ),
    ):
        with pytest.raises(error) as caught:  # type: ignore[call-overload]
            guest.func("", results, do)(store)
        assert str(caught.value) == words


@pytest.mark.parametrize("error", [ValueError("boom"), KeyboardInterrupt(), SystemExit(3)])
def test_exceptions_go_through_guests(guest: Guest, error: BaseException) -> None:
    def boom() -> None:
        raise error

    exports = guest.exports(CALLS, guest.func("", "", boom))
    with pytest.raises(type(error)) as caught:
        exports["k"](guest.store)
    assert caught.value is error
    with pytest.raises(type(error)):
        exports["k"](guest.store)


def test_host_functions_trap(guest: Guest) -> None:
    def trap() -> None:
        raise guest.w.Trap("custom")

    with pytest.raises(guest.w.Trap) as caught:
        guest.exports(CALLS, guest.func("", "", trap))["k"](guest.store)
    assert (caught.value.trap_code, caught.value.frames, caught.value.message) == (
        None,
        [],
        "custom",
    )


def test_callers(guest: Guest) -> None:
    seen: list[Any] = []

    def look(caller: Any) -> None:
        seen.append(caller)
        assert caller["memory"].size(caller) == 1
        assert caller.get("nothing") is None
        assert isinstance(caller.get("k"), guest.w.Func)
        with pytest.raises(KeyError, match="failed to find export nothing"):
            caller["nothing"]

    text = CALLS.replace("(func $k", '(memory (export "memory") 1) (func $k')
    exports = guest.exports(text, guest.func("", "", look, access_caller=True))
    exports["k"](guest.store)
    assert len(seen) == 1
    with pytest.raises(ValueError, match="caller is no longer valid"):
        exports["memory"].size(seen[0])


def test_host_functions_call_back_in(guest: Guest) -> None:
    w = guest.w

    def again(caller: Any, n: int) -> int:
        return 0 if n == 0 else 1 + caller["f"](caller, n - 1)

    exports = guest.exports(
        """(module (import "" "" (func $i (param i32) (result i32)))
          (func (export "f") (param i32) (result i32) local.get 0 call $i))""",
        guest.func("i32", "i32", again, access_caller=True),
    )
    assert exports["f"](guest.store, 20) == 20
    assert isinstance(exports["f"], w.Func)


# -- traps

TRAPS = """(module (type $v (func))
  (func $deep unreachable)
  (func (export "UNREACHABLE") call $deep)
  (func (export "INTEGER_DIVISION_BY_ZERO") (result i32) i32.const 1 i32.const 0 i32.div_s)
  (func (export "INTEGER_OVERFLOW") (result i32) i32.const 0x80000000 i32.const -1 i32.div_s)
  (func (export "BAD_CONVERSION_TO_INTEGER") (result i32) f32.const nan i32.trunc_f32_s)
  (func (export "MEMORY_OUT_OF_BOUNDS") (result i32) i32.const 65536 i32.load)
  (func (export "TABLE_OUT_OF_BOUNDS") i32.const 9 call_indirect (type $v))
  (func (export "INDIRECT_CALL_TO_NULL") i32.const 0 call_indirect (type $v))
  (func (export "BAD_SIGNATURE") (result i32) i32.const 1 call_indirect (result i32))
  (func $r (export "STACK_OVERFLOW") call $r)
  (memory 1) (table 2 funcref) (elem (i32.const 1) $deep))"""
WORDS = {
    "UNREACHABLE": "wasm `unreachable` instruction executed",
    "INTEGER_DIVISION_BY_ZERO": "integer divide by zero",
    "INTEGER_OVERFLOW": "integer overflow",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer",
    "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "undefined element: out of bounds table access",
    "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "STACK_OVERFLOW": "call stack exhausted",
}


@pytest.mark.parametrize("code", WORDS)
def test_traps(guest: Guest, code: str) -> None:
    w = guest.w
    with pytest.raises(w.Trap) as caught:
        guest.exports(TRAPS)[code](guest.store)
    trap = caught.value
    assert trap.trap_code is w.TrapCode[code]
    assert trap.message == str(trap)
    assert trap.message.startswith("error while executing at wasm backtrace:\n    0: ")
    assert trap.message.endswith(f"wasm trap: {WORDS[code]}\n")
    assert 1 <= len(trap.frames) <= 20


def test_frames(guest: Guest) -> None:
    text = TRAPS.replace("(module", "(module $named", 1)
    with pytest.raises(guest.w.Trap) as caught:
        guest.exports(text)["UNREACHABLE"](guest.store)
    frames = [
        (item.func_index, item.func_name, item.module_name, item.func_offset)
        for item in caught.value.frames
    ]
    assert frames == [(0, "deep", "named", 1), (1, None, "named", 1)]
    inner, outer = (item.module_offset for item in caught.value.frames)
    assert outer - inner == 4
    assert f"    0: {inner:>#8x} - named!deep\n" in str(caught.value)
    assert f"    1: {outer:>#8x} - named!<wasm function 1>\n" in str(caught.value)


def test_traps_of_instantiation(guest: Guest) -> None:
    w = guest.w
    for text, code in (
        ("(func unreachable) (start 0)", "UNREACHABLE"),
        ('(memory 1) (data (i32.const 65536) "x")', "MEMORY_OUT_OF_BOUNDS"),
        ("(table 1 funcref) (func) (elem (i32.const 1) 0)", "TABLE_OUT_OF_BOUNDS"),
    ):
        with pytest.raises(w.Trap) as caught:
            guest.instance(f"(module {text})")
        assert caught.value.trap_code is w.TrapCode[code]


def test_exceptions_are_made_by_hand(w: Any) -> None:
    assert (str(w.Trap("a")), w.Trap("a").args, w.Trap("a").frames) == ("a", ("a",), [])
    assert str(w.WasmtimeError("b")) == "b"
    assert not hasattr(w.ExitTrap("c"), "code")
    with pytest.raises(ValueError, match="never initialized"):
        _ = w.Frame().func_name


# -- linkers


def test_linkers(guest: Guest) -> None:
    w, store = guest.w, guest.store
    linker = w.Linker(guest.engine)
    linker.define_func("a", "b", guest.type("", "i32"), lambda: 5)
    with pytest.raises(w.WasmtimeError, match=r"^import of `a::b` defined twice$"):
        linker.define_func("a", "b", guest.type("", "i32"), lambda: 6)
    linker.allow_shadowing = True
    linker.define_func("a", "b", guest.type("", "i32"), lambda: 6)
    assert linker.get(store, "a", "b")(store) == 6
    linker.define(store, "a", "c", guest.func("", "i32", lambda: 7))
    text = """(module (import "a" "b" (func $b (result i32)))
      (import "a" "c" (func $c (result i32)))
      (func (export "sum") (result i32) call $b call $c i32.add))"""
    module = w.Module(guest.engine, text)
    assert linker.instantiate(store, module).exports(store)["sum"](store) == 13
    pre = linker.instantiate_pre(module)
    assert pre.instantiate(store).exports(store)["sum"](store) == 13
    assert len(pre.module.imports) == 2
    with pytest.raises(w.WasmtimeError, match="item not defined in linker"):
        linker.get(store, "a", "d")
    missing = w.Module(guest.engine, '(module (import "x" "y" (func)))')
    for instantiate in (
        lambda: linker.instantiate(store, missing),
        lambda: linker.instantiate_pre(missing),
    ):
        with pytest.raises(w.WasmtimeError, match="unknown import: `x::y` has not been defined"):
            instantiate()


def test_linkers_serve_several_stores(guest: Guest) -> None:
    w = guest.w
    linker, seen = w.Linker(guest.engine), []
    linker.define_func("", "", guest.type(), lambda caller: seen.append(caller["k"]), True)
    module = w.Module(guest.engine, CALLS)
    for store in (w.Store(guest.engine), w.Store(guest.engine)):
        linker.instantiate(store, module).exports(store)["k"](store)
    assert [type(item) for item in seen] == [w.Func, w.Func]


def test_unknown_imports(guest: Guest) -> None:
    w, store = guest.w, guest.store
    text = """(module (import "a" "b" (func (result i32 f32))) (import "q" "g" (global i64))
      (func (export "k") (result i32 f32) call 0))"""
    module = w.Module(guest.engine, text)
    linker = w.Linker(guest.engine)
    linker.define_unknown_imports_as_default_values(store, module)
    assert linker.instantiate(store, module).exports(store)["k"](store) == [0, 0.0]
    module = w.Module(guest.engine, CALLS)
    linker = w.Linker(guest.engine)
    linker.define_unknown_imports_as_traps(module)
    exports = linker.instantiate(store, module).exports(store)
    with pytest.raises(w.WasmtimeError, match="unknown import: `::` has not been defined"):
        exports["k"](store)


def test_modules_in_linkers(guest: Guest) -> None:
    w, store = guest.w, guest.store
    linker = w.Linker(guest.engine)
    counter = """(global $n (mut i32) i32.const 0)
      (func (export "next") (result i32)
        global.get $n i32.const 1 i32.add global.set $n global.get $n)"""
    reactor = f'(module {counter} (func (export "_initialize") i32.const 10 global.set $n))'
    linker.define_module(store, "reactor", w.Module(guest.engine, reactor))
    following = linker.get(store, "reactor", "next")
    assert [following(store), following(store)] == [11, 12]
    command = f'(module {counter} (func (export "_start")))'
    linker.define_module(store, "command", w.Module(guest.engine, command))
    following = linker.get(store, "command", "next")
    assert [following(store), following(store)] == [1, 1]
    assert linker.get_default(store, "command")(store) is None
    assert linker.get_default(store, "nothing")(store) is None


def test_engines_do_not_mix(guest: Guest) -> None:
    w = guest.w
    module = w.Module(w.Engine(), "(module)")
    words = "cross-`Engine` instantiation is not currently supported"
    with pytest.raises(w.WasmtimeError, match=words):
        w.Instance(guest.store, module, [])
    with pytest.raises(w.WasmtimeError, match=words):
        w.Linker(guest.engine).instantiate(guest.store, module)


# -- fuel, epochs, limits

LOOPS = """(module (func (export "loop") (loop br 0))
  (func (export "add") (result i32) i32.const 1 i32.const 2 i32.add))"""


def test_fuel(w: Any) -> None:
    guest = Guest(w, consume_fuel=True)
    store = guest.store
    assert store.get_fuel() == 0
    exports = guest.exports(LOOPS)
    with pytest.raises(w.Trap) as caught:
        exports["add"](store)
    assert caught.value.trap_code is w.TrapCode.OUT_OF_FUEL
    store.set_fuel(1000)
    assert exports["add"](store) == 3
    assert store.get_fuel() == 996
    with pytest.raises(w.Trap, match="all fuel consumed by WebAssembly\n") as caught:
        exports["loop"](store)
    assert store.get_fuel() == 0
    store.set_fuel(-1)
    assert store.get_fuel() == (1 << 64) - 1
    assert exports["add"](store) == 3
    assert store.get_fuel() == (1 << 64) - 5


def test_fuel_is_seen_and_set_by_host_functions(w: Any) -> None:
    guest = Guest(w, consume_fuel=True)
    store, seen = guest.store, []

    def look(amount: int) -> None:
        seen.append(store.get_fuel())
        store.set_fuel(amount)

    text = """(module (import "" "" (func $i (param i32)))
      (func $loop (loop br 0))
      (func (export "f") i32.const 50 call $i i32.const 500 call $i)
      (func (export "g") i32.const 5000 call $i call $loop))"""
    exports = guest.exports(text, guest.func("i32", "", look))
    store.set_fuel(100)
    exports["f"](store)
    # a block is charged for when it is entered; wasmtime adds up at calls what came before them
    assert 90 < seen[0] < 100
    assert 45 < seen[1] <= 50
    assert 495 < store.get_fuel() <= 500
    with pytest.raises(w.Trap) as caught:
        exports["g"](store)
    assert "all fuel consumed by WebAssembly\n" in str(caught.value)
    assert store.get_fuel() == 0


def test_without_fuel(guest: Guest) -> None:
    for use in (guest.store.get_fuel, lambda: guest.store.set_fuel(5)):
        with pytest.raises(guest.w.WasmtimeError, match=r"^fuel is not configured in this store$"):
            use()


def test_epochs(w: Any) -> None:
    guest = Guest(w, epoch_interruption=True)
    store, exports = guest.store, guest.exports(LOOPS)
    with pytest.raises(w.Trap, match="wasm trap: interrupt") as caught:
        exports["add"](store)
    assert caught.value.trap_code is w.TrapCode.INTERRUPT
    store.set_epoch_deadline(1)
    assert exports["add"](store) == 3
    guest.engine.increment_epoch()
    with pytest.raises(w.Trap, match="interrupt"):
        exports["add"](store)
    store.set_epoch_deadline(1)
    timer = threading.Timer(0.05, guest.engine.increment_epoch)
    timer.start()
    with pytest.raises(w.Trap, match="interrupt"):
        exports["loop"](store)
    timer.join()


LIMITED = """(module (memory (export "m") 1) (table (export "t") 1 funcref)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "more") (param i32) (result i32) ref.null func local.get 0 table.grow))"""


def test_limits(guest: Guest) -> None:
    w, store = guest.w, guest.store
    store.set_limits(memory_size=2 * 65536)
    exports = guest.exports(LIMITED)
    assert [exports["grow"](store, 1), exports["grow"](store, 1)] == [1, -1]
    with pytest.raises(w.WasmtimeError, match="failed to grow memory by `1`"):
        exports["m"].grow(store, 1)
    assert exports["more"](store, 9) == 1
    store.set_limits(table_elements=10)
    assert exports["more"](store, 1) == -1
    assert exports["grow"](store, 1) == 2


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("memory_size", 1000, "memory minimum size of 1 pages exceeds memory limits"),
        ("table_elements", 0, "table minimum size of 1 elements exceeds table limits"),
        ("instances", 0, "resource limit exceeded: instance count too high at 1"),
        ("tables", 0, "resource limit exceeded: table count too high at 1"),
        ("memories", 0, "resource limit exceeded: memory count too high at 1"),
    ],
)
def test_limits_of_what_there_may_be(guest: Guest, name: str, most: int, words: str) -> None:
    guest.store.set_limits(**{name: most})
    with pytest.raises(guest.w.WasmtimeError, match=f"^{words}$"):
        guest.instance(LIMITED)


# -- WASI

WRITES = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $a (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $mkdir (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00hi\\0a")
  (func (export "exit") (param i32) local.get 0 call $exit)
  (func (export "write") (result i32)
    i32.const 1 i32.const 0 i32.const 1 i32.const 100 call $w)
  (func (export "args") (result i32)
    i32.const 100 i32.const 104 call $a drop i32.const 100 i32.load)
  (func (export "mkdir") (result i32) i32.const 3 i32.const 8 i32.const 2 call $mkdir))"""


def wasi_guest(guest: Guest, config: Any) -> Callable[..., Any]:
    linker = guest.w.Linker(guest.engine)
    linker.define_wasi()
    guest.store.set_wasi(config)
    module = guest.w.Module(guest.engine, WRITES)
    exports = linker.instantiate(guest.store, module).exports(guest.store)
    return lambda name, *args: exports[name](guest.store, *args)


@pytest.mark.parametrize("code", [0, 1, 125])
def test_exits(guest: Guest, code: int) -> None:
    with pytest.raises(guest.w.ExitTrap, match=f"Exited with i32 exit status {code}") as caught:
        wasi_guest(guest, guest.w.WasiConfig())("exit", code)
    assert caught.value.code == code


@pytest.mark.parametrize("code", [126, 255, -1])
def test_exits_that_are_none(guest: Guest, code: int) -> None:
    with pytest.raises(
        guest.w.WasmtimeError, match=r"invalid exit status outside of \[0..126\)"
    ) as caught:
        wasi_guest(guest, guest.w.WasiConfig())("exit", code)
    assert not isinstance(caught.value, guest.w.ExitTrap)


def test_output_and_arguments(guest: Guest, tmp_path: Path) -> None:
    config = guest.w.WasiConfig()
    config.argv = ["a", "b", "c"]
    config.env = [("A", "1")]
    config.stdout_file = str(tmp_path / "out")
    call = wasi_guest(guest, config)
    assert (call("write"), call("args")) == (0, 3)
    assert (tmp_path / "out").read_bytes() == b"hi\n"
    with pytest.raises(ValueError, match="already closed"):
        guest.store.set_wasi(config)


@pytest.mark.parametrize(("given", "errno"), [(None, 0), (3, 0), (1, 0), (-1, 63)])
def test_output_to_a_callback(guest: Guest, given: Any, errno: int) -> None:
    seen: list[bytes] = []

    def take(data: bytes) -> Any:
        seen.append(data)
        return given

    config = guest.w.WasiConfig()
    config.stdout_custom = take
    assert wasi_guest(guest, config)("write") == errno
    assert b"".join(seen)[:3] == b"hi\n"


@pytest.mark.parametrize(("mutable", "errno"), [(True, 0), (False, None)])
def test_directories(guest: Guest, tmp_path: Path, mutable: bool, errno: int | None) -> None:
    config = guest.w.WasiConfig()
    config.preopen_dir(str(tmp_path), "/", mutable)
    found = wasi_guest(guest, config)("mkdir")
    assert found == errno or (errno is None and found > 0)
    assert (tmp_path / "hi").exists() is mutable
    with pytest.raises(guest.w.WasmtimeError, match="failed to add preopen dir"):
        guest.w.WasiConfig().preopen_dir(str(tmp_path / "nothing"), "/")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("argv", 5, TypeError),
        ("argv", [5], AttributeError),
        ("env", [5], TypeError),
        ("env", [("a", 5)], AttributeError),
        ("stdin_file", 5, AttributeError),
    ],
)
def test_wasi_settings_of_another_kind(w: Any, name: str, value: Any, error: type) -> None:
    with pytest.raises(error):
        setattr(w.WasiConfig(), name, value)


@pytest.mark.parametrize("name", ["stdin_file", "stdout_file", "stderr_file"])
def test_files_that_cannot_be_opened(w: Any, name: str) -> None:
    with pytest.raises(w.WasmtimeError, match=f"failed to set {name.split('_')[0]} file"):
        setattr(w.WasiConfig(), name, "/nowhere/at/all")


def test_wasi_is_defined_once(guest: Guest) -> None:
    linker = guest.w.Linker(guest.engine)
    linker.define_wasi()
    with pytest.raises(guest.w.WasmtimeError, match=r"`wasi_snapshot_preview1::\w+` defined twice"):
        linker.define_wasi()


# -- exceptions


def test_exceptions_of_guests(w: Any) -> None:
    guest = Guest(w, wasm_exceptions=True)
    store = guest.store
    kind = w.TagType(guest.type("i32"))
    tag = w.Tag(store, kind)
    assert str(tag.type(store).functype.params) == "[i32]"
    assert (tag.eq(store, tag), tag.eq(store, w.Tag(store, kind))) == (True, False)
    text = """(module (import "" "t" (tag $t (param i32))) (export "t" (tag $t))
      (func (export "throw") i32.const 5 throw $t)
      (func (export "catch") (result i32)
        (block $h (result i32) (try_table (catch $t $h) i32.const 7 throw $t) unreachable)))"""
    module = w.Module(guest.engine, text)
    assert isinstance(module.imports[0].type, w.TagType)
    assert str(module.exports[0].type.functype.params) == "[i32]"
    exports = guest.exports(text, tag)
    assert exports["t"].eq(store, tag)
    assert exports["catch"](store) == 7
    with pytest.raises(w.Trap) as caught:
        exports["throw"](store)
    assert str(caught.value).endswith("Caused by:\n    thrown Wasm exception\n")
    assert caught.value.trap_code is None
    for make in (lambda: w.TagType(5), lambda: w.Tag(store, 5)):
        with pytest.raises(TypeError, match="expected a"):
            make()
