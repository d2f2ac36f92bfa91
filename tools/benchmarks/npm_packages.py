"""Packages of npm through ``pywasmgk.compat`` beside Node: equal answers, and what they cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .npm.programs import PROGRAMS

__all__ = ["fetch", "measure", "table"]

ROOT = Path(__file__).resolve().parents[2]
#: seconds that one run may take
PATIENCE = 900
#: engines that run what needs no host
OTHERS = ("wasmtime", "pwasm")

_NODE = """\
import {{ createRequire }} from "node:module";
import fs from "node:fs";
const require = createRequire(process.cwd() + "/x.js");
const root = process.cwd() + "/node_modules";
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const answer = await (async () => {{ {body} }})();
const {{ user, system }} = process.cpuUsage();
fs.writeSync(1, JSON.stringify({{ answer, seconds: (user + system) / 1e6 }}));
process.exit(0);
"""


def fetch(names: Sequence[str], folder: Path) -> None:
    """Has npm install the packages, without running anything of theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [spec for name in names for spec in PROGRAMS[name].packages]
    missing = [spec for spec in wanted if not _has(folder, spec)]
    if not missing:
        return
    (folder / "package.json").write_text('{"private": true}')
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]
    subprocess.run([*command, *wanted], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _has(folder: Path, spec: str) -> bool:
    name, _, version = spec.rpartition("@")
    about = folder / "node_modules" / name / "package.json"
    return about.is_file() and json.loads(about.read_text("utf-8"))["version"] == version


def _run(command: Sequence[str], folder: Path, **env: str) -> Any:
    """What a process prints, or why it prints nothing."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, **env},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"took longer than {PATIENCE} s"
    except OSError as error:
        return str(error)
    try:
        return json.loads(done.stdout.rpartition("\n")[2] or done.stdout)
    except ValueError:
        lines = (done.stderr.strip() or "no reason given").splitlines()
        return next((line for line in lines if "Error" in line), lines[-1])[:300]


def measure_one(name: str, folder: Path) -> dict[str, Any]:
    """One program everywhere."""
    program = PROGRAMS[name]
    node = _run(["node", "--input-type=module", "-e", _NODE.format(body=program.node)], folder)
    found: dict[str, Any] = {"program": name, "toolchain": program.toolchain, "node": node}
    found["packages"] = list(program.packages)
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tools")])
    for engine in ("auto", *(OTHERS if program.raw else ())):
        command = [sys.executable, "-m", "benchmarks.npm.process", name, engine, str(folder)]
        found[engine] = _run(command, folder, PYTHONPATH=paths, PYWASMGK_CACHE="")
    answers = [found[key] for key in ("node", "auto")]
    found["equal"] = all(isinstance(item, dict) for item in answers) and (
        answers[0]["answer"] == answers[1]["answer"]
    )
    return found


def measure(names: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """All programs, one after the other."""
    fetch(names, folder)
    return [measure_one(name, folder) for name in names]


def _seconds(item: Any) -> str:
    return f"{item['seconds']:.2f}" if isinstance(item, dict) else "-"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The result as a table in Markdown."""
    lines = [
        "| package | built with | answers | pywasmgk | Node | wasmtime | pwasm |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        # a version is not what a table is read for
        package = row["packages"][0].rpartition("@")[0]
        cells = [f"`{package}`", row["toolchain"], "equal" if row["equal"] else "DIFFER"]
        cells += [_seconds(row.get(key)) for key in ("auto", "node", *OTHERS)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
