"""The benchmark tool runs, checks what it measures, and writes what it says. No speed is tested."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import ppci
import pytest
from processor import HANGS

BENCH = Path(__file__).parent.parent.parent / "tools" / "bench"


def bench(tmp_path: Path, *words: object) -> dict[str, Any]:
    """The JSON of a benchmark."""
    target = tmp_path / "result.json"
    command = [sys.executable, str(BENCH), *map(str, words), "--rounds", "1", "--json", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(target.read_text())
    return result


def test_kernels(tmp_path: Path) -> None:
    words = ("--kernels", "fib,report", "--engines", "compiler,interpreter", "--peers", "")
    result = bench(tmp_path, "kernels", *words, "--scale", "0.05")
    assert [row["kernel"] for row in result["rows"]] == ["fib", "report"]
    for row in result["rows"]:
        assert row["times"].keys() == {"compiler", "interpreter"}
        assert row["instructions"] > 0
    assert result["means"]["compiler"]["kernels"] == 1, "a twin with C in it counts separately"


def test_a_kernel_that_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH), "kernels", "--kernels", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 1
    assert "no such kernel: nothing" in done.stderr


@pytest.mark.parametrize("what", ["calls", "start"])
def test_borders_and_starts(what: str, tmp_path: Path) -> None:
    for row in bench(tmp_path, what)["rows"]:
        assert len(row) >= 3
        assert all(value > 0 for value in row.values() if isinstance(value, float))


def test_holding(tmp_path: Path) -> None:
    result = bench(tmp_path, "held", "--scale", "0.01")
    assert len(result["running"]) == 5
    assert [row["steps"] for row in result["back"]][:4] == [100, 1_000, 10_000, 100_000]
    sizes = {row["what"]: row["bytes"] for row in result["suspending"]}
    assert sizes["64 KiB written"] < 70_000 < sizes["16 MiB written"] < 17_000_000
    assert all(value > 0 for value in result["stops"][0].values())


def test_the_mixed_workload(tmp_path: Path) -> None:
    words = ("coremark", "--engines", "compiler,interpreter", "--peers", "")
    rows = bench(tmp_path, *words)["rows"]
    # the tool itself refuses results that differ
    assert [row["contestant"] for row in rows] == ["twin", "compiler", "interpreter"]


def test_the_page_has_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "results"
    results.mkdir()
    bench(results, "simd")
    monkeypatch.syspath_prepend(str(BENCH.parent))
    page = importlib.import_module("benchmarks.page")
    monkeypatch.setattr(page, "DOCS", tmp_path)
    text = page.write(results).read_text()
    assert "| base64 |" in text
    picture = ElementTree.parse(tmp_path / "performance-simd.svg").getroot()
    marks = picture.iter("{http://www.w3.org/2000/svg}circle")
    assert len(list(marks)) == 6, "one for each kernel"


@pytest.mark.parametrize("what", [["load", BENCH.parent / "kernels/libc.wasm"], ["import"]])
def test_what_does_not_need_a_peer(what: list[Any], tmp_path: Path) -> None:
    assert bench(tmp_path, *what)["python"]


def test_a_file_made_to_be_dear_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH.parent))
    load = importlib.import_module("benchmarks.load")
    row = load.dear("nothing", b"\0asm\1\0\0\0" + b"\0\1\0" * 100, 50e-9)
    assert row["bytes"] == 308 and row["us_per_byte"] > 0
    assert "nothing" in load.table({**load.circumstances(), "rounds": 1, "empty_call_ns": 50,
                                    "rows": [], "shapes": [row]})  # fmt: skip


def test_the_pyodide_benchmark_finds_its_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes from tools/pyodide-check how Pyodide is fetched: by names that must be there."""
    monkeypatch.syspath_prepend(str(BENCH.parent))
    module = importlib.import_module("benchmarks.pyodide")
    tool = module.check_tool()
    names = re.findall(r"\btool\.(\w+)\(", Path(str(module.__file__)).read_text())
    assert len(names) >= 3
    assert all(callable(getattr(tool, name)) for name in names)


@pytest.mark.skipif(shutil.which("pypy3") is None, reason="there is no PyPy")
def test_the_kernels_run_on_pypy(tmp_path: Path) -> None:
    """PyPy in distributions is 3.9, older than what the package asks for: the engine runs there."""
    (tmp_path / "ppci").symlink_to(next(iter(ppci.__path__)))
    target = tmp_path / "result.json"
    words = ("kernels", "--kernels", "fib", "--engines", "interpreter,compiler", "--peers", "")
    more = ("--rounds", "1", "--scale", "0.05", "--json", target, "--python", "pypy3")
    done = subprocess.run(
        [sys.executable, BENCH, *words, *more],
        capture_output=True,
        text=True,
        timeout=HANGS,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(target.read_text())["rows"]
    assert set(row["times"]) == {"interpreter", "compiler"} and not row["failed"]
