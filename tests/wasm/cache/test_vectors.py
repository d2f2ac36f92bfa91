"""Vectors and generated programs give the same, fuel included, in a first start and in one from the
cache."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import generator
import loop_generator
import pytest
from differential import check
from generator import Program
from oracle import open_session
from vectors import Group, read_all, run_group

from pywasmgk.wasm.module import Module

FILES = {file.name: file for file in read_all()}


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
@pytest.mark.parametrize("name", FILES)
def test_two_starts(name: str, engine: str, tmp_path: Path) -> None:
    for part in FILES[name].parts:
        module = Module(part.data, cache_dir=tmp_path / "c")
        run_all(engine, module, part.groups)
        assert module.codes or module.compiled
        assert module.stored is not None
        module.stored.save()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Module, "block_map", lambda *args: pytest.fail("it was decoded"))
        for part in FILES[name].parts:
            run_all(engine, Module(part.data, cache_dir=tmp_path / "c"), part.groups)


def run_all(engine: str, module: Module, groups: Sequence[Group]) -> None:
    for group in groups:
        assert run_group(open_session(engine, module.data, module=module), group) == []


@pytest.mark.parametrize(
    "make", [generator.generate, loop_generator.generate], ids=["any", "loops"]
)
def test_generated_programs(
    make: Callable[[int], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stops under every fuel limit for some of them."""
    monkeypatch.setenv("PYWASMGK_CACHE", str(tmp_path / "c"))
    for seed in range(6):
        for _ in range(2):
            found = check(
                make(seed), ["interpreter", "compiler"], reference=False, stops=not seed % 4
            )
            assert list(found) == []
            gc.collect()
    assert len(list((tmp_path / "c").glob("*.code"))) == 6
