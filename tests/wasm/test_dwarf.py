"""Lines of source in errors, of what a module's DWARF sections say."""

from __future__ import annotations

import builtins
import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest

import pywasmgk
from pywasmgk.wasm import dwarf

GUEST = Path(__file__).parents[1] / "guests/debug/shapes.wasm"


def trap(data: bytes = b"", first: int = 0, engine: str = "auto") -> pywasmgk.Trap:
    """What ``total(first, 3)`` traps with: the third shape has no height."""
    module = pywasmgk.Module(data or GUEST.read_bytes(), name="shapes.wasm")
    instance = pywasmgk.instantiate(module, engine=engine)
    with pytest.raises(pywasmgk.Trap) as caught:
        instance.exports.total(first, 3)
    return caught.value


@pytest.mark.parametrize("engine", ["interpreter", "compiler"])
def test_traps_have_lines_of_functions_compiled_into_others_too(engine: str) -> None:
    pytest.importorskip("elftools")
    text = str(trap(engine=engine)).splitlines()
    assert text[0] == "integer divide by zero"
    assert [line.strip() for line in text[2:4]] == [
        "shapes.c:11:9 in ratio",
        "inlined at shapes.c:18:12 in of_index",
    ]
    assert text[-1] == "    shapes.c:25:16 in total"
    stopped = trap(first=-1)
    assert stopped.frames[0].source == (pywasmgk.SourceLine("of_index", "shapes.c", 17, 9),)


def test_lines_are_those_of_the_source() -> None:
    pytest.importorskip("elftools")
    lines = GUEST.with_suffix(".c").read_text().splitlines()
    for frame, words in zip(trap().frames, ("/ shape->height", "of_index(first + i)")):
        assert words in lines[frame.source[0].line - 1]


def test_without_the_library_there_are_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("elftools"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    error = trap()
    assert error.frames[0].source == ()
    assert str(error).startswith("integer divide by zero\n  at $of_index at 0x")
    assert "shapes.c" not in str(error)


def test_errors_with_lines_can_be_pickled() -> None:
    copy = pickle.loads(pickle.dumps(trap()))
    assert copy.frames[0].function == trap().frames[0].function
    assert copy.frames[0].source == ()


def _damaged(count: int) -> list[bytes]:
    data = GUEST.read_bytes()
    start = data.index(b".debug_loc")
    chance = random.Random(5)
    found = []
    for _ in range(count):
        copy = bytearray(data)
        for _ in range(chance.randint(1, 12)):
            copy[chance.randrange(start, len(copy))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0x2A))
        found.append(bytes(copy))
    return found


def test_damaged_sections_only_cost_the_lines() -> None:
    for data in _damaged(300):
        start = time.monotonic()
        try:
            module = pywasmgk.Module(data)
        except pywasmgk.DecodeError:
            continue  # the damage was to the sections' heads
        frame = module.frame(1, 0xA1)
        assert isinstance(frame.source, tuple)
        assert "\x1b" not in "".join(map(str, frame.source))
        assert time.monotonic() - start < 20


def test_reading_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("elftools")
    monkeypatch.setattr(dwarf, "_SECONDS", -1.0)
    assert trap().frames[0].source == ()
    monkeypatch.setattr(dwarf, "_SECONDS", 1e-9)
    assert trap().frames[0].source == ()


def test_sections_that_are_too_large_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dwarf, "_LARGEST", 100)
    assert trap().frames[0].source == ()
