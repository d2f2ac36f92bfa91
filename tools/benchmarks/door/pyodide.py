"""The programs in Pyodide, in Node: where wasmtime's wheels do not go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ..pyodide import check_tool
from .programs import PROGRAMS

__all__ = ["Site", "prepare"]

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("pyodide.mjs")
#: seconds after which a call is given up
PATIENCE = 300
#: how a program comes in by the door, behind the name of Python
WAY_IN = ("-m", "pywasmgk.compat", "--timeout", str(PATIENCE))
#: what the door and the tests of packages need
OURS = ("ppci", "click", "pytest", "iniconfig", "packaging", "pluggy", "pygments")
#: what ppci needs besides from 3.13 on
_NEWER = ("standard-cgitb",)


class Site(NamedTuple):
    """Pyodide, and a folder of packages for it."""

    pyodide: Path
    packages: Path
    folder: Path

    def command(self, script: Path, cache: str = "") -> list[str]:
        """A program by the door there."""
        words = [*WAY_IN[2:], str(script)]
        mounted = {"site": self.packages, "ours": ROOT, "folder": self.folder, "cache": cache}
        config = {"words": words, **{name: str(path) for name, path in mounted.items()}}
        return ["node", str(SCRIPT), str(self.pyodide), json.dumps(config)]


def prepare(folder: Path, names: list[str], version: str) -> Site:
    """Fetches Pyodide from npm, and from PyPI the packages of programs in wheels for it."""
    pyodide: Path = check_tool().fetch_package(folder, "pyodide", version)
    lock = json.loads((pyodide / "pyodide-lock.json").read_text("utf-8"))["info"]
    release = "".join(lock["python"].split(".")[:2])
    packages = folder / f"pyodide{release}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    pip += ["--disable-pip-version-check", "--only-binary", ":all:", "--target", str(packages)]
    pip += ["--python-version", lock["python"], "--implementation", "cp", "--abi", f"cp{release}"]
    for name in ("pyemscripten", "pyodide"):  # the tag has had both names
        pip += ["--platform", f"{name}_{lock['abi_version']}_wasm32"]
    wanted = {*OURS, *_NEWER, *(item for name in names for item in PROGRAMS[name].packages)}
    done = subprocess.run([*pip, *sorted(wanted)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"packages for Pyodide: {done.stderr.strip()[-2000:]}")
    return Site(pyodide, packages, folder)
