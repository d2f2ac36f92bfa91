"""Memories, tables and globals that live in another engine, as hosts know ours.

What a host has made itself becomes such a view when it is imported: the object stays the same, and
what it holds moves into the engine.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CellType
from typing import Any, Protocol, cast

from ..runtime.globals import Global
from ..runtime.memory import FORMS, Memory
from ..runtime.ownership import Domain
from ..runtime.table import Table
from ..types import GlobalType, MemoryType, TableType
from .windows import Window

__all__ = [
    "GlobalHandle",
    "MemoryHandle",
    "TableHandle",
    "Unsuitable",
    "adopt_global",
    "adopt_memory",
    "adopt_table",
    "bring_global",
    "bring_memory",
    "bring_table",
    "global_view",
    "memory_view",
    "table_view",
]


class Unsuitable(Exception):
    """A module cannot run in an engine, or not with these imports; the message says why."""


class MemoryHandle(Protocol):
    """A memory in an engine."""

    def data(self) -> Any:
        """Its bytes, a memoryview or what can be indexed like one; valid until it grows."""

    def grow(self, pages: int) -> bool:
        """Adds pages; whether it did."""


class TableHandle(Protocol):
    """A table in an engine; references are as our engine has them."""

    def size(self) -> int:
        """How many elements it has."""

    def get(self, index: int) -> Any:
        """The element at an index that is there."""

    def set(self, index: int, value: Any) -> None:
        """Sets the element at an index that is there."""

    def grow(self, count: int, value: Any) -> bool:
        """Adds elements; whether it did."""


class GlobalHandle(Protocol):
    """A global in an engine; values are as our engine has them."""

    def get(self) -> Any:
        """The value."""

    def set(self, value: Any) -> None:
        """Sets it."""


class _Memory(Memory):
    """A memory of another engine."""

    handle: MemoryHandle
    #: the global that says to the module that has defined it how many pages it may have
    allowed: GlobalHandle | None = None

    @property
    def limit(self) -> int:
        """Most pages it may have."""
        return self._limit

    @limit.setter
    def limit(self, pages: int) -> None:
        self._limit = pages
        if self.allowed is not None:
            self.allowed.set(max(pages, self.pages))

    @property
    def data(self) -> Any:  # type: ignore[override]
        """The bytes, where they are now."""
        return self.handle.data()

    def _add(self, pages: int) -> bool:
        return self.handle.grow(pages)

    def view(self) -> memoryview:
        """The bytes themselves, writable; valid until the memory grows. Where they are out of
        Python's reach, a :class:`Window` stands for it."""
        data = self.handle.data()
        if isinstance(data, memoryview):
            return data
        return cast(memoryview, Window(data, 0, len(data)))

    def _get(self, name: str, ptr: int) -> int | float:
        form = FORMS[name]
        self._require(ptr, form.size)
        value: int | float = form.unpack(bytes(self.data[ptr : ptr + form.size]))[0]
        return value

    def _put(self, name: str, ptr: int, value: int | float) -> None:
        form = FORMS[name]
        self._require(ptr, form.size)
        try:
            self.data[ptr : ptr + form.size] = form.pack(value)
        except struct.error as error:
            raise OverflowError(f"{value} is no {name}") from error

    def write(self, ptr: int, data: bytes | bytearray | memoryview) -> None:
        """Overwrites bytes."""
        super().write(ptr, data if isinstance(data, (bytes, bytearray)) else bytes(data))

    def shrink_to(self, pages: int) -> None:
        """No engine does that."""
        raise NotImplementedError("a memory of another engine does not shrink")


class _Elements(Sequence[Any]):
    """The elements of a table of another engine."""

    __slots__ = ("_handle",)

    def __init__(self, handle: TableHandle) -> None:
        self._handle = handle

    def __len__(self) -> int:
        return self._handle.size()

    def __getitem__(self, index: Any) -> Any:
        size = self._handle.size()
        if isinstance(index, slice):
            return [self._handle.get(at) for at in range(*index.indices(size))]
        if not -size <= index < size:
            raise IndexError(index)
        return self._handle.get(index % size)

    def __setitem__(self, index: slice, values: Sequence[Any]) -> None:
        for at, value in zip(range(*index.indices(self._handle.size())), values):
            self._handle.set(at, value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])


class _Table(Table):
    """A table of another engine."""

    handle: TableHandle

    @property
    def elements(self) -> _Elements:  # type: ignore[override]
        """The references, where they are now."""
        return _Elements(self.handle)

    def extend(self, value: Any, count: int) -> int:
        """:meth:`grow` without checks, as the instruction does it."""
        old = self.handle.size()
        if count > self.limit - old:
            return -1
        if self.quota is not None and not self.quota.take(count):
            return -1
        return old if self.handle.grow(count, value) else -1

    def put_back(self, elements: Sequence[Any]) -> None:
        """No engine does that."""
        raise NotImplementedError("a table of another engine does not shrink")


class _Cell:
    """Stands for the cell of a global whose value is in another engine."""

    __slots__ = ("handle",)

    def __init__(self, handle: GlobalHandle) -> None:
        self.handle = handle

    @property
    def cell_contents(self) -> Any:
        """The value."""
        return self.handle.get()

    @cell_contents.setter
    def cell_contents(self, value: Any) -> None:
        self.handle.set(value)


# -- views of what an engine has made


def memory_view(
    handle: MemoryHandle, kind: MemoryType, limit: int, domain: Domain, allowed: GlobalHandle
) -> Memory:
    """A memory of the engine's, of a module that declares this type; ``allowed`` is the global by
    which a limit that is lowered reaches its code."""
    made = Memory(0, kind.limits.max, limit=limit, shared=kind.shared)
    del made.data
    view = _bound_memory(made, handle, domain)
    view.allowed = allowed
    return view


def _bound_memory(memory: Memory, handle: MemoryHandle, domain: Domain) -> _Memory:
    limit = memory.__dict__.pop("limit")
    memory.__class__ = _Memory
    view = cast(_Memory, memory)
    view._limit = limit
    view.handle, view.domain = handle, domain
    return view


def table_view(handle: TableHandle, kind: TableType, limit: int, domain: Domain) -> Table:
    """A table of the engine's."""
    made = Table(kind.element, 0, kind.limits.max, limit=limit)
    del made.elements
    return _bound_table(made, handle, domain)


def _bound_table(table: Table, handle: TableHandle, domain: Domain) -> Table:
    table.__class__ = _Table
    view = cast(_Table, table)
    view.handle, view.domain = handle, domain
    return view


def global_view(handle: GlobalHandle, kind: GlobalType) -> Global:
    """A global of the engine's."""
    made = Global.__new__(Global)
    made.type = kind
    made.cell = cast(Any, _Cell(handle))
    return made


# -- views of what hosts have made


def adopt_memory(memory: Memory, make: Any, is_own: Callable[[Any], bool]) -> Any:
    """The handle of a memory that a module imports: that which it has, or one that ``make`` gives
    of its size and limit, to which its bytes move. Raises Unsuitable."""
    if isinstance(memory, _Memory):
        return _own(memory.handle, is_own)
    if memory._cells:
        raise Unsuitable("it imports a memory that compiled code uses")
    data = memory.data
    handle = make(memory.pages, memory.limit)
    handle.data()[: len(data)] = data
    del memory.data
    _bound_memory(memory, handle, memory.domain)
    return handle


def adopt_table(table: Table, make: Any, is_own: Callable[[Any], bool]) -> Any:
    """The same of a table."""
    if isinstance(table, _Table):
        return _own(table.handle, is_own)
    if table._watchers:
        raise Unsuitable("it imports a table that compiled code uses")
    elements = table.elements
    handle = make(table.element, len(elements), table.limit)
    for index, value in enumerate(elements):
        if value is not None:
            handle.set(index, value)
    del table.elements
    _bound_table(table, handle, table.domain)
    return handle


def adopt_global(item: Global, make: Any, is_own: Callable[[Any], bool]) -> Any:
    """The same of a global; one that never changes has a handle for each module."""
    cell: Any = item.cell
    if isinstance(cell, _Cell):
        if item.type.mutable:
            return _own(cell.handle, is_own)
        return make(item.type, cell.cell_contents)
    # 2: the global's own reference, and the one here, and what asks
    if item.type.mutable and sys.getrefcount(cell) > 3:
        raise Unsuitable("it imports a mutable global that another instance uses")
    handle = make(item.type, cell.cell_contents)
    if item.type.mutable:
        item.cell = cast(Any, _Cell(handle))
    return handle


# -- and back


def bring_memory(memory: Memory) -> None:
    """Makes a view a memory of our own again, with the bytes that it has."""
    if isinstance(memory, _Memory):
        content, limit = bytearray(bytes(memory.handle.data())), memory.limit
        for name in ("handle", "allowed", "_limit"):
            memory.__dict__.pop(name, None)
        own = cast(Memory, memory)
        own.__class__ = Memory
        own.data, own.limit = content, limit


def bring_table(table: Table) -> None:
    """The same of a table."""
    if isinstance(table, _Table):
        elements = list(table.elements)
        del table.handle
        own = cast(Table, table)
        own.__class__ = Table
        own.elements = elements


def bring_global(item: Global) -> None:
    """The same of a global."""
    if isinstance(item.cell, _Cell):
        item.cell = CellType(item.cell.cell_contents)


def _own(handle: Any, is_own: Callable[[Any], bool]) -> Any:
    if not is_own(handle):
        raise Unsuitable("it imports something of another engine")
    return handle
