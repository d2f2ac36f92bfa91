"""A short soak of ``tools/pool-bench``: workers are killed, and no call is lost for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools/pool-bench"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is not told here")
def test_every_call_has_one_outcome_whatever_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--soak", "6", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    assert found["wrong"] == [], found
    assert set(found["outcomes"]) <= {"answered", "lost"}
    assert found["outcomes"]["answered"] > 10
    assert found["restarts"] > 0
    assert found["calls"] == sum(found["outcomes"].values())
