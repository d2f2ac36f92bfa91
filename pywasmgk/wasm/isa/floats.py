"""Floating-point arithmetic and comparison (spec, section "Numeric Instructions")."""

from __future__ import annotations

from .row import Instruction, signature


def _float_rows(bits: int) -> list[Instruction]:
    """All rows of f32 or f64. An f32 is computed in 64 bits and rounded once, which is exact
    for these operations (53 >= 2 * 24 + 2 bits; S. Figueroa, "When is double rounding innocuous?").
    """
    t = f"f{bits}"
    rounds = bits == 32
    compare, arithmetic = (0x5B, 0x8B) if bits == 32 else (0x61, 0x99)
    often = 0.5 if bits == 32 else 2.0

    def test(number: int, name: str, operator: str) -> Instruction:
        return Instruction(
            compare + number, f"{t}.{name}", (), signature(f"{t} {t} -> i32"),
            meaning=f"{{a}} {operator} {{b}}", condition=True, weight=0.5 * often,
        )

    def unary(number: int, name: str, meaning: str, rounds: bool = False) -> Instruction:
        return Instruction(
            arithmetic + number, f"{t}.{name}", (), signature(f"{t} -> {t}"),
            meaning=meaning, rounds=rounds, weight=0.2 * often,
        )

    def binary(
        number: int, name: str, meaning: str, rounds: bool = rounds, weight: float = 3
    ) -> Instruction:
        return Instruction(
            arithmetic + number, f"{t}.{name}", (), signature(f"{t} {t} -> {t}"),
            meaning=meaning, rounds=rounds, weight=weight * often,
        )

    comparisons = ("eq", "=="), ("ne", "!="), ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")
    return [
        *(test(number, name, sign) for number, (name, sign) in enumerate(comparisons)),
        unary(0, "abs", "abs({a})"),
        unary(1, "neg", "-{a}"),
        unary(2, "ceil", "ceil({a})"),
        unary(3, "floor", "floor({a})"),
        unary(4, "trunc", "trunc({a})"),
        unary(5, "nearest", "nearest({a})"),
        unary(6, "sqrt", "sqrt({a}) if {a} >= 0.0 else NAN if {a} < 0.0 else {a} * 1.0", rounds),
        binary(7, "add", "{a} + {b}"),
        binary(8, "sub", "{a} - {b}"),
        binary(9, "mul", "{a} * {b}"),
        binary(10, "div", "{a} / {b} if {b} else divide_by_zero({a}, {b})", weight=0.5),
        binary(11, "min", "minimum({a}, {b})", False, 0.1),
        binary(12, "max", "maximum({a}, {b})", False, 0.1),
        binary(13, "copysign", "copysign({a}, {b})", False, 0.1),
    ]


def _constant(opcode: int, kind: str) -> Instruction:
    return Instruction(
        opcode, f"{kind}.const", (kind,), signature(f"-> {kind}"),
        meaning="{value}", constant=True, weight=3,
    )


ROWS = [_constant(0x43, "f32"), _constant(0x44, "f64"), *_float_rows(32), *_float_rows(64)]
