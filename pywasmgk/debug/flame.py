"""A flame graph of chains of calls, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..printable import as_markup
from .chains import function_name, postorder

if TYPE_CHECKING:
    from ..wasm.stepping.counting import Node

__all__ = ["flame_graph"]

#: height of a bar in pixels, the width of all, and the least that is drawn
_BAR, _WIDTH, _LEAST = 18, 1200, 0.5


def flame_graph(root: Node) -> str:
    """Each bar is a function in its chain of calls, as wide as its fuel."""
    whole = _Bar(root)
    height = (whole.depth + 2) * _BAR
    bars = "".join(whole.draw(0.0, height - _BAR, _WIDTH / max(whole.fuel, 1)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="monospace" font-size="11"><title>{whole.fuel:,} instructions</title>'
        f"{bars}</svg>\n"
    )


class _Bar:
    """A node of a flame graph, with all of its fuel."""

    def __init__(self, node: Node) -> None:
        self.node = node
        order = list(postorder(node))
        totals: dict[int, int] = {}
        depths: dict[int, int] = {}
        for one in order:
            totals[id(one)] = one.fuel + sum(totals[id(child)] for child in one.children.values())
            below = [depths[id(child)] for child in one.children.values()]
            depths[id(one)] = max(below, default=0) + 1
        self._totals = totals
        self.fuel, self.depth = totals[id(node)], depths[id(node)]

    def draw(self, x: float, y: float, scale: float) -> Iterator[str]:
        waiting = [(self.node, x, y)]
        while waiting:
            node, x, y = waiting.pop()
            width = self._totals[id(node)] * scale
            if width < _LEAST:
                continue
            yield _rectangle(node, x, y, width, self._totals[id(node)], self.fuel)
            for child in node.children.values():
                waiting.append((child, x, y - _BAR))
                x += self._totals[id(child)] * scale


def _rectangle(node: Node, x: float, y: float, width: float, fuel: int, whole: int) -> str:
    called = function_name(node.func) if node.func is not None else "all"
    name = as_markup(called)
    # warm colours that a name always gets again
    hue = sum(name.encode()) * 7 % 50
    share = 100 * fuel / max(whole, 1)
    text = name if len(called) * 7 < width else ""
    return (
        f'<g><title>{name}: {fuel:,} ({share:.1f} %)</title><rect x="{x:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="{_BAR - 1}" fill="hsl({hue},80%,65%)"/>'
        f'<text x="{x + 3:.1f}" y="{y + 13:.1f}">{text}</text></g>'
    )
