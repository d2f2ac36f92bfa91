"""Numbers of the text format (spec, "Text Format: Values"): their bits, rounded once.

All take time in proportion to their length, whatever digits and exponents are written. They raise
ValueError with what is wrong.
"""

from __future__ import annotations

import math
import re
import struct

from ..isa.numerics import bits_of_f32, bits_of_f64

__all__ = ["float_bits", "integer"]

#: digits with lines between them; two lines in a row are looked for apart, which is faster
_DIGITS, _HEX = r"[0-9](?:[0-9_]*[0-9])?", r"[0-9a-fA-F](?:[0-9a-fA-F_]*[0-9a-fA-F])?"
_INTEGER = re.compile(rf"([+-]?)(?:0x({_HEX})|({_DIGITS}))")
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}(?:\.(?:{_DIGITS})?)?(?:[eE][+-]?{_DIGITS})?")
_HEXADECIMAL = re.compile(rf"([+-]?)0x({_HEX})(?:\.({_HEX})?)?(?:[pP]([+-]?)({_DIGITS}))?")
_SPECIAL = re.compile(rf"([+-]?)(?:(inf)|nan(?::0x({_HEX}))?)")
#: digits that any number of 128 bits has at most
_LONGEST = 40
#: hexadecimal digits that decide on a float, with one more for all that follow
_SIGNIFICANT = 20
#: an exponent beyond all floats, whatever their digits
_HUGE = 10**15


def integer(word: str, bits: int, *, signed: bool = True) -> int:
    """An integer of either range, as an unsigned one."""
    found = _INTEGER.fullmatch(word)
    if found is None or "__" in word or (not signed and found[1]):
        raise ValueError(f"expected an integer, found {word:.40}")
    sign, hexadecimal, decimal = found.groups()
    digits = (hexadecimal or decimal).replace("_", "").lstrip("0") or "0"
    value = 1 << 128
    if len(digits) <= _LONGEST:
        value = int(digits, 16 if hexadecimal else 10)
    if sign == "-":
        value = -value
    if not (-1 << (bits - 1) if signed else 0) <= value < 1 << bits:
        raise ValueError(f"{word:.40} does not fit into {bits} bits")
    return value & ((1 << bits) - 1)


def float_bits(word: str, bits: int) -> int:
    """The bits of a float of 32 or 64 bits."""
    hexadecimal, special = _HEXADECIMAL.fullmatch(word), _SPECIAL.fullmatch(word)
    if "__" in word or not (hexadecimal or special or _DECIMAL.fullmatch(word)):
        raise ValueError(f"expected a float, found {word:.40}")
    if special is not None:
        return _special(word, special, bits)
    try:
        if hexadecimal is None:
            value = _decimal(word.replace("_", ""), bits)
        else:
            value = _hexadecimal(hexadecimal, bits)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"{word:.40} is out of range")
    return bits_of_f32(value) if bits == 32 else bits_of_f64(value)


def _special(word: str, found: re.Match[str], bits: int) -> int:
    sign, infinite, payload = found.groups()
    mantissa = 23 if bits == 32 else 52
    fraction = 0 if infinite else 1 << (mantissa - 1)
    if payload:
        digits = payload.replace("_", "").lstrip("0")
        fraction = int(digits, 16) if 0 < len(digits) <= _LONGEST else 0
        if not 0 < fraction < 1 << mantissa:
            raise ValueError(f"{word:.40} has a payload out of range")
    exponent = (1 << (bits - 1 - mantissa)) - 1
    return (sign == "-") << (bits - 1) | exponent << mantissa | fraction


def _single(value: float) -> float:
    """A float in 32 bits. Raises OverflowError."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _decimal(text: str, bits: int) -> float:
    value = float(text)
    if bits == 64 or math.isinf(value):
        return value
    return _single(_off_the_middle(value, text))


def _off_the_middle(value: float, text: str) -> float:
    """``value``, the float of 64 bits that is nearest to a text; but where it is half-way between
    two floats of 32 bits and the text is not, its neighbour on the text's side."""
    below, above = math.nextafter(value, -math.inf), math.nextafter(value, math.inf)
    try:
        if _single(below) == _single(above):
            return value
    except OverflowError:
        pass  # half-way to what is out of range
    # few texts come here; all others do without the module
    from decimal import Decimal

    written, exact = Decimal(text), Decimal(value)
    return value if written == exact else above if written > exact else below


def _hexadecimal(found: re.Match[str], bits: int) -> float:
    sign, whole, part, exponent_sign, exponent = (group or "" for group in found.groups())
    part = part.replace("_", "")
    digits = (whole.replace("_", "") + part).lstrip("0")
    power = exponent.replace("_", "").lstrip("0")
    shift = (int(power or "0") if len(power) < 15 else _HUGE) * (-1 if exponent_sign == "-" else 1)
    shift += 4 * (max(len(digits) - _SIGNIFICANT, 0) - len(part))
    rest = digits[_SIGNIFICANT:].strip("0") != ""
    value = _rounded(int(digits[:_SIGNIFICANT] or "0", 16) << 1 | rest, shift - 1, bits)
    return -value if sign == "-" else value


def _rounded(mantissa: int, shift: int, bits: int) -> float:
    """``mantissa * 2**shift``, rounded to nearest, ties to even. Raises OverflowError."""
    if not mantissa:
        return 0.0
    precision, least = (24, -149) if bits == 32 else (53, -1074)
    # the weight of the last bit that is kept
    last = max(mantissa.bit_length() + shift - precision, least)
    drop = last - shift
    if drop > mantissa.bit_length() + 1:
        return 0.0
    if drop > 0:
        kept, half = mantissa >> drop, 1 << (drop - 1)
        over = mantissa & ((1 << drop) - 1)
        mantissa, shift = kept + (over > half or (over == half and kept & 1)), last
    value = math.ldexp(mantissa, shift)
    return _single(value) if bits == 32 else value
