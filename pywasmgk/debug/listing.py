"""Lines of code as a debugger shows them: with values, and lines from who gives an operand to who
takes it. Names and texts are a module's: what a terminal would obey is escaped."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from ..printable import printable
from .dataflow import Operands, lanes
from .source_files import source_text
from .trail import Made

if TYPE_CHECKING:
    from ..wasm.module import Module
    from .views import Listings

__all__ = ["CodeLine", "Listing", "Text", "value_texts"]

#: levels of indentation that are shown, columns of operands, characters of values
_DEEPEST, _LANES, _VALUES = 8, 8, 30
#: a line behind all others
_LAST = 1 << 62


class CodeLine(NamedTuple):
    """One line."""

    #: what is in front of it: an offset, or a number of a line
    label: str
    #: the operand stack beside it
    lanes: str
    text: str
    #: what it took or gave when it was executed, or takes now
    values: str
    #: it is where the frame is
    here: bool
    #: it is in the basic block that runs
    running: bool
    #: there is a breakpoint
    stops: bool
    #: the breakpoint of a command that would stand here; nothing where none can
    place: str


class Listing:
    """A function as WAT made of it."""

    def __init__(
        self, module: Module, index: int, listings: Listings, operands: Sequence[Operands | None]
    ) -> None:
        self.module = module
        self.index = index
        self._lines = listings.function(module, index)
        self._operands = operands
        self._body = module.block_map(index)
        self._starts = sorted(self._body.costs)

    def __len__(self) -> int:
        return len(self._lines)

    def position(self, row: int) -> int | None:
        """The position of the instruction on a line; ``None`` for a line without one."""
        offset = self._lines[row].offset
        if not row or offset is None:
            return None
        pc = bisect_right(self._body.offsets, offset - self._body.base) - 1
        found = pc >= 0 and self._body.offsets[pc] == offset - self._body.base
        return pc if found else None

    def row_of(self, pc: int) -> int:
        """The line of an instruction."""
        offset = self._body.base + self._body.offsets[pc]
        found = [row for row, line in enumerate(self._lines) if line.offset == offset and row]
        return found[0] if found else 0

    def window(
        self, rows: range, here: int | None, values: Mapping[int, str], stops: frozenset[int]
    ) -> list[CodeLine]:
        """Some of the lines; ``here`` and the keys of ``values`` and ``stops`` are positions."""
        shown = [self.position(row) for row in rows]
        taking = [one for pc in shown if pc is not None and (one := self._operands[pc])]
        low = min((one.base for one in taking), default=0)
        high = max((max(one.height, one.base + len(one.gives)) for one in taking), default=0)
        width = min(high - low, _LANES)
        running = None if here is None else self._block(here)
        return [
            self._line(row, pc, low, width, here, values, stops, running)
            for row, pc in zip(rows, shown)
        ]

    def _block(self, pc: int) -> int:
        return bisect_right(self._starts, pc)

    def _line(
        self,
        row: int,
        pc: int | None,
        low: int,
        width: int,
        here: int | None,
        values: Mapping[int, str],
        stops: frozenset[int],
        running: int | None,
    ) -> CodeLine:
        line = self._lines[row]
        text = " " * min(max(line.depth - 1, 0), _DEEPEST) + printable(line.text, lines=True)
        if pc is None:
            return CodeLine("", " " * width, text, "", False, False, False, "")
        place = f"{line.offset:#x}"
        beside = lanes(self._operands[pc], low, width)
        at_stop, value = pc in stops, values.get(pc, "")
        in_block = self._block(pc) == running
        return CodeLine(place, beside, text, value, pc == here, in_block, at_stop, place)


class Text:
    """A text that the module was made from: WAT, or the source that it was compiled from."""

    def __init__(
        self,
        module: Module,
        index: int,
        lines: Sequence[str],
        rows: Sequence[int | None],
        name: str,
    ) -> None:
        self.module = module
        self.index = index
        self._lines = lines
        #: the line of each instruction of the function, from 0
        self._rows = rows
        #: what is in front of a line's number where a command names it
        self._name = name

    @classmethod
    def of_wat(cls, module: Module, index: int) -> Text | None:
        """The WAT that a module was made from; ``None`` if it was not."""
        source = module.source
        if source is None:
            return None
        body = module.block_map(index)
        places = [source.place(body.base + offset) for offset in body.offsets]
        rows = [None if place is None else place.line - 1 for place in places]
        return cls(module, index, source.source.text.splitlines(), rows, "")

    @classmethod
    def of_source(cls, module: Module, index: int, file: str, folder: Path) -> Text | None:
        """The file of the source that a function was compiled from; ``None`` where that is not
        known, or the file is neither in the folder nor in the module's source map."""
        text = source_text(module, file, folder)
        if text is None or module.lines is None:
            return None
        lines = text.splitlines()
        body = module.block_map(index)
        begins = sorted(
            (offset, line if name == file else 0)
            for name, table in module.lines.table.items()
            for line, offsets in table.items()
            for offset in offsets
        )
        rows: list[int | None] = []
        for offset in body.offsets:
            at = bisect_right(begins, (body.base + offset, _LAST))
            line = begins[at - 1][1] if at else 0
            rows.append(line - 1 if 0 < line <= len(lines) else None)
        return cls(module, index, lines, rows, PurePosixPath(file).name)

    def __len__(self) -> int:
        return len(self._lines)

    def row_of(self, pc: int) -> int:
        """The line of an instruction; the first one where it has none."""
        return self._rows[pc] or 0

    def window(
        self, rows: range, here: int | None, values: Mapping[int, str], stops: frozenset[int]
    ) -> list[CodeLine]:
        """Some of the lines; ``here`` and the keys of ``values`` and ``stops`` are positions."""
        running = None if here is None else self._rows[here]
        stopping = {self._rows[pc] for pc in stops}
        # of several instructions on a line, what the last one made says most
        beside = {self._rows[pc]: value for pc, value in sorted(values.items())}
        if here is not None and here in values:
            beside[self._rows[here]] = values[here]
        with_code = set(self._rows)
        return [
            CodeLine(
                f"{row + 1}",
                "",
                printable(self._lines[row].replace("\t", "  "), lines=True),
                beside.get(row, ""),
                row == running,
                row == running,
                row in stopping,
                f"{self._name}:{row + 1}" if row in with_code else "",
            )
            for row in rows
        ]


def value_texts(made: Mapping[int, Made]) -> dict[int, str]:
    """What instructions made, as short texts by position: what they gave, or else took."""
    return {
        pc: f"= {_joined(one.gives)}" if one.gives else f"< {_joined(one.takes)}"
        for pc, one in made.items()
        if one.gives or one.takes
    }


def _joined(values: Sequence[object]) -> str:
    text = printable(", ".join(map(_short, values)))
    return text if len(text) <= _VALUES else f"{text[: _VALUES - 1]}…"


def _short(value: object) -> str:
    return f"{value:#x}" if isinstance(value, int) and abs(value) > 0xFFFFFF else f"{value}"
