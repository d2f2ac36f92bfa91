"""Delayed masks: a sum is brought into 32 bits when it is read, not at each addition in a loop.

A local that changes by small numbers only, and that is only read as part of what is brought into 32
bits itself, may hold any number that is the same in its low bits. It cannot get large: each
addition moves it by less than 2**33, and costs fuel. Loops of one block are left out, since their
fast versions know such locals better (``loop_versioning``).
"""

from __future__ import annotations

from ..analysis.demanded_bits import as_parts_of_words
from ..analysis.liveness import at_end, reads
from ..frontend.memory_access import unmasked
from ..ir.expr import Expr, addends, constant, is_word
from ..ir.function import Function
from ..ir.statements import Assign
from .redundant_masks import unbounded

__all__ = ["free_sums"]

_WORD = 0xFFFFFFFF
_SIGN = 0x80000000
#: bounds of what a sum may come to, however long it is added to
_FAR = 1 << 100


def free_sums(function: Function) -> Function:
    """Leaves out the masks of locals that are added to in loops and read as parts of words."""
    found = _delayed(function)
    if not found:
        return function
    wide = {name: Expr("var", (name,), -_FAR, _FAR) for name in found}
    function = function.mapped(unbounded(wide))
    return function.with_statements(
        lambda result: [
            _freed(line) if isinstance(line, Assign) and line.local in found else line
            for line in result.statements
        ]
    )


def _delayed(function: Function) -> set[str]:
    """The locals whose masks may be left to their readers."""
    found = _stepped(function)
    for line in function.statements if found else ():
        if isinstance(line, Assign) and not _is_step(line) and not _is_start(line.value):
            found.discard(line.local)
    if found:
        found = as_parts_of_words((*function.exit_uses, *function.uses), found)
    # what is added must be small itself
    for line in function.statements if found else ():
        if isinstance(line, Assign) and line.local in found:
            if _is_step(line) and _others(line) & found:
                found = found - _others(line) - {line.local}
    return found


def _stepped(function: Function) -> set[str]:
    """The locals of 32 bits that are added to in a loop, and that no loop of one block has."""
    context, inside = function.context, function.graph.nest.within
    found: set[str] = set()
    # parameters begin anywhere
    fixed = (1 << len(context.body.type.params)) - 1
    for number, result in function.blocks.items():
        if number in function.graph.single:
            fixed |= at_end(result, {})
            for line in result.statements:
                fixed |= reads(line.uses) | line.defs
        elif number in inside:
            steps = (
                line for line in result.statements if isinstance(line, Assign) and _is_step(line)
            )
            found.update(line.local for line in steps)
    words = context.words & ~fixed
    return {name for name in found if words >> int(name[1:]) & 1}


def _is_step(line: Assign) -> bool:
    """Whether a local is set to itself and something small, brought into 32 bits."""
    if not line.local or unmasked(line.value) is line.value:
        return False
    parts, number = addends(unmasked(line.value))
    own = [part for part in parts if part.is_variable(line.local)]
    rest = [part for part in parts if not part.is_variable(line.local)]
    if len(own) != 1 or abs(number) > _WORD or len(rest) > 2:
        return False
    return all(is_word(part) and not part.reads & own[0].reads for part in rest)


def _is_start(value: Expr) -> bool:
    """Whether a number is near zero, as a number with a sign: others stay large for ever."""
    return is_word(value) and (value.op == "const" or bool(value.high < _SIGN))


def _others(line: Assign) -> set[str]:
    """The locals that are added to one."""
    bits = line.value.reads
    names = {f"l{place}" for place in range(bits.bit_length()) if bits >> place & 1}
    return names - {line.local}


def _freed(line: Assign) -> Assign:
    """A local that is set to what it is from now on: a sum, or a number with its sign."""
    value = unmasked(line.value)
    if value.op == "const" and value.args[0] >= _SIGN:
        value = constant(value.args[0] - _WORD - 1)
    return line.with_value(value)
