"""Liveness: which variables are read from a place on before they are written.

A backward analysis over sets of variables, to a fixpoint. What a dead assignment reads does not
count, unless it is asked for, so that a variable which only its own steps read is dead.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..ir.expr import Expr
from ..ir.function import Function, LoweredBlock
from ..ir.statements import Statement

__all__ = [
    "at_end", "kept", "live_variables", "read_first", "reads",
]  # fmt: skip


def live_variables(function: Function, *, with_dead: bool = False) -> dict[int, int]:
    """The variables that are read from a block's head on before they are written, by block. What
    dead assignments read counts only ``with_dead``, for who keeps these."""
    live: dict[int, int] = dict.fromkeys(function.blocks, 0)
    order = [number for number in reversed(function.graph.order) if number in function.blocks]
    changed = True
    while changed:
        changed = False
        for number in order:
            result = function.blocks[number]
            after = at_end(result, live)
            found = (
                read_first(result.statements, after)
                if with_dead
                else _before(result.statements, after)
            )
            if found != live[number]:
                live[number] = found
                changed = True
    return live


def at_end(result: LoweredBlock, live: dict[int, int]) -> int:
    """The variables that are read after a block's lines."""
    bits = reads(result.exit_uses)
    for flow in result.flows:
        if flow is not None:
            bits |= live.get(flow.edge.target, 0)
    return bits


def reads(terms: Iterable[Expr]) -> int:
    """The variables that some expressions read."""
    bits = 0
    for term in terms:
        bits |= term.reads
    return bits


def read_first(lines: Sequence[Statement], bits: int = 0) -> int:
    """The variables that lines read before they write them, as a set of bits; or that are read
    after them."""
    for line in reversed(lines):
        bits = bits & ~line.defs | reads(line.uses)
    return bits


def _before(lines: Sequence[Statement], bits: int) -> int:
    """What is read from lines on, if these bits are read after them. What an assignment reads
    counts only if it has a reader itself: a variable that only its own steps read has none."""
    for line in reversed(lines):
        bit = line.defs
        if not bit:
            bits |= reads(line.uses)
        elif bit & bits or line.is_fixed:
            bits = bits & ~bit | reads(line.uses)
    return bits


def kept(
    lines: Sequence[Statement], bits: int, after: Iterable[Expr] = ()
) -> tuple[list[Statement], int]:
    """Lines without assignments that have no reader, and all variables that are read. ``bits`` are
    those that are read further on, ``after`` are expressions that are computed after the lines."""
    found = []
    read = reads(after)
    bits |= read
    for line in reversed(lines):
        bit, operands = line.defs, reads(line.uses)
        if bit and not bit & bits and not line.is_fixed:
            continue
        bits = bits & ~bit | operands
        read |= operands
        found.append(line)
    return found[::-1], read
