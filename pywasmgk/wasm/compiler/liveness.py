"""Which variables are still read, and so which assignments can be left out.

Compilers to wasm write locals for their own reasons, and facts turn many reads into constants: what
nobody reads any more need not be written. Nothing but generated code sees a local.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .analysis import Analysis
from .lines import Line
from .terms import Term
from .translate import Result

__all__ = [
    "at_end", "drop_dead_stores", "kept", "live_variables", "read_first", "reads", "written",
]  # fmt: skip


def drop_dead_stores(analysis: Analysis) -> None:
    """Takes assignments that have no reader out of the blocks' lines, and notes which variables
    are read from a block's head on before they are written."""
    live = live_variables(analysis)
    for result in analysis.results.values():
        result.lines, _ = kept(result.lines, at_end(result, live))
    analysis.live = live


def live_variables(analysis: Analysis) -> dict[int, int]:
    """The variables that are read from a block's head on before they are written, by block."""
    live: dict[int, int] = dict.fromkeys(analysis.results, 0)
    order = [number for number in reversed(analysis.graph.order) if number in analysis.results]
    changed = True
    while changed:
        changed = False
        for number in order:
            result = analysis.results[number]
            found = _before(result.lines, at_end(result, live))
            if found != live[number]:
                live[number] = found
                changed = True
    return live


def at_end(result: Result, live: dict[int, int]) -> int:
    """The variables that are read behind a block's lines."""
    bits = reads(result.behind)
    for way in result.ways:
        if way is not None:
            bits |= live.get(way.edge.target, 0)
    return bits


def reads(parts: Iterable[Any]) -> int:
    """The variables that terms among some parts read."""
    bits = 0
    for part in parts:
        if isinstance(part, Term):
            bits |= part.reads
    return bits


def written(line: Line) -> int:
    """The local that a line assigns, as a bit."""
    return 1 << int(line.target[1:]) if line.target else 0


def read_first(lines: Sequence[Line]) -> int:
    """The variables that lines read before they write them, as a set of bits."""
    bits = 0
    for line in reversed(lines):
        bits = bits & ~written(line) | reads(line.parts)
    return bits


def _before(lines: Sequence[Line], bits: int) -> int:
    """What is read from lines on, if these bits are read behind them. What an assignment reads
    counts only if it has a reader itself: a variable that only its own steps read has none."""
    for line in reversed(lines):
        bit = written(line)
        if not bit:
            bits |= reads(line.parts)
        elif bit & bits or line.trap is not None or line.own:
            bits = bits & ~bit | reads(line.parts)
    return bits


def kept(lines: Sequence[Line], bits: int, behind: Iterable[Any] = ()) -> tuple[list[Line], int]:
    """Lines without assignments that have no reader, and all variables that are read. ``bits`` are
    those that are read further on, ``behind`` are terms that are computed behind the lines."""
    found = []
    read = reads(behind)
    bits |= read
    for line in reversed(lines):
        bit, operands = written(line), reads(line.parts)
        if bit and not bit & bits and line.trap is None and not line.own:
            continue
        bits = bits & ~bit | operands
        read |= operands
        found.append(line)
    return found[::-1], read
