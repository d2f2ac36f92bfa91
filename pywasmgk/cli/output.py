"""How text and JSON reach the terminal, whatever they hold and whatever it can show."""

from __future__ import annotations

import json
import re
import sys
from typing import Any, BinaryIO

import click

from ..plugin.gojson import encode

__all__ = ["binary_stream", "json_text", "on_terminal", "plain", "pretty", "say"]

#: nesting that Python's recursive writer is trusted with
_SHALLOW = 100
_NOT_ASCII = re.compile(r"[^\x20-\x7e\n]")


def say(text: str, *, err: bool = False) -> None:
    """Prints a line; what the stream cannot encode is escaped."""
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), err=err)


def binary_stream(name: str) -> BinaryIO:
    """``stdin``, ``stdout`` or ``stderr`` for bytes."""
    stream: BinaryIO = getattr(sys, name).buffer
    return stream


def on_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def plain(text: str) -> str:
    """A text of a guest's, unable to give a terminal orders."""
    return "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in text)


def json_text(value: Any) -> str:
    """A JSON value in ASCII, on one line."""
    if _is_deep(value):
        # no recursion; what is not ASCII can stand in strings only
        return _NOT_ASCII.sub(lambda match: _escaped(match[0]), encode(value).decode())
    return json.dumps(value)


def pretty(value: Any) -> str:
    """A JSON value for people: on several lines where they read it on a terminal."""
    if _is_deep(value):
        return json_text(value)
    text = json.dumps(value, ensure_ascii=False, indent=2 if on_terminal() else None)
    shown = "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)
    try:
        shown.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return _NOT_ASCII.sub(lambda match: _escaped(match[0]), shown)
    return shown


def _escaped(character: str) -> str:
    """A character as JSON escapes it; a control character that it does not know, too."""
    escape = json.dumps(character)[1:-1]
    return escape if escape != character else f"\\u{ord(character):04x}"


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_SHALLOW):
        level = [
            item
            for outer in level
            if isinstance(outer, (dict, list))
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
