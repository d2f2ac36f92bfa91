"""The state of one guest's WASI: its descriptors and what it has used up; access to its memory."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..runtime.functions import Caller
from ..runtime.memory import Memory
from .abi import (
    DIRECTORY_RIGHTS,
    FILE_RIGHTS,
    DirEntry,
    Errno,
    Fdflags,
    Filetype,
    Refused,
)
from .config import WasiConfig
from .streams import Input, Output, Stream
from .vfs import Directory, File, Node

__all__ = ["Descriptor", "WasiContext", "memory_of", "path_at", "require_memory", "vectors"]

#: buffers that one call may name, as POSIX systems have it
MOST_VECTORS = 1024
#: bytes of a path that are read from a guest; one that is longer than a path may be is refused
_MOST_PATH = 1 << 16
#: where a file may end
_MOST_SIZE = (1 << 63) - 1


def memory_of(caller: Caller) -> Memory:
    """The guest's memory; one that has none cannot be given pointers."""
    if caller.memory is None:
        raise Refused(Errno.FAULT)
    return caller.memory


def require_memory(memory: Memory, ptr: int, size: int) -> None:
    """Refuses a place for results before anything is done."""
    if ptr + size > len(memory):
        raise Refused(Errno.FAULT)


def vectors(memory: Memory, ptr: int, count: int, most: int) -> list[tuple[int, int]]:
    """The buffers of a scatter or gather list, as pointers and sizes, checked and cut to ``most``
    bytes in all."""
    if count > MOST_VECTORS:
        raise Refused(Errno.INVAL)
    require_memory(memory, ptr, 8 * count)
    found = []
    for place in range(ptr, ptr + 8 * count, 8):
        start, size = memory.read_u32(place), memory.read_u32(place + 4)
        require_memory(memory, start, size)
        size = min(size, most)
        most -= size
        if size:
            found.append((start, size))
    return found


def path_at(memory: Memory, ptr: int, size: int) -> str:
    """A path from the guest: UTF-8 without NUL."""
    require_memory(memory, ptr, size)
    if size > _MOST_PATH:
        raise Refused(Errno.NAMETOOLONG)
    try:
        path = memory.read(ptr, size).decode()
    except UnicodeDecodeError:
        raise Refused(Errno.ILSEQ) from None
    if "\0" in path:
        raise Refused(Errno.INVAL)
    return path


class Descriptor:
    """What a number stands for: a node, what may be done with it, and where it stands."""

    __slots__ = ("flags", "inheriting", "listing", "name", "node", "position", "rights")

    def __init__(self, node: Node, rights: int, inheriting: int = 0, flags: int = 0) -> None:
        self.node = node
        self.rights = rights
        self.inheriting = inheriting
        #: Fdflags
        self.flags = flags
        #: of a file, in bytes from its beginning
        self.position = 0
        #: the guest's name, of a preopen only
        self.name: bytes | None = None
        #: a directory's names since it was last read from the beginning
        self.listing: list[DirEntry] = []

    @property
    def filetype(self) -> int:
        """The kind of the node."""
        if isinstance(self.node, Directory):
            return Filetype.DIRECTORY
        return self.node.filetype if isinstance(self.node, Stream) else Filetype.REGULAR_FILE

    def require(self, rights: int) -> None:
        """Refuses what it has no right to."""
        if rights & ~self.rights:
            raise Refused(Errno.NOTCAPABLE)

    def append_offset(self) -> int:
        """Where a write begins: at the end, if it appends."""
        return self.node.stat().size if self.flags & Fdflags.APPEND else self.position


class WasiContext:
    """Descriptors, arguments and quotas of one guest."""

    def __init__(self, config: WasiConfig) -> None:
        self.config = config
        self.quotas = config.quotas
        self.args = _strings(config.args)
        self.environ = _strings([f"{name}={value}" for name, value in config.env.items()])
        self._written = 0
        self._entries = 0
        # names that all listings hold together
        self._listed = 0
        self._open: dict[int, Descriptor] = {}
        self._free: list[int] = []
        most = config.quotas.output
        streams = (Input(config.stdin), Output(config.stdout, most), Output(config.stderr, most))
        for stream in streams:
            self._open[len(self._open)] = Descriptor(stream, stream.rights)
        for name, preopen in config.opened():
            node = preopen.directory.open(config.clocks.realtime)
            rights = preopen.rights & DIRECTORY_RIGHTS
            inheriting = preopen.inheriting & (DIRECTORY_RIGHTS | FILE_RIGHTS)
            descriptor = Descriptor(node, rights, inheriting)
            descriptor.name = name.encode()
            self._open[len(self._open)] = descriptor

    # -- descriptors

    def get(self, fd: int) -> Descriptor:
        """An open descriptor."""
        descriptor = self._open.get(fd)
        if descriptor is None:
            raise Refused(Errno.BADF)
        return descriptor

    def file(self, fd: int, rights: int) -> tuple[Descriptor, File]:
        """One that is a regular file, with the rights for what is to be done."""
        descriptor = self.get(fd)
        if isinstance(descriptor.node, Directory):
            raise Refused(Errno.ISDIR)
        if not isinstance(descriptor.node, File):
            raise Refused(Errno.BADF)
        descriptor.require(rights)
        return descriptor, descriptor.node

    def directory(
        self, fd: int, rights: int, no_directory: Errno = Errno.NOTDIR
    ) -> tuple[Descriptor, Directory]:
        """One that is a directory, with the rights for what is to be done; ``no_directory`` is
        the error of a file."""
        descriptor = self.get(fd)
        if isinstance(descriptor.node, File):
            raise Refused(no_directory)
        if not isinstance(descriptor.node, Directory):
            raise Refused(Errno.BADF)
        descriptor.require(rights)
        return descriptor, descriptor.node

    def require_room(self) -> None:
        """Refuses one descriptor more than there may be."""
        if len(self._open) >= self.quotas.open_files:
            raise Refused(Errno.MFILE)

    def add(self, descriptor: Descriptor) -> int:
        """Gives it the lowest free number."""
        fd = heapq.heappop(self._free) if self._free else len(self._open)
        self._open[fd] = descriptor
        return fd

    def close(self, fd: int) -> None:
        """Closes one; the host's own streams stay open for the host."""
        descriptor = self.get(fd)
        self.list_names(descriptor, [])
        descriptor.node.close()
        del self._open[fd]
        heapq.heappush(self._free, fd)

    def renumber(self, fd: int, to: int) -> None:
        """Moves one onto another, which is closed."""
        moved, old = self.get(fd), self.get(to)
        if fd != to:
            self.list_names(old, [])
            old.node.close()
            self._open[to] = moved
            del self._open[fd]
            heapq.heappush(self._free, fd)

    def close_all(self) -> None:
        """Gives up what the host holds; the guest is not run again."""
        for descriptor in self._open.values():
            descriptor.node.close()
        self._open.clear()

    # -- quotas

    def charge_growth(self, file: File, end: int, written: int) -> None:
        """Charges a write or growth that ends there, before it is done."""
        if end > _MOST_SIZE:
            raise Refused(Errno.FBIG)
        self._charge_written(max(written, end - file.stat().size))

    def _charge_written(self, amount: int) -> None:
        if self._written + amount > self.quotas.written:
            raise Refused(Errno.DQUOT)
        self._written += amount

    @contextmanager
    def new_entry(self, target: str = "") -> Iterator[None]:
        """Charges a name that is made in the block, and what a link says; nothing, if the block
        fails."""
        if self._entries >= self.quotas.entries:
            raise Refused(Errno.DQUOT)
        said = _size_of(target)
        self._charge_written(said)
        try:
            yield
        except BaseException:
            self._written -= said
            raise
        self._entries += 1

    def list_names(self, descriptor: Descriptor, names: list[DirEntry]) -> None:
        """Keeps a directory's names, the two dots first, for its descriptor, in the place of those
        kept before. All descriptors together keep no more names than one directory may have."""
        listed = self._listed - max(len(descriptor.listing) - 2, 0) + max(len(names) - 2, 0)
        if listed > self.quotas.entries:
            raise Refused(Errno.OVERFLOW)
        self._listed = listed
        descriptor.listing = names


def _size_of(text: str) -> int:
    """Bytes that a text takes, in a file or in memory, where one wide character makes all wide."""
    widest = ord(max(text, default="\0"))
    width = 1 if widest < 0x100 else 2 if widest < 0x10000 else 4
    return max(len(text.encode()), width * len(text))


def _strings(texts: Sequence[str]) -> list[bytes]:
    """C strings; a NUL inside would end one early."""
    for text in texts:
        if "\0" in text:
            raise ValueError(f"arguments and environment must not contain NUL: {text!r}")
    return [text.encode("utf-8", "surrogateescape") + b"\0" for text in texts]
