"""Frames, values and memory as lines of text. Names are cleaned where modules are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import source_texts
from ..wasm.stepping.activations import Texts, Variable

if TYPE_CHECKING:
    from ..wasm.module import Module
    from ..wasm.runtime.memory import Memory
    from ..wasm.stepping.activations import Activation
    from ..wasm.text.disassembly import Line

__all__ = ["Listings", "memory_lines", "source_of", "value_text", "variable_text"]

_ROW = 16


class Listings:
    """The text of functions, made once each."""

    def __init__(self) -> None:
        self._texts = Texts()
        self._functions: dict[tuple[int, int], list[Line]] = {}

    def function(self, module: Module, index: int) -> list[Line]:
        """The lines of a function."""
        key = id(module), index
        if key not in self._functions:
            self._functions[key] = list(self._texts.of(module).function(index))
        return self._functions[key]

    def line_of(self, activation: Activation) -> int:
        """The position of a frame's instruction among its function's lines."""
        lines = self.function(activation.module, activation.index)
        offset = activation.offset
        found = [number for number, line in enumerate(lines) if line.offset == offset and number]
        return found[0] if found else 0

    def around(self, activation: Activation, count: int) -> Iterator[str]:
        """Lines around a frame's instruction, which is marked, with what it takes."""
        lines = self.function(activation.module, activation.index)
        here = self.line_of(activation)
        first = max(here - count // 2, 0)
        for number, line in enumerate(lines[first : first + count], first):
            mark = "->" if number == here else "  "
            offset = "" if line.offset is None else f"{line.offset:#x}"
            text = f"{mark} {offset:>8}  {line}"
            operands = activation.arguments() if number == here else ()
            if operands:
                text = f"{text:<48} ;; {', '.join(_short(one) for one in operands)}"
            yield text


def _short(variable: Variable) -> str:
    return f"{variable.value}"


def variable_text(variable: Variable, number: int, letter: str) -> str:
    """A local or operand on one line."""
    name = f"${variable.name}" if variable.name else f"{letter}{number}"
    return f"{name} {variable.type or '?'} = {value_text(variable.value)}"


def value_text(value: object) -> str:
    """A value as people read it: integers in hexadecimal too."""
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value} ({value & 0xFFFFFFFFFFFFFFFF:#x})"
    return f"{value!r:.200}"


def memory_lines(memory: Memory, start: int, size: int) -> Iterator[str]:
    """Bytes in hexadecimal and as characters, as far as there are any."""
    start = max(min(start, len(memory)), 0)
    end = min(start + size, len(memory))
    for at in range(start, end, _ROW):
        row = memory.read(at, min(_ROW, end - at))
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at:08x}  {row.hex(' '):<{3 * _ROW}} {text}"


def source_of(activation: Activation) -> Iterator[str]:
    """Where a frame is in the source that its module was compiled from."""
    for text in source_texts(activation.source):
        yield f"    {text}"
