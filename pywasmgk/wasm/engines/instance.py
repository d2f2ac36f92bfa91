"""Instances that another engine runs under our bounds: what is the same for all engines."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from ...errors import Frame, HostError, Trap, TrapCode, ValidationError, WasmException
from ..binary.decoding import read_opcode
from ..instrument import MODULE, Instrumented, Options, Place
from ..isa import CONTROL_FORMS
from ..module import Module
from ..runtime.faults import explained
from ..runtime.functions import Func
from ..runtime.globals import Global
from ..runtime.instance import Exports, Instance
from ..runtime.linker import Extern
from ..runtime.memory import Memory
from ..runtime.metering import CURRENT, Meter
from ..runtime.table import Table, TableQuota
from ..runtime.tags import Tag
from ..types import FuncType, ValType
from ..watch import Look
from .details import detailed
from .store import Ended, Spot, Store
from .views import Unsuitable, global_view, memory_view, table_view

__all__ = ["EngineInstance"]

_I64 = ValType.I64
_REFILL = Func(FuncType((_I64,), (_I64,)), lambda left: left, name=f"{MODULE}.refill")
_EXHAUSTED = Func(FuncType(), lambda: None, name=f"{MODULE}.exhausted")


class EngineTiers:
    """Stands where instances of our own have their tiers."""

    def __init__(self, instance: EngineInstance, engine: str) -> None:
        self._instance = weakref.ref(instance)
        self.engine = engine

    @property
    def instance(self) -> EngineInstance:
        """Whose it is."""
        found = self._instance()
        if found is None:
            raise ReferenceError("the instance is gone")
        return found

    @property
    def binding(self) -> EngineTiers:
        """What calls a function by its index: this."""
        return self

    def begin(self, meter: Meter) -> None:
        """A call from the host begins."""

    def look(self, meter: Meter) -> None:
        """Nothing was compiled in between."""

    def resolve(self, func: Func, meter: Meter) -> None:
        """No function has code for the interpreter."""

    def note_memory(self) -> None:
        """Nobody wants to know."""

    def want(self, func: Func) -> None:
        """Everything is compiled."""

    note_call = want

    def prepare(self, func: Func) -> Any:
        """Raises HostError: nothing is interpreted here."""
        raise HostError(f"{func!r} runs in {self.engine}, where nothing can be stepped through")

    def enter(self, func: Any, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Runs a function, or that of an index."""
        index = func if isinstance(func, int) else func.index
        return self.instance.run(index, meter, args)


class EngineInstance(Instance):
    """An instance whose code runs in another engine."""

    is_ours = False
    #: whether it moves into our own engines when a call of it is to be held: "auto" chose this one
    moves = False

    def __init__(
        self, module: Module, engine: str, meter_options: Mapping[str, Any], store: Store
    ) -> None:
        super().__init__(module, "auto", meter_options)
        self.tiers: Any = EngineTiers(self, engine)
        self.store = store
        self._handles: dict[int, Any] = {}

    @property
    def can_hold(self) -> bool:
        """Whether it moves into our own engines for that."""
        return self.moves

    # -- instantiation

    def link(self, externs: Sequence[Extern]) -> None:
        """Takes the imports, in order."""
        super().link(externs)
        self.domain.merge(self.store.domain)

    def allocate(self, memory_limit: int, table_limit: int, look: Look) -> None:
        """Checks sizes; the engine makes what the module defines."""
        self._limits = memory_limit, table_limit
        self._define_functions(look)
        module = self.module
        needed = sum(table.limits.min for table in module.tables[len(self.tables) :])
        self._require_elements(needed, table_limit)
        self._quota = TableQuota(table_limit - needed)
        for memory_type in module.memories[len(self.memories) :]:
            self._require_room(memory_type.limits.min, memory_limit)
        self._made = instrumented(module, self._options())
        self.store.prepare(self._made)
        self.store.instances.add(self)
        self._given = [self._handle(extern) for extern in self._externs]

    def _options(self) -> Options:
        # whatever it imports may raise an exception, which others catch
        throws = self.module.import_counts["func"] > 0
        return Options(
            *self._limits, shared=True, exposed=True, tests_imports=False, throws=throws,
            numbered=self.store.numbered, notes_elements=True,
        )  # fmt: skip

    def initialize(self, meter: Meter, run_start: bool = True) -> None:
        """Has the engine make the instance, and runs the start function."""
        store = self.store
        added = [
            store.function(_REFILL, _REFILL.type, self._refill),
            store.function(_EXHAUSTED, _EXHAUSTED.type, self._exhausted),
        ]
        found = store.instantiate(self._made, [*self._given, *added])
        if isinstance(found, Ended):
            told = self._explained(found, meter, 0)
            del found
            try:
                raise told
            finally:
                del told
        self._take(found)
        if run_start and self.module.start is not None:
            self.funcs[self.module.start]()

    def _take(self, found: Mapping[str, Any]) -> None:
        """Makes views of what the engine has made."""
        module, store = self.module, self.store
        memory_limit, table_limit = self._limits
        for index in range(len(self.tables), len(module.tables)):
            handle = found[f"{MODULE}.table.{index}"]
            table = table_view(handle, module.tables[index], table_limit, self.domain)
            table.quota = self._quota
            self.tables.append(table)
        for index in range(len(self.memories), len(module.memories)):
            handle = found[f"{MODULE}.memory.{index}"]
            kind = module.memories[index]
            pages = found[f"{MODULE}.pages"]
            self.memories.append(memory_view(handle, kind, memory_limit, self.domain, pages))
        for index in range(len(self.globals), len(module.globals)):
            handle = found[f"{MODULE}.global.{index}"]
            self.globals.append(global_view(handle, module.globals[index]))
        for index in range(len(self.tags), len(module.tags)):
            tag = Tag(*module.tags[index].params, name=module.tag_name(index))
            store.tag_of(found[f"{MODULE}.tag.{index}"], tag)
            self.tags.append(tag)
        for index in module.context.declared:
            handle = self._handles[index] = found[f"{MODULE}.func.{index}"]
            store.function_of(handle, self.funcs[index])
        if self._made.plan.noted >= 0:
            self._noted = found[f"{MODULE}.noted"]
            self._made.instances.add(self)
        if module.start is not None:
            self._handles[module.start] = found[f"{MODULE}.start"]
        self.exports = Exports(
            {item.name: self._extern(item.kind, item.index) for item in module.exports}
        )

    def _handle(self, extern: Extern) -> Any:
        """What the engine is given for an import."""
        store = self.store
        if isinstance(extern, Func):
            return self._function(extern)
        if isinstance(extern, Memory):
            if extern.shared:
                raise Unsuitable("it imports a shared memory")
            return store.memory(extern)
        if isinstance(extern, Table):
            return store.table(extern)
        return store.global_(extern) if isinstance(extern, Global) else store.tag(extern)

    def _function(self, func: Func) -> Any:
        owner = func.instance
        if isinstance(owner, EngineInstance) and owner.store is self.store:
            return owner._handles[func.index]
        caller = weakref.ref(self)

        def call(*values: Any) -> Sequence[Any]:
            instance = caller()
            if instance is None:
                raise ReferenceError("the instance is gone")
            return instance._leave(func, values)

        return self.store.function(func, func.type, call)

    # -- running

    def run(self, index: int, meter: Meter, args: Sequence[Any]) -> list[Any]:
        """Runs a function on an account, with engine values."""
        store, func = self.store, self.funcs[index]
        handle = self._handles.get(index)
        if handle is None:
            raise HostError(f"{func!r} is not exported, and no table has it")
        meter.largest_slice = store.largest_slice
        outer, before = store.unspent, meter.depth
        store.fuel, store.depth, store.unspent = meter.left, before, 0
        found = store.call(handle, func.type, args)
        meter.left, unspent = store.fuel, store.unspent
        # of who called, if a guest did
        store.unspent = outer
        if not isinstance(found, Ended):
            return found
        told = self._explained(found, meter, before - store.depth)
        if isinstance(told, WasmException):
            meter.left += unspent
        elif told is meter.host_error:
            meter.unspent += unspent
        # whoever is on the traceback must not hold it
        del found
        try:
            raise told
        finally:
            del told

    def _explained(self, ended: Ended, meter: Meter, depth: int) -> BaseException:
        frames = list(_frames(ended.spots, depth))
        error = ended.error
        if isinstance(error, Trap) and error is not meter.host_error:
            error = detailed(error, ended, self)
        return explained(error, frames, meter, self.domain, None)

    def noted_element(self) -> int:
        """The operand of its latest indirect call."""
        value: int = self._noted.get()
        return value

    # -- what the guest calls

    def _leave(self, func: Func, values: Sequence[Any]) -> Sequence[Any]:
        """A call of a function that is not of this engine."""
        return leave(self.store, self, func, values)

    @staticmethod
    def _refill(left: int) -> Sequence[int]:
        return (_running().refill(_signed(left)),)

    @staticmethod
    def _exhausted() -> Sequence[Any]:
        raise Trap(TrapCode.STACK_OVERFLOW)

    # -- what only our own engines can do

    def start(self, name: str | Func | None = None, *args: Any, **options: Any) -> Any:
        """Moves into our own engines, see :meth:`make_holdable`, and begins a call there."""
        self.make_holdable("hold a call")
        return self.start(name, *args, **options)

    def snapshot(self, key: bytes | None = None) -> bytes:
        """The same for a snapshot."""
        self.make_holdable("take a snapshot")
        return self.snapshot(key)

    def restore(self, data: bytes, key: bytes | None = None) -> None:
        """The same before one is restored."""
        self.make_holdable("restore a snapshot")
        self.restore(data, key)

    def fork(self) -> Instance:
        """The same before it forks."""
        self.make_holdable("fork")
        return self.fork()

    def twin(self) -> Instance:
        """The same before there is another one."""
        self.make_holdable("make a twin")
        return self.twin()

    def make_holdable(self, what: str) -> None:
        """Moves into our own engines, if it was "auto" that chose this one. Raises HostError if it
        was not, or if it cannot be moved."""
        if not self.moves:
            raise HostError(
                f"{self!r} runs in {self.tiers.engine}: to {what}, use engine='interpreter'"
            )
        # only who holds calls pays for it
        from .homecoming import come_home

        come_home(self, f"it was to {what}")


def leave(
    store: Store, caller: Instance | None, func: Func, values: Sequence[Any]
) -> Sequence[Any]:
    """Calls a function that is not of a store's engine, for a guest in it."""
    meter = _running()
    meter.left, meter.depth = store.fuel, store.depth
    depth = meter.depth
    try:
        if func.instance is not None:
            return func.instance.invoke(func, values)
        if meter.left < 0:
            meter.refill(meter.left)
        results = func.call_host(caller, meter, values)
        meter.resume()
        return results
    finally:
        store.fuel, store.depth = meter.left, depth


def _signed(value: int) -> int:
    return (value ^ 1 << 63) - (1 << 63)


def _running() -> Meter:
    meter = CURRENT.state.meter
    if meter is None:
        raise RuntimeError("no account is open in this thread")
    return meter


def _is_leaving(made: Instrumented, place: Place) -> bool:
    """Whether the instruction is a tail call."""
    module = made.module
    form = read_opcode(module.data, place.offset, 0, module.isa)[0].form
    return form is not None and CONTROL_FORMS[form].calls and CONTROL_FORMS[form].leaves


def _frames(spots: Sequence[Spot], depth: int) -> Iterator[Frame]:
    """The frames of one call from the host, which takes so much of the call depth: an engine tells
    those of the calls around it, too."""
    for made, offset in spots:
        place = made.place(offset)
        if place is None:
            continue
        # what calls nobody takes none, and is innermost; a tail call that does not come off has
        # given its depth back
        taken = 0 if _is_leaving(made, place) else made.depths.get(place.function, 0)
        if taken and depth <= 0:
            return
        depth -= taken
        yield made.module.frame(*place)


_names = count(1)


def instrumented(module: Module, options: Options) -> Instrumented:
    """The instrumented form of a module, made once, under a name that no other one has."""
    if any(memory.shared for memory in module.memories):
        raise Unsuitable("it has a shared memory")
    known = module.instrumented
    if options not in known:
        try:
            known[options] = Instrumented(module, options, f"{MODULE}.{next(_names)}")
        except ValidationError as error:
            raise Unsuitable(error.headline) from None
    found: Instrumented = known[options]
    return found
