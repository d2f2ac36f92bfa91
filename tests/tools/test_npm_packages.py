"""The programs of npm that the documentation's table shows: short, of every toolchain, comparable."""

# ruff: noqa: E501

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from pywasmgk import docs

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from benchmarks import npm_packages  # noqa: E402
from benchmarks.npm.process import plain  # noqa: E402
from benchmarks.npm.programs import PROGRAMS  # noqa: E402

#: lines that a program may have, its head aside
MOST_LINES = 15


def test_there_are_enough_of_each_toolchain() -> None:
    assert len(PROGRAMS) >= 25
    toolchains = [program.toolchain for program in PROGRAMS.values()]
    named = {"wasm-bindgen", "Emscripten", "AssemblyScript", "Go"}
    for name in named:
        assert toolchains.count(name) >= 5, name
    assert sum(name not in named for name in toolchains) >= 5


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_short(name: str) -> None:
    lines = inspect.getsource(PROGRAMS[name].run).splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("def "))
    body = [line for line in lines[begin + 1 :] if line.strip()]
    assert len(body) <= MOST_LINES
    assert all(
        re.fullmatch(r"(@[^@/]+/)?[^@/]+@\d[\w.-]*", spec) for spec in PROGRAMS[name].packages
    )


def test_answers_are_compared_as_json_has_them() -> None:
    assert plain((b"\1\xff", 2.0, {"a": [2.5, bytearray(b"x")]})) == ["01ff", 2, {"a": [2.5, "78"]}]
    assert plain(None) is None and plain(True) is True


def answer(value: Any, seconds: float = 0.5) -> dict[str, Any]:
    return {"answer": value, "seconds": seconds}


def test_the_table_tells_what_differs() -> None:
    rows = [
        {"program": "a", "packages": ["@x/a@1.0.0"], "toolchain": "C", "equal": True,
         "node": answer(1), "auto": answer(1, 1.25), "wasmtime": answer(1), "pwasm": "Error: no"},
        {"program": "b", "packages": ["b@2"], "toolchain": "Go", "equal": False,
         "node": "Error: x", "auto": answer(1)},
    ]  # fmt: skip
    lines = npm_packages.table(rows).splitlines()
    assert lines[2] == "| `@x/a` | C | equal | 1.25 | 0.50 | 0.50 | - |"
    assert lines[3] == "| `b` | Go | DIFFER | 0.50 | - | - | - |"


def test_the_page_shows_every_package() -> None:
    page = docs.read("from-npm")
    for program in PROGRAMS.values():
        name = program.packages[0].rpartition("@")[0]
        assert re.search(
            rf"^\| `{re.escape(name)}` \| {program.toolchain} \| equal \|", page, re.MULTILINE
        ), name
