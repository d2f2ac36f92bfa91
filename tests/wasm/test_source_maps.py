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
from adapter_client import Client
from cli_guests import run as command_line

import pywasmgk
from pywasmgk import HostError, Module, Trap
from pywasmgk.debug.coverage import Coverage
from pywasmgk.debug.lines import Lines
from pywasmgk.debug.listing import Text
from pywasmgk.debug.profile import Profile
from pywasmgk.debug.source_files import find_source
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


# -- as Emscripten writes them

VOLUMES = GUESTS / "volumes.wasm"
#: a text whose lines are those of the file, which nobody has
TEXT = "// lines\n" * 20


def index_of(module: Module, name: str) -> int:
    return next(item.index for item in module.exports if item.name == name)


def embedding(folder: Path, **more: Any) -> Module:
    """The module in a folder without its sources, which its map has in itself."""
    form = json.loads((GUESTS / "volumes.wasm.map").read_bytes())
    form["sourcesContent"] = [TEXT, TEXT.replace("lines", "divided"), None]
    (folder / "volumes.wasm.map").write_text(json.dumps({**form, **more}))
    shutil.copy(VOLUMES, folder)
    return Module.from_file(folder / "volumes.wasm")


def test_what_emscripten_writes() -> None:
    module = Module.from_file(VOLUMES)
    with pytest.raises(Trap) as caught:
        pywasmgk.instantiate(module).exports.main_mean(0)
    found = [(one.file, one.line) for frame in caught.value.frames for one in frame.source]
    assert found == [("volumes.h", 6), ("volumes.c", 12), ("volumes.c", 17)]
    with pywasmgk.instantiate(module).start("main_mean", 3) as held:
        stop = held.break_at(file="volumes.c", line=5)
        while held.run() == "breakpoint":
            assert held.frames[0].name == "volume"
            assert [(one.file, one.line) for one in held.frames[1].source] == [("volumes.c", 11)]
        assert stop.hits == 3
    found_lines = Text.of_source(module, index_of(module, "main_mean"), "volumes.c", GUESTS)
    assert found_lines is not None and len(found_lines) == 18


def test_the_line_debugger_tells_lines_of_the_source() -> None:
    words = ["--do", "stop volumes.h:6", "--do", "run", "--do", "where"]
    out = command_line("debug", VOLUMES, "main_mean", "3", *words).out
    where = out[out.index("(pywasmgk) where") :].splitlines()[1:]
    assert [line.strip() for line in where[1::2]] == [
        "volumes.h:6:10", "volumes.c:12:10", "volumes.c:17:10",
    ]  # fmt: skip


@pytest.mark.parametrize("index_map", [False, True])
def test_sources_in_the_map_are_shown_where_the_files_are_not(
    tmp_path: Path, index_map: bool
) -> None:
    module = embedding(tmp_path)
    if index_map:
        whole = json.loads((tmp_path / "volumes.wasm.map").read_bytes())
        sections = [{"offset": {"line": 0, "column": 0}, "map": whole}]
        (tmp_path / "volumes.wasm.map").write_text(json.dumps({"version": 3, "sections": sections}))
    sources = Sources(module, str(tmp_path / "volumes.wasm"), tmp_path)
    first, second = sources.all()[:2]
    assert (first["name"], first["path"]) == ("volumes.c", "volumes.c")
    assert sources.text(first["sourceReference"]) == TEXT
    assert sources.text(second["sourceReference"]) == TEXT.replace("lines", "divided")
    functions = {one["sourceReference"] for one in sources.all()[2:]}
    assert functions.isdisjoint({first["sourceReference"], second["sourceReference"]})
    stop = sources.breakpoint(first, 3)
    assert stop is not None and (stop.file, stop.line) == ("volumes.c", 4)
    with pywasmgk.instantiate(module).start("main_mean", 3) as held:
        held.run(stop)
        assert sources.place(held.frames[0]) == (first, 4, held.frames[0].source[0].column)
    index = index_of(module, "main_mean")
    shown = Text.of_source(module, index, "volumes.c", tmp_path)
    assert shown is not None and shown.window(range(1), None, {}, frozenset())[0].text == "// lines"
    # a file that is there says more
    (tmp_path / "volumes.c").write_text("/* here */")
    assert "path" in Sources(module, None, tmp_path).all()[0]
    assert "sourceReference" not in Sources(module, None, tmp_path).all()[0]


def test_editors_read_sources_in_the_map(tmp_path: Path) -> None:
    embedding(tmp_path)
    with Client() as client:
        client.ask("initialize")
        client.ask("launch", program=str(tmp_path / "volumes.wasm"), export="main_mean", args=["3"])
        source = client.ask("loadedSources")["sources"][0]
        found = client.ask("setBreakpoints", source=source, breakpoints=[{"line": 5}])
        assert found["breakpoints"][0]["verified"]
        client.ask("configurationDone")
        client.wait("stopped")
        top = client.top()
        assert (top["source"], top["line"]) == (source, 5)
        answer = client.ask("source", sourceReference=source["sourceReference"])
        assert answer == {"content": TEXT}
        # steps go by its lines
        client.ask("next", threadId=1)
        client.wait("stopped")
        assert client.top()["line"] != 5


@pytest.mark.parametrize("contents", [7, [], [None], [7, {}], ["x" * 100], {"0": "x"}])
def test_contents_that_are_no_texts(contents: Any) -> None:
    lines = mapped("AAAA,ECAA", sources=["a.c", "b.c"], sourcesContent=contents)
    assert lines.text("b.c") is None and lines.text("c.c") is None
    assert lines.at(2)[0].file == "b.c"


def sectioned(*sections: Any, **parts: Any) -> MappedLines:
    return MappedLines(inline({"version": 3, "sections": [*sections], **parts}), None, [])


def part(column: Any, mappings: str, source: str, line: Any = 0) -> Any:
    form = {"version": 3, "sources": [source], "mappings": mappings, "sourcesContent": [source * 2]}
    return {"offset": {"line": line, "column": column}, "map": form}


def test_index_maps() -> None:
    lines = sectioned(part(0, "CAAA,IACA", "a.c"), part(10, "AAAA,CAEA", "b.c"))
    assert lines.all() == [
        (1, "a.c", 1), (5, "a.c", 2), (10, "", 0), (10, "b.c", 1), (11, "b.c", 3),
    ]  # fmt: skip
    assert (lines.text("a.c"), lines.text("b.c")) == ("a.ca.c", "b.cb.c")
    assert [lines.at(at)[0].file for at in (9, 10)] == ["a.c", "b.c"]
    # where a section begins nothing goes on of the one before
    lines = sectioned(part(0, "AAAA", "a.c"), part(10, "EAAA", "b.c"))
    assert lines.at(9) and not lines.at(10) and not lines.at(11) and lines.at(12)
    # further lines are none of a module's
    assert sectioned(part(0, "AAAA", "a.c"), part(0, "AAAA", "b.c", 1)).all() == [(0, "a.c", 1)]
    assert sectioned().all() == []


@pytest.mark.parametrize(
    "section",
    [None, 7, {}, {"offset": 3}, {"offset": {"line": 0}}, part(-1, "AAAA", "a"),
     part(True, "AAAA", "a"), part(1 << 40, "AAAA", "a"), part(0, "AAAA", "a", None),
     {"offset": {"line": 0, "column": 0}}, {"offset": {"line": 0, "column": 0}, "map": 7},
     {"offset": {"line": 0, "column": 0}, "map": {"version": 3, "sections": []}},
     {"offset": {"line": 0, "column": 0}, "url": "http://localhost/a.map"}],
)  # fmt: skip
def test_sections_of_another_shape(section: Any) -> None:
    lines = sectioned(section)
    assert lines.at(5) == () and lines.text("a") is None
    with pytest.raises(HostError, match="source map cannot be used"):
        lines.all()


def test_sections_out_of_order() -> None:
    with pytest.raises(HostError, match="not in order"):
        sectioned(part(10, "AAAA", "a.c"), part(9, "AAAA", "b.c")).all()
    with pytest.raises(HostError, match="sections are no list"):
        MappedLines(inline({"version": 3, "sections": {}}), None, []).all()


def test_spaces_in_addresses(tmp_path: Path) -> None:
    (tmp_path / "my file.c").write_text("")
    (tmp_path / "100%25.c").write_text("")
    assert find_source("my%20file.c", tmp_path) == (tmp_path / "my file.c").resolve()
    assert find_source("100%25.c", tmp_path) == (tmp_path / "100%25.c").resolve()
    assert find_source("%2e%2e/secret", tmp_path / "inside") is None
    assert find_source("a%00b", tmp_path) is None


def test_names_are_those_below_the_map() -> None:
    def name(source: Any, root: Any = "") -> str:
        return mapped("AAAA", sources=[source], sourceRoot=root).all()[0][1]

    assert name("../../src/a.c") == "src/a.c" and name("./a.c") == "a.c"
    assert name("a.c", "./lib/") == "lib/a.c" and name("a.c", "/home/x") == "a.c"
    assert name("\x1b[31m.c") == "\\x1b[31m.c" and name(None) == "?" and name("x" * 2_000) == "?"
    assert name("a.c", 7) == "a.c" and name("../") == "?"
    assert name("./lib/../src/./a.c") == "src/a.c" and name("../../x/../../a.c") == "a.c"
    assert name("webpack:///./src/a.c") == "webpack:///src/a.c"
    assert name("a.c", "https://example.com/src/") == "https://example.com/src/a.c"
    assert name("/src/a.c") == "/src/a.c" and name("/../a.c") == "/a.c"


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
    monkeypatch.undo()
    monkeypatch.setattr(source_maps, "_MOST_SOURCES", 2)
    with pytest.raises(HostError, match="more than 2 sources"):
        sectioned(*(part(at, "AAAA", "a.c") for at in range(3))).all()
    monkeypatch.setattr(source_maps, "_MOST_ROWS", 10)
    with pytest.raises(HostError, match="more than 10 mappings"):
        sectioned(part(0, "AAAA," * 8, "a.c"), part(1, "AAAA," * 8, "a.c")).all()


@pytest.mark.parametrize("piece", ["[],", "{},", '"ab",'])
def test_parts_are_counted_before_they_are_made(piece: str) -> None:
    """Each would take more than ten times the memory of its text."""
    text = f'{{"version":3,"x":[{piece * 4_100_000}0],"sources":[],"mappings":""}}'
    with pytest.raises(HostError, match="too many parts"):
        MappedLines(b"data:," + quote(text, safe='[]{}",:').encode(), None, []).all()


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
