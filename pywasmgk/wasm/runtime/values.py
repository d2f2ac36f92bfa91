"""Values at the border: what Python gives and gets, and what the engine has.

Inside, integers are unsigned and an f32 is a float that 32 bits can hold. Outside, integers are
signed; either range is taken. ``u32`` and ``u64`` annotate parameters of host functions that
want them unsigned, such as pointers. A v128 is an int inside and 16 bytes outside, lane 0 first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NewType

from ...tracebacks import hidden
from ..isa.numerics import bits_of_f32, bits_of_f64, f32_of_bits, f64_of_bits, round_f32
from ..types import ValType

__all__ = [
    "ZERO",
    "from_bits",
    "from_python",
    "results_to_python",
    "to_bits",
    "to_python",
    "u32",
    "u64",
]

__tracebackhide__ = hidden

u32 = NewType("u32", int)
u64 = NewType("u64", int)

_I32, _I64, _F32, _F64 = ValType.I32, ValType.I64, ValType.F32, ValType.F64

#: what a fresh local holds, as the engine has it
ZERO: dict[ValType, Any] = {
    _I32: 0,
    _I64: 0,
    _F32: 0.0,
    _F64: 0.0,
    ValType.V128: 0,
    ValType.FUNCREF: None,
    ValType.EXTERNREF: None,
    ValType.EXNREF: None,
}


def _integer(value: Any, bits: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an int for i{bits}, found {type(value).__name__}")
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise OverflowError(f"{value} does not fit i{bits}")
    return int(value) & ((1 << bits) - 1)


def _float(value: Any, bits: int) -> float:
    if not isinstance(value, (float, int)):
        raise TypeError(f"expected a float for f{bits}, found {type(value).__name__}")
    return round_f32(float(value)) if bits == 32 else float(value)


def _vector(value: Any) -> int:
    try:
        data = bytes(memoryview(value))
    except TypeError:
        raise TypeError(f"expected 16 bytes for v128, found {type(value).__name__}") from None
    if len(data) != 16:
        raise ValueError(f"expected 16 bytes for v128, found {len(data)}")
    return int.from_bytes(data, "little")


def _function(value: Any) -> Any:
    if value is not None and not hasattr(value, "call_bits"):
        raise TypeError(f"expected a Func or None for funcref, found {type(value).__name__}")
    return value


def _exception(value: Any) -> Any:
    if value is not None and not (hasattr(value, "tag") and hasattr(value, "values")):
        raise TypeError(f"expected an exnref or None, found {type(value).__name__}")
    return value


def _i32(value: Any) -> int:
    if value.__class__ is int and -0x80000000 <= value <= 0xFFFFFFFF:
        number: int = value
        return number & 0xFFFFFFFF
    return _integer(value, 32)


#: what makes an engine's value of a host's
INWARD: dict[ValType, Callable[[Any], Any]] = {
    _I32: _i32,
    _I64: lambda value: _integer(value, 64),
    _F32: lambda value: _float(value, 32),
    _F64: lambda value: _float(value, 64),
    ValType.V128: _vector,
    ValType.FUNCREF: _function,
    ValType.EXTERNREF: lambda value: value,
    ValType.EXNREF: _exception,
}


def from_python(kind: ValType, value: Any) -> Any:
    """A Python value as the engine has it.

    Raises TypeError, OverflowError for large ints, or ValueError for other than 16 bytes.
    """
    return INWARD[kind](value)


def signed32(value: int) -> int:
    """An i32 as hosts see it."""
    return (value ^ 0x80000000) - 0x80000000


def signed64(value: int) -> int:
    """An i64 as hosts see it."""
    return (value ^ 0x8000000000000000) - 0x8000000000000000


def bytes_of_vector(value: int) -> bytes:
    """A v128 as hosts see it: 16 bytes, lane 0 first."""
    return value.to_bytes(16, "little")


#: what makes a host's value of the engine's; nothing to do for floats and references
OUTWARD: dict[ValType, Callable[[int], Any]] = {
    _I32: signed32,
    _I64: signed64,
    ValType.V128: bytes_of_vector,
}


def to_python(kind: ValType, value: Any) -> Any:
    """An engine value as hosts see it."""
    convert = OUTWARD.get(kind)
    return value if convert is None else convert(value)


def results_to_python(kinds: Sequence[ValType], values: Sequence[Any]) -> Any:
    """What a call with these results gives: ``None``, the only one, or a tuple."""
    if len(kinds) == 1:
        return to_python(kinds[0], values[0])
    return tuple(map(to_python, kinds, values)) if kinds else None


def from_bits(kind: ValType, bits: Any) -> Any:
    """The engine's value of a raw bit pattern; references are themselves."""
    if kind is _F32:
        return f32_of_bits(bits)
    if kind is _F64:
        return f64_of_bits(bits)
    return from_python(kind, bits)


def to_bits(kind: ValType, value: Any) -> Any:
    """The raw bit pattern of an engine value; references are themselves."""
    if kind is _F32:
        return bits_of_f32(value)
    if kind is _F64:
        return bits_of_f64(value)
    if kind is ValType.V128:
        return bytes_of_vector(value)
    return value
