"""What holding an execution costs: running, stops, suspending, going back."""

from __future__ import annotations

import asyncio
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .measuring import alternate, circumstances, ratio, timed

__all__ = ["measure", "table"]

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "tools" / "kernels" / "kernels.wasm"
#: sizes of kernels that take the loop some 0.1 s
SIZES = {"fib": 19, "sieve": 8_000, "crc32": 2_000, "sort": 900, "hash64": 12_000}
#: the same for calls in slices: what has recursion, calls through tables, loops alone
SLICED = {
    "fib": 19, "sort": 900, "dispatch": 5_000, "sieve": 8_000, "crc32": 2_000, "hash64": 12_000,
    "matmul": 30,
}  # fmt: skip
#: steps of history that are gone back from
LENGTHS = (10_000, 100_000, 1_000_000, 10_000_000)
#: how often one step is gone back for a median
BACKS = 9
#: 16 MiB, written in blocks that are far apart, so that each stretch of the past touches all
TOUCHING = """(module (memory 256) (func (export "run") (param $n i32)
  (loop (i32.store (i32.and (i32.mul (local.get $n) (i32.const 4100)) (i32.const 0xFFFFFC))
                   (local.get $n))
    (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
#: the same, but for 64 KiB
STAYING = TOUCHING.replace("0xFFFFFC", "0xFFFC")


def measure(rounds: int, scale: float = 1.0) -> dict[str, Any]:
    """All of them; ``scale`` is of sizes and lengths."""
    lengths = [int(length * scale) for length in LENGTHS]
    return {
        "benchmark": "held",
        **circumstances(),
        "running": running(rounds, scale),
        "stops": [stops()],
        "slices": slices(rounds, scale),
        "back": [
            row
            for name, text in (("64 KiB written", STAYING), ("16 MiB written", TOUCHING))
            for row in back(name, text, lengths)
        ],
        "suspending": suspending(),
    }


# -- running


def running(rounds: int, scale: float) -> list[dict[str, Any]]:
    """Kernels whose calls are held, in times of the plain loop."""
    import pywasmgk

    module = pywasmgk.Module.from_file(KERNELS)
    ways: dict[str, Callable[[Any, str, int], Any]] = {
        "plain": lambda instance, name, size: instance.exports[name](size),
        "held": _held,
        "held, no history": lambda *call: _held(*call, history=None),
        "breakpoints": lambda *call: _held(*call, stops=_breakpoints),
    }
    rows = []
    for name, size in SIZES.items():
        size = max(int(size * scale), 2)
        instance = pywasmgk.instantiate(module, engine="interpreter", fuel=None, timeout=None)
        calls = {way: partial(act, instance, name, size) for way, act in ways.items()}
        if len({repr(call()) for call in calls.values()}) != 1:
            raise SystemExit(f"{name}: not the same results")
        seconds = alternate(calls, rounds)
        plain = seconds.pop("plain")
        row = {"kernel": name, "instructions": instance.fuel_used}
        rows.append(row | {way: round(ratio(took, plain), 2) for way, took in seconds.items()})
    return rows


def _held(
    instance: Any,
    name: str,
    size: int,
    history: int | None = 64 << 20,
    stops: Callable[[Any], None] | None = None,
) -> Any:
    with instance.start(name, size, history=history) as held:
        if stops is not None:
            stops(held)
        _to_the_end(held)
        return held.results


def _breakpoints(held: Any) -> None:
    """Some that the run does not come to, in the function that runs too."""
    for func in held.instance.exports.values():
        if isinstance(func, type(held.func)) and func is not held.func:
            held.break_at(func.index)
    held.break_at(held.func.index, instruction="unreachable")
    held.break_at(instruction="memory.*")


def stops() -> dict[str, float]:
    """Microseconds of a breakpoint that stops, of one whose condition does not hold, and of a
    watchpoint that an instruction could touch, beside running on."""
    import pywasmgk

    count = 2_000
    found = {}
    for name, stopping in (
        ("stop", lambda held: held.break_at(instruction="i32.mul")),
        ("condition", lambda held: held.break_at(instruction="i32.mul", condition=_no)),
        ("watchpoint", lambda held: held.watch_memory(8, 4)),
        ("step", None),
    ):
        with pywasmgk.instantiate(STAYING).start("run", count) as held:
            if stopping is None:
                _, took = timed(lambda held=held: [held.step() for _ in range(count)])
            else:
                stopping(held)
                _, took = timed(lambda held=held: _to_the_end(held))
            found[name] = round(1e6 * took / count, 1)
    return found


def _no(at: Any) -> bool:
    return False


# -- in an event loop


def slices(rounds: int, scale: float) -> list[dict[str, Any]]:
    """Kernels that are awaited without threads, in times of the same interpreted, and the longest
    time on the wall, in milliseconds, that the event loop had no turn."""
    import pywasmgk

    module = pywasmgk.Module.from_file(KERNELS)
    rows = []
    for name, size in SLICED.items():
        size = max(int(size * scale), 2)
        waits: dict[str, float] = {}
        calls: dict[str, Callable[[], Any]] = {}
        for engine in ("interpreter", "auto"):
            made = pywasmgk.instantiate(module, engine=engine, fuel=None, timeout=None)
            calls[engine] = partial(_awaited, made, name, size, waits, engine)
        if len({repr(call()) for call in calls.values()}) != 1:
            raise SystemExit(f"{name}: not the same results")
        waits.clear()
        seconds = alternate(calls, rounds)
        found = ratio(seconds["auto"], seconds["interpreter"])
        worst = {f"{engine}_wait_ms": round(1e3 * wait, 1) for engine, wait in waits.items()}
        rows.append({"kernel": name, "times": round(found, 3), **worst})
    return rows


def _awaited(instance: Any, name: str, size: int, waits: dict[str, float], engine: str) -> Any:
    async def main() -> Any:
        call = asyncio.ensure_future(instance.exports[name].call_async(size, threads=False))
        while not call.done():
            began = time.perf_counter()
            await asyncio.sleep(0)
            waits[engine] = max(waits.get(engine, 0.0), time.perf_counter() - began)
        return call.result()

    return asyncio.run(main())


def _to_the_end(held: Any) -> None:
    while held.run() != "done":
        pass


# -- going back


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def back(name: str, text: str, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """One step back at the ends of longer and longer runs, and to anywhere in them."""
    import pywasmgk

    instance = pywasmgk.instantiate(text, fuel=None, timeout=None)
    before = _megabytes()
    rows = []
    for length in lengths:
        with instance.start("run", 1 << 30) as held:
            held.step(length)
            single = [timed(held.rewind)[1] for _ in range(BACKS)]
            chance = random.Random(length)
            places = [chance.randrange(held.oldest, length) for _ in range(BACKS)]
            anywhere = [timed(lambda to=to: held.goto(to))[1] for to in places]
            rows.append(
                {
                    "memory": name,
                    "steps": length,
                    "one_step_ms": round(1e3 * statistics.median(single), 1),
                    "one_step_worst_ms": round(1e3 * max(single), 1),
                    "anywhere_ms": round(1e3 * statistics.median(anywhere), 1),
                    "oldest": held.oldest,
                    "history_mb": round(held.history_size / 1e6, 1),
                    "process_mb": round(_megabytes() - before, 1),
                }
            )
    return rows


# -- suspending


def suspending() -> list[dict[str, Any]]:
    """Executions as bytes: how many, and how long it takes there and back."""
    found = []
    for name, held, resume in _suspended():
        data, there = timed(held.to_bytes)
        again, back_again = timed(partial(resume, data))
        found.append(
            {
                "what": name,
                "memory": len(held.instance.memory.data),
                "bytes": len(data),
                "to_bytes_ms": round(1e3 * there, 1),
                "from_bytes_ms": round(1e3 * back_again, 1),
            }
        )
        again.close()
        held.close()
    return found


def _suspended() -> Iterator[tuple[str, Any, Callable[[bytes], Any]]]:
    """Held executions, and what goes on with their bytes."""
    import pywasmgk

    def elsewhere(held: Any, imports: Any = None) -> Callable[[bytes], Any]:
        from_bytes = pywasmgk.Execution.from_bytes
        return partial(from_bytes, module=held.instance.module, imports=imports)

    module = pywasmgk.Module.from_file(KERNELS)
    for name, steps in (("fib", 1_000), ("sieve", 20_000)):
        held = pywasmgk.instantiate(module).start(name, 2_000)
        held.step(steps)
        yield f"kernel {name}, {steps:,} steps", held, elsewhere(held)
    for name, text in (("64 KiB written", STAYING), ("16 MiB written", TOUCHING)):
        held = pywasmgk.instantiate(text).start("run", 100_000)
        held.step(1_000_000)
        yield name, held, elsewhere(held)
    words = "take lamp\nsouth\ntake key\n"
    program = ROOT / "tests/guests/wasi/adventure.wasm"
    held = pywasmgk.start_wasi(program, stdin=words)
    held.step(2_000)
    wasi = pywasmgk.wasm.wasi.imports(pywasmgk.WasiConfig())
    yield "a text adventure that has read a line", held, elsewhere(held, wasi)
    plugin = ROOT / "tests/guests/go/workshop.wasm"
    with pywasmgk.load_from_file(plugin) as here, pywasmgk.load_from_file(plugin) as there:
        held = here.start("report", {})
        held.step(1_000)
        yield "a plugin by Go, in a call", held, there.resume


# -- to be read


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    lines = []
    for part in ("running", "stops", "slices", "back", "suspending"):
        rows = result[part]
        lines.append("  ".join(rows[0]))
        lines += ["  ".join(f"{value}" for value in row.values()) for row in rows] + [""]
    return "\n".join(lines)
