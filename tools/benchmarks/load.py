"""What decoding and validating take: real modules beside pwasm's decoder, which validates nothing,
and the files of ``tests/support/loading_shapes.py``, made to be dear."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .measuring import circumstances

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parent.parent.parent
#: what is measured where no file is given
FILES = (
    "tests/guests/go/workshop.wasm",
    "tests/guests/go/errands/errands.wasm",
    "tests/guests/wasi/words.wasm",
    "tests/guests/assemblyscript/workshop.wasm",
    "tests/guests/c/errands_libc.wasm",
    "tools/kernels/kernels.wasm",
    "tools/kernels/rust.wasm",
)
#: bytes of a dear file
SIZE = 100_000


def seconds_of(work: Callable[[], object]) -> float:
    """CPU time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def empty_call() -> float:
    """CPU time of an empty call."""

    def nothing() -> None:
        pass

    def million() -> None:
        for _ in range(1_000_000):
            nothing()

    return statistics.median(seconds_of(million) for _ in range(3)) / 1e6


def memory_of(load: Callable[[], object]) -> tuple[int, int]:
    """Bytes that are kept, and the most that there were at once."""
    import tracemalloc  # PyPy has none, and can run the other benchmarks

    gc.collect()
    tracemalloc.start()
    kept = load()
    found = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return found


def _peer() -> Callable[[bytes], object] | None:
    """pwasm's decoder, if it is installed."""
    if importlib.util.find_spec("pwasm") is None:
        return None
    decode: Callable[[bytes], object] = importlib.import_module("pwasm").decode_module
    return decode


def row(path: Path, rounds: int) -> dict[str, Any]:
    """A real module, ours and pwasm's decoder alternately."""
    import pywasmgk

    decode = _peer()
    data = path.read_bytes()
    module = pywasmgk.Module(data, cache_dir="")
    code = sum(end - start for start, end in module.bodies)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(seconds_of(lambda: pywasmgk.Module(data, cache_dir="")))
        theirs.append(0.0 if decode is None else seconds_of(lambda: decode(data)))
    kept, peak = memory_of(lambda: pywasmgk.Module(data, cache_dir=""))
    own, peer = statistics.median(ours), statistics.median(theirs)
    return {
        "file": str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name,
        "bytes": len(data),
        "code_bytes": code,
        "functions": len(module.bodies),
        "ms": round(own * 1e3, 1),
        "seconds_per_mb_code": round(own / code * 1e6, 3),
        "pwasm_decode_ms": None if decode is None else round(peer * 1e3, 1),
        "kept_times_size": round(kept / len(data), 2),
        "peak_times_size": round(peak / len(data), 2),
    }


def dear(name: str, data: bytes, call: float) -> dict[str, Any]:
    """A file that was made to be dear, in time of a machine where an empty call takes 50 ns."""
    import pywasmgk

    def load() -> object:
        try:
            return pywasmgk.Module(data, cache_dir="")
        except pywasmgk.PywasmgkError as error:
            return str(error)

    took = min(seconds_of(load) for _ in range(3))
    return {
        "shape": name,
        "bytes": len(data),
        "us_per_byte": round(took / len(data) * 1e6 * 50e-9 / call, 2),
        "peak_times_size": round(memory_of(load)[1] / len(data), 1),
    }


def measure(file: Path | None, rounds: int) -> dict[str, Any]:
    """One file, or all, and the dear ones."""
    call = empty_call()
    paths = [ROOT / name for name in FILES] if file is None else [file.resolve()]
    result = {
        "benchmark": "load",
        **circumstances(),
        "rounds": rounds,
        "empty_call_ns": round(call * 1e9, 1),
        "rows": [row(path, rounds) for path in paths],
        "shapes": [],
    }
    if file is None:
        sys.path.insert(0, str(ROOT / "tests" / "support"))
        from loading_shapes import SHAPES

        result["shapes"] = [dear(name, make(SIZE), call) for name, make in SHAPES.items()]
    return result


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = [
        f"{result['python']}, load {result['load']}; an empty call takes "
        f"{result['empty_call_ns']} ns; CPU time, medians of {result['rounds']}",
        "",
        f"{'file':44}{'KB code':>9}{'ms':>8}{'s/MB':>7}{'pwasm ms':>10}{'kept':>6}{'peak':>6}",
    ]
    for item in result["rows"]:
        lines.append(
            f"{item['file']:44}{item['code_bytes'] / 1e3:9.1f}{item['ms']:8.1f}"
            f"{item['seconds_per_mb_code']:7.3f}{item['pwasm_decode_ms'] or 0:10.1f}"
            f"{item['kept_times_size']:6.1f}{item['peak_times_size']:6.1f}"
        )
    if result["shapes"]:
        lines += ["", f"{'made to be dear':48}{'us/byte':>9}{'peak':>7}"]
    for item in result["shapes"]:
        lines.append(f"{item['shape']:48}{item['us_per_byte']:9.2f}{item['peak_times_size']:7.1f}")
    return "\n".join(lines)
