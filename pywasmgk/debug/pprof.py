"""Profiles in the format of pprof: profile.proto of github.com/google/pprof, gzipped.

Fields are those of its message ``Profile``; numbers in the code are theirs.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..wasm.text.encoding import unsigned
from ..wasm.valid.blockmap import ENTERING
from .chains import body_of, function_name, module_of
from .lines import Line, Lines

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.counting import Node

__all__ = ["pprof"]

#: what is counted of each sample, and its unit; the last is what pprof shows
_VALUES = (("calls", "count"), ("fuel", "instructions"))


def pprof(root: Node, lines: Callable[[Module], Lines]) -> bytes:
    """The chains of calls with their calls and fuel. ``lines`` gives those of a module."""
    writer = _Writer(lines)
    for chain, node in root.walk():
        writer.add(chain, node)
    # the same profile gives the same bytes
    return gzip.compress(writer.content(), mtime=0)


# -- protocol buffers: tags, and two of its wire types


def _number(field: int, value: int) -> bytes:
    return unsigned(field << 3) + unsigned(value) if value else b""


def _part(field: int, content: bytes) -> bytes:
    return unsigned(field << 3 | 2) + unsigned(len(content)) + content


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _part(field, b"".join(map(unsigned, values)))


class _Writer:
    """Numbers functions, locations and strings as they come up."""

    def __init__(self, lines: Callable[[Module], Lines]) -> None:
        self._lines = lines
        # the first one must be empty
        self._strings = {"": 0}
        self._mappings: dict[int, int] = {}
        self._functions: dict[Func, int] = {}
        self._locations: dict[tuple[Func, Line | None], int] = {}
        self._places: dict[Func, list[Line | None]] = {}
        self._parts: list[bytes] = []

    def add(self, chain: tuple[Func, ...], node: Node) -> None:
        """Adds a chain: a sample for each line of its innermost function that took fuel."""
        func = chain[-1]
        callers = [self._location(caller, self._first(caller)) for caller in chain[-2::-1]]
        calls = {self._first(func): node.calls}
        fuels = {self._first(func): node.calls * ENTERING}
        places = self._places_of(func)
        for line, count, pc in zip(places, node.counts, range(len(places))):
            if count and (fuel := node.fuel_at(pc)):
                fuels[line] = fuels.get(line, 0) + fuel
        for line, fuel in fuels.items():
            stack = _packed(1, [self._location(func, line), *callers])
            self._parts.append(_part(2, stack + _packed(2, (calls.get(line, 0), fuel))))

    def content(self) -> bytes:
        """The message."""
        types = [_part(1, _number(1, self._string(what)) + _number(2, self._string(unit)))
                 for what, unit in _VALUES]  # fmt: skip
        strings = [_part(6, text.encode("utf-8", "replace")) for text in self._strings]
        return b"".join([*types, *self._parts, *strings])

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _places_of(self, func: Func) -> list[Line | None]:
        """The line of each instruction of a function."""
        found = self._places.get(func)
        if found is None:
            found = self._places[func] = self._lines(module_of(func)).of(body_of(func))
        return found

    def _first(self, func: Func) -> Line | None:
        """The line that a function begins in."""
        return self._places_of(func)[0]

    def _mapping(self, module: Module) -> int:
        number = self._mappings.get(id(module))
        if number is None:
            number = self._mappings[id(module)] = len(self._mappings) + 1
            name = self._string(module.name or "module.wasm")
            build = self._string(hashlib.sha256(module.data).hexdigest())
            # functions and lines are known: nobody needs to look for them
            known = _number(7, 1) + _number(8, 1) + _number(9, 1)
            head = _number(1, number) + _number(3, len(module.data))
            self._parts.append(_part(3, head + _number(5, name) + _number(6, build) + known))
        return number

    def _function(self, func: Func) -> int:
        number = self._functions.get(func)
        if number is None:
            number = self._functions[func] = len(self._functions) + 1
            name, line = self._string(function_name(func)), self._first(func)
            content = _number(1, number) + _number(2, name) + _number(3, name)
            if line is not None:
                content += _number(4, self._string(line.file)) + _number(5, line.number)
            self._parts.append(_part(5, content))
        return number

    def _location(self, func: Func, line: Line | None) -> int:
        number = self._locations.get((func, line))
        if number is None:
            number = self._locations[func, line] = len(self._locations) + 1
            place = _number(1, self._function(func)) + _number(2, line.number if line else 0)
            head = _number(1, number) + _number(2, self._mapping(module_of(func)))
            content = head + _number(3, body_of(func).base) + _part(4, place)
            self._parts.append(_part(4, content))
        return number
