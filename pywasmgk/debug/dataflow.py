"""Which instruction makes the operands that another one takes, as far as the code alone says it.

The operand stack of valid code has the same height whenever an instruction is reached, so that a
walk over a function's code gives each operand its place on the stack and its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wasm.isa import CONTROL_FORMS
from ..wasm.types import ValType
from ..wasm.valid.blockmap import Branch
from ..wasm.valid.typing_rules import BY_NAME

if TYPE_CHECKING:
    from ..wasm.isa import Instruction
    from ..wasm.module import Module
    from ..wasm.valid.blockmap import BlockMap

__all__ = ["Operands", "lanes", "operands_of"]


class Operands(NamedTuple):
    """What one instruction does to the operand stack."""

    #: operands on the stack before it, those of the enclosing blocks included
    height: int
    #: types of those that it takes, the topmost last; ``None`` for one that nothing says
    takes: tuple[ValType | None, ...]
    #: types of those that it gives
    gives: tuple[ValType | None, ...]

    @property
    def base(self) -> int:
        """The height below what it takes, and so below what it gives."""
        return self.height - len(self.takes)


def operands_of(module: Module, index: int) -> list[Operands | None]:
    """What each instruction of a defined function takes and gives, by position; ``None`` in dead
    code."""
    walk = _Walk(module, module.block_map(index))
    return [walk.step(pc, number, x) for pc, (number, x) in enumerate(walk.body.code)]


def lanes(operands: Operands | None, low: int, width: int) -> str:
    """The operand stack at an instruction as ``width`` characters, a column for each operand above
    the lowest ``low``: a line comes down to who takes it and goes on from who gives it."""
    if operands is None:
        return " " * width
    end = operands.base + max(len(operands.takes), len(operands.gives))
    marks = ""
    for slot in range(low, low + width):
        if slot < operands.base:
            marks += "│"
        elif slot >= end:
            marks += " " if end == operands.base else "─"
        else:
            taken = slot < operands.height
            given = slot < operands.base + len(operands.gives)
            first = slot == operands.base
            marks += _MARKS[taken, given, first]
    return marks


#: by whether the operand is taken, whether one is given in its place, and whether it is the lowest
_MARKS = {
    (True, True, True): "├", (True, False, True): "╰", (False, True, True): "╭",
    (True, True, False): "┼", (True, False, False): "┴", (False, True, False): "┬",
}  # fmt: skip


class _Walk:
    """Types of the operands, from one instruction to the next."""

    def __init__(self, module: Module, body: BlockMap) -> None:
        self.module = module
        self.body = body
        self._stack: list[ValType | None] = []
        self._dead = False

    def step(self, pc: int, number: int, x: Any) -> Operands | None:
        """Walks over the instruction at a position."""
        row = self.module.isa.rows[number]
        if row.form in _CLAUSES:
            return self._clause(row.form, x, pc)
        if self._dead:
            return None
        if row.form is None and row.typing is not None:
            return self._apply(len(row.typing.params), self._results(row, x))
        return self._control(row, x)

    def _apply(self, count: int, gives: Sequence[ValType | None]) -> Operands:
        stack = self._stack
        height = len(stack)
        takes = tuple(stack[max(height - count, 0) :])
        del stack[max(height - count, 0) :]
        stack += gives
        return Operands(height, takes, tuple(gives))

    def _results(self, row: Instruction, x: Any) -> list[ValType | None]:
        names = row.typing.results if row.typing else ()
        return [self._type(name, x) for name in names]

    def _type(self, name: str, x: Any) -> ValType | None:
        if name in BY_NAME:
            return BY_NAME[name]
        if name == "local":
            found: ValType = self.body.locals[x]
            return found
        if name == "global":
            kind: ValType = self.module.globals[x].value_type
            return kind
        if name == "elem":
            return self.module.tables[x[-1] if isinstance(x, tuple) else x].element
        if name == "ref" and isinstance(x, ValType):
            return x
        # of the two operands below the condition, which are of one type
        return self._stack[-2] if len(self._stack) > 1 else None

    def _control(self, row: Instruction, x: Any) -> Operands:
        form = CONTROL_FORMS[row.form or "nop"]
        if form.calls:
            kind = x[0] if form.chooses else self.module.functions[x]
            made = self._apply(len(kind.params) + form.chooses, kind.results)
        elif form.branches:
            target = (x if isinstance(x, Branch) else x[-1]).target
            carried = 0 if not form.leaves else len(target.label_types)
            made = self._apply(carried + form.chooses, ())
        elif row.form == "return":
            made = self._apply(len(self.body.type.results), ())
        elif form.throws:
            count = x[1] if isinstance(x, tuple) else int(row.form == "throw_ref")
            made = self._apply(count, ())
        else:
            made = self._apply(int(form.chooses), ())
        self._dead = form.leaves
        return made

    def _clause(self, form: str, block: Any, pc: int) -> Operands | None:
        """What ends a part of a block: it takes the part's results, if they can be reached. A
        legacy ``catch`` has its exception below its first operands, which no code sees."""
        dead, self._dead = self._dead, False
        ends = CONTROL_FORMS[form].closes
        gives = block.results if ends else block.params if form == "else" else ()
        if form == "catch":
            tag = next((one.tag for one in block.catches if one.at == pc), None)
            gives = () if tag is None else self.module.tags[tag].params
        bottom = [None] if form in ("catch", "catch_all") else []
        taken = () if dead else tuple(block.results)
        height = block.height + len(taken)
        del self._stack[block.height :]
        self._stack += (*bottom, *gives)
        return Operands(height, taken, tuple(gives)) if ends or not dead else None


#: forms that end a part of a block
_CLAUSES = ("else", "end", "catch", "catch_all", "delegate")
