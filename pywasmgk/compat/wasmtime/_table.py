"""Tables, globals and tags."""

from __future__ import annotations

from typing import Any

from ...wasm.runtime.globals import Global as EngineGlobal
from ...wasm.runtime.table import Table as EngineTable
from ...wasm.runtime.tags import Tag as EngineTag
from ._errors import WasmtimeError
from ._extern import Extern
from ._store import WRAPPERS, Storelike
from ._types import GlobalType, TableType, TagType, of_engine
from ._values import or_null, to_engine

__all__ = ["Global", "Table", "Tag"]

_OUTSIDE = "wasm trap: undefined element: out of bounds table access"


class Table(Extern):
    """References by index."""

    _item: EngineTable

    def __init__(self, store: Storelike, ty: TableType, init: Any) -> None:
        ty.ptr()
        context = store._context
        kind, limits = ty._type.element, ty.limits
        value = to_engine(kind, init)
        context.require_elements(limits.min)
        try:
            self._item = EngineTable(kind, limits.min, limits.max)
        except ValueError as error:
            raise WasmtimeError(str(error)) from None
        self._item.replace(0, [value] * limits.min)
        self._store = context
        context.keep([], [self._item])

    def type(self, store: Storelike) -> TableType:
        """Its type."""
        self._in(store)
        return of_engine(self._item.type)  # type: ignore[return-value]

    def size(self, store: Storelike) -> int:
        """How many elements it has."""
        self._in(store)
        return len(self._item)

    def get(self, store: Storelike, idx: int) -> Any | None:
        """An element; a null one is a Val. ``None`` for an index outside."""
        context = self._in(store)
        if not 0 <= idx < len(self._item):
            return None
        return or_null(context, self._item.element, self._item.get(idx))

    def set(self, store: Storelike, idx: int, val: Any) -> None:
        """Sets an element. Raises TypeError for another kind, WasmtimeError outside."""
        self._in(store)
        value = to_engine(self._item.element, val)
        if not 0 <= idx < len(self._item):
            raise WasmtimeError(_OUTSIDE)
        self._item.set(idx, value)

    def grow(self, store: Storelike, amt: int, init: Any) -> int:
        """Adds elements; gives the old size. Raises WasmtimeError where that cannot be."""
        self._in(store)
        value = to_engine(self._item.element, init)
        amount = amt & ((1 << 64) - 1)
        old = self._item.grow(amount, value)
        if old < 0:
            raise WasmtimeError(f"failed to grow table by `{amount}`")
        return old


WRAPPERS[EngineTable] = Table._of


class Global(Extern):
    """A value that guests and hosts share."""

    _item: EngineGlobal

    def __init__(self, store: Storelike, ty: GlobalType, val: Any) -> None:
        if not isinstance(ty, GlobalType):
            raise TypeError("expected a GlobalType")
        self._store = store._context
        self._item = EngineGlobal(ty._type, to_engine(ty._type.value_type, val))

    def type(self, store: Storelike) -> GlobalType:
        """Its type."""
        self._in(store)
        return of_engine(self._item.type)  # type: ignore[return-value]

    def value(self, store: Storelike) -> Any:
        """Its value; a null reference is a Val."""
        context, item = self._in(store), self._item
        return or_null(context, item.type.value_type, item.value)

    def set_value(self, store: Storelike, val: Any) -> None:
        """Sets it. Raises WasmtimeError if it is immutable, TypeError for another kind."""
        self._in(store)
        value = to_engine(self._item.type.value_type, val)
        if not self._item.type.mutable:
            raise WasmtimeError("immutable global cannot be set")
        self._item.value = value


WRAPPERS[EngineGlobal] = Global._of


class Tag(Extern):
    """What exceptions of a kind are told apart by."""

    _item: EngineTag

    def __init__(self, store: Storelike, ty: TagType) -> None:
        if not isinstance(ty, TagType):
            raise TypeError("expected a TagType")
        self._store = store._context
        self._item = EngineTag(*ty.functype._type.params)

    def type(self, store: Storelike) -> TagType:
        """Its type."""
        self._in(store)
        return of_engine(self._item.type)  # type: ignore[return-value]

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Whether two are the same."""
        self._in(store)
        return self._item is other._item


WRAPPERS[EngineTag] = Tag._of
