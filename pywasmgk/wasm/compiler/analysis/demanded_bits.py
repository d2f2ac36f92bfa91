"""Demanded bits: which bits of variables their readers need.

A backward analysis: the bits that are needed of an expression give those that are needed of its
operands; a mask needs no more than its own, a sum none above the highest one. (LLVM has it by this
name, as the analysis DemandedBits.)
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any

from ..ir.expr import Expr, keeps
from ..ir.function import Function
from ..ir.statements import Statement

__all__ = ["ALL_BITS", "MODULAR", "as_parts_of_words", "demanded_after", "demands"]

ALL_BITS = -1
_WORD = 0xFFFFFFFF
#: whose low bits depend on the low bits of the operands alone
_LOW = frozenset(("+", "-", "*", "neg"))
_BITWISE = frozenset(("&", "^", "|", "invert"))
#: both: what makes low bits of low bits
MODULAR = _LOW | _BITWISE


def demanded_after(function: Function, masks: dict[str, int]) -> dict[int, dict[str, int]]:
    """The bits of some locals that are demanded after each block's statements, to a fixpoint."""
    heads: dict[int, dict[str, int]] = {number: {} for number in function.blocks}
    order = [number for number in reversed(function.graph.order) if number in heads]
    after: dict[int, dict[str, int]] = {}
    changed = True
    while changed:
        changed = False
        for number in order:
            result = function.blocks[number]
            demanded: dict[str, int] = {}
            for flow in result.flows:
                if flow is not None:
                    for local, bits in heads.get(flow.edge.target, {}).items():
                        demanded[local] = demanded.get(local, 0) | bits
            for term in result.exit_uses:
                _demand(term, ALL_BITS, demanded, masks)
            after[number] = dict(demanded)
            for _ in demands(result.statements, masks, demanded):
                pass
            if demanded != heads[number]:
                heads[number], changed = demanded, True
    return after


def demands(
    lines: Sequence[Statement], masks: dict[str, int], demanded: dict[str, int]
) -> Iterator[tuple[int, int]]:
    """Goes back through statements: what is demanded after them becomes what is demanded before
    them. Gives the number of each that sets a local, and the bits of it that are demanded."""
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        bits = ALL_BITS
        if line.local in masks:
            bits = demanded.pop(line.local, 0)
            yield number, bits
            bits = bits or ALL_BITS
        for term in line.uses:
            _demand(term, bits, demanded, masks)


def _demand(term: Expr, bits: int, demanded: dict[str, int], names: Container[str]) -> None:
    """Notes which bits of some variables are needed for some bits of an expression."""
    waiting: list[tuple[Any, int]] = [(term, bits)]
    while waiting:
        term, bits = waiting.pop()
        if not isinstance(term, Expr) or not bits:
            continue
        bits = max(bits, ALL_BITS)
        if term.op == "var":
            if term.args[0] in names:
                demanded[term.args[0]] = demanded.get(term.args[0], 0) | bits
        elif term.op in ("&", "lowest") and term.args[1].op == "const":
            waiting.append((term.args[0], bits & term.args[1].args[0]))
        elif keeps(term) >= 0:
            waiting.append((term.args[0], bits & keeps(term)))
        elif bits != ALL_BITS and term.op in _LOW:
            waiting += [(arg, (1 << bits.bit_length()) - 1) for arg in term.args]
        elif bits != ALL_BITS and term.op in _BITWISE:
            waiting += [(arg, bits) for arg in term.args]
        else:
            waiting += [(arg, ALL_BITS) for arg in term.args]


def as_parts_of_words(terms: Iterable[Expr], names: Iterable[str]) -> set[str]:
    """Which of some variables are read for their low 32 bits only."""
    demanded = dict.fromkeys(names, 0)
    for term in terms:
        _demand(term, ALL_BITS, demanded, demanded)
    return {name for name, bits in demanded.items() if 0 <= bits <= _WORD}
