"""What compiling costs: microseconds for a wasm instruction, and how that grows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .measuring import circumstances, clock

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parent.parent.parent
#: functions of the plugin that are compiled: one of so many
EVERY = 20
#: sizes of made functions, in instructions
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)


def sources(module: Any, index: int) -> Callable[[], object]:
    """Compiles a function at the optimized level, text and code object."""
    from pywasmgk.wasm.compiler.driver import CannotCompile, source_of
    from pywasmgk.wasm.compiler.source import compile_source

    def run() -> object:
        try:
            return compile_source(source_of(module, index))
        except CannotCompile as error:
            return error

    return run


def made(size: int) -> dict[str, bytes]:
    """Functions of that many instructions, by shape."""
    sys.path.insert(0, str(ROOT / "tests" / "wasm" / "compiler"))
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from test_growth import SHAPES
    from wasm_builder import function

    found = {}
    for shape in SHAPES:
        each = (len(shape(108)) - len(shape(8))) / 100
        code = shape(int(size / each))
        found[shape.__name__] = function("i32", "", *code, locals_="i32 " * 201)
    return found


def empty_call(rounds: int) -> float:
    """Nanoseconds of a call of a Python function that does nothing: the measure of the machine."""

    def nothing() -> None:
        pass

    best = float("inf")
    for _ in range(rounds):
        start = clock()
        for _ in range(100_000):
            nothing()
        best = min(best, (clock() - start) / 100_000)
    return best * 1e9


def plugin(path: Path) -> Iterator[tuple[int, float]]:
    """Instructions and seconds of a part of a plugin's functions."""
    import pywasmgk

    module = pywasmgk.Module(path.read_bytes())
    for index in range(module.import_counts["func"], len(module.functions), EVERY):
        size = len(module.block_map(index).code)
        run = sources(module, index)
        start = clock()
        run()
        yield size, clock() - start


def measure(file: Path | None, rounds: int) -> dict[str, Any]:
    """The mean over a Go plugin, and functions of growing size."""
    import pywasmgk

    path = file or ROOT / "tests" / "guests" / "go" / "workshop.wasm"
    pairs = list(plugin(path))
    total = sum(size for size, _ in pairs)
    growth: dict[str, dict[str, float]] = {}
    for size in SIZES:
        for name, data in made(size).items():
            module = pywasmgk.Module(data)
            count = len(module.block_map(0).code)
            start = clock()
            outcome = sources(module, 0)()
            taken = (clock() - start) / count * 1e6
            refused = isinstance(outcome, Exception)
            growth.setdefault(name, {})[f"{count}"] = -1.0 if refused else round(taken, 1)
    return {
        "benchmark": "compiling",
        "circumstances": circumstances(),
        "empty_call_ns": round(empty_call(rounds), 1),
        "plugin": path.name,
        "instructions": total,
        "us_per_instruction": round(sum(took for _, took in pairs) / total * 1e6, 1),
        "growth": growth,
    }


def table(result: dict[str, Any]) -> str:
    """Microseconds for an instruction, by shape and size; a line for each shape."""
    lines = [
        f"{result['plugin']}: {result['us_per_instruction']} us for each of "
        f"{result['instructions']:,} instructions; an empty call takes "
        f"{result['empty_call_ns']} ns",
    ]
    for name, row in result["growth"].items():
        cells = ", ".join(
            f"{int(count):,}: {'left out' if taken < 0 else taken}" for count, taken in row.items()
        )
        lines.append(f"{name:10} {cells}")
    return "\n".join(lines)
