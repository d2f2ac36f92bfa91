"""A file system in memory: no host needed, the same everywhere."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union

from .abi import DirEntry, Errno, Filetype, Refused, Stat
from .vfs import Directory, File, Node, walk

__all__ = ["Link", "MemoryDirectory", "MemoryDirectoryNode", "MemoryFile", "Tree"]

#: what a tree can be made of: contents, links, directories
Content = Union[bytes, str, "Link", Mapping[str, "Content"]]

_devices = itertools.count(1)


class Link(Node):
    """A symbolic link in a tree: ``MemoryDirectory({"a": Link("b")})``."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.attributes: Attributes | None = None

    def __repr__(self) -> str:
        return f"Link({self.target!r})"


class Tree:
    """What the nodes of one file system share."""

    def __init__(
        self,
        writable: bool,
        clock: Callable[[], int] = time.time_ns,
        device: int | None = None,
    ) -> None:
        self.writable = writable
        #: nanoseconds since 1970; that of the guest that opened the tree last
        self.clock = clock
        self.device = next(_devices) if device is None else device
        self.inodes = itertools.count(1)

    def require_writable(self) -> None:
        """Refuses a change of a tree that is only for reading."""
        if not self.writable:
            raise Refused(Errno.ROFS)


class Attributes:
    """Inode number, names and times of a node."""

    __slots__ = ("atim", "ctim", "ino", "mtim", "nlink")

    def __init__(self, tree: Tree) -> None:
        self.ino = next(tree.inodes)
        self.nlink = 1
        self.atim = self.mtim = self.ctim = tree.clock()

    def stat(self, tree: Tree, filetype: int, size: int) -> Stat:
        """Together with what the node knows."""
        times = (self.atim, self.mtim, self.ctim)
        return Stat(filetype, size, tree.device, self.ino, self.nlink, *times)

    def set_times(self, tree: Tree, atim: int | None, mtim: int | None) -> None:
        """Sets times; ``None`` leaves one as it is."""
        self.atim = self.atim if atim is None else atim
        self.mtim = self.mtim if mtim is None else mtim
        self.ctim = tree.clock()


class MemoryFile(File):
    """A regular file; all who have it open share it."""

    def __init__(self, tree: Tree, data: bytes = b"") -> None:
        self.tree = tree
        self.attributes = Attributes(tree)
        self.data = bytearray(data)

    def open(self) -> File:
        """What a guest gets to work with."""
        return self

    def stat(self) -> Stat:
        """Attributes, with the size that it has now."""
        return self.attributes.stat(self.tree, Filetype.REGULAR_FILE, len(self.data))

    def pread(self, offset: int, size: int) -> bytes:
        """Reads at an offset; nothing behind the end."""
        return bytes(self.data[offset : offset + size])

    def pwrite(self, offset: int, data: bytes) -> int:
        """Writes at an offset, with zeros between the end and there."""
        self._changed()
        if offset > len(self.data):
            self.data += bytes(offset - len(self.data))
        self.data[offset : offset + len(data)] = data
        return len(data)

    def resize(self, size: int) -> None:
        """Cuts it off, or fills it up with zeros."""
        self._changed()
        del self.data[size:]
        self.data += bytes(size - len(self.data))

    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets access and change times, in nanoseconds; ``None`` leaves one."""
        self.tree.require_writable()
        self.attributes.set_times(self.tree, atim, mtim)

    def _changed(self) -> None:
        self.tree.require_writable()
        self.attributes.mtim = self.attributes.ctim = self.tree.clock()


Entry = Union[MemoryFile, Link, "MemoryDirectoryNode"]


def _kind_of(entry: Entry) -> int:
    if isinstance(entry, Link):
        return Filetype.SYMBOLIC_LINK
    return Filetype.REGULAR_FILE if isinstance(entry, MemoryFile) else Filetype.DIRECTORY


class MemoryDirectoryNode(Directory):
    """A directory; the same object for all who have it open."""

    def __init__(self, tree: Tree, parent: MemoryDirectoryNode | None) -> None:
        self.tree = tree
        self.parent = parent
        #: set once it is removed: nothing can be made in it any more
        self.removed = False
        self.attributes = Attributes(tree)
        self._children: dict[str, Entry] | None = None

    @property
    def children(self) -> dict[str, Entry]:
        """What is in it, by name."""
        if self._children is None:
            self._children = self._load()
        return self._children

    def _load(self) -> dict[str, Entry]:
        """What is in it when it is first looked into."""
        return {}

    @property
    def writable(self) -> bool:  # type: ignore[override]
        """Whether anything in the tree may be changed."""
        return self.tree.writable

    # -- looking

    def stat(self) -> Stat:
        """Attributes; a directory has no size."""
        return self.attributes.stat(self.tree, Filetype.DIRECTORY, 0)

    def lookup(self, name: str) -> Stat:
        """The attributes of a name, of a link itself."""
        return self._stat_of(self._entry(name))

    def open_directory(self, name: str) -> MemoryDirectoryNode:
        """A directory in it. Refuses with notdir."""
        entry = self._entry(name)
        if not isinstance(entry, MemoryDirectoryNode):
            raise Refused(Errno.NOTDIR)
        return entry

    def open_file(
        self, name: str, write: bool, create: bool, exclusive: bool, truncate: bool
    ) -> File:
        """A file in it, made if asked to. Refuses with noent, exist, loop, isdir."""
        if write or create or truncate:
            self.tree.require_writable()
        entry = self.children.get(name)
        if entry is None and create:
            entry = MemoryFile(self.tree)
            self._add(name, entry)
        elif entry is None:
            raise Refused(Errno.NOENT)
        elif create and exclusive:
            raise Refused(Errno.EXIST)
        if isinstance(entry, Link):
            raise Refused(Errno.LOOP)
        if isinstance(entry, MemoryDirectoryNode):
            raise Refused(Errno.ISDIR)
        if truncate:
            entry.resize(0)
        return entry.open()

    def readlink(self, name: str) -> str:
        """What a link says. Refuses with inval what is no link."""
        entry = self._entry(name)
        if not isinstance(entry, Link):
            raise Refused(Errno.INVAL)
        return entry.target

    def entries(self, most: int) -> list[DirEntry]:
        """Its names, sorted. Refuses with overflow."""
        if len(self.children) > most:
            raise Refused(Errno.OVERFLOW)
        entries = sorted(self.children.items())
        return [
            DirEntry(name, _kind_of(item), self._attributes_of(item).ino) for name, item in entries
        ]

    # -- changing

    def set_times(self, atim: int | None, mtim: int | None) -> None:
        """Sets its own times."""
        self.tree.require_writable()
        self.attributes.set_times(self.tree, atim, mtim)

    def set_times_of(self, name: str, atim: int | None, mtim: int | None) -> None:
        """Sets the times of a name, of a link itself."""
        self.tree.require_writable()
        self._attributes_of(self._entry(name)).set_times(self.tree, atim, mtim)

    def make_directory(self, name: str) -> None:
        """A new directory. Refuses with exist."""
        self._require_free(name)
        self._add(name, MemoryDirectoryNode(self.tree, self))

    def remove_directory(self, name: str) -> None:
        """Removes an empty directory. Refuses with notempty, notdir."""
        self.tree.require_writable()
        entry = self.open_directory(name)
        if entry.children:
            raise Refused(Errno.NOTEMPTY)
        entry.removed = True
        self._remove(name)

    def unlink(self, name: str) -> None:
        """Removes a name. Refuses with isdir what is a directory."""
        self.tree.require_writable()
        entry = self._entry(name)
        if isinstance(entry, MemoryDirectoryNode):
            raise Refused(Errno.ISDIR)
        self._remove(name)

    def symlink(self, target: str, name: str) -> None:
        """A new link; what it says is not looked at."""
        self._require_free(name)
        self._add(name, Link(target))

    def link(self, name: str, to: Directory, to_name: str) -> None:
        """A second name, of a link itself. Refuses with perm what is a directory."""
        other = self._beside(to)
        entry = self._entry(name)
        if isinstance(entry, MemoryDirectoryNode):
            raise Refused(Errno.PERM)
        other._require_free(to_name)
        self._attributes_of(entry).nlink += 1
        other._add(to_name, entry)

    def rename(self, name: str, to: Directory, to_name: str) -> None:
        """Moves a name within the tree, over what is there if that can be replaced."""
        other = self._beside(to)
        entry = self._entry(name)
        old = other.children.get(to_name)
        if old is entry:
            return
        if isinstance(entry, MemoryDirectoryNode):
            self._require_outside(other, entry)
            self._require_replaceable(old)
        elif isinstance(old, MemoryDirectoryNode):
            raise Refused(Errno.ISDIR)
        if old is not None:
            if isinstance(old, MemoryDirectoryNode):
                old.removed = True
            other._remove(to_name)
        del self.children[name]
        self._touch()
        other._add(to_name, entry)

    # -- the parts of it

    def _entry(self, name: str) -> Entry:
        entry = self.children.get(name)
        if entry is None:
            raise Refused(Errno.NOENT)
        return entry

    def _attributes_of(self, entry: Entry) -> Attributes:
        if entry.attributes is None:
            # a link that was made by hand knows its tree only now
            entry.attributes = Attributes(self.tree)
        return entry.attributes

    def _stat_of(self, entry: Entry) -> Stat:
        if isinstance(entry, Link):
            size = len(entry.target.encode("utf-8", "surrogateescape"))
            return self._attributes_of(entry).stat(self.tree, Filetype.SYMBOLIC_LINK, size)
        return entry.stat()

    def _beside(self, to: Directory) -> MemoryDirectoryNode:
        """Another directory that names can be moved to."""
        if not isinstance(to, MemoryDirectoryNode) or to.tree is not self.tree:
            raise Refused(Errno.XDEV)
        self.tree.require_writable()
        return to

    def _require_free(self, name: str) -> None:
        self.tree.require_writable()
        if name in self.children:
            raise Refused(Errno.EXIST)

    @staticmethod
    def _require_outside(place: MemoryDirectoryNode, moved: MemoryDirectoryNode) -> None:
        """A directory cannot be moved into itself."""
        above: MemoryDirectoryNode | None = place
        while above is not None:
            if above is moved:
                raise Refused(Errno.INVAL)
            above = above.parent

    @staticmethod
    def _require_replaceable(old: Entry | None) -> None:
        """A directory may only take the place of an empty one."""
        if isinstance(old, MemoryDirectoryNode):
            if old.children:
                raise Refused(Errno.NOTEMPTY)
        elif old is not None:
            raise Refused(Errno.NOTDIR)

    def _add(self, name: str, entry: Entry) -> None:
        if self.removed:
            raise Refused(Errno.NOENT)
        if isinstance(entry, MemoryDirectoryNode):
            entry.parent = self
        self._attributes_of(entry)
        self.children[name] = entry
        self._touch()

    def _remove(self, name: str) -> None:
        self._attributes_of(self.children.pop(name)).nlink -= 1
        self._touch()

    def _touch(self) -> None:
        self.attributes.mtim = self.attributes.ctim = self.tree.clock()


class MemoryDirectory:
    """A directory tree in memory for guests, writable unless said otherwise.

    ``MemoryDirectory({"hello.txt": "hello", "bin": {"data": b"..."}, "alias": Link("bin")})``.
    It stays between runs: what a guest has written is there for the next one and for
    :meth:`read` and :meth:`files`. ``clock`` (nanoseconds since 1970) dates what it begins with,
    and ``device`` is its number in a guest's eyes, by default another one for each tree: with both
    given, all that a guest sees of it follows from ``content``.
    """

    def __init__(
        self,
        content: Mapping[str, Content] | None = None,
        writable: bool = True,
        *,
        clock: Callable[[], int] = time.time_ns,
        device: int | None = None,
    ) -> None:
        self._tree = Tree(True, clock, device)
        self._root = MemoryDirectoryNode(self._tree, None)
        _fill(self._root, content or {})
        self._tree.writable = writable

    @classmethod
    def of_host(
        cls, path: str | os.PathLike[str], writable: bool = True, most: int = 1 << 26
    ) -> MemoryDirectory:
        """A copy of a directory of the host: regular files and directories, links left out.

        Raises ValueError if the files have more than ``most`` bytes in all.
        """
        return cls(_copy(os.fspath(path), most), writable)

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], **options: Any) -> MemoryDirectory:
        """A tree of files by their paths, ``dir/name``; ``options`` are those of the class."""
        content: dict[str, Any] = {}
        for path, data in files.items():
            *folders, name = path.split("/")
            place = content
            for folder in folders:
                place = place.setdefault(folder, {})
            place[name] = data
        return cls(content, **options)

    def open(self, clock: Callable[[], int] | None = None) -> Directory:
        """Opens it for a guest whose clock dates the changes."""
        self._tree.clock = clock or time.time_ns
        return self._root

    def read(self, path: str) -> bytes:
        """The content of a file. Raises FileNotFoundError."""
        return read_file(self._root, path)

    def files(self) -> dict[str, bytes]:
        """All regular files by their path."""
        return dict(all_files(self._root))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(sorted(self._root.children))}>"


def read_file(root: Directory, path: str) -> bytes:
    """The content of a file in a tree. Raises FileNotFoundError."""
    try:
        with walk(root, path.lstrip("/"), follow=True) as place:
            name = place.named(Errno.ISDIR)
            file = place.parent.open_file(name, False, False, False, False)
            try:
                return file.pread(0, file.stat().size)
            finally:
                file.close()
    except Refused as error:
        raise FileNotFoundError(f"{path}: {error.errno.name.lower()}") from None


def all_files(root: Directory) -> Iterator[tuple[str, bytes]]:
    """The regular files under a directory, with their paths. Guests make trees of any depth, so
    that the directories to come are in a list of our own."""
    todo = [("", root)]
    while todo:
        prefix, directory = todo.pop()
        below = []
        for entry in directory.entries(1 << 32):
            if entry.filetype == Filetype.DIRECTORY:
                below.append((f"{prefix}{entry.name}/", directory.open_directory(entry.name)))
            elif entry.filetype == Filetype.REGULAR_FILE:
                yield prefix + entry.name, read_file(directory, entry.name)
        todo += reversed(below)


def _fill(root: MemoryDirectoryNode, content: Mapping[str, Content]) -> None:
    todo = [(root, content)]
    while todo:
        directory, items = todo.pop()
        for name, item in items.items():
            if not name or "/" in name or "\0" in name or name in (".", ".."):
                raise ValueError(f"{name!r} is no name; directories are mappings of their own")
            if isinstance(item, Mapping):
                directory.make_directory(name)
                todo.append((directory.open_directory(name), item))
            elif isinstance(item, Link):
                directory.symlink(item.target, name)
            else:
                data = item.encode() if isinstance(item, str) else item
                directory.open_file(name, True, True, False, False).pwrite(0, data)


def _copy(path: str, most: int) -> dict[str, Content]:
    """The content of a directory of the host. Raises ValueError for more than ``most`` bytes."""
    copied: dict[str, Content] = {}
    todo = [(path, copied)]
    while todo:
        place, content = todo.pop()
        with os.scandir(place) as scan:
            for entry in scan:
                if entry.is_dir(follow_symlinks=False):
                    below: dict[str, Content] = {}
                    content[entry.name] = below
                    todo.append((entry.path, below))
                elif entry.is_file(follow_symlinks=False):
                    most -= entry.stat(follow_symlinks=False).st_size
                    if most < 0:
                        raise ValueError(f"{entry.path}: too many bytes to copy")
                    with open(entry.path, "rb") as file:
                        content[entry.name] = file.read()
    return copied
