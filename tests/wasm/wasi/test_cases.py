"""Every function of preview 1 and every error that it documents, on every backend, and the same
calls on wasmtime."""

from __future__ import annotations

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


def test_the_table_has_every_function() -> None:
    assert {case.function for case in ALL_CASES} | {"proc_exit"} == set(FUNCTIONS)
    assert len(FUNCTIONS) == 46


@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_in_memory(case: Case) -> None:
    assert errno_on_ours(case, memory_tree()) == case.errno


@needs_host
@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_on_the_host(case: Case, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    assert errno_on_ours(case, HostDirectory(root, writable=True)) == case.errno


@needs_host
@pytest.mark.parametrize("case", PATH_CASES, ids=name_of)
def test_on_an_overlay_that_leaves_its_base_alone(case: Case, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    before = sorted((path, path.lstat().st_mtime_ns) for path in root.rglob("*"))
    assert errno_on_ours(case, OverlayDirectory(HostDirectory(root))) == case.errno
    assert sorted((path, path.lstat().st_mtime_ns) for path in root.rglob("*")) == before


@pytest.mark.skipif(wasmtime is None, reason="wasmtime is not installed")
@pytest.mark.parametrize("case", ALL_CASES, ids=name_of)
def test_wasmtime_agrees_or_differs_as_written(case: Case, tmp_path: Path) -> None:
    root = make_host_tree(tmp_path)
    guest = Wasmtime([("/", root, True)], ARGS["args"], list(ARGS["env"].items()))
    try:
        found: Errno | str = Errno(case.action(guest))
    except wasmtime.WasmtimeError:
        found = TRAPS
    assert found == case.expected
