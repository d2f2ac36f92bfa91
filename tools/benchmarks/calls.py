"""What a call costs across each border, beside an empty call of a Python function."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from typing import Any

from .contestants import versions
from .measuring import alternate, circumstances

__all__ = ["measure", "table"]

MODULE = Path(__file__).resolve().parent.parent / "kernels" / "calls.wasm"
#: calls in one measurement; the guest makes as many of the host
COUNT = 2000
#: calls of the plugin in one measurement
PLUGIN_COUNT = 100
#: calls of the plugin before it is measured: by then "auto" has compiled what pays
WARM = 1500
#: nanoseconds of the empty call that other times are put in proportion to
UNIT = 50


def nothing() -> None:
    """An empty call."""


def answer(value: int) -> int:
    """A host function with as little in it."""
    return value


def many(call: Callable[..., Any], *args: Any, count: int = COUNT) -> Callable[[], None]:
    """Makes a call ``count`` times."""

    def run() -> None:
        for _ in repeat(None, count):
            call(*args)

    return run


def ours(engine: str) -> dict[str, Callable[[], Any]]:
    """Calls of a module and of a plugin on an engine of ours, with default limits."""
    import pywasmgk
    from pywasmgk import examples

    # a plain callable, whose type is the import's
    imports = {"host": {"nothing": answer}}
    exports = pywasmgk.instantiate(
        pywasmgk.Module.from_file(MODULE), imports, engine=engine
    ).exports
    add, host_calls = exports["add"], exports["host_calls"]
    plugin = pywasmgk.load(examples.read("hello"), engine=engine)
    found = {"export": many(add, 3, 4), "host call": lambda: host_calls(COUNT)}
    for _ in range(3):
        if add(3, 4) != 7 or host_calls(COUNT) != COUNT - 1:
            raise SystemExit(f"calls: {engine} gives something else")
    for _ in range(WARM):
        plugin.call("hello", {"name": "Ada"})
    found["plugin.call"] = many(plugin.call, "hello", {"name": "Ada"}, count=PLUGIN_COUNT)
    return found


def pwasms(metered: bool) -> dict[str, Callable[[], Any]]:
    """The same calls of the module on pwasm."""
    import pwasm
    from pwasm.runtime import Limits

    instance = pwasm.instantiate(
        pwasm.decode_module(MODULE.read_bytes()),
        {"host": {"nothing": answer}},
        limits=Limits(fuel=1 << 50) if metered else None,
        mode="compile",
    )
    add, host_calls = instance.exports.add, instance.exports.host_calls
    if add(3, 4) != 7 or host_calls(COUNT) != COUNT - 1:
        raise SystemExit("calls: pwasm gives something else")
    return {"export": many(add, 3, 4), "host call": lambda: host_calls(COUNT)}


def wasmtimes() -> dict[str, Callable[[], Any]]:
    """The same calls of the module on wasmtime."""
    import wasmtime

    store = wasmtime.Store()
    kind = wasmtime.FuncType([wasmtime.ValType.i32()], [wasmtime.ValType.i32()])
    module = wasmtime.Module.from_file(store.engine, str(MODULE))
    found = wasmtime.Instance(store, module, [wasmtime.Func(store, kind, answer)]).exports(store)
    add, host_calls = found["add"], found["host_calls"]
    return {"export": many(add, store, 3, 4), "host call": lambda: host_calls(store, COUNT)}


OPEN: dict[str, Callable[[], dict[str, Callable[[], Any]]]] = {
    "compiler": lambda: ours("compiler"),
    "auto": lambda: ours("auto"),
    "interpreter": lambda: ours("interpreter"),
    "pwasm-fuel": lambda: pwasms(True),
    "pwasm": lambda: pwasms(False),
    "wasmtime": wasmtimes,
}


def measure(rounds: int) -> dict[str, Any]:
    """Microseconds for each call, and what they would be if an empty call took 50 ns."""
    calls: dict[str, Callable[[], Any]] = {"empty": many(nothing)}
    for who, opening in OPEN.items():
        try:
            found = opening()
        except ImportError:
            continue
        calls |= {json.dumps([who, kind]): call for kind, call in found.items()}
    seconds = alternate(calls, rounds)
    # the loop around is in the empty call too, but is little beside the others
    empty = statistics.median(seconds.pop("empty")) / COUNT
    rows: dict[str, dict[str, Any]] = {}
    for key, taken in seconds.items():
        who, kind = json.loads(key)
        each = statistics.median(taken) / (PLUGIN_COUNT if kind == "plugin.call" else COUNT)
        row = rows.setdefault(who, {"contestant": who})
        row[kind] = round(each / empty * UNIT / 1000, 3)
        row[f"{kind}, as measured"] = round(each * 1e6, 3)
    return {
        "benchmark": "calls",
        **circumstances(),
        "versions": versions([*OPEN]),
        "rounds": rounds,
        "empty_call_ns": round(empty * 1e9, 1),
        "microseconds": f"in proportion to an empty call of {UNIT} ns",
        "rows": [*rows.values()],
    }


def table(result: dict[str, Any]) -> str:
    """The result as lines to read."""
    kinds = ("export", "host call", "plugin.call")
    lines = [
        f"{result['python']}, load {result['load']}; an empty Python call takes "
        f"{result['empty_call_ns']} ns here",
        f"microseconds {result['microseconds']}",
        "",
        f"{'':13}" + "".join(f"{kind:>14}" for kind in kinds),
    ]
    for row in result["rows"]:
        cells = "".join(f"{row[kind]:14.2f}" if kind in row else f"{'-':>14}" for kind in kinds)
        lines.append(f"{row['contestant']:13}{cells}")
    return "\n".join(lines)
