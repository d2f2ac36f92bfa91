"""A tree in memory that begins as the copy of another one, taken over piece by piece.

A directory is read from its base when a guest first looks into it, and is in memory from then on; a
file is read from its base until it is first changed. So the base is never written to, and nothing
but directories and changed files takes up memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from .abi import Errno, Filetype, Refused, Stat
from .memory import Entry, Link, MemoryDirectoryNode, MemoryFile, Tree, all_files, read_file
from .vfs import Directory, File

__all__ = ["OverlayDirectory", "Source"]

#: names that a directory of the base may have
_MOST_ENTRIES = 100_000
_PART = 1 << 20


class Source(Protocol):
    """What can be given to a guest as directory."""

    def open(self, clock: Callable[[], int] | None = None) -> Directory:
        """Opens it for a guest with such a clock."""


class _OverlayTree(Tree):
    """The base, and how much of its files may still be copied."""

    def __init__(self, most_copied: int) -> None:
        super().__init__(True)
        self.base: Directory | None = None
        self.left = most_copied

    def open_base(self, path: tuple[str, ...]) -> Directory:
        """A directory of the base; the caller closes it unless it is the root."""
        if self.base is None:
            raise Refused(Errno.STALE)
        directory = self.base
        for depth, name in enumerate(path):
            above = directory
            try:
                directory = above.open_directory(name)
            finally:
                if depth:
                    above.close()
        return directory


class _OverlayFile(MemoryFile):
    """A file that is the base's until it is changed."""

    def __init__(self, tree: _OverlayTree, path: tuple[str, ...], stat: Stat) -> None:
        super().__init__(tree)
        self._overlay = tree
        self._path = path
        self.attributes.atim, self.attributes.mtim = stat.atim, stat.mtim
        #: the size in the base; ``None`` once the content is here
        self.base_size: int | None = stat.size

    def open(self) -> File:
        """Itself once the content is here, else a way to the base's."""
        return self if self.base_size is None else _OverlayHandle(self, self.open_base_file())

    def open_base_file(self) -> File:
        """The base's file, for reading."""
        *path, name = self._path
        directory = self._overlay.open_base(tuple(path))
        try:
            return directory.open_file(name, False, False, False, False)
        finally:
            if path:
                directory.close()

    def stat(self) -> Stat:
        """Its attributes, the size in the base until the content is here."""
        size = len(self.data) if self.base_size is None else self.base_size
        return self.attributes.stat(self.tree, Filetype.REGULAR_FILE, size)

    def pwrite(self, offset: int, data: bytes) -> int:
        """Writes, with the content copied over first."""
        self.copy(None)
        return super().pwrite(offset, data)

    def resize(self, size: int) -> None:
        """Changes the size, with what stays copied over first."""
        self.copy(size)
        super().resize(size)

    def copy(self, most: int | None) -> None:
        """Takes the content over from the base, no more than ``most`` bytes of it."""
        if self.base_size is None:
            return
        wanted = self.base_size if most is None else min(most, self.base_size)
        if wanted > self._overlay.left:
            raise Refused(Errno.NOSPC)
        file = self.open_base_file()
        try:
            while len(self.data) < wanted:
                part = file.pread(len(self.data), min(_PART, wanted - len(self.data)))
                if not part:
                    break
                self.data += part
        finally:
            file.close()
        self._overlay.left -= len(self.data)
        self.base_size = None


class _OverlayHandle(File):
    """An open file: the base's as long as the content is there."""

    def __init__(self, node: _OverlayFile, base: File) -> None:
        self._node = node
        self._base = base

    def stat(self) -> Stat:
        """The file's attributes."""
        return self._node.stat()

    def pread(self, offset: int, size: int) -> bytes:
        """Reads where the content is."""
        return (self._node if self._node.base_size is None else self._base).pread(offset, size)

    def pwrite(self, offset: int, data: bytes) -> int:
        """Writes to the overlay."""
        return self._node.pwrite(offset, data)

    def resize(self, size: int) -> None:
        """Changes the size in the overlay."""
        self._node.resize(size)

    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets the times in the overlay."""
        self._node.set_times(atim, mtim)

    def close(self) -> None:
        """Closes the base's file."""
        self._base.close()


class _OverlayNode(MemoryDirectoryNode):
    """A directory that is read from the base when it is first looked into."""

    def __init__(
        self, tree: _OverlayTree, parent: MemoryDirectoryNode | None, path: tuple[str, ...]
    ) -> None:
        super().__init__(tree, parent)
        self._overlay = tree
        self._path = path

    def _load(self) -> dict[str, Entry]:
        base = self._overlay.open_base(self._path)
        try:
            names = [entry.name for entry in base.entries(_MOST_ENTRIES)]
            found = {name: self._from_base(base, name) for name in names}
        finally:
            if self._path:
                base.close()
        return {name: entry for name, entry in found.items() if entry is not None}

    def _from_base(self, base: Directory, name: str) -> Entry | None:
        """The entry for a name of the base; devices and the like are left out."""
        path = (*self._path, name)
        stat = base.lookup(name)
        if stat.filetype == Filetype.DIRECTORY:
            return _OverlayNode(self._overlay, self, path)
        if stat.filetype == Filetype.SYMBOLIC_LINK:
            return Link(base.readlink(name))
        if stat.filetype == Filetype.REGULAR_FILE:
            return _OverlayFile(self._overlay, path, stat)
        return None


class OverlayDirectory:
    """Another directory, never changed, with a guest's changes kept in memory.

    ``most_copied`` bytes of the base's files can be changed in all; a guest that wants more gets
    nospc. The changes stay between runs; what the base's owner changes in directories that a guest
    has looked into is not seen.
    """

    def __init__(self, base: Source, most_copied: int = 1 << 28) -> None:
        self._source = base
        self._tree = _OverlayTree(most_copied)
        self._root = _OverlayNode(self._tree, None, ())

    def open(self, clock: Callable[[], int] | None = None) -> Directory:
        """Opens it for a guest whose clock dates the changes. Raises OSError like its base."""
        if self._tree.base is None:
            self._tree.base = self._source.open(clock)
        self._tree.clock = clock or time.time_ns
        return self._root

    def read(self, path: str) -> bytes:
        """The content of a file as a guest sees it. Raises FileNotFoundError."""
        return read_file(self.open(), path)

    def files(self) -> dict[str, bytes]:
        """All regular files by their path, as a guest sees them."""
        return dict(all_files(self.open()))

    def __repr__(self) -> str:
        return f"<OverlayDirectory over {self._source!r}>"
