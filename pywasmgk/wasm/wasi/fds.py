"""fd_*: the three standard streams; there are no other descriptors."""

from __future__ import annotations

from ..functions import Caller
from ..values import u32, u64
from .context import MOST_BYTES, Errno, Refused, WasiContext, memory_of, vectors

__all__ = [
    "fd_close",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_filestat_get",
    "fd_read",
    "fd_renumber",
    "fd_seek",
    "fd_tell",
    "fd_write",
]

_CHARACTER_DEVICE = 2
_RIGHT_READ, _RIGHT_WRITE, _RIGHT_POLL = 1 << 1, 1 << 6, 1 << 27
_SYNC_FLAGS = 0x1F


def fd_write(
    wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, written: u32
) -> None:
    """Writes buffers to standard output or error, at most 16 MiB a call."""
    wasi.require(fd)
    if fd == 0:
        raise Refused(Errno.BADF)
    memory = memory_of(caller)
    total = 0
    for ptr, size in vectors(memory, iovs, count):
        size = min(size, MOST_BYTES - total)
        if size:
            wasi.writers[fd](memory.read(ptr, size))
        total += size
    memory.write_u32(written, total)


def fd_read(wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, read: u32) -> None:
    """Reads from standard input into buffers, until one is not filled."""
    wasi.require(fd)
    if fd != 0:
        raise Refused(Errno.BADF)
    memory = memory_of(caller)
    total = 0
    for ptr, size in vectors(memory, iovs, count):
        size = min(size, MOST_BYTES - total)
        data = wasi.stdin.read(size) or b""
        memory.write(ptr, data)
        total += len(data)
        if len(data) < size:
            break
    memory.write_u32(read, total)


def fd_close(wasi: WasiContext, caller: Caller, fd: u32) -> None:
    """Closes a descriptor for the guest; the host's stream stays open."""
    wasi.require(fd)
    wasi.open.discard(fd)


def fd_renumber(wasi: WasiContext, caller: Caller, fd: u32, to: u32) -> None:
    """Moves a descriptor onto another one."""
    wasi.require(fd)
    wasi.require(to)
    if fd == to:
        return
    if 0 in (fd, to):
        # an input cannot take an output's place here
        raise Refused(Errno.BADF)
    wasi.writers[to] = wasi.writers[fd]
    wasi.open.discard(fd)


def fd_fdstat_get(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """What kind of descriptor it is, and what may be done with it."""
    wasi.require(fd)
    memory = memory_of(caller)
    if result + 24 > len(memory):
        raise Refused(Errno.FAULT)
    memory.write(result, bytes(24))
    memory.write_u8(result, _CHARACTER_DEVICE)
    memory.write_u64(result + 8, _RIGHT_POLL | (_RIGHT_READ if fd == 0 else _RIGHT_WRITE))


def fd_fdstat_set_flags(wasi: WasiContext, caller: Caller, fd: u32, flags: u32) -> None:
    """Accepts any flags; the streams have none of them."""
    wasi.require(fd)
    if flags & ~_SYNC_FLAGS:
        raise Refused(Errno.INVAL)


def fd_filestat_get(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """The attributes of a stream: a character device without size or times."""
    wasi.require(fd)
    memory = memory_of(caller)
    if result + 64 > len(memory):
        raise Refused(Errno.FAULT)
    memory.write(result, bytes(64))
    memory.write_u8(result + 16, _CHARACTER_DEVICE)
    memory.write_u64(result + 24, 1)


def fd_seek(
    wasi: WasiContext, caller: Caller, fd: u32, offset: u64, whence: u32, result: u32
) -> None:
    """Streams cannot be sought."""
    wasi.require(fd)
    raise Refused(Errno.SPIPE)


def fd_tell(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """Streams have no position."""
    wasi.require(fd)
    raise Refused(Errno.SPIPE)
