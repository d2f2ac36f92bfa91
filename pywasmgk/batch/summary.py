"""What is said of many results: sums, and how fuel and time are distributed, as plots."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from .results import Result, Verdict

__all__ = ["Summary"]

#: bins for each doubling, and pixels of a plot
_FINE = 2
_WIDTH, _HEIGHT = 480, 120


class Summary:
    """Sums over results, in memory that does not grow with them.

    ::

        summary = Summary()
        for result in summary.of(batch.map(task, inputs)):
            ...
        print(summary)
    """

    def __init__(self) -> None:
        self.tasks = 0
        self.fuel = 0
        self.seconds = 0.0
        self.verdicts: Counter[Verdict] = Counter()
        self.workers: Counter[str] = Counter()
        self._bins: dict[str, Counter[int]] = {"fuel": Counter(), "seconds": Counter()}

    def add(self, result: Result) -> None:
        """Counts a result."""
        self.tasks += 1
        self.fuel += result.fuel
        self.seconds += result.seconds
        self.verdicts[result.verdict] += 1
        self.workers[result.worker] += 1
        for name, bins in self._bins.items():
            value = getattr(result, name)
            bins[math.floor(_FINE * math.log2(value)) if value > 0 else -1000] += 1

    def of(self, results: Iterable[Result]) -> Iterator[Result]:
        """Counts results as they pass."""
        for result in results:
            self.add(result)
            yield result

    def __str__(self) -> str:
        ends = ", ".join(f"{count:,} {verdict}" for verdict, count in self.verdicts.most_common())
        each = self.seconds / self.tasks * 1000 if self.tasks else 0.0
        return (
            f"{self.tasks:,} tasks: {ends or 'none'}; {self.fuel:,} instructions, "
            f"{self.seconds:.2f} s, {each:.3f} ms each, {len(self.workers)} workers"
        )

    def __repr__(self) -> str:
        return f"<Summary of {self}>"

    def form(self) -> dict[str, Any]:
        """As a JSON value."""
        return {
            "tasks": self.tasks,
            "fuel": self.fuel,
            "seconds": round(self.seconds, 6),
            "verdicts": {verdict.value: count for verdict, count in self.verdicts.items()},
            "workers": dict(self.workers),
        }

    def to_svg(self, name: str = "fuel") -> str:
        """How ``fuel`` or ``seconds`` are distributed: tasks by doublings of it."""
        bins = {at: count for at, count in self._bins[name].items() if at > -1000}
        title = f"{name} of {self.tasks:,} tasks"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            f'width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(title)}" '
            f'font-family="sans-serif" font-size="11" fill="currentColor">'
        )
        if not bins:
            return f'{head}<text x="4" y="16">{escape(title)}: none</text></svg>'
        first, last, most = min(bins), max(bins), max(bins.values())
        step = (_WIDTH - 8) / (last - first + 1)
        bars = "".join(
            f'<rect x="{4 + (at - first) * step:.1f}" y="{_HEIGHT - 18 - 80 * count / most:.1f}" '
            f'width="{max(step - 1, 1):.1f}" height="{80 * count / most:.1f}" fill="#5b3fd4"/>'
            for at, count in sorted(bins.items())
        )
        ends = _number(2 ** (first / _FINE)), _number(2 ** ((last + 1) / _FINE))
        return (
            f'{head}<text x="4" y="14">{escape(title)}, at most {most:,} in a bar</text>{bars}'
            f'<text x="4" y="{_HEIGHT - 4}">{ends[0]}</text>'
            f'<text x="{_WIDTH - 4}" y="{_HEIGHT - 4}" text-anchor="end">{ends[1]}</text></svg>'
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
