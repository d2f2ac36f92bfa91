"""fd_*: what is done with an open descriptor."""

from __future__ import annotations

from collections.abc import Callable

from ..runtime.functions import Caller
from ..runtime.memory import Memory
from ..runtime.values import u32, u64
from .abi import (
    DirEntry,
    Errno,
    Fdflags,
    Filetype,
    Fstflags,
    Refused,
    Rights,
    pack_dirent,
    pack_fdstat,
    pack_filestat,
)
from .context import Descriptor, WasiContext, memory_of, require_memory, vectors
from .streams import Stream

_SET, _CUR, _END = 0, 1, 2
_MOST_ADVICE = 5
_MOST_OFFSET = (1 << 63) - 1
#: flags that can be changed later (the others would need the file to be opened again)
_CHANGEABLE = Fdflags.APPEND | Fdflags.NONBLOCK


# -- reading and writing


def fd_read(wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, result: u32) -> None:
    """Reads into buffers, until one is not filled."""
    descriptor = wasi.get(fd)
    memory = memory_of(caller)
    require_memory(memory, result, 4)
    buffers = vectors(memory, iovs, count, wasi.quotas.per_call)
    stream = descriptor.node
    if isinstance(stream, Stream):
        size = sum(size for _, size in buffers)
        data = stream.read(size, caller.meter)
        memory.write_u32(result, _scatter(memory, buffers, _taking(data)))
        return
    descriptor, file = wasi.file(fd, Rights.FD_READ)

    def read(size: int) -> bytes:
        data = file.pread(descriptor.position, size)
        descriptor.position += len(data)
        caller.meter.check()
        return data

    memory.write_u32(result, _scatter(memory, buffers, read))


def fd_pread(
    wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, offset: u64, result: u32
) -> None:
    """Reads at an offset; the position stays."""
    _, file = wasi.file(fd, Rights.FD_READ | Rights.FD_SEEK)
    memory = memory_of(caller)
    require_memory(memory, result, 4)
    buffers = vectors(memory, iovs, count, wasi.quotas.per_call)
    _require_offset(offset)

    place: int = offset

    def read(size: int) -> bytes:
        nonlocal place
        data = file.pread(place, size)
        place += len(data)
        caller.meter.check()
        return data

    memory.write_u32(result, _scatter(memory, buffers, read))


def fd_write(
    wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, result: u32
) -> None:
    """Writes buffers, no more than one call may move."""
    descriptor = wasi.get(fd)
    memory = memory_of(caller)
    require_memory(memory, result, 4)
    buffers = vectors(memory, iovs, count, wasi.quotas.per_call)
    stream = descriptor.node
    if isinstance(stream, Stream):
        if not stream.usual_rights & Rights.FD_WRITE:
            raise Refused(Errno.BADF)
        for ptr, size in buffers:
            stream.write(memory.read(ptr, size))
        memory.write_u32(result, sum(size for _, size in buffers))
        return
    wasi.file(fd, Rights.FD_WRITE)
    start = descriptor.append_offset()
    written = _gather(wasi, caller, fd, buffers, start)
    descriptor.position = start + written
    memory.write_u32(result, written)


def fd_pwrite(
    wasi: WasiContext, caller: Caller, fd: u32, iovs: u32, count: u32, offset: u64, result: u32
) -> None:
    """Writes at an offset; the position stays."""
    wasi.file(fd, Rights.FD_WRITE | Rights.FD_SEEK)
    memory = memory_of(caller)
    require_memory(memory, result, 4)
    buffers = vectors(memory, iovs, count, wasi.quotas.per_call)
    _require_offset(offset)
    memory.write_u32(result, _gather(wasi, caller, fd, buffers, offset))


def _require_offset(offset: int) -> None:
    if offset > _MOST_OFFSET:
        raise Refused(Errno.INVAL)


def _taking(data: bytes) -> Callable[[int], bytes]:
    def take(size: int) -> bytes:
        nonlocal data
        part, data = data[:size], data[size:]
        return part

    return take


def _scatter(memory: Memory, buffers: list[tuple[int, int]], read: Callable[[int], bytes]) -> int:
    """Fills buffers in turn until a read gives less; gives how many bytes."""
    total = 0
    for ptr, size in buffers:
        data = read(size)
        memory.write(ptr, data)
        total += len(data)
        if len(data) < size:
            break
    return total


def _gather(
    wasi: WasiContext, caller: Caller, fd: int, buffers: list[tuple[int, int]], offset: int
) -> int:
    """Writes buffers in turn until one is not taken whole; gives how many bytes."""
    descriptor, file = wasi.file(fd, Rights.FD_WRITE)
    memory = memory_of(caller)
    wanted = sum(size for _, size in buffers)
    wasi.charge_growth(file, offset + wanted, wanted)
    total = 0
    for ptr, size in buffers:
        written = file.pwrite(offset + total, memory.read(ptr, size))
        total += written
        caller.meter.check()
        if written < size:
            break
    if total and descriptor.flags & (Fdflags.DSYNC | Fdflags.SYNC):
        file.sync(not descriptor.flags & Fdflags.SYNC)
    return total


# -- position and size


def fd_seek(
    wasi: WasiContext, caller: Caller, fd: u32, offset: u64, whence: u32, result: u32
) -> None:
    """Moves the position of a file; gives where it is then."""
    delta = offset - (1 << 64) if offset >> 63 else offset
    descriptor = _seekable(wasi, fd)
    if (delta, whence) != (0, _CUR):
        descriptor.require(Rights.FD_SEEK)
    if whence > _END:
        raise Refused(Errno.INVAL)
    if isinstance(descriptor.node, Stream):
        require_memory(memory_of(caller), result, 8)
        memory_of(caller).write_u64(result, descriptor.node.seek(delta, whence))
        return
    bases = {_SET: 0, _CUR: descriptor.position}
    position = (descriptor.node.stat().size if whence == _END else bases[whence]) + delta
    if not 0 <= position <= _MOST_OFFSET:
        raise Refused(Errno.INVAL)
    memory_of(caller).write_u64(result, position)
    descriptor.position = position


def fd_tell(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """The position of a file."""
    descriptor = _seekable(wasi, fd)
    node = descriptor.node
    position = node.seek(0, _CUR) if isinstance(node, Stream) else descriptor.position
    memory_of(caller).write_u64(result, position)


def _seekable(wasi: WasiContext, fd: int) -> Descriptor:
    descriptor = wasi.get(fd)
    if not isinstance(descriptor.node, Stream):
        wasi.file(fd, 0)
    elif not descriptor.node.seekable:
        raise Refused(Errno.SPIPE)
    # the right to seek includes the one to tell
    if not descriptor.rights & (Rights.FD_SEEK | Rights.FD_TELL):
        raise Refused(Errno.NOTCAPABLE)
    return descriptor


def fd_filestat_set_size(wasi: WasiContext, caller: Caller, fd: u32, size: u64) -> None:
    """Cuts a file off, or fills it up with zeros."""
    _, file = wasi.file(fd, Rights.FD_FILESTAT_SET_SIZE)
    _require_offset(size)
    wasi.charge_growth(file, size, 0)
    file.resize(size)


def fd_allocate(wasi: WasiContext, caller: Caller, fd: u32, offset: u64, size: u64) -> None:
    """Makes a file at least so long."""
    _, file = wasi.file(fd, Rights.FD_ALLOCATE)
    if not size or offset > _MOST_OFFSET:
        raise Refused(Errno.INVAL)
    end = offset + size
    wasi.charge_growth(file, end, 0)
    if end > file.stat().size:
        file.resize(end)


def fd_advise(
    wasi: WasiContext, caller: Caller, fd: u32, offset: u64, size: u64, advice: u32
) -> None:
    """Takes note of how a file will be used, and does nothing about it."""
    wasi.file(fd, Rights.FD_ADVISE)
    if advice > _MOST_ADVICE or offset > _MOST_OFFSET:
        raise Refused(Errno.INVAL)


def fd_sync(wasi: WasiContext, caller: Caller, fd: u32) -> None:
    """Brings data and attributes to the disk."""
    _node(wasi, fd, Rights.FD_SYNC).node.sync(False)


def fd_datasync(wasi: WasiContext, caller: Caller, fd: u32) -> None:
    """Brings data to the disk."""
    _node(wasi, fd, Rights.FD_DATASYNC).node.sync(True)


def _node(wasi: WasiContext, fd: int, rights: int) -> Descriptor:
    """A file or directory with such rights; streams have none of them."""
    descriptor = wasi.get(fd)
    if isinstance(descriptor.node, Stream):
        raise Refused(Errno.BADF)
    descriptor.require(rights)
    return descriptor


# -- attributes


def fd_fdstat_get(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """What kind of descriptor it is, and what may be done with it."""
    found = wasi.get(fd)
    record = pack_fdstat(found.filetype, found.flags, found.rights, found.inheriting)
    memory_of(caller).write(result, record)


def fd_fdstat_set_flags(wasi: WasiContext, caller: Caller, fd: u32, flags: u32) -> None:
    """Changes flags; those that a file was opened with for its writes stay as they are."""
    descriptor = wasi.get(fd)
    if flags & ~Fdflags.ALL:
        raise Refused(Errno.INVAL)
    if isinstance(descriptor.node, Stream):
        return
    wasi.file(fd, Rights.FD_FDSTAT_SET_FLAGS)
    if (flags ^ descriptor.flags) & ~_CHANGEABLE:
        raise Refused(Errno.INVAL)
    descriptor.flags = flags


def fd_fdstat_set_rights(
    wasi: WasiContext, caller: Caller, fd: u32, rights: u64, inheriting: u64
) -> None:
    """Gives rights up; none can be had back."""
    descriptor = wasi.get(fd)
    if rights & ~descriptor.rights or inheriting & ~descriptor.inheriting:
        raise Refused(Errno.NOTCAPABLE)
    descriptor.rights, descriptor.inheriting = rights, inheriting


def fd_filestat_get(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """The attributes of a file, directory or stream."""
    descriptor = wasi.get(fd)
    if not isinstance(descriptor.node, Stream):
        descriptor.require(Rights.FD_FILESTAT_GET)
    memory_of(caller).write(result, pack_filestat(descriptor.node.stat()))


def fd_filestat_set_times(
    wasi: WasiContext, caller: Caller, fd: u32, atim: u64, mtim: u64, flags: u32
) -> None:
    """Sets times, to given ones or to now."""
    descriptor = _node(wasi, fd, Rights.FD_FILESTAT_SET_TIMES)
    descriptor.node.set_times(*wanted_times(wasi, atim, mtim, flags))


def wanted_times(
    wasi: WasiContext, atim: int, mtim: int, flags: int
) -> tuple[int | None, int | None]:
    """The times to set, ``None`` for one that stays."""
    both_atim, both_mtim = (
        Fstflags.ATIM | Fstflags.ATIM_NOW,
        Fstflags.MTIM | Fstflags.MTIM_NOW,
    )
    if flags & ~Fstflags.ALL or flags & both_atim == both_atim or flags & both_mtim == both_mtim:
        raise Refused(Errno.INVAL)
    now = wasi.config.clocks.realtime() if flags & (Fstflags.ATIM_NOW | Fstflags.MTIM_NOW) else 0
    return (
        atim if flags & Fstflags.ATIM else now if flags & Fstflags.ATIM_NOW else None,
        mtim if flags & Fstflags.MTIM else now if flags & Fstflags.MTIM_NOW else None,
    )


# -- descriptors themselves, preopens, directories


def fd_close(wasi: WasiContext, caller: Caller, fd: u32) -> None:
    """Closes a descriptor for the guest; the host's streams stay open."""
    wasi.close(fd)


def fd_renumber(wasi: WasiContext, caller: Caller, fd: u32, to: u32) -> None:
    """Moves a descriptor onto another one."""
    wasi.renumber(fd, to)


def _preopen_name(wasi: WasiContext, fd: int) -> bytes:
    descriptor = wasi.get(fd)
    if descriptor.name is None:
        # wasi-libc looks for the end of the preopens by this number
        raise Refused(Errno.BADF)
    return descriptor.name


def fd_prestat_get(wasi: WasiContext, caller: Caller, fd: u32, result: u32) -> None:
    """That it is a preopened directory (tag 0), and how long its name is."""
    name = _preopen_name(wasi, fd)
    memory_of(caller).write(result, bytes(4) + len(name).to_bytes(4, "little"))


def fd_prestat_dir_name(wasi: WasiContext, caller: Caller, fd: u32, ptr: u32, size: u32) -> None:
    """The name of a preopened directory, without an end mark."""
    name = _preopen_name(wasi, fd)
    if len(name) > size:
        raise Refused(Errno.NAMETOOLONG)
    memory_of(caller).write(ptr, name)


def fd_readdir(
    wasi: WasiContext, caller: Caller, fd: u32, ptr: u32, size: u32, cookie: u64, result: u32
) -> None:
    """Names of a directory from a cookie on, in order; the last one may be cut off.

    The names are those at the time of the last reading from cookie 0.
    """
    descriptor, directory = wasi.directory(fd, Rights.FD_READDIR, no_directory=Errno.BADF)
    memory = memory_of(caller)
    require_memory(memory, ptr, size)
    require_memory(memory, result, 4)
    if not cookie or not descriptor.listing:
        ino = directory.stat().ino
        dots = [DirEntry(name, Filetype.DIRECTORY, ino) for name in (".", "..")]
        wasi.list_names(descriptor, dots + directory.entries(wasi.quotas.entries))
    most = min(size, wasi.quotas.per_call)
    record = bytearray()
    for number in range(cookie, len(descriptor.listing)):
        if len(record) >= most:
            break
        record += pack_dirent(descriptor.listing[number], number + 1)
    memory.write(ptr, bytes(record[:most]))
    memory.write_u32(result, min(len(record), most))
