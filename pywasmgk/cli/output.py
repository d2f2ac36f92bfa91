"""How text and JSON reach the terminal, whatever they hold and whatever it can show.

``say`` is the only way that text of ours is printed: it escapes what could give a terminal orders,
wherever that came from (names in modules, manifests, messages, names of files).
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from typing import Any, BinaryIO, cast

import click

from ..printable import printable

__all__ = ["OutputClosed", "binary_stream", "json_text", "on_terminal", "pretty", "say"]

#: the exit code of a command whose reader has gone
_READER_GONE = 1

#: nesting that Python's recursive writer is trusted with
_SHALLOW = 100
_NOT_ASCII = re.compile(r"[^\x20-\x7e\n]")


class OutputClosed(click.exceptions.Exit):
    """Nobody reads our output any more. It ends a guest that prints, since nothing but an OSError
    would be told to that."""

    def __init__(self) -> None:
        super().__init__(_READER_GONE)


def say(text: str, *, err: bool = False) -> None:
    """Prints a line. Control characters, and what the stream cannot encode, are escaped.

    Raises OSError if standard output is closed or full, OutputClosed if its reader has gone; an
    error output that is closed is done without.
    """
    stream = sys.stderr if err else sys.stdout
    if stream is None:
        if err:
            return
        raise OSError(errno.EBADF, "standard output is closed")
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        shown = printable(text, lines=True).encode(encoding, "backslashreplace")
        click.echo(shown.decode(encoding), err=err)
    except BrokenPipeError:
        if err:
            return
        leave_output()
        raise OutputClosed from None


def leave_output() -> None:
    """Lets what is still buffered for a reader that has gone go nowhere, silently."""
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return  # there is no descriptor behind it


class _Closed:
    """A standard stream that whoever started us has closed."""

    def read(self, size: int = -1) -> bytes:
        """Refuses with EBADF, as the system does."""
        raise OSError(errno.EBADF, "standard input is closed")

    def write(self, data: bytes) -> int:
        """Refuses with EBADF, as the system does."""
        raise OSError(errno.EBADF, "the output is closed")

    def flush(self) -> None:
        """Has nothing to bring out."""


class _Output:
    """Standard output for a guest: it ends with its reader."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.fileno = stream.fileno
        self.seekable = stream.seekable
        self.seek = stream.seek

    def write(self, data: bytes) -> int:
        """Writes and brings out at once."""
        try:
            count = self._stream.write(data)
            self._stream.flush()
        except BrokenPipeError:
            leave_output()
            raise OutputClosed from None
        return count


def binary_stream(name: str) -> BinaryIO:
    """``stdin``, ``stdout`` or ``stderr`` for bytes; one that is closed refuses them."""
    stream = getattr(sys, name)
    if stream is None:
        return cast(BinaryIO, _Closed())
    buffer: BinaryIO = stream.buffer
    return cast(BinaryIO, _Output(buffer)) if name == "stdout" else buffer


def on_terminal() -> bool:
    """Whether people read standard output."""
    return sys.stdout is not None and sys.stdout.isatty()


def json_text(value: Any) -> str:
    """A JSON value in ASCII, on one line."""
    if _is_deep(value):
        # without recursion, by a part that only such values pay for
        from ..plugin.gojson import encode

        # what is not ASCII can stand in strings only
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
