"""Standard input, output and error: files of Python, callables, bytes, or nothing."""

from __future__ import annotations

import codecs
import io
import os
import select
import stat
import sys
from collections.abc import Callable, Set
from typing import Any

from ..runtime.metering import Meter
from .abi import Errno, Filetype, Refused, Rights, Stat
from .config import Sink, Source
from .vfs import Node

__all__ = ["Input", "Output", "Stream", "ready_inputs"]

#: bytes asked of an input at once: what is buffered there comes over whole
_PART = 1 << 16
_SEEK_RIGHTS = Rights.FD_SEEK | Rights.FD_TELL
#: seconds between two looks at the clock while waiting
_LOOK_EVERY = 0.05


class Stream(Node):
    """A standard stream. It is to the guest what it is to the host: a terminal is a character
    device, a regular file can be sought in, and of all else (pipes, sockets, what is captured or
    made in Python) nothing is known."""

    #: what may be done with a stream of this kind, if it is no file
    usual_rights = Rights.POLL_FD_READWRITE

    def __init__(self, file: Any) -> None:
        self._file = file
        self.filetype = _filetype(file)

    @property
    def seekable(self) -> bool:
        """Whether it has a position."""
        return self.filetype == Filetype.REGULAR_FILE

    @property
    def rights(self) -> int:
        """What may be done with it."""
        return self.usual_rights | (_SEEK_RIGHTS if self.seekable else 0)

    def stat(self) -> Stat:
        """Its kind, and the size of a file; nothing else of the host's."""
        size = os.fstat(self._file.fileno()).st_size if self.seekable else 0
        return Stat(self.filetype, size)

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position of a file, ``whence`` as for Python's ``seek``; gives where it is
        then. Refuses with inval what is before the beginning."""
        try:
            return int(self._file.seek(offset, whence))
        except (OSError, ValueError):
            raise Refused(Errno.INVAL) from None

    def read(self, size: int, meter: Meter) -> bytes:
        """At least one byte and at most ``size``; none at the end."""
        raise Refused(Errno.BADF)

    def write(self, data: bytes) -> None:
        """Writes all of it."""
        raise Refused(Errno.BADF)


class Input(Stream):
    """Standard input. Waiting for it ends with the call's deadline if the host can tell whether
    something is there; other sources block as long as they like."""

    usual_rights = Stream.usual_rights | Rights.FD_READ

    def __init__(self, source: Source) -> None:
        if isinstance(source, str):
            source = source.encode()
        if source is None or isinstance(source, (bytes, bytearray, memoryview)):
            source = io.BytesIO(source or b"")
        source = getattr(source, "buffer", source)
        super().__init__(source)
        self._read: Callable[[int], Any] = _reader(source)
        self.fileno = _waitable(source)
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
        if self._buffered or self.fileno is None:
            return True
        return bool(select.select([self.fileno], [], [], seconds)[0])

    def seek(self, offset: int, whence: int) -> int:
        """As for all streams; what was read ahead counts as not read."""
        if whence == os.SEEK_CUR:
            offset -= len(self._buffered)
        position = super().seek(offset, whence)
        self._buffered = b""
        return position

    @property
    def buffered(self) -> int:
        """Bytes that are there for sure."""
        return len(self._buffered)


def ready_inputs(inputs: Set[Input], seconds: float) -> set[Input]:
    """Waits until one of some inputs can be read, at most so long; gives those that can."""
    ready = {source for source in inputs if source.ready(0)}
    if ready or seconds <= 0:
        return ready
    # what has no descriptor is ready at once
    by_number = {source.fileno: source for source in inputs if source.fileno is not None}
    return {by_number[number] for number in select.select(list(by_number), [], [], seconds)[0]}


class Output(Stream):
    """Standard output or error."""

    usual_rights = Stream.usual_rights | Rights.FD_WRITE

    def __init__(self, sink: Sink, most: int | None = None) -> None:
        super().__init__(getattr(sink, "buffer", sink))
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


def _filetype(file: Any) -> int:
    """What a stream of the host's is to a guest."""
    try:
        number = file.fileno()
        if os.isatty(number):
            return Filetype.CHARACTER_DEVICE
        regular = stat.S_ISREG(os.fstat(number).st_mode) and file.seekable()
    except (AttributeError, OSError, TypeError, ValueError):
        return Filetype.UNKNOWN
    return Filetype.REGULAR_FILE if regular else Filetype.UNKNOWN


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
