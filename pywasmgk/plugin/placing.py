"""Where a text takes its arguments (contract 2, ``translate``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .gojson import encode

__all__ = ["placed", "shown_argument"]

_PLACE = re.compile("%[sdv]")


def placed(text: str, args: Sequence[Any]) -> str:
    """A text whose ``%s``, ``%d`` and ``%v`` have taken the arguments in order; one that is missing
    leaves its place as it is."""
    left = iter(args)
    if not args:
        return text
    return _PLACE.sub(lambda place: shown_argument(next(left, place[0])), text)


def shown_argument(arg: Any) -> str:
    """An argument in a text."""
    return encode(arg).decode() if isinstance(arg, (dict, list, tuple)) else str(arg)
