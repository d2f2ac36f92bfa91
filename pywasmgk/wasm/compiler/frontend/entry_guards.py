"""What a compiled function takes for granted of its surroundings, and tests when it is entered.

Compilers keep the stack pointer a multiple of 16 and pointers multiples of what they point to, but
nothing in a module says so. Where a function reads or writes words through a parameter or a
global, it begins with one test of those bits; if they are not zero, if the pointer lies beyond
2**30, or if the stack has no room left for the function's frame, the interpreter runs the call. So
none of it is a matter of correctness, and a function for which the test fails often is compiled
without.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...types import ValType
from ..ir.statements import Statement
from ..ir.traversal import subterms
from .context import NEAR, Context
from .memory_access import unmasked

__all__ = ["Assumption", "assumptions", "with_frames"]

#: zero bits of a stack pointer
_STACK_ZEROS = 4
#: and of one that is worth a test
_FEWEST_ZEROS = 2
#: bytes of a stack frame, at most; what is subtracted beyond is something else
_LARGEST_FRAME = 1 << 16
#: accesses of words from which on the test pays
_ENOUGH = 2


class Assumption(NamedTuple):
    """Low bits of a pointer that are taken to be zero, and that it is from ``least`` to 2**30."""

    #: name in the generated code
    name: str
    #: its place in the environment
    place: int
    zeros: int
    #: size of the frame that is made below a stack pointer, in bytes
    least: int = 0

    @property
    def is_global(self) -> bool:
        """Whether it is about a global, not a parameter."""
        return self.name[0] == "g"

    @property
    def test(self) -> str:
        """What is true if it does not hold."""
        name, least = self.name, self.least
        far = f"not {least} <= {name} < {NEAR}" if least else f"{name} >= {NEAR}"
        return f"{far} or {name} & {(1 << self.zeros) - 1}"


def assumptions(context: Context) -> list[Assumption]:
    """What is worth a test at a function's entry."""
    body, rows = context.body, context.rows
    parameters = len(body.type.params)
    through: dict[int, list[int]] = {}
    globals_: dict[int, None] = {}
    words = 0
    # the parameters that operands are, or -1
    stack: list[int] = []
    for number, x in body.code:
        row = rows[number]
        if row.typing is None:
            stack.clear()
            continue
        kind = row.immediates[0] if len(row.immediates) == 1 else ""
        width = row.width if kind == "memarg" else 0
        words += width > 1
        taken = len(row.typing.params)
        pointer = stack[-taken] if 0 < taken <= len(stack) else -1
        if width > 1 and x % width == 0 and pointer >= 0:
            through.setdefault(pointer, []).append(width)
        if kind == "globalidx" and row.meaning and context.globals[x].mutable:
            globals_[x] = None
        del stack[max(len(stack) - taken, 0) :]
        got = kind == "localidx" and not taken and x < parameters
        stack += [x if got else -1] * len(row.typing.results)
    if words < _ENOUGH:
        return []
    found = []
    for index in globals_:
        zeros = min(context.low_zeros.get(index, _STACK_ZEROS), _STACK_ZEROS)
        if context.globals[index].value_type is ValType.I32 and zeros >= _FEWEST_ZEROS:
            found.append(Assumption(f"g{index}", context.first_global + index, zeros))
    for index, widths in through.items():
        if len(widths) >= _ENOUGH:
            zeros = max(set(widths), key=widths.count).bit_length() - 1
            found.append(Assumption(f"l{index}", index, zeros))
    return found


def with_frames(assumed: Sequence[Assumption], lines: Iterable[Statement]) -> list[Assumption]:
    """Assumptions that ask for as much room below globals as a function takes at its entry, whose
    lines these are: there a global is the stack pointer, and that room is the stack frame."""
    sizes: dict[int, int] = {}
    for term in subterms(term for line in lines for term in line.uses):
        inner = unmasked(term)
        if inner is not term and inner.op == "+" and inner.args[1].op == "const":
            base, size = inner.args[0], -inner.args[1].args[0]
            if base.op == "var" and 0 < size <= _LARGEST_FRAME:
                sizes[base.place] = max(size, sizes.get(base.place, 0))
    return [
        item._replace(least=sizes.get(item.place, item.least)) if item.is_global else item
        for item in assumed
    ]
