"""One basic block at a time: from instructions to lines of Python over terms.

The operand stack is symbolic. An entry is a term that is written where it is used; it is put into a
temporary first when something that it reads is about to change. Whatever can trap, reads memory or
calls is a line of its own, in the order of the instructions, so that a line of the generated code
belongs to one instruction: that is how traps find their offset and their fuel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Union

from ...errors import TrapCode
from ..isa import InstructionSet
from ..types import FuncType, ValType
from ..values import ZERO
from . import terms
from .facts import Environment, Fact, clamp, refine, without_turn
from .graph import RETURN, Block, Edge
from .inlining import Body, Inlined, Lookup, Other, Through
from .templates import Template, template_of
from .terms import MAX_DEPTH, Term, addends, constant, keeps, name, variable

__all__ = ["Line", "Result", "Settle", "Shape", "Site", "Test", "Way"]

Part = Union[str, Term]

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
#: more than one instruction makes
_MOST_TEMPORARIES = 100
_HIGHEST = {ValType.I32: 0xFFFFFFFF, ValType.I64: 0xFFFFFFFFFFFFFFFF}
_HIGHEST_BY_NAME = {str(kind): high for kind, high in _HIGHEST.items()}


class Line:
    """One line of code: text and terms, and what has to be known if it raises."""

    __slots__ = ("at", "own", "parts", "pending", "settled", "trap")

    def __init__(
        self, parts: Sequence[Part], at: int, pending: int, settled: bool, trap: Any, own: bool
    ) -> None:
        self.parts = parts
        #: index of its instruction
        self.at = at
        #: fuel charged but not yet taken: since the last settlement, or else since the block began
        self.pending = pending
        self.settled = settled
        #: the TrapCode of an IndexError or the like on this line
        self.trap = trap
        #: frames that pass through it need its offset, so that nothing may be merged into it
        self.own = own


class Settle(Line):
    """Takes what is pending, so that callees see the right number."""

    __slots__ = ()


class Test(Line):
    """A test point: whether what is pending there can be taken."""

    __slots__ = ()


def _unmasked(address: Term) -> Term:
    """An address before it was brought into 32 bits."""
    masked = address.op in ("wrap", "%", "&") and keeps(address) == (1 << 32) - 1
    inner: Term = address.args[0] if masked else address
    return inner


def _same(condition: Term) -> Term | None:
    """The variable that a condition compares with itself, which tells NaNs from numbers."""
    if condition.op == "==" and condition.args[0] is condition.args[1]:
        compared: Term = condition.args[0]
        return compared if compared.op == "var" else None
    return None


def _unless_nan(term: Term) -> Term | None:
    """The variable that a term is unless that holds a NaN."""
    return _same(term.args[0]) if term.op == "if" else None


class Shape:
    """What the blocks of one function share."""

    def __init__(
        self, body: Body, context: Any, instructions: InstructionSet, highest_address: int
    ) -> None:
        self.body = body
        self.rows = instructions.rows
        self.functions: Sequence[FuncType] = context.functions
        self.types: Sequence[FuncType] = context.types
        self.globals = context.globals
        self.nlocals = len(body.locals)
        #: variables: locals, then slots of the operand stack, then globals
        self.nslots = body.max_height
        self.first_global = self.nlocals + self.nslots
        #: locals of type i32, as a set of bits
        self.words = sum(1 << n for n, kind in enumerate(body.locals) if kind is ValType.I32)
        #: above the values of locals that are integers, by index
        self.turns = {
            index: _HIGHEST[kind] + 1 for index, kind in enumerate(body.locals) if kind in _HIGHEST
        }
        #: globals that callees may set
        self.mutable = [index for index, kind in enumerate(self.globals) if kind.mutable]
        self.global_bits = sum(1 << self.first_global + index for index in self.mutable)
        #: above every address that an access can reach
        self.highest_address = highest_address

    def entry_environment(self, slots: int | None = None) -> Environment:
        """What is known of locals and slots when the function begins, or (with operands in
        ``slots``, of which nothing is known) when it is entered at a loop's head."""
        nparams = len(self.body.type.params) if slots is None else self.nlocals
        env = Environment()
        for index, kind in enumerate(self.body.locals):
            high = _HIGHEST.get(kind)
            env.append(None if high is None else (0, high if index < nparams else 0, 0))
        env += [None] * self.nslots
        for index in range(len(self.globals)):
            env.append(self.global_fact(index))
        return env

    def global_fact(self, index: int) -> Fact:
        """What is known of a global that anybody may have set; ``None`` if it is no integer."""
        high = _HIGHEST.get(self.globals[index].value_type)
        return None if high is None else (0, high, 0)


class Way:
    """What goes along one edge: the facts, the operands, and the moves into slots."""

    __slots__ = ("edge", "env", "stack")

    def __init__(self, edge: Edge, env: Environment, stack: list[Term]) -> None:
        self.edge = edge
        self.env = env
        self.stack = stack


class Result:
    """A translated block."""

    __slots__ = (
        "asked", "block", "lines", "pending", "rare", "settled", "test", "values", "ways",
    )  # fmt: skip

    def __init__(self, site: Site) -> None:
        self.block: Block = site.block
        self.lines: list[Line] = site.lines
        #: fuel of the block that is not taken at its end
        self.pending = site.pending
        self.settled = site.settled
        self.rare = site.rare
        #: the condition of a branch, the selector of a switch
        self.test: Term | None = None
        #: what a return gives
        self.values: list[Term] = []
        #: variables that were asked whether they point to words, and the zero bits of these
        self.asked = site.asked
        #: the edges that can be taken; those of a branch that never holds are ``None``
        self.ways: list[Way | None] = []


class Site:
    """Where code is being made: one block, from its first instruction to its last."""

    def __init__(
        self,
        shape: Shape,
        block: Block,
        env: Environment,
        stack: Sequence[Term],
        letter: str = "t",
    ) -> None:
        self.shape = shape
        self.block = block
        #: what the names of temporaries begin with; another one where a block is made twice
        self.letter = letter
        self.env = env.copy()
        #: what was shifted before this block
        self.at_head = env.shifted
        self.stack = list(stack)
        self.lines: list[Line] = []
        self.operands: dict[str, Term] = {}
        self.scratch: Term = terms.ZERO
        self.pending = 0
        self.settled = False
        #: it is not expected to run
        self.rare = False
        self.at = block.start
        self.trap: TrapCode | None = None
        #: the number of the next temporary of an instruction, and of the first
        self.temporaries = self.first = _MOST_TEMPORARIES * block.copy
        self.immediate = 0
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
        #: f32 values by the name of a variable that has the bits of their NaNs right
        self.plain: dict[str, Term] = {}
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

    def spill(self, bits: int) -> Term | None:
        """Puts into variables what the operand stack would read too late; gives the one that holds
        what a single variable held, if there is one."""
        plain = None
        for position, term in enumerate(self.stack):
            if term.reads & bits:
                self.stack[position] = kept = self.keep(term)
                if term.op == "var":
                    plain = kept
        return plain

    def push(self, term: Term) -> None:
        self.stack.append(self.keep(term) if term.depth > MAX_DEPTH else term)

    def local(self, index: int) -> Term:
        """What a local or slot holds."""
        return self.variable(index)

    def variable(self, index: int) -> Term:
        """A local or slot as a term, with what is known of it."""
        text = f"l{index}" if index < self.shape.nlocals else f"s{index - self.shape.nlocals}"
        fact = self.env[index]
        return variable(text, index) if fact is None else variable(text, index, *fact)

    def glob(self, index: int) -> Term:
        """A global as a term."""
        place = self.shape.first_global + index
        fact = self.env[place]
        return variable(f"g{index}", place, *fact) if fact else variable(f"g{index}", place)

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
                loaded = loose if fits is False else terms.choose(fits, word, loose)
        self._reached(address, size)
        return loaded

    def storing(self, accessor: str, address: Term, value: Term) -> list[Part]:
        """The parts of a line that stores a value."""
        address = terms.address(address)
        if accessor not in _ACCESS:
            return [f"store_{accessor}(mem, ", address, ", ", value, ")"]
        _, _, size, view = _ACCESS[accessor]
        if size == 1:
            value = value if value.low is None else terms.keep_low(value, 8)
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
        plain = _same(condition)
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
        return address, terms.negate(terms.truth(self._low_bits(base, bits)))

    def _low_bits(self, pointer: Term, bits: int) -> Term:
        """The bits of a pointer that are zero if it points to a word; accesses share them."""
        low = terms.bit_and(pointer, constant((1 << bits) - 1))
        if not pointer.reads:
            return self._shared(pointer, low, -bits)
        if pointer.args[0][0] == "g":
            return low
        key = pointer.place, -bits
        self.asked[pointer.place] = max(bits, self.asked.get(pointer.place, 0))
        text = self.env.shifted.get(key)
        if text is not None:
            return variable(text, -1, low.low, low.high)
        found = self._kept_apart(low)
        if found.op == "var" and not found.reads:
            self.env.shifted[key] = found.args[0]
        return found

    def _word(self, address: Term, size: int) -> Term:
        """The index of a word in a view: pointers are shifted one by one where their words share
        that, and a sum as a whole where they do not."""
        bits = size.bit_length() - 1
        parts, number = addends(_unmasked(address))
        fresh = sum(self._is_dear(part, bits) for part in parts)
        if number % size or sum(part.zeros < bits for part in parts) > 1 or fresh > 1 < len(parts):
            return terms.shift_right(address, constant(bits))
        return self._word_sum(address, bits)

    def _word_sum(self, address: Term, bits: int) -> Term:
        """A sum of pointers, shifted one by one."""
        inner = _unmasked(address)
        parts, number = addends(inner)
        total = constant(number >> bits)
        for part in parts:
            index = self._index(part, bits)
            if index is None:
                index = terms.shift_right(part, constant(bits))
            total = terms.add(index, total)
        return total if inner is address else terms.keep_low(total, 32 - bits)

    def _is_dear(self, part: Term, bits: int) -> bool:
        """Whether shifting a part of a sum is further work."""
        if part.op == "<<" and part.args[1].op == "const" and part.args[1].args[0] >= bits:
            return False
        if part.op != "var":
            return True
        return (part.place, bits) not in self.env.shifted and not self._is_held(part, bits)

    def _is_held(self, pointer: Term, bits: int) -> bool:
        """Whether the index of a word is as easily computed from what a pointer was set to."""
        value = self.held.get(pointer.place) if pointer.reads else None
        if value is None:
            return False
        parts, number = addends(_unmasked(value))
        return not number % (1 << bits) and not any(self._is_dear(part, bits) for part in parts)

    def _index(self, pointer: Term, bits: int) -> Term | None:
        """The index of the word that a pointer points to, in a variable; others share it."""
        if pointer.op != "var" or pointer.args[0][0] == "g":
            return None
        if not pointer.reads:
            return self._shared(pointer, terms.shift_right(pointer, constant(bits)), bits)
        key = pointer.place, bits
        shifted = terms.shift_right(pointer, constant(bits))
        text = self.env.shifted.get(key)
        if text is not None:
            return variable(text, -1, shifted.low, shifted.high, shifted.zeros)
        beside = self._beside(pointer, bits)
        if beside is not None:
            return self._word_sum(beside, bits)
        if self._is_held(pointer, bits):
            shifted = self._word_sum(self.held[pointer.place], bits)
        found = self._kept_apart(shifted)
        if found.op == "var" and not found.reads:
            self.env.shifted[key] = found.args[0]
        return found

    def _shared(self, pointer: Term, value: Term, key: int) -> Term:
        """What is computed of a temporary, once."""
        found = self.shifted.get((pointer.args[0], key))
        if found is None:
            found = self.shifted[pointer.args[0], key] = self._kept_apart(value)
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
        if fact is None or (pointer.place, bits) in self.env.shifted:
            return None
        for other, difference in self.env.linked(pointer.place):
            by = without_turn(fact, difference) if (other, bits) in self.env.shifted else None
            if by is not None and not by % (1 << bits):
                return terms.add(self.variable(other), constant(-by))
        return None

    def _reached(self, address: Term, size: int) -> None:
        """Notes that an access at an address succeeded, so that it was in memory."""
        if address.low is not None:
            clamp(self.env, address, 0, self.shape.highest_address - size)

    def assign(self, target: str, value: Term) -> None:
        """Sets a local or a global."""
        index = self.immediate
        if target == "local":
            before = self.spill(1 << index)
            self._hold(index, value)
            self._hold_quotient(index, value, before)
            variable_name = f"l{index}"
            if not (value.op == "var" and value.args[0] == variable_name):
                self.emit([variable_name, " = ", value])
            high = _HIGHEST.get(self.shape.body.locals[index])
            if high is not None:
                known = value.low is not None
                fact = (value.low, value.high, value.zeros) if known else (0, high, 0)
                self.env.set(index, fact, value, self.shape.words)
            self.operands["a"] = self.local(index)
        else:
            place = self.shape.first_global + index
            self.spill(1 << place)
            self.emit([f"g{index}", " = ", value])
            found = self.shape.global_fact(index)
            if found is not None and value.low is not None:
                found = (value.low, value.high, value.zeros)
            self.env.set(place, found, value, self.shape.words)

    def _hold(self, index: int, value: Term) -> None:
        """Notes what a local is set to, and that what was a sum with it is none any more."""
        self.held = {
            place: held
            for place, held in self.held.items()
            if place != index and not held.reads >> index & 1
        }
        variables = (1 << self.shape.nlocals) - 1 & ~(1 << index)
        if value.reads and not value.reads & ~variables and value.depth <= _MOST_HELD:
            if value.op in ("+", "<<") or _unmasked(value) is not value:
                self.held[index] = value

    def _hold_quotient(self, index: int, value: Term, before: Term | None) -> None:
        """Notes that a local is set to a quotient; ``before`` is what has its old value."""
        self.quotients = {
            place: quotient
            for place, quotient in self.quotients.items()
            if place != index and not quotient.reads >> index & 1
        }
        if value.op == "//" and value.args[0].op == "var" and value.args[1].op == "const":
            dividend = before if value.reads >> index & 1 else value.args[0]
            if dividend is not None:
                self.quotients[index] = Term("//", (dividend, value.args[1]))

    def _remainder(self, term: Term) -> Term:
        """``a - a // b * b`` as what it is."""
        inner: Term = term.args[0] if keeps(term) in _HIGHEST.values() else term
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

    # -- instructions

    def run(self) -> Result:
        """Translates the block."""
        body = self.shape.body
        costs, code = body.costs, body.code
        place = self.block.start
        self.pending = costs.get(place, 0)
        for index in self.block.instructions:
            while place < index:
                place += 1
                self.pending += costs.get(place, 0)
            self.at, self.temporaries = index, self.first
            number, x = code[index]
            row = self.shape.rows[number]
            if row.form is None:
                self._compute(template_of(row), x)
            else:
                _CALLS[row.form](self, x)
        while place < self.block.at:
            place += 1
            self.pending += costs.get(place, 0)
        self.at, self.temporaries, self.trap = self.block.at, self.first, None
        return self._leave()

    def _take(self, count: int) -> list[Term]:
        if not count:
            return []
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def _compute(self, template: Template, x: Any) -> None:
        row = template.row
        typing = row.typing
        values = self._take(len(typing.params) if typing else 0)
        if row.rounds or row.condition:
            # arithmetic makes NaNs quiet: it needs no care for the bits of its operands' NaNs
            values = [self.plain.get(str(value.args[0]), value) for value in values]
        for position, value in enumerate(values):
            if template.repeated[position] and not value.is_cheap:
                values[position] = self.keep(value)
        self.operands = dict(zip("abc", values))
        self._immediates(row.immediates, x)
        self._guard(template)
        self.trap = template.native
        if template.length is not None:
            self._charge(template.length(self), test=True)
        if template.effect is not None:
            template.effect(self)
        if template.meaning is not None:
            self._give(template, template.meaning(self))
        self.trap = None

    def _immediates(self, kinds: Sequence[str], x: Any) -> None:
        operands = self.operands
        if len(kinds) > 1:
            operands["x"] = operands["offset"] = constant(x[0])
            operands["y"] = constant(x[1])
        elif kinds:
            self.immediate = x
            kind = kinds[0]
            if kind == "localidx":
                operands["local"] = self.local(x)
            elif kind == "globalidx":
                operands["glob"] = self.glob(x)
            elif isinstance(x, (int, float)):
                operands["x"] = operands["offset"] = operands["value"] = constant(x)

    def _guard(self, template: Template) -> None:
        for condition, code in template.guards:
            test = condition(self)
            known = terms.decided(test)
            if known is False:
                continue
            self.emit(["if ", test, f": raise Trap({code.name})"], own=True)
            env = refine(self.env, terms.negate(test))
            if env is not None:
                self.env = env
                for letter, value in self.operands.items():
                    if value.op == "var" and value.reads and value.low is not None:
                        index = value.place
                        if index < self.shape.first_global:
                            self.operands[letter] = self.variable(index)

    def _give(self, template: Template, term: Term) -> None:
        row = template.row
        results = row.typing.results if row.typing else ()
        high = _HIGHEST_BY_NAME.get(results[0]) if results else None
        if high is not None and (term.low is None or term.low < 0 or term.high > high):
            term = Term(term.op, term.args, 0, high, term.zeros, term.reads)
        term = self._rebased(self._remainder(term))
        if row.rounds:
            self.emit(["F[0] = ", term])
            term = self.keep(Term("index", (name("F"), constant(0))))
            self.rounded.add(term.args[0])
        elif not template.pure or term.depth > MAX_DEPTH:
            if template.native is None or not self._cannot_trap(template):
                plain = _unless_nan(term)
                term = self.keep(term)
                if plain is not None:
                    self.plain[term.args[0]] = plain
        if template.charge is not None:
            self.operands["r"] = term
            self._charge(template.charge(self), test=False)
        if row.moves_memory:
            self.emit(["fuel = expire(fuel)"])
        self.stack.append(term)

    def _rebased(self, term: Term) -> Term:
        """A sum that may wrap as a sum with another variable that cannot, if one is known."""
        if term.op != "%" or term.args[1].args != (1 << 32,) or term.args[0].op != "+":
            return term
        base, offset = term.args[0].args
        if base.op != "var" or not base.reads & self.shape.words or offset.op != "const":
            return term
        for other, difference in self.env.linked(base.place):
            fact = self.env[other]
            by = fact and without_turn(fact, (offset.args[0] - difference) % (1 << 32))
            if by is not None:
                return terms.add(self.variable(other), constant(by))
        return term

    def _cannot_trap(self, template: Template) -> bool:
        """Division is the only thing that traps by itself and reads nothing but its operands."""
        divisor = self.operands.get("b")
        return (
            template.native is TrapCode.INTEGER_DIVISION_BY_ZERO
            and divisor is not None
            and divisor.low is not None
            and divisor.low > 0
        )

    def _settle(self) -> None:
        self.lines.append(Settle((), self.at, self.pending, self.settled, None, False))
        self.pending, self.settled = 0, True

    def _charge(self, amount: Term, *, test: bool) -> None:
        """Charges what depends on operands; a bulk operation is a test point too."""
        if amount.op == "const" and not amount.args[0] and not test:
            return
        self._settle()
        self.emit(["fuel -= ", amount])
        if test:
            self.emit(["if fuel < 0: fuel = refill(fuel)"], own=True)

    # -- calls

    def _call(self, index: int | Inlined) -> None:
        if isinstance(index, Inlined):
            self._enter(index)
            return
        kind = self.shape.functions[index]
        self._invoke([f"f{index}("], kind, None)

    def _enter(self, x: Inlined) -> None:
        """Goes on with a callee whose instructions follow."""
        if x.found:
            self.stack.pop()
        for local in reversed(x.params):
            self.immediate = local
            self.assign("local", self.stack.pop())
        for place, local in x.kept:
            self.immediate = local
            self.assign("local", self.stack[place])
            self.stack[place] = self.local(local)
        for local, kind in x.zeroed:
            zero = ZERO[kind]
            self.immediate = local
            self.assign("local", name("None") if zero is None else constant(zero))
        if x.cost:
            self.pending += x.cost
            self.lines.append(Test((), x.at, self.pending, self.settled, None, True))
            self.pending += x.more

    def _call_indirect(self, x: Any) -> None:
        if isinstance(x, Other):
            other = terms.opaque("is not", self.stack[-1], name(f"f{x.function}"))
            self.stack.append(terms.as_number(other))
        elif isinstance(x, Through):
            self.rare = True
            self._invoke([self.stack.pop(), "("], x.kind, None)
        else:
            kind, table = x
            number = self.shape.types.index(kind)
            found: list[Part] = [f"c{table}_{number}[", self.stack.pop(), "]"]
            trap = (TrapCode.TABLE_OUT_OF_BOUNDS, "undefined element")
            if isinstance(x, Lookup):
                callee = self.temporary()
                self.emit([callee, " = ", *found], own=True, trap=trap)
                self.stack.append(callee)
            else:
                self._invoke([*found, "("], kind, trap)

    def _invoke(self, callee: list[Part], kind: FuncType, trap: Any) -> None:
        args = self._take(len(kind.params))
        self.spill(self.shape.global_bits)
        self._settle()
        parts: list[Part] = []
        results = [self._result(result) for result in kind.results]
        for number, result in enumerate(results):
            parts += [", ", result] if number else [result]
        parts += [" = ", *callee] if results else callee
        for arg in args:
            parts += [arg, ", "]
        inner = self.shape.body.places[self.at].depth
        self.emit([*parts, f"d - {inner})" if inner else "d)"], own=True, trap=trap)
        # whoever was called may have set them
        for index in self.shape.mutable:
            self.env.forget(self.shape.first_global + index, self.shape.global_fact(index))
        self.stack += results

    def _result(self, kind: ValType) -> Term:
        high = _HIGHEST.get(kind)
        return self.temporary(None if high is None else 0, high)

    # -- the end of the block

    def _leave(self) -> Result:
        result = Result(self)
        exit, edges = self.block.exit, self.block.edges
        if exit == "branch":
            test = terms.truth(self.stack.pop())
            for condition, edge in zip((test, terms.negate(test)), edges):
                known = terms.decided(condition)
                env = None if known is False else refine(self.env, condition)
                result.ways.append(None if env is None else self._way(edge, env))
            result.test = test
        elif exit == "switch":
            result.test = self.stack.pop()
            ways = {edge: self._way(edge, self.env) for edge in dict.fromkeys(edges)}
            result.ways = [ways[edge] for edge in edges]
        elif exit in ("jump", "return"):
            result.ways = [self._way(edges[0], self.env)]
        result.pending, result.settled = self.pending, self.settled
        return result

    def _way(self, edge: Edge, env: Environment) -> Way:
        if any(way.target == self.block.number for way in self.block.edges):
            # fast turns leave the loop without what its own code would have kept
            known = env.shifted.items() & self.at_head.items()
            env = Environment(env, env.links, dict(known))
        stack = self.stack
        if edge.target == RETURN:
            stack = stack[len(stack) - edge.arity :]
        elif edge.height >= 0:
            stack = stack[: edge.height] + stack[len(stack) - edge.arity :]
        return Way(edge, env, stack)


_CALLS: dict[str, Callable[[Site, Any], None]] = {
    "call": Site._call,
    "call_indirect": Site._call_indirect,
}
