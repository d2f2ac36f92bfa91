"""C to a module, by a compiler that is on this machine: clang with its wasm linker, or zig."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import PywasmgkError

__all__ = ["CompilationError", "compile_c", "compilers"]

#: no libc, no program: every function that is not static is exported
_CLANG = (
    "--target=wasm32", "-nostdlib", "-Wl,--no-entry", "-Wl,--export-dynamic",
)  # fmt: skip
_ZIG = (
    "-target", "wasm32-freestanding", "-nostdlib", "-fvisibility=default", "-Wl,--no-entry",
    "-Wl,--export-dynamic",
)  # fmt: skip
#: seconds that a compiler may take; zig's first run takes a minute
_LONGEST = 180


class CompilationError(PywasmgkError):
    """What a compiler says of a source, or that there is none."""


def compilers() -> list[list[str]]:
    """The compilers that are there, the better first: the words that each is called with."""
    found = []
    clang = shutil.which("clang")
    if clang is not None and shutil.which("wasm-ld") is not None:
        found.append([clang, *_CLANG])
    zig = shutil.which("zig")
    if zig is not None:
        found.append([zig, "cc", *_ZIG])
    elif importlib.util.find_spec("ziglang") is not None:
        found.append([sys.executable, "-m", "ziglang", "cc", *_ZIG])
    return found


def compile_c(source: str, flags: Sequence[str] = ("-O2",)) -> bytes:
    """The module of a source. Raises CompilationError with what the compiler says."""
    known = compilers()
    if not known:
        raise CompilationError(
            "no C compiler for WebAssembly was found: install clang and lld, or "
            "`pip install ziglang`"
        )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "cell.c")
        place.write_text(source, "utf-8")
        made = Path(folder, "cell.wasm")
        words = [*known[0], *flags, "-o", str(made), place.name]
        try:
            done = subprocess.run(
                words, cwd=folder, capture_output=True, text=True, timeout=_LONGEST
            )
        except subprocess.TimeoutExpired:
            raise CompilationError(f"the compiler took more than {_LONGEST} s") from None
        if done.returncode or not made.exists():
            raise CompilationError(done.stderr.strip() or "the compiler made no module")
        return made.read_bytes()
