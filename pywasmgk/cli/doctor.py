"""The command ``doctor``: what of pywasmgk works on this machine, and what would let the rest."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

import click

from .. import examples
from .._version import __version__
from ..errors import CacheError, PywasmgkError
from ..plugin import MemoryHost, load
from ..wasm.cache.directory import CodeCache, user_directory
from ..wasm.runtime.defaults import ENGINES
from .output import say
from .session import FAILED, Session

__all__ = ["Finding", "diagnose"]

OK, MISSING, BROKEN = "ok", "missing", "broken"

#: a requirement as the metadata has it: a name, extras of it, bounds, and behind them its extra
_REQUIREMENT = re.compile(
    r'([\w.-]+)(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*(?:;.*\bextra == "([\w-]+)")?'
)
_BOUND = re.compile(r"(>=|==)\s*([0-9.]+)")
_PYTHON = re.compile(r'python_version (>=|<) "3\.([0-9]+)"')
#: extras of who works on the project
_INSIDE = frozenset({"test", "dev"})
#: what compiles plugins, by language: programs of which one does, or a module of Python's
_COMPILERS = {
    "C": (("clang", "zig"), "ziglang"),
    "Zig": (("zig",), "ziglang"),
    "Go": (("go",), ""),
    "TinyGo": (("tinygo",), ""),
    "Rust": (("cargo",), ""),
    "AssemblyScript": (("asc",), ""),
}


class Finding(NamedTuple):
    """One thing that was looked at."""

    about: str
    #: ``ok``, ``missing`` (something optional) or ``broken``
    state: str
    #: what was found, or why it is not so
    detail: str


def diagnose(session: Session) -> None:
    """Looks at all, and says what it finds; the exit code is 1 if something is broken."""
    findings = [*_looked_at()]
    if session.json:
        session.print_json({"findings": [finding._asdict() for finding in findings]})
    else:
        width = max(len(finding.about) for finding in findings)
        for about, state, detail in findings:
            say(f"{state:7}  {about:{width}}  {detail}".rstrip())
    if any(finding.state == BROKEN for finding in findings):
        raise click.exceptions.Exit(FAILED)


def _looked_at() -> Iterator[Finding]:
    yield Finding("pywasmgk", OK, __version__)
    python = f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}"
    yield Finding("Python", OK if sys.version_info >= (3, 10) else BROKEN, python)
    yield from _engines()
    yield _threads()
    yield _cache()
    yield from _extras()
    yield from _compilers()


def _engines() -> Iterator[Finding]:
    """Each engine, by a call of an embedded plugin."""
    outside = "browser" if sys.platform == "emscripten" else "wasmtime"
    for engine in (*ENGINES, outside):
        about = f"engine {engine}"
        try:
            yield Finding(about, OK, _greeting(engine))
        except PywasmgkError as error:
            yield Finding(about, MISSING if engine == outside else BROKEN, str(error))


def _greeting(engine: str) -> str:
    with load(examples.read("hello"), engine=engine, cache_dir="") as plugin:
        plugin.init(MemoryHost())
        answer = plugin.call("hello", {"name": "doctor"})
        return f"says {answer['message']!r}"


def _threads() -> Finding:
    """Whether threads can be started; without, guests are awaited in slices."""
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError:
        return Finding("threads", MISSING, "none here: call_async runs guests in slices")
    thread.join()
    return Finding("threads", OK, "")


def _cache() -> Finding:
    try:
        directory = user_directory()
        if directory is None:
            return Finding("cache", MISSING, "there is no home for it: --cache-dir names one")
        return Finding("cache", OK, str(CodeCache(directory).directory))
    except CacheError as error:
        return Finding("cache", MISSING, f"{error}: --cache-dir names another")


def _extras() -> Iterator[Finding]:
    """What the required packages are, and those of each extra."""
    try:
        lines = metadata.requires("pywasmgk") or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", MISSING, "pywasmgk is not installed, so none are known")
        return
    by_extra: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is not None and match[3] not in _INSIDE and _is_wanted(line):
            by_extra.setdefault(match[3] or "", []).append((match[1], match[2].strip()))
    for extra, wanted in by_extra.items():
        about = f"extra {extra}" if extra else "required packages"
        lacking = [_lacking(name, bounds) for name, bounds in wanted]
        missing = [text for text in lacking if text]
        if not missing:
            versions = ", ".join(f"{name} {metadata.version(name)}" for name, _ in wanted)
            yield Finding(about, OK, versions)
        elif extra:
            cure = f"pip install 'pywasmgk[{extra}]'"
            yield Finding(about, MISSING, f"{', '.join(missing)}: {cure}")
        else:
            yield Finding(about, BROKEN, ", ".join(missing))


def _is_wanted(line: str) -> bool:
    """Whether a requirement is one of this Python."""
    match = _PYTHON.search(line)
    if match is None:
        return True
    newer = sys.version_info >= (3, int(match[2]))
    return newer if match[1] == ">=" else not newer


def _lacking(name: str, bounds: str) -> str:
    """What is wrong about an installed package, or nothing."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"no {name}"
    for kind, bound in _BOUND.findall(bounds):
        found, least = _numbers(version), _numbers(bound)
        if found < least or (kind == "==" and found[: len(least)] != least):
            return f"{name} {version}, not {bounds}"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]+", version.split("+")[0])))


def _compilers() -> Iterator[Finding]:
    """What can build plugins, by language."""
    for language, (programs, module) in _COMPILERS.items():
        found = next(filter(None, map(shutil.which, programs)), None)
        if found is None and module and importlib.util.find_spec(module) is not None:
            found = f"{sys.executable} -m {module}"
        names = " or ".join([*programs, *([f"pip install {module}"] if module else [])])
        about = f"plugins in {language}"
        yield Finding(about, OK if found else MISSING, found or f"no {names}")
