"""Byte narrowing: locals of which only the lowest byte or two are demanded hold no more than that.

Arithmetic on bytes is arithmetic on 32 bits in wasm: a sum is brought into 32 bits when it is made,
and into eight where it is stored, compared or added to the next. Where every reader of a local
demands its low bits only, one mask at its definition does for all of them.

Demanded bits are a backward analysis (``analysis.demanded_bits``); which locals are masked at a
block's head is a forward one, here. A local whose high bits nobody demands may hold anything there:
then no more than its low bits is right of what is computed from it, and so nothing is concluded
from its bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from ..analysis.demanded_bits import demanded_after, demands
from ..frontend.memory_access import unmasked
from ..ir.expr import Expr, constant
from ..ir.function import Function
from ..ir.statements import Assign, Statement
from ..ir.traversal import rewritten, subterms

__all__ = ["Narrow", "narrow", "narrowed"]

_MASKS = (0xFF, 0xFFFF)


class Narrow(NamedTuple):
    """What is to be known of a block to mask in it, by local."""

    masks: dict[str, int]
    #: the bits that are demanded after it
    demanded: dict[str, int]
    #: the locals that are masked already at its head
    small: frozenset[str]


def narrow(function: Function) -> Function:
    """Masks locals of which only low bits are demanded where they are set, and not where they are
    read. What is needed to do so to another version of a block is noted (``narrow``)."""
    if function.slots is not None:
        return function  # locals come as the interpreter has them
    masks = _masked(function)
    if not masks:
        return function
    demanded = demanded_after(function, masks)
    small = _small(function, masks, demanded)
    found = {n: Narrow(masks, demanded[n], small[n]) for n in function.blocks}
    function = function._replace(narrow=found)
    return function.with_statements(
        lambda result: narrowed(result.statements, found[result.block.number])
    )


def narrowed(lines: Sequence[Statement], block: Narrow | None) -> list[Statement]:
    """The lines of a block, masked where locals are set."""
    if block is None:
        return list(lines)
    demanded = dict(demands(lines, block.masks, dict(block.demanded)))
    small, found = set(block.small), []
    for number, line in enumerate(lines):
        line = line.mapped(_unmasked(frozenset(small), block.masks))
        mask = block.masks.get(line.local)
        if mask is not None and isinstance(line, Assign):
            if _can_mask(line, demanded[number], mask):
                value = Expr("&", (unmasked(line.value), constant(mask)), 0, mask)
                line = line.with_value(value)
            _pass(line, demanded[number], mask, small, block.masks)
        found.append(line)
    return found


# -- which locals may be masked


def _masked(function: Function) -> dict[str, int]:
    """The locals that are masked to a byte or two somewhere, and the mask."""
    parameters, lines = len(function.context.body.type.params), list(function.statements)
    found: dict[str, int] = {}
    for term in subterms(term for line in lines for term in line.uses):
        local = _local_under_mask(term)
        if local is not None and local.place >= parameters:
            mask = term.args[1].args[0]
            found[local.args[0]] = min(mask, found.get(local.args[0], mask))
    may = {
        line.local
        for line in lines
        if isinstance(line, Assign)
        if line.local in found and _can_mask(line, 0, found[line.local])
    }
    return {local: mask for local, mask in found.items() if local in may}


def _local_under_mask(term: Expr) -> Expr | None:
    if term.op not in ("&", "lowest") or term.args[1].op != "const":
        return None
    inner: Expr = term.args[0]
    if inner.op != "var" or not inner.reads or inner.args[0][0] != "l":
        return None
    return inner if term.args[1].args[0] in _MASKS else None


def _can_mask(line: Assign, demanded: int, mask: int) -> bool:
    """Whether what a local is set to is brought into 32 bits, where a byte would do. Steps of
    counters are left alone."""
    value = line.value
    if not 0 <= demanded <= mask or value.low is None:
        return False
    inner = unmasked(value)
    steps = inner.op == "+" and all(arg.op in ("var", "const") for arg in inner.args)
    return inner is not value and inner.low is not None and not steps


# -- where locals are masked


def _small(
    function: Function, masks: dict[str, int], demanded: dict[int, dict[str, int]]
) -> dict[int, frozenset[str]]:
    """The locals that are masked at each block's head, on every path."""
    heads = dict.fromkeys(function.blocks, frozenset(masks))
    order = [number for number in function.graph.order if number in heads]
    changed = True
    while changed:
        changed = False
        for number in order:
            result = function.blocks[number]
            small = set(heads[number])
            own = dict(demands(result.statements, masks, dict(demanded[number])))
            for place, line in enumerate(result.statements):
                if isinstance(line, Assign) and line.local in masks:
                    _pass(line, own[place], masks[line.local], small, masks)
            for flow in result.flows:
                target = -1 if flow is None else flow.edge.target
                if target in heads and not heads[target] <= small:
                    heads[target], changed = heads[target] & small, True
    return heads


def _pass(line: Assign, demanded: int, mask: int, small: set[str], masks: dict[str, int]) -> None:
    """Notes whether a local is masked after the line that sets it."""
    if _can_mask(line, demanded, mask) or _is_small(line.value, mask, masks):
        small.add(line.local)
    else:
        small.discard(line.local)


def _is_small(value: Expr, mask: int, masks: dict[str, int]) -> bool:
    """Whether an expression is a byte, or what the mask is, whatever is in high bits of what it
    reads."""
    if value.low is None or not 0 <= value.low <= value.high <= mask:
        return False
    if value.op in ("&", "lowest") and value.args[1].op == "const":
        own: int = value.args[1].args[0]
        return 0 <= own <= mask
    return not any(term.op == "var" and term.args[0] in masks for term in subterms((value,)))


def _unmasked(small: Container[str], masks: dict[str, int]) -> Callable[[Expr], Expr]:
    """Makes a local that is masked already the local itself."""

    def replaced(term: Expr) -> Expr:
        local = _local_under_mask(term)
        if local is not None and local.args[0] in small:
            if masks[local.args[0]] == term.args[1].args[0]:
                return Expr("var", local.args, term.low, term.high, term.zeros, term.reads)
        return term

    return lambda term: rewritten(term, replaced)
