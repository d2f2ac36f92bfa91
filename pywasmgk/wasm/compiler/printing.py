"""Terms as Python text, with no more parentheses than Python needs.

Only digits, operators and the compiler's own names are ever written: nothing of a module but its
numbers (RATIONALE.md, "Why are names from modules escaped?").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..numerics import bits_of_f64
from .conditions import truth
from .terms import Term, constant

__all__ = ["show"]

#: how tightly operators bind (Python's grammar); atoms are 20
_BINARY = {
    "|": 7, "^": 8, "&": 9, "<<": 10, ">>": 10, "+": 11, "-": 11,
    "*": 12, "//": 12, "%": 12, "/": 12,
}  # fmt: skip
_COMPARE = frozenset(("==", "!=", "<", "<=", ">", ">=", "is", "is not"))
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ATOM = 20
#: the bits that one digit of a Python integer holds
_DIGIT = 30
_LARGEST_DIGIT = (1 << _DIGIT) - 1
#: 32-bit numbers from this on are negative, where they are signed
_SIGN = 1 << 31
#: the most bits of what is left of a number by ``&`` that Python keeps made
_FEW_BITS = 8
#: shifts by more than this are not those of an index
_SCALE = 3
#: a number above is not the size of anything
_LARGEST_SIZE = 1 << 26


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
    if op in _CHOSEN and args[1].op == "const":
        return _CHOSEN[op](*args)
    level = _BINARY.get(op)
    if level is not None:
        return _binary(op, level, *args)
    if op in ("<", ">=") and _asks_sign(args[0], args[1]):
        return _below(op, args[0].args[0], _SIGN)
    if op in _COMPARE:
        return f"{at_least(args[0], 7)} {op} {at_least(args[1], 7)}", 6
    return _FORMS[op](*args)


def _binary(op: str, level: int, a: Term, b: Term) -> tuple[str, int]:
    if op == "+" and b.op == "const" and b.low is not None and b.low < 0:
        return f"{at_least(a, level)} - {-b.low}", level
    return f"{at_least(a, level)} {op} {at_least(b, level + 1)}", level


# -- the same number by another operator, which Python has sooner: its remainder gives back what is
# smaller than the divisor, where a mask makes a new number; and by its digits, a product costs less
# than a shift. What is large more often than not, as hashes are, is left as it is.


def _masked(a: Term, mask: Term) -> tuple[str, int]:
    bits = mask.args[0].bit_length()
    if a.op == "neg" and a.args[0].low >= 0 and a.args[0].high == 1:
        # all bits or none, as compilers choose between a number and zero
        return f"{show(mask)} if {at_least(truth(a.args[0]), 2)} else 0", 1
    if mask.args[0] == (1 << bits) - 1 and a.low is not None:
        few = bits <= _FEW_BITS and a.high >= 1 << _DIGIT
        if few or (_DIGIT <= bits <= 32 and _is_size(a)) or (bits == 64 and _adds_product(a)):
            return _remainder(a, constant(1 << bits))
    return _binary("&", _BINARY["&"], a, mask)


def _remainder(a: Term, divisor: Term) -> tuple[str, int]:
    size = divisor.args[0]
    if _is_one_less(a) and a.args[0].high < size:
        # below zero for one number only
        name = show(a.args[0])
        return f"{name} - 1 if {name} else {size - 1}", 1
    if a.op in ("+", "-") and a.args[1].op == "bool":
        # what is often nothing is not added
        x, condition = a.args[0], a.args[1].args[0]
        if x.is_atom and x.low is not None and x.low >= 0 and x.high < size:
            text = show(x)
            return f"({text} {a.op} 1) % {size} if {at_least(condition, 2)} else {text}", 1
    return _binary("%", _BINARY["%"], a, divisor)


def _is_one_less(a: Term) -> bool:
    """Whether a number is a local less one."""
    x = a.args[0]
    if a.op != "+" or a.args[1].op != "const" or a.args[1].args[0] != -1:
        return False
    return bool(x.op == "var" and x.args[0][0] == "l" and x.low >= 0)


def _scaled(a: Term, count: Term) -> tuple[str, int]:
    bits = count.args[0]
    if not 0 < bits <= _SCALE:
        return _binary("<<", _BINARY["<<"], a, count)
    if a.op == "&" and a.args[1].op == "const" and a.args[1].args[0] == (1 << 32 - bits) - 1:
        if _is_size(a.args[0]):
            return f"{at_least(a.args[0], 12)} * {1 << bits} % {1 << 32}", 12
    if _is_size(a):
        return f"{at_least(a, 12)} * {1 << bits}", 12
    return _binary("<<", _BINARY["<<"], a, count)


def _adds_product(term: Term) -> bool:
    """Whether a number is the sum of a product and something else, as of the digits of numbers."""
    return term.op == "+" and _is_size(term) and any(arg.op == "*" for arg in term.args)


def _is_size(term: Term) -> bool:
    """Whether a number looks like a size, a count, an index or a pointer, which are small."""
    op, args = term.op, term.args
    if op == "const":
        return bool(abs(args[0]) < _LARGEST_SIZE)
    if term.low is None:
        return False
    if term.low >= 0 and term.high < 1 << _DIGIT:
        return True
    if op in ("+", "-", "%", "wrap"):
        return all(_is_size(arg) for arg in args if isinstance(arg, Term))
    if op in ("<<", ">>", "&"):
        few = op != "<<" or (args[1].op == "const" and args[1].args[0] <= _SCALE)
        return few and args[1].op == "const" and _is_size(args[0])
    if op == "|":
        return bool(args[0].op == args[1].op == "var")
    return op == "var" or (op == "*" and bool(args[0].op == args[1].op == "var"))


def _signed(a: Term, sign: int) -> tuple[str, int]:
    if a.is_atom:
        text = show(a)
        return f"{text} if {text} < {sign} else {text} - {2 * sign}", 1
    return f"({at_least(a, 8)} ^ {sign}) - {sign}", 11


def _wrap(a: Term, size: int) -> tuple[str, int]:
    if a.op == "neg" and a.args[0].is_atom and a.args[0].low >= 0:
        text = show(a.args[0])
        return f"{size} - {text} if {text} else 0", 1
    if a.low >= 0:
        return f"w if (w := {at_least(a, 1)}) < {size} else w - {size}", 1
    return _remainder(a, constant(size))


# -- comparisons that ask for a sign, with a number of two digits, which Python has later: most
# integers are below the largest digit, and then the rest is not asked


def _asks_sign(x: Term, bound: Term) -> bool:
    return x.op == "var" and bound.op == "const" and bound.args[0] == _SIGN


def _below(op: str, name: str, bound: int) -> tuple[str, int]:
    """``name < bound``, or the opposite."""
    if op == "<":
        return f"{name} <= {_LARGEST_DIGIT} or {name} < {bound}", 3
    return f"{name} > {_LARGEST_DIGIT} and {name} >= {bound}", 4


def _slt(op: str, x: Term, y: Term, sign: int) -> tuple[str, int]:
    if x.high >= sign and y.high < sign:
        x, y, op = y, x, _MIRROR[op]
    a, b = show(x), show(y)
    if x.high < sign:
        # one is not negative: it is below the other one, if that is not negative either
        below = f"({_below('<', b, sign)[0]})"
        if op in ("<", "<="):
            return f"{a} {op} {b} and {below}", 4
        return f"not ({a} {'<=' if op == '>' else '<'} {b} and {below})", 5
    # the order of the unsigned is the right one where the signs agree, and else the wrong one
    agree = f"{a} <= {_LARGEST_DIGIT} >= {b} or ({a} < {sign}) is ({b} < {sign})"
    return f"{a} {op} {b} if {agree} else {a} {_MIRROR[op]} {b}", 1


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
    if low < _LARGEST_DIGIT and _asks_sign(x, constant(end)):
        name = x.args[0]
        return f"{low} <= {name} and ({_below('<', name, end)[0]})", 4
    return f"{low} <= {at_least(x, 7)} < {end}", 6


#: operators that have a choice, by a number
_CHOSEN = {"&": _masked, "<<": _scaled, "%": _remainder}
#: the kinds of terms that are no binary operators
_FORMS: dict[str, Callable[..., tuple[str, int]]] = {
    "lowest": lambda a, mask: _binary("&", _BINARY["&"], a, mask),
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
