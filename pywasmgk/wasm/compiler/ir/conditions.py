"""Conditions: expressions that are Python's truth values.

As a number, a condition is wrapped in ``bool``. Comparisons are decided where bounds decide them,
and asked in the cheapest words that mean the same for the numbers that the operands can be.
"""

from __future__ import annotations

from .expr import ONE, WORDS, ZERO, Expr, bit_and, constant, keeps, shift_right, signed

__all__ = [
    "FALSE", "TRUE", "as_number", "choose", "compare", "connect", "decided", "negate", "truth",
    "within",
]  # fmt: skip

_INVERSE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRROR = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
TRUE, FALSE = Expr("truth", (ONE,)), Expr("truth", (ZERO,))


def compare(op: str, a: Expr, b: Expr) -> Expr:
    """A comparison, as a condition."""
    if a.low is None or b.low is None:
        return Expr(op, (a, b))
    if a.op == "const" and b.op != "const":
        a, b, op = b, a, _MIRROR[op]
    if a.op == "^" and b.op in ("^", "const") and a.args[1].op == "const":
        found = _signed_comparison(op, a, b)
        if found is not None:
            return found
    if op in ("==", "!="):
        left, right = _near_zero(a, b)
        if left is not a or right is not b:
            return compare(op, left, right)
    known = _decided(op, a, b)
    if known is not None:
        return TRUE if known else FALSE
    moved = _moved_interval(op, a, b)
    if moved is not None:
        return moved
    if op in ("==", "!=") and b.op == "const":
        if b.args[0] == 0:
            found = truth(a)
            return found if op == "!=" else negate(found)
        if a.op == "bool" and b.args[0] == 1:
            inner: Expr = a.args[0]
            return inner if op == "==" else negate(inner)
    return Expr(op, (a, b))


def _near_zero(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Two numbers to be compared, with their signs if they have been brought into 32 or 64 bits
    and are near zero; else as they are."""
    for mask in WORDS:
        if mask in (keeps(a), keeps(b)):
            left, right = (signed(term, (mask + 1) >> 1) for term in (a, b))
            if left.op != "signed" and right.op != "signed":
                return left, right
    return a, b


def _decided(op: str, a: Expr, b: Expr) -> bool | None:
    if op == "<":
        return True if a.high < b.low else False if a.low >= b.high else None
    if op == "<=":
        return True if a.high <= b.low else False if a.low > b.high else None
    if op == ">":
        return _decided("<", b, a)
    if op == ">=":
        return _decided("<=", b, a)
    apart = a.high < b.low or b.high < a.low
    same = a.low == a.high == b.low == b.high
    if op == "==":
        return False if apart else True if same else None
    return True if apart else False if same else None


def _moved_interval(op: str, a: Expr, b: Expr) -> Expr | None:
    """``(x + c) % 2**n < k``, as compilers ask whether ``x`` is in an interval, in these words."""
    mask = keeps(a)
    if mask < 0 or b.op != "const" or op in ("==", "!=") or a.args[0].op != "+":
        return None
    x, more = a.args[0].args
    if more.op != "const" or x.low < 0 or x.high > mask:
        return None
    if op in (">", ">="):
        return negate(compare("<=" if op == ">" else "<", a, b))
    first = -more.args[0] & mask
    end = first + b.args[0] + (op == "<=")
    if end <= mask + 1:
        return within(first, x, end)
    return negate(within(end - mask - 1, x, first))


def _signed_comparison(op: str, a: Expr, b: Expr) -> Expr | None:
    """``(x ^ sign) < (y ^ sign)``: a comparison of signed numbers, in its cheapest form."""
    sign = a.args[1].args[0]
    x = a.args[0]
    if sign & (sign - 1) or x.low < 0 or x.high >= 2 * sign:
        return None
    if b.op == "const":
        y = constant(b.args[0] ^ sign)
    elif b.args[1].op == "const" and b.args[1].args[0] == sign:
        y = b.args[0]
    else:
        return None
    if y.low < 0 or y.high >= 2 * sign:
        return None
    if op in ("==", "!="):
        return compare(op, x, y)
    left, right = signed(x, sign), signed(y, sign)
    if left.op != "signed" and right.op != "signed":
        return compare(op, left, right)
    if right.op == "const":
        return _against_constant(op, x, right.args[0], sign)
    if left.op == "const":
        return _against_constant(_MIRROR[op], y, left.args[0], sign)
    if x.is_atom and y.is_atom:
        return Expr("slt", (op, x, y, sign))
    return Expr(op, (left, right))


def _against_constant(op: str, x: Expr, k: int, sign: int) -> Expr:
    """Signed ``x op k`` for an unsigned ``x``: an interval of unsigned numbers, or its outside."""
    if op in (">", ">="):
        return negate(_against_constant("<=" if op == ">" else "<", x, k, sign))
    if op in ("==", "!="):
        return compare(op, x, constant(k & (2 * sign - 1)))
    if op == "<=":
        k += 1
    if k >= sign:
        return TRUE
    if k <= -sign:
        return FALSE
    if k == 0:
        return compare(">=", x, constant(sign))
    if k < 0:
        return within(sign, x, 2 * sign + k)
    return negate(within(k, x, sign))


def within(low: int, x: Expr, end: int) -> Expr:
    """``low <= x < end``."""
    if x.low >= low:
        return compare("<", x, constant(end))
    if x.high < end:
        return compare(">=", x, constant(low))
    return Expr("in", (low, x, end))


def truth(a: Expr) -> Expr:
    """A value as a condition."""
    if a.op == "bool":
        inner: Expr = a.args[0]
        return inner
    if a.low is not None and a.op != "truth":
        within_turn: Expr | None = a.args[0] if keeps(a) in WORDS else None
        if within_turn is not None and within_turn.low is not None:
            if -keeps(a) <= within_turn.low and within_turn.high <= keeps(a):
                # of all numbers within a turn of zero, only that one becomes zero
                return truth(within_turn)
        if a.low > 0 or a.high < 0:
            return TRUE
        if a.low == a.high:
            return FALSE
        if a.op == ">>" and a.args[1].op == "const" and a.args[0].low is not None:
            return _truth_of_shifted(a.args[0], a.args[1].args[0])
    return Expr("truth", (a,))


def _truth_of_shifted(a: Expr, count: int) -> Expr:
    """Whether ``a >> count`` is not zero, without the shift."""
    if a.op == "&" and a.args[1].op == "const" and a.args[1].args[0] >= 0:
        return truth(bit_and(a.args[0], constant(a.args[1].args[0] >> count << count)))
    if a.low >= 0:
        return compare(">=", a, constant(1 << count))
    return Expr("truth", (shift_right(a, constant(count)),))


def negate(condition: Expr) -> Expr:
    """The opposite condition."""
    op, args = condition.op, condition.args
    if op in _INVERSE and args[0].low is not None and args[1].low is not None:
        return Expr(_INVERSE[op], args)
    if op == "slt":
        return Expr("slt", (_INVERSE[args[0]], *args[1:]))
    if op == "not":
        inner: Expr = args[0]
        return inner
    if op == "truth" and args[0].op == "const":
        return FALSE if args[0].args[0] else TRUE
    return Expr("not", (condition,))


def as_number(condition: Expr) -> Expr:
    """A condition as 1 or 0."""
    if condition.op == "truth":
        value: Expr = condition.args[0]
        if value.low is not None and value.low >= 0 and value.high <= 1:
            return value
    return Expr("bool", (condition,), 0, 1)


def choose(condition: Expr, a: Expr, b: Expr) -> Expr:
    """``a if condition else b``."""
    if condition is TRUE:
        return a
    if condition is FALSE:
        return b
    if a.low is None or b.low is None:
        return Expr("if", (condition, a, b))
    low, high = min(a.low, b.low), max(a.high, b.high)
    return Expr("if", (condition, a, b), low, high, min(a.zeros, b.zeros))


def decided(condition: Expr) -> bool | None:
    """Whether a condition always or never holds."""
    if condition.op == "truth" and condition.args[0].op == "const":
        return bool(condition.args[0].args[0])
    return None


def connect(op: str, *conditions: Expr) -> Expr:
    """Conditions joined by ``and`` or ``or``."""
    ends = op == "or"
    left = []
    for condition in conditions:
        known = decided(condition)
        if known is None:
            left.append(condition)
        elif known is ends:
            return condition
    if not left:
        return FALSE if ends else TRUE
    return left[0] if len(left) == 1 else Expr(op, tuple(left))
