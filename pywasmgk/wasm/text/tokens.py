"""Text to tokens with their places, and tokens to numbers (spec, "Text Format: Lexical Format")."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from fractions import Fraction

from ...errors import TextError
from ..numerics import bits_of_f32, bits_of_f64, f64_of_bits

__all__ = ["Quoted", "Word", "decoded", "failure", "float_bits", "integer", "tokens"]

_BLANK = re.compile(r"(?:[ \t\r\n]|;;[^\n]*)+")
_WORD = re.compile(r"[0-9A-Za-z!#$%&'*+\-./:<=>?@\\^_`|~]+")
_STRING = re.compile(
    r'"((?:[^"\\\x00-\x1f\x7f]|\\(?:[0-9a-fA-F]{2}|[tnr"\'\\]|u\{[0-9a-fA-F](?:_?[0-9a-fA-F])*\}))*)"'
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{2})|u\{([^}]*)\}|(.))")
_LETTERS = {"t": b"\t", "n": b"\n", "r": b"\r"}
_COMMENT = re.compile(r"\(;|;\)")
_DIGITS, _HEX = r"[0-9](?:_?[0-9])*", r"[0-9a-fA-F](?:_?[0-9a-fA-F])*"
_INTEGER = re.compile(rf"[+-]?(?:0x{_HEX}|{_DIGITS})")
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}(?:\.(?:{_DIGITS})?)?(?:[eE][+-]?{_DIGITS})?")
_HEXADECIMAL = re.compile(rf"([+-]?)0x({_HEX})(?:\.({_HEX})?)?(?:[pP]([+-]?{_DIGITS}))?")
_SPECIAL = re.compile(rf"([+-]?)(?:(inf)|nan(?::0x({_HEX}))?)")


class Word(str):
    """A keyword, name or number, and where it begins in the text."""

    at: int


class Quoted(bytes):
    """A string, and where it begins in the text."""

    at: int


def failure(message: str, text: str, at: int) -> TextError:
    """A TextError at a place of a text."""
    line = text.count("\n", 0, at)
    return TextError(message, line + 1, at - text.rfind("\n", 0, at))


def decoded(data: bytes) -> str:
    """UTF-8 to text. Raises TextError."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise failure("malformed UTF-8 encoding", before, len(before)) from None


def tokens(text: str) -> Iterator[Word | Quoted]:
    """Words and strings; parentheses are words. Raises TextError."""
    pos, separated = 0, True
    while pos < len(text):
        blank = _BLANK.match(text, pos)
        if blank is not None:
            pos, separated = blank.end(), True
        elif text.startswith("(;", pos):
            pos, separated = _behind_comment(text, pos), True
        elif text[pos] in "()":
            yield _word(text[pos], pos)
            pos, separated = pos + 1, True
        else:
            found = (_STRING if text[pos] == '"' else _WORD).match(text, pos)
            if found is None or not separated:
                what = "a blank is missing" if found else "unexpected characters"
                raise failure(f"{what} at {text[pos : pos + 10]!r}", text, pos)
            yield _string(text, found) if text[pos] == '"' else _word(found[0], pos)
            pos, separated = found.end(), False


def _behind_comment(text: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT.finditer(text, start):
        depth += 1 if mark[0] == "(;" else -1
        if not depth:
            return mark.end()
    raise failure("a comment that does not end", text, start)


def _word(text: str, at: int) -> Word:
    word = Word(text)
    word.at = at
    return word


def _string(text: str, found: re.Match[str]) -> Quoted:
    parts, end = [], 0
    try:
        for escape in _ESCAPE.finditer(found[1]):
            parts.append(found[1][end : escape.start()].encode())
            byte, point, letter = escape.groups()
            if byte:
                parts.append(bytes.fromhex(byte))
            elif point:
                parts.append(chr(int(point.replace("_", ""), 16)).encode())
            else:
                parts.append(_LETTERS.get(letter, letter.encode()))
            end = escape.end()
        parts.append(found[1][end:].encode())
    except (ValueError, OverflowError):  # a surrogate, or beyond Unicode
        raise failure("a string with a character that is none", text, found.start()) from None
    string = Quoted(b"".join(parts))
    string.at = found.start()
    return string


# -- numbers; they raise ValueError


def integer(word: str, bits: int, *, signed: bool = True) -> int:
    """An integer of either range, as an unsigned one."""
    if not _INTEGER.fullmatch(word) or (not signed and word[0] in "+-"):
        raise ValueError(f"expected an integer, found {word:.40}")
    value = int(word.replace("_", ""), 16 if "x" in word else 10)
    if not (-1 << (bits - 1) if signed else 0) <= value < 1 << bits:
        raise ValueError(f"{word:.40} does not fit into {bits} bits")
    return value & ((1 << bits) - 1)


def float_bits(word: str, bits: int) -> int:
    """The bits of a float of 32 or 64 bits, rounded once."""
    special = _SPECIAL.fullmatch(word)
    if special is not None:
        return _special_bits(word, special, bits)
    text = word.replace("_", "")
    hexadecimal = _HEXADECIMAL.fullmatch(word)
    if hexadecimal is None and not _DECIMAL.fullmatch(word):
        raise ValueError(f"expected a float, found {word:.40}")
    try:
        value = float(text) if hexadecimal is None else float.fromhex(text)
        if bits == 32 and value and abs(value) >= 2.0**-151:
            exact = Fraction(text) if hexadecimal is None else _fraction(hexadecimal)
            value = struct.unpack("<f", struct.pack("<f", _odd(value, exact)))[0]
        elif bits == 32:
            value = math.copysign(0.0, value)
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"{word:.40} is out of range")
    return bits_of_f32(value) if bits == 32 else bits_of_f64(value)


def _special_bits(word: str, found: re.Match[str], bits: int) -> int:
    sign, infinite, payload = found.groups()
    mantissa = 23 if bits == 32 else 52
    fraction = 0 if infinite else int(payload.replace("_", ""), 16) if payload else 0
    if payload and not 0 < fraction < 1 << mantissa:
        raise ValueError(f"{word:.40} has a payload out of range")
    if not infinite and not payload:
        fraction = 1 << (mantissa - 1)
    exponent = (1 << (bits - 1 - mantissa)) - 1
    return (sign == "-") << (bits - 1) | exponent << mantissa | fraction


def _fraction(found: re.Match[str]) -> Fraction:
    sign, whole, part, exponent = (group or "" for group in found.groups())
    part = part.replace("_", "")
    value = Fraction(int(whole.replace("_", "") + part, 16))
    value *= Fraction(2) ** (int(exponent.replace("_", "") or "0") - 4 * len(part))
    return -value if sign == "-" else value


def _odd(value: float, exact: Fraction) -> float:
    """``exact`` in 64 bits, rounded to odd, so that rounding it again to 32 bits is right."""
    if Fraction(value) == exact:
        return value
    bits = bits_of_f64(value)
    if abs(Fraction(value)) > abs(exact):
        bits -= 1
    return f64_of_bits(bits | 1)
