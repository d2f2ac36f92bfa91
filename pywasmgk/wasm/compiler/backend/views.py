"""Views of the memory from an offset on (addressing modes): an index needs no addition.

The field of a structure, or the element of an array at a fixed address, is ``MI[p + 7]``: the sum
costs half as much as the access. ``MI_7`` is the same memory from its eighth word on, and
``MI_7[p]`` needs no sum. Every such view is one more cell that a function is called with, so that
only those that are used most are made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..ir.expr import Expr, name
from ..ir.function import Function
from ..ir.statements import Statement
from ..ir.traversal import rewritten, subterms

__all__ = ["Views"]

#: most of them in one function: a cell costs about a nanosecond per call, a sum about ten
_MOST = 40
#: how much more often the code of a loop is taken to run
_TURNS = 8
#: loops around it beyond which it counts no more
_DEEPEST = 18
#: how generated code names the memory, and how it names what begins further on
_BASES = {"mem": "MB", **{f"M{letter}": f"M{letter}" for letter in "HhIiQqfd"}}


class Views:
    """The views that a function reads its memory through. ``fast`` are the lines of fast
    iterations, by the block whose iterations they are."""

    def __init__(self, function: Function, fast: Mapping[int, Sequence[Statement]]) -> None:
        weights: dict[str, int] = {}
        for number, result in function.blocks.items():
            loops = min(function.graph.nest.depth[number], _DEEPEST)
            texts = {
                loops - (number in fast): result.statements,
                loops: fast.get(number, result.statements),
            }
            for depth, lines in texts.items():
                for term in _sums(lines):
                    text = _shifted(term)
                    weights[text] = weights.get(text, 0) + _TURNS**depth
        self.chosen = set(sorted(weights, key=lambda text: -weights[text])[:_MOST])

    def applied(self, line: Statement) -> Statement:
        """A statement that reads and writes through them."""
        return line.mapped(self._applied) if self.chosen else line

    def _applied(self, term: Expr) -> Expr:
        return rewritten(term, self._through)

    def _through(self, term: Expr) -> Expr:
        """An access through the view for it, if it has one."""
        if term.op == "index" and _is_sum(term.args):
            text = _shifted(term)
            if text in self.chosen:
                return term.with_args(name(text), term.args[1].args[0])
        return term


def _sums(lines: Iterable[Statement]) -> list[Expr]:
    """The accesses of lines at an index that is the sum of a number and something else."""
    used = (term for line in lines for term in line.uses)
    return [term for term in subterms(used) if term.op == "index" and _is_sum(term.args)]


def _is_sum(args: Sequence[Expr]) -> bool:
    base, index = args
    if base.op != "name" or base.args[0] not in _BASES:
        return False
    if index.op != "+" or index.args[1].op != "const" or index.args[1].args[0] <= 0:
        return False
    low = index.args[0].low
    # an index below zero would count from the end
    return low is not None and bool(low >= 0)


def _shifted(term: Expr) -> str:
    """The name of the view that such an access needs."""
    base, index = term.args
    return f"{_BASES[base.args[0]]}_{index.args[1].args[0]}"
