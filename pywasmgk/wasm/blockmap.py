"""The block map: what validation learns of a body, and all that the tiers need of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .types import FuncType, ValType

__all__ = ["BlockMap", "Branch", "Control"]


class Control:
    """A structured control instruction, or the function itself (``form`` is then ``func``)."""

    __slots__ = (
        "end",
        "form",
        "height",
        "label_types",
        "otherwise",
        "params",
        "results",
        "start",
        "unreachable",
    )

    def __init__(
        self,
        form: str,
        params: tuple[ValType, ...],
        results: tuple[ValType, ...],
        height: int,
        start: int,
    ) -> None:
        self.form = form
        self.params = params
        self.results = results
        #: what a branch to it carries
        self.label_types = params if form == "loop" else results
        #: operands below it when it is entered, its parameters not counted
        self.height = height
        #: index of its instruction
        self.start = start
        #: index of its ``else``, if it has one
        self.otherwise: int | None = None
        #: index of its ``end``
        self.end = -1
        #: validation is in its dead code
        self.unreachable = False


class Branch(NamedTuple):
    """A branch: its target, and the operands on the stack when it is taken."""

    target: Control
    height: int

    @property
    def arity(self) -> int:
        """Operands that it carries."""
        return len(self.target.label_types)

    @property
    def unwinds(self) -> bool:
        """Whether operands lie between those that it carries and the target's."""
        return self.height != self.target.height + self.arity


class BlockMap(NamedTuple):
    """A validated body."""

    type: FuncType
    #: parameters and declared locals
    locals: tuple[ValType, ...]
    #: ``(dense number, immediate)``: of a block its Control, of a branch a Branch (of br_table a
    #: tuple of them, the default last), of a memarg the offset, of ``call_indirect`` the function
    #: type and the table; of ``end`` and ``else`` their Control
    code: list[tuple[int, Any]]
    #: offset of each instruction, relative to ``base``
    offsets: list[int]
    #: fuel of the basic block that begins at an index
    costs: dict[int, int]
    #: most operands that are on the stack at once
    max_height: int
    #: offset of the first instruction in the file
    base: int
    #: functions that a constant expression names
    references: frozenset[int] = frozenset()

    @property
    def depth(self) -> int:
        """Call depth that a frame takes (RATIONALE.md, "Why may large frames count several times
        against the call depth?")."""
        return 1 + (len(self.locals) + self.max_height) // 256

    @property
    def large(self) -> bool:
        """Whether entering it costs more time than fuel."""
        return len(self.locals) > 256
