"""A back end for the package ``wasmhost``, for where no JavaScript engine is and no native runtime.

::

    from pywasmgk.compat.wasmhost import install

    install()

after which ``import wasmhost`` is used as ever. Needs the package.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from typing import Any

import wasmhost
from wasmhost._backend import BatchResult, HostFunction, HostObject, Step, check_results

from .. import errors
from ..wasm.module import Module
from ..wasm.runtime.defaults import DEFAULT_COMMAND_MEMORY, DEFAULT_FUEL, DEFAULT_TIMEOUT
from ..wasm.runtime.functions import Func
from ..wasm.runtime.globals import Global
from ..wasm.runtime.instance import Instance, instantiate
from ..wasm.runtime.memory import Memory
from ..wasm.runtime.table import Table
from ..wasm.types import FuncType, ValType

__all__ = ["PywasmgkBackend", "install"]

_NUMBERS = frozenset({ValType.I32, ValType.I64, ValType.F32, ValType.F64})


class PywasmgkBackend(wasmhost.Backend):
    """Modules under the engine's limits: ``fuel`` in instructions and ``timeout`` in seconds for
    each outermost call, ``memory_limit`` in pages of each memory. What an instance of wasmhost's
    asks for can only be less. ``engine`` is what ``instantiate`` takes."""

    name = "pywasmgk"
    features = frozenset(
        {
            *("memory.grow", "memory.view", "table.length", "table.funcs", "table.signatures"),
            *("imports", "import.global", "import.memory", "import.table"),
            *("isolated", "timeout", "fuel", "threads"),
        }
    )

    def __init__(
        self,
        *,
        fuel: int | None = DEFAULT_FUEL,
        timeout: float | None = DEFAULT_TIMEOUT,
        memory_limit: int = DEFAULT_COMMAND_MEMORY,
        engine: str = "auto",
    ) -> None:
        self._fuel = fuel
        self._timeout = timeout
        self._memory_limit = memory_limit
        self._engine = engine

    def validate(self, data: bytes) -> bool:
        """Whether they are a module. Raises DeadlineExceeded."""
        try:
            self.compile(data)
        except wasmhost.CompileError:
            return False
        return True

    def compile(self, data: bytes) -> Module:
        """The module. Raises wasmhost's CompileError, and DeadlineExceeded."""
        try:
            return Module(bytes(data), timeout=self._timeout)
        except (errors.DecodeError, errors.ValidationError) as error:
            raise wasmhost.CompileError(str(error)) from None

    def instantiate(
        self,
        module: Module,
        imports: Sequence[Any] = (),
        *,
        isolated: bool = False,
        timeout: float | None = None,
        fuel: int | None = None,
    ) -> Instance:
        """A new instance. Raises wasmhost's LinkError, and what its start function raises."""
        if isolated and any(isinstance(item, HostObject) for item in imports):
            raise ValueError("an isolated instance shares no memory, table or global")
        with _told():
            return instantiate(
                module,
                _by_name(imports),
                fuel=_least(fuel, self._fuel),
                timeout=_least(timeout, self._timeout),
                memory_limit=self._memory_limit,
                engine=self._engine,
            )

    def call(self, instance: Instance, name: str, args: Sequence[Any], ftype: Any) -> list[Any]:
        """The results of an exported function."""
        return self.call_ref(self.export_function(instance, name), args, ftype)

    def call_ref(self, func: Func, args: Sequence[Any], ftype: Any) -> list[Any]:
        """The results of a function."""
        with _told():
            result = func(*args)
        if len(func.type.results) == 1:
            return [result]
        return [] if result is None else list(result)

    def run_batch(self, instance: Instance, steps: Sequence[Step]) -> BatchResult:
        """The results of steps, which share the limits of one call."""
        with _told(), instance.account():
            return super().run_batch(instance, steps)

    def export_function(self, instance: Instance, name: str) -> Any:
        """What is exported by a name."""
        return instance.exports[name]

    export_memory = export_table = export_function

    def export_global(self, instance: Instance, name: str, kind: str) -> Any:
        """An exported global."""
        return instance.exports[name]

    def function_key(self, func: Func) -> Hashable:
        """The function itself: there is one object of each."""
        return func

    def function_type(self, func: Func) -> Any:
        """Its type; ``None`` for one that takes or gives what is no number."""
        if not _NUMBERS.issuperset((*func.type.params, *func.type.results)):
            return None
        params, results = (
            tuple(map(str, kinds)) for kinds in (func.type.params, func.type.results)
        )
        return wasmhost.FuncType(params, results)

    def new_global(self, kind: str, value: int | float, mutable: bool) -> Global:
        """A global of no instance."""
        return Global(ValType(kind), value, mutable)

    def new_memory(self, initial: int, maximum: int | None) -> Memory:
        """A memory of no instance. Raises ValueError over the limit."""
        return Memory(initial, maximum, limit=self._memory_limit)

    def new_table(self, initial: int, maximum: int | None) -> Table:
        """A table of functions, of no instance. Raises ValueError over the limit."""
        return Table(ValType.FUNCREF, initial, maximum)

    def memory_size(self, memory: Memory) -> int:
        """Its bytes."""
        return len(memory)

    def memory_grow(self, memory: Memory, pages: int) -> int:
        """The pages that it had. Raises IndexError where it may not have more."""
        return _grown(memory.grow(pages), "memory", pages)

    def memory_read(self, memory: Memory, offset: int, length: int) -> bytes:
        """A copy of bytes. Raises IndexError."""
        return memory.read(offset, length)

    def memory_view(self, memory: Memory, offset: int, length: int) -> memoryview:
        """The bytes themselves. Raises IndexError."""
        if not 0 <= offset <= offset + length <= len(memory):
            raise IndexError(f"{length} bytes at {offset} of a memory of {len(memory)}")
        return memory.view()[offset : offset + length]

    def memory_write(self, memory: Memory, offset: int, data: bytes) -> None:
        """Overwrites bytes. Raises IndexError."""
        memory.write(offset, data)

    def global_get(self, glob: Global, kind: str) -> Any:
        """Its value."""
        return glob.value

    def global_set(self, glob: Global, kind: str, value: int | float) -> None:
        """Sets it. Raises TypeError for a constant."""
        if not glob.type.mutable:
            raise TypeError("the global is immutable")
        glob.value = value

    def table_length(self, table: Table) -> int:
        """Its elements."""
        return len(table)

    def table_grow(self, table: Table, delta: int) -> int:
        """The elements that it had. Raises IndexError where it may not have more."""
        return _grown(table.grow(delta), "table", delta)

    def table_get(self, table: Table, index: int) -> Func | None:
        """A function, or nothing. Raises IndexError."""
        found: Func | None = table.get(index)
        return found

    def table_set(self, table: Table, index: int, func: Func | None) -> None:
        """Puts a function, or nothing, in a place. Raises IndexError."""
        table.set(index, func)


def install(**options: Any) -> PywasmgkBackend:
    """Makes it wasmhost's default and gives it the name ``pywasmgk`` there, as for
    ``set_backend``. ``options`` are those of the back end."""
    backend = PywasmgkBackend(**options)
    wasmhost.BACKENDS[PywasmgkBackend.name] = PywasmgkBackend
    wasmhost.set_backend(backend)
    return backend


@contextmanager
def _told() -> Generator[None]:
    """Errors as wasmhost names them; what a host function raises stays as it is."""
    try:
        yield
    except errors.LinkError as error:
        raise wasmhost.LinkError(str(error)) from error
    except errors.OutOfFuel as error:
        raise wasmhost.OutOfFuel(str(error)) from error
    except errors.DeadlineExceeded as error:
        raise wasmhost.Timeout(str(error)) from error
    except (errors.GuestError, errors.InstanceDead) as error:
        raise wasmhost.Trap(str(error)) from error


def _by_name(imports: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Imports as the engine takes them. Raises LinkError where one name is given two things."""
    given: dict[str, dict[str, Any]] = {}
    for item in imports:
        found = _function(item) if isinstance(item, HostFunction) else item.handle
        names = given.setdefault(item.module, {})
        if names.setdefault(item.name, found).type != found.type:
            raise wasmhost.LinkError(f"{item.module}.{item.name} is imported as two types")
    return given


def _function(item: HostFunction) -> Func:
    kinds = [tuple(map(ValType, kinds)) for kinds in (item.ftype.params, item.ftype.results)]
    return Func(FuncType(*kinds), _answering(item), name=item.name)


def _answering(item: HostFunction) -> Callable[..., Any]:
    def answer(*args: Any) -> Any:
        values = check_results(item.fn(*args), item.ftype)
        return values[0] if len(values) == 1 else tuple(values) or None

    return answer


def _least(asked: Any, bound: Any) -> Any:
    if asked is None or bound is None:
        return bound if asked is None else asked
    return min(asked, bound)


def _grown(before: int, what: str, more: int) -> int:
    if before < 0:
        raise IndexError(f"the {what} may not grow by {more}")
    return before
