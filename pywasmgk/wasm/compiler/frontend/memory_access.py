"""Memory as code reads and writes it: views, indices of words, and what is known of pointers.

Words are read through views where a pointer is known to point to words, or says so when it is
asked. What is computed of a pointer, its index and its low bits, is kept as long as the pointer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ....errors import TrapCode
from ..ir import conditions, expr
from ..ir.cfg import Block
from ..ir.domain import Environment, Fact, Shifted, clamp, exact_offset
from ..ir.expr import Expr, addends, constant, keeps, name, places, variable
from ..ir.statements import Assign, GuardedStore, Origin, Statement, Store
from .context import HIGHEST, NEAR, Context

__all__ = ["Definitions", "Pointers", "same"]

#: bounds of what memory holds and words are, by accessor: low, high, size in bytes, view's format
_ACCESS: dict[str, tuple[Any, Any, int, str]] = {
    "u8": (0, 0xFF, 1, "B"),
    "i8": (-0x80, 0x7F, 1, "b"),
    "u16": (0, 0xFFFF, 2, "H"),
    "i16": (-0x8000, 0x7FFF, 2, "h"),
    "u32": (0, 0xFFFFFFFF, 4, "I"),
    "i32": (-0x80000000, 0x7FFFFFFF, 4, "i"),
    "u64": (0, 0xFFFFFFFFFFFFFFFF, 8, "Q"),
    "i64": (-0x8000000000000000, 0x7FFFFFFFFFFFFFFF, 8, "q"),
    "f32": (None, None, 4, "f"),
    "f64": (None, None, 8, "d"),
}
#: depth of sums that are computed once more, as an index
_MOST_DEFINED = 5
#: bits that an index is shifted by to be that of bytes; the remainder by 2**29 is a division
_MOST_SCALED = 2
#: temporaries of one instruction, at most
_MOST_TEMPORARIES = 100


def unmasked(address: Expr) -> Expr:
    """An address before it was brought into 32 bits."""
    masked = address.op in ("wrap", "%", "&") and keeps(address) == (1 << 32) - 1
    inner: Expr = address.args[0] if masked else address
    return inner


def same(condition: Expr) -> Expr | None:
    """The variable that a condition compares with itself, which tells NaNs from numbers."""
    if condition.op == "==" and condition.args[0] is condition.args[1]:
        compared: Expr = condition.args[0]
        return compared if compared.op == "var" else None
    return None


def _may_carry(parts: Sequence[Expr], bits: int) -> bool:
    """Whether the lowest bits of a sum may come to more than these bits hold."""
    return sum(part.zeros < bits for part in parts) > 1


def _lowest(term: Expr) -> Expr:
    """The lowest bits of what is small, so that a mask is the best way to them."""
    if term.op != "&":
        return term
    return Expr("lowest", term.args, term.low, term.high, term.zeros)


def _is_small(fact: Fact) -> bool:
    """Whether a pointer is known to be below what pointers are taken to be."""
    return fact is not None and fact[1] < NEAR


class Definitions(dict[int, Expr]):
    """What locals were set to, as far as nothing that it reads has changed since."""

    def __init__(self) -> None:
        super().__init__()
        #: which of them read a variable, or did
        self._readers: dict[int, set[int]] = {}

    def define(self, index: int, value: Expr) -> None:
        """Notes what a local is set to."""
        self[index] = value
        for place in places(value.reads):
            self._readers.setdefault(place, set()).add(index)

    def forget(self, index: int) -> None:
        """Drops what a local was set to, and what reads it."""
        self.pop(index, None)
        for reader in self._readers.pop(index, ()):
            if reader in self and self[reader].reads >> index & 1:
                del self[reader]


class Pointers:
    """Where code is being made: its lines and variables, and access to memory."""

    def __init__(self, context: Context, block: Block, env: Environment, letter: str) -> None:
        self.context = context
        self.block = block
        #: what the names of temporaries begin with; another one where a block is made twice
        self.letter = letter
        self.env = env.copy()
        #: indices of words that it computes, or would use: what may be computed before a loop
        self.wanted_indices: set[Shifted] = set()
        #: what was shifted before this block
        self.at_head = env.shifted
        self.is_loop = any(edge.target == block.number for edge in block.edges)
        if self.is_loop:
            # fast turns can ask whether other pointers are small
            small = (key for key in env.shifted if _is_small(env[key[0]]))
            self.env.shifted = {key: env.shifted[key] for key in small}
        self.statements: list[Statement] = []
        self.scratch: Expr = expr.ZERO
        self.pending = 0
        self.settled = False
        self.at = block.start
        self.trap: TrapCode | None = None
        #: the number of the next temporary of an instruction, and of the first
        self.temporaries = self.first = _MOST_TEMPORARIES * block.copy
        #: variables that were asked whether they point to words, and the zero bits of these
        self.alignment_tests: dict[int, int] = {}
        #: temporaries that have been shifted, by name and bits
        self.shifted: dict[tuple[str, int], Expr] = {}
        #: what locals were set to, if that is a sum of what has not changed since
        self.definitions = Definitions()
        #: locals that hold quotients, and of what
        self.quotients = Definitions()
        #: variables that hold rounded f32, whose NaNs are quiet
        self.rounded: set[str] = set()

    # -- lines and variables

    def add(
        self, kind: Callable[..., Statement], *operands: Any, own: bool = False, trap: Any = None
    ) -> None:
        """Adds a statement."""
        origin = Origin(self.at, self.pending, self.settled, trap or self.trap, own)
        self.statements.append(kind(*operands, origin))

    def temporary(self, low: Any = None, high: Any = None, zeros: int = 0) -> Expr:
        """A fresh variable that is assigned once."""
        suffix = f"_{self.temporaries}" if self.temporaries else ""
        self.temporaries += 1
        return Expr("var", (f"{self.letter}{self.at}{suffix}",), low, high, zeros)

    def keep(self, term: Expr) -> Expr:
        """Puts an expression into a variable, now."""
        if term.is_atom and not term.reads:
            self.scratch = term
            return term
        kept = self.temporary(term.low, term.high, term.zeros)
        self.add(Assign, kept, term)
        self.scratch = kept
        return kept

    def variable(self, index: int) -> Expr:
        """A local or slot as an expression, with what is known of it now."""
        return self.context.variable(self.env, index)

    # -- what templates ask for

    def load(self, accessor: str, address: Expr) -> Expr:
        """What memory holds at an address."""
        address = expr.address(address)
        if accessor not in _ACCESS:
            unpacked = expr.call(f"load_{accessor}", name("mem"), address)
            return Expr("index", (unpacked, constant(0)))
        low, high, size, view = _ACCESS[accessor]
        if size == 1:
            loaded = Expr("index", (name("mem"), address), low, high)
        elif self._is_unaligned(address, size):
            unpacked = expr.call(f"load_{accessor}", name("mem"), address)
            loaded = Expr("index", (unpacked, constant(0)), low, high)
        else:
            address, fits = self._aligned(self._based(address, size), size)
            word = Expr("index", (name(f"M{view}"), self._word(address, size)), low, high)
            if fits is True:
                loaded = word
            else:
                unpacked = expr.call(f"load_{accessor}", name("mem"), address)
                loose = Expr("index", (unpacked, constant(0)), low, high)
                loaded = loose if fits is False else conditions.choose(fits, word, loose)
        self._reached(address, size)
        return loaded

    def store(self, accessor: str, address: Expr, value: Expr) -> None:
        """Stores a value at an address."""
        address = expr.address(address)
        size = _ACCESS[accessor][2] if accessor in _ACCESS else 1
        if size == 1:
            self.add(Store, *self._stored(accessor, address, value))
            if accessor in _ACCESS:
                self._reached(address, size)
            return
        if self._is_unaligned(address, size):
            self.add(Store, Expr("packed", (accessor, address)), value)
            self._reached(address, size)
            return
        address, fits = self._aligned(self._based(address, size), size)
        word = Expr("index", (name(f"M{_ACCESS[accessor][3]}"), self._word(address, size)))
        packed = Expr("packed", (accessor, address))
        if fits is True:
            self.add(Store, word, value)
        elif fits is False:
            self.add(Store, packed, value)
        else:
            value = value if value.is_atom else self.keep(value)
            self.add(GuardedStore, fits, (word, value), (packed, value))
        self._reached(address, size)

    def _stored(self, accessor: str, address: Expr, value: Expr) -> tuple[Expr, Expr]:
        """The place and the value of a store that needs no question whether a pointer points to
        words."""
        if accessor not in _ACCESS:
            return Expr("packed", (accessor, address)), value
        if _ACCESS[accessor][2] == 1:
            value = value if value.low is None else _lowest(expr.keep_low(value, 8))
            return Expr("index", (name("mem"), address)), value
        return self._word_or_packed(accessor, address), value

    def _word_or_packed(self, accessor: str, address: Expr) -> Expr:
        """A word in memory: as an element of a view, if it is known to be one."""
        _, _, size, view = _ACCESS[accessor]
        if self._is_unaligned(address, size):
            self._reached(address, size)
            return Expr("packed", (accessor, address))
        address, fits = self._aligned(self._based(address, size), size)
        word = Expr("index", (name(f"M{view}"), self._word(address, size)))
        self._reached(address, size)
        return word if fits is True else Expr("packed", (accessor, address))

    def either(
        self, condition: Expr, first: tuple[str, Expr, Expr], second: tuple[str, Expr, Expr]
    ) -> None:
        """One store or another; each is an accessor, an address and a value."""
        plain = same(condition)
        if plain is not None and plain.args[0] in self.rounded:
            # a quiet NaN keeps its bits whichever way it is stored
            self.store(*first)
            return
        then, otherwise = (
            self._stored(accessor, expr.address(address), value)
            for accessor, address, value in (first, second)
        )
        self.add(GuardedStore, condition, then, otherwise)

    def _based(self, address: Expr, size: int) -> Expr:
        """An address through a pointer that has been shifted already, if it is a known way from
        one."""
        bits = size.bit_length() - 1
        base, offset = address, 0
        if address.op == "+" and address.args[1].op == "const":
            base, offset = address.args[0], address.args[1].args[0]
        found = self._rebased_pointer(base, bits) if base.op == "var" and base.reads else None
        return address if found is None else expr.add(found, constant(offset))

    def _is_unaligned(self, address: Expr, size: int) -> bool:
        """Whether a word is not expected to stand at a multiple of its size: then nobody asks."""
        return address.zeros < size.bit_length() - 1 and self.context.stands_anywhere(self.at)

    def _aligned(self, address: Expr, size: int) -> tuple[Expr, Any]:
        """Whether an address is a multiple of ``size``: True, False, or a condition; and the
        address, so that it can be written twice."""
        bits = size.bit_length() - 1
        if address.zeros >= bits:
            return address, True
        base = address
        if address.op == "+" and address.args[1].op == "const":
            base, offset = address.args
            if offset.zeros < bits:
                if base.zeros >= bits:
                    return address, False
                base = address
        if not base.is_atom:
            address = base = self.keep(address)
        return address, conditions.negate(conditions.truth(self._low_bits(base, bits)))

    def _low_bits(self, pointer: Expr, bits: int) -> Expr:
        """The bits of a pointer that are zero if it points to a word; accesses share them."""
        low = _lowest(expr.bit_and(pointer, constant((1 << bits) - 1)))
        if pointer.reads:
            if pointer.args[0][0] == "g":
                return low
            self.alignment_tests[pointer.place] = max(
                bits, self.alignment_tests.get(pointer.place, 0)
            )
        return self._once(pointer, -bits, low)

    def _word(self, address: Expr, size: int) -> Expr:
        """The index of a word in a view: pointers are shifted one by one where their words share
        that, and a sum as a whole where they do not."""
        bits = size.bit_length() - 1
        parts, number = addends(unmasked(address))
        fresh = sum(self._is_dear(part, bits) for part in parts)
        if number % size or _may_carry(parts, bits) or fresh > 1 < len(parts):
            return expr.shift_right(address, constant(bits))
        return self._word_sum(address, bits)

    def _word_sum(self, address: Expr, bits: int) -> Expr:
        """A sum of pointers, shifted one by one."""
        inner = unmasked(address)
        parts, number = addends(inner)
        total = constant(number >> bits)
        if number and inner is not address:
            parts, total = self._with_number(parts, bits, number >> bits)
        for part in parts:
            if part.op == "var" and part.reads & self.context.scaled and inner is not address:
                # the sum is masked as a whole
                index: Expr | None = self._scaled(part, bits)
            else:
                index = self._index(part, bits)
            if index is None:
                index = expr.shift_right(part, constant(bits))
            total = expr.add(index, total)
        return total if inner is address else expr.keep_low(total, 32 - bits)

    def _with_number(self, parts: list[Expr], bits: int, number: int) -> tuple[list[Expr], Expr]:
        """A number that is added to pointers, as part of one of their indices if there is one that
        has it: the sum is masked, so that no view does it."""
        for part in parts:
            if part.op == "var" and part.reads and not part.reads & self.context.scaled:
                key = part.place, bits, number
                text = self.env.shifted.get(key)
                if text is not None:
                    index = expr.add(expr.shift_right(part, constant(bits)), constant(number))
                    others = [other for other in parts if other is not part]
                    return others, variable(text, -1, index.low, index.high, index.zeros)
                self.wanted_indices.add(key)
        return parts, constant(number)

    def hoist(self, wanted: Shifted) -> None:
        """Computes an index that code after this block would use, if it can be."""
        place, bits, number = wanted
        pointer = self.variable(place)
        if pointer.op != "var" or wanted in self.env.shifted:
            return
        if bits < 0:
            self._low_bits(pointer, -bits)
            return
        index = self._index(pointer, bits)
        if index is not None and number:
            kept = self._kept_apart(expr.add(index, constant(number)))
            self.env.shifted[wanted] = kept.args[0]

    def _is_dear(self, part: Expr, bits: int) -> bool:
        """Whether shifting a part of a sum is further work."""
        if part.op == "<<" and part.args[1].op == "const" and part.args[1].args[0] >= bits:
            return False
        if part.op != "var":
            return True
        if (part.place, bits, 0) in self.env.shifted or self._has_cheap_index(part, bits):
            return False
        if part.reads:
            self.wanted_indices.add((part.place, bits, 0))
        return True

    def _has_cheap_index(self, pointer: Expr, bits: int) -> bool:
        """Whether the index of a word is as easily computed from what a pointer was set to."""
        value = self.definitions.get(pointer.place) if pointer.reads else None
        if value is None:
            return False
        parts, number = addends(unmasked(value))
        if number % (1 << bits) or _may_carry(parts, bits):
            return False
        return not any(self._is_dear(part, bits) for part in parts)

    def _index(self, pointer: Expr, bits: int) -> Expr | None:
        """The index of the word that a pointer points to, in a variable; others share it."""
        if pointer.op != "var" or pointer.args[0][0] == "g":
            return None
        shifted = expr.shift_right(pointer, constant(bits))
        if pointer.reads & self.context.scaled:
            shifted = self._scaled(pointer, bits) or shifted
        elif pointer.reads and (pointer.place, bits, 0) not in self.env.shifted:
            rebased = self._rebased_pointer(pointer, bits)
            if rebased is not None:
                return self._word_sum(rebased, bits)
            if self._has_cheap_index(pointer, bits):
                shifted = self._word_sum(self.definitions[pointer.place], bits)
        return self._once(pointer, bits, shifted)

    def _scaled(self, pointer: Expr, bits: int) -> Expr | None:
        """The index of a word that a pointer points to, computed from the index that the pointer is
        a multiple of, if it is known to be one."""
        multiple = self.env.multiples.get(pointer.place)
        if multiple is None or multiple.bits < bits or multiple.more % (1 << bits):
            return None
        index = expr.shift_left(self.variable(multiple.of), constant(multiple.bits - bits))
        return expr.keep_low(expr.add(index, constant(multiple.more >> bits)), 32 - bits)

    def _once(self, pointer: Expr, bits: int, value: Expr) -> Expr:
        """What is computed of a pointer, in a variable, as long as the pointer is the same: its
        index, by its bits, or its low bits, by their number below zero."""
        if not pointer.reads:
            return self._once_of_temporary(pointer, bits, value)
        text = self.env.shifted.get((pointer.place, bits, 0))
        if text is not None:
            return variable(text, -1, value.low, value.high, value.zeros)
        found = self._kept_apart(value)
        if found.op == "var" and not found.reads:
            self.env.shifted[pointer.place, bits, 0] = found.args[0]
        self.wanted_indices.add((pointer.place, bits, 0))
        return found

    def _once_of_temporary(self, pointer: Expr, bits: int, value: Expr) -> Expr:
        """The same for what never changes, but is not there in other blocks."""
        found = self.shifted.get((pointer.args[0], bits))
        if found is None:
            found = self.shifted[pointer.args[0], bits] = self._kept_apart(value)
        return found

    def _kept_apart(self, term: Expr) -> Expr:
        """An expression in a variable, by a line that does not trap."""
        trap, self.trap = self.trap, None
        found = self.keep(term)
        self.trap = trap
        return found

    def _rebased_pointer(self, pointer: Expr, bits: int) -> Expr | None:
        """A pointer as another one, which has been shifted, plus a multiple of the word's size."""
        fact = self.env[pointer.place] if pointer.reads & self.context.words else None
        if fact is None or (pointer.place, bits, 0) in self.env.shifted:
            return None
        for other, difference in self.env.linked(pointer.place):
            known = (other, bits, 0) in self.env.shifted
            by = exact_offset(fact, difference) if known else None
            if by is not None and not by % (1 << bits):
                return expr.add(self.variable(other), constant(-by))
        return None

    def _reached(self, address: Expr, size: int) -> None:
        """Notes that an access at an address succeeded, so that it was in memory."""
        if address.low is not None:
            clamp(self.env, address, 0, self.context.highest_address - size)

    # -- what locals were set to

    def _define(self, index: int, value: Expr) -> None:
        """Notes what a local is set to, and that what was a sum with it is none any more."""
        self.definitions.forget(index)
        variables = (1 << self.context.nlocals) - 1 & ~(1 << index)
        if value.reads and not value.reads & ~variables and value.depth <= _MOST_DEFINED:
            if value.op in ("+", "<<") or unmasked(value) is not value:
                self.definitions.define(index, value)

    def _unscaled(self, index: int, value: Expr) -> tuple[Expr, Expr | None]:
        """What a local is set to; and if that is an index that was scaled to words, the index, in
        a variable, as it is what an access through the local needs."""
        if value.op != "<<" or value.args[1].op != "const" or not self.context.words >> index & 1:
            return value, None
        if not 0 < value.args[1].args[0] <= _MOST_SCALED:
            return value, None
        unscaled = self.keep(value.args[0])
        return expr.shift_left(unscaled, value.args[1]), unscaled

    def _of_operands(self, condition: Expr) -> Expr:
        """A condition, if it asks whether what a local was set to is in an interval, as a question
        about what that was computed from: then the local may not be needed at all."""
        if condition.op == "not":
            inner = self._of_operands(condition.args[0])
            return condition if inner is condition.args[0] else conditions.negate(inner)
        if condition.op not in ("<", "<=", ">", ">=") or condition.args[1].op != "const":
            return condition
        compared = condition.args[0]
        masked = compared.op == "&" and compared.args[1].op == "const"
        local: Expr = compared.args[0] if masked else compared
        value = self.definitions.get(local.place) if local.op == "var" and local.reads else None
        if value is None:
            return condition
        if masked:
            value = expr.bit_and(value, compared.args[1])
        found = conditions.compare(condition.op, value, condition.args[1])
        interval = found.args[0] if found.op == "not" else found
        return found if interval.op == "in" else condition

    def _define_quotient(self, index: int, value: Expr, before: Expr | None) -> None:
        """Notes that a local is set to a quotient; ``before`` is what has its old value."""
        self.quotients.forget(index)
        if value.reads & self.context.global_bits:
            # nobody tells when a global is set
            return
        if value.op == "//" and value.args[0].op == "var" and value.args[1].op == "const":
            dividend = before if value.reads >> index & 1 else value.args[0]
            if dividend is not None:
                self.quotients.define(index, Expr("//", (dividend, value.args[1])))

    def _remainder(self, term: Expr) -> Expr:
        """``a - a // b * b`` as what it is."""
        inner: Expr = term.args[0] if keeps(term) in HIGHEST.values() else term
        if inner.op != "-" or inner.args[1].op != "*" or inner.args[1].args[0].op != "var":
            return term
        factor, number = inner.args[1].args
        quotient = self.quotients.get(factor.place) if factor.reads else None
        if quotient is None or number.op != "const":
            return term
        dividend, divisor = quotient.args
        if dividend.args != inner.args[0].args or divisor.args != number.args:
            return term
        return expr.modulo(inner.args[0], number)
