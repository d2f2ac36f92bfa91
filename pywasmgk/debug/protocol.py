"""Messages of the Debug Adapter Protocol: JSON behind a header that says its length."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from ..errors import PywasmgkError

__all__ = ["ProtocolError", "read_message", "write_message"]

#: bytes of a header line, and of a message
_LONGEST_LINE, _LONGEST = 1_000, 16 << 20


class ProtocolError(PywasmgkError):
    """What a client sent is no message."""


def read_message(stream: BinaryIO) -> dict[str, Any] | None:
    """The next message; ``None`` at the end. Raises ProtocolError."""
    size = None
    while True:
        line = stream.readline(_LONGEST_LINE)
        if not line:
            return None
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            if not value.strip().isdigit() or int(value) > _LONGEST:
                raise ProtocolError(f"a message of {value.strip()!r:.40} bytes")
            size = int(value)
    if size is None:
        raise ProtocolError("a message without Content-Length")
    content = stream.read(size)
    if len(content) < size:
        return None
    try:
        message = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {error}") from error
    if not isinstance(message, dict):
        raise ProtocolError("a message that is no object")
    return message


def write_message(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Sends a message."""
    content = json.dumps(message).encode()
    stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(content), content))
    stream.flush()
