"""A workload of CoreMark's kinds of work (list, matrix, state machine, checksum; ``mixed.c``), in
iterations a second. It is our own, so its figures compare with nothing but each other."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from .contestants import SLOW, get, versions
from .kernels import FOLDER
from .measuring import alternate, circumstances, ratio

__all__ = ["measure", "table"]

MODULE = FOLDER / "mixed.wasm"
#: iterations in one measurement, and of those that take a microsecond for an instruction
ITERATIONS, FEW = 5, 1


def measure(contestants: Sequence[str], rounds: int) -> dict[str, Any]:
    """Iterations a second of each contestant, and its multiple of what hand-written Python does."""
    # beside mixed.wasm, not a module of the package
    from mixed import mixed

    calls: dict[str, Callable[[], Any]] = {"twin": lambda: mixed(ITERATIONS)}
    iterations, absent = {"twin": ITERATIONS}, {}
    for name in contestants:
        exports = get(name, MODULE)
        if isinstance(exports, str):
            absent[name] = exports
            continue
        count = FEW if name in SLOW else ITERATIONS
        run = exports("mixed")
        for _ in range(2):
            found = run(count)
            if found != mixed(count):
                raise SystemExit(f"coremark: {name} gives {found}, not {mixed(count)}")
        calls[name] = lambda run=run, count=count: run(count)
        iterations[name] = count
    seconds = alternate(calls, rounds)
    rows = [
        {
            "contestant": name,
            "per_second": round(iterations[name] / statistics.median(taken), 2),
            "times_twin": round(ratio(taken, seconds["twin"]) * ITERATIONS / iterations[name], 3),
        }
        for name, taken in seconds.items()
    ]
    return {
        "benchmark": "coremark",
        **circumstances(),
        "versions": versions(contestants),
        "rounds": rounds,
        "rows": rows,
        "absent": absent,
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = [
        f"{result['python']}, load {result['load']}, medians of {result['rounds']} rounds",
        "",
        f"{'':13}{'iterations/s':>14}{'time / twin':>14}",
    ]
    for row in result["rows"]:
        lines.append(f"{row['contestant']:13}{row['per_second']:14.2f}{row['times_twin']:14.2f}")
    return "\n".join(lines)
