"""Every kernel, by every contestant, as a multiple of the time that hand-written Python takes."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .contestants import SLOW, Exports, get, versions
from .measuring import alternate, circumstances, geometric_mean, ratio

FOLDER = Path(__file__).resolve().parent.parent / "kernels"
sys.path.insert(0, str(FOLDER))

import twins  # noqa: E402

__all__ = ["measure", "table"]


class Counter:
    """How many instructions a kernel runs, counted by our own interpreter or compiler."""

    def __init__(self, path: Path) -> None:
        import pywasmgk

        self.instance = pywasmgk.instantiate(pywasmgk.Module.from_file(path), engine="compiler")
        if "_initialize" in self.instance.exports:
            self.instance.exports["_initialize"]()

    def instructions(self, name: str, size: int) -> int:
        self.instance.exports[name](size)
        return self.instance.fuel_used

    def size_within(self, name: str, size: int, most: int) -> tuple[int, int]:
        """The greatest size, and its instructions, of those that halving gives and which keeps
        within ``most`` instructions, but at least 1."""
        count = self.instructions(name, size)
        while count > most and size > 1:
            # an exponential kernel's size is small
            size = size * 4 // 5 if size < 30 else size // 2
            count = self.instructions(name, size)
        return size, count


def selected(names: Sequence[str]) -> Iterator[twins.Kernel]:
    """The kernels of these names, all if there are none."""
    unknown = set(names) - {kernel.name for kernel in twins.KERNELS}
    if unknown:
        raise SystemExit(f"no such kernel: {', '.join(sorted(unknown))}")
    return (kernel for kernel in twins.KERNELS if not names or kernel.name in names)


def checked(name: str, function: Callable[[int], Any], size: int, expected: int) -> str | None:
    """Runs a kernel so that everything in it is compiled; gives what is wrong, if anything."""
    try:
        found = {function(size) for _ in range(2)}
    # a peer may fail in its own ways; it is left out then, with the reason
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    if found != {expected}:
        raise SystemExit(f"{name} gives {found}, not {expected}")
    return None


def one(
    kernel: twins.Kernel, opened: dict[str, Exports], counter: Counter, rounds: int, scale: float
) -> dict[str, Any]:
    """A kernel's row: what each contestant takes, the twin being 1."""
    size = max(2, int(kernel.size * scale))
    count = counter.instructions(kernel.name, size)
    calls: dict[str, Callable[[], Any]] = {"twin": lambda: kernel.twin(size)}
    shares, failed = {"twin": 1.0}, {}
    for name, exports in opened.items():
        less, instructions = size, count
        if name in SLOW:
            less, instructions = counter.size_within(kernel.name, size, SLOW[name])
        function = exports(kernel.name)
        problem = checked(f"{kernel.name} by {name}", function, less, kernel.twin(less))
        if problem:
            failed[name] = problem
            continue
        calls[name] = lambda function=function, less=less: function(less)
        shares[name] = count / instructions
    seconds = alternate(calls, rounds)
    times = {
        name: round(ratio(taken, seconds["twin"]) * shares[name], 4)
        for name, taken in seconds.items()
        if name != "twin"
    }
    return {
        "kernel": kernel.name,
        "native": kernel.native,
        "size": size,
        "instructions": count,
        "twin_ms": round(statistics.median(seconds["twin"]) * 1000, 2),
        "times": times,
        "failed": failed,
    }


def measure(
    contestants: Sequence[str], names: Sequence[str], rounds: int, scale: float = 1.0
) -> dict[str, Any]:
    """Rows of all kernels and their means; see ``table`` for what they say."""
    opened: dict[str, dict[str, Exports]] = {}
    counters: dict[str, Counter] = {}
    absent: dict[str, str] = {}
    rows = []
    for kernel in selected(names):
        path = FOLDER / kernel.module
        if kernel.module not in opened:
            found = {name: get(name, path) for name in contestants}
            opened[kernel.module] = {n: e for n, e in found.items() if not isinstance(e, str)}
            absent |= {f"{n}, {path.name}": e for n, e in found.items() if isinstance(e, str)}
            counters[kernel.module] = Counter(path)
        rows.append(one(kernel, opened[kernel.module], counters[kernel.module], rounds, scale))
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return {
        "benchmark": "kernels",
        **circumstances(),
        "versions": versions(contestants),
        "rounds": rounds,
        "contestants": [*contestants],
        "rows": rows,
        "means": means(rows, contestants),
        "absent": absent,
    }


def means(rows: list[dict[str, Any]], contestants: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The geometric means over kernels whose twin is Python throughout, and over the others.

    Each kernel counts as at least 1, so that one that happens to be fast does not hide the rest;
    ``plain`` is without that. ``kernels`` says over how many a contestant's mean is taken.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in contestants:
        pure = [row["times"][name] for row in rows if name in row["times"] and not row["native"]]
        native = [row["times"][name] for row in rows if name in row["times"] and row["native"]]
        found[name] = {"kernels": len(pure)}
        if pure:
            found[name] |= {
                "mean": round(geometric_mean(pure, 1.0), 3),
                "plain": round(geometric_mean(pure), 3),
            }
        if native:
            found[name]["native"] = round(geometric_mean(native, 1.0), 3)
    return found


def cell(value: float | None) -> str:
    """A ratio with the digits that mean something."""
    if value is None:
        return "-"
    digits = next((n for n, least in enumerate((100, 20, 0.1)) if value >= least), 3)
    return f"{value:.{digits}f}"


def table(result: dict[str, Any]) -> str:
    """The result as lines to read: times the twin's time, then what the peer takes of ours."""
    names = result["contestants"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"{result['python']}, {result['machine']}, load {result['load']}, {result['date']}",
        f"{versions}; times hand-written Python, medians of {result['rounds']} rounds",
        "",
        f"{'kernel':13}{'twin ms':>9}" + "".join(f"{name:>12}" for name in names),
    ]
    for native in (False, True):
        rows = [row for row in result["rows"] if bool(row["native"]) == native]
        if native and rows:
            lines.append("twins with C in them:")
        for row in rows:
            cells = "".join(f"{cell(row['times'].get(name)):>12}" for name in names)
            lines.append(f"{row['kernel']:13}{row['twin_ms']:9.1f}{cells}")
    lines.append("")
    for kind, text in (("mean", "mean, >= 1"), ("plain", "mean, plain"), ("native", "C twins")):
        cells = "".join(f"{cell(result['means'][name].get(kind)):>12}" for name in names)
        lines.append(f"{text:13}{'':9}{cells}")
    lines.append(
        f"{'kernels':13}{'':9}"
        + "".join(f"{result['means'][name]['kernels']:>12}" for name in names)
    )
    lines += [f"left out: {who}: {why}" for who, why in result["absent"].items()]
    for row in result["rows"]:
        lines += [f"{row['kernel']} by {who}: {why}" for who, why in row["failed"].items()]
    return "\n".join(lines)
