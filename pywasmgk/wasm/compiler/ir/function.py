"""A function between passes: its control-flow graph, and the statements and exits of its blocks.

A pass takes a :class:`Function` and gives one; nothing of it is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import is_
from typing import TYPE_CHECKING, NamedTuple

from .cfg import Block, Edge, Graph
from .domain import Environment, Shifted
from .expr import Expr
from .statements import Statement

if TYPE_CHECKING:
    # what others put in; nothing of it is asked here
    from ..analysis.ranges import Analysis
    from ..frontend.context import Context
    from ..frontend.entry_guards import Assumption
    from ..passes.byte_narrowing import Narrow
    from ..passes.fast_version import FastVersion

__all__ = ["Flow", "Function", "LoweredBlock"]


class Flow:
    """What goes along one edge: the facts, the operands, and the moves into slots."""

    __slots__ = ("edge", "env", "stack")

    def __init__(self, edge: Edge, env: Environment, stack: Sequence[Expr]) -> None:
        self.edge = edge
        self.env = env
        self.stack = stack

    def mapped(self, change: Callable[[Expr], Expr]) -> Flow:
        """The same with each operand changed; itself, if none is."""
        stack = [change(term) for term in self.stack]
        if all(new is old for new, old in zip(stack, self.stack)):
            return self
        return Flow(self.edge, self.env, stack)


class LoweredBlock(NamedTuple):
    """A translated block."""

    block: Block
    statements: Sequence[Statement]
    #: fuel of the block that is not taken at its end
    pending: int
    #: a call or the like has taken what was pending, earlier in the block
    settled: bool
    #: it is not expected to run
    rare: bool
    #: the condition of a branch, the selector of a switch
    test: Expr | None
    #: the edges that can be taken; those of a branch that never holds are ``None``. A switch has
    #: the same object for all that leads to one target
    flows: Sequence[Flow | None]
    #: variables that were asked whether they point to words, and the zero bits of these
    alignment_tests: Mapping[int, int]
    #: indices of words that it would use, which may be computed before a loop
    wanted_indices: frozenset[Shifted]

    @property
    def exit_uses(self) -> list[Expr]:
        """What is read after the lines: by the branch, and as operands along the edges."""
        found = [] if self.test is None else [self.test]
        return found + [term for flow in self.flows if flow is not None for term in flow.stack]

    def with_statements(self, statements: Sequence[Statement]) -> LoweredBlock:
        """The same with other statements; itself, if none is another one."""
        known = self.statements
        if len(statements) == len(known) and all(map(is_, statements, known)):
            return self
        return self._replace(statements=statements)

    def mapped(self, change: Callable[[Expr], Expr]) -> LoweredBlock:
        """The same with each expression changed; itself, if none is."""
        new = {id(flow): flow.mapped(change) for flow in self.flows if flow is not None}
        flows = [None if flow is None else new[id(flow)] for flow in self.flows]
        test = None if self.test is None else change(self.test)
        found = self.with_statements([line.mapped(change) for line in self.statements])
        if test is self.test and all(map(is_, flows, self.flows)):
            return found
        return found._replace(test=test, flows=flows)


class Function(NamedTuple):
    """A function, or the rest of a call of it that has come to a loop."""

    #: what its blocks share: types, locals, the module; read only
    context: Context
    graph: Graph
    #: the blocks that can be reached, by number
    blocks: Mapping[int, LoweredBlock]
    #: what is known at each block's head
    env: Mapping[int, Environment]
    #: what the search for facts knows beside these, so that it can go on (``analysis.ranges``)
    search: Analysis
    #: how many operands are on the stack where the code is entered, if that is a loop's head
    slots: int | None = None
    #: what is taken for granted at the entry (``frontend.entry_guards``)
    assumed: Sequence[Assumption] = ()
    #: variables that are read from a block's head on before they are written, as sets of bits
    live: Mapping[int, int] = {}
    #: what may be masked in a block, by its number (``passes.byte_narrowing``)
    narrow: Mapping[int, Narrow] = {}
    #: locals that hold conditions instead of 1 and 0 (``passes.boolean_locals``)
    outcomes: frozenset[str] = frozenset()
    #: fast versions of loops of one block, by their heads (``passes.loop_versioning``)
    fast: Mapping[int, FastVersion] = {}

    @property
    def statements(self) -> Iterator[Statement]:
        """The statements of all blocks."""
        return (line for result in self.blocks.values() for line in result.statements)

    @property
    def uses(self) -> Iterator[Expr]:
        """The expressions of all statements."""
        return (term for line in self.statements for term in line.uses)

    @property
    def exit_uses(self) -> Iterator[Expr]:
        """What is read after the statements of all blocks."""
        return (term for result in self.blocks.values() for term in result.exit_uses)

    def with_statements(self, change: Callable[[LoweredBlock], Sequence[Statement]]) -> Function:
        """The same with other statements in each block."""
        blocks = {n: result.with_statements(change(result)) for n, result in self.blocks.items()}
        return self._replace(blocks=blocks)

    def mapped(self, change: Callable[[Expr], Expr]) -> Function:
        """The same with each expression changed."""
        return self._replace(
            blocks={number: result.mapped(change) for number, result in self.blocks.items()}
        )
