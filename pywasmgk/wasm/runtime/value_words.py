"""Values as words that people write, and as they are shown: by type, and as JSON has them."""

from __future__ import annotations

import math
from typing import Any

from ..types import ValType
from .values import from_python

__all__ = ["as_json", "as_text", "parse_value"]


def parse_value(kind: ValType, word: str) -> Any:
    """The value that a word stands for. Raises ValueError, and OverflowError for one that does not
    fit."""
    value = _parse(kind, word)
    from_python(kind, value)
    return value


def _parse(kind: ValType, word: str) -> Any:
    if kind in (ValType.I32, ValType.I64):
        return _integer(word)
    if kind in (ValType.F32, ValType.F64):
        return _float(word)
    if kind is ValType.V128:
        # an int that does not fit is an OverflowError
        return _integer(word).to_bytes(16, "little")
    if word != "null":
        raise ValueError(f"expected 'null', found {word!r}")
    return None


def _integer(word: str) -> int:
    try:
        # base 0 knows hex, but refuses leading zeros
        return int(word, 0) if "x" in word.lower() else int(word)
    except ValueError:
        raise ValueError(f"expected an integer such as 7, -7 or 0x7, found {word!r}") from None


def _float(word: str) -> float:
    try:
        return float.fromhex(word) if "x" in word.lower() else float(word)
    except ValueError:
        raise ValueError(f"expected a number such as 1.5, inf or nan, found {word!r}") from None


def as_json(value: Any) -> Any:
    """A result as JSON has it: what is no number there, and references, are strings."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    # a v128 as one number, lane 0 lowest
    return f"0x{value[::-1].hex()}" if isinstance(value, bytes) else repr(value)


def as_text(value: Any) -> str:
    """A result as a line."""
    return "null" if value is None else str(as_json(value))
