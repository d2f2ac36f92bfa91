"""The adapter of wasmtime, through its C interface, so that all bits of values come through.

``wasmtime`` is the package of that name (extra ``native``). Its bindings of the C interface are
what its own classes are made of.
"""

from __future__ import annotations

import ctypes
import re
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref
from functools import lru_cache
from itertools import count
from typing import Any

from ....errors import Trap, TrapCode, WasmException
from ...instrument import Instrumented
from ...isa.numerics import bits_of_f32, f32_of_bits
from ...runtime.functions import Func
from ...runtime.globals import Global
from ...runtime.memory import Memory
from ...runtime.ownership import Domain
from ...runtime.python_stack import stack_size
from ...runtime.table import Table
from ...runtime.tags import Exn, Tag, thrown
from ...types import FuncType, GlobalType, ValType
from ..store import Ended, Spot
from ..views import Unsuitable, adopt_global, adopt_memory, adopt_table
from .parts import (
    LEAST_STACK,
    Exports,
    GlobalHandle,
    MemoryHandle,
    TableHandle,
    address,
    bindings,
    engine_for,
    func_type,
    library,
    stack_for_guests,
    value_type,
)

__all__ = ["WasmtimeStore"]

_FUNC, _GLOBAL, _TABLE, _MEMORY, _SHARED, _TAG = range(6)
#: kinds of values, as the C interface numbers them
_KINDS = {kind: number for number, kind in enumerate(
    (ValType.I32, ValType.I64, ValType.F32, ValType.F64, ValType.V128, ValType.FUNCREF,
     ValType.EXTERNREF)
)} | {ValType.EXNREF: 8}  # fmt: skip
#: traps that have other names there
_TRAPS = {
    "HEAP_MISALIGNED": "UNALIGNED_ATOMIC",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "EXPECTED_SHARED_MEMORY",
    "NULL_REFERENCE": "NULL_EXCEPTION",
    "UNREACHABLE": "UNREACHABLE",
}
#: the offset of code that belongs to no instruction any more, as an access whose address is known
#: to be outside
_NOWHERE = ctypes.c_size_t(-1).value
#: where an access to memory was
_FAULT = re.compile(r"memory fault at wasm address (0x[0-9a-f]+)")
#: instructions between two looks at the clock: some 10 ms of the dearest
_SLICE = 1_000_000


#: stores by number, for what C calls with a number alone
_STORES: weakref.WeakValueDictionary[int, WasmtimeStore] = weakref.WeakValueDictionary()
_numbers = count(1)
#: modules of stores by the name that was given to them
NAMED: weakref.WeakValueDictionary[str, Instrumented] = weakref.WeakValueDictionary()


def _called(env: int, caller: Any, params: Any, nparams: int, results: Any, nresults: int) -> int:
    """What C calls for a function of the host's; the store and the function are in ``env``."""
    return _STORES[env >> 32].called(env & 0xFFFFFFFF, params, results)


def _function_gone(env: int | None) -> None:
    """Functions live as long as their store."""


def _object_gone(env: int | None) -> None:
    """No guest has an object of the host's any more."""
    store = _STORES.get((env or 0) >> 32)
    if store is not None:
        store.objects.pop((env or 0) & 0xFFFFFFFF, None)


@lru_cache(maxsize=1)
def _callbacks() -> tuple[Any, Any, Any]:
    """The three as C takes them."""
    finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    called = bindings().wasmtime_func_callback_t(_called)
    return called, finalizer(_function_gone), finalizer(_object_gone)


def _account(place: int) -> property:
    """A number of the account, by its place."""

    def get(store: WasmtimeStore) -> int:
        return store._account[place].number()

    def put(store: WasmtimeStore, value: int) -> None:
        store._account[place].set_number(value)

    return property(get, put)


class WasmtimeStore:
    """Instances in one store of wasmtime."""

    engine_name = "wasmtime"
    numbered = False
    largest_slice = _SLICE
    fuel = _account(0)
    depth = _account(1)
    unspent = _account(2)

    def __init__(self) -> None:
        self.ffi = bindings()
        self.stack = stack_for_guests()
        if self.stack < LEAST_STACK:
            raise Unsuitable(
                f"the thread has too little stack for wasmtime: {2 * self.stack} bytes"
            )
        self.engine = engine_for(self.stack)
        self._store = library().Store(self.engine)
        self.context = self._store._context()
        self._number = next(_numbers)
        _STORES[self._number] = self
        #: functions of the host's, with their types
        self._functions: list[tuple[FuncType, Callable[..., Sequence[Any]]]] = []
        #: objects of the host's that guests have
        self.objects: dict[int, Any] = {}
        self._next_object = count(1)
        self._funcs: dict[bytes, Func] = {}
        self._func_handles: dict[int, tuple[Func, Any]] = {}
        self._tags: list[tuple[Any, Tag]] = []
        #: what a host function raised, on its way out
        self._raised: BaseException | None = None
        self._threads = threading.local()
        self.domain = Domain()
        self.instances: weakref.WeakSet[Any] = weakref.WeakSet()
        #: the handles of the account, in the order of ``Plan.accounts``
        self._account = [
            self._new_global(GlobalType(kind, True), 0)
            for kind in (ValType.I64, ValType.I32, ValType.I64)
        ]

    # -- values

    def given(self, kind: ValType, value: Any) -> Any:
        """A value of ours as C has it."""
        slot = self.ffi.wasmtime_val_t()
        self._put(slot, kind, value)
        return slot

    def _put(self, slot: Any, kind: ValType, value: Any) -> None:
        slot.kind = _KINDS[kind]
        union = slot.of
        if kind is ValType.I32:
            union.i32 = value
        elif kind is ValType.I64:
            union.i64 = value
        elif kind is ValType.F64:
            union.f64 = value
        elif kind is ValType.F32:
            union.i32 = bits_of_f32(value)
        elif kind is ValType.V128:
            ctypes.memmove(ctypes.addressof(union), value.to_bytes(16, "little"), 16)
        elif value is None:
            ctypes.memset(ctypes.addressof(union), 0, ctypes.sizeof(union))
        elif kind is ValType.FUNCREF:
            union.funcref = self._function_handle(value)
        elif kind is ValType.EXTERNREF:
            self._put_object(union, value)
        else:
            union.exnref = self._exception(value.tag, value.values)

    def _put_object(self, union: Any, value: Any) -> None:
        number = next(self._next_object)
        self.objects[number] = value
        env = ctypes.c_void_p(self._number << 32 | number)
        self.ffi.wasmtime_externref_new(self.context, env, _callbacks()[2], byref(union.externref))

    def taken(self, slot: Any, kind: ValType) -> Any:
        """A value of C's as ours, and given up there."""
        value = self._get(slot, kind)
        if kind.is_reference:
            self.ffi.wasmtime_val_unroot(byref(slot))
        return value

    def _get(self, slot: Any, kind: ValType) -> Any:
        union = slot.of
        if kind is ValType.I32:
            return union.i32 & 0xFFFFFFFF
        if kind is ValType.I64:
            return union.i64 & 0xFFFFFFFFFFFFFFFF
        if kind is ValType.F64:
            return union.f64
        if kind is ValType.F32:
            return f32_of_bits(union.i32 & 0xFFFFFFFF)
        if kind is ValType.V128:
            return int.from_bytes(ctypes.string_at(ctypes.addressof(union), 16), "little")
        if kind is ValType.FUNCREF:
            return self._func(union.funcref) if union.funcref.store_id else None
        if kind is ValType.EXTERNREF:
            return self._object(union.externref) if union.externref.store_id else None
        return self._exn(union.exnref) if union.exnref.store_id else None

    def _object(self, raw: Any) -> Any:
        env = self.ffi.wasmtime_externref_data(self.context, byref(raw))
        address = ctypes.cast(env, ctypes.c_void_p).value or 0
        return self.objects[address & 0xFFFFFFFF]

    # -- functions

    def function(self, func: Func, type: FuncType, call: Callable[..., Sequence[Any]]) -> Any:
        """A function that calls the host."""
        called, gone, _ = _callbacks()
        env = ctypes.c_void_p(self._number << 32 | len(self._functions))
        self._functions.append((type, call))
        raw = self.ffi.wasmtime_func_t()
        kind = func_type(type)
        self.ffi.wasmtime_func_new(self.context, kind.ptr(), called, env, gone, byref(raw))
        self.function_of(raw, func)
        return raw

    def function_of(self, handle: Any, func: Func) -> None:
        """Says which function of ours a handle stands for."""
        self._funcs[bytes(handle)] = func
        self._func_handles.setdefault(id(func), (func, handle))

    def _func(self, raw: Any) -> Func:
        return self._funcs[bytes(raw)]

    def _function_handle(self, func: Func) -> Any:
        known = self._func_handles.get(id(func))
        if known is not None:
            return known[1]

        def call(*values: Any) -> Sequence[Any]:
            # of nobody's imports: a host put it into a table
            from ..instance import leave

            found: Sequence[Any] = leave(self, None, func, values)
            return found

        return self.function(func, func.type, call)

    def called(self, number: int, params: Any, results: Any) -> int:
        """A guest calls a function of the host's. Gives no trap, or one."""
        type, call = self._functions[number]
        try:
            values = [self._get(params[at], kind) for at, kind in enumerate(type.params)]
            for at, (kind, value) in enumerate(zip(type.results, call(*values))):
                self._put(results[at], kind, value)
        except WasmException as error:
            return self._throw(error)
        except BaseException as error:
            self._raised = error
            return address(self.ffi.wasmtime_trap_new(b"host", 4))
        return 0

    # -- exceptions

    def tag(self, tag: Tag) -> Any:
        """The handle of a tag."""
        for raw, known in self._tags:
            if known is tag:
                return raw
        wasmtime, raw = library(), self.ffi.wasmtime_tag_t()
        kind = wasmtime.TagType(func_type(FuncType(tag.type.params)))
        self.dropped(self.ffi.wasmtime_tag_new(self.context, kind.ptr(), byref(raw)))
        self._tags.append((raw, tag))
        return raw

    def tag_of(self, handle: Any, tag: Tag) -> None:
        """Says which tag of ours a handle stands for."""
        self._tags.append((handle, tag))

    def _exception(self, tag: Any, values: Sequence[Any]) -> Any:
        kinds = tag.type.params
        slots = (self.ffi.wasmtime_val_t * max(len(kinds), 1))()
        for slot, kind, value in zip(slots, kinds, values):
            self._put(slot, kind, value)
        raw, handle = self.ffi.wasmtime_exnref_t(), self.tag(tag)
        self.dropped(self.ffi.wasmtime_exnref_new(
            self.context, byref(handle), slots, len(kinds), byref(raw)
        ))  # fmt: skip
        return raw

    def _exn(self, raw: Any) -> Exn:
        handle = self.ffi.wasmtime_tag_t()
        self.dropped(self.ffi.wasmtime_exnref_tag(self.context, byref(raw), byref(handle)))
        tag = next(
            tag
            for known, tag in self._tags
            if self.ffi.wasmtime_tag_eq(self.context, byref(known), byref(handle))
        )
        values = []
        for at, kind in enumerate(tag.type.params):
            slot = self.ffi.wasmtime_val_t()
            self.dropped(self.ffi.wasmtime_exnref_field(self.context, byref(raw), at, byref(slot)))
            values.append(self.taken(slot, kind))
        return Exn(tag, tuple(values))

    def _throw(self, error: WasmException) -> int:
        raw = self._exception(error.tag, error.values)
        return address(self.ffi.wasmtime_context_set_exception(self.context, byref(raw)))

    def _uncaught(self) -> WasmException | None:
        raw = self.ffi.wasmtime_exnref_t()
        if not self.ffi.wasmtime_context_take_exception(self.context, byref(raw)):
            return None
        found = self._exn(raw)
        self.ffi.wasmtime_exnref_unroot(byref(raw))
        return thrown(found.tag, found.values)

    # -- memories, tables, globals

    def memory(self, memory: Memory) -> Any:
        """The handle of a memory that a module imports."""
        return adopt_memory(memory, self._new_memory, self._of(MemoryHandle))

    def table(self, table: Table) -> Any:
        """The handle of a table that a module imports."""
        return adopt_table(table, self._new_table, self._of(TableHandle))

    def global_(self, item: Global) -> Any:
        """The handle of a global that a module imports."""
        return adopt_global(item, self._new_global, self._of(GlobalHandle))

    def _of(self, kind: type[Any]) -> Callable[[Any], bool]:
        """Whether something is a handle of this store."""
        return lambda handle: isinstance(handle, kind) and handle.store is self

    def _new_memory(self, pages: int, limit: int) -> MemoryHandle:
        wasmtime, raw = library(), self.ffi.wasmtime_memory_t()
        kind = wasmtime.MemoryType(wasmtime.Limits(pages, limit))
        error = self.ffi.wasmtime_memory_new(self.context, kind.ptr(), byref(raw))
        if self.dropped(error):
            raise Unsuitable("wasmtime has no room for a memory that it imports")
        return MemoryHandle(self, raw)

    def _new_table(self, element: ValType, size: int, limit: int) -> TableHandle:
        wasmtime, raw = library(), self.ffi.wasmtime_table_t()
        kind = wasmtime.TableType(value_type(element), wasmtime.Limits(size, limit))
        slot = self.given(element, None)
        error = self.ffi.wasmtime_table_new(self.context, kind.ptr(), byref(slot), byref(raw))
        if self.dropped(error):
            raise Unsuitable("wasmtime has no room for a table that it imports")
        return TableHandle(self, raw, element)

    def _new_global(self, type: GlobalType, value: Any) -> GlobalHandle:
        wasmtime, raw = library(), self.ffi.wasmtime_global_t()
        kind = wasmtime.GlobalType(value_type(type.value_type), type.mutable)
        slot = self.given(type.value_type, value)
        self.dropped(
            self.ffi.wasmtime_global_new(self.context, kind.ptr(), byref(slot), byref(raw))
        )
        self.ffi.wasmtime_val_unroot(byref(slot))
        return GlobalHandle(self, raw, type.value_type)

    # -- instances

    def prepare(self, made: Instrumented) -> None:
        """Compiles a module. Raises Unsuitable."""
        _compiled(self.engine, made)

    def instantiate(self, made: Instrumented, given: Sequence[Any]) -> Mapping[str, Any] | Ended:
        """Makes an instance."""
        ffi = self.ffi
        compiled = _compiled(self.engine, made)
        accounts = self._account[: len(made.plan.accounts)]
        imports = (ffi.wasmtime_extern_t * (len(given) + len(accounts)))()
        for slot, handle in zip(imports, [*given, *accounts]):
            self._put_extern(slot, handle)
        instance = ffi.wasmtime_instance_t()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_instance_new(
            self.context, compiled.ptr(), imports, len(imports), byref(instance), byref(trap)
        )
        return self._ended(error, trap) if error or trap else Exports(self, instance, made)

    def _put_extern(self, slot: Any, handle: Any) -> None:
        ffi = self.ffi
        if isinstance(handle, ffi.wasmtime_func_t):
            slot.kind, slot.of.func = _FUNC, handle
        elif isinstance(handle, ffi.wasmtime_tag_t):
            slot.kind, slot.of.tag = _TAG, handle
        elif isinstance(handle, MemoryHandle):
            slot.kind, slot.of.memory = _MEMORY, handle.raw
        elif isinstance(handle, TableHandle):
            slot.kind, slot.of.table = _TABLE, handle.raw
        else:
            slot.kind, slot.of.global_ = _GLOBAL, handle.raw

    def call(self, handle: Any, type: FuncType, args: Sequence[Any]) -> list[Any] | Ended:
        """Calls a function."""
        if not self._has_stack():
            message = "call stack exhausted: the thread has too little stack for wasmtime"
            return Ended(Trap(TrapCode.STACK_OVERFLOW, message), ())
        ffi = self.ffi
        params, results = type.params, type.results
        slots = (ffi.wasmtime_val_t * max(len(params), 1))()
        for slot, kind, value in zip(slots, params, args):
            self._put(slot, kind, value)
        out = (ffi.wasmtime_val_t * max(len(results), 1))()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self.context, byref(handle), slots, len(params), out, len(results), byref(trap)
        )
        for slot, kind in zip(slots, params):
            if kind.is_reference:
                ffi.wasmtime_val_unroot(byref(slot))
        if error or trap:
            return self._ended(error, trap)
        return [self.taken(slot, kind) for slot, kind in zip(out, results)]

    def _has_stack(self) -> bool:
        """Whether the thread has as much stack as guests may use."""
        if not hasattr(self._threads, "room"):
            self._threads.room = stack_size() - self.stack
        room: int = self._threads.room
        return room > 0

    # -- how it ends

    def _ended(self, error: Any, trap: Any) -> Ended:
        """How a call ended that did not give results."""
        raised, self._raised = self._raised, None
        spots, address = self._spots(error, trap), None
        if raised is not None:
            reason: BaseException = raised
        else:
            reason = self._uncaught() or self._trap(error, trap)
            fault = _FAULT.search(self._message(error, trap))
            address = int(fault[1], 16) if fault else None
        if trap:
            self.ffi.wasm_trap_delete(trap)
        else:
            self.ffi.wasmtime_error_delete(error)
        return Ended(reason, spots, address)

    def _trap(self, error: Any, trap: Any) -> BaseException:
        code = ctypes.c_uint8()
        if trap and self.ffi.wasmtime_trap_code(trap, byref(code)):
            known = library().TrapCode(code.value).name
            name = _TRAPS.get(known, known)
            if name in TrapCode.__members__:
                found = TrapCode[name]
                if found is TrapCode.STACK_OVERFLOW:
                    return Trap(found, f"{found.value}: the engine's own stack is full")
                return Trap(found)
        text = self._message(error, trap)
        if not trap:
            raise Unsuitable(f"wasmtime refuses it: {text.splitlines()[0]}")
        return Trap(TrapCode.UNREACHABLE, text)

    def _message(self, error: Any, trap: Any) -> str:
        message = self.ffi.wasm_byte_vec_t()
        if trap:
            self.ffi.wasm_trap_message(trap, byref(message))
        else:
            self.ffi.wasmtime_error_message(error, byref(message))
        text = ctypes.string_at(message.data, message.size).decode(errors="replace")
        self.ffi.wasm_byte_vec_delete(byref(message))
        return text.rstrip("\0")

    def _spots(self, error: Any, trap: Any) -> list[Spot]:
        """The frames that are known of."""
        ffi, frames = self.ffi, self.ffi.wasm_frame_vec_t()
        if trap:
            ffi.wasm_trap_trace(trap, byref(frames))
        else:
            ffi.wasmtime_error_wasm_trace(error, byref(frames))
        spots = []
        for frame in frames.data[: frames.size]:
            name = ffi.wasmtime_frame_module_name(frame)
            if not name:
                continue
            text = ctypes.string_at(name.contents.data, name.contents.size).decode()
            module = NAMED.get(text.rstrip("\0"))
            if module is not None:
                offset = ffi.wasm_frame_module_offset(frame)
                if offset == _NOWHERE:
                    offset = module.beginning(ffi.wasm_frame_func_index(frame))
                spots.append(Spot(module, offset))
        ffi.wasm_frame_vec_delete(byref(frames))
        return spots

    def dropped(self, error: Any) -> bool:
        """Whether C has told an error, which is given up."""
        if not error:
            return False
        self.ffi.wasmtime_error_delete(error)
        return True


def _compiled(engine: Any, made: Instrumented) -> Any:
    """The module as wasmtime has compiled it, once for all its instances."""
    if engine not in made.compiled:
        wasmtime = library()
        try:
            made.compiled[engine] = wasmtime.Module(engine, made.data)
        except wasmtime.WasmtimeError as error:
            raise Unsuitable(f"wasmtime refuses it: {str(error).splitlines()[0]}") from None
        NAMED[made.name] = made
    return made.compiled[engine]
