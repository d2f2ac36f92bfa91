"""Stream loads: loads of a counted loop that step from iteration to iteration, read by iteration.

``zip`` over slices of views gives the next element of each in the time that one index takes. A
slice is no copy: what earlier iterations have stored is seen. Within an iteration the load comes
first now, so it must have come before any store; and it cannot fail, since it is not done for
iterations that would leave the memory. This works on rows, as ``forward_substitution`` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..analysis.induction import N
from ..backend.rows import Code, Expired, If, Row, Set, Test, mapped, terms
from ..ir.expr import Expr, call, constant, name
from ..ir.traversal import rewritten, subterms

__all__ = ["Stream", "streamed", "too_short"]

#: what may not be evaluated in every iteration
_SOMETIMES = frozenset(("if", "and", "or"))
#: loads that pay for the slices in ten iterations; so does a pointer that need not be stepped any
#: more
_MANY = 4


class Stream(NamedTuple):
    """A load that reads one element after the other."""

    #: what the element is called in an iteration
    name: str
    view: str
    #: the index in the first iteration, and what it goes up by
    start: str
    step: int

    @property
    def end(self) -> Expr:
        """The index after ``n`` iterations."""
        by = N if self.step == 1 else Expr("*", (N, constant(self.step)))
        return Expr("+", (name(self.start), by))

    @property
    def source(self) -> Expr:
        """What is iterated over."""
        step = () if self.step == 1 else (constant(self.step),)
        bounds = Expr("slice", (name(self.start), self.end, *step))
        return Expr("index", (name(self.view), bounds))


def streamed(rows: Sequence[Row], steps: Mapping[str, int]) -> tuple[list[Row], list[Stream]]:
    """An iteration's rows without the loads that step; ``steps`` are by the name of the index."""
    found: dict[tuple[str, str], Stream] = {}
    kept: list[Row] = []

    def element(term: Expr) -> Expr:
        view, index = _load(term)
        if index not in steps:
            return term
        if (view, index) not in found:
            found[view, index] = Stream(f"x{len(found)}", view, index, steps[index])
        return name(found[view, index].name)

    going = True
    for row in rows:
        going = going and _may_follow(row.code, steps)
        if going and not _is_sometimes(row.code):
            row = row._replace(code=_with_elements(row.code, element))
        going = going and not _stores(row.code)
        kept.append(row)
    rest = _without_steps(kept)
    if len(rest) == len(rows) and len(found) < _MANY:
        return list(rows), []
    return _named(rest, list(found.values()))


def _load(term: Expr) -> tuple[str, str]:
    """The view and the index of a load at a variable; nothing, if an expression is none."""
    if term.op != "index" or term.args[1].op not in ("var", "name"):
        return "", ""
    view = str(term.args[0].args[0])
    return (view, str(term.args[1].args[0])) if view[0] == "M" else ("", "")


def _may_follow(code: Code, steps: Mapping[str, int]) -> bool:
    """Whether loads after a row may come before it: it does nothing but set a variable that does
    not step, round a number to 32 bits, or store."""
    if isinstance(code, (Test, Expired)):
        return True
    if _stores(code):
        return True
    if isinstance(code, If) and code.then is not None:
        code = code.then
    if not isinstance(code, Set) or len(code.targets) > 1:
        return False
    target = code.targets[0]
    if target.op == "index":
        return bool(target.args[0].args[0] == "F")
    return target.args[0] not in steps


def _stores(code: Code) -> bool:
    """Whether a row stores through a view, at an index that reads no memory."""
    if not isinstance(code, Set) or code.targets[0].op != "index":
        return False
    base, index = code.targets[0].args
    is_plain = all(term.op != "index" for term in subterms((index,)))
    return is_plain and bool(base.args[0][0] == "M")


def _is_sometimes(code: Code) -> bool:
    """Whether a part of a row is evaluated in some iterations only."""
    if isinstance(code, (If, Test)):
        return True
    return any(term.op in _SOMETIMES for term in subterms(terms(code)))


def _with_elements(code: Code, element: Callable[[Expr], Expr]) -> Code:
    """A row that reads elements; where it stores is left."""
    if not isinstance(code, Set):
        return mapped(code, lambda term: rewritten(term, element))
    return Set(code.targets, tuple(rewritten(term, element) for term in code.values))


def _named(rows: Sequence[Row], streams: Sequence[Stream]) -> tuple[list[Row], list[Stream]]:
    """Elements that are called what an iteration would call them in its first row about them."""
    names: dict[str, Expr] = {}
    kept = []
    for row in rows:
        given = _name_given(row.code)
        if given is not None and given[1] not in names:
            names[given[1]] = given[0]
        else:
            kept.append(row)

    def renamed(term: Expr) -> Expr:
        return names.get(term.args[0], term) if term.op == "name" else term

    found = [
        row._replace(code=mapped(row.code, lambda term: rewritten(term, renamed))) for row in kept
    ]
    return found, [
        item._replace(name=str(names[item.name].args[0])) if item.name in names else item
        for item in streams
    ]


def _name_given(code: Code) -> tuple[Expr, str] | None:
    """The temporary that a row gives an element to, and the element."""
    if not isinstance(code, Set) or len(code.targets) > 1 or code.values[0].op != "name":
        return None
    target, value = code.targets[0], str(code.values[0].args[0])
    is_temporary = target.op == "var" and target.args[0][0] in "tu"
    return (target, value) if is_temporary and value[0] == "x" else None


def _without_steps(rows: Sequence[Row]) -> list[Row]:
    """Rows without the steps of pointers that nothing reads any more."""
    used = (term for row in rows for term in subterms(terms(row.code)))
    count = Counter(term.args[0] for term in used if term.op in ("var", "name"))
    return [row for row in rows if not (step := _stepped(row.code)) or count[step] > 2]


def _stepped(code: Code) -> str:
    """The pointer, there for a loop's fast iterations alone, that a row steps."""
    if not isinstance(code, Set) or code.targets[0].op != "name":
        return ""
    target, value = str(code.targets[0].args[0]), code.values[0]
    if target[0] not in "qr" or value.op != "+" or value.args[0].args[0] != target:
        return ""
    return target


def too_short(streams: Sequence[Stream]) -> Expr:
    """The condition that ``n`` iterations leave the memory. Of views of the same kind that are read
    at the same places, the one that begins last is the shortest."""
    last: dict[tuple[str, str], Stream] = {}
    for stream in sorted(streams, key=lambda stream: int(stream.view[3:] or 0)):
        last[stream.view[:2], stream.start] = stream
    ends = (Expr(">", (stream.end, call("len", name(stream.view)))) for stream in last.values())
    return Expr("or", tuple(ends))
