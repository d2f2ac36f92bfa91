"""JSON with nothing in it that could be taken for markup."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["inert_json"]


def inert_json(value: Any) -> str:
    """A JSON value in ASCII, with ``<``, ``>`` and ``&`` escaped: inside of a page nothing in it
    ends what it stands in, and what takes it for a page finds none."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
