"""Memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...wasm.runtime.memory import Memory as EngineMemory
from ...wasm.types import PAGE_SIZE
from ._bounds import current
from ._config import Engine
from ._errors import WasmtimeError
from ._extern import Extern
from ._managed import Managed
from ._store import WRAPPERS, Store, Storelike
from ._types import MemoryType, of_engine

if TYPE_CHECKING:
    import ctypes

__all__ = ["Memory", "SharedMemory"]


class Memory(Extern):
    """Bytes that a guest addresses."""

    _item: EngineMemory

    def __init__(self, store: Storelike, ty: MemoryType) -> None:
        ty.ptr()
        context = store._context
        if ty.is_64 or ty.is_shared or ty.page_size != PAGE_SIZE:
            raise WasmtimeError("only memories of 32-bit addresses, pages of 64 KiB and one thread")
        limits = ty.limits
        if not 0 <= limits.min <= PAGE_SIZE:
            raise WasmtimeError("minimum size is too large for this memory type's index type")
        context.require_pages(limits.min)
        most = None if limits.max is None else min(limits.max, PAGE_SIZE)
        self._store = context
        self._item = EngineMemory(limits.min, most)
        context.keep([self._item], [])

    def type(self, store: Storelike) -> MemoryType:
        """Its type."""
        self._in(store)
        return of_engine(self._item.type)  # type: ignore[return-value]

    def page_size(self, store: Storelike) -> int:
        """Bytes in a page."""
        self._in(store)
        return PAGE_SIZE

    def page_size_log2(self, store: Storelike) -> int:
        """The same as a power of two."""
        self._in(store)
        return PAGE_SIZE.bit_length() - 1

    def size(self, store: Storelike) -> int:
        """Its size in pages."""
        self._in(store)
        return self._item.pages

    def data_len(self, store: Storelike) -> int:
        """Its size in bytes."""
        self._in(store)
        return len(self._item)

    def grow(self, store: Storelike, delta: int) -> int:
        """Adds pages; gives the old size. Raises WasmtimeError where that cannot be."""
        self._in(store)
        return _grown(self._item, delta)

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """A copy of the bytes of a slice, which as all slices ends where the memory does."""
        self._in(store)
        return self._item.data[start:stop]

    def write(self, store: Storelike, value: bytearray | bytes, start: int | None = None) -> int:
        """Overwrites bytes from an index on, which may count from the end; gives their number.
        Raises IndexError where they do not fit."""
        self._in(store)
        data = self._item.data
        size = len(data)
        at = 0 if start is None else start
        if at < 0:
            at = max(size + at, 0)
        content = bytearray(value)
        if at >= size or at + len(content) > size:
            raise IndexError("index out of range")
        data[at : at + len(content)] = content
        return len(content)

    def data_ptr(self, store: Storelike) -> ctypes._Pointer[ctypes.c_ubyte]:
        """A pointer to the bytes. After a growth it points to the old ones, which stay valid."""
        import ctypes

        return ctypes.cast(self.get_buffer_ptr(store), ctypes.POINTER(ctypes.c_ubyte))

    def get_buffer_ptr(
        self, store: Storelike, size: int | None = None, offset: int = 0
    ) -> ctypes.Array[Any]:
        """The bytes from an offset on as an array of ctypes'. Raises IndexError for a range that is
        not in the memory."""
        self._in(store)
        return _array(self._item, size, offset)


class SharedMemory(Managed, Extern):
    """A memory that a module declares as shared; it belongs to no store. Guests run in one thread
    all the same. Raises TypeError, and WasmtimeError for a type that is not shared."""

    _item: EngineMemory

    def __init__(self, engine: Engine, ty: MemoryType) -> None:
        if not isinstance(engine, Engine):
            raise TypeError("expected an Engine")
        if not isinstance(ty, MemoryType):
            raise TypeError("expected a MemoryType")
        if not ty.is_shared:
            text = "shared memory must have the `shared` flag enabled on its memory type"
            raise WasmtimeError(text)
        limits, bound = ty.limits, current().memory_limit
        if ty.is_64 or ty.page_size != PAGE_SIZE:
            raise WasmtimeError("only memories of 32-bit addresses and pages of 64 KiB")
        if limits.min > bound:
            text = f"memory minimum size of {limits.min} pages exceeds memory limits"
            raise WasmtimeError(f"{text} of pywasmgk's own: see set_bounds(memory_limit=...)")
        most = None if limits.max is None else min(limits.max, PAGE_SIZE)
        self._item = EngineMemory(limits.min, most, limit=bound, shared=True)

    def _in(self, store: Any) -> Store:
        """It belongs to any store."""
        return store._context  # type: ignore[no-any-return]

    def type(self) -> MemoryType:
        """Its type."""
        return of_engine(self._item.type)  # type: ignore[return-value]

    def size(self) -> int:
        """Its size in pages."""
        return self._item.pages

    def data_len(self) -> int:
        """Its size in bytes."""
        return len(self._item)

    def data_ptr(self) -> ctypes._Pointer[ctypes.c_ubyte]:
        """A pointer to the bytes. After a growth it points to the old ones, which stay valid."""
        import ctypes

        return ctypes.cast(_array(self._item, None, 0), ctypes.POINTER(ctypes.c_ubyte))

    def grow(self, delta: int) -> int:
        """Adds pages; gives the old size. Raises WasmtimeError where that cannot be."""
        return _grown(self._item, delta)


def _grown(memory: EngineMemory, delta: int) -> int:
    if delta < 0:
        raise WasmtimeError("cannot grow by negative amount")
    old = memory.grow(delta)
    if old < 0:
        raise WasmtimeError(f"failed to grow memory by `{delta}`")
    return old


def _array(memory: EngineMemory, size: int | None, offset: int) -> ctypes.Array[Any]:
    # only who wants pointers pays for the import
    import ctypes

    data = memory.data
    count = len(data) if size is None else size
    if offset < 0 or count < 0 or offset + count > len(data):
        raise IndexError("index out of range")
    return (ctypes.c_ubyte * count).from_buffer(data, offset)


def _wrapped(store: Store, memory: EngineMemory) -> Any:
    return (SharedMemory if memory.shared else Memory)._of(store, memory)


WRAPPERS[EngineMemory] = _wrapped
