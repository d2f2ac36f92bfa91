"""A directory of the host as file system: everything by descriptor, one name at a time.

The operating system is only ever asked for a single component relative to an open directory, and
told not to follow links (``openat`` with O_NOFOLLOW and O_DIRECTORY). What another process swaps
in between is then refused or is another entry of the same directory, never something outside. On
platforms without these calls host directories are refused when they are configured.
"""

from __future__ import annotations

import errno
import functools
import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .abi import DirEntry, Errno, Filetype, Refused, Stat, errno_of
from .vfs import Directory, File

__all__ = ["HostDirectory", "supported"]

_Call = TypeVar("_Call", bound=Callable[..., object])

_CLOEXEC = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: opening a pipe or a device must not wait for its other end, nor make it the terminal
_CALM = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
#: what is asked of the platform, by name of the function in ``os``; links are refused where it
#: cannot make them so
_BY_DESCRIPTOR = ("open", "stat", "mkdir", "rmdir", "unlink", "readlink", "rename", "utime")

_KINDS = (
    (modes.S_ISREG, Filetype.REGULAR_FILE),
    (modes.S_ISDIR, Filetype.DIRECTORY),
    (modes.S_ISLNK, Filetype.SYMBOLIC_LINK),
    (modes.S_ISCHR, Filetype.CHARACTER_DEVICE),
    (modes.S_ISBLK, Filetype.BLOCK_DEVICE),
    (modes.S_ISSOCK, Filetype.SOCKET_STREAM),
)


def supported() -> bool:
    """Whether the platform can open relative to a directory without following links."""
    known = os.supports_dir_fd
    calls = (getattr(os, name, None) for name in _BY_DESCRIPTOR)
    return bool(_NOFOLLOW and _DIRECTORY) and all(call in known for call in calls)


def _require_call(name: str) -> None:
    """Refuses what the platform cannot do relative to a directory: Pyodide makes no links."""
    if getattr(os, name, None) not in os.supports_dir_fd:
        raise Refused(Errno.NOTSUP)


@dataclass(frozen=True)
class HostDirectory:
    """A directory of the host for a guest, read-only unless said otherwise.

    Links in ``path`` itself are followed, those inside it only as long as they stay inside.
    Devices, pipes and sockets in it cannot be opened.
    """

    path: str | os.PathLike[str]
    writable: bool = False

    def open(self, clock: Callable[[], int] | None = None) -> HostDirectoryHandle:
        """Opens it for a guest. Raises OSError if it is no directory, or if the platform cannot
        confine a guest to it (a copy in a MemoryDirectory works everywhere)."""
        if not supported():
            raise OSError(
                errno.ENOTSUP,
                "this platform cannot open relative to a directory without following links; "
                "copy the files with MemoryDirectory.of_host(path)",
                os.fspath(self.path),
            )
        fd = os.open(self.path, os.O_RDONLY | _DIRECTORY | _CLOEXEC)
        return HostDirectoryHandle(fd, self.writable)


def _refusing(method: _Call) -> _Call:
    """Makes the host's errors the guest's."""

    @functools.wraps(method)
    def call(*args: object) -> object:
        try:
            return method(*args)
        except OSError as error:
            raise Refused(errno_of(error)) from error
        except (ValueError, OverflowError):
            # a NUL in a name, a number that the platform's types do not hold
            raise Refused(Errno.INVAL) from None

    return call  # type: ignore[return-value]


def _filetype(mode: int) -> int:
    return next((kind for test, kind in _KINDS if test(mode)), Filetype.UNKNOWN)


def _stat(found: os.stat_result) -> Stat:
    return Stat(
        _filetype(found.st_mode),
        found.st_size,
        found.st_dev,
        found.st_ino,
        found.st_nlink,
        found.st_atime_ns,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def _times(found: os.stat_result, atim: int | None, mtim: int | None) -> tuple[int, int]:
    """Both times; one that is left keeps what it has."""
    return (
        found.st_atime_ns if atim is None else atim,
        found.st_mtime_ns if mtim is None else mtim,
    )


class _Handle:
    """A descriptor of the host, closed once."""

    _fd = -1

    def close(self) -> None:
        """Closes it; again does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()


class HostFile(_Handle, File):
    """An open regular file of the host."""

    def __init__(self, fd: int, writable: bool) -> None:
        self._fd = fd
        self._writable = writable

    @_refusing
    def stat(self) -> Stat:
        """Attributes, asked of the host."""
        return _stat(os.fstat(self._fd))

    @_refusing
    def pread(self, offset: int, size: int) -> bytes:
        """Reads at an offset."""
        return os.pread(self._fd, size, offset)

    @_refusing
    def pwrite(self, offset: int, data: bytes) -> int:
        """Writes at an offset; gives how much was written."""
        return os.pwrite(self._fd, data, offset)

    @_refusing
    def resize(self, size: int) -> None:
        """Cuts it off, or fills it up with zeros."""
        os.ftruncate(self._fd, size)

    @_refusing
    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets access and change times, in nanoseconds; ``None`` leaves one."""
        if not self._writable:
            raise Refused(Errno.ROFS)
        os.utime(self._fd, ns=_times(os.fstat(self._fd), atim, mtim))

    @_refusing
    def sync(self, data_only: bool) -> None:
        """Has the host write it to its disk."""
        (getattr(os, "fdatasync", os.fsync) if data_only else os.fsync)(self._fd)


class HostDirectoryHandle(_Handle, Directory):
    """An open directory of the host."""

    def __init__(self, fd: int, writable: bool) -> None:
        self._fd = fd
        self.writable = writable

    def _require_writable(self) -> None:
        if not self.writable:
            raise Refused(Errno.ROFS)

    def _beside(self, to: Directory) -> HostDirectoryHandle:
        """Another directory that names can be moved to."""
        if not isinstance(to, HostDirectoryHandle):
            raise Refused(Errno.XDEV)
        self._require_writable()
        to._require_writable()
        return to

    @_refusing
    def stat(self) -> Stat:
        """Attributes, asked of the host."""
        return _stat(os.fstat(self._fd))

    @_refusing
    def lookup(self, name: str) -> Stat:
        """The attributes of a name, of a link itself."""
        return _stat(os.stat(name, dir_fd=self._fd, follow_symlinks=False))

    @_refusing
    def open_directory(self, name: str) -> HostDirectoryHandle:
        """A directory in it; never through a link."""
        flags = os.O_RDONLY | _DIRECTORY | _NOFOLLOW | _CLOEXEC
        return HostDirectoryHandle(os.open(name, flags, dir_fd=self._fd), self.writable)

    def again(self) -> HostDirectoryHandle:
        """The same directory with a descriptor of its own."""
        return self.open_directory(".")

    @_refusing
    def open_file(
        self, name: str, write: bool, create: bool, exclusive: bool, truncate: bool
    ) -> HostFile:
        """A regular file in it; never through a link, and no device, pipe or socket."""
        if write or create or truncate:
            self._require_writable()
        self._require_harmless(name)
        flags = os.O_RDWR if write else os.O_RDONLY
        flags |= os.O_CREAT if create else 0
        flags |= os.O_EXCL if exclusive else 0
        fd = os.open(name, flags | _CALM | _NOFOLLOW | _CLOEXEC, 0o666, dir_fd=self._fd)
        file = HostFile(fd, self.writable)
        kind = _filetype(os.fstat(fd).st_mode)
        if kind != Filetype.REGULAR_FILE:
            raise Refused(Errno.ISDIR if kind == Filetype.DIRECTORY else Errno.ACCES)
        if truncate:
            self._truncate(file, name)
        return file

    def _require_harmless(self, name: str) -> None:
        """Refuses devices, pipes and sockets before opening them does something."""
        try:
            kind = _filetype(os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_mode)
        except FileNotFoundError:
            return
        if kind not in (Filetype.REGULAR_FILE, Filetype.DIRECTORY, Filetype.SYMBOLIC_LINK):
            raise Refused(Errno.ACCES)

    def _truncate(self, file: HostFile, name: str) -> None:
        """Cuts an opened file off; one open for reading is opened for writing in between."""
        try:
            os.ftruncate(file._fd, 0)
        except OSError:
            writer = os.open(name, os.O_WRONLY | _CALM | _NOFOLLOW | _CLOEXEC, dir_fd=self._fd)
            try:
                if not os.path.samestat(os.fstat(writer), os.fstat(file._fd)):
                    raise Refused(Errno.BUSY) from None
                os.ftruncate(writer, 0)
            finally:
                os.close(writer)

    @_refusing
    def readlink(self, name: str) -> str:
        """What a link says."""
        return os.readlink(name, dir_fd=self._fd)

    @_refusing
    def entries(self, most: int) -> list[DirEntry]:
        """Its names, sorted."""
        # the scan closes its descriptor, and moves the position that it shares with a duplicate
        fd = os.open(".", os.O_RDONLY | _DIRECTORY | _CLOEXEC, dir_fd=self._fd)
        found: list[DirEntry] = []
        try:
            with os.scandir(fd) as scan:
                for entry in scan:
                    if len(found) >= most:
                        raise Refused(Errno.OVERFLOW)
                    found.append(DirEntry(entry.name, _entry_type(entry), entry.inode()))
        finally:
            os.close(fd)
        return sorted(found)

    @_refusing
    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets its own times."""
        self._require_writable()
        os.utime(self._fd, ns=_times(os.fstat(self._fd), atim, mtim))

    @_refusing
    def set_times_of(self, name: str, atim: int | None, mtim: int | None) -> None:
        """Sets the times of a name, of a link itself."""
        self._require_writable()
        found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        times = _times(found, atim, mtim)
        os.utime(name, ns=times, dir_fd=self._fd, follow_symlinks=False)

    @_refusing
    def make_directory(self, name: str) -> None:
        """A new directory."""
        self._require_writable()
        os.mkdir(name, dir_fd=self._fd)

    @_refusing
    def remove_directory(self, name: str) -> None:
        """Removes an empty directory."""
        self._require_writable()
        os.rmdir(name, dir_fd=self._fd)

    @_refusing
    def unlink(self, name: str) -> None:
        """Removes a name that is no directory."""
        self._require_writable()
        os.unlink(name, dir_fd=self._fd)

    @_refusing
    def symlink(self, target: str, name: str) -> None:
        """A new link; what it says is checked when it is followed."""
        self._require_writable()
        _require_call("symlink")
        os.symlink(target, name, dir_fd=self._fd)

    @_refusing
    def link(self, name: str, to: Directory, to_name: str) -> None:
        """A second name, of a link itself."""
        other = self._beside(to)
        _require_call("link")
        os.link(name, to_name, src_dir_fd=self._fd, dst_dir_fd=other._fd, follow_symlinks=False)

    @_refusing
    def rename(self, name: str, to: Directory, to_name: str) -> None:
        """Moves a name, to another directory of the host if need be."""
        other = self._beside(to)
        os.rename(name, to_name, src_dir_fd=self._fd, dst_dir_fd=other._fd)

    @_refusing
    def sync(self, data_only: bool) -> None:
        """Has the host write it to its disk."""
        os.fsync(self._fd)


def _entry_type(entry: os.DirEntry[str]) -> int:
    """A name's type; one that is gone by now is unknown."""
    try:
        if entry.is_file(follow_symlinks=False):
            return Filetype.REGULAR_FILE
        if entry.is_dir(follow_symlinks=False):
            return Filetype.DIRECTORY
        return _filetype(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return Filetype.UNKNOWN
