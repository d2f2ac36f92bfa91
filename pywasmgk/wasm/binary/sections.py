"""The sections of a module's file, for people who look into it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .leb128 import read_u32

__all__ = ["SECTIONS", "Section", "sections"]

#: names by number (spec, "Binary Format: Sections")
SECTIONS = (
    "custom",
    "type",
    "import",
    "function",
    "table",
    "memory",
    "global",
    "export",
    "start",
    "element",
    "code",
    "data",
    "data count",
    "tag",
)


class Section(NamedTuple):
    """One section, as it stands in the file."""

    name: str
    #: the name that a custom section has, else ``None``
    custom: str | None
    #: where its content begins in the file
    offset: int
    #: bytes of its content
    size: int


def sections(data: bytes) -> Iterator[Section]:
    """The sections of a well-formed module, in order."""
    pos = 8
    while pos < len(data):
        number = data[pos]
        size, start = read_u32(data, pos + 1)
        pos = start + size
        yield Section(SECTIONS[number], None if number else _name(data, start), start, size)


def _name(data: bytes, pos: int) -> str:
    size, pos = read_u32(data, pos)
    return data[pos : pos + size].decode()
