"""Conversions between number types (spec, section "Numeric Instructions")."""

from __future__ import annotations

from ...errors import TrapCode
from .row import Guard, Instruction, signature

_M32 = "0xFFFFFFFF"
_M64 = "0xFFFFFFFFFFFFFFFF"
_SIGNED = {
    32: "(({a} ^ 0x80000000) - 0x80000000)",
    64: "(({a} ^ 0x8000000000000000) - 0x8000000000000000)",
}
_MASK = {32: _M32, 64: _M64}
#: an open interval of floats whose truncation fits: exact in 64-bit floats
_FITS = {
    (32, "s"): "-2147483649.0 < {a} < 2147483648.0",
    (32, "u"): "-1.0 < {a} < 4294967296.0",
    (64, "s"): "-9223372036854775808.0 <= {a} < 9223372036854775808.0",
    (64, "u"): "-1.0 < {a} < 18446744073709551616.0",
}


def _convert(
    opcode: int, name: str, meaning: str, rounds: bool = False, weight: float = 0.2
) -> Instruction:
    source, result = name.rpartition("_")[2], name[:3]
    if source in ("s", "u"):
        source = name.split("_")[1]
    return Instruction(
        opcode, name, (), signature(f"{source} -> {result}"),
        meaning=meaning, rounds=rounds, weight=weight,
    )


def _truncations() -> list[Instruction]:
    """iN.trunc_fM_s/u, which trap, and iN.trunc_sat_fM_s/u, which saturate."""
    rows = []
    for bits, first, saturating in ((32, 0xA8, 0xFC_0000), (64, 0xAE, 0xFC_0004)):
        for number, (source, sign) in enumerate((f, s) for f in ("f32", "f64") for s in "su"):
            fits = _FITS[bits, sign]
            low = -(1 << (bits - 1)) if sign == "s" else 0
            high = (1 << (bits - 1)) - 1 if sign == "s" else (1 << bits) - 1
            rows.append(
                Instruction(
                    first + number, f"i{bits}.trunc_{source}_{sign}", (),
                    signature(f"{source} -> i{bits}"), meaning=f"int({{a}}) & {_MASK[bits]}",
                    guards=(
                        Guard("{a} != {a}", TrapCode.BAD_CONVERSION_TO_INTEGER),
                        Guard(f"not {fits}", TrapCode.INTEGER_OVERFLOW),
                    ),
                )
            )
            rows.append(
                Instruction(
                    saturating + number, f"i{bits}.trunc_sat_{source}_{sign}", (),
                    signature(f"{source} -> i{bits}"),
                    meaning=f"int({{a}}) & {_MASK[bits]} if {fits} else "
                    f"saturate({{a}}, {low}, {high}) & {_MASK[bits]}",
                    proposal="saturating_float_to_int",
                )
            )
    return rows


ROWS = [
    _convert(0xA7, "i32.wrap_i64", f"{{a}} & {_M32}", weight=4),
    _convert(0xAC, "i64.extend_i32_s", f"{_SIGNED[32]} & {_M64}", weight=1),
    _convert(0xAD, "i64.extend_i32_u", "{a}", weight=5),
    *_truncations(),
    _convert(0xB2, "f32.convert_i32_s", f"float({_SIGNED[32]})", True),
    _convert(0xB3, "f32.convert_i32_u", "float({a})", True),
    _convert(0xB4, "f32.convert_i64_s", f"float_of_int({_SIGNED[64]})", True),
    _convert(0xB5, "f32.convert_i64_u", "float_of_int({a})", True),
    _convert(0xB6, "f32.demote_f64", "{a}", True),
    _convert(0xB7, "f64.convert_i32_s", f"float({_SIGNED[32]})"),
    _convert(0xB8, "f64.convert_i32_u", "float({a})"),
    _convert(0xB9, "f64.convert_i64_s", f"float({_SIGNED[64]})"),
    _convert(0xBA, "f64.convert_i64_u", "float({a})"),
    # times one: a signalling NaN becomes quiet, all else stays
    _convert(0xBB, "f64.promote_f32", "{a} * 1.0"),
    _convert(0xBC, "i32.reinterpret_f32", "bits_of_f32({a})"),
    _convert(0xBD, "i64.reinterpret_f64", "bits_of_f64({a})"),
    _convert(0xBE, "f32.reinterpret_i32", "f32_of_bits({a})"),
    _convert(0xBF, "f64.reinterpret_i64", "f64_of_bits({a})"),
]
