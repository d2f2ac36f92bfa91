"""Rows: lines of Python before they are text, each with what is known of it if it raises.

A row's code is one of the kinds below, over expressions that have Python's operators only
(``operators``). ``terms`` are all expressions of a row, in order, those that it sets
included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, Union, cast

from ..compiled import Ahead
from ..ir.expr import Expr

__all__ = [
    "Code", "Do", "Else", "Entry", "Except", "Expired", "For", "If", "Jump", "Raise", "Return",
    "Row", "Set", "Take", "Test", "Try", "While", "mapped", "terms",
]  # fmt: skip


class Set(NamedTuple):
    """``targets = values``; several targets may take what one call gives."""

    targets: tuple[Expr, ...]
    values: tuple[Expr, ...]


class Do(NamedTuple):
    """A call for its effect."""

    value: Expr


class Take(NamedTuple):
    """``fuel -= amount``."""

    amount: Expr


class Test(NamedTuple):
    """A test point: whether what is pending can be taken."""

    pending: int


class Expired(NamedTuple):
    """A look at the clock."""


class If(NamedTuple):
    """``if condition:``, with the statement that follows, or as the head of rows."""

    condition: Expr
    then: Set | Do | Raise | None = None


class Else(NamedTuple):
    """``else:``, likewise."""

    then: Set | Do | None = None


class Try(NamedTuple):
    """``try:``, with the statement that may throw."""

    then: Set | Do | Raise


class Except(NamedTuple):
    """``except`` of what guests throw, by the name that it has there."""

    name: Expr


class While(NamedTuple):
    """``while condition:``"""

    condition: Expr


class For(NamedTuple):
    """``for targets in source:``"""

    targets: tuple[Expr, ...]
    source: Expr


class Jump(NamedTuple):
    """``break``, ``continue``, ``pass``, or ``raise`` of what has been caught."""

    word: str


class Return(NamedTuple):
    """``return values``."""

    values: tuple[Expr, ...]


class Raise(NamedTuple):
    """Raises a trap, or an exception of the guest's."""

    error: Expr


Code = Union[Set, Do, Take, Test, Expired, If, Else, Try, Except, While, For, Jump, Return, Raise]
AnyCode = TypeVar("AnyCode", bound=Code)


class Entry(NamedTuple):
    """What one line of generated code is about."""

    #: index of the wasm instruction
    at: int
    #: fuel charged but not taken when it raises
    pending: int
    #: the TrapCode that an IndexError or the like of this line is, or that and a message
    trap: object
    #: fuel taken for iterations of a loop that are not run yet
    ahead: Ahead | None = None


class Row(NamedTuple):
    """One line of the function."""

    indent: int
    code: Code
    entry: Entry
    #: it is not to be merged with the line before it
    own: bool = False


def terms(code: Code) -> Sequence[Expr]:
    """The expressions of a row, those that it sets first."""
    if isinstance(code, Set):
        return code.targets + code.values
    if isinstance(code, (Do, Take, Raise)):
        return code[:1]
    if isinstance(code, (If, Else)):
        inner = () if code.then is None else terms(code.then)
        return (code.condition, *inner) if isinstance(code, If) else inner
    if isinstance(code, Try):
        return terms(code.then)
    if isinstance(code, (While, Except)):
        return code[:1]
    if isinstance(code, For):
        return (*code.targets, code.source)
    return code.values if isinstance(code, Return) else ()


def mapped(code: AnyCode, change: Callable[[Expr], Expr]) -> AnyCode:
    """The same with each expression changed."""
    return cast(AnyCode, _MAPPED[type(code)](code, change)) if type(code) in _MAPPED else code


def _each(terms: tuple[Expr, ...], change: Callable[[Expr], Expr]) -> tuple[Expr, ...]:
    return tuple(map(change, terms))


_MAPPED: dict[type[Any], Callable[[Any, Callable[[Expr], Expr]], Code]] = {
    Set: lambda code, change: Set(_each(code.targets, change), _each(code.values, change)),
    Do: lambda code, change: Do(change(code.value)),
    Take: lambda code, change: Take(change(code.amount)),
    Raise: lambda code, change: Raise(change(code.error)),
    If: lambda code, change: If(change(code.condition), code.then and mapped(code.then, change)),
    Else: lambda code, change: Else(code.then and mapped(code.then, change)),
    Try: lambda code, change: Try(mapped(code.then, change)),
    While: lambda code, change: While(change(code.condition)),
    For: lambda code, change: For(_each(code.targets, change), change(code.source)),
    Return: lambda code, change: Return(_each(code.values, change)),
}
