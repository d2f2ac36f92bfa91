"""Small pictures: rows of marks on a scale of equal ratios, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

__all__ = ["chart"]

STYLE = """
text { font: 12px sans-serif; fill: #222 } .title { font-weight: bold }
.grid { stroke: #bbb } .one { stroke: #222 }
.s0 { fill: #0a6cba } .s1 { fill: #d1570f } .s2 { fill: #7b8a1c } .s3 { fill: #8c5bb5 }
.s4 { fill: #777 } .s5 { fill: #b8346e } .s6 { fill: #12857a }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .grid { stroke: #555 } .one { stroke: #ddd }
.s0 { fill: #5fb2f5 } .s1 { fill: #ff9a5c } .s2 { fill: #c4d450 } .s3 { fill: #c9a3ec }
.s4 { fill: #aaa } .s5 { fill: #f584b4 } .s6 { fill: #52cfc2 } }
"""
LEFT, WIDTH, ROW, TOP = 150, 480, 18, 62


def chart(title: str, unit: str, rows: Mapping[str, Mapping[str, float]]) -> str:
    """Marks for every series in every row, on a scale of equal ratios, each with its value."""
    series = list(dict.fromkeys(name for row in rows.values() for name in row))
    values = [value for row in rows.values() for value in row.values()]
    ticks = _ticks(min(values), max(values))
    low, span = ticks[0], math.log(ticks[-1] / ticks[0])

    def place(value: float) -> float:
        return round(LEFT + WIDTH * math.log(value / low) / span, 1)

    height = TOP + ROW * len(rows) + 30
    body = [f'<text class="title" x="8" y="18">{escape(title)}</text>', *_legend(series)]
    for tick in ticks:
        x = place(tick)
        kind = "one" if tick == 1 else "grid"
        body.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - 24}"/>')
        body.append(f'<text x="{x}" y="{height - 8}" text-anchor="middle">{tick:g}</text>')
    body.append(f'<text x="8" y="{height - 8}">{escape(unit)}</text>')
    for number, (label, row) in enumerate(rows.items()):
        y = TOP + ROW * number + ROW // 2
        body.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(label)}</text>')
        # the first lies on top
        for name, value in reversed(row.items()):
            tip = escape(f"{label}, {name}: {value:g}")
            body.append(
                f'<circle class="s{series.index(name) % 7}" cx="{place(value)}" cy="{y}" r="5">'
                f"<title>{tip}</title></circle>"
            )
    lines = "\n".join(body)
    size = f'viewBox="0 0 {LEFT + WIDTH + 30} {height}" width="{LEFT + WIDTH + 30}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<title>{escape(title)}'
        f"</title>\n<style>{STYLE}</style>\n{lines}\n</svg>\n"
    )


def _ticks(least: float, most: float) -> list[float]:
    """1, 2, 5, 10 and so on, from not above the least to not below the most."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1
    steps = [float(f"{digit}e{power}") for power in range(first, last) for digit in (1, 2, 5)]
    steps.append(float(f"1e{last}"))
    below = max(i for i, step in enumerate(steps) if step <= least)
    above = min(i for i, step in enumerate(steps) if step >= most)
    return steps[below : max(above, below + 1) + 1]


def _legend(series: Sequence[str]) -> list[str]:
    """The names of the series, each beside its mark."""
    if len(series) < 2:
        return []
    found, x = [], 14
    for number, name in enumerate(series):
        found.append(f'<circle class="s{number % 7}" cx="{x}" cy="36" r="5"/>')
        found.append(f'<text x="{x + 10}" y="40">{escape(name)}</text>')
        x += 34 + 7 * len(name)
    return found
