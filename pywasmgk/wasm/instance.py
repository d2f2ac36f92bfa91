"""Instances (spec, section "Execution: Modules")."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..errors import LinkError, Trap, TrapCode, near_miss
from .bodies import validate_constant
from .calls import Account, ensure_recursion
from .code import prepare
from .dispatch import dispatch_for
from .functions import Func
from .globals import Global, raw_global
from .interpreter import Execution
from .linker import Extern, Imports, resolve
from .memory import Memory
from .metering import (
    DEFAULT_DEPTH,
    DEFAULT_FUEL,
    DEFAULT_TIMEOUT,
    CancelToken,
    Meter,
    current_meter,
)
from .module import ConstExpr, Module
from .ownership import Domain
from .table import DEFAULT_TABLE_LIMIT, Table, TableQuota
from .tiers import ENGINES, Tiers
from .types import MAX_PAGES, ValType

if TYPE_CHECKING:
    from .compiler.cache import CodeCache
    from .wasi import WasiConfig

__all__ = ["DEFAULT_MEMORY_LIMIT", "ENGINES", "Exports", "Instance", "chosen_cache", "instantiate"]

#: pages that a module's memory may have
DEFAULT_MEMORY_LIMIT = 256

_UNSET: Any = object()


class Exports(Mapping[str, Extern]):
    """What an instance exports, by name: ``exports.fib`` or ``exports["fib"]``.

    Attribute access finds exports before anything else; the methods of a mapping answer only
    where no export has their name.
    """

    def __init__(self, items: dict[str, Extern]) -> None:
        object.__setattr__(self, "_items", items)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            items: dict[str, Extern] = object.__getattribute__(self, "_items")
            if name in items:
                return items[name]
        try:
            return super().__getattribute__(name)
        except AttributeError:
            return object.__getattribute__(self, "_absent")(name, AttributeError)

    def _absent(self, name: str, kind: type[Exception]) -> Any:
        items: dict[str, Extern] = object.__getattribute__(self, "_items")
        if kind is AttributeError and name in items:
            return items[name]
        raise kind(f"no export is named {name!r}{near_miss(name, items)}")

    def __getitem__(self, name: str) -> Extern:
        items: dict[str, Extern] = object.__getattribute__(self, "_items")
        return items[name] if name in items else self._absent(name, KeyError)

    def __contains__(self, name: object) -> bool:
        return name in object.__getattribute__(self, "_items")

    def __iter__(self) -> Iterator[str]:
        return iter(object.__getattribute__(self, "_items"))

    def __len__(self) -> int:
        return len(object.__getattribute__(self, "_items"))

    def __dir__(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<Exports {', '.join(self)}>"


class Instance:
    """A module with its memory, tables, globals and functions. Made by :func:`instantiate`."""

    module: Module
    exports: Exports

    def __init__(self, module: Module, engine: str, meter_options: Mapping[str, Any]) -> None:
        self.module = module
        self.tiers = Tiers(self, engine)
        self.dispatch = dispatch_for(module.isa.whole)
        self.domain = Domain()
        self.funcs: list[Func] = []
        self.tables: list[Table] = []
        self.memories: list[Memory] = []
        self.globals: list[Global] = []
        #: passive segments; one that was dropped is empty
        self.datas: list[bytes] = []
        self.elems: list[Sequence[Any]] = []
        #: fuel of the latest call from the host, start functions aside
        self.fuel_used = 0
        self._meter_options = dict(meter_options)
        # the accounts of calls that set no limits of their own begin as copies of this one
        self.template = Meter(**meter_options)
        #: what the dispatch loop works on
        self.environment: tuple[Any, ...] = ()

    @property
    def memory(self) -> Memory | None:
        """Memory 0, exported or not; ``None`` where there is none."""
        return self.memories[0] if self.memories else None

    @property
    def dead(self) -> bool:
        """Whether an interruption left it in no defined state."""
        return self.domain.root().dead is not None

    def account(
        self,
        *,
        fuel: int | None = _UNSET,
        timeout: float | None = _UNSET,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Account:
        """One account for several calls: ``with instance.account(fuel=10_000) as meter: ...``.

        Limits that are not given are those of the instance. Raises Busy and InstanceDead.
        """
        if current_meter() is not None:
            return Account(self, None)
        own = self.template.terms
        usual = fuel in (_UNSET, own.fuel) and timeout in (_UNSET, own.timeout) and own.quick
        if usual and progress is None and (cancel is None or not cancel.cancelled):
            meter = self.template.renewed()
            if cancel is not None:
                meter.cancel = cancel
            return Account(self, meter)
        options = dict(self._meter_options)
        if fuel is not _UNSET:
            options["fuel"] = fuel
        if timeout is not _UNSET:
            options["timeout"] = timeout
        if cancel is not None:
            options["cancel"] = cancel
        if progress is not None:
            options["progress"] = progress
        meter = Meter(**options)
        meter.follow(self.template)
        return Account(self, meter)

    def __repr__(self) -> str:
        return f"<Instance of {self.module.name or 'a module'}{' (dead)' if self.dead else ''}>"

    # -- instantiation

    def link(self, externs: Sequence[Extern]) -> None:
        """Takes the imports, in order."""
        for extern in externs:
            if isinstance(extern, Func):
                self.funcs.append(extern)
            elif isinstance(extern, Memory):
                self.memories.append(extern)
            elif isinstance(extern, Table):
                self.tables.append(extern)
            else:
                self.globals.append(extern)
            domain = getattr(extern, "domain", None)
            if domain is not None:
                self.domain.merge(domain)

    def allocate(self, memory_limit: int, table_limit: int) -> None:
        """Makes what the module defines, sizes checked first."""
        module = self.module
        first = len(self.funcs)
        for index, kind in enumerate(module.functions[first:], first):
            self.funcs.append(Func.defined(self, index, kind))
        tables = module.tables[len(self.tables) :]
        needed = sum(table.limits.min for table in tables)
        if needed > table_limit:
            raise LinkError(f"tables: {needed} elements over limit of {table_limit} elements")
        quota = TableQuota(table_limit - needed)
        for table_type in tables:
            table = Table(table_type.element, *table_type.limits, limit=table_limit)
            table.quota, table.domain = quota, self.domain
            self.tables.append(table)
        for memory_type in module.memories[len(self.memories) :]:
            self.memories.append(self._new_memory(*memory_type.limits, memory_limit))
        cells = [cell.cell for cell in self.globals]
        self.environment = (self.funcs, self.tables, cells, self.memory, self.datas, self.elems)
        first = len(self.globals)
        for global_type, init in zip(module.globals[first:], module.global_inits):
            value = self._constant(init, global_type.value_type)
            self.globals.append(raw_global(global_type, value))
            cells.append(self.globals[-1].cell)
        self.exports = Exports(
            {export.name: self._extern(export.kind, export.index) for export in module.exports}
        )

    def _new_memory(self, minimum: int, maximum: int | None, limit: int) -> Memory:
        if minimum > limit:
            raise LinkError(
                f"section memory: min {minimum} pages ({_size(minimum)}) over limit of "
                f"{limit} pages ({_size(limit)})"
            )
        try:
            memory = Memory(minimum, maximum, limit=limit)
        except MemoryError:
            raise LinkError(f"the host has no room for a memory of {minimum} pages") from None
        memory.domain = self.domain
        return memory

    def _extern(self, kind: str, index: int) -> Extern:
        spaces: dict[str, Sequence[Extern]] = {
            "func": self.funcs,
            "table": self.tables,
            "memory": self.memories,
            "global": self.globals,
        }
        return spaces[kind][index]

    def _constant(self, init: ConstExpr, kind: ValType) -> Any:
        """The value of a constant expression; what is no plain number, the interpreter computes."""
        plain = self.module.context.plain
        if init.start in plain:
            return plain[init.start]
        body = validate_constant(self.module.context, self.module, init, kind)
        return Execution.of_constant(self, prepare(body, self.module.isa)).run(Meter(None, None))[0]

    def fill_segments(self) -> None:
        """Evaluates all segments, then applies the active ones in order.

        Raises Trap for one out of bounds; what came before it stays (spec, "Instantiation").
        """
        for element in self.module.elements:
            self.elems.append(
                [
                    self.funcs[item]
                    if isinstance(item, int)
                    else self._constant(item, element.type)
                    for item in element.init
                ]
            )
        for index, element in enumerate(self.module.elements):
            if element.offset is not None:
                offset = self._constant(element.offset, ValType.I32)
                table, values = self.tables[element.table], self.elems[index]
                _require_room(offset, values, table.elements, TrapCode.TABLE_OUT_OF_BOUNDS)
                table.replace(offset, values)
            if element.mode != "passive":
                self.elems[index] = ()
        for data in self.module.datas:
            content = self.module.data[data.start : data.end]
            if data.offset is not None:
                offset = self._constant(data.offset, ValType.I32)
                memory = self.memories[data.memory].data
                _require_room(offset, content, memory, TrapCode.MEMORY_OUT_OF_BOUNDS)
                memory[offset : offset + len(content)] = content
            self.datas.append(b"" if data.offset is not None else content)


def _require_room(
    offset: int, content: Sequence[Any], target: Sequence[Any], code: TrapCode
) -> None:
    if offset + len(content) > len(target):
        raise Trap(
            code,
            f"{code.value}: a segment of {len(content)} at {offset} "
            f"does not fit into {len(target)}",
        )


def _size(pages: int) -> str:
    return f"{pages // 16} Mi" if pages >= 16 else f"{pages * 64} Ki"


def instantiate(
    module: Module | bytes | str,
    imports: Imports | None = None,
    *,
    wasi: WasiConfig | None = None,
    memory_limit: int = DEFAULT_MEMORY_LIMIT,
    table_limit: int = DEFAULT_TABLE_LIMIT,
    depth_limit: int = DEFAULT_DEPTH,
    fuel: int | None = DEFAULT_FUEL,
    timeout: float | None = DEFAULT_TIMEOUT,
    cancel: CancelToken | None = None,
    progress: Callable[[Meter], object] | None = None,
    clock: Callable[[], float] = time.monotonic,
    engine: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
) -> Instance:
    """Links a module and runs its start function (not ``_start``, which is a program's own).

    ``module`` may be its bytes, or its text in WAT. ``memory_limit`` is in pages of the memory that
    the module defines, ``table_limit`` in elements of all its tables, ``depth_limit`` in wasm
    frames; ``fuel`` (instructions), ``timeout`` (seconds), ``cancel`` and ``progress`` hold for
    each outermost call. Imports given explicitly win over ``wasi``. ``cache_dir`` is a private
    directory for compiled code, ``PYWASMGK_CACHE`` in the environment by default, "" for none (see
    ``compiler.cache``). Raises CacheError for one that cannot be used, LinkError with all missing
    imports, Trap for segments that do not fit, and what the start function raises.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, found {engine!r}")
    if not 0 <= memory_limit <= MAX_PAGES:
        raise ValueError(f"the memory limit must be 0 to {MAX_PAGES} pages, found {memory_limit}")
    cache = chosen_cache(cache_dir)
    if not isinstance(module, Module):
        module = Module(module, cache=cache)
    module.use_cache(cache)
    ensure_recursion(depth_limit)
    instance = Instance(
        module,
        engine,
        {
            "fuel": fuel,
            "timeout": timeout,
            "cancel": cancel,
            "progress": progress,
            "depth": depth_limit,
            "clock": clock,
        },
    )
    instance.link(resolve(module, _with_wasi(module, imports, wasi)))
    instance.allocate(memory_limit, table_limit)
    with instance.account():
        instance.fill_segments()
        if module.start is not None:
            instance.funcs[module.start]()
    instance.fuel_used = 0
    return instance


def chosen_cache(directory: str | os.PathLike[str] | None) -> CodeCache | None:
    """The cache that ``cache_dir`` or the environment names. Raises CacheError."""
    if not (os.environ.get("PYWASMGK_CACHE") if directory is None else os.fspath(directory)):
        return None  # without importing the compiler
    from .compiler.cache import open_cache

    return open_cache(directory)


def _with_wasi(module: Module, imports: Imports | None, wasi: WasiConfig | None) -> Imports | None:
    """The imports, with WASI's functions where the module wants any."""
    if wasi is None:
        return imports
    from .wasi import MODULE
    from .wasi import imports as wasi_imports

    # preopens are opened in any case, so that a wrong one is an error in any case
    if not wasi.preopens and all(item.module != MODULE for item in module.imports):
        return imports
    given: dict[str, Any] = dict(cast(Mapping[str, Any], imports or {}))
    for name, functions in wasi_imports(wasi).items():
        explicit = given.get(name, {})
        given[name] = {**functions, **{known: explicit[known] for known in explicit}}
    return given
