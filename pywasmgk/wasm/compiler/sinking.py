"""Assignments moved to where they are read, where not every way from a branch reads them.

Compilers compute ahead of a branch what several of its arms need, since that costs a processor
nothing. Here every assignment takes time, and is better made in the arms that read it.
"""

from __future__ import annotations

from . import terms
from .analysis import Analysis
from .facts import Environment
from .lines import Line, Part
from .liveness import at_end, live_variables, reads, written
from .pointers import unmasked
from .terms import Term, constant, subterms
from .translate import Result

__all__ = ["sink"]

#: what computes a number and nothing else, whatever the operands are
_PLAIN = frozenset((
    "var", "const", "+", "-", "*", "<<", ">>", "&", "|", "^", "neg", "invert", "wrap", "signed",
    "if", "bool", "truth", "not", "==", "!=", "<", "<=", ">", ">=", "slt", "in",
))  # fmt: skip


def sink(analysis: Analysis) -> None:
    """Moves assignments at the ends of blocks to the heads of those that follow and read them."""
    live = live_variables(analysis)
    for number in analysis.graph.order:
        result = analysis.results.get(number)
        if result is None or len(result.ways) < 2:
            continue
        # fast turns leave a loop of one block with variables of their own
        if all(way is None or way.edge.target != number for way in result.ways):
            _sink_from(analysis, result, live)


def _sink_from(analysis: Analysis, result: Result, live: dict[int, int]) -> None:
    """Moves what can be moved out of one block, the last assignment first."""
    targets = {way.edge.target for way in result.ways if way is not None}
    inside = at_end(result, {})
    changed = 0
    for place in range(len(result.lines) - 1, -1, -1):
        line = result.lines[place]
        bit = written(line)
        if bit and not bit & (inside | changed) and not reads(line.parts) & changed:
            readers = [target for target in targets if live.get(target, 0) & bit]
            if len(readers) < len(targets) and _can_move(analysis, line, readers):
                del result.lines[place]
                for target in readers:
                    _place(analysis, target, line, live)
                continue
        inside |= reads(line.parts)
        changed |= bit


def _can_move(analysis: Analysis, line: Line, targets: list[int]) -> bool:
    """Whether an assignment means the same at the head of each of some blocks."""
    if line.trap is not None or line.own or not all(map(_is_plain, subterms(line.parts))):
        return False
    blocks = analysis.graph.blocks
    return all(
        len(blocks[target].preds) == 1 and target not in analysis.graph.loops for target in targets
    )


def _is_plain(term: Term) -> bool:
    return term.op in _PLAIN or (term.op == "%" and term.args[1].op == "const")


def _place(analysis: Analysis, target: int, line: Line, live: dict[int, int]) -> None:
    """Puts an assignment at the head of a block, where more may be known than at the branch."""
    result = analysis.results[target]
    name, equals, value = line.parts
    parts = (name, equals, _in_range(value, analysis.env[target]))
    # an interruption may come on any line
    pending = result.lines[0] if result.lines else result
    moved = Line(parts, result.block.start, pending.pending, pending.settled, None, False)
    result.lines.insert(0, moved)
    live[target] = live[target] & ~written(line) | reads(line.parts)


def _in_range(value: Part, env: Environment) -> Part:
    """A number, not brought into range if it is known to be there."""
    if not isinstance(value, Term) or value.op not in ("%", "wrap"):
        return value
    base, offset = unmasked(value), 0
    if base.op == "+" and base.args[1].op == "const":
        base, offset = base.args[0], base.args[1].args[0]
    fact = env[base.place] if base.op == "var" and base.reads else None
    if fact is None or not 0 <= fact[0] + offset <= fact[1] + offset <= value.high:
        return value
    return terms.add(base, constant(offset))
