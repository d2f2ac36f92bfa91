"""What a module's file holds by its place: bodies, constant expressions, segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import ValType

__all__ = ["Body", "ConstExpr", "Data", "Element", "Span"]


class Span(NamedTuple):
    """A range of bytes in the file."""

    start: int
    end: int


#: where a function's locals and code are
Body = Span
#: where a constant expression is, its ``end`` included
ConstExpr = Span


class Element(NamedTuple):
    """An element segment."""

    mode: str
    table: int
    offset: ConstExpr | None
    type: ValType
    #: function indices, or constant expressions
    init: Sequence[Any]
    #: where the segment begins in the file
    offset_in_file: int


class Data(NamedTuple):
    """A data segment; its bytes are ``start`` to ``end`` of the file."""

    mode: str
    memory: int
    offset: ConstExpr | None
    start: int
    end: int
