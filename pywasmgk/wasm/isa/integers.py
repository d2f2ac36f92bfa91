"""Integer arithmetic and comparison (spec, section "Numeric Instructions"), for both widths."""

from __future__ import annotations

from ...errors import TrapCode
from .row import Guard, Instruction, signature

_DIVIDE_BY_ZERO = TrapCode.INTEGER_DIVISION_BY_ZERO


def _integer_rows(bits: int) -> list[Instruction]:
    """All rows of i32 or i64, which differ in width and first opcode only."""
    t = f"i{bits}"
    mask = f"0x{(1 << bits) - 1:X}"
    sign = f"0x{1 << (bits - 1):X}"
    count = f"({{b}} & {bits - 1})"
    signed_a, signed_b = f"(({{a}} ^ {sign}) - {sign})", f"(({{b}} ^ {sign}) - {sign})"
    compare, arithmetic, extend = (0x45, 0x67, 0xC0) if bits == 32 else (0x50, 0x79, 0xC2)
    often = 1.0 if bits == 32 else 0.3

    def binary(
        number: int, name: str, meaning: str, weight: float = 1, **more: object
    ) -> Instruction:
        return Instruction(
            arithmetic + number, f"{t}.{name}", (), signature(f"{t} {t} -> {t}"),
            meaning=meaning, weight=weight * often, **more,  # type: ignore[arg-type]
        )

    def unary(
        opcode: int, name: str, meaning: str, weight: float = 0.1, proposal: str | None = None
    ) -> Instruction:
        return Instruction(
            opcode, f"{t}.{name}", (), signature(f"{t} -> {t}"), meaning=meaning, weight=weight,
            proposal=proposal,
        )

    def test(number: int, name: str, condition: str, weight: float = 5) -> Instruction:
        operands = t if name == "eqz" else f"{t} {t}"
        return Instruction(
            compare + number, f"{t}.{name}", (), signature(f"{operands} -> i32"),
            meaning=condition, condition=True, weight=weight * often,
        )

    def less(operator: str) -> tuple[str, str]:
        return f"({{a}} ^ {sign}) {operator} ({{b}} ^ {sign})", f"{{a}} {operator} {{b}}"

    comparisons = [test(0, "eqz", "not {a}", 14), test(1, "eq", "{a} == {b}", 8)]
    comparisons.append(test(2, "ne", "{a} != {b}", 8))
    orders = ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")
    for number, (name, operator) in enumerate(orders):
        signed, unsigned = less(operator)
        comparisons.append(test(3 + 2 * number, f"{name}_s", signed))
        comparisons.append(test(4 + 2 * number, f"{name}_u", unsigned))
    overflow = Guard(f"{{b}} == {mask} and {{a}} == {sign}", TrapCode.INTEGER_OVERFLOW)
    return [
        *comparisons,
        unary(arithmetic, "clz", f"{bits} - {{a}}.bit_length()"),
        unary(arithmetic + 1, "ctz", f"({{a}} & -{{a}}).bit_length() - 1 if {{a}} else {bits}"),
        unary(arithmetic + 2, "popcnt", "{a}.bit_count()"),
        binary(3, "add", f"({{a}} + {{b}}) & {mask}", 80),
        binary(4, "sub", f"({{a}} - {{b}}) & {mask}", 15),
        binary(5, "mul", f"({{a}} * {{b}}) & {mask}", 8),
        binary(
            6, "div_s", f"divide({signed_a}, {signed_b}) & {mask}",
            guards=(Guard("not {b}", _DIVIDE_BY_ZERO), overflow),
        ),
        binary(7, "div_u", "{a} // {b}", native=_DIVIDE_BY_ZERO),
        binary(
            8, "rem_s", f"remainder({signed_a}, {signed_b}) & {mask}",
            guards=(Guard("not {b}", _DIVIDE_BY_ZERO),),
        ),
        binary(9, "rem_u", "{a} % {b}", native=_DIVIDE_BY_ZERO),
        binary(10, "and", "{a} & {b}", 20),
        binary(11, "or", "{a} | {b}", 8),
        binary(12, "xor", "{a} ^ {b}", 10),
        binary(13, "shl", f"({{a}} << {count}) & {mask}", 15),
        binary(14, "shr_s", f"({signed_a} >> {count}) & {mask}", 3),
        binary(15, "shr_u", f"{{a}} >> {count}", 10),
        binary(16, "rotl", f"({{a}} << {count} | {{a}} >> ({bits} - {count})) & {mask}", 3),
        binary(17, "rotr", f"({{a}} >> {count} | {{a}} << ({bits} - {count})) & {mask}", 1),
        *(
            unary(
                extend + index, f"extend{small}_s", _sign_extend(small, mask),
                proposal="sign_extension",
            )
            for index, small in enumerate((8, 16, 32) if bits == 64 else (8, 16))
        ),
    ]


def _sign_extend(small: int, mask: str) -> str:
    sign = f"0x{1 << (small - 1):X}"
    return f"((({{a}} & 0x{(1 << small) - 1:X}) ^ {sign}) - {sign}) & {mask}"


def _constant(opcode: int, kind: str, weight: float) -> Instruction:
    return Instruction(
        opcode, f"{kind}.const", (kind,), signature(f"-> {kind}"),
        meaning="{value}", constant=True, weight=weight,
    )


ROWS = [
    _constant(0x41, "i32", 110),
    _constant(0x42, "i64", 20),
    *_integer_rows(32),
    *_integer_rows(64),
]
