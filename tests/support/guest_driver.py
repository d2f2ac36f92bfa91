"""Runs a plugin's calls on our engine and on wasmtime alike, to compare answers and fuel.

Both get the same host and the same WASI, in which clocks and random bytes are fixed, so that a
guest's work depends on nothing but its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import wasmtime

import pywasmgk
from pywasmgk.plugin.dispatcher import HostDispatcher
from pywasmgk.plugin.limits import Limits

PLENTY = 1 << 50
BAD_FILE = 8


class Engine(NamedTuple):
    """What a driver needs of an engine."""

    call: Callable[..., Any]
    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]
    fuel: Callable[[], int]


class Driver:
    """A plugin on one engine, with the host of ``make_host``."""

    def __init__(self, open_engine: Callable[[Driver], Engine], host: pywasmgk.MemoryHost) -> None:
        self._dispatcher = HostDispatcher(host, "workshop", Limits())
        self._clock = 0
        self.engine = open_engine(self)

    def call(self, function: str, args: bytes) -> tuple[bytes, int]:
        """The answer, and the instructions of ``gk_call``."""
        name, place = self._place(function.encode()), self._place(args)
        packed = self.engine.call("gk_call", name, len(function), place, len(args)) % 2**64
        fuel = self.engine.fuel()
        answer = self.engine.read(packed >> 32, packed % 2**32)
        for pointer in (packed >> 32, place, name):
            self.engine.call("gk_free", pointer)
        return answer, fuel

    def _place(self, data: bytes) -> int:
        if not data:
            return 0
        pointer = int(self.engine.call("gk_malloc", len(data)) % 2**32)
        self.engine.write(pointer, data)
        return pointer

    # -- what guests import

    def host_call(self, name: int, name_size: int, request: int, size: int) -> int:
        """``gk.host_call``."""
        function = self.engine.read(name, name_size).decode()
        try:
            response = self._dispatcher.call(function, self.engine.read(request, size), None)
        except Exception:  # as the plugin layer has it: the guest gets 0
            return 0
        pointer = self._place(response)
        return pointer << 32 | len(response) if pointer else 0

    def log(self, level: int, message: int, size: int) -> None:
        """``gk.log``."""

    def clock_time_get(self, clock: int, precision: int, result: int) -> int:
        """A clock that every look moves on by a millisecond."""
        self._clock += 1_000_000
        self.engine.write(result, self._clock.to_bytes(8, "little"))
        return 0

    def random_get(self, buffer: int, size: int) -> int:
        """The same bytes each time."""
        self.engine.write(buffer, bytes(i % 251 for i in range(size)))
        return 0

    def args_sizes_get(self, count: int, size: int) -> int:
        """None."""
        self.engine.write(count, bytes(4))
        self.engine.write(size, bytes(4))
        return 0

    environ_sizes_get = args_sizes_get

    def nothing(self, *args: int) -> int:
        """Does nothing, and is content."""
        return 0

    args_get = environ_get = sched_yield = fd_write = proc_exit = poll_oneoff = nothing

    def no_file(self, *args: int) -> int:
        """There are no files."""
        return BAD_FILE

    fd_fdstat_get = fd_fdstat_set_flags = fd_prestat_get = fd_prestat_dir_name = no_file


def ours(module: pywasmgk.Module) -> Callable[[Driver], Engine]:
    """A driver's engine on pywasmgk."""

    def open_engine(driver: Driver) -> Engine:
        imports: dict[str, Any] = {"gk": {}, "wasi_snapshot_preview1": {}}
        for item in module.imports:
            imports[item.module][item.name] = getattr(driver, item.name)
        instance = pywasmgk.instantiate(module, imports, fuel=PLENTY)
        memory = instance.memory
        assert memory is not None
        return Engine(
            lambda name, *args: instance.exports[name](*args),
            memory.read,
            memory.write,
            lambda: instance.fuel_used,
        )

    return open_engine


def theirs(data: bytes) -> Callable[[Driver], Engine]:
    """A driver's engine on wasmtime."""
    config = wasmtime.Config()
    config.consume_fuel = True
    engine = wasmtime.Engine(config)
    compiled = wasmtime.Module(engine, data)

    def open_engine(driver: Driver) -> Engine:
        store = wasmtime.Store(engine)
        store.set_fuel(PLENTY)
        # inside a host function the store is reached through the caller
        context: list[Any] = [store]

        def entered(function: Callable[..., Any]) -> Callable[..., Any]:
            def run(caller: wasmtime.Caller, *args: int) -> Any:
                context.append(caller)
                try:
                    return function(*args)
                finally:
                    context.pop()

            return run

        linker = wasmtime.Linker(engine)
        for item in compiled.imports:
            function = entered(getattr(driver, item.name))
            linker.define_func(item.module, item.name, item.type, function, access_caller=True)
        exports = linker.instantiate(store, compiled).exports(store)
        memory = exports["memory"]

        def call(name: str, *args: int) -> Any:
            if len(context) == 1:
                store.set_fuel(PLENTY)
            return exports[name](context[-1], *args)

        return Engine(
            call,
            lambda ptr, size: bytes(memory.read(context[-1], ptr, ptr + size)),
            lambda ptr, value: memory.write(context[-1], value, ptr),
            lambda: PLENTY - store.get_fuel(),
        )

    return open_engine
