"""What fresh processes take to import the package, and to say what needs no engine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .measuring import circumstances

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parent.parent.parent
_MAIN = "import sys; from pywasmgk.cli import main; main({words}, prog_name='pywasmgk')"
_COMPLETE = "import os; os.environ.update({variables}); " + _MAIN.format(words=[])


def _completion(words: str) -> str:
    variables = {
        "_PYWASMGK_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    return _COMPLETE.format(variables=variables)


#: programs by what they do; the first one is what Python itself takes
PROGRAMS = {
    "nothing": "pass",
    "import pywasmgk": "import pywasmgk",
    "pywasmgk.Module": "import pywasmgk; pywasmgk.Module, pywasmgk.instantiate",
    "pywasmgk.load": "import pywasmgk; pywasmgk.load",
    "pywasmgk --version": _MAIN.format(words=["--version"]),
    "completion of a command": _completion("pywasmgk ca"),
    "completion of an example": _completion("pywasmgk call he"),
}


def _run(program: str, bytecode: str) -> float:
    """Seconds of a process. Byte code is kept in a folder, as it is beside an installed package."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, "-c", program]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=env)
    return time.perf_counter() - start


def measure(rounds: int) -> dict[str, Any]:
    """Medians of all programs, run in turn, after a round that fills the folder of byte code."""
    runs: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory() as bytecode:
        for _ in range(rounds + 1):
            for name, program in PROGRAMS.items():
                runs[name].append(_run(program, bytecode))
    rows = [
        {"program": name, "ms": round(statistics.median(found[1:]) * 1e3, 1)}
        for name, found in runs.items()
    ]
    return {"benchmark": "imports", **circumstances(), "rounds": rounds, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    bare = result["rows"][0]["ms"]
    lines = [
        f"{result['python']}, load {result['load']}; whole processes, medians of "
        f"{result['rounds']}",
        "",
        f"{'program':26}{'ms':>8}{'times bare':>12}",
    ]
    for row in result["rows"]:
        share = row["ms"] / bare
        lines.append(f"{row['program']:26}{row['ms']:8.1f}{share:12.1f}")
    return "\n".join(lines)
