"""Kernels in another engine under our bounds, beside the same module bare there, and beside our
compiler; and what calls in and out take. Here that is wasmtime, in Pyodide JavaScript's engine."""

from __future__ import annotations

import importlib
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from .kernels import FOLDER, selected
from .measuring import alternate, circumstances, geometric_mean, ratio

__all__ = ["measure", "measure_here", "table"]

ENGINE = "browser" if sys.platform == "emscripten" else "wasmtime"
#: instructions that a kernel is to execute, so that the call itself does not count, and at most
ENOUGH, MOST = 20_000_000, 200_000_000
#: calls before it is measured, behind which engines of browsers have made their better code
WARM = 20
#: pages and fuel that no kernel uses up
LIMITS = {"memory_limit": 1024, "fuel": 1 << 50, "timeout": None}
#: how calls are measured: nothing done inside, and a host that is called so many times
CALLS = """(module (import "h" "f" (func $f (param i32) (result i32)))
  (func (export "in") (param i32) (result i32) (local.get 0))
  (func (export "out") (param i32) (result i32) (local i32)
    (loop $more
      (local.set 1 (call $f (local.get 0)))
      (br_if $more (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1)))"""
HOST_CALLS = 1_000

Exports = Callable[[str], Callable[..., Any]]


def ours(data: bytes, engine: str, imports: Any = None) -> Exports:
    """The exports of a module under our bounds."""
    import pywasmgk

    instance = pywasmgk.instantiate(data, imports, engine=engine, **LIMITS)
    if instance.engine_note:
        raise SystemExit(f"{engine} does not run it: {instance.engine_note}")
    return begun(lambda name: instance.exports[name], instance.exports)


def bare(data: bytes, host: Callable[[int], int] | None = None) -> Exports:
    """The exports of a module that nobody has changed, called as the engine's own users do."""
    return (bare_in_javascript if ENGINE == "browser" else bare_in_wasmtime)(data, host)


def bare_in_wasmtime(data: bytes, host: Callable[[int], int] | None) -> Exports:
    import wasmtime

    store = wasmtime.Store()
    i32 = wasmtime.ValType.i32()
    given = [wasmtime.Func(store, wasmtime.FuncType([i32], [i32]), host)] if host else []
    exports = wasmtime.Instance(store, wasmtime.Module(store.engine, data), given).exports(store)

    def export(name: str) -> Callable[..., Any]:
        func: Any = exports[name]
        return lambda *args: func(store, *args)

    return begun(export, [*exports])


def bare_in_javascript(data: bytes, host: Callable[[int], int] | None) -> Exports:
    js, ffi = importlib.import_module("js"), importlib.import_module("pyodide.ffi")
    given = {"h": {"f": ffi.create_proxy(host)}} if host else {}
    imports = ffi.to_js(given, dict_converter=js.Object.fromEntries)
    module = js.WebAssembly.Module.new(ffi.to_js(data))
    exports = js.WebAssembly.Instance.new(module, imports).exports
    return begun(lambda name: getattr(exports, name), list(js.Object.keys(exports)))


def begun(exports: Exports, names: Any) -> Exports:
    """The exports of a module, whose initialisation has run if it has one."""
    if "_initialize" in names:
        exports("_initialize")()
    return exports


def signed(value: Any, bits: int) -> int:
    """A result as an integer, whatever the engine's own users get."""
    half = 1 << (bits - 1)
    return (int(value) + half) % (2 * half) - half


def longer(count: Callable[[str, int], int], name: str, size: int) -> tuple[int, int]:
    """A size at which a kernel executes enough, or the greatest that it can, and what it executes.
    A size that is too large for what the kernel has in memory ends by its fuel, or traps."""
    import pywasmgk

    found = count(name, size)
    while found < ENOUGH:
        larger = size + 1 if size < 30 else size * 3 // 2
        try:
            executed = count(name, larger)
        except pywasmgk.GuestError:
            break
        if not found < executed < 4 * found:
            break
        size, found = larger, executed
    return size, found


def one(
    name: str, size: int, opened: dict[str, Exports], rounds: int, count: Any
) -> dict[str, Any]:
    """A kernel's row."""
    calls = {who: exports(name) for who, exports in opened.items()}
    found = {who: signed(call(size), 32) for who, call in calls.items()}
    if len({*found.values()}) > 1:
        raise SystemExit(f"{name} gives {found}")
    large, there = longer(count, name, size)
    for _ in range(WARM):
        if signed(calls["bare"](large), 32) != signed(calls["metered"](large), 32):
            raise SystemExit(f"{name} of {large} differs")
    seconds = alternate({who: partial(calls[who], large) for who in ("bare", "metered")}, rounds)
    compiled = alternate({"compiler": partial(calls["compiler"], size)}, max(rounds, 1))["compiler"]
    here = count(name, size)
    per = statistics.median(seconds["metered"]) / there
    return {
        "kernel": name,
        "size": large,
        "instructions": there,
        "bare_ms": round(statistics.median(seconds["bare"]) * 1000, 2),
        "overhead": round(ratio(seconds["metered"], seconds["bare"]), 3),
        "faster": round(statistics.median(compiled) / here / per, 1),
    }


def call_rows(rounds: int) -> list[dict[str, Any]]:
    """Microseconds of a call into a guest, and of one of the host's from there."""
    import pywasmgk

    def host(number: int) -> int:
        return number

    data = pywasmgk.Module(CALLS).data
    imports = {"h": {"f": host}}
    opened = {
        "bare": bare(data, host),
        "metered": ours(data, ENGINE, imports),
        "compiler": ours(data, "compiler", imports),
    }
    into = {who: partial(exports("in"), 7) for who, exports in opened.items()}
    out = {who: partial(exports("out"), HOST_CALLS) for who, exports in opened.items()}
    rows = []
    for kind, calls, times in (("into it", into, 1), ("of the host", out, HOST_CALLS)):
        seconds = alternate(calls, rounds)
        found = {who: statistics.median(taken) * 1e6 / times for who, taken in seconds.items()}
        rows.append({"call": kind, **{who: round(value, 2) for who, value in found.items()}})
    return rows


def measure_here(names: Sequence[str], rounds: int, scale: float = 1.0) -> dict[str, Any]:
    """Rows of this Python's other engine."""
    opened: dict[str, dict[str, Exports]] = {}
    rows = []
    for kernel in selected(names):
        if kernel.module not in opened:
            data = Path(FOLDER, kernel.module).read_bytes()
            opened[kernel.module] = {
                "bare": bare(data),
                "metered": ours(data, ENGINE),
                "compiler": ours(data, "compiler"),
            }
            counted = instance_of(data)
        size = max(2, int(kernel.size * scale))
        rows.append(one(kernel.name, size, opened[kernel.module], rounds, counted))
        print(".", end="", flush=True, file=sys.stderr)
    return {
        "engine": ENGINE,
        **circumstances(),
        "rows": rows,
        "calls": call_rows(rounds),
        "means": {
            "overhead": round(geometric_mean(row["overhead"] for row in rows), 2),
            "faster": round(geometric_mean(row["faster"] for row in rows), 1),
        },
    }


def instance_of(data: bytes) -> Callable[[str, int], int]:
    """Counts what a kernel executes, in the engine that is quickest at it."""
    import pywasmgk

    instance = pywasmgk.instantiate(data, engine=ENGINE, **{**LIMITS, "fuel": MOST})
    if "_initialize" in instance.exports:
        instance.exports["_initialize"]()

    def count(name: str, size: int) -> int:
        instance.exports[name](size)
        return instance.fuel_used

    return count


def measure(
    names: list[str], rounds: int, scale: float, version: str, cache: Path
) -> dict[str, Any]:
    """Both: here, and in Pyodide (Node)."""
    from .pyodide import run_there

    words = {"names": names, "rounds": rounds, "scale": scale}
    return {
        "benchmark": "engines",
        "rounds": rounds,
        "engines": [
            measure_here(**words),
            run_there("engines", "measure_here", words, version, cache),
        ],
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    lines = []
    for found in result["engines"]:
        where = f"Pyodide {found['pyodide']}, " if "pyodide" in found else ""
        lines += [
            f"{found['engine']}: {where}{found['python']}, {found['machine']}",
            f"load {found['load']}, {found['date']}, medians of {result['rounds']} rounds",
            f"{'kernel':13}{'bare ms':>10}{'metered/bare':>14}{'x our compiler':>16}",
        ]
        for row in found["rows"]:
            lines.append(
                f"{row['kernel']:13}{row['bare_ms']:10.2f}{row['overhead']:14.2f}{row['faster']:16.1f}"
            )
        means = found["means"]
        lines.append(f"{'mean':13}{'':10}{means['overhead']:14.2f}{means['faster']:16.1f}")
        lines.append(f"{'us of a call':13}{'bare':>10}{'metered':>14}{'our compiler':>16}")
        for row in found["calls"]:
            lines.append(
                f"{row['call']:13}{row['bare']:10.2f}{row['metered']:14.2f}{row['compiler']:16.2f}"
            )
        lines.append("")
    return "\n".join(lines)
