"""Sinking: assignments move to the arms of a branch that read them (partially dead code).

Compilers compute ahead of a branch what several of its arms need, since that costs a processor
nothing. Here every assignment takes time, and is better made in the arms that read it (Knoop,
Ruething, Steffen, "Partial Dead Code Elimination", PLDI 1994, for one branch at a time).
"""

from __future__ import annotations

from ..analysis.liveness import at_end, live_variables, reads
from ..frontend.memory_access import unmasked
from ..ir import expr
from ..ir.domain import Environment
from ..ir.expr import Expr, constant
from ..ir.function import Function, LoweredBlock
from ..ir.statements import Assign, Call, Origin, Statement
from ..ir.traversal import subterms

__all__ = ["sink"]

#: what computes a number and nothing else, whatever the operands are
_PLAIN = frozenset((
    "var", "const", "+", "-", "*", "<<", ">>", "&", "|", "^", "neg", "invert", "wrap", "signed",
    "if", "bool", "truth", "not", "==", "!=", "<", "<=", ">", ">=", "slt", "in",
))  # fmt: skip


def sink(function: Function) -> Function:
    """Moves assignments at the ends of blocks to the heads of those that follow and read them."""
    sinking = _Sinking(function)
    for number in function.graph.order:
        result = function.blocks.get(number)
        if result is None or len(result.flows) < 2:
            continue
        # fast iterations leave a loop of one block with variables of their own
        if all(flow is None or flow.edge.target != number for flow in result.flows):
            sinking.sink_from(result)
    return function.with_statements(lambda result: sinking.statements[result.block.number])


class _Sinking:
    """The statements of each block as they move."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.statements = {
            number: list(result.statements) for number, result in function.blocks.items()
        }
        self.live = live_variables(function)

    def sink_from(self, result: LoweredBlock) -> None:
        """Moves what can be moved out of one block, the last assignment first."""
        targets = {flow.edge.target for flow in result.flows if flow is not None}
        inside = at_end(result, {})
        changed = 0
        lines = self.statements[result.block.number]
        for place in range(len(lines) - 1, -1, -1):
            line = lines[place]
            bit = line.defs
            free = bit and not bit & (inside | changed) and not reads(line.uses) & changed
            if free and isinstance(line, Assign):
                readers = [target for target in targets if self.live.get(target, 0) & bit]
                if len(readers) < len(targets) and _can_move(self.function, line, readers):
                    del lines[place]
                    for target in readers:
                        self.place(target, line)
                    continue
            inside |= reads(line.uses)
            changed |= bit | self.globals_set(line)

    def globals_set(self, line: Statement) -> int:
        """The globals that a statement may change, as a set of bits."""
        if isinstance(line, Call):
            return self.function.context.global_bits
        return line.target.reads if isinstance(line, Assign) and not line.local else 0

    def place(self, target: int, line: Assign) -> None:
        """Puts an assignment at the head of a block, where more may be known than at the branch."""
        result, lines = self.function.blocks[target], self.statements[target]
        value = _in_range(line.value, self.function.env[target])
        # an interruption may come on any line
        pending = lines[0].origin if lines else result
        origin = Origin(result.block.start, pending.pending, pending.settled)
        lines.insert(0, Assign(line.target, value, origin))
        self.live[target] = self.live[target] & ~line.defs | reads(line.uses)


def _can_move(function: Function, line: Assign, targets: list[int]) -> bool:
    """Whether an assignment means the same at the head of each of some blocks."""
    if line.is_fixed or not all(map(_is_plain, subterms(line.uses))):
        return False
    blocks = function.graph.blocks
    return all(
        len(blocks[target].preds) == 1 and target not in function.graph.loops for target in targets
    )


def _is_plain(term: Expr) -> bool:
    return term.op in _PLAIN or (term.op == "%" and term.args[1].op == "const")


def _in_range(value: Expr, env: Environment) -> Expr:
    """A number, not brought into range if it is known to be there."""
    if value.op not in ("%", "wrap"):
        return value
    base, offset = unmasked(value), 0
    if base.op == "+" and base.args[1].op == "const":
        base, offset = base.args[0], base.args[1].args[0]
    fact = env[base.place] if base.op == "var" and base.reads else None
    if fact is None or not 0 <= fact[0] + offset <= fact[1] + offset <= value.high:
        return value
    return expr.add(base, constant(offset))
