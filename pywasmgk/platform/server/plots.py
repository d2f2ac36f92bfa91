"""Plots of calls, as SVG in the page: no script, no style of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from ..records import CallRecord

__all__ = ["call_plots", "plot"]

_WIDTH, _HEIGHT = 320, 96
_LEFT, _TOP, _BOTTOM = 4, 8, 4
#: calls in a plot
_MOST = 120


class _Measure(NamedTuple):
    """What is plotted of a call."""

    title: str
    unit: str
    of: Callable[[CallRecord], float]


_MEASURES = (
    _Measure("Time", "ms", lambda call: call.seconds * 1000),
    _Measure("Fuel", "instructions", lambda call: call.fuel),
    _Measure("Memory", "KiB", lambda call: call.pages * 64),
)


def call_plots(calls: Sequence[CallRecord]) -> str:
    """Time, fuel and memory of the latest calls, each a plot; failed calls stand out."""
    latest = calls[-_MOST:]
    failed = [call.error is not None for call in latest]
    return "".join(
        plot(measure.title, measure.unit, [measure.of(call) for call in latest], failed)
        for measure in _MEASURES
    )


def plot(title: str, unit: str, values: Sequence[float], failed: Sequence[bool]) -> str:
    """Values as bars, the latest on the right, with the largest and the median in words."""
    most = max(values, default=0) or 1
    step = (_WIDTH - _LEFT) / _MOST
    bars = []
    for number, value in enumerate(reversed(values)):
        tall = max((_HEIGHT - _TOP - _BOTTOM) * value / most, 1)
        kind = "failed" if failed[len(values) - 1 - number] else "bar"
        bars.append(
            f'<rect class="{kind}" x="{_WIDTH - (number + 1) * step:.1f}" '
            f'y="{_HEIGHT - _BOTTOM - tall:.1f}" width="{step * 0.8:.1f}" height="{tall:.1f}"/>'
        )
    median = sorted(values)[len(values) // 2] if values else 0
    said = f"median {_number(median)}, at most {_number(max(values, default=0))} {unit}"
    words = f"{title}: {said}, of {len(values)} calls"
    return (
        f'<figure class="plot"><figcaption><b>{escape(title)}</b> {escape(said)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{_HEIGHT - 3}" y2="{_HEIGHT - 3}"/>'
        f"{''.join(bars)}</svg></figure>"
    )


def _number(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{max(2 - math.floor(math.log10(value)), 0)}f}" if value else "0"
