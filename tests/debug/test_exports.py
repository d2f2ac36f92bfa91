"""Exports of profiles and coverage, read by those that they are for (tools/exports-check)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools/exports-check"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PACKAGES = _CACHE / "pywasmgk-exports-check/node_modules"


@pytest.mark.parametrize("reader", ["genhtml", "pprof", "speedscope"])
def test_a_real_program_reads_it(reader: str) -> None:
    if reader == "pprof" and not os.environ.get("PYWASMGK_GO_PPROF"):
        pytest.skip(
            "Go builds pprof when it is first asked, which takes minutes: PYWASMGK_GO_PPROF=1"
        )
    if reader == "speedscope" and not PACKAGES.is_dir():
        pytest.skip("needs what tools/exports-check fetches")
    done = subprocess.run([sys.executable, str(TOOL), reader], capture_output=True, text=True)
    report = json.loads(done.stdout)[reader]
    if done.returncode == 2:
        pytest.skip(report["missing"])
    assert done.returncode == 0, report
