"""128-bit arithmetic on pairs of i64, the lower half first (the wide arithmetic proposal)."""

from __future__ import annotations

from .row import Instruction, signature

_M64 = "0xFFFFFFFFFFFFFFFF"
_SIGN = "0x8000000000000000"
_PAIRS = signature("i64 i64 i64 i64 -> i64 i64")
_FACTORS = signature("i64 i64 -> i64 i64")
#: an i64 as a signed number
_SIGNED = f"(({{%s}} ^ {_SIGN}) - {_SIGN})"
_LOWER_PRODUCT = f"({{a}} * {{b}}) & {_M64}"


def _row(number: int, name: str, lower: str, higher: str) -> Instruction:
    typing = _FACTORS if "mul" in name else _PAIRS
    return Instruction(
        0xFC << 16 | number, f"i64.{name}", typing=typing, meaning=lower, second=higher,
        proposal="wide_arithmetic",
    )  # fmt: skip


ROWS = [
    _row(
        0x13, "add128", f"({{a}} + {{c}}) & {_M64}",
        f"({{b}} + {{d}} + (({{a}} + {{c}}) >> 64)) & {_M64}",
    ),
    # the shift gives the borrow: nothing, or -1
    _row(
        0x14, "sub128", f"({{a}} - {{c}}) & {_M64}",
        f"({{b}} - {{d}} + (({{a}} - {{c}}) >> 64)) & {_M64}",
    ),
    _row(
        0x15, "mul_wide_s", _LOWER_PRODUCT,
        f"(({_SIGNED % 'a'} * {_SIGNED % 'b'}) >> 64) & {_M64}",
    ),
    _row(0x16, "mul_wide_u", _LOWER_PRODUCT, "({a} * {b}) >> 64"),
]  # fmt: skip
