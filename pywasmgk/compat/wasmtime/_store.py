"""Stores: what instances, functions and memories belong to, with fuel, epochs and limits."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Union

from ...errors import PywasmgkError
from ...wasm.runtime.calls import Opened
from ...wasm.runtime.functions import Func as EngineFunc
from ...wasm.runtime.memory import Memory as EngineMemory
from ...wasm.runtime.metering import CancelToken, Meter, current_meter
from ...wasm.runtime.table import Table as EngineTable
from ...wasm.types import PAGE_SIZE
from ._bounds import current
from ._config import Engine
from ._errors import WasmtimeError, in_wasmtimes_words
from ._managed import Managed

if TYPE_CHECKING:
    from ...wasm.module import Module
    from ...wasm.runtime.instance import Instance
    from ._func import Caller
    from ._wasi import WasiConfig

__all__ = ["WRAPPERS", "Store", "StoreContext", "Storelike"]

#: instances, tables and memories that a store may have
_MOST = 10_000
_MAX_U64 = (1 << 64) - 1
#: what makes a program's object of an engine's, by the latter's type; filled where each is defined
WRAPPERS: dict[type, Callable[[Store, Any], Any]] = {}


class Epoch(CancelToken):
    """Cancels the calls of a store whose engine has reached an epoch."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._deadline = 0
        #: nobody is to be stopped: no guest's code runs
        self.quiet = False
        engine._waiting.add(self)

    @property
    def cancelled(self) -> bool:
        """Whether the deadline is reached."""
        return not self.quiet and self._engine._epoch >= self._deadline

    def wake(self) -> None:
        """Wakes who sleeps, if it is reached."""
        if self.cancelled and self._event is not None:
            self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleeps until it is reached, at most so long; gives whether it was."""
        return self.cancelled or (super().wait(seconds) and self.cancelled)

    def postpone(self, ticks: int) -> None:
        """Sets the deadline so many epochs from now."""
        self._deadline = self._engine._epoch + ticks
        self._event = None


class _Quotas:
    """What a program lets a store have; ``None`` is no limit of its own."""

    def __init__(self) -> None:
        self.memory_size: int | None = None
        self.table_elements: int | None = None
        self.instances = self.tables = self.memories = _MOST


class Store(Managed):
    """What belongs together and lives as long as this does. Raises TypeError for another engine
    than an Engine."""

    def __init__(self, engine: Engine | None = None, data: Any | None = None) -> None:
        if engine is None:
            engine = Engine()
        elif not isinstance(engine, Engine):
            raise TypeError("expected an Engine")
        engine.ptr()
        self._engine = engine
        self._data = data
        self._bounds = current()
        #: what is left; while a call runs, what its account was not given
        self._fuel = 0 if engine._consume_fuel else None
        #: the account of the call that runs on its fuel
        self._meter: Meter | None = None
        self._epoch = Epoch(engine) if engine._interruptible else None
        self._quotas = _Quotas()
        self._instances: dict[int, Any] = {}
        #: modules of its instances, for the frames of traps
        self._modules: dict[int, Module] = {}
        self._memories: list[EngineMemory] = []
        self._tables: list[EngineTable] = []
        #: functions of WASI by name, once it was configured
        self._wasi: dict[str, EngineFunc] | None = None
        self._close_wasi: Callable[[], None] = lambda: None

    @property
    def _context(self) -> Store:
        if self._closed:
            raise ValueError("already closed")
        return self

    def close(self) -> None:
        """Gives up what belongs to it, open files of WASI among that."""
        if not self._closed:
            super().close()
            self._close_wasi()
            self._instances.clear()
            self._modules.clear()
            self._memories.clear()
            self._tables.clear()
            self._data = self._wasi = None

    def data(self) -> Any | None:
        """What it was made with."""
        return self._context._data

    def gc(self) -> None:
        """Does nothing: Python collects what nobody holds."""
        _ = self._context

    # -- fuel and epochs

    def get_fuel(self) -> int:
        """What is left. Raises WasmtimeError if the engine has no ``consume_fuel``."""
        spare = self._require_fuel()
        return spare if self._meter is None else spare + (self._meter.fuel_left or 0)

    def set_fuel(self, fuel: int) -> None:
        """Sets what is left, also while a guest runs. Raises WasmtimeError as :meth:`get_fuel`."""
        self._require_fuel()
        self._fuel = _number(fuel) & _MAX_U64
        if self._meter is not None:
            self._meter.refuel(self._hand_out())

    def _require_fuel(self) -> int:
        if self._context._fuel is None:
            raise WasmtimeError("fuel is not configured in this store")
        return self._fuel or 0

    def _hand_out(self, most: int | None = None) -> int:
        """Takes for an account what is left, as far as the bounds allow it."""
        allowed = self._fuel or 0
        for bound in (self._bounds.fuel, most):
            allowed = allowed if bound is None else min(allowed, bound)
        self._fuel = (self._fuel or 0) - allowed
        return allowed

    def set_epoch_deadline(self, ticks_after_current: int) -> None:
        """Ends its calls when the engine's epoch has been incremented so many times."""
        ticks = _number(ticks_after_current) & _MAX_U64
        if self._context._epoch is not None:
            self._epoch.postpone(ticks)  # type: ignore[union-attr]

    # -- limits

    def set_limits(
        self,
        memory_size: int = -1,
        table_elements: int = -1,
        instances: int = -1,
        tables: int = -1,
        memories: int = -1,
    ) -> None:
        """Sets bytes of each memory, elements of each table, and how many of each there may be.
        Less than zero sets the default; the bounds that always hold are never lifted."""
        quotas = self._context._quotas
        quotas.memory_size = _limit(memory_size, None)
        quotas.table_elements = _limit(table_elements, None)
        quotas.instances = _limit(instances, _MOST) or 0
        quotas.tables = _limit(tables, _MOST) or 0
        quotas.memories = _limit(memories, _MOST) or 0
        for memory in self._memories:
            memory.limit = self._pages(memory)
        for table in self._tables:
            table.limit = self._elements(table)

    def _memory_limit(self) -> int:
        size = self._quotas.memory_size
        most = self._bounds.memory_limit
        return most if size is None else min(most, size // PAGE_SIZE)

    def _pages(self, memory: EngineMemory) -> int:
        most = memory.type.limits.max
        limit = self._memory_limit()
        return limit if most is None else min(most, limit)

    def _table_limit(self) -> int:
        elements = self._quotas.table_elements
        most = self._bounds.table_limit
        return most if elements is None else min(most, elements)

    def _elements(self, table: EngineTable) -> int:
        most = table.type.limits.max
        limit = self._table_limit()
        return limit if most is None else min(most, limit)

    def require_room(self, module: Module) -> None:
        """Checks a module that is to be instantiated against the limits. Raises WasmtimeError."""
        quotas, counts = self._quotas, module.import_counts
        memories = module.memories[counts["memory"] :]
        tables = module.tables[counts["table"] :]
        for what, number, most in (
            ("instance", len(self._instances) + 1, quotas.instances),
            ("memory", len(self._memories) + len(memories), quotas.memories),
            ("table", len(self._tables) + len(tables), quotas.tables),
        ):
            if number > most:
                text = f"resource limit exceeded: {what} count too high at {most + 1}"
                raise WasmtimeError(text)
        for memory in memories:
            self.require_pages(memory.limits.min)
        for table in tables:
            self.require_elements(table.limits.min)

    def require_pages(self, pages: int) -> None:
        """Checks the size that a memory begins with. Raises WasmtimeError."""
        if pages > self._memory_limit():
            hint = _hint(pages, self._bounds.memory_limit, "memory_limit")
            text = f"memory minimum size of {pages} pages exceeds memory limits"
            raise WasmtimeError(text + hint)

    def require_elements(self, elements: int) -> None:
        """Checks the size that a table begins with. Raises WasmtimeError."""
        if elements > self._table_limit():
            hint = _hint(elements, self._bounds.table_limit, "table_limit")
            text = f"table minimum size of {elements} elements exceeds table limits"
            raise WasmtimeError(text + hint)

    def keep(self, memories: Sequence[EngineMemory], tables: Sequence[EngineTable]) -> None:
        """Has what was made in it follow its limits."""
        self._memories += memories
        self._tables += tables
        for memory in memories:
            memory.limit = self._pages(memory)
        for table in tables:
            table.limit = self._elements(table)

    # -- WASI

    def set_wasi(self, wasi: WasiConfig) -> None:
        """Takes a configuration over, for the instances that are made from now on."""
        context = wasi._consume()
        _ = self._context
        self._close_wasi()
        self._wasi, close = context
        self._close_wasi = weakref.finalize(self, close)

    def set_wasi_http(self) -> None:
        """Does nothing: ``wasi:http`` is for components."""
        _ = self._context

    # -- running guests

    def run(self, do: Callable[..., Any], *args: Any) -> Any:
        """Does something that runs guests, on this store's account. Raises what wasmtime would in
        the place of pywasmgk's exceptions; those of host functions go through unchanged."""
        try:
            if self._fuel is None or self._meter is not None:
                return do(*args)
            return self._run_on_fuel(do, args)
        except PywasmgkError as error:
            raise self.in_words(error) from error

    def _run_on_fuel(self, do: Callable[..., Any], args: Sequence[Any]) -> Any:
        """Runs a guest on the store's fuel, also inside a call of another store's guest, which
        pays as well: one account counts for all calls of a thread."""
        outer = current_meter()
        if outer is None:
            bounds = self._bounds
            limits = (self._hand_out(), bounds.timeout, self._epoch, None, bounds.depth_limit)
            self._meter = meter = Meter(*limits)
            given, before = 0, None
        else:
            self._meter = meter = outer
            before = outer.fuel_left
            given = self._hand_out(before)
            meter.refuel(given)
        try:
            with Opened(meter):
                return do(*args)
        finally:
            left = meter.fuel_left or 0
            self._fuel = (self._fuel or 0) + left
            self._meter = None
            if outer is not None and before is not None:
                outer.refuel(before - (given - left))

    def in_words(self, error: PywasmgkError) -> Exception:
        """An exception of pywasmgk's in wasmtime's words."""
        return in_wasmtimes_words(error, self._modules.values(), own_fuel=self._fuel == 0)

    def wrap(self, item: Any) -> Any:
        """An engine's item as one of this package's, in this store."""
        return WRAPPERS[type(item)](self, item)

    def instance_of(self, instance: Instance) -> Any:
        """The Instance of an engine's; made if it is new, also while it still begins."""
        found = self._instances.get(id(instance))
        if found is None:
            found = self._instances[id(instance)] = self.wrap(instance)
        return found


class StoreContext:
    """A store as host functions get to see it."""

    def __init__(self, ptr: Any) -> None:
        if not isinstance(ptr, Store):
            raise TypeError(f"expected a store, found {type(ptr).__name__}")
        self._context = ptr


Storelike = Union[Store, "Caller", StoreContext]


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"expected an int, found {type(value).__name__}")
    return value


def _limit(value: Any, default: int | None) -> int | None:
    return default if _number(value) < 0 else value


def _hint(wanted: int, bound: int, name: str) -> str:
    if wanted <= bound:
        return ""
    return f" of pywasmgk's own: pywasmgk.compat.wasmtime.set_bounds({name}={wanted}) lets it in"
