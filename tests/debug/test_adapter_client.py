"""The server for editors, driven by VS Code's test client and by Emacs (tools/adapter-check)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools/adapter-check"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
CLIENT = _CACHE / "pywasmgk-adapter-check"


@pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENT / "node_modules").is_dir(),
    reason="needs Node.js, and the client that tools/adapter-check fetches",
)
@pytest.mark.parametrize(
    ("transport", "only", "count"), [("stdio", "", 15), ("tcp", "data, evaluate", 1)]
)
def test_a_real_client_debugs(transport: str, only: str, count: int) -> None:
    command = [sys.executable, str(TOOL), "--transport", transport, "--only", only]
    done = subprocess.run(command, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == 0, report.get("error")
    assert len(report[transport]) == count


def test_emacs_debugs(tmp_path: Path) -> None:
    """dap-mode launches, stops, looks, steps, goes back, and comes to a trap."""
    command = [sys.executable, str(TOOL), "--with", "emacs"]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    if done.returncode == 2:
        pytest.skip(done.stderr.strip())
    report = json.loads(done.stdout)
    assert done.returncode == 0, report.get("error")
    assert report["emacs"] == [
        "a breakpoint with a condition", "values", "steps", "back", "a trap", "output",
        "disconnecting",
    ]  # fmt: skip
