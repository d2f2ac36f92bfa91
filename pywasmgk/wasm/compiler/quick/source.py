"""A quick function's source: head, body and the table of its lines."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from ....errors import TrapCode
from ...isa import InstructionSet
from ...runtime.values import ZERO
from ...valid.blockmap import BlockMap
from ..compiled import NOWHERE, SPARE, LineTable
from ..source import Source
from .control import Plan, plan, steps_of
from .forms import FORMS
from .translator import Translator

__all__ = ["quick_source"]

_MEMORY = re.compile(r"\bmem\b")
#: what lines stand for: nothing, an index into a table, whatever there is
_NO_TRAP, _INDIRECT = 0, 1
_KINDS = (
    (None, None),
    (TrapCode.TABLE_OUT_OF_BOUNDS.name, "undefined element"),
    *((code.name, None) for code in TrapCode),
)
#: levels of indentation that Python's tokenizer takes, with some to spare
_MOST_INDENT = 95


@lru_cache(maxsize=8)
def _tables(instructions: InstructionSet) -> tuple[list[Any], bytes]:
    """The plan's steps, and numbers of the traps that lines stand for, by dense number."""
    traps = bytes(
        _INDIRECT if row.form == "call_indirect"
        else _NO_TRAP if row.native is None else _KINDS.index((row.native.name, None))
        for row in instructions.rows
    )  # fmt: skip
    return steps_of([row.form for row in instructions.rows]), traps


def quick_source(
    body: BlockMap,
    index: int,
    context: Any,
    instructions: InstructionSet,
    small: bool,
    entry: int = 0,
    slots: int | None = None,
    look: Callable[[], None] = lambda: None,
) -> Source:
    """The source of one function; or of the rest of a call of it that has come to the loop before
    the instruction ``entry``, with ``slots`` operands on the stack. ``small`` says that memory
    cannot have more than 30 bits of addresses; ``look`` is called now and then, and may raise.
    """
    steps, traps = _tables(instructions)
    for flat in (False, True):
        made = plan(body.code, body.code[-1][1], steps, entry, flat=flat, look=lambda at: look())
        look()
        translator = Translator(body, index, instructions, context, made, small)
        translator.run(look, FORMS)
        if max(map(_indentation, translator.lines), default=0) < _MOST_INDENT:
            break
    look()
    return _assembled(translator, made, index, entry, slots, traps, look)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _assembled(
    t: Translator,
    made: Plan,
    index: int,
    entry: int,
    slots: int | None,
    traps: bytes,
    look: Callable[[], None],
) -> Source:
    body = t.body
    text = "\n".join(t.lines)
    nparams = len(body.type.params) if slots is None else len(body.locals)
    params = "".join(f"l{number}, " for number in range(nparams))
    params += "".join(f"s{number}, " for number in range(slots or 0))
    head = [f" def f{index}({params}d):", f"  nonlocal {', '.join(sorted(t.changed))}"]
    if slots is None:
        head += _way_in(t, f"{index}, d, ({params})")
    else:
        # the head was charged already when the loop was come to, and will be again
        head.append(f"  fuel += {body.costs[entry]}")
    zeros: dict[str, list[str]] = {}
    for number, kind in enumerate(body.locals[nparams:], nparams):
        zeros.setdefault(repr(ZERO[kind]), []).append(f"l{number}")
    head += [f"  {' = '.join(names)} = {zero}" for zero, names in zeros.items()]
    if t.leaves and not made.root.dispatch:
        head.append("  b = 0")
    if _MEMORY.search(text):
        t.cells.add("mem")
    head.insert(0, f"def make({', '.join(sorted(t.cells | t.changed))}):")
    look()
    lines = "\n".join([*head, text, f" return f{index}\n"])
    return Source(lines, _packed(t, index, len(head), traps), int(t.calls))


def _way_in(t: Translator, call: str) -> Iterator[str]:
    """What is asked and noted when the function is called."""
    depth = t.body.depth
    if depth + t.calls > 1:
        # whoever calls it has seen to the first one
        more = depth + t.calls - SPARE
        test = f"d + {more} > top" if more > 0 else "d > top"
        t.cells.add("top")
        yield f"  if {test}: return deeper({call})"
    if t.calls:
        yield f"  d += {depth}"
    if t.body.large:
        yield "  fuel = expire(fuel)"


def _packed(t: Translator, index: int, head: int, traps: bytes) -> LineTable:
    body = t.body
    base, offsets, code = body.base, body.offsets, body.code
    places = [
        *([NOWHERE] * head),
        *[base + offsets[at] if at >= 0 else NOWHERE for at in t.ats],
        NOWHERE,
    ]
    owing = [*([0] * head), *t.owing, 0]
    kinds = bytes([*([_NO_TRAP] * head), *[traps[code[at][0]] for at in t.ats], _NO_TRAP])
    words = struct.Struct(f"<{len(places)}I").pack
    return LineTable.plain(index, words(*places), words(*owing), kinds, _KINDS)
