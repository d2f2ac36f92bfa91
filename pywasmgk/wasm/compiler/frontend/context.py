"""What the blocks of one function share: its types, and where its variables stand."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from ...isa import InstructionSet
from ...types import FuncType, TagType, ValType
from ..budget import Budget
from ..ir.body import Body, Inlined
from ..ir.cfg import Block
from ..ir.domain import Environment, Fact, Shifted
from ..ir.expr import Expr, keep_low, variable
from .templates import Templates

__all__ = ["HIGHEST", "NEAR", "Context"]

#: numbers that bounds of a counter are worth knowing for
_MOST_COMPARED = (1 << 31) - 1
#: what a pointer is below that is taken to point to memory, where that is tested
NEAR = (1 << 30) - 1
#: the largest values of integer types
HIGHEST = {ValType.I32: 0xFFFFFFFF, ValType.I64: 0xFFFFFFFFFFFFFFFF}


class Context:
    """What the blocks of one function share."""

    def __init__(
        self,
        body: Body,
        context: Any,
        instructions: InstructionSet,
        highest_address: int,
        budget: Budget | None = None,
        low_zeros: Mapping[int, int] | None = None,
        data: bytes = b"",
    ) -> None:
        self.body = body
        #: the module's file
        self.data = data
        #: what compiling may take; looked at between blocks
        self.budget = budget or Budget()
        #: low bits of globals that were zero whenever somebody looked
        self.low_zeros = low_zeros or {}
        self.rows = instructions.rows
        self.templates = Templates(instructions.rows)
        #: fuel of the basic blocks that begin up to an instruction
        self.charged = list(accumulate(body.costs.get(at, 0) for at in range(len(body.code) + 1)))
        self.functions: Sequence[FuncType] = context.functions
        self.types: Sequence[FuncType] = context.types
        self.globals = context.globals
        self.tags: Sequence[TagType] = context.tags
        self.nlocals = len(body.locals)
        #: variables: locals, then slots of the operand stack, then globals
        self.nslots = body.max_height
        self.first_global = self.nlocals + self.nslots
        #: locals of type i32, as a set of bits
        self.words = sum(1 << n for n, kind in enumerate(body.locals) if kind is ValType.I32)
        #: where variables get numbers with their sign (``passes.signed_locals``): an instruction
        #: and a local, or a block's number below zero and a slot at its head
        self.signs: frozenset[tuple[int, int]] = frozenset()
        #: above the values of locals that are integers, by index
        self.moduli = {
            index: HIGHEST[kind] + 1 for index, kind in enumerate(body.locals) if kind in HIGHEST
        }
        #: globals that callees may set
        self.mutable = [index for index, kind in enumerate(self.globals) if kind.mutable]
        self.global_bits = sum(1 << self.first_global + index for index in self.mutable)
        #: pointers that are not kept, as a set of bits (``passes.pointer_elimination``)
        self.scaled = 0
        #: what is shifted at the end of a block for a loop after it (``passes.index_hoisting``)
        self.hoisted: Mapping[int, Sequence[Shifted]] = {}
        #: above every address that an access can reach
        self.highest_address = highest_address

    def with_choices(self, **choices: Any) -> Context:
        """The same with other values of ``signs``, ``scaled`` or ``hoisted``: what passes choose
        for blocks that are lowered again."""
        found = copy.copy(self)
        vars(found).update(choices)
        return found

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

    def variable(self, env: Environment, index: int) -> Expr:
        """A local or slot as an expression, with what is known of it."""
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

    def stands_anywhere(self, at: int) -> bool:
        """Whether an access says that nothing is known of its address: compilers say it of words in
        the midst of bytes alone."""
        if not self.data:
            return False
        row = self.rows[self.body.code[at][0]]
        if row.immediates != ("memarg",) or row.prefix is not None:
            return False
        return not self.data[self.body.offsets[at] + 1]

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
            elif (
                row.form is None
                and row.immediates == ("localidx",)
                and self.templates[number].effect
            ):
                bits |= 1 << x
        return bits
