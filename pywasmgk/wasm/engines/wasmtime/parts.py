"""Parts of the adapter of wasmtime: its library, its types, and handles of what its stores hold."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Mapping
from ctypes import byref
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...instrument import Instrumented
from ...runtime.python_stack import stack_size
from ...types import FuncType, ValType
from ..views import Unsuitable

if TYPE_CHECKING:
    from .store import WasmtimeStore

_FUNC, _GLOBAL, _TABLE, _MEMORY, _SHARED, _TAG = range(6)
#: bytes of stack in C for guests, and what else a thread needs
_MOST_STACK = 4 << 20
LEAST_STACK = 256 << 10


@lru_cache(maxsize=1)
def library() -> Any:
    """The package; ``None`` where it is not installed, has no library for the platform, or is so
    old that its C interface knows no exceptions."""
    try:
        found = importlib.import_module("wasmtime")
    except (ImportError, RuntimeError, OSError):
        return None
    return found if hasattr(bindings(), "wasmtime_context_take_exception") else None


@lru_cache(maxsize=1)
def bindings() -> Any:
    return importlib.import_module("wasmtime._ffi")


def stack_for_guests() -> int:
    """Bytes of stack that guests may use in the running thread."""
    return min(_MOST_STACK, stack_size() // 2)


@lru_cache(maxsize=8)
def engine_for(stack: int) -> Any:
    wasmtime = library()
    config = wasmtime.Config()
    for name in ("multi_value", "bulk_memory", "reference_types", "simd", "threads", "tail_call",
                 "exceptions", "wide_arithmetic"):  # fmt: skip
        setattr(config, f"wasm_{name}", True)
    # it must not be the smaller one, though nothing here uses it
    bindings().wasmtime_config_async_stack_size_set(config.ptr(), 2 * stack)
    config.max_wasm_stack = stack
    return wasmtime.Engine(config)


class MemoryHandle:
    """A memory's handle."""

    def __init__(self, store: WasmtimeStore, raw: Any) -> None:
        self.store = store
        self.raw = raw
        self._known: tuple[int, int, memoryview] = (0, -1, memoryview(b""))

    def data(self) -> memoryview:
        """Its bytes."""
        ffi, context = self.store.ffi, self.store.context
        size = ffi.wasmtime_memory_data_size(context, byref(self.raw))
        pointer = ffi.wasmtime_memory_data(context, byref(self.raw))
        address = ctypes.cast(pointer, ctypes.c_void_p).value or 0
        if (address, size) != self._known[:2]:
            content = (ctypes.c_ubyte * size).from_address(address) if size else bytearray()
            self._known = address, size, memoryview(content).cast("B")
        return self._known[2]

    def grow(self, pages: int) -> bool:
        """Adds pages."""
        before = ctypes.c_uint64()
        error = self.store.ffi.wasmtime_memory_grow(
            self.store.context, byref(self.raw), pages, byref(before)
        )
        return not self.store.dropped(error)


class TableHandle:
    """A table's handle."""

    def __init__(self, store: WasmtimeStore, raw: Any, element: ValType) -> None:
        self.store = store
        self.raw = raw
        self.element = element

    def size(self) -> int:
        """How many elements it has."""
        size: int = self.store.ffi.wasmtime_table_size(self.store.context, byref(self.raw))
        return size

    def get(self, index: int) -> Any:
        """An element."""
        store = self.store
        slot = store.ffi.wasmtime_val_t()
        store.ffi.wasmtime_table_get(store.context, byref(self.raw), index, byref(slot))
        return store.taken(slot, self.element)

    def set(self, index: int, value: Any) -> None:
        """Sets an element."""
        store = self.store
        slot = store.given(self.element, value)
        error = store.ffi.wasmtime_table_set(store.context, byref(self.raw), index, byref(slot))
        store.ffi.wasmtime_val_unroot(byref(slot))
        store.dropped(error)

    def grow(self, count: int, value: Any) -> bool:
        """Adds elements."""
        store, before = self.store, ctypes.c_uint64()
        slot = store.given(self.element, value)
        error = store.ffi.wasmtime_table_grow(
            store.context, byref(self.raw), count, byref(slot), byref(before)
        )
        store.ffi.wasmtime_val_unroot(byref(slot))
        return not store.dropped(error)


class GlobalHandle:
    """A global's handle."""

    def __init__(self, store: WasmtimeStore, raw: Any, kind: ValType) -> None:
        self.store = store
        self.raw = raw
        self.kind = kind
        #: of one that is read and set at every call: what C reads and writes
        self._slot = store.given(kind, 0) if kind in (ValType.I32, ValType.I64) else None
        if self._slot is not None:
            self._number = self._slot.of
            self._places = store.context, byref(raw), byref(self._slot)

    def number(self) -> int:
        """Its value, an integer, signed."""
        self.store.ffi.wasmtime_global_get(*self._places)
        union = self._number
        found: int = union.i64 if self.kind is ValType.I64 else union.i32
        return found

    def set_number(self, value: int) -> None:
        """Sets it to an integer."""
        if self.kind is ValType.I64:
            self._number.i64 = value
        else:
            self._number.i32 = value
        self.store.ffi.wasmtime_global_set(*self._places)

    def get(self) -> Any:
        """Its value."""
        store = self.store
        slot = store.ffi.wasmtime_val_t()
        store.ffi.wasmtime_global_get(store.context, byref(self.raw), byref(slot))
        return store.taken(slot, self.kind)

    def set(self, value: Any) -> None:
        """Sets it."""
        store = self.store
        slot = store.given(self.kind, value)
        error = store.ffi.wasmtime_global_set(store.context, byref(self.raw), byref(slot))
        store.ffi.wasmtime_val_unroot(byref(slot))
        store.dropped(error)


class Exports(Mapping[str, Any]):
    """The handles of an instance's exports."""

    def __init__(self, store: WasmtimeStore, instance: Any, made: Instrumented) -> None:
        self._store = store
        self._instance = instance
        self._made = made

    def __getitem__(self, name: str) -> Any:
        store, key = self._store, name.encode()
        item = store.ffi.wasmtime_extern_t()
        if not store.ffi.wasmtime_instance_export_get(
            store.context, byref(self._instance), key, len(key), byref(item)
        ):
            raise KeyError(name)
        if item.kind == _FUNC:
            return copied(item.of.func)
        if item.kind == _TAG:
            return copied(item.of.tag)
        if item.kind == _MEMORY:
            return MemoryHandle(store, copied(item.of.memory))
        if item.kind == _TABLE:
            kind = self._made.module.tables[int(name.rpartition(".")[2])].element
            return TableHandle(store, copied(item.of.table), kind)
        return GlobalHandle(store, copied(item.of.global_), self._made.global_kind(name))

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


def copied(raw: Any) -> Any:
    return type(raw).from_buffer_copy(raw)


def address(pointer: Any) -> int:
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


@lru_cache(maxsize=256)
def func_type(type: FuncType) -> Any:
    kinds = [[value_type(kind) for kind in part] for part in (type.params, type.results)]
    return library().FuncType(*kinds)


def value_type(kind: ValType) -> Any:
    wasmtime = library()
    if kind is ValType.V128:
        return wasmtime.ValType._from_ptr(bindings().wasm_valtype_new(4), None)
    if kind is ValType.EXNREF:
        raise Unsuitable("wasmtime takes no exnref in the type of a host function")
    return getattr(wasmtime.ValType, str(kind))()
