"""A module's externals as scripts see them (WebAssembly JavaScript Interface)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...wasm.runtime.functions import Func
from ...wasm.runtime.globals import Global
from ...wasm.runtime.memory import Memory
from ...wasm.runtime.table import Table
from ...wasm.types import FuncType, ValType
from .binary import Buffer
from .evaluation import Interpreter
from .objects import UNDEFINED, BigInt, Foreign, Function, Native
from .operators import plain, to_int32, to_number, to_uint32, truthy

__all__ = ["Exports", "WasmFunction", "imported"]

_I32, _I64, _F32, _F64 = ValType.I32, ValType.I64, ValType.F32, ValType.F64
_FLOATS = (_F32, _F64)


def to_wasm(kind: ValType, value: Any) -> Any:
    """A script's value as the engine takes it (ToWebAssemblyValue)."""
    if kind is _I32:
        return to_int32(value)
    if kind is _I64:
        number = int(value) if isinstance(value, int) else int(to_number(value))
        return number & (1 << 64) - 1
    if kind in _FLOATS:
        return float(to_number(value))
    if kind is ValType.FUNCREF:
        return value.func if isinstance(value, WasmFunction) else None
    return value


def from_wasm(kind: ValType, value: Any) -> Any:
    """An engine's value as scripts have it (ToJSValue)."""
    if kind is _I64:
        return BigInt(value)
    if kind in _FLOATS:
        return plain(value)
    if kind is ValType.FUNCREF and value is not None:
        return WasmFunction(value)
    return value


class WasmFunction(Function):
    """A function of a module."""

    def __init__(self, func: Func) -> None:
        super().__init__(func.name or "")
        self.func = func

    def call(self, this: Any, args: Sequence[Any]) -> Any:
        kinds = self.func.type.params
        given = [*args[: len(kinds)], *[UNDEFINED] * (len(kinds) - len(args))]
        found = self.func(*[to_wasm(kind, value) for kind, value in zip(kinds, given)])
        results = self.func.type.results
        if len(results) > 1:
            return Results(from_wasm(kind, value) for kind, value in zip(results, found))
        return from_wasm(results[0], found) if results else UNDEFINED


def Results(values: Any) -> Any:
    """Several results, as an array."""
    from .objects import Array

    return Array(None, values)


class MemoryObject(Foreign):
    """A memory; ``buffer`` is another one after each growth."""

    kind = "Memory"

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self._buffer = Buffer(memory)

    def get(self, key: Any) -> Any:
        if key == "buffer":
            if self._buffer.detached:
                self._buffer = Buffer(self.memory)
            return self._buffer
        if key == "grow":
            return Native("grow", lambda this, pages: self.memory.grow(to_uint32(pages)))
        raise KeyError(key)


class TableObject(Foreign):
    """A table."""

    kind = "Table"

    def __init__(self, table: Table) -> None:
        self.table = table

    def get(self, key: Any) -> Any:
        kind, table = self.table.element, self.table
        if key == "length":
            return table.size
        if key == "get":
            return Native("get", lambda this, at: from_wasm(kind, table.get(to_uint32(at))))
        if key == "set":
            return Native("set", self._put)
        if key == "grow":
            return Native("grow", self._grow)
        raise KeyError(key)

    def _put(self, this: Any, at: Any, value: Any = UNDEFINED) -> Any:
        self.table.set(to_uint32(at), to_wasm(self.table.element, value))
        return UNDEFINED

    def _grow(self, this: Any, count: Any, value: Any = UNDEFINED) -> int:
        old = self.table.grow(to_uint32(count), to_wasm(self.table.element, value))
        if old < 0:
            raise ValueError("WebAssembly.Table.grow(): failed to grow table")
        return old


class GlobalObject(Foreign):
    """A global."""

    kind = "Global"

    def __init__(self, cell: Global) -> None:
        self.cell = cell

    def get(self, key: Any) -> Any:
        if key == "value":
            return from_wasm(self.cell.type.value_type, self.cell.value)
        if key == "valueOf":
            return Native("valueOf", lambda this: self.get("value"))
        raise KeyError(key)

    def set(self, key: Any, value: Any) -> None:
        if key == "value":
            self.cell.value = to_wasm(self.cell.type.value_type, value)


_WRAPPERS: dict[type, Callable[[Any], Any]] = {
    Func: WasmFunction, Memory: MemoryObject, Table: TableObject, Global: GlobalObject,
}  # fmt: skip


class Exports(Foreign):
    """What an instance exports."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = items
        self._made: dict[str, Any] = {}

    def get(self, key: Any) -> Any:
        if key not in self._made:
            if key not in self._items:
                raise KeyError(key)
            item = self._items[key]
            self._made[key] = _WRAPPERS[type(item)](item)
        return self._made[key]


def imported(
    interpreter: Interpreter, kind: FuncType, name: str, find: Callable[[], Function]
) -> Func:
    """A script's function as an import; it is looked up when it is called."""

    def call(*args: Any) -> Any:
        given = [from_wasm(param, value) for param, value in zip(kind.params, args)]
        with interpreter.guarded():
            result = find().call(UNDEFINED, given)
            if len(kind.results) > 1:
                return tuple(to_wasm(item, value) for item, value in zip(kind.results, result))
            if not kind.results:
                return None
            if isinstance(result, bool):
                result = int(truthy(result)) if kind.results[0] is _I32 else result
            return to_wasm(kind.results[0], result)

    return Func(kind, call, name=name)
