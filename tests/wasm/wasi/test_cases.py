"""Every function of preview 1 and every error that it documents, on every backend, and the same
calls on wasmtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wasi_cases import CASES, TRAPS, Case
from wasi_guest import Ours, Wasmtime, make_host_tree, memory_tree, wasmtime, with_root
from wasi_path_cases import PATH_CASES

from pywasmgk.wasm.wasi import HostDirectory, OverlayDirectory
from pywasmgk.wasm.wasi.abi import Errno
from pywasmgk.wasm.wasi.functions import FUNCTIONS
from pywasmgk.wasm.wasi.host import supported

ALL_CASES = CASES + PATH_CASES
ARGS = {"args": ("prog", "one"), "env": {"A": "1"}}

needs_host = pytest.mark.skipif(not supported(), reason="no calls relative to a directory here")


def name_of(case: Case) -> str:
    return f"{case.function}-{case.errno.name}"


def errno_on_ours(case: Case, directory: Any) -> Errno:
    return Errno(case.action(Ours(with_root(directory, **ARGS))))


def contents(root: Path) -> list[tuple[str, int, int, int]]:
    """Names, sizes, times and links of all that is there."""
    stats = [(str(path), path.lstat()) for path in sorted(root.rglob("*"))]
    return [(path, stat.st_size, stat.st_mtime_ns, stat.st_nlink) for path, stat in stats]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tree for the calls that fail: none of them has changed it in the end."""
    root = make_host_tree(tmp_path_factory.mktemp("untouched"))
    before = contents(root)
    yield root
    assert contents(root) == before


@pytest.fixture
def root(case: Case, untouched: Path, request: pytest.FixtureRequest) -> Path:
    """The tree that a case works on: a fresh one if the call succeeds."""
    if case.errno and case.expected:
        return untouched
    fresh: Path = make_host_tree(request.getfixturevalue("tmp_path"))
    return fresh


def test_the_table_has_every_function() -> None:
    assert {case.function for case in ALL_CASES} | {"proc_exit"} == set(FUNCTIONS)
    assert len(FUNCTIONS) == 46


@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_in_memory(case: Case) -> None:
    assert errno_on_ours(case, memory_tree()) == case.errno


@needs_host
@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_on_the_host(case: Case, root: Path) -> None:
    assert errno_on_ours(case, HostDirectory(root, writable=True)) == case.errno


@needs_host
@pytest.mark.parametrize("case", PATH_CASES, ids=name_of)
def test_on_an_overlay_that_leaves_its_base_alone(case: Case, untouched: Path) -> None:
    assert errno_on_ours(case, OverlayDirectory(HostDirectory(untouched))) == case.errno


@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed")
@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_wasmtime_agrees_or_differs_as_written(case: Case, root: Path) -> None:
    guest = Wasmtime([("/", root, True)], ARGS["args"], list(ARGS["env"].items()))
    try:
        found: Errno | str = Errno(case.action(guest))
    except wasmtime.WasmtimeError:
        found = TRAPS
    assert found == case.expected
