"""Instructions of the text format, folded or not, and their immediates, by the rows."""

from __future__ import annotations

from typing import Any

from ...errors import TextError, near_miss
from .. import isa
from ..types import ValType
from .encoding import reorder
from .stream import LPAR, TokenReader, show
from .tokens import Word, float_bits, integer

__all__ = ["REFERENCES", "InstructionReader"]

#: reference types by their names
REFERENCES = {str(kind): kind for kind in ValType if kind.is_reference}
#: index spaces by kinds of immediates
_SPACES = {
    f"{space}idx": space for space in ("local", "global", "func", "label", "table", "elem", "data")
}
#: folded instructions within each other; each takes several of Python's frames
_DEEPEST = 200
_LANES = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": 32, "f64x2": 64}


class InstructionReader(TokenReader):
    """Reads instructions. ppci's parser has the control forms and the folding; how references and
    types are read is the business of the class that reads modules."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        #: names of the blocks that are open
        self.block_stack: list[Any] = []
        #: blocks below which an ``end`` must not close
        self.floor = 0
        #: how many folded instructions are open
        self.depth = 0
        #: names of the parameters that were read last
        self.latest: list[Any] = []
        self.rows: dict[str, list[isa.Instruction]] = {}
        for row in isa.active():
            self.rows.setdefault(row.name, []).append(row)

    def at_instruction(self) -> bool:
        """Whether an instruction comes, folded or not."""
        ahead = self._lookahead(2)
        token = ahead[1] if ahead[0] is LPAR else ahead[0]
        return isinstance(token, Word) and token in self.rows

    def no_instruction(self) -> TextError:
        """The error for what stands where an instruction is wanted."""
        self.munch(LPAR)
        token = self.take()
        if not isinstance(token, Word) or token in self.rows or token[0] in "$-+0123456789":
            return self.failure(f"expected an instruction, found {show(token)}")
        return self.failure(f"unknown instruction {token:.40}{near_miss(token, self.rows)}")

    def _load_instruction(self) -> list[Any]:
        ahead = self._lookahead(2)
        folded = ahead[0] is LPAR
        word = ahead[1] if folded else ahead[0]
        if not self.at_instruction():
            raise self.no_instruction()
        form = self.rows[word][0].form
        if form in ("end", "else"):
            self._check_end(str(form), folded)
        before, outer = len(self.block_stack), self.floor
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.failure(f"instructions are nested more than {_DEEPEST} deep")
        if folded:
            self.floor = before + (form in ("block", "loop", "if"))
        found: list[Any] = super()._load_instruction()
        if folded and len(self.block_stack) != before:
            raise self.failure("a block that does not end")
        self.floor = outer
        self.depth -= 1
        return found

    def _load_instruction_list(self) -> list[Any]:
        found: list[Any] = super()._load_instruction_list()
        ahead = self._lookahead(2)
        # behind a list stands a parenthesis, or what belongs to an if
        word = ahead[1] if ahead[0] is LPAR else ahead[0]
        if isinstance(word, Word) and word != "then":
            raise self.no_instruction()
        return found

    def _check_end(self, form: str, folded: bool) -> None:
        if folded or len(self.block_stack) <= self.floor:
            raise self.failure(f"{form} without a block", getattr(self.take(), "at", None))
        ahead = self._lookahead(2)[1]
        label = isinstance(ahead, Word) and ahead.startswith("$")
        if label and ahead != self.block_stack[-1]:
            raise self.failure(f"mismatching label {ahead:.40}", ahead.at)

    def _load_block_type(self) -> Any:
        if self.match(LPAR, "type"):
            return self._parse_type_ref()
        params, results = self._parse_function_signature()
        if any(self.latest):
            raise self.failure("parameters of blocks have no names")
        if params or len(results) > 1:
            return self._add_or_reuse_type_definition(params, results)
        return results[0] if results else "emptyblock"

    def _gather_opcode_arguments(self, opcode: str) -> list[Any]:
        """All immediates as one argument, a list of bytes and references."""
        rows = self.rows[opcode]
        typed = self.match(LPAR, "result")
        row = next((row for row in rows if ("types" in row.immediates) == typed), rows[0])
        values = [self._immediate(row, kind) for kind in reorder(row)]
        return [[row, *reorder(row, values)]]

    def _immediate(self, row: isa.Instruction, kind: str) -> Any:
        if kind in ("tableidx", "memidx"):
            return self._optional(row, kind)
        if kind in _SPACES:
            return self._parse_ref(_SPACES[kind])
        return getattr(self, f"_read_{kind}")(row)

    def _optional(self, row: isa.Instruction, kind: str) -> Any:
        """A table or memory, which need not be said if it is the first."""
        needed = sum(word in ("elemidx", "dataidx") for word in row.immediates)
        space = "table" if kind == "tableidx" else "memory"
        ahead = self._lookahead(needed + 1)
        said = all(isinstance(word, Word) and word[0] in "$0123456789" for word in ahead)
        return self._parse_ref(space) if said else self._make_ref(space, 0)

    def _read_typeidx(self, row: isa.Instruction) -> Any:
        ref = self._parse_type_use()
        if any(self.latest):
            raise self.failure("parameters of a call have no names")
        return ref

    def _read_memarg(self, row: isa.Instruction) -> tuple[int, int]:
        found = {"offset": 0, "align": row.width}
        for key in ("offset", "align"):
            token = self._lookahead(1)[0]
            if isinstance(token, Word) and token.startswith(f"{key}="):
                found[key] = integer(self.word()[len(key) + 1 :], 32, signed=False)
        align = found["align"]
        if not align or align & (align - 1):
            raise self.failure("alignment must be a power of two")
        return align.bit_length() - 1, found["offset"]

    def _read_labels(self, row: isa.Instruction) -> list[Any]:
        found = [self._parse_ref("label")]
        while self._at_ref():
            found.append(self._parse_ref("label"))
        return found

    def _read_types(self, row: isa.Instruction) -> list[Word]:
        found: list[Word] = self._parse_result_list()
        return found

    def _read_reftype(self, row: isa.Instruction) -> str:
        return str(REFERENCES[f"{self.word()}ref"])

    def _read_i32(self, row: isa.Instruction) -> int:
        return integer(self.word(), 32)

    def _read_i64(self, row: isa.Instruction) -> int:
        return integer(self.word(), 64)

    def _read_f32(self, row: isa.Instruction) -> int:
        return float_bits(self.word(), 32)

    def _read_f64(self, row: isa.Instruction) -> int:
        return float_bits(self.word(), 64)

    def _read_v128(self, row: isa.Instruction) -> int:
        shape = self.word()
        width, value = _LANES[shape], 0
        for shift in range(0, 128, width):
            lane = self.word()
            bits = float_bits(lane, width) if shape[0] == "f" else integer(lane, width)
            value |= bits << shift
        return value

    def _read_laneidx(self, row: isa.Instruction) -> int:
        return integer(self.word(), 8, signed=False)

    def _read_lanes(self, row: isa.Instruction) -> int:
        return sum(integer(self.word(), 8, signed=False) << shift for shift in range(0, 128, 8))
