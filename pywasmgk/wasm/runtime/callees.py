"""What ``call_indirect`` of compiled code finds: callables by element, a list for each type.

A list costs eight bytes for each element and type, and a step for each when the table changes. What
an instance keeps so is bounded: where a guest has more, or changes its tables often, elements are
looked up at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import CellType
from typing import TYPE_CHECKING, Any

from ..types import FuncType
from .functions import Func
from .table import Table

if TYPE_CHECKING:
    from .instance import Instance

__all__ = ["Callees"]

#: elements of all lists of an instance, and of one list, which takes 0.3 us for each
_MOST = 1_000_000
_LONGEST = 200_000
#: elements of its lists that a table may change
_MOST_CHANGES = 10_000

Callee = Callable[..., Any]


class _LookedUp:
    """A list of callees that is none: each is found when it is asked for."""

    def __init__(self, find: Callable[[int], Callee]) -> None:
        self._find = find

    def __getitem__(self, index: int) -> Callee:
        return self._find(index)


class Callees:
    """The lists of one instance. ``find`` gives the callable for an element and the type that it is
    called with, ``undefined`` is the one for an index outside of a table."""

    def __init__(
        self, instance: Instance, find: Callable[[Func | None, FuncType], Callee], undefined: Callee
    ) -> None:
        self._instance = instance
        self._find = find
        self._undefined = undefined
        self._cells: dict[tuple[int, FuncType], CellType] = {}
        #: elements that lists may still have, and that each table may still change in its lists
        self._left = _MOST
        self._changes: dict[int, int] = {}
        #: where lists have a function, which is looked up again before it is changed
        self._places: dict[int, list[tuple[list[Callee], int]]] = {}

    def cell(self, table: int, kind: FuncType) -> CellType:
        """The cell of what generated code indexes, for a table and a type."""
        cell = self._cells.get((table, kind))
        if cell is None:
            owner: Table = self._instance.tables[table]
            if table not in self._changes:
                self._changes[table] = _MOST_CHANGES
                owner.watch(self)
            cell = self._cells[table, kind] = CellType(self._list(table, owner, kind))
        return cell

    def _list(self, table: int, owner: Table, kind: FuncType) -> list[Callee] | _LookedUp:
        size = owner.size
        if size > min(self._left, _LONGEST) or self._changes[table] < 0:
            return self._looked_up(owner, kind)
        self._left -= size
        callees: list[Callee] = []
        self._put(callees, 0, owner.elements, kind)
        return callees

    def _looked_up(self, owner: Table, kind: FuncType) -> _LookedUp:
        def find(index: int) -> Callee:
            elements = owner.elements
            if index >= len(elements):
                return self._undefined
            return self._find(elements[index], kind)

        return _LookedUp(find)

    def table_changed(self, table: Table, start: int, values: Sequence[Any]) -> None:
        """Keeps the lists in step with a table, or gives them up."""
        for (number, kind), cell in self._cells.items():
            callees = cell.cell_contents
            if self._instance.tables[number] is table and isinstance(callees, list):
                self._changes[number] -= len(values)
                if self._changes[number] < 0:
                    self._give_up(callees)
                    cell.cell_contents = self._looked_up(table, kind)
                else:
                    self._put(callees, start, values, kind)
                    # one that was put back may have been larger
                    del callees[table.size :]

    def _give_up(self, callees: list[Callee]) -> None:
        self._left += len(callees)
        callees.clear()  # those that have it in _places find nothing there

    def _put(
        self, callees: list[Callee], start: int, values: Sequence[Any], kind: FuncType
    ) -> None:
        """Has a list hold what is found for some elements."""
        callees[start : start + len(values)] = [self._find(element, kind) for element in values]
        for position, element in enumerate(values, start):
            own = element is not None and element.instance is self._instance
            if own and element.type == kind:
                self._places.setdefault(element.index, []).append((callees, position))

    def replace(self, index: int, before: Callee, after: Callee) -> None:
        """Has the lists hold another callable for a function."""
        for callees, position in self._places.get(index, ()):
            if position < len(callees) and callees[position] is before:
                callees[position] = after
