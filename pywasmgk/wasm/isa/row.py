"""What one row of the instruction set says.

Conventions of the templates (``meaning second effect update guards length charge``):

``{a} {b} {c} {d}``  the operands, deepest first; a tier evaluates each once
``{x} {y}``       the immediates; ``{offset}`` of a memarg, which is the first of them if there are
                  several; ``{value}`` of a constant
``{r}``           the result (in ``charge`` and ``update`` only)
``{t}``           a scratch name of the tier's
``{local} {glob}``  the local or the cell of the global that ``{x}`` names
``mem memory tables funcs datas elems``  the running instance's objects; ``mem`` is the bytearray
                  of its memory. Other names are those of ``numerics.NAMES``.

Integers are unsigned throughout (RATIONALE.md, "Why are integers unsigned inside?").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...errors import TrapCode

__all__ = ["Guard", "Instruction", "Signature", "signature"]

#: the names that a signature may use beside value types: they stand for a type that an
#: immediate or the stack decides
TYPE_VARIABLES = frozenset(("local", "global", "elem", "ref", "any"))


class Signature(NamedTuple):
    """Operand and result types, by name."""

    params: tuple[str, ...]
    results: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((*self.params, "->", *self.results))


class Guard(NamedTuple):
    """A condition over the operands that traps."""

    condition: str
    code: TrapCode
    #: what the trap tells of: threes of where a range begins, how long it is, and what it must lie
    #: in (``bounds.outside``)
    ranges: str = ""

    @property
    def trap(self) -> str:
        """The trap, as an expression."""
        name = self.code.name
        return f"outside({name}, {self.ranges})" if self.ranges else f"Trap({name})"


def signature(text: str) -> Signature:
    """``"i32 i32 -> i32"`` as a :class:`Signature`."""
    params, _, results = text.partition("->")
    return Signature(tuple(params.split()), tuple(results.split()))


@dataclass(frozen=True)
class Instruction:
    """One instruction: everything that decoder, validator and tiers know of it."""

    #: one byte, or ``prefix << 16 | number`` behind one of the prefixes from 0xFC on
    opcode: int
    #: name in the text format
    name: str
    #: kinds of its immediates, in order, see ``immediates.READERS``
    immediates: tuple[str, ...] = ()
    #: operand and result types, by name; ``None`` for most control forms
    typing: Signature | None = None
    #: name of the validator's rule, for what types cannot say
    rule: str | None = None
    #: control form, one of CONTROL_FORMS; ``None`` where ``meaning`` says it all
    form: str | None = None
    #: the result, as an expression
    meaning: str = ""
    #: a second result, on top of the first, where that depends on the operands alone
    second: str = ""
    #: what it does beside giving a result, as one statement that runs before
    effect: str = ""
    #: the same, running behind it: what it makes of the result that it gives
    update: str = ""
    #: the meaning is a truth value, to be given as 1 or 0
    condition: bool = False
    #: the meaning is a 64-bit float, still to be rounded to 32 bits
    rounds: bool = False
    #: checked in order before the meaning
    guards: tuple[Guard, ...] = ()
    #: what an IndexError, struct.error or ZeroDivisionError of the meaning itself means
    native: TrapCode | None = None
    #: fuel charged with its basic block
    fuel: int = 1
    #: fuel charged after the guards, before the meaning: the length of a bulk operation
    length: str | None = None
    #: fuel charged after the meaning
    charge: str | None = None
    #: bytes that it reads or writes; the largest alignment
    width: int = 0
    #: no other alignment is valid
    aligned: bool = False
    #: what a lane index of its immediates must stay below
    lanes: int = 0
    #: the proposal that brought it after the first release, a field of ``features.Features``
    proposal: str | None = None
    #: may stand in a constant expression
    constant: bool = False
    #: may move the memory's bytes: tiers fetch them again
    moves_memory: bool = False
    #: how often it runs, per thousand, in the guests of tests/guests; shapes the decision tree
    weight: float = 0.01

    @property
    def prefix(self) -> int | None:
        """The prefix byte, if there is one."""
        return self.opcode >> 16 if self.opcode > 0xFF else None

    @property
    def encoding(self) -> str:
        """The opcode in hexadecimal, as the specification prints it."""
        if self.opcode <= 0xFF:
            return f"0x{self.opcode:02X}"
        return f"0x{self.opcode >> 16:02X} 0x{self.opcode & 0xFFFF:02X}"
