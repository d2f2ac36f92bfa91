"""path_*: what is done with names in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ..runtime.functions import Caller
from ..runtime.values import u32, u64
from .abi import (
    DIRECTORY_RIGHTS,
    FILE_RIGHTS,
    Errno,
    Fdflags,
    Filetype,
    Oflags,
    Refused,
    Rights,
    pack_filestat,
)
from .context import Descriptor, WasiContext, memory_of, path_at, require_memory
from .fds import wanted_times
from .vfs import MOST_PATH, Directory, Place, walk

_FOLLOW = 1
#: rights that a file must be opened for writing for
_WRITING = Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
_KNOWN_RIGHTS = (1 << 30) - 1


@contextmanager
def _place(
    wasi: WasiContext, caller: Caller, fd: int, rights: int, path: tuple[int, int], follow: bool
) -> Iterator[Place]:
    """Where a path of the guest ends, the rights of its descriptor checked."""
    _, directory = wasi.directory(fd, rights)
    text = path_at(memory_of(caller), *path)
    with walk(directory, text, follow) as place:
        caller.meter.check()
        yield place


def _follows(flags: int) -> bool:
    if flags & ~_FOLLOW:
        raise Refused(Errno.INVAL)
    return bool(flags & _FOLLOW)


def _require_writable(place: Place) -> None:
    if not place.parent.writable:
        raise Refused(Errno.ROFS)


# -- opening


def path_open(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    lookup: u32,
    path: u32,
    size: u32,
    oflags: u32,
    rights: u64,
    inheriting: u64,
    fdflags: u32,
    result: u32,
) -> None:
    """Opens a file or directory, made if asked to, with no rights but those that are inherited."""
    follow = _follows(lookup)
    if oflags & ~Oflags.ALL or fdflags & ~Fdflags.ALL or (rights | inheriting) & ~_KNOWN_RIGHTS:
        raise Refused(Errno.INVAL)
    base, _ = wasi.directory(fd, _needed_rights(oflags))
    if (rights | inheriting) & ~base.inheriting & (DIRECTORY_RIGHTS | FILE_RIGHTS):
        raise Refused(Errno.NOTCAPABLE)
    require_memory(memory_of(caller), result, 4)
    wasi.require_room()
    # an exclusive creation takes a link for what it is: something that is there
    follow = follow and not (oflags & Oflags.CREAT and oflags & Oflags.EXCL)
    with _place(wasi, caller, fd, 0, (path, size), follow) as place:
        if oflags & Oflags.DIRECTORY or place.kind() == Filetype.DIRECTORY:
            opened = _open_directory(place, oflags, rights, inheriting)
        else:
            opened = _open_file(wasi, place, oflags, rights)
    opened.flags = fdflags
    memory_of(caller).write_u32(result, wasi.add(opened))


def _needed_rights(oflags: int) -> int:
    needed = Rights.PATH_OPEN
    if oflags & Oflags.CREAT:
        needed |= Rights.PATH_CREATE_FILE
    if oflags & Oflags.TRUNC:
        needed |= Rights.PATH_FILESTAT_SET_SIZE
    return needed


def _open_directory(place: Place, oflags: int, rights: int, inheriting: int) -> Descriptor:
    if oflags & Oflags.CREAT and oflags & Oflags.DIRECTORY:
        raise Refused(Errno.INVAL)
    if oflags & Oflags.CREAT and oflags & Oflags.EXCL:
        raise Refused(Errno.EXIST)
    if oflags & (Oflags.TRUNC | Oflags.CREAT) or rights & Rights.FD_WRITE:
        raise Refused(Errno.ISDIR)
    if place.name is None:
        node: Directory = place.parent.again()
    elif place.kind() == Filetype.SYMBOLIC_LINK:
        raise Refused(Errno.LOOP)
    else:
        node = place.parent.open_directory(place.name)
    return Descriptor(node, rights & DIRECTORY_RIGHTS, inheriting)


def _open_file(wasi: WasiContext, place: Place, oflags: int, rights: int) -> Descriptor:
    name = place.named(Errno.ISDIR)
    kind = place.kind()
    if place.slash:
        # what is there was found to be no directory, or there is nothing
        raise Refused(Errno.ISDIR if oflags & Oflags.CREAT else Errno.NOENT)
    if kind == Filetype.SYMBOLIC_LINK:
        exists = oflags & Oflags.CREAT and oflags & Oflags.EXCL
        raise Refused(Errno.EXIST if exists else Errno.LOOP)
    write = bool(rights & Rights.FD_WRITE)
    create, exclusive = bool(oflags & Oflags.CREAT), bool(oflags & Oflags.EXCL)
    if create and kind is None:
        _require_writable(place)
    elif create and not place.parent.writable and not write:
        # nothing would be made: a program that only asks whether it is there may read it
        create = False
    truncate = bool(oflags & Oflags.TRUNC)
    with wasi.new_entry() if create and kind is None else nullcontext():
        file = place.parent.open_file(name, write, create, exclusive, truncate)
    return Descriptor(file, rights & FILE_RIGHTS & ~(0 if write else _WRITING))


# -- looking


def path_filestat_get(
    wasi: WasiContext, caller: Caller, fd: u32, lookup: u32, path: u32, size: u32, result: u32
) -> None:
    """The attributes of what a path names."""
    follow = _follows(lookup)
    with _place(wasi, caller, fd, Rights.PATH_FILESTAT_GET, (path, size), follow) as place:
        memory_of(caller).write(result, pack_filestat(place.lookup()))


def path_readlink(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    path: u32,
    size: u32,
    buffer: u32,
    most: u32,
    result: u32,
) -> None:
    """What a link says, cut off at the buffer's end. One that begins at a root is not told."""
    memory = memory_of(caller)
    require_memory(memory, buffer, most)
    require_memory(memory, result, 4)
    with _place(wasi, caller, fd, Rights.PATH_READLINK, (path, size), False) as place:
        target = place.parent.readlink(place.named(Errno.INVAL))
    if target.startswith("/"):
        raise Refused(Errno.PERM)
    data = target.encode("utf-8", "surrogateescape")[:most]
    memory.write(buffer, data)
    memory.write_u32(result, len(data))


# -- changing


def path_filestat_set_times(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    lookup: u32,
    path: u32,
    size: u32,
    atim: u64,
    mtim: u64,
    flags: u32,
) -> None:
    """Sets the times of what a path names."""
    follow = _follows(lookup)
    times = wanted_times(wasi, atim, mtim, flags)
    with _place(wasi, caller, fd, Rights.PATH_FILESTAT_SET_TIMES, (path, size), follow) as place:
        _require_writable(place)
        if place.name is None:
            place.parent.set_times(*times)
        else:
            place.lookup()
            place.parent.set_times_of(place.name, *times)


def path_create_directory(wasi: WasiContext, caller: Caller, fd: u32, path: u32, size: u32) -> None:
    """Makes a directory."""
    with _place(wasi, caller, fd, Rights.PATH_CREATE_DIRECTORY, (path, size), False) as place:
        name = place.named(Errno.EXIST)
        _require_writable(place)
        with wasi.new_entry():
            place.parent.make_directory(name)


def path_remove_directory(wasi: WasiContext, caller: Caller, fd: u32, path: u32, size: u32) -> None:
    """Removes an empty directory."""
    with _place(wasi, caller, fd, Rights.PATH_REMOVE_DIRECTORY, (path, size), False) as place:
        place.parent.remove_directory(place.named(Errno.INVAL))


def path_unlink_file(wasi: WasiContext, caller: Caller, fd: u32, path: u32, size: u32) -> None:
    """Removes a name that is no directory."""
    with _place(wasi, caller, fd, Rights.PATH_UNLINK_FILE, (path, size), False) as place:
        name = place.named(Errno.ISDIR)
        if place.lookup().filetype == Filetype.DIRECTORY:
            raise Refused(Errno.ISDIR)
        place.parent.unlink(name)


def path_symlink(
    wasi: WasiContext, caller: Caller, target: u32, target_size: u32, fd: u32, path: u32, size: u32
) -> None:
    """Makes a symbolic link. What begins at a root is refused; what leads out otherwise can be
    made, and is refused when it is followed."""
    text = path_at(memory_of(caller), target, target_size)
    with _place(wasi, caller, fd, Rights.PATH_SYMLINK, (path, size), False) as place:
        if text.startswith("/"):
            raise Refused(Errno.PERM)
        if not text or place.slash:
            raise Refused(Errno.NOENT)
        name = place.named(Errno.EXIST)
        _require_writable(place)
        if len(text.encode()) > MOST_PATH:
            raise Refused(Errno.NAMETOOLONG)
        with wasi.new_entry(text):
            place.parent.symlink(text, name)


def path_link(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    lookup: u32,
    path: u32,
    size: u32,
    to_fd: u32,
    to_path: u32,
    to_size: u32,
) -> None:
    """Gives a file a second name."""
    follow = _follows(lookup)
    source_rights, target_rights = Rights.PATH_LINK_SOURCE, Rights.PATH_LINK_TARGET
    with (
        _place(wasi, caller, fd, source_rights, (path, size), follow) as old,
        _place(wasi, caller, to_fd, target_rights, (to_path, to_size), False) as new,
    ):
        name, new_name = old.named(Errno.PERM), new.named(Errno.EXIST)
        if old.lookup().filetype == Filetype.DIRECTORY:
            raise Refused(Errno.PERM)
        if new.slash:
            raise Refused(Errno.NOENT)
        _require_writable(new)
        with wasi.new_entry():
            old.parent.link(name, new.parent, new_name)


def path_rename(
    wasi: WasiContext,
    caller: Caller,
    fd: u32,
    path: u32,
    size: u32,
    to_fd: u32,
    to_path: u32,
    to_size: u32,
) -> None:
    """Moves a name, over another one too."""
    source_rights, target_rights = Rights.PATH_RENAME_SOURCE, Rights.PATH_RENAME_TARGET
    with (
        _place(wasi, caller, fd, source_rights, (path, size), False) as old,
        _place(wasi, caller, to_fd, target_rights, (to_path, to_size), False) as new,
    ):
        name, new_name = old.named(Errno.BUSY), new.named(Errno.BUSY)
        kind = old.lookup().filetype
        if new.slash and kind != Filetype.DIRECTORY:
            raise Refused(Errno.NOTDIR)
        _require_writable(old)
        old.parent.rename(name, new.parent, new_name)
