"""The state of one guest's WASI, and how its functions reach the guest's memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import BinaryIO

from ..functions import Caller
from ..memory import Memory
from .config import Sink, WasiConfig

__all__ = ["Errno", "Refused", "WasiContext", "memory_of", "vectors"]

#: bytes that one call may move
MOST_BYTES = 1 << 24
#: buffers that one call may name, as POSIX systems have it
MOST_VECTORS = 1024


class Errno:
    """The error numbers of preview 1 that are used here."""

    SUCCESS = 0
    BADF = 8
    FAULT = 21
    INVAL = 28
    IO = 29
    NOSYS = 52
    SPIPE = 70


class Refused(Exception):
    """A call that ends with an error number."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


def memory_of(caller: Caller) -> Memory:
    """The guest's memory; one that has none cannot be given pointers."""
    if caller.memory is None:
        raise Refused(Errno.FAULT)
    return caller.memory


def vectors(memory: Memory, ptr: int, count: int) -> list[tuple[int, int]]:
    """The buffers of a scatter or gather list, as pointers and sizes, checked."""
    if count > MOST_VECTORS:
        raise Refused(Errno.INVAL)
    found = []
    for place in range(ptr, ptr + 8 * count, 8):
        start, size = memory.read_u32(place), memory.read_u32(place + 4)
        if start + size > len(memory):
            raise Refused(Errno.FAULT)
        found.append((start, size))
    return found


def _writer(sink: Sink) -> Callable[[bytes], object]:
    if sink is None:
        return len
    if callable(sink):
        return sink

    def write(data: bytes) -> None:
        sink.write(data)
        sink.flush()

    return write


class WasiContext:
    """Streams by descriptor, and what the configuration gives."""

    def __init__(self, config: WasiConfig) -> None:
        self.config = config
        self.args = _strings(config.args)
        self.environ = _strings([f"{name}={value}" for name, value in config.env.items()])
        stdin = config.stdin
        self.stdin: BinaryIO = (
            io.BytesIO(stdin or b"") if isinstance(stdin, (bytes, type(None))) else stdin
        )
        self.writers = {1: _writer(config.stdout), 2: _writer(config.stderr)}
        #: descriptors that are open
        self.open = {0, 1, 2}

    def require(self, fd: int) -> None:
        """Refuses a descriptor that is not open."""
        if fd not in self.open:
            raise Refused(Errno.BADF)


def _strings(texts: Sequence[str]) -> list[bytes]:
    """C strings; a NUL inside would end one early."""
    for text in texts:
        if "\0" in text:
            raise ValueError(f"arguments and environment must not contain NUL: {text!r}")
    return [text.encode("utf-8", "surrogateescape") + b"\0" for text in texts]
