"""Runs the same module and call on several engines, so that their outcomes can be compared.

The engines are pywasmgk's own (``interpreter``, ``compiler``, ``auto``, as far as they are there)
and ``wasmtime``, which is a reference for results, traps, memory, globals and tables, and for the
fuel of runs that end normally. What an engine tells of a run is put into one form, ``Outcome`` and
``State``, with the bits of NaNs made equal, since those that arithmetic makes are the platform's.

``expose`` adds an export for every memory, global, table and function of a module, under names
that begin with ``#``: then the whole state can be seen from outside, in every engine.
"""

from __future__ import annotations

import ctypes
import functools
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pywasmgk
from pywasmgk.errors import (
    DecodeError,
    LinkError,
    OutOfFuel,
    PywasmgkError,
    Stopped,
    Trap,
    WasmException,
)
from pywasmgk.wasm.runtime.values import to_bits

try:
    import wasmtime
    from wasmtime import _ffi as ffi
except ImportError:  # no wheel for this platform: comparisons among our own engines remain
    wasmtime = None  # type: ignore[assignment]

__all__ = [
    "Host",
    "Outcome",
    "Session",
    "State",
    "differences",
    "expose",
    "frames_told",
    "have_wasmtime",
    "open_session",
    "our_engines",
    "reference_differences",
    "rejected_by_all",
    "state_differences",
    "tiers",
]

#: begins the names of other engines that run under our bounds
OUTSIDE = "engine:"
#: innermost frames that these tell at least
_TOLD = 16
#: fuel that no run of a test uses up
PLENTY = 1 << 50
#: the bits that every NaN is shown with
_NAN = {"f32": 0x7FC00000, "f64": 0x7FF8000000000000}
_INFINITY = {"f32": 0x7F800000, "f64": 0x7FF0000000000000}


def have_wasmtime() -> bool:
    """Whether the reference is installed."""
    return wasmtime is not None


@functools.cache
def our_engines() -> tuple[str, ...]:
    """The engines of pywasmgk that this version has."""
    empty = pywasmgk.Module(b"\0asm\1\0\0\0")
    found = []
    for engine in ("interpreter", "quick", "optimized", "auto"):
        try:
            pywasmgk.instantiate(empty, engine=engine)
        except ValueError:
            continue
        found.append(engine)
    # with one tier only, "auto" is that tier
    return tuple(found) if "optimized" in found else ("interpreter",)


def tiers() -> tuple[str, ...]:
    """The engines that are not made of others: what costs much is tried on these alone."""
    return tuple(engine for engine in our_engines() if engine != "auto")


# -- the forms that outcomes are compared in


class Outcome(NamedTuple):
    """How a call, or an instantiation, ended."""

    #: ``values``, ``trap``, ``stopped``, ``host`` (a host function raised), ``rejected``, ``link``
    kind: str
    #: ``(type, bits)`` of each result, or the trap code's name, or the exception's class
    detail: Any
    #: fuel charged; of wasmtime it means something after ``values`` only
    fuel: int | None = None
    #: function indices of the wasm frames, innermost first; ``None`` where unknown
    frames: tuple[int, ...] | None = None


class State(NamedTuple):
    """What a guest has left behind: checksums of memories, values of globals and tables."""

    memories: tuple[tuple[int, int], ...] = ()
    globals: tuple[Any, ...] = ()
    tables: tuple[tuple[Any, ...], ...] = ()


def canonical(kind: str, bits: Any) -> tuple[str, Any]:
    """A value's type and bits, those of a NaN made equal."""
    if kind in _NAN and bits & ~(1 << (int(kind[1:]) - 1)) > _INFINITY[kind]:
        return kind, _NAN[kind]
    return kind, bits


def checksum(data: Any) -> tuple[int, int]:
    """Size and checksum of a memory's bytes, which a browser has out of Python's reach."""
    return len(data), zlib.crc32(data[:] if hasattr(data, "_raw") else data)


@dataclass(frozen=True)
class Host:
    """A host function for every engine: ``call(session, *args)`` with signed integers."""

    params: tuple[str, ...]
    results: tuple[str, ...]
    call: Callable[..., Any]


Imports = Mapping[tuple[str, str], Host]


# -- modules whose whole state can be seen


def _read_unsigned(data: bytes, pos: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[pos]
        value |= (byte & 0x7F) << shift
        pos, shift = pos + 1, shift + 7
        if byte < 0x80:
            return value, pos


def _unsigned(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def sections(data: bytes) -> Iterable[tuple[int, bytes]]:
    """The sections of a well-formed module: number and content."""
    pos = 8
    while pos < len(data):
        number = data[pos]
        size, pos = _read_unsigned(data, pos + 1)
        yield number, data[pos : pos + size]
        pos += size


_SPACES = (("#f", 0, "functions"), ("#t", 1, "tables"), ("#m", 2, "memories"), ("#g", 3, "globals"))


def expose(data: bytes, *, functions: bool = True) -> bytes:
    """The module with an export for everything in it; ``functions=False`` leaves those out."""
    module = pywasmgk.Module(data, validate="lazy")
    added = []
    for prefix, kind, space in _SPACES[0 if functions else 1 :]:
        for index in range(len(getattr(module, space))):
            name = f"{prefix}{index}".encode()
            added.append(_unsigned(len(name)) + name + bytes([kind]) + _unsigned(index))
    out = [data[:8]]
    placed = False
    for number, content in sections(data):
        if number == 7:
            count, pos = _read_unsigned(content, 0)
            content = _unsigned(count + len(added)) + content[pos:] + b"".join(added)
            placed = True
        elif number > 7 and number != 13 and not placed:
            own = _unsigned(len(added)) + b"".join(added)
            out.append(b"\7" + _unsigned(len(own)) + own)
            placed = True
        out.append(bytes([number]) + _unsigned(len(content)) + content)
    if not placed:
        own = _unsigned(len(added)) + b"".join(added)
        out.append(b"\7" + _unsigned(len(own)) + own)
    return b"".join(out)


# -- sessions: an instance in one engine


@dataclass
class Limits:
    """What sessions of every engine are given alike."""

    memory: int = 256
    table: int = 100_000
    depth: int = 2_000


class Session:
    """An instance in one engine. ``started`` says how its making ended."""

    engine: str
    started: Outcome

    def call(self, name: str, args: Sequence[Any] = (), fuel: int | None = None) -> Outcome:
        """Calls an export with bit patterns; ``fuel=None`` is no limit."""
        raise NotImplementedError

    def again(self, name: str, args: Sequence[Any] = ()) -> Any:
        """A call from a host function back in: gives its results, raises what it raises."""
        raise NotImplementedError

    def state(self) -> State:
        """Everything that ``expose`` has made visible."""
        raise NotImplementedError

    def checksums(self) -> tuple[tuple[int, int], ...]:
        """Of the memories alone: tables can be large."""
        raise NotImplementedError

    def read(self, ptr: int, size: int) -> bytes:
        """Bytes of memory 0, for host functions."""
        raise NotImplementedError

    def write(self, ptr: int, data: bytes) -> None:
        """Writes to memory 0, for host functions."""
        raise NotImplementedError


@dataclass
class OurSession(Session):
    """An instance in pywasmgk."""

    engine: str
    module: Any
    imports: Imports = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    #: further options of ``instantiate``
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.instance: Any = None
        self._numbers: dict[int, int] = {}
        self.started = self._guard(self._start)

    def _start(self) -> tuple[()]:
        limits = self.limits
        self.instance = pywasmgk.instantiate(
            self.module,
            self.named_imports(),
            # "wasmtime" alone is the reference, which knows nothing of our bounds
            engine=self.engine.removeprefix(OUTSIDE),
            **{
                "memory_limit": limits.memory,
                "table_limit": limits.table,
                "depth_limit": limits.depth,
                "fuel": None,
                "timeout": None,
                **self.options,
            },
        )
        return ()

    def named_imports(self) -> dict[str, dict[str, Any]]:
        names: dict[str, dict[str, Any]] = {}
        for (module, name), host in self.imports.items():
            kinds = [tuple(map(pywasmgk.ValType, part)) for part in (host.params, host.results)]
            names.setdefault(module, {})[name] = pywasmgk.Func(
                pywasmgk.FuncType(*kinds), functools.partial(host.call, self), name=name
            )
        return names

    def _guard(self, act: Callable[[], Any]) -> Outcome:
        try:
            return Outcome("values", act())
        except Trap as error:
            frames = tuple(frame.function for frame in error.frames)
            return Outcome("trap", error.trap_code.name, error.fuel_used, frames)
        except Stopped as error:
            frames = tuple(frame.function for frame in error.frames)
            return Outcome("stopped", type(error).__name__, error.fuel_used, frames)
        except WasmException as error:
            frames = tuple(frame.function for frame in error.frames)
            return Outcome("thrown", (error.tag.name, error.payload), error.fuel_used, frames)
        except LinkError as error:
            return Outcome("link", str(error))
        except PywasmgkError:
            raise
        except Exception as error:
            # a host function's own
            return Outcome("host", type(error).__name__)

    def call(
        self, name: str, args: Sequence[Any] = (), fuel: int | None = None, **more: Any
    ) -> Outcome:
        func = self.instance.exports[name]
        kinds = func.type.results

        def act() -> tuple[Any, ...]:
            with self.instance.account(fuel=fuel, **more):
                bits = func.call_bits(*args)
            return tuple(self._shown(str(kind), value) for kind, value in zip(kinds, bits))

        outcome = self._guard(act)
        return outcome._replace(fuel=self.instance.fuel_used)

    def again(self, name: str, args: Sequence[Any] = ()) -> Any:
        func = self.instance.exports[name]
        bits = func.call_bits(*args)
        return tuple(self._shown(str(kind), bit) for kind, bit in zip(func.type.results, bits))

    def _shown(self, kind: str, bits: Any) -> tuple[str, Any]:
        if kind in ("funcref", "externref"):
            return kind, self._reference(bits)
        return canonical(kind, bits)

    def _reference(self, value: Any) -> Any:
        """A reference as it is compared: null, the index of a function, or that it is something."""
        if value is None:
            return None
        if isinstance(value, pywasmgk.Func):
            if not self._numbers:
                self._numbers = {id(func): n for n, func in enumerate(self.instance.funcs)}
            return self._numbers.get(id(value), "function")
        return "extern"

    def state(self) -> State:
        instance = self.instance
        if instance is None:
            return State()
        cells = []
        for cell in instance.globals:
            kind = cell.type.value_type
            cells.append(self._shown(str(kind), to_bits(kind, cell.raw)))
        return State(
            self.checksums(),
            tuple(cells),
            tuple(tuple(map(self._reference, table.elements)) for table in instance.tables),
        )

    def checksums(self) -> tuple[tuple[int, int], ...]:
        return tuple(checksum(memory.data) for memory in self.instance.memories)

    def read(self, ptr: int, size: int) -> bytes:
        return bytes(self.instance.memory.read(ptr, size))

    def write(self, ptr: int, data: bytes) -> None:
        self.instance.memory.write(ptr, data)


#: names of traps that differ from ours
_TRAPS = {
    "NULL_REFERENCE": "NULL_EXCEPTION",
    "HEAP_MISALIGNED": "UNALIGNED_ATOMIC",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "EXPECTED_SHARED_MEMORY",
}


@functools.cache
def _reference_engine() -> Any:
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_opt_level = "none"
    config.wasm_multi_value = True
    config.wasm_bulk_memory = True
    config.wasm_reference_types = True
    config.wasm_threads = True
    config.shared_memory = True
    config.wasm_tail_call = True
    config.wasm_exceptions = True
    config.wasm_wide_arithmetic = True
    config.max_wasm_stack = 1 << 20
    return wasmtime.Engine(config)


@functools.lru_cache(maxsize=64)
def _reference_module(data: bytes) -> Any:
    return wasmtime.Module(_reference_engine(), data)


def _valtype(name: str) -> Any:
    return getattr(wasmtime.ValType, name)()


class ReferenceSession(Session):
    """An instance in wasmtime, called through its C interface so that all bits come through."""

    engine = "wasmtime"

    def __init__(
        self, data: bytes, imports: Imports | None = None, limits: Limits | None = None
    ) -> None:
        limits = limits or Limits()
        self.store = wasmtime.Store(_reference_engine())
        self.store.set_limits(memory_size=limits.memory * 65536, table_elements=limits.table)
        self.instance: Any = None
        self.exports: Any = None
        self._failure: BaseException | None = None
        self.data = data
        self.module = _reference_module(data)
        self.started = self._guard(lambda: self._start(imports or {}))
        if self.exports is not None:
            self._collect()

    def _start(self, imports: Imports) -> tuple[()]:
        self.store.set_fuel(PLENTY)
        given = []
        for item in self.module.imports:
            host = imports[item.module, item.name]
            kind = wasmtime.FuncType(
                [_valtype(name) for name in host.params], [_valtype(name) for name in host.results]
            )
            given.append(wasmtime.Func(self.store, kind, functools.partial(host.call, self)))
        self.instance = wasmtime.Instance(self.store, self.module, given)
        self.exports = self.instance.exports(self.store)
        return ()

    def _collect(self) -> None:
        # wasmtime's own interface has no words for v128 and aborts
        exports = pywasmgk.Module(self.data, validate="lazy").exports
        self.types: dict[str, Any] = {item.name: item.type for item in exports}
        self.memories = self._space("#m")
        self.globals = [
            (cell, str(self.types[f"#g{n}"].value_type)) for n, cell in enumerate(self._space("#g"))
        ]
        self.tables = self._space("#t")
        self.functions = {
            _function_key(func): index for index, func in enumerate(self._space("#f"))
        }

    def _space(self, prefix: str) -> list[Any]:
        found = []
        while f"{prefix}{len(found)}" in self.types:
            found.append(self.exports[f"{prefix}{len(found)}"])
        return found

    def _guard(self, act: Callable[[], Any]) -> Outcome:
        try:
            return Outcome("values", act())
        except wasmtime.Trap as trap:
            frames = tuple(frame.func_index for frame in trap.frames)
            # it has no code for an exception that nobody caught
            name = "exception" if trap.trap_code is None else trap.trap_code.name
            return Outcome("trap", _TRAPS.get(name, name), None, frames)
        except wasmtime.WasmtimeError as error:
            return Outcome("link", str(error))
        except Exception as error:
            return Outcome("host", type(error).__name__)

    def call(self, name: str, args: Sequence[Any] = (), fuel: int | None = None) -> Outcome:
        given = PLENTY if fuel is None else fuel
        self.store.set_fuel(given)
        outcome = self._guard(lambda: self._invoke(name, args))
        return outcome._replace(fuel=given - self.store.get_fuel())

    def again(self, name: str, args: Sequence[Any] = ()) -> Any:
        return self._invoke(name, args)

    def _invoke(self, name: str, args: Sequence[Any]) -> tuple[Any, ...]:
        func = self.exports[name]
        kind = self.types[name]
        params = [str(item) for item in kind.params]
        results = [str(item) for item in kind.results]
        raw = (ffi.wasmtime_val_t * max(len(params), 1))()
        for slot, kind, bits in zip(raw, params, args):
            self._put(slot, kind, bits)
        out = (ffi.wasmtime_val_t * max(len(results), 1))()
        trap = ctypes.POINTER(ffi.wasm_trap_t)()
        error = ffi.wasmtime_func_call(
            self.store._context(),
            ctypes.byref(func._func),
            raw,
            len(params),
            out,
            len(results),
            ctypes.byref(trap),
        )
        if error:
            failure: Exception = wasmtime.WasmtimeError._from_ptr(error)
            wasmtime._func.maybe_raise_last_exn()
            raise failure
        if trap:
            failure = wasmtime.Trap._from_ptr(trap)
            wasmtime._func.maybe_raise_last_exn()
            raise failure
        return tuple(self._get(slot, kind) for slot, kind in zip(out, results))

    def _put(self, slot: Any, kind: str, bits: Any) -> None:
        if kind in ("funcref", "externref"):
            slot_value = wasmtime.Val.externref(bits) if kind == "externref" else None
            value = slot_value or wasmtime.Val.funcref(None)
            raw = value._new_raw(self.store)
            slot.kind, slot.of = raw.kind, raw.of
            return
        slot.kind = getattr(ffi, f"WASMTIME_{kind.upper()}").value
        if kind == "v128":
            ctypes.memmove(ctypes.addressof(slot.of), bytes(bits), 16)
        else:
            slot.of.i64 = bits

    def _get(self, slot: Any, kind: str) -> tuple[str, Any]:
        if kind == "v128":
            return kind, ctypes.string_at(ctypes.addressof(slot.of), 16)
        if kind in ("i32", "f32"):
            return canonical(kind, slot.of.i32 & 0xFFFFFFFF)
        if kind in ("i64", "f64"):
            return canonical(kind, slot.of.i64 & 0xFFFFFFFFFFFFFFFF)
        return kind, self._reference(wasmtime.Val._from_raw(self.store, slot).value)

    def _reference(self, value: Any) -> Any:
        if isinstance(value, wasmtime.Val):
            value = value.value
        if value is None:
            return None
        if isinstance(value, wasmtime.Func):
            return self.functions.get(_function_key(value), "function")
        return "extern"

    def _cell(self, cell: Any, kind: str) -> tuple[str, Any]:
        slot = ffi.wasmtime_val_t()
        ffi.wasmtime_global_get(
            self.store._context(), ctypes.byref(cell._global), ctypes.byref(slot)
        )
        return self._get(slot, kind)

    def bytes_of(self, memory: Any) -> Any:
        """A memory's bytes, in place."""
        # a shared one belongs to no store
        store = () if isinstance(memory, wasmtime.SharedMemory) else (self.store,)
        size = memory.data_len(*store)
        if not size:
            return b""
        first = ctypes.addressof(memory.data_ptr(*store).contents)
        return (ctypes.c_ubyte * size).from_address(first)

    def state(self) -> State:
        if self.exports is None:
            return State()
        return State(
            self.checksums(),
            tuple(self._cell(*item) for item in self.globals),
            tuple(
                tuple(
                    self._reference(table.get(self.store, index))
                    for index in range(table.size(self.store))
                )
                for table in self.tables
            ),
        )

    def checksums(self) -> tuple[tuple[int, int], ...]:
        return tuple(checksum(self.bytes_of(memory)) for memory in self.memories)

    def read(self, ptr: int, size: int) -> bytes:
        return bytes(self.bytes_of(self.memories[0])[ptr : ptr + size])

    def write(self, ptr: int, data: bytes) -> None:
        self.memories[0].write(self.store, data, ptr)


def _function_key(func: Any) -> bytes:
    return ctypes.string_at(ctypes.addressof(func._func), ctypes.sizeof(func._func))


def open_session(
    engine: str,
    data: bytes,
    imports: Imports | None = None,
    limits: Limits | None = None,
    module: Any = None,
    **options: Any,
) -> Session:
    """An instance of a module in an engine. ``module`` is pywasmgk's, where it is made already;
    options are those of ``instantiate`` and mean nothing to wasmtime."""
    if engine == "wasmtime":
        return ReferenceSession(data, imports, limits)
    module = pywasmgk.Module(data) if module is None else module
    return OurSession(engine, module, imports or {}, limits or Limits(), options)


# -- comparing


def differences(
    mine: Outcome,
    other: Outcome,
    *,
    fuel: bool = True,
    frames: bool = False,
    most: int | None = None,
) -> list[str]:
    """In what two outcomes of one call differ. Fuel is compared where both end normally, or, with
    ``frames``, always: that is for two engines of our own. ``most`` is how many of the innermost
    frames are compared, if not all."""
    found = []
    if (mine.kind, mine.detail) != (other.kind, other.detail):
        found.append(f"{mine.kind} {mine.detail!r} against {other.kind} {other.detail!r}")
    elif frames and _frames(mine, most) != _frames(other, most):
        found.append(f"frames {mine.frames} against {other.frames}")
    normal = mine.kind == other.kind == "values"
    if fuel and (normal or frames) and mine.fuel != other.fuel:
        found.append(f"fuel {mine.fuel} against {other.fuel}")
    return found


def reference_differences(mine: Outcome, theirs: Outcome) -> list[str]:
    """The same against wasmtime, which says no more of what nobody caught than that it ended so."""
    if mine.kind != "thrown":
        return differences(mine, theirs)
    ended = theirs.kind != "values" and theirs.fuel == mine.fuel
    return [] if ended else [f"{mine} but {theirs}"]


def _frames(outcome: Outcome, most: int | None) -> tuple[int, ...] | None:
    return outcome.frames if outcome.frames is None else outcome.frames[:most]


def frames_told(engine: str) -> int | None:
    """How many of the innermost frames an engine tells for sure; ``None`` is all."""
    return _TOLD if engine.startswith(OUTSIDE) else None


def state_differences(mine: State, other: State) -> list[str]:
    """In what two states differ, by part."""
    return [
        f"{name} {a!r:.200} against {b!r:.200}"
        for name, a, b in zip(State._fields, mine, other)
        if a != b
    ]


def rejected_by_all(data: bytes) -> bool:
    """Whether wasmtime refuses a module too; for modules that pywasmgk refuses."""
    try:
        wasmtime.Module(_reference_engine(), data)
    except wasmtime.WasmtimeError:
        return True
    return False


#: what a module that is refused raises
REJECTIONS = (DecodeError, pywasmgk.ValidationError, OutOfFuel)
