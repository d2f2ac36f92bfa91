"""The arithmetic that Python does not have (spec, section "Execution: Numerics").

Integers are unsigned. An f32 is a Python float that 32 bits can hold; a NaN keeps its 23
payload bits as the upper payload bits of the 64, signalling bit included, and only arithmetic
makes it quiet. ``NAMES`` is what the templates of ``isa`` may use.
"""

from __future__ import annotations

import math
from math import copysign
from struct import Struct
from typing import Any

__all__ = ["NAMES", "bits_of_f32", "bits_of_f64", "f32_of_bits", "f64_of_bits", "round_f32"]

NAN = math.nan
_U32, _U64, _F32, _F64 = Struct("<I"), Struct("<Q"), Struct("<f"), Struct("<d")
_QUIET = 0x0008000000000000


# -- integers


def divide(a: int, b: int) -> int:
    """Signed division that truncates."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def remainder(a: int, b: int) -> int:
    """The remainder of :func:`divide`; it has the sign of ``a``."""
    rest = abs(a) % abs(b)
    return rest if a >= 0 else -rest


def saturate(x: float, low: int, high: int) -> int:
    """What a float outside ``low..high`` becomes: 0 for a NaN, else the nearer bound."""
    if x != x:
        return 0
    return low if x < 0 else high


# -- bits of floats


def bits_of_f64(x: float) -> int:
    """The 64 bits of a float."""
    return int(_U64.unpack(_F64.pack(x))[0])


def f64_of_bits(bits: int) -> float:
    """The float of 64 bits."""
    return float(_F64.unpack(_U64.pack(bits))[0])


def bits_of_f32(x: float) -> int:
    """The 32 bits of an f32."""
    if x == x:
        return int(_U32.unpack(_F32.pack(x))[0])
    bits = bits_of_f64(x)
    payload = bits >> 29 & 0x7FFFFF
    # a NaN of 64-bit arithmetic may have its payload below the 23 bits: it must stay a NaN
    return bits >> 32 & 0x80000000 | 0x7F800000 | (payload or 0x400000)


def f32_of_bits(bits: int) -> float:
    """The f32 of 32 bits."""
    if bits & 0x7F800000 == 0x7F800000 and bits & 0x7FFFFF:
        wide = (bits & 0x80000000) << 32 | 0x7FF0000000000000 | (bits & 0x7FFFFF) << 29
        return f64_of_bits(wide)
    return float(_F32.unpack(_U32.pack(bits))[0])


# -- rounding and arithmetic


def round_f32(x: float) -> float:
    """The nearest f32, ties to even; overflow gives infinity, a NaN becomes quiet."""
    if x != x:
        return f64_of_bits(bits_of_f64(x) & 0xFFFFFFFFE0000000 | _QUIET)
    try:
        return float(_F32.unpack(_F32.pack(x))[0])
    except OverflowError:
        return copysign(math.inf, x)


def float_of_int(n: int) -> float:
    """A float that rounds to the f32 nearest to ``n``: its lost bits become one sticky bit."""
    spare = n.bit_length() - 53
    if spare <= 0:
        return float(n)
    kept = n >> spare
    if n != kept << spare:
        kept |= 1
    return float(kept << spare)


def _whole(x: float, function: Any) -> float:
    """Rounds to an integer with ``math``'s function; infinities stay, a NaN becomes quiet."""
    if x - x != 0.0:
        return x * 1.0
    return copysign(float(function(x)), x)


def ceil(x: float) -> float:
    """The smallest integer not below ``x``."""
    return _whole(x, math.ceil)


def floor(x: float) -> float:
    """The largest integer not above ``x``."""
    return _whole(x, math.floor)


def trunc(x: float) -> float:
    """The integer part."""
    return _whole(x, math.trunc)


def nearest(x: float) -> float:
    """The nearest integer, ties to even."""
    return _whole(x, round)


def divide_by_zero(x: float, y: float) -> float:
    """``x / y`` where ``y`` is a zero."""
    if x == 0.0:
        return NAN
    if x != x:
        return x * 1.0
    return copysign(math.inf, x) * copysign(1.0, y)


def minimum(x: float, y: float) -> float:
    """The smaller; a NaN wins, and the negative zero is the smaller one."""
    if x < y:
        return x
    if y < x:
        return y
    if x != x or y != y:
        return x + y
    return x if copysign(1.0, x) < 0 else y


def maximum(x: float, y: float) -> float:
    """The larger; a NaN wins, and the positive zero is the larger one."""
    if x > y:
        return x
    if y > x:
        return y
    if x != x or y != y:
        return x + y
    return y if copysign(1.0, x) < 0 else x


def _accessors() -> dict[str, Any]:
    """``load_u32(mem, address)[0]`` and ``store_u32(mem, address, value)`` for every width."""
    forms = {"u16": "<H", "i16": "<h", "u32": "<I", "i32": "<i", "u64": "<Q", "i64": "<q"}
    forms.update(f32="<f", f64="<d")
    names: dict[str, Any] = {}
    for name, form in forms.items():
        names[f"load_{name}"] = Struct(form).unpack_from
        names[f"store_{name}"] = Struct(form).pack_into
    return names


#: every name that a template may use beside operands, immediates and the instance's objects
NAMES: dict[str, Any] = {
    function.__name__: function
    for function in (
        divide,
        remainder,
        saturate,
        bits_of_f64,
        f64_of_bits,
        bits_of_f32,
        f32_of_bits,
        float_of_int,
        ceil,
        floor,
        trunc,
        nearest,
        divide_by_zero,
        minimum,
        maximum,
        copysign,
    )
}
NAMES.update(_accessors(), NAN=NAN, sqrt=math.sqrt)
