"""Random modules by another hand: what binaryen's ``wasm-opt -ttf`` makes of random bytes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from generator import EDGES, Program
from oracle import Host

import pywasmgk

__all__ = ["fuzzer", "wasm_opt"]

#: what its modules may use, and no NaN whose bits are the platform's
_OPTIONS = (
    "-ttf", "--denan", "--mvp-features", "--enable-sign-ext",
    "--enable-nontrapping-float-to-int", "--enable-bulk-memory", "--enable-multivalue",
    "--enable-mutable-globals",
)  # fmt: skip
#: what they import
_HOST = {
    **{
        ("fuzzing-support", f"log-{kind}"): Host((kind,), (), lambda session, value: None)
        for kind in ("i32", "i64", "f32", "f64")
    },
    ("fuzzing-support", "call-export"): Host(("i32", "i32"), (), lambda *args: None),
    ("fuzzing-support", "call-export-catch"): Host(("i32",), ("i32",), lambda session, number: 0),
    ("fuzzing-support", "sleep"): Host(("i32", "i32"), ("i32",), lambda session, ms, value: value),
}


def wasm_opt() -> str | None:
    """The program, where ``WASM_OPT`` says or on the path."""
    return os.environ.get("WASM_OPT") or shutil.which("wasm-opt")


def fuzzer(command: str) -> Callable[..., Program]:
    """A function that makes programs as ``generator.generate`` does; its tapes are bytes."""

    def generate(seed: int | None = None, tape: Sequence[int] = ()) -> Program:
        chance = random.Random(seed)
        data = bytes(tape) if seed is None else chance.randbytes(chance.randint(300, 6_000))
        made = _made(command, data)
        return Program(made, _calls(made, random.Random(len(data))), list(data), _HOST)

    return generate


def _made(command: str, data: bytes) -> bytes:
    """The module that random bytes become."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "bytes"), Path(folder, "module.wasm")
        source.write_bytes(data)
        words = [command, str(source), *_OPTIONS, "-o", str(target)]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        return target.read_bytes()


def _calls(data: bytes, chance: random.Random) -> list[tuple[str, tuple[Any, ...]]]:
    """Two calls of each function that is exported, in order."""
    module = pywasmgk.Module(data)
    functions = [export for export in module.exports if export.kind == "func"]
    return [
        (export.name, tuple(chance.choice(EDGES[str(kind)]) for kind in export.type.params))
        for _ in range(2)
        for export in functions
    ]
