"""Numbers and structures of preview 1, as its witx description lays them out."""

from __future__ import annotations

import errno
import struct
from enum import IntEnum
from typing import NamedTuple

__all__ = [
    "ALL_RIGHTS",
    "DIRECTORY_RIGHTS",
    "FILE_RIGHTS",
    "DirEntry",
    "Errno",
    "Fdflags",
    "Filetype",
    "Fstflags",
    "Oflags",
    "Refused",
    "Rights",
    "Stat",
    "errno_of",
    "pack_dirent",
    "pack_fdstat",
    "pack_filestat",
]


class Errno(IntEnum):
    """What a call answers (witx ``$errno``)."""

    SUCCESS = 0
    TOOBIG = 1
    ACCES = 2
    ADDRINUSE = 3
    ADDRNOTAVAIL = 4
    AFNOSUPPORT = 5
    AGAIN = 6
    ALREADY = 7
    BADF = 8
    BADMSG = 9
    BUSY = 10
    CANCELED = 11
    CHILD = 12
    CONNABORTED = 13
    CONNREFUSED = 14
    CONNRESET = 15
    DEADLK = 16
    DESTADDRREQ = 17
    DOM = 18
    DQUOT = 19
    EXIST = 20
    FAULT = 21
    FBIG = 22
    HOSTUNREACH = 23
    IDRM = 24
    ILSEQ = 25
    INPROGRESS = 26
    INTR = 27
    INVAL = 28
    IO = 29
    ISCONN = 30
    ISDIR = 31
    LOOP = 32
    MFILE = 33
    MLINK = 34
    MSGSIZE = 35
    MULTIHOP = 36
    NAMETOOLONG = 37
    NETDOWN = 38
    NETRESET = 39
    NETUNREACH = 40
    NFILE = 41
    NOBUFS = 42
    NODEV = 43
    NOENT = 44
    NOEXEC = 45
    NOLCK = 46
    NOLINK = 47
    NOMEM = 48
    NOMSG = 49
    NOPROTOOPT = 50
    NOSPC = 51
    NOSYS = 52
    NOTCONN = 53
    NOTDIR = 54
    NOTEMPTY = 55
    NOTRECOVERABLE = 56
    NOTSOCK = 57
    NOTSUP = 58
    NOTTY = 59
    NXIO = 60
    OVERFLOW = 61
    OWNERDEAD = 62
    PERM = 63
    PIPE = 64
    PROTO = 65
    PROTONOSUPPORT = 66
    PROTOTYPE = 67
    RANGE = 68
    ROFS = 69
    SPIPE = 70
    SRCH = 71
    STALE = 72
    TIMEDOUT = 73
    TXTBSY = 74
    XDEV = 75
    NOTCAPABLE = 76


#: the host's error numbers, by the same names where it has them
_FROM_HOST = {
    getattr(errno, f"E{member.name}"): member
    for member in reversed(Errno)
    if hasattr(errno, f"E{member.name}")
} | {errno.E2BIG: Errno.TOOBIG}


def errno_of(error: OSError) -> Errno:
    """The guest's number for an error of the host's operating system; IO where it has none."""
    return _FROM_HOST.get(error.errno, Errno.IO) if error.errno is not None else Errno.IO


class Refused(Exception):
    """A call that ends with an error number."""

    def __init__(self, errno: Errno) -> None:
        super().__init__(errno)
        self.errno = errno


class Rights:
    """What may be done with a descriptor (witx ``$rights``)."""

    FD_DATASYNC = 1 << 0
    FD_READ = 1 << 1
    FD_SEEK = 1 << 2
    FD_FDSTAT_SET_FLAGS = 1 << 3
    FD_SYNC = 1 << 4
    FD_TELL = 1 << 5
    FD_WRITE = 1 << 6
    FD_ADVISE = 1 << 7
    FD_ALLOCATE = 1 << 8
    PATH_CREATE_DIRECTORY = 1 << 9
    PATH_CREATE_FILE = 1 << 10
    PATH_LINK_SOURCE = 1 << 11
    PATH_LINK_TARGET = 1 << 12
    PATH_OPEN = 1 << 13
    FD_READDIR = 1 << 14
    PATH_READLINK = 1 << 15
    PATH_RENAME_SOURCE = 1 << 16
    PATH_RENAME_TARGET = 1 << 17
    PATH_FILESTAT_GET = 1 << 18
    PATH_FILESTAT_SET_SIZE = 1 << 19
    PATH_FILESTAT_SET_TIMES = 1 << 20
    FD_FILESTAT_GET = 1 << 21
    FD_FILESTAT_SET_SIZE = 1 << 22
    FD_FILESTAT_SET_TIMES = 1 << 23
    PATH_SYMLINK = 1 << 24
    PATH_REMOVE_DIRECTORY = 1 << 25
    PATH_UNLINK_FILE = 1 << 26
    POLL_FD_READWRITE = 1 << 27
    SOCK_SHUTDOWN = 1 << 28
    SOCK_ACCEPT = 1 << 29


ALL_RIGHTS = (1 << 30) - 1
_BOTH = (
    Rights.FD_DATASYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.POLL_FD_READWRITE
)
#: those that mean something on a file
FILE_RIGHTS = _BOTH | (
    Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_TELL
    | Rights.FD_WRITE
    | Rights.FD_ADVISE
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_SET_SIZE
)
#: those that mean something on a directory
DIRECTORY_RIGHTS = _BOTH | Rights.FD_READDIR | (((1 << 27) - (1 << 9)) & ~(7 << 21))


class Filetype:
    """Kinds of files (witx ``$filetype``)."""

    UNKNOWN = 0
    BLOCK_DEVICE = 1
    CHARACTER_DEVICE = 2
    DIRECTORY = 3
    REGULAR_FILE = 4
    SOCKET_DGRAM = 5
    SOCKET_STREAM = 6
    SYMBOLIC_LINK = 7


class Fdflags:
    """Flags of an open descriptor (witx ``$fdflags``)."""

    APPEND = 1
    DSYNC = 2
    NONBLOCK = 4
    RSYNC = 8
    SYNC = 16
    ALL = 31


class Oflags:
    """How ``path_open`` opens (witx ``$oflags``)."""

    CREAT = 1
    DIRECTORY = 2
    EXCL = 4
    TRUNC = 8
    ALL = 15


class Fstflags:
    """Which times are set, and to what (witx ``$fstflags``)."""

    ATIM = 1
    ATIM_NOW = 2
    MTIM = 4
    MTIM_NOW = 8
    ALL = 15


class Stat(NamedTuple):
    """Attributes of a file; times in nanoseconds since 1970 (witx ``$filestat``)."""

    filetype: int
    size: int = 0
    dev: int = 0
    ino: int = 0
    nlink: int = 1
    atim: int = 0
    mtim: int = 0
    ctim: int = 0


class DirEntry(NamedTuple):
    """A name in a directory."""

    name: str
    filetype: int
    ino: int


_FILESTAT = struct.Struct("<QQB7xQQQQQ")
_FDSTAT = struct.Struct("<BxH4xQQ")
_DIRENT = struct.Struct("<QQIB3x")
_U64 = (1 << 64) - 1


def pack_filestat(stat: Stat) -> bytes:
    """The 64 bytes of witx ``$filestat``; a time before 1970 is 0."""
    times = (max(time, 0) & _U64 for time in (stat.atim, stat.mtim, stat.ctim))
    numbers = (stat.dev & _U64, stat.ino & _U64)
    return _FILESTAT.pack(*numbers, stat.filetype, stat.nlink & _U64, stat.size & _U64, *times)


def pack_fdstat(filetype: int, flags: int, rights: int, inheriting: int) -> bytes:
    """The 24 bytes of witx ``$fdstat``."""
    return _FDSTAT.pack(filetype, flags, rights, inheriting)


def pack_dirent(entry: DirEntry, next_cookie: int) -> bytes:
    """A witx ``$dirent`` and the name behind it."""
    name = entry.name.encode("utf-8", "surrogateescape")
    return _DIRENT.pack(next_cookie, entry.ino & _U64, len(name), entry.filetype) + name
