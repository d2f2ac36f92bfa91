"""Memories: a map of their pages, the texts in them, and bytes, with what has changed since a
memory was shown before."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from ..wasm.runtime.memory import Memory
from ..wasm.types import PAGE_SIZE
from .hexadecimal import NUMBERS
from .parts import Bytes, Cell, Heading, Note, Pages, Part, Table, View

__all__ = ["view"]

#: pages that are looked at: 64 MiB, which takes some 50 ms
_MOST_PAGES = 1024
#: texts that are shown, the fewest characters that make one, and the most that are
_TEXTS, _SHORTEST, _LONGEST = 12, 6, 120
_TEXT = re.compile(rb"[\x20-\x7e\t]{%d,}" % _SHORTEST)
_ROW = 16


class _Shown(NamedTuple):
    """What a memory was when it was shown."""

    #: of its pages
    sums: list[int]
    #: bytes that were shown, and where they are
    start: int
    data: bytes


#: how memories were shown the latest time
_BEFORE: weakref.WeakKeyDictionary[Memory, _Shown] = weakref.WeakKeyDictionary()


def view(memory: Memory, at: int | None = None, rows: int = 16, numbers: str = "i32") -> View:
    """A memory; ``at`` is the address from which on so many ``rows`` of bytes are shown, by default
    where the first that are not zero are, read as ``numbers`` of a type. Raises ValueError for
    another type, and IndexError for an address outside."""
    if numbers not in NUMBERS:
        raise ValueError(f"numbers must be one of {', '.join(NUMBERS)}, found {numbers!r}")
    if at is not None and not 0 <= at <= len(memory):
        raise IndexError(f"address {at} is outside the memory of {len(memory):,} bytes")
    note = f"{memory.pages:,} pages of 64 KiB, of at most {memory.limit:,}"
    return View("Memory", note, [*_parts(memory, at, rows, numbers)])


def _parts(memory: Memory, at: int | None, rows: int, numbers: str) -> Iterator[Part]:
    before, pages = _BEFORE.get(memory), [*_pages(memory)]
    if pages:
        yield Heading("pages, by how much of them is not zero")
        changed = _changed(before, pages)
        yield Pages(
            [(page.use, number in changed) for number, page in enumerate(pages)],
            memory.pages - len(pages),
        )
        if changed:
            yield Note(f"changed since it was shown before: {', '.join(map(str, changed))}")
    first = next((page.first for page in pages if page.first is not None), 0)
    start = (first if at is None else at) // _ROW * _ROW
    found = memory.read(start, min(rows * _ROW, len(memory) - start))
    yield Heading(f"bytes, as {numbers} beside")
    yield Bytes(start, found, _differences(before, start, found), numbers)
    texts = [text for page in pages for text in page.texts]
    if texts:
        yield Heading("texts")
        rest = max(len(texts) - _TEXTS, 0)
        yield Table(("address", "text"), texts[:_TEXTS], rest)
    _BEFORE[memory] = _Shown([page.sum for page in pages], start, found)


class _Page(NamedTuple):
    """What a page holds."""

    sum: int
    #: how much of it is not zero, from 0 to 4
    use: int
    #: the address of the first byte that is not
    first: int | None
    #: the first texts in it, each with its address
    texts: Sequence[tuple[Cell, Cell]]


def _pages(memory: Memory) -> Iterator[_Page]:
    for number in range(min(memory.pages, _MOST_PAGES)):
        start = number * PAGE_SIZE
        data = memory.read(start, PAGE_SIZE)
        used = PAGE_SIZE - data.count(0)
        first = start + PAGE_SIZE - len(data.lstrip(b"\0")) if used else None
        texts = [*islice(_texts(data, start), _TEXTS)] if used else []
        yield _Page(crc32(data), -(-used * 4 // PAGE_SIZE), first, texts)


def _texts(data: bytes, start: int) -> Iterator[tuple[Cell, Cell]]:
    for match in _TEXT.finditer(data):
        text = match[0][:_LONGEST].decode("ascii")
        yield Cell(f"{start + match.start():#x}", "code"), Cell(text, "code")


def _changed(before: _Shown | None, pages: Sequence[_Page]) -> list[int]:
    """The pages that are otherwise than before, those that are new among them."""
    if before is None:
        return []
    return [
        number
        for number, page in enumerate(pages)
        if before.sums[number : number + 1] != [page.sum]
    ]


def _differences(before: _Shown | None, start: int, data: bytes) -> frozenset[int]:
    if before is None:
        return frozenset()
    old = dict(enumerate(before.data, before.start))
    return frozenset(at for at, byte in enumerate(data, start) if old.get(at, byte) != byte)
