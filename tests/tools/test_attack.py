"""The command that lets hostile guests loose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from processor import HANGS

ATTACK = Path(__file__).parents[2] / "tools" / "attack"


@pytest.mark.skipif(sys.platform in ("win32", "emscripten"), reason="needs rusage and signals")
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("fills, then vectors", "DeadlineExceeded"),
        ("recursion in 128 KiB", "Trap"),
        ("an interruption", "KeyboardInterrupt"),
        ("links", "DeadlineExceeded"),
        ("endless SQL", "DeadlineExceeded"),
    ],
)
def test_one_attack(name: str, outcome: str) -> None:
    command = [sys.executable, str(ATTACK), "--one", name, "interpreter", "--timeout", "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS, check=True)
    result = json.loads(done.stdout)
    assert result["outcome"] == outcome
    assert result["memory"] < 200
