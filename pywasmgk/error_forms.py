"""Errors as plain data, for programs: what forms of the command line and the playground have."""

from __future__ import annotations

from typing import Any

from .errors import (
    CallError,
    DecodeError,
    Exit,
    Frame,
    GuestError,
    PywasmgkError,
    TextError,
    Trap,
    ValidationError,
)

__all__ = ["engine_error", "error_form"]


def error_form(error: BaseException) -> dict[str, Any]:
    """An error as JSON forms have it; what it was caused by gives code and frames."""
    engine = engine_error(error)
    form: dict[str, Any] = {
        "type": type(error).__name__,
        "code": None,
        "message": _message(error),
        "frames": [],
    }
    if isinstance(engine, Trap):
        form["code"] = engine.trap_code.name
    elif isinstance(engine, Exit):
        form["code"] = engine.code
    if isinstance(engine, GuestError):
        form["frames"] = [_frame(frame) for frame in engine.frames]
    if isinstance(engine, (DecodeError, ValidationError)):
        if engine.place is not None:
            place = engine.place
            form |= {"line": place.line, "column": place.column, "excerpt": place.excerpt}
        if not isinstance(engine, TextError):
            form["offset"] = engine.offset
    if engine is not error and engine is not None:
        form["cause"] = type(engine).__name__
    return form


def _frame(frame: Frame) -> dict[str, Any]:
    """A frame, with line and column where the module was made from text, and with the lines of its
    source where debug information has them."""
    form = frame._asdict()
    del form["lines"], form["listing"], form["text"]
    if (place := frame.place) is not None:
        form |= {"line": place.line, "column": place.column, "excerpt": place.excerpt}
    if frame.source:
        form["source"] = [line._asdict() for line in frame.source]
    return form


def _message(error: BaseException) -> str:
    if isinstance(error, (DecodeError, ValidationError)):
        return error.headline
    return error.message if isinstance(error, GuestError) else str(error)


def engine_error(error: BaseException | None) -> BaseException | None:
    """The engine's exception behind a plugin's error."""
    if isinstance(error, CallError) and error.cause is not None:
        return error.cause
    cause = None if error is None else error.__cause__
    return cause if isinstance(cause, PywasmgkError) else error
