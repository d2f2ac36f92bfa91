"""One use of the command line: how it prints, and how it fails."""

from __future__ import annotations

import io
import time
import traceback
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import click

from ..error_forms import engine_error, error_form
from ..errors import (
    DeadlineExceeded,
    LinkError,
    OutOfFuel,
    PywasmgkError,
)
from .output import json_text, say

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "USAGE",
    "Failure",
    "Measures",
    "Session",
    "describe",
    "pass_session",
]

#: exit codes; the last one is that of shells for a program that SIGINT has ended
FAILED, USAGE, INTERRUPTED = 1, 2, 130

#: options that would have let the guest go on
_CURES = {
    OutOfFuel: "--fuel N or --fuel none lets it run longer",
    DeadlineExceeded: "--timeout SECONDS or --timeout none lets it run longer",
}


#: how the note of a memory over the limit begins
_MEMORY_NOTE = "memory_limit="


class Measures(NamedTuple):
    """What the guest took, as far as it came."""

    fuel: int = 0
    #: pages of memory
    pages: int = 0
    #: ``None`` for commands that do not say
    host_calls: int | None = None


class Session:
    """What the flags say, and what a failing command can still tell."""

    def __init__(self, *, json: bool = False, debug: bool = False) -> None:
        self.json = json
        self.debug = debug
        #: what messages begin with: the file that the command works on
        self.subject: str | None = None
        self._measure: Callable[[], Measures] | None = None
        self._started = time.perf_counter()

    def begin(self, measure: Callable[[], Measures]) -> None:
        """Time counts from now on; ``measure`` is asked at the end, be it good or bad."""
        self._measure = measure
        self._started = time.perf_counter()

    def measures(self, error: BaseException | None = None) -> dict[str, Any]:
        """Fuel, seconds, pages and calls of the host, as JSON forms have them."""
        seconds = time.perf_counter() - self._started
        if self._measure is None:
            return {}
        fuel, pages, host_calls = self._measure()
        charged = getattr(engine_error(error), "fuel_used", None)
        form = {
            "fuel": fuel if charged is None else charged,
            "seconds": round(seconds, 6),
            "pages": pages,
        }
        return form if host_calls is None else {**form, "host_calls": host_calls}

    def failure(self, error: BaseException) -> Failure:
        """An exception as click shows it."""
        if isinstance(error, KeyboardInterrupt):
            return Interrupted(self, error)
        return (Misuse if isinstance(error, click.UsageError) else Failure)(self, error)

    def print_json(self, form: Any) -> None:
        """Prints a form for programs, in ASCII, on one line."""
        say(json_text(form))

    def print_stats(self, error: BaseException | None = None) -> None:
        """Prints what the guest took, to standard error."""
        form = self.measures(error)
        fuel, seconds = form["fuel"], form["seconds"]
        rate = f", {fuel / seconds / 1e6:.2f} million a second" if seconds else ""
        pages = f"{form['pages']} page{'' if form['pages'] == 1 else 's'}"
        parts = [f"{fuel:,} instructions in {seconds:.3f} s{rate}", pages]
        if "host_calls" in form:
            parts.append(f"{form['host_calls']} calls of the host")
        say("; ".join(parts), err=True)


pass_session = click.make_pass_decorator(Session)


class Failure(click.ClickException):
    """An error to be shown as one message, or as JSON."""

    exit_code = FAILED

    def __init__(self, session: Session, error: BaseException) -> None:
        super().__init__(str(error))
        self.session = session
        self.error = error

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints it: JSON to standard output, text to standard error."""
        if self.session.debug:
            say("".join(traceback.format_exception(self.error)), err=True)
        if self.session.json:
            form = {"error": describe(self.error), **self.session.measures(self.error)}
            self.session.print_json(form)
        elif isinstance(self.error, click.ClickException):
            # click's own way would print names of files and words of the line as they are
            shown = io.StringIO()
            self.error.show(shown)
            say(shown.getvalue().rstrip("\n"), err=True)
        else:
            say(f"Error: {self._text()}", err=True)

    def _text(self) -> str:
        error = self.error
        if not isinstance(error, (PywasmgkError, OSError)):
            # not the guest's doing: ours, or the machine's
            return f"{type(error).__name__}: {error}; --debug shows where"
        if isinstance(error, OSError) and error.strerror and not error.filename:
            return error.strerror  # of a stream of ours
        cure = _CURES.get(type(engine_error(error))) or _memory_cure(error)  # type: ignore[arg-type]
        lines = [f"{self.session.subject}: {error}" if self.session.subject else str(error)]
        return "\n".join([*lines, f"Hint: {cure}."] if cure else lines)


def _memory_cure(error: BaseException | None) -> str | None:
    """The option that lets a module have the memory that it needs, if that is what was wrong."""
    while error is not None:
        for note in getattr(error, "__notes__", ()):
            if isinstance(error, LinkError) and note.startswith(_MEMORY_NOTE):
                return f"--memory-limit {note.removeprefix(_MEMORY_NOTE)}"
        error = error.__cause__
    return None


class Misuse(Failure):
    """The line itself is wrong."""

    exit_code = USAGE


class Interrupted(Failure):
    """Somebody pressed Ctrl-C."""

    exit_code = INTERRUPTED

    def _text(self) -> str:
        measures = self.session.measures(self.error)
        return f"interrupted after {measures['fuel']:,} instructions" if measures else "interrupted"


def describe(error: BaseException) -> dict[str, Any]:
    """An error as JSON forms have it; what it was caused by gives code and frames."""
    form = error_form(error)
    if isinstance(error, KeyboardInterrupt):
        return {**form, "message": "interrupted"}
    if isinstance(error, click.UsageError):
        form["type"] = "UsageError"
    if isinstance(error, click.ClickException):
        form["message"] = error.format_message()
    return form
