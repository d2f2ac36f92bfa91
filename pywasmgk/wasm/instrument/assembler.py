"""Code that the pass adds: short texts, one instruction a line, to bytes by the rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..isa import STANDARD
from ..text.encoding import TYPES, opcode, signed, unsigned

__all__ = ["assemble"]

_ROWS = {row.name: row for row in STANDARD}


def _block_type(word: str) -> bytes:
    return TYPES[word] if word in TYPES else b"\x40" if word == "-" else unsigned(int(word))


def _index(word: str) -> bytes:
    return unsigned(int(word))


_WRITERS: dict[str, Callable[[str], bytes]] = {
    "i32": lambda word: signed(int(word) & 0xFFFFFFFF, 32),
    "i64": lambda word: signed(int(word) & 0xFFFFFFFFFFFFFFFF, 64),
    "blocktype": _block_type,
}


@lru_cache(maxsize=4096)
def assemble(text: str) -> bytes:
    """The bytes of instructions. Immediates are numbers; of a block they are its type: ``-`` for
    none, a value type, or the index of a function type."""
    return b"".join(_instruction(*line.split()) for line in text.splitlines() if line.strip())


def _instruction(name: str, *words: str) -> bytes:
    row = _ROWS[name]
    parts = [_WRITERS.get(kind, _index)(word) for kind, word in zip(row.immediates, words)]
    return opcode(row) + b"".join(parts)
