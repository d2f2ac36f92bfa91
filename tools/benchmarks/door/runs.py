"""Runs the programs with wasmtime and with the door, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .programs import PROGRAMS, Program
from .pyodide import OURS, ROOT, WAY_IN, Site

__all__ = ["Outcome", "here", "measured", "prepare", "row", "start"]

_WASMTIME = "wasmtime==50.0.1"
#: what pytest needs besides on 3.10
_OLDER = ("exceptiongroup", "tomli", "typing-extensions")


class Outcome(NamedTuple):
    """What a process printed, how it ended, and its processor seconds."""

    output: bytes
    code: int
    seconds: float


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")


def prepare(folder: Path, names: list[str]) -> Path:
    """An environment of this Python with wasmtime and the packages of programs; gives its Python.
    What a package says of its own requirements is not asked: some want an older wasmtime."""
    place = folder / "python{}.{}".format(*sys.version_info[:2])
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
    ]
    wanted = {
        _WASMTIME,
        *OURS,
        *_OLDER,
        *(item for name in names for item in PROGRAMS[name].packages),
    }
    _run([*pip, *sorted(wanted)])
    for name in names:
        _fetch_tests(PROGRAMS[name], folder, python)
    return python


def _fetch_tests(program: Program, folder: Path, python: Path) -> None:
    """The source archive of a package, which has its tests."""
    place = work_place(program, folder)
    if not program.tests or place.exists():
        return
    with tempfile.TemporaryDirectory() as fetched:
        pip = [str(python), "-m", "pip", "download", "--quiet", "--no-deps"]
        _run([*pip, "--no-binary", ":all:", "--dest", fetched, program.tests])
        (archive,) = Path(fetched).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(folder)


def work_place(program: Program, folder: Path) -> Path:
    """Where a program runs."""
    return folder / program.tests.replace("-", "_").replace("==", "-") if program.tests else folder


def measured(command: Sequence[str], place: Path, **env: str) -> Outcome:
    """One run of a command in a folder, with a few more variables."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=place,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **env},
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Outcome(output.read(), process.returncode, usage.ru_utime + usage.ru_stime)


def write(program: Program, folder: Path) -> Path:
    """The program's file."""
    script = folder / "program.py"
    script.write_text(program.source, "utf-8")
    return script


def here(
    python: Path, program: Program, folder: Path, door: bool = False, cache: str = ""
) -> Outcome:
    """A program on this Python, with the door and its cache or with wasmtime."""
    way_in = [*WAY_IN] if door else []
    command = [str(python), *way_in, str(write(program, folder))]
    env = {"PYTHONPATH": str(ROOT), "PYWASMGK_CACHE": cache}
    return measured(command, work_place(program, folder), **env)


def start(site: Site) -> Outcome:
    """What Pyodide needs to start and to import the door, for an empty program."""
    script = write(Program((), "", "import wasmtime"), site.folder)
    return measured(site.command(script), site.folder)


def row(python: Path, name: str, folder: Path, site: Site | None = None) -> dict[str, Any]:
    """A program's processor seconds with wasmtime, with the door, and with the door's cache; the
    latter two in Pyodide if there is a site."""
    program = PROGRAMS[name]
    with tempfile.TemporaryDirectory() as cache:
        runs = {"wasmtime": here(python, program, folder)}
        for which in ("first", "later"):
            if site:
                script = write(program, folder)
                runs[which] = measured(site.command(script, cache), work_place(program, folder))
            else:
                runs[which] = here(python, program, folder, door=True, cache=cache)
    wanted = (runs["wasmtime"].output, 0)
    same = all((run.output, run.code) == wanted for run in runs.values())
    found = {what: round(run.seconds, 2) for what, run in runs.items()}
    return {"package": name, "toolchain": program.toolchain, "same": same, **found}
