"""Integer arithmetic and comparison (spec, section "Numeric Instructions"), for both widths."""

from __future__ import annotations

from ...errors import TrapCode
from .row import Guard, Instruction, signature

_DIVIDE_BY_ZERO = TrapCode.INTEGER_DIVISION_BY_ZERO


def _weight(bits: int) -> float:
    """How often an instruction of this width is met, compared with i32."""
    return 1.0 if bits == 32 else 0.3


def _comparison_rows(bits: int) -> list[Instruction]:
    """Tests of i32 or i64, which differ in width and first opcode only."""
    t = f"i{bits}"
    sign = f"0x{1 << (bits - 1):X}"
    first = 0x45 if bits == 32 else 0x50

    def test(number: int, name: str, condition: str, weight: float = 5) -> Instruction:
        operands = t if name == "eqz" else f"{t} {t}"
        return Instruction(
            first + number, f"{t}.{name}", (), signature(f"{operands} -> i32"),
            meaning=condition, condition=True, weight=weight * _weight(bits),
        )

    rows = [
        test(0, "eqz", "not {a}", 14), test(1, "eq", "{a} == {b}", 8),
        test(2, "ne", "{a} != {b}", 8),
    ]
    orders = ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")
    for number, (name, operator) in enumerate(orders):
        signed = f"({{a}} ^ {sign}) {operator} ({{b}} ^ {sign})"
        rows.append(test(3 + 2 * number, f"{name}_s", signed))
        rows.append(test(4 + 2 * number, f"{name}_u", f"{{a}} {operator} {{b}}"))
    return rows


def _unary(
    bits: int, opcode: int, name: str, meaning: str, proposal: str | None = None
) -> Instruction:
    return Instruction(
        opcode, f"i{bits}.{name}", (), signature(f"i{bits} -> i{bits}"),
        meaning=meaning, weight=0.1, proposal=proposal,
    )


def _bit_rows(bits: int) -> list[Instruction]:
    """Counts of bits."""
    first = 0x67 if bits == 32 else 0x79
    return [
        _unary(bits, first, "clz", f"{bits} - {{a}}.bit_length()"),
        _unary(bits, first + 1, "ctz", f"({{a}} & -{{a}}).bit_length() - 1 if {{a}} else {bits}"),
        _unary(bits, first + 2, "popcnt", "{a}.bit_count()"),
    ]


def _extension_rows(bits: int) -> list[Instruction]:
    """The sign of a narrower integer, made that of the whole."""
    first = 0xC0 if bits == 32 else 0xC2
    mask = f"0x{(1 << bits) - 1:X}"
    return [
        _unary(
            bits, first + index, f"extend{small}_s", _sign_extend(small, mask), "sign_extension"
        )
        for index, small in enumerate((8, 16, 32) if bits == 64 else (8, 16))
    ]


def _binary_rows(bits: int) -> list[Instruction]:
    """Arithmetic of two integers."""
    t = f"i{bits}"
    mask = f"0x{(1 << bits) - 1:X}"
    sign = f"0x{1 << (bits - 1):X}"
    count = f"({{b}} & {bits - 1})"
    signed_a, signed_b = f"(({{a}} ^ {sign}) - {sign})", f"(({{b}} ^ {sign}) - {sign})"
    first = 0x6A if bits == 32 else 0x7C

    def binary(
        number: int, name: str, meaning: str, weight: float = 1, **more: object
    ) -> Instruction:
        return Instruction(
            first + number, f"{t}.{name}", (), signature(f"{t} {t} -> {t}"),
            meaning=meaning, weight=weight * _weight(bits), **more,  # type: ignore[arg-type]
        )

    divides = Guard("not {b}", _DIVIDE_BY_ZERO)
    overflow = Guard(f"{{b}} == {mask} and {{a}} == {sign}", TrapCode.INTEGER_OVERFLOW)
    return [
        binary(0, "add", f"({{a}} + {{b}}) & {mask}", 80),
        binary(1, "sub", f"({{a}} - {{b}}) & {mask}", 15),
        binary(2, "mul", f"({{a}} * {{b}}) & {mask}", 8),
        binary(
            3, "div_s", f"divide({signed_a}, {signed_b}) & {mask}", guards=(divides, overflow)
        ),
        binary(4, "div_u", "{a} // {b}", native=_DIVIDE_BY_ZERO),
        binary(5, "rem_s", f"remainder({signed_a}, {signed_b}) & {mask}", guards=(divides,)),
        binary(6, "rem_u", "{a} % {b}", native=_DIVIDE_BY_ZERO),
        binary(7, "and", "{a} & {b}", 20),
        binary(8, "or", "{a} | {b}", 8),
        binary(9, "xor", "{a} ^ {b}", 10),
        binary(10, "shl", f"({{a}} << {count}) & {mask}", 15),
        binary(11, "shr_s", f"({signed_a} >> {count}) & {mask}", 3),
        binary(12, "shr_u", f"{{a}} >> {count}", 10),
        binary(13, "rotl", f"({{a}} << {count} | {{a}} >> ({bits} - {count})) & {mask}", 3),
        binary(14, "rotr", f"({{a}} >> {count} | {{a}} << ({bits} - {count})) & {mask}", 1),
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
    *(
        row
        for bits in (32, 64)
        for family in (_comparison_rows, _bit_rows, _binary_rows, _extension_rows)
        for row in family(bits)
    ),
]
