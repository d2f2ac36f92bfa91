"""One way to hold a module, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ENGINES", "Guest", "open_guest"]

#: fuel that no program uses up
PLENTY = 1 << 50
#: pages that a module's memory may have, in every engine
PAGES = 4096
#: a module's imports, by module and name
Imports = Mapping[str, Mapping[str, Any]]


class Guest:
    """An instance: its exports, its memory and its table of functions."""

    def __init__(self) -> None:
        self.memory: Any = None
        self.exports: Callable[[str], Callable[..., Any]] = _absent
        self.element: Callable[[int], Callable[..., Any]] = _absent
        #: what an exported global holds
        self.value: Callable[[str], int] = _absent
        #: what the program's host keeps for its script
        self.kept: Any = None

    def call(self, name: str, *args: Any) -> Any:
        """Calls an export; integers come back signed."""
        return self.exports(name)(*args)

    def read(self, address: int, size: int) -> bytes:
        """A copy of some memory."""
        return bytes(self.memory.read(address & 0xFFFFFFFF, size))

    def write(self, address: int, data: bytes) -> None:
        """Puts bytes into memory."""
        self.memory.write(address & 0xFFFFFFFF, data)

    def u32(self, address: int) -> int:
        """The word at an address."""
        return int.from_bytes(self.read(address, 4), "little")

    def set_u32(self, address: int, value: int) -> None:
        """Puts a word into memory."""
        self.write(address, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def text(self, address: int) -> bytes:
        """The bytes of a C string."""
        found = b""
        while b"\0" not in found:
            found += self.read(address + len(found), 64)
        return found.partition(b"\0")[0]


def _absent(name: Any) -> Any:
    raise RuntimeError(f"nothing is open that could have {name!r}")


def _ours(engine: str) -> Callable[[Guest, bytes, Callable[[Any], Imports]], None]:
    def load(guest: Guest, data: bytes, imports: Callable[[Any], Imports]) -> None:
        import pywasmgk

        module = pywasmgk.Module(data, timeout=3600)
        instance = pywasmgk.instantiate(
            module,
            imports(lambda low, high: pywasmgk.Memory(low, high, limit=PAGES)),
            engine=engine,
            memory_limit=PAGES,
            fuel=PLENTY,
            timeout=3600,
        )
        guest.exports = instance.exports.__getitem__
        guest.value = lambda name: instance.exports[name].value  # type: ignore[union-attr]
        guest.memory = instance.memory
        if instance.tables:
            guest.element = instance.tables[0].get

    return load


def _pwasm(guest: Guest, data: bytes, imports: Callable[[Any], Imports]) -> None:
    import sys

    import pwasm
    from pwasm.runtime import Limits, MemoryInstance

    sys.setrecursionlimit(20_000)
    limits = Limits(fuel=PLENTY, max_memory=PAGES << 16)
    instance = pwasm.instantiate(pwasm.decode_module(data), imports(MemoryInstance), limits=limits)
    guest.exports = instance.exports.__getitem__
    guest.value = lambda name: instance.exports[name].value
    guest.memory = instance.memories[0]
    if instance.tables:
        guest.element = instance.tables[0].get


def _wasmtime(guest: Guest, data: bytes, imports: Callable[[Any], Imports]) -> None:
    import wasmtime

    config = wasmtime.Config()
    config.consume_fuel = True
    store = wasmtime.Store(wasmtime.Engine(config))
    store.set_fuel(PLENTY)
    module = wasmtime.Module(store.engine, data)

    def memory(low: int, high: int) -> Any:
        return wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(low, high)))

    given, wanted = imports(memory), []
    for item in module.imports:
        value = given[item.module][item.name]
        wanted.append(
            wasmtime.Func(store, item.type, value)
            if isinstance(item.type, wasmtime.FuncType)
            else value
        )
    instance = wasmtime.Instance(store, module, wanted)
    exports = instance.exports(store)

    def bound(func: Any) -> Callable[..., Any]:
        return lambda *args: func(store, *args)

    guest.exports = lambda name: bound(exports[name])
    guest.value = lambda name: exports[name].value(store)
    memories = [item for item in wanted if isinstance(item, wasmtime.Memory)]
    found = memories[0] if memories else _first(exports, wasmtime.Memory)
    guest.memory = _WasmtimeMemory(store, found)
    table = _first(exports, wasmtime.Table)
    guest.element = lambda index: bound(table.get(store, index))


def _first(exports: Any, kind: type) -> Any:
    return next((item for item in exports.values() if isinstance(item, kind)), None)


class _WasmtimeMemory:
    """wasmtime's memory with the arguments of the others."""

    def __init__(self, store: Any, memory: Any) -> None:
        self.store = store
        self.memory = memory

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.memory.read(self.store, address, address + size))

    def write(self, address: int, data: bytes) -> None:
        self.memory.write(self.store, data, address)


#: how each engine opens a module
ENGINES: dict[str, Callable[[Guest, bytes, Callable[[Any], Imports]], None]] = {
    "auto": _ours("auto"),
    "compiler": _ours("compiler"),
    "interpreter": _ours("interpreter"),
    "pwasm": _pwasm,
    "wasmtime": _wasmtime,
}


def open_guest(engine: str, guest: Guest, data: bytes, imports: Callable[[Any], Imports]) -> None:
    """Opens a module; ``imports`` gets what makes a memory of so many pages."""
    ENGINES[engine](guest, data, imports)
