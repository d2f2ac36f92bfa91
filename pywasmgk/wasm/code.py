"""A function made ready for the interpreter: the block map with its branches resolved."""

from __future__ import annotations

from typing import Any, NamedTuple

from .blockmap import BlockMap, Branch, Control
from .dispatch import Dispatch, dispatch_for
from .isa import InstructionSet
from .values import ZERO

__all__ = ["Code", "prepare"]


class Code:
    """What the dispatch loop runs: one ``(operation, immediate)`` per instruction."""

    __slots__ = (
        "base",
        "depth",
        "entry",
        "large",
        "loops",
        "nparams",
        "offsets",
        "operations",
        "zeros",
    )

    def __init__(
        self, body: BlockMap, operations: list[tuple[int, Any]], loops: frozenset[int]
    ) -> None:
        self.operations = operations
        #: fuel charged on entry: one for the call, and the first block
        self.entry = 1 + body.costs[0]
        self.nparams = len(body.type.params)
        #: what the declared locals hold at first
        self.zeros = [ZERO[kind] for kind in body.locals[self.nparams :]]
        #: call depth that a frame takes
        self.depth = body.depth
        self.large = body.large
        #: it may run long without calling anything
        self.loops = any(operation in loops for operation, _ in operations)
        self.offsets = body.offsets
        self.base = body.base

    def offset(self, pc: int) -> int:
        """The offset in the file of the instruction before ``pc``, the one that runs."""
        return self.base + self.offsets[max(pc - 1, 0)]


class Jump(NamedTuple):
    """Where a branch leads."""

    pc: int
    #: fuel of the block that begins there
    cost: int
    #: it leads back to a loop, which is a test point
    loops: bool
    #: operands that stay below those that it carries, or -1 where nothing lies between
    height: int
    #: operands that it carries
    arity: int


def prepare(body: BlockMap, instructions: InstructionSet) -> Code:
    """Resolves branches to positions and fuel; everything else stays as validation left it."""
    dispatch = dispatch_for(instructions.whole)
    resolver = _Resolver(body, dispatch)
    translated = dispatch.translated
    forms = dispatch.forms
    operations = [
        (translated[number], x) if not forms[number] else resolver.resolve(forms[number], pc, x)
        for pc, (number, x) in enumerate(body.code)
    ]
    return Code(body, operations, frozenset((dispatch.control["loop"],)))


class _Resolver:
    def __init__(self, body: BlockMap, dispatch: Dispatch) -> None:
        self.costs = body.costs
        self.nresults = len(body.type.results)
        self.control = dispatch.control
        self.last = len(body.code) - 1

    def resolve(self, form: str, pc: int, x: Any) -> tuple[int, Any]:
        """The operation of one control instruction."""
        if form in ("block", "nop"):
            return self.control["nop"], None
        if form == "loop":
            return self.control["loop"], self.costs[pc + 1]
        if form == "if":
            return self.control["if"], (self.costs[pc + 1], *self.alternative(x))
        if form == "else":
            return self.control["jump"], (x.end + 1, self.costs[x.end + 1])
        if form == "end":
            if pc == self.last:
                return self.control["return"], self.nresults
            cost = self.costs[pc + 1]
            return (self.control["charge"], cost) if cost else (self.control["nop"], None)
        if form == "return":
            return self.control["return"], self.nresults
        if form in ("br", "br_if"):
            return self.branch(form, pc, x)
        if form == "br_table":
            jumps = {branch: self.jump(branch) for branch in set(x)}
            return self.control["br_table"], [jumps[branch] for branch in x]
        return self.control[form], x

    def alternative(self, control: Control) -> tuple[int, int]:
        """Where an ``if`` goes when its condition does not hold, and the fuel there."""
        pc = (control.end if control.otherwise is None else control.otherwise) + 1
        return pc, self.costs[pc]

    def jump(self, branch: Branch) -> Jump:
        """Resolves a branch. One to the function's end goes to its last instruction."""
        control, arity = branch.target, branch.arity
        height = control.height if branch.unwinds else -1
        if control.form == "func":
            return Jump(self.last, 0, False, -1, arity)
        if control.form == "loop":
            return Jump(control.start + 1, self.costs[control.start + 1], True, height, arity)
        return Jump(control.end + 1, self.costs[control.end + 1], False, height, arity)

    def branch(self, form: str, pc: int, x: Branch) -> tuple[int, Any]:
        """The operation of a br or br_if, and its immediate: where it goes on, and if not."""
        jump = self.jump(x)
        fall = self.costs[pc + 1]
        if jump.height >= 0:
            return self.control[f"{form}_unwind"], (jump, fall)
        if form == "br":
            return self.control["jump_loop" if jump.loops else "jump"], jump[:2]
        return self.control["br_if_loop" if jump.loops else "br_if"], (*jump[:2], fall)
