"""Validation of function bodies (spec, appendix "Validation Algorithm"), in one pass.

Its by-product is the *block map*: the instructions with their immediates, the control structure
with branch targets and operand heights, and the fuel of every basic block. Interpreter and
compiler start from it. Most bodies never come here: ``acceptance`` takes them along what this
algorithm said of the same instructions before. What it does not take is judged here, and errors
are worded here.

Conventions: ``at`` is the offset of an instruction, ``pos`` the next byte to read, both relative to
the body; ``stack`` holds operand types, with one ``BASE`` below the operands of every open block,
so that an operand that is not there is a type that does not match.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import DecodeError, ValidationError
from ..binary.decoding import instructions_of, read_opcode
from ..binary.leb128 import read_u32
from ..features import is_extended_constant, why_no_type
from ..isa import Instruction, InstructionSet
from ..isa.immediates import READERS, VALUE_TYPES
from ..types import FuncType, GlobalType, TableType, TagType, ValType
from ..watch import Look, each, never
from . import typing_rules
from .blockmap import BlockMap, Control

if TYPE_CHECKING:
    from ..module import ConstExpr, Module

__all__ = [
    "MAX_LOCALS",
    "ModuleContext",
    "check_constant",
    "read_locals",
    "validate_constant",
    "validate_function",
]

#: locals that a function may have, as in web engines
MAX_LOCALS = 50_000
#: operands that may be on the stack at once, those of all enclosing blocks together
MAX_OPERANDS = 100_000
#: constant expressions that are remembered
_MOST_CONSTANTS = 1_000
#: bytes of code between two looks at the clock
_STRETCH = 2048
#: locals whose types are kept one by one
_FEW = 1_000

#: what lies below the operands of a block
BASE: Any = object()

#: forms after which one basic block ends and another begins (a loop costs nothing itself,
#: so that its block may begin behind it)
SPLITS = frozenset(
    (
        "loop", "if", "else", "br_if", "end", "br", "br_table", "return", "unreachable", "throw",
        "throw_ref", "rethrow", "catch", "catch_all", "delegate", "return_call",
        "return_call_indirect",
    )
)  # fmt: skip

#: how the main loop types an instruction
LOCAL, FIXED, MEMORY, RULE = range(4)


class ModuleContext:
    """What function bodies may refer to (the specification's C)."""

    def __init__(self, module: Module, declared: frozenset[int] = frozenset()) -> None:
        self.instructions: InstructionSet = module.isa
        self.types: Sequence[FuncType] = module.types
        self.functions: Sequence[FuncType] = module.functions
        self.tables: Sequence[TableType] = module.tables
        self.globals: Sequence[GlobalType] = module.globals
        self.tags: Sequence[TagType] = module.tags
        self.elements: Sequence[ValType] = [element.type for element in module.elements]
        self.data_count = module.data_count
        self.has_memory = bool(module.memories)
        self.features = module.features
        #: called now and then with a place in the file, to end the work in time
        self.look: Look = never
        #: values of constant expressions that are numbers, by where they begin in the file
        self.plain: dict[int, Any] = {}
        #: functions that ``ref.func`` may name
        self.declared = declared
        #: how many there are of what an index immediate names, and its word
        self.counts = {
            "typeidx": (len(module.types), "type"),
            "funcidx": (len(module.functions), "function"),
            "tableidx": (len(module.tables), "table"),
            "globalidx": (len(module.globals), "global"),
            "tagidx": (len(module.tags), "tag"),
            "elemidx": (len(module.elements), "elem segment"),
            "dataidx": (module.data_count or 0, "data segment"),
            "memidx": (len(module.memories), "memory"),
        }


def _fits(found: object, expected: ValType) -> bool:
    """Whether an operand, in dead code perhaps of an unknown type, has a type."""
    return found is expected or found is None


#: reads an immediate: ``reader(data, pos, base) -> (value, next pos)``
_Reader = Callable[[bytes, int, int], tuple[Any, int]]


class Entry(NamedTuple):
    """How the main loop treats one opcode."""

    kind: int
    number: int
    reader: _Reader | None
    #: operands; of an instruction on locals any one stands for the local's type
    params: tuple[ValType, ...]
    result: ValType | None
    fuel: int
    splits: bool
    row: Instruction
    #: kinds and readers of all immediates
    immediates: tuple[tuple[str, _Reader], ...]
    rule: Callable[[Any, Instruction, Any, int], Any]


def _entry(number: int, row: Instruction) -> Entry:
    kind, result = RULE, None
    params: tuple[ValType, ...] = ()
    if row.typing is not None and row.rule is None:
        names = row.typing
        if row.immediates == ("localidx",):
            kind = LOCAL
            params = (ValType.I32,) if names.params else ()
            result = ValType.I32 if names.results else None
        elif len(names.results) <= 1 and len(row.immediates) <= 1 and len(names.params) <= 2:
            if all(name in typing_rules.BY_NAME for name in (*names.params, *names.results)):
                params = tuple(typing_rules.BY_NAME[name] for name in names.params)
                result = typing_rules.BY_NAME[names.results[0]] if names.results else None
                if row.immediates == ("memarg",):
                    kind = RULE if row.aligned else MEMORY
                elif not row.immediates or row.immediates[0] in typing_rules.BY_NAME:
                    kind = FIXED
    readers = tuple([(name, READERS[name]) for name in row.immediates])
    reader = readers[0][1] if readers else None
    splits, rule = row.form in SPLITS, typing_rules.RULES[row.rule or "signature"]
    return Entry(kind, number, reader, params, result, row.fuel, splits, row, readers, rule)


@lru_cache(maxsize=8)
def _entries(instructions: InstructionSet) -> tuple[list[Entry | None], dict[int, Entry]]:
    """The entries of one-byte opcodes, and of all, as far as they have been met."""
    return [None] * 256, {}


class BodyValidator:
    """Validates one body or constant expression; the state of the specification's algorithm."""

    def __init__(
        self,
        context: ModuleContext,
        function: int | None,
        data: bytes,
        base: int,
        local_types: Sequence[ValType],
        results: Sequence[ValType],
    ) -> None:
        self.context = context
        self.function = function
        self.data = data
        #: offset of ``data`` in the file
        self.base = base
        #: whether more than the verdict is asked for
        self.recording = True
        self.local_types = local_types
        self.stack: list[Any] = [BASE]
        self.base_marker = BASE
        #: functions that a constant expression names
        self.references: set[int] = set()
        self.controls = [Control("func", (), tuple(results), 0, -1)]
        self.code: list[tuple[int, Any]] = []
        self.offsets: list[int] = []
        self.costs: dict[int, int] = {}
        self.max_height = 0

    # -- errors

    def invalid(self, message: str, at: int) -> ValidationError:
        """A ValidationError at an instruction of this body."""
        return ValidationError(message, self.base + at, self.function)

    def mismatch(
        self, row: Instruction, expected: object, found: object, at: int
    ) -> ValidationError:
        """The error of an operand of another type."""
        found = "nothing" if found is BASE else found
        return self.invalid(f"type mismatch: {row.name} expected {expected}, found {found}", at)

    # -- the operand stack

    def pop(self, expected: ValType | None, row: Instruction, at: int) -> ValType | None:
        """Takes one operand, gives its type; ``None`` is any. Dead code has any operand."""
        top = self.stack[-1]
        if top is BASE:
            if self.controls[-1].unreachable:
                return None
            raise self.mismatch(row, expected or "an operand", BASE, at)
        if top is not expected and top is not None and expected is not None:
            raise self.mismatch(row, expected, top, at)
        self.stack.pop()
        return top  # type: ignore[no-any-return]

    def pop_all(self, types: Sequence[ValType], row: Instruction, at: int) -> None:
        """Takes operands of these types, the last one first."""
        if not types:
            return
        stack, expected = self.stack, list(types)
        top = stack[-len(expected) :]
        if top != expected:
            if self.controls[-1].unreachable:
                # what is not there is whatever is asked for
                top = stack[max(self._bottom, len(stack) - len(expected)) :]
                del expected[: len(expected) - len(top)]
            if not all(map(_fits, top, expected)) or len(top) != len(expected):
                for kind in reversed(types):
                    self.pop(kind, row, at)
        del stack[len(stack) - len(top) :]

    def push_all(self, types: Sequence[ValType | None]) -> None:
        """Puts results on the stack."""
        if types:
            self.stack.extend(types)
            self.max_height = max(self.max_height, self.height)

    @property
    def _bottom(self) -> int:
        """Where the operands of the innermost block begin on the stack."""
        control = self.controls[-1]
        return control.height + control.hidden + len(self.controls)

    @property
    def height(self) -> int:
        """Operands on the stack, those of the enclosing blocks included."""
        return len(self.stack) - len(self.controls)

    def set_unreachable(self) -> None:
        """What follows is dead code: its operands have any type."""
        del self.stack[self._bottom :]
        self.controls[-1].unreachable = True

    # -- the pass

    def run(self) -> None:
        """Reads and types every instruction up to the last ``end``.

        Raises DecodeError for a malformed body, even one that is ill-typed before the fault.
        """
        try:
            self._type_all()
        except ValidationError:
            rest = instructions_of(self.data, self.base, self.context.instructions)
            for _ in each(rest, self.context.look, self.base):
                pass
            raise

    def _type_all(self) -> None:
        data, base, size = self.data, self.base, len(self.data)
        stack, controls, code, offsets = self.stack, self.controls, self.code, self.offsets
        local_types, costs = self.local_types, self.costs
        table = _entries(self.context.instructions)[0]
        has_memory = self.context.has_memory
        pos = cost = start = 0
        pause = _STRETCH
        while controls:
            at = pos
            if at >= pause or self.max_height > MAX_OPERANDS:
                pause = at + _STRETCH
                self._pause(at)
            if pos >= size:
                raise DecodeError("unexpected end of a body: END opcode expected", base + size)
            entry = table[data[pos]]
            pos += 1
            if entry is None:
                entry, pos = self.entry(at)
            kind, number, reader, params, result, fuel, splits, row, _, _ = entry
            cost += fuel
            if kind == RULE:
                pos = self._rule(entry, at, pos)
                if splits:
                    costs[start] = cost
                    cost, start = 0, len(code)
                continue
            if kind == LOCAL:
                if pos < size and data[pos] < 0x80:
                    x = data[pos]
                    pos += 1
                else:
                    x, pos = read_u32(data, pos, base)
                if x >= len(local_types):
                    raise self.invalid(f"unknown local {x}", at)
                if params:
                    params = (local_types[x],)
                if result is not None:
                    result = local_types[x]
            elif kind == MEMORY:
                (align, x), pos = reader(data, pos, base)  # type: ignore[misc]
                if 1 << min(align, 8) > row.width or not has_memory:
                    raise self._bad_memarg(row, at)
            elif reader is None:
                x = None
            else:
                x, pos = reader(data, pos, base)
            code.append((number, x))
            offsets.append(at)
            if not params:
                if result is not None:
                    stack.append(result)
                    if len(stack) - len(controls) > self.max_height:
                        self.max_height = len(stack) - len(controls)
            elif len(params) == 1 and stack[-1] is params[0]:
                if result is None:
                    stack.pop()
                else:
                    stack[-1] = result
            elif len(params) == 2 and stack[-1] is params[1] and stack[-2] is params[0]:
                stack.pop()
                if result is None:
                    stack.pop()
                else:
                    stack[-1] = result
            else:
                self.pop_all(params, row, at)
                if result is not None:
                    self.push_all((result,))
        if pos != size:
            raise DecodeError("unexpected bytes behind the END opcode of a body", base + pos)
        costs[start] = cost

    def _pause(self, at: int) -> None:
        """What there is to be done between instructions now and then."""
        if self.max_height > MAX_OPERANDS:
            raise self.invalid(f"too many operands on the stack: at most {MAX_OPERANDS}", at)
        if not self.recording:
            for found in (self.code, self.offsets, self.costs):
                found.clear()
        self.context.look(self.base + at)

    def block_map(self, kind: FuncType) -> BlockMap:
        """What the pass learned."""
        rows = self.context.instructions.rows
        return BlockMap(
            kind,
            self.local_types,
            self.code,
            self.offsets,
            self.costs,
            self.max_height,
            self.base,
            [at for at, (number, _) in enumerate(self.code) if rows[number].form],
            frozenset(self.references),
        )

    def entry(self, at: int) -> tuple[Entry, int]:
        """The entry of an opcode, and where its immediates begin."""
        instructions = self.context.instructions
        short, known = _entries(instructions)
        entry = short[self.data[at]]
        if entry is not None:
            return entry, at + 1
        row, pos = read_opcode(self.data, at, self.base, instructions)
        entry = known.get(row.opcode)
        if entry is None:
            entry = known[row.opcode] = _entry(instructions.number(row), row)
            if row.prefix is None:
                short[row.opcode] = entry
        return entry, pos

    def immediates(self, entry: Entry, at: int, pos: int) -> tuple[Any, int]:
        """Reads any immediates and checks what they refer to; several come as a tuple."""
        if entry.kind == FIXED:
            return (None, pos) if entry.reader is None else entry.reader(self.data, pos, self.base)
        row, counts, values = entry.row, self.context.counts, []
        for kind, reader in entry.immediates:
            value, pos = reader(self.data, pos, self.base)
            if kind in counts:
                self._check_index(kind, value, at)
            elif kind == "memarg":
                align, value = value
                size, has_memory = 1 << min(align, 8), self.context.has_memory
                if size > row.width or not has_memory or (row.aligned and size < row.width):
                    raise self._bad_memarg(row, at)
            values.append(value)
        return values[0] if len(values) == 1 else tuple(values), pos

    def _rule(self, entry: Entry, at: int, pos: int) -> int:
        """Types an instruction by its row's rule."""
        x, pos = self.immediates(entry, at, pos)
        recorded = entry.rule(self, entry.row, x, at)
        self.code.append((entry.number, recorded))
        self.offsets.append(at)
        return pos

    def _bad_memarg(self, row: Instruction, at: int) -> ValidationError:
        if not self.context.has_memory:
            return self.invalid(f"unknown memory 0: {row.name} needs a memory", at)
        if row.aligned:
            return self.invalid(f"atomic alignment must be natural: align={row.width}", at)
        return self.invalid("alignment must not be larger than natural", at)

    def _check_index(self, kind: str, index: int, at: int) -> None:
        count, word = self.context.counts[kind]
        if kind == "dataidx" and self.context.data_count is None:
            raise DecodeError("data count section required", self.base + at)
        if index >= count:
            raise self.invalid(f"unknown {word} {index}", at)


class LocalTypes(Sequence[ValType]):
    """Types of locals, kept as runs: a few bytes declare 50,000 locals."""

    __slots__ = ("_ends", "runs")

    def __init__(self, runs: Sequence[tuple[int, ValType]]) -> None:
        self.runs = runs
        self._ends = [*accumulate(count for count, _ in runs)]

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self)[index]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.runs[bisect_right(self._ends, index)][1]

    def __iter__(self) -> Iterator[ValType]:
        return chain.from_iterable(repeat(kind, count) for count, kind in self.runs)


class FunctionCode(NamedTuple):
    """A defined function as it stands in the file."""

    #: its index, imports counted
    funcidx: int
    type: FuncType
    #: parameters and declared locals
    locals: Sequence[ValType]
    #: where its instructions are
    start: int
    end: int


def read_locals(module: Module, start: int, end: int, look: Look = never) -> tuple[LocalTypes, int]:
    """The declared locals of a body, and where its code begins. Raises DecodeError."""
    data = module.data
    groups, pos = read_u32(data, start)
    if groups > end - pos:
        raise DecodeError(f"unexpected end: no room for {groups} groups of locals", start)
    runs: list[tuple[int, ValType]] = []
    total = 0
    for _ in each(range(groups), look, start):
        at = pos
        count, pos = read_u32(data, pos)
        if pos >= end:
            raise DecodeError("unexpected end of the locals", at)
        kind = VALUE_TYPES.get(data[pos])
        if kind is None:
            why = why_no_type(data[pos])
            raise DecodeError(f"malformed value type {data[pos]:#04x}{why}", pos)
        refusal = module.features.refusal_of_type(kind)
        if refusal:
            raise ValidationError(f"a local of type {kind}: {refusal}", pos)
        pos += 1
        total += count
        if total > module.max_locals:
            raise DecodeError(f"too many locals: {total}, at most {module.max_locals}", at)
        if count:
            runs.append((count, kind))
    return LocalTypes(runs), pos


def function_code(context: ModuleContext, module: Module, index: int) -> FunctionCode:
    """A defined function; its locals are read. Raises DecodeError for these."""
    body = module.bodies[index - module.import_counts["func"]]
    kind = context.functions[index]
    declared, start = read_locals(module, body.start, body.end, context.look)
    if start > body.end:
        raise DecodeError("unexpected end of the locals", body.start)
    types: Sequence[ValType] = (
        (*kind.params, *declared)
        if len(declared) <= _FEW
        else LocalTypes([*((1, one) for one in kind.params), *declared.runs])
    )
    return FunctionCode(index, kind, types, start, body.end)


def validate_function(
    context: ModuleContext, module: Module, code: FunctionCode, *, recording: bool = True
) -> BlockMap:
    """Validates one defined function and gives its block map, unless that is not asked for."""
    data = module.data[code.start : code.end]
    validator = BodyValidator(
        context, code.funcidx, data, code.start, code.locals, code.type.results
    )
    validator.recording = recording
    validator.run()
    return validator.block_map(code.type)


def check_constant(
    context: ModuleContext,
    module: Module,
    init: ConstExpr,
    expected: ValType,
    known: dict[tuple[bytes, ValType], frozenset[int]],
    before: int,
) -> frozenset[int]:
    """Validates a constant expression, which may read globals ``before`` an index, and gives the
    functions that it names. A number alone takes no state of the algorithm, and others that are in
    ``known`` none either: what may be read grows."""
    data, instructions = module.data, context.instructions
    row, pos = read_opcode(data, init.start, 0, instructions)
    if (
        row.meaning == "{value}"
        and row.constant
        and typing_rules.BY_NAME[row.immediates[0]] is expected
    ):
        value, pos = READERS[row.immediates[0]](data, pos, 0)
        if pos == init.end - 1 and read_opcode(data, pos, 0, instructions)[0].form == "end":
            context.plain[init.start] = value
            return frozenset()
    key = data[init.start : init.end], expected
    found = known.get(key)
    if found is None:
        found = validate_constant(context, module, init, expected, before).references
        if len(known) < _MOST_CONSTANTS:
            known[key] = found
    return found


def validate_constant(
    context: ModuleContext,
    module: Module,
    init: ConstExpr,
    expected: ValType,
    before: int | None = None,
) -> BlockMap:
    """Validates a constant expression (spec, section "Constant Expressions"), which may read
    globals ``before`` an index."""
    data = module.data[init.start : init.end]
    validator = BodyValidator(context, None, data, init.start, (), (expected,))
    validator.run()
    for (number, x), at in zip(validator.code[:-1], validator.offsets):
        row = context.instructions.rows[number]
        if not row.constant:
            _check_extended(validator, row, at)
        if row.immediates == ("globalidx",):
            _check_constant_global(validator, module, x, at, before)
    return validator.block_map(FuncType((), (expected,)))


def _check_extended(validator: BodyValidator, row: Instruction, at: int) -> None:
    why: str | None = ""
    if is_extended_constant(row.name):
        why = validator.context.features.refusal("extended_constants")
    if why is not None:
        what = f"constant expression required, found {row.name}{why and f': {why}'}"
        raise validator.invalid(what, at)


def _check_constant_global(
    validator: BodyValidator, module: Module, x: int, at: int, before: int | None
) -> None:
    context = validator.context
    if x >= module.import_counts["global"]:
        refusal = context.features.refusal("extended_constants")
        if refusal is not None:
            what = f"unknown global {x}: only imported ones are constant: {refusal}"
            raise validator.invalid(what, at)
        if before is not None and x >= before:
            raise validator.invalid(f"unknown global {x}: it is declared later", at)
    if context.globals[x].mutable:
        raise validator.invalid(f"constant expression required: global {x} is mutable", at)
