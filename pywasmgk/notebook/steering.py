"""What a person does with an execution, by the commands of the debugger: a player shows it, and has
no other way to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..debug.expressions import Expression
from ..debug.views import value_text
from ..errors import PywasmgkError
from .executions import camera_of, view_of
from .hypertext import page_of
from .parts import Cell, Facts, Heading, Note, Part, Text, View

if TYPE_CHECKING:
    from ..wasm.stepping.execution import Execution

__all__ = ["Steering"]

#: expressions that are watched, lines of what commands say
_WATCHED, _SAID = 20, 12


class Steering:
    """An execution, what is watched of it, and what the latest command said."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self._camera = camera_of(execution)
        self._camera.console.tells = False
        #: expressions whose values are shown
        self.watched: list[str] = []
        self._said: list[str] = []
        self._picture = self._camera.take()

    @property
    def steps(self) -> tuple[int, int, int]:
        """The oldest step that it can go to, the one where it is, and the furthest."""
        picture = self._picture
        return picture.oldest, picture.step, picture.furthest

    def do(self, line: str) -> None:
        """Carries out a command of the debugger, or ``look EXPR`` and ``forget EXPR``, which begin
        and end the watching of an expression. What is wrong is said."""
        word, _, rest = line.strip().partition(" ")
        self._said = []
        if word == "look" and rest:
            self._said = [*self._begin(rest.strip())]
        elif word == "forget":
            self.watched = [one for one in self.watched if one != rest.strip()]
        elif line.strip():
            self._said = [*self._camera.console.execute(line)]
        try:
            self._picture = self._camera.take()
        except PywasmgkError as error:
            # it was closed, or its instance is dead: what was seen last stays
            self._said.append(f"error: {error}")

    def _begin(self, text: str) -> Iterator[str]:
        try:
            Expression(text)
        except (PywasmgkError, ValueError) as error:
            yield f"error: {error}"
            return
        if len(self.watched) >= _WATCHED:
            yield f"error: {_WATCHED} expressions are watched already"
        elif text not in self.watched:
            self.watched.append(text)

    def view(self) -> View:
        """What is to be seen now."""
        found = view_of(self._picture)
        return View(found.title, found.note, [*found.parts, *self._own()])

    def html(self) -> str:
        """The same as HTML."""
        return page_of(self.view())

    def _own(self) -> Iterator[Part]:
        if self.watched:
            yield Heading("watched")
            yield Facts([*self._values()])
        for line in self._said[:_SAID]:
            yield Note(Cell(line, "bad" if line.startswith("error:") else "code"))
        if len(self._said) > _SAID:
            yield Note(f"and {len(self._said) - _SAID:,} more")

    def _values(self) -> Iterator[tuple[str, Text]]:
        frames = self.execution.frames
        for text in self.watched:
            try:
                value = value_text(Expression(text).value(frames[0])) if frames else "no frame"
            except (PywasmgkError, LookupError, ValueError, TypeError, ArithmeticError) as error:
                value = f"{type(error).__name__}: {error}"
            yield text, Cell(value, "code")
