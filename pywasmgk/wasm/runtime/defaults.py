"""What holds where a host says nothing: its limits, and the engines that it may choose from."""

from __future__ import annotations

import sys

__all__ = [
    "AUTO",
    "DEFAULT_COMMAND_MEMORY",
    "DEFAULT_DEPTH",
    "DEFAULT_FUEL",
    "DEFAULT_MEMORY_LIMIT",
    "DEFAULT_TABLE_LIMIT",
    "DEFAULT_TIMEOUT",
    "ENGINES",
    "FORCED",
    "OUTSIDE",
    "OWN",
]

#: instructions per outermost call
DEFAULT_FUEL = 1_000_000_000
#: seconds per outermost call
DEFAULT_TIMEOUT = 30.0
#: wasm frames on the call stack
DEFAULT_DEPTH = 2_000
#: pages that a module's memory may have
DEFAULT_MEMORY_LIMIT = 256
#: pages that the memory of a program may have; the stack alone of Zig's and others' takes 256
DEFAULT_COMMAND_MEMORY = 1024
#: elements that all tables of an instance may have together
DEFAULT_TABLE_LIMIT = 1_000_000

#: what may run a module
ENGINES = ("auto", "interpreter", "compiler")
#: engines of others that may, see ``wasm.engines``; the last one stands for the quickest there is
OUTSIDE = ("wasmtime", "browser", "fastest")
#: what "auto" is where Python itself runs in another engine, for what that can run; ``None`` is our
#: own
AUTO = "browser" if sys.platform == "emscripten" else None
#: "auto" among our own engines, for who holds calls: others cannot
OWN = "own"
#: what forces levels of the compiler, for tests and tools: each function at its first call, or
#: levels that change at calls and samples in no order
FORCED = ("quick", "optimized", "mixed")
