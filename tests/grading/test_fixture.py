"""The fixture ``wasm_sandbox``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from graded import CAT, LOOPING, RIGHT, SUM, specification

import pywasmgk
from pywasmgk import examples
from pywasmgk.grading.fixture import wasm_sandbox
from pywasmgk.grading.sandbox import WasmSandbox

__all__ = ["wasm_sandbox"]


def test_it_runs_modules_programs_and_plugins(wasm_sandbox: WasmSandbox) -> None:
    assert wasm_sandbox.load(RIGHT).exports.sum(3) == 14
    assert wasm_sandbox.run(CAT, stdin="goat").stdout == b"goat"
    plugin = wasm_sandbox.plugin(examples.read("hello"))
    assert plugin.call("hello", {"name": "Ada"}) == {"message": "Hello, Ada!"}
    assert wasm_sandbox.grade(specification(SUM), RIGHT).points == 3


def test_what_ends_a_guest_is_raised(wasm_sandbox: WasmSandbox) -> None:
    with pytest.raises(pywasmgk.OutOfFuel):
        wasm_sandbox.load(LOOPING).exports.sum(3)


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_before():\n"
        "    assert 'pywasmgk.wasm' not in sys.modules and 'pywasmgk.errors' not in sys.modules\n"
        "def test_with(wasm_sandbox):\n"
        "    assert wasm_sandbox.load('(module)').exports is not None\n"
    )
    root = str(Path(pywasmgk.__file__).parents[1])
    words = ["-q", "-p", "pywasmgk.grading.fixture", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr
