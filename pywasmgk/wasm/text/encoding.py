"""What was read of a text, in the binary format (spec, chapter "Binary Format").

ppci's own writer knows the instructions of the first release and rounds floats; this one is driven
by the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ..isa import Instruction
from ..isa.immediates import VALUE_TYPES
from ..types import ValType

__all__ = ["NAMED", "Encoder", "Segment", "name_section", "reorder"]

_BYTES = {str(kind): bytes([byte]) for byte, kind in VALUE_TYPES.items()}
_KINDS = ("func", "table", "memory", "global")
#: subsections of the name section, by the index spaces that they name
NAMED = {"func": 1, "type": 4, "table": 5, "memory": 6, "global": 7, "elem": 8, "data": 9}


class Segment(NamedTuple):
    """An element or data segment."""

    mode: str
    ref: Any
    #: instructions of an active one
    offset: Any
    #: of elements
    type: ValType | None
    #: bytes; or references and lists of instructions
    content: Any


def reorder(row: Instruction, values: Sequence[Any] | None = None) -> Sequence[Any]:
    """The kinds of a row's immediates as the text has them, tables first; or values that were read
    in that order as the binary format has them."""
    order = sorted(range(len(row.immediates)), key=lambda n: row.immediates[n] != "tableidx")
    if values is None:
        return [row.immediates[n] for n in order]
    return [value for _, value in sorted(zip(order, values), key=lambda pair: pair[0])]


def unsigned(value: int) -> bytes:
    """LEB128."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def signed(value: int, bits: int) -> bytes:
    """LEB128 of an unsigned value that stands for a signed one."""
    value -= (value >> (bits - 1)) << bits
    found = bytearray()
    while not -64 <= value < 64:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value & 0x7F])


def vector(items: Iterable[bytes]) -> bytes:
    """A counted vector."""
    found = list(items)
    return unsigned(len(found)) + b"".join(found)


def sized(data: bytes) -> bytes:
    """Bytes behind their length."""
    return unsigned(len(data)) + data


def _string(text: str) -> bytes:
    return sized(text.encode())


def _types(names: Iterable[str]) -> bytes:
    return vector(_BYTES[name] for name in names)


def _limits(minimum: int, maximum: int | None) -> bytes:
    if maximum is None:
        return b"\0" + unsigned(minimum)
    return b"\1" + unsigned(minimum) + unsigned(maximum)


def _index(ref: Any) -> bytes:
    return unsigned(ref.index)


def _labels(refs: Sequence[Any]) -> bytes:
    return vector(map(_index, refs[:-1])) + _index(refs[-1])


#: immediates that are no index
_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "memarg": lambda value: unsigned(value[0]) + unsigned(value[1]),
    "labels": _labels,
    "types": _types,
    "reftype": lambda value: _BYTES[value],
    "i32": lambda value: signed(value, 32),
    "i64": lambda value: signed(value, 64),
    "f32": lambda value: value.to_bytes(4, "little"),
    "f64": lambda value: value.to_bytes(8, "little"),
    "v128": lambda value: value.to_bytes(16, "little"),
    "lanes": lambda value: value.to_bytes(16, "little"),
    "laneidx": lambda value: bytes([value]),
}


class Encoder:
    """Writes a module. ``definitions`` are pairs of name and definition by kind, their references
    resolved; ``types`` pairs of parameters and results; ``rows`` the instructions by name."""

    def __init__(
        self,
        definitions: Mapping[str, list[tuple[Any, Any]]],
        types: Sequence[tuple[Any, Any]],
        rows: Mapping[str, list[Instruction]],
    ) -> None:
        self.definitions = definitions
        self.types = types
        self.rows = rows
        self.end = next(row for row, *_ in rows.values() if row.form == "end").opcode
        self.needs_data_count = False

    def _of(self, kind: str) -> list[Any]:
        return [definition for _, definition in self.definitions.get(kind, ())]

    def module(self) -> bytes:
        """All sections that are not empty."""
        functions = self._of("func")
        code = [sized(self._body(item)) for item in functions]
        datas = [self._data(item) for item in self._of("data")]
        start = self._of("start")
        sections = [
            (1, [b"\x60" + _types(params) + _types(results) for params, results in self.types]),
            (2, [self._import(item) for item in self._of("import")]),
            (3, [_index(item.ref) for item in functions]),
            (4, [_BYTES[str(kind)] + _limits(*limits) for kind, *limits in self._of("table")]),
            (5, [_limits(*item) for item in self._of("memory")]),
            (6, [self._global_type(*item[:2]) + self.code(item[2]) for item in self._of("global")]),
            (7, [self._export(*item) for item in self._of("export")]),
            (9, [self._element(item) for item in self._of("elem")]),
            (10, code),
            (11, datas),
        ]
        parts = {number: vector(items) for number, items in sections if items}
        if start:
            parts[8] = _index(start[0].ref)
        if self.needs_data_count:
            parts[12] = unsigned(len(datas))
        order = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11)
        written = (bytes([number]) + sized(parts[number]) for number in order if number in parts)
        return b"\0asm\1\0\0\0" + b"".join(written)

    def _import(self, item: Any) -> bytes:
        info = item.info
        what = {
            "func": lambda: _index(info),
            "table": lambda: _BYTES[str(info[0])] + _limits(*info[1:]),
            "memory": lambda: _limits(*info),
            "global": lambda: self._global_type(*info),
        }[item.kind]()
        kind = bytes([_KINDS.index(item.kind)])
        return _string(item.modname) + _string(item.name) + kind + what

    @staticmethod
    def _global_type(kind: str, mutable: bool) -> bytes:
        return _BYTES[kind] + bytes([mutable])

    @staticmethod
    def _export(name: str, kind: str, ref: Any) -> bytes:
        return _string(name) + bytes([_KINDS.index(kind)]) + _index(ref)

    def _data(self, item: Segment) -> bytes:
        if item.offset is None:
            return b"\1" + sized(item.content)
        head = b"\2" + _index(item.ref) if item.ref.index else b"\0"
        return head + self.code(item.offset) + sized(item.content)

    def _element(self, item: Segment) -> bytes:
        plain = item.type is ValType.FUNCREF and not any(
            isinstance(one, list) for one in item.content
        )
        explicit = bool(item.ref.index) or item.type is not ValType.FUNCREF
        flags = {"passive": 1, "declarative": 3}.get(item.mode, 2 if explicit else 0)
        head = unsigned(flags | (0 if plain else 4))
        if item.mode == "active":
            head += (_index(item.ref) if explicit else b"") + self.code(item.offset)
        if flags:
            head += b"\0" if plain else _BYTES[str(item.type)]
        return head + vector(_index(one) if plain else self.code(one) for one in item.content)

    def _body(self, function: Any) -> bytes:
        runs = [
            unsigned(len(list(run))) + _BYTES[kind]
            for kind, run in groupby(str(kind) for _, kind in function.locals)
        ]
        return vector(runs) + self.code(function.instructions)

    def code(self, instructions: Iterable[Any]) -> bytes:
        """An expression with its end."""
        return b"".join(map(self._instruction, instructions)) + bytes([self.end])

    def _instruction(self, item: Any) -> bytes:
        if item.args and isinstance(item.args[0], list):
            row, *values = item.args[0]
        else:  # a control form that ppci made
            row, values = self.rows[item.opcode][0], list(item.args)
        self.needs_data_count |= "dataidx" in row.immediates
        return _opcode(row) + b"".join(map(_immediate, row.immediates, values))


def name_section(
    module: str | None,
    names: Mapping[str, Mapping[int, str]],
    locals: Mapping[int, Mapping[int, str]],
) -> bytes:
    """The custom section with the names of a module, of what is in its index spaces, and of the
    locals by function; nothing if there is no name."""
    parts = {NAMED[space]: _name_map(found) for space, found in names.items() if found}
    if module is not None:
        parts[0] = _string(module)
    if any(locals.values()):
        maps = (unsigned(index) + _name_map(found) for index, found in locals.items() if found)
        parts[2] = vector(maps)
    written = b"".join(bytes([number]) + sized(part) for number, part in sorted(parts.items()))
    return b"\0" + sized(_string("name") + written) if written else b""


def _name_map(names: Mapping[int, str]) -> bytes:
    return vector(unsigned(index) + _string(name) for index, name in sorted(names.items()))


def _opcode(row: Instruction) -> bytes:
    if row.prefix is None:
        return bytes([row.opcode])
    return bytes([row.prefix]) + unsigned(row.opcode & 0xFFFF)


def _immediate(kind: str, value: Any) -> bytes:
    if kind in _ENCODERS:
        return _ENCODERS[kind](value)
    if kind == "blocktype":
        if isinstance(value, str):
            return b"\x40" if value == "emptyblock" else _BYTES[value]
        return signed(value.index, 64)
    return _index(value)
