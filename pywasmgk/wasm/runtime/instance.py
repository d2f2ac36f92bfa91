"""Instances (spec, section "Execution: Modules")."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import iscoroutinefunction
from types import CellType
from typing import TYPE_CHECKING, Any, cast

from ...errors import LinkError, NoMemory, near_miss
from ...shown import Shown
from ...tracebacks import hidden, shortened
from ..cache import Directory, chosen_cache
from ..interpreter.dispatch import dispatch_for
from ..module import Module
from ..types import MAX_PAGES, MemoryType
from ..watch import Look, Watch, each, never
from . import calls, defaults
from .calls import Account
from .defaults import (
    DEFAULT_DEPTH,
    DEFAULT_FUEL,
    DEFAULT_MEMORY_LIMIT,
    DEFAULT_TABLE_LIMIT,
    DEFAULT_TIMEOUT,
    ENGINES,
    FORCED,
    OUTSIDE,
    OWN,
)
from .functions import Func
from .globals import Global, raw_global
from .initial import Constants, fill_segments
from .linker import Extern, Imports, resolve
from .memory import Memory
from .metering import (
    CancelToken,
    Meter,
    current_meter,
)
from .ownership import Domain
from .table import Table, TableQuota
from .tags import Tag
from .tiers import Tiers

if TYPE_CHECKING:
    from ..engines import Store
    from ..stepping.execution import Execution
    from ..wasi import WasiConfig

__all__ = ["Exports", "Instance", "instantiate"]

__tracebackhide__ = hidden

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
        raise kind(f"no export is named {name!r}{near_miss(name, items)}") from None

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

    def _ipython_key_completions_(self) -> list[str]:
        """What IPython offers within brackets."""
        return list(self)

    def __repr__(self) -> str:
        return f"<Exports {', '.join(self)}>"


class Instance(Shown):
    """A module with its memory, tables, globals and functions. Made by :func:`instantiate`."""

    module: Module
    exports: Exports
    #: why it does not run in the engine that was asked for, if so
    engine_note: str | None = None
    #: whether one of our own engines runs it, which can go on in slices
    is_ours = True

    @property
    def can_hold(self) -> bool:
        """Whether its calls can be held: in our own engines, or since it moves there."""
        return True

    def __init__(self, module: Module, engine: str, meter_options: Mapping[str, Any]) -> None:
        self.module = module
        self.tiers = Tiers(self, engine)
        self.dispatch = dispatch_for(module.isa.whole)
        self.domain = Domain()
        self.funcs: list[Func] = []
        self.tables: list[Table] = []
        self.memories: list[Memory] = []
        self.globals: list[Global] = []
        self.tags: list[Tag] = []
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
    def memory(self) -> Memory:
        """Memory 0, exported or not. Raises NoMemory where there is none."""
        if not self.memories:
            raise NoMemory(f"module {self.module.name or '?'} has no memory")
        return self.memories[0]

    @property
    def first_memory(self) -> Memory | None:
        """The same, or ``None`` where there is none."""
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
        since: float | None = None,
    ) -> Account:
        """One account for several calls: ``with instance.account(fuel=10_000) as meter: ...``.

        Limits that are not given are those of the instance. ``since`` is when its time began, by
        the instance's clock. Raises Busy and InstanceDead.
        """
        if current_meter() is not None:
            return Account(self, None)
        meter = self.meter(fuel=fuel, timeout=timeout, cancel=cancel, progress=progress)
        if since is not None:
            meter.started = since
        return Account(self, meter)

    def meter(
        self,
        *,
        fuel: int | None = _UNSET,
        timeout: float | None = _UNSET,
        cancel: CancelToken | None = None,
        progress: Callable[[Meter], object] | None = None,
    ) -> Meter:
        """A meter for one call, which begins now."""
        own = self.template.terms
        usual = fuel in (_UNSET, own.fuel) and timeout in (_UNSET, own.timeout) and own.quick
        if usual and progress is None and (cancel is None or not cancel.cancelled):
            meter = self.template.renewed()
            if cancel is not None:
                meter.cancel = cancel
        else:
            limits = {"fuel": fuel, "timeout": timeout}
            others = {"cancel": cancel, "progress": progress}
            meter = Meter(
                **{
                    **self._meter_options,
                    **{name: item for name, item in limits.items() if item is not _UNSET},
                    **{name: item for name, item in others.items() if item is not None},
                }
            )
            meter.follow(self.template)
        return meter

    def start(
        self,
        name: str | Func | None = None,
        *args: Any,
        fuel: int | None = _UNSET,
        timeout: float | None = _UNSET,
        cancel: CancelToken | None = None,
        history: int | None = _UNSET,
        defer: Sequence[str] = (),
    ) -> Execution:
        """Begins a call of an exported function that is held before its first instruction; without
        a name of ``_start``, or else of the module's start function, which is for instances that
        were made with ``run_start=False``.

        Limits that are not given are those of the instance; time counts while it runs. ``history``
        is how many bytes of the past are kept, ``None`` for no way back. Calls of the host that are
        among ``defer``, patterns over ``module.name`` of imports, are left to whoever holds it:
        ``pending`` is the call, ``resume`` answers it. Raises KeyError,
        TypeError, OverflowError, HostError for a function of the host's and inside a running call,
        Busy and InstanceDead.
        """
        # only who steps pays for it
        from ..stepping.execution import DEFAULT_HISTORY, Execution

        name = self._start_function() if name is None else name
        func = self.exports[name] if isinstance(name, str) else name
        if not isinstance(func, Func):
            raise TypeError(f"the export {name!r} is no function")
        values = func.engine_values(args)
        meter = self.meter(fuel=fuel, timeout=timeout, cancel=cancel)
        past = DEFAULT_HISTORY if history is _UNSET else history
        return Execution(func, values, meter, past, defer=defer)

    def _start_function(self) -> str | Func:
        start = self.module.start
        return "_start" if start is None or "_start" in self.exports else self.funcs[start]

    def snapshot(self, key: bytes | None = None) -> bytes:
        """Its state (memories, tables, globals, dropped segments) as bytes, for :meth:`restore`, in
        any instance of the same module; with a ``key`` they are authenticated by HMAC-SHA256.

        Raises HostError where other instances are linked and for references to objects of the
        host's, Busy and InstanceDead.
        """
        # only who uses it pays for it
        from ..stepping.suspension import snapshot

        with self._alone():
            return snapshot(self, key)

    def restore(self, data: bytes, key: bytes | None = None) -> None:
        """Makes its state what a snapshot says. Raises SuspensionError, Busy and InstanceDead."""
        from ..stepping.suspension import restore

        with self._alone():
            restore(self, data, key)

    def fork(self) -> Instance:
        """Another instance of the module in the same state, with the same functions of the host's.

        Raises HostError where it shares a memory, a table or a mutable global with somebody.
        """
        from ..stepping.suspension import fork

        with self._alone():
            return fork(self)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        used = self.fuel_used
        with self.account():
            yield
        self.fuel_used = used

    def make_holdable(self, what: str) -> None:
        """Sees to it that its calls can be held; ``what`` is what for. Raises HostError where they
        cannot."""

    def twin(self) -> Instance:
        """A new instance with the same imports and limits, whose start function is not run."""
        made = Instance(self.module, self.tiers.engine, self._meter_options)
        made.link(self._externs)
        made.allocate(*self._limits, never)
        fill_segments(made, never)
        return made

    def invoke(self, func: Func, args: Sequence[Any]) -> Sequence[Any]:
        """Calls one of its functions with engine values, on the running account or its own."""
        return calls.invoke(func, args)

    def way_in(self, func: Func) -> Callable[..., Any] | None:
        """The entry stub of one of its compiled functions, if it has one."""
        return calls.way_in(func)

    def __repr__(self) -> str:
        return f"<Instance of {self.module.name or 'a module'}{' (dead)' if self.dead else ''}>"

    # -- instantiation

    def link(self, externs: Sequence[Extern]) -> None:
        """Takes the imports, in order."""
        self._externs = externs
        for extern in externs:
            if isinstance(extern, Func):
                self.funcs.append(extern)
            elif isinstance(extern, Memory):
                self.memories.append(extern)
            elif isinstance(extern, Table):
                self.tables.append(extern)
            elif isinstance(extern, Tag):
                self.tags.append(extern)
            else:
                self.globals.append(extern)
            domain = getattr(extern, "domain", None)
            if domain is not None:
                self.domain.merge(domain)

    def allocate(self, memory_limit: int, table_limit: int, look: Look) -> None:
        """Makes what the module defines, sizes checked first. ``look`` may end it in time."""
        self._limits = memory_limit, table_limit
        self._define_functions(look)
        module = self.module
        tables = module.tables[len(self.tables) :]
        needed = sum(table.limits.min for table in tables)
        self._require_elements(needed, table_limit)
        quota = TableQuota(table_limit - needed)
        for table_type in tables:
            table = Table(table_type.element, *table_type.limits, limit=table_limit)
            table.quota, table.domain = quota, self.domain
            self.tables.append(table)
        for memory_type in module.memories[len(self.memories) :]:
            self.memories.append(self._new_memory(memory_type, memory_limit))
        first = len(self.tags)
        for index, tag_type in enumerate(module.tags[first:], first):
            self.tags.append(Tag(*tag_type.params, name=module.tag_name(index)))
        cells = self.settle()
        first, constants = len(self.globals), Constants(self)
        for global_type, init in each(zip(module.globals[first:], module.global_inits), look):
            value = constants.value(init, global_type.value_type)
            self.globals.append(raw_global(global_type, value))
            cells.append(self.globals[-1].cell)
        self.exports = Exports(
            {
                export.name: self._extern(export.kind, export.index)
                for export in each(module.exports, look)
            }
        )

    def settle(self) -> list[CellType]:
        """Has the tiers work on what there is by now; gives the cells of its globals."""
        self.tiers.note_memory()
        cells = [cell.cell for cell in self.globals]
        self.environment = (
            self.funcs,
            self.tables,
            cells,
            self.first_memory,
            self.datas,
            self.elems,
        )
        return cells

    def _define_functions(self, look: Look) -> None:
        first = len(self.funcs)
        for index, kind in enumerate(each(self.module.functions[first:], look), first):
            self.funcs.append(Func.defined(self, index, kind))

    def initialize(self, meter: Meter, run_start: bool = True) -> None:
        """Applies the segments and runs the start function, on an open account.

        Raises Trap for segments that do not fit, and what the start function raises.
        """
        fill_segments(self, lambda at: meter.check())
        if run_start:
            self.begin()

    def begin(self) -> None:
        """Runs the start function, if there is one: for an instance that was made with
        ``run_start=False``. Raises what that raises."""
        if self.module.start is not None:
            self.funcs[self.module.start]()

    @staticmethod
    def _require_elements(needed: int, limit: int) -> None:
        """Raises LinkError for tables that begin with more elements than the limit."""
        if needed > limit:
            error = LinkError(f"tables: {needed} elements over limit of {limit} elements")
            error.__notes__ = [f"table_limit={needed} lets them in"]  # type: ignore[attr-defined]
            raise error

    @staticmethod
    def _require_room(minimum: int, limit: int) -> None:
        """Raises LinkError for a memory that begins with more pages than the limit."""
        if minimum > limit:
            error = LinkError(
                f"section memory: min {minimum} pages ({_size(minimum)}) over limit of "
                f"{limit} pages ({_size(limit)})"
            )
            # no part of the message, which the contract for plugins states to the letter
            error.__notes__ = [f"memory_limit={minimum} lets it in"]  # type: ignore[attr-defined]
            raise error

    def _new_memory(self, kind: MemoryType, limit: int) -> Memory:
        minimum, maximum = kind.limits
        self._require_room(minimum, limit)
        try:
            memory = Memory(minimum, maximum, limit=limit, shared=kind.shared)
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
            "tag": self.tags,
        }
        return spaces[kind][index]


def _size(pages: int) -> str:
    return f"{pages // 16} Mi" if pages >= 16 else f"{pages * 64} Ki"


@shortened
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
    engine: str | Store = "auto",
    cache_dir: Directory | None = None,
    run_start: bool = True,
) -> Instance:
    """Links a module and runs its start function (not ``_start``, which is a program's own);
    with ``run_start=False`` that is left out.

    ``module`` may be its bytes, or its text in WAT. ``memory_limit`` is in pages of the memory that
    the module defines, ``table_limit`` in elements of all its tables, ``depth_limit`` in wasm
    frames; ``fuel`` (instructions), ``timeout`` (seconds), ``cancel`` and ``progress`` hold for
    each outermost call. Imports given explicitly win over ``wasi``. ``cache_dir`` is a private
    directory for compiled code, ``PYWASMGK_CACHE`` in the environment by default, "" for none (see
    ``wasm.cache``). Raises CacheError for one that cannot be used, LinkError with all missing
    imports, Trap for segments that do not fit, DeadlineExceeded and Cancelled also where no guest
    runs yet, and what the start function raises.
    """
    if isinstance(engine, str) and engine not in (*ENGINES, *OUTSIDE, *FORCED, OWN):
        known = ", ".join((*ENGINES, *OUTSIDE))
        raise ValueError(f"engine must be one of {known}, found {engine!r}")
    if not 0 <= memory_limit <= MAX_PAGES:
        raise ValueError(f"the memory limit must be 0 to {MAX_PAGES} pages, found {memory_limit}")
    watch = Watch(timeout, cancel, clock)
    if not isinstance(module, Module):
        rest = watch.left()
        module = Module(module, cache_dir=cache_dir, timeout=rest, cancel=cancel, clock=clock)
    else:
        module.use_cache(chosen_cache(cache_dir))
    options = {
        "fuel": fuel,
        "timeout": timeout,
        "cancel": cancel,
        "progress": progress,
        "depth": depth_limit,
        "clock": clock,
    }
    outer = current_meter()
    look: Look = watch.look if outer is None else lambda at: outer.check()
    externs = resolve(module, _with_wasi(module, imports, wasi), look)
    instance = _allocated(module, engine, options, externs, (memory_limit, table_limit), look)
    with instance.account(since=watch.began) as meter:
        instance.initialize(meter, run_start)
    instance.fuel_used = 0
    return instance


def _allocated(
    module: Module,
    engine: str | Store,
    options: Mapping[str, Any],
    externs: Sequence[Extern],
    limits: tuple[int, int],
    look: Look,
) -> Instance:
    """An instance in an engine, ready to be initialized; in our own where another one cannot."""
    note, chosen = None, engine
    if engine == "auto" and defaults.AUTO is not None:
        chosen, note = _chosen_for(externs)
    if not isinstance(chosen, str) or chosen in OUTSIDE:
        # only who uses it pays for it
        from ..engines import Unsuitable, open_instance

        try:
            made = open_instance(chosen, module, options, externs, limits, look)
        except Unsuitable as reason:
            note, engine = str(reason), "auto"
        else:
            made.moves = engine == "auto"
            return made
    own = engine if isinstance(engine, str) and engine != OWN else "auto"
    instance = Instance(module, own, options)
    instance.engine_note = note
    instance.link(externs)
    instance.allocate(*limits, look)
    return instance


def _chosen_for(externs: Sequence[Extern]) -> tuple[str, str | None]:
    """What "auto" is where another engine is there, and why not that one."""
    # for them a call has to be held, which only ours can be
    if any(isinstance(item, Func) and iscoroutinefunction(item.host) for item in externs):
        return "auto", "it imports an async function, for which it is held"
    return str(defaults.AUTO), None


def _with_wasi(module: Module, imports: Imports | None, wasi: WasiConfig | None) -> Imports | None:
    """The imports, with WASI's functions where the module wants any."""
    if wasi is None:
        return imports
    from ..wasi import MODULE
    from ..wasi import imports as wasi_imports

    # preopens are opened in any case, so that a wrong one is an error in any case
    if not wasi.preopens and all(item.module != MODULE for item in module.imports):
        return imports
    given: dict[str, Any] = dict(cast(Mapping[str, Any], imports or {}))
    for name, functions in wasi_imports(wasi).items():
        explicit = given.get(name, {})
        given[name] = {**functions, **{known: explicit[known] for known in explicit}}
    return given
