"""sock_*: there are no sockets, so all that these functions can do is to say so."""

from __future__ import annotations

from ..functions import Caller
from ..values import u32
from .abi import Errno, Refused
from .context import WasiContext
from .streams import Stream


def _no_socket(wasi: WasiContext, fd: int) -> None:
    # plugins are promised badf for their streams; a file or directory is told apart
    stream = isinstance(wasi.get(fd).node, Stream)
    raise Refused(Errno.BADF if stream else Errno.NOTSOCK)


def sock_accept(wasi: WasiContext, caller: Caller, fd: u32, flags: u32, result: u32) -> None:
    """Would take a connection."""
    _no_socket(wasi, fd)


def sock_recv(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    buffers: u32,
    count: u32,
    flags: u32,
    size: u32,
    out_flags: u32,
) -> None:
    """Would receive."""
    _no_socket(wasi, fd)


def sock_send(
    wasi: WasiContext, caller: Caller, fd: u32, buffers: u32, count: u32, flags: u32, size: u32
) -> None:
    """Would send."""
    _no_socket(wasi, fd)


def sock_shutdown(wasi: WasiContext, caller: Caller, fd: u32, how: u32) -> None:
    """Would end a connection."""
    _no_socket(wasi, fd)
