"""What a plugin's function gave, as a JSON value."""

from __future__ import annotations

from typing import Any

from ..errors import JSONError, ResultError
from .gojson import decode
from .limits import Limits

__all__ = ["result_value"]


def result_value(name: str, function: str, result: bytes, limits: Limits) -> Any:
    """The value of the bytes that ``function`` of the plugin ``name`` gave, within its limits.
    Raises ResultError."""
    try:
        return decode(result, strict=True, max_bytes=limits.json_bytes, max_depth=limits.json_depth)
    except JSONError as error:
        message = f"{name}.{function} gave no JSON: {error} in {result[:60]!r}"
        raise ResultError(message, result) from error
