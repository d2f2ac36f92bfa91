"""Patterns of what files have thousands of: matched at once, they need no reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from ..isa import InstructionSet
from .tokens import opcodes, pattern_of

__all__ = ["plain_segment", "short_expression"]

_Match = Callable[[bytes, int, int], "re.Match[bytes] | None"]


@lru_cache(maxsize=8)
def short_expression(instructions: InstructionSet) -> _Match:
    """Matches one constant instruction and the ``end``."""
    rows = instructions.by_opcode.values()
    constant = pattern_of(row for row in rows if row.constant)
    end = pattern_of(row for row in rows if row.form == "end")
    return re.compile(b"(?:" + constant + b")(?:" + end + b")", re.DOTALL).match


@lru_cache(maxsize=8)
def plain_segment(instructions: InstructionSet) -> _Match:
    """Matches an active segment of memory 0 up to its size, where numbers are short: the offset's
    expression is group 1, its number is group 2, the size group 3."""
    rows = instructions.by_opcode.values()
    constant = [row for row in rows if row.meaning == "{value}" and row.immediates == ("i32",)]
    opcode = b"|".join(opcodes(constant))
    end = pattern_of(row for row in rows if row.form == "end")
    short = rb"[\x80-\xFF]{0,3}[\x00-\x7F]"
    number = rb"(?:" + opcode + rb")(" + short + rb")"
    return re.compile(rb"\x00(" + number + rb"(?:" + end + rb"))(" + short + rb")", re.DOTALL).match
