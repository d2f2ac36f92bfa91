"""JSON that is the same bytes wherever it is written: the canonicalization scheme of RFC 8785.

Members stand in the order of their names' UTF-16 code units, numbers are written as ECMAScript
writes them, strings with the least escapes, and nothing is between the tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["MOST_EXACT", "canonical"]

#: the largest of the integers that a double has all of; other programs read no larger ones exactly
MOST_EXACT = (1 << 53) - 1
#: decimal exponents from which ECMAScript writes one, above and below
_LARGE, _SMALL = 21, -6
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def canonical(value: Any) -> bytes:
    """A value of JSON (``None``, bool, int, float, str, list or tuple, dict) as canonical text.

    Raises ValueError for what JSON cannot say: numbers that are no finite double exactly, and
    strings with half of a surrogate pair; TypeError for other values and for names that are no
    strings.
    """
    return "".join(_parts(value)).encode()


def _parts(value: Any) -> Iterator[str]:
    if value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, str):
        yield _string(value)
    elif isinstance(value, (int, float)):
        yield _number(value)
    elif isinstance(value, (list, tuple)):
        yield "["
        for position, item in enumerate(value):
            yield "," if position else ""
            yield from _parts(item)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for position, name in enumerate(sorted(value, key=_code_units)):
            yield f"{',' if position else ''}{_string(name)}:"
            yield from _parts(value[name])
        yield "}"
    else:
        raise TypeError(f"a {type(value).__name__} is no value of JSON")


def _code_units(name: Any) -> bytes:
    if not isinstance(name, str):
        raise TypeError(f"names of members are strings, found {name!r:.80}")
    return name.encode("utf-16-be", "surrogatepass")


def _string(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"half of a surrogate pair in {text!a:.80}") from None
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"


def _number(value: float) -> str:
    """A number as ``Number.prototype.toString`` has it: the shortest digits that only it has."""
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if number - number != 0:
        raise ValueError(f"no number of JSON: {value!r:.80}")
    if number != value:
        raise ValueError(f"no double is {value!r:.80}")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    # Python finds the same digits, and writes them otherwise
    mantissa, _, exponent = f"{abs(number)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    # where the point is, counted from the first of the digits
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= _LARGE:
        return digits + "0" * (point - count)
    if 0 < point <= _LARGE:
        return f"{digits[:point]}.{digits[point:]}"
    if _SMALL < point <= 0:
        return f"0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{rest}e{point - 1:+d}"
