"""The operators of expressions, listed once with their meaning.

``Expression.op`` is the symbol. A condition is a truth value of Python's, a value is all else; an
operand that is neither is plain: a number, a name or another symbol that is part of the operator.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["OPERATORS", "Operator"]


class Operator(Enum):
    """An operator: symbol; operands, ``v`` a value, ``c`` a condition, ``p`` plain, the last one
    with ``*`` repeated; what it gives; and its meaning."""

    symbol: str
    operands: str
    gives: str
    meaning: str

    def __init__(self, symbol: str, operands: str, gives: str, meaning: str) -> None:
        self.symbol = symbol
        self.operands = operands
        self.gives = gives
        self.meaning = meaning

    VAR = "var", "p", "v", "a local, a slot, a global or a temporary, by name"
    NAME = "name", "p", "v", "a name of the function's surroundings"
    CONST = "const", "p", "v", "a number, or None"

    ADD = "+", "vv", "v", "a + b"
    SUBTRACT = "-", "vv", "v", "a - b"
    MULTIPLY = "*", "vv", "v", "a * b"
    FLOOR_DIVIDE = "//", "vv", "v", "a // b, rounded down as Python does"
    MODULO = "%", "vv", "v", "a % b, with the sign of b as Python has it"
    DIVIDE = "/", "vv", "v", "a / b, of floats"
    SHIFT_LEFT = "<<", "vv", "v", "a << b"
    SHIFT_RIGHT = ">>", "vv", "v", "a >> b, with the sign of a"
    AND = "&", "vv", "v", "a & b"
    OR = "|", "vv", "v", "a | b"
    XOR = "^", "vv", "v", "a ^ b"
    NEGATE = "neg", "v", "v", "-a"
    INVERT = "invert", "v", "v", "~a"

    LOWEST = "lowest", "vv", "v", "a & b of a small a, for which Python's & is the best way"
    WRAP = "wrap", "vp", "v", "a modulo b of an a that is out of range by one b at most, and seldom"
    SIGNED = "signed", "vp", "v", "the a below 2 * b that two's complement has in b's bits, signed"

    IF = "if", "cvv", "v", "b if a else c"
    BOOL = "bool", "c", "v", "1 if a, else 0"

    EQUAL = "==", "vv", "c", "a == b"
    NOT_EQUAL = "!=", "vv", "c", "a != b"
    LESS = "<", "vv", "c", "a < b"
    AT_MOST = "<=", "vv", "c", "a <= b"
    GREATER = ">", "vv", "c", "a > b"
    AT_LEAST = ">=", "vv", "c", "a >= b"
    IS = "is", "vv", "c", "a is b"
    IS_NOT = "is not", "vv", "c", "a is not b"
    SIGNED_ORDER = "slt", "pvvp", "c", "b and c in the order a, as numbers with the sign bit d"
    WITHIN = "in", "pvp", "c", "a <= b < c"
    TRUTH = "truth", "v", "c", "a is not zero"
    NOT = "not", "c", "c", "not a"
    BOTH = "and", "c*", "c", "a and b and ..."
    EITHER = "or", "c*", "c", "a or b or ..."

    CALL = "call", "pv*", "v", "the function of the runtime a, called with the others"
    METHOD = "method", "vpv*", "v", "the method b of a, called with the others"
    ATTRIBUTE = "attribute", "vp", "v", "the attribute b of a"
    INDEX = "index", "vv", "v", "a[b]"
    PACKED = "packed", "pv", "v", "where struct packs a number of the kind a, at the address b"
    SLICE = "slice", "v*", "v", "a:b or a:b:c, as an index"
    STAR = "star", "v", "v", "*a, as an argument"
    LIST = "list", "v*", "v", "[a, b, ...]"
    TUPLE = "tuple", "v*", "v", "(a, b, ...)"

    # in rows only, which have Python's operators
    NAMED = "named", "vv", "v", "a := b"
    CHAIN = "chain", "vpvpv", "c", "a b c d e, where b and d are comparisons"
    APPLY = "apply", "vv*", "v", "a called with the others"


#: operators by symbol
OPERATORS = {operator.symbol: operator for operator in Operator}
