"""Walks over expressions: all that they are made of, changed copies, equality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .expr import Expr

__all__ = ["all_alike", "rewritten", "subterms"]


def subterms(terms: Iterable[Any]) -> Iterator[Expr]:
    """Expressions and all that they are made of; anything else is left out."""
    waiting = [term for term in terms if term.__class__ is Expr]
    while waiting:
        term = waiting.pop()
        for arg in term.args:
            if arg.__class__ is Expr:
                waiting.append(arg)
        yield term


def rewritten(term: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """An expression with every part of it changed, the innermost ones first; what ``change`` gives
    back as it is stays the same object, and so does all that is made of nothing else."""
    args = term.args
    for place, arg in enumerate(args):
        if arg.__class__ is Expr:
            new = rewritten(arg, change)
            if new is not arg:
                args = (*args[:place], new, *args[place + 1 :])
    return change(term if args is term.args else term.with_args(*args))


def all_alike(terms: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether expressions are the same expressions as others, with the same facts."""
    return len(terms) == len(others) and all(map(_alike, terms, others))


def _alike(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if a.__class__ is not Expr or b.__class__ is not Expr:
        return a.__class__ is b.__class__ and repr(a) == repr(b)
    if (a.op, a.low, a.high, a.zeros, a.reads) != (b.op, b.low, b.high, b.zeros, b.reads):
        return False
    return all_alike(a.args, b.args)
