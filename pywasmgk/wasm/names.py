"""The name section (spec, appendix "Custom Sections"): names for people, never for meaning.

A broken name section is no error: what was read up to the fault counts.
"""

from __future__ import annotations

from ..errors import DecodeError
from .leb128 import read_u32

__all__ = ["NameSection", "clean"]

#: characters of a name that are kept
_LONGEST = 200

#: subsections that map an index to a name, by their number
_MAPS = {
    1: "functions",
    4: "types",
    5: "tables",
    6: "memories",
    7: "globals",
    8: "elements",
    9: "datas",
}
#: subsections that have such a map for each function
_MAPS_OF_FUNCTIONS = {2: "locals", 3: "labels"}


def clean(name: str) -> str:
    """A name from a module, fit for a message: it stays on its line, gives a terminal no orders,
    and has at most 200 characters before escaping."""
    return "".join(c if c.isprintable() else _escaped(c) for c in name[:_LONGEST])


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


class NameSection:
    """The names of a module and of what it declares, by index.

    ``data`` from ``start`` to ``end`` is the custom section's content. Names are cleaned.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        #: the module's own name
        self.module: str | None = None
        self.functions: dict[int, str] = {}
        self.types: dict[int, str] = {}
        self.tables: dict[int, str] = {}
        self.memories: dict[int, str] = {}
        self.globals: dict[int, str] = {}
        self.elements: dict[int, str] = {}
        self.datas: dict[int, str] = {}
        #: locals and labels by function
        self.locals: dict[int, dict[int, str]] = {}
        self.labels: dict[int, dict[int, str]] = {}
        content = data[start:end]
        pos = 0
        try:
            while pos < len(content):
                number = content[pos]
                size, pos = read_u32(content, pos + 1)
                self._read(number, content[pos : pos + size])
                pos += size
        except DecodeError:
            pass  # what was read up to the fault counts

    def __repr__(self) -> str:
        return f"<NameSection of {self.module or '?'}: {len(self.functions)} functions>"

    def _read(self, number: int, content: bytes) -> None:
        """One subsection; unknown ones are skipped."""
        if number == 0:
            self.module = _name(content, 0)[0]
        elif number in _MAPS:
            _read_map(content, 0, getattr(self, _MAPS[number]))
        elif number in _MAPS_OF_FUNCTIONS:
            maps: dict[int, dict[int, str]] = getattr(self, _MAPS_OF_FUNCTIONS[number])
            count, pos = read_u32(content, 0)
            for _ in range(count):
                index, pos = read_u32(content, pos)
                pos = _read_map(content, pos, maps.setdefault(index, {}))


# every entry takes bytes or is the fault that ends the reading: counts need no other bound


def _read_map(content: bytes, pos: int, names: dict[int, str]) -> int:
    count, pos = read_u32(content, pos)
    for _ in range(count):
        index, pos = read_u32(content, pos)
        names[index], pos = _name(content, pos)
    return pos


def _name(content: bytes, pos: int) -> tuple[str, int]:
    size, pos = read_u32(content, pos)
    end = pos + size
    if end > len(content):
        raise DecodeError("a name is cut off", pos)
    # no character takes more than four bytes
    raw = content[pos : min(end, pos + 4 * _LONGEST)]
    return clean(raw.decode("utf-8", "replace")), end
