"""The name section (spec, appendix "Custom Sections"): names for people, never for meaning.

A broken name section is no error: what was read up to the fault counts.
"""

from __future__ import annotations

from ..errors import DecodeError
from .leb128 import read_u32

__all__ = ["NameSection"]

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


class NameSection:
    """The names of a module and of what it declares, by index."""

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
        #: locals by function
        self.locals: dict[int, dict[int, str]] = {}
        self._data = data[:end]
        try:
            self._read(start)
        except DecodeError:
            pass
        self._data = b""

    def _read(self, pos: int) -> None:
        while pos < len(self._data):
            number = self._data[pos]
            size, pos = read_u32(self._data, pos + 1)
            if size > len(self._data) - pos:
                return
            if number == 0:
                self.module = self._name(pos)[0]
            elif number == 2:
                self._read_locals(pos)
            elif number in _MAPS:
                self._read_map(getattr(self, _MAPS[number]), pos)
            pos += size

    def _name(self, pos: int) -> tuple[str, int]:
        size, pos = read_u32(self._data, pos)
        end = pos + size
        if end > len(self._data):
            raise DecodeError("a name is cut off", pos)
        raw = self._data[pos : min(end, pos + 4 * _LONGEST)]
        text = raw.decode("utf-8", "replace")[:_LONGEST]
        # names end in messages: nothing in them may look like more than a name
        return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text), end

    def _read_map(self, names: dict[int, str], pos: int) -> int:
        count, pos = read_u32(self._data, pos)
        for _ in range(min(count, len(self._data) - pos)):
            index, pos = read_u32(self._data, pos)
            names[index], pos = self._name(pos)
        return pos

    def _read_locals(self, pos: int) -> None:
        count, pos = read_u32(self._data, pos)
        for _ in range(min(count, len(self._data) - pos)):
            index, pos = read_u32(self._data, pos)
            pos = self._read_map(self.locals.setdefault(index, {}), pos)
