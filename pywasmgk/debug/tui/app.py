"""The program: keys and clicks become commands of the console, which runs them in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Input, RichLog, Static

from ...printable import printable
from ..console import Console
from ..listing import Listing
from ..picture import Camera, Picture
from .panes import CodePane, Lines, MemoryPane, Timeline, ValuesPane

__all__ = ["Debugger"]

#: seconds between two looks at how far it is while it runs
_TICK = 0.2
#: lines of what commands say that are kept
_KEPT = 2_000
_HERE = Path()
#: what stands in an empty line, by whether it is being written to
_INVITES = ("a command: help lists them", "Enter says it, Escape goes back to the code")
#: what keys do: the key, the command or action, the word in the last line or none, and what for
_KEYS = (
    ("s", "step", "Step", "execute one instruction, into calls; also →"),
    ("n", "next", "Next", "execute one instruction, over calls"),
    ("o", "out", "Out", "run on to the caller"),
    ("r", "run", "Run", "run on to the next stop"),
    ("b", "back", "Back", "go back one instruction; also ←"),
    ("B", "back-next", "", "go back one instruction, over calls"),
    ("R", "back-run", "Back-run", "run back to the stop before"),
)
_ACTIONS = (
    ("t", "stop", "Stop", "set or delete a breakpoint at the line that ↑ and ↓ choose"),
    ("u", "until", "", "run on to that line"),
    ("U", "back_until", "", "run back to that line"),
    ("home", "oldest", "", "go to the oldest step"),
    ("end", "furthest", "", "go to the furthest step that was reached"),
    ("v", "view", "View", "show the text of the module, or WAT made of the function"),
    ("f", "follow", "", "have the memory follow the code"),
    ("p", "pause", "", "pause what runs; also Escape"),
    ("colon", "command", "Say", "say a command; Escape goes back to the code"),
    ("question_mark", "help", "Help", "all keys and commands"),
    ("q", "quit", "Quit", "end"),
)
_MOUSE = (
    "A click on a line of code sets or deletes a breakpoint there; on the bar goes to that step; "
    "on a call looks at its frame; on a local or global begins to change it; on a stop deletes it."
)


class Debugger(App[None]):
    """Shows and does what a console can do."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: 1; background: $primary; color: $text; text-style: bold; }
    #middle { height: 1fr; }
    CodePane { width: 1fr; }
    ValuesPane { width: 30; border-left: solid $primary; }
    MemoryPane { height: 4; border-top: none; background: $surface; }
    Timeline { height: 1; }
    #said { height: 3; background: $surface; }
    #line { height: 1; border: none; padding: 0; }
    Lines { scrollbar-size-vertical: 1; overflow-x: hidden; }
    Help { align: center middle; }
    Help VerticalScroll { width: 76; height: 90%; border: solid $primary; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"say({command!r})", word or purpose, show=bool(word))
            for key, command, word, purpose in _KEYS
        ),
        *(
            Binding(key, action, word or purpose, show=bool(word))
            for key, action, word, purpose in _ACTIONS
        ),
        Binding("escape", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        console: Console,
        title: str,
        printed: Callable[[], str] = lambda: "",
        folder: Path = _HERE,
    ) -> None:
        super().__init__()
        self.session = console
        self.camera = Camera(console, title, folder)
        #: what the guest has printed since it was asked last
        self._printed = printed
        self._pause = threading.Event()
        console.pausing = self._pause.is_set
        console.tells = False
        #: a command runs
        self.busy = False
        self.picture: Picture | None = None

    def compose(self) -> ComposeResult:
        """The widgets, from top to bottom."""
        yield Static("", id="head", markup=False)
        with Horizontal(id="middle"):
            yield CodePane()
            yield ValuesPane()
        yield MemoryPane()
        yield Timeline()
        yield RichLog(id="said", max_lines=_KEPT, wrap=True, markup=False, highlight=False)
        yield Input(id="line", placeholder=_INVITES[False], compact=True, select_on_focus=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """The first picture."""
        self.query_one(RichLog).can_focus = False
        self.watch(self.screen, "focused", self._focused)
        self.query_one(CodePane).focus()
        self.set_interval(_TICK, self._tick)
        self._say(["? lists keys and commands"])
        self._show(self.camera.take("at the beginning"))

    def _focused(self, widget: Widget | None) -> None:
        line = self.query_one(Input)
        line.placeholder = _INVITES[widget is line]

    # -- commands

    async def action_say(self, line: str) -> None:
        """Has the console carry out a line, unless it is at one."""
        if not self.busy:
            self.busy = True
            self._pause.clear()
            self.run_worker(self._carry_out(line), exit_on_error=True)

    async def _carry_out(self, line: str) -> None:
        try:
            said, picture = await asyncio.to_thread(self._done, line)
        finally:
            self.busy = False
        self._say(said)
        self._show(picture)
        if self.session.done:
            self.exit()

    def _done(self, line: str) -> tuple[list[str], Picture]:
        """Carries out a line, in a thread."""
        said = list(self.session.execute(line))
        if line.split()[:1] in (["memory"], ["x"]) and said and said[0][:1] in "0123456789abcdef":
            with contextlib.suppress(ValueError):
                self.camera.address = int(said[0].split()[0], 16)
        return said, self.camera.take(said[0] if said else "")

    def _say(self, lines: Sequence[str]) -> None:
        log = self.query_one(RichLog)
        for line in (*self._printed().splitlines(), *lines):
            log.write(Text(printable(line, longest=1_000)))

    def _show(self, picture: Picture) -> None:
        self.picture = picture
        self._head(picture.state)
        self.query_one(CodePane).look(picture)
        self.query_one(ValuesPane).look(picture)
        self.query_one(MemoryPane).look(picture)
        self.query_one(Timeline).look(picture)

    def _head(self, state: str) -> None:
        self.query_one("#head", Static).update(Text(f" {self.camera.title}  {state}"))

    def _tick(self) -> None:
        if self.busy:
            self._head(f"step {self.session.execution.steps:,}  runs: p pauses")

    @on(Input.Submitted)
    async def entered(self, event: Input.Submitted) -> None:
        """Carries out what was typed."""
        line, event.input.value = event.value, ""
        if line.strip() in ("help", "h"):
            self.action_help()
        elif line.strip():
            self._say([f"> {line}"])
            await self.action_say(line)

    @on(Lines.Chosen)
    async def chosen(self, event: Lines.Chosen) -> None:
        """Does what a click on a line of a pane means."""
        pane = event.pane
        if isinstance(pane, CodePane):
            pane.cursor = event.row
            await self.action_stop()
        elif isinstance(pane, ValuesPane):
            command = pane.rows[event.row].command
            if command.endswith(" "):
                self._begin(command)
            elif command:
                await self.action_say(command)

    @on(Timeline.Wanted)
    async def wanted(self, event: Timeline.Wanted) -> None:
        """Goes to a step."""
        await self.action_say(f"goto {event.step}")

    def _begin(self, text: str) -> None:
        line = self.query_one(Input)
        line.value = text
        line.focus()
        line.cursor_position = len(text)

    # -- keys

    def action_move(self, rows: int) -> None:
        """Moves the line that keys speak of."""
        self.query_one(CodePane).move(rows)

    def _place(self) -> str:
        pane = self.query_one(CodePane)
        line = pane.line(pane.cursor)
        return "" if line is None else line.place

    async def action_stop(self) -> None:
        """Sets or deletes a breakpoint at the chosen line."""
        pane, picture, place = self.query_one(CodePane), self.picture, self._place()
        if picture is None or picture.code is None or not place:
            return
        found = [
            number
            for pc, number in picture.numbers.items()
            if picture.code.row_of(pc) == pane.cursor
        ]
        await self.action_say(f"delete {found[0]}" if found else f"stop {place}")

    async def action_until(self) -> None:
        """Runs on to the chosen line."""
        if place := self._place():
            await self.action_say(f"until {place}")

    async def action_back_until(self) -> None:
        """Runs back to the chosen line."""
        if place := self._place():
            await self.action_say(f"back-until {place}")

    async def action_oldest(self) -> None:
        """Goes to the oldest step."""
        if self.picture is not None:
            await self.action_say(f"goto {self.picture.oldest}")

    async def action_furthest(self) -> None:
        """Goes to the furthest step that was reached."""
        if self.picture is not None:
            await self.action_say(f"goto {self.picture.furthest}")

    async def action_view(self) -> None:
        """Shows the module's text instead of WAT made of a function, or the other way."""
        self.camera.source = not self.camera.source
        await self._again()
        if self.camera.source and self.picture and isinstance(self.picture.code, Listing):
            self._say(["there is no text of this function: --sources says where its files are"])

    async def action_follow(self) -> None:
        """Has the memory that is shown follow the code."""
        self.camera.address = None
        await self._again()

    async def _again(self) -> None:
        if not self.busy:
            self._show(self.camera.take())

    def action_pause(self) -> None:
        """Pauses what runs."""
        self._pause.set()

    def action_leave(self) -> None:
        """Goes back to the code; pauses what runs."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self._pause.set()
            self.query_one(CodePane).focus()

    def action_command(self) -> None:
        """Begins a command."""
        self._begin("")

    def action_help(self) -> None:
        """Shows all keys and commands."""
        keys = [
            f"  {'?' if key == 'question_mark' else ':' if key == 'colon' else key:<8} {purpose}"
            for key, _, _, purpose in (*_KEYS, *_ACTIONS)
        ]
        commands = self.session.help([])
        self.push_screen(Help("\n".join(["Keys", *keys, "", _MOUSE, "", "Commands", *commands])))


class Help(ModalScreen[None]):
    """A long text, which a key takes away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, "app.pop_screen", show=False) for key in ("escape", "q", "enter", "space")
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll():
            yield Static(self._text, markup=False)
