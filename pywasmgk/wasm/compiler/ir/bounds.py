"""Bounds of expressions that follow from those of their operands, by interval arithmetic.

The functions of ``expr`` know more where they simplify; what they note is never narrower than this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Union

from .expr import Expr

__all__ = ["implied", "rebounded"]

Bounds = Union[tuple[int, int], None]


def implied(term: Expr) -> Bounds:
    """The bounds that the operands of an expression imply; ``None`` where they say nothing."""
    rule = _RULES.get(term.op)
    operands = term.args[1:] if term.op == "if" else term.args
    if rule is None or any(arg.__class__ is Expr and arg.low is None for arg in operands):
        return None
    bounds: Bounds = rule(*operands)
    return bounds


def rebounded(term: Expr) -> Expr:
    """An expression whose bounds follow from those of its operands, if they did not."""
    found = implied(term)
    if found is None or (term.low is not None and term.low <= found[0] and found[1] <= term.high):
        return term
    return Expr(term.op, term.args, *found, term.zeros)


def _products(a: Expr, b: Expr) -> Bounds:
    corners = a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high
    return min(corners), max(corners)


def _shifted_left(a: Expr, b: Expr) -> Bounds:
    if not 0 <= b.low <= b.high <= 64:
        return None
    corners = a.low << b.low, a.low << b.high, a.high << b.low, a.high << b.high
    return min(corners), max(corners)


def _shifted_right(a: Expr, b: Expr) -> Bounds:
    if b.low < 0:
        return None
    corners = a.low >> b.low, a.low >> b.high, a.high >> b.low, a.high >> b.high
    return min(corners), max(corners)


def _masked(a: Expr, b: Expr) -> Bounds:
    """Of a number and a mask that is not below zero: not above the mask, and not above a number
    that is not below zero either."""
    highest = [term.high for term in (a, b) if term.low >= 0]
    return (0, min(highest)) if highest else None


def _remainder(a: Expr, b: Expr) -> Bounds:
    if b.low <= 0:
        return None
    return (a.low, a.high) if a.low >= 0 and a.high < b.low else (0, b.high - 1)


def _wrapped(a: Expr, size: int) -> Bounds:
    if -size <= a.low and a.high < 2 * size and (a.low >= 0 or a.high < size):
        return 0, size - 1
    # it is right within one turn only
    return a.low, a.high


_RULES: dict[str, Callable[..., Any]] = {
    "const": lambda value: (value, value) if isinstance(value, int) else None,
    "+": lambda a, b: (a.low + b.low, a.high + b.high),
    "-": lambda a, b: (a.low - b.high, a.high - b.low),
    "*": _products,
    "<<": _shifted_left,
    ">>": _shifted_right,
    "&": _masked,
    "lowest": _masked,
    "%": _remainder,
    "neg": lambda a: (-a.high, -a.low),
    "invert": lambda a: (~a.high, ~a.low),
    "wrap": _wrapped,
    "signed": lambda a, sign: (-sign, sign - 1) if 0 <= a.low and a.high < 2 * sign else None,
    # of the choice's operands, not of its condition
    "if": lambda a, b: (min(a.low, b.low), max(a.high, b.high)),
}
