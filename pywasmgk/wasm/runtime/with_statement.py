"""What shows that a ``with`` statement is not over, also where an interruption ended it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

__all__ = ["Exit", "holder_of"]


class Manager(Protocol):
    """A context manager whose class has an :class:`Exit`."""

    #: what was found at the latest look for its ``__exit__``
    statement: weakref.ref[Any] | None


class Exit:
    """The ``__exit__`` of a class of context managers, from the method that leaves them.

    A ``with`` statement looks it up before it enters. It keeps what it found on the stack of its
    function, nowhere else, and calls that when it ends. So this is there as long as the statement
    is. The manager itself is no such sign: variables hold it, and so do the frames in the traceback
    of an interruption, which an interactive Python keeps.
    """

    def __init__(self, leave: Callable[..., None]) -> None:
        self._leave = leave

    def __get__(self, manager: Manager | None, owner: type) -> Callable[..., None]:
        if manager is None:
            return self._leave  # as contextlib's stacks ask for it
        found = partial(self._leave, manager)
        manager.statement = weakref.ref(found)
        return found


def holder_of(manager: Manager) -> weakref.ref[Any]:
    """What is there as long as a manager is entered: what its ``with`` statement found, or itself
    where it is entered by other means."""
    statement = manager.statement
    return weakref.ref(manager) if statement is None or statement() is None else statement
