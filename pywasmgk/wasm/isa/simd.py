"""Fixed-width SIMD (spec, section "Vector Instructions"): families over the widths of lanes.

A v128 is an int of 128 bits. What all lanes do alike is done on that int at once: the highest bit
of each lane (``HIGH``) is kept out of additions and subtractions, so that no carry crosses lanes,
and put right by XOR (H. Warren, "Hacker's Delight", chapter 2). A comparison gives the highest bit
of each lane, which a shift and a multiplication spread over it. In the templates of a family
``HIGH LOW ONE LEFT RIGHT FILL`` stand for the masks of its width (``lanes``), ``TOP`` for the
number of the highest bit and ``FULL`` for a lane of ones.
"""

from __future__ import annotations

import re
from typing import Any

from .row import Instruction, signature

_BYTES = "{a}.to_bytes(16, 'little')"
_BYTES_B = "{b}.to_bytes(16, 'little')"
_SHAPES = {8: "i8x16", 16: "i16x8", 32: "i32x4", 64: "i64x2"}
#: the letter of a lane in ``struct``
_LETTERS = {8: "b", 16: "h", 32: "i", 64: "q"}


def _row(number: int, name: str, typing: str, meaning: str, **more: Any) -> Instruction:
    return Instruction(
        0xFD << 16 | number, name, typing=signature(typing), meaning=meaning,
        proposal="simd", **more,
    )


def _from(packed: str) -> str:
    """The v128 of 16 bytes."""
    return f"from_bytes({packed}, 'little')"


def _sized(template: str, width: int) -> str:
    """A family's template for one width of lanes."""
    template = re.sub(r"\b(HIGH|LOW|ONE|LEFT|RIGHT|FILL|EVEN|BIAS)\b", rf"\g<1>{width}", template)
    template = template.replace("TOP", str(width - 1)).replace("MODULO", str(width - 1))
    return template.replace("FULL", f"0x{(1 << width) - 1:X}")


# -- integers: templates over all lanes

_ADD = "(({a} & LOW) + ({b} & LOW) ^ ({a} ^ {b}) & HIGH)"
_SUB = "(({a} | HIGH) - ({b} & LOW) ^ ~({a} ^ {b}) & HIGH)"
#: where the highest bits differ they decide, elsewhere what is left of them by a subtraction
_BELOW = "(({t} := {a} ^ {b}) & {%s} | ~({t} | ({a} | HIGH) - ({b} & LOW)))"
_NOT_BELOW = "(({t} := {a} ^ {b}) & {%s} | ~{t} & ({a} | HIGH) - ({b} & LOW))"
_DIFFERENT = "((({t} := {a} ^ {b}) & LOW) + LOW | {t})"
#: for a sum or difference in ``t`` that left the lane's range: the bound on the side of ``a``
_BOUND = "({a} >> TOP & ONE) + LOW"


def _spread(bits: str) -> str:
    """Lanes of ones where the highest bit is set."""
    return f"(({bits} & HIGH) >> TOP) * FULL"


def _swapped(template: str) -> str:
    return template.replace("{a}", "{!}").replace("{b}", "{a}").replace("{!}", "{b}")


def _order(name: str) -> str:
    """The template of ``lt_s`` and its like, before it is spread."""
    relation, _, sign = name.partition("_")
    less = relation in ("lt", "gt")
    decides = "b" if less == (sign == "u") else "a"
    template = (_BELOW if less else _NOT_BELOW) % decides
    return _swapped(template) if relation in ("gt", "le") else template


#: by name, in the order of their opcodes
_COMPARISONS = {
    "eq": _spread(f"~{_DIFFERENT}"),
    "ne": _spread(_DIFFERENT),
    **{
        name: _spread(_order(name))
        for name in ("lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u")
    },
}
_ORDERED = {sign: f"({_spread(_order(f'lt_{sign}'))})" for sign in "su"}
_SATURATED = "(({t} := %s) ^ " + _BOUND + ") & " + "%s ^ {t}"

_UNARY = {
    0x00: ("abs", "({a} ^ ({t} := ({a} >> TOP & ONE) * FULL)) + ({t} & ONE)"),
    0x01: ("neg", "HIGH - ({a} & LOW) ^ ~{a} & HIGH"),
}
_SHIFTS = {
    0x0B: ("shl", "{a} << ({t} := {b} & MODULO) & LEFT[{t}]"),
    0x0C: (
        "shr_s",
        "{a} >> ({t} := {b} & MODULO) & RIGHT[{t}] | ({a} >> TOP & ONE) * FILL[{t}]",
    ),
    0x0D: ("shr_u", "{a} >> ({t} := {b} & MODULO) & RIGHT[{t}]"),
}
_BINARY = {0x0E: ("add", _ADD), 0x11: ("sub", _SUB)}
#: of lanes of 8 and 16 bits
_SATURATING = {
    0x0F: ("add_sat_s", _SATURATED % (_ADD, _spread("~({a} ^ {b}) & ({a} ^ {t})"))),
    0x10: (
        "add_sat_u",
        "({t} := " + _ADD + ") | " + _spread("({a} & {b} | ({a} | {b}) & ~{t})"),
    ),
    0x12: ("sub_sat_s", _SATURATED % (_SUB, _spread("({a} ^ {b}) & ({a} ^ {t})"))),
    0x13: (
        "sub_sat_u",
        "({t} := " + _SUB + ") & " + _spread("({a} & ~{b} | ~({a} ^ {b} | {t}))"),
    ),
    0x1B: ("avgr_u", "({a} | {b}) - (({a} ^ {b}) >> 1 & LOW)"),
}
#: of lanes of 8, 16 and 32 bits
_EXTREMES = {
    0x16: ("min_s", "{b} ^ " + _ORDERED["s"] + " & {t}"),
    0x17: ("min_u", "{b} ^ " + _ORDERED["u"] + " & {t}"),
    0x18: ("max_s", "{a} ^ " + _ORDERED["s"] + " & {t}"),
    0x19: ("max_u", "{a} ^ " + _ORDERED["u"] + " & {t}"),
}
_ALL_TRUE = "(({a} & LOW) + LOW | {a}) & HIGH == HIGH"
#: the sign bits side by side. A number whose digits are 0 and 1 in base 2**16 is, modulo
#: 2**16 - 2, the same digits in base 2
_BITMASKS = {
    8: "int({a}.to_bytes(16, 'big').translate(SIGN_DIGIT), 2)",
    16: "({a} >> 15 & ONE16) % 0xFFFE",
    32: "({a} >> 31 & ONE32) % 0xFFFFFFFE",
    64: "{a} >> 63 & 1 | {a} >> 126 & 2",
}
_MULTIPLICATIONS = {
    16: "mul16({a}, {b})",
    32: "mul32({a}, {b})",
    64: "{a} * ({b} & 0xFFFFFFFFFFFFFFFF) & 0xFFFFFFFFFFFFFFFF "
    "| (({a} >> 64) * ({b} >> 64) & 0xFFFFFFFFFFFFFFFF) << 64",
}
#: bases: comparisons (those of 64 bits are apart), the rest
_BASES = {8: (0x23, 0x60), 16: (0x2D, 0x80), 32: (0x37, 0xA0), 64: (0xD6, 0xC0)}


def _integers(width: int) -> list[Instruction]:
    """What all widths have in common, and what small ones have besides."""
    shape = _SHAPES[width]
    compare, base = _BASES[width]
    binary = {base + n: found for n, found in _BINARY.items()}
    if width < 64:
        binary |= {base + n: found for n, found in _EXTREMES.items()}
    if width < 32:
        binary |= {base + n: found for n, found in _SATURATING.items()}
    if width > 8:
        binary[base + 0x15] = "mul", _MULTIPLICATIONS[width]
    signed_only = width == 64
    names = [name for name in _COMPARISONS if not (signed_only and name.endswith("_u"))]
    binary |= {compare + n: (name, _COMPARISONS[name]) for n, name in enumerate(names)}
    families = (("v128", _UNARY, base), ("v128 i32", _SHIFTS, base), ("v128 v128", binary, 0))
    rows = [
        _row(first + n, f"{shape}.{name}", f"{params} -> v128", _sized(meaning, width))
        for params, family, first in families
        for n, (name, meaning) in family.items()
    ]
    rows.append(
        _row(
            base + 3, f"{shape}.all_true", "v128 -> i32", _sized(_ALL_TRUE, width), condition=True
        )
    )
    rows.append(_row(base + 4, f"{shape}.bitmask", "v128 -> i32", _BITMASKS[width]))
    return rows


# -- integers: between widths


def _unpacked(form: str, part: str, data: str) -> str:
    return f"unpack_{form}({data}, {8 if part == 'high' else 0})"


def _widening(width: int) -> list[Instruction]:
    """``extend`` and ``extmul`` of both halves, to lanes of ``width`` bits."""
    small, shape, count = width // 2, _SHAPES[width], 128 // width
    base = _BASES[width][1]
    rows = []
    for n, (sign, part) in enumerate((s, p) for s in "su" for p in ("low", "high")):
        cased = str.upper if sign == "u" else str.lower
        form, wide = f"{count}{cased(_LETTERS[small])}", f"{count}{cased(_LETTERS[width])}"
        a, b = _unpacked(form, part, _BYTES), _unpacked(form, part, _BYTES_B)
        suffix = f"{part}_{_SHAPES[small]}_{sign}"
        rows.append(
            _row(
                base + 7 + n, f"{shape}.extend_{suffix}", "v128 -> v128",
                _from(f"pack_{wide}(*{a})"),
            )
        )
        rows.append(
            _row(
                base + 0x1C + n, f"{shape}.extmul_{suffix}", "v128 v128 -> v128",
                _from(f"pack_{wide}(*map(mul, {a}, {b}))"),
            )
        )
    return rows


def _pairwise(number: int, small: int) -> list[Instruction]:
    """``extadd_pairwise``: the signed one on lanes with their signs flipped, so that they are
    unsigned numbers too large by half their range."""
    name = f"{_SHAPES[2 * small]}.extadd_pairwise_{_SHAPES[small]}"
    summed = f"({{t}} & EVEN) + ({{t}} >> {small} & EVEN)"
    signed = f"({summed.replace('{t}', '({t} := {a} ^ HIGH)', 1)}) + BIAS ^ HIGH{2 * small}"
    unsigned = summed.replace("{t}", "{a}")
    return [
        _row(number, f"{name}_s", "v128 -> v128", _sized(signed, small)),
        _row(number + 1, f"{name}_u", "v128 -> v128", _sized(unsigned, small)),
    ]


def _narrowing(number: int, wide: int) -> list[Instruction]:
    return [
        _row(
            number + n, f"{_SHAPES[wide // 2]}.narrow_{_SHAPES[wide]}_{sign}",
            "v128 v128 -> v128", f"narrow{wide}_{sign}({{a}}, {{b}})",
        )
        for n, sign in enumerate("su")
    ]


# -- floats

_FLOAT_COMPARISONS = ("eq", "ne", "lt", "gt", "le", "ge")
#: first opcodes of comparisons and arithmetic, and those of the roundings, by width
_FLOAT_NUMBERS = {
    32: (0x41, 0xE0, (0x67, 0x68, 0x69, 0x6A)),
    64: (0x47, 0xEC, (0x74, 0x75, 0x7A, 0x94)),
}


def _floats(width: int) -> list[Instruction]:
    """All but conversions."""
    form, integers, shape = ("4f", "4i", "f32x4") if width == 32 else ("2d", "2q", "f64x2")
    compare, base, roundings = _FLOAT_NUMBERS[width]
    a, b = f"unpack_{form}({_BYTES})", f"unpack_{form}({_BYTES_B})"
    one, two = "v128 -> v128", "v128 v128 -> v128"

    def packed(lanes: str) -> str:
        return f"pack_f32x4(*{lanes})" if width == 32 else _from(f"pack_2d(*{lanes})")

    def mask(relation: str) -> str:
        return _from(f"pack_{integers}(*map(neg, map({relation}, {a}, {b})))")

    def arithmetic(name: str) -> str:
        """Unrolled for f32x4, whose rounding is in Python anyway."""
        return f"{name}_f32x4({{a}}, {{b}})" if width == 32 else packed(f"map({name}, {a}, {b})")

    binary = {
        4: ("add", arithmetic("add")),
        5: ("sub", arithmetic("sub")),
        6: ("mul", arithmetic("mul")),
        7: ("div", packed(f"map(quotient, {a}, {b})")),
        8: ("min", packed(f"map(minimum, {a}, {b})")),
        9: ("max", packed(f"map(maximum, {a}, {b})")),
        # no arithmetic: the bits of one or the other
        10: ("pmin", f"{{a}} ^ {mask('gt')} & ({{a}} ^ {{b}})"),
        11: ("pmax", f"{{a}} ^ {mask('lt')} & ({{a}} ^ {{b}})"),
    }
    return [
        *(
            _row(compare + n, f"{shape}.{relation}", two, mask(relation))
            for n, relation in enumerate(_FLOAT_COMPARISONS)
        ),
        _row(base, f"{shape}.abs", one, _sized("{a} & LOW", width)),
        _row(base + 1, f"{shape}.neg", one, _sized("{a} ^ HIGH", width)),
        _row(base + 3, f"{shape}.sqrt", one, packed(f"map(root, {a})")),
        *(_row(base + n, f"{shape}.{name}", two, text) for n, (name, text) in binary.items()),
        *(
            _row(number, f"{shape}.{name}", one, packed(f"map({name}, {a})"))
            for number, name in zip(roundings, ("ceil", "floor", "trunc", "nearest"))
        ),
    ]


def _conversions(n: int, sign: str) -> list[Instruction]:
    """Between integers, signed or unsigned, and floats; ``n`` is 0 or 1."""
    letter, clamp = ("i", "to_i32") if sign == "s" else ("I", "to_u32")
    forms = (
        (0xF8, f"i32x4.trunc_sat_f32x4_{sign}", f"pack_4{letter}(*map({clamp}, unpack_4f(%s)))"),
        (0xFA, f"f32x4.convert_i32x4_{sign}", f"pack_4f(*unpack_4{letter}(%s))"),
        (
            0xFC, f"i32x4.trunc_sat_f64x2_{sign}_zero",
            f"pack_2{letter}(*map({clamp}, unpack_2d(%s)))",
        ),
        (0xFE, f"f64x2.convert_low_i32x4_{sign}", f"pack_2d(*unpack_2{letter}(%s))"),
    )
    return [
        _row(first + n, name, "v128 -> v128", _from(text % _BYTES)) for first, name, text in forms
    ]


ROWS = [
    *(row for width in _SHAPES for row in _integers(width)),
    *(row for width in (16, 32, 64) for row in _widening(width)),
    *_pairwise(0x7C, 8),
    *_pairwise(0x7E, 16),
    *_narrowing(0x65, 16),
    *_narrowing(0x85, 32),
    _row(
        0x62, "i8x16.popcnt", "v128 -> v128", _from(f"{_BYTES}.translate(ONES_IN_BYTE)")
    ),
    _row(0x82, "i16x8.q15mulr_sat_s", "v128 v128 -> v128", "q15mulr({a}, {b})"),
    _row(0xBA, "i32x4.dot_i16x8_s", "v128 v128 -> v128", "dot16({a}, {b})"),
    *_floats(32),
    *_floats(64),
    _row(0x5E, "f32x4.demote_f64x2_zero", "v128 -> v128", "demote({a})"),
    _row(0x5F, "f64x2.promote_low_f32x4", "v128 -> v128", "promote({a})"),
    *_conversions(0, "s"),
    *_conversions(1, "u"),
]
