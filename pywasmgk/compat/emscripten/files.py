"""System calls of Emscripten's libc, on the files of WASI.

The calls are those of Linux with Emscripten's numbers; they give a result, or an error number below
zero. Each is carried out by the function of WASI that does the same, so that rights, quotas and
errors are those of ``wasm.wasi``. Without preopens there are no files: whatever is opened is not
there.
"""

from __future__ import annotations

import posixpath
import struct
from collections.abc import Callable
from typing import Any, cast

from ...errors import PywasmgkError
from ...wasm.runtime.functions import Caller
from ...wasm.runtime.memory import Memory, OutOfRange
from ...wasm.wasi import fds, paths
from ...wasm.wasi.abi import DIRECTORY_RIGHTS, FILE_RIGHTS, Errno, Refused, Rights, errno_of
from ...wasm.wasi.context import WasiContext
from ..memory import c_string

__all__ = ["SystemCalls"]

#: "the working directory" in the place of a descriptor
_AT_FDCWD = -100
#: flags of open: what is the same in WASI as (flag, bit of oflags), and others
_OFLAGS = ((0o100, 1), (0o200000, 2), (0o200, 4), (0o1000, 8))
_WRITING, _APPEND, _NOFOLLOW, _REMOVEDIR = 3, 0o2000, 0o400000, 0x200
_AT_NOFOLLOW, _AT_EMPTY_PATH = 0x100, 0x1000
#: types of files in a mode
_MODES = {3: 0o040777, 4: 0o100666, 7: 0o120777, 2: 0o020666}
_WRITES = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
#: where paths are in memory, and another path or what was read
_PATH, _OTHER = 1024, 16384
_MASK = 0xFFFFFFFF
#: bytes of a path
_MOST_PATH = 4096
_GETFL, _SETFL, _GETFD, _SETFD, _GETLK, _SETLK, _SETLKW = 3, 4, 1, 2, 12, 13, 14


class _Scratch:
    """Stands for a caller: WASI's functions find paths in its memory and leave results there."""

    def __init__(self, caller: Caller) -> None:
        self.memory = Memory(1)
        self.meter = caller.meter
        self.instance = None


class SystemCalls:
    """The calls ``__syscall_*`` of one guest."""

    def __init__(self, wasi: WasiContext, cwd: str = "/") -> None:
        self.wasi = wasi
        self.cwd = cwd

    def function(self, name: str) -> Callable[..., int] | None:
        """What carries out a call, if it is one that is known; it gets the caller first."""
        found = getattr(self, f"_{name}", None)
        if found is None:
            return None
        call: Callable[..., int] = found

        def guarded(caller: Caller, *args: int) -> int:
            try:
                return call(caller, *args)
            except Refused as error:
                return -int(error.errno)
            except OutOfRange:
                return -int(Errno.FAULT)
            except PywasmgkError:
                raise
            except OSError as error:
                return -int(errno_of(error))

        return guarded

    # -- paths

    def _at(self, caller: Caller, dirfd: int, ptr: int) -> tuple[int, str]:
        """A directory's descriptor and a path inside of it."""
        if caller.memory is None:
            raise Refused(Errno.FAULT)
        path = c_string(caller.memory, ptr, _MOST_PATH).decode(errors="surrogateescape")
        if not path:
            raise Refused(Errno.NOENT)
        if not path.startswith("/") and dirfd != _AT_FDCWD:
            return dirfd, path
        whole = posixpath.normpath(posixpath.join(self.cwd, path))
        best: tuple[int, int] = (-1, 0)
        for fd, name in self._preopens():
            root = posixpath.normpath(posixpath.join("/", name)).rstrip("/")
            if whole == (root or "/") or whole.startswith(root + "/"):
                best = max(best, (len(root), fd))
        if best[0] < 0:
            raise Refused(Errno.NOENT)
        return best[1], whole[best[0] :].lstrip("/") or "."

    def _preopens(self) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        fd = 3
        while True:
            try:
                name = self.wasi.get(fd).name
            except Refused:
                return found
            if name is not None:
                found.append((fd, name.decode()))
            fd += 1

    def _ask(self, caller: Caller, carry_out: Callable[..., None], *args: int) -> _Scratch:
        """Calls a function of WASI; its results are in the memory that this gives."""
        scratch = _Scratch(caller)
        carry_out(self.wasi, cast(Caller, scratch), *args)
        return scratch

    def _on_path(
        self, caller: Caller, dirfd: int, ptr: int, carry_out: Callable[..., None], *behind: int,
        before: tuple[int, ...] = (),
    ) -> _Scratch:  # fmt: skip
        """Calls a function of WASI that takes a descriptor, a path and its size, with other
        arguments between and behind."""
        fd, path = self._at(caller, dirfd, ptr)
        data = path.encode("utf-8", "surrogateescape")
        scratch = _Scratch(caller)
        scratch.memory.write(_PATH, data)
        carry_out(self.wasi, cast(Caller, scratch), fd, *before, _PATH, len(data), *behind)
        return scratch

    def _openat(self, caller: Caller, dirfd: int, path: int, flags: int, mode: int = 0) -> int:
        fd, _ = self._at(caller, dirfd, path)
        inheriting = self.wasi.get(fd).inheriting & (FILE_RIGHTS | DIRECTORY_RIGHTS)
        rights = inheriting if flags & _WRITING else inheriting & ~_WRITES
        oflags = sum(bit for flag, bit in _OFLAGS if flags & flag)
        behind = (oflags, rights, inheriting, 1 if flags & _APPEND else 0, 0)
        before = (0 if flags & _NOFOLLOW else 1,)
        scratch = self._on_path(caller, dirfd, path, paths.path_open, *behind, before=before)
        return scratch.memory.read_u32(0)

    def _stat_into(self, caller: Caller, scratch: _Scratch, ptr: int) -> int:
        """Makes Emscripten's ``struct stat`` of WASI's filestat at 0."""
        if caller.memory is None:
            raise Refused(Errno.FAULT)
        raw = scratch.memory.read(0, 64)
        dev, ino, kind, nlink, size, *times = struct.unpack("<QQB7xQQQQQ", raw)
        numbers = (dev, _MODES.get(kind, 0o010666), nlink, 0, 0, 0)
        record = struct.pack("<6I", *(number & _MASK for number in numbers))
        record += struct.pack("<qII", size, 4096, -(-size // 512) & _MASK)
        for nanoseconds in times:
            record += struct.pack("<qI4x", *divmod(nanoseconds, 1_000_000_000))
        caller.memory.write(ptr & _MASK, record + struct.pack("<Q", ino))
        return 0

    def _stat64(self, caller: Caller, path: int, ptr: int) -> int:
        return self._newfstatat(caller, _AT_FDCWD, path, ptr, 0)

    def _lstat64(self, caller: Caller, path: int, ptr: int) -> int:
        return self._newfstatat(caller, _AT_FDCWD, path, ptr, _AT_NOFOLLOW)

    def _newfstatat(self, caller: Caller, dirfd: int, path: int, ptr: int, flags: int) -> int:
        if flags & _AT_EMPTY_PATH and caller.memory and not c_string(caller.memory, path):
            return self._fstat64(caller, dirfd, ptr)
        before = (0 if flags & _AT_NOFOLLOW else 1,)
        found = self._on_path(caller, dirfd, path, paths.path_filestat_get, 0, before=before)
        return self._stat_into(caller, found, ptr)

    def _fstat64(self, caller: Caller, fd: int, ptr: int) -> int:
        return self._stat_into(caller, self._ask(caller, fds.fd_filestat_get, fd, 0), ptr)

    def _faccessat(self, caller: Caller, dirfd: int, path: int, mode: int, flags: int = 0) -> int:
        self._on_path(caller, dirfd, path, paths.path_filestat_get, 0, before=(1,))
        return 0

    def _mkdirat(self, caller: Caller, dirfd: int, path: int, mode: int) -> int:
        self._on_path(caller, dirfd, path, paths.path_create_directory)
        return 0

    def _unlinkat(self, caller: Caller, dirfd: int, path: int, flags: int) -> int:
        remove = paths.path_remove_directory if flags & _REMOVEDIR else paths.path_unlink_file
        self._on_path(caller, dirfd, path, remove)
        return 0

    def _rmdir(self, caller: Caller, path: int) -> int:
        return self._unlinkat(caller, _AT_FDCWD, path, _REMOVEDIR)

    def _readlinkat(self, caller: Caller, dirfd: int, path: int, ptr: int, size: int) -> int:
        if caller.memory is None or size <= 0:
            raise Refused(Errno.INVAL)
        room = min(size, _MOST_PATH)
        scratch = self._on_path(caller, dirfd, path, paths.path_readlink, _OTHER, room, 0)
        data = scratch.memory.read(_OTHER, scratch.memory.read_u32(0))
        caller.memory.write(ptr & _MASK, data)
        return len(data)

    def _renameat(self, caller: Caller, olddir: int, old: int, newdir: int, new: int) -> int:
        to, name = self._at(caller, newdir, new)
        fd, path = self._at(caller, olddir, old)
        data = [text.encode("utf-8", "surrogateescape") for text in (path, name)]
        scratch = _Scratch(caller)
        scratch.memory.write(_PATH, data[0])
        scratch.memory.write(_OTHER, data[1])
        rename: Callable[..., None] = paths.path_rename
        places = (fd, _PATH, len(data[0]), to, _OTHER, len(data[1]))
        rename(self.wasi, cast(Caller, scratch), *places)
        return 0

    # -- descriptors

    def _getcwd(self, caller: Caller, ptr: int, size: int) -> int:
        data = self.cwd.encode() + b"\0"
        if caller.memory is None or size < len(data):
            return -int(Errno.RANGE if size else Errno.INVAL)
        caller.memory.write(ptr & _MASK, data)
        return len(data)

    def _ftruncate64(self, caller: Caller, fd: int, *size: int) -> int:
        # older builds hand over an i64 in two halves
        length = size[0] if len(size) == 1 else (size[0] & _MASK) | size[1] << 32
        if length < 0:
            raise Refused(Errno.INVAL)
        self._ask(caller, fds.fd_filestat_set_size, fd, length)
        return 0

    def _fcntl64(self, caller: Caller, fd: int, command: int, arguments: int = 0) -> int:
        descriptor = self.wasi.get(fd)
        if command == _GETFL:
            writes = descriptor.rights & Rights.FD_WRITE
            return (2 if writes else 0) | (_APPEND if descriptor.flags & 1 else 0)
        if command in (_GETFD, _SETFD, _SETFL, _SETLK, _SETLKW):
            return 0
        if command in (_GETLK, 5) and caller.memory is not None:
            # nobody else has a lock
            caller.memory.write_u16(caller.memory.read_u32(arguments & _MASK), 2)
            return 0
        raise Refused(Errno.INVAL)

    def _ioctl(self, caller: Caller, fd: int, request: int, arguments: int = 0) -> int:
        self.wasi.get(fd)
        raise Refused(Errno.NOTTY)

    def _succeed(self, caller: Caller, *args: Any) -> int:
        return 0

    #: there are no users and no permissions
    _fchmod = _chmod = _fchown32 = _utimensat = _fadvise64 = _chdir = _succeed
    _fdatasync = _fsync = _fchmodat2 = _fchmodat = _succeed
