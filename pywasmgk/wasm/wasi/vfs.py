"""The virtual file system: what a directory and a file can do, and how paths are walked.

Every backend (memory, host, overlay) gives :class:`Directory` objects whose methods take *one*
name, never a path, and never follow a symbolic link. All walking is done here, component by
component, so that there is one place where a path could leave its directory, and it does not:
``..`` goes back along the directories that were walked, links are read and walked by us, and what
would go above the starting point or begins at a root is refused with ``perm``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .abi import DirEntry, Errno, Filetype, Refused, Stat

__all__ = ["MOST_PATH", "Directory", "File", "Place", "walk"]

#: bytes of a path and of one name, as Linux has it
MOST_PATH, _MOST_NAME = 4096, 255
#: symbolic links in one path, as Linux has it
_MOST_LINKS = 40
#: directories that one path may be deep; each is held open during the walk
_MOST_DEPTH = 256


def _rofs() -> Refused:
    return Refused(Errno.ROFS)


class Node:
    """What files and directories have in common. Times are nanoseconds, ``None`` leaves one."""

    def stat(self) -> Stat:
        """Its attributes."""
        raise Refused(Errno.NOSYS)

    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets its times."""
        raise _rofs()

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what is not there yet."""

    def close(self) -> None:
        """Gives up what the host holds for it; it is not used again."""


class File(Node):
    """An open regular file. It has no position: reads and writes say where."""

    def pread(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        raise Refused(Errno.BADF)

    def pwrite(self, offset: int, data: bytes) -> int:
        """Writes, beyond the end too; gives how many bytes."""
        raise Refused(Errno.BADF)

    def resize(self, size: int) -> None:
        """Cuts it off, or fills it up with zeros."""
        raise Refused(Errno.BADF)


class Directory(Node):
    """An open directory. Names are single components; no method follows a symbolic link.

    The methods that change something refuse with ``rofs`` unless a backend implements them.
    """

    #: whether names and files in it may be changed
    writable = False

    def lookup(self, name: str) -> Stat:
        """The attributes of a name. Refuses with noent."""
        raise Refused(Errno.NOENT)

    def open_directory(self, name: str) -> Directory:
        """A directory in it. Refuses with notdir or loop what is none."""
        raise Refused(Errno.NOENT)

    def again(self) -> Directory:
        """The directory itself, opened once more."""
        return self

    def open_file(
        self, name: str, write: bool, create: bool, exclusive: bool, truncate: bool
    ) -> File:
        """A regular file in it, made if asked to. Refuses with isdir, loop, exist, noent."""
        raise Refused(Errno.NOENT)

    def readlink(self, name: str) -> str:
        """What a link says. Refuses with inval what is no link."""
        raise Refused(Errno.INVAL)

    def entries(self, most: int) -> list[DirEntry]:
        """Its names but ``.`` and ``..``. Refuses with overflow if there are more than asked."""
        return []

    def set_times_of(self, name: str, atim: int | None, mtim: int | None) -> None:
        """Sets the times of a name, of a link itself."""
        raise _rofs()

    def make_directory(self, name: str) -> None:
        """A new directory."""
        raise _rofs()

    def remove_directory(self, name: str) -> None:
        """Removes an empty directory."""
        raise _rofs()

    def unlink(self, name: str) -> None:
        """Removes a name that is no directory."""
        raise _rofs()

    def symlink(self, target: str, name: str) -> None:
        """A new symbolic link; what it says is not looked at."""
        raise _rofs()

    def link(self, name: str, to: Directory, to_name: str) -> None:
        """A second name, of a link itself, in a directory of the same backend."""
        raise _rofs()

    def rename(self, name: str, to: Directory, to_name: str) -> None:
        """Moves a name into a directory of the same backend."""
        raise _rofs()


class Place(NamedTuple):
    """Where a path ends: a name in an open directory, or (name ``None``) that directory."""

    parent: Directory
    name: str | None
    #: whether the path ends with a slash, so that only a directory will do
    slash: bool

    def lookup(self) -> Stat:
        """The attributes of what is there. Refuses with noent, and notdir behind a slash."""
        if self.name is None:
            return self.parent.stat()
        stat = self.parent.lookup(self.name)
        if self.slash and stat.filetype != Filetype.DIRECTORY:
            raise Refused(Errno.NOTDIR)
        return stat

    def kind(self) -> int | None:
        """The type of what is there, ``None`` for nothing."""
        try:
            return self.lookup().filetype
        except Refused as error:
            if error.errno == Errno.NOENT:
                return None
            raise

    def named(self, otherwise: Errno) -> str:
        """The name, where the directory itself will not do."""
        if self.name is None:
            raise Refused(otherwise)
        return self.name


@contextmanager
def walk(base: Directory, path: str, follow: bool) -> Iterator[Place]:
    """Walks a path from a directory to the name it ends with; ``follow`` says whether a link
    there is followed too. The directories in between stay open until the block ends.

    Refuses with noent, notdir, loop, nametoolong, and with perm what leaves the directory.
    """
    walker = _Walker(base)
    try:
        yield walker.walk(path, follow)
    finally:
        walker.close()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


class _Walker:
    """The directories from the base to where the walk is, and the components still to come."""

    def __init__(self, base: Directory) -> None:
        self.trail = [base]
        self.todo: list[str] = []
        self.links = 0

    def close(self) -> None:
        """Closes what was opened on the way."""
        while len(self.trail) > 1:
            self.trail.pop().close()

    def walk(self, path: str, follow: bool) -> Place:
        """Goes along a path, to the name it ends with."""
        slash = self._push(path)
        while self.todo:
            name = self.todo.pop()
            if name == "..":
                self._up()
            elif self.todo:
                self._enter(name)
            else:
                target = self._link_at(name) if follow or slash else None
                if target is None:
                    return Place(self.trail[-1], name, slash)
                slash |= self._push(target)
        return Place(self.trail[-1], None, slash)

    def _push(self, path: str) -> bool:
        """Puts a path's components in front; gives whether it ends with a slash."""
        if not path:
            raise Refused(Errno.NOENT)
        if path.startswith("/"):
            raise Refused(Errno.PERM)
        if _bytes(path) > MOST_PATH:
            raise Refused(Errno.NAMETOOLONG)
        names = [name for name in path.split("/") if name not in ("", ".")]
        if any(_bytes(name) > _MOST_NAME for name in names):
            raise Refused(Errno.NAMETOOLONG)
        self.todo.extend(reversed(names))
        return path.endswith(("/", "/."))

    def _up(self) -> None:
        if len(self.trail) == 1:
            raise Refused(Errno.PERM)
        self.trail.pop().close()

    def _enter(self, name: str) -> None:
        if len(self.trail) > _MOST_DEPTH:
            raise Refused(Errno.NAMETOOLONG)
        try:
            self.trail.append(self.trail[-1].open_directory(name))
        except Refused as error:
            if error.errno not in (Errno.LOOP, Errno.NOTDIR):
                raise
            target = self._link_at(name)
            if target is None:
                raise Refused(Errno.NOTDIR) from None
            self._push(target)

    def _link_at(self, name: str) -> str | None:
        """What a link of that name says, ``None`` if there is none."""
        try:
            target = self.trail[-1].readlink(name)
        except Refused as error:
            if error.errno in (Errno.INVAL, Errno.NOENT):
                return None
            raise
        self.links += 1
        if self.links > _MOST_LINKS:
            raise Refused(Errno.LOOP)
        return target
