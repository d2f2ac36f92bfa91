"""What the blocks of one function share: its types, and where its variables stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..isa import InstructionSet
from ..types import FuncType, ValType
from .facts import Environment, Fact, Shifted
from .graph import Block
from .inlining import Body, Inlined
from .templates import template_of
from .terms import Term, keep_low, variable

__all__ = ["HIGHEST", "NEAR", "Shape"]

#: numbers that bounds of a counter are worth knowing for
_MOST_COMPARED = (1 << 31) - 1
#: what a pointer is below that is taken to point to memory, where that is asked
NEAR = (1 << 30) - 1
#: the largest values of integer types
HIGHEST = {ValType.I32: 0xFFFFFFFF, ValType.I64: 0xFFFFFFFFFFFFFFFF}


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
        #: where variables get numbers with their sign (``signs``): an instruction and a local, or a
        #: block's number below zero and a slot at its head
        self.signs: frozenset[tuple[int, int]] = frozenset()
        #: above the values of locals that are integers, by index
        self.turns = {
            index: HIGHEST[kind] + 1 for index, kind in enumerate(body.locals) if kind in HIGHEST
        }
        #: globals that callees may set
        self.mutable = [index for index, kind in enumerate(self.globals) if kind.mutable]
        self.global_bits = sum(1 << self.first_global + index for index in self.mutable)
        #: pointers that are not kept, as a set of bits (``scaled``)
        self.scaled = 0
        #: locals that hold conditions instead of 1 and 0 (``outcomes``)
        self.outcomes: frozenset[str] = frozenset()
        #: what is shifted at the end of a block for a loop behind it (``hoisting``)
        self.ahead: dict[int, Sequence[Shifted]] = {}
        #: what may be masked in a block, by its number (``narrowing``)
        self.narrow: dict[int, Any] = {}
        #: above every address that an access can reach
        self.highest_address = highest_address

    def entry_environment(self, slots: int | None = None) -> Environment:
        """What is known of locals and slots when the function begins, or (with operands in
        ``slots``, of which nothing is known) when it is entered at a loop's head."""
        nparams = len(self.body.type.params) if slots is None else self.nlocals
        env = Environment()
        for index, kind in enumerate(self.body.locals):
            high = HIGHEST.get(kind)
            env.append(None if high is None else (0, high if index < nparams else 0, 0))
        env += [None] * self.nslots
        for index in range(len(self.globals)):
            env.append(self.global_fact(index))
        return env

    def variable(self, env: Environment, index: int) -> Term:
        """A local or slot as a term, with what is known of it."""
        text = f"l{index}" if index < self.nlocals else f"s{index - self.nlocals}"
        fact = env[index]
        if fact is None:
            return variable(text, index)
        term = variable(text, index, *fact)
        return term if fact[0] >= 0 else keep_low(term, 32)

    def global_fact(self, index: int) -> Fact:
        """What is known of a global that anybody may have set; ``None`` if it is no integer."""
        high = HIGHEST.get(self.globals[index].value_type)
        return None if high is None else (0, high, 0)

    def compared(self, block: Block) -> int | None:
        """The number that a block ends with a comparison with, of 32 bits and above zero."""
        if block.exit != "branch" or len(block.instructions) < 2:
            return None
        (before, number), (last, _) = (self.body.code[at] for at in block.instructions[-2:])
        if self.rows[before].immediates != ("i32",) or not self.rows[last].condition:
            return None
        return number if isinstance(number, int) and 1 < number <= _MOST_COMPARED else None

    def assigned(self, block: Block) -> int:
        """The locals that a block's instructions assign, as a set of bits."""
        bits = 0
        for index in block.instructions:
            number, x = self.body.code[index]
            row = self.rows[number]
            if isinstance(x, Inlined):
                left, zeroed = (local for _, local in x.kept), (local for local, _ in x.zeroed)
                bits |= sum(1 << local for local in {*x.params, *left, *zeroed})
            elif row.form is None and row.immediates == ("localidx",) and template_of(row).effect:
                bits |= 1 << x
        return bits
