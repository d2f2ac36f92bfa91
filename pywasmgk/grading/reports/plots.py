"""Plots as SVG, without scripts: the distribution of points, verdicts and fuel by test."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ...printable import as_markup, printable
from ..judging import Grade, TestGrade
from ..verdicts import Verdict
from .student import amount

__all__ = ["fuel_plot", "points_plot", "verdicts_plot"]

_WIDTH, _LEFT, _RIGHT = 400, 112, 18
_BINS, _HEIGHT, _ROW = 10, 170, 24
#: characters of a test's name
_WIDEST = 18


def points_plot(grades: Sequence[Grade]) -> str:
    """A histogram of points: how many submissions are in each tenth, full points apart."""
    most = max((grade.max_points for grade in grades), default=0)
    counts = Counter(_bin(grade.points, most) for grade in grades)
    top = max(counts.values(), default=1)
    left, base = 40, _HEIGHT - 30
    step = (_WIDTH - left - _RIGHT) / (_BINS + 1)
    parts = []
    for place in range(_BINS + 1):
        count = counts[place]
        height = (base - 24) * count / top
        x = left + place * step
        parts.append(
            f'<rect class="{"AC" if place == _BINS else "bar"}" x="{x + 2:.1f}" '
            f'y="{base - height:.1f}" width="{step - 4:.1f}" height="{height:.1f}"/>'
        )
        if count:
            parts.append(_label(x + step / 2, base - height - 5, str(count), "middle"))
        low = "full" if place == _BINS else amount(round(most * place / _BINS, 2))
        parts.append(_label(x + step / 2, base + 16, low, "middle"))
    parts.append(f'<line class="axis" x1="{left}" y1="{base}" x2="{_WIDTH}" y2="{base}"/>')
    parts.append(_label(left - 6, base + 16, "from", "end"))
    return _svg(_HEIGHT, "How many submissions got how many points", parts)


def _bin(points: float, most: float) -> int:
    if points >= most:
        return _BINS
    return min(max(int(points / most * _BINS), 0), _BINS - 1)


def verdicts_plot(grades: Sequence[Grade]) -> str:
    """Bars by test: which share of the submissions got which verdict."""
    parts = []
    for row, tests in enumerate(_by_test(grades)):
        y, x = row * _ROW + 4, float(_LEFT)
        parts.append(_name(tests[0].name, y))
        counts = Counter(test.verdict for test in tests)
        for verdict in Verdict:
            width = (_WIDTH - _LEFT - _RIGHT) * counts[verdict] / len(tests)
            if not width:
                continue
            parts.append(
                f'<rect class="{verdict}" x="{x:.1f}" y="{y}" width="{width:.1f}" '
                f'height="{_ROW - 6}"><title>{verdict}: {counts[verdict]}</title></rect>'
            )
            if width > 40:
                text = f"{verdict} {counts[verdict]}"
                parts.append(_label(x + width / 2, y + 13, text, "middle", "inside"))
            x += width
    return _svg(len(_by_test(grades)) * _ROW + 6, "Verdicts by test", parts)


def fuel_plot(grades: Sequence[Grade]) -> str:
    """By test, on a logarithmic scale: the least, the middle half, the median and the most of the
    instructions that submissions took."""
    rows = [(tests[0].name, sorted(test.fuel for test in tests)) for tests in _by_test(grades)]
    most = max((fuel[-1] for _, fuel in rows), default=0)
    decades = max(1, math.ceil(math.log10(most or 1)))
    scale = (_WIDTH - _LEFT - _RIGHT) / decades

    def place(fuel: int) -> float:
        return _LEFT + math.log10(fuel or 1) * scale

    height = len(rows) * _ROW + 26
    parts = []
    for decade in range(0, decades + 1, max(1, decades // 5)):
        x = _LEFT + decade * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height - 22}"/>')
        parts.append(_label(x, height - 6, f"10^{decade}" if decade else "1", "middle"))
    for row, (name, fuel) in enumerate(rows):
        y = row * _ROW + 4
        middle = y + _ROW // 2 - 3
        low, quarter, half, three, high = (
            place(fuel[round(part * (len(fuel) - 1))]) for part in (0, 0.25, 0.5, 0.75, 1)
        )
        parts += [
            _name(name, y),
            f'<line class="axis" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>',
            f'<rect class="bar" x="{quarter:.1f}" y="{y}" width="{max(three - quarter, 2):.1f}" '
            f'height="{_ROW - 6}"/>',
            f'<line class="median" x1="{half:.1f}" y1="{y}" x2="{half:.1f}" y2="{y + _ROW - 6}">'
            f"<title>median {fuel[(len(fuel) - 1) // 2]:,} instructions</title></line>",
        ]
    return _svg(height, "Instructions by test", parts)


def _by_test(grades: Sequence[Grade]) -> list[tuple[TestGrade, ...]]:
    return list(zip(*(grade.tests for grade in grades)))


def _name(text: str, y: float) -> str:
    short = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return _label(_LEFT - 8, y + 13, printable(short), "end")


def _label(x: float, y: float, text: str, anchor: str, kind: str = "") -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{as_markup(text)}</text>'


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{as_markup(title)}">'
    return f"{head}{''.join(parts)}</svg>"
