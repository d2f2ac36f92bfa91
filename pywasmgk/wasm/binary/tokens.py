"""Cuts code into the bytes of its instructions, by one pattern that is made from the rows.

``re`` finds instructions ten times as fast as readers do, and most of a module's instructions are
the same few byte strings: whoever has to do with all of them looks each one up in a dictionary, and
reads it only the first time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import cast

from ...errors import DecodeError
from ..isa import Instruction, InstructionSet
from ..isa.immediates import PATTERNS, READERS
from .decoding import read_opcode

__all__ = ["encoded", "opcodes", "pattern_of", "tokens"]

#: bytes of code that are cut at once: some 10 ms, so that a deadline can be looked at in between
_PIECE = 1 << 16
#: bytes that no instruction exceeds whose end the pattern finds
_LONGEST = 32


def encoded(number: int) -> bytes:
    """The shortest LEB128 form of an unsigned number."""
    low = bytes([number & 0x7F])
    return low if number < 0x80 else bytes([low[0] | 0x80]) + encoded(number >> 7)


def pattern_of(rows: Iterable[Instruction]) -> bytes:
    """Alternatives of a pattern (with ``re.DOTALL``) for instructions, frequent ones first: one for
    each shape of immediates that rows have."""
    shapes: dict[bytes, list[Instruction]] = defaultdict(list)
    for row in rows:
        if all(kind in PATTERNS for kind in row.immediates):
            shapes[b"".join(PATTERNS[kind] for kind in row.immediates)].append(row)
    frequent = sorted(shapes, key=lambda shape: -sum(row.weight for row in shapes[shape]))
    return b"|".join(opcode + shape for shape in frequent for opcode in opcodes(shapes[shape]))


def opcodes(rows: Iterable[Instruction]) -> Iterator[bytes]:
    """Patterns for opcodes: a class of last but one bytes for each way to begin and to end."""
    found: dict[tuple[bytes, bytes], set[int]] = defaultdict(set)
    for row in rows:
        prefix, number = b"", bytes([row.opcode & 0xFF])
        if row.prefix is not None:
            prefix, number = bytes([row.prefix]), encoded(row.opcode & 0xFFFF)
        found[prefix, number[1:]].add(number[0])
    for (prefix, rest), firsts in found.items():
        yield re.escape(prefix) + b"[" + _ranges(firsts) + b"]" + re.escape(rest)


def _ranges(numbers: set[int]) -> bytes:
    """Bytes for a class of a pattern, which compiles the faster the shorter it is."""
    begins = sorted(number for number in numbers if number - 1 not in numbers)
    ends = sorted(number for number in numbers if number + 1 not in numbers)
    return b"".join(b"\\x%02x-\\x%02x" % pair for pair in zip(begins, ends))


@lru_cache(maxsize=8)
def _finder(instructions: InstructionSet) -> Callable[[bytes, int, int], list[bytes]]:
    """``findall`` of the pattern for all instructions. One whose end no pattern finds is an empty
    token with all that follows; a byte that begins no instruction is a token of its own."""
    rows = instructions.by_opcode.values()
    endless = [row for row in rows if any(kind not in PATTERNS for kind in row.immediates)]
    opening = b"|".join(opcodes(endless))
    pattern = b"(" + pattern_of(rows) + b"|(?!" + opening + b").)|(?:" + opening + b").*"
    return re.compile(pattern, re.DOTALL).findall


def tokens(
    data: bytes, start: int, end: int, instructions: InstructionSet
) -> Iterator[list[bytes]]:
    """The instructions from ``start`` to ``end``, a list for each piece of some size.

    What is no instruction is a token too, and what cannot be read is an empty one, the last.
    """
    find = _finder(instructions)
    # for readers it is the bytes, without a copy for each of many functions or branch tables
    code = cast("bytes", memoryview(data)[:end])
    piece: list[bytes] = []
    began = start
    while start < end:
        cut = min(start + _PIECE, end)
        found = find(data, start, cut)
        if found[-1] == b"":
            found.pop()
            start += sum(map(len, found))
            found.append(_read(code, start, instructions))
            start += len(found[-1])
        elif cut == end:
            start = end
        else:
            start = cut
            # what was cut off may look like something else
            while start > cut - _LONGEST:
                start -= len(found.pop())
        piece += found
        if start - began >= _PIECE or piece[-1:] == [b""]:
            yield piece
            piece, began = [], start
            if not found[-1]:
                return
    yield piece


def _read(code: bytes, pos: int, instructions: InstructionSet) -> bytes:
    """The bytes of the instruction at a position, found by reading it; none if it is malformed."""
    try:
        row, after = read_opcode(code, pos, 0, instructions)
        for kind in row.immediates:
            after = READERS[kind](code, after, 0)[1]
    except DecodeError:
        return b""
    return bytes(code[pos:after])
