"""Views of the memory that begin further on, so that an index needs no addition.

The field of a structure, or the element of an array at a fixed address, is ``MI[p + 7]``: the
sum costs half as much as the access. ``MI_7`` is the same memory from its eighth word on, and
``MI_7[p]`` needs no sum. Every such view is one more cell that a function is called with, so that
only those that are used most are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .analysis import Analysis
from .lines import Line
from .terms import Term, name, subterms

__all__ = ["Views"]

#: most of them in one function: a cell costs about a nanosecond per call, a sum about ten
_MOST = 40
#: how much more often the code of a loop is taken to run
_TURNS = 8
#: how generated code names the memory, and how it names what begins further on
_BASES = {"mem": "MB", **{f"M{letter}": f"M{letter}" for letter in "HhIiQqfd"}}


class Views:
    """The views that a function reads its memory through. ``fast`` are the lines of fast turns, by
    the block whose turns they are."""

    def __init__(self, analysis: Analysis, fast: Mapping[int, Sequence[Line]]) -> None:
        weights: dict[str, int] = {}
        for number, result in analysis.results.items():
            loops = sum(number in inside for inside in analysis.graph.loops.values())
            texts = {loops - (number in fast): result.lines, loops: fast.get(number, result.lines)}
            for depth, lines in texts.items():
                for term in _sums(lines):
                    text = _shifted(term)
                    weights[text] = weights.get(text, 0) + _TURNS**depth
        self.chosen = set(sorted(weights, key=lambda text: -weights[text])[:_MOST])

    def apply(self, line: Line) -> None:
        """Makes a line read through them."""
        for term in _sums((line,)):
            text = _shifted(term)
            if text in self.chosen:
                term.args = name(text), term.args[1].args[0]


def _sums(lines: Iterable[Line]) -> list[Term]:
    """The accesses of lines at an index that is the sum of a number and something else."""
    parts = (part for line in lines for part in line.parts)
    return [term for term in subterms(parts) if term.op == "index" and _is_sum(term.args)]


def _is_sum(args: Sequence[Term]) -> bool:
    base, index = args
    if base.op != "name" or base.args[0] not in _BASES:
        return False
    if index.op != "+" or index.args[1].op != "const" or index.args[1].args[0] <= 0:
        return False
    low = index.args[0].low
    # an index below zero would count from the end
    return low is not None and bool(low >= 0)


def _shifted(term: Term) -> str:
    """The name of the view that such an access needs."""
    base, index = term.args
    return f"{_BASES[base.args[0]]}_{index.args[1].args[0]}"
