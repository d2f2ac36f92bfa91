"""What modules import and export: an item of the engine's, in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import WasmtimeError

if TYPE_CHECKING:
    from ._store import Store, Storelike

__all__ = ["Extern", "require_extern"]


class Extern:
    """An item of the engine's, which belongs to a store."""

    #: the item
    _item: Any
    _store: Store

    @classmethod
    def _of(cls, store: Store, item: Any) -> Any:
        made = cls.__new__(cls)
        made._store, made._item = store, item
        return made

    def _in(self, store: Storelike) -> Store:
        """The store that it is used with. Raises WasmtimeError for one that it does not belong to,
        ValueError for one that is closed."""
        context = store._context
        if context is not self._store:
            raise WasmtimeError("object used with the wrong store")
        return context


def require_extern(item: Any) -> Extern:
    """What can be imported. Raises TypeError for all else."""
    if not isinstance(item, Extern):
        raise TypeError("expected a Func, Global, Memory, SharedMemory, Tag, or Table")
    return item
