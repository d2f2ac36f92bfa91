"""A function's source: head, body and the table of its lines, and the code object of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from types import CodeType
from typing import Any, NamedTuple

from ..isa import InstructionSet
from ..values import ZERO
from .accumulators import free_sums
from .analysis import Analysis, analyse
from .assumptions import Assumption, assumptions
from .emit import emit_rows
from .graph import build
from .hoisting import hoist
from .inlining import Body
from .liveness import drop_dead_stores
from .loops import Ahead
from .merging import merged
from .narrowing import loosen, narrow
from .outcomes import free_outcomes
from .rows import Entry, Row
from .scaled import drop_pointers
from .shape import Shape
from .signs import with_signs
from .sinking import sink

__all__ = ["Compiled", "LineEntry", "Source", "compile_source", "generate"]

_CELLS = re.compile(r"\b(?:fuel|top|mem|M[a-zA-Z](?:_\d+)?|[fg]\d+|c\d+_\d+)\b")
#: the depth that is used, for a callee
_DEPTH = re.compile(r"\bd(?: \+ \d+)?\)")
_GLOBAL_SET = re.compile(r"(g\d+) = ")

FILENAME = "<pywasmgk>"
#: call depth kept back from ``top``: what most functions need, so that they ask without adding
SPARE = 6


class LineEntry(NamedTuple):
    """What a line of generated code is about, for errors."""

    #: the frames there, outermost first, each a function and a byte offset in the module's file;
    #: none where the function is not entered yet
    frames: tuple[tuple[int, int], ...]
    #: fuel charged but not taken
    pending: int
    #: name of the TrapCode that Python's own exceptions on this line stand for
    trap: str | None
    #: the trap's message, if it is not the code's own
    message: str | None
    #: fuel taken for turns of a loop that are not run yet
    ahead: Ahead | None = None


class Source(NamedTuple):
    """Generated text, and what its lines are about."""

    text: str
    #: by line, from 0; line numbers of Python begin with 1
    entries: tuple[LineEntry, ...]
    #: call depth of functions that stand in the place of calls, and of the first one called
    room: int = 0


class Compiled(NamedTuple):
    """A code object and its table. It belongs to a module and is bound by instances."""

    code: CodeType
    entries: tuple[LineEntry, ...]
    #: call depth that it must find left beyond the function's own
    room: int = 0


def generate(
    body: Body,
    index: int,
    context: Any,
    instructions: InstructionSet,
    highest_address: int = 1 << 32,
    entry: int = 0,
    slots: int | None = None,
    assume: bool = True,
    form: Callable[[Analysis, int], list[Row]] = emit_rows,
) -> Source:
    """The source of one function; or of the rest of a call of it that has come to a loop: ``entry``
    is the instruction behind the loop's, ``slots`` the number of operands on the stack there.
    ``assume`` lets it begin with a test of ``assumptions``; ``form`` writes the code: nested, or as
    a machine of states.

    Raises TooDeep where Python cannot nest it, Irreducible where it cannot be entered so.
    """
    shape = Shape(body, context, instructions, highest_address)
    assumed = assumptions(shape) if assume and slots is None else []
    analysis = analyse(shape, build(body, instructions, body.moved[entry]), slots, assumed)
    analysis = with_signs(analysis)
    drop_pointers(analysis)
    hoist(analysis)
    sink(analysis)
    drop_dead_stores(analysis)
    narrow(analysis)
    loosen(analysis)
    free_outcomes(analysis)
    free_sums(analysis)
    rows = merged(form(analysis, 2))
    live = analysis.live[analysis.graph.entry]
    return _assembled(body, index, rows, entry, slots, analysis.assumed, live)


def _assembled(
    body: Body,
    index: int,
    rows: Sequence[Row],
    entry: int,
    slots: int | None,
    assumed: Sequence[Assumption],
    unset: int,
) -> Source:
    nparams = len(body.type.params) if slots is None else body.own_locals
    text = "\n".join([*(row.text for row in rows), *(item.name for item in assumed)])
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
        # the head was charged already when the loop was come to, and will be again
        head.append(f"  fuel += {body.costs[body.moved[entry]]}")
    cells = sorted(set(_CELLS.findall("\n".join([*head, text]))) | {"fuel"})
    head.insert(0, f"def make({', '.join(cells)}):")
    zeros: dict[str, list[str]] = {}
    for number, kind in enumerate(body.locals):
        if number >= nparams and unset >> number & 1:
            zeros.setdefault(repr(ZERO[kind]), []).append(f"l{number}")
    head += [f"  {' = '.join(names)} = {zero}" for zero, names in zeros.items()]
    outside = LineEntry((), 0, None, None)
    entries = [outside] * len(head) + [_entry(body, row.entry) for row in rows]
    lines = head + [" " * row.indent + row.text for row in rows] + [f" return f{index}"]
    return Source("\n".join(lines) + "\n", (*entries, outside), room)


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


def compile_source(source: Source) -> Compiled:
    """The code object of the inner function."""
    module = compile(source.text, FILENAME, "exec", dont_inherit=True, optimize=0)
    maker = next(item for item in module.co_consts if isinstance(item, CodeType))
    code = next(item for item in maker.co_consts if isinstance(item, CodeType))
    return Compiled(code, source.entries, source.room)
