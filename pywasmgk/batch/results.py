"""What came of a task: a value or how it ended, and what it took."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from .forms import form_of, value_of

__all__ = ["Result", "Verdict"]


class Verdict(str, Enum):
    """How a task ended."""

    #: it gave a value
    OK = "ok"
    #: a trap, or an exception that nobody caught
    TRAP = "trap"
    #: its instructions, its seconds, its pages were used up
    FUEL = "fuel"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    #: a program's exit code other than 0, which is the value
    EXIT = "exit"
    #: the module cannot be decoded or linked, or takes other arguments
    REFUSED = "refused"
    #: the host, or the plugin's contract, failed
    ERROR = "error"
    #: the worker died, each time that it was tried
    LOST = "lost"

    def __str__(self) -> str:
        return self.value


class Result(NamedTuple):
    """A task's end. All but the message, the seconds and the worker is the same wherever it ran."""

    #: what it gave: a call's results, a plugin's JSON value, a program's exit code
    value: Any
    verdict: Verdict
    #: what is said of an end that was not good
    message: str
    #: instructions, and pages of memory at the end
    fuel: int
    pages: int
    #: what a program or a plugin wrote, as far as it was kept
    stdout: bytes
    stderr: bytes
    #: whether it wrote more than was kept
    truncated: bool
    #: where in the guest it ended, the innermost first: as error forms have them
    frames: tuple[dict[str, Any], ...]
    #: seconds of the task, and the process that did it
    seconds: float
    worker: str
    #: which input it is of, from 0
    number: int = 0

    def form(self) -> dict[str, Any]:
        """As a JSON value."""
        return {**self._asdict(), "value": form_of(self.value), "verdict": self.verdict.value,
                "stdout": form_of(self.stdout), "stderr": form_of(self.stderr),
                "frames": list(self.frames)}  # fmt: skip

    @classmethod
    def of(cls, form: dict[str, Any]) -> Result:
        """From what :meth:`form` gave."""
        return cls(**{
            **form, "value": value_of(form["value"]), "verdict": Verdict(form["verdict"]),
            "stdout": value_of(form["stdout"]), "stderr": value_of(form["stderr"]),
            "frames": tuple(form["frames"]),
        })  # fmt: skip

    @property
    def same_everywhere(self) -> tuple[Any, ...]:
        """What does not depend on the machine, to compare runs by."""
        return (self.number, form_of(self.value), self.verdict, *self[3:9])
