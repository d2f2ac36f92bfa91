"""The arithmetic of v128 (spec, section "Execution: Vector Instructions").

A v128 is an unsigned int of 128 bits, lane 0 lowest (RATIONALE.md, "How is a v128 represented?").
Most of what lanes do, the templates of ``isa.simd`` do on all of them at once, with the masks made
here: the carry of an addition stops at ``HIGH``, which holds the highest bit of each lane. What
needs one lane after the other goes through ``struct``, in C where that is possible.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import sqrt
from struct import Struct
from struct import error as struct_error
from typing import Any

from .numerics import NAN, divide_by_zero, round_f32, saturate

__all__ = ["LANE_NAMES", "splat"]

_from_bytes = int.from_bytes
_WIDTHS = (8, 16, 32, 64)


def splat(width: int, value: int, bits: int = 128) -> int:
    """``value`` in every lane of ``width`` bits."""
    return value * ((1 << bits) - 1) // ((1 << width) - 1)


def _masks() -> dict[str, Any]:
    """``ONE8``: the lowest bit of every lane, ``HIGH8``: the highest, ``LOW8``: all others. For
    shifts by a count: ``LEFT8`` and ``RIGHT8``: the bits that come from the same lane, ``FILL8``:
    what the sign of a lane of value 1 becomes."""
    names: dict[str, Any] = {"ALL": (1 << 128) - 1}
    for width in _WIDTHS:
        full = (1 << width) - 1
        names[f"ONE{width}"] = splat(width, 1)
        names[f"HIGH{width}"] = splat(width, 1 << (width - 1))
        names[f"LOW{width}"] = splat(width, full >> 1)
        counts = range(width)
        names[f"LEFT{width}"] = tuple(splat(width, full << n & full) for n in counts)
        names[f"RIGHT{width}"] = tuple(splat(width, full >> n) for n in counts)
        names[f"FILL{width}"] = tuple(full ^ full >> n for n in counts)
    for width in (8, 16):
        names[f"EVEN{width}"] = splat(2 * width, (1 << width) - 1)
        # what takes the two biases off a sum of two lanes of opposite offset
        names[f"BIAS{width}"] = splat(2 * width, (1 << (2 * width - 1)) - (1 << width))
    return names


def _structs() -> dict[str, Any]:
    """``pack_8h(*lanes)`` and ``unpack_8h(data, offset)``, by the letters of ``struct``."""
    forms = ["16b", "16B", *(count + kind for count in "48" for kind in "bBhHiIfqQ")]
    forms += [count + kind for count in "2" for kind in "hHiIqQfd"]
    names: dict[str, Any] = {}
    for form in forms:
        names[f"pack_{form}"] = Struct(f"<{form}").pack
        names[f"unpack_{form}"] = Struct(f"<{form}").unpack_from
    names["store_16s"] = Struct("<16s").pack_into
    return names


_STRUCTS = _structs()
_pack_4f, _unpack_4f = _STRUCTS["pack_4f"], _STRUCTS["unpack_4f"]
_pack_2d, _unpack_2d = _STRUCTS["pack_2d"], _STRUCTS["unpack_2d"]
_unpack_2f = _STRUCTS["unpack_2f"]
_pack_8h, _unpack_8h = _STRUCTS["pack_8h"], _STRUCTS["unpack_8h"]
_pack_8H, _pack_8I, _unpack_8H = (_STRUCTS[name] for name in ("pack_8H", "pack_8I", "unpack_8H"))
_pack_4I, _unpack_4I = _STRUCTS["pack_4I"], _STRUCTS["unpack_4I"]
#: the low halves of eight 32-bit lanes
_low_halves = Struct("<" + "H2x" * 8).unpack


# -- integers


def mul16(a: int, b: int) -> int:
    """Products of eight lanes."""
    a_, b_ = _unpack_8H(a.to_bytes(16, "little")), _unpack_8H(b.to_bytes(16, "little"))
    products = _pack_8I(*map(operator.mul, a_, b_))
    return _from_bytes(_pack_8H(*_low_halves(products)), "little")


def mul32(a: int, b: int) -> int:
    """Products of four lanes."""
    a0, a1, a2, a3 = _unpack_4I(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_4I(b.to_bytes(16, "little"))
    m = 0xFFFFFFFF
    return _from_bytes(_pack_4I(a0 * b0 & m, a1 * b1 & m, a2 * b2 & m, a3 * b3 & m), "little")


def q15mulr(a: int, b: int) -> int:
    """Rounded products of fixed-point fractions; only -1 times -1 saturates."""
    a_, b_ = _unpack_8h(a.to_bytes(16, "little")), _unpack_8h(b.to_bytes(16, "little"))
    products = [x * y + 0x4000 >> 15 for x, y in zip(a_, b_)]
    try:
        return _from_bytes(_pack_8h(*products), "little")
    except struct_error:
        return _from_bytes(_pack_8h(*(min(x, 0x7FFF) for x in products)), "little")


def dot16(a: int, b: int) -> int:
    """Sums of the products of neighbours."""
    a_, b_ = _unpack_8h(a.to_bytes(16, "little")), _unpack_8h(b.to_bytes(16, "little"))
    p, q, r, s, t, u, v, w = map(operator.mul, a_, b_)
    m = 0xFFFFFFFF
    return _from_bytes(_pack_4I(p + q & m, r + s & m, t + u & m, v + w & m), "little")


def _narrowing(wide: int, signed: bool) -> Callable[[int, int], int]:
    """Makes a function that brings the signed lanes of two vectors to half their width."""
    small = wide // 2
    full = (1 << small) - 1
    one, upper = splat(wide, 1, 256), splat(wide, full << small, 256)
    high, low = splat(wide, 1 << (wide - 1), 256), splat(wide, full, 256)
    low31 = splat(wide, (1 << (wide - 1)) - 1, 256)
    half, largest = splat(wide, 1 << (small - 1), 256), splat(wide, full >> 1, 256)
    take: Callable[[bytes], Any] = lambda data: data[::2]  # noqa: E731
    if wide == 32:
        take = lambda data: _pack_8H(*_low_halves(data))  # noqa: E731

    def narrow(a: int, b: int) -> int:
        """The lanes of both, each the nearest that fits into half the width."""
        lanes = a | b << 128
        sign = lanes >> wide - 1 & one
        if signed:
            # a lane fits if it fits without sign once half the range is added
            over = (((lanes & low31) + half) ^ lanes & high) & upper
            bound = largest + sign
        else:
            over = lanes & upper
            bound = (one - sign) * full
        unfit = ((over >> small) + low >> small & one) * full
        return _from_bytes(take((lanes ^ (lanes ^ bound) & unfit).to_bytes(32, "little")), "little")

    return narrow


# -- floats


def pack_f32x4(w: float, x: float, y: float, z: float) -> int:
    """Four floats of 64 bits, rounded."""
    try:
        return _from_bytes(_pack_4f(w, x, y, z), "little")
    except OverflowError:
        return _from_bytes(_pack_4f(*map(round_f32, (w, x, y, z))), "little")


def add_f32x4(a: int, b: int) -> int:
    """Sums of four lanes."""
    a0, a1, a2, a3 = _unpack_4f(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_4f(b.to_bytes(16, "little"))
    return pack_f32x4(a0 + b0, a1 + b1, a2 + b2, a3 + b3)


def sub_f32x4(a: int, b: int) -> int:
    """Differences of four lanes."""
    a0, a1, a2, a3 = _unpack_4f(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_4f(b.to_bytes(16, "little"))
    return pack_f32x4(a0 - b0, a1 - b1, a2 - b2, a3 - b3)


def mul_f32x4(a: int, b: int) -> int:
    """Products of four lanes."""
    a0, a1, a2, a3 = _unpack_4f(a.to_bytes(16, "little"))
    b0, b1, b2, b3 = _unpack_4f(b.to_bytes(16, "little"))
    return pack_f32x4(a0 * b0, a1 * b1, a2 * b2, a3 * b3)


def quotient(x: float, y: float) -> float:
    """``x / y``, whatever ``y`` is."""
    return x / y if y else divide_by_zero(x, y)


def root(x: float) -> float:
    """The square root; a NaN of a negative number."""
    return sqrt(x) if x >= 0.0 else NAN if x < 0.0 else x * 1.0


def promote(a: int) -> int:
    """The lower two lanes of 32 bits as lanes of 64."""
    x, y = _unpack_2f(a.to_bytes(16, "little"))
    # times one: a signalling NaN becomes quiet, all else stays
    return _from_bytes(_pack_2d(x * 1.0, y * 1.0), "little")


def demote(a: int) -> int:
    """Both lanes of 64 bits as the lower lanes of 32."""
    x, y = _unpack_2d(a.to_bytes(16, "little"))
    return pack_f32x4(x * 1.0, y * 1.0, 0.0, 0.0)


def to_i32(x: float) -> int:
    """The nearest signed 32-bit integer toward zero; 0 for a NaN."""
    if -2147483649.0 < x < 2147483648.0:
        return int(x)
    return saturate(x, -0x80000000, 0x7FFFFFFF)


def to_u32(x: float) -> int:
    """The nearest unsigned 32-bit integer toward zero; 0 for a NaN."""
    if -1.0 < x < 4294967296.0:
        return int(x)
    return saturate(x, 0, 0xFFFFFFFF)


#: what the templates of ``isa.simd`` use beside the names of ``numerics``
LANE_NAMES: dict[str, Any] = {
    function.__name__: function
    for function in (
        mul16,
        mul32,
        q15mulr,
        dot16,
        pack_f32x4,
        add_f32x4,
        sub_f32x4,
        mul_f32x4,
        quotient,
        root,
        promote,
        demote,
        to_i32,
        to_u32,
    )
}
LANE_NAMES.update(_masks(), **_STRUCTS)
LANE_NAMES.update(
    {
        name: getattr(operator, name)
        for name in ("add", "sub", "mul", "neg", "eq", "ne", "lt", "gt", "le", "ge")
    },
    narrow16_s=_narrowing(16, True),
    narrow16_u=_narrowing(16, False),
    narrow32_s=_narrowing(32, True),
    narrow32_u=_narrowing(32, False),
    from_bytes=_from_bytes,
    # bytes.translate: the ones in a byte, and its sign as a digit
    ONES_IN_BYTE=bytes(bin(n).count("1") for n in range(256)),
    SIGN_DIGIT=b"0" * 128 + b"1" * 128,
)
