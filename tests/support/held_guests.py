"""Programs of compilers, with random arguments, in the form that generated programs have. Their
host calls back in."""

from __future__ import annotations

import functools
import random
from pathlib import Path
from typing import Any

from generator import Program
from oracle import Host, expose

__all__ = ["generate"]

_ROOT = Path(__file__).resolve().parents[2]
_PLUGINS = [f"tests/guests/{name}/errands.wasm" for name in ("c", "rust", "wat", "zig")]
#: exports that are called, and the most that each argument may be
_CALLS: dict[str, list[tuple[str, tuple[int, ...]]]] = {
    **{
        path: [
            ("gk_register", ()),
            ("gk_malloc", (300,)),
            ("gk_call", (2_000, 12, 2_000, 30)),
        ]
        for path in (*_PLUGINS, "tests/guests/assemblyscript/errands.wasm")
    },
    **{
        f"tests/guests/exceptions/{name}.wasm": [
            ("guarded", (9, 9, 9)), ("nested", (9, 9)), ("many", (20,)),
        ]
        for name in ("errors", "errors_legacy")
    },
    "tests/guests/debug/shapes.wasm": [("total", (3, 4))],
    "tools/kernels/kernels.wasm": [
        (name, (6,)) for name in ("fib", "sieve", "crc32", "sort", "hash64", "json", "nbody")
    ],
    "tools/kernels/simd.wasm": [(name, (6,)) for name in ("copy", "scan", "base64", "sha256")],
}  # fmt: skip


def _host_call(session: Any, *args: int) -> int:
    """Has the guest allocate, and writes there."""
    ((_, pointer),) = session.again("gk_malloc", (16,))
    if pointer:
        session.write(pointer, b"an answer of 16.")
    return pointer << 32 | 16 if pointer < 1 << 31 else 0


_HOST = {
    ("gk", "host_call"): Host(("i32",) * 4, ("i64",), _host_call),
    ("gk", "log"): Host(("i32",) * 3, (), lambda session, *args: None),
    ("env", "abort"): Host(("i32",) * 4, (), lambda session, *args: None),
}


@functools.cache
def _data(path: str) -> bytes:
    return expose((_ROOT / path).read_bytes(), functions=False)


def generate(seed: int) -> Program:
    """The program of a seed."""
    chance = random.Random(seed)
    path = chance.choice(sorted(_CALLS))
    calls = [
        (name, tuple(chance.randint(0, most) for most in mosts))
        for name, mosts in (chance.choice(_CALLS[path]) for _ in range(chance.randint(1, 4)))
    ]
    return Program(_data(path), calls, [], _HOST)
