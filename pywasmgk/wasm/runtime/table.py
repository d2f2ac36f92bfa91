"""Tables (spec, section "Table Instances")."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

from ..types import Limits, TableType, ValType
from .defaults import DEFAULT_TABLE_LIMIT
from .ownership import Domain

__all__ = ["Table"]


_MOST = (1 << 32) - 1


class Watcher(Protocol):
    """Who keeps something that follows from a table's elements."""

    def table_changed(self, table: Table, start: int, values: Sequence[Any]) -> None:
        """Elements from ``start`` on were set, or added."""


class Table:
    """References by index; functions, or any Python object in a table of externref."""

    def __init__(
        self,
        element: ValType,
        min: int,
        max: int | None = None,
        *,
        limit: int = DEFAULT_TABLE_LIMIT,
    ) -> None:
        if not element.is_reference:
            raise TypeError(f"a table holds references, not {element}")
        if not 0 <= min <= _MOST or (max is not None and not min <= max <= _MOST):
            raise ValueError("table limits must be 0 <= min <= max < 2**32 elements")
        if min > limit:
            raise ValueError(f"table minimum {min} elements over limit of {limit} elements")
        self.element = element
        self._max = max
        #: most elements it may have; instances lower it as their other tables grow
        self.limit = limit if max is None or max > limit else max
        self.elements: list[Any] = [None] * min
        #: what limits it together with others, if something does
        self.quota: TableQuota | None = None
        self._watchers: list[weakref.ref[Watcher]] = []
        self.domain = Domain()

    @property
    def type(self) -> TableType:
        """Its type, with the present size as minimum, as imports are matched against it."""
        return TableType(self.element, Limits(self.size, self._max))

    @property
    def size(self) -> int:
        """How many elements it has."""
        return len(self.elements)

    def __len__(self) -> int:
        return len(self.elements)

    def __repr__(self) -> str:
        return f"<Table of {self.size} {self.element}>"

    def _require(self, index: int) -> None:
        if not 0 <= index < len(self.elements):
            raise IndexError(f"element {index} is outside the table of {len(self.elements)}")

    def get(self, index: int) -> Any:
        """The reference at an index, ``None`` for null. Raises IndexError outside."""
        self._require(index)
        return self.elements[index]

    def set(self, index: int, value: Any) -> None:
        """Puts a reference at an index. Raises IndexError outside, TypeError for a wrong kind."""
        self._require(index)
        self._check(value)
        self.replace(index, (value,))

    def replace(self, start: int, values: Sequence[Any]) -> None:
        """Sets elements from ``start`` on, which must be there: what instructions do."""
        self.elements[start : start + len(values)] = values
        if self._watchers:
            self._tell(start, values)

    def put_back(self, elements: Sequence[Any]) -> None:
        """Has it be as it was, also smaller; its quota gets back what it had grown by."""
        if self.quota is not None:
            self.quota.left += len(self.elements) - len(elements)
        self.elements[:] = elements
        if self._watchers:
            self._tell(0, self.elements)

    def watch(self, watcher: Watcher) -> None:
        """Has a watcher told of changes, as long as somebody else holds it."""
        self._watchers.append(weakref.ref(watcher))

    def _tell(self, start: int, values: Sequence[Any]) -> None:
        for reference in self._watchers[:]:
            watcher = reference()
            if watcher is None:
                self._watchers.remove(reference)
            else:
                watcher.table_changed(self, start, values)

    def _check(self, value: Any) -> None:
        function = value is None or hasattr(value, "call_bits")
        if self.element is ValType.FUNCREF and not function:
            raise TypeError(f"a table of funcref takes Func objects or None, not {value!r}")

    def grow(self, count: int, value: Any = None) -> int:
        """Adds elements; gives the old size, or -1 where the limit forbids it."""
        if count < 0:
            raise ValueError(f"a table cannot shrink: grow({count})")
        self._check(value)
        return self.extend(value, count)

    def extend(self, value: Any, count: int) -> int:
        """:meth:`grow` without checks, as the instruction does it."""
        old = len(self.elements)
        if count > self.limit - old:
            return -1
        if self.quota is not None and not self.quota.take(count):
            return -1
        try:
            added = [value] * count
            self.elements += added
        except MemoryError:
            return -1
        if self._watchers:
            self._tell(old, added)
        return old


class TableQuota:
    """What the tables that one instance defines may have together."""

    def __init__(self, elements: int) -> None:
        self.left = elements

    def take(self, count: int) -> bool:
        """Takes so many elements, if there are."""
        if count > self.left:
            return False
        self.left -= count
        return True
