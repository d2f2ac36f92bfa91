"""JSON as Go's ``encoding/json`` reads and writes it (contract.md, 3.3 and part 2).

Python's own scanner does the work wherever it agrees with Go. Where it does not, the text is put
right before it is scanned, and one step is replaced:

- invalid UTF-8 becomes U+FFFD byte by byte, a lone surrogate escape becomes U+FFFD;
- NaN, Infinity and numbers too large for a float are refused, integers stay exact;
- a text nested deeper than Python's scanner can safely recurse goes to one with its own stack.

Whatever is wrong with a text, it is a :class:`JSONError`.
"""

from __future__ import annotations

import codecs
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from json.decoder import JSONDecodeError
from json.encoder import encode_basestring
from typing import Any

from ..errors import JSONError
from ..tracebacks import hidden

__all__ = ["MAX_DEPTH", "JSONError", "Object", "decode", "encode", "raw_members"]

__tracebackhide__ = hidden

#: nesting that Go accepts
MAX_DEPTH = 10_000
#: nesting that Python's recursive scanner is trusted with, in any thread and in Pyodide
_SHALLOW = 100
#: characters of a text nested deeper than that, which takes Python a microsecond each
_MAX_DEEP = 1 << 16
#: digits of an integer; Python's own limit (4300) must not come first, as it is not everywhere
_MAX_DIGITS = 4_000
#: the standard scanner of a string behind its opening quote (typeshed does not know it)
_scan_string: Callable[[str, int, bool], tuple[str, int]] = vars(json.decoder)["scanstring"]
#: bytes of a text that are replaced as Go does, which takes Python a sixth of a microsecond each
_MOST_INVALID = 300_000
#: backslashes and surrogates that are looked at in a text with surrogates
_MOST_ESCAPES = 300_000
#: what JSON calls white space
_SPACE = re.compile(r"[ \t\n\r]*")
_END = "unexpected end of JSON input"


class Object(dict[str, Any]):
    """A JSON object whose keys came more than once; ``pairs`` has all of them in order."""

    pairs: list[tuple[str, Any]]


# -- decoding


def decode(
    data: bytes | str,
    *,
    keep_duplicates: bool = False,
    strict: bool = False,
    max_bytes: int | None = None,
    max_depth: int = MAX_DEPTH,
    max_values: int | None = None,
) -> Any:
    """The value of a JSON text. Raises JSONError.

    ``keep_duplicates`` gives :class:`Object` where a key is repeated; else the last one wins.
    ``strict`` refuses what is no UTF-8. ``max_bytes`` bounds the text, ``max_depth`` its nesting,
    ``max_values`` how many values it has (members of objects and elements of lists, and what is
    empty).
    """
    if max_bytes is not None and len(data) > max_bytes:
        raise JSONError(f"a text of {len(data):,} bytes; {max_bytes:,} are allowed")
    text = _text(data, strict)
    if max_values is not None and _values(text) > max_values:
        # strings may have commas and brackets of their own
        found = _values(_without_strings(text))
        if found > max_values:
            raise JSONError(f"a text of {found:,} values; {max_values:,} are allowed")
    scan = _scanner(text, keep_duplicates, max_depth)
    try:
        value, end = scan(text, _skip(text, 0))
    except (StopIteration, ValueError) as error:
        raise _syntax_error(error, text) from None
    if _skip(text, end) != len(text):
        raise JSONError(f"invalid character {text[_skip(text, end)]!r} after top-level value")
    return value


def raw_members(data: bytes) -> list[tuple[str, bytes]]:
    """The members of a JSON object, each with its value's own bytes, unchanged.

    The object must have passed :func:`decode`.
    """
    text = _text(data)
    # the same length as ``text``: a bad byte is one character in both
    original = data.decode("utf-8", "surrogateescape")
    scan = _scanner(text, False, MAX_DEPTH)
    members = []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        key, at = _scan_string(text, at + 1, True)
        start = _skip(text, _skip(text, at) + 1)
        _, at = scan(text, start)
        members.append((key, original[start:at].encode("utf-8", "surrogateescape")))
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at
    return members


def _text(data: bytes | str, strict: bool = False) -> str:
    """The text, with everything replaced that Go replaces; every character keeps its place."""
    if isinstance(data, str):
        text = data
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            if strict:
                where = f"byte {data[error.start]:#04x} at position {error.start}"
                raise JSONError(f"{where} is no UTF-8") from None
            invalid = len(data) - len(data.decode("utf-8", "ignore").encode())
            if invalid > _MOST_INVALID:
                raise JSONError(f"more than {_MOST_INVALID:,} bytes are no UTF-8") from None
            text = data.decode("utf-8", _EACH_BYTE)
    if "\\u" in text and _SURROGATE.search(text):
        text, count = _ESCAPES.subn(_mend_escape, text, _MOST_ESCAPES + 1)
        if count > _MOST_ESCAPES:
            raise JSONError(f"more than {_MOST_ESCAPES:,} escapes beside surrogates")
    return text


def _replace_each(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


_EACH_BYTE = "pywasmgk.each-byte"
codecs.register_error(_EACH_BYTE, _replace_each)

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HEX2 = "[0-9a-fA-F]{2}"
# escaped backslashes are consumed, so that none of them is the start of an escape, and pairs of
# surrogates, as many as there are in a row; what is left is one that stands alone
_ESCAPES = re.compile(
    rf"(?:\\\\|\\u[dD][89abAB]{_HEX2}\\u[dD][c-fC-F]{_HEX2})+|(\\u[dD][89a-fA-F]{_HEX2})"
)


def _mend_escape(match: re.Match[str]) -> str:
    return "\\ufffd" if match[1] else match[0]


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty string


def _syntax_error(error: StopIteration | ValueError, text: str) -> JSONError:
    """Go's words where it matters, Python's else; both scanners say where."""
    if isinstance(error, JSONError):
        return error
    if isinstance(error, StopIteration):
        at, why = int(error.value), "Expecting value"
    elif isinstance(error, JSONDecodeError):
        at, why = error.pos, error.msg
    else:
        # a stricter limit of digits than ours was set in this interpreter
        return JSONError(f"a number cannot be converted: {error}")
    if at >= len(text.rstrip(" \t\n\r")) or why.startswith("Unterminated string"):
        return JSONError(_END)
    return JSONError(f"invalid character {text[at]!r} at position {at}: {why[0].lower()}{why[1:]}")


def _parse_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise JSONError(f"number {digits:.40} is out of the range of a float")
    return value


def _parse_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise JSONError(f"a number of {len(digits)} digits; {_MAX_DIGITS} are allowed")
    return int(digits)


def _refuse_constant(name: str) -> Any:
    raise JSONError(f"{name} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    repeated = Object(members)
    repeated.pairs = pairs
    return repeated


_Scan = Callable[[str, int], "tuple[Any, int]"]


def _decoder(*, long: bool, keep_duplicates: bool) -> _Scan:
    decoder: Any = json.JSONDecoder(
        parse_float=_parse_float,
        parse_int=_parse_int if long else None,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object if keep_duplicates else None,
    )
    scan: _Scan = decoder.scan_once
    return scan


#: by (may hold a number of too many digits, keep duplicates)
_SCANNERS = {
    (long, keep): _decoder(long=long, keep_duplicates=keep)
    for long in (False, True)
    for keep in (False, True)
}


def _scanner(text: str, keep_duplicates: bool, max_depth: int) -> _Scan:
    if text.count("[") + text.count("{") > min(_SHALLOW, max_depth):
        depth = _depth(text)
        if depth > max_depth:
            raise JSONError(f"exceeded max depth: nested deeper than {max_depth}")
        if depth > _SHALLOW:
            if len(text) > _MAX_DEEP:
                raise JSONError(
                    f"nested deeper than {_SHALLOW} and longer than {_MAX_DEEP:,} characters"
                )
            return _deep_object_scan if keep_duplicates else _deep_scan
    return _SCANNERS[len(text) > _MAX_DIGITS, keep_duplicates]


_STRINGS = re.compile('"[^"]*"?')
_NO_BRACKET = {code: None for code in range(128) if chr(code) not in "[]{}"}
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def _without_strings(text: str) -> str:
    """What stands outside of strings; escaped quotes go first, and before them the backslashes that
    escape none."""
    return _STRINGS.sub("", text.replace("\\\\", "").replace('\\"', ""))


def _values(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _depth(text: str) -> int:
    """How deep it is nested, at C's speed: strings go, then all but the brackets."""
    brackets = _without_strings(text).encode("ascii", "ignore").decode().translate(_NO_BRACKET)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


# -- decoding without recursion

_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_WORDS = {"n": ("null", None), "t": ("true", True), "f": ("false", False)}


def _deep_scan(text: str, at: int) -> tuple[Any, int]:
    return _iterate(text, at, dict)


def _deep_object_scan(text: str, at: int) -> tuple[Any, int]:
    return _iterate(text, at, _object)


def _iterate(
    text: str, at: int, make: Callable[[list[tuple[str, Any]]], dict[str, Any]]
) -> tuple[Any, int]:
    """What ``scan_once`` does, on a stack of its own: open lists, and pairs of open objects."""
    stack: list[tuple[str, list[Any], str]] = []  # closing bracket, items, key that waits for it
    items: list[Any] = []
    closing = key = ""
    while True:
        first = text[at : at + 1]
        if first in ("[", "{") and first:
            stack.append((closing, items, key))
            closing, items = ("]" if first == "[" else "}"), []
            at = _skip(text, at + 1)
            if text[at : at + 1] != closing:
                key, at = _key(text, at) if closing == "}" else ("", at)
                continue
        else:
            value, at = _scan_scalar(text, at)
            if not closing:
                return value, at
            items.append((key, value) if closing == "}" else value)
            at = _skip(text, at)
            if text[at : at + 1] == ",":
                at = _skip(text, at + 1)
                key, at = _key(text, at) if closing == "}" else ("", at)
                continue
        while text[at : at + 1] == closing:
            done = make(items) if closing == "}" else items
            closing, items, key = stack.pop()
            at += 1
            if not closing:
                return done, at
            items.append((key, done) if closing == "}" else done)
            at = _skip(text, at)
        if text[at : at + 1] != ",":
            raise JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _skip(text, at + 1)
        key, at = _key(text, at) if closing == "}" else ("", at)


def _key(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, at = _scan_string(text, at + 1, True)
    at = _skip(text, at)
    if text[at : at + 1] != ":":
        raise JSONDecodeError("Expecting ':' delimiter", text, at)
    return key, _skip(text, at + 1)


def _scan_scalar(text: str, at: int) -> tuple[Any, int]:
    first = text[at : at + 1]
    if first == '"':
        return _scan_string(text, at + 1, True)
    if first in _WORDS:
        word, value = _WORDS[first]
        if text.startswith(word, at):
            return value, at + len(word)
    number = _NUMBER.match(text, at)
    if number is None:
        raise JSONDecodeError("Expecting value", text, at)
    whole = not number[2]
    return (_parse_int if whole else _parse_float)(number[0]), number.end()


# -- encoding


def encode(value: Any, unknown: Callable[[Any], str] | None = None) -> bytes:
    """A value as compact JSON, in UTF-8.

    Keys of dicts are sorted, ``< > &`` and U+2028/9 escaped, bytes are base64, datetimes RFC 3339.
    ``unknown`` makes a text of what JSON does not have. Raises JSONError for NaN and infinities,
    for keys that are no strings, for what is nested too deep (or contains itself), and TypeError
    for what JSON does not have.
    """
    writer = _SCALARS.get(type(value))
    text = _flat(value) or "".join(_write(value, unknown)) if writer is None else writer(value)
    for character, escape in _HTML.items():
        # looking for it is the quicker part, and most texts have none
        if character in text:
            text = text.replace(character, escape)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # joins what is a pair, makes a lone surrogate U+FFFD
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


#: none of these can stand outside a string
_HTML = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def _float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise JSONError(f"{value} cannot be written as JSON")
    # as Go writes it: a guest may read 5.0 into an integer
    text = float.__repr__(value).removesuffix(".0")
    if "e" in text:
        if 1e-6 <= abs(value) < 1e21:
            return format(Decimal(text), "f")
        text = text.replace("e-0", "e-")
    return text


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return f'"{b64encode(value).decode()}"'


def _datetime(value: datetime) -> str:
    """RFC 3339; a time without zone counts as UTC."""
    text, offset = (
        value.replace(tzinfo=None).isoformat(),
        value.replace(microsecond=0).isoformat()[19:25],
    )
    text = text.rstrip("0") if value.microsecond else text
    return f'"{text}{"Z" if offset in ("", "+00:00") else offset}"'


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    float: _float,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    datetime: _datetime,
}


def _scalar(value: Any, unknown: Callable[[Any], str] | None) -> str:
    for kind, writer in _SCALARS.items():
        if isinstance(value, kind):
            return writer(value)
    if unknown is not None:
        return encode_basestring(unknown(value))
    raise TypeError(
        f"JSON has no {type(value).__name__}; it has str, int, float, bool, None, dict, list "
        "(and here bytes as base64, datetime as RFC 3339)"
    )


def _flat(value: Any) -> str:
    """The text of an object without containers, as most arguments are; none for anything else."""
    if type(value) is not dict:
        return ""
    parts = []
    for key in value if len(value) < 2 else _sorted_keys(value):
        writer = _SCALARS.get(type(value[key]))
        if writer is None or type(key) is not str:
            return ""
        parts.append(f"{encode_basestring(key)}:{writer(value[key])}")
    return f"{{{','.join(parts)}}}"


def _write(value: Any, unknown: Callable[[Any], str] | None) -> list[str]:
    """The parts of the text; containers that are open wait on a stack."""
    parts: list[str] = []
    stack: list[tuple[Iterator[tuple[str, Any]], str]] = [(iter([("", value)]), "")]
    while stack:
        members, closing = stack[-1]
        for prefix, item in members:
            parts.append(prefix)
            writer = _SCALARS.get(type(item))
            if writer is not None:
                parts.append(writer(item))
                continue
            if isinstance(item, dict):
                opened = (_object_members(item), "}")
            elif isinstance(item, (list, tuple)):
                opened = (_list_members(item), "]")
            else:
                parts.append(_scalar(item, unknown))
                continue
            if len(stack) > MAX_DEPTH:
                raise JSONError(f"nested deeper than {MAX_DEPTH}, or inside itself")
            parts.append("[" if opened[1] == "]" else "{")
            stack.append(opened)
            break
        else:
            parts.append(closing)
            stack.pop()
    return parts


def _object_members(members: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    comma = ""
    for key in members if len(members) < 2 else _sorted_keys(members):
        if not isinstance(key, str):
            raise JSONError(f"the keys of an object are strings, found {key!r:.80}")
        yield f"{comma}{encode_basestring(key)}:", members[key]
        comma = ","


def _sorted_keys(keys: Iterable[Any]) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        return list(keys)


def _list_members(items: list[Any] | tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    comma = ""
    for item in items:
        yield comma, item
        comma = ","
