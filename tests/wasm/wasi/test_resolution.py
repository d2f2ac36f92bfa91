"""Random trees, random paths: where they lead, by a model, by the kernel, and by ours."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasi_guest import make_tree

from pywasmgk.wasm.wasi import HostDirectory, Link, MemoryDirectory, OverlayDirectory
from pywasmgk.wasm.wasi.abi import Errno, Filetype, Refused
from pywasmgk.wasm.wasi.host import supported
from pywasmgk.wasm.wasi.vfs import Directory, walk

NAMES = ["a", "b", "c"]
PARTS = st.sampled_from([*NAMES, *NAMES, "..", "..", ".", ""])
PATHS = st.builds(
    lambda root, parts: root + "/".join(parts),
    st.sampled_from(["", "", "", "", "/"]),
    st.lists(PARTS, min_size=1, max_size=6),
)
LEAVES = st.one_of(st.just("text"), PATHS.filter(bool).map(Link))
TREES = st.recursive(
    st.dictionaries(st.sampled_from(NAMES), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), st.one_of(inner, LEAVES), max_size=3),
    max_leaves=12,
)
#: where a path leads: names from the root on; or why it leads nowhere
Answer = Any


def model(tree: dict[str, Any], path: str, follow: bool) -> Answer:
    """The specification's words as a function: no open directories, no backends."""
    if not path:
        return Errno.NOENT
    links = 0

    def at(where: tuple[str, ...]) -> Any:
        node: Any = tree
        for name in where:
            node = node[name]
        return node

    def go(where: tuple[str, ...], path: str, follow: bool) -> Answer:
        nonlocal links
        if path.startswith("/"):
            return Errno.PERM
        names = path.split("/")
        slash = (len(names) > 1 and names[-1] in ("", ".")) or names[-1] == "."
        for number, name in enumerate(names):
            node = at(where)
            if not isinstance(node, dict):
                return Errno.NOTDIR
            if name in ("", "."):
                continue
            if name == "..":
                if not where:
                    return Errno.PERM
                where = where[:-1]
                continue
            if name not in node:
                return Errno.NOENT
            last = all(rest in ("", ".") for rest in names[number + 1 :])
            if isinstance(node[name], Link) and (not last or follow or slash):
                links += 1
                if links > 40:
                    return Errno.LOOP
                found = go(where, node[name].target, True)
                if isinstance(found, Errno):
                    return found
                where = found
            else:
                where = (*where, name)
        return Errno.NOTDIR if slash and not isinstance(at(where), dict) else where

    return go((), path, follow)


def ours(root: Directory, path: str, follow: bool) -> Answer:
    """What the walk finds, as inode numbers do not depend on names."""
    try:
        with walk(root, path, follow) as place:
            stat = place.lookup()
            return stat.filetype, stat.ino
    except Refused as error:
        return error.errno


def expected(root: Directory, tree: dict[str, Any], path: str, follow: bool) -> Answer:
    """The model's answer, its names looked up one by one."""
    where = model(tree, path, follow)
    if isinstance(where, Errno):
        return where
    if not where:
        stat = root.stat()
        return stat.filetype, stat.ino
    directory = root
    for name in where[:-1]:
        directory = directory.open_directory(name)
    stat = directory.lookup(where[-1])
    return stat.filetype, stat.ino


@settings(max_examples=150, deadline=None)
@given(TREES, st.lists(PATHS, min_size=1, max_size=6), st.booleans())
def test_in_memory_paths_lead_where_the_model_says(
    tree: dict[str, Any], paths: list[str], follow: bool
) -> None:
    for directory in (MemoryDirectory(tree), OverlayDirectory(MemoryDirectory(tree))):
        root = directory.open()
        for path in paths:
            assert ours(root, path, follow) == expected(root, tree, path, follow), path


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


def kernel(fd: int, path: str, follow: bool) -> Answer:
    """Linux's own confined walk: openat2 with RESOLVE_BENEATH."""
    how = _How(os.O_PATH | (0 if follow else os.O_NOFOLLOW), 0, 0x08)
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(437, fd, path.encode(), ctypes.byref(how), ctypes.sizeof(how))
    if found < 0:
        return ctypes.get_errno()
    try:
        return os.fstat(found).st_ino
    finally:
        os.close(found)


def has_openat2() -> bool:
    if sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"):
        return False
    fd = os.open("/", os.O_RDONLY)
    try:
        return kernel(fd, ".", True) == os.stat("/").st_ino
    finally:
        os.close(fd)


_TO_HOST = {"PERM": "EXDEV", "NOENT": "ENOENT", "NOTDIR": "ENOTDIR", "LOOP": "ELOOP"}


@pytest.mark.skipif(not (supported() and has_openat2()), reason="needs Linux's openat2")
@settings(max_examples=60, deadline=None)
@given(TREES, st.lists(PATHS, min_size=1, max_size=8), st.booleans())
def test_on_the_host_paths_lead_where_the_kernel_says(
    tree: dict[str, Any], paths: list[str], follow: bool
) -> None:
    import errno

    with tempfile.TemporaryDirectory() as folder:
        make_tree(Path(folder), tree)
        root = HostDirectory(folder).open()
        for path in paths:
            found, reference = ours(root, path, follow), kernel(root._fd, path, follow)
            if isinstance(found, Errno):
                assert errno.errorcode[reference] == _TO_HOST[found.name], path
            else:
                assert found[1] == reference, path
            assert found == expected(root, tree, path, follow)
        root.close()


def test_the_model_knows_a_link_from_what_it_leads_to() -> None:
    tree = {"a": {"b": "text"}, "l": Link("a/b"), "up": Link("..")}
    assert model(tree, "l", True) == ("a", "b")
    assert model(tree, "l", False) == ("l",)
    assert model(tree, "up", True) == Errno.PERM
    assert ours(MemoryDirectory(tree).open(), "l", False)[0] == Filetype.SYMBOLIC_LINK
