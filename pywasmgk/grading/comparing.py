"""Comparisons: each gives what is otherwise, as lines for students, or nothing."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from ..plugin.gojson import encode
from ..printable import printable
from ..wasm.runtime.value_words import as_text, parse_value
from ..wasm.runtime.values import from_python, to_bits
from ..wasm.types import ValType
from .specification import FORMATS, MemoryView, Run, Value

__all__ = [
    "as_value",
    "different_json",
    "different_memory",
    "different_results",
    "different_text",
    "size_of",
]

#: characters of a text, and of a value, that are shown
_MOST_LINE, _MOST_VALUE = 200, 400
_FLOATS = (ValType.F32, ValType.F64)


def as_value(kind: ValType, value: Value) -> Any:
    """A value of the specification's as a value of a type. Raises ValueError, TypeError and
    OverflowError."""
    if isinstance(value, str):
        return parse_value(kind, value)
    if isinstance(value, bool) or (kind not in _FLOATS and isinstance(value, float)):
        raise TypeError(f"{value!r} is no {kind}")
    from_python(kind, value)
    return value


def different_results(
    kinds: Sequence[ValType], found: Sequence[Any], expected: Sequence[Value], tolerance: float
) -> str | None:
    """What of a function's results is otherwise."""
    if len(found) != len(expected):
        return f"expected {len(expected)} results, found {len(found)}"
    for position, (kind, value, word) in enumerate(zip(kinds, found, expected), 1):
        wanted = as_value(kind, word)
        if not _same(kind, value, wanted, tolerance):
            which = f"result {position}: " if len(found) > 1 else ""
            normal = _outward(kind, wanted)
            return f"{which}expected {_number(kind, normal)}, found {_number(kind, value)}"
    return None


def _outward(kind: ValType, value: Any) -> Any:
    from ..wasm.runtime.values import to_python

    return to_python(kind, from_python(kind, value))


def _number(kind: ValType, value: Any) -> str:
    return f"{kind}.const {as_text(value)}" if kind in _FLOATS else as_text(value)


def _same(kind: ValType, found: Any, wanted: Any, tolerance: float) -> bool:
    if kind in _FLOATS:
        wanted = _outward(kind, wanted)
        return _same_float(found, wanted, tolerance, to_bits(kind, found), to_bits(kind, wanted))
    return bool(to_bits(kind, from_python(kind, found)) == to_bits(kind, from_python(kind, wanted)))


def _same_float(found: float, wanted: float, tolerance: float, bits: int, wanted_bits: int) -> bool:
    if math.isnan(wanted):
        return math.isnan(found)
    if tolerance:
        return math.isclose(found, wanted, rel_tol=tolerance, abs_tol=tolerance)
    return bits == wanted_bits


def different_text(what: str, found: bytes, expected: str, run: Run) -> str | None:
    """What of a text is otherwise: its first line, or its first word."""
    if run.compare == "exact":
        same = found == expected.encode("utf-8", "surrogatepass")
    else:
        same = _same_text(found.decode("utf-8", "replace"), expected, run)
    if same:
        return None
    lines, wanted = found.decode("utf-8", "replace").split("\n"), expected.split("\n")
    number, got, want = next(
        (
            (number, got, want)
            for number, (got, want) in enumerate(zip_longest(lines, wanted), 1)
            if got is None or want is None or not _same_text(got, want, run)
        ),
        (1, lines[0], wanted[0]),
    )
    return (
        f"{what}, line {number}: expected {_quoted(want)}\n{' ' * len(what)}  found {_quoted(got)}"
    )


def _quoted(line: str | None) -> str:
    return "the end" if line is None else repr(line[:_MOST_LINE])


def _same_text(found: str, wanted: str, run: Run) -> bool:
    if run.compare == "exact":
        return found == wanted
    if run.compare == "lines":
        return _trimmed(found) == _trimmed(wanted)
    words, others = found.split(), wanted.split()
    if run.compare == "words":
        return words == others
    pairs = zip(words, others)
    return len(words) == len(others) and all(_same_word(*pair, run.tolerance) for pair in pairs)


def _trimmed(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _same_word(found: str, wanted: str, tolerance: float) -> bool:
    if found == wanted:
        return True
    try:
        number, other = float(found), float(wanted)
    except ValueError:
        return False
    if math.isnan(other):
        return math.isnan(number)
    return math.isclose(number, other, rel_tol=tolerance, abs_tol=tolerance)


def size_of(view: MemoryView) -> int:
    """Bytes of a range that are looked at."""
    if view.length is not None:
        return view.length
    if view.text is not None:
        return len(view.text.encode())
    if view.bytes is not None:
        return len(bytes.fromhex(view.bytes))
    return struct.calcsize(FORMATS[view.type]) * len(view.values or ())


def different_memory(view: MemoryView, found: bytes) -> str | None:
    """What of a range of memory is otherwise."""
    where = f"memory at {view.at}"
    if view.text is not None:
        wanted = view.text.encode()
        if found[: len(wanted)] != wanted:
            got = found.decode("utf-8", "replace")
            return f"{where}: expected {view.text[:_MOST_LINE]!r}, found {got[:_MOST_LINE]!r}"
    elif view.bytes is not None:
        wanted = bytes.fromhex(view.bytes)
        if found[: len(wanted)] != wanted:
            return f"{where}: expected {_hex(wanted)}, found {_hex(found)}"
    elif view.values is not None:
        return _different_numbers(view, found, where)
    return None


def _hex(data: bytes) -> str:
    return data[:64].hex(" ") + (" ..." if len(data) > 64 else "")


def _different_numbers(view: MemoryView, found: bytes, where: str) -> str | None:
    values = view.values or ()
    layout, is_float = f"<{FORMATS[view.type]}", view.type.startswith("f")
    size = struct.calcsize(layout)
    for position, value in enumerate(values):
        part = found[position * size : (position + 1) * size]
        got = struct.unpack(layout, part)[0] if len(part) == size else None
        kind = getattr(ValType, view.type.upper()) if is_float else ValType.I64
        number = as_value(kind, value)
        wanted = _packed(layout, number, size)
        nan = is_float and isinstance(number, float) and math.isnan(number)
        if part != wanted and not (nan and got is not None and math.isnan(got)):
            return f"{where}, {view.type} {position}: expected {number}, found {got}"
    return None


def _packed(layout: str, number: Any, size: int) -> bytes:
    if layout[-1] in "fd":
        return struct.pack(layout, number)
    return int(number & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def different_json(found: Any, expected: Any, *, subset: bool, path: str = "result") -> str | None:
    """What of a JSON value is otherwise. With ``subset`` objects may have more members."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            step = f"{path}.{printable(name)}"
            if name not in found:
                return f"{step} is missing"
            if different := different_json(found[name], value, subset=subset, path=step):
                return different
        more = [] if subset else [name for name in found if name not in expected]
        return f"{path}.{printable(more[0])} should not be there" if more else None
    if isinstance(expected, list) and isinstance(found, list):
        if len(found) != len(expected):
            return f"{path}: expected {len(expected)} elements, found {len(found)}"
        for position, (got, wanted) in enumerate(zip(found, expected)):
            step = f"{path}[{position}]"
            if different := different_json(got, wanted, subset=subset, path=step):
                return different
        return None
    # in JSON true is not 1, and 1 is 1.0
    if isinstance(found, bool) == isinstance(expected, bool) and found == expected:
        return None
    return f"{path}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: Any) -> str:
    text = encode(value).decode("utf-8", "replace")
    return text if len(text) <= _MOST_VALUE else f"{text[:_MOST_VALUE]}..."
