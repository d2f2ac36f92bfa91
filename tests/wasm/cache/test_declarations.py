"""A module that comes from the cache is the module that was decoded."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wasm_builder import function, module, rich_module

import pywasmgk
from pywasmgk import examples
from pywasmgk.errors import DecodeError
from pywasmgk.wasm.binary.ppci_import import BinaryFileReader
from pywasmgk.wasm.binary.segments import DataSegments
from pywasmgk.wasm.module import Module
from pywasmgk.wasm.valid import validation
from pywasmgk.wasm.valid.acceptance import FunctionValidator

GUESTS = Path(__file__).parent.parent.parent / "guests"
#: what belongs to the process, not to the module; ppci's view is compared by itself
OWN = {
    "stored",
    "codes",
    "compiled",
    "small",
    "held",
    "validator",
    "postponed",
    "profile",
    "_names",
    "_definitions",
}
MODULES: dict[str, Callable[[], bytes]] = {
    "empty": module,
    "rich": rich_module,
    "hello": lambda: examples.read("hello"),
    "dashboard": lambda: examples.read("dashboard"),
    **{
        name: (GUESTS / name).read_bytes
        for name in (
            "c/workshop.wasm", "rust/errands.wasm", "assemblyscript/workshop.wasm",
            "zig/errands.wasm", "wat/errands.wasm", "wasi/words.wasm", "go/errands/errands.wasm",
        )
    },
}  # fmt: skip


def facts(found: Module) -> dict[str, Any]:
    """All that a module says of its file."""
    said = {name: value for name, value in vars(found).items() if name not in OWN}
    context = vars(said.pop("context")).copy()
    segments = said.pop("datas")
    # offsets of data segments stand with the segments
    offsets = {segment.offset.start for segment in segments if segment.offset is not None}
    context["plain"] = {at: x for at, x in context["plain"].items() if at not in offsets}
    said |= {f"context.{name}": value for name, value in context.items()}
    return said | {"datas": list(segments), "placed": list(segments.placed())}


def saved(data: bytes, directory: Path) -> Module:
    """A module that was decoded, and is in the cache now."""
    found = Module(data, cache_dir=directory)
    assert found.stored is not None
    found.stored.save()
    return found


@contextmanager
def no_decoding() -> Iterator[None]:
    """Whoever decodes or validates meanwhile fails."""

    def never(*args: object) -> None:
        raise AssertionError("a module from the cache was decoded or validated")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BinaryFileReader, "read_module", never)
        patched.setattr(FunctionValidator, "check", never)
        patched.setattr(validation, "check_constant", never)
        yield


@pytest.mark.parametrize("data", MODULES.values(), ids=MODULES)
def test_it_is_the_same_module(data: Callable[[], bytes], tmp_path: Path) -> None:
    content = data()
    cold = saved(content, tmp_path / "c")
    with no_decoding():
        warm = Module(content, cache_dir=tmp_path / "c")
    assert {*vars(warm), "validator"} == {*vars(cold), "validator"}
    assert facts(warm) == facts(cold)
    assert warm.stored is not None and warm.stored.validated


def test_decoding_would_be_seen() -> None:
    with no_decoding(), pytest.raises(AssertionError, match="was decoded"):
        Module(rich_module())


def test_what_ppci_and_python_make_of_it(tmp_path: Path) -> None:
    cold = saved(rich_module(), tmp_path / "c")
    warm = Module(rich_module(), cache_dir=tmp_path / "c")
    assert [item.to_string() for item in warm.definitions] == [
        item.to_string() for item in cold.definitions
    ]
    assert warm.id is cold.id is None
    assert pickle.loads(pickle.dumps(warm)).types == copy.copy(warm).types == cold.types
    assert warm.names.functions == cold.names.functions
    assert repr(warm) == repr(cold)
    assert warm.frame(1, 7) == cold.frame(1, 7)


def test_ways_to_a_module_take_the_directory_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``Module``, ``from_file``, ``from_wat``, ``instantiate`` and the environment."""
    data, text = function("", "", exports=[("f", 0, 0)]), '(module (func (export "f")))'
    path = tmp_path / "f.wasm"
    path.write_bytes(data)

    def ways(**options: Any) -> list[Module]:
        return [
            Module(data, **options),
            Module.from_file(path, **options),
            Module.from_wat(text, **options),
            pywasmgk.instantiate(data, **options).module,
            pywasmgk.instantiate(Module(data), **options).module,
        ]

    assert all(found.stored is None for found in ways())
    assert all(found.stored is not None for found in ways(cache_dir=tmp_path / "c"))
    monkeypatch.setenv("PYWASMGK_CACHE", str(tmp_path / "environment"))
    for found in ways():
        assert found.stored is not None
        assert found.stored.cache.directory == tmp_path / "environment"
    for found in ways(cache_dir=tmp_path / "c")[:4]:
        assert found.stored is not None and found.stored.cache.directory == tmp_path / "c"
    assert all(found.stored is None for found in ways(cache_dir="")[:4])


def test_bodies_that_nobody_validated_are_validated(tmp_path: Path) -> None:
    """A lazy load keeps the declarations, not a verdict."""
    data = function("", "i32", "nop")
    lazy = Module(data, validate="lazy", cache_dir=tmp_path / "c")
    assert lazy.stored is not None
    lazy.stored.save()
    with pytest.raises(pywasmgk.ValidationError) as found:
        Module(data, cache_dir=tmp_path / "c")
    with pytest.raises(pywasmgk.ValidationError) as expected:
        Module(data)
    assert str(found.value) == str(expected.value)


def test_what_is_no_module_is_not_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(DecodeError):
            Module(b"\0asm\1\0\0\0\1", cache_dir=tmp_path / "c")
    assert list((tmp_path / "c").glob("*.code")) == []


def test_data_segments_are_a_sequence() -> None:
    segments = Module(rich_module()).datas
    whole = list(segments)
    assert len(segments) == len(whole) == 3
    assert [segments[-1], *segments[:2]] == [whole[2], *whole[:2]]
    assert whole[1] in segments and segments.index(whole[1]) == 1
    assert repr(segments) == "<3 data segments>"
    assert list(DataSegments.unpacked(segments.packed())) == whole
    with pytest.raises(IndexError):
        segments[3]
