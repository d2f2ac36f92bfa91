"""What SIMD instructions compute, lane by lane: a model of its own, to hold the engines against.

Nothing here is shared with the engine. Integers are lists of Python ints; floats are a sign and an
exact fraction, infinity or NaN, rounded once at the end. ``expected(name, operands, lane)`` takes
vectors as 16 bytes and scalars as bits. A NaN that arithmetic makes is given as ``NAN``, one of any
payload; :func:`same` compares so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

__all__ = ["WIDTHS", "expected", "join", "same", "split"]

#: bits of a lane by shape
WIDTHS = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": 32, "f64x2": 64}
INFINITE = "infinite"
NOT_A_NUMBER = "nan"


class NaN:
    """A quiet NaN of any sign and payload."""


NAN = NaN()


def split(data: bytes, width: int, signed: bool = False) -> list[int]:
    """The lanes of some bytes."""
    size = width // 8
    return [
        int.from_bytes(data[at : at + size], "little", signed=signed)
        for at in range(0, len(data), size)
    ]


def join(lanes: Sequence[Any], width: int) -> Any:
    """The bytes of lanes, taken modulo their width; a list if there is a NaN among them."""
    if NAN in lanes:
        return [lane if lane is NAN else lane % (1 << width) for lane in lanes]
    return b"".join((lane % (1 << width)).to_bytes(width // 8, "little") for lane in lanes)


def same(found: bytes, want: Any) -> bool:
    """Whether a vector is what is expected, any quiet NaN for ``NAN``."""
    if isinstance(want, bytes):
        return found == want
    width = 128 // len(want)
    quiet = 0x7FC00000 if width == 32 else 0x7FF8 << 48
    return all(
        lane & quiet == quiet if wanted is NAN else lane == wanted
        for lane, wanted in zip(split(found, width), want)
    )


# -- floats


class Real(NamedTuple):
    """A float: 1 for a negative sign, and its absolute value."""

    sign: int
    size: Any

    @property
    def value(self) -> Fraction:
        return -self.size if self.sign else self.size


def _format(width: int) -> tuple[int, int]:
    """Bits of the significand, and the least exponent of a normal number."""
    return (24, -126) if width == 32 else (53, -1022)


def decode(bits: int, width: int) -> Real:
    """The number that bits stand for."""
    digits, least = _format(width)
    sign, rest = bits >> (width - 1), bits & ((1 << (width - 1)) - 1)
    exponent, fraction = rest >> (digits - 1), rest & ((1 << (digits - 1)) - 1)
    if exponent == (1 << (width - digits)) - 1:
        return Real(sign, NOT_A_NUMBER if fraction else INFINITE)
    if exponent:
        fraction |= 1 << (digits - 1)
    return Real(sign, Fraction(fraction) * Fraction(2) ** (least + max(exponent, 1) - digits))


def _exponent(size: Fraction) -> int:
    """The largest power of two that is not above a positive number."""
    guess = size.numerator.bit_length() - size.denominator.bit_length()
    return guess if Fraction(2) ** guess <= size else guess - 1


def encode(number: Real, width: int) -> Any:
    """The bits of a number, rounded to the nearest, ties to even."""
    digits, least = _format(width)
    sign, size = number.sign << (width - 1), number.size
    infinity = ((1 << (width - digits)) - 1) << (digits - 1)
    if size == NOT_A_NUMBER:
        return NAN
    if size == INFINITE:
        return sign | infinity
    if not size:
        return sign
    exponent = max(_exponent(size), least)
    fraction = round(size / Fraction(2) ** (exponent - digits + 1))
    bits = fraction + ((exponent - least) << (digits - 1))
    return sign | min(bits, infinity)


def _negated(x: Real) -> Real:
    return Real(1 - x.sign, x.size)


_NAN = Real(0, NOT_A_NUMBER)


def _is_nan(*numbers: Real) -> bool:
    return any(number.size == NOT_A_NUMBER for number in numbers)


def _signed(value: Fraction, zero_sign: int = 0) -> Real:
    return Real(int(value < 0) if value else zero_sign, abs(value))


def _add(x: Real, y: Real) -> Real:
    if _is_nan(x, y):
        return _NAN
    if INFINITE in (x.size, y.size):
        if x.size == y.size and x.sign != y.sign:
            return _NAN
        return x if x.size == INFINITE else y
    return _signed(x.value + y.value, x.sign & y.sign)


def _multiply(x: Real, y: Real) -> Real:
    sign = x.sign ^ y.sign
    if _is_nan(x, y):
        return _NAN
    if INFINITE in (x.size, y.size):
        return _NAN if 0 in (x.size, y.size) else Real(sign, INFINITE)
    return Real(sign, x.size * y.size)


def _divide(x: Real, y: Real) -> Real:
    sign = x.sign ^ y.sign
    if _is_nan(x, y) or (x.size == y.size and x.size in (0, INFINITE)):
        return _NAN
    if x.size == INFINITE or y.size == 0:
        return Real(sign, INFINITE)
    return Real(sign, Fraction(0) if y.size == INFINITE else x.size / y.size)


def _root(x: Real) -> Real:
    if _is_nan(x) or (x.sign and x.size != 0):
        return _NAN
    if x.size in (0, INFINITE):
        return x
    scaled = x.size * 4**1200
    root = math.isqrt(math.floor(scaled))
    # one bit far below the last place tells an inexact root from a tie
    inexact = root * root != scaled
    return Real(0, Fraction(2 * root + inexact, 2**1201))


def _order(x: Real) -> Any:
    size = Fraction(2) ** 2000 if x.size == INFINITE else x.size
    return -size if x.sign else size


def _extreme(x: Real, y: Real, least: bool) -> Real:
    if _is_nan(x, y):
        return _NAN
    pick = min if least else max
    return pick(x, y, key=lambda number: (_order(number), -number.sign))


def _whole(function: Callable[[Fraction], int]) -> Callable[[Real], Real]:
    def rounded(x: Real) -> Real:
        if x.size in (INFINITE, NOT_A_NUMBER):
            return x
        return Real(x.sign, abs(Fraction(function(x.value))))

    return rounded


_FLOAT_UNARY = {
    "sqrt": _root,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "trunc": _whole(math.trunc),
    "nearest": _whole(round),
}
_FLOAT_BINARY = {
    "add": _add,
    "sub": lambda x, y: _add(x, _negated(y)),
    "mul": _multiply,
    "div": _divide,
    "min": lambda x, y: _extreme(x, y, True),
    "max": lambda x, y: _extreme(x, y, False),
}
_RELATIONS = {
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "gt": lambda x, y: x > y,
    "le": lambda x, y: x <= y,
    "ge": lambda x, y: x >= y,
}


def _float(op: str, width: int, operands: list[list[int]]) -> list[Any]:
    """A float instruction on lists of bits."""
    results = []
    for bits in zip(*operands):
        numbers = [decode(lane, width) for lane in bits]
        top = 1 << (width - 1)
        if op == "abs":
            results.append(bits[0] & ~top)
        elif op == "neg":
            results.append(bits[0] ^ top)
        elif op in _FLOAT_UNARY:
            results.append(encode(_FLOAT_UNARY[op](numbers[0]), width))
        elif op in _FLOAT_BINARY:
            results.append(encode(_FLOAT_BINARY[op](*numbers), width))
        elif op in ("pmin", "pmax"):
            x, y = numbers if op == "pmax" else reversed(numbers)
            other = not _is_nan(x, y) and _order(x) < _order(y)
            results.append(bits[1] if other else bits[0])
        else:
            known = not _is_nan(*numbers)
            holds = _RELATIONS[op](*map(_order, numbers)) if known else op == "ne"
            results.append(-int(holds))
    return results


def _truncated(number: Real, signed: bool) -> int:
    low, high = (-(1 << 31), (1 << 31) - 1) if signed else (0, (1 << 32) - 1)
    if number.size == NOT_A_NUMBER:
        return 0
    if number.size == INFINITE:
        return low if number.sign else high
    return min(max(math.trunc(number.value), low), high)


# -- integers


def _clamp(value: int, width: int, signed: bool) -> int:
    low = -(1 << (width - 1)) if signed else 0
    return min(max(value, low), low + (1 << width) - 1)


#: by name without sign: a function of the lanes, of the width, and of whether they are signed
_INTEGERS: dict[str, Callable[..., int]] = {
    "abs": lambda x, w, s: abs(x),
    "neg": lambda x, w, s: -x,
    "popcnt": lambda x, w, s: bin(x % (1 << w)).count("1"),
    "add": lambda x, y, w, s: x + y,
    "sub": lambda x, y, w, s: x - y,
    "mul": lambda x, y, w, s: x * y,
    "add_sat": lambda x, y, w, s: _clamp(x + y, w, s),
    "sub_sat": lambda x, y, w, s: _clamp(x - y, w, s),
    "min": lambda x, y, w, s: min(x, y),
    "max": lambda x, y, w, s: max(x, y),
    "avgr": lambda x, y, w, s: (x + y + 1) // 2,
    "q15mulr_sat": lambda x, y, w, s: _clamp((x * y + 0x4000) >> 15, 16, True),
    **{
        name: lambda x, y, w, s, holds=holds: -int(holds(x, y))
        for name, holds in _RELATIONS.items()
    },
}
_UNSIGNED_BY_NAME = re.compile(r"(.*)_([su])$")


def _halves(data: bytes, part: str) -> bytes:
    return data[:8] if part == "low" else data[8:]


def _converted(op: str, width: int, signed: bool, operands: list[bytes]) -> Any:
    """Instructions between widths and kinds of lanes, or ``None``."""
    a = operands[0]
    if op.startswith(("extend", "extmul")):
        kind, part = op.split("_")[:2]
        small = [split(_halves(data, part), width // 2, signed) for data in operands]
        return small[0] if kind == "extend" else [x * y for x, y in zip(*small)]
    if op.startswith("extadd"):
        small = split(a, width // 2, signed)
        return [x + y for x, y in zip(small[::2], small[1::2])]
    if op.startswith("narrow"):
        lanes = split(a + operands[1], 2 * width, True)
        return [_clamp(lane, width, signed) for lane in lanes]
    if op.startswith("dot"):
        x, y = (split(data, 16, True) for data in operands)
        products = [p * q for p, q in zip(x, y)]
        return [p + q for p, q in zip(products[::2], products[1::2])]
    if op.startswith("trunc_sat_f32x4"):
        return [_truncated(decode(bits, 32), signed) for bits in split(a, 32)]
    if op.startswith("trunc_sat_f64x2"):
        return [_truncated(decode(bits, 64), "_s_" in op) for bits in split(a, 64)] + [0, 0]
    if op.startswith("convert"):
        lanes = split(a, 32, signed)[: 128 // width]
        return [encode(_signed(Fraction(lane)), width) for lane in lanes]
    if op.startswith("promote"):
        return [encode(decode(bits, 32), 64) for bits in split(a, 32)[:2]]
    if op.startswith("demote"):
        return [encode(decode(bits, 64), 32) for bits in split(a, 64)] + [0, 0]
    return None


def _whole_vector(op: str, operands: list[Any]) -> Any:
    """Instructions of ``v128``."""
    a, b, c = (operands + [bytes(16)] * 2)[:3]
    if op == "any_true":
        return int(any(a))
    by_byte = {
        "not": lambda x, y, z: 255 - x,
        "and": lambda x, y, z: x & y,
        "andnot": lambda x, y, z: x & (255 - y),
        "or": lambda x, y, z: x | y,
        "xor": lambda x, y, z: x ^ y,
        "bitselect": lambda x, y, z: (x & z) | (y & (255 - z)),
    }
    return bytes(map(by_byte[op], a, b, c))


def _lanes(op: str, width: int, operands: list[Any], lane: Any) -> Any:
    """Instructions that move lanes, or ``None``."""
    a = operands[0]
    if op == "splat":
        return join([a] * (128 // width), width)
    if op.startswith("extract_lane"):
        value = split(a, width, op.endswith("_s"))[lane]
        return value % (1 << 64 if width == 64 else 1 << 32)
    if op == "replace_lane":
        lanes = split(a, width)
        lanes[lane] = operands[1]
        return join(lanes, width)
    if op == "shuffle":
        both = a + operands[1]
        return bytes(both[index] for index in lane)
    if op == "swizzle":
        return bytes(a[index] if index < 16 else 0 for index in operands[1])
    if op == "all_true":
        return int(all(split(a, width)))
    if op == "bitmask":
        return sum(1 << n for n, value in enumerate(split(a, width, True)) if value < 0)
    return None


def expected(name: str, operands: list[Any], lane: Any = None) -> Any:
    """The result of an instruction: 16 bytes, a list with ``NAN`` in it, or a scalar's bits."""
    shape, op = name.split(".")
    if shape == "v128":
        return _whole_vector(op, operands)
    width = WIDTHS[shape]
    moved = _lanes(op, width, operands, lane)
    if moved is not None:
        return moved
    match = _UNSIGNED_BY_NAME.match(op)
    plain, signed = (match[1], match[2] == "s") if match else (op, True)
    converted = _converted(op, width, signed, operands)
    if converted is not None:
        return join(converted, width)
    if shape[0] == "f":
        return join(_float(op, width, [split(data, width) for data in operands]), width)
    if plain.startswith("sh"):
        count = operands[1] % width
        lanes = split(operands[0], width, signed and plain == "shr")
        shifted = [x << count if plain == "shl" else x >> count for x in lanes]
        return join(shifted, width)
    lanes = [split(data, width, signed) for data in operands]
    return join([_INTEGERS[plain](*row, width, signed) for row in zip(*lanes)], width)
