"""Reads instructions one after the other, whatever they mean: for the validator's errors, for
the disassembler, and to find the end of constant expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ...errors import DecodeError
from ..features import proposal_of, refusal, unsupported
from ..isa import CONTROL_FORMS, Instruction, InstructionSet
from ..isa.immediates import READERS
from .leb128 import read_u32

__all__ = ["Decoded", "instructions_of", "read_opcode", "skip_locals"]


class Decoded(NamedTuple):
    """One instruction as it stands in the file."""

    #: offset relative to the data it was read from
    at: int
    row: Instruction
    #: its immediates, in order
    immediates: tuple[Any, ...]


def read_opcode(
    data: bytes, pos: int, base: int, instructions: InstructionSet
) -> tuple[Instruction, int]:
    """The row at a position, and where its immediates begin."""
    start, opcode = pos, data[pos]
    pos += 1
    row = instructions.lookup(opcode)
    name = f"{opcode:#04x}"
    number = None
    if opcode in instructions.prefixes:
        number, pos = read_u32(data, pos, base)
        name += f" {number:#04x}"
        row = instructions.lookup(opcode << 16 | number) if number < 0x10000 else None
    if row is None:
        raise DecodeError(
            f"illegal opcode {name}{_why(opcode, number, instructions)}", base + start
        )
    return row, pos


def _why(opcode: int, number: int | None, instructions: InstructionSet) -> str:
    """The end of an error message: which proposal an opcode belongs to, if one is known."""
    known = instructions.whole.lookup(opcode if number is None else opcode << 16 | number)
    if known is not None and known.proposal is not None:
        return f" ({known.name}): {refusal(known.proposal)}"
    proposal = proposal_of(opcode, number)
    return f": {unsupported(proposal)}" if proposal else ""


def instructions_of(
    data: bytes, base: int, instructions: InstructionSet, pos: int = 0
) -> Iterator[Decoded]:
    """The instructions of an expression, up to the ``end`` that closes it.

    Raises DecodeError where the expression is cut off or malformed. ``base`` is where ``data``
    begins in the file.
    """
    depth = 1
    while depth:
        if pos >= len(data):
            raise DecodeError("unexpected end: END opcode expected", base + len(data))
        at = pos
        row, pos = read_opcode(data, pos, base, instructions)
        values = []
        for kind in row.immediates:
            value, pos = READERS[kind](data, pos, base)
            values.append(value)
        if row.form is not None:
            form = CONTROL_FORMS[row.form]
            depth += form.opens - form.closes
        yield Decoded(at, row, tuple(values))


def skip_locals(body: bytes) -> int:
    """Where the instructions of a body begin."""
    groups, pos = read_u32(body, 0)
    for _ in range(groups):
        pos = read_u32(body, pos)[1] + 1
    return pos
