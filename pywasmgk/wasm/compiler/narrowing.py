"""Numbers of which only the lowest byte or two are looked at, kept as no more than that.

Arithmetic on bytes is arithmetic on 32 bits in wasm: a sum is brought into 32 bits when it is made,
and into eight where it is stored, compared or added to the next. Where everything that reads what a
local is set to asks for its low bits only, one mask where it is set does for all of that.

Bits that are asked for are found backwards, as readers are; where a local holds a byte is found
forwards. A local whose high bits nobody asks for may hold anything there: then no more than its low
bits is right of what is computed from it, and so nothing is concluded from its bounds.

What is read as part of a number of 32 bits only is not brought into 32 bits itself.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from .analysis import Analysis
from .lines import Line, Part
from .pointers import unmasked
from .terms import Term, constant, keeps, subterms

__all__ = [
    "MODULAR", "Narrow", "as_parts_of_words", "loosen", "loosened", "narrow", "narrowed",
    "without_bounds",
]  # fmt: skip

_MASKS = (0xFF, 0xFFFF)
_WORD = 0xFFFFFFFF
_ALL = -1
#: whose low bits depend on the low bits of the operands alone
_LOW = frozenset(("+", "-", "*", "neg"))
_BITWISE = frozenset(("&", "^", "|", "invert"))
#: both: what makes low bits of low bits
MODULAR = _LOW | _BITWISE


class Narrow(NamedTuple):
    """What is to be known of a block to mask in it, by local."""

    masks: dict[str, int]
    #: the bits that are asked for behind it
    asked: dict[str, int]
    #: the locals that are masked already at its head
    small: frozenset[str]


def narrow(analysis: Analysis) -> None:
    """Masks locals of which only low bits are asked for where they are set, and not where they are
    read. What is needed to do so to other code of a block stays in the shape (``turns``)."""
    if analysis.slots is not None:
        return  # locals come as the interpreter has them
    masks = _masked(analysis)
    if not masks:
        return
    asked = _asked(analysis, masks)
    small = _small(analysis, masks, asked)
    for number, result in analysis.results.items():
        found = Narrow(masks, asked[number], small[number])
        result.lines = narrowed(result.lines, found)
        analysis.shape.narrow[number] = found


def narrowed(lines: Sequence[Line], block: Narrow | None) -> list[Line]:
    """The lines of a block, masked where locals are set."""
    if block is None:
        return list(lines)
    demands = dict(_demands(lines, block.masks, dict(block.asked)))
    small, found = set(block.small), []
    for number, line in enumerate(lines):
        for term in subterms(line.parts):
            _unmask(term, small, block.masks)
        mask = block.masks.get(line.target)
        if mask is not None:
            value = line.parts[2]
            if isinstance(value, Term) and _can_mask(line, demands[number], mask):
                line = line.with_value(Term("&", (unmasked(value), constant(mask)), 0, mask))
            _pass(line, demands[number], mask, small, block.masks)
        found.append(line)
    return found


# -- which locals may be masked


def _masked(analysis: Analysis) -> dict[str, int]:
    """The locals that are masked to a byte or two somewhere, and the mask."""
    parameters, lines = len(analysis.shape.body.type.params), analysis.lines
    found: dict[str, int] = {}
    for term in subterms(part for line in lines for part in line.parts):
        local = _local_under_mask(term)
        if local is not None and local.place >= parameters:
            mask = term.args[1].args[0]
            found[local.args[0]] = min(mask, found.get(local.args[0], mask))
    may = {
        line.target
        for line in lines
        if line.target in found and _can_mask(line, 0, found[line.target])
    }
    return {local: mask for local, mask in found.items() if local in may}


def _local_under_mask(term: Term) -> Term | None:
    if term.op not in ("&", "lowest") or term.args[1].op != "const":
        return None
    inner: Term = term.args[0]
    if inner.op != "var" or not inner.reads or inner.args[0][0] != "l":
        return None
    return inner if term.args[1].args[0] in _MASKS else None


def _can_mask(line: Line, asked: int, mask: int) -> bool:
    """Whether what a local is set to is brought into 32 bits, where a byte would do. Steps of
    counters are left alone."""
    value = line.parts[2]
    if not 0 <= asked <= mask or not isinstance(value, Term) or value.low is None:
        return False
    inner = unmasked(value)
    steps = inner.op == "+" and all(arg.op in ("var", "const") for arg in inner.args)
    return inner is not value and inner.low is not None and not steps


# -- bits that are asked for


def _asked(analysis: Analysis, masks: dict[str, int]) -> dict[int, dict[str, int]]:
    """The bits of locals that are asked for behind each block's lines."""
    heads: dict[int, dict[str, int]] = {number: {} for number in analysis.results}
    order = [number for number in reversed(analysis.graph.order) if number in heads]
    behind: dict[int, dict[str, int]] = {}
    changed = True
    while changed:
        changed = False
        for number in order:
            result = analysis.results[number]
            asked: dict[str, int] = {}
            for way in result.ways:
                if way is not None:
                    for local, bits in heads.get(way.edge.target, {}).items():
                        asked[local] = asked.get(local, 0) | bits
            for term in result.behind:
                _ask(term, _ALL, asked, masks)
            behind[number] = dict(asked)
            for _ in _demands(result.lines, masks, asked):
                pass
            if asked != heads[number]:
                heads[number], changed = asked, True
    return behind


def _demands(
    lines: Sequence[Line], masks: dict[str, int], asked: dict[str, int]
) -> Iterator[tuple[int, int]]:
    """Goes back through lines: what is asked for behind them becomes what is asked for before
    them. Gives the number of each line that sets a local, and the bits of it that are asked for."""
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        bits = _ALL
        if line.target in masks:
            bits = asked.pop(line.target, 0)
            yield number, bits
            bits = bits or _ALL
        for part in line.parts:
            _ask(part, bits, asked, masks)


def _ask(part: Part, bits: int, asked: dict[str, int], names: Container[str]) -> None:
    """Notes which bits of some variables are needed for some bits of a term."""
    waiting: list[tuple[Part, int]] = [(part, bits)]
    while waiting:
        term, bits = waiting.pop()
        if not isinstance(term, Term) or not bits:
            continue
        bits = max(bits, _ALL)
        if term.op == "var":
            if term.args[0] in names:
                asked[term.args[0]] = asked.get(term.args[0], 0) | bits
        elif term.op in ("&", "lowest") and term.args[1].op == "const":
            waiting.append((term.args[0], bits & term.args[1].args[0]))
        elif keeps(term) >= 0:
            waiting.append((term.args[0], bits & keeps(term)))
        elif bits != _ALL and term.op in _LOW:
            waiting += [(arg, (1 << bits.bit_length()) - 1) for arg in term.args]
        elif bits != _ALL and term.op in _BITWISE:
            waiting += [(arg, bits) for arg in term.args]
        else:
            waiting += [(arg, _ALL) for arg in term.args]


# -- where locals are masked


def _small(
    analysis: Analysis, masks: dict[str, int], asked: dict[int, dict[str, int]]
) -> dict[int, frozenset[str]]:
    """The locals that are masked at each block's head, whichever way it is come to."""
    heads = dict.fromkeys(analysis.results, frozenset(masks))
    order = [number for number in analysis.graph.order if number in heads]
    changed = True
    while changed:
        changed = False
        for number in order:
            result = analysis.results[number]
            small = set(heads[number])
            demands = dict(_demands(result.lines, masks, dict(asked[number])))
            for place, line in enumerate(result.lines):
                if line.target in masks:
                    _pass(line, demands[place], masks[line.target], small, masks)
            for way in result.ways:
                target = -1 if way is None else way.edge.target
                if target in heads and not heads[target] <= small:
                    heads[target], changed = heads[target] & small, True
    return heads


def _pass(line: Line, asked: int, mask: int, small: set[str], masks: dict[str, int]) -> None:
    """Notes whether a local is masked behind the line that sets it."""
    if _can_mask(line, asked, mask) or _is_small(line.parts[2], mask, masks):
        small.add(line.target)
    else:
        small.discard(line.target)


def _is_small(value: Part, mask: int, masks: dict[str, int]) -> bool:
    """Whether a term is a byte, or what the mask is, whatever is in high bits of what it reads."""
    if not isinstance(value, Term) or value.low is None:
        return False
    if not 0 <= value.low <= value.high <= mask:
        return False
    if value.op in ("&", "lowest") and value.args[1].op == "const":
        own: int = value.args[1].args[0]
        return 0 <= own <= mask
    return not any(term.op == "var" and term.args[0] in masks for term in subterms((value,)))


def _unmask(term: Term, small: Iterable[str], masks: dict[str, int]) -> None:
    """Makes a local that is masked already the local itself."""
    local = _local_under_mask(term)
    if local is not None and local.args[0] in small:
        if masks[local.args[0]] == term.args[1].args[0]:
            term.op, term.args = "var", local.args


# -- temporaries


def loosen(analysis: Analysis) -> None:
    """Does not bring into 32 bits what is read as part of something that is; but brings loaded
    numbers there at once, not each time that they are read, if no reader asks for their sign."""
    signs = _without_sign(analysis.lines, analysis.behind)
    for result in analysis.results.values() if signs else ():
        result.lines = [_with_mask(line, signs) for line in result.lines]
    found = _loose(analysis.lines, analysis.behind)
    if found:
        without_bounds(analysis.behind, found)
        for result in analysis.results.values():
            result.lines = [_loosened(line, found) for line in result.lines]


def loosened(lines: Sequence[Line], behind: Sequence[Part]) -> list[Line]:
    """The same for lines that have temporaries of their own, and what is read behind them."""
    signs = _without_sign(lines, behind)
    lines = [_with_mask(line, signs) for line in lines]
    found = _loose(lines, behind)
    without_bounds(behind, found)
    return [_loosened(line, found) for line in lines] if found else list(lines)


def _without_sign(lines: Sequence[Line], behind: Iterable[Part]) -> dict[str, list[Term]]:
    """Temporaries that hold numbers with a sign, each of whose readers brings them into 32 bits,
    and where they do."""
    found: dict[str, list[Term]] = {}
    for line in lines:
        name, value = (line.parts[0], line.parts[-1]) if len(line.parts) == 3 else ("", "")
        if isinstance(name, Term) and isinstance(value, Term) and name.op == "var":
            if value.low is not None and -_WORD <= value.low < 0 <= value.high <= _WORD:
                found[name.args[0]] = []
    if not found:
        return found
    waiting: list[Part] = [*behind, *(part for line in lines for part in line.operands)]
    while waiting and found:
        term = waiting.pop()
        if not isinstance(term, Term):
            continue
        if keeps(term) == _WORD and term.args[0].op == "var" and term.args[0].args[0] in found:
            found[term.args[0].args[0]].append(term)
        elif term.op == "var":
            found.pop(term.args[0], None)
        else:
            waiting += term.args
    return {name: readers for name, readers in found.items() if readers}


def _with_mask(line: Line, found: dict[str, list[Term]]) -> Line:
    """A line that brings a temporary into 32 bits, if its readers did; they need not any more."""
    name = line.parts[0] if line.parts else ""
    if not isinstance(name, Term) or name.op != "var" or name.args[0] not in found:
        return line
    for reader in found[name.args[0]]:
        reader.op, reader.args = "var", name.args
    value = line.parts[2]
    name.low, name.high = 0, _WORD
    return line.with_value(Term("&", (value, constant(_WORD)), 0, _WORD))


def _loose(lines: Sequence[Line], behind: Iterable[Part]) -> dict[str, Term]:
    """Temporaries that hold a masked number, and the number, if each of their readers masks."""
    found = {}
    for line in lines:
        name, value = (line.parts[0], line.parts[-1]) if len(line.parts) == 3 else ("", "")
        if isinstance(name, Term) and isinstance(value, Term) and keeps(value) == _WORD:
            inner = value.args[0]
            if name.op == "var" and inner.low is not None and -_WORD <= inner.low <= inner.high:
                found[name.args[0]] = inner
    if not found:
        return found
    read = (part for line in lines for part in line.operands)
    kept = as_parts_of_words((*behind, *read), found)
    return {name: inner for name, inner in found.items() if name in kept}


def as_parts_of_words(parts: Iterable[Part], names: Iterable[str]) -> set[str]:
    """Which of some variables are read for their low 32 bits only."""
    asked = dict.fromkeys(names, 0)
    for part in parts:
        _ask(part, _ALL, asked, asked)
    return {name for name, bits in asked.items() if 0 <= bits <= _WORD}


def _loosened(line: Line, found: dict[str, Term]) -> Line:
    without_bounds(line.parts, found)
    name = line.parts[0] if line.parts else ""
    if isinstance(name, Term) and name.op == "var" and name.args[0] in found:
        return line.with_value(found[name.args[0]])
    return line


def without_bounds(parts: Iterable[Part], found: dict[str, Term]) -> None:
    """Has terms know that variables are not in 32 bits."""
    for term in subterms(parts):
        if term.op == "var" and term.args[0] in found:
            inner = found[term.args[0]]
            term.low, term.high, term.zeros = inner.low, inner.high, 0
        elif term.op == "wrap" and _reads(term, found):
            # it may be out of range by more than a turn now
            term.op, term.args = "%", (term.args[0], constant(term.args[1]))


def _reads(term: Term, found: dict[str, Term]) -> bool:
    return any(part.op == "var" and part.args[0] in found for part in subterms((term,)))
