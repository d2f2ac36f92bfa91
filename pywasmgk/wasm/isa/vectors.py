"""Vectors as a whole (spec, section "Vector Instructions"): constants, memory, lanes and bits.

What lanes compute is in ``simd``. A lane is cut out of the int, and put in by XOR with the
difference of old and new.
"""

from __future__ import annotations

from typing import Any

from ...errors import TrapCode
from .row import Instruction, signature

_OUT_OF_BOUNDS = TrapCode.MEMORY_OUT_OF_BOUNDS
_M32 = "0xFFFFFFFF"
_LITTLE = "(16, 'little')"
#: bits and number of lanes by shape, and the type of one lane
_SHAPES = {
    "i8x16": (8, "i32"),
    "i16x8": (16, "i32"),
    "i32x4": (32, "i32"),
    "i64x2": (64, "i64"),
    "f32x4": (32, "f32"),
    "f64x2": (64, "f64"),
}


def _row(number: int, name: str, typing: str, **more: Any) -> Instruction:
    return Instruction(
        0xFD << 16 | number, name, typing=signature(typing), proposal="simd", **more
    )


def _mask(width: int) -> str:
    return f"0x{(1 << width) - 1:X}"


# -- memory


def _load(number: int, name: str, width: int, meaning: str, weight: float = 0.02) -> Instruction:
    return _row(
        number, f"v128.{name}", "i32 -> v128", immediates=("memarg",), meaning=meaning,
        native=_OUT_OF_BOUNDS, width=width, weight=weight,
    )


def _word(width: int) -> str:
    """The unsigned integer at an address."""
    if width == 8:
        return "mem[{a} + {offset}]"
    return f"load_u{width}(mem, {{a}} + {{offset}})[0]"


def _extending(number: int, small: int, sign: str) -> Instruction:
    count = 64 // small
    letter = {8: "b", 16: "h", 32: "i"}[small]
    wide = {8: "h", 16: "i", 32: "q"}[small]
    if sign == "u":
        letter, wide = letter.upper(), wide.upper()
    lanes = f"unpack_{count}{letter}(mem, {{a}} + {{offset}})"
    return _load(
        number, f"load{small}x{count}_{sign}", 8,
        f"from_bytes(pack_{count}{wide}(*{lanes}), 'little')",
    )


def _lane_memory(number: int, width: int) -> list[Instruction]:
    """``loadN_lane`` and ``storeN_lane``."""
    shift = f"{{y}} * {width}"
    common: dict[str, Any] = {
        "immediates": ("memarg", "laneidx"), "rule": "lane", "native": _OUT_OF_BOUNDS,
        "width": width // 8, "lanes": 128 // width,
    }
    loaded = f"{{b}} ^ (({{b}} >> {shift} ^ {_word(width)}) & {_mask(width)}) << {shift}"
    lane = f"{{b}} >> {shift} & {_mask(width)}"
    stored = (
        f"mem[{{a}} + {{offset}}] = {lane}" if width == 8
        else f"store_u{width}(mem, {{a}} + {{offset}}, {lane})"
    )
    return [
        _row(
            number, f"v128.load{width}_lane", "i32 v128 -> v128", meaning=loaded, **common
        ),
        _row(number + 4, f"v128.store{width}_lane", "i32 v128 ->", effect=stored, **common),
    ]


_MEMORY = [
    _load(
        0x00, "load", 16,
        "({t} := unpack_2Q(mem, {a} + {offset}))[0] | {t}[1] << 64", 0.2,
    ),
    *(
        _extending(1 + n, small, sign)
        for n, (small, sign) in enumerate((w, s) for w in (8, 16, 32) for s in "su")
    ),
    *(
        _load(7 + n, f"load{width}_splat", width // 8, f"{_word(width)} * ONE{width}")
        for n, width in enumerate((8, 16, 32, 64))
    ),
    _load(0x5C, "load32_zero", 4, _word(32)),
    _load(0x5D, "load64_zero", 8, _word(64)),
    _row(
        0x0B, "v128.store", "i32 v128 ->", immediates=("memarg",),
        effect=f"store_16s(mem, {{a}} + {{offset}}, {{b}}.to_bytes{_LITTLE})",
        native=_OUT_OF_BOUNDS, width=16, weight=0.2,
    ),
    *(
        row for n, width in enumerate((8, 16, 32, 64)) for row in _lane_memory(0x54 + n, width)
    ),
]

# -- lanes


def _bits(kind: str, width: int, operand: str) -> str:
    """A lane's bits, of an operand of its type."""
    return f"bits_of_{kind}({operand})" if kind[0] == "f" else operand


def _splat(number: int, shape: str) -> Instruction:
    width, kind = _SHAPES[shape]
    bits = _bits(kind, width, "{a}") if width > 16 else f"({{a}} & {_mask(width)})"
    return _row(number, f"{shape}.splat", f"{kind} -> v128", meaning=f"{bits} * ONE{width}")


def _lane(number: int, name: str, typing: str, width: int, meaning: str) -> Instruction:
    return _row(
        number, name, typing, immediates=("laneidx",), rule="lane", lanes=128 // width,
        meaning=meaning,
    )


def _lanes(number: int, shape: str) -> list[Instruction]:
    """``extract_lane`` and ``replace_lane``; small lanes are extracted signed or unsigned."""
    width, kind = _SHAPES[shape]
    shift = f"{{x}} * {width}"
    cut = f"{{a}} >> {shift} & {_mask(width)}"
    extracted = {"": f"{kind}_of_bits({cut})" if kind[0] == "f" else cut}
    if width < 32:
        sign = 1 << (width - 1)
        extracted = {"_s": f"(({cut}) ^ {sign}) - {sign} & {_M32}", "_u": cut}
    new = _bits(kind, width, "{b}")
    replaced = f"{{a}} ^ (({{a}} >> {shift} ^ {new}) & {_mask(width)}) << {shift}"
    rows = [
        _lane(number + n, f"{shape}.extract_lane{sign}", f"v128 -> {kind}", width, meaning)
        for n, (sign, meaning) in enumerate(extracted.items())
    ]
    rows.append(
        _lane(
            number + len(rows), f"{shape}.replace_lane", f"v128 {kind} -> v128", width, replaced
        )
    )
    return rows


_LANES = [
    _row(
        0x0C, "v128.const", "-> v128", immediates=("v128",), meaning="{value}", constant=True,
        weight=0.1,
    ),
    # lane numbers from 32 on do not pass the validator, those of swizzle find zeros
    _row(
        0x0D, "i8x16.shuffle", "v128 v128 -> v128", immediates=("lanes",), rule="shuffle",
        lanes=32,
        meaning=f"from_bytes({{x}}.to_bytes{_LITTLE}.translate("
        "({a} | {b} << 128).to_bytes(256, 'little')), 'little')",
    ),
    _row(
        0x0E, "i8x16.swizzle", "v128 v128 -> v128",
        meaning=f"from_bytes({{b}}.to_bytes{_LITTLE}.translate("
        "{a}.to_bytes(256, 'little')), 'little')",
    ),
    *(_splat(0x0F + n, shape) for n, shape in enumerate(_SHAPES)),
    *(
        row
        for number, shape in zip((0x15, 0x18, 0x1B, 0x1D, 0x1F, 0x21), _SHAPES)
        for row in _lanes(number, shape)
    ),
]

# -- bits

_BITS = [
    _row(0x4D, "v128.not", "v128 -> v128", meaning="{a} ^ ALL"),
    *(
        _row(0x4E + n, f"v128.{name}", "v128 v128 -> v128", meaning=meaning, weight=0.05)
        for n, (name, meaning) in enumerate(
            (
                ("and", "{a} & {b}"),
                ("andnot", "{a} & ~{b}"),
                ("or", "{a} | {b}"),
                ("xor", "{a} ^ {b}"),
            )
        )
    ),
    _row(
        0x52, "v128.bitselect", "v128 v128 v128 -> v128", meaning="{b} ^ ({a} ^ {b}) & {c}"
    ),
    _row(0x53, "v128.any_true", "v128 -> i32", meaning="{a} != 0", condition=True),
]

ROWS = [*_MEMORY, *_LANES, *_BITS]
