"""Random modules that are valid, and calls of them, from a tape of choices.

A program is a function of its tape, a list of small integers: replayed, cut short or simplified, a
tape still gives a valid program, and a choice of 0 is always the simplest one. So programs are
reproducible by seed and can be minimised without knowing anything about WebAssembly.

Instructions come from the rows of the instruction set: whatever has a signature of value types is
used as soon as its row is there. Loops count down, calls lead to functions with higher numbers, or
to the same one with a number that counts down, and what still runs too long is cut by fuel. The
bits of a NaN that arithmetic made are the platform's: before they could be seen, in memory or as an
integer, the program makes the NaN canonical.
"""

from __future__ import annotations

import random
import struct
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from oracle import Host
from wasm_builder import TYPES, limits, module, name, signed, unsigned, vector

from pywasmgk.wasm import isa

__all__ = ["HOST", "Choices", "Program", "generate"]

NUMBERS = ("i32", "i64", "f32", "f64")
KINDS = (*NUMBERS, "v128")
#: what a program with vectors picks types from
_WITH_VECTORS = ("i32", "i64", "f32", "f64", "v128", "v128")

#: operands at which arithmetic changes its ways, as bits
EDGES: dict[str, tuple[int, ...]] = {
    "i32": (0, 1, 2, 3, 7, 31, 32, 255, 256, 65535, 65536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
    "i64": (
        *(0, 1, 2, 5, 63, 64, 255, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32),
        *((1 << 63) - 1, 1 << 63, (1 << 64) - 1),
    ),
    "f32": (
        *(0, 0x3F800000, 0xBF800000, 0x80000000, 0x40490FDB, 0x3F000000, 0xBFC00000, 0x4F000000),
        *(0x4B000001, 1, 0x007FFFFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000),
    ),
    "f64": (
        *(0, 0x3FF0000000000000, 0xBFF0000000000000, 1 << 63, 0x400921FB54442D18),
        *(0x3FE0000000000000, 0xBFF8000000000000, 0x41DFFFFFFFC00000, 0x43E0000000000000),
        *(0x433FFFFFFFFFFFFF, 1, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000),
        0x7FF8000000000000,
    ),
}
_NAN = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000}
#: a NaN in every lane
_NANS = {
    "f32x4": sum(_NAN["f32"] << 32 * n for n in range(4)),
    "f64x2": _NAN["f64"] * (1 + (1 << 64)),
}
#: instructions on lanes that make NaNs of their own
_MAKE_NANS = frozenset(
    "ceil floor trunc nearest sqrt add sub mul div min max"
    " demote_f64x2_zero promote_low_f32x4".split()
)

#: what programs import from ``h``
HOST = {
    ("h", "mix"): Host(("i32", "i64"), ("i64",), lambda session, a, b: a * 7 ^ b),
    ("h", "poke"): Host(("i32",), (), lambda session, a: session.write(a & 1023, b"\1\2\3")),
}


class Choices:
    """A tape: recorded from a seed, or replayed; behind its end every choice is 0."""

    def __init__(self, seed: int | None = None, tape: Sequence[int] = ()) -> None:
        self._random = None if seed is None else random.Random(seed).random
        self.tape = list(tape)
        self._next = 0

    def below(self, count: int) -> int:
        """A number from 0 to ``count - 1``."""
        if self._random is not None:
            value = int(self._random() * count)
            self.tape.append(value)
            return value
        position = self._next
        self._next += 1
        return self.tape[position] % count if position < len(self.tape) else 0

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases; false is simpler."""
        return self.below(100) >= 100 - percent

    def pick(self, items: Sequence[str]) -> str:
        """One of some; the first is the simplest."""
        return items[self.below(len(items))]


class Program(NamedTuple):
    """A module, and calls of its exports with bit patterns (bytes for a v128)."""

    data: bytes
    calls: list[tuple[str, tuple[Any, ...]]]
    tape: list[int]
    #: what it may import
    host: Mapping[tuple[str, str], Host] = HOST


# -- what can be made of the rows


class _Op(NamedTuple):
    """A row with a signature of value types."""

    name: str
    code: bytes
    params: tuple[str, ...]
    #: bytes of a memory access, 0 otherwise
    width: int
    #: what lane indices stay below, and how many there are
    lanes: int
    indices: int
    #: no other alignment is valid
    aligned: bool = False


def _encode(row: isa.Instruction) -> bytes:
    if row.prefix is None:
        return bytes([row.opcode])
    return bytes([row.prefix]) + unsigned(row.opcode & 0xFFFF)


#: parts of names of instructions whose result depends on the bits of a NaN
_SEES_BITS = frozenset(("reinterpret_f32", "reinterpret_f64", "copysign", "splat", "replace_lane"))
_USUAL = 12
_IMMEDIATES = {"memarg", "laneidx", "lanes"}


def _table() -> dict[tuple[str | None, bool], tuple[list[_Op], list[int]]]:
    """Rows by result type (``None``: no result) and whether they have to do with vectors, with
    cumulated weights."""
    found: dict[tuple[str | None, bool], list[tuple[_Op, int]]] = {}
    for row in isa.active():
        if row.typing is None or row.form is not None or row.constant:
            continue
        params, results = row.typing
        if any(kind not in KINDS for kind in (*params, *results)):
            continue
        if not set(row.immediates) <= _IMMEDIATES or not params or row.moves_memory:
            continue
        indices = 16 if "lanes" in row.immediates else int("laneidx" in row.immediates)
        rest = row.width, row.lanes or 32, indices, row.aligned
        op = _Op(row.name, _encode(row), params, *rest)
        # what traps at most operands ends a program early: less of it
        weight = 2 if row.guards and "trunc" in row.name else _USUAL
        if row.aligned:
            # there are as many as of all others with integers
            weight = _USUAL // 3
        key = (results[0] if results else None), "v128" in (*params, *results)
        if len(results) > 1:
            # two results become one: the lower one, or both together
            for joined in (isa.lookup(0x1A), isa.lookup(0x85)):
                code = op.code + _encode(joined)  # type: ignore[arg-type]
                found.setdefault(key, []).append((op._replace(code=code), weight))
            continue
        found.setdefault(key, []).append((op, weight))
    return {
        kind: ([op for op, _ in ops], list(accumulate(weight for _, weight in ops)))
        for kind, ops in found.items()
    }


#: what is written before an instruction's immediates (of select, the one without)
_PLAIN = {row.name: _encode(row) for row in isa.active() if row.immediates != ("types",)}
_TYPED_SELECT = next(_encode(row) for row in isa.active() if row.immediates == ("types",))
_OPS = _table()


def _constant(kind: str, bits: int) -> bytes:
    if kind == "v128":
        return _PLAIN["v128.const"] + bits.to_bytes(16, "little")
    if kind in ("i32", "i64"):
        width = int(kind[1:])
        value = bits - (1 << width) if bits >> (width - 1) else bits
        return _PLAIN[f"{kind}.const"] + signed(value)
    return _PLAIN[f"{kind}.const"] + bits.to_bytes(int(kind[1:]) // 8, "little")


class _Label(NamedTuple):
    types: tuple[str, ...]
    loop: bool


class _Function(NamedTuple):
    params: tuple[str, ...]
    results: tuple[str, ...]


#: number of globals of each type; further ones: what memories and tables grow by
_GLOBALS = {kind: (2 * n, 2 * n + 1) for n, kind in enumerate(KINDS)}
_GROW_BY = 2 * len(KINDS)
_TABLE_SIZE = 8
_DATA = bytes(range(1, 40))


class _Generator:
    def __init__(self, choices: Choices, leaves_twice: bool) -> None:
        self.c = choices
        self.leaves_twice = leaves_twice
        self.types: list[_Function] = []
        self.out = bytearray()
        self.budget = 0

    # -- the module

    def program(self) -> Program:
        c = self.c
        self.vectors = c.chance(30)
        self.kinds = _WITH_VECTORS if self.vectors else NUMBERS
        count = 1 + c.below(4)
        self.functions = [self.signature() for _ in range(count)]
        # the last ones are leaves: they are in the table, and call nothing through it
        self.leaves = [_Function(("i32",), ("i32",)), self.signature()]
        #: functions that call themselves, the low bits of their first parameter counting down
        self.recursive = {number for number in range(count) if c.chance(20)}
        for number in self.recursive:
            params, results = self.functions[number]
            self.functions[number] = _Function(("i32", *params), results)
        self.all = [*self.functions, *self.leaves]
        self.imported = len(HOST)
        imports = [
            name(module_) + name(item) + b"\0" + unsigned(self.type_index(_Function(*host[:2])))
            for (module_, item), host in (
                (key, (host.params, host.results)) for key, host in HOST.items()
            )
        ]
        indices = [self.type_index(kind) for kind in self.all]
        bodies = [self.body(number, kind) for number, kind in enumerate(self.all)]
        calls = []
        for _ in range(1 + c.below(4)):
            number = c.below(count)
            args = tuple(map(self.argument, self.functions[number].params))
            calls.append((f"f{number}", args))
        data = module(
            types=[
                b"\x60" + vector(map(_type, kind.params)) + vector(map(_type, kind.results))
                for kind in self.types
            ],
            imports=imports,
            functions=indices,
            tables=[b"\x70" + limits(_TABLE_SIZE, 20), b"\x6f" + limits(2, 12)],
            memories=[limits(1, 3)],
            globals_=self.globals(),
            exports=[(f"f{n}", 0, self.imported + n) for n in range(count)],
            elements=self.elements(),
            data_count=2,
            bodies=bodies,
            datas=[b"\1" + name(_DATA), b"\0\x41\x10\x0b" + name(_DATA)],
        )
        return Program(data, calls, c.tape)

    def signature(self) -> _Function:
        c = self.c
        params = tuple(c.pick(self.kinds) for _ in range(c.below(4)))
        results = tuple(c.pick(self.kinds) for _ in range((0, 1, 1, 1, 2, 3)[c.below(6)]))
        return _Function(params, results)

    def type_index(self, kind: _Function) -> int:
        if kind not in self.types:
            self.types.append(kind)
        return self.types.index(kind)

    def globals(self) -> list[bytes]:
        cells = [
            _type(kind) + b"\1" + _constant(kind, self.bits(kind)) + b"\x0b"
            for kind in (KINDS if self.vectors else NUMBERS)
            for n in range(2)
        ]
        # without vectors their places are there, so that the last one has the same number
        unused = b"\x7f\0\x41\0\x0b"
        return [*cells, *[unused] * (_GROW_BY - len(cells)), b"\x7f\1\x41\1\x0b"]

    def elements(self) -> list[bytes]:
        first = self.imported + len(self.functions)
        leaves = [first, first + 1, 0, first]
        return [
            b"\0\x41\1\x0b" + vector(map(unsigned, leaves)),
            b"\1\0" + vector(map(unsigned, leaves[:3])),
        ]

    # -- one body

    def body(self, number: int, kind: _Function) -> bytes:
        self.out = bytearray()
        self.number = number
        self.local_types = [*kind.params]
        self.fixed: set[int] = set()
        self.scratch: dict[str, int] = {}
        for _ in range(self.c.below(4)):
            self.local_types.append(self.c.pick(self.kinds))
        self.labels = [_Label(kind.results, False)]
        self.budget = 10 + self.c.below(120)
        if number >= len(self.functions):
            self.budget = min(self.budget, 12)
        if number in self.recursive:
            self.early_return(kind)
        for _ in range(1 + self.c.below(4)):
            self.statements(4)
        self.values(kind.results, 3)
        self.out.append(0x0B)
        extra = self.local_types[len(kind.params) :]
        content = vector(b"\1" + _type(item) for item in extra) + bytes(self.out)
        return unsigned(len(content)) + content

    def early_return(self, kind: _Function) -> None:
        """Where the recursion of a function ends."""
        self.fixed.add(0)
        if self.c.chance(30):
            self.set_local(1)
        branches = self.c.chance(50)
        self.emit("block" if branches else "nop", *[0x40] * branches)
        self.out += _PLAIN["local.get"] + b"\0" + _constant("i32", 7) + _PLAIN["i32.and"]
        if self.c.chance(30):
            self.out += _constant("i32", 1) + _PLAIN["i32.gt_s"] + _PLAIN["i32.eqz"]
        else:
            self.emit("i32.eqz")
        if branches:
            self.out += _PLAIN["i32.eqz"] + _PLAIN["br_if"] + b"\0"
        else:
            self.out += _PLAIN["if"] + b"\x40"
        self.labels.append(_Label((), False))
        self.values(kind.results, self.c.below(2))
        self.labels.pop()
        self.emit("return")
        self.emit("end")

    def call(self, number: int, depth: int, instruction: str = "call") -> None:
        """A call of a function of the module, arguments first."""
        params = self.all[number].params
        if number == self.number:
            self.out += _PLAIN["local.get"] + b"\0" + _constant("i32", 1) + _PLAIN["i32.sub"]
            self.out += _constant("i32", 7) + _PLAIN["i32.and"]
            params = params[1:]
        self.values(params, depth - 1)
        self.emit(instruction, self.imported + number)

    def may_call(self, number: int) -> bool:
        """Whether calls of a function end."""
        return number > self.number or (number == self.number and number in self.recursive)

    def emit(self, instruction: str, *immediates: int) -> None:
        self.out += _PLAIN[instruction]
        for value in immediates:
            self.out += unsigned(value)

    def new_local(self, kind: str) -> int:
        """A local that statements do not set."""
        self.local_types.append(kind)
        self.fixed.add(len(self.local_types) - 1)
        return len(self.local_types) - 1

    def settable(self, kind: str) -> list[int]:
        return [
            index
            for index, found in enumerate(self.local_types)
            if found == kind and index not in self.fixed
        ]

    def argument(self, kind: str) -> Any:
        """A value in the form that a call takes."""
        bits = self.bits(kind)
        return bits.to_bytes(16, "little") if kind == "v128" else bits

    def bits(self, kind: str) -> int:
        """A value: a small one, an edge, or any."""
        if kind == "v128":
            lane, count = (("i32", 4), ("i64", 2), ("f32", 4), ("f64", 2))[self.c.below(4)]
            lanes = [self.bits(lane) for _ in range(count)]
            return sum(bits << 128 // count * n for n, bits in enumerate(lanes))
        way = self.c.below(8)
        if way < 5:
            return EDGES[kind][self.c.below(len(EDGES[kind]))]
        if way == 5 and kind in ("i32", "i64"):
            return self.c.below(100)
        if way == 6 and kind in ("f32", "f64"):
            value = (self.c.below(2001) - 1000) / 8
            form = ("<f", "<I") if kind == "f32" else ("<d", "<Q")
            return int(struct.unpack(form[1], struct.pack(form[0], value))[0])
        width = int(kind[1:])
        bits = 0
        for _ in range(width // 16):
            bits = bits << 16 | self.c.below(65536)
        # no odd NaNs: their bits may differ once arithmetic has touched them
        return _NAN[kind] if kind in _NAN and _is_nan(kind, bits) else bits

    # -- values

    def values(self, kinds: Sequence[str], depth: int) -> None:
        """Code that leaves values of these types."""
        for kind in kinds:
            self.value(kind, depth)

    def value(self, kind: str, depth: int) -> None:
        """Code that leaves one value."""
        self.budget -= 1
        if self.budget <= 0 or depth <= 0:
            self.leaf(kind)
            return
        way = self.c.below(100)
        if way < 15:
            self.leaf(kind)
        elif way < 72:
            self.operation(kind, depth)
        elif way < 78:
            self.values((kind, kind, "i32"), depth - 1)
            if self.c.chance(20):
                self.out += _TYPED_SELECT + vector([_type(kind)])
            else:
                self.emit("select")
        elif way < 84:
            self.value(kind, depth - 1)
            places = self.settable(kind)
            if places:
                self.emit("local.tee", places[self.c.below(len(places))])
        elif way < 92:
            self.block((kind,), depth)
        elif way < 96:
            self.call_for(kind, depth)
        elif kind == "i32":
            self.odd_value(depth)
        else:
            self.leaf(kind)

    def leaf(self, kind: str) -> None:
        # what a vector is made canonical in is not to be seen
        hidden = self.scratch.get("v128")
        places = [n for n, found in enumerate(self.local_types) if found == kind and n != hidden]
        way = self.c.below(10)
        if way < 4 or (way < 8 and not places):
            self.out += _constant(kind, self.bits(kind))
        elif way < 8:
            self.emit("local.get", places[self.c.below(len(places))])
        else:
            self.emit("global.get", _GLOBALS[kind][self.c.below(2)])

    def operation(self, kind: str, depth: int) -> None:
        """An instruction by its row, operands first."""
        vectors = kind == "v128" or (self.vectors and self.c.chance(30))
        ops, weights = _OPS.get((kind, vectors)) or _OPS[kind, not vectors]
        op = ops[bisect_right(weights, self.c.below(weights[-1]))]
        self.operands(op, depth)
        self.out += op.code
        if op.width:
            self.memarg(op)
        self.out += bytes(self.c.below(op.lanes) for _ in range(op.indices))
        shape, _, what = op.name.partition(".")
        if shape in _NANS and what in _MAKE_NANS:
            self.make_canonical("v128", shape)

    def operands(self, op: _Op, depth: int) -> None:
        for position, param in enumerate(op.params):
            if op.width and position == 0:
                self.address(depth)
                if op.aligned and not self.c.chance(4):
                    self.out += _constant("i32", -op.width % (1 << 32)) + _PLAIN["i32.and"]
                continue
            self.value(param, depth - 1)
            if param in _NAN and (op.width or _SEES_BITS.intersection(op.name.split("."))):
                self.make_canonical(param)
        if ("div" in op.name or "rem" in op.name) and op.params[1][0] == "i":
            if not self.c.chance(10):
                self.out += _constant(op.params[1], 1) + _PLAIN[f"{op.params[1]}.or"]

    def address(self, depth: int) -> None:
        self.value("i32", depth - 1)
        if not self.c.chance(4):
            mask = (127, 1023, 65535)[self.c.below(3)]
            self.out += _constant("i32", mask) + _PLAIN["i32.and"]

    def memarg(self, op: _Op) -> None:
        align = self.c.below(op.width.bit_length())
        offset = (0, 1, 4, 100, 65000, 70000, 0xFFFFFFFF)[self.c.below(5 + 2 * self.c.chance(4))]
        if op.aligned:
            align = op.width.bit_length() - 1
            if not self.c.chance(4):
                offset -= offset % op.width
        self.out += unsigned(align) + unsigned(offset)

    def make_canonical(self, kind: str, shape: str = "") -> None:
        """Gives a NaN on the stack the one pattern that is everywhere the same."""
        local = self.scratch.get(kind)
        if local is None:
            local = self.scratch[kind] = self.new_local(kind)
        self.emit("local.tee", local)
        self.out += _constant(kind, _NANS[shape] if shape else _NAN[kind])
        self.emit("local.get", local)
        self.emit("local.get", local)
        self.out += _PLAIN[f"{shape or kind}.eq"]
        self.emit("v128.bitselect" if shape else "select")

    def odd_value(self, depth: int) -> None:
        """An i32 from memory's or tables' instructions."""
        way = self.c.below(8)
        if way == 7 and self.c.chance(20):
            self.wait(depth)
        elif way == 0:
            self.emit("memory.size", 0)
        elif way == 1:
            self.emit("global.get", _GROW_BY)
            self.emit("memory.grow", 0)
        elif way == 2:
            self.emit("table.size", self.c.below(2))
        elif way == 3:
            self.out += _PLAIN["ref.null"] + b"\x70"
            self.emit("global.get", _GROW_BY)
            self.emit("table.grow", 0)
        elif way == 4:
            self.index(depth)
            self.emit("table.get", 0)
            self.emit("ref.is_null")
        elif way == 5:
            self.out += _PLAIN["ref.null"] + b"\x6f"
            self.emit("global.get", _GROW_BY)
            self.emit("table.grow", 1)
        else:
            self.out += _PLAIN["ref.null"] + (b"\x70", b"\x6f")[self.c.below(2)]
            self.emit("ref.is_null")

    def wait(self, depth: int) -> None:
        """A wait, which traps: nobody shares the memory."""
        width = (4, 8)[self.c.below(2)]
        self.address(depth)
        self.value(f"i{8 * width}", depth - 1)
        self.value("i64", depth - 1)
        self.out += _PLAIN[f"memory.atomic.wait{8 * width}"] + bytes((width.bit_length() - 1, 0))

    def index(self, depth: int) -> None:
        """An index into table 0, mostly of a place that it has."""
        self.value("i32", depth - 1)
        if not self.c.chance(8):
            self.out += _constant("i32", 7) + _PLAIN["i32.and"]

    def slot(self, wanted: int) -> None:
        """An index into table 0, mostly of the function that is wanted."""
        if self.c.chance(15):
            self.index(1)
        else:
            self.value("i32", 1)
            self.out += _constant("i32", 0) + _PLAIN["i32.and"]
            self.out += _constant("i32", wanted) + _PLAIN["i32.or"]

    def call_for(self, kind: str, depth: int) -> None:
        """A call whose last result is of a type, others dropped; a leaf if there is none."""
        found = [
            (number, callee)
            for number, callee in enumerate(self.all)
            if self.may_call(number) and kind in callee.results
        ]
        again = self.number in self.recursive and kind in self.all[self.number].results
        if again and self.c.chance(50):
            self.call(self.number, depth)
            self.keep(self.all[self.number].results, kind)
        elif kind == "i64" and self.c.chance(30):
            self.values(("i32", "i64"), depth - 1)
            self.emit("call", 0)
        elif kind == "i32" and self.number < len(self.functions) and self.c.chance(40):
            self.values(("i32",), depth - 1)
            self.slot(1)
            self.emit("call_indirect", self.type_index(self.leaves[0]), 0)
        elif found:
            number, callee = found[self.c.below(len(found))]
            self.call(number, depth)
            self.keep(callee.results, kind)
        else:
            self.leaf(kind)

    def keep(self, kinds: Sequence[str], kind: str) -> None:
        """Of values on the stack keeps one of a type."""
        last = len(kinds) - 1
        while kinds[last] != kind:
            self.emit("drop")
            last -= 1
        if last:
            local = self.new_local(kind)
            self.emit("local.set", local)
            for _ in range(last):
                self.emit("drop")
            self.emit("local.get", local)

    # -- blocks

    def block_type(self, params: tuple[str, ...], results: tuple[str, ...]) -> None:
        if params or len(results) > 1:
            self.out += signed(self.type_index(_Function(params, results)))
        else:
            self.out += _type(results[0]) if results else b"\x40"

    def block(self, results: tuple[str, ...], depth: int) -> None:
        """A block, if or loop that leaves results."""
        form = self.c.pick(("block", "if", "loop", "loop"))
        params = tuple(self.c.pick(self.kinds) for _ in range((0, 0, 0, 1, 2)[self.c.below(5)]))
        self.values(params, depth - 1)
        if form == "if":
            self.value("i32", depth - 1)
        if form == "loop":
            self.loop(params, results, depth - 1)
            return
        self.out += _PLAIN[form]
        self.block_type(params, results)
        self.labels.append(_Label(results, False))
        self.inside(params, results, depth - 1)
        if form == "if" and (results != params or self.c.chance(60)):
            self.emit("else")
            self.inside(params, results, depth - 1)
        self.emit("end")
        self.labels.pop()

    def inside(self, params: Sequence[str], results: tuple[str, ...], depth: int) -> None:
        """A block's inside: its parameters go to locals, statements, results, or it is left."""
        self.take(params)
        self.statements(depth)
        if self.c.chance(12):
            self.leave(depth)
            if self.c.chance(50):
                # dead code
                self.statements(1)
        else:
            self.values(results, depth)

    def take(self, kinds: Sequence[str]) -> None:
        for kind in reversed(kinds):
            places = self.settable(kind)
            if places:
                self.emit("local.set", places[self.c.below(len(places))])
            else:
                self.emit("drop")

    def left_twice(self, depth: int) -> None:
        """A block that is left from before a loop in it, and from inside of that loop."""
        results = tuple(self.c.pick(self.kinds) for _ in range((0, 0, 1, 2)[self.c.below(4)]))
        self.emit("block")
        self.block_type((), results)
        self.labels.append(_Label(results, False))
        self.statements(depth - 1)
        self.branch_if(depth, 0)
        self.loop((), (), depth - 1, leaves=True)
        self.inside((), results, depth - 1)
        self.emit("end")
        self.labels.pop()
        self.take(results)

    def loop(
        self,
        params: tuple[str, ...],
        results: tuple[str, ...],
        depth: int,
        leaves: bool = False,
    ) -> None:
        """A loop that counts down; ``leaves``: it may go to the end of the block around it."""
        counter = self.new_local("i32")
        self.out += _constant("i32", 1 + self.c.below(4))
        self.emit("local.set", counter)
        self.out += _PLAIN["loop"]
        self.block_type(params, results)
        self.labels.append(_Label(params, True))
        self.take(params)
        self.statements(depth)
        if leaves:
            self.branch_if(depth, 1)
            self.statements(depth)
        self.values(params, depth)
        self.emit("local.get", counter)
        self.out += _constant("i32", 1) + _PLAIN["i32.sub"]
        self.emit("local.tee", counter)
        self.emit("br_if", 0)
        self.take(params)
        self.values(results, depth)
        self.emit("end")
        self.labels.pop()

    def label(self) -> int:
        """A label: mostly no loop's, since that would not count down."""
        wanted = [
            number
            for number, label in enumerate(reversed(self.labels))
            if not label.loop or self.c.chance(10)
        ]
        return wanted[self.c.below(len(wanted))] if wanted else len(self.labels) - 1

    def leave(self, depth: int) -> None:
        """Goes somewhere else for good."""
        way = self.c.below(12)
        if way >= 10:
            self.tail_call(depth)
        elif way < 5:
            label = self.label()
            self.junk(depth)
            self.values(self.labels[-1 - label].types, depth - 1)
            self.emit("br", label)
        elif way < 7:
            self.junk(depth)
            self.values(self.labels[0].types, depth - 1)
            self.emit("return")
        elif way < 9:
            self.branch_table(depth)
        else:
            self.emit("unreachable")

    def tail_call(self, depth: int) -> None:
        """A call that ends the function, of one of the same results if there is any."""
        results = self.labels[0].types
        callees = [n for n, kind in enumerate(self.all) if kind.results == results]
        callees = [n for n in callees if self.may_call(n)]
        self.junk(depth)
        if not callees:
            self.emit("unreachable")
        elif self.number < len(self.functions) and results == ("i32",) and self.c.chance(40):
            self.value("i32", depth - 1)
            self.slot(1)
            self.emit("return_call_indirect", self.type_index(self.leaves[0]), 0)
        else:
            self.call(callees[self.c.below(len(callees))], depth, "return_call")

    def junk(self, depth: int) -> None:
        """Values that a branch leaves behind."""
        for _ in range((0, 0, 1, 2)[self.c.below(4)]):
            self.value(self.c.pick(self.kinds), depth - 2)

    def branch_table(self, depth: int) -> None:
        default = self.label()
        types = self.labels[-1 - default].types
        fitting = [
            number for number, label in enumerate(reversed(self.labels)) if label.types == types
        ]
        targets = [fitting[self.c.below(len(fitting))] for _ in range(self.c.below(4))]
        self.junk(depth)
        self.values(types, depth - 1)
        self.value("i32", depth - 1)
        self.out += _PLAIN["br_table"] + vector(map(unsigned, targets)) + unsigned(default)

    # -- statements

    def statements(self, depth: int) -> None:
        """Some statements: code that leaves the stack as it was."""
        for _ in range(self.c.below(5)):
            if self.budget <= 0:
                return
            self.statement(depth)

    def statement(self, depth: int) -> None:
        self.budget -= 1
        weights = _WEIGHTS if self.leaves_twice else _WEIGHTS[:-1]
        way = bisect_right(weights, self.c.below(weights[-1]))
        _STATEMENTS[way][1](self, depth)

    def nop(self, depth: int) -> None:
        if self.c.chance(10):
            self.emit("atomic.fence", 0)
        else:
            self.emit("nop")

    def set_local(self, depth: int) -> None:
        kind = self.c.pick(self.kinds)
        self.value(kind, depth)
        self.take((kind,))

    def set_global(self, depth: int) -> None:
        kind = self.c.pick(self.kinds)
        self.value(kind, depth)
        self.emit("global.set", _GLOBALS[kind][self.c.below(2)])

    def store(self, depth: int) -> None:
        self.operation(None, depth)  # type: ignore[arg-type]

    def if_block(self, depth: int) -> None:
        self.block((), depth)

    def several(self, depth: int) -> None:
        """A block with several results."""
        kinds = tuple(self.c.pick(self.kinds) for _ in range(2))
        self.block(kinds, depth)
        self.take(kinds)

    def branch_if(self, depth: int, label: int | None = None) -> None:
        """A branch under a condition, to a given label or to any."""
        if label is None:
            label = self.label()
        elif self.c.chance(50):
            self.leaving_if(depth, label)
            return
        types = self.labels[-1 - label].types
        junk = self.c.below(2)
        if junk:
            self.value("i32", 0)
        self.values(types, depth - 1)
        self.value("i32", depth - 1)
        self.emit("br_if", label)
        self.take(types)
        if junk:
            self.emit("drop")

    def leaving_if(self, depth: int, label: int) -> None:
        """An if that goes to a label for good."""
        self.value("i32", depth - 1)
        if self.c.chance(50):
            self.emit("i32.eqz")
        self.out += _PLAIN["if"] + b"\x40"
        self.labels.append(_Label((), False))
        self.statements(1)
        self.values(self.labels[-2 - label].types, depth - 1)
        self.emit("br", label + 1)
        self.emit("end")
        self.labels.pop()

    def call_void(self, depth: int) -> None:
        way = self.c.below(4)
        callees = [n for n in range(len(self.all)) if self.may_call(n)]
        if way == 0 or not callees:
            self.value("i32", depth - 1)
            self.emit("call", 1)
        elif way == 1 and self.number < len(self.functions):
            leaf = self.leaves[1]
            self.values(leaf.params, depth - 1)
            self.slot(2)
            self.emit("call_indirect", self.type_index(leaf), 0)
            self.take(leaf.results)
        else:
            number = callees[self.c.below(len(callees))]
            if self.number in self.recursive and self.c.chance(50):
                number = self.number
            self.call(number, depth)
            self.take(self.all[number].results)

    def bulk_memory(self, depth: int) -> None:
        way = self.c.below(4)
        if way == 3:
            self.emit("data.drop", self.c.below(2))
            return
        self.address(1)
        if way == 0:
            self.value("i32", 1)
            self.length()
            self.emit("memory.fill", 0)
        elif way == 1:
            self.address(1)
            self.length()
            self.emit("memory.copy", 0, 0)
        else:
            self.out += _constant("i32", self.c.below(30))
            self.length()
            self.emit("memory.init", 0, 0)

    def length(self) -> None:
        self.value("i32", 1)
        if not self.c.chance(4):
            self.out += _constant("i32", (7, 31, 255)[self.c.below(3)]) + _PLAIN["i32.and"]

    def bulk_table(self, depth: int) -> None:
        way = self.c.below(5)
        if way == 4:
            self.emit("elem.drop", 1)
            return
        self.index(1)
        if way == 3:
            self.emit("ref.func", self.imported + len(self.functions))
            self.emit("table.set", 0)
            return
        if way == 0:
            self.out += _PLAIN["ref.null"] + b"\x70"
            self.few()
            self.emit("table.fill", 0)
        elif way == 1:
            self.index(1)
            self.few()
            self.emit("table.copy", 0, 0)
        else:
            self.few()
            self.few()
            self.emit("table.init", 1, 0)

    def few(self) -> None:
        self.value("i32", 1)
        self.out += _constant("i32", 3) + _PLAIN["i32.and"]

    def set_growth(self, depth: int) -> None:
        """What the next growth is by: 0, 1, or too much."""
        self.out += _constant("i32", (0, 1, 2, 200)[self.c.below(4)])
        self.emit("global.set", _GROW_BY)

    def drop(self, depth: int) -> None:
        self.value(self.c.pick(self.kinds), depth)
        self.emit("drop")


def _type(kind: str) -> bytes:
    return bytes([TYPES[kind]])


def _is_nan(kind: str, bits: int) -> bool:
    infinity = 0x7F800000 if kind == "f32" else 0x7FF0000000000000
    return bits & ((1 << (int(kind[1:]) - 1)) - 1) > infinity


_STATEMENTS: list[tuple[int, Callable[[_Generator, int], None]]] = [
    (3, _Generator.nop),
    (22, _Generator.set_local),
    (12, _Generator.set_global),
    (16, _Generator.store),
    (24, _Generator.if_block),
    (6, _Generator.several),
    (10, _Generator.branch_if),
    (8, _Generator.call_void),
    (4, _Generator.bulk_memory),
    (4, _Generator.bulk_table),
    (2, _Generator.set_growth),
    (5, _Generator.drop),
    # the last one can be left out
    (5, _Generator.left_twice),
]
_WEIGHTS = list(accumulate(weight for weight, _ in _STATEMENTS))


def generate(
    seed: int | None = None, tape: Sequence[int] = (), *, leaves_twice: bool = True
) -> Program:
    """The program of a seed, or of a tape; with or without blocks that are left from before a loop
    in them and from inside of it: digests of programs are older than those."""
    return _Generator(Choices(seed, tape), leaves_twice).program()
