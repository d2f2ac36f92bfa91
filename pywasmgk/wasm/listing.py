"""The text of functions, for who shows the frames of an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module
    from .text.disassembly import Line

__all__ = ["Listing"]


class Listing:
    """Has the text of a module's functions. It is no part of what a frame is: those of equal places
    are equal, with or without one, and it does not travel with them."""

    __slots__ = ("_module",)

    def __init__(self, module: Module | None = None) -> None:
        self._module = module

    def function(self, index: int) -> Iterator[Line]:
        """The lines of a function; none where the module is not there any more."""
        if self._module is not None:
            # only who looks pays for writing text
            from .text.disassembly import Disassembly

            yield from Disassembly(self._module).function(index)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Listing)

    def __hash__(self) -> int:
        return hash(None)

    def __reduce__(self) -> tuple[type[Listing], tuple[()]]:
        return Listing, ()

    def __repr__(self) -> str:
        return "<Listing>"
