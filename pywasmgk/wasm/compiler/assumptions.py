"""What a compiled function takes for granted of its surroundings, and tests when it is entered.

Compilers keep the stack pointer a multiple of 16 and pointers multiples of what they point to, but
nothing in a module says so. Where a function reads or writes words through a parameter or a
global, it begins with one test of those bits; if they are not zero, or if the pointer lies beyond
2**30, the interpreter runs the call. So neither is a matter of correctness, and a function for
which the test fails often is compiled without.
"""

from __future__ import annotations

from typing import NamedTuple

from ..types import ValType
from .shape import Shape

__all__ = ["NEAR", "Assumption", "assumptions"]

#: zero bits of a stack pointer
_STACK_ZEROS = 4
#: what a pointer is below that passes the test
NEAR = (1 << 30) - 1
#: accesses of words from which on the test pays
_ENOUGH = 2


class Assumption(NamedTuple):
    """Low bits of a pointer that are taken to be zero, and that it is below 2**30."""

    #: name in the generated code
    name: str
    #: its place in the environment
    place: int
    zeros: int

    @property
    def test(self) -> str:
        """What is true if it does not hold."""
        return f"{self.name} >= {NEAR} or {self.name} & {(1 << self.zeros) - 1}"


def assumptions(shape: Shape) -> list[Assumption]:
    """What is worth a test at a function's entry."""
    body, rows = shape.body, shape.rows
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
        if kind == "globalidx" and row.meaning and shape.globals[x].mutable:
            globals_[x] = None
        del stack[max(len(stack) - taken, 0) :]
        got = kind == "localidx" and not taken and x < parameters
        stack += [x if got else -1] * len(row.typing.results)
    if words < _ENOUGH:
        return []
    found = [
        Assumption(f"g{index}", shape.first_global + index, _STACK_ZEROS)
        for index in globals_
        if shape.globals[index].value_type is ValType.I32
    ]
    for index, widths in through.items():
        if len(widths) >= _ENOUGH:
            zeros = max(set(widths), key=widths.count).bit_length() - 1
            found.append(Assumption(f"l{index}", index, zeros))
    return found
