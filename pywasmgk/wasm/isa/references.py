"""References and tables (spec, sections "Reference Instructions", "Table Instructions")."""

from __future__ import annotations

from ...errors import TrapCode
from .row import Guard, Instruction, signature

_OUT_OF_BOUNDS = TrapCode.TABLE_OUT_OF_BOUNDS
_M32 = "0xFFFFFFFF"

ROWS = [
    Instruction(
        0x25, "table.get", ("tableidx",), signature("i32 -> elem"),
        meaning="tables[{x}].elements[{a}]", native=_OUT_OF_BOUNDS,
        proposal="reference_types",
    ),
    Instruction(
        0x26, "table.set", ("tableidx",), signature("i32 elem ->"),
        guards=(
            Guard(
                "{a} >= len(tables[{x}].elements)", _OUT_OF_BOUNDS,
                "{a}, 1, tables[{x}].elements",
            ),
        ),
        effect="tables[{x}].replace({a}, [{b}])",
        proposal="reference_types",
    ),
    Instruction(
        0xD0, "ref.null", ("reftype",), signature("-> ref"), rule="ref_null", meaning="None",
        constant=True,
        proposal="reference_types",
    ),
    Instruction(
        0xD1, "ref.is_null", (), signature("ref -> i32"), meaning="{a} is None", condition=True,
        proposal="reference_types",
    ),
    Instruction(
        0xD2, "ref.func", ("funcidx",), signature("-> funcref"), rule="ref_func",
        meaning="funcs[{x}]", constant=True,
        proposal="reference_types",
    ),
    Instruction(
        0xFC_000C, "table.init", ("elemidx", "tableidx"), signature("i32 i32 i32 ->"),
        rule="table_init",
        guards=(
            Guard(
                "{b} + {c} > len(elems[{x}]) or {a} + {c} > len(tables[{y}].elements)",
                _OUT_OF_BOUNDS, "{b}, {c}, elems[{x}], {a}, {c}, tables[{y}].elements",
            ),
        ),
        length="{c}",
        effect="tables[{y}].replace({a}, elems[{x}][{b}:{b} + {c}])",
        proposal="bulk_memory",
    ),
    Instruction(
        0xFC_000D, "elem.drop", ("elemidx",), signature("->"), effect="elems[{x}] = ()",
        proposal="bulk_memory",
    ),
    Instruction(
        0xFC_000E, "table.copy", ("tableidx", "tableidx"), signature("i32 i32 i32 ->"),
        rule="table_copy",
        guards=(
            Guard(
                "{b} + {c} > len(tables[{y}].elements) or {a} + {c} > len(tables[{x}].elements)",
                _OUT_OF_BOUNDS,
                "{b}, {c}, tables[{y}].elements, {a}, {c}, tables[{x}].elements",
            ),
        ),
        length="{c}",
        effect="tables[{x}].replace({a}, tables[{y}].elements[{b}:{b} + {c}])",
        proposal="bulk_memory",
    ),
    Instruction(
        0xFC_000F, "table.grow", ("tableidx",), signature("elem i32 -> i32"),
        meaning=f"tables[{{x}}].extend({{a}}, {{b}}) & {_M32}",
        charge=f"{{b}} if {{r}} != {_M32} else 0",
        proposal="reference_types",
    ),
    Instruction(
        0xFC_0010, "table.size", ("tableidx",), signature("-> i32"),
        meaning="len(tables[{x}].elements)",
        proposal="reference_types",
    ),
    Instruction(
        0xFC_0011, "table.fill", ("tableidx",), signature("i32 elem i32 ->"),
        guards=(
            Guard(
                "{a} + {c} > len(tables[{x}].elements)", _OUT_OF_BOUNDS,
                "{a}, {c}, tables[{x}].elements",
            ),
        ),
        length="{c}", effect="tables[{x}].replace({a}, [{b}] * {c})",
        proposal="reference_types",
    ),
]
