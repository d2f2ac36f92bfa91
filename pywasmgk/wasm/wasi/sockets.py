"""sock_*: there are no sockets, so all that these functions can do is to say so."""

from __future__ import annotations

from ..runtime.functions import Caller
from ..runtime.values import u32
from .abi import Errno, Refused
from .context import WasiContext
from .streams import Stream


def _no_socket(wasi: WasiContext, fd: int) -> None:
    stream = isinstance(wasi.get(fd).node, Stream)
    raise Refused(wasi.config.stream_socket if stream else Errno.NOTSOCK)


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
