"""Programs of registries, cold and from each engine's cache, each run a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measuring import circumstances, geometric_mean
from .real.programs import PROGRAMS

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parents[2]
#: runs that fill a cache before the first that counts, so that it is the second process
FILLING = 1
#: seconds that one run may take
PATIENCE = 1200


def run(
    program: str,
    engine: str,
    modules: Path,
    cache: Path | None,
    bytecode: str,
    answers: int | None = None,
) -> Any:
    """What ``real.process`` says, or why it says nothing. Both engines' caches are told by the
    environment; an empty name switches them off."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept = "" if cache is None else str(cache)
    env.update(PYTHONPYCACHEPREFIX=bytecode, PWASM_CACHE_DIR=kept, PYWASMGK_CACHE=kept)
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tools")])
    command = [sys.executable, "-m", "benchmarks.real.process", program, engine, str(modules)]
    command += [] if answers is None else [str(answers)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return f"took longer than {PATIENCE} s"
    if done.returncode:
        return done.stderr.strip().rpartition("\n")[2][:300] or "no reason given"
    return json.loads(done.stdout)


def row(
    program: str,
    engines: Sequence[str],
    rounds: int,
    modules: Path,
    warm: bool,
    bytecode: str,
    answers: int | None = None,
) -> dict[str, Any]:
    """One program on all engines, by turns, in medians."""
    runs: dict[str, list[Any]] = {engine: [] for engine in engines}
    with tempfile.TemporaryDirectory() as folder:
        caches = {engine: Path(folder) / engine for engine in engines}
        for cache in caches.values():
            cache.mkdir(mode=0o700)
        for number in range(rounds + FILLING * warm):
            for engine in engines:
                if runs[engine] and isinstance(runs[engine][-1], str):
                    continue
                cache = caches[engine] if warm else None
                found = run(program, engine, modules, cache, bytecode, answers)
                if isinstance(found, str) or not warm or number >= FILLING:
                    runs[engine].append(found)
    result: dict[str, Any] = {"program": program, "toolchain": PROGRAMS[program].toolchain}
    result["warm"] = warm
    result["engines"] = {engine: _medians(found) for engine, found in runs.items()}
    digests = {item["digest"] for found in runs.values() for item in found if type(item) is dict}
    result["answers_equal"] = len(digests) == 1
    return result


def _medians(runs: list[Any]) -> Any:
    if isinstance(runs[-1], str):
        return runs[-1]
    keys = ("load", "first", "whole", "peak_mib")
    return {key: round(statistics.median(run[key] for run in runs), 4) for key in keys}


def measure(
    engines: Sequence[str],
    programs: Sequence[str],
    rounds: int,
    modules: Path,
    answers: int | None = None,
) -> dict[str, Any]:
    """All programs, cold and warm; modules are fetched or built first. Scripts that end after so
    many ``answers`` run cold only."""
    modules.mkdir(parents=True, exist_ok=True)
    chosen = [*programs] or [*PROGRAMS]
    for name in chosen:
        PROGRAMS[name].source(modules)
    with tempfile.TemporaryDirectory() as bytecode:
        # nobody's own sources are compiled in what counts
        for engine in engines:
            run(chosen[0], engine, modules, None, bytecode, 1)
        rows = [
            row(name, engines, rounds, modules, warm, bytecode, answers)
            for name in chosen
            for warm in ((False, True) if answers is None else (False,))
        ]
    return {"benchmark": "real_programs", **circumstances(), "rounds": rounds, "rows": rows}


def _ratios(rows: list[Any], engine: str, peer: str) -> list[float]:
    pairs = ((row["engines"].get(engine), row["engines"].get(peer)) for row in rows)
    return [
        theirs["whole"] / ours["whole"]
        for ours, theirs in pairs
        if isinstance(ours, dict) and isinstance(theirs, dict)
    ]


def table(result: dict[str, Any]) -> str:
    """The result as lines to read: seconds of load, first answer and whole script."""
    engines = [*result["rows"][0]["engines"]]
    lines = [
        f"{result['python']}, load {result['load']}; processor seconds to loaded / first answer / "
        f"end, medians of {result['rounds']}; peak MiB behind them",
        "",
        f"{'program':16}{'':5}" + "".join(f"{engine:>27}" for engine in engines),
    ]
    for row in result["rows"]:
        line = f"{row['program']:16}{'warm' if row['warm'] else 'cold':5}"
        for engine in engines:
            found = row["engines"][engine]
            if isinstance(found, str):
                line += f"{found[:25]:>27}"
                continue
            times = "/".join(f"{found[key]:.2f}" for key in ("load", "first", "whole"))
            line += f"{times:>21}{found['peak_mib']:6.0f}"
        lines.append(line + ("" if row["answers_equal"] else "  ANSWERS DIFFER"))
    for warm in (False, True):
        rows = [row for row in result["rows"] if row["warm"] is warm]
        for engine in engines:
            ratios = _ratios(rows, engine, "pwasm")
            if engine != "pwasm" and ratios:
                lines.append(
                    f"{'warm' if warm else 'cold'}: {engine} is {geometric_mean(ratios):.2f} times "
                    f"as fast as pwasm, at least {min(ratios):.2f}"
                )
        ratios = _ratios(rows, "interpreter", "auto")
        if ratios:
            lines.append(f"auto takes at most {max(ratios):.2f} of what interpreter takes")
    return "\n".join(lines)
