"""Takes note of the frames that an exception leaves, for who wants a core dump.

A thread, or a task of an event loop, has a witness only while somebody asks for one; engines look
for it when an exception leaves their frames, and at no other time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["WITNESS", "LeftFrame", "Witness"]


class LeftFrame(NamedTuple):
    """A frame that an exception has left."""

    instance: Instance
    #: index of its function
    function: int
    #: of the instruction in the module's file
    offset: int
    #: as the engine has them; ``None`` where the code was compiled, which keeps no locals
    locals: Sequence[Any] | None = None
    stack: Sequence[Any] | None = None


class Witness:
    """The frames that the latest exception has left, the innermost first."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.frames: list[LeftFrame] = []

    def saw(self, error: BaseException, frames: Iterable[LeftFrame]) -> None:
        """An exception leaves frames, further out than those that it has left before."""
        if error is not self.error:
            self.error, self.frames = error, []
        self.frames += frames


#: who wants to know of frames that exceptions leave, in a task and the threads that work for it
WITNESS: ContextVar[Witness | None] = ContextVar("pywasmgk_witness", default=None)
