"""Loads of a counted loop that step from turn to turn, read by iterating over the memory.

``zip`` over slices of views gives the next element of each in the time that one index takes. A
slice is no copy: what earlier turns have stored is seen. Within a turn the load comes first now, so
it must have come before any store; and it cannot fail, since it is not done for turns that would
leave the memory. Rows are text here, as in ``merging``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .rows import Row

__all__ = ["Stream", "streamed", "too_short"]

_LOAD = re.compile(r"\b(M[a-zA-Z](?:_\d+)?)\[([a-z]\w*)\]")
#: a row that does nothing but set a name, or round a number to 32 bits
_SET = re.compile(r"(?:if [^:]+: )?([a-z]\w*|F\[0\]) = ")
_STORE = re.compile(r"M\w+\[[^\[\]]*\] = ")
#: what may not be evaluated in every turn
_SOMETIMES = re.compile(r" (?:if|and|or) |^if ")
#: the step of a pointer that is there for a loop's fast turns alone
_STEP = re.compile(r"([qr]\w+) = \1 \+ \w+")
#: a row that gives an element another name, and the names of elements
_NAMED = re.compile(r"([tu]\d\w*) = (x\d+)")
_ELEMENT = re.compile(r"\bx\d+\b")
#: loads that pay for the slices in ten turns; so does a pointer that need not be stepped any more
_MANY = 4


class Stream(NamedTuple):
    """A load that reads one element after the other."""

    #: what the element is called in a turn
    name: str
    view: str
    #: the index in the first turn, and what it goes up by
    start: str
    step: int

    @property
    def end(self) -> str:
        """The index behind ``n`` turns."""
        return f"{self.start} + n" if self.step == 1 else f"{self.start} + n * {self.step}"

    @property
    def text(self) -> str:
        """What is iterated over."""
        return f"{self.view}[{self.start}:{self.end}{'' if self.step == 1 else f':{self.step}'}]"


def streamed(rows: Sequence[Row], steps: Mapping[str, int]) -> tuple[list[Row], list[Stream]]:
    """A turn's rows without the loads that step; ``steps`` are by the name of the index."""
    found: dict[str, Stream] = {}
    kept: list[Row] = []

    def name(load: re.Match[str]) -> str:
        text, view, index = load[0], load[1], load[2]
        if index not in steps:
            return text
        if text not in found:
            found[text] = Stream(f"x{len(found)}", view, index, steps[index])
        return found[text].name

    going = True
    for row in rows:
        made, stored = _SET.match(row.text), _STORE.match(row.text)
        going = going and (stored is not None or (made is not None and made[1] not in steps))
        if going and not _SOMETIMES.search(row.text):
            start = 0 if stored is None else stored.end()
            row = row._replace(text=row.text[:start] + _LOAD.sub(name, row.text[start:]))
        going = going and stored is None
        kept.append(row)
    rest = _without_steps(kept)
    if len(rest) == len(rows) and len(found) < _MANY:
        return list(rows), []
    return _named(rest, list(found.values()))


def _named(rows: Sequence[Row], streams: Sequence[Stream]) -> tuple[list[Row], list[Stream]]:
    """Elements that are called what a turn would call them in its first row about them."""
    names: dict[str, str] = {}
    kept = []
    for row in rows:
        made = _NAMED.fullmatch(row.text)
        if made is not None and made[2] not in names:
            names[made[2]] = made[1]
        else:
            kept.append(row)
    found = [
        row._replace(text=_ELEMENT.sub(lambda word: names.get(word[0], word[0]), row.text))
        for row in kept
    ]
    return found, [item._replace(name=names.get(item.name, item.name)) for item in streams]


def _without_steps(rows: Sequence[Row]) -> list[Row]:
    """Rows without the steps of pointers that nothing reads any more."""
    text = "\n".join(row.text for row in rows)
    return [
        row
        for row in rows
        if (step := _STEP.fullmatch(row.text)) is None
        or len(re.findall(rf"\b{step[1]}\b", text)) > 2
    ]


def too_short(streams: Sequence[Stream]) -> str:
    """The condition that ``n`` turns leave the memory. Of views of the same kind that are read at
    the same places, the one that begins last is the shortest."""
    last: dict[tuple[str, str], Stream] = {}
    for stream in sorted(streams, key=lambda stream: int(stream.view[3:] or 0)):
        last[stream.view[:2], stream.start] = stream
    return " or ".join(f"{stream.end} > len({stream.view})" for stream in last.values())
