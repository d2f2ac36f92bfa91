"""Modules made to hurt whoever loads them: each with the exception that it must end in, if any."""

from __future__ import annotations

from typing import NamedTuple

from wasm_builder import (
    body,
    code,
    function,
    functype,
    limits,
    module,
    name,
    section,
    unsigned,
    vector,
)

__all__ = ["HOSTILE", "Hostile"]

MAGIC = b"\0asm\1\0\0\0"
MANY = unsigned(0xFFFFFFFF)
#: text that must reach neither a compiler nor a terminal as it is
EVIL_NAMES = [
    '"; import os; os._exit(3) #',
    "'''\nraise SystemExit(3)\n'''",
    "{a} {b} %s %(x)s",
    "__class__",
    "mem",
    "\x1b[2J\r\n\0",
    "\u202e\u2028",
    "x" * 100_000,
]


class Hostile(NamedTuple):
    """A module, and the exception's class: at loading, or at a call of ``f``."""

    name: str
    data: bytes
    loading: str | None = None
    calling: str | None = None


def _raw_body(content: bytes) -> bytes:
    """A module with one function ``f`` of no type, by the bytes of its body."""
    return module(
        types=[functype()],
        functions=[0],
        exports=[("f", 0, 0)],
        bodies=[unsigned(len(content)) + content],
    )


def _nested(opening: bytes, depth: int) -> bytes:
    return _raw_body(b"\0" + opening * depth + b"\x0b" * depth + b"\x0b")


def _counts() -> list[Hostile]:
    """A count of 2**32 - 1 where each section has one."""
    return [
        Hostile(f"count of section {number}", MAGIC + section(number, MANY), "DecodeError")
        for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11)
    ]


def _many_locals(*groups: tuple[int, int]) -> bytes:
    content = vector(unsigned(count) + bytes([kind]) for count, kind in groups)
    return _raw_body(content + b"\x0b")


def _overlapping() -> bytes:
    """Every segment but the last is overwritten; the call traps unless the last one won."""
    at = b"\0" + code("i32.const 7")
    return module(
        types=[functype()],
        functions=[0],
        memories=[limits(1)],
        exports=[("f", 0, 0)],
        bodies=[
            body("", "i32.const 6", "i32.load 0+1", "i32.const 0x7a7a7a7a", "i32.ne", "if _",
                 "unreachable", "end"),
        ],
        datas=[*([at + name(b"abcd" * 500)] * 500), at + name(b"zzzzz")],
    )  # fmt: skip


def _evil_names() -> list[Hostile]:
    found = []
    for number, text in enumerate(EVIL_NAMES):
        data = module(
            types=[functype()],
            imports=[name(text) + name(text) + b"\0\0"],
            functions=[0],
            exports=[("f", 0, 1), (text, 0, 1)],
            bodies=[body("", "unreachable")],
            customs=[("name", b"\1" + name(b"\1\1" + name(text)))],
        )
        found.append(Hostile(f"name {number}", data, "LinkError"))
        data = function(
            "", "", "unreachable", customs=[("name", b"\1" + name(b"\1\0" + name(text)))]
        )
        found.append(Hostile(f"function name {number}", data, None, "Trap"))
    return found


_TABLE = b"\x0e" + unsigned(100_000) + b"\0" * 100_001

HOSTILE: list[Hostile] = [
    *_counts(),
    *_evil_names(),
    Hostile("nothing", b"", "DecodeError"),
    Hostile("data count", MAGIC + section(12, MANY), "DecodeError"),
    Hostile("section size", MAGIC + b"\x0a" + MANY, "DecodeError"),
    Hostile("section sizes that add up to nothing", MAGIC + b"\0\0" * 100_000, "DecodeError"),
    Hostile("20,000 custom sections", MAGIC + section(0, b"\0") * 20_000),
    Hostile("100,000 blocks", _nested(b"\x02\x40", 100_000)),
    Hostile("20,000 loops", _nested(b"\x03\x40", 20_000)),
    Hostile("10,000 ifs", _nested(b"\x41\1\x04\x40", 10_000)),
    Hostile("100,000 blocks that do not end", _raw_body(b"\0" + b"\x02\x40" * 100_000),
            "DecodeError"),
    Hostile("a branch through 20,000 blocks", _raw_body(
        b"\0" + b"\x02\x40" * 20_000 + b"\x0c" + unsigned(20_000) + b"\x0b" * 20_001)),
    Hostile("deep operands", function("", "", *["i32.const 1"] * 20_000, *["drop"] * 20_000)),
    Hostile("a giant expression", function(
        "", "i32", "i32.const 1", *["i32.const 3", "i32.add"] * 20_000)),
    Hostile("an expression deep to the right", function(
        "", "i32", *["i32.const 3"] * 20_000, *["i32.add"] * 19_999)),
    Hostile("a giant br_table", _raw_body(b"\0\x41\1" + _TABLE + b"\x0b")),
    Hostile("the count of a br_table", _raw_body(b"\0\x41\1\x0e" + MANY + b"\0\x0b"),
            "DecodeError"),
    Hostile("a label", _raw_body(b"\0\x0c" + MANY + b"\x0b"), "ValidationError"),
    Hostile("the count of a select's types", _raw_body(b"\0\x1c" + MANY + b"\x0b"), "DecodeError"),
    Hostile("a megabyte of nops", _raw_body(b"\0" + b"\1" * 1_000_000 + b"\x0b")),
    Hostile("50,000 constants", _raw_body(b"\0" + b"\x41\0\x1a" * 50_000 + b"\x0b")),
    Hostile("2**32 locals", _many_locals((0xFFFFFFFF, 0x7F)), "DecodeError"),
    Hostile("2**33 locals", _many_locals(*[(0xFFFFFFFF, 0x7E)] * 2), "DecodeError"),
    Hostile("100,000 groups of locals", _many_locals(*[(0, 0x7F)] * 100_000)),
    Hostile("the count of groups of locals", _raw_body(MANY + b"\x0b"), "DecodeError"),
    Hostile("50,000 locals", _many_locals((50_000, 0x7F))),
    Hostile("a table of 2**32 - 1", module(tables=[b"\x70" + limits(0xFFFFFFFF)]), "LinkError"),
    Hostile("100 tables", module(tables=[b"\x70" + limits(1_000_000)] * 100), "LinkError"),
    Hostile("a memory of 4 GiB", module(memories=[limits(65536)]), "LinkError"),
    Hostile("a memory of 2**32 - 1", module(memories=[limits(0xFFFFFFFF)]), "ValidationError"),
    Hostile("growing a table", function(
        "", "i32", "ref.null funcref", "i32.const -1", "table.grow 0",
        tables=[b"\x70" + limits(0)])),
    Hostile("growing a memory", function("", "i32", "i32.const -1", "memory.grow",
                                         memories=[limits(0)])),
    Hostile("filling everything", function(
        "", "", "i32.const 0", "i32.const 0", "i32.const -1", "memory.fill",
        memories=[limits(1)]), None, "Trap"),
    Hostile("copying 4 GiB", function(
        "", "", "i32.const -1", "i32.const -1", "i32.const -1", "memory.copy",
        memories=[limits(1)]), None, "Trap"),
    Hostile("overlapping segments", _overlapping()),
    Hostile("a segment at the end of addresses", module(
        memories=[limits(1)], datas=[b"\0" + code("i32.const -1") + name(b"x")]), "Trap"),
    Hostile("an element segment far away", module(
        types=[functype()], functions=[0], tables=[b"\x70" + limits(1)], bodies=[body("")],
        elements=[b"\0" + code("i32.const -1") + vector([b"\0"])]), "Trap"),
    Hostile("a LEB of six bytes", MAGIC + b"\x01\x80\x80\x80\x80\x80\x00", "DecodeError"),
    Hostile("a LEB with bits too many", MAGIC + b"\x01\xff\xff\xff\xff\x7f", "DecodeError"),
    Hostile("a LEB without end", MAGIC + b"\x01" + b"\x80" * 100_000, "DecodeError"),
    Hostile("LEBs longer than they need be", MAGIC + b"\x01\x81\x80\x80\x80\x00\x00"),
    Hostile("a constant of eleven bytes", _raw_body(b"\0\x42" + b"\x80" * 10 + b"\0\x1a\x0b"),
            "DecodeError"),
    Hostile("an endless loop", function("", "", "loop _", "br 0", "end"), None, "OutOfFuel"),
    Hostile("endless recursion", function("", "", "call 0"), None, "Trap"),
    Hostile("a start function without end", module(
        types=[functype()], functions=[0], start=0,
        bodies=[body("", "loop _", "br 0", "end")]), "OutOfFuel"),
    Hostile("20,000 types", module(types=[functype("i32", "i32")] * 20_000)),
    Hostile("a type of 2**32 parameters", MAGIC + section(1, b"\1\x60" + MANY), "DecodeError"),
    Hostile("10,000 parameters", module(types=[functype("i32 " * 10_000)]), "ValidationError"),
    Hostile("20,000 exports", module(
        memories=[limits(1)], exports=[(f"m{n}", 2, 0) for n in range(20_000)])),
    Hostile("20,000 imports", module(
        types=[functype()],
        imports=[name("env") + name(f"f{n}") + b"\0\0" for n in range(20_000)]), "LinkError"),
    Hostile("10,000 functions", module(
        types=[functype()], functions=[0] * 10_000, bodies=[body("")] * 10_000)),
    Hostile("a name section that lies", function(
        "", "", "unreachable", customs=[("name", b"\1" + MANY + b"\1\xff\xff")]), None, "Trap"),
    Hostile("a constant expression of 20,000", module(
        globals_=[b"\x7f\0" + b"\x41\0" * 20_000 + b"\x0b"]), "ValidationError"),
]  # fmt: skip
