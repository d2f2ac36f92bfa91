"""Boolean locals: what only branches read holds a condition, not 1 or 0.

wasm has no truth values: a comparison gives 1 or 0, and a branch tests whether that is zero. Where
both are in one block lowering never makes the number; where a local is between them, it need not be
made either, if nothing but branches reads the local.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.expr import Expr
from ..ir.function import Function
from ..ir.statements import Assign, Statement

__all__ = ["free_outcomes", "freed"]


def free_outcomes(function: Function) -> Function:
    """Has locals that only branches read hold conditions, and whatever else is true or not, where
    they would be 1 or 0. They are noted (``outcomes``)."""
    found = {
        line.local for line in function.statements if line.local and _outcome(line) is not None
    }
    if found:
        for term in (*function.exit_uses, *function.uses):
            _read_as_number(term, found)
    if not found:
        return function
    locals_ = frozenset(found)
    function = function._replace(outcomes=locals_)
    return function.with_statements(lambda result: freed(result.statements, locals_))


def freed(lines: Sequence[Statement], locals_: frozenset[str]) -> list[Statement]:
    """Lines that set some locals to what tells the outcome of a condition, instead of 1 or 0."""
    found = []
    for line in lines:
        condition = _outcome(line) if line.local in locals_ else None
        if condition is not None and isinstance(line, Assign):
            line = line.with_value(condition.args[0] if condition.op == "truth" else condition)
        found.append(line)
    return found


def _outcome(line: Statement) -> Expr | None:
    """The condition whose outcome a local is set to, if it is."""
    if not isinstance(line, Assign) or line.value.op != "bool":
        return None
    condition: Expr = line.value.args[0]
    return condition


def _read_as_number(term: Expr, found: set[str]) -> None:
    """Takes out locals that are asked for more than whether they are zero."""
    waiting = [term]
    while waiting:
        term = waiting.pop()
        if not isinstance(term, Expr):
            continue
        if term.op == "var":
            found.discard(term.args[0])
        elif term.op != "truth" or term.args[0].op != "var":
            waiting += term.args
