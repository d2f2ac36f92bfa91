"""Generated text is what it was when its digests were stored (``tools/golden``)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from processor import HANGS

TOOL = Path(__file__).parents[3] / "tools" / "golden"


@pytest.mark.skipif(not TOOL.exists(), reason="an installed package has no tools beside it")
def test_the_text_of_some_programs_is_what_it_was() -> None:
    """The whole is for who works on the compiler: ``tools/golden --check``."""
    some = ["tools/kernels/kernels.wasm", "pywasmgk/examples/hello.wasm", "plain/0", "loops/0"]
    done = subprocess.run(
        [sys.executable, TOOL, "--check", *some], capture_output=True, text=True, timeout=HANGS
    )
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}; if it is meant to change, say so: tools/golden --write"
    )
