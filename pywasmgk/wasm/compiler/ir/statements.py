"""Statements of basic blocks: what each assigns, what it reads, and what is known if it raises.

A statement is immutable. ``defs`` is the set of locals that it assigns, ``uses`` are the
expressions that it evaluates, in order; passes ask for nothing else unless they know the kind.
Sets of variables are integers, a bit for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .expr import Expr

__all__ = [
    "Assign", "Call", "Charge", "Effect", "Expire", "Guard", "GuardedStore", "Origin", "Statement",
    "Store", "TestPoint", "Throw",
]  # fmt: skip


class Origin(NamedTuple):
    """Where a statement comes from, and what has to be known if it raises."""

    #: index of its instruction
    at: int
    #: fuel charged but not yet taken: since the last settlement, or else since the block began
    pending: int
    #: a call or the like has taken what was pending, earlier in the block
    settled: bool
    #: the TrapCode that Python's own exception there stands for, or that and a message
    trap: Any = None
    #: frames that pass through it need its offset: it must stay a line of its own
    own: bool = False


class Statement:
    """One statement. Kinds differ in their operands."""

    __slots__ = ("origin",)

    #: the local that it assigns, by name and as a set; of an assignment only
    local = ""
    defs = 0
    #: the name of the temporary that it defines; of an assignment only
    temporary = ""
    #: lines of Python that it becomes
    size = 1

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    @property
    def at(self) -> int:
        """The index of its instruction."""
        return self.origin.at

    @property
    def trap(self) -> Any:
        """What Python's own exception there stands for."""
        return self.origin.trap

    @property
    def is_fixed(self) -> bool:
        """Whether it must stay where it is, even if nothing reads what it assigns."""
        return self.origin.trap is not None or self.origin.own

    @property
    def uses(self) -> Sequence[Expr]:
        """The expressions that it evaluates."""
        return ()

    def with_uses(self, uses: Sequence[Expr]) -> Statement:
        """The same with other expressions in the place of ``uses``."""
        return self

    def mapped(self, change: Callable[[Expr], Expr]) -> Statement:
        """The same with each expression changed; itself, if none is."""
        uses = self.uses
        found = [change(term) for term in uses]
        if all(new is old for new, old in zip(found, uses)):
            return self
        return self.with_uses(found)


class Assign(Statement):
    """``target = value``. The target is a local, a global, or a temporary, which is assigned
    once."""

    __slots__ = ("defs", "local", "target", "temporary", "value")

    def __init__(self, target: Expr, value: Expr, origin: Origin) -> None:
        super().__init__(origin)
        self.target = target
        self.value = value
        name = self.name
        self.local = name if name[0] == "l" else ""
        self.defs = 1 << int(name[1:]) if self.local else 0
        self.temporary = "" if name[0] in "lg" else name

    @property
    def name(self) -> str:
        """The name of what it assigns."""
        return str(self.target.args[0])

    @property
    def uses(self) -> Sequence[Expr]:
        return (self.value,)

    def with_uses(self, uses: Sequence[Expr]) -> Assign:
        return Assign(self.target, uses[0], self.origin)

    def with_value(self, value: Expr) -> Assign:
        """The same with another value."""
        return Assign(self.target, value, self.origin)


class Store(Statement):
    """``place = value``, where ``place`` is in memory: an element of a view, or what ``struct``
    writes at an address."""

    __slots__ = ("place", "value")

    def __init__(self, place: Expr, value: Expr, origin: Origin) -> None:
        super().__init__(origin)
        self.place = place
        self.value = value

    @property
    def uses(self) -> Sequence[Expr]:
        return self.place, self.value

    def with_uses(self, uses: Sequence[Expr]) -> Store:
        return Store(uses[0], uses[1], self.origin)


class GuardedStore(Statement):
    """One of two stores: the first if a condition holds, the other if not."""

    __slots__ = ("condition", "otherwise", "then")

    size = 2

    def __init__(
        self, condition: Expr, then: tuple[Expr, Expr], otherwise: tuple[Expr, Expr], origin: Origin
    ) -> None:
        super().__init__(origin)
        self.condition = condition
        #: place and value, as of a Store
        self.then = then
        self.otherwise = otherwise

    @property
    def uses(self) -> Sequence[Expr]:
        return self.condition, *self.then, *self.otherwise

    def with_uses(self, uses: Sequence[Expr]) -> GuardedStore:
        return GuardedStore(uses[0], (uses[1], uses[2]), (uses[3], uses[4]), self.origin)


class Guard(Statement):
    """Traps if a condition holds."""

    __slots__ = ("code", "condition", "raised")

    def __init__(self, condition: Expr, code: Any, raised: Expr, origin: Origin) -> None:
        super().__init__(origin)
        self.condition = condition
        #: a TrapCode
        self.code = code
        #: the trap
        self.raised = raised

    @property
    def uses(self) -> Sequence[Expr]:
        return self.condition, self.raised

    def with_uses(self, uses: Sequence[Expr]) -> Guard:
        return Guard(uses[0], self.code, uses[1], self.origin)


class Call(Statement):
    """Calls a function that the module defines or imports, and assigns its results to
    temporaries. ``depth`` is the call depth that frames below this function's own take."""

    __slots__ = ("args", "callee", "depth", "results")

    def __init__(
        self,
        results: Sequence[Expr],
        callee: Expr,
        args: Sequence[Expr],
        depth: int,
        origin: Origin,
    ) -> None:
        super().__init__(origin)
        self.results = results
        self.callee = callee
        self.args = args
        self.depth = depth

    @property
    def uses(self) -> Sequence[Expr]:
        return self.callee, *self.args

    def with_uses(self, uses: Sequence[Expr]) -> Call:
        return Call(self.results, uses[0], uses[1:], self.depth, self.origin)


class Throw(Statement):
    """Throws an exception."""

    __slots__ = ("value",)

    def __init__(self, value: Expr, origin: Origin) -> None:
        super().__init__(origin)
        self.value = value

    @property
    def uses(self) -> Sequence[Expr]:
        return (self.value,)

    def with_uses(self, uses: Sequence[Expr]) -> Throw:
        return Throw(uses[0], self.origin)


class Charge(Statement):
    """Takes fuel: what is pending, so that callees see the right number; or an amount that depends
    on operands."""

    __slots__ = ("amount",)

    def __init__(self, amount: Expr | None, origin: Origin) -> None:
        super().__init__(origin)
        self.amount = amount

    @property
    def uses(self) -> Sequence[Expr]:
        return () if self.amount is None else (self.amount,)

    def with_uses(self, uses: Sequence[Expr]) -> Charge:
        return Charge(uses[0], self.origin) if uses else self


class TestPoint(Statement):
    """A test point: asks the meter to go on if what is pending there cannot be taken."""

    __slots__ = ()


class Expire(Statement):
    """Has the meter look at the clock, after what took more time than fuel."""

    __slots__ = ()


class Effect(Statement):
    """Evaluates a call for what it does."""

    __slots__ = ("value",)

    def __init__(self, value: Expr, origin: Origin) -> None:
        super().__init__(origin)
        self.value = value

    @property
    def uses(self) -> Sequence[Expr]:
        return (self.value,)

    def with_uses(self, uses: Sequence[Expr]) -> Effect:
        return Effect(uses[0], self.origin)
