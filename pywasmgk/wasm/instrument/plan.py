"""What the pass adds to a module's index spaces: globals, imports, helper functions, types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ValidationError
from ..binary.leb128 import read_u32
from ..isa.immediates import READERS
from ..text.encoding import TYPES, opcode, unsigned
from ..types import FuncType, ValType
from .assembler import assemble

if TYPE_CHECKING:
    from ..isa import Instruction
    from ..module import Module

__all__ = ["MODULE", "Helper", "Options", "Plan"]

#: the module that what is added is imported from, and what begins the names of added exports
MODULE = "pywasmgk"

_I32, _I64 = ValType.I32, ValType.I64
_LEGACY = frozenset(("try", "catch", "catch_all", "delegate", "rethrow"))
#: the operands that ranges of a bulk operation begin at, in what its guards tell (``isa.row``)
_OPERAND = re.compile(r"\{([a-d])\}")


class Options(NamedTuple):
    """What ``instrument`` was asked for."""

    memory_limit: int
    table_limit: int
    #: globals are imported, so that several modules draw on one account
    shared: bool = False
    #: everything is exported, so that a host can look at it
    exposed: bool = False
    #: fuel is tested before a direct call of an imported function
    tests_imports: bool = True
    #: exceptions come through it, also if it has no tags itself
    throws: bool = False
    #: imports are called 0, 1, 2 ... of module "", since two of them may have one name
    numbered: bool = False
    #: the operand of an indirect call is noted before it, since engines do not tell it of a trap
    notes_elements: bool = False


class Helper(NamedTuple):
    """A function that stands for an instruction which charges by its operands."""

    type: FuncType
    locals: tuple[ValType, ...]
    code: bytes


class Plan:
    """Where everything is in the new module."""

    def __init__(self, module: Module, options: Options) -> None:
        self.module = module
        self.options = options
        self.types: list[FuncType] = list(module.types)
        self._type_indices: dict[FuncType, int] = {}
        for index, kind in enumerate(self.types):
            self._type_indices.setdefault(kind, index)
        self.throws = options.throws or bool(module.tags)
        #: some function catches exceptions
        self.catches = False
        self._place_functions()
        self._place_globals()
        bodies = module.bodies
        self.helpers: list[Helper] = []
        self._helpers: dict[bytes, int] = {}
        self.special = self._special()
        #: of each body, by where its code begins: where it begins itself, and ends
        self.starts: dict[int, int] = {}
        self.ends: dict[int, int] = {}
        for start, end in bodies:
            base = _code_start(module.data, start)
            self.starts[base], self.ends[base] = start, end

    def _place_functions(self) -> None:
        imported = self.module.import_counts["func"]
        #: functions that are imported besides
        self.imports = (
            ("refill", FuncType((_I64,), (_I64,))),
            ("exhausted", FuncType()),
        )
        self.refill, self.exhausted = imported, imported + 1
        self.first_function, self.shift = imported, len(self.imports)
        self.first_helper = len(self.module.functions) + self.shift

    def _place_globals(self) -> None:
        kinds = {"fuel": _I64, "depth": _I32}
        if self.throws:
            kinds["unspent"] = _I64
        #: globals that are added and may be shared, with their types
        self.accounts = kinds
        imported, count = self.module.import_counts["global"], len(self.module.globals)
        shared = self.options.shared
        first = imported if shared else count
        places = {name: first + place for place, name in enumerate(kinds)}
        self.fuel, self.depth = places["fuel"], places["depth"]
        self.unspent = places.get("unspent", -1)
        self.first_global, self.global_shift = imported, len(kinds) if shared else 0
        behind = count + len(kinds)
        #: the latest operand of an indirect call; -1 where nothing is noted
        self.noted = behind if self.options.notes_elements and self.module.tables else -1
        behind += self.noted >= 0
        #: pages that its own memory may have, which a host may lower; -1 where that stays
        own = self.module.memories[self.module.import_counts["memory"] :]
        self.pages = behind if self.options.exposed and own else -1
        #: elements that the tables of the module may still grow by
        self.elements = behind + (self.pages >= 0)
        self.grows_tables = False

    def _special(self) -> frozenset[int]:
        """Numbers of the instructions that something is done about."""
        found = set()
        for number, row in enumerate(self.module.isa.rows):
            moves = "funcidx" in row.immediates or (
                self.global_shift > 0 and "globalidx" in row.immediates
            )
            if row.form is not None or row.length or row.charge or moves:
                found.add(number)
        return frozenset(found)

    def require_known(self, row: Instruction, offset: int) -> None:
        """Raises ValidationError for what is not rewritten."""
        if row.form in _LEGACY:
            raise ValidationError(
                f"{row.name}: the legacy encoding of exceptions is not instrumented", offset
            )

    # -- indices

    def function(self, index: int) -> int:
        """Where a function is now."""
        return index + self.shift if index >= self.first_function else index

    def global_(self, index: int) -> int:
        """Where a global is now."""
        return index + self.global_shift if index >= self.first_global else index

    def type(self, kind: FuncType) -> int:
        """The index of a function type, which is added if it is not there."""
        found = self._type_indices.get(kind)
        if found is None:
            found = self._type_indices[kind] = len(self.types)
            self.types.append(kind)
        return found

    def block_type(self, results: Sequence[ValType]) -> str:
        """The type of a block with these results, as the assembler takes it."""
        if not results:
            return "-"
        if len(results) == 1:
            return str(results[0])
        return str(self.type(FuncType((), tuple(results))))

    def moved(self, row: Instruction, data: bytes) -> bytes:
        """An instruction that names a function or a global, with the index that this has now."""
        places = {"funcidx": self.function, "globalidx": self.global_}
        if not any(kind in places for kind in row.immediates):
            return data
        pos, found = len(opcode(row)), opcode(row)
        for kind in row.immediates:
            value, after = READERS[kind](data, pos, 0)
            found += unsigned(places[kind](value)) if kind in places else data[pos:after]
            pos = after
        return found

    def tests_calls(self, row: Instruction, x: object) -> bool:
        """Whether fuel is tested before a call: of one that is known to leave the module."""
        known = row.immediates == ("funcidx",) and isinstance(x, int) and x < self.first_function
        return known and self.options.tests_imports

    # -- helpers

    def helper(self, row: Instruction, data: bytes) -> int:
        """The function that stands for an instruction; ``data`` is its bytes."""
        found = self._helpers.get(data)
        if found is None:
            found = self._helpers[data] = self.first_helper + len(self.helpers)
            self.helpers.append(self._bulk(row, data) if row.length else self._growth(row, data))
        return found

    def _signature(self, row: Instruction, data: bytes) -> FuncType:
        """The type of an instruction on this module's tables."""
        typing = row.typing
        if typing is None:
            raise ValidationError(f"{row.name} has no type", 0)
        element = ValType.FUNCREF
        pos = len(opcode(row))
        for kind in row.immediates:
            value, pos = READERS[kind](data, pos, 0)
            if kind == "tableidx":
                element = self.module.tables[value].element
                break
        kinds = {str(kind): kind for kind in ValType} | {"elem": element}
        return FuncType(
            tuple(kinds[name] for name in typing.params),
            tuple(kinds[name] for name in typing.results),
        )

    def _bulk(self, row: Instruction, data: bytes) -> Helper:
        """Charges the length, the last operand, if the instruction will not trap: then none of
        the ranges ends outside, which the same instruction says of no elements at their ends."""
        kind = self._signature(row, data)
        length = len(kind.params) - 1
        starts = sorted({
            "abcd".index(letter)
            for guard in row.guards
            for item in guard.ranges.split(", ")[::3]
            for letter in _OPERAND.findall(item)
        })  # fmt: skip
        first = length + 1
        ends = {place: first + number for number, place in enumerate(starts)}
        text = "block -\n"
        for place, end in ends.items():
            text += f"""\
local.get {place}
i64.extend_i32_u
local.get {length}
i64.extend_i32_u
i64.add
local.tee {end}
i64.const 4294967296
i64.gt_u
br_if 0
"""
        for place in range(length):
            text += f"local.get {place}\n"
            if place in ends:
                # one of 2**32 is the end of the largest memory; no other end is that near
                text = text[: -len(f"local.get {place}\n")] + (
                    f"local.get {ends[place]}\nlocal.get {ends[place]}\ni64.const 32\n"
                    "i64.shr_u\ni64.sub\ni32.wrap_i64\n"
                )
        text += "i32.const 0\n"
        charge = f"local.get {length}\ni64.extend_i32_u\n" + self._charge(first)
        operands = "".join(f"local.get {place}\n" for place in range(length + 1))
        code = assemble(text) + data + assemble(charge) + assemble("end\n" + operands) + data
        return Helper(kind, (_I64,) * max(len(starts), 1), code + assemble("end"))

    def _charge(self, scratch: int) -> str:
        """Takes an amount from the fuel, and tests."""
        return f"""\
local.set {scratch}
global.get {self.fuel}
local.get {scratch}
i64.sub
local.tee {scratch}
global.set {self.fuel}
local.get {scratch}
i64.const 0
i64.lt_s
if -
local.get {scratch}
call {self.refill}
global.set {self.fuel}
end
"""

    def _growth(self, row: Instruction, data: bytes) -> Helper:
        """Charges what is added if it was."""
        kind = self._signature(row, data)
        count = len(kind.params)
        delta = "abcd".index(_OPERAND.findall(row.charge or "{a}")[0])
        operands = "".join(f"local.get {place}\n" for place in range(count))
        code = assemble(operands) + data
        after = f"""\
local.tee {count}
i32.const -1
i32.ne
if -
global.get {self.fuel}
local.get {delta}
i64.extend_i32_u
i64.sub
global.set {self.fuel}
"""
        before = ""
        if row.moves_memory and self.pages >= 0:
            before = f"""\
global.get {self.pages}
memory.size 0
i32.sub
local.get {delta}
i32.lt_u
if -
i32.const -1
return
end
"""
        if "tableidx" in row.immediates and self._defines_table(row, data):
            self.grows_tables = True
            before = f"""\
local.get {delta}
global.get {self.elements}
i32.gt_u
if -
i32.const -1
return
end
"""
            after += f"""\
global.get {self.elements}
local.get {delta}
i32.sub
global.set {self.elements}
"""
        after += f"end\nlocal.get {count}\nend"
        return Helper(kind, (_I32,), assemble(before) + code + assemble(after))

    def _defines_table(self, row: Instruction, data: bytes) -> bool:
        index: int = READERS["tableidx"](data, len(opcode(row)), 0)[0]
        return index >= self.module.import_counts["table"]

    def body_of(self, helper: Helper) -> bytes:
        """A helper as the code section has it, its length left aside."""
        groups = b"".join(b"\x01" + TYPES[str(kind)] for kind in helper.locals)
        return unsigned(len(helper.locals)) + groups + helper.code


def _code_start(data: bytes, start: int) -> int:
    """Where the code of a body begins, which was read before."""
    groups, pos = read_u32(data, start)
    for _ in range(groups):
        pos = read_u32(data, pos)[1] + 1
    return pos
