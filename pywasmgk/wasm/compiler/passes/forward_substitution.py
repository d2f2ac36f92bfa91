"""Forward substitution: what is computed for the next row only stands in it.

Rows are Python's statements, whose meaning is settled; this is about how Python runs them soonest:
a temporary that is read once, right after its assignment, costs a store and a load for nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from ..backend.rows import Code, Else, If, Row, Set, Take, Test, mapped, terms
from ..budget import Budget
from ..ir.expr import MAX_DEPTH, Expr, constant
from ..ir.traversal import rewritten, subterms

__all__ = ["merged"]

#: what may not run before the rest of its row does
_LATE = frozenset(("if", "and", "or"))
#: expressions within expressions of one line: Python's parser and compiler recurse, which the small
#: stack of a thread does not survive
_MOST_NESTED = 2 * MAX_DEPTH


def merged(rows: Sequence[Row], budget: Budget) -> list[Row]:
    """Rows without temporaries that only the next row uses."""
    uses = Counter(name for row in budget.each(rows) for name in _temporaries(row.code))
    # a block may be written several times, always with the same rows
    written = Counter(made.name for row in rows if (made := _made(row)) is not None)
    budget.check()
    for name, times in written.items():
        uses[name] = -(-uses[name] // times)
    found: list[Row] = []
    for row in budget.each(_alone(rows, uses, budget)):
        if _puts_nan_right(row, uses):
            # nothing but arithmetic reads it, and that needs no care for the bits of NaNs
            uses.subtract(_temporaries(row.code))
            continue
        if found:
            both = _substituted(found[-1], row, uses) or _charged_once(found[-1], row)
            if both is not None:
                found[-1] = both
                continue
        found.append(row)
    return found


class _Made:
    """A row that does nothing but define a temporary."""

    def __init__(self, name: str, value: Expr) -> None:
        self.name = name
        self.value = value

    def put(self, term: Expr) -> Expr:
        """The value in the place of the temporary."""
        return self.value if term.is_variable(self.name) else term


def _made(row: Row) -> _Made | None:
    code = row.code
    if not isinstance(code, Set) or len(code.targets) > 1:
        return None
    name = _temporary(code.targets[0])
    return _Made(name, code.values[0]) if name else None


def _temporary(term: Expr) -> str:
    """The name of a temporary of a block or an iteration; nothing, if an expression is none."""
    return str(term.args[0]) if term.op == "var" and term.args[0][0] in "tu" else ""


def _temporaries(code: Code) -> Iterator[str]:
    """The temporaries that a row names, each as often as it does."""
    return filter(None, map(_temporary, subterms(terms(code))))


# -- words that are asked for once


def _alone(rows: Sequence[Row], uses: Counter[str], budget: Budget) -> Iterator[Row]:
    """Rows without questions whether a pointer points to words that are asked for one word only:
    ``struct`` costs less than the question, the shift and the view."""
    lost: set[str] = set()
    found: dict[int, Code | None] = {}
    for place, row in enumerate(budget.each(rows)):
        for term in subterms(terms(row.code)):
            names = _of_either_load(term)
            if names is not None and all(uses[name] == 2 for name in names):
                lost.update(names)
                found[place] = mapped(found.get(place) or row.code, _loaded_by(term))
        names = _of_word_store(row.code)
        if names is not None and all(uses[name] == 2 for name in names):
            lost.update(names)
            following = rows[place + 1].code
            found[place] = None
            found[place + 1] = following.then if isinstance(following, Else) else following
    for place, row in enumerate(rows if lost else ()):
        made = _made(row)
        code = None if made is not None and made.name in lost else found.get(place, row.code)
        if code is not None:
            yield row if code is row.code else row._replace(code=code)
    if not lost:
        yield from rows


def _of_either_load(term: Expr) -> tuple[str, str] | None:
    """The index and the low bits that a load of a word, or else of its bytes, reads."""
    if term.op != "if" or term.args[1].op != "index":
        return None
    return _asked(term.args[0], term.args[1])


def _of_word_store(code: Code) -> tuple[str, str] | None:
    """The same of a store; the one of bytes is in the next row."""
    if not isinstance(code, If) or not isinstance(code.then, Set):
        return None
    return _asked(code.condition, code.then.targets[0])


def _asked(condition: Expr, place: Expr) -> tuple[str, str] | None:
    if condition.op != "not" or place.op != "index":
        return None
    low, index = _temporary(condition.args[0]), _temporary(place.args[1])
    # iterations of a loop ask often enough
    return (index, low) if low and index and low[0] == index[0] == "t" else None


def _loaded_by(load: Expr) -> Callable[[Expr], Expr]:
    """Puts the load of bytes in the place of a load of either kind."""
    return lambda term: rewritten(term, lambda part: load.args[2] if part is load else part)


# -- NaNs


def _puts_nan_right(row: Row, uses: Counter[str]) -> bool:
    """Whether a row gives a float the bits of its NaN, and nobody reads it but itself."""
    made = _made(row)
    if made is None or made.value.op != "if" or uses[made.name] != 1:
        return False
    condition, value = made.value.args[:2]
    if condition.op != "==" or not _temporary(value):
        return False
    return all(arg.is_variable(value.args[0]) for arg in condition.args)


# -- substitution


def _substituted(first: Row, row: Row, uses: Counter[str]) -> Row | None:
    """One row for two, where the second uses what the first computes, at once and only once."""
    if row.own or row.indent != first.indent:
        return None
    made = _made(first)
    if made is None or uses[made.name] != 2:
        return None
    if isinstance(row.code, Set) and _is_copy(row.code, made.name):
        return first._replace(code=Set(row.code.targets, (made.value,)))
    if first.own or _is_one_line(row.code):
        return None
    if first.entry.trap is not None and row.entry.trap is not None:
        return None
    used = terms(row.code)
    if made.value.depth + max((term.depth for term in used), default=0) > _MOST_NESTED:
        return None
    if _runs_late(used) or list(_temporaries(row.code)).count(made.name) != 1:
        return None
    entry = first.entry if first.entry.trap is not None else row.entry
    code = mapped(row.code, lambda term: rewritten(term, made.put))
    return Row(row.indent, code, entry)


def _is_copy(code: Set, name: str) -> bool:
    """Whether a row does nothing but give a temporary another name."""
    is_one = len(code.targets) == 1 and code.targets[0].op == "var"
    return is_one and code.values[0].is_variable(name)


def _is_one_line(code: Code) -> bool:
    """Whether a row runs a part of itself only if something holds."""
    return isinstance(code, Test) or (isinstance(code, (If, Else)) and code.then is not None)


def _runs_late(used: Iterable[Expr]) -> bool:
    """Whether a part of some expressions is evaluated sometimes only."""
    return any(term.op in _LATE and not _wraps(term) for term in subterms(used))


def _wraps(term: Expr) -> bool:
    """Whether a choice brings a number into range, so that all of it is computed each time."""
    condition = term.args[0]
    return term.op == "if" and condition.op == "<" and condition.args[0].op == "named"


def _charged_once(first: Row, row: Row) -> Row | None:
    """One charge for two that follow each other."""
    one, other = first.code, row.code
    if not isinstance(one, Take) or not isinstance(other, Take) or first.indent != row.indent:
        return None
    if one.amount.op != "const" or other.amount.op != "const":
        return None
    return row._replace(code=Take(constant(one.amount.args[0] + other.amount.args[0])))
