"""The kernels of tools/bench and their twins in Python give the same."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from oracle import have_wasmtime, open_session

import pywasmgk

FOLDER = Path(__file__).parent.parent.parent / "tools" / "kernels"


def _load_twins() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernel_twins", FOLDER / "twins.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # NamedTuple and Counter look their module up
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


twins = _load_twins()


@pytest.fixture(scope="module")
def instances() -> dict[str, pywasmgk.Instance]:
    """An instance of each module of kernels."""
    found = {}
    for name in sorted({kernel.module for kernel in twins.KERNELS}):
        found[name] = pywasmgk.instantiate(pywasmgk.Module.from_file(FOLDER / name))
        if "_initialize" in found[name].exports:
            found[name].exports["_initialize"]()
    return found


@pytest.mark.parametrize("kernel", twins.KERNELS, ids=lambda kernel: str(kernel.name))
def test_a_kernel_gives_what_its_twin_gives(kernel: Any, instances: Any) -> None:
    run = instances[kernel.module].exports[kernel.name]
    for size in (1, 2, 3, 7):
        assert run(size) == kernel.twin(size), size


@pytest.mark.skipif(not have_wasmtime(), reason="wasmtime is not installed")
@pytest.mark.parametrize("module", sorted({kernel.module for kernel in twins.KERNELS}))
def test_a_kernel_costs_what_it_costs_on_wasmtime(module: str) -> None:
    # fresh ones: an allocator's first call costs more
    data = (FOLDER / module).read_bytes()
    mine = pywasmgk.instantiate(pywasmgk.Module(data))
    reference = open_session("wasmtime", data)
    if "_initialize" in mine.exports:
        mine.exports["_initialize"]()
        reference.call("_initialize")
    for kernel in twins.KERNELS:
        if kernel.module == module:
            mine.exports[kernel.name](7)
            found = reference.call(kernel.name, [7])
            assert (found.kind, found.fuel) == ("values", mine.fuel_used), kernel.name


def test_every_exported_function_is_a_kernel(instances: Any) -> None:
    for name, instance in instances.items():
        exported = {k for k, item in instance.exports.items() if isinstance(item, pywasmgk.Func)}
        kernels = {kernel.name for kernel in twins.KERNELS if kernel.module == name}
        assert exported - {"_initialize"} == kernels


def test_the_twins_know_sha256() -> None:
    import hashlib

    message = bytes(i * 7 & 0xFF for i in range(3 * 64 - 9))
    expected = int.from_bytes(hashlib.sha256(message).digest()[:4], "big", signed=True)
    assert twins.sha256(3) == expected
