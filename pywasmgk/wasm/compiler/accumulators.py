"""Sums that are brought into 32 bits when they are read, not each time that something is added.

A local that only gets more or less by small numbers, and that is only read as part of what is
brought into 32 bits itself, may hold any number that is the same in its low bits. It cannot get
large: each addition moves it by less than two turns of 32 bits, and costs fuel. Loops of one block
are left out, since their fast turns know such locals better (``turns``).
"""

from __future__ import annotations

from .analysis import Analysis
from .lines import Line, Part
from .liveness import at_end, reads, written
from .narrowing import as_parts_of_words, without_bounds
from .pointers import unmasked
from .terms import Term, addends, constant, is_word

__all__ = ["free_sums"]

_WORD = 0xFFFFFFFF
_SIGN = 0x80000000
#: bounds of what a sum may come to, however long it is added to
_FAR = 1 << 100


def free_sums(analysis: Analysis) -> None:
    """Leaves out the masks of locals that are added to in loops and read as parts of words."""
    lines = analysis.lines
    found = _stepped(analysis)
    for line in lines:
        if line.target in found and not _is_step(line) and not _is_start(line.parts[2]):
            found.discard(line.target)
    if not found:
        return
    parts = (*analysis.behind, *(part for line in lines for part in line.parts))
    found = as_parts_of_words(parts, found)
    # what is added must be small itself
    for line in lines:
        if line.target in found and _is_step(line) and _others(line) & found:
            found = found - _others(line) - {line.target}
    if not found:
        return
    wide = {name: Term("var", (name,), -_FAR, _FAR) for name in found}
    without_bounds(analysis.behind, wide)
    for result in analysis.results.values():
        for place, line in enumerate(result.lines):
            without_bounds(line.parts, wide)
            if line.target in found:
                result.lines[place] = _freed(line)


def _stepped(analysis: Analysis) -> set[str]:
    """The locals of 32 bits that are added to in a loop, and that no loop of one block has."""
    loops, shape = analysis.graph.loops, analysis.shape
    inside = {number for blocks in loops.values() for number in blocks}
    found: set[str] = set()
    # parameters begin anywhere
    fixed = (1 << len(shape.body.type.params)) - 1
    for number, result in analysis.results.items():
        if number in analysis.graph.single:
            fixed |= at_end(result, {})
            for line in result.lines:
                fixed |= reads(line.parts) | written(line)
        elif number in inside:
            found.update(line.target for line in result.lines if line.target and _is_step(line))
    words = shape.words & ~fixed
    return {name for name in found if words >> int(name[1:]) & 1}


def _is_step(line: Line) -> bool:
    """Whether a local is set to itself and something small, brought into 32 bits."""
    value = line.parts[2]
    if not isinstance(value, Term) or unmasked(value) is value:
        return False
    parts, number = addends(unmasked(value))
    own = [part for part in parts if part.is_variable(line.target)]
    rest = [part for part in parts if not part.is_variable(line.target)]
    if len(own) != 1 or abs(number) > _WORD or len(rest) > 2:
        return False
    return all(_is_word(part) and not part.reads & own[0].reads for part in rest)


def _is_word(part: Part) -> bool:
    return isinstance(part, Term) and is_word(part)


def _is_start(part: Part) -> bool:
    """Whether a number is near zero, as a number with a sign: others stay large for ever."""
    return _is_word(part) and isinstance(part, Term) and (part.op == "const" or part.high < _SIGN)


def _others(line: Line) -> set[str]:
    """The locals that are added to one."""
    value = line.parts[2]
    bits = value.reads if isinstance(value, Term) else 0
    names = {f"l{place}" for place in range(bits.bit_length()) if bits >> place & 1}
    return names - {line.target}


def _freed(line: Line) -> Line:
    """A local that is set to what it is from now on: a sum, or a number with its sign."""
    value = line.parts[2]
    if not isinstance(value, Term):
        return line
    value = unmasked(value)
    if value.op == "const" and value.args[0] >= _SIGN:
        value = constant(value.args[0] - _WORD - 1)
    return line.with_value(value)
