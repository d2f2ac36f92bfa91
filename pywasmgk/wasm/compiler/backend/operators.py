"""Expressions as Python computes them soonest: each operator of ours as one or more of Python's.

The same number may come by several operators. Python's remainder gives back what is smaller than
the divisor, where a mask makes a new number; and by its digits, a product costs less than a shift.
Comparisons that ask for a sign, with a number of two digits, which Python has later, first ask for
one digit: most integers are below that. What is large more often than not, as hashes are, is left
as it is (RATIONALE.md, "Why is the same number written with another operator?").
"""

from __future__ import annotations

from collections.abc import Callable

from ..ir.conditions import truth
from ..ir.expr import Expr, constant, name

__all__ = ["in_python"]

_COMPARE = frozenset(("==", "!=", "<", "<=", ">", ">=", "is", "is not"))
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
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
_ZERO, _ONE, _W = constant(0), constant(1), name("w")


def in_python(term: Expr) -> Expr:
    """An expression by Python's operators alone."""
    op, args = term.op, term.args
    if op in _ATOMS:
        return term
    chosen = _CHOSEN.get(op)
    if chosen is not None and args[1].op == "const":
        return chosen(*args)
    if op in ("<", ">=") and _asks_sign(args[0], args[1]):
        return _below(op, args[0], _SIGN)
    form = _FORMS.get(op)
    return _with_args(term) if form is None else form(*args)


_ATOMS = frozenset(("var", "name", "const"))


def _with_args(term: Expr) -> Expr:
    """The same operator over operands of Python."""
    found = tuple(in_python(arg) if arg.__class__ is Expr else arg for arg in term.args)
    for new, old in zip(found, term.args):
        if new is not old:
            return Expr(term.op, found)
    return term


def _choose(condition: Expr, a: Expr, b: Expr) -> Expr:
    return Expr("if", (condition, a, b))


# -- masks and remainders


def _masked(a: Expr, mask: Expr) -> Expr:
    bits = mask.args[0].bit_length()
    if a.op == "neg" and a.args[0].low >= 0 and a.args[0].high == 1:
        # all bits or none, as compilers choose between a number and zero
        return _choose(in_python(truth(a.args[0])), mask, _ZERO)
    if mask.args[0] == (1 << bits) - 1 and a.low is not None:
        few = bits <= _FEW_BITS and a.high >= 1 << _DIGIT
        if few or (_DIGIT <= bits <= 32 and _is_size(a)) or (bits == 64 and _adds_product(a)):
            return _remainder(a, constant(1 << bits))
    return Expr("&", (in_python(a), mask))


def _remainder(a: Expr, divisor: Expr) -> Expr:
    size = divisor.args[0]
    if _is_one_less(a) and a.args[0].high < size:
        # below zero for one number only
        x = a.args[0]
        return _choose(x, Expr("-", (x, _ONE)), constant(size - 1))
    if a.op in ("+", "-") and a.args[1].op == "bool":
        # what is often nothing is not added
        x, condition = a.args[0], a.args[1].args[0]
        if x.is_atom and x.low is not None and x.low >= 0 and x.high < size:
            added = Expr("%", (Expr(a.op, (x, _ONE)), divisor))
            return _choose(in_python(condition), added, x)
    return Expr("%", (in_python(a), divisor))


def _is_one_less(a: Expr) -> bool:
    """Whether a number is a local less one."""
    x = a.args[0]
    if a.op != "+" or a.args[1].op != "const" or a.args[1].args[0] != -1:
        return False
    return bool(x.op == "var" and x.args[0][0] == "l" and x.low >= 0)


def _scaled(a: Expr, count: Expr) -> Expr:
    bits = count.args[0]
    if not 0 < bits <= _SCALE:
        return Expr("<<", (in_python(a), count))
    if a.op == "&" and a.args[1].op == "const" and a.args[1].args[0] == (1 << 32 - bits) - 1:
        if _is_size(a.args[0]):
            product = Expr("*", (in_python(a.args[0]), constant(1 << bits)))
            return Expr("%", (product, constant(1 << 32)))
    if _is_size(a):
        return Expr("*", (in_python(a), constant(1 << bits)))
    return Expr("<<", (in_python(a), count))


def _adds_product(term: Expr) -> bool:
    """Whether a number is the sum of a product and something else, as of the digits of numbers."""
    return term.op == "+" and _is_size(term) and any(arg.op == "*" for arg in term.args)


def _is_size(term: Expr) -> bool:
    """Whether a number looks like a size, a count, an index or a pointer, which are small."""
    op, args = term.op, term.args
    if op == "const":
        return bool(abs(args[0]) < _LARGEST_SIZE)
    if term.low is None:
        return False
    if term.low >= 0 and term.high < 1 << _DIGIT:
        return True
    if op in ("+", "-", "%", "wrap"):
        return all(_is_size(arg) for arg in args if isinstance(arg, Expr))
    if op in ("<<", ">>", "&"):
        few = op != "<<" or (args[1].op == "const" and args[1].args[0] <= _SCALE)
        return few and args[1].op == "const" and _is_size(args[0])
    if op == "|":
        return bool(args[0].op == args[1].op == "var")
    return op == "var" or (op == "*" and bool(args[0].op == args[1].op == "var"))


def _signed(a: Expr, sign: int) -> Expr:
    if a.is_atom:
        return _choose(Expr("<", (a, constant(sign))), a, Expr("-", (a, constant(2 * sign))))
    return Expr("-", (Expr("^", (in_python(a), constant(sign))), constant(sign)))


def _wrap(a: Expr, size: int) -> Expr:
    whole = constant(size)
    if a.op == "neg" and a.args[0].is_atom and a.args[0].low >= 0:
        x = a.args[0]
        return _choose(x, Expr("-", (whole, x)), _ZERO)
    if a.low >= 0:
        kept = Expr("named", (_W, in_python(a)))
        return _choose(Expr("<", (kept, whole)), _W, Expr("-", (_W, whole)))
    return _remainder(a, whole)


# -- signs


def _asks_sign(x: Expr, bound: Expr) -> bool:
    return x.op == "var" and bound.op == "const" and bound.args[0] == _SIGN


def _below(op: str, x: Expr, bound: int) -> Expr:
    """``x < bound``, or the opposite."""
    digit, end = constant(_LARGEST_DIGIT), constant(bound)
    if op == "<":
        return Expr("or", (Expr("<=", (x, digit)), Expr("<", (x, end))))
    return Expr("and", (Expr(">", (x, digit)), Expr(">=", (x, end))))


def _slt(op: str, x: Expr, y: Expr, sign: int) -> Expr:
    if x.high >= sign and y.high < sign:
        x, y, op = y, x, _MIRROR[op]
    if x.high < sign:
        # one is not negative: it is below the other one, if that is not negative either
        below = _below("<", y, sign)
        if op in ("<", "<="):
            return Expr("and", (Expr(op, (x, y)), below))
        opposite = Expr("<=" if op == ">" else "<", (x, y))
        return Expr("not", (Expr("and", (opposite, below)),))
    # the order of the unsigned is the right one where the signs agree, and else the wrong one
    small = Expr("chain", (x, "<=", constant(_LARGEST_DIGIT), ">=", y))
    signs = (Expr("<", (number, constant(sign))) for number in (x, y))
    agree = Expr("or", (small, Expr("is", tuple(signs))))
    return _choose(agree, Expr(op, (x, y)), Expr(_MIRROR[op], (x, y)))


def _in(low: int, x: Expr, end: int) -> Expr:
    first, last = constant(low), constant(end)
    if low < _LARGEST_DIGIT and _asks_sign(x, last):
        return Expr("and", (Expr("<=", (first, x)), _below("<", x, end)))
    return Expr("chain", (first, "<=", in_python(x), "<", last))


#: operators that have a choice, by a number
_CHOSEN = {"&": _masked, "<<": _scaled, "%": _remainder}
#: operators that Python lacks
_FORMS: dict[str, Callable[..., Expr]] = {
    "lowest": lambda a, mask: Expr("&", (in_python(a), in_python(mask))),
    "signed": _signed,
    "slt": _slt,
    "wrap": _wrap,
    "bool": lambda condition: _choose(in_python(condition), _ONE, _ZERO),
    "truth": lambda value: in_python(value),
    "in": _in,
}
