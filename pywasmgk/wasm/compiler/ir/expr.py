"""Python expressions as trees with what is known of their values.

A :class:`Expression` is an expression of the generated code. An integer expression knows bounds of
its value and how many of its low bits are zero; the functions that build expressions use that to
leave out what changes nothing: masks above all. They are exact on unbounded integers, so whatever
they build computes the value that the plain expression would. Expressions without bounds (``low is
None``) are floats, references and whatever Python gives; nothing is ever assumed of those.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

__all__ = [
    "Expr", "addends", "constant", "is_signed_word", "is_word", "keeps", "places", "variable",
]  # fmt: skip

#: how many zero bits the number 0 has, as far as we count
_ALL_ZERO = 64
#: all bits of a number of 32 and of 64 bits
WORDS = ((1 << 32) - 1, (1 << 64) - 1)
#: bits of an integer of 64 bits times the size of an element: three digits of Python's, which a
#: product of two words has too, and seldom more than one in a program
_SCALED = 72
#: integers up to here, and those below zero, are exact as floats of 32 bits
_EXACT = 1 << 24
#: expressions nested deeper are put into a temporary first (Python's tokenizer takes 200
#: parentheses)
MAX_DEPTH = 40


class Expr:
    """An expression. ``op`` says what kind, ``args`` are expressions or plain values."""

    __slots__ = ("args", "depth", "high", "low", "op", "reads", "zeros")

    reads: int
    depth: int

    def __init__(
        self,
        op: str,
        args: tuple[Any, ...],
        low: Any = None,
        high: Any = None,
        zeros: int = 0,
        reads: int = 0,
    ) -> None:
        self.op = op
        self.args = args
        #: bounds of an integer's value, both included; ``None`` for anything else
        self.low = low
        self.high = high
        #: low bits that are known to be zero
        self.zeros = zeros
        depth = 0
        for arg in args:
            if arg.__class__ is Expr:
                reads |= arg.reads
                if arg.depth > depth:
                    depth = arg.depth
        #: the variables that it reads, as a set of bits
        self.reads = reads
        self.depth = depth + 1

    @property
    def place(self) -> int:
        """The place of a variable in ``reads``; -1 of one that has none."""
        return self.reads.bit_length() - 1

    def is_variable(self, text: str) -> bool:
        """Whether it is the variable of this name."""
        return self.op == "var" and bool(self.args[0] == text)

    @property
    def is_atom(self) -> bool:
        """Whether it can be written several times at no cost."""
        return self.op in ("const", "var", "name")

    @property
    def is_cheap(self) -> bool:
        """Whether writing it twice costs no more than naming it: atoms, and pointers to fields."""
        if self.op == "+" and self.low is not None:
            return bool(self.args[0].is_atom and self.args[1].op == "const")
        return self.is_atom

    def with_args(self, *args: Any) -> Expr:
        """The same operator over other operands, with the same bounds."""
        return Expr(self.op, args, self.low, self.high, self.zeros)

    def __str__(self) -> str:
        """The operator before its operands; ``backend.printing`` has it as Python does."""
        args = ", ".join(map(str, self.args))
        return args if self.op in ("var", "name", "const") else f"{self.op}({args})"

    def __repr__(self) -> str:
        return f"<{self}>" if self.low is None else f"<{self} in {self.low}..{self.high}>"


def places(bits: int) -> Iterator[int]:
    """The places of variables in a set of bits."""
    while bits:
        yield bits.bit_length() - 1
        bits ^= 1 << bits.bit_length() - 1


def is_word(term: Expr) -> bool:
    """Whether an expression is a number of 32 bits."""
    return term.low is not None and bool(0 <= term.low and term.high < 1 << 32)


def is_signed_word(term: Expr) -> bool:
    """Whether an expression is in the range of numbers of 32 bits with a sign."""
    return term.low is not None and bool(-1 << 31 <= term.low and term.high < 1 << 31)


def _zeros_of(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else _ALL_ZERO


def constant(value: Any) -> Expr:
    """A number; anything else must be ``None``."""
    if value.__class__ is int:
        return _integer(value)
    if isinstance(value, int):
        return Expr("const", (value,), value, value, _zeros_of(value))
    return Expr("const", (value,))


@lru_cache(maxsize=4096)
def _integer(value: int) -> Expr:
    return Expr("const", (value,), value, value, _zeros_of(value))


ZERO, ONE = constant(0), constant(1)


def variable(name: str, bit: int, low: Any = None, high: Any = None, zeros: int = 0) -> Expr:
    """A local variable of the generated function; ``bit`` is its place in ``reads``."""
    if low is not None and low == high:
        return constant(low)
    return Expr("var", (name,), low, high, zeros, 1 << bit if bit >= 0 else 0)


def name(text: str) -> Expr:
    """A name of the function's surroundings."""
    return Expr("name", (text,))


def opaque(op: str, *args: Any, low: Any = None, high: Any = None) -> Expr:
    """An expression that nothing is known of but its bounds."""
    return Expr(op, args, low, high)


# -- sums


def add(a: Expr, b: Expr) -> Expr:
    """``a + b``; a constant comes last, and constants are gathered."""
    if a.low is None or b.low is None:
        return Expr("+", (a, b))
    if a.op in ("const", "bool"):
        a, b = b, a
    if b.op == "const":
        if a.op == "const":
            return constant(a.args[0] + b.args[0])
        if not b.args[0]:
            return a
        if a.op == "+" and a.args[1].op == "const":
            return add(a.args[0], constant(a.args[1].args[0] + b.args[0]))
    elif a.op == "+" and a.args[1].op == "const":
        return add(add(a.args[0], b), a.args[1])
    elif b.op == "+" and b.args[1].op == "const":
        return add(add(a, b.args[0]), b.args[1])
    return Expr("+", (a, b), a.low + b.low, a.high + b.high, min(a.zeros, b.zeros))


def addends(a: Expr) -> tuple[list[Expr], int]:
    """The expressions that a sum of integers adds up, and the number that it adds to them."""
    found, number, waiting = [], 0, [a]
    while waiting:
        term = waiting.pop()
        if term.op == "+" and term.low is not None:
            waiting += term.args
        elif term.op == "const":
            number += term.args[0]
        else:
            found.append(term)
    return found, number


def subtract(a: Expr, b: Expr) -> Expr:
    """``a - b``."""
    if a.low is None or b.low is None:
        return Expr("-", (a, b))
    if b.op == "const":
        if a.op == "^" and a.args[1].op == "const" and a.args[1].args == b.args:
            inner, sign = a.args[0], b.args[0]
            if sign > 0 and sign & (sign - 1) == 0 and 0 <= inner.low <= inner.high < 2 * sign:
                return signed(inner, sign)
        return add(a, constant(-b.args[0]))
    if a.op == "const" and not a.args[0]:
        return negative(b)
    return Expr("-", (a, b), a.low - b.high, a.high - b.low, min(a.zeros, b.zeros))


def negative(a: Expr) -> Expr:
    """``-a``."""
    if a.low is None:
        return Expr("neg", (a,))
    if a.op == "const":
        return constant(-a.args[0])
    return Expr("neg", (a,), -a.high, -a.low, a.zeros)


def invert(a: Expr) -> Expr:
    """``~a``."""
    if a.low is None:
        return Expr("invert", (a,))
    if a.op == "const":
        return constant(~a.args[0])
    return Expr("invert", (a,), ~a.high, ~a.low)


def signed(a: Expr, sign: int) -> Expr:
    """What the unsigned ``a`` below ``2 * sign`` is in two's complement."""
    if a.high < sign and a.low >= 0:
        return a
    if a.low >= sign and a.high < 2 * sign:
        return add(a, constant(-2 * sign))
    if a.op in ("&", "%", "wrap") and keeps(a) == 2 * sign - 1:
        inner: Expr = a.args[0]
        if inner.low is not None and inner.low >= -sign and inner.high < sign:
            return inner
    if a.op == "if":
        one, other = (signed(arm, sign) for arm in a.args[1:])
        if one.op != "signed" and other.op != "signed":
            low, high = min(one.low, other.low), max(one.high, other.high)
            return Expr("if", (a.args[0], one, other), low, high, min(one.zeros, other.zeros))
    return Expr("signed", (a, sign), -sign, sign - 1, min(a.zeros, _zeros_of(sign)))


# -- products and shifts


def multiply(a: Expr, b: Expr) -> Expr:
    """``a * b``."""
    if a.low is None or b.low is None:
        return Expr("*", (a, b))
    if a.op == "const":
        a, b = b, a
    if b.op == "const":
        if a.op == "const":
            return constant(a.args[0] * b.args[0])
        if b.args[0] == 1:
            return a
        if b.args[0] == 0:
            return ZERO
    corners = (a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    return Expr("*", (a, b), min(corners), max(corners), min(a.zeros + b.zeros, _ALL_ZERO))


def shift_left(a: Expr, b: Expr) -> Expr:
    """``a << b``."""
    if a.low is None or b.low is None or b.low < 0 or b.high > 64:
        return Expr("<<", (a, b))
    if b.op == "const":
        count = b.args[0]
        if a.op == "const":
            return constant(a.args[0] << count)
        if not count:
            return a
    low = a.low << (b.low if a.low >= 0 else b.high)
    high = a.high << (b.high if a.high >= 0 else b.low)
    return Expr("<<", (a, b), low, high, min(a.zeros + b.low, _ALL_ZERO))


def shift_right(a: Expr, b: Expr) -> Expr:
    """``a >> b``."""
    if a.low is None or b.low is None or b.low < 0:
        return Expr(">>", (a, b))
    if b.op == "const":
        count = b.args[0]
        if a.op == "const":
            return constant(a.args[0] >> count)
        if not count:
            return a
        if a.op == "<<" and a.args[1].op == "const" and a.args[1].args[0] == count:
            inner: Expr = a.args[0]
            return inner
        if a.op == "<<" and a.args[1].op == "const" and a.args[1].args[0] < count:
            return shift_right(a.args[0], constant(count - a.args[1].args[0]))
        if a.op == "signed" and a.args[1] == 1 << count:
            # the sign alone is left: 0 or -1
            return negative(shift_right(a.args[0], b))
        if a.op == "signed" and a.args[0].op == "<<":
            # what was shifted up to the sign comes back: the sign of fewer bits
            inner, by = a.args[0].args
            sign = a.args[1] >> by.args[0] if by.op == "const" else 0
            if 0 <= inner.low <= inner.high < 2 * sign and by.args[0] <= count:
                return shift_right(signed(inner, sign), constant(count - by.args[0]))
        if a.op == "+" and a.args[1].op == "const" and a.args[1].zeros >= count:
            # the constant is a multiple of the divisor: the base can be shifted by itself
            return add(shift_right(a.args[0], b), constant(a.args[1].args[0] >> count))
    low = a.low >> (b.high if a.low >= 0 else b.low)
    high = a.high >> (b.low if a.high >= 0 else b.high)
    if low == high:
        return constant(low)
    return Expr(">>", (a, b), low, high, max(a.zeros - b.high, 0))


def floor_divide(a: Expr, b: Expr) -> Expr:
    """``a // b``."""
    if a.low is None or b.low is None or a.low < 0 or b.low < 0:
        return Expr("//", (a, b))
    if b.op == "const" and b.args[0] > 0:
        divisor = b.args[0]
        if divisor & (divisor - 1) == 0:
            return shift_right(a, constant(divisor.bit_length() - 1))
        return Expr("//", (a, b), a.low // divisor, a.high // divisor)
    return Expr("//", (a, b), 0, a.high // max(b.low, 1))


def modulo(a: Expr, b: Expr) -> Expr:
    """``a % b``."""
    if a.low is None or b.low is None or b.low < 0:
        return Expr("%", (a, b))
    if b.op == "const" and b.args[0] > 0:
        divisor = b.args[0]
        if a.low >= 0 and a.high < divisor:
            return a
        if divisor & (divisor - 1) == 0:
            return bit_and(a, constant(divisor - 1))
        return Expr("%", (a, b), 0, divisor - 1)
    return Expr("%", (a, b), 0, max(b.high - 1, 0))


# -- bits


def keeps(a: Expr) -> int:
    """The mask 2**n - 1 that the root of an expression applies, or -1."""
    if a.op == "&" and a.args[1].op == "const":
        mask = a.args[1].args[0]
        return int(mask) if mask & (mask + 1) == 0 else -1
    if a.op == "wrap":
        return int(a.args[1]) - 1
    if a.op == "%" and a.args[1].op == "const":
        size = a.args[1].args[0]
        return size - 1 if size & (size - 1) == 0 else -1
    return -1


def bit_and(a: Expr, b: Expr) -> Expr:
    """``a & b``."""
    if a.low is None or b.low is None:
        if b.op == "const" and b.low is not None and b.low >= 0:
            return Expr("&", (a, b), 0, b.high)
        return Expr("&", (a, b))
    if a.op == "const":
        a, b = b, a
    if b.op == "const" and a.op == "const":
        return constant(a.args[0] & b.args[0])
    if b.op == "const" and b.args[0] >= 0:
        return _masked(a, b.args[0])
    if a.low >= 0:
        b = _without_turn(strip(b, a.high.bit_length()), a.high)
    elif b.low >= 0:
        a = strip(a, b.high.bit_length())
    if b.low is not None and b.low >= 0 and a.low is not None:
        a = _without_turn(a, b.high)
    if a.low is None or b.low is None:
        return Expr("&", (a, b))
    zeros = max(a.zeros, b.zeros)
    if a.low >= 0 or b.low >= 0:
        high = min(term.high for term in (a, b) if term.low >= 0)
        return Expr("&", (a, b), 0, high, zeros)
    width = max(-a.low, -b.low, a.high, b.high).bit_length()
    return Expr("&", (a, b), -(1 << width), (1 << width) - 1, zeros)


def _masked(a: Expr, mask: int) -> Expr:
    """``a & mask``."""
    width = mask.bit_length()
    if mask & (mask + 1) == 0:
        return keep_low(a, width)
    if a.op == "&" and a.args[1].op == "const":
        return bit_and(a.args[0], constant(a.args[1].args[0] & mask))
    a, high = strip(a, width), mask
    if a.low is None:
        return Expr("&", (a, constant(mask)), 0, mask, _zeros_of(mask))
    if 0 <= a.low and a.high < 1 << width:
        # bits that the value cannot have need not be asked for
        if mask == (1 << width) - (1 << a.zeros) and a.zeros < width:
            return a
        high = min(mask, a.high)
    return Expr("&", (a, constant(mask)), 0, high, max(a.zeros, _zeros_of(mask)))


def _without_turn(a: Expr, highest: int) -> Expr:
    """A number with all its bits turned, as ``~`` turns them, where only those up to those of
    ``highest`` are asked for: the number that turns them is a large one, and so expensive."""
    if a.op == "^" and a.args[1].op == "const" and a.args[1].args[0] in WORDS:
        inner: Expr = a.args[0]
        ones = a.args[1].args[0]
        if 0 <= inner.low and inner.high <= ones and highest <= ones:
            return invert(inner)
    return a


def keep_low(a: Expr, bits: int) -> Expr:
    """``a & (2**bits - 1)``, or what is the same and cheaper."""
    mask = (1 << bits) - 1
    if a.low >= 0 and a.high <= mask:
        return a
    if a.op == "+" and a.args[1].op == "const" and a.args[1].args[0] > mask >> 1:
        # adding a negative number, as two's complement has it
        half = (mask + 1) >> 1
        return keep_low(add(a.args[0], constant(((a.args[1].args[0] + half) & mask) - half)), bits)
    if a.op == "const":
        return constant(a.args[0] & mask)
    if a.op == "signed" and a.args[0].op == "var" and 2 * a.args[1] <= mask >> 1:
        # most small numbers are not below zero
        inner, sign = a.args
        higher = add(inner, constant(mask + 1 - 2 * sign))
        return Expr("if", (Expr("<", (inner, constant(sign))), inner, higher), 0, mask)
    stripped = strip(a, bits)
    if (
        stripped is not a
        and stripped.low is not None
        and _cost_bits(stripped) <= max(2 * bits + 2, _SCALED)
    ):
        return keep_low(stripped, bits)
    if a.zeros >= bits:
        return ZERO
    if a.op == "<<" and a.args[1].op == "const":
        count = a.args[1].args[0]
        return shift_left(bit_and(a.args[0], constant(mask >> count)), a.args[1])
    if a.op == "+" and bits >= 32 and _rarely_wraps(a.args[0], a.args[1], bits):
        # then % gives back its operand, where & would make a new number
        return Expr("%", (a, constant(mask + 1)), 0, mask, min(a.zeros, bits))
    if a.op in ("+", "-", "neg") and bits >= 32 and -mask <= a.low and a.high <= 2 * mask:
        if a.low >= 0 or a.high <= mask:
            # out of range by one turn at most, and rarely: a comparison is cheaper than a mask
            return Expr("wrap", (a, mask + 1), 0, mask, min(a.zeros, bits))
    return Expr("&", (a, constant(mask)), 0, mask, min(a.zeros, bits))


def _rarely_wraps(a: Expr, b: Expr, bits: int) -> bool:
    """Whether a sum looks like one of sizes, counts or pointers."""
    if b.op == "const":
        if b.args[0] < 0 and a.high < 1 << 16:
            return False  # it often does: "is it a digit?"
        return bool(abs(b.args[0]) < (1 << 26 if bits == 32 else 1 << 16))
    if a.low < 0 or b.low < 0:
        return False
    return min(a.high, b.high) < 1 << 16 or (bits == 32 and a.op == b.op == "var")


def address(a: Expr) -> Expr:
    """An address of 32 bits; one that can be accessed hardly ever comes from a sum that wrapped."""
    if a.op not in ("wrap", "&") or keeps(a) != 0xFFFFFFFF or a.args[0].op != "+":
        return a
    inner = a.args[0]
    return Expr("%", (inner, constant(1 << 32)), 0, 0xFFFFFFFF, min(inner.zeros, 32))


def _cost_bits(a: Expr) -> int:
    return int(max(-a.low, a.high).bit_length())


def strip(a: Expr, bits: int) -> Expr:
    """An expression with the same low bits, without masks that only touch higher ones."""
    op = a.op
    if a.low is None:
        return a
    if op in ("&", "%", "wrap"):
        kept = keeps(a)
        if kept >= 0 and kept.bit_length() >= bits:
            return strip(a.args[0], bits)
        return a
    if op in _MODULAR:
        x, y = strip(a.args[0], bits), strip(a.args[1], bits)
        if x is a.args[0] and y is a.args[1]:
            return a
        return _MODULAR[op](x, y)
    if op == "signed":
        return strip(a.args[0], bits) if (a.args[1] << 1).bit_length() > bits else a
    if op == "neg":
        x = strip(a.args[0], bits)
        return a if x is a.args[0] else negative(x)
    if op == "<<" and a.args[1].op == "const" and a.args[1].args[0] < bits:
        x = strip(a.args[0], bits - a.args[1].args[0])
        return a if x is a.args[0] else shift_left(x, a.args[1])
    return a


def bit_or(a: Expr, b: Expr) -> Expr:
    """``a | b``."""
    if a.low is None or b.low is None:
        return Expr("|", (a, b))
    if a.op == "const":
        a, b = b, a
    if b.op == "const":
        if a.op == "const":
            return constant(a.args[0] | b.args[0])
        if not b.args[0]:
            return a
    zeros = min(a.zeros, b.zeros)
    if a.low >= 0 and b.low >= 0:
        width = max(a.high, b.high).bit_length()
        return Expr("|", (a, b), max(a.low, b.low), (1 << width) - 1, zeros)
    return _signed_bits("|", a, b, zeros)


def bit_xor(a: Expr, b: Expr) -> Expr:
    """``a ^ b``."""
    if a.low is None or b.low is None:
        return Expr("^", (a, b))
    if a.op == "const":
        a, b = b, a
    if b.op == "const":
        if a.op == "const":
            return constant(a.args[0] ^ b.args[0])
        if not b.args[0]:
            return a
    zeros = min(a.zeros, b.zeros)
    if a.low >= 0 and b.low >= 0:
        width = max(a.high, b.high).bit_length()
        return Expr("^", (a, b), 0, (1 << width) - 1, zeros)
    return _signed_bits("^", a, b, zeros)


def _signed_bits(op: str, a: Expr, b: Expr, zeros: int) -> Expr:
    width = max(abs(a.low), abs(b.low), a.high, b.high).bit_length()
    return Expr(op, (a, b), -(1 << width), (1 << width) - 1, zeros)


#: what the low bits of two operands make the low bits of
_MODULAR = {"+": add, "-": subtract, "*": multiply, "^": bit_xor, "|": bit_or}


# -- calls of what Python or ``numerics`` has


def call(function: str, *args: Expr) -> Expr:
    """A call of a function of ``numerics``, in Python's own words where the operands allow it."""
    if function in _DIVISIONS:
        a, b = args
        if a.low is not None and b.low is not None:
            if a.low >= 0 and b.low > 0:
                return _DIVISIONS[function](a, b)
            bound = max(-a.low, a.high)
            return Expr("call", (function, *args), -bound, bound)
    return Expr("call", (function, *args))


_DIVISIONS = {"divide": floor_divide, "remainder": modulo}


def method(base: Expr, attribute: str, *args: Expr) -> Expr:
    """A call of a method; ``bit_length`` and ``bit_count`` of integers are bounded."""
    if base.low is not None and not args:
        if base.op == "const":
            return constant(getattr(base.args[0], attribute)())
        return Expr("method", (base, attribute), 0, max(-base.low, base.high).bit_length())
    return Expr("method", (base, attribute, *args))


def is_single(a: Expr) -> bool:
    """Whether what is computed from floats of 32 bits, or from an integer, is such a float without
    being rounded: sums with 0, products with 0 and 1, and integers of 24 bits."""
    if a.op in ("+", "-"):
        return bool(a.args[1].op == "const" and a.args[1].args[0] == 0.0)
    if a.op == "*":
        return any(arg.op == "const" and arg.args[0] in (0.0, 1.0, -1.0) for arg in a.args)
    if a.op == "call" and a.args[0] == "float":
        value = a.args[1]
        return value.low is not None and -_EXACT <= value.low and value.high <= _EXACT
    return False
