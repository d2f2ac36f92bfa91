"""Memory as code reads and writes it: views, indices of words, and what is known of pointers.

Words are read through views where a pointer is known to point to words, or says so when it is
asked. What is computed of a pointer, its index and its low bits, is kept as long as the pointer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import TrapCode
from . import conditions, terms
from .facts import Environment, Fact, Shifted, clamp, without_turn
from .graph import Block
from .lines import Line, Part
from .shape import HIGHEST, NEAR, Shape
from .terms import Term, addends, constant, keeps, name, variable

__all__ = ["Pointers", "same"]

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
_MOST_HELD = 5
#: bits that an index is shifted by to be that of bytes; the remainder by 2**29 is a division
_MOST_SCALED = 2
#: temporaries of one instruction, at most
_MOST_TEMPORARIES = 100


def unmasked(address: Term) -> Term:
    """An address before it was brought into 32 bits."""
    masked = address.op in ("wrap", "%", "&") and keeps(address) == (1 << 32) - 1
    inner: Term = address.args[0] if masked else address
    return inner


def same(condition: Term) -> Term | None:
    """The variable that a condition compares with itself, which tells NaNs from numbers."""
    if condition.op == "==" and condition.args[0] is condition.args[1]:
        compared: Term = condition.args[0]
        return compared if compared.op == "var" else None
    return None


def _may_carry(parts: Sequence[Term], bits: int) -> bool:
    """Whether the lowest bits of a sum may come to more than these bits hold."""
    return sum(part.zeros < bits for part in parts) > 1


def _lowest(term: Term) -> Term:
    """The lowest bits of what is small, so that a mask is the best way to them."""
    if term.op != "&":
        return term
    return Term("lowest", term.args, term.low, term.high, term.zeros)


def _is_near(fact: Fact) -> bool:
    """Whether a pointer is known to be below what pointers are taken to be."""
    return fact is not None and fact[1] < NEAR


def _without(index: int, known: dict[int, Term]) -> dict[int, Term]:
    """What is known of other locals, as far as it does not read this one."""
    return {
        place: value
        for place, value in known.items()
        if place != index and not value.reads >> index & 1
    }


class Pointers:
    """Where code is being made: its lines and variables, and access to memory."""

    def __init__(self, shape: Shape, block: Block, env: Environment, letter: str) -> None:
        self.shape = shape
        self.block = block
        #: what the names of temporaries begin with; another one where a block is made twice
        self.letter = letter
        self.env = env.copy()
        #: what it shifts, or would use shifted, of variables: what loops could have ahead
        self.wishes: set[Shifted] = set()
        #: what was shifted before this block
        self.at_head = env.shifted
        self.is_loop = any(edge.target == block.number for edge in block.edges)
        if self.is_loop:
            # fast turns can ask whether other pointers are near
            near = (key for key in env.shifted if _is_near(env[key[0]]))
            self.env.shifted = {key: env.shifted[key] for key in near}
        self.lines: list[Line] = []
        self.scratch: Term = terms.ZERO
        self.pending = 0
        self.settled = False
        self.at = block.start
        self.trap: TrapCode | None = None
        #: the number of the next temporary of an instruction, and of the first
        self.temporaries = self.first = _MOST_TEMPORARIES * block.copy
        #: a store must be one line
        self.single = False
        #: variables that were asked whether they point to words, and the zero bits of these
        self.asked: dict[int, int] = {}
        #: temporaries that have been shifted, by name and bits
        self.shifted: dict[tuple[str, int], Term] = {}
        #: what locals were set to, if that is a sum of what has not changed since
        self.held: dict[int, Term] = {}
        #: locals that hold quotients, and of what
        self.quotients: dict[int, Term] = {}
        #: variables that hold rounded f32, whose NaNs are quiet
        self.rounded: set[str] = set()

    # -- lines and variables

    def emit(self, parts: Sequence[Part], *, own: bool = False, trap: Any = None) -> None:
        """Adds a line."""
        trap = trap or self.trap
        self.lines.append(Line(parts, self.at, self.pending, self.settled, trap, own))

    def temporary(self, low: Any = None, high: Any = None, zeros: int = 0) -> Term:
        """A fresh variable that is assigned once."""
        suffix = f"_{self.temporaries}" if self.temporaries else ""
        self.temporaries += 1
        return Term("var", (f"{self.letter}{self.at}{suffix}",), low, high, zeros)

    def keep(self, term: Term) -> Term:
        """Puts a term into a variable, now."""
        if term.is_atom and not term.reads:
            self.scratch = term
            return term
        kept = self.temporary(term.low, term.high, term.zeros)
        self.emit([kept, " = ", term])
        self.scratch = kept
        return kept

    def variable(self, index: int) -> Term:
        """A local or slot as a term, with what is known of it now."""
        return self.shape.variable(self.env, index)

    # -- what templates ask for

    def load(self, accessor: str, address: Term) -> Term:
        """What memory holds at an address."""
        address = terms.address(address)
        if accessor not in _ACCESS:
            unpacked = terms.call(f"load_{accessor}", name("mem"), address)
            return Term("index", (unpacked, constant(0)))
        low, high, size, view = _ACCESS[accessor]
        if size == 1:
            loaded = Term("index", (name("mem"), address), low, high)
        else:
            address, fits = self._aligned(self._based(address, size), size)
            word = Term("index", (name(f"M{view}"), self._word(address, size)), low, high)
            if fits is True:
                loaded = word
            else:
                unpacked = terms.call(f"load_{accessor}", name("mem"), address)
                loose = Term("index", (unpacked, constant(0)), low, high)
                loaded = loose if fits is False else conditions.choose(fits, word, loose)
        self._reached(address, size)
        return loaded

    def storing(self, accessor: str, address: Term, value: Term) -> list[Part]:
        """The parts of a line that stores a value."""
        address = terms.address(address)
        if accessor not in _ACCESS:
            return [f"store_{accessor}(mem, ", address, ", ", value, ")"]
        _, _, size, view = _ACCESS[accessor]
        if size == 1:
            value = value if value.low is None else _lowest(terms.keep_low(value, 8))
            parts: list[Part] = [Term("index", (name("mem"), address)), " = ", value]
        else:
            address, fits = self._aligned(self._based(address, size), size)
            word = Term("index", (name(f"M{view}"), self._word(address, size)))
            pack: list[Part] = [f"store_{accessor}(mem, ", address, ", ", value, ")"]
            if fits is True:
                parts = [word, " = ", value]
            elif fits is False or self.single:
                parts = pack
            else:
                if not value.is_atom:
                    value = self.keep(value)
                    pack[3] = value
                self.emit(["if ", fits, ": ", word, " = ", value])
                parts = ["else: ", *pack]
        self._reached(address, size)
        return parts

    def either(
        self, condition: Term, first: Callable[[], list[Part]], second: Callable[[], list[Part]]
    ) -> None:
        """One effect or another, a line each."""
        plain = same(condition)
        if plain is not None and plain.args[0] in self.rounded:
            # a quiet NaN keeps its bits whichever way it is stored
            self.emit(first())
            return
        self.single = True
        one, other = first(), second()
        self.single = False
        self.emit(["if ", condition, ": ", *one])
        self.emit(["else: ", *other])

    def _based(self, address: Term, size: int) -> Term:
        """An address through a pointer that has been shifted already, if it is a known way from
        one."""
        bits = size.bit_length() - 1
        base, offset = address, 0
        if address.op == "+" and address.args[1].op == "const":
            base, offset = address.args[0], address.args[1].args[0]
        found = self._beside(base, bits) if base.op == "var" and base.reads else None
        return address if found is None else terms.add(found, constant(offset))

    def _aligned(self, address: Term, size: int) -> tuple[Term, Any]:
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

    def _low_bits(self, pointer: Term, bits: int) -> Term:
        """The bits of a pointer that are zero if it points to a word; accesses share them."""
        low = _lowest(terms.bit_and(pointer, constant((1 << bits) - 1)))
        if pointer.reads:
            if pointer.args[0][0] == "g":
                return low
            self.asked[pointer.place] = max(bits, self.asked.get(pointer.place, 0))
        return self._once(pointer, -bits, low)

    def _word(self, address: Term, size: int) -> Term:
        """The index of a word in a view: pointers are shifted one by one where their words share
        that, and a sum as a whole where they do not."""
        bits = size.bit_length() - 1
        parts, number = addends(unmasked(address))
        fresh = sum(self._is_dear(part, bits) for part in parts)
        if number % size or _may_carry(parts, bits) or fresh > 1 < len(parts):
            return terms.shift_right(address, constant(bits))
        return self._word_sum(address, bits)

    def _word_sum(self, address: Term, bits: int) -> Term:
        """A sum of pointers, shifted one by one."""
        inner = unmasked(address)
        parts, number = addends(inner)
        total = constant(number >> bits)
        if number and inner is not address:
            parts, total = self._with_number(parts, bits, number >> bits)
        for part in parts:
            if part.op == "var" and part.reads & self.shape.scaled and inner is not address:
                # the sum is masked as a whole
                index: Term | None = self._scaled(part, bits)
            else:
                index = self._index(part, bits)
            if index is None:
                index = terms.shift_right(part, constant(bits))
            total = terms.add(index, total)
        return total if inner is address else terms.keep_low(total, 32 - bits)

    def _with_number(self, parts: list[Term], bits: int, number: int) -> tuple[list[Term], Term]:
        """A number that is added to pointers, as part of one of their indices if there is one that
        has it: the sum is masked, so that no view does it."""
        for part in parts:
            if part.op == "var" and part.reads and not part.reads & self.shape.scaled:
                key = part.place, bits, number
                text = self.env.shifted.get(key)
                if text is not None:
                    index = terms.add(terms.shift_right(part, constant(bits)), constant(number))
                    others = [other for other in parts if other is not part]
                    return others, variable(text, -1, index.low, index.high, index.zeros)
                self.wishes.add(key)
        return parts, constant(number)

    def ahead(self, wished: Shifted) -> None:
        """Computes what code behind this block wishes for, if it can be."""
        place, bits, number = wished
        pointer = self.variable(place)
        if pointer.op != "var" or wished in self.env.shifted:
            return
        if bits < 0:
            self._low_bits(pointer, -bits)
            return
        index = self._index(pointer, bits)
        if index is not None and number:
            kept = self._kept_apart(terms.add(index, constant(number)))
            self.env.shifted[wished] = kept.args[0]

    def _is_dear(self, part: Term, bits: int) -> bool:
        """Whether shifting a part of a sum is further work."""
        if part.op == "<<" and part.args[1].op == "const" and part.args[1].args[0] >= bits:
            return False
        if part.op != "var":
            return True
        if (part.place, bits, 0) in self.env.shifted or self._is_held(part, bits):
            return False
        if part.reads:
            self.wishes.add((part.place, bits, 0))
        return True

    def _is_held(self, pointer: Term, bits: int) -> bool:
        """Whether the index of a word is as easily computed from what a pointer was set to."""
        value = self.held.get(pointer.place) if pointer.reads else None
        if value is None:
            return False
        parts, number = addends(unmasked(value))
        if number % (1 << bits) or _may_carry(parts, bits):
            return False
        return not any(self._is_dear(part, bits) for part in parts)

    def _index(self, pointer: Term, bits: int) -> Term | None:
        """The index of the word that a pointer points to, in a variable; others share it."""
        if pointer.op != "var" or pointer.args[0][0] == "g":
            return None
        shifted = terms.shift_right(pointer, constant(bits))
        if pointer.reads & self.shape.scaled:
            shifted = self._scaled(pointer, bits) or shifted
        elif pointer.reads and (pointer.place, bits, 0) not in self.env.shifted:
            beside = self._beside(pointer, bits)
            if beside is not None:
                return self._word_sum(beside, bits)
            if self._is_held(pointer, bits):
                shifted = self._word_sum(self.held[pointer.place], bits)
        return self._once(pointer, bits, shifted)

    def _scaled(self, pointer: Term, bits: int) -> Term | None:
        """The index of a word that a pointer points to, computed from the index that the pointer is
        a multiple of, if it is known to be one."""
        multiple = self.env.multiples.get(pointer.place)
        if multiple is None or multiple.bits < bits or multiple.more % (1 << bits):
            return None
        index = terms.shift_left(self.variable(multiple.of), constant(multiple.bits - bits))
        return terms.keep_low(terms.add(index, constant(multiple.more >> bits)), 32 - bits)

    def _once(self, pointer: Term, bits: int, value: Term) -> Term:
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
        self.wishes.add((pointer.place, bits, 0))
        return found

    def _once_of_temporary(self, pointer: Term, bits: int, value: Term) -> Term:
        """The same for what never changes, but is not there in other blocks."""
        found = self.shifted.get((pointer.args[0], bits))
        if found is None:
            found = self.shifted[pointer.args[0], bits] = self._kept_apart(value)
        return found

    def _kept_apart(self, term: Term) -> Term:
        """A term in a variable, by a line that does not trap."""
        trap, self.trap = self.trap, None
        found = self.keep(term)
        self.trap = trap
        return found

    def _beside(self, pointer: Term, bits: int) -> Term | None:
        """A pointer as another one, which has been shifted, plus a multiple of the word's size."""
        fact = self.env[pointer.place] if pointer.reads & self.shape.words else None
        if fact is None or (pointer.place, bits, 0) in self.env.shifted:
            return None
        for other, difference in self.env.linked(pointer.place):
            known = (other, bits, 0) in self.env.shifted
            by = without_turn(fact, difference) if known else None
            if by is not None and not by % (1 << bits):
                return terms.add(self.variable(other), constant(-by))
        return None

    def _reached(self, address: Term, size: int) -> None:
        """Notes that an access at an address succeeded, so that it was in memory."""
        if address.low is not None:
            clamp(self.env, address, 0, self.shape.highest_address - size)

    # -- what locals were set to

    def _hold(self, index: int, value: Term) -> None:
        """Notes what a local is set to, and that what was a sum with it is none any more."""
        self.held = _without(index, self.held)
        variables = (1 << self.shape.nlocals) - 1 & ~(1 << index)
        if value.reads and not value.reads & ~variables and value.depth <= _MOST_HELD:
            if value.op in ("+", "<<") or unmasked(value) is not value:
                self.held[index] = value

    def _unscaled(self, index: int, value: Term) -> tuple[Term, Term | None]:
        """What a local is set to; and if that is an index that was scaled to words, the index, in
        a variable, as it is what an access through the local needs."""
        if value.op != "<<" or value.args[1].op != "const" or not self.shape.words >> index & 1:
            return value, None
        if not 0 < value.args[1].args[0] <= _MOST_SCALED:
            return value, None
        unscaled = self.keep(value.args[0])
        return terms.shift_left(unscaled, value.args[1]), unscaled

    def _of_operands(self, condition: Term) -> Term:
        """A condition, if it asks whether what a local was set to is in an interval, as a question
        about what that was computed from: then the local may not be needed at all."""
        if condition.op == "not":
            inner = self._of_operands(condition.args[0])
            return condition if inner is condition.args[0] else conditions.negate(inner)
        if condition.op not in ("<", "<=", ">", ">=") or condition.args[1].op != "const":
            return condition
        asked = condition.args[0]
        masked = asked.op == "&" and asked.args[1].op == "const"
        local: Term = asked.args[0] if masked else asked
        value = self.held.get(local.place) if local.op == "var" and local.reads else None
        if value is None:
            return condition
        if masked:
            value = terms.bit_and(value, asked.args[1])
        found = conditions.compare(condition.op, value, condition.args[1])
        interval = found.args[0] if found.op == "not" else found
        return found if interval.op == "in" else condition

    def _hold_quotient(self, index: int, value: Term, before: Term | None) -> None:
        """Notes that a local is set to a quotient; ``before`` is what has its old value."""
        self.quotients = _without(index, self.quotients)
        if value.op == "//" and value.args[0].op == "var" and value.args[1].op == "const":
            dividend = before if value.reads >> index & 1 else value.args[0]
            if dividend is not None:
                self.quotients[index] = Term("//", (dividend, value.args[1]))

    def _remainder(self, term: Term) -> Term:
        """``a - a // b * b`` as what it is."""
        inner: Term = term.args[0] if keeps(term) in HIGHEST.values() else term
        if inner.op != "-" or inner.args[1].op != "*" or inner.args[1].args[0].op != "var":
            return term
        factor, number = inner.args[1].args
        quotient = self.quotients.get(factor.place) if factor.reads else None
        if quotient is None or number.op != "const":
            return term
        dividend, divisor = quotient.args
        if dividend.args != inner.args[0].args or divisor.args != number.args:
            return term
        return terms.modulo(inner.args[0], number)
