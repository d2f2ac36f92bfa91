"""Builds small modules for tests: sections from Python values, code from flat instruction text.

``code("local.get 0", "i32.const -1", "i32.add")`` encodes by the rows of the instruction set, so
that an instruction added to it can be written here at once.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Sequence

from pywasmgk.wasm import isa

TYPES = {
    "i32": 0x7F,
    "i64": 0x7E,
    "f32": 0x7D,
    "f64": 0x7C,
    "v128": 0x7B,
    "funcref": 0x70,
    "externref": 0x6F,
    "exnref": 0x69,
}


def unsigned(value: int) -> bytes:
    """LEB128 of an unsigned integer."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def signed(value: int) -> bytes:
    """LEB128 of a signed integer."""
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        done = (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40)
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


def vector(items: Iterable[bytes]) -> bytes:
    """A counted vector."""
    items = list(items)
    return unsigned(len(items)) + b"".join(items)


def name(text: str | bytes) -> bytes:
    """A name."""
    raw = text.encode() if isinstance(text, str) else text
    return unsigned(len(raw)) + raw


def section(number: int, content: bytes) -> bytes:
    """A section with its size."""
    return bytes([number]) + unsigned(len(content)) + content


def functype(params: str = "", results: str = "") -> bytes:
    """``functype("i32 i32", "i64")``."""
    return b"\x60" + vector(valtypes(params)) + vector(valtypes(results))


def valtypes(text: str) -> list[bytes]:
    return [bytes([TYPES[kind]]) for kind in text.split()]


def limits(minimum: int, maximum: int | None = None) -> bytes:
    """Limits of a memory or table."""
    if maximum is None:
        return b"\0" + unsigned(minimum)
    return b"\1" + unsigned(minimum) + unsigned(maximum)


def _immediate(kind: str, word: str) -> bytes:
    if kind == "blocktype":
        if word == "_":
            return b"\x40"
        return bytes([TYPES[word]]) if word in TYPES else signed(int(word))
    if kind == "catches":
        return _catches(word)
    if kind == "reftype":
        return bytes([TYPES[word]])
    if kind == "memidx":
        return b"\0"
    if kind == "memarg":
        align, offset = word.split("+")
        return unsigned(int(align)) + unsigned(int(offset))
    if kind in ("i32", "i64"):
        return signed(int(word, 0))
    if kind in ("f32", "f64"):
        return struct.pack("<f" if kind == "f32" else "<d", float(word))
    if kind == "v128":
        return bytes.fromhex(word)
    if kind == "laneidx":
        return bytes([int(word)])
    if kind == "lanes":
        return bytes(map(int, word.split(",")))
    if kind == "labels":
        *labels, default = (unsigned(int(label)) for label in word.split(","))
        return vector(labels) + default
    if kind == "types":
        return vector(bytes([TYPES[part]]) for part in word.split(","))
    return unsigned(int(word))


def _catches(word: str) -> bytes:
    """Catch clauses: ``0:1`` or ``0:1:ref`` for tag and label, ``*:1`` for any tag; ``-`` for
    none."""
    found = []
    for part in word.split(",") if word != "-" else ():
        tag, label, *ref = part.split(":")
        kind = 2 * (tag == "*") + bool(ref)
        index = b"" if tag == "*" else unsigned(int(tag))
        found.append(bytes([kind]) + index + unsigned(int(label)))
    return vector(found)


def code(*lines: str) -> bytes:
    """Instructions, an ``end`` behind them added. Immediates are words: ``align+offset`` for a
    memarg, ``0,1,2`` for labels and the lanes of a shuffle, ``_`` for the empty block type, 32
    hexadecimal digits for the bytes of a v128, ``0:1:ref,*:2`` for catch clauses."""
    return b"".join(map(instruction, lines)) + b"\x0b"


@functools.lru_cache(maxsize=4096)
def _row(instructions: isa.InstructionSet, mnemonic: str, words: int) -> isa.Instruction:
    """The row of a name, the one with so many immediates if there are several."""
    rows = [row for row in instructions if row.name == mnemonic]
    rows.sort(key=lambda row: len(row.immediates) != words)
    return rows[0]


def instruction(line: str) -> bytes:
    """One instruction."""
    mnemonic, *words = line.split()
    row = _row(isa.active(), mnemonic, len(words))
    prefix = (
        bytes([row.opcode])
        if row.prefix is None
        else bytes([row.prefix]) + unsigned(row.opcode & 0xFFFF)
    )
    words += ["0"] * (len(row.immediates) - len(words))
    return prefix + b"".join(map(_immediate, row.immediates, words))


def body(locals_: str, *lines: str) -> bytes:
    """A function body: the types of its locals, and its instructions."""
    content = vector(b"\1" + kind for kind in valtypes(locals_)) + code(*lines)
    return unsigned(len(content)) + content


def module(
    *,
    types: Sequence[bytes] = (),
    imports: Sequence[bytes] = (),
    functions: Sequence[int] = (),
    tables: Sequence[bytes] = (),
    memories: Sequence[bytes] = (),
    globals_: Sequence[bytes] = (),
    exports: Sequence[tuple[str, int, int]] = (),
    start: int | None = None,
    elements: Sequence[bytes] = (),
    data_count: int | None = None,
    bodies: Sequence[bytes] = (),
    datas: Sequence[bytes] = (),
    customs: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """A whole module. Exports are ``(name, kind, index)``."""
    parts = [b"\0asm\1\0\0\0"]

    def add(number: int, items: Sequence[bytes]) -> None:
        if items:
            parts.append(section(number, vector(items)))

    add(1, types)
    add(2, imports)
    add(3, [unsigned(index) for index in functions])
    add(4, tables)
    add(5, memories)
    add(6, globals_)
    add(7, [name(text) + bytes([kind]) + unsigned(index) for text, kind, index in exports])
    if start is not None:
        parts.append(section(8, unsigned(start)))
    add(9, elements)
    if data_count is not None:
        parts.append(section(12, unsigned(data_count)))
    add(10, bodies)
    add(11, datas)
    parts += [section(0, name(text) + content) for text, content in customs]
    return b"".join(parts)


def function(params: str, results: str, *lines: str, locals_: str = "", **more: object) -> bytes:
    """A module with one function, exported as ``f``; ``more`` are further parts of it."""
    parts: dict[str, object] = {
        "types": [functype(params, results)],
        "functions": [0],
        "exports": [("f", 0, 0)],
        "bodies": [body(locals_, *lines)],
    }
    parts.update(more)
    return module(**parts)  # type: ignore[arg-type]


#: the custom sections at the end of ``rich_module``
RICH_CUSTOMS = [("note", b"anything"), ("name", b"\1\5\1\1\2\xc3\xa4")]


def rich_module() -> bytes:
    """A module with something in every section."""
    return module(
        types=[functype("i32 i64", "i32"), functype()],
        imports=[name("env") + name("f") + b"\0\1", name("env") + name("g") + b"\3\x7f\0"],
        functions=[0, 1],
        tables=[b"\x70" + limits(2, 5), b"\x6f" + limits(1)],
        memories=[limits(1, 3)],
        globals_=[b"\x7e\1" + code("i64.const -5"), b"\x7f\0" + code("global.get 0")],
        exports=[("f", 0, 1), ("memory", 2, 0), ("g", 3, 1), ("table", 1, 0)],
        start=2,
        elements=[
            b"\0" + code("i32.const 0") + vector([b"\1"]),
            b"\1\0" + vector([b"\1"]),
            b"\2\0" + code("i32.const 1") + b"\0" + vector([b"\2"]),
            b"\3\0" + vector([b"\2"]),
            b"\4" + code("i32.const 1") + vector([code("ref.func 1")]),
            b"\5\x6f" + vector([code("ref.null externref")]),
            b"\6\1" + code("i32.const 0") + b"\x6f" + vector([code("ref.null externref")]),
            b"\7\x70" + vector([code("ref.null funcref")]),
        ],
        data_count=3,
        bodies=[body("i32 i64", "local.get 0"), body("", "nop")],
        datas=[
            b"\0" + code("i32.const 8") + name("active"),
            b"\1" + name("passive"),
            b"\2\0" + code("global.get 0") + name("both"),
        ],
        customs=RICH_CUSTOMS,
    )
