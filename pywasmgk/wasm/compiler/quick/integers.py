"""Writers of integer arithmetic and comparisons: which masks can wait, what is small.

Each function gives the writer for a width or an operator; ``rows`` says which rows have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .values import (
    ADD,
    AND,
    CHOICE,
    COMPARE,
    CONDITION,
    CONSTANT,
    MULTIPLY,
    NOT,
    PRODUCT,
    SHIFT,
    SUM,
    Value,
    cleaned,
    negated,
    truth,
)  # fmt: skip

__all__ = [
    "Writer",
    "add",
    "bitwise",
    "compare",
    "compare_signed",
    "is_zero",
    "multiply",
    "shift_left",
    "shift_right",
    "shift_right_signed",
    "subtract",
]

Writer = Callable[[Any, Any], None]

#: shifts that scale an index are taken to lose no bits
_SCALES = 4


# -- arithmetic of integers, modulo a power of two


def add(bits: int) -> Writer:
    full, half = 1 << bits, 1 << (bits - 1)

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = stack.pop()
        if pb == CONSTANT:
            t.put(plus(stack[-1], int(b)))
            return
        a, pa, ra, na = stack[-1]
        if pa == CONSTANT:
            t.put(plus((b, pb, rb, nb), int(a)))
            return
        if na == CONDITION or pa < ADD:
            a = f"({a})" if na != CONDITION else f"({cleaned(stack[-1])[0]})"
        if nb == CONDITION or pb < ADD:
            b = f"({b})" if nb != CONDITION else f"({cleaned((b, pb, rb, nb))[0]})"
        known = _sum_bits(na, nb, bits)
        t.put((f"{a} + {b}", ADD, ra | rb, known))

    def plus(value: Value, number: int) -> Value:
        a, pa, reads, known = value
        if not number:
            return value
        if known == CONDITION:
            a, pa, reads, known = cleaned(value)
        if pa < ADD:
            a = f"({a})"
        if number < half:
            known = _sum_bits(known, number.bit_length(), bits)
            return f"{a} + {number}", ADD, reads, known
        return f"{a} - {full - number}", ADD, reads, known if known < CONDITION else -bits

    write.plus = plus  # type: ignore[attr-defined]
    return write


def _sum_bits(na: int, nb: int, bits: int) -> int:
    """What is known of a sum."""
    if na >= 0 and nb >= 0:
        known = (na if na > nb else nb) + 1
        return known if known <= bits else -bits
    lowest = na if na < nb else nb
    return lowest if lowest < CONDITION else -bits


def subtract(bits: int) -> Writer:
    full = 1 << bits
    plus = add(bits).plus  # type: ignore[attr-defined]

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = value = stack.pop()
        if pb == CONSTANT:
            t.put(plus(stack[-1], (full - int(b)) % full))
            return
        a, pa, ra, na = stack[-1]
        if na == CONDITION:
            a, pa, ra, na = cleaned(stack[-1])
        if nb == CONDITION:
            b, pb, rb, nb = cleaned(value)
        a = a if pa >= ADD else f"({a})"
        b = b if pb > ADD else f"({b})"
        lowest = na if na < nb else nb
        t.put((f"{a} - {b}", ADD, ra | rb, lowest if lowest < CONDITION else -bits))

    return write


def multiply(bits: int) -> Writer:
    product = PRODUCT[bits]

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = cleaned(stack.pop())
        a, pa, ra, na = cleaned(stack[-1])
        a = a if pa >= MULTIPLY else f"({a})"
        b = b if pb > MULTIPLY else f"({b})"
        t.put((f"{a} * {b}", MULTIPLY, ra | rb, na + nb if na + nb <= bits else product))

    return write


def bitwise(symbol: str, precedence: int) -> Writer:
    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = value = stack.pop()
        a, pa, ra, na = stack[-1]
        if na == CONDITION:
            a, pa, ra, na = cleaned(stack[-1])
        if nb == CONDITION:
            b, pb, rb, nb = cleaned(value)
        if precedence != AND:
            known = (na if na > nb else nb) if na >= 0 and nb >= 0 else (na if na < nb else nb)
        elif na >= 0 and nb >= 0:
            known = na if na < nb else nb
        elif na < 0 and nb < 0:
            b, pb, rb, known = cleaned((b, pb, rb, nb))
        else:
            known = na if na > nb else nb
        a = a if pa >= precedence else f"({a})"
        b = b if pb > precedence else f"({b})"
        t.put((f"{a} {symbol} {b}", precedence, ra | rb, known))

    return write


def shift_left(bits: int) -> Writer:
    mask, sums, product = (1 << bits) - 1, SUM[bits], PRODUCT[bits]

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = stack.pop()
        a, pa, ra, na = stack[-1] if stack[-1][3] != CONDITION else cleaned(stack[-1])
        if pb != CONSTANT:
            a, pa, ra, na = cleaned((a, pa, ra, na))
            a = a if pa >= SHIFT else f"({a})"
            t.put((f"{a} << {_count((b, pb, rb, nb), bits)}", SHIFT, ra | rb, product))
            return
        count = int(b) % bits
        if not count:
            return
        if 0 <= na <= bits - count:
            known = na + count
        elif count <= _SCALES:
            known = na if na < CONDITION else sums
        else:
            a, pa, known = f"{a if pa >= AND else f'({a})'} & {mask >> count}", AND, bits
        a = a if pa >= SHIFT else f"({a})"
        t.put((f"{a} << {count}", SHIFT, ra, known))

    return write


def _count(value: Value, bits: int) -> str:
    """How far is shifted, as the operand on the right of a shift."""
    text, precedence, _, known = value if value[3] != CONDITION else cleaned(value)
    if known < 0 or known >= bits.bit_length():
        return f"({text if precedence >= AND else f'({text})'} & {bits - 1})"
    return text if precedence > SHIFT else f"({text})"


def shift_right(bits: int) -> Writer:
    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, rb, nb = stack.pop()
        a, pa, ra, na = cleaned(stack[-1])
        a = a if pa >= SHIFT else f"({a})"
        na = na if na < bits else bits
        if pb != CONSTANT:
            t.put((f"{a} >> {_count((b, pb, rb, nb), bits)}", SHIFT, ra | rb, na))
            return
        count = int(b) % bits
        if count:
            t.put((f"{a} >> {count}", SHIFT, ra, na - count if na > count else 0))

    return write


def shift_right_signed(bits: int, general: Writer) -> Writer:
    mask, half = (1 << bits) - 1, 1 << (bits - 1)
    plain = shift_right(bits)

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        b, pb, _, _ = stack[-1]
        if 0 <= stack[-2][3] < bits:
            plain(t, x)
        elif pb != CONSTANT:
            general(t, x)
        else:
            stack.pop()
            count = int(b) % bits
            a, _, reads, _ = t.atom(cleaned(stack.pop()))
            high = mask ^ mask >> count
            text = f"{a} >> {count} if {a} < {half} else {a} >> {count} | {high}"
            t.push((text, CHOICE, reads, bits))

    return write


# -- comparisons


def compare(operator: str) -> Writer:
    def write(t: Any, x: Any) -> None:
        b, pb, rb, _ = cleaned(t.stack.pop())
        a, pa, ra, _ = cleaned(t.stack[-1])
        a = a if pa > COMPARE else f"({a})"
        b = b if pb > COMPARE else f"({b})"
        t.put((f"{a} {operator} {b}", COMPARE, ra | rb, CONDITION))

    return write


_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def compare_signed(operator: str, bits: int) -> Writer:
    half, full = 1 << (bits - 1), 1 << bits
    plain = compare(operator)

    def write(t: Any, x: Any) -> None:
        stack = t.stack
        if 0 <= stack[-1][3] < bits and 0 <= stack[-2][3] < bits:
            plain(t, x)
            return
        b, a = cleaned(stack.pop()), cleaned(stack.pop())
        if b[1] == CONSTANT:
            found = with_constant(operator, a, int(b[0]))
        elif a[1] == CONSTANT:
            found = with_constant(_SWAPPED[operator], b, int(a[0]))
        elif b[3] < bits:
            found = with_positive(operator, a, b)
        elif a[3] < bits:
            found = with_positive(_SWAPPED[operator], b, a)
        else:
            found = None
        if found is None:
            a, b = t.atom(a), t.atom(b)
            text = f"({a[0]} {operator} {b[0]}) is ({a[0]} ^ {b[0]} < {half})"
            found = text, COMPARE, a[2] | b[2], CONDITION
        t.push(found)

    def with_positive(operator: str, value: Value, limit: Value) -> Value:
        """A comparison with what is not negative: those that are, are the largest unsigned ones."""
        a = value[0] if value[1] > COMPARE else f"({value[0]})"
        b = limit[0] if limit[1] > COMPARE else f"({limit[0]})"
        reads = value[2] | limit[2]
        if operator in (">", ">="):
            return f"{b} {_SWAPPED[operator]} {a} < {half}", COMPARE, reads, CONDITION
        first = "<=" if operator == "<" else "<"
        return f"not {b} {first} {a} < {half}", NOT, reads, CONDITION

    def with_constant(operator: str, value: Value, number: int) -> Value | None:
        """A comparison with a constant, as one of an interval of unsigned numbers."""
        if operator in ("<=", ">"):
            # at most as less than the next
            if number == half - 1:
                return None
            number = (number + 1) % full
        a, precedence, reads, _ = value
        a = a if precedence > COMPARE else f"({a})"
        less = operator in ("<", "<=")
        if not number:
            return f"{a} {'>=' if less else '<'} {half}", COMPARE, reads, CONDITION
        low, high = (number, half) if number < half else (half, number)
        inside = f"{low} <= {a} < {high}"
        if less == (number < half):
            return f"not {inside}", NOT, reads, CONDITION
        return inside, COMPARE, reads, CONDITION

    return write


def is_zero(t: Any, x: Any) -> None:
    text, precedence = truth(t.stack[-1])
    t.stack[-1] = (*negated(text, precedence), t.stack[-1][2], CONDITION)
