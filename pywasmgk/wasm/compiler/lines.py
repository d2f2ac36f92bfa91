"""Lines of generated code before they are text: parts, and what has to be known if one raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

from .terms import Term

__all__ = ["Line", "Part", "Settle", "Test"]

Part = Union[str, Term]


class Line:
    """One line of code: text and terms, and what has to be known if it raises."""

    __slots__ = ("at", "own", "parts", "pending", "settled", "target", "trap")

    def __init__(
        self, parts: Sequence[Part], at: int, pending: int, settled: bool, trap: Any, own: bool
    ) -> None:
        self.parts = parts
        #: index of its instruction
        self.at = at
        #: fuel charged but not yet taken: since the last settlement, or else since the block began
        self.pending = pending
        self.settled = settled
        #: the TrapCode of an IndexError or the like on this line
        self.trap = trap
        #: frames that pass through it need its offset, so that nothing may be merged into it
        self.own = own
        #: the local that it assigns, or nothing
        self.target = ""
        if len(parts) == 3 and parts[1] == " = ":
            name = parts[0]
            if isinstance(name, str) and name[0] == "l":
                self.target = name

    @property
    def operands(self) -> Sequence[Part]:
        """The parts that are read: all but a variable that is set. A place in memory that is set is
        read for its index."""
        first = self.parts[0] if self.parts else ""
        sets = isinstance(first, Term) and first.op == "var" and self.parts[1] == " = "
        return self.parts[1:] if sets else self.parts

    def with_value(self, value: Term) -> Line:
        """The same with another value for what it sets."""
        parts = (*self.parts[:2], value)
        return Line(parts, self.at, self.pending, self.settled, self.trap, self.own)


class Settle(Line):
    """Takes what is pending, so that callees see the right number."""

    __slots__ = ()


class Test(Line):
    """A test point: whether what is pending there can be taken."""

    __slots__ = ()
