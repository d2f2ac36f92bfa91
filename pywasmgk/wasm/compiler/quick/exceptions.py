"""Exceptions: Python's own ``raise`` and ``try`` (RATIONALE.md, "Why are throws Python
exceptions?").

A ``try_table`` becomes::

    try:
     while 1:
      ...
      break
    except W as x7:
     if x7.tag is tags[0]:
      fuel += unwound(x7)
      s0, = x7.values
      b = 2
      continue
     else: raise

A clause jumps from within the ``except``, which is no Python loop. A legacy ``catch`` has its code
there. ``unwound`` gives the fuel of what the exception passed by. A ``delegate`` has the exception
skip so many of the ``try``s around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...types import TagType
from ...valid.blockmap import Catch, Control, Try
from .control import Node
from .translator import Frame, Translator
from .values import ANY, ATOM, BITS, cleaned

__all__ = ["FORMS", "begin_try", "delegate", "end_part", "end_try"]

_NOWHERE = -1


def begin_try(t: Translator, at: int, x: Try) -> None:
    """Begins what catches, and its body."""
    t.settle()
    t.frames.append(Frame(t.plan.nodes[at], t))
    t.line("try:")
    t.pad += " "
    _begin_region(t, at)


def _begin_region(t: Translator, at: int) -> None:
    region = t.plan.regions[at]
    t.frames.append(Frame(region, t))
    if region.dispatch:
        t.line(f"b = {region.number}")
    t.line("while 1:")
    t.pad += " "
    t.whiles.append(region)
    if region.dispatch:
        t.segments[region] = -1, t.pad
        t.open_segment(region, region.number)


def end_part(t: Translator, x: Control) -> Frame:
    """Ends the body or a ``catch``; gives the frame of the whole."""
    frame = t.frames.pop()
    around = t.frames[-1]
    if t.alive:
        t.into_slots(x.height, len(x.results))
        t.arrive(around.node.arrivals)
        t.line("break")
    t.fill()
    t.whiles.pop()
    t.pad = frame.pad
    if frame.node.exits:
        t.route(frame.node)
    t.alive = False
    t.owed = 0
    t.forget()
    return around


def end_try(t: Translator, x: Try) -> Frame:
    """Ends what catches; gives its frame. What stands behind it is to come."""
    around = end_part(t, x)
    t.at, at = _NOWHERE, t.at
    if x.form == "try_table":
        _begin_except(t, around, x)
        for number, clause in enumerate(x.catches):
            _condition(t, x, clause, number)
            _clause(t, x, clause)
            t.fill()
            t.pad = around.pad + " "
    elif not x.catches:
        _begin_except(t, around, x)
    t.pad = around.pad + " "
    if not x.catches:
        t.line("raise")
    elif x.catches[-1].tag is not None:
        t.line("else: raise")
    t.at = at
    t.pad = around.pad
    t.alive = False
    return around


def _name(x: Control) -> str:
    """What the exception is called that something has caught."""
    return f"x{x.start}"


def _begin_except(t: Translator, around: Frame, x: Control) -> None:
    t.pad = around.pad
    t.line(f"except W as {_name(x)}:")
    t.pad += " "
    if around.node.passed:
        t.line(f"if {_name(x)}.skips:")
        t.line(f" {_name(x)}.skips -= 1")
        t.line(" raise")


def _condition(t: Translator, x: Control, clause: Catch, number: int) -> None:
    word = "elif" if number else "if"
    test = "1" if clause.tag is None else f"{_name(x)}.tag is tags[{clause.tag}]"
    t.line(f"{word} {test}:")
    t.pad += " "
    t.line(f"fuel += unwound({_name(x)})")
    t.owed = 0


def _take_values(t: Translator, x: Control, clause: Catch, first: int) -> None:
    """Puts what an exception carries into slots, and on the stack."""
    kinds = _carried(t, clause)
    slots = [f"s{place}" for place in range(first, first + len(kinds))]
    if slots:
        t.line(f"{', '.join(slots)}, = {_name(x)}.values")
    t.stack += [(slot, ATOM, t.slot_bit, BITS[str(kind)]) for slot, kind in zip(slots, kinds)]


def _carried(t: Translator, clause: Catch) -> tuple[Any, ...]:
    tag: TagType | None = None if clause.tag is None else t.context.tags[clause.tag]
    return () if tag is None else tag.params


def _clause(t: Translator, x: Control, clause: Catch) -> None:
    """A clause of a ``try_table``: goes to its label."""
    branch = clause.branch
    if branch is None:
        raise RuntimeError("a clause without a label")
    below = list(t.stack)
    target = branch.target
    first = target.height if target.start >= 0 else x.height
    del t.stack[first:]
    _take_values(t, x, clause, first)
    if clause.ref:
        t.line(f"s{len(t.stack)} = Exn({_name(x)}.tag, {_name(x)}.values)")
        t.stack.append((f"s{len(t.stack)}", ATOM, t.slot_bit, ANY))
    t.alive = True
    t.jump(branch)
    t.alive = False
    t.stack[:] = below


def _catch(t: Translator, at: int, x: Try) -> None:
    """A legacy ``catch``: its code stands in the ``except``."""
    around = end_part(t, x)
    t.at = _NOWHERE
    number = next(number for number, clause in enumerate(x.catches) if clause.at == at)
    if not number:
        _begin_except(t, around, x)
    t.pad = around.pad + " "
    clause = x.catches[number]
    _condition(t, x, clause, number)
    del t.stack[x.height :]
    # nobody reads it: rethrow names what was caught
    t.stack.append(("None", ATOM, 0, ANY))
    _take_values(t, x, clause, x.height + 1)
    _begin_region(t, at)
    t.at = at
    t.alive = True
    t.owed = t.costs[at + 1]


def delegate(t: Translator, x: Try) -> Frame:
    """Ends a legacy ``try`` whose exceptions go to another one; gives its frame."""
    around = end_part(t, x)
    t.at, at = _NOWHERE, t.at
    skipped = _skipped(around.node, x)
    t.pad = around.pad
    t.line(f"except W as {_name(x)}:")
    t.pad += " "
    if around.node.passed:
        t.line(f"if {_name(x)}.skips: {_name(x)}.skips -= 1")
        t.line(f"else: {_name(x)}.skips = {skipped}")
    else:
        t.line(f"{_name(x)}.skips = {skipped}")
    t.line("raise")
    t.at = at
    t.pad = around.pad
    t.alive = False
    return around


def _skipped(node: Node, x: Try) -> int:
    """How many ``try``s lie between a ``delegate`` and what its exceptions go to; these learn that
    they are passed. One whose ``catch`` it stands in does not catch them anyway."""
    count = 0
    inner = node.parent
    while inner is not None:
        owner = inner.parent if inner.form == "region" else None
        if owner is not None and inner.begins == owner.control.start:
            if owner.control is x.delegate:
                break
            owner.passed = True
            count += 1
        elif owner is None and inner.control is x.delegate:
            break
        inner = inner.parent
    return count


def _throw(t: Translator, at: int, x: tuple[int, int]) -> None:
    tag, count = x
    values = "".join(f"({cleaned(value)[0]}), " for value in t.stack[len(t.stack) - count :])
    t.take()
    t.line(f"raise thrown(tags[{tag}], ({values}))" if count else f"raise thrown(tags[{tag}], ())")
    t.die()


def _throw_ref(t: Translator, at: int, x: None) -> None:
    value = t.atom(cleaned(t.stack.pop()))[0]
    t.line(f"if {value} is None: raise Trap(NULL_EXCEPTION)")
    t.take()
    t.line(f"raise thrown(*{value})")
    t.die()


def _rethrow(t: Translator, at: int, x: Control) -> None:
    t.take()
    t.line(f"raise thrown({_name(x)}.tag, {_name(x)}.values)")
    t.die()


FORMS: dict[str, Callable[[Translator, int, Any], None]] = {
    "try_table": begin_try,
    "try": begin_try,
    "catch": _catch,
    "catch_all": _catch,
    "throw": _throw,
    "throw_ref": _throw_ref,
    "rethrow": _rethrow,
}
