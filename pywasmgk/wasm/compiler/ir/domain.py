"""What is known of local variables at a place: bounds, low bits that are zero, and differences.

An environment is a list by variable; an entry is ``(low, high, zeros)``, or ``None`` for a variable
that is no integer. ``links`` says of variables that they are another one plus a constant, modulo
2**32, so that what a branch or an access tells of one is known of all; ``multiples`` says of
pointers that they are another variable, an index, times a power of two plus a constant.
Environments are joined at joins, widened at the heads of loops so that the search ends, and
refined by the conditions of branches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Union

from .conditions import negate
from .expr import Expr

__all__ = [
    "Environment",
    "Fact",
    "Shifted",
    "clamp",
    "exact_offset",
    "join",
    "refine",
    "stops_with",
    "widen",
]  # fmt: skip

#: a variable, bits that it is shifted right by, and what is added then
Shifted = tuple[int, int, int]
Fact = Union[tuple[int, int, int], None]

_MODULUS = 1 << 32
_SIGN = 1 << 31
_NOTHING: dict[Any, Any] = {}
#: variables that are linked, and pointers that are multiples, at most: each assignment looks at all
_MOST_LINKS = 64
#: bits that an index is scaled by, at most: words of 64 bits, and pairs of them
_MOST_BITS = 4
#: where a growing bound stops on its way; few, since every stop is one more turn
_STOPS = [
    -1,
    0,
    0xFF,
    0xFFFF,
    0x7FFFFFFF,
    0xBFFFFFFF,
    0xFFFFFFFF,
    0x7FFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
]


class Multiple(NamedTuple):
    """A pointer as an index that is scaled: ``(of << bits) + more``, modulo 2**32."""

    of: int
    bits: int
    more: int

    def rebased(self, index: int, difference: int) -> Multiple:
        """The same with another index, to which ``difference`` is added to get this one."""
        return Multiple(index, self.bits, (self.more + (difference << self.bits)) % _MODULUS)

    def further(self, by: int) -> Multiple:
        """What a pointer ``by`` bytes further on is."""
        return self._replace(more=(self.more + by) % _MODULUS)


class Environment(list[Fact]):
    """Facts by variable; ``links``: variable -> (base, difference), where a base has no link;
    ``multiples``: variable -> what it is a multiple of; and ``shifted``: (variable, bits, more) ->
    name of a temporary that holds it shifted right by these, and a number more, or its lowest bits,
    if ``bits`` is below zero. Variables in ``signed`` (a set of bits) hold numbers with their sign
    (``passes.signed_locals``), and are linked with each other only, by what is exact."""

    __slots__ = ("links", "multiples", "shifted", "signed")

    def __init__(
        self,
        facts: Iterable[Fact] = (),
        links: Mapping[int, tuple[int, int]] = _NOTHING,
        multiples: Mapping[int, Multiple] = _NOTHING,
        shifted: Mapping[Shifted, str] = _NOTHING,
        signed: int = 0,
    ) -> None:
        super().__init__(facts)
        self.links = dict(links)
        self.multiples = dict(multiples)
        self.shifted = dict(shifted)
        self.signed = signed

    def copy(self) -> Environment:
        """One that can be changed by itself."""
        return Environment(self, self.links, self.multiples, self.shifted, self.signed)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Environment) or self.links != other.links:
            return False
        if self.signed != other.signed:
            return False
        if self.multiples != other.multiples or self.shifted != other.shifted:
            return False
        return list.__eq__(self, other)

    __hash__ = None

    def set(self, index: int, fact: Fact, value: Expr, words: int, *, signed: bool = False) -> None:
        """Notes that a variable got the value of an expression. ``words`` are the variables of type
        i32, as a set of bits: only these are linked."""
        self[index] = fact
        self._unshift(index)
        is_word = words >> index & 1
        words &= self.signed if signed else ~self.signed
        base, offset = _affine(value, words) if is_word else (None, 0)
        self.signed = self.signed & ~(1 << index) | signed << index
        if base == index:
            self._shift(index, offset)
            return
        self._free(index)
        if base is not None and len(self.links) < _MOST_LINKS:
            # after what hung on the old value of the variable hangs on another one
            root, more = self.links.get(base, (base, 0))
            self.links[index] = root, (offset + more) % _MODULUS
            if base in self.multiples:
                self.multiples[index] = self.multiples[base].further(offset)
        elif is_word and not signed and len(self.multiples) < _MOST_LINKS:
            multiple = _multiple(value, words)
            if multiple is not None and multiple.of != index:
                self.multiples[index] = multiple

    def forget(self, index: int, fact: Fact) -> None:
        """Notes that a variable may have any value of its type."""
        self[index] = fact
        self._unshift(index)
        self._free(index)
        self.signed &= ~(1 << index)

    def _unshift(self, index: int) -> None:
        if self.shifted:
            for key in [key for key in self.shifted if key[0] == index]:
                del self.shifted[key]

    def _shift(self, index: int, by: int) -> None:
        if index in self.links:
            base, offset = self.links[index]
            self.links[index] = base, (offset + by) % _MODULUS
        for other, (base, offset) in self.links.items():
            if base == index:
                self.links[other] = base, (offset - by) % _MODULUS
        for other, multiple in self.multiples.items():
            if other == index:
                self.multiples[other] = multiple.further(by)
            elif multiple.of == index:
                self.multiples[other] = multiple.rebased(index, -by)

    def _free(self, index: int) -> None:
        """Takes a variable out of its class, with a new base for the others if it was theirs."""
        if self.multiples:
            self._free_index(index)
        if self.links:
            self._free_base(index)

    def _free_index(self, index: int) -> None:
        self.multiples.pop(index, None)
        hanging = [other for other, multiple in self.multiples.items() if multiple.of == index]
        rebased = next(self.linked(index), None) if hanging else None
        for other in hanging:
            multiple = self.multiples.pop(other)
            if rebased is not None and rebased[0] != other:
                self.multiples[other] = multiple.rebased(rebased[0], -rebased[1])

    def _free_base(self, index: int) -> None:
        self.links.pop(index, None)
        hanging = [(other, link[1]) for other, link in self.links.items() if link[0] == index]
        if hanging:
            base, at = hanging[0]
            del self.links[base]
            for other, offset in hanging[1:]:
                self.links[other] = base, (offset - at) % _MODULUS

    def linked(self, index: int) -> Iterator[tuple[int, int]]:
        """The variables that are linked with one, each with the difference to it, modulo 2**32."""
        root, offset = self.links.get(index, (index, 0))
        if root != index:
            yield root, -offset % _MODULUS
        for other, (base, more) in self.links.items():
            if base == root and other != index:
                yield other, (more - offset) % _MODULUS

    def scaled(self, index: int) -> Iterator[Multiple]:
        """All ways in which a pointer is known as an index that is scaled."""
        multiple = self.multiples.get(index)
        if multiple is not None:
            yield multiple
            for other, difference in self.linked(multiple.of):
                yield multiple.rebased(other, -difference)

    def spread(self, index: int) -> bool:
        """Makes what is known of a variable known of those linked with it; gives whether there can
        be such values."""
        fact = self[index]
        if fact is None:
            return True
        for other, difference in list(self.linked(index)):
            known = self[other]
            if self.signed >> index & 1:
                # no sum of these ever wraps
                by: int | None = (difference ^ _SIGN) - _SIGN
            else:
                by = exact_offset(fact, difference)
            if known is not None and by is not None:
                low, high = max(known[0], fact[0] + by), min(known[1], fact[1] + by)
                if low > high:
                    return False
                self[other] = low, high, known[2]
        return all(self._bounded(multiple, fact) for multiple in self.scaled(index))

    def _bounded(self, multiple: Multiple, pointer: tuple[int, int, int]) -> bool:
        """Makes what is known of a pointer known of its index; gives whether there is such one."""
        fact = self[multiple.of]
        if fact is None:
            return True
        by = exact_offset((fact[0] << multiple.bits, fact[1] << multiple.bits, 0), multiple.more)
        if by is None:
            return True
        low = max(fact[0], -(by - pointer[0] >> multiple.bits))
        high = min(fact[1], pointer[1] - by >> multiple.bits)
        self[multiple.of] = low, high, fact[2]
        return low <= high


def exact_offset(fact: tuple[int, int, int], difference: int) -> int | None:
    """The number that is added to a value with these bounds if ``difference``, added modulo 2**32,
    never wraps or always does; ``None`` if it may."""
    for by in (difference, difference - _MODULUS):
        if fact[0] + by >= 0 and fact[1] + by < _MODULUS:
            return by
    return None


def _parted(value: Expr) -> tuple[Expr, int]:
    """An expression and a constant whose sum modulo 2**32 another expression is."""
    if value.op == "%" and value.args[1].args[0] == _MODULUS:
        value = value.args[0]
    if value.op == "+" and value.args[1].op == "const":
        return value.args[0], value.args[1].args[0]
    return value, 0


def _affine(value: Expr, words: int) -> tuple[int | None, int]:
    """The variable and the constant whose sum modulo 2**32 an expression is, if it is that."""
    value, offset = _parted(value)
    if value.op == "var" and value.reads & words:
        return value.place, offset
    return None, 0


def _multiple(value: Expr, words: int) -> Multiple | None:
    """What an expression is as a scaled index, if it is one."""
    value, more = _parted(value)
    if value.op != "<<" or value.args[1].op != "const" or value.args[1].args[0] > _MOST_BITS:
        return None
    base, offset = _affine(value.args[0], words)
    if base is None:
        return None
    return Multiple(base, value.args[1].args[0], more % _MODULUS).rebased(base, offset)


def join(a: Environment, b: Environment) -> Environment:
    """What holds on both of two paths."""
    if a is b:
        return a.copy()
    facts = [x if x == y else _either(x, y) for x, y in zip(a, b)]
    links = dict(a.links.items() & b.links.items())
    multiples = _common(a, b) if a.multiples and b.multiples else {}
    shifted = dict(a.shifted.items() & b.shifted.items())
    joined = Environment(facts, links, multiples, shifted, a.signed & b.signed)
    mixed = a.signed ^ b.signed
    while mixed:
        # a number that has its sign on one of the ways only is linked with nothing
        joined._free(mixed.bit_length() - 1)
        mixed -= 1 << mixed.bit_length() - 1
    return joined


def _common(a: Environment, b: Environment) -> dict[int, Multiple]:
    """Pointers that are the same multiple of an index on both of two paths."""
    found = {}
    for pointer in a.multiples.keys() & b.multiples.keys():
        known = set(b.scaled(pointer))
        same = next((multiple for multiple in a.scaled(pointer) if multiple in known), None)
        if same is not None:
            found[pointer] = same
    return found


def _either(x: Fact, y: Fact) -> Fact:
    if x is None or y is None:
        return None
    return min(x[0], y[0]), max(x[1], y[1]), min(x[2], y[2])


def widen(
    old: Environment, new: Environment, stops: Sequence[int] = _STOPS, changed: int = -1
) -> Environment:
    """``new``, with every bound that moved put to the next stop, of variables that may move it on:
    those of ``changed``. ``stops`` are in order."""
    facts = (
        _wider(x, y, stops) if x != y and changed >> place & 1 else y
        for place, (x, y) in enumerate(zip(old, new))
    )
    return Environment(facts, new.links, new.multiples, new.shifted, new.signed)


def stops_with(numbers: Iterable[int]) -> Sequence[int]:
    """The stops of bounds with some more, of which a loop's turns know."""
    return sorted({*_STOPS, *numbers})


def _wider(x: Fact, y: Fact, stops: Sequence[int]) -> Fact:
    if x is None or y is None:
        return None
    low, high, zeros = y
    if low < x[0]:
        low = 0 if low >= 0 else next(~stop for stop in _STOPS if ~stop <= low)
    if high > x[1]:
        high = next((stop for stop in stops if stop >= high), high)
    return low, high, zeros


def clamp(env: Environment, term: Expr, low: int, high: int) -> bool:
    """Notes that an expression's value is in ``low..high``; gives whether it can be."""
    op = term.op
    if term.low is None:
        return True
    if op == "+" and term.args[1].op == "const":
        offset = term.args[1].args[0]
        return clamp(env, term.args[0], low - offset, high - offset)
    if op == "signed":
        sign = term.args[1]
        if low >= 0:
            return clamp(env, term.args[0], low, min(high, sign - 1))
        if high < 0:
            return clamp(env, term.args[0], low + 2 * sign, high + 2 * sign)
        return True
    if op == "var" and term.reads:
        index = term.place
        fact = env[index]
        if fact is None:
            return True
        low, high = max(low, fact[0]), min(high, fact[1])
        if low > high:
            return False
        if (low, high) != fact[:2]:
            env[index] = low, high, fact[2]
            if env.links or env.multiples:
                return env.spread(index)
        return True
    return bool(max(low, term.low) <= min(high, term.high))


def refine(env: Environment, condition: Expr) -> Environment | None:
    """The environment where a condition holds; ``None`` where it cannot."""
    found = env.copy()
    return found if _assume(found, condition) else None


def _assume(env: Environment, condition: Expr) -> bool:
    op, args = condition.op, condition.args
    rule = _ORDERS.get(op)
    if rule is not None:
        x, y = args
        return bool(x.low is None or y.low is None or rule(env, x, y))
    if op == "and":
        return all(_assume(env, part) for part in args)
    if op == "truth":
        return _nonzero(env, args[0])
    if op == "in":
        return clamp(env, args[1], args[0], args[2] - 1)
    if op == "slt":
        return _signed_order(env, *args)
    if op == "not":
        return _assume_not(env, args[0])
    return True


def _below(env: Environment, x: Expr, y: Expr) -> bool:
    return clamp(env, x, x.low, y.high - 1) and clamp(env, y, x.low + 1, y.high)


def _at_most(env: Environment, x: Expr, y: Expr) -> bool:
    return clamp(env, x, x.low, y.high) and clamp(env, y, x.low, y.high)


def _same(env: Environment, x: Expr, y: Expr) -> bool:
    low, high = max(x.low, y.low), min(x.high, y.high)
    return low <= high and clamp(env, x, low, high) and clamp(env, y, low, high)


def _other(env: Environment, x: Expr, y: Expr) -> bool:
    if y.op != "const":
        return True
    value = y.args[0]
    low = x.low + 1 if x.low == value else x.low
    # the highest number with as many zero bits
    high = x.high >> x.zeros << x.zeros
    high = high - 1 if high == value else x.high
    return low <= high and clamp(env, x, low, high)


_ORDERS = {
    "<": _below,
    "<=": _at_most,
    ">": lambda env, x, y: _below(env, y, x),
    ">=": lambda env, x, y: _at_most(env, y, x),
    "==": _same,
    "!=": _other,
}


def _nonzero(env: Environment, value: Expr) -> bool:
    if value.low is None:
        return True
    if value.low == 0:
        return value.high > 0 and clamp(env, value, 1, value.high)
    if value.high == 0:
        return clamp(env, value, value.low, -1 << value.zeros)
    return not value.low == value.high == 0


def _signed_order(env: Environment, op: str, x: Expr, y: Expr, sign: int) -> bool:
    """Signed orders of unsigned variables bound one side where the other is known positive."""
    if op in (">", ">="):
        op, x, y = ("<" if op == ">" else "<="), y, x
    # now x < y or x <= y, signed
    if x.high < sign:
        return clamp(env, y, x.low + (op == "<"), sign - 1)
    if y.low >= sign:
        return clamp(env, x, sign, y.high - (op == "<"))
    return True


def _assume_not(env: Environment, condition: Expr) -> bool:
    op, args = condition.op, condition.args
    if op == "truth":
        return _zero(env, args[0])
    if op == "in":
        low, x, end = args
        if x.low >= low:
            return clamp(env, x, end, x.high)
        if x.high < end:
            return clamp(env, x, x.low, low - 1)
        return True
    if op == "or":
        return all(_assume(env, negate(part)) for part in args)
    return True


def _zero(env: Environment, value: Expr) -> bool:
    if value.low is None:
        return True
    if value.op == "&" and value.args[1].op == "const" and value.args[0].op == "var":
        # the low bits that a test found zero
        mask = value.args[1].args[0]
        index = value.args[0].place
        fact = env[index] if index >= 0 else None
        if fact is not None and mask & (mask + 1) == 0:
            env[index] = fact[0], fact[1], max(fact[2], mask.bit_length())
        return True
    return clamp(env, value, 0, 0)
