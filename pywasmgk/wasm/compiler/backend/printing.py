"""Rows and their expressions as Python text, with no more parentheses than Python needs.

Only digits, operators and the compiler's own names are ever written: nothing of a module but its
numbers (RATIONALE.md, "Why are names from modules escaped?").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...isa.numerics import bits_of_f64
from ..ir.expr import Expr
from .operators import in_python
from .rows import (
    Code,
    Do,
    Else,
    Except,
    Expired,
    For,
    If,
    Jump,
    Raise,
    Return,
    Set,
    Take,
    Test,
    Try,
    While,
)

__all__ = ["show", "text_of", "written"]

#: how tightly operators bind (Python's grammar); atoms are 20
_BINARY = {
    "|": 7, "^": 8, "&": 9, "<<": 10, ">>": 10, "+": 11, "-": 11,
    "*": 12, "//": 12, "%": 12, "/": 12,
    "==": 6, "!=": 6, "<": 6, "<=": 6, ">": 6, ">=": 6, "is": 6, "is not": 6,
}  # fmt: skip
_COMPARE = 6
_UNARY = 13
_ATOM = 20


def show(term: Expr) -> str:
    """The text of an expression of the compiler's, for readers."""
    return written(in_python(term))


def written(term: Expr) -> str:
    """The text of an expression that has Python's operators only."""
    return _written(term)[0]


def at_least(term: Expr, level: int) -> str:
    """The same, in parentheses if it binds less tightly than ``level``."""
    text, binds = _written(term)
    return text if binds >= level else f"({text})"


def _written(term: Expr) -> tuple[str, int]:
    op, args = term.op, term.args
    if op in ("var", "name"):
        return args[0], _ATOM
    level = _BINARY.get(op)
    if level is not None:
        return _binary(op, level, *args)
    return _FORMS[op](*args)


def _number(value: Any) -> tuple[str, int]:
    if value is None:
        return "None", _ATOM
    if isinstance(value, int):
        return str(int(value)), _ATOM if value >= 0 else _UNARY
    if value != value:
        return f"f64_of_bits({bits_of_f64(value)})", _ATOM
    if math.isinf(value):
        return ("INF", _ATOM) if value > 0 else ("-INF", _UNARY)
    return repr(float(value)), _UNARY if math.copysign(1.0, value) < 0 else _ATOM


def _binary(op: str, level: int, a: Expr, b: Expr) -> tuple[str, int]:
    if level == _COMPARE:
        # comparisons would chain
        return f"{at_least(a, level + 1)} {op} {at_least(b, level + 1)}", level
    if op == "+" and b.op == "const" and b.low is not None and b.low < 0:
        return f"{at_least(a, level)} - {-b.low}", level
    return f"{at_least(a, level)} {op} {at_least(b, level + 1)}", level


def _call(function: str, *args: Expr) -> tuple[str, int]:
    return f"{function}({_listed(args)})", _ATOM


def _listed(args: tuple[Expr, ...]) -> str:
    return ", ".join(at_least(arg, 1) for arg in args)


def _choose(condition: Expr, a: Expr, b: Expr) -> tuple[str, int]:
    return f"{at_least(a, 2)} if {at_least(condition, 2)} else {at_least(b, 1)}", 1


def _base(term: Expr) -> str:
    """What a bracket or a dot can follow; after a number it would be the decimal point."""
    return f"({written(term)})" if term.op == "const" else at_least(term, _ATOM)


def _index(base: Expr, index: Expr) -> tuple[str, int]:
    return f"{_base(base)}[{written(index)}]", _ATOM


def _method(base: Expr, method: str, *args: Expr) -> tuple[str, int]:
    return f"{_base(base)}.{method}({_listed(args)})", _ATOM


def _apply(function: Expr, *args: Expr) -> tuple[str, int]:
    return f"{_base(function)}({_listed(args)})", _ATOM


def _joined(op: str, level: int) -> Callable[..., tuple[str, int]]:
    return lambda *args: (f" {op} ".join(at_least(arg, level + 1) for arg in args), level)


def _chain(*parts: Expr | str) -> tuple[str, int]:
    texts = (part if isinstance(part, str) else at_least(part, _COMPARE + 1) for part in parts)
    return " ".join(texts), _COMPARE


def _slice(*bounds: Expr) -> tuple[str, int]:
    return ":".join(map(written, bounds)), 0


#: the kinds of expressions that are no binary operators
_FORMS: dict[str, Callable[..., tuple[str, int]]] = {
    "const": _number,
    "neg": lambda a: (f"-{at_least(a, _UNARY)}", _UNARY),
    "invert": lambda a: (f"~{at_least(a, _UNARY)}", _UNARY),
    "call": _call,
    "apply": _apply,
    "if": _choose,
    "not": lambda condition: (f"not {at_least(condition, 5)}", 5),
    "index": _index,
    "attribute": lambda base, text: (f"{_base(base)}.{text}", _ATOM),
    "method": _method,
    "and": _joined("and", 4),
    "or": _joined("or", 3),
    "chain": _chain,
    "named": lambda target, value: (f"{written(target)} := {at_least(value, 1)}", 0),
    "star": lambda a: (f"*{at_least(a, 7)}", 1),
    "slice": _slice,
    "list": lambda *args: (f"[{_listed(args)}]", _ATOM),
    "tuple": lambda *args: (f"({_listed(args)},)", _ATOM),
}


# -- rows


def text_of(code: Code) -> str:
    """The text of a row, without its indentation."""
    return _ROWS[type(code)](code)


def _set(code: Set) -> str:
    return f"{', '.join(map(written, code.targets))} = {_listed(code.values)}"


def _take(code: Take) -> str:
    amount = code.amount
    if amount.op == "const" and amount.args[0] < 0:
        return f"fuel += {-amount.args[0]}"
    if amount.op == "neg":
        return f"fuel += {written(amount.args[0])}"
    return f"fuel -= {at_least(amount, 1)}"


def _test(code: Test) -> str:
    pending = code.pending
    take = f"refill(fuel - {pending}) + {pending}" if pending else "refill(fuel)"
    return f"if fuel < {pending}: fuel = {take}"


def _then(head: str, then: Code | None) -> str:
    return f"{head}:" if then is None else f"{head}: {text_of(then)}"


_ROWS: dict[type[Any], Callable[[Any], str]] = {
    Set: _set,
    Do: lambda code: written(code.value),
    Take: _take,
    Test: _test,
    Expired: lambda code: "fuel = expire(fuel)",
    If: lambda code: _then(f"if {at_least(code.condition, 1)}", code.then),
    Else: lambda code: _then("else", code.then),
    Try: lambda code: _then("try", code.then),
    Except: lambda code: f"except W as {written(code.name)}:",
    While: lambda code: f"while {at_least(code.condition, 1)}:",
    For: lambda code: f"for {_listed(code.targets)} in {written(code.source)}:",
    Jump: lambda code: code.word,
    Return: lambda code: f"return {_listed(code.values)}".rstrip(),
    Raise: lambda code: f"raise {written(code.error)}",
}
