"""The widgets: code, values, memory, and the bar over the history."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ..listing import CodeLine
from ..picture import Memory, Picture, Row

__all__ = ["CodePane", "Lines", "MemoryPane", "Timeline", "ValuesPane"]

_PLAIN, _DIM, _BOLD = Style.null(), Style(dim=True), Style(bold=True)
_VALUE, _CHANGED = Style(color="green"), Style(color="yellow", bold=True)
_STOP, _HERE = Style(color="red", bold=True), Style(bgcolor="grey30", bold=True)
_LANE, _CURSOR = Style(color="cyan"), Style(underline=True)
_HEADING = Style(color="blue", bold=True)
#: bytes on a line of memory
_ROW = 16
#: keys that have another meaning in a line of text
_KEYS = (
    ("right", "say('step')"), ("left", "say('back')"), ("up", "move(-1)"), ("down", "move(1)"),
    ("pageup", "move(-10)"), ("pagedown", "move(10)"), ("home", "oldest"), ("end", "furthest"),
)  # fmt: skip


class Lines(ScrollView):
    """A pane of lines, cut at its width."""

    can_focus = True
    #: in the place of those that scroll
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"app.{action}", show=False) for key, action in _KEYS
    ]

    class Chosen(Message):
        """Somebody clicked a line."""

        def __init__(self, pane: Lines, row: int) -> None:
            super().__init__()
            self.pane = pane
            self.row = row

        @property
        def control(self) -> Lines:
            """The pane."""
            return self.pane

    def show(self, count: int) -> None:
        """Shows other lines, of which there are so many."""
        self.virtual_size = Size(0, count)
        self.refresh()

    def segments(self, row: int, width: int) -> list[Segment]:
        """A line, and one that is too far as none."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """The line of the screen, by where the pane has been scrolled to."""
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        found = self.segments(row, width) if row < self.virtual_size.height else []
        return Strip(found).adjust_cell_length(width, self.rich_style).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """A line is chosen."""
        row = event.y + self.scroll_offset.y
        if row < self.virtual_size.height:
            self.post_message(self.Chosen(self, row))

    def reveal(self, row: int) -> None:
        """Scrolls so that a line can be seen, with some above it."""
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        margin = min(2, height // 3)
        if not top + margin <= row < top + height - margin:
            self.scroll_to(y=max(row - height // 2, 0), animate=False, immediate=True)


class CodePane(Lines):
    """The code around where the execution is."""

    picture: Picture | None = None
    #: the line that keys speak of
    cursor = 0
    #: the lines that are shown, of which picture, and which these are
    _window: tuple[Picture | None, range, list[CodeLine]] = (None, range(0), [])

    def look(self, picture: Picture) -> None:
        """Shows a picture's code, at its instruction."""
        self.picture = picture
        code, here = picture.code, picture.here
        self.show(0 if code is None else len(code))
        if code is not None and here is not None:
            self.cursor = code.row_of(here)
            self.reveal(self.cursor)

    def on_resize(self) -> None:
        """The line that keys speak of stays in sight, also where there was no height before."""
        if self.cursor < self.virtual_size.height:
            self.reveal(self.cursor)

    def move(self, rows: int) -> None:
        """Moves the line that keys speak of."""
        self.cursor = max(min(self.cursor + rows, self.virtual_size.height - 1), 0)
        self.reveal(self.cursor)
        self.refresh()

    def line(self, row: int) -> CodeLine | None:
        """What is on a line; ``None`` where there is none."""
        picture = self.picture
        if picture is None or picture.code is None or not 0 <= row < len(picture.code):
            return None
        top = self.scroll_offset.y
        rows = range(top, min(top + self.size.height, len(picture.code)))
        if row not in rows:
            rows = range(row, row + 1)
        if self._window[0] is not picture or self._window[1] != rows:
            found = picture.code.window(rows, picture.here, picture.values, picture.stops)
            self._window = picture, rows, found
        return self._window[2][row - rows.start]

    def segments(self, row: int, width: int) -> list[Segment]:
        """A line: marks, label, operands, text, values."""
        line = self.line(row)
        if line is None:
            return []
        room = max(width - 11 - len(line.lanes) - len(line.values), 8)
        text = line.text if len(line.text) <= room else f"{line.text[: room - 1]}…"
        lanes = _LANE if line.running else _DIM
        found = [
            Segment("●" if line.stops else " ", _STOP),
            Segment("▶" if line.here else " ", _BOLD),
            Segment(f"{line.label:>7} ", _DIM),
            Segment(line.lanes, lanes),
            Segment(f" {text:<{room}}", _BOLD if line.here else _PLAIN),
            Segment(line.values, _CHANGED if line.here else _VALUE),
        ]
        style = _HERE if line.here else _CURSOR if row == self.cursor else None
        return found if style is None else list(Segment.apply_style(found, post_style=style))


class ValuesPane(Lines):
    """Locals, operands, globals, frames and stops."""

    rows: tuple[Row, ...] = ()

    def look(self, picture: Picture) -> None:
        """Shows a picture's values."""
        self.rows = picture.rows
        self.show(len(self.rows))

    def segments(self, row: int, width: int) -> list[Segment]:
        """A line."""
        text, style, _ = self.rows[row]
        if style == "heading":
            return [Segment(f"─ {text} ".ljust(width, "─"), _HEADING)]
        styles = {"changed": _CHANGED, "here": _BOLD, "note": _DIM}
        return [Segment(f" {text}", styles.get(style, _PLAIN))]


class MemoryPane(Lines):
    """Bytes of memory, those that changed marked."""

    memory: Memory | None = None

    def look(self, picture: Picture) -> None:
        """Shows a picture's memory, at what is looked at."""
        self.memory = memory = picture.memory
        self.show(0 if memory is None else -(-len(memory.data) // _ROW))
        if memory is not None:
            self.reveal((memory.focus - memory.start) // _ROW)

    def segments(self, row: int, width: int) -> list[Segment]:
        """A line: address, bytes, characters."""
        memory = self.memory
        if memory is None:
            return []
        at = memory.start + row * _ROW
        data = memory.data[row * _ROW : (row + 1) * _ROW]
        styles = [_CHANGED if at + n in memory.changed else _PLAIN for n in range(len(data))]
        styles = [style if byte or style is _CHANGED else _DIM for byte, style in zip(data, styles)]
        count = _ROW if width >= 77 else _ROW // 2 if width >= 45 else _ROW // 4
        shown = list(zip(data, styles))[:count]
        return [
            Segment(f"{at:08x}  ", _DIM),
            *(Segment(f"{byte:02x} ", style) for byte, style in shown),
            Segment("   " * (count - len(shown)) + " "),
            *(Segment(chr(byte) if 32 <= byte < 127 else ".", style) for byte, style in shown),
        ]


class Timeline(Widget):
    """All steps that the execution can go to, and where it is: a click goes there."""

    class Wanted(Message):
        """Somebody wants to go to a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    picture: Picture | None = None

    def look(self, picture: Picture) -> None:
        """Shows a picture's place in its history."""
        self.picture = picture
        self.refresh()

    @property
    def _bar(self) -> int:
        """Characters of the bar between its two numbers."""
        width: int = self.size.width
        return max(width - len(self._ends[0]) - len(self._ends[1]) - 2, 2)

    @property
    def _ends(self) -> tuple[str, str]:
        picture = self.picture
        return ("", "") if picture is None else (f"{picture.oldest:,}", f"{picture.furthest:,}")

    def render_line(self, y: int) -> Strip:
        """The bar."""
        picture = self.picture
        if picture is None:
            return Strip.blank(self.size.width, self.rich_style)
        whole = max(picture.furthest - picture.oldest, 1)
        at = (picture.step - picture.oldest) * (self._bar - 1) // whole
        found = [
            Segment(f"{self._ends[0]} ", _DIM),
            Segment("━" * at, _LANE),
            Segment("●", _CHANGED),
            Segment("─" * (self._bar - 1 - at), _DIM),
            Segment(f" {self._ends[1]}", _DIM),
        ]
        return Strip(found).adjust_cell_length(self.size.width).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """The step that is there."""
        picture = self.picture
        if picture is None:
            return
        at = min(max(event.x - len(self._ends[0]) - 1, 0), self._bar - 1)
        whole = picture.furthest - picture.oldest
        self.post_message(self.Wanted(picture.oldest + at * whole // max(self._bar - 1, 1)))
