"""Standard input, output and error: files of Python, callables, bytes, or nothing."""

from __future__ import annotations

import codecs
import io
import select
import sys
from collections.abc import Callable
from typing import Any

from ..metering import Meter
from .abi import Errno, Filetype, Refused, Rights, Stat
from .config import Sink, Source
from .vfs import Node

__all__ = ["Input", "Output", "Stream"]

#: bytes asked of an input at once: what is buffered there comes over whole
_PART = 1 << 16
#: seconds between two looks at the clock while waiting
_LOOK_EVERY = 0.05


class Stream(Node):
    """A standard stream: a character device without size or times."""

    #: what may be done with it
    rights = Rights.POLL_FD_READWRITE

    def stat(self) -> Stat:
        """That of a character device: nothing else is known."""
        return Stat(Filetype.CHARACTER_DEVICE)

    def read(self, size: int, meter: Meter) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        raise Refused(Errno.BADF)

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        raise Refused(Errno.BADF)


class Input(Stream):
    """Standard input. Waiting for it ends with the call's deadline if the host can tell whether
    something is there; other sources block as long as they like."""

    rights = Stream.rights | Rights.FD_READ

    def __init__(self, source: Source) -> None:
        if isinstance(source, str):
            source = source.encode()
        if source is None or isinstance(source, (bytes, bytearray, memoryview)):
            source = io.BytesIO(source or b"")
        source = getattr(source, "buffer", source)
        self._read: Callable[[int], Any] = _reader(source)
        self._fileno = _waitable(source)
        self._buffered = b""

    def read(self, size: int, meter: Meter) -> bytes:
        """At least one byte, waiting for it within the deadline; none at the end."""
        if size == 0:
            return b""
        if not self._buffered:
            while not self.ready(_LOOK_EVERY):
                meter.check()
            data = self._read(max(size, _PART)) or b""
            self._buffered = data.encode() if isinstance(data, str) else data
        data, self._buffered = self._buffered[:size], self._buffered[size:]
        return bytes(data)

    def ready(self, seconds: float) -> bool:
        """Waits until something can be read, or the end, at most so long."""
        if self._buffered or self._fileno is None:
            return True
        return bool(select.select([self._fileno], [], [], seconds)[0])

    @property
    def buffered(self) -> int:
        """Bytes that are there for sure."""
        return len(self._buffered)


class Output(Stream):
    """Standard output or error."""

    rights = Stream.rights | Rights.FD_WRITE

    def __init__(self, sink: Sink, most: int | None = None) -> None:
        self._write = _writer(sink)
        #: bytes that it still takes; ``None`` is no limit
        self._left = most

    def write(self, data: bytes) -> None:
        """Writes all of it. Refuses with nospc what is over the limit."""
        if self._left is not None:
            if len(data) > self._left:
                raise Refused(Errno.NOSPC)
            self._left -= len(data)
        self._write(data)


def _reader(source: Any) -> Callable[[int], Any]:
    """How to read at most so much without waiting for all of it."""
    if hasattr(source, "read1"):
        read: Callable[[int], Any] = source.read1
    elif hasattr(source, "read"):
        read = source.read
    elif callable(source):
        read = source
    else:
        raise TypeError(f"stdin must be bytes, a binary file or a callable, found {source!r:.80}")
    return read


def _waitable(source: Any) -> int | None:
    """The descriptor of an input that the host can wait for, if it has one."""
    if sys.platform in ("win32", "emscripten") or not hasattr(source, "fileno"):
        return None
    try:
        return int(source.fileno())
    except (OSError, ValueError):
        # BytesIO and the like have the method but no descriptor
        return None


def _writer(sink: Sink) -> Callable[[bytes], object]:
    if sink is None:
        return len
    sink = getattr(sink, "buffer", sink)
    if isinstance(sink, io.TextIOBase) or getattr(sink, "encoding", None):
        return _text_writer(sink)
    if callable(sink):
        return sink
    return _flushing(sink)


def _flushing(sink: Any) -> Callable[[bytes], object]:
    flush = getattr(sink, "flush", lambda: None)

    def write(data: bytes) -> None:
        while data:
            # a raw file may take a part; writers of one's own often say nothing
            done = sink.write(data)
            if not isinstance(done, int):
                break
            if done <= 0:
                raise Refused(Errno.AGAIN)
            data = data[done:]
        flush()

    return write


def _text_writer(sink: Any) -> Callable[[bytes], object]:
    """Text files get text; a character may be split between two writes."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def write(data: bytes) -> None:
        sink.write(decode(data))
        sink.flush()

    return write
