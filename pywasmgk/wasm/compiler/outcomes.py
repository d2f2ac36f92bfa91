"""Locals that only branches read hold whatever is true or not, and no number.

wasm has no truth values: a comparison gives 1 or 0, and a branch asks whether that is zero. Where
they meet in one block the compiler never makes the number; where a local is between them, it need
not be made either, if nothing but branches reads the local.
"""

from __future__ import annotations

from collections.abc import Sequence

from .analysis import Analysis
from .lines import Line, Part
from .terms import Term

__all__ = ["free_outcomes", "freed"]


def free_outcomes(analysis: Analysis) -> None:
    """Has locals that only branches read hold conditions, and whatever else is true or not, where
    they would be 1 or 0. They are noted in the shape (``turns``)."""
    lines = analysis.lines
    found = {line.target for line in lines if line.target and _outcome(line) is not None}
    if not found:
        return
    for part in (*analysis.behind, *(part for line in lines for part in line.parts)):
        _read_as_number(part, found)
    if found:
        analysis.shape.outcomes = frozenset(found)
        for result in analysis.results.values():
            result.lines = freed(result.lines, analysis.shape.outcomes)


def freed(lines: Sequence[Line], locals_: frozenset[str]) -> list[Line]:
    """Lines that set some locals to what tells the outcome of a condition, instead of 1 or 0."""
    found = []
    for line in lines:
        condition = _outcome(line) if line.target in locals_ else None
        if condition is not None:
            line = line.with_value(condition.args[0] if condition.op == "truth" else condition)
        found.append(line)
    return found


def _outcome(line: Line) -> Term | None:
    """The condition whose outcome a local is set to, if it is."""
    value = line.parts[-1] if line.parts else None
    if not isinstance(value, Term) or value.op != "bool":
        return None
    condition: Term = value.args[0]
    return condition


def _read_as_number(part: Part, found: set[str]) -> None:
    """Takes out locals that are asked for more than whether they are zero."""
    waiting = [part]
    while waiting:
        term = waiting.pop()
        if not isinstance(term, Term):
            continue
        if term.op == "var":
            found.discard(term.args[0])
        elif term.op != "truth" or term.args[0].op != "var":
            waiting += term.args
