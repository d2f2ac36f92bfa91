"""Lines of the source by a source map, as AssemblyScript and Emscripten write them."""

from __future__ import annotations

import base64
import json
import pickle
import random
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cli_guests import run as command_line

import pywasmgk
from pywasmgk import HostError, Module, Trap
from pywasmgk.debug.coverage import Coverage
from pywasmgk.debug.lines import Lines
from pywasmgk.debug.profile import Profile
from pywasmgk.debug.sources import Sources
from pywasmgk.wasm import source_maps
from pywasmgk.wasm.source_maps import MappedLines

GUESTS = Path(__file__).parents[1] / "guests/debug"
AREAS = GUESTS / "areas.wasm"
MAP = (GUESTS / "areas.wasm.map").read_bytes()
#: what the map calls its source: below the folders that it says
FILE = "areas/areas.ts"


def section(url: bytes) -> bytes:
    """The custom section with an address."""
    content = b"\x10sourceMappingURL" + leb(len(url)) + url
    return b"\0" + leb(len(content)) + content


def leb(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes((*parts, number))


def with_url(url: bytes, folder: Path | None = None) -> Module:
    """The module, with another address."""
    data = AREAS.read_bytes()
    module = Module(data[: data.index(b"\x10sourceMappingURL") - 2] + section(url))
    module.folder = None if folder is None else str(folder)
    return module


def inline(form: Any) -> bytes:
    text = form if isinstance(form, bytes) else json.dumps(form).encode()
    return b"data:application/json;base64," + base64.b64encode(text)


def mapped(mappings: Any, **parts: Any) -> MappedLines:
    form = {"version": 3, "sources": ["a.c"], "mappings": mappings, **parts}
    return MappedLines(inline(form), None, [])


def test_errors_have_lines() -> None:
    with pytest.raises(Trap) as caught:
        pywasmgk.instantiate(Module.from_file(AREAS)).exports.total(0, 3)
    lines = [[(one.file, one.line, one.column) for one in f.source] for f in caught.value.frames]
    assert lines == [[(FILE, 2, 10)], [(FILE, 8, 12)]]
    assert "areas/areas.ts:2:10" in str(caught.value)


def test_executions_stop_at_lines() -> None:
    with pywasmgk.instantiate(Module.from_file(AREAS)).start("total", 0, 2) as held:
        held.break_at(file="areas.ts", line=8)
        found = []
        while held.run() == "breakpoint":
            found.append((held.frames[0].source[0].line, held.frames[0].locals[3].value))
        assert found == [(8, 0), (8, 1)]
        assert held.reverse_run() == "breakpoint"
        with pytest.raises(HostError, match=r"line 16 of areas/areas\.ts has no code; there is at"):
            held.break_at(file="areas.ts", line=16)
        with pytest.raises(HostError, match=r"no code comes from 'area\.ts'.*did you mean"):
            held.break_at(file="area.ts", line=2)


def test_coverage_and_profiles_have_lines_of_the_source() -> None:
    profile = Profile.of(pywasmgk.instantiate(Module.from_file(AREAS)), "total", 0, 2)
    lcov = Coverage.of(profile).lcov().splitlines()
    assert f"SF:{FILE}" in lcov and "FN:14,area" in lcov
    assert [line for line in lcov if line.startswith("DA:")] == [
        "DA:2,2", "DA:6,1", "DA:7,3", "DA:8,2", "DA:10,1", "DA:14,0", "DA:15,0", "DA:17,0",
    ]  # fmt: skip
    assert {one.line for one in profile.lines()} == {2, 6, 7, 8, 10}


def test_no_function_goes_on_with_the_line_of_another_one() -> None:
    """The first function ends in a mapping; where the second declares its locals there is none."""
    module = Module.from_file(AREAS)
    assert module.lines is not None
    start = module.function_offset(1)
    assert module.lines.at(start) == () and module.lines.at(start - 3) != ()
    assert Lines(module).at(start) is None
    assert Lines(module).at(start + 4) == (FILE, 6)


def test_editors_find_the_source() -> None:
    sources = Sources(Module.from_file(AREAS), str(AREAS), GUESTS)
    path = str((GUESTS / "areas.ts").resolve())
    assert sources.all()[0] == {"name": "areas.ts", "path": path}
    stop = sources.breakpoint({"path": path}, 9)
    assert stop is not None and (stop.file, stop.line) == (FILE, 10)


def test_the_command_line_finds_the_map_beside_the_module(tmp_path: Path) -> None:
    for name in ("areas.wasm", "areas.wasm.map"):
        shutil.copy(GUESTS / name, tmp_path)
    found = command_line("run", tmp_path / "areas.wasm", "total", "0", "3")
    assert found.code == 1 and "areas/areas.ts:8:12" in found.err
    words = ["--do", "stop areas.ts:8", "--do", "run"]
    found = command_line("debug", tmp_path / "areas.wasm", "total", "0", "2", *words)
    assert "1 hits" in found.out


@pytest.mark.parametrize(
    "url",
    [inline(MAP), b"data:application/json;charset=utf-8," + quote(MAP.decode()).encode(),
     inline(b")]}'\n" + MAP), b"data:;charset=utf-8;base64," + base64.b64encode(MAP)],
)  # fmt: skip
def test_maps_in_the_address_itself(url: bytes) -> None:
    lines = with_url(url).lines
    assert lines is not None and lines.offsets("areas.ts", 2)


@pytest.mark.parametrize(
    "url",
    [b"areas.wasm.map", b"http://localhost:1/out/areas.wasm.map?x#y", b"../../areas.wasm.map",
     b"/etc/areas.wasm.map", b"C:\\out\\areas.wasm.map"],
)  # fmt: skip
def test_a_file_is_looked_for_beside_the_module_only(url: bytes, tmp_path: Path) -> None:
    lines = with_url(url, GUESTS).lines
    assert lines is not None and lines.offsets("areas.ts", 2)
    inside = tmp_path / "inside"
    inside.mkdir()
    shutil.copy(GUESTS / "areas.wasm.map", tmp_path)
    for folder in (inside, None):
        lines = with_url(url, folder).lines
        assert lines is not None and lines.at(0x50) == () and not lines.table
        with pytest.raises(HostError, match="beside"):
            lines.all()


@pytest.mark.parametrize(
    "url",
    [b"", b"secrets.json", b".map/..", b"a\0.map", b"http://[x.map", b"data:", b"data:;base64,?",
     b"data:,x", b"\xff.map", b"x" * 5_000 + b".map"],
)  # fmt: skip
def test_addresses_that_lead_nowhere(url: bytes) -> None:
    lines = with_url(url, GUESTS).lines
    assert lines is not None and lines.at(0x50) == () and lines.table == {}
    with pytest.raises(HostError, match="source map cannot be used"):
        lines.all()


WRONG = [
    "?", "AAAA?", "g", "AA", "AAA", "AAAAAA", "D", "ACAA", "AADA", "AAAD", "ggggggggggA",
    "+/////////A", "A,", "\u00e9", 1, None, ["AAAA"],
]  # fmt: skip


@pytest.mark.parametrize("mappings", WRONG)
def test_mappings_that_are_wrong(mappings: Any) -> None:
    lines = mapped(mappings)
    if mappings == "A,":
        assert lines.all() == [(0, "", 0)]
        return
    assert lines.at(5) == ()
    with pytest.raises(HostError, match="source map cannot be used"):
        lines.all()


@pytest.mark.parametrize(
    "parts",
    [{"version": 2}, {"version": None}, {"sources": None}, {"sources": "a"}],
)
def test_maps_of_another_shape(parts: dict[str, Any]) -> None:
    with pytest.raises(HostError, match="source map cannot be used"):
        mapped("AAAA", **parts).all()


def test_names_are_those_below_the_map() -> None:
    def name(source: Any, root: Any = "") -> str:
        return mapped("AAAA", sources=[source], sourceRoot=root).all()[0][1]

    assert name("../../src/a.c") == "src/a.c" and name("./a.c") == "a.c"
    assert name("a.c", "./lib/") == "lib/a.c" and name("a.c", "/home/x") == "a.c"
    assert name("\x1b[31m.c") == "\\x1b[31m.c" and name(None) == "?" and name("x" * 2_000) == "?"
    assert name("a.c", 7) == "a.c" and name("../") == "?"


def test_mappings_in_any_order_and_on_further_lines() -> None:
    lines = mapped("UAAA,NACA;AAAA")
    assert lines.all() == [(4, "a.c", 2), (10, "a.c", 1)]
    assert [one.line for one in lines.at(9)] == [2]


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_maps, "_MOST_ROWS", 10)
    with pytest.raises(HostError, match="more than 10 mappings"):
        mapped("AAAA," * 11).all()
    monkeypatch.setattr(source_maps, "_MOST_SOURCES", 2)
    with pytest.raises(HostError, match="more than 2 sources"):
        mapped("AAAA", sources=["a"] * 3).all()
    monkeypatch.setattr(source_maps, "_LARGEST", 100)
    for lines in (mapped("A" * 500), with_url(b"areas.wasm.map", GUESTS).lines):
        with pytest.raises(HostError, match=r"larger than allowed|too large|more than"):
            lines.all()  # type: ignore[union-attr]


def test_its_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors do not wait for long; who asks for all lines has more time."""
    lines = mapped("AAAA,CAAA")
    clock = iter([0.0, 3.0, 0.0, 3.0, 0.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert lines.at(0) == () and lines.at(0) == ()
    assert len(lines.all()) == 2
    assert len(lines.at(0)) == 1


def test_damaged_maps_raise_nothing_but_ours() -> None:
    chance = random.Random(19)
    module = Module(AREAS.read_bytes())
    begins = [body.start for body in module.bodies]
    for _ in range(4_000):
        damaged = bytearray(MAP)
        for _ in range(chance.randint(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        lines = MappedLines(inline(bytes(damaged[: chance.randint(1, len(damaged))])), None, begins)
        lines.at(0x60)
        try:
            lines.all()
        except HostError:
            pass
    deep = b'{"version":3,"sources":' + b"[" * 200_000
    assert MappedLines(inline(deep), None, []).at(0) == ()


def test_pickled_frames_know_nothing_any_more() -> None:
    lines = pickle.loads(pickle.dumps(Module.from_file(AREAS).lines))
    assert repr(lines) == "<MappedLines>" and lines.at(0x60) == ()
