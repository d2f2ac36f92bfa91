"""What a person does with an execution, by the commands of the debugger: a player shows it, and has
no other way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ..debug.expressions import Expression
from ..debug.views import value_text
from ..errors import PywasmgkError
from .editing import memory_of, poking, values_of
from .executions import camera_of, code_of, view_of
from .hexadecimal import NUMBERS
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
        #: the type of the numbers beside bytes
        self.kind = "i32"
        self._said: list[str] = []
        self._picture = self._camera.take()

    @property
    def steps(self) -> tuple[int, int, int]:
        """The oldest step that it can go to, the one where it is, and the furthest."""
        picture = self._picture
        return picture.oldest, picture.step, picture.furthest

    def do(self, line: str) -> None:
        """Carries out a command of the debugger or one of a player's own: ``look EXPR`` and
        ``forget EXPR`` begin and end the watching of an expression, ``at EXPR`` shows memory from
        there on, without one what the code uses, ``as TYPE`` says what numbers stand beside it,
        and ``put ADDRESS TYPE NUMBER`` changes it. What is wrong is said."""
        word, _, rest = line.strip().partition(" ")
        try:
            own = self._own_commands().get(word)
            self._said = [*(own(rest.strip()) if own else self._execute(line))]
        except (PywasmgkError, LookupError, ValueError, TypeError, ArithmeticError) as error:
            self._said = [f"error: {error}"]
        try:
            self._picture = self._camera.take()
        except PywasmgkError as error:
            # it was closed, or its instance is dead: what was seen last stays
            self._said.append(f"error: {error}")

    def _own_commands(self) -> dict[str, Callable[[str], Iterator[str]]]:
        return {
            "look": self._begin,
            "forget": self._end,
            "at": self._look_at,
            "as": self._read_as,
            "put": lambda rest: self._execute(poking(rest.split())),
        }

    def _execute(self, line: str) -> Iterator[str]:
        if line.strip():
            yield from self._camera.console.execute(line)

    def _begin(self, text: str) -> Iterator[str]:
        Expression(text)
        if len(self.watched) >= _WATCHED:
            raise ValueError(f"{_WATCHED} expressions are watched already")
        if text not in self.watched:
            self.watched.append(text)
        yield from ()

    def _end(self, text: str) -> Iterator[str]:
        self.watched = [one for one in self.watched if one != text]
        yield from ()

    def _look_at(self, text: str) -> Iterator[str]:
        self._camera.address = max(int(self._value(text)), 0) if text else None
        yield from ()

    def _read_as(self, kind: str) -> Iterator[str]:
        if kind not in NUMBERS:
            raise ValueError(f"numbers must be one of {', '.join(NUMBERS)}, found {kind!r}")
        self.kind = kind
        yield from ()

    def _value(self, text: str) -> Any:
        """What an expression is in the frame that runs."""
        try:
            return int(text, 0)
        except ValueError:
            frames = self.execution.frames
        if not frames:
            raise ValueError("no frame")
        return Expression(text).value(frames[0])

    def view(self) -> View:
        """What is to be seen now."""
        found = view_of(self._picture)
        return View(found.title, found.note, [*found.parts, *self._own()])

    def html(self) -> str:
        """The code, what is watched, and what was said, as HTML: all else has controls."""
        picture = self._picture
        code = code_of(picture)
        parts = [*([code] if code else []), *self._own()]
        return page_of(View(picture.title, picture.state, parts))

    @property
    def values(self) -> list[dict[str, Any]]:
        """The values, to be changed."""
        return values_of(self._picture.rows)

    @property
    def memory(self) -> dict[str, Any]:
        """The bytes, to be changed."""
        return memory_of(self._picture.memory, self._camera.address is None, self.kind)

    def _own(self) -> Iterator[Part]:
        if self.watched:
            yield Heading("watched")
            yield Facts([*self._watched_values()])
        for line in self._said[:_SAID]:
            yield Note(Cell(line, "bad" if line.startswith("error:") else "code"))
        if len(self._said) > _SAID:
            yield Note(f"and {len(self._said) - _SAID:,} more")

    def _watched_values(self) -> Iterator[tuple[str, Text]]:
        for text in self.watched:
            try:
                value = value_text(self._value(text)) if self.execution.frames else "no frame"
            except (PywasmgkError, LookupError, ValueError, TypeError, ArithmeticError) as error:
                value = f"{type(error).__name__}: {error}"
            yield text, Cell(value, "code")
