"""``pywasmgk.inspect`` reads what there is, also of what the engine refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from processor import least_seconds
from wasm_builder import module, name, rich_module

import pywasmgk
from pywasmgk import Inspection, inspect
from pywasmgk.wasm.inspection.origins import origin_of

COMPONENTS = Path(__file__).parents[1] / "components"
HEAD = b"\0asm\1\0\0\0"
COMPONENT = b"\0asm\x0d\0\1\0"


def section(number: int, content: bytes) -> bytes:
    return bytes([number, len(content)]) + content


def one(number: int, content: bytes) -> Inspection:
    """An inspection of a module of one section with one item."""
    return inspect(HEAD + section(number, b"\1" + content))


def test_a_module_is_as_the_engine_reads_it() -> None:
    data = rich_module()
    found, loaded = inspect(data, name="rich"), pywasmgk.Module(data)
    assert (found.name, found.size, found.kind, found.complete) == (
        "rich",
        len(data),
        "module",
        True,
    )
    assert [(i.module, i.name, i.kind, i.type) for i in found.imports] == [
        (i.module, i.name, i.kind, str(i.type)) for i in loaded.imports
    ]
    assert [tuple(i[:3]) for i in found.exports] == [
        (i.name, i.kind, str(i.type)) for i in loaded.exports
    ]
    assert found.functions == [str(kind) for kind in loaded.functions]
    assert found.tables == [str(kind) for kind in loaded.tables]
    assert found.memories == [str(kind) for kind in loaded.memories]
    assert found.globals == [str(kind) for kind in loaded.globals]
    assert (found.declared, found.bodies) == (2, 2)
    assert (found.start, found.data_count) == (loaded.start, loaded.data_count)


@pytest.mark.parametrize(
    ("number", "content", "words", "feature"),
    [
        (1, b"\x5f\2\x7f\1\x78\0", ["struct (mut i32, i8)"], "garbage collection"),
        (1, b"\x5e\x63\x6e\1", ["array mut (ref null any)"], "function references"),
        (1, b"\x50\0\x5f\0", ["sub struct ()"], "garbage collection"),
        (1, b"\x4e\2\x5f\0\x5e\x77\0", ["struct ()", "array i16"], "garbage collection"),
        (1, b"\x60\1\x64\0\0", ["((ref 0)) -> ()"], "function references"),
        (1, b"\x60\0\1\x69", ["() -> exnref"], "exception handling"),
        (1, b"\x5d\0", ["cont 0"], "stack switching"),
        (5, b"\3\1\2", ["memory 1..2 shared"], "threads"),
        (5, b"\5\1\x80\x80\x80\x80\x40", ["memory 1..17179869184 i64"], "memory64"),
        (5, b"\x08\1\0", ["memory 1.. pages of 2**0"], "custom page sizes"),
        (4, b"\x63\x6e\0\5", ["table 5.. (ref null any)"], "function references"),
        (13, b"\0\0", ["tag type 0"], "exception handling"),
    ],
)
def test_proposals_are_shown_and_named(
    number: int, content: bytes, words: list[str], feature: str
) -> None:
    found = one(number, content)
    spaces = {1: found.types, 4: found.tables, 5: found.memories, 13: found.tags}
    assert spaces[number] == words
    assert feature in found.features
    assert found.problems == []


def test_where_reading_stops() -> None:
    data = HEAD + section(1, b"\2\x60\0\0\x11") + section(3, b"\1\0")
    found = inspect(data)
    assert found.types == ["() -> ()"]
    assert found.functions == ["() -> ()"]
    (problem, *_) = found.problems
    assert (problem.where, problem.offset) == ("type", 14)
    assert problem.message == "malformed type: form 0x11"
    found = inspect(HEAD + b"\1\x20\0")
    assert found.problems[0].message == "unexpected end: 32 bytes wanted, 1 left"
    assert inspect(HEAD + section(1, b"\xff\xff\xff\xff\x0f")).problems[0].message == (
        "4294967295 items in 0 bytes"
    )
    assert inspect(HEAD + section(3, b"\1\0")).problems[0].message == "1 functions and 0 bodies"
    assert inspect(HEAD + section(77, b"")).sections[0].name == "section 77"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "magic header not detected"),
        (b"\0asm", "unknown binary version"),
        (b"\0asm\2\0\0\0", "unknown binary version"),
    ],
)
def test_what_is_no_module(data: bytes, message: str) -> None:
    found = inspect(data)
    assert (found.kind, found.complete) == ("unknown", False)
    assert found.problems[0].message == message
    with pytest.raises(TypeError, match="expected the bytes of a file, found str"):
        inspect("(module)")  # type: ignore[arg-type]


def test_producers_and_target_features() -> None:
    pair = name("clang") + name("17")
    data = module(
        customs=[
            ("producers", b"\1" + name("processed-by") + b"\1" + pair),
            ("target_features", b"\2+" + name("simd128") + b"-" + name("atomics")),
        ]
    )
    found = inspect(data)
    assert found.producers == {"processed-by": [("clang", "17")]}
    assert found.target_features == ["+simd128", "-atomics"]


@pytest.mark.parametrize(
    ("module_", "name_", "origin"),
    [
        ("wasi_snapshot_preview1", "fd_write", "WASI preview 1"),
        ("wasi:cli/stdout@0.2.0", "", "WASI preview 2"),
        ("wasi", "thread-spawn", "WASI threads"),
        ("./thing_bg.js", "x", "wasm-bindgen"),
        ("env", "__wbindgen_throw", "wasm-bindgen"),
        ("env", "emscripten_memcpy_js", "Emscripten"),
        ("env", "__memory_base", "dynamic linking"),
        ("gojs", "runtime.wasmExit", "Go for JavaScript"),
        ("gk", "host_call", "GoatKit"),
        ("gkx", "host_call", None),
        ("env", "now", None),
        ("env" * 100, "abort", None),
    ],
)
def test_origins(module_: str, name_: str, origin: str | None) -> None:
    assert origin_of(module_, name_) == origin


def test_large_modules_take_no_time() -> None:
    """15 MB of code that is none."""
    size = 15_000_000
    leb = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21])
    data = HEAD + b"\x0a" + leb + b"\1" + bytes(size - 1)
    assert least_seconds(lambda: inspect(data), enough=0.5) < 0.5
    assert inspect(data).bodies == 1


# -- components


def test_a_component() -> None:
    found = inspect((COMPONENTS / "plotter.wasm").read_bytes())
    assert (found.kind, found.problems, found.components) == ("component", [], 1)
    geometry, log = found.imports
    assert (geometry.kind, geometry.name) == ("instance", "demo:shapes/geometry@0.1.0")
    assert geometry.members == (
        "point: record {x: f64, y: f64}",
        "shape: variant {dot, circle(f64), path(list<point>)}",
        "area: func(s: shape) -> f64",
    )
    assert (log.kind, log.name, log.type) == ("func", "log", "func(text: string)")
    run, tools = found.exports
    assert run.type == "func(args: list<string>) -> result<_, string>"
    assert tools.members[-1] == "flip: func(p: point) -> tuple<f64, f64>"
    assert found.producers == {"processed-by": [("wit-component", "0.262.0")]}


def test_modules_inside_of_components() -> None:
    data = (COMPONENTS / "nested.wasm").read_bytes()
    found = inspect(data)
    assert [nested.depth for nested in found.modules] == [1, 2]
    for nested, export, result in zip(found.modules, "fg", (7, 9)):
        core = data[nested.offset : nested.offset + nested.size]
        instance = pywasmgk.instantiate(core)
        assert instance.exports[export]() == result


def test_types_within_types_are_bounded() -> None:
    deep = b"\x42\1\1" * 60
    found = inspect(COMPONENT + bytes([7, 2 + len(deep) | 0x80, 1, 1]) + deep + b"\x7f")
    assert found.problems[0].message == "more than 50 types within each other"


def test_components_within_components_are_bounded() -> None:
    data = COMPONENT
    for _ in range(300):
        size = len(data)
        data = (
            COMPONENT + bytes([4, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + data
        )
    found = inspect(data)
    assert found.kind == "component"
    assert found.components == 100


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_nothing_is_refused(data: st.DataObject) -> None:
    """Whatever is changed, cut or made up."""
    choice = data.draw(st.integers(0, 3))
    if choice == 0:
        content = data.draw(st.sampled_from([HEAD, COMPONENT])) + data.draw(st.binary(max_size=200))
    else:
        files = [rich_module(), *(p.read_bytes() for p in sorted(COMPONENTS.glob("*.wasm")))]
        changed = bytearray(data.draw(st.sampled_from(files)))
        for _ in range(choice):
            changed[data.draw(st.integers(8, len(changed) - 1))] = data.draw(st.integers(0, 255))
        content = bytes(changed[: data.draw(st.integers(8, len(changed)))])
    found = inspect(content)
    assert found.size == len(content)
    for nested in found.modules:
        assert nested.offset + nested.size <= len(content)
