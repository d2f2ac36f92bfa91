"""The table of packages that run on the wasmtime-shaped door, without fetching any."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from pywasmgk import docs

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

from benchmarks.door import runs  # noqa: E402
from benchmarks.door.programs import PROGRAMS, Program  # noqa: E402
from benchmarks.door.pyodide import Site  # noqa: E402


def test_there_are_ten_packages_and_more() -> None:
    assert len(PROGRAMS) >= 10
    for name, program in PROGRAMS.items():
        assert program.packages[0].startswith(f"{name}==")
        compile(program.source, name, "exec")


def test_a_program_runs_on_the_door(tmp_path: Path) -> None:
    program = Program((), "", "import wasmtime, sys; print(wasmtime.__name__); sys.exit(3)")
    found = runs.here(Path(sys.executable), program, tmp_path, door=True)
    assert found.output == b"pywasmgk.compat.wasmtime\n"
    assert found.code == 3
    assert found.seconds > 0


def test_ten_run_in_pyodide() -> None:
    reasons = [program.not_in_pyodide for program in PROGRAMS.values()]
    assert reasons.count("") >= 10


def test_what_pyodide_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path / "pyodide", tmp_path / "packages", tmp_path)
    node, script, pyodide, config = site.command(tmp_path / "program.py", "cache")
    assert (node, pyodide) == ("node", str(tmp_path / "pyodide")) and Path(script).is_file()
    told = json.loads(config)
    assert told["words"][-1] == str(tmp_path / "program.py")
    assert told["cache"] == "cache" and (Path(told["ours"]) / "pywasmgk").is_dir()


def test_the_page_shows_every_package() -> None:
    page = docs.read("from-wasmtime")
    for name, program in PROGRAMS.items():
        (row,) = re.findall(rf"^\| {re.escape(name)}(?:,.*?)? \|(.*)\|$", page, re.MULTILINE)
        assert ("-" in row.split("|")[-1]) == bool(program.not_in_pyodide), name
