"""The name section (spec, appendix "Custom Sections"): names for people, never for meaning.

A broken name section is no error: what was read up to the fault counts.
"""

from __future__ import annotations

from functools import cached_property

from ...errors import DecodeError
from ...printable import printable
from .leb128 import read_u32

__all__ = ["NameSection"]

#: characters of a name that are kept
_LONGEST, _LONGEST_MANGLED = 200, 1_000
#: how a name begins that may be demangled
_MANGLED = (b"_Z", b"_R")

#: names of a subsection that are read, and the number of the last kind of them
_MOST, _LAST = 20_000, 11
#: the size of a name from which on its length takes two bytes
_LONG = 128


class NameSection:
    """The names of a module and of what it declares, by index.

    ``data`` from ``start`` to ``end`` is the custom section's content. Names are cleaned. A
    subsection is read when it is first asked for, and at most 20,000 names of it are: whoever
    needs one for a message must not wait for millions.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        content = data[start:end]
        #: the contents of subsections, by their number
        self._parts: dict[int, list[bytes]] = {}
        pos = 0
        try:
            while pos < len(content):
                number = content[pos]
                size, pos = read_u32(content, pos + 1)
                if number <= _LAST:
                    self._parts.setdefault(number, []).append(content[pos : pos + size])
                pos += size
        except DecodeError:
            pass  # what was read up to the fault counts

    def __repr__(self) -> str:
        return f"<NameSection of {self.module or '?'}: {len(self.functions)} functions>"

    @cached_property
    def module(self) -> str | None:
        """The module's own name."""
        try:
            return [_name(content, 0)[0] for content in self._parts.get(0, ())][-1]
        except (DecodeError, IndexError):
            return None

    @cached_property
    def functions(self) -> dict[int, str]:
        """Names of functions, imported ones included."""
        return self._map(1)

    @cached_property
    def locals(self) -> dict[int, dict[int, str]]:
        """Names of parameters and locals, by function."""
        return self._maps(2)

    @cached_property
    def labels(self) -> dict[int, dict[int, str]]:
        """Names of labels, by function."""
        return self._maps(3)

    @cached_property
    def types(self) -> dict[int, str]:
        """Names of types."""
        return self._map(4)

    @cached_property
    def tables(self) -> dict[int, str]:
        """Names of tables."""
        return self._map(5)

    @cached_property
    def memories(self) -> dict[int, str]:
        """Names of memories."""
        return self._map(6)

    @cached_property
    def globals(self) -> dict[int, str]:
        """Names of globals."""
        return self._map(7)

    @cached_property
    def elements(self) -> dict[int, str]:
        """Names of element segments."""
        return self._map(8)

    @cached_property
    def datas(self) -> dict[int, str]:
        """Names of data segments."""
        return self._map(9)

    @cached_property
    def tags(self) -> dict[int, str]:
        """Names of tags."""
        return self._map(11)

    def _map(self, number: int) -> dict[int, str]:
        """The subsections of a number, each a name for each index."""
        names: dict[int, str] = {}
        left = _MOST
        try:
            for content in self._parts.get(number, ()):
                left = _read_map(content, 0, names, left)[1]
        except DecodeError:
            pass
        return names

    def _maps(self, number: int) -> dict[int, dict[int, str]]:
        """The subsections of a number, each a map for each function."""
        maps: dict[int, dict[int, str]] = {}
        left = _MOST
        try:
            for content in self._parts.get(number, ()):
                count, pos = read_u32(content, 0)
                for _ in range(count):
                    if left <= 0:
                        return maps
                    index, pos = read_u32(content, pos)
                    pos, left = _read_map(content, pos, maps.setdefault(index, {}), left - 1)
        except DecodeError:
            pass
        return maps


# every entry takes bytes or is the fault that ends the reading: counts need no other bound


def _read_map(content: bytes, pos: int, names: dict[int, str], left: int) -> tuple[int, int]:
    """Reads a map, of which at most so many names; gives the place behind them, and how many more
    may be read."""
    count, pos = read_u32(content, pos)
    for _ in range(min(count, left)):
        index, pos = read_u32(content, pos)
        # most are short, and as they should be
        size = content[pos] if pos < len(content) else _LONG
        text = content[pos + 1 : pos + 1 + size].decode("utf-8", "replace")
        if size < _LONG and pos + size < len(content) and text.isprintable():
            names[index], pos = text, pos + 1 + size
        else:
            names[index], pos = _name(content, pos)
    return pos, max(left - count, 0)


def _name(content: bytes, pos: int) -> tuple[str, int]:
    size, pos = read_u32(content, pos)
    end = pos + size
    if end > len(content):
        raise DecodeError("a name is cut off", pos)
    # what is mangled can only be read as a whole
    longest = _LONGEST_MANGLED if content.startswith(_MANGLED, pos) else _LONGEST
    # no character takes more than four bytes
    raw = content[pos : min(end, pos + 4 * longest)]
    return printable(raw.decode("utf-8", "replace"), longest=longest), end
