"""One iteration of a loop's fast version, as it is lowered.

Variables that only go up by a step are not assigned in it: they are read as what they were at its
head plus something, a pointer to words as the index of a word (strength reduction)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..analysis.induction import is_wrapped, unwrapped
from ..frontend.lowering import Site
from ..ir import expr
from ..ir.cfg import Edge
from ..ir.domain import Environment
from ..ir.expr import Expr, constant, variable
from ..ir.function import Flow

if TYPE_CHECKING:
    from .loop_versioning import _Loop

__all__ = ["Iteration"]


class Iteration(Site):
    """An iteration, being translated. The name of a variable that is stepped is what it holds at
    the head; what it holds further on is an expression."""

    def __init__(
        self,
        loop: _Loop,
        env: Environment,
        stack: list[Expr],
        stepped: dict[int, Expr],
        wrapping: set[int],
    ) -> None:
        super().__init__(loop.context, loop.result.block, env, stack, "u")
        self.loop = loop
        self.stepped = stepped
        #: variables whose steps may wrap
        self.wrapping = wrapping
        #: what variables hold that are not assigned
        self.now: dict[int, Expr] = {}
        #: variables that an expression does not stand for in every iteration
        self.lost: set[int] = set()
        #: pointers to words, shifted: the variable and the bits, by name
        self.indices: dict[str, tuple[int, int]] = {}

    def local(self, index: int) -> Expr:
        return self.now.get(index) or self.variable(index)

    def assign(self, target: str, value: Expr) -> None:
        """Sets a local or a global; a local that follows from others is only noted."""
        index = self.immediate
        if target == "local":
            if self._follows(index, value):
                self.now[index] = self.operands["a"] = value
                return
            self.now.pop(index, None)
            if index in self.stepped:
                self.lost.add(index)
        super().assign(target, value)

    def _follows(self, index: int, value: Expr) -> bool:
        """Whether a local needs no assignment, since its value follows from what variables held at
        the head of the iteration."""
        root, _ = self.sum_of(value)
        if index not in self.stepped:
            if self.loop.live_in >> index & 1:
                return False
            if self.loop.live >> index & 1:
                return root in self.stepped and self.stepped[root].op == "const"
        if root >= 0:
            return root in self.stepped
        value = unwrapped(value)
        if value.op != "+" or any(part.op != "var" for part in value.args):
            return False
        pair = [part for part in value.args if part.reads & self.loop.pointers]
        stepped = [part for part in pair if part.place in self.stepped]
        fixed = [part for part in pair if part.reads & self.loop.fixed]
        return len(stepped) == len(fixed) == 1

    def sum_of(self, value: Expr) -> tuple[int, int]:
        """The local and the number whose sum a value is, wrapped or not; -1 if it is none."""
        value, more = unwrapped(value), 0
        if value.op == "+" and value.args[1].op == "const":
            value, more = value.args[0], value.args[1].args[0]
        known = value.op == "var" and value.reads and value.place in self.context.moduli
        return (value.place, more) if known else (-1, 0)

    def _flow(self, edge: Edge, env: Environment) -> Flow:
        env = env.copy()
        for index, by in self.stepped.items():
            value, head = self.now.get(index, expr.ZERO), self.variable(index)
            if not _is_step(unwrapped(value), head, by, self.context.moduli[index]):
                self.lost.add(index)
            elif is_wrapped(value) or not _is_exact(value, by):
                self.wrapping.add(index)
            else:
                value = expr.add(head, by if by.op == "const" else self.variable(by.place))
            env.forget(index, (value.low, value.high, value.zeros))
        return super()._flow(edge, env)

    def _is_dear(self, part: Expr, bits: int) -> bool:
        return super()._is_dear(part, bits) and self._own_index(part, bits) is None

    def _index(self, pointer: Expr, bits: int) -> Expr | None:
        return self._own_index(pointer, bits) or super()._index(pointer, bits)

    def _own_index(self, pointer: Expr, bits: int) -> Expr | None:
        """The index of the word that a pointer points to, as a variable of its own."""
        if pointer.op != "var" or not pointer.reads & self.loop.pointers:
            return None
        place = pointer.place
        by = self.stepped.get(place)
        if place in self.wrapping or (by is None and not self.loop.fixed >> place & 1):
            return None
        if by is not None:
            if by.zeros < bits or (by.op == "var" and self._own_index(by, bits) is None):
                return None
        text = f"q{place}_{bits}"
        self.indices[text] = place, bits
        shifted = expr.shift_right(pointer, constant(bits))
        return variable(text, -1, shifted.low, shifted.high, shifted.zeros)


def _is_step(value: Expr, head: Expr, by: Expr, modulus: int) -> bool:
    """Whether a value is what a variable held plus its step, modulo ``modulus``."""
    if value.op != "+":
        return False
    if by.op == "const":
        base, more = value.args
        same = base.op == "var" and base.args == head.args and more.op == "const"
        return same and not (more.args[0] - by.args[0]) % modulus
    return {part.args[0] for part in value.args if part.op == "var"} == {head.args[0], by.args[0]}


def _is_exact(value: Expr, by: Expr) -> bool:
    """Whether a step is what is added, not what is the same modulo 2**32 or 2**64: several steps of
    an iteration may come to more than half a one, which as a step goes the other way."""
    return by.op != "const" or bool(value.args[1].args[0] == by.args[0])
