"""Executions that are suspended in one Python and go on in another: ``tools/held elsewhere``."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import travelling

TOOL = Path(__file__).parents[2] / "tools" / "held"
PYODIDE = Path(tempfile.gettempdir()) / "pywasmgk-pyodide"


def load() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("held_tool", str(TOOL))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def elsewhere(*words: str) -> dict[str, Any]:
    command = [sys.executable, str(TOOL), "elsewhere", "--python", sys.executable, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_they_go_on_in_another_process(tmp_path: Path) -> None:
    tool = load()
    states = tmp_path / "states.json"
    states.write_text(json.dumps(travelling.suspend()))
    assert tool.asked(Path(sys.executable), "resume", str(states)) == travelling.plain()


def test_they_go_on_in_other_pythons() -> None:
    """``PYWASMGK_PYTHONS`` may name some, as PATH does folders."""
    named = [
        Path(path) for path in os.environ.get("PYWASMGK_PYTHONS", "").split(os.pathsep) if path
    ]
    pythons, left_out = load().pythons_at_hand(named)
    others = {version: path for version, path in pythons.items()
              if version != platform.python_version()}  # fmt: skip
    if not others:
        pytest.skip(f"no other Python has what pywasmgk needs: {left_out or 'none is there'}")
    words = [word for path in others.values() for word in ("--python", str(path))]
    found = elsewhere("--pyodide", "", *words)
    assert len(found["ways"]) == len(others) * (len(others) + 1)


def test_they_go_on_in_pyodide() -> None:
    if not (PYODIDE / "pyodide-314").is_dir():
        pytest.skip("no Pyodide 314 is there: tools/held elsewhere fetches it")
    ways = elsewhere()["ways"]
    assert len(ways) == 2 and all("Pyodide" in way for way in ways)
