"""Signed locals: counters that come from below zero, and differences, keep their sign.

wasm has no signed numbers, only instructions that take their operands for such. So -600 is a number
near 2**32, which Python computes with more slowly than with small ones, and which has to be brought
into 32 bits after every step, and compared in two intervals. A web of definitions of which none is
out of the range of signed numbers, and no use needs the unsigned value, holds the number that was
meant.

Whether that is so is found by trying: the function is lowered once more with the webs that look
like it, and those that would have to be converted anywhere are left as they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..analysis.demanded_bits import MODULAR
from ..analysis.ranges import analyse
from ..analysis.webs import Assignment, Place, Reading, Web, assignments, readings, webs
from ..frontend.memory_access import unmasked
from ..ir.expr import Expr, is_signed_word, is_word, keeps
from ..ir.function import Function
from ..ir.statements import Assign
from ..ir.traversal import subterms

__all__ = ["with_signs"]

_WORD = 0xFFFFFFFF
_SIGN = 1 << 31
#: numbers from here on look like some below zero
_BELOW_ZERO = (1 << 32) - (1 << 20)
#: what compares signed numbers, and what asks whether they are zero or another number
_OF_SIGNED = frozenset(("slt", "in", "signed", "truth", "==", "!="))
#: webs by a variable, as a set of bits, and a block
WebsByPlace = dict[tuple[int, int], list[Web]]
#: variables times blocks, up to which it is found out: definitions are noted for each block
_MOST_NOTED = 1 << 13
#: how often a function is translated anew
_MOST_ROUNDS = 2


def with_signs(function: Function) -> Function:
    """The function with numbers that are kept with their sign, if there are such."""
    if function.slots is not None or not function.graph.loops:
        return function  # variables come as the interpreter has them; or it does not pay
    chosen = _candidates(function)
    for _ in range(_MOST_ROUNDS):
        if not chosen:
            break
        signs = frozenset(item.site for web in chosen for item in web.assignments)
        context = function.context.with_choices(signs=signs)
        found = analyse(context, function.graph, None, function.assumed)
        sites, reads = _converted(found)
        cheap = [web for web in chosen if not _is_dear(web, sites, reads)]
        if len(cheap) == len(chosen):
            return found
        chosen = cheap
    return function


def _converted(function: Function) -> tuple[set[tuple[int, int]], set[tuple[int, Place]]]:
    """Where numbers would have to be converted, in what is expected to run: the sites of what is
    set, and the variables that are read, each with its place."""
    signs = function.context.signs
    sites = {
        item.site
        for item in assignments(function)
        if item.site in signs and item.value.op == "signed" and not item.rare
    }
    reads = {
        reading.place(term.args[0])
        for reading in readings(function)
        for term in subterms(reading.terms)
        if keeps(term) == _WORD and term.args[0].op == "var" and term.args[0].reads
    }
    return sites, reads


def _is_dear(web: Web, sites: set[tuple[int, int]], reads: set[tuple[int, Place]]) -> bool:
    """Whether something of a web would have to be converted."""
    return any(item.site in sites for item in web.assignments) or any(
        (web.variable, place) in reads for place in web.places
    )


# -- what it may pay for


def _candidates(function: Function) -> list[Web]:
    """Webs worth keeping signed: some definition is negative, every definition fits a signed i32,
    no use needs the unsigned value, and at least one use is a signed comparison or an own step."""
    found = _near_zero(function)
    variables = {item.site[1] for item in found}
    if not found or len(variables) * len(function.blocks) > _MOST_NOTED:
        return []
    readers = _Readers(function)
    chosen = [web for web in webs(function, found) if readers.allow(web)]
    before: list[Web] = []
    while len(before) != len(chosen):
        before, by_place = chosen, _by_block(chosen)
        chosen = [web for web in chosen if _may_have_signs(web, by_place)]
    by_place = _by_block(chosen)
    below = _spread({web for web in chosen if any(map(_is_below_zero, web.assignments))}, by_place)
    useful = _spread({web for web in below if readers.ask(web) or _steps(web)}, by_place)
    return [web for web in chosen if web in useful]


def _near_zero(function: Function) -> list[Assignment]:
    """The assignments of variables that get numbers below zero somewhere, or numbers of others that
    do, or whose numbers these get."""
    context = function.context
    parameters = len(context.body.type.params)
    words = (context.words | -1 << context.nlocals) & -1 << parameters
    found = [item for item in assignments(function) if words >> item.site[1] & 1]
    places, before = 0, -1
    for item in found:
        places |= _is_below_zero(item) << item.site[1]
    while places and places != before:
        before = places
        for item in found:
            bits = 1 << item.site[1] | _source(item.value)
            if bits & places:
                places |= bits
    return [item for item in found if places >> item.site[1] & 1]


def _source(value: Expr) -> int:
    """The variable that a value is, or is a step from, as a set of bits."""
    inner = unmasked(value)
    if inner.op == "+" and inner.args[1].op == "const":
        inner = inner.args[0]
    return inner.reads if inner.op == "var" else 0


def _is_below_zero(item: Assignment) -> bool:
    """Whether a variable gets a number below zero, or what may well be one."""
    value = item.value
    if value.op == "const":
        return is_word(value) and bool(value.args[0] >= _BELOW_ZERO)
    inner = unmasked(value)
    return inner is not value and is_signed_word(inner) and bool(inner.low < 0)


def _by_block(found: Iterable[Web]) -> WebsByPlace:
    """Webs by where their variables may be read."""
    by_place: WebsByPlace = {}
    for web in found:
        for block in web.blocks:
            by_place.setdefault((1 << web.variable, block), []).append(web)
    return by_place


def _may_have_signs(web: Web, by_place: WebsByPlace) -> bool:
    """Whether what a variable is set to is in the range of signed numbers, as far as can be told,
    if that holds of others."""
    for item in web.assignments:
        value = item.value
        if not is_word(value):
            return False
        known = value.op == "const" or value.high < _SIGN or _is_below_zero(item) or item.rare
        if not known and (_source(value), item.block) not in by_place:
            return False
    return True


def _spread(found: set[Web], by_place: WebsByPlace) -> set[Web]:
    """Some webs, and those that get numbers from them or give them some."""
    every, count = {web for several in by_place.values() for web in several}, -1
    while count != len(found):
        count = len(found)
        for web in every:
            for item in web.assignments:
                others = by_place.get((_source(item.value), item.block), ())
                if web in found or any(other in found for other in others):
                    found |= {web, *others}
    return found


def _steps(web: Web) -> bool:
    """Whether a variable is set to itself and a number."""
    return any(_source(item.value) >> web.variable & 1 for item in web.assignments)


def _asks_sign(term: Expr) -> bool:
    """Whether a condition is whether a number is below zero, or not."""
    return term.op in ("<", ">=") and bool(
        term.args[1].op == "const" and term.args[1].args[0] == _SIGN
    )


class _Readers:
    """How variables are read."""

    def __init__(self, function: Function) -> None:
        #: loops whose fast iterations know no signs (``loop_versioning``)
        self.fast = function.graph.single
        #: what is read that must have no sign, and what is asked for its sign
        self.unsigned: set[tuple[int, Place]] = set()
        self.signed: set[tuple[int, Place]] = set()
        for reading in readings(function):
            line = reading.line
            is_copy = isinstance(line, Assign) and line.local and unmasked(line.value).op == "var"
            # a copy may have a sign too
            if not is_copy:
                self._read(reading)

    def _read(self, reading: Reading) -> None:
        waiting: list[tuple[Any, bool]] = [(term, False) for term in reading.terms]
        while waiting:
            term, low = waiting.pop()
            if not isinstance(term, Expr) or not term.reads:
                continue
            if term.op == "var":
                if not low:
                    self.unsigned.add(reading.place(term))
                continue
            if term.op in _OF_SIGNED or _asks_sign(term):
                low = True
                variables = (arg for arg in term.args if isinstance(arg, Expr) and arg.op == "var")
                self.signed.update(map(reading.place, variables))
            elif term.op not in MODULAR or not low:
                low = keeps(term) >= 0
            waiting += [(arg, low) for arg in term.args]

    def allow(self, web: Web) -> bool:
        """Whether nothing that reads a web needs a number without a sign."""
        is_local = all(item.site[0] >= 0 for item in web.assignments)
        if self.fast & (web.blocks if is_local else {~item.site[0] for item in web.assignments}):
            return False
        return not any((web.variable, place) in self.unsigned for place in web.places)

    def ask(self, web: Web) -> bool:
        """Whether something that reads a web asks for the sign."""
        return any((web.variable, place) in self.signed for place in web.places)
