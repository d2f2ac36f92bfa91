"""Times, taken alternately, and what describes the machine that they were taken on."""

from __future__ import annotations

import gc
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["alternate", "circumstances", "clock", "geometric_mean", "ratio", "timed"]

#: seconds that a measurement takes at least
SHORTEST = 0.01


def _best_clock() -> Callable[[], float]:
    """The processor time of this process, which other programs disturb less, if it is fine enough;
    or else the time on the wall."""
    if sys.platform == "emscripten":
        return _clock_of_javascript()
    fine = time.get_clock_info("process_time").resolution < 1e-5
    return time.process_time if fine else time.perf_counter


def _clock_of_javascript() -> Callable[[], float]:
    """In Node its processor time, of which Pyodide's Python knows nothing."""
    process = getattr(importlib.import_module("js"), "process", None)
    if process is None:
        return time.perf_counter

    def node_process_time() -> float:
        usage = process.cpuUsage()
        return float(usage.user + usage.system) / 1e6

    return node_process_time


clock = _best_clock()


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """A call's result and its seconds."""
    start = clock()
    result = call()
    return result, clock() - start


def alternate(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, by turns: one of each, then again one of each. A call that is short
    is made several times in its turn."""
    times = {name: _repetitions(timed(call)[1]) for name, call in calls.items()}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        gc.collect()
        # the collector would walk through what the others hold when one makes objects
        _freeze()
        for name, call in calls.items():
            start = clock()
            for _ in range(times[name]):
                call()
            seconds[name].append((clock() - start) / times[name])
        _unfreeze()
    return seconds


def _nothing() -> None:
    """PyPy has no generations to be kept out of."""


_freeze: Callable[[], None] = getattr(gc, "freeze", _nothing)
_unfreeze: Callable[[], None] = getattr(gc, "unfreeze", _nothing)


def _repetitions(seconds: float) -> int:
    return max(1, min(1_000_000, int(SHORTEST / max(seconds, 1e-9))))


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median of the ratios of times that were taken in the same round."""
    return statistics.median(a / b for a, b in zip(numerators, denominators))


def geometric_mean(ratios: Iterable[float], at_least: float = 0.0) -> float:
    """The mean of ratios, none counted as less than ``at_least``."""
    return statistics.geometric_mean(max(ratio, at_least) for ratio in ratios)


def circumstances() -> dict[str, Any]:
    """Python, the machine and how busy it is."""
    try:
        load = [round(value, 1) for value in os.getloadavg()]
    except (AttributeError, OSError):  # not everywhere
        load = []
    return {
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "load": load,
        "clock": clock.__name__,
    }
