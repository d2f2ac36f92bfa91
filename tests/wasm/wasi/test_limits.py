"""Rights, quotas, deadlines, and errors that come before anything is done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processor import patiently
from wasi_cases import CREAT, DIRECTORY, RW, TRUNC
from wasi_guest import (
    ALL,
    Guest,
    Ours,
    clock_subscription,
    fd_subscription,
    make_host_tree,
    memory_tree,
    with_root,
)

from pywasmgk import (
    Cancelled,
    CancelToken,
    DeadlineExceeded,
    HostDirectory,
    Link,
    MemoryDirectory,
    OverlayDirectory,
    Preopen,
    Quotas,
    WasiConfig,
    instantiate,
)
from pywasmgk.wasm.runtime.metering import Meter
from pywasmgk.wasm.wasi.abi import Errno as E
from pywasmgk.wasm.wasi.abi import Rights as R
from pywasmgk.wasm.wasi.host import supported

needs_host = pytest.mark.skipif(not supported(), reason="no calls relative to a directory here")
#: a right, and a call that needs it of descriptor 3
NEEDS: list[tuple[int, Callable[[Guest], int]]] = [
    (R.PATH_OPEN, lambda g: g.open("file")),
    (R.PATH_CREATE_FILE, lambda g: g.open("new", CREAT, RW)),
    (R.PATH_FILESTAT_SET_SIZE, lambda g: g.open("file", TRUNC, RW)),
    (R.PATH_CREATE_DIRECTORY, lambda g: g.at("path_create_directory", "new")),
    (R.PATH_REMOVE_DIRECTORY, lambda g: g.at("path_remove_directory", "void")),
    (R.PATH_UNLINK_FILE, lambda g: g.at("path_unlink_file", "file")),
    (R.PATH_FILESTAT_GET, lambda g: g.stat("file")),
    (R.PATH_FILESTAT_SET_TIMES, lambda g: g.times("file", 5)),
    (R.PATH_READLINK, lambda g: g.readlink("link")),
    (R.PATH_SYMLINK, lambda g: g.symlink("file", "new")),
    (R.PATH_LINK_SOURCE, lambda g: g.link("file", "new")),
    (R.PATH_LINK_TARGET, lambda g: g.link("file", "new")),
    (R.PATH_RENAME_SOURCE, lambda g: g.rename("file", "new")),
    (R.PATH_RENAME_TARGET, lambda g: g.rename("file", "new")),
    (R.FD_READDIR, lambda g: g.readdir(3)),
    (R.FD_FILESTAT_GET, lambda g: g.call("fd_filestat_get", 3, 64)),
    (R.FD_FILESTAT_SET_TIMES, lambda g: g.call("fd_filestat_set_times", 3, 0, 0, 10)),
    (R.FD_SYNC, lambda g: g.call("fd_sync", 3)),
    (R.FD_DATASYNC, lambda g: g.call("fd_datasync", 3)),
]


@pytest.mark.parametrize(("right", "call"), NEEDS)
def test_a_call_needs_its_right(right: int, call: Callable[[Guest], int]) -> None:
    assert call(Ours(with_root(memory_tree()))) == 0
    config = with_root(Preopen(memory_tree(), ALL & ~right))
    assert call(Ours(config)) == E.NOTCAPABLE


def test_rights_are_inherited_and_never_had_back() -> None:
    config = with_root(Preopen(memory_tree(), ALL, R.FD_READ | R.PATH_OPEN | R.FD_READDIR))
    guest = Ours(config)
    assert guest.open("file", 0, RW, 0) == E.NOTCAPABLE
    assert guest.open("file", 0, R.FD_READ, R.FD_WRITE) == E.NOTCAPABLE
    fd = guest.opened("dir", DIRECTORY, R.PATH_OPEN | R.FD_READDIR, R.FD_READ)
    assert guest.open("inner", 0, R.FD_READ, 0, fd=fd) == 0
    assert guest.open("inner", 0, R.FD_READ | R.FD_READDIR, 0, fd=fd) == E.NOTCAPABLE
    assert guest.call("fd_fdstat_get", fd, 64) == 0
    assert guest.number(72, 8) == R.PATH_OPEN | R.FD_READDIR
    assert guest.number(80, 8) == R.FD_READ
    assert guest.call("fd_fdstat_set_rights", fd, R.PATH_OPEN, 0) == 0
    assert guest.readdir(fd) == E.NOTCAPABLE
    assert guest.call("fd_fdstat_set_rights", fd, R.FD_READDIR, 0) == E.NOTCAPABLE


def test_a_file_that_is_not_written_has_no_rights_to_change_its_size() -> None:
    guest = Ours(with_root(memory_tree()))
    fd = guest.opened("file", 0, R.FD_READ | R.FD_ALLOCATE | R.FD_FILESTAT_SET_SIZE)
    assert guest.call("fd_fdstat_get", fd, 64) == 0
    assert guest.number(72, 8) == R.FD_READ
    assert guest.call("fd_filestat_set_size", fd, 0) == E.NOTCAPABLE


# -- quotas


def with_quotas(directory: Any = None, **quotas: Any) -> Ours:
    return Ours(with_root(directory or memory_tree(), quotas=Quotas(**quotas)))


def test_quota_of_open_files() -> None:
    guest = with_quotas(open_files=6)
    fds = [guest.opened("file") for _ in range(2)]
    assert guest.open("file") == E.MFILE
    guest.call("fd_close", fds[0])
    assert guest.open("file") == 0


def test_quota_of_bytes_written() -> None:
    guest = with_quotas(written=100)
    fd = guest.opened("new", CREAT, RW | R.FD_ALLOCATE | R.FD_FILESTAT_SET_SIZE)
    assert guest.fd_write(fd, b"x" * 60) == 0
    assert guest.fd_write(fd, b"x" * 60) == E.DQUOT
    assert guest.call("fd_filestat_set_size", fd, 200) == E.DQUOT
    assert guest.call("fd_allocate", fd, 0, 200) == E.DQUOT
    assert guest.fd_pwrite(fd, 1000, b"x") == E.DQUOT
    assert guest.call("fd_filestat_set_size", fd, 0) == 0
    # writing over it counts as well
    assert guest.fd_pwrite(fd, 0, b"x" * 40) == 0
    assert guest.fd_pwrite(fd, 0, b"x") == E.DQUOT
    assert guest.stat("new") == 0 and guest.number(96, 8) == 40


@pytest.mark.parametrize("size", [1 << 40, (1 << 63) - 1])
def test_sizes_are_checked_before_anything_is_allocated(size: int) -> None:
    guest = with_quotas()
    fd = guest.opened("file", 0, RW | R.FD_ALLOCATE | R.FD_FILESTAT_SET_SIZE)
    assert guest.call("fd_filestat_set_size", fd, size) == E.DQUOT
    assert guest.call("fd_allocate", fd, size, 1) in (E.DQUOT, E.FBIG)
    assert guest.fd_pwrite(fd, size, b"x") in (E.DQUOT, E.FBIG)


def test_quota_of_entries() -> None:
    makers: list[Callable[[Guest, str], int]] = [
        lambda g, n: g.at("path_create_directory", n),
        lambda g, n: g.symlink("file", n),
        lambda g, n: g.link("file", n),
        lambda g, n: g.open(n, CREAT, RW),
    ]
    guest = with_quotas(entries=len(makers))
    assert guest.at("path_create_directory", "dir") == E.EXIST  # costs nothing
    for number, make in enumerate(makers):
        assert make(guest, f"n{number}") == 0
    for number, make in enumerate(makers):
        assert make(guest, f"m{number}") == E.DQUOT
    assert guest.open("file", CREAT, RW) == 0


@needs_host
def test_quota_of_names_in_a_directory(tmp_path: Path) -> None:
    for directory in (memory_tree(), HostDirectory(make_host_tree(tmp_path))):
        assert with_quotas(directory, entries=15).readdir(3) == 0
        assert with_quotas(directory, entries=14).readdir(3) == E.OVERFLOW


def test_quota_of_bytes_per_call() -> None:
    guest = with_quotas(per_call=10)
    fd = guest.opened("new", CREAT, RW)
    assert guest.fd_write(fd, b"123456", b"789012") == 0
    assert guest.number() == 10
    assert guest.fd_pread(fd, 0, 4, 100) == 0
    assert guest.text() == b"1234567890"
    assert guest.readdir(3, 1000) == 0
    assert guest.number() == 10


def test_overlay_copies_no_more_than_it_may(tmp_path: Path) -> None:
    base = {"a": "x" * 100, "b": "y" * 100}
    tree = OverlayDirectory(MemoryDirectory(base), most_copied=150)
    guest = Ours(with_root(tree))
    first, second = guest.opened("a", 0, RW), guest.opened("b", 0, RW)
    assert guest.fd_write(first, b"A") == 0
    assert guest.fd_write(second, b"B") == E.NOSPC
    assert tree.read("a") == b"A" + b"x" * 99
    # cutting off needs no copy
    assert guest.open("b", TRUNC, RW) == 0
    assert tree.files() == {"a": b"A" + b"x" * 99, "b": b""}
    assert MemoryDirectory(base).files() == {"a": b"x" * 100, "b": b"y" * 100}


def test_an_overlay_goes_on_reading_what_is_open_while_it_changes() -> None:
    guest = Ours(with_root(OverlayDirectory(MemoryDirectory({"a": "old text"}))))
    reader, writer = guest.opened("a"), guest.opened("a", 0, RW)
    assert guest.fd_read(reader, 4) == 0 and guest.text() == b"old "
    assert guest.fd_pwrite(writer, 4, b"TEXT") == 0
    assert guest.fd_read(reader, 10) == 0 and guest.text() == b"TEXT"


def test_memory_directories_are_what_was_given() -> None:
    tree = MemoryDirectory({"a": "text", "d": {"b": b"\0\1", "l": Link("../a")}})
    assert tree.files() == {"a": b"text", "d/b": b"\0\1"}
    assert tree.read("/d/l") == b"text"
    with pytest.raises(FileNotFoundError, match="noent"):
        tree.read("nope")
    for name in ("", "a/b", "..", ".", "x\0"):
        with pytest.raises(ValueError, match="no name"):
            MemoryDirectory({name: "text"})


def test_a_copy_of_a_directory_of_the_host(tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    tree = MemoryDirectory.of_host(root)
    assert sorted(tree.files()) == ["dir/inner", "dir/sub/deep", "empty", "file"]
    with pytest.raises(ValueError, match="too many bytes"):
        MemoryDirectory.of_host(root, most=20)


@needs_host
def test_a_host_directory_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Ours(with_root(HostDirectory(tmp_path / "nope")))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        Ours(with_root(HostDirectory(tmp_path / "file")))
    with pytest.raises(TypeError, match="preopen"):
        Ours(with_root(3))
    # also where the guest has no use for it
    with pytest.raises(FileNotFoundError):
        instantiate(b"\0asm\1\0\0\0", wasi=with_root(HostDirectory(tmp_path / "nope")))


def test_where_the_platform_cannot_confine_directories_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pywasmgk.wasm.wasi import host

    monkeypatch.setattr(host, "supported", lambda: False)
    with pytest.raises(OSError, match="of_host"):
        Ours(with_root(HostDirectory(tmp_path)))


@needs_host
def test_where_the_platform_makes_no_links_they_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Ours(with_root(HostDirectory(make_host_tree(tmp_path), True)))
    monkeypatch.setattr(os, "supports_dir_fd", os.supports_dir_fd - {os.link, os.symlink})
    assert guest.link("file", "new") == guest.symlink("file", "new") == E.NOTSUP
    assert guest.stat("new", 0) == E.NOENT


# -- time


def test_a_sleep_ends_with_the_deadline_and_when_cancelled() -> None:
    hour = clock_subscription(1, 1, 3_600_000_000_000)

    def sleep(seconds: float) -> None:
        guest = Ours(WasiConfig(), timeout=seconds)
        with pytest.raises(DeadlineExceeded):
            guest.poll(hour)

    patiently(sleep, 0.05)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        Ours(WasiConfig(), cancel=token).poll(hour)


@pytest.mark.skipif(not hasattr(os, "pipe"), reason="needs pipes")
def test_waiting_for_input_ends_with_the_deadline() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stdin, os.fdopen(writing, "wb") as pipe:

        def wait(seconds: float) -> None:
            guest = Ours(WasiConfig(stdin=stdin), timeout=seconds)
            with pytest.raises(DeadlineExceeded):
                guest.fd_read(0, 10)
            guest = Ours(WasiConfig(stdin=stdin), timeout=seconds)
            with pytest.raises(DeadlineExceeded):
                guest.poll(fd_subscription(1, 1, 0))
            # all that wait for the same input wait once
            guest = Ours(WasiConfig(stdin=stdin), timeout=seconds)
            began = time.monotonic()
            with pytest.raises(DeadlineExceeded):
                guest.poll(*(fd_subscription(number, 1, 0) for number in range(100)))
            assert time.monotonic() - began < 10 * seconds

        patiently(wait, 0.1)
        # the alarm comes first, then the input
        guest = Ours(WasiConfig(stdin=stdin))
        both = clock_subscription(1, 1, 1_000_000), fd_subscription(2, 1, 0)
        assert guest.poll(*both) == 0
        assert (guest.number(), guest.number(8192, 8)) == (1, 1)
        pipe.write(b"line one\nline two\n")
        pipe.flush()
        assert guest.poll(*both) == 0
        assert (guest.number(), guest.number(8192, 8)) == (1, 2)
        assert guest.fd_read(0, 5) == 0 and guest.text() == b"line "
        # what Python has buffered is not waited for
        assert guest.fd_read(0, 100) == 0 and guest.text() == b"one\nline two\n"


def test_a_long_random_get_looks_at_the_deadline() -> None:
    def attempt(seconds: float) -> None:
        def slow(size: int) -> bytes:
            time.sleep(1.2 * seconds)
            return bytes(size)

        guest = Ours(WasiConfig(random=slow), timeout=seconds)
        with pytest.raises(DeadlineExceeded):
            guest.call("random_get", 0, 100)

    patiently(attempt, 0.05)


def test_a_deadline_is_no_error_number() -> None:
    """DeadlineExceeded is an OSError too, and passes all the same."""

    def late(data: bytes) -> None:
        raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        Ours(WasiConfig(stdout=late)).fd_write(1, b"x")


# -- nothing happens before the pointers are checked


def test_a_fault_comes_before_the_deed() -> None:
    far = 1 << 30
    written: list[bytes] = []
    guest = Ours(with_root(memory_tree(), stdout=written.append))
    assert guest.call("fd_write", 1, *guest.vector(5), far) == E.FAULT
    assert written == []
    where = guest.put("new")
    assert guest.call("path_open", 3, 1, *where, CREAT, RW, 0, 0, far) == E.FAULT
    assert guest.stat("new") == E.NOENT
    fd = guest.opened("file", 0, RW)
    assert guest.call("fd_seek", fd, 5, 0, far) == E.FAULT
    assert guest.call("fd_tell", fd, 64) == 0 and guest.number(64, 8) == 0
    assert guest.call("fd_write", fd, *guest.vector(5), far) == E.FAULT
    assert guest.stat("file") == 0 and guest.number(96, 8) == 12


@pytest.mark.parametrize("end", [4 << 16, (4 << 16) - 1, 0xFFFFFFFF])
def test_paths_and_buffers_over_the_end_of_memory(end: int) -> None:
    guest = Ours(with_root(memory_tree()))
    for function in ("path_create_directory", "path_unlink_file", "path_remove_directory"):
        assert guest.call(function, 3, end, 2) == E.FAULT
        assert guest.call(function, 3, 64, 0xFFFFFFFF) == E.FAULT
    assert guest.call("fd_read", 0, end, 1, 64) == E.FAULT
    assert guest.call("fd_read", 0, 64, 1 << 29, 64) == E.INVAL
    guest.write(128, (end).to_bytes(4, "little") + (2).to_bytes(4, "little"))
    assert guest.call("fd_read", 0, 128, 1, 64) == E.FAULT
    assert guest.call("fd_write", 1, 128, 1, 64) == E.FAULT


def test_a_path_may_be_long_but_not_too_long() -> None:
    guest = Ours(with_root(memory_tree()))
    assert guest.open("./" * 2000 + "file") == 0
    assert guest.open("./" * 2048 + "file") == E.NAMETOOLONG
    assert guest.open("a/" * 100_000) == E.NAMETOOLONG
    assert guest.at("path_create_directory", "ü" * 128) == E.NAMETOOLONG


def test_a_module_without_memory_gets_fault() -> None:
    from wasm_builder import body, functype, module, name

    from pywasmgk import instantiate

    data = module(
        types=[functype("i32 i32", "i32")],
        imports=[name("wasi_snapshot_preview1") + name("random_get") + b"\0\0"],
        functions=[0],
        exports=[("f", 0, 1)],
        bodies=[body("", "local.get 0", "local.get 1", "call 0")],
    )
    assert instantiate(data, wasi=WasiConfig()).exports.f(0, 1) == E.FAULT


@pytest.mark.parametrize(
    ("letter", "size"), [("x", 200), ("\xe9", 201), ("\u20ac", 400), ("\U0001f600", 800)]
)
def test_links_count_what_they_take_in_memory(letter: str, size: int) -> None:
    """Where one letter is wide, all 200 are."""
    for quota, answer in ((size, E.SUCCESS), (size - 1, E.DQUOT)):
        guest = Ours(with_root(MemoryDirectory(), quotas=Quotas(written=quota)))
        text = "x" * 199 + letter
        assert guest.call("path_symlink", *guest.put(text), 3, *guest.put("link")) == answer


def test_what_links_say_counts_as_written() -> None:
    for root in (MemoryDirectory(), OverlayDirectory(MemoryDirectory())):
        guest = Ours(with_root(root, quotas=Quotas(written=1000)))
        guest.write(2048, b"x" * 400)
        names = [guest.put(f"l{number}") for number in range(3)]
        made = [guest.call("path_symlink", 2048, 400, 3, *name) for name in names]
        assert made == [0, 0, E.DQUOT]
        assert guest.call("path_symlink", 2048, 200, 3, *names[2]) == 0
    guest = Ours(with_root(MemoryDirectory()))
    guest.write(2048, b"x" * 4097)
    assert guest.call("path_symlink", 2048, 4097, 3, *guest.put("l")) == E.NAMETOOLONG


def test_a_link_that_is_not_made_costs_nothing() -> None:
    guest = Ours(with_root(MemoryDirectory({"taken": b""}), quotas=Quotas(written=1000)))
    guest.write(2048, b"x" * 400)
    taken = guest.put("taken")
    for _ in range(5):
        assert guest.call("path_symlink", 2048, 400, 3, *taken) == E.EXIST
    assert guest.call("path_symlink", 2048, 400, 3, *guest.put("free")) == 0


def test_listings_of_all_descriptors_count_together() -> None:
    root = MemoryDirectory({f"n{number}": b"" for number in range(10)})
    guest = Ours(with_root(root, quotas=Quotas(entries=25)))
    fds = [guest.opened(".", DIRECTORY, R.FD_READDIR) for _ in range(3)]
    assert [guest.readdir(fd) for fd in fds] == [0, 0, E.OVERFLOW]
    assert guest.readdir(fds[0]) == 0, "it takes the place of its own"
    assert guest.call("fd_close", fds[0]) == 0
    assert guest.readdir(fds[2]) == 0
    assert guest.call("fd_renumber", fds[1], fds[2]) == 0
    assert guest.readdir(3) == 0


def test_a_tree_may_be_deeper_than_python_recurses() -> None:
    content: dict[str, Any] = {"last": b"here"}
    for _ in range(3000):
        content = {"d": content}
    root = MemoryDirectory(content)
    assert root.files() == {"d/" * 3000 + "last": b"here"}


@pytest.mark.parametrize("cancel", [None, CancelToken()])
def test_a_sleep_of_centuries_ends_with_the_deadline(cancel: CancelToken | None) -> None:
    now = [0.0]
    meter = Meter(timeout=None, cancel=cancel, clock=lambda: now[0])
    slept: list[float] = []

    def sleep(seconds: float) -> bool:
        slept.append(seconds)
        if len(slept) == 3:
            raise InterruptedError
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", sleep)
        patch.setattr(CancelToken, "wait", lambda token, seconds: sleep(seconds))
        with pytest.raises(InterruptedError):
            meter.sleep((2**64 - 1) / 1e9)
    assert max(slept) <= 86_400, "no clock of the host's counts so far"
