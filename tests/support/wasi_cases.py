"""One row per function and error: what is called, what it gives, and what wasmtime gives.

A row's action is run on a fresh tree (see ``wasi_guest.TREE``) whose root is descriptor 3. Where
``wasmtime`` is set, wasmtime's answer is another one, for the reason that stands beside the row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wasi_guest import Guest, clock_subscription, fd_subscription

from pywasmgk.wasm.wasi.abi import Errno as E
from pywasmgk.wasm.wasi.abi import Rights as R

CREAT, DIRECTORY, EXCL, TRUNC = 1, 2, 4, 8
APPEND, DSYNC, NONBLOCK, RSYNC, SYNC = 1, 2, 4, 8, 16
READ, WRITE = R.FD_READ, R.FD_WRITE
RW = READ | WRITE | R.FD_SEEK | R.FD_TELL
#: wasmtime traps for a pointer out of bounds, and for a number that an enumeration does not have
TRAPS = "traps"
#: outside the guest's memory
FAR = 1 << 30


class Case(NamedTuple):
    """A function, the error that the action ends with, and the action."""

    function: str
    errno: E
    action: Callable[[Guest], int]
    #: what wasmtime gives, where that is something else
    wasmtime: E | str | None = None

    @property
    def expected(self) -> E | str:
        """What wasmtime gives."""
        if self.wasmtime is not None:
            return self.wasmtime
        return TRAPS if self.errno == E.FAULT else self.errno


def rw(g: Guest, more: int = 0) -> int:
    """A file to read and write, with further rights."""
    return g.opened("file", 0, RW | more)


def ro(g: Guest, more: int = 0) -> int:
    """A file with no right but to read."""
    return g.opened("file", 0, READ | more)


def _closed(g: Guest) -> int:
    fd = g.opened("file")
    g.call("fd_close", fd)
    return fd


OK = E.SUCCESS
CASES: list[Case] = [
    # -- args, environ
    Case("args_sizes_get", OK, lambda g: g.call("args_sizes_get", 64, 72)),
    Case("args_sizes_get", E.FAULT, lambda g: g.call("args_sizes_get", FAR, 72)),
    Case("args_sizes_get", E.FAULT, lambda g: g.call("args_sizes_get", 64, FAR)),
    Case("args_get", OK, lambda g: g.call("args_get", 64, 1024)),
    Case("args_get", E.FAULT, lambda g: g.call("args_get", FAR, 1024)),
    Case("args_get", E.FAULT, lambda g: g.call("args_get", 64, FAR)),
    Case("environ_sizes_get", OK, lambda g: g.call("environ_sizes_get", 64, 72)),
    Case("environ_sizes_get", E.FAULT, lambda g: g.call("environ_sizes_get", FAR, 72)),
    Case("environ_get", OK, lambda g: g.call("environ_get", 64, 1024)),
    Case("environ_get", E.FAULT, lambda g: g.call("environ_get", 64, FAR)),
    # -- clocks, random, proc
    Case("clock_res_get", OK, lambda g: g.call("clock_res_get", 0, 64)),
    Case("clock_res_get", OK, lambda g: g.call("clock_res_get", 1, 64)),
    Case("clock_res_get", E.INVAL, lambda g: g.call("clock_res_get", 2, 64), E.BADF),
    Case("clock_res_get", E.INVAL, lambda g: g.call("clock_res_get", 9, 64), TRAPS),
    Case("clock_res_get", E.FAULT, lambda g: g.call("clock_res_get", 0, FAR)),
    Case("clock_time_get", OK, lambda g: g.call("clock_time_get", 0, 0, 64)),
    Case("clock_time_get", OK, lambda g: g.call("clock_time_get", 1, 0, 64)),
    Case("clock_time_get", E.INVAL, lambda g: g.call("clock_time_get", 3, 0, 64), E.BADF),
    Case("clock_time_get", E.FAULT, lambda g: g.call("clock_time_get", 0, 0, FAR)),
    Case("random_get", OK, lambda g: g.call("random_get", 64, 100)),
    Case("random_get", OK, lambda g: g.call("random_get", 64, 0)),
    Case("random_get", E.FAULT, lambda g: g.call("random_get", FAR, 1)),
    Case("random_get", E.FAULT, lambda g: g.call("random_get", 64, 0xFFFFFFFF)),
    Case("sched_yield", OK, lambda g: g.call("sched_yield")),
    Case("proc_raise", E.NOSYS, lambda g: g.call("proc_raise", 6), E.NOTSUP),
    # -- poll
    Case("poll_oneoff", OK, lambda g: g.poll(clock_subscription(7, 1, 1000))),
    Case("poll_oneoff", OK, lambda g: g.poll(clock_subscription(7, 0, 1, 1))),
    Case("poll_oneoff", OK, lambda g: g.poll(fd_subscription(1, 1, ro(g)))),
    Case("poll_oneoff", OK, lambda g: g.poll(fd_subscription(1, 2, 1))),
    Case("poll_oneoff", OK, lambda g: g.poll(fd_subscription(1, 2, 99)), E.BADF),
    Case("poll_oneoff", E.INVAL, lambda g: g.call("poll_oneoff", 64, 512, 0, 1024)),
    Case("poll_oneoff", E.INVAL, lambda g: g.poll(fd_subscription(1, 3, 1))),
    Case("poll_oneoff", E.INVAL, lambda g: g.poll(clock_subscription(7, 1, 1000, 2))),
    Case("poll_oneoff", E.FAULT, lambda g: g.call("poll_oneoff", FAR, 512, 1, 1024)),
    Case("poll_oneoff", E.FAULT, lambda g: g.call("poll_oneoff", 64, FAR, 1, 1024)),
    # -- sockets: wasmtime has none either
    Case("sock_accept", E.BADF, lambda g: g.call("sock_accept", 99, 0, 64)),
    Case("sock_accept", E.NOTSOCK, lambda g: g.call("sock_accept", ro(g), 0, 64)),
    Case("sock_accept", E.NOTSOCK, lambda g: g.call("sock_accept", 3, 0, 64)),
    Case("sock_accept", E.NOTSOCK, lambda g: g.call("sock_accept", 0, 0, 64)),
    Case("sock_recv", E.NOTSOCK, lambda g: g.call("sock_recv", 0, 64, 0, 0, 72, 80)),
    Case("sock_send", E.NOTSOCK, lambda g: g.call("sock_send", 1, 64, 0, 0, 72)),
    Case("sock_shutdown", E.NOTSOCK, lambda g: g.call("sock_shutdown", 2, 1)),
    Case("sock_recv", E.BADF, lambda g: g.call("sock_recv", 99, 64, 0, 0, 72, 80)),
    Case("sock_recv", E.NOTSOCK, lambda g: g.call("sock_recv", 3, 64, 0, 0, 72, 80)),
    Case("sock_send", E.BADF, lambda g: g.call("sock_send", 99, 64, 0, 0, 72)),
    Case("sock_send", E.NOTSOCK, lambda g: g.call("sock_send", 3, 64, 0, 0, 72)),
    Case("sock_shutdown", E.BADF, lambda g: g.call("sock_shutdown", 99, 1)),
    Case("sock_shutdown", E.NOTSOCK, lambda g: g.call("sock_shutdown", 3, 1)),
    # -- fd_advise, fd_allocate
    Case("fd_advise", OK, lambda g: g.call("fd_advise", rw(g, R.FD_ADVISE), 0, 5, 3)),
    Case("fd_advise", E.INVAL, lambda g: g.call("fd_advise", ro(g, R.FD_ADVISE), 0, 5, 6), TRAPS),
    Case("fd_advise", E.NOTCAPABLE, lambda g: g.call("fd_advise", ro(g), 0, 5, 3), OK),
    Case("fd_advise", E.BADF, lambda g: g.call("fd_advise", _closed(g), 0, 5, 3)),
    Case("fd_advise", E.ISDIR, lambda g: g.call("fd_advise", 3, 0, 5, 3), E.BADF),
    Case(
        "fd_allocate", OK, lambda g: g.call("fd_allocate", rw(g, R.FD_ALLOCATE), 0, 100), E.NOTSUP
    ),
    Case(
        "fd_allocate",
        E.INVAL,
        lambda g: g.call("fd_allocate", rw(g, R.FD_ALLOCATE), 0, 0),
        E.NOTSUP,
    ),
    Case(
        "fd_allocate",
        E.FBIG,
        lambda g: g.call("fd_allocate", rw(g, R.FD_ALLOCATE), 1 << 62, 1 << 62),
        E.NOTSUP,
    ),
    Case("fd_allocate", E.NOTCAPABLE, lambda g: g.call("fd_allocate", ro(g), 0, 100), E.NOTSUP),
    Case("fd_allocate", E.BADF, lambda g: g.call("fd_allocate", 99, 0, 100)),
    # -- fd_close, fd_renumber
    Case("fd_close", OK, lambda g: g.call("fd_close", ro(g))),
    Case("fd_close", OK, lambda g: g.call("fd_close", 1)),
    Case("fd_close", OK, lambda g: g.call("fd_close", 3)),
    Case("fd_close", E.BADF, lambda g: g.call("fd_close", _closed(g))),
    Case("fd_renumber", OK, lambda g: g.call("fd_renumber", ro(g), g.opened("empty"))),
    Case("fd_renumber", OK, lambda g: g.call("fd_renumber", ro(g), 1)),
    Case("fd_renumber", E.BADF, lambda g: g.call("fd_renumber", 99, 3)),
    Case("fd_renumber", E.BADF, lambda g: g.call("fd_renumber", 3, 99)),
    # -- fd_sync, fd_datasync
    Case("fd_sync", OK, lambda g: g.call("fd_sync", rw(g, R.FD_SYNC))),
    Case("fd_sync", E.NOTCAPABLE, lambda g: g.call("fd_sync", ro(g)), OK),
    Case("fd_sync", E.BADF, lambda g: g.call("fd_sync", 99)),
    Case("fd_datasync", OK, lambda g: g.call("fd_datasync", rw(g, R.FD_DATASYNC))),
    Case("fd_datasync", E.NOTCAPABLE, lambda g: g.call("fd_datasync", ro(g)), OK),
    Case("fd_datasync", E.BADF, lambda g: g.call("fd_datasync", 99)),
    # -- fd_fdstat
    Case("fd_fdstat_get", OK, lambda g: g.call("fd_fdstat_get", 3, 64)),
    Case("fd_fdstat_get", E.BADF, lambda g: g.call("fd_fdstat_get", 99, 64)),
    Case("fd_fdstat_get", E.FAULT, lambda g: g.call("fd_fdstat_get", 3, FAR)),
    Case(
        "fd_fdstat_set_flags",
        OK,
        lambda g: g.call("fd_fdstat_set_flags", rw(g, R.FD_FDSTAT_SET_FLAGS), APPEND),
    ),
    Case(
        "fd_fdstat_set_flags",
        E.INVAL,
        lambda g: g.call("fd_fdstat_set_flags", rw(g, R.FD_FDSTAT_SET_FLAGS), SYNC),
    ),
    Case("fd_fdstat_set_flags", E.INVAL, lambda g: g.call("fd_fdstat_set_flags", ro(g), 32), TRAPS),
    Case(
        "fd_fdstat_set_flags",
        E.NOTCAPABLE,
        lambda g: g.call("fd_fdstat_set_flags", ro(g), APPEND),
        OK,
    ),
    Case("fd_fdstat_set_flags", E.BADF, lambda g: g.call("fd_fdstat_set_flags", 99, 0)),
    # -- rights: wasmtime has given them up
    Case(
        "fd_fdstat_set_rights",
        OK,
        lambda g: g.call("fd_fdstat_set_rights", rw(g), READ, 0),
        E.NOTSUP,
    ),
    Case(
        "fd_fdstat_set_rights",
        E.NOTCAPABLE,
        lambda g: g.call("fd_fdstat_set_rights", ro(g), RW, 0),
        E.NOTSUP,
    ),
    Case("fd_fdstat_set_rights", E.BADF, lambda g: g.call("fd_fdstat_set_rights", 99, 0, 0)),
    # -- fd_filestat
    Case("fd_filestat_get", OK, lambda g: g.call("fd_filestat_get", 3, 64)),
    Case("fd_filestat_get", OK, lambda g: g.call("fd_filestat_get", 1, 64)),
    Case("fd_filestat_get", E.NOTCAPABLE, lambda g: g.call("fd_filestat_get", ro(g), 64), OK),
    Case("fd_filestat_get", E.FAULT, lambda g: g.call("fd_filestat_get", 3, FAR)),
    Case("fd_filestat_get", E.BADF, lambda g: g.call("fd_filestat_get", 99, 64)),
    Case(
        "fd_filestat_set_size",
        OK,
        lambda g: g.call("fd_filestat_set_size", rw(g, R.FD_FILESTAT_SET_SIZE), 5),
    ),
    Case(
        "fd_filestat_set_size",
        E.INVAL,
        lambda g: g.call("fd_filestat_set_size", rw(g, R.FD_FILESTAT_SET_SIZE), 1 << 63),
    ),
    Case(
        "fd_filestat_set_size",
        E.NOTCAPABLE,
        lambda g: g.call("fd_filestat_set_size", ro(g), 5),
        E.INVAL,
    ),
    Case("fd_filestat_set_size", E.ISDIR, lambda g: g.call("fd_filestat_set_size", 3, 5), E.BADF),
    Case("fd_filestat_set_size", E.BADF, lambda g: g.call("fd_filestat_set_size", 99, 5)),
    Case(
        "fd_filestat_set_times",
        OK,
        lambda g: g.call("fd_filestat_set_times", rw(g, R.FD_FILESTAT_SET_TIMES), 5, 6, 5),
    ),
    Case("fd_filestat_set_times", OK, lambda g: g.call("fd_filestat_set_times", 3, 0, 0, 10)),
    Case("fd_filestat_set_times", E.INVAL, lambda g: g.call("fd_filestat_set_times", 3, 0, 0, 3)),
    Case("fd_filestat_set_times", E.INVAL, lambda g: g.call("fd_filestat_set_times", 3, 0, 0, 12)),
    Case(
        "fd_filestat_set_times",
        E.INVAL,
        lambda g: g.call("fd_filestat_set_times", 3, 0, 0, 16),
        TRAPS,
    ),
    Case(
        "fd_filestat_set_times",
        E.NOTCAPABLE,
        lambda g: g.call("fd_filestat_set_times", ro(g), 0, 0, 10),
        OK,
    ),
    Case("fd_filestat_set_times", E.BADF, lambda g: g.call("fd_filestat_set_times", 99, 0, 0, 0)),
    # -- fd_read, fd_pread
    Case("fd_read", OK, lambda g: g.fd_read(ro(g), 5, 5)),
    Case("fd_read", OK, lambda g: g.fd_read(0, 5)),
    Case("fd_read", E.BADF, lambda g: g.fd_read(1, 5)),
    Case("fd_read", E.BADF, lambda g: g.fd_read(99, 5)),
    Case("fd_read", E.ISDIR, lambda g: g.fd_read(3, 5), E.BADF),
    Case("fd_read", E.NOTCAPABLE, lambda g: g.fd_read(g.opened("file", 0, WRITE), 5), E.BADF),
    Case("fd_read", E.FAULT, lambda g: g.call("fd_read", ro(g), FAR, 1, 64)),
    Case("fd_read", E.FAULT, lambda g: g.call("fd_read", ro(g), g.vector(5)[0], 1, FAR)),
    Case("fd_read", E.FAULT, lambda g: g.fd_read(ro(g), 5, FAR), OK),
    Case("fd_read", E.INVAL, lambda g: g.call("fd_read", ro(g), 64, 5000, 64), OK),
    Case("fd_pread", OK, lambda g: g.fd_pread(rw(g), 3, 5)),
    Case("fd_pread", E.INVAL, lambda g: g.fd_pread(rw(g), 1 << 63, 5)),
    Case("fd_pread", E.NOTCAPABLE, lambda g: g.fd_pread(ro(g), 0, 5), OK),
    Case("fd_pread", E.ISDIR, lambda g: g.fd_pread(3, 0, 5), E.BADF),
    Case("fd_pread", E.BADF, lambda g: g.fd_pread(99, 0, 5)),
    Case("fd_pread", E.BADF, lambda g: g.fd_pread(0, 0, 5), E.SPIPE),
    # -- fd_write, fd_pwrite
    Case("fd_write", OK, lambda g: g.fd_write(rw(g), b"abc", b"def")),
    Case("fd_write", OK, lambda g: g.fd_write(1, b"abc")),
    Case("fd_write", E.BADF, lambda g: g.fd_write(0, b"abc")),
    Case("fd_write", E.BADF, lambda g: g.fd_write(99, b"abc")),
    Case("fd_write", E.ISDIR, lambda g: g.fd_write(3, b"abc"), E.BADF),
    Case("fd_write", E.NOTCAPABLE, lambda g: g.fd_write(ro(g), b"abc"), E.BADF),
    Case("fd_write", E.FAULT, lambda g: g.call("fd_write", rw(g), FAR, 1, 64)),
    Case("fd_pwrite", OK, lambda g: g.fd_pwrite(rw(g), 3, b"abc")),
    Case("fd_pwrite", E.INVAL, lambda g: g.fd_pwrite(rw(g), 1 << 63, b"abc")),
    Case("fd_pwrite", E.NOTCAPABLE, lambda g: g.fd_pwrite(ro(g), 0, b"abc"), E.BADF),
    Case("fd_pwrite", E.ISDIR, lambda g: g.fd_pwrite(3, 0, b"abc"), E.BADF),
    Case("fd_pwrite", E.BADF, lambda g: g.fd_pwrite(99, 0, b"abc")),
    # -- fd_seek, fd_tell
    Case("fd_seek", OK, lambda g: g.call("fd_seek", rw(g), 5, 0, 64)),
    Case("fd_seek", OK, lambda g: g.call("fd_seek", rw(g), 2**64 - 2, 2, 64)),
    Case("fd_seek", E.INVAL, lambda g: g.call("fd_seek", rw(g), 2**64 - 2, 0, 64)),
    Case("fd_seek", E.INVAL, lambda g: g.call("fd_seek", rw(g), 2**64 - 20, 2, 64)),
    Case("fd_seek", E.INVAL, lambda g: g.call("fd_seek", rw(g), 0, 3, 64), TRAPS),
    Case("fd_seek", E.NOTCAPABLE, lambda g: g.call("fd_seek", ro(g), 5, 0, 64), OK),
    Case("fd_seek", E.NOTCAPABLE, lambda g: g.call("fd_seek", ro(g, R.FD_TELL), 5, 0, 64), OK),
    Case("fd_seek", OK, lambda g: g.call("fd_seek", ro(g, R.FD_TELL), 0, 1, 64)),
    Case("fd_seek", E.SPIPE, lambda g: g.call("fd_seek", 1, 0, 0, 64)),
    Case("fd_seek", E.ISDIR, lambda g: g.call("fd_seek", 3, 0, 0, 64), E.BADF),
    Case("fd_seek", E.BADF, lambda g: g.call("fd_seek", 99, 0, 0, 64)),
    Case("fd_seek", E.FAULT, lambda g: g.call("fd_seek", rw(g), 0, 0, FAR)),
    Case("fd_tell", OK, lambda g: g.call("fd_tell", rw(g), 64)),
    Case("fd_tell", E.NOTCAPABLE, lambda g: g.call("fd_tell", ro(g), 64), OK),
    Case("fd_tell", E.SPIPE, lambda g: g.call("fd_tell", 1, 64)),
    Case("fd_tell", E.BADF, lambda g: g.call("fd_tell", 99, 64)),
    # -- fd_prestat
    Case("fd_prestat_get", OK, lambda g: g.call("fd_prestat_get", 3, 64)),
    Case("fd_prestat_get", E.BADF, lambda g: g.call("fd_prestat_get", 1, 64)),
    Case("fd_prestat_get", E.BADF, lambda g: g.call("fd_prestat_get", 4, 64)),
    Case(
        "fd_prestat_get", E.BADF, lambda g: g.call("fd_prestat_get", g.opened("dir", DIRECTORY), 64)
    ),
    Case("fd_prestat_get", E.FAULT, lambda g: g.call("fd_prestat_get", 3, FAR)),
    Case("fd_prestat_dir_name", OK, lambda g: g.call("fd_prestat_dir_name", 3, 64, 1)),
    Case("fd_prestat_dir_name", E.NAMETOOLONG, lambda g: g.call("fd_prestat_dir_name", 3, 64, 0)),
    Case("fd_prestat_dir_name", E.BADF, lambda g: g.call("fd_prestat_dir_name", 99, 64, 9)),
    Case("fd_prestat_dir_name", E.FAULT, lambda g: g.call("fd_prestat_dir_name", 3, FAR, 1)),
    # -- fd_readdir
    Case("fd_readdir", OK, lambda g: g.readdir(3)),
    Case("fd_readdir", OK, lambda g: g.readdir(3, 10)),
    Case("fd_readdir", OK, lambda g: g.readdir(3, 100, 1000)),
    Case("fd_readdir", E.BADF, lambda g: g.readdir(ro(g))),
    Case("fd_readdir", E.BADF, lambda g: g.readdir(99)),
    Case("fd_readdir", E.BADF, lambda g: g.readdir(1)),
    Case("fd_readdir", E.FAULT, lambda g: g.call("fd_readdir", 3, FAR, 100, 0, 64)),
    Case("fd_readdir", E.NOTCAPABLE, lambda g: g.readdir(g.opened("dir", DIRECTORY)), OK),
]
