"""What catches exceptions around each call and throw of a body.

A ``try`` has no blocks of its own in the graph. A call that may throw where a clause may catch it
ends its block, with an edge for what comes back and one for each clause around it, the innermost
first (LLVM's ``invoke`` is such a call). So every analysis that follows edges knows what handlers
find; and nothing is nested for a ``try``, wherever a ``delegate`` of it leads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...isa import CONTROL_FORMS
from ...valid.blockmap import Catch, Control, Try
from ...watch import Look, parts

__all__ = ["Clause", "TooManyClauses", "clauses_of"]

#: clauses around one call, and around all of a function, counted for each
_MOST_AROUND = 20
_MOST_CLAUSES = 4_000
#: values that an exception carries
_MOST_CARRIED = 90


class TooManyClauses(Exception):
    """There would be an edge for each of too many clauses."""


class Clause(NamedTuple):
    """A clause of a ``try`` or ``try_table``."""

    catch: Catch
    owner: Try

    @property
    def tag(self) -> int | None:
        """The index of the tag that it catches; ``None`` if it catches any."""
        return self.catch.tag

    @property
    def is_legacy(self) -> bool:
        """Whether it is of a ``try``, and finds the exception below what that carries."""
        return self.catch.branch is None


_Around = tuple[Clause, ...]


class _Walk:
    """The clauses around the code where a walk over a body is."""

    def __init__(self) -> None:
        #: by construct, those around the part of it that is walked
        self.inside: dict[Control, _Around] = {}
        self.around: list[_Around] = [()]
        #: the constructs that it is in; a callee in the place of a call is none
        self.opened: list[Control] = []
        self.found: dict[int, _Around] = {}
        self.count = 0

    def take(self, at: int, form: str, x: Any) -> None:
        """Goes on by a control instruction."""
        does = CONTROL_FORMS[form]
        if does.opens:
            inside = self.inside[x] = self._opened(x)
            self.around.append(inside)
            self.opened.append(x)
        elif does.closes:
            if self.opened and self.opened[-1] is x:
                self.around.pop()
                self.opened.pop()
        elif does.catches:
            # a legacy catch
            self.around[-1] = self.inside[x] = self.around[-2]
        elif (does.calls or does.throws) and self.around[-1]:
            self.found[at] = self.around[-1]
            self.count += len(self.around[-1])
            if self.count > _MOST_CLAUSES:
                raise TooManyClauses

    def _opened(self, x: Control) -> _Around:
        if not isinstance(x, Try):
            return self.around[-1]
        if x.delegate is not None:
            return self.inside.get(x.delegate, ())
        return _reached([*(Clause(catch, x) for catch in x.catches), *self.around[-1]])


def _reached(clauses: Sequence[Clause]) -> _Around:
    """Clauses without those that others before them leave nothing to catch."""
    found: dict[int | None, Clause] = {}
    for clause in clauses:
        found.setdefault(clause.tag, clause)
        if clause.catch.arity > _MOST_CARRIED or len(found) > _MOST_AROUND:
            raise TooManyClauses
        if clause.tag is None:
            break
    return tuple(found.values())


def clauses_of(
    code: Sequence[tuple[int, Any]], forms: Sequence[str | None], look: Look
) -> dict[int, _Around]:
    """The clauses around each call and throw that has any, by its index. Raises TooManyClauses.
    ``look`` is called now and then, and may raise."""
    walk = _Walk()
    for first, part in parts(code, look):
        for at, (number, x) in enumerate(part, first):
            form = forms[number]
            if form is not None:
                walk.take(at, form, x)
    return walk.found
