"""What the functions write into memory and do to files: scenes that give the same on every backend
and on wasmtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wasi_cases import APPEND, CREAT, DIRECTORY, EXCL, RW, TRUNC
from wasi_guest import (
    ALL,
    Guest,
    Ours,
    Wasmtime,
    clock_subscription,
    fd_subscription,
    make_host_tree,
    memory_tree,
    wasmtime,
    with_root,
)

from pywasmgk.wasm.wasi import HostDirectory, OverlayDirectory
from pywasmgk.wasm.wasi.abi import Rights as R
from pywasmgk.wasm.wasi.host import supported

Scene = Callable[[Guest], Any]
READ, WRITE = R.FD_READ, R.FD_WRITE
MORE = RW | R.FD_FILESTAT_GET | R.FD_FILESTAT_SET_SIZE | R.FD_FILESTAT_SET_TIMES
MORE |= R.FD_FDSTAT_SET_FLAGS | R.FD_SYNC | R.FD_ADVISE


def content(g: Guest, path: str) -> bytes:
    fd = g.opened(path)
    assert g.fd_read(fd, 1000) == 0
    text = g.text()
    g.call("fd_close", fd)
    return text


def position(g: Guest, fd: int) -> int:
    assert g.call("fd_tell", fd, 64) == 0
    return g.number(64, 8)


def stat_of(g: Guest, path: str, lookup: int = 1) -> tuple[int, int, int]:
    """Type, links, size."""
    assert g.stat(path, lookup) == 0
    return g.number(80, 1), g.number(88, 8), g.number(96, 8)


def read_in_parts(g: Guest) -> Any:
    fd = g.opened("file", 0, RW)
    found = []
    for sizes in ((4,), (2, 3), (100,), (10,)):
        assert g.fd_read(fd, *sizes) == 0
        found.append((g.text(), position(g, fd)))
    return found


def read_at(g: Guest) -> Any:
    fd = g.opened("file", 0, RW)
    found = []
    for offset in (0, 6, 11, 12, 5000):
        assert g.fd_pread(fd, offset, 3, 3) == 0
        found.append(g.text())
    return found, position(g, fd)


def write_and_seek(g: Guest) -> Any:
    fd = g.opened("new", CREAT, RW)
    found = []
    for part in (b"one", b"two"):
        g.fd_write(fd, part, b"-")
        found.append((g.number(), position(g, fd)))
    for offset, whence in ((-2, 2), (1, 1), (0, 1), (20, 0)):
        assert g.call("fd_seek", fd, offset % 2**64, whence, 64) == 0
        found.append(g.number(64, 8))
    g.fd_write(fd, b"far")
    return found, content(g, "new")


def write_at(g: Guest) -> Any:
    fd = g.opened("file", 0, RW)
    for offset, data in ((0, b"J"), (14, b"end")):
        assert g.fd_pwrite(fd, offset, data) == 0
    return position(g, fd), content(g, "file")


def append(g: Guest) -> Any:
    fd = g.opened("file", 0, RW, fdflags=APPEND)
    found = []
    for _ in range(2):
        assert g.call("fd_seek", fd, 0, 0, 64) == 0
        g.fd_write(fd, b"more\n")
        found.append(content(g, "file"))
    return found


def append_later(g: Guest) -> Any:
    fd = g.opened("file", 0, MORE)
    assert g.call("fd_fdstat_set_flags", fd, APPEND) == 0
    g.fd_write(fd, b"x")
    assert g.call("fd_fdstat_set_flags", fd, 0) == 0
    assert g.call("fd_seek", fd, 0, 0, 64) == 0
    g.fd_write(fd, b"y")
    return content(g, "file")


def sizes(g: Guest) -> Any:
    fd = g.opened("file", 0, MORE)
    found = []
    for size in (5, 8, 0):
        assert g.call("fd_filestat_set_size", fd, size) == 0
        found.append(content(g, "file"))
    return found


def truncate(g: Guest) -> Any:
    g.opened("file", TRUNC, RW)
    return content(g, "file"), stat_of(g, "file")


def create_through_links(g: Guest) -> Any:
    g.fd_write(g.opened("dangling", CREAT, RW), b"made")
    g.fd_write(g.opened("dirlink/new", CREAT | EXCL, RW), b"in dir")
    return content(g, "nowhere"), content(g, "dir/new"), stat_of(g, "dangling", 0)[0]


def stats(g: Guest) -> Any:
    paths = ("file", "empty", "dir/inner", "link", "chain", "dir/to_file")
    files = [stat_of(g, path) for path in paths]
    links = [stat_of(g, path, 0) for path in ("link", "out", "loop", "file")]
    return files, links, stat_of(g, "dir")[0], stat_of(g, ".")[0]


def times(g: Guest) -> Any:
    found = []
    for path, lookup in (("file", 1), ("link", 1), ("dir", 1), ("link", 0), (".", 1)):
        second = 1_000_000_000
        assert g.times(path, 5, 5 * second, 7 * second, lookup) == 0
        assert g.stat(path, lookup) == 0
        both = g.number(104, 8), g.number(112, 8)
        assert g.times(path, 4, 0, 8 * second, lookup) == 0
        assert g.stat(path, lookup) == 0
        found.append((both, g.number(104, 8), g.number(112, 8)))
    return found


def times_of_descriptor(g: Guest) -> Any:
    fd = g.opened("file", 0, MORE)
    assert g.call("fd_filestat_set_times", fd, 3_000_000_000, 4_000_000_000, 5) == 0
    assert g.call("fd_filestat_get", fd, 64) == 0
    before = g.number(104, 8), g.number(112, 8)
    assert g.call("fd_filestat_set_times", fd, 0, 0, 10) == 0
    assert g.call("fd_filestat_get", fd, 64) == 0
    return before, g.number(112, 8) > 1_600_000_000_000_000_000


def directory_listing(g: Guest) -> Any:
    return g.names(3), g.names(g.opened("dir", DIRECTORY, R.FD_READDIR))


def listing_in_pieces(g: Guest) -> Any:
    """As programs do it: from the last whole record's cookie on, until the buffer is not full."""
    cookie, names = 0, []
    while True:
        assert g.readdir(3, 64, cookie) == 0
        used = g.number()
        piece = g.read(8192, used)
        while len(piece) >= 24:
            size = int.from_bytes(piece[16:20], "little")
            if len(piece) < 24 + size:
                break
            cookie = int.from_bytes(piece[:8], "little")
            names.append(piece[24 : 24 + size].decode())
            piece = piece[24 + size :]
        if used < 64:
            return sorted(names)


def listing_cut_off(g: Guest) -> Any:
    """A buffer too small for one record is filled."""
    assert g.readdir(3, 30) == 0
    return g.number()


def readlinks(g: Guest) -> Any:
    found = []
    for path, most in (("link", 200), ("dirlink/to_file", 200), ("deepout", 5), ("link", 0)):
        assert g.readlink(path, most) == 0
        found.append(g.read(128, g.number()))
    return found


def hard_links(g: Guest) -> Any:
    g.link("file", "dir/again")
    g.fd_write(g.opened("dir/again", 0, RW), b"HELLO")
    before = content(g, "file"), stat_of(g, "file")[1]
    g.at("path_unlink_file", "file")
    return before, content(g, "dir/again"), stat_of(g, "dir/again")[1], g.stat("file")


def link_to_a_link(g: Guest) -> Any:
    return g.link("link", "again"), stat_of(g, "again", 0)[0], content(g, "again")


def rename(g: Guest) -> Any:
    results = [g.rename("file", "dir/moved"), g.rename("dir", "void"), g.rename("link", "l")]
    return results, content(g, "void/moved"), g.stat("dir"), stat_of(g, "l", 0)[0], g.names(3)


def unlinked_while_open(g: Guest) -> Any:
    fd = g.opened("file", 0, RW)
    g.at("path_unlink_file", "file")
    g.fd_write(fd, b"still")
    assert g.call("fd_seek", fd, 0, 0, 64) == 0
    assert g.fd_read(fd, 100) == 0
    return g.text(), g.stat("file")


def removed_while_open(g: Guest) -> Any:
    fd = g.opened("void", DIRECTORY, ALL & ~WRITE & ~READ)
    gone = g.at("path_remove_directory", "void")
    return gone, g.open("x", CREAT, RW, fd=fd), g.at("path_create_directory", "y", fd)


def below_an_opened_directory(g: Guest) -> Any:
    fd = g.opened("dir", DIRECTORY, ALL & ~WRITE & ~READ)
    inner = g.open("inner", fd=fd)
    return inner, g.open("../file", fd=fd), g.open("to_file", fd=fd), g.stat("sub/deep", fd=fd)


def symlinks(g: Guest) -> Any:
    made = [
        g.symlink("file", "s1"),
        g.symlink("../file", "dir/s2"),
        g.symlink("s1", "s3"),
        g.symlink("../../outside/secret", "dir/s4"),
    ]
    return made, [content(g, path) for path in ("s1", "dir/s2", "s3")], g.open("dir/s4")


def descriptors(g: Guest) -> Any:
    """The lowest free number, and what is moved onto another."""
    first, second = g.opened("file"), g.opened("empty")
    g.call("fd_close", first)
    third = g.opened("dir/inner")
    moved = g.call("fd_renumber", third, second)
    assert g.fd_read(second, 100) == 0
    return first == third, moved, g.text(), g.fd_read(third, 1)


def preopens(g: Guest) -> Any:
    assert g.call("fd_prestat_get", 3, 64) == 0
    size = g.number(68)
    assert g.call("fd_prestat_dir_name", 3, 128, size) == 0
    return g.number(64), g.read(128, size), g.call("fd_prestat_get", 4, 64)


def fdstat(g: Guest) -> Any:
    """Types and flags; wasmtime's rights are its own."""
    found = []
    for fd in (3, g.opened("file", 0, RW, fdflags=APPEND)):
        assert g.call("fd_fdstat_get", fd, 64) == 0
        found.append((g.number(64, 1), g.number(66, 2)))
    return found


def poll_clock(g: Guest) -> Any:
    assert g.poll(clock_subscription(77, 1, 2_000_000), clock_subscription(88, 1, 10**12)) == 0
    return g.number(), g.read(8192, 11)


def poll_files(g: Guest) -> Any:
    fd = g.opened("file", 0, RW)
    assert g.poll(fd_subscription(1, 1, fd), fd_subscription(2, 2, fd)) == 0
    return g.number(), g.read(8192, 11), g.read(8192 + 32, 11)


def arguments(g: Guest) -> Any:
    found = []
    for what in ("args", "environ"):
        assert g.call(f"{what}_sizes_get", 64, 68) == 0
        count, size = g.number(64), g.number(68)
        assert g.call(f"{what}_get", 128, 1024) == 0
        offsets = [g.number(128 + 4 * i) - 1024 for i in range(count)]
        found.append((count, size, offsets, g.read(1024, size)))
    return found


SCENES: dict[Scene, Any] = {
    read_in_parts: [(b"hell", 4), (b"o wor", 9), (b"ld\n", 12), (b"", 12)],
    read_at: ([b"hello ", b"world\n", b"\n", b"", b""], 0),
    write_and_seek: ([(4, 4), (4, 8), 6, 7, 7, 20], b"one-two-" + bytes(12) + b"far"),
    write_at: (0, b"Jello world\n\0\0end"),
    append: [b"hello world\nmore\n", b"hello world\nmore\nmore\n"],
    append_later: b"yello world\nx",
    sizes: [b"hello", b"hello\0\0\0", b""],
    truncate: (b"", (4, 1, 0)),
    create_through_links: (b"made", b"in dir", 7),
    stats: (
        [(4, 1, 12), (4, 1, 0), (4, 1, 6), (4, 1, 12), (4, 1, 12), (4, 1, 12)],
        [(7, 1, 4), (7, 1, 17), (7, 1, 4), (4, 1, 12)],
        3,
        3,
    ),
    times: [((5_000_000_000, 7_000_000_000), 5_000_000_000, 8_000_000_000)] * 5,
    times_of_descriptor: ((3_000_000_000, 4_000_000_000), True),
    directory_listing: (
        [
            *((".", 3), ("..", 3), ("abs", 7), ("chain", 7), ("dangling", 7), ("deepout", 7)),
            *(("dir", 3), ("dirlink", 7), ("empty", 4), ("file", 4), ("fileslash", 7)),
            *(("link", 7), ("loop", 7), ("out", 7), ("slashed", 7), ("up", 7), ("void", 3)),
        ],
        [(".", 3), ("..", 3), ("inner", 4), ("sub", 3), ("to_file", 7)],
    ),
    listing_in_pieces: [
        *(".", "..", "abs", "chain", "dangling", "deepout", "dir", "dirlink", "empty", "file"),
        *("fileslash", "link", "loop", "out", "slashed", "up", "void"),
    ],
    listing_cut_off: 30,
    readlinks: [b"file", b"../file", b"dir/.", b""],
    hard_links: ((b"HELLO world\n", 2), b"HELLO world\n", 1, 44),
    link_to_a_link: (0, 7, b"hello world\n"),
    rename: (
        [0, 0, 0],
        b"hello world\n",
        44,
        7,
        [
            *((".", 3), ("..", 3), ("abs", 7), ("chain", 7), ("dangling", 7), ("deepout", 7)),
            *(("dirlink", 7), ("empty", 4), ("fileslash", 7), ("l", 7), ("loop", 7)),
            *(("out", 7), ("slashed", 7), ("up", 7), ("void", 3)),
        ],
    ),
    unlinked_while_open: (b"still world\n", 44),
    removed_while_open: (0, 44, 44),
    below_an_opened_directory: (0, 63, 63, 0),
    symlinks: ([0, 0, 0, 0], [b"hello world\n"] * 3, 63),
    descriptors: (True, 0, b"inside", 8),
    preopens: (0, b"/", 8),
    fdstat: [(3, 0), (4, APPEND)],
    poll_clock: (1, (77).to_bytes(8, "little") + bytes(3)),
    poll_files: (2, b"\1" + bytes(9) + b"\1", b"\2" + bytes(9) + b"\2"),
    arguments: [(2, 11, [0, 5], b"prog\0\xc3\xa9 bc\0"), (1, 4, [0], b"A=1\0")],
}
ARGS = {"args": ("prog", "é bc"), "env": {"A": "1"}}


def scene_id(item: Any) -> str:
    return getattr(item, "__name__", "")


@pytest.mark.parametrize("scene", SCENES, ids=scene_id)
def test_in_memory(scene: Scene) -> None:
    assert scene(Ours(with_root(memory_tree(), **ARGS))) == SCENES[scene]


@pytest.mark.skipif(not supported(), reason="no calls relative to a directory here")
@pytest.mark.parametrize("overlay", [False, True], ids=["host", "overlay"])
@pytest.mark.parametrize("scene", SCENES, ids=scene_id)
def test_on_the_host(scene: Scene, overlay: bool, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    directory = OverlayDirectory(HostDirectory(root)) if overlay else HostDirectory(root, True)
    assert scene(Ours(with_root(directory, **ARGS))) == SCENES[scene]


#: wasmtime moves one buffer a call, and gives one event for a descriptor that two ask for
NOT_ON_WASMTIME = {read_in_parts, read_at, write_and_seek, poll_files}
ON_WASMTIME = [scene for scene in SCENES if scene not in NOT_ON_WASMTIME]


@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed")
@pytest.mark.parametrize("scene", ON_WASMTIME, ids=scene_id)
def test_on_wasmtime(scene: Scene, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    guest = Wasmtime([("/", root, True)], ARGS["args"], list(ARGS["env"].items()))
    assert scene(guest) == SCENES[scene]
