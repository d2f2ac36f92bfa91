"""How long a plugin takes from its file to its first answer, in fresh processes."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from .measuring import circumstances

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parent.parent.parent
#: file, function, argument of each plugin
PLUGINS = {
    "C, hello": (ROOT / "pywasmgk/examples/hello.wasm", "hello", {"name": "Ada"}),
    "Go, workshop": (ROOT / "tests/guests/go/workshop.wasm", "echo", [1, 2, 3]),
}
#: runs in the fresh process: import, load with registration, first call, the same again
PROGRAM = """
import json, sys, time
clock = time.process_time if sys.platform != "win32" else time.perf_counter
path, function, argument, cache = json.loads(sys.argv[1])
from pywasmgk import load
start = clock()
options = {} if cache is None else {"cache_dir": cache}
plugin = load(open(path, "rb").read(), **options)
loaded = clock()
plugin.call(function, argument)
first = clock()
for _ in range(5):
    again = clock()
    plugin.call(function, argument)
    last = clock() - again
try:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak //= 1024 if sys.platform == "darwin" else 1
except ImportError:
    peak = None
print(json.dumps([loaded - start, first - loaded, last, peak]))
"""


def fresh(program: str, argument: object, bytecode: str) -> list[float]:
    """What a program says in a process of its own. The package's byte code is kept in a folder, as
    it is beside an installed package."""
    command = [sys.executable, "-c", program, json.dumps(argument)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = bytecode
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    if done.returncode:
        raise SystemExit(f"start: {done.stderr.strip()[-2000:]}")
    return [*json.loads(done.stdout)]


def row(name: str, cached: bool, rounds: int, bytecode: str) -> dict[str, Any]:
    """A plugin's start, in medians of processes after one that fills the caches."""
    path, function, argument = PLUGINS[name]
    with tempfile.TemporaryDirectory() as folder:
        what = [str(path), function, argument, folder if cached else None]
        runs = [fresh(PROGRAM, what, bytecode) for _ in range(rounds + 1)][1:]
    load, call, later, peak = map(statistics.median, zip(*runs))
    return {
        "plugin": name,
        "cache": cached,
        "load_ms": round(load * 1000, 1),
        "first_call_ms": round(call * 1000, 1),
        "to_first_answer_ms": round((load + call) * 1000, 1),
        "later_call_ms": round(later * 1000, 3),
        "peak_mib": round(peak / 1024, 1),
    }


def can_cache() -> bool:
    """Whether this version keeps compiled plugins on disk."""
    from pywasmgk.plugin.plugin import PluginOptions

    return any(field.name == "cache_dir" for field in dataclasses.fields(PluginOptions))


def measure(rounds: int) -> dict[str, Any]:
    """Rows of both plugins, cold and from the cache."""
    kinds = (False, True) if can_cache() else (False,)
    with tempfile.TemporaryDirectory() as bytecode:
        bare = statistics.median(fresh(PEAK, None, bytecode)[0] for _ in range(3))
        rows = [row(name, cached, rounds, bytecode) for name in PLUGINS for cached in kinds]
    return {
        "benchmark": "start",
        **circumstances(),
        "rounds": rounds,
        "bare_python_mib": round(bare / 1024, 1),
        "rows": rows,
    }


#: the peak of a process that does nothing
PEAK = """
import json, resource
print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = [
        f"{result['python']}, load {result['load']}; after import, in fresh processes, medians of "
        f"{result['rounds']}; a bare Python has {result['bare_python_mib']} MiB",
        "",
        f"{'plugin':15}{'from':>7}{'load ms':>10}{'call ms':>10}{'together':>10}"
        f"{'later ms':>10}{'peak MiB':>10}",
    ]
    for row in result["rows"]:
        lines.append(
            f"{row['plugin']:15}{'cache' if row['cache'] else 'file':>7}{row['load_ms']:10.1f}"
            f"{row['first_call_ms']:10.1f}{row['to_first_answer_ms']:10.1f}"
            f"{row['later_call_ms']:10.3f}{row['peak_mib']:10.1f}"
        )
    return "\n".join(lines)
