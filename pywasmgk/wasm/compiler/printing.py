"""Terms as Python text, with no more parentheses than Python needs.

Only digits, operators and the compiler's own names are ever written: nothing of a module but its
numbers (RATIONALE.md, "Why are names from modules escaped?").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..numerics import bits_of_f64
from .terms import Term

__all__ = ["show"]

#: how tightly operators bind (Python's grammar); atoms are 20
_BINARY = {
    "|": 7, "^": 8, "&": 9, "<<": 10, ">>": 10, "+": 11, "-": 11,
    "*": 12, "//": 12, "%": 12, "/": 12,
}  # fmt: skip
_COMPARE = frozenset(("==", "!=", "<", "<=", ">", ">=", "is", "is not"))
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ATOM = 20


def show(term: Term) -> str:
    """The text of a term."""
    return _show(term)[0]


def at_least(term: Term, level: int) -> str:
    """The text of a term, in parentheses if it binds less tightly than ``level``."""
    text, binds = _show(term)
    return text if binds >= level else f"({text})"


def _number(value: Any) -> tuple[str, int]:
    if value is None:
        return "None", _ATOM
    if isinstance(value, int):
        return str(int(value)), _ATOM if value >= 0 else 13
    if value != value:
        return f"f64_of_bits({bits_of_f64(value)})", _ATOM
    if math.isinf(value):
        return ("INF", _ATOM) if value > 0 else ("-INF", 13)
    return repr(float(value)), 13 if math.copysign(1.0, value) < 0 else _ATOM


def _show(term: Term) -> tuple[str, int]:
    op, args = term.op, term.args
    if op in ("var", "name"):
        return args[0], _ATOM
    if op == "const":
        return _number(args[0])
    level = _BINARY.get(op)
    if level is not None:
        return _binary(op, level, *args)
    if op in _COMPARE:
        return f"{at_least(args[0], 7)} {op} {at_least(args[1], 7)}", 6
    return _FORMS[op](*args)


def _binary(op: str, level: int, a: Term, b: Term) -> tuple[str, int]:
    if op == "+" and b.op == "const" and b.low is not None and b.low < 0:
        return f"{at_least(a, level)} - {-b.low}", level
    return f"{at_least(a, level)} {op} {at_least(b, level + 1)}", level


def _signed(a: Term, sign: int) -> tuple[str, int]:
    if a.is_atom:
        text = show(a)
        return f"{text} if {text} < {sign} else {text} - {2 * sign}", 1
    return f"({at_least(a, 8)} ^ {sign}) - {sign}", 11


def _wrap(a: Term, size: int) -> tuple[str, int]:
    if a.low >= 0:
        return f"w if (w := {at_least(a, 1)}) < {size} else w - {size}", 1
    return f"w if (w := {at_least(a, 1)}) >= 0 else w + {size}", 1


def _slt(op: str, x: Term, y: Term, sign: int) -> tuple[str, int]:
    if x.high >= sign and y.high < sign:
        x, y, op = y, x, _MIRROR[op]
    a, b = show(x), show(y)
    if x.high < sign:
        # one is not negative: it is below the other one, if that is not negative either
        if op in ("<", "<="):
            return f"{a} {op} {b} < {sign}", 6
        return f"not {a} {'<=' if op == '>' else '<'} {b} < {sign}", 5
    # the order of the unsigned is the right one where the signs agree
    return f"({a} {op} {b}) is ({a} ^ {b} < {sign})", 6


def _call(function: str, *args: Term) -> tuple[str, int]:
    return f"{function}({', '.join(at_least(arg, 1) for arg in args)})", _ATOM


def _choose(condition: Term, a: Term, b: Term) -> tuple[str, int]:
    return f"{at_least(a, 2)} if {at_least(condition, 2)} else {at_least(b, 1)}", 1


def _bool(condition: Term) -> tuple[str, int]:
    return f"1 if {at_least(condition, 2)} else 0", 1


def _truth(value: Term) -> tuple[str, int]:
    return _show(value)


def _not(condition: Term) -> tuple[str, int]:
    return f"not {at_least(condition, 5)}", 5


def _base(term: Term) -> str:
    """What a bracket or a dot can follow; behind a number it would be the decimal point."""
    return f"({show(term)})" if term.op == "const" else at_least(term, _ATOM)


def _index(base: Term, index: Term) -> tuple[str, int]:
    return f"{_base(base)}[{show(index)}]", _ATOM


def _method(base: Term, method: str, *args: Term) -> tuple[str, int]:
    return f"{_base(base)}.{method}({', '.join(map(show, args))})", _ATOM


def _joined(op: str, level: int) -> Callable[..., tuple[str, int]]:
    return lambda *args: (f" {op} ".join(at_least(arg, level + 1) for arg in args), level)


def _in(low: int, x: Term, end: int) -> tuple[str, int]:
    return f"{low} <= {at_least(x, 7)} < {end}", 6


#: the kinds of terms that are no binary operators
_FORMS: dict[str, Callable[..., tuple[str, int]]] = {
    "neg": lambda a: (f"-{at_least(a, 13)}", 13),
    "invert": lambda a: (f"~{at_least(a, 13)}", 13),
    "signed": _signed,
    "slt": _slt,
    "wrap": _wrap,
    "call": _call,
    "if": _choose,
    "bool": _bool,
    "truth": _truth,
    "not": _not,
    "index": _index,
    "attribute": lambda base, text: (f"{_base(base)}.{text}", _ATOM),
    "method": _method,
    "and": _joined("and", 4),
    "or": _joined("or", 3),
    "in": _in,
    "star": lambda a: (f"*{at_least(a, 7)}", 1),
    "slice": lambda a, b: (f"{show(a)}:{show(b)}", 0),
    "list": lambda *args: (f"[{', '.join(map(show, args))}]", _ATOM),
    "tuple": lambda *args: (f"({', '.join(map(show, args))},)", _ATOM),
}
