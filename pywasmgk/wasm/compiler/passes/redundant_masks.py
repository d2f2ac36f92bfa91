"""Redundant masks: what is read as part of a number of 32 bits is not brought there itself.

Of a temporary whose readers all mask it, the own mask goes; and a number with a sign, each of whose
readers brings it into 32 bits, is brought there once, when it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..analysis.demanded_bits import as_parts_of_words
from ..ir.bounds import rebounded
from ..ir.expr import Expr, constant, keeps
from ..ir.function import Function
from ..ir.statements import Assign, Statement
from ..ir.traversal import rewritten, subterms

__all__ = ["drop_redundant_masks", "unbounded", "without_redundant_masks"]

_WORD = 0xFFFFFFFF


def drop_redundant_masks(function: Function) -> Function:
    """Does not bring into 32 bits what is read as part of something that is; but brings loaded
    numbers there at once, not each time that they are read, if no reader asks for their sign."""
    signs = _without_sign(list(function.statements), function.exit_uses)
    if signs:
        function = function.mapped(_masked_readers(signs))
        function = function.with_statements(
            lambda result: [_masked(line, signs) for line in result.statements]
        )
    found = _loose(list(function.statements), function.exit_uses)
    if found:
        function = function.mapped(unbounded(found))
        function = function.with_statements(
            lambda result: [_bare(line, found) for line in result.statements]
        )
    return function


def without_redundant_masks(
    lines: Sequence[Statement], after: Sequence[Expr]
) -> tuple[list[Statement], list[Expr]]:
    """The same for lines that have temporaries of their own, and what is read after them."""
    signs = _without_sign(lines, after)
    if signs:
        change = _masked_readers(signs)
        lines = [_masked(line.mapped(change), signs) for line in lines]
        after = list(map(change, after))
    found = _loose(lines, after)
    if found:
        change = unbounded(found)
        lines = [_bare(line.mapped(change), found) for line in lines]
        after = list(map(change, after))
    return list(lines), list(after)


# -- numbers with a sign


def _without_sign(lines: Sequence[Statement], after: Iterable[Expr]) -> set[str]:
    """Temporaries that hold numbers with a sign, each of whose readers brings them into 32 bits."""
    found = {
        line.temporary
        for line in lines
        if isinstance(line, Assign) and line.temporary and line.value.low is not None
        if -_WORD <= line.value.low < 0 <= line.value.high <= _WORD
    }
    if not found:
        return found
    read = set()
    waiting: list[Any] = [*after, *(term for line in lines for term in line.uses)]
    while waiting and found:
        term = waiting.pop()
        if not isinstance(term, Expr):
            continue
        if _is_masked(term, found):
            read.add(term.args[0].args[0])
        elif term.op == "var":
            found.discard(term.args[0])
        else:
            waiting += term.args
    return found & read


def _is_masked(term: Expr, names: set[str]) -> bool:
    """Whether an expression brings one of some variables into 32 bits."""
    return keeps(term) == _WORD and term.args[0].op == "var" and term.args[0].args[0] in names


def _masked_readers(names: set[str]) -> Callable[[Expr], Expr]:
    """Makes a variable that is brought into 32 bits the variable itself."""

    def replaced(term: Expr) -> Expr:
        if not _is_masked(term, names):
            return term
        return Expr("var", term.args[0].args, term.low, term.high, term.zeros, term.reads)

    return lambda term: rewritten(term, replaced)


def _masked(line: Statement, names: set[str]) -> Statement:
    """A line that brings a temporary into 32 bits, if it is one of some."""
    if not isinstance(line, Assign) or line.temporary not in names:
        return line
    return line.with_value(Expr("&", (line.value, constant(_WORD)), 0, _WORD))


# -- numbers that are masked by their readers


def _loose(lines: Sequence[Statement], after: Iterable[Expr]) -> dict[str, Expr]:
    """Temporaries that hold a masked number, and the number, if each of their readers masks."""
    found = {}
    for line in lines:
        if isinstance(line, Assign) and line.temporary and keeps(line.value) == _WORD:
            inner = line.value.args[0]
            if inner.low is not None and -_WORD <= inner.low <= inner.high:
                found[line.temporary] = inner
    if not found:
        return found
    read = (term for line in lines for term in line.uses)
    kept = as_parts_of_words((*after, *read), found)
    return {name: inner for name, inner in found.items() if name in kept}


def _bare(line: Statement, found: Mapping[str, Expr]) -> Statement:
    """A line that assigns the number without its mask."""
    if not isinstance(line, Assign) or line.temporary not in found:
        return line
    value = line.value
    # it has been changed itself since it was looked at
    return line.with_value(value.args[0] if keeps(value) == _WORD else found[line.temporary])


def unbounded(found: Mapping[str, Expr]) -> Callable[[Expr], Expr]:
    """Has expressions know that variables are not in 32 bits, but within the bounds of other
    expressions."""

    def replaced(term: Expr) -> Expr:
        if term.op == "var" and term.args[0] in found:
            inner = found[term.args[0]]
            return Expr("var", term.args, inner.low, inner.high, 0, term.reads)
        if term.op == "wrap" and _reads(term, found):
            # it may be out of range by more than a turn now
            parts = term.args[0], constant(term.args[1])
            return Expr("%", parts, term.low, term.high, term.zeros)
        return rebounded(term)

    return lambda term: rewritten(term, replaced)


def _reads(term: Expr, found: Mapping[str, Expr]) -> bool:
    return any(part.op == "var" and part.args[0] in found for part in subterms((term,)))
