"""Small modules that cover every rule of fuel, each with calls and what they cost.

The numbers were checked against wasmtime and stand here so that they hold without it. ``None`` for
a cost is a call that does not end normally: the model says what it costs (``fuel_model``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from oracle import Host
from wasm_builder import body, functype, limits, module, name, vector

__all__ = ["CASES", "HOST", "FuelCase", "text"]


class FuelCase(NamedTuple):
    """A module, and calls of it: export, arguments, fuel. Each call gets a fresh instance."""

    name: str
    data: bytes
    calls: list[tuple[str, tuple[int, ...], int | None]]


class HostFailure(Exception):
    """What the host function ``fail`` raises."""


def _fail(session: Any) -> None:
    raise HostFailure


def _back(session: Any) -> None:
    session.again("inner")


#: what the modules may import from ``h``
HOST = {
    ("h", "tick"): Host(("i32",), ("i32",), lambda session, value: value + 100),
    ("h", "note"): Host((), (), lambda session: None),
    ("h", "back"): Host((), (), _back),
    ("h", "poke"): Host((), (), lambda session: session.write(8, b"poked")),
    ("h", "fail"): Host((), (), _fail),
}


def text(source: str) -> list[str]:
    """Instructions, one a line or separated by semicolons."""
    parts = source.replace("\n", ";").split(";")
    return [part.strip() for part in parts if part.strip()]


def _import(what: str, kind: int) -> bytes:
    return name("h") + name(what) + b"\0" + bytes([kind])


def case(
    title: str,
    functions: list[tuple[str, str, str]],
    calls: list[tuple[str, tuple[int, ...], int | None]],
    *,
    imports: tuple[str, ...] = (),
    types: tuple[tuple[str, str], ...] = (),
    **parts: Any,
) -> FuelCase:
    """A module of functions ``(type, locals, instructions)``, exported as ``f0 f1 ...``, the last
    one as ``inner`` too. ``types`` come first in the type section."""
    kinds = [*types]
    signatures = [kind for kind, _, _ in functions]
    imported = {
        what: (" ".join(HOST["h", what].params), " ".join(HOST["h", what].results))
        for what in imports
    }

    def index(kind: tuple[str, str]) -> int:
        if kind not in kinds:
            kinds.append(kind)
        return kinds.index(kind)

    import_entries = [_import(what, index(imported[what])) for what in imports]
    indices = []
    for signature in signatures:
        params, _, results = signature.partition("->")
        indices.append(index((params.strip(), results.strip())))
    first = len(imports)
    exports = [(f"f{n}", 0, first + n) for n in range(len(functions))]
    exports.append(("inner", 0, first + len(functions) - 1))
    data = module(
        types=[functype(*kind) for kind in kinds],
        imports=import_entries,
        functions=indices,
        exports=exports,
        bodies=[body(locals_, *text(code)) for _, locals_, code in functions],
        **parts,
    )
    return FuelCase(title, data, calls)


MEMORY: dict[str, Any] = {"memories": [limits(1, 3)]}
TABLE: dict[str, Any] = {"tables": [b"\x70" + limits(4, 8)]}


def _elements(*indices: int) -> bytes:
    """An active segment at 0 of table 0."""
    return b"\0\x41\0\x0b" + vector(bytes([index]) for index in indices)


CASES = [
    case("entry", [("->", "", "")], [("f0", (), 1)]),
    case(
        "free instructions",
        [
            ("->", "", "nop; i32.const 1; drop; block _; nop; end; loop _; nop; end; return"),
            ("i32 -> i32", "", "block i32; local.get 0; return; end"),
        ],
        [("f0", (), 2), ("f1", (7,), 2)],
    ),
    case(
        "if else",
        [
            (
                "i32 -> i32",
                "",
                """
                local.get 0; if i32
                  i32.const 1; i32.const 2; i32.add; i32.const 3; i32.mul
                else
                  i32.const 9
                end
                i32.const 1; i32.add
                """,
            )
        ],
        [("f0", (0,), 6), ("f0", (1,), 10)],
    ),
    case(
        "if alone",
        [
            (
                "i32 -> i32",
                "i32",
                "local.get 0; if _; i32.const 5; local.set 1; end; local.get 1",
            ),
            ("i32 ->", "", "local.get 0; if _; end"),
            ("i32 ->", "", "local.get 0; if _; else; nop; end; nop"),
        ],
        [
            ("f0", (0,), 4),
            ("f0", (1,), 6),
            ("f1", (0,), 3),
            ("f1", (1,), 3),
            ("f2", (0,), 3),
            ("f2", (1,), 3),
        ],
    ),
    case(
        "br_if",
        [
            (
                "i32 -> i32",
                "",
                """
                block i32
                  i32.const 11; local.get 0; br_if 0
                  drop; i32.const 22; i32.const 1; i32.add
                end
                i32.const 1; i32.add
                """,
            )
        ],
        [("f0", (0,), 9), ("f0", (5,), 6)],
    ),
    case(
        "br_table",
        [
            (
                "i32 -> i32",
                "i32",
                """
                block _; block _; block _
                  local.get 0; br_table 0,1,2
                end
                  i32.const 10; local.set 1; br 1
                end
                  i32.const 20; i32.const 1; i32.add; local.set 1
                end
                local.get 1
                """,
            ),
            ("i32 ->", "", "local.get 0; br_table 0"),
            (
                "i32 ->",
                "",
                "loop _; local.get 0; i32.const 1; i32.sub; local.tee 0; br_table 1,0,0,1; end",
            ),
        ],
        [
            ("f0", (0,), 7),
            ("f0", (1,), 8),
            ("f0", (2,), 4),
            ("f0", (0xFFFFFFFF,), 4),
            ("f1", (0,), 3),
            ("f1", (1,), 3),
            ("f2", (3,), 16),
            ("f2", (9,), 6),
        ],
    ),
    case(
        "loop",
        [
            (
                "i32 -> i32",
                "i32",
                """
                i32.const 3; local.set 1
                loop _
                  local.get 1; i32.const 2; i32.add; local.set 1
                  local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0
                end
                local.get 1
                """,
            ),
            ("->", "", "i32.const 1; drop; loop _; i32.const 1; drop; end; i32.const 1; drop"),
        ],
        [("f0", (1,), 13), ("f0", (6,), 58), ("f1", (), 4)],
    ),
    case(
        "loop at the start",
        [
            ("i32 ->", "", "loop _; local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0; end"),
            (
                "i32 ->",
                "",
                "loop _; loop _; local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 1; end; end",
            ),
            (
                "i32 ->",
                "",
                """
                loop _; loop _; loop _
                  local.get 0; i32.const 1; i32.sub; local.tee 0
                  br_table 3,2,1,0,0
                end; end; end
                """,
            ),
        ],
        [
            ("f2", (1,), 6),
            ("f2", (6,), 31),
            ("f0", (1,), 6),
            ("f0", (4,), 21),
            ("f1", (1,), 6),
            ("f1", (5,), 26),
        ],
    ),
    case(
        "nested loops",
        [
            (
                "i32 -> i32",
                "i32 i32",
                """
                loop _
                  i32.const 3; local.set 1
                  loop _
                    local.get 2; i32.const 1; i32.add; local.set 2
                    local.get 1; i32.const 1; i32.sub; local.tee 1; br_if 0
                  end
                  local.get 2; i32.const 0; local.get 2; i32.store 2+0; drop
                  local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0
                end
                local.get 2
                """,
            )
        ],
        [("f0", (1,), 40), ("f0", (3,), 116)],
        **MEMORY,
    ),
    case(
        "nested ends",
        [
            (
                "i32 ->",
                "",
                """
                block _; block _; block _
                  local.get 0; br_if 2
                  local.get 0; i32.eqz; br_if 1
                end; end; nop; end
                i32.const 1; drop
                """,
            ),
            (
                "->",
                "",
                "block _; block _; block _; end; end; end; block _; block _; br 1; end; end",
            ),
        ],
        [("f0", (0,), 7), ("f0", (1,), 4), ("f1", (), 2)],
    ),
    case(
        "early return",
        [
            (
                "i32 -> i32",
                "",
                """
                local.get 0; if _; i32.const 7; return; end
                i32.const 1; i32.const 2; i32.add; return
                """,
            ),
            (
                "i32 -> i32",
                "",
                """
                loop _
                  local.get 0; i32.eqz; if _; i32.const 99; i32.const 42; return; end
                  local.get 0; i32.const 1; i32.sub; local.set 0; br 0
                end
                unreachable
                """,
            ),
        ],
        [("f0", (0,), 6), ("f0", (1,), 4), ("f1", (0,), 6), ("f1", (2,), 22)],
    ),
    case(
        "branches to the function's end",
        [
            ("i32 -> i32", "", "i32.const 1; i32.const 5; local.get 0; br_if 0; i32.add; br 0"),
            ("->", "", "block _; loop _; i32.const 3; drop; br 2; end; end"),
            ("i32 -> i32 i64", "", "i32.const 1; i64.const 2; local.get 0; br_if 0; nop; br 0"),
        ],
        [("f0", (0,), 7), ("f0", (1,), 5), ("f1", (), 3), ("f2", (0,), 6), ("f2", (1,), 5)],
    ),
    case(
        "dead code",
        [
            ("-> i32", "", "i32.const 1; return; i32.const 2; i32.const 3; i32.add; i32.add"),
            (
                "->",
                "",
                """
                block _; br 0; i32.const 1; if _; nop; else; i32.const 2; drop; end; end
                block _; i32.const 0; br_table 0; i32.const 4; drop; end
                i32.const 1; drop
                """,
            ),
            (
                "i32 -> i32",
                "",
                """
                block i32
                  i32.const 3; br 0
                  loop i32; i32.const 4; br 0; end
                end
                local.get 0; i32.add; return
                block _; i32.const 1; br_if 0; end
                """,
            ),
        ],
        [("f0", (), 2), ("f1", (), 5), ("f2", (4,), 5)],
    ),
    case(
        "unreachable",
        [
            ("i32 ->", "", "i32.const 0; i32.const 5; i32.store 2+0; unreachable"),
            (
                "i32 -> i32",
                "",
                "local.get 0; if _; i32.const 1; drop; unreachable; end; local.get 0",
            ),
        ],
        [("f0", (0,), None), ("f1", (0,), 4), ("f1", (1,), None)],
        **MEMORY,
    ),
    case(
        "traps amid a block",
        [
            (
                "i32 -> i32",
                "",
                """
                i32.const 0; i32.const 77; i32.store 2+0
                i32.const 10; local.get 0; i32.div_s
                i32.const 4; i32.const 78; i32.store 2+0
                """,
            ),
            (
                "i32 -> i32",
                "",
                "i32.const 5; i32.const 1; i32.store8 0+0; local.get 0; i32.load 2+0; "
                "i32.const 1; i32.add",
            ),
            ("f64 -> i32", "", "local.get 0; i32.trunc_f64_s"),
        ],
        [
            ("f0", (2,), 10),
            ("f0", (0,), None),
            ("f1", (0,), 8),
            ("f1", (65533,), None),
            ("f2", (0x7FF8000000000000,), None),
            ("f2", (0x4008000000000000,), 3),
        ],
        **MEMORY,
    ),
    case(
        "calls",
        [
            ("i32 -> i32", "", "local.get 0; call 1; call 1; i32.const 1; i32.add"),
            ("i32 -> i32", "", "local.get 0; i32.const 3; i32.mul; call 2"),
            ("i32 -> i32", "", "local.get 0"),
        ],
        [("f0", (5,), 20), ("f1", (5,), 7), ("f2", (5,), 2)],
    ),
    case(
        "recursion",
        [
            (
                "i32 -> i32",
                "",
                """
                local.get 0; i32.const 2; i32.lt_u; if i32
                  local.get 0
                else
                  local.get 0; i32.const 1; i32.sub; call 0
                  local.get 0; i32.const 2; i32.sub; call 0
                  i32.add
                end
                """,
            )
        ],
        [("f0", (1,), 6), ("f0", (5,), 146)],
    ),
    case(
        "indirect calls",
        [
            ("i32 i32 -> i32", "", "local.get 0; local.get 1; call_indirect 0 0"),
            ("i32 -> i32", "", "local.get 0; i32.const 1; i32.add"),
            (
                "i32 -> i32",
                "",
                """
                local.get 0; if i32
                  local.get 0; i32.const 1; i32.sub; i32.const 2; call_indirect 0 0
                else
                  i32.const 0
                end
                """,
            ),
            ("->", "", ""),
        ],
        [
            ("f0", (5, 1), 8),
            ("f0", (2, 2), 24),
            ("f0", (0, 0), None),
            ("f0", (0, 3), None),
            ("f0", (0, 9), None),
        ],
        types=(("i32", "i32"),),
        elements=[b"\0\x41\1\x0b" + vector([b"\1", b"\2", b"\3"])],
        **TABLE,
    ),
    case(
        "host calls",
        [
            ("i32 -> i32", "", "local.get 0; call 0; i32.const 1; i32.add; call 0; call 1; call 1"),
            (
                "i32 ->",
                "",
                """
                loop _
                  i32.const 0; local.get 0; call 0; i32.store 2+0
                  local.get 0; i32.const 1; i32.sub; local.tee 0; br_if 0
                end
                """,
            ),
            ("-> i32", "", "call 2; i32.const 8; i32.load 2+0"),
        ],
        [("f0", (1,), 8), ("f1", (3,), 28), ("f2", (), 4)],
        imports=("tick", "note", "poke"),
        **MEMORY,
    ),
    case(
        "a host function that fails",
        [("->", "", "i32.const 0; i32.const 1; i32.store 2+0; call 0; i32.const 5; drop")],
        [("f0", (), None)],
        imports=("fail",),
        **MEMORY,
    ),
    case(
        "the host through a table",
        [
            (
                "i32 i32 -> i32",
                "",
                "local.get 0; local.get 1; call_indirect 0 0; i32.const 1; i32.add",
            ),
            ("i32 -> i32", "", "local.get 0"),
        ],
        [("f0", (3, 0), 6), ("f0", (3, 1), 8)],
        imports=("tick",),
        types=(("i32", "i32"),),
        elements=[_elements(0, 2)],
        **TABLE,
    ),
    case(
        "the host calls back",
        [
            (
                "->",
                "",
                "i32.const 0; i32.const 1; i32.store 2+0; call 0; call 0; i32.const 9; drop",
            ),
            (
                "->",
                "",
                """
                i32.const 4; i32.const 4; i32.load 2+0; i32.const 1; i32.add; i32.store 2+0
                loop _; i32.const 8; i32.const 7; i32.store 2+0; end
                """,
            ),
        ],
        [("f0", (), 27), ("inner", (), 10)],
        imports=("back",),
        **MEMORY,
    ),
    case(
        "memory.grow",
        [
            ("i32 -> i32", "", "local.get 0; memory.grow; memory.size; i32.add"),
            ("i32 -> i32", "", "local.get 0; memory.grow; drop; local.get 0; memory.grow"),
        ],
        [
            ("f0", (0,), 5),
            ("f0", (2,), 7),
            ("f0", (200,), 5),
            ("f1", (1,), 7),
            ("f1", (2,), 7),
            ("f1", (3,), 5),
        ],
        **MEMORY,
    ),
    case(
        "table.grow",
        [("i32 -> i32", "", "ref.null funcref; local.get 0; table.grow 0; table.size 0; i32.add")],
        [("f0", (0,), 6), ("f0", (3,), 9), ("f0", (4,), 10), ("f0", (200,), 6)],
        **TABLE,
    ),
    case(
        "bulk memory",
        [
            ("i32 ->", "", "i32.const 1; i32.const 7; local.get 0; memory.fill 0; nop"),
            ("i32 ->", "", "i32.const 2; i32.const 0; local.get 0; memory.copy 0 0"),
            (
                "i32 ->",
                "",
                """
                i32.const 3; i32.const 1; local.get 0; memory.init 0 0; data.drop 0
                i32.const 0; i32.const 0; i32.const 0; memory.init 0 0
                """,
            ),
        ],
        [
            ("f0", (0,), 5),
            ("f0", (9,), 14),
            ("f0", (65536,), None),
            ("f1", (6,), 11),
            ("f1", (65535,), None),
            ("f2", (4,), 14),
            ("f2", (5,), None),
        ],
        data_count=1,
        datas=[b"\1" + name("fuel!")],
        **MEMORY,
    ),
    case(
        "bulk tables",
        [
            ("i32 ->", "", "i32.const 0; ref.func 0; local.get 0; table.fill 0"),
            ("i32 ->", "", "i32.const 1; i32.const 0; local.get 0; table.copy 0 0"),
            ("i32 ->", "", "i32.const 1; i32.const 0; local.get 0; table.init 0 0; elem.drop 0"),
        ],
        [
            ("f0", (4,), 9),
            ("f0", (5,), None),
            ("f1", (3,), 8),
            ("f1", (4,), None),
            ("f2", (2,), 8),
            ("f2", (3,), None),
        ],
        elements=[b"\1\0" + vector([b"\0", b"\1"])],
        **TABLE,
    ),
    case(
        "multi-value",
        [
            (
                "i32 i32 -> i32 i32",
                "",
                """
                local.get 0; local.get 1
                block 0
                  local.get 0; br_if 0
                  i32.const 1; i32.add
                end
                """,
            ),
            (
                "i32 i32 -> i32",
                "",
                """
                i32.const 50; local.get 0; local.get 1
                loop 1
                  i32.const 2; i32.mul; local.set 1
                  i32.const 1; i32.sub; local.tee 0
                  i32.const 7; local.get 0; local.get 1; local.get 0; br_if 0
                  drop; drop; i32.add
                end
                i32.add
                """,
            ),
            (
                "i32 -> i32",
                "",
                "i32.const 3; i32.const 4; local.get 0; if 1; i32.add; else; i32.sub; end",
            ),
            ("-> i32", "", "i32.const 1; i32.const 2; call 0; i32.sub"),
        ],
        [
            ("f0", (0, 5), 7),
            ("f0", (1, 5), 5),
            ("f1", (1, 5), 17),
            ("f1", (3, 5), 39),
            ("f2", (0,), 6),
            ("f2", (1,), 6),
            ("f3", (), 10),
        ],
        types=(("i32 i32", "i32 i32"), ("i32 i32", "i32")),
    ),
    case(
        "branches that unwind",
        [
            (
                "i32 -> i32",
                "",
                """
                block i32
                  i32.const 1; i32.const 2; i32.const 3; local.get 0; br_table 0,0
                end
                """,
            ),
            (
                "i32 -> i32",
                "i32",
                """
                block i32
                  loop _
                    local.get 1; local.get 1; i32.const 1; i32.add; local.tee 1
                    local.get 0; i32.ge_u; br_if 1
                    i32.const 8; br 0
                  end
                  i32.const 0
                end
                """,
            ),
        ],
        [("f0", (0,), 6), ("f1", (1,), 9), ("f1", (3,), 29)],
    ),
    case(
        "globals and selects",
        [
            (
                "i32 -> i64",
                "",
                """
                global.get 0; i64.const 3; i64.add; global.set 0
                local.get 0; if _; global.get 0; i64.const 2; i64.mul; global.set 0; end
                global.get 0; i64.const 5; local.get 0; select
                """,
            )
        ],
        [("f0", (0,), 11), ("f0", (1,), 15)],
        globals_=[b"\x7e\1\x42\7\x0b"],
    ),
    case(
        "many locals",
        [
            ("i32 -> i32", "", "local.get 0; call 1; call 1"),
            ("i32 -> i32", "i64 " * 600, "local.get 0; i32.const 1; i32.add; local.tee 0"),
        ],
        [("f0", (1,), 14)],
    ),
    case(
        "floats",
        [
            (
                "f64 i32 -> f64",
                "f64",
                """
                f64.const 1
                local.set 2
                loop _
                  local.get 2; local.get 0; f64.mul; local.set 2
                  local.get 1; i32.const 1; i32.sub; local.tee 1; br_if 0
                end
                local.get 2; f64.sqrt; f32.demote_f64; f64.promote_f32
                """,
            )
        ],
        [("f0", (0x4000000000000000, 4), 43)],
    ),
    case(
        "a start function",
        [
            ("->", "", "i32.const 0; i32.const 3; i32.store 2+0"),
            ("-> i32", "", "i32.const 0; i32.load 2+0"),
        ],
        [("f1", (), 3), ("f0", (), 4)],
        start=0,
        **MEMORY,
    ),
]
