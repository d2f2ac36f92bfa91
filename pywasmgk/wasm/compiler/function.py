"""A function's source: head, body and the table of its lines, and the code object of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any, NamedTuple

from ..isa import InstructionSet
from ..values import ZERO
from .analysis import Analysis, analyse
from .assumptions import Assumption, assumptions
from .emit import Entry, Row, emit_rows
from .graph import build
from .inlining import Body
from .liveness import drop_dead_stores
from .loops import Ahead
from .translate import Shape

__all__ = ["Compiled", "LineEntry", "Source", "compile_source", "generate"]

#: a row that only names a value, and copies of such values
_TEMPORARY = re.compile(r"([tu]\d+(?:_\d+)?) = (.+)")
_COPY = re.compile(r"[lgstu]\w+ = [tu]\w+")
#: a float with the bits of its NaN put right; no use if only arithmetic reads the float
_UNLESS_NAN = re.compile(r"([tu]\w+) = ([tu]\w+) if \2 == \2 else ")
_CHARGE = re.compile(r"fuel -= (\d+)")
_TEMPORARIES = re.compile(r"\b[tu]\d+(?:_\d+)?\b")
#: text that may be put in the place of a name as it is
_PRIMARY = re.compile(r"\w+(\[[^\[\]]*\])?")
#: what may not run before the rest of its line does
_WRAP = re.compile(r" else w [-+] \d+")
_LATE = re.compile(r" else | and | or ")
_CELLS = re.compile(r"\b(?:fuel|mem|M[a-zA-Z]|[fg]\d+|c\d+_\d+)\b")
#: the depth that is left, for a callee
_DEPTH = re.compile(r"\bd(?: - \d+)?\)")
_GLOBAL_SET = re.compile(r"(g\d+) = ")

FILENAME = "<pywasmgk>"


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
    unset = drop_dead_stores(analysis)
    rows = _merged(form(analysis, 2))
    return _assembled(body, index, rows, entry, slots, assumed, unset)


def _merged(rows: Sequence[Row]) -> list[Row]:
    """Rows without temporaries that only the next row uses."""
    uses = Counter(name for row in rows for name in _TEMPORARIES.findall(row.text))
    # a block may be written several times, always with the same lines
    written = Counter(made[1] for row in rows if (made := _TEMPORARY.fullmatch(row.text)))
    for name, times in written.items():
        uses[name] //= times
    merged: list[Row] = []
    for row in rows:
        fixed = _UNLESS_NAN.match(row.text)
        if fixed is not None and uses[fixed[1]] == 1:
            # nothing but arithmetic reads it
            uses.subtract(_TEMPORARIES.findall(row.text))
            continue
        if merged:
            found = _inlined(merged[-1], row, uses) or _charged_once(merged[-1], row)
            if found is not None:
                merged[-1] = found
                continue
        merged.append(row)
    return merged


def _inlined(first: Row, row: Row, uses: Counter[str]) -> Row | None:
    """One row for two, where the second uses what the first computes, at once and only once."""
    if row.own or row.indent != first.indent:
        return None
    made = _TEMPORARY.fullmatch(first.text)
    if made is None or uses[made[1]] != 2:
        return None
    name, text = made.groups()
    if _COPY.fullmatch(row.text) and row.text.endswith(f" = {name}"):
        return first._replace(text=row.text[: -len(name)] + text)
    if first.own or _LATE.search(_WRAP.sub("", row.text)):
        return None
    if first.entry.trap is not None and row.entry.trap is not None:
        return None
    if row.text.startswith(("if ", "else", "while")) and not row.text.endswith(":"):
        return None
    pattern = re.compile(rf"\b{name}\b")
    if len(pattern.findall(row.text)) != 1:
        return None
    whole = row.text.endswith((f" = {name}", f"return {name}")) and row.text.count(name) == 1
    if not whole and not _PRIMARY.fullmatch(text):
        text = f"({text})"
    entry = first.entry if first.entry.trap is not None else row.entry
    return Row(row.indent, pattern.sub(lambda _: text, row.text), entry)


def _charged_once(first: Row, row: Row) -> Row | None:
    """One charge for two that follow each other."""
    one, other = _CHARGE.fullmatch(first.text), _CHARGE.fullmatch(row.text)
    if one is None or other is None or first.indent != row.indent:
        return None
    return row._replace(text=f"fuel -= {int(one[1]) + int(other[1])}")


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
    cells = sorted(set(_CELLS.findall(text)) | {"fuel"})
    changed = sorted(set(_GLOBAL_SET.findall(text)) | {"fuel"})
    params = "".join(f"l{number}, " for number in range(nparams))
    params += "".join(f"s{number}, " for number in range(slots or 0))
    # a callee may take one frame unasked
    calls = _DEPTH.search(text) is not None
    room = body.inner + calls
    head = [
        f"def make({', '.join(cells)}):",
        f" def f{index}({params}d):",
        f"  nonlocal {', '.join(changed)}",
    ]
    if slots is None:
        tests = [item.test for item in assumed]
        if body.depth + room > 1:
            # whoever calls it has seen to the first one
            tests.insert(0, f"d < {body.depth + room}")
        if tests:
            head.append(f"  if {' or '.join(tests)}: return deep({index}, d, ({params}))")
        if calls:
            head.append(f"  d -= {body.depth}")
        if body.large:
            head.append("  fuel = expire(fuel)")
    else:
        # the head was charged already when the loop was come to, and will be again
        head.append(f"  fuel += {body.costs[body.moved[entry]]}")
    zeros: dict[str, list[str]] = {}
    for number, kind in enumerate(body.locals):
        if number >= nparams and unset >> number & 1:
            zeros.setdefault(repr(ZERO[kind]), []).append(f"l{number}")
    head += [f"  {' = '.join(names)} = {zero}" for zero, names in zeros.items()]
    outside = LineEntry((), 0, None, None)
    entries = [outside] * len(head) + [_entry(body, row.entry) for row in rows]
    lines = head + [" " * row.indent + row.text for row in rows] + [f" return f{index}"]
    return Source("\n".join(lines) + "\n", (*entries, outside), room)


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
