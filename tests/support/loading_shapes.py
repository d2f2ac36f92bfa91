"""Files that make loading dear: each a form that repeats, for a size in bytes.

What loading takes must be linear in the bytes read, whatever they say. A shape gives a file of
about so many bytes; valid or not does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wasm_builder import functype, limits, module, name, section, signed, unsigned, vector

__all__ = ["SHAPES", "WIDE"]

#: a block of two parameters, its type of 1,000, and one of as many results
WIDE = [functype(), functype("i32 " * 1000, "i32 " * 1000), functype("", "i32 " * 1000)]


def _raw(content: bytes) -> bytes:
    return unsigned(len(content)) + content


def _bodies(contents: list[bytes], **more: object) -> bytes:
    parts: dict[str, object] = {
        "types": [functype()],
        "functions": [0] * len(contents),
        "bodies": [_raw(content) for content in contents],
    }
    return module(**(parts | more))


def _repeated(piece: bytes, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    """One body that says the same again and again."""
    return lambda size: _bodies([b"\0" + before + piece * (size // len(piece)) + after + b"\x0b"])


def _nested(opening: bytes) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        depth = size // (len(opening) + 1)
        return _bodies([b"\0" + opening * depth + b"\x0b" * depth + b"\x0b"])

    return make


def _numbers(size: int, each: int) -> Iterator[int]:
    return iter(range(1 << 20, (1 << 20) + size // each))


def _different_constants(size: int) -> bytes:
    code = b"".join(b"\x41" + signed(n) + b"\x1a" for n in _numbers(size, 5))
    return _bodies([b"\0" + code + b"\x0b"])


def _different_stacks(size: int) -> bytes:
    """Operand stacks of 60 types in ever another order."""
    pieces = []
    for n in range(size // 142):
        kinds = [(n * 2654435761 >> bit) & 1 for bit in range(60)]
        pieces.append(b"".join(b"\x42\0" if kind else b"\x41\0" for kind in kinds) + b"\0" * 22)
    return _bodies([b"\0" + piece + b"\x0b" for piece in pieces])


def _wide(code: bytes) -> Callable[[int], bytes]:
    """Code over types of 1,000 parameters and results."""
    return lambda size: _bodies([b"\0" + code * (size // len(code)) + b"\0\x0b"], types=WIDE,
                                imports=[name("a") + name("b") + b"\0\2",
                                         name("a") + name("c") + b"\0\1"])  # fmt: skip


def _tables_of_labels(size: int) -> bytes:
    """Branch tables whose labels carry 1,000 types each, in dead code with an unknown operand."""
    depth = 100
    opening = b"\x02\2" * depth
    labels = bytes(range(depth)) + b"\0"
    table = b"\x1b\x10\0\x1a\x41\0\x0e" + unsigned(depth) + labels
    count = size // len(table)
    code = b"\0" + opening + b"\0" + table * count + b"\x0b\x1a" * 0
    return _bodies([code + b"\0\x0b" * (depth + 1)], types=WIDE,
                   imports=[name("a") + name("b") + b"\0\2"])  # fmt: skip


def _segments(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: module(memories=[limits(1)], datas=[piece] * (size // len(piece)))


def _elements(piece: bytes, kind: bytes = b"\5\x70") -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        return module(
            imports=[name("a") + name("b") + b"\3\x70\0"],
            tables=[b"\x70" + limits(1)],
            elements=[kind + vector([piece] * (size // len(piece)))],
        )

    return make


def _part(number: int, piece: bytes, **more: object) -> Callable[[int], bytes]:
    """One section of equal pieces."""
    return lambda size: module(**more) + section(number, vector([piece] * (size // len(piece))))


def _names(size: int) -> Iterator[bytes]:
    return (name(f"{n:x}") for n in _numbers(size, 8))


def _named(number: int, items: list[bytes]) -> bytes:
    return module(customs=[("name", bytes([number]) + _raw(vector(items)))])


#: a file of about so many bytes, by what is special about it
SHAPES: dict[str, Callable[[int], bytes]] = {
    "functions of 50,000 locals": lambda size: _bodies(
        [b"\1" + unsigned(50_000) + b"\x7f\x0b"] * (size // 8)
    ),
    "runs of one local": lambda size: _bodies(
        [vector([b"\1\x7f", b"\1\x7e"] * 2_500) + b"\x0b"] * max(size // 10_000, 1)
    ),
    "empty functions": lambda size: _bodies([b"\0\x0b"] * (size // 4)),
    "nops": _repeated(b"\1"),
    "constants": _repeated(b"\x41\0\x1a"),
    "different constants": _different_constants,
    "different operand stacks": _different_stacks,
    "operands": _repeated(b"\x41\0", after=b"\0"),
    "operands behind calls": _wide(b"\x10\0"),
    "calls with 1,000 operands": _wide(b"\x10\0" + b"\x10\1" * 50 + b"\0"),
    "blocks with 1,000 operands": _wide(b"\x10\0" + b"\x02\1\x0b" * 50 + b"\0"),
    "dead code": _repeated(b"\x6a\x1a", before=b"\0"),
    "blocks in blocks": _nested(b"\x02\x40"),
    "loops in loops": _nested(b"\x03\x40"),
    "blocks": _repeated(b"\x02\x40\x0b"),
    "branches": _repeated(b"\x41\0\x0d\0"),
    "small branch tables": _repeated(b"\x41\0\x0e\0\0", before=b"\0"),
    "a large branch table": lambda size: _bodies(
        [b"\0\x41\0\x0e" + unsigned(size) + b"\0" * (size + 1) + b"\x0b"]
    ),
    "branch tables of labels with 1,000 operands": _tables_of_labels,
    "selects with a type": _repeated(b"\x1c\1\x7f\x1a", before=b"\0"),
    "integers that are longer than they must be": _repeated(b"\x41\x80\x80\x80\x80\0\x1a"),
    "locals that do not exist": _repeated(b"\x20\x10"),
    "opcodes that do not exist": _repeated(b"\xff"),
    "data segments": _segments(b"\0\x41\0\x0b\0"),
    "passive data segments": _segments(b"\1\0"),
    "data segments at a global": _segments(b"\0\x23\0\x0b\0"),
    "nulls in an element segment": _elements(b"\xd0\x70\x0b"),
    "globals in an element segment": _elements(b"\x23\0\x0b"),
    "functions in an element segment": _part(9, b"\0\x41\0\x0b" + vector([b"\0"] * 5_000)),
    "element segments": _part(9, b"\0\x41\0\x0b\0"),
    "passive element segments": _part(9, b"\1\0\0"),
    "types": _part(1, b"\x60\0\0"),
    "types of 1,000": _part(1, functype("i32 " * 1000)),
    "function types": _part(3, b"\0"),
    "imports": _part(2, b"\0\0\3\x7f\0"),
    "imported functions": _part(2, b"\0\0\0\0", types=[functype()]),
    "tables": _part(4, b"\x70\0\0"),
    "memories": _part(5, b"\0\0"),
    "globals": _part(6, b"\x7f\0\x41\0\x0b"),
    "exports": lambda size: module(memories=[limits(1)]) + section(
        7, vector([text + b"\2\0" for text in _names(size)])
    ),
    "exports of one name": _part(7, b"\0\2\0", memories=[limits(1)]),
    "custom sections": lambda size: module() + b"\0\1\0" * (size // 3),
    "names": lambda size: _named(1, [b"\0" + text for text in _names(size)]),
    "names of locals": lambda size: _named(
        2, [unsigned(n) + b"\1\0\0" for n in _numbers(size, 6)]
    ),
    "no sections": lambda size: b"\0asm\1\0\0\0" + b"\xff" * size,
}  # fmt: skip
