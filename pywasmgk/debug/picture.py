"""What there is to be seen where an execution has stopped. It is taken at once, by whoever runs the
execution; the screen shows it while that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..printable import printable
from ..wasm.stepping.stops import Breakpoint
from .console import Console
from .listing import Listing, Text, value_texts
from .trail import Trail
from .views import value_text, variable_text

if TYPE_CHECKING:
    from ..wasm.stepping.activations import Activation, Variable
    from ..wasm.stepping.execution import Execution

__all__ = ["Camera", "Memory", "Picture", "Row"]

#: what of lists is shown: values, frames
_MOST, _FRAMES = 200, 50
#: bytes of memory on both sides of what is looked at
_AROUND = 1 << 14
_HERE = Path()


class Row(NamedTuple):
    """A line of the pane of values."""

    text: str
    #: ``heading``, ``value``, ``changed``, ``here`` or ``note``
    style: str = "value"
    #: what a click on it does, as a command
    command: str = ""


class Memory(NamedTuple):
    """Bytes of memory."""

    #: of all of it
    size: int
    #: where these are
    start: int
    data: bytes
    #: addresses among them that are otherwise than when it stopped before
    changed: frozenset[int]
    #: what is looked at
    focus: int


@dataclass(frozen=True)
class Picture:
    """An execution where it has stopped."""

    title: str
    state: str
    step: int
    #: the steps between which it can go anywhere
    oldest: int
    furthest: int
    rows: tuple[Row, ...] = ()
    code: Listing | Text | None = None
    #: position of the frame's instruction in its function
    here: int | None = None
    #: values by position
    values: dict[int, str] = field(default_factory=dict)
    #: positions of breakpoints
    stops: frozenset[int] = frozenset()
    memory: Memory | None = None
    #: numbers of the breakpoints by position
    numbers: dict[int, int] = field(default_factory=dict)


class Camera:
    """Takes pictures of the execution that a console holds."""

    def __init__(self, console: Console, title: str, folder: Path = _HERE) -> None:
        self.console = console
        #: where files of the source are
        self.folder = folder
        self.title = printable(title)
        self.trail = Trail(console.execution)
        console.step_once = self.trail.step
        #: show the text that the module was made from, or the source, where there is one
        self.source = False
        #: the address that is looked at; ``None`` follows the code
        self.address: int | None = None
        held = console.execution
        self._furthest = held.steps
        self._before = Memory(0, 0, b"", frozenset(), 0)
        self._listings: dict[tuple[int, int, str], Listing | Text] = {}
        self._values: dict[str, str] = {}
        self._changed: set[str] = set()
        self._step = held.steps

    @property
    def _held(self) -> Execution:
        return self.console.execution

    def take(self, why: str = "") -> Picture:
        """A picture of now; ``why`` says in a few words how it came here."""
        held = self._held
        self._furthest = max(self._furthest, held.steps)
        self.trail.follow()
        frames = held.frames
        shown = frames[min(self.console.frame, len(frames) - 1)] if frames else None
        state = f"{self.console.progress}  {self._state(why)}"
        if shown is not None and not held.done and shown.source:
            state = printable(f"{state}  {shown.source[0]}")
        rows = tuple(self._rows(frames, shown))
        steps = held.steps, held.earliest, self._furthest
        memory = self._memory()
        self._step = held.steps
        # of a core dump's frame it may not be known which module it is of
        if shown is None or shown.module is None:
            return Picture(self.title, state, *steps, rows, memory=memory)
        numbers = self._numbers(shown)
        return Picture(
            self.title, state, *steps, rows, self._code(shown), shown.pc, self._beside(shown),
            frozenset(numbers), memory, numbers,
        )  # fmt: skip

    def _state(self, why: str) -> str:
        held = self._held
        if held.trap is not None:
            return printable(f"{type(held.trap).__name__}: {held.trap}".splitlines()[0])
        if held.done:
            return printable(f"done, gives {held.results!r:.60}")
        return why

    # -- code

    def _code(self, shown: Activation) -> Listing | Text:
        module, index = shown.module, shown.index
        lines = shown.source if self.source and module.source is None else ()
        key = id(module), index, lines[0].file if lines else str(self.source)
        if key not in self._listings:
            found = None
            if lines:
                found = Text.of_source(module, index, lines[0].file, self.folder)
            elif self.source:
                found = Text.of_wat(module, index)
            operands = self.trail.operands(shown.function)
            self._listings[key] = found or Listing(module, index, self.console.listings, operands)
        return self._listings[key]

    def _beside(self, shown: Activation) -> dict[int, str]:
        depth = self._held.depth - self.console.frame
        found = value_texts(self.trail.beside(depth, shown.function))
        if self._held.done:
            return found
        operands = self.trail.operands(shown.function)[shown.pc]
        found.pop(shown.pc, None)
        if operands is not None and operands.takes and self.console.frame == 0:
            values = shown.operands[len(shown.operands) - len(operands.takes) :]
            found[shown.pc] = printable("< " + ", ".join(f"{one.value}" for one in values))
        return found

    def _numbers(self, shown: Activation) -> dict[int, int]:
        body = shown.module.block_map(shown.index)
        return {
            pc: number
            for number, stop in self.console.numbers.items()
            if isinstance(stop, Breakpoint)
            for pc in stop.positions(shown.function, body)
        }

    # -- values

    def _rows(self, frames: tuple[Activation, ...], shown: Activation | None) -> Iterator[Row]:
        if self._held.steps != self._step:
            self._changed.clear()
        if shown is not None:
            yield Row("locals", "heading")
            for number, one in enumerate(shown.locals[:_MOST]):
                text = variable_text(one, number, "l")
                yield self._row(f"{shown.index} {number}", text, f"set {_called(one, number)} ")
            yield Row("stack", "heading")
            for number, one in enumerate(reversed(shown.operands[-_MOST:])):
                yield Row(printable(variable_text(one, number, "s")))
        items = self._held.instance.globals
        if items:
            yield Row("globals", "heading")
        for number, item in enumerate(items[:_MOST]):
            kind = getattr(item.type, "value_type", item.type)
            text = f"g{number} {kind} = {value_text(item.value)}"
            yield self._row(f"g{number}", text, f"set g{number} ")
        yield Row("calls", "heading")
        for number, frame in enumerate(frames[:_FRAMES]):
            style = "here" if number == self.console.frame else "value"
            place = f"{frame.name or frame.index} {frame.offset:#x}"
            yield Row(printable(f"{number} {place}"), style, f"frame {number}")
        if len(frames) > _FRAMES:
            yield Row(f"{len(frames) - _FRAMES:,} more", "note")
        yield Row("stops", "heading")
        for number, stop in self.console.numbers.items():
            yield Row(printable(f"{number}: {stop!r}"), "value", f"delete {number}")

    def _row(self, key: str, text: str, command: str) -> Row:
        if self._values.get(key, text) != text:
            self._changed.add(key)
        self._values[key] = text
        return Row(printable(text), "changed" if key in self._changed else "value", command)

    # -- memory

    def _memory(self) -> Memory | None:
        held = self._held
        memories = held.instance.memories
        if not memories:
            return None
        memory, before = memories[0], self._before
        followed = self.trail.address if self.address is None else self.address
        focus = min(before.focus if followed is None else followed, max(len(memory) - 1, 0))
        start = max(focus - _AROUND, 0) & ~15
        data = memory.read(start, min(2 * _AROUND, len(memory) - start))
        changed = _differences(before, start, data)
        if held.steps == self._step:
            # it was only looked at
            changed |= before.changed
        self._before = Memory(len(memory), start, data, changed, focus)
        return self._before


def _called(variable: Variable, number: int) -> str:
    """What a command calls a local: its name, where that is one word and no number of another."""
    name = variable.name or ""
    is_plain = name.isidentifier() and not (name[0] in "lg" and name[1:].isdigit())
    return name if is_plain else f"l{number}"


def _differences(before: Memory, start: int, data: bytes) -> frozenset[int]:
    """The addresses at which bytes are otherwise than before."""
    first, end = max(start, before.start), min(start + len(data), before.start + len(before.data))
    old, new = (
        part[first - begin : max(end, first) - begin]
        for part, begin in ((before.data, before.start), (data, start))
    )
    if old == new:
        return frozenset()
    return frozenset(first + at for at, (one, two) in enumerate(zip(old, new)) if one != two)
