"""What an editor debugs, and what all that answers its requests shares."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..wasm.stepping.activations import Activation, Variable
from ..wasm.stepping.execution import Execution
from .console import Console
from .expressions import ExpressionError
from .sources import Sources

__all__ = ["Arguments", "Debugged", "Debuggee", "Handler", "scope_of", "text_of", "title_of"]

#: what a client sends with a request
Arguments = dict[str, Any]
#: answers a request: with a body, with nothing, or with what is to be done behind the answer
Handler = Callable[[Arguments], Any]

#: variables of a frame, by the number that its reference ends with
LOCALS, OPERANDS, GLOBALS = range(1, 4)
_KINDS = 4


class Debugged(NamedTuple):
    """What is debugged: an execution, held."""

    execution: Execution
    #: of the module's text, if it has one
    path: str | None = None
    #: where files of the source are
    folder: Path = Path()
    #: somebody else goes on with the execution when the client is gone
    kept: bool = False
    #: the line debugger on it, where that is none of an execution: it only looks
    console: Console | None = None


class Event(Protocol):
    """Tells the client of something."""

    def __call__(self, name: str, **body: Any) -> None:
        """Sends an event."""


class Debuggee:
    """What one client debugs, once it has launched it."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self._debugged: Debugged | None = None
        self._sources: Sources | None = None
        self._console: Console | None = None

    def begin(self, debugged: Debugged) -> None:
        """Something is debugged from now on."""
        self._debugged, self._console = debugged, debugged.console
        module = debugged.execution.instance.module
        self._sources = Sources(module, debugged.path, debugged.folder)

    @property
    def held(self) -> Execution:
        """The execution. Raises ExpressionError before there is one."""
        if self._debugged is None:
            raise ExpressionError("nothing is launched")
        return self._debugged.execution

    @property
    def console(self) -> Console:
        """What answers commands of the line debugger."""
        if self._console is None:
            self._console = Console(self.held)
        return self._console

    @property
    def is_still(self) -> bool:
        """Whether it can only be looked at: it is a core dump."""
        return self._debugged is not None and self._debugged.console is not None

    @property
    def sources(self) -> Sources:
        """The sources of its module. Raises ExpressionError before there is one."""
        if self._sources is None:
            raise ExpressionError("nothing is launched")
        return self._sources

    def end(self) -> None:
        """The client is gone."""
        if self._debugged is not None and not self._debugged.kept:
            self._debugged.execution.close()

    def frame(self, number: int) -> Activation:
        """A frame, the innermost is 0. Raises ExpressionError where there is none."""
        frames = self.held.frames
        if not 0 <= number < len(frames):
            raise ExpressionError(f"there is no frame {number}: there are {len(frames)}")
        return frames[number]

    def local(self, frame: int, name: str) -> int:
        """The index of a local that is shown under a name. Raises ExpressionError for none."""
        titles = [title_of(one, n, "l") for n, one in enumerate(self.frame(frame).locals)]
        if name not in titles:
            raise ExpressionError(f"no local of this function is called {name!r}")
        return titles.index(name)


def scope_of(reference: object) -> tuple[int, int]:
    """Frame and kind of what a reference to variables stands for."""
    frame, kind = divmod(int(str(reference)), _KINDS)
    return frame, kind


def reference_to(frame: int, kind: int) -> int:
    """The reference to variables of a frame."""
    return _KINDS * frame + kind


def title_of(variable: Variable, number: int, letter: str) -> str:
    """What a local or an operand is shown as."""
    return f"${variable.name}" if variable.name else f"{letter}{number}"


def text_of(value: object) -> str:
    """A value as editors show it."""
    return f"{value!r:.500}"
