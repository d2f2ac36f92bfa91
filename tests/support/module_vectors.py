"""Vectors of modules: what is accepted, and what instances are like once they are made.

``spec_vectors/modules.json`` has three parts. ``verdicts``: modules, and for each a line of
letters, one for every way of changing one byte or cutting the rest off: ``a`` accepted, ``r``
rejected. ``instances``: small modules with how their instantiation ends, and memory, globals and
tables after it. ``links``: a letter for every import of every external as everything else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from oracle import expose, open_session
from vectors import FOLDER
from wasm_builder import body, code, functype, limits, module, name, rich_module, vector

import pywasmgk

__all__ = [
    "PATH",
    "changes",
    "link_line",
    "links_here",
    "made_instance",
    "make_modules",
    "verdict_line",
]

PATH = FOLDER / "modules.json"
#: what a byte is changed to
VALUES = (0x00, 0x01, 0x0B, 0x40, 0x70, 0x7F, 0x80, 0xFF)


def changes(data: bytes) -> Iterator[bytes]:
    """Every way that is tried: cuts, then changed bytes behind the header."""
    for end in range(len(data)):
        yield data[:end]
    for position in range(8, len(data)):
        for value in VALUES:
            if data[position] != value:
                yield data[:position] + bytes([value]) + data[position + 1 :]


def verdict_line(data: bytes, accepts: Any) -> str:
    """The letters of a module."""
    return "".join("a" if accepts(changed) else "r" for changed in changes(data))


def wasmtime_accepts() -> Any:
    """Whether wasmtime takes a module, with the proposals of WebAssembly 2.0 and no others."""
    import wasmtime

    config = wasmtime.Config()
    config.wasm_memory64 = False
    config.wasm_multi_memory = False
    config.wasm_tail_call = False
    config.wasm_relaxed_simd = False
    config.wasm_threads = False
    config.wasm_exceptions = False
    config.wasm_gc = False
    config.wasm_function_references = False
    engine = wasmtime.Engine(config)

    def accepts(data: bytes) -> bool:
        try:
            wasmtime.Module.validate(engine, data)
        except wasmtime.WasmtimeError:
            return False
        return True

    return accepts


def bases() -> dict[str, bytes]:
    """The modules that are changed."""
    lines = [
        *("block i32", "local.get 0", "local.get 0", "br_if 0", "drop", "i32.const 1", "end"),
        *("if i32", "i32.const 2", "else", "unreachable", "end", "i64.const 3", "local.set 1"),
        *("i32.load8_u 0+5", "f64.const 1", "drop", "local.get 0", "br_table 0,0"),
    ]
    control = module(
        types=[functype("i32", "i32")],
        functions=[0],
        memories=[limits(1)],
        bodies=[body("i64 i32 i32", *lines)],
    )
    return {"sections": rich_module(), "control": control}


# -- instances


def _data(offset: int, content: bytes) -> bytes:
    return b"\0" + code(f"i32.const {offset}") + name(content)


def _element(offset: int, *functions: int) -> bytes:
    return b"\0" + code(f"i32.const {offset}") + vector(bytes([index]) for index in functions)


def instances() -> dict[str, bytes]:
    """Small modules without imports, whose making is of interest."""
    memory: dict[str, Any] = {"memories": [limits(1, 2)]}
    one: dict[str, Any] = {"types": [functype()], "functions": [0], "bodies": [body("")]}
    table: dict[str, Any] = {**one, "tables": [b"\x70" + limits(3)]}

    def start(*lines: str, **more: Any) -> bytes:
        return module(**{**memory, **one, "bodies": [body("", *lines)], "start": 0, **more})

    store = ("i32.const 4", "i32.const 7", "i32.store 2+0")
    return {
        "nothing": module(),
        "segments overlap": module(**memory, datas=[_data(0, b"abcdef"), _data(3, b"XYZ")]),
        "a segment ends with memory": module(**memory, datas=[_data(65533, b"abc")]),
        "a segment does not fit": module(**memory, datas=[_data(65534, b"abc")]),
        "an earlier segment stays": module(**memory, datas=[_data(1, b"x"), _data(-1, b"y")]),
        "an empty segment at the end": module(**memory, datas=[_data(65536, b"")]),
        "an empty segment behind the end": module(**memory, datas=[_data(65537, b"")]),
        "a segment in an empty memory": module(memories=[limits(0)], datas=[_data(0, b"x")]),
        "elements": module(**table, elements=[_element(0, 0, 0), _element(2, 0)]),
        "elements do not fit": module(**table, elements=[_element(2, 0, 0)]),
        "no elements at the end": module(**table, elements=[_element(3)]),
        "no elements behind the end": module(**table, elements=[_element(4)]),
        "elements before data": module(
            **table, **memory, elements=[_element(9, 0)], datas=[_data(0, b"x")]
        ),
        "start": start(*store),
        "start traps": start(*store, "unreachable", "i32.const 1", "drop"),
        "start sees segments": start(
            *("i32.const 8", "i32.const 0", "i32.load 2+0", "i32.store 2+0"),
            datas=[_data(0, b"seen")],
        ),
        "start grows": start("i32.const 1", "memory.grow", "drop", *store),
        "start divides by zero": start("i32.const 1", "i32.const 0", "i32.div_u", "drop"),
        "globals": module(
            globals_=[
                b"\x7f\1" + code("i32.const -1"),
                b"\x7e\0" + code("i64.const 5000000000"),
                b"\x7d\1" + code("f32.const 1.5"),
                b"\x7c\0" + code("f64.const -0.0"),
                b"\x70\1" + code("ref.null funcref"),
            ]
        ),
        "a passive segment": module(**memory, data_count=1, datas=[b"\1" + name(b"abc")]),
        "maximum": module(memories=[limits(2, 2)]),
    }


def made_instance(engine: str, data: bytes) -> dict[str, Any]:
    """How an instantiation ends, and what is there then."""
    session = open_session(engine, expose(data))
    outcome = session.started
    state = session.state() if outcome.kind == "values" else None
    return {
        "kind": outcome.kind,
        "detail": outcome.detail if outcome.kind == "trap" else None,
        "memories": [list(memory) for memory in state.memories] if state else [],
        "globals": [list(cell) for cell in state.globals] if state else [],
        "tables": [list(table) for table in state.tables] if state else [],
    }


# -- linking

_FUNCTIONS = [("", ""), ("i32", ""), ("i32", "i32"), ("i64", "i32")]
_LIMITS = [(0, None), (1, None), (2, None), (1, 1), (1, 3), (1, 4), (2, 3), (0, 0)]


def descriptions() -> list[bytes]:
    """What an import can say that it wants: kind and type."""
    wanted = [bytes([0, index]) for index in range(len(_FUNCTIONS))]
    for pair in _LIMITS:
        wanted += [b"\1\x70" + limits(*pair), b"\1\x6f" + limits(*pair), b"\2" + limits(*pair)]
    for kind in (0x7F, 0x7E, 0x7D, 0x7C, 0x7B, 0x70, 0x6F):
        wanted += [bytes([3, kind, 0]), bytes([3, kind, 1])]
    return wanted


def exporter() -> bytes:
    """A module that exports ``e0 e1 ...``: functions, tables, a memory, globals."""
    inits = ["i32.const 1", "i64.const 2", "f32.const 3", "f64.const 4", "ref.null funcref"]
    kinds = [0x7F, 0x7E, 0x7D, 0x7C, 0x70]
    bodies = [body("", *([f"{results}.const 0"] if results else [])) for _, results in _FUNCTIONS]
    globals_ = [
        bytes([kind, mutable]) + code(init)
        for kind, init in zip(kinds, inits)
        for mutable in (0, 1)
    ]
    items = [(0, n) for n in range(len(bodies))] + [(1, n) for n in range(3)] + [(2, 0)]
    items += [(3, n) for n in range(len(globals_))]
    return module(
        types=[functype(*kind) for kind in _FUNCTIONS],
        functions=list(range(len(bodies))),
        tables=[b"\x70" + limits(1, 3), b"\x70" + limits(2), b"\x6f" + limits(1, 1)],
        memories=[limits(1, 3)],
        globals_=globals_,
        exports=[(f"e{n}", kind, index) for n, (kind, index) in enumerate(items)],
        bodies=bodies,
    )


def importers() -> Iterator[bytes]:
    """Modules that import each export as everything."""
    count = len(pywasmgk.Module(exporter()).exports)
    for number in range(count + 1):
        for wanted in descriptions():
            yield module(
                types=[functype(*kind) for kind in _FUNCTIONS],
                imports=[name("m") + name(f"e{number}") + wanted],
            )


def links_here() -> Any:
    """Whether pywasmgk links an importer with the exporter."""
    given = {"m": pywasmgk.instantiate(exporter()).exports}

    def links(data: bytes) -> bool:
        try:
            pywasmgk.instantiate(data, given)
        except pywasmgk.LinkError:
            return False
        return True

    return links


def links_in_wasmtime() -> Any:
    """Whether wasmtime does."""
    import wasmtime

    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    linker = wasmtime.Linker(engine)
    given = wasmtime.Instance(store, wasmtime.Module(engine, exporter()), [])
    linker.define_instance(store, "m", given)

    def links(data: bytes) -> bool:
        try:
            linker.instantiate(store, wasmtime.Module(engine, data))
        except wasmtime.WasmtimeError:
            return False
        return True

    return links


def link_line(links: Any) -> str:
    """A letter for each importer: ``l`` linked, ``u`` unlinkable."""
    return "".join("l" if links(data) else "u" for data in importers())


# -- the file


def make_modules() -> str:
    """The file's text, made with wasmtime."""
    accepts = wasmtime_accepts()
    verdicts = [
        {
            "name": label,
            "module": base64.b64encode(data).decode(),
            "verdicts": verdict_line(data, accepts),
        }
        for label, data in bases().items()
    ]
    made = [
        {
            "name": label,
            "module": base64.b64encode(data).decode(),
            **made_instance("wasmtime", data),
        }
        for label, data in instances().items()
    ]
    links = link_line(links_in_wasmtime())
    return json.dumps({"verdicts": verdicts, "instances": made, "links": links}, indent=0) + "\n"
