"""An optimized function's source: head, body and the table of its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from ...runtime.values import ZERO
from ..budget import Budget
from ..compiled import SPARE, LineEntry
from ..frontend.entry_guards import Assumption
from ..ir.body import Body
from ..ir.function import Function
from ..passes.forward_substitution import merged
from ..source import Source
from .emit import emit_rows
from .printing import text_of
from .rows import Entry, Row

__all__ = ["written"]

#: free variables of generated code
_CELLS = re.compile(r"\b(?:fuel|top|mem|M[a-zA-Z](?:_\d+)?|[fg]\d+|c\d+_\d+)\b")
#: the depth that is used, for a callee
_DEPTH = re.compile(r"\bd(?: \+ \d+)?\)")
_GLOBAL_SET = re.compile(r"(g\d+) = ")


def written(function: Function, index: int, entry: int = 0) -> Source:
    """The source of a function. Raises TooDeep where Python cannot nest it, and what the budget
    raises."""
    budget = function.context.budget
    rows = merged(emit_rows(function, 2), budget)
    live = function.live[function.graph.entry]
    body, assumed = function.context.body, function.assumed
    return _assembled(body, index, rows, entry, function.slots, assumed, live, budget)


def _assembled(
    body: Body,
    index: int,
    rows: Sequence[Row],
    entry: int,
    slots: int | None,
    assumed: Sequence[Assumption],
    unset: int,
    budget: Budget,
) -> Source:
    nparams = len(body.type.params) if slots is None else body.own_locals
    texts = [text_of(row.code) for row in budget.each(rows)]
    text = "\n".join([*texts, *(item.name for item in assumed)])
    budget.check()
    changed = sorted(set(_GLOBAL_SET.findall(text)) | {"fuel"})
    # a callee may take one frame unasked
    calls = _DEPTH.search(text) is not None
    room = body.inner + calls
    params = "".join(f"l{number}, " for number in range(nparams))
    params += "".join(f"s{number}, " for number in range(slots or 0))
    head = [f" def f{index}({params}d):", f"  nonlocal {', '.join(changed)}"]
    if slots is None:
        head += _way_in(body, f"{index}, d, ({params})", assumed, room, calls)
    else:
        # the head was charged already when the loop was reached, and will be again
        head.append(f"  fuel += {body.costs[body.moved[entry]]}")
    lines = budget.each([*head, *texts, *(item.name for item in assumed)])
    cells = sorted({"fuel", *chain.from_iterable(map(_CELLS.findall, lines))})
    head.insert(0, f"def make({', '.join(cells)}):")
    zeros: dict[str, list[str]] = {}
    for number, kind in enumerate(body.locals):
        if number >= nparams and unset >> number & 1:
            zeros.setdefault(repr(ZERO[kind]), []).append(f"l{number}")
    head += [f"  {' = '.join(names)} = {zero}" for zero, names in zeros.items()]
    outside = LineEntry((), 0, None, None)
    entries = [outside] * len(head) + [_entry(body, row.entry) for row in budget.each(rows)]
    inner = (" " * row.indent + text for row, text in zip(rows, texts))
    budget.check()
    all_lines = [*head, *inner, f" return f{index}"]
    return Source("\n".join(all_lines) + "\n", (*entries, outside), room)


def _way_in(
    body: Body, call: str, assumed: Sequence[Assumption], room: int, calls: bool
) -> Iterator[str]:
    """What is asked and noted when the function is called."""
    tests = [item.test for item in assumed]
    if body.depth + room > 1:
        # whoever calls it has seen to the first one
        more = body.depth + room - SPARE
        tests.insert(0, f"d + {more} > top" if more > 0 else "d > top")
    if tests:
        yield f"  if {' or '.join(tests)}: return deep({call})"
    if calls:
        yield f"  d += {body.depth}"
    if body.large:
        yield "  fuel = expire(fuel)"


def _entry(body: Body, entry: Entry) -> LineEntry:
    trap, message = entry.trap if isinstance(entry.trap, tuple) else (entry.trap, None)
    name = None if trap is None else trap.name
    return LineEntry(body.frames(entry.at), entry.pending, name, message, entry.ahead)
