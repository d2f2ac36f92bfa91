"""The kernels in Pyodide, in Node, beside this Python."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

from . import kernels
from .kernels import cell
from .measuring import geometric_mean

__all__ = ["measure", "table"]

TOOLS = Path(__file__).resolve().parent.parent
#: what a row says, and its heading
COLUMNS = {
    "times_twin": "x twin there",
    "times_twin_here": "x twin here",
    "slower": "ours slower",
    "slower_twin": "twin slower",
}
SCRIPT = Path(__file__).with_name("pyodide.mjs")


def check_tool() -> ModuleType:
    """tools/pyodide-check, which knows how Pyodide and the wheels are fetched."""
    loader = importlib.machinery.SourceFileLoader("pyodide_check", str(TOOLS / "pyodide-check"))
    spec = importlib.util.spec_from_loader("pyodide_check", loader)
    if spec is None:
        raise SystemExit("tools/pyodide-check is not there")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run_there(
    benchmark: str, function: str, words: dict[str, Any], version: str, cache: Path
) -> dict[str, Any]:
    """What a function of one of these benchmarks gives in Pyodide."""
    tool = check_tool()
    pyodide, wheels = tool.fetch_package(cache, "pyodide", version), tool.fetch_wheels(cache)
    asked = (benchmark, function, json.dumps(words))
    command = ["node", SCRIPT, pyodide, TOOLS.parent, *asked, *tool.dependencies(wheels)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr.strip()[-4000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(
    names: list[str], rounds: int, scale: float, version: str, cache: Path
) -> dict[str, Any]:
    """Rows of both; ``slower`` is Pyodide's time over this Python's, of the same work."""
    words = {"contestants": ["compiler"], "names": names, "rounds": rounds, "scale": scale}
    there = run_there("kernels", "measure", words, version, cache)
    here = kernels.measure(**words)
    rows = [both(a, b) for a, b in zip(there["rows"], here["rows"])]
    kept = ("python", "pyodide", "node", "date")
    return {
        "benchmark": "pyodide",
        "machine": here["machine"],
        "load": here["load"],
        "rounds": rounds,
        **{name: there[name] for name in kept},
        "compared_with": here["python"],
        "rows": rows,
        "means": {
            "times_twin": there["means"]["compiler"]["mean"],
            "times_twin_here": here["means"]["compiler"]["mean"],
            "slower": round(geometric_mean(row["slower"] for row in rows), 2),
            "slower_twin": round(geometric_mean(row["slower_twin"] for row in rows), 2),
        },
    }


def both(there: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
    """One row of two."""
    times = [row["times"]["compiler"] for row in (there, here)]
    twins = there["twin_ms"] / here["twin_ms"]
    return {
        "kernel": there["kernel"],
        "times_twin": round(times[0], 2),
        "times_twin_here": round(times[1], 2),
        "slower": round(twins * times[0] / times[1], 2),
        "slower_twin": round(twins, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = [
        f"Pyodide {result['pyodide']} ({result['python']}), Node {result['node']}, beside "
        f"{result['compared_with']}, load {result['load']}",
        "",
        f"{'kernel':13}" + "".join(f"{name:>14}" for name in COLUMNS.values()),
    ]
    for row in [*result["rows"], {"kernel": "mean", **result["means"]}]:
        lines.append(f"{row['kernel']:13}" + "".join(f"{cell(row[key]):>14}" for key in COLUMNS))
    return "\n".join(lines)
