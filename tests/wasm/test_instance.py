"""Calls, values and objects at the Python surface."""

from __future__ import annotations

import functools
import math
import pickle
import struct

import pytest
from wasm_builder import body, code, function, functype, limits, module, name, vector

from pywasmgk.errors import HostError, LinkError, NoMemory, Trap, TrapCode
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.runtime.functions import Caller, Func
from pywasmgk.wasm.runtime.globals import Global
from pywasmgk.wasm.runtime.instance import instantiate
from pywasmgk.wasm.runtime.linker import Linker
from pywasmgk.wasm.runtime.memory import Memory
from pywasmgk.wasm.runtime.table import Table
from pywasmgk.wasm.runtime.values import u32
from pywasmgk.wasm.types import FuncType, GlobalType, ValType

I32, I64, F32 = ValType.I32, ValType.I64, ValType.F32


def importing(kind: bytes, *, params: str = "", results: str = "", **parts: object) -> bytes:
    """A module that imports ``env.it`` and calls it from its export ``f``."""
    gets = [f"local.get {n}" for n in range(len(params.split()))]
    return function(
        params,
        results,
        *gets,
        "call 0",
        imports=[name("env") + name("it") + kind],
        exports=[("f", 0, 1)],
        **parts,
    )


# -- exports and calls


def test_exports_by_attribute_and_by_name() -> None:
    instance = instantiate(
        module(
            types=[functype("", "i32")],
            functions=[0, 0],
            exports=[("keys", 0, 0), ("a b", 0, 1)],
            bodies=[body("", "i32.const 1"), body("", "i32.const 2")],
        )
    )
    assert instance.exports.keys() == 1
    assert instance.exports["a b"]() == 2
    assert list(instance.exports) == ["keys", "a b"]
    assert len(instance.exports) == 2
    with pytest.raises(AttributeError, match="no export is named 'kezs'; did you mean 'keys'"):
        _ = instance.exports.kezs
    with pytest.raises(KeyError, match="no export is named"):
        instance.exports["nothing"]
    assert instance.exports.keys is instance.exports["keys"]


def test_values_in_and_out() -> None:
    def identity(kind: str) -> Func:
        func = instantiate(function(kind, kind, "local.get 0")).exports.f
        assert isinstance(func, Func)
        return func

    assert identity("i32")(0xFFFFFFFF) == -1
    assert identity("i32")(-(2**31)) == -(2**31)
    assert identity("i32")(True) == 1
    assert identity("i64")(2**63) == -(2**63)
    assert identity("f64")(1) == 1.0
    assert identity("f32")(0.1) == struct.unpack("<f", struct.pack("<f", 0.1))[0]
    assert identity("f32")(1e39) == math.inf
    marker = object()
    assert identity("externref")(marker) is marker
    for kind, value in (("i32", 2**32), ("i32", -(2**31) - 1), ("i64", 2**64)):
        with pytest.raises(OverflowError, match="does not fit"):
            identity(kind)(value)
    for kind, value in (("i32", 1.0), ("f32", "x"), ("i64", None), ("funcref", 3)):
        with pytest.raises(TypeError, match="expected"):
            identity(kind)(value)
    with pytest.raises(TypeError, match="takes 1 arguments, 2 were given"):
        identity("i32")(1, 2)


def test_nan_payloads_survive() -> None:
    for kind, bits in (("f32", 0x7FA00001), ("f64", 0x7FF4000000000001), ("f32", 0xFF800001)):
        func = instantiate(function(kind, kind, "local.get 0")).exports.f
        assert func.call_bits(bits) == (bits,)
    lines = ("i32.const 0", "local.get 0", "f32.store 2+4", "i32.const 0", "f32.load 2+4")
    func = instantiate(function("f32", "f32", *lines, memories=[limits(1)])).exports.f
    assert func.call_bits(0x7FA00001) == (0x7FA00001,)


def test_several_results_are_a_tuple() -> None:
    func = instantiate(function("i32", "i32 i64", "local.get 0", "i64.const -1")).exports.f
    assert func(7) == (7, -1)
    assert func.type.params == (I32,)
    assert [str(kind) for kind in func.type.results] == ["i32", "i64"]


def test_reprs_teach() -> None:
    instance = instantiate(Module(function("i64", "i64", "local.get 0"), name="id.wasm"))
    assert repr(instance.exports.f) == "<Func $f (i64) -> i64 at 0x1f in id.wasm>"
    assert repr(instance) == "<Instance of id.wasm>"


def test_modules_pickle() -> None:
    original = Module(function("", "i32", "i32.const 3"), name="three")
    copy = pickle.loads(pickle.dumps(original))
    assert (copy.name, copy.data) == ("three", original.data)
    assert instantiate(copy).exports.f() == 3


def test_an_instance_without_a_memory_says_so() -> None:
    empty = instantiate(Module("(module)", name="empty.wasm"))
    with pytest.raises(NoMemory, match=r"module empty\.wasm has no memory") as caught:
        empty.memory  # noqa: B018
    assert isinstance(caught.value, AttributeError)
    assert not hasattr(empty, "memory") and empty.first_memory is None


def test_bytes_of_a_memory_by_index_and_slice() -> None:
    memory = Memory(1)
    memory.write(16, b"hello")
    assert memory[16:21] == b"hello" and bytes(memory[16:21]) == b"hello"  # type: ignore[arg-type]
    assert memory[17] == ord("e") and memory[:2] == bytes(2) and memory[65530:] == bytes(6)
    assert memory[9:9] == memory[9:5] == b""
    for outside in (65536, -1, slice(0, 65537), slice(-4, 2)):
        with pytest.raises(IndexError, match="outside the memory"):
            memory[outside]
    with pytest.raises(ValueError, match="no step"):
        memory[0:9:3]


def test_a_memory_over_the_limit_names_the_option() -> None:
    text = "(module (memory 300))"
    with pytest.raises(LinkError, match=r"min 300 pages \(18 Mi\) over limit of 256 ") as caught:
        instantiate(text)
    assert getattr(caught.value, "__notes__", None) == ["memory_limit=300 lets it in"]
    instantiate(text, memory_limit=300)


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_arithmetic_keeps_the_payload_of_a_nan(engine: str) -> None:
    """Also of a signalling one, which becomes quiet; that of operations on vectors is the same."""
    unary = ("sqrt", "ceil", "floor", "trunc", "nearest")
    binary = ("add", "sub", "mul", "div", "min", "max")
    parts = []
    for width, lanes in ((32, 4), (64, 2)):
        for operation in unary + binary:
            more = "" if operation in unary else f"(f{width}.const 0)"
            vector = "" if operation in unary else f"(v128.const f{width}x{lanes}{' 0' * lanes})"
            given = f"(f{width}.reinterpret_i{width} (local.get 0))"
            parts.append(
                f"""(func (export "{width} {operation}") (param i{width}) (result i{width} i{width})
                  (i{width}.reinterpret_f{width} (f{width}.{operation} {given} {more}))
                  (i{width}x{lanes}.extract_lane 1 (f{width}x{lanes}.{operation}
                    (f{width}x{lanes}.splat {given}) {vector})))"""
            )
    exports = instantiate(f"(module {' '.join(parts)})", engine=engine).exports
    for width, quiet, payloads in (
        (32, 0x7FC00000, (0x7FC12345, 0x7F812345, 0xFFC00001 - (1 << 32))),
        (64, 0x7FF8 << 48, (0x7FFB6A0000001234, 0x7FF36A0000001234)),
    ):
        for operation in unary + binary:
            for bits in payloads:
                assert exports[f"{width} {operation}"](bits) == (bits | quiet,) * 2, operation


# -- host functions


def test_host_functions_get_signed_or_unsigned() -> None:
    seen: list[int] = []

    def signed(a, b):  # type: ignore[no-untyped-def]
        seen.extend((a, b))

    def unsigned(a: u32, b: "u32") -> None:  # noqa: UP037
        seen.extend((a, b))

    data = importing(b"\0\0", params="i32 i32")
    for host in (signed, unsigned):
        instantiate(data, {"env": {"it": host}}).exports.f(-1, 2)
    assert seen == [-1, 2, 0xFFFFFFFF, 2]


def test_annotations_are_found_through_wrappers() -> None:
    def plain(a: u32, b: int) -> None:
        seen.append((a, b))

    def more(z: int, a: u32, b: int) -> None:
        seen.append((a, b))

    @functools.wraps(plain)
    def wrapped(*args: int) -> None:
        plain(*args)

    class Host:
        def __call__(self, a: u32, b: int) -> None:
            seen.append((a, b))

        def asked(self, caller: Caller, a: u32, b: int) -> None:
            seen.append((a, b))

    seen: list[tuple[int, int]] = []
    data = importing(b"\0\0", params="i32 i32")
    host = Host()
    asked = Func(FuncType((ValType.I32, ValType.I32)), host.asked, access_caller=True)
    for found in (
        *(plain, wrapped, functools.lru_cache(plain), functools.partial(more, 0), host, asked),
        functools.partial(functools.lru_cache(wrapped)),
    ):
        instantiate(data, {"env": {"it": found}}).exports.f(-1, -2)
        assert seen[-1] == (0xFFFFFFFF, -2), found
    # what has no annotations that anybody can find
    instantiate(data, {"env": {"it": lambda *args: seen.append(args)}}).exports.f(-1, -2)
    assert seen[-1] == (-1, -2)
    instantiate(data, {"env": {"it": print}})


@pytest.mark.parametrize(
    ("results", "value", "message"),
    [
        ("i32", "x", "expected an int for i32, found str"),
        ("i32", None, "expected an int for i32"),
        ("i32", 2**32, "does not fit i32"),
        ("", 5, "0 results"),
        ("i32 i32", (1,), "2 results"),
    ],
)
def test_a_bad_result_names_the_import(results: str, value: object, message: str) -> None:
    with pytest.raises(HostError, match=message) as caught:
        instantiate(importing(b"\0\0", results=results), {"env": {"it": lambda: value}}).exports.f()
    assert "env.it" in str(caught.value)


def test_a_caller_shows_memory_and_meter() -> None:
    def peek(caller: Caller, ptr: u32) -> int:
        assert caller.memory is not None
        assert caller.meter.fuel_used > 0
        return caller.memory.read_u32(ptr)

    data = importing(b"\0\0", params="i32", results="i32", memories=[limits(1)])
    func = Func(FuncType((I32,), (I32,)), peek, access_caller=True)
    instance = instantiate(data, {"env": {"it": func}})
    assert instance.memory is not None
    instance.memory.write_u32(8, 99)
    assert instance.exports.f(8) == 99


@pytest.mark.parametrize(
    "error",
    [
        *(IndexError, KeyError, ZeroDivisionError, ValueError, OverflowError, TypeError),
        *(struct.error, RecursionError, MemoryError, StopIteration, KeyboardInterrupt),
    ],
)
def test_a_hosts_exception_arrives_unchanged(error: type[BaseException]) -> None:
    thrown = error("mine")

    def host() -> None:
        raise thrown

    instance = instantiate(importing(b"\0\0"), {"env": {"it": host}})
    with pytest.raises(error) as caught:
        instance.exports.f()
    assert caught.value is thrown
    assert any("wasm frame: $f" in note for note in caught.value.__notes__)
    assert not instance.dead
    with pytest.raises(error):
        instance.exports.f()


def test_a_builtin_as_host_function() -> None:
    empty: list[int] = []
    instance = instantiate(importing(b"\0\0", results="i32"), {"env": {"it": empty.pop}})
    with pytest.raises(IndexError, match="pop from empty list"):
        instance.exports.f()
    empty.append(4)
    assert instance.exports.f() == 4


# -- memory, tables, globals


def test_memory() -> None:
    memory = Memory(1, 3)
    memory.write(65530, b"abcdef")
    assert memory.read(65530, 6) == b"abcdef"
    for ptr, size in ((65531, 6), (-1, 1), (0, -1), (1 << 40, 1)):
        with pytest.raises(IndexError, match="outside the memory of 65536 bytes"):
            memory.read(ptr, size)
    with pytest.raises(IndexError, match="mask with & 0xFFFFFFFF"):
        memory.write(-4, b"x")
    with pytest.raises(IndexError):
        memory.write(65536, b"x")
    memory.write(65536, b"")
    for kind, value in (("u8", 255), ("u16", 65535), ("u64", 2**64 - 1), ("i32", -5), ("f64", 0.1)):
        getattr(memory, f"write_{kind}")(16, value)
        assert getattr(memory, f"read_{kind}")(16) == value
    with pytest.raises(OverflowError, match="300 is no u8"):
        memory.write_u8(0, 300)


def test_memory_grows_in_place_unless_somebody_looks() -> None:
    memory = Memory(1, 5)
    before = memory.data
    assert memory.grow(1) == 1
    assert memory.data is before
    view = memory.view()
    assert memory.grow(2) == 2
    assert memory.data is not before
    assert (len(view), memory.pages) == (2 * 65536, 4)
    assert memory.grow(2) == -1
    assert memory.grow(0) == 4
    with pytest.raises(ValueError, match="cannot shrink"):
        memory.grow(-1)


def test_memory_limits() -> None:
    assert Memory(1, 100, limit=4).grow(4) == -1
    for arguments in ((2, 1), (-1,), (65537,), (1, 70000)):
        with pytest.raises(ValueError, match="memory limits"):
            Memory(*arguments)
    with pytest.raises(LinkError, match=r"min 257 pages .* over limit of 256 pages"):
        instantiate(module(memories=[limits(257)]))
    instantiate(module(memories=[limits(257)]), memory_limit=257)
    lowered = instantiate(module(memories=[limits(1, 1000)]), memory_limit=2).memory
    assert lowered is not None
    assert (lowered.grow(1), lowered.grow(1)) == (1, -1)
    for limit in (-1, 65537):
        with pytest.raises(ValueError, match="memory limit"):
            instantiate(module(), memory_limit=limit)


def test_table_limits_count_all_tables_together() -> None:
    with pytest.raises(LinkError, match="7 elements over limit of 6") as caught:
        instantiate(module(tables=[b"\x70" + limits(3), b"\x6f" + limits(4)]), table_limit=6)
    assert getattr(caught.value, "__notes__", None) == ["table_limit=7 lets them in"]
    instance = instantiate(
        module(
            tables=[b"\x70" + limits(3), b"\x6f" + limits(4)],
            exports=[("a", 1, 0), ("b", 1, 1)],
        ),
        table_limit=10,
    )
    table_a, table_b = instance.exports.a, instance.exports.b
    assert (table_a.grow(2), table_b.grow(2), table_b.grow(1)) == (3, -1, 4)
    assert (table_a.size, table_b.size) == (5, 5)
    with pytest.raises(LinkError):
        instantiate(module(tables=[b"\x70" + limits(2**32 - 1)]))


def test_tables() -> None:
    table = Table(ValType.EXTERNREF, 2, 3)
    table.set(1, "x")
    assert (table.get(0), table.get(1), len(table)) == (None, "x", 2)
    for index in (2, -1):
        with pytest.raises(IndexError, match="outside the table of 2"):
            table.get(index)
    assert (table.grow(1, "y"), table.grow(1), table.get(2)) == (2, -1, "y")
    with pytest.raises(TypeError, match="funcref takes Func"):
        Table(ValType.FUNCREF, 1).set(0, "x")
    with pytest.raises(TypeError, match="holds references"):
        Table(I32, 1)


def test_globals() -> None:
    cell = Global(I32, -1, True)
    assert (cell.value, cell.raw) == (-1, 0xFFFFFFFF)
    cell.value = 5
    assert cell.value == 5
    with pytest.raises(TypeError, match="immutable"):
        Global(I64, 1).value = 2
    with pytest.raises(OverflowError):
        cell.value = 2**32


def test_shared_objects_are_the_same() -> None:
    memory, cell, table = Memory(1), Global(I32, 3, True), Table(ValType.FUNCREF, 1)
    lines = ("i32.const 0", "global.get 0", "i32.store 2+0", "i32.const 0", "ref.func 0")
    data = function(
        "",
        "",
        *lines,
        "table.set 0",
        imports=[
            name("e") + name("m") + b"\2" + limits(1),
            name("e") + name("g") + b"\3\x7f\1",
            name("e") + name("t") + b"\1\x70" + limits(1),
        ],
    )
    instance = instantiate(data, {"e": {"m": memory, "g": cell, "t": table}})
    instance.exports.f()
    assert memory.read_u32(0) == 3
    assert table.get(0) is instance.exports.f


# -- linking


def test_all_missing_imports_at_once() -> None:
    imports = [
        name("env") + name("abort") + b"\0\0",
        name("wasi_snapshot_preview1") + name("fd_write") + b"\0\0",
        name("env") + name("emscripten_resize_heap") + b"\0\0",
        name("env") + name("f") + b"\0\0",
        name("env") + name("m") + b"\2" + limits(2),
        name("./x_bg.js") + name("__wbindgen_throw") + b"\0\0",
        name("gk") + name("host_call") + b"\0\0",
    ]
    given = {"env": {"f": Func(FuncType((I32,)), print), "m": Memory(1)}}
    with pytest.raises(LinkError) as caught:
        instantiate(module(types=[functype()], imports=imports), given)
    error = caught.value
    assert [(item.module, item.name) for item in error.missing][1] == (
        "wasi_snapshot_preview1",
        "fd_write",
    )
    assert len(error.missing) == 7
    for part in (
        *("AssemblyScript", "WasiConfig", "STANDALONE_WASM", "wasm-bindgen", "pywasmgk.load"),
        *("wanted () -> (), found (i32) -> ()", "wanted memory 2.., found memory 1.."),
    ):
        assert part in str(error)


def test_a_near_miss_is_named() -> None:
    with pytest.raises(LinkError, match="there is 'its'"):
        instantiate(importing(b"\0\0"), {"env": {"its": print}})


def test_wrong_things_as_imports() -> None:
    with pytest.raises(TypeError, match="mapping"):
        instantiate(importing(b"\0\0"), {"env": 5})
    with pytest.raises(TypeError, match="expected a func, found int"):
        instantiate(importing(b"\0\0"), {"env": {"it": 5}})


def test_numbers_as_immutable_globals() -> None:
    data = module(
        imports=[name("e") + name("g") + b"\3\x7f\0"],
        globals_=[b"\x7f\0" + code("global.get 0")],
        exports=[("g", 3, 1)],
    )
    assert instantiate(data, {"e": {"g": 5}}).exports.g.value == 5


def test_instances_as_imports_and_linker() -> None:
    first = instantiate(function("", "i32", "i32.const 6", exports=[("it", 0, 0)]))
    data = importing(b"\0\0", results="i32")
    assert instantiate(data, {"env": first}).exports.f() == 6
    assert instantiate(data, {"env": first.exports}).exports.f() == 6
    assert Linker().define_instance("env", first).instantiate(data).exports.f() == 6
    linker = Linker().define_func("env", "it", FuncType((), (I32,)), lambda: 8)
    assert linker.instantiate(data).exports.f() == 8
    assert Linker().define("env", "it", lambda: 9).instantiate(data).exports.f() == 9


# -- instantiation


def test_segments_that_do_not_fit_trap_and_stay() -> None:
    memory = Memory(1)
    data = module(
        imports=[name("e") + name("m") + b"\2" + limits(1)],
        datas=[
            b"\0" + code("i32.const 0") + name("hi"),
            b"\0" + code("i32.const 65536") + name("x"),
        ],
    )
    with pytest.raises(
        Trap, match="out of bounds memory access: a segment of 1 at 65536"
    ) as caught:
        instantiate(data, {"e": {"m": memory}})
    assert caught.value.trap_code is TrapCode.MEMORY_OUT_OF_BOUNDS
    assert memory.read(0, 2) == b"hi"


def test_start_function_runs_and_its_trap_has_frames() -> None:
    data = function("", "", "unreachable", start=0)
    with pytest.raises(Trap, match="unreachable") as caught:
        instantiate(Module(data, name="bad.wasm"))
    (frame,) = caught.value.frames
    assert str(frame) == "$f at 0x21 in bad.wasm"
    instance = instantiate(function("", "", "nop", start=0))
    assert instance.fuel_used == 0


def test_engine_names() -> None:
    with pytest.raises(ValueError, match="engine must be"):
        instantiate(module(), engine="fast")


def test_traps_name_every_frame() -> None:
    data = module(
        types=[functype("i32", "i32")],
        functions=[0, 0],
        exports=[("outer", 0, 1)],
        bodies=[
            body("", "i32.const 1", "local.get 0", "i32.div_u"),
            body("", "nop", "local.get 0", "call 0"),
        ],
        customs=[("name", b"\1\6\1\0\3div")],
    )
    with pytest.raises(Trap) as caught:
        instantiate(data).exports.outer(0)
    assert caught.value.trap_code is TrapCode.INTEGER_DIVISION_BY_ZERO
    assert [frame.name for frame in caught.value.frames] == ["div", "outer"]
    first, second = caught.value.frames
    assert data[first.offset] == 0x6E
    assert data[second.offset] == 0x10
    assert str(caught.value).splitlines()[0] == "integer divide by zero"


def test_vectors_of_the_builder_are_counted() -> None:
    assert vector([b"a", b"b"]) == b"\2ab"
    assert GlobalType(F32).mutable is False
