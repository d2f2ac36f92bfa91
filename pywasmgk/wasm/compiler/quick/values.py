"""What is on the symbolic operand stack: Python expressions that have not been written yet.

A value is a tuple ``(text, precedence, reads, bits)``. ``reads`` is the set of variables that the
text reads (a bit per local, then per global, and one for slots); a value is put into a temporary
before one of these changes. ``bits`` is what is known of an integer: it is below ``1 << bits``; or
one of the marks below zero: then it is no number yet. What traps or reads memory is never here.
"""

from __future__ import annotations

import math

from ...isa.numerics import bits_of_f64
from ...types import ValType

__all__ = [
    "ANY", "ATOM", "BITS", "CONDITION", "CONSTANT", "PRODUCT", "SUM", "Value", "cleaned",
    "enclosed", "negated", "of_float", "truth",
]  # fmt: skip

Value = tuple[str, int, int, int]

# -- precedences, as in Python's grammar

CHOICE, NOT, COMPARE, OR, XOR, AND, SHIFT, ADD, MULTIPLY, UNARY, ATOM, CONSTANT = (
    0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14,
)  # fmt: skip

# -- what is known of a value

#: bits of what is no integer, or of unknown width: nothing is ever done about it
ANY = 128
#: it is a condition, true or false
CONDITION = -1
#: what is to be taken modulo ``1 << width``, and seldom is beyond that: sums
SUM = {32: -32, 64: -64}
#: the same of what often is: products and shifts
PRODUCT = {32: -33, 64: -65}
#: bits of a value of a type, by its name
BITS = {str(kind): {"i32": 32, "i64": 64}.get(str(kind), ANY) for kind in ValType}

_M32, _M64 = (1 << 32) - 1, (1 << 64) - 1


def cleaned(value: Value) -> Value:
    """A value as a number in its range."""
    text, precedence, reads, bits = value
    if bits >= 0:
        return value
    if bits == CONDITION:
        return f"1 if {text} else 0", CHOICE, reads, 1
    if bits == -32 or bits == -64:
        # the remainder costs nothing where the number is smaller
        text = text if precedence >= MULTIPLY else f"({text})"
        return f"{text} % {(1 << -bits)}", MULTIPLY, reads, -bits
    text = text if precedence >= AND else f"({text})"
    return f"{text} & {_M32 if bits == -33 else _M64}", AND, reads, ~bits & 96


def truth(value: Value) -> tuple[str, int]:
    """A value as a condition, and its precedence."""
    text, precedence, _, _ = value if value[3] == CONDITION else cleaned(value)
    return text, precedence


def negated(text: str, precedence: int) -> tuple[str, int]:
    """The opposite of a condition, and its precedence."""
    if precedence == NOT:
        return text[4:], COMPARE
    return f"not {text}" if precedence > NOT else f"not ({text})", NOT


def enclosed(value: Value) -> str:
    """A value's text where an operand of any operator may stand."""
    return value[0] if value[1] >= ATOM else f"({value[0]})"


def of_float(number: float) -> Value:
    """A constant of a floating-point type, the bits of a NaN kept."""
    if math.isinf(number):
        return "INF" if number > 0 else "(-INF)", ATOM, 0, ANY
    if number != number:
        return f"f64_of_bits({bits_of_f64(number)})", ATOM, 0, ANY
    text = repr(number)
    return text if text[0] != "-" else f"({text})", ATOM, 0, ANY
