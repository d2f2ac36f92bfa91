"""The instruction set: one row per instruction, one file per family.

Decoder, validator, interpreter, compiler, disassembler and the printed reference take all that
they know of an instruction from its row. Adding an instruction is adding a row, plus a function in
``numerics`` where Python lacks the arithmetic.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from . import (
    atomics,
    control,
    conversions,
    exceptions,
    floats,
    integers,
    memory,
    references,
    simd,
    variables,
    vectors,
    wide,
)  # fmt: skip
from .forms import CONTROL_FORMS, ControlForm
from .row import Guard, Instruction, Signature, signature

__all__ = [
    "CONTROL_FORMS",
    "STANDARD",
    "ControlForm",
    "Guard",
    "Instruction",
    "InstructionSet",
    "Signature",
    "active",
    "lookup",
    "signature",
    "using",
]


class InstructionSet:
    """Rows by opcode, each with a dense number: frequent instructions have low ones."""

    def __init__(self, rows: Iterable[Instruction]) -> None:
        #: the row of each dense number
        self.rows: list[Instruction] = sorted(rows, key=lambda row: -row.weight)
        self.by_opcode = {row.opcode: row for row in self.rows}
        self.numbers = {row.opcode: number for number, row in enumerate(self.rows)}
        #: the set that this one is without some proposals; it gives the tiers their numbers
        self.whole = self
        self._without: dict[frozenset[str], InstructionSet] = {}

    def lookup(self, opcode: int) -> Instruction | None:
        """The row of an opcode (``prefix << 16 | number`` behind a prefix)."""
        return self.by_opcode.get(opcode)

    def number(self, row: Instruction) -> int:
        """The dense number of a row."""
        return self.numbers[row.opcode]

    @cached_property
    def prefixes(self) -> frozenset[int]:
        """The bytes that announce a second number."""
        return frozenset(row.prefix for row in self.rows if row.prefix is not None)

    def extended(self, *rows: Instruction) -> InstructionSet:
        """A new set with these rows added, or put in the place of rows of the same opcode."""
        merged = self.by_opcode | {row.opcode: row for row in rows}
        return InstructionSet(merged.values())

    def without(self, proposals: frozenset[str]) -> InstructionSet:
        """The set in which instructions of these proposals are not found, numbers as before."""
        if not proposals:
            return self
        if proposals not in self._without:
            smaller = copy.copy(self)
            smaller.by_opcode = {
                row.opcode: row for row in self.rows if row.proposal not in proposals
            }
            self._without[proposals] = smaller
        return self._without[proposals]

    def __iter__(self) -> Iterator[Instruction]:
        return iter(sorted(self.rows, key=lambda row: row.opcode))


#: WebAssembly 2.0, and what the engine knows of later proposals
STANDARD = InstructionSet(
    row
    for family in (
        control, exceptions, variables, memory, references, integers, floats, conversions,
        vectors, simd, atomics, wide,
    )
    for row in family.ROWS
)

_active = STANDARD


def active() -> InstructionSet:
    """The set that modules are decoded with from now on."""
    return _active


def lookup(opcode: int) -> Instruction | None:
    """The active row of an opcode (``prefix << 16 | number`` behind a prefix)."""
    return _active.lookup(opcode)


@contextmanager
def using(instructions: InstructionSet) -> Iterator[InstructionSet]:
    """Makes another set the active one, for tests and experiments; not for several threads."""
    global _active
    previous, _active = _active, instructions
    try:
        yield instructions
    finally:
        _active = previous
