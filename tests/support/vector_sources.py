"""Where the vectors of spec_vectors come from, beside the rows of the instruction set.

``HAND_MADE`` has, for each instruction that its row alone does not say how to try, functions
``(signature, locals, instructions, arguments of the calls)``. They run in ``fixture``, a module
with something of everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from generator import EDGES
from wasm_builder import TYPES, body, code, functype, limits, module, name, vector

__all__ = ["HAND_MADE", "fixture"]

Source = tuple[str, str, str, list[tuple[Any, ...]]]

_PATTERN = bytes((n * 37 + 11) & 255 for n in range(64))
_FIRST_TYPES = [
    functype("i32 i32", "i32 i32"),
    functype("i32", "i32"),
    functype("", "i32"),
    functype("", ""),
    functype("i32 i32", "i32"),
]
_HELPERS: list[tuple[int, bytes]] = [
    (1, body("", "local.get 0", "i32.const 1", "i32.add")),
    (2, body("", "i32.const 7")),
    (3, body("")),
    (1, body("", "local.get 0", "i32.eqz", "if _", "unreachable", "end", "local.get 0")),
]


def fixture(signatures: Sequence[tuple[Any, Any]], bodies: Sequence[bytes]) -> bytes:
    """A module that exports functions as ``v0 v1 ...``.

    It has types 0 to 4 and functions 0 to 3 of its own, memory of one page with a pattern at both
    ends, tables of funcref (functions 0 to 3 from element 1 on) and externref, a mutable global of
    every type, and passive segments: element segment 1, data segment 2.
    """
    types = [*_FIRST_TYPES]
    indices = []
    for params, results in signatures:
        kind = functype(" ".join(params), " ".join(results))
        if kind not in types:
            types.append(kind)
        indices.append(types.index(kind))
    first = len(_HELPERS)
    zero = {"i32": "i32.const 5", "i64": "i64.const -6", "f32": "f32.const 1.5"}
    zero |= {"f64": "f64.const -2.5", "v128": f"v128.const {_PATTERN[:16].hex()}"}
    zero |= {"funcref": "ref.null funcref", "externref": "ref.null externref"}
    return module(
        types=types,
        functions=[*(kind for kind, _ in _HELPERS), *indices],
        tables=[b"\x70" + limits(8, 20), b"\x6f" + limits(4, 10)],
        memories=[limits(1, 3)],
        globals_=[bytes([TYPES[kind], 1]) + code(init) for kind, init in zero.items()],
        exports=[(f"v{n}", 0, first + n) for n in range(len(bodies))],
        elements=[
            b"\0" + code("i32.const 1") + vector([b"\0", b"\1", b"\2", b"\3"]),
            b"\1\0" + vector([b"\0", b"\1", b"\2"]),
        ],
        data_count=3,
        bodies=[*(content for _, content in _HELPERS), *bodies],
        datas=[
            b"\0" + code("i32.const 0") + name(_PATTERN),
            b"\0" + code("i32.const 65520") + name(_PATTERN[::-1][:16]),
            b"\1" + name(_PATTERN[5:37]),
        ],
    )


_I32 = [(value,) for value in EDGES["i32"]]
_SMALL = [(value,) for value in (0, 1, 2, 3, 4, 5, 9, 100, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)]
_RANGES = [
    *product((0, 1, 5, 60), (0, 3, 17), (0, 1, 9)),
    *((a, b, n) for n in (0, 1, 16) for a, b in ((65536, 0), (65520, 65521), (0, 65536))),
    *((65530, 8, 6), (65530, 8, 7), (8, 65530, 7), (0xFFFFFFFF, 0, 1), (1, 0, 0xFFFFFFFF)),
    *((0, 0, 65536), (0, 0, 65537), (1, 0, 65536), (0, 0, 32), (0, 1, 32), (0, 31, 1), (0, 32, 0)),
]
_TABLE_RANGES = [
    *product((0, 1, 6), (0, 1, 4), (0, 1, 2)),
    *((8, 0, 0), (9, 0, 0), (0, 8, 0), (0, 9, 0), (0, 0, 8), (0, 0, 9), (7, 1, 2), (1, 7, 2)),
    *((0xFFFFFFFF, 0, 1), (0, 0xFFFFFFFF, 1), (0, 0, 0xFFFFFFFF), (0, 0, 3), (0, 2, 1), (0, 3, 1)),
]
_SUM_TABLE = "; ".join(
    ["i32.const 0"]
    + [f"i32.const 2; i32.mul; i32.const {n}; table.get 0; ref.is_null; i32.add" for n in range(8)]
)


def _of_all(code_: str, kinds: Sequence[str] = ("i32", "i64", "f32", "f64")) -> list[Source]:
    """A function for each type, called with the type's edges."""
    return [
        (f"{kind} -> {kind}", kind, code_.format(kind=kind), [(bits,) for bits in EDGES[kind]])
        for kind in kinds
    ]


_GLOBALS = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}

HAND_MADE: dict[str, list[Source]] = {
    "unreachable": [
        ("-> i32", "", "unreachable", [()]),
        ("i32 -> i32", "", "local.get 0; if i32; unreachable; else; i32.const 3; end", _SMALL),
    ],
    "nop": [("i32 -> i32", "", "nop; local.get 0; nop; nop", _SMALL)],
    "drop": [
        (f"{kind} i32 -> i32", "", "local.get 1; local.get 0; drop", [(0, 1), (1, 0xFFFFFFFF)])
        for kind in _GLOBALS
    ],
    "block": [
        ("i32 -> i32", "", "block i32; local.get 0; local.get 0; br_if 0; i32.const 1; i32.add; "
         "end; i32.const 10; i32.add", _SMALL),
        ("i32 i32 -> i32 i32", "", "local.get 0; local.get 1; block 0; i32.const 3; i32.mul; end",
         [(1, 2), (7, 0x80000000)]),
    ],
    "loop": [
        ("i32 -> i32", "i32", "local.get 0; i32.const 15; i32.and; local.set 0; loop _; "
         "local.get 1; local.get 0; i32.add; local.set 1; local.get 0; i32.const 1; i32.sub; "
         "local.tee 0; i32.const 0; i32.gt_s; br_if 0; end; local.get 1", _SMALL),
        ("i32 -> i32", "", "i32.const 1; loop 1; i32.const 2; i32.mul; local.get 0; i32.const 1; "
         "i32.sub; local.tee 0; i32.const 8; i32.lt_u; br_if 0; end", _SMALL),
    ],
    "if": [
        ("i32 -> i32", "", "local.get 0; if i32; i32.const 10; else; i32.const 20; end", _I32),
        ("i32 -> i32", "i32", "local.get 0; if _; i32.const 8; local.set 1; end; local.get 1",
         _I32),
        ("i32 i32 -> i32", "", "i32.const 4; local.get 0; local.get 1; if 4; i32.add; "
         "else; i32.sub; end", [(3, 0), (3, 1), (0, 5)]),
    ],
    "else": [
        ("i32 -> i32", "", "local.get 0; if i32; i32.const 1; local.get 0; i32.eqz; br_if 0; drop; "
         "i32.const 2; else; i32.const 3; end", _SMALL),
    ],
    "end": [("i32 -> i32", "", "block _; block _; loop _; end; end; end; local.get 0", _SMALL)],
    "br": [
        ("i32 -> i32", "", "block i32; i32.const 9; local.get 0; br 0; end; i32.const 1; i32.add",
         _SMALL),
        ("i32 -> i32", "", "block i32; block i32; i32.const 5; local.get 0; br 1; end; drop; "
         "i32.const 4; end", _SMALL),
        ("i32 -> i32", "", "local.get 0; br 0; i32.const 3", _SMALL),
    ],
    "br_if": [
        ("i32 -> i32", "", "block i32; i32.const 6; local.get 0; br_if 0; drop; i32.const 4; end",
         _I32),
        ("i32 -> i32", "", "i32.const 6; local.get 0; br_if 0; drop; i32.const 4", _SMALL),
        ("i32 -> i32", "", "block i32; i32.const 1; i32.const 2; local.get 0; br_if 0; i32.add; "
         "end", _SMALL),
    ],
    "br_table": [
        ("i32 -> i32", "", "block _; block _; block _; local.get 0; br_table 0,1,2,1; end; "
         "i32.const 10; return; end; i32.const 20; return; end; i32.const 30", _I32),
        ("i32 -> i32", "", "block i32; i32.const 33; local.get 0; br_table 0; end", _SMALL),
        ("i32 -> i32", "", "block i32; block i32; i32.const 8; i32.const 9; local.get 0; "
         "br_table 1,0,1; end; i32.const 50; i32.add; end", _SMALL),
    ],
    "return": [
        ("i32 -> i32", "", "local.get 0; if _; i32.const 1; i32.const 2; return; end; i32.const 3",
         _SMALL),
        ("i32 i32 -> i32 i32", "", "i32.const 9; local.get 1; local.get 0; return", [(1, 2)]),
    ],
    "call": [
        ("i32 -> i32", "", "local.get 0; call 0; call 0", _I32),
        ("i32 -> i32", "", "call 2; call 1; local.get 0; i32.add", _SMALL),
        ("i32 -> i32", "", "local.get 0; call 3", _SMALL),
    ],
    "call_indirect": [
        ("i32 i32 -> i32", "", "local.get 0; local.get 1; call_indirect 1 0",
         [*product((0, 5), (*range(10), 0xFFFFFFFF))]),
        ("i32 -> i32", "", "local.get 0; call_indirect 2 0", _SMALL),
    ],
    "select": [
        (f"{kind} {kind} i32 -> {kind}", "", "local.get 0; local.get 1; local.get 2; select",
         [(a, b, c) for a, b in zip(EDGES[kind], EDGES[kind][1:]) for c in (0, 1, 0x80000000)])
        for kind in _GLOBALS
    ],
    "select t": [
        (f"{kind} {kind} i32 -> {kind}", "",
         f"local.get 0; local.get 1; local.get 2; select {kind}",
         [(a, b, c) for a, b in zip(EDGES[kind], EDGES[kind][1:]) for c in (0, 2)])
        for kind in _GLOBALS
    ] + [
        ("i32 -> i32", "", "ref.func 0; ref.null funcref; local.get 0; select funcref; "
         "ref.is_null", _SMALL),
    ],
    "local.get": [
        *_of_all("local.get 0"),
        ("-> i32 i64 f32 f64", "i32 i64 f32 f64", "local.get 0; local.get 1; local.get 2; "
         "local.get 3", [()]),
    ],
    "local.set": _of_all("local.get 0; local.set 1; local.get 1"),
    "local.tee": _of_all("local.get 0; local.tee 1; drop; local.get 1"),
    "global.get": [(f"-> {kind}", "", f"global.get {n}", [()]) for kind, n in _GLOBALS.items()],
    "global.set": [
        (f"{kind} -> {kind}", "", f"local.get 0; global.set {n}; global.get {n}",
         [(bits,) for bits in EDGES[kind]])
        for kind, n in _GLOBALS.items()
    ],
    "table.get": [
        ("i32 -> funcref", "", "local.get 0; table.get 0", _SMALL),
        ("i32 -> i32", "", "local.get 0; table.get 1; ref.is_null", _SMALL),
    ],
    "table.set": [
        ("i32 -> i32", "", f"local.get 0; ref.func 1; table.set 0; {_SUM_TABLE}", _SMALL),
        ("i32 -> i32", "", f"local.get 0; ref.null funcref; table.set 0; {_SUM_TABLE}", _SMALL),
    ],
    "table.size": [("-> i32 i32", "", "table.size 0; table.size 1", [()])],
    "table.grow": [
        ("i32 -> i32 i32", "", "ref.func 2; local.get 0; table.grow 0; table.size 0",
         [(0,), (1,), (3,), (8,), (1,), (9,), (0xFFFFFFFF,)]),
        ("i32 -> i32 i32", "", "ref.null externref; local.get 0; table.grow 1; table.size 1",
         [(0,), (5,), (2,), (1,), (1,)]),
    ],
    "table.fill": [
        ("i32 i32 i32 -> i32", "", "local.get 0; ref.null funcref; local.get 2; table.fill 0; "
         + _SUM_TABLE, _TABLE_RANGES),
        ("i32 i32 i32 -> i32", "", "local.get 0; ref.func 3; local.get 2; table.fill 0; "
         + _SUM_TABLE, _TABLE_RANGES),
    ],
    "table.copy": [
        ("i32 i32 i32 -> i32", "", "local.get 0; local.get 1; local.get 2; table.copy 0 0; "
         + _SUM_TABLE, _TABLE_RANGES),
    ],
    "table.init": [
        ("i32 i32 i32 -> i32", "", "local.get 0; local.get 1; local.get 2; table.init 1 0; "
         + _SUM_TABLE, _TABLE_RANGES),
    ],
    "elem.drop": [
        ("i32 i32 i32 -> i32", "", "elem.drop 1; local.get 0; local.get 1; local.get 2; "
         "table.init 1 0; table.size 0", [(0, 0, 0), (0, 0, 1), (8, 0, 0), (9, 0, 0), (0, 1, 0)]),
    ],
    "ref.null": [
        ("-> funcref", "", "ref.null funcref", [()]),
        ("-> i32", "", "ref.null externref; ref.is_null", [()]),
    ],
    "ref.is_null": [
        ("-> i32 i32", "", "ref.null funcref; ref.is_null; ref.func 1; ref.is_null", [()]),
        ("externref -> i32", "", "local.get 0; ref.is_null", [(None,)]),
    ],
    "ref.func": [
        ("-> funcref", "", "ref.func 0", [()]),
        ("-> i32", "", "i32.const 0; ref.func 1; table.set 0; i32.const 0; call_indirect 2 0",
         [()]),
    ],
    "memory.size": [("-> i32", "", "memory.size 0", [()])],
    "memory.grow": [
        ("i32 -> i32 i32", "", "local.get 0; memory.grow 0; memory.size 0",
         [(0,), (1,), (200,), (1,), (1,), (0,), (0xFFFFFFFF,), (65536,), (0x7FFFFFFF,)]),
    ],
    "memory.fill": [
        ("i32 i32 i32 ->", "", "local.get 0; local.get 1; local.get 2; memory.fill 0", _RANGES),
    ],
    "memory.copy": [
        ("i32 i32 i32 ->", "", "local.get 0; local.get 1; local.get 2; memory.copy 0 0", _RANGES),
    ],
    "memory.init": [
        ("i32 i32 i32 ->", "", "local.get 0; local.get 1; local.get 2; memory.init 2 0", _RANGES),
    ],
    "data.drop": [
        ("i32 i32 i32 -> i32", "", "data.drop 2; local.get 0; local.get 1; local.get 2; "
         "memory.init 2 0; i32.const 1",
         [(0, 0, 0), (0, 0, 1), (65536, 0, 0), (65537, 0, 0), (0, 1, 0)]),
    ],
}  # fmt: skip
