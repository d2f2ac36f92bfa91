"""The immediates of instructions in the text format, by their kinds, as the binary format has them
(see ``isa.immediates.READERS``)."""

from __future__ import annotations

from collections.abc import Callable

from .. import isa
from ..isa.immediates import CATCHES
from .cursor import Cursor
from .encoding import TYPES, number_bytes, opcode, signed, types, unsigned
from .numerals import float_bits, integer
from .signatures import SignatureReader

__all__ = ["Immediates", "Labels"]

_LANES = {"i8x16": 8, "i16x8": 16, "i32x4": 32, "i64x2": 64, "f32x4": 32, "f64x2": 64}
#: index spaces by kinds of immediates
_SPACES = {f"{space}idx": space for space in ("global", "func", "elem", "data", "tag")}
#: kinds that need not be said where the first of its kind is meant, and their index spaces
_OPTIONAL = {"tableidx": "table", "memidx": "memory"}
#: the flag of a memarg that says which memory
_HAS_MEMORY = 0x40


class Labels:
    """The blocks around an instruction. A name means the innermost block that has it."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._open: list[str | None] = []
        #: how many blocks were open when one of this name began, innermost last
        self._depths: dict[str, list[int]] = {}

    def push(self, name: str | None) -> None:
        """A block begins."""
        if name is not None:
            self._depths.setdefault(name, []).append(len(self._open))
        self._open.append(name)

    def pop(self) -> None:
        """The innermost block ends."""
        name = self._open.pop()
        if name is not None:
            self._depths[name].pop()

    def index(self) -> int:
        """Reads a label: how many blocks out."""
        cursor = self._cursor
        if not cursor.at_identifier():
            return cursor.index({}, "label")
        name = cursor.word()
        depths = self._depths.get(name)
        if not depths:
            raise cursor.failure(f"unknown label {name:.60}")
        return len(self._open) - 1 - depths[-1]


class Immediates:
    """Reads what stands behind an instruction's name."""

    def __init__(self, signatures: SignatureReader) -> None:
        self.cursor = signatures.cursor
        self.signatures = signatures
        self.spaces = signatures.spaces
        self.locals: dict[str, int] = {}
        self.labels = Labels(self.cursor)

    def enter(self, locals: dict[str, int], labels: Labels) -> None:
        """Other code is read from now on, with locals and labels of its own."""
        self.locals, self.labels = locals, labels

    def read(self, row: isa.Instruction) -> bytes:
        """An instruction, of which the name was taken, with its immediates."""
        kinds = row.immediates
        if not kinds:
            rows = self.spaces.rows[row.name]
            if len(rows) == 1 or not self.cursor.match("(", "result"):
                return opcode(row)
            # one that may say its types
            row = next(other for other in rows if other.immediates)
            kinds = row.immediates
        spaces = [_OPTIONAL[kind] for kind in kinds if kind in _OPTIONAL]
        self.spaces.needs_data_count |= "dataidx" in kinds
        if not spaces:
            return opcode(row) + b"".join([self._one(kind, row) for kind in kinds])
        # in the text these come first, in the module behind others
        optional = self._optional(spaces, sum(kind in _SPACES for kind in kinds))
        others = [self._one(kind, row) for kind in kinds if kind not in _OPTIONAL]
        chosen = (optional if kind in _OPTIONAL else others for kind in kinds)
        return opcode(row) + b"".join([values.pop(0) for values in chosen])

    def _one(self, kind: str, row: isa.Instruction) -> bytes:
        if kind in _SPACES:
            return self._index(_SPACES[kind])
        return _READERS[kind](self, row)

    def _index(self, space: str) -> bytes:
        return unsigned(self.cursor.index(self.spaces.indices[space], space))

    def _optional(self, spaces: list[str], others: int) -> list[bytes]:
        """Tables or memories; the first ones unless all are said, before so many other indices."""
        cursor = self.cursor
        if all(cursor.at_index(ahead) for ahead in range(len(spaces) + others)):
            return [self._index(space) for space in spaces]
        return [b"\0"] * len(spaces)

    # -- indices

    def _localidx(self, row: isa.Instruction) -> bytes:
        return unsigned(self.cursor.index(self.locals, "local"))

    def _labelidx(self, row: isa.Instruction) -> bytes:
        return unsigned(self.labels.index())

    def _labels(self, row: isa.Instruction) -> bytes:
        found, count = bytearray(unsigned(self.labels.index())), 0
        while self.cursor.at_index():
            found += unsigned(self.labels.index())
            count += 1
        return unsigned(count) + found

    def _typeidx(self, row: isa.Instruction) -> bytes:
        return unsigned(self.signatures.unnamed_type_use())

    # -- types

    def _types(self, row: isa.Instruction) -> bytes:
        return types(self.signatures.results())

    def _reftype(self, row: isa.Instruction) -> bytes:
        return TYPES[self.signatures.heap_type()]

    def _blocktype(self, row: isa.Instruction) -> bytes:
        found = self.signatures.block_type()
        if isinstance(found, int):
            return signed(found, 64)
        return b"\x40" if found is None else TYPES[found]

    # -- memory

    def _memarg(self, row: isa.Instruction) -> bytes:
        cursor = self.cursor
        memory = self._memory(row)
        offset = self._field("offset", 0)
        align = self._field("align", row.width)
        if not align or align & (align - 1):
            raise cursor.failure("alignment must be a power of two")
        flags = align.bit_length() - 1
        if memory == b"\0":
            return bytes([flags]) + unsigned(offset)
        return bytes([flags | _HAS_MEMORY]) + memory + unsigned(offset)

    def _catches(self, row: isa.Instruction) -> bytes:
        """The catch clauses of a ``try_table``."""
        cursor, found = self.cursor, []
        while cursor.match("(") and cursor.peek(1) in CATCHES:
            kind = CATCHES.index(str(cursor.peek(1)))
            cursor.next += 2
            tag = b"" if kind & 2 else self._index("tag")
            found.append(bytes([kind]) + tag + unsigned(self.labels.index()))
            cursor.expect(")")
        return unsigned(len(found)) + b"".join(found)

    def _memory(self, row: isa.Instruction) -> bytes:
        cursor = self.cursor
        said = cursor.at_index()
        if said and "laneidx" in row.immediates:
            # a lane's number stands behind all else
            ahead = cursor.peek(1)
            said = cursor.at_index(1) or (
                isinstance(ahead, str) and ahead.startswith(("offset=", "align="))
            )
        return self._index("memory") if said else b"\0"

    def _field(self, key: str, default: int) -> int:
        """A number behind its key."""
        word = self.cursor.peek()
        if not isinstance(word, str) or not word.startswith(f"{key}="):
            return default
        return self._number(integer, word[len(key) + 1 :], 32, signed=False)

    def _zero(self, row: isa.Instruction) -> bytes:
        return b"\0"

    # -- numbers

    def _number(self, read: Callable[..., int], word: str, *args: int, **options: bool) -> int:
        """The number that the next token is, or ends with."""
        self.cursor.take()
        try:
            return read(word, *args, **options)
        except ValueError as error:
            raise self.cursor.failure(str(error)) from None

    def _i32(self, row: isa.Instruction) -> bytes:
        return signed(self.cursor.number(integer, 32), 32)

    def _i64(self, row: isa.Instruction) -> bytes:
        return signed(self.cursor.number(integer, 64), 64)

    def _f32(self, row: isa.Instruction) -> bytes:
        return number_bytes(self.cursor.number(float_bits, 32), 32)

    def _f64(self, row: isa.Instruction) -> bytes:
        return number_bytes(self.cursor.number(float_bits, 64), 64)

    def _v128(self, row: isa.Instruction) -> bytes:
        cursor = self.cursor
        shape = cursor.word("the shape of a vector")
        if shape not in _LANES:
            raise cursor.failure(f"unknown shape {shape:.40}; there are {', '.join(_LANES)}")
        width = _LANES[shape]
        read = float_bits if shape[0] == "f" else integer
        lanes = (number_bytes(cursor.number(read, width), width) for _ in range(128 // width))
        return b"".join(lanes)

    def _laneidx(self, row: isa.Instruction) -> bytes:
        return bytes([self.cursor.unsigned(8)])

    def _lanes(self, row: isa.Instruction) -> bytes:
        return bytes([self.cursor.unsigned(8) for _ in range(16)])


#: what reads an immediate, by its kind; not bound to its reader, as in ``definitions``
_READERS: dict[str, Callable[[Immediates, isa.Instruction], bytes]] = {
    kind: getattr(Immediates, f"_{kind}")
    for kind in (
        "localidx", "labelidx", "typeidx", "memarg", "labels", "types", "reftype", "blocktype",
        "catches", "i32", "i64", "f32", "f64", "v128", "laneidx", "lanes", "zero",
    )
}  # fmt: skip
