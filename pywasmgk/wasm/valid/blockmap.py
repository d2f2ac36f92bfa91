"""The block map: what validation learns of a body, and all that the tiers need of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import FuncType, ValType

__all__ = ["ENTERING", "BlockMap", "Branch", "Catch", "Control", "Try"]

#: fuel of entering a function that a module defines
ENTERING = 1


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

    @property
    def hidden(self) -> int:
        """Operands below those that code in it can see."""
        return 0


class Try(Control):
    """A ``try_table``, or a legacy ``try``."""

    __slots__ = ("catches", "catching", "delegate")

    def __init__(
        self,
        form: str,
        params: tuple[ValType, ...],
        results: tuple[ValType, ...],
        height: int,
        start: int,
    ) -> None:
        super().__init__(form, params, results, height, start)
        #: its clauses, in order
        self.catches: list[Catch] = []
        #: validation is in a legacy ``catch``
        self.catching = False
        #: where exceptions of its body go to be caught, if that is said
        self.delegate: Control | None = None

    @property
    def body_end(self) -> int:
        """Index of the instruction that its body ends before."""
        return self.catches[0].at if self.catches and self.catches[0].at >= 0 else self.end

    @property
    def clause_at(self) -> int:
        """Index of its latest legacy ``catch``; set, that of the first that has none yet."""
        return self.catches[-1].at

    @clause_at.setter
    def clause_at(self, at: int) -> None:
        number = next(n for n, clause in enumerate(self.catches) if clause.at < 0)
        self.catches[number] = self.catches[number]._replace(at=at)

    @property
    def hidden(self) -> int:
        """A legacy ``catch`` has its exception as an operand below those that its code can see."""
        return int(self.catching)


class Catch(NamedTuple):
    """What is caught, and where code goes on then."""

    #: the tag's index; ``None`` catches any exception
    tag: int | None
    #: the exception itself is given behind what it carries, as an exnref
    ref: bool
    #: how many operands it carries, the exnref left aside
    arity: int
    #: of ``try_table``: the branch; its height is that below what the exception carries
    branch: Branch | None
    #: index of a legacy ``catch``, which has its exception as a hidden operand below
    at: int = -1


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
    locals: Sequence[ValType]
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
    #: indices of instructions that are a form of control
    control: Sequence[int]
    #: functions that a constant expression names
    references: frozenset[int] = frozenset()

    @property
    def entry_fuel(self) -> int:
        """Fuel of a call that comes to it: that of entering, and of its first basic block."""
        return ENTERING + self.costs[0]

    @property
    def depth(self) -> int:
        """Call depth that a frame takes (RATIONALE.md, "Why may large frames count several times
        against the call depth?")."""
        return 1 + (len(self.locals) + self.max_height) // 256

    @property
    def large(self) -> bool:
        """Whether entering it costs more time than fuel."""
        return len(self.locals) > 256
