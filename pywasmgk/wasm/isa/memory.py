"""Memory instructions (spec, section "Memory Instructions"): loads and stores are two families."""

from __future__ import annotations

from ...errors import TrapCode
from .row import Guard, Instruction, signature

_OUT_OF_BOUNDS = TrapCode.MEMORY_OUT_OF_BOUNDS
_M32 = "0xFFFFFFFF"
_M64 = "0xFFFFFFFFFFFFFFFF"
#: a NaN keeps its bits only if no float conversion sees it
_NAN_LOAD = (
    "{t} if ({t} := load_f32(mem, {a} + {offset})[0]) == {t} "
    "else f32_of_bits(load_u32(mem, {a} + {offset})[0])"
)
_NAN_STORE = (
    "store_f32(mem, {a} + {offset}, {b}) if {b} == {b} "
    "else store_u32(mem, {a} + {offset}, bits_of_f32({b}))"
)


def _load(opcode: int, name: str, width: int, meaning: str, weight: float = 1) -> Instruction:
    return Instruction(
        opcode, name, ("memarg",), signature(f"i32 -> {name[:3]}"),
        meaning=meaning, native=_OUT_OF_BOUNDS, width=width, weight=weight,
    )


def _store(opcode: int, name: str, width: int, effect: str, weight: float = 1) -> Instruction:
    return Instruction(
        opcode, name, ("memarg",), signature(f"i32 {name[:3]} ->"),
        effect=effect, native=_OUT_OF_BOUNDS, width=width, weight=weight,
    )


def _word(kind: str, mask: str = "") -> str:
    return f"load_{kind}(mem, {{a}} + {{offset}})[0]{mask}"


def _put(kind: str, mask: str = "") -> str:
    return f"store_{kind}(mem, {{a}} + {{offset}}, {{b}}{mask})"


_BYTE = "mem[{a} + {offset}]"
_SIGNED_BYTE = "{t} if ({t} := mem[{a} + {offset}]) < 128 else {t} | %s"

ROWS = [
    _load(0x28, "i32.load", 4, _word("u32"), 45),
    _load(0x29, "i64.load", 8, _word("u64"), 20),
    _load(0x2A, "f32.load", 4, _NAN_LOAD, 2),
    _load(0x2B, "f64.load", 8, _word("f64"), 10),
    _load(0x2C, "i32.load8_s", 1, _SIGNED_BYTE % "0xFFFFFF00", 2),
    _load(0x2D, "i32.load8_u", 1, _BYTE, 20),
    _load(0x2E, "i32.load16_s", 2, _word("i16", f" & {_M32}")),
    _load(0x2F, "i32.load16_u", 2, _word("u16"), 2),
    _load(0x30, "i64.load8_s", 1, _SIGNED_BYTE % "0xFFFFFFFFFFFFFF00"),
    _load(0x31, "i64.load8_u", 1, _BYTE, 2),
    _load(0x32, "i64.load16_s", 2, _word("i16", f" & {_M64}")),
    _load(0x33, "i64.load16_u", 2, _word("u16")),
    _load(0x34, "i64.load32_s", 4, _word("i32", f" & {_M64}")),
    _load(0x35, "i64.load32_u", 4, _word("u32"), 3),
    _store(0x36, "i32.store", 4, _put("u32"), 22),
    _store(0x37, "i64.store", 8, _put("u64"), 12),
    _store(0x38, "f32.store", 4, _NAN_STORE),
    _store(0x39, "f64.store", 8, _put("f64"), 4),
    _store(0x3A, "i32.store8", 1, "mem[{a} + {offset}] = {b} & 255", 6),
    _store(0x3B, "i32.store16", 2, _put("u16", " & 65535"), 1),
    _store(0x3C, "i64.store8", 1, "mem[{a} + {offset}] = {b} & 255"),
    _store(0x3D, "i64.store16", 2, _put("u16", " & 65535")),
    _store(0x3E, "i64.store32", 4, _put("u32", f" & {_M32}"), 2),
    Instruction(
        0x3F, "memory.size", ("memidx",), signature("-> i32"), meaning="len(mem) >> 16"
    ),
    Instruction(
        0x40, "memory.grow", ("memidx",), signature("i32 -> i32"),
        meaning=f"memory.grow({{a}}) & {_M32}",
        charge=f"{{a}} if {{r}} != {_M32} else 0", moves_memory=True,
    ),
    Instruction(
        0xFC_0008, "memory.init", ("dataidx", "memidx"), signature("i32 i32 i32 ->"),
        proposal="bulk_memory",
        guards=(
            Guard(
                "{b} + {c} > len(datas[{x}]) or {a} + {c} > len(mem)", _OUT_OF_BOUNDS,
                "{b}, {c}, datas[{x}], {a}, {c}, mem",
            ),
        ),
        length="{c}", effect="mem[{a}:{a} + {c}] = datas[{x}][{b}:{b} + {c}]",
    ),
    Instruction(
        0xFC_0009, "data.drop", ("dataidx",), signature("->"), effect="datas[{x}] = b''",
        proposal="bulk_memory",
    ),
    Instruction(
        0xFC_000A, "memory.copy", ("memidx", "memidx"), signature("i32 i32 i32 ->"),
        proposal="bulk_memory",
        guards=(
            Guard(
                "{a} + {c} > len(mem) or {b} + {c} > len(mem)", _OUT_OF_BOUNDS,
                "{a}, {c}, mem, {b}, {c}, mem",
            ),
        ),
        length="{c}", effect="mem[{a}:{a} + {c}] = mem[{b}:{b} + {c}]", weight=0.2,
    ),
    Instruction(
        0xFC_000B, "memory.fill", ("memidx",), signature("i32 i32 i32 ->"),
        proposal="bulk_memory",
        guards=(Guard("{a} + {c} > len(mem)", _OUT_OF_BOUNDS, "{a}, {c}, mem"),),
        length="{c}", effect="mem[{a}:{a} + {c}] = bytes(({b} & 255,)) * {c}", weight=0.2,
    ),
]
