"""Tracebacks that end where a user's own code does.

What happens inside of this package tells nobody anything about a guest: an error has the guest's
own frames. Where a public function is left by one, the frames below it go, but for those of the
host's functions. An exception that this package raised by mistake keeps them all. pytest hides what
is left of the package, by ``__tracebackhide__``; modules that have it raise what is wrong with a
caller's arguments, too.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from .errors import PywasmgkError

__all__ = ["hidden", "shorten", "shortened", "warn"]

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: how the names of code that the engine makes begin
_MADE = "<pywasmgk"
_MOST_CAUSES = 10

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def hidden(excinfo: Any) -> bool:
    """For pytest: whether the frames of a module say nothing about an exception."""
    return isinstance(excinfo.value, PywasmgkError)


def shorten(error: BaseException) -> None:
    """Takes the frames of this package out of an exception's traceback, below the first, and out of
    those of its causes. Exceptions that came up in the package by mistake stay as they are."""
    _shorten(error, error.__traceback__)
    cause = error.__cause__
    for _ in range(_MOST_CAUSES):
        if cause is None or not isinstance(error, PywasmgkError):
            break
        rest = _shorten(cause, cause.__traceback__)
        if rest is not None and _is_ours(rest):
            cause.__traceback__ = rest.tb_next
        cause = cause.__cause__


def _shorten(error: BaseException, first: TracebackType | None) -> TracebackType | None:
    parts = []
    part = first
    while part is not None:
        parts.append(part)
        part = part.tb_next
    if len(parts) < 2:
        return first
    theirs = [part for part in parts[1:] if not _is_ours(part)]
    if not (_is_known(error, parts[-1]) or (theirs and theirs[-1] is parts[-1])):
        return None
    _relink(
        [
            (part, following)
            for part, following in zip([parts[0], *theirs], [*theirs, None])
            if part.tb_next is not following
        ]
    )
    return first


def _relink(links: Sequence[tuple[TracebackType, TracebackType | None]]) -> None:
    """Has parts be followed by others, the outermost first. Python walks through all that follows,
    so that the whole is taken apart before: it is as long as the stack was deep."""
    for part, _ in links:
        part.tb_next = None
    for part, following in links:
        part.tb_next = following


def _is_known(error: BaseException, raised: TracebackType) -> bool:
    """Whether it was raised on purpose, or may come anywhere."""
    if isinstance(error, (TypeError, ValueError, OverflowError)):
        return isinstance(error, PywasmgkError) or "__tracebackhide__" in raised.tb_frame.f_globals
    return isinstance(error, (PywasmgkError, KeyboardInterrupt))


def _is_ours(part: TracebackType) -> bool:
    name = part.tb_frame.f_code.co_filename
    return name.startswith((_HERE, _MADE))


def warn(message: str) -> None:
    """A DeprecationWarning at the place where a user's code called this package."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((_HERE, _MADE)):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)


def shortened(function: Callable[_Params, _Result]) -> Callable[_Params, _Result]:
    """A public function that is left by exceptions with short tracebacks."""

    @functools.wraps(function)
    def call(*args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            shorten(error)
            raise  # what happened is in the message

    return call
