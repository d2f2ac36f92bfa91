"""What tools need of npm and PyPI: fetched once, by their own clients, into a folder that is kept.
With a full one no network is needed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

__all__ = ["do", "fail", "npm_packages", "program", "pure_wheels", "python_with"]


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the tool, saying why; 2 is the exit code of those that miss something here."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    raise SystemExit(code)


def program(name: str) -> str:
    """Where a program is."""
    found = shutil.which(name)
    if found is None:
        fail(f"{name} is not there")
    return found


def do(what: str, *command: str | Path, folder: Path | None = None) -> str:
    """Runs a command that must succeed, in a folder; gives its standard output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        fail(f"cannot {what}:\n{(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def _complete(place: Path, wanted: Sequence[str]) -> bool:
    """Whether a folder has what is wanted, and all of it."""
    mark = place / "complete.json"
    return mark.exists() and json.loads(mark.read_text("utf-8")) == [*wanted]


def _completed(place: Path, wanted: Sequence[str]) -> None:
    (place / "complete.json").write_text(json.dumps([*wanted]), "utf-8")


def npm_packages(cache: Path, name: str, wanted: Sequence[str]) -> Path:
    """The folder ``node_modules`` with packages of npm, each as ``name@version``."""
    place = cache / name
    if not _complete(place, wanted):
        place.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save")
        do(f"fetch {name}", program("npm"), "install", *quiet, "--prefix", place, *wanted)
        _completed(place, wanted)
    return place / "node_modules"


def python_with(cache: Path, name: str, wanted: Sequence[str]) -> Path:
    """The interpreter of an environment with packages of PyPI, each a requirement."""
    place = cache / name
    python = place / "bin" / "python"
    if not _complete(place, wanted):
        do("make an environment", sys.executable, "-m", "venv", "--clear", place)
        do(f"fetch {name}", python, "-m", "pip", "install", "--quiet", *wanted)
        _completed(place, wanted)
    return python


def pure_wheels(cache: Path, name: str, wanted: Sequence[str], version: str) -> list[Path]:
    """Wheels that run wherever Python of a version does, each by its requirement and without what
    it depends on."""
    place = cache / name
    if not _complete(place, wanted):
        shutil.rmtree(place, ignore_errors=True)
        pure = ("--platform", "any", "--implementation", "py", "--abi", "none")
        options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python-version", version)
        pip = (sys.executable, "-m", "pip", "download", *options, *pure)
        do(f"fetch {name}", *pip, "--dest", place, *wanted)
        _completed(place, wanted)
    return sorted(place.glob("*.whl"))
