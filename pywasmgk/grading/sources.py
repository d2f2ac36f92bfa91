"""From a submission's files to a module: which of them it is, read or compiled."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import DecodeError, Stopped, ValidationError
from ..printable import printable
from ..wasm.module import Module
from .specification import Compiler, Specification
from .submissions import Submission
from .verdicts import Verdict

__all__ = ["Failed", "module_of"]

_WASM, _SOURCES = b"\0asm", (".c",)
#: what is graded unless the specification says what is
_USUAL = (".wat", ".wasm", *_SOURCES)
#: bytes of a compiler's messages that are kept, and bytes of a file that it may write
_MOST_SAID, _MOST_WRITTEN = 8_000, 256 << 20
#: what a compiler is told of the environment: where programs and their caches are
_TOLD = (
    "PATH", "HOME", "XDG_CACHE_HOME", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "SYSTEMROOT",
    "LOCALAPPDATA", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH",
)  # fmt: skip
#: seconds that reading a module may take: a net, since its size is bounded
_READING = 120.0
#: what a compiler's process does first
_STARTER = (
    "import os, resource, sys; cpu, size, memory, *words = sys.argv[1:]; "
    "resource.setrlimit(resource.RLIMIT_CPU, (int(cpu),) * 2); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(size),) * 2); "
    "int(memory) and resource.setrlimit(resource.RLIMIT_AS, (int(memory),) * 2); "
    "os.execvp(words[0], words)"
)


class Failed(Exception):
    """A test or a submission that ends with a verdict; ``about`` is for students, ``inside`` for
    who grades."""

    def __init__(self, verdict: Verdict, about: str, inside: str = "") -> None:
        super().__init__(verdict, about, inside)
        self.verdict = verdict
        self.about = about
        self.inside = inside


def module_of(specification: Specification, submission: Submission) -> Module:
    """The module of a submission. Raises Failed, with CE for what is its own fault."""
    if submission.problem is not None:
        raise Failed(Verdict.CE, submission.problem)
    name = _main_file(specification, submission.files)
    data = submission.files[name]
    if len(data) > specification.file_bytes:
        size = f"{len(data):,} bytes, and {specification.file_bytes:,} are allowed"
        raise Failed(Verdict.CE, f"{name} is too large: {size}")
    if name.lower().endswith(_SOURCES) and not data.startswith(_WASM):
        if specification.compile is None:
            why = f"{name} has to be compiled, and no compiler was given"
            raise Failed(Verdict.SE, why, f"{why}: --cc, or compile: in the specification")
        data = compiled(specification.compile, submission.files, name)
    return _read(name, data)


def _main_file(specification: Specification, files: Mapping[str, bytes]) -> str:
    """The file that is graded."""
    if not files:
        raise Failed(Verdict.CE, "nothing was handed in")
    pattern = specification.file
    names = [*files]
    if len(names) == 1:
        return names[0]
    if pattern is not None:
        names = [name for name in names if fnmatchcase(name, pattern)]
    else:
        names = [name for name in names if name.lower().endswith(_USUAL)]
    if len(names) == 1:
        return names[0]
    wanted = f"called {pattern}" if pattern else f"ending in {', '.join(_USUAL)}"
    raise Failed(Verdict.CE, f"{len(names) or 'no'} files {wanted} were handed in, not one")


def _read(name: str, data: bytes) -> Module:
    if not data:
        raise Failed(Verdict.CE, f"{name} is empty")
    try:
        if data.startswith(_WASM):
            return Module(data, name=name, cache_dir="", timeout=_READING)
        return Module.from_wat(data, name=name, cache_dir="", timeout=_READING)
    except (DecodeError, ValidationError) as error:
        raise Failed(Verdict.CE, f"{name}: {error}") from error
    except Stopped as error:
        raise Failed(Verdict.SE, f"{name} took too long to read", repr(error)) from error


# -- compilers


def compiled(compiler: Compiler, files: Mapping[str, bytes], name: str) -> bytes:
    """The module that a compiler makes of a source, in a folder of its own. Raises Failed: CE where
    the compiler refuses the source, SE where it is missing or ends by its limits."""
    with tempfile.TemporaryDirectory(prefix="pywasmgk-grade-") as folder:
        for path, data in files.items():
            place = Path(folder, *path.split("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        output = Path(folder, ".compiled.wasm")
        code, said = _run(_words(compiler, name, output.name), compiler, folder)
        said = said.replace(folder + os.sep, "").replace(folder, "")
        if code < 0:
            raise Failed(Verdict.SE, "the compiler was ended", f"signal {-code}: {said}")
        if code:
            raise Failed(Verdict.CE, said.strip() or f"the compiler ended with code {code}")
        try:
            return output.read_bytes()
        except OSError as error:
            raise Failed(Verdict.SE, "the compiler wrote nothing", repr(error)) from error


def _words(compiler: Compiler, source: str, output: str) -> list[str]:
    words = shlex.split(compiler.command)
    if not words:
        raise Failed(Verdict.SE, "no compiler was given")
    # a name that begins with a dash would be an option
    source = f"./{source}"
    if any("{source}" in word for word in words):
        return [word.replace("{source}", source).replace("{output}", output) for word in words]
    return [*words, source, "-o", output]


def _run(words: Sequence[str], compiler: Compiler, folder: str) -> tuple[int, str]:
    """Runs a compiler; gives its exit code and what it has said."""
    limits: list[str] = []
    if os.name == "posix":
        # the process sets them itself: with threads, no Python may run between fork and exec
        numbers = (int(compiler.seconds) + 1, _MOST_WRITTEN, compiler.megabytes << 20)
        limits = [sys.executable, "-I", "-S", "-c", _STARTER, *map(str, numbers)]
    environment = {name: os.environ[name] for name in _TOLD if name in os.environ}
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                [*limits, *words],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise _missing(words, error) from error
        try:
            code = process.wait(compiler.seconds)
        except subprocess.TimeoutExpired as error:
            raise Failed(Verdict.SE, "the compiler took too long", repr(error)) from error
        finally:
            _end(process)
        said.seek(0)
        text = said.read(_MOST_SAID).decode("utf-8", "replace")
    if limits and code == 1 and f"FileNotFoundError: {_NO_FILE}" in text:
        raise _missing(words, text)
    return code, printable(text, lines=True)


_NO_FILE = "[Errno 2]"


def _missing(words: Sequence[str], why: object) -> Failed:
    return Failed(Verdict.SE, "there is no compiler", f"{printable(words[0])}: {why}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a compiler with all that it has started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    elif process.poll() is None:
        process.kill()
    process.wait()
