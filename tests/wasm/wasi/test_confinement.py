"""Nothing gets out of its directory: by paths, by links, by races, by special files; nothing is
changed that is only for reading."""

from __future__ import annotations

import copy
import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wasi_cases import CREAT, DIRECTORY, EXCL, RW, TRUNC
from wasi_guest import (
    ALL,
    SECRET,
    TREE,
    Guest,
    Ours,
    make_host_tree,
    make_tree,
    memory_tree,
    with_root,
)

from pywasmgk.wasm.wasi import (
    HostDirectory,
    Link,
    MemoryDirectory,
    OverlayDirectory,
    WasiConfig,
    host,
)
from pywasmgk.wasm.wasi.abi import Errno as E
from pywasmgk.wasm.wasi.abi import Rights as R

pytestmark = pytest.mark.skipif(
    not host.supported(), reason="no calls relative to a directory here"
)
KINDS = ("host", "overlay", "memory")
#: paths that lead out of the tree, with what would be there if they did
ROOTS = ("/etc/passwd", "/", "//etc", "/proc/self/root/etc/passwd", "/proc/self/cwd", "/dev/zero")
ABOVE = (
    *("..", "../", "../.", "../outside", "../outside/secret", "../root/file", "../../etc/passwd"),
    *("./..", "./../outside/secret", ".//..//outside//secret", "dir/../..", "dir/../../outside"),
    *("dir/sub/../../../outside/secret", "void/../../outside/secret", "dir/./../../root/file"),
    *("../" * 40 + "etc/passwd", "dir/.." + "/.." * 30, "void/../dir/../../outside/secret"),
)
LINKS = (
    *("up/", "up/.", "up/outside/secret", "up/root/file", "up/../etc", "out/", "out/x", "deepout/"),
    *("abs/", "abs/passwd", "abs/../etc/passwd", "dirlink/../../outside/secret"),
    *("dirlink/to_up/outside/secret", "dir/to_up/", "dir/abs2/passwd", "slashed/../../outside"),
    *("two/outside/secret", "two/", "three/secret", "dir/sub/climb/outside/secret"),
    *("self/up/outside/secret", "self/self/self/two/outside", "proc/etc/passwd", "proc/"),
)
PATHS = ROOTS + ABOVE + LINKS
#: further links, by name
MORE_LINKS = {
    "dir/to_up": "../..",
    "dir/abs2": "/etc",
    "two": "up",
    "three": "two/outside",
    "dir/sub/climb": "../../..",
    "self": ".",
    "proc": "/proc/self/root",
}
WAYS: dict[str, Callable[[Guest, str], int]] = {
    "open": lambda g, p: g.open(p),
    "open directory": lambda g, p: g.open(p, DIRECTORY, R.FD_READDIR),
    "open to write": lambda g, p: g.open(p, 0, RW),
    "create": lambda g, p: g.open(p, CREAT, RW),
    "create new": lambda g, p: g.open(p, CREAT | EXCL, RW),
    "truncate": lambda g, p: g.open(p, TRUNC, RW),
    "stat": lambda g, p: g.stat(p),
    "mkdir": lambda g, p: g.at("path_create_directory", p.rstrip("/") + "/new"),
    "rmdir": lambda g, p: g.at("path_remove_directory", p.rstrip("/") + "/void"),
    "unlink": lambda g, p: g.at("path_unlink_file", p.rstrip("/") + "/x"),
    "readlink": lambda g, p: g.readlink(p.rstrip("/") + "/x"),
    "symlink": lambda g, p: g.symlink("file", p.rstrip("/") + "/x"),
    "link from": lambda g, p: g.link(p.rstrip("/") + "/x", "stolen"),
    "link to": lambda g, p: g.link("file", p.rstrip("/") + "/x"),
    "rename from": lambda g, p: g.rename(p.rstrip("/") + "/x", "stolen"),
    "rename to": lambda g, p: g.rename("file", p.rstrip("/") + "/x"),
    "times": lambda g, p: g.times(p, 5),
}


def linked_tree(base: Path) -> Path:
    """The tree with more links."""
    root = make_host_tree(base)
    for name, target in MORE_LINKS.items():
        os.symlink(target, root / name)
    return root


def directory(kind: str, root: Path) -> Any:
    if kind == "memory":
        tree: dict[str, Any] = copy.deepcopy(TREE)
        for name, target in MORE_LINKS.items():
            *above, last = name.split("/")
            place = tree
            for part in above:
                place = place[part]
            place[last] = Link(target)
        return MemoryDirectory(tree)
    return HostDirectory(root, True) if kind == "host" else OverlayDirectory(HostDirectory(root))


def snapshot(path: Path) -> list[tuple[str, int, int, int]]:
    found = []
    for item in sorted(path.rglob("*")):
        stat = item.lstat()
        found.append((str(item), stat.st_size, stat.st_mtime_ns, stat.st_nlink))
    return found


def test_there_are_enough_attempts() -> None:
    assert len(PATHS) == len(set(PATHS)) >= 45 and len(WAYS) * len(PATHS) > 700


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_out_is_refused(kind: str, tmp_path: Path) -> None:
    root = linked_tree(tmp_path)
    guest = Ours(with_root(directory(kind, root)))
    before = snapshot(tmp_path)
    tried = 0
    for path in PATHS:
        for way, attempt in WAYS.items():
            tried += 1
            assert E(attempt(guest, path)) == E.PERM, (way, path)
    assert tried == len(PATHS) * len(WAYS)
    assert snapshot(tmp_path) == before


def test_links_made_by_the_guest_lead_nowhere(tmp_path: Path) -> None:
    guest = Ours(with_root(HostDirectory(linked_tree(tmp_path), True)))
    for number, path in enumerate(PATHS):
        made = guest.symlink(path, f"l{number}")
        assert made == (E.PERM if path.startswith("/") else E.SUCCESS)
        link = f"l{number}"
        for errno in (guest.open(link), guest.stat(link + "/"), guest.open(link + "/x")):
            assert errno in (E.PERM, E.NOENT), path


def test_a_directory_moved_while_it_is_open_stays_a_cage(tmp_path: Path) -> None:
    guest = Ours(with_root(HostDirectory(make_host_tree(tmp_path), True)))
    fd = guest.opened("dir/sub", DIRECTORY, ALL & ~RW)
    assert guest.rename("dir/sub", "sub") == 0
    assert guest.open("..", fd=fd) == guest.open("../file", fd=fd) == E.PERM
    assert guest.open("deep", fd=fd) == 0


class Racing:
    """The module ``os``, with something done before the n-th call that looks at a path."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.left = number
        self.act = act

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name not in ("open", "stat", "readlink", "utime", "unlink", "rename", "mkdir", "link"):
            return found

        def call(*args: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.act()
            return found(*args, **more)

        return call


def swap(root: Path, name: str, target: str) -> None:
    """Puts a link in the place of something."""
    (root / name).rename(root / "aside")
    os.symlink(target, root / name)


SWAPS = [
    ("dir", "../outside"),
    ("dir/sub", "../../outside"),
    ("dir/inner", "/etc/passwd"),
]

SMALL = {"file": "f", "dir": {"inner": "inside", "sub": {"deep": ""}}}
RACES: dict[str, Callable[[Guest], int]] = {
    "open": lambda g: g.open("dir/sub/../inner"),
    "open secret": lambda g: g.open("dir/secret"),
    "create": lambda g: g.open("dir/sub/secret", CREAT | TRUNC, RW),
    "truncate": lambda g: g.open("dir/inner", TRUNC, RW),
    "mkdir": lambda g: g.at("path_create_directory", "dir/new"),
    "unlink": lambda g: g.at("path_unlink_file", "dir/secret"),
    "rename": lambda g: g.rename("dir/secret", "stolen"),
    "link": lambda g: g.link("dir/secret", "stolen"),
    "times": lambda g: g.times("dir/secret", 5),
}


@pytest.mark.parametrize("race", RACES)
@pytest.mark.parametrize(("name", "target"), SWAPS)
def test_what_is_swapped_between_two_calls_is_not_followed(
    race: str, name: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 7):
        base = tmp_path / str(number)
        root = base / "root"
        make_tree(base, {"root": SMALL, "outside": {"secret": SECRET}})
        guest = Ours(with_root(HostDirectory(root, True)))
        outside = snapshot(base / "outside")
        racing = Racing(number, lambda root=root: swap(root, name, target))
        with monkeypatch.context() as patch:
            patch.setattr(host, "os", racing)
            errno = RACES[race](guest)
        if errno == 0 and race.startswith("open"):
            guest.fd_read(guest.number(), 100)
            assert guest.text() == b"inside"
        assert not (root / "stolen").exists()
        assert snapshot(base / "outside") == outside


def test_a_thread_that_swaps_all_the_time(tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    os.symlink("../outside", root / "evil")
    (root / "dir" / "secret").write_text("harmless")
    guest = Ours(with_root(HostDirectory(root, True)))
    done = threading.Event()

    def swapping() -> None:
        while not done.is_set():
            os.rename(root / "dir", root / "other")
            os.rename(root / "evil", root / "dir")
            os.rename(root / "dir", root / "evil")
            os.rename(root / "other", root / "dir")

    thread = threading.Thread(target=swapping)
    thread.start()
    try:
        results = set()
        for _ in range(300):
            errno = guest.open("dir/secret")
            results.add(errno)
            if errno == 0:
                fd = guest.number()
                guest.fd_read(fd, 100)
                assert guest.text() == b"harmless"
                guest.call("fd_close", fd)
    finally:
        done.set()
        thread.join()
    assert results <= {0, E.PERM, E.NOENT, E.NOTDIR, E.LOOP}
    assert (tmp_path / "outside" / "secret").read_text() == SECRET


# -- special files


def test_pipes_sockets_and_devices_are_not_opened_and_do_not_hang(tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    os.mkfifo(root / "pipe")
    guest = Ours(with_root(HostDirectory(root, True)))
    for rights in (R.FD_READ, R.FD_WRITE, RW):
        for oflags in (0, CREAT, TRUNC):
            assert guest.open("pipe", oflags, rights) == E.ACCES
    assert guest.stat("pipe") == 0
    assert guest.at("path_unlink_file", "pipe") == 0
    # a directory of devices
    guest = Ours(with_root(HostDirectory("/dev")))
    assert guest.open("null") == guest.open("zero") == E.ACCES


# -- only for reading


def read_only(kind: str, root: Path) -> Any:
    return memory_tree(writable=False) if kind == "memory" else HostDirectory(root)


CHANGES: dict[str, Callable[[Guest], int]] = {
    "create": lambda g: g.open("new", CREAT, RW),
    "create to read": lambda g: g.open("new", CREAT, R.FD_READ),
    "create through link": lambda g: g.open("dangling", CREAT, RW),
    "open to write": lambda g: g.open("file", 0, RW),
    "truncate": lambda g: g.open("file", TRUNC, R.FD_READ),
    "mkdir": lambda g: g.at("path_create_directory", "new"),
    "mkdir below": lambda g: g.at("path_create_directory", "dir/sub/new"),
    "rmdir": lambda g: g.at("path_remove_directory", "void"),
    "unlink": lambda g: g.at("path_unlink_file", "file"),
    "unlink below": lambda g: g.at("path_unlink_file", "dir/inner"),
    "symlink": lambda g: g.symlink("file", "new"),
    "link": lambda g: g.link("file", "new"),
    "rename": lambda g: g.rename("file", "new"),
    "times": lambda g: g.times("file", 5, 6, 7),
    "times of link": lambda g: g.times("link", 5, 6, 7, 0),
    "times of directory": lambda g: g.times(".", 10),
    "times of descriptor": lambda g: g.call(
        "fd_filestat_set_times", g.opened("file", 0, 2 | R.FD_FILESTAT_SET_TIMES), 5, 6, 5
    ),
    "times of open directory": lambda g: g.call("fd_filestat_set_times", 3, 5, 6, 5),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["host", "memory"])
def test_read_only_means_no_change(kind: str, change: str, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    before = snapshot(root)
    tree = read_only(kind, root)
    guest = Ours(with_root(tree))
    assert E(CHANGES[change](guest)) == E.ROFS
    assert snapshot(root) == before
    if kind == "memory":
        assert tree.files() == memory_tree().files()


@pytest.mark.parametrize("kind", ["host", "memory"])
def test_read_only_can_be_read(kind: str, tmp_path: Path) -> None:
    guest = Ours(with_root(read_only(kind, make_host_tree(tmp_path))))
    for oflags in (0, CREAT):
        fd = guest.opened("dirlink/to_file", oflags)
        assert guest.fd_read(fd, 100) == 0
        assert guest.text() == b"hello world\n"
    assert len(guest.names(3)) == 17


def test_a_path_as_preopen_is_read_only(tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    for path in (root, str(root)):
        assert Ours(with_root(path)).open("new", CREAT, RW) == E.ROFS


def test_nothing_is_moved_between_backends(tmp_path: Path) -> None:
    preopens = {"/a": HostDirectory(make_host_tree(tmp_path), True), "/b": memory_tree()}
    guest = Ours(WasiConfig(preopens=preopens))
    for old, new in ((3, 4), (4, 3)):
        assert guest.rename("file", "new", old, new) == E.XDEV
        assert guest.link("file", "new", 0, old, new) == E.XDEV


def test_between_two_directories_of_the_host_only_where_both_may_be_changed(
    tmp_path: Path,
) -> None:
    first, second = make_host_tree(tmp_path / "1"), make_host_tree(tmp_path / "2")
    preopens = {"/a": HostDirectory(first, True), "/b": HostDirectory(second)}
    guest = Ours(WasiConfig(preopens=preopens))
    assert guest.rename("file", "new", 3, 4) == guest.rename("file", "new", 4, 3) == E.ROFS
    assert guest.link("file", "new", 0, 3, 4) == guest.link("file", "new", 0, 4, 3) == E.ROFS
    both = {"/a": HostDirectory(first, True), "/b": HostDirectory(second, True)}
    assert Ours(WasiConfig(preopens=both)).rename("file", "new", 3, 4) == 0
    assert (second / "new").read_text() == "hello world\n"


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    """The host's descriptors are closed with what used them."""
    counted = Path("/proc/self/fd")
    before = len(list(counted.iterdir())) if counted.exists() else 0
    yield
    if counted.exists() and len(list(counted.iterdir())) > before:
        gc.collect()
        assert len(list(counted.iterdir())) <= before
