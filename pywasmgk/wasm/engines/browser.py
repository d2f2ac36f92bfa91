"""The adapter of ``WebAssembly`` in JavaScript, for Pyodide: in a page, in a worker, in Node.

Python's own memory is another one there, so that what a guest's memory holds is copied on its way.
Objects of the host's are numbers to guests. Needs no isolation across origins, and nothing that
suspends JavaScript's stack.
"""

from __future__ import annotations

import importlib
import re
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ...errors import Trap, TrapCode
from ..instrument import Instrumented
from ..isa.numerics import bits_of_f32, bits_of_f64, f32_of_bits, f64_of_bits
from ..runtime.functions import Func
from ..runtime.globals import Global
from ..runtime.memory import Memory
from ..runtime.ownership import Domain
from ..runtime.table import Table
from ..runtime.tags import Tag
from ..types import FuncType, GlobalType, ValType
from .store import Ended, Spot
from .views import Unsuitable, adopt_global, adopt_memory, adopt_table

__all__ = ["ABSENT", "BrowserStore", "is_there", "open_store"]

ABSENT = "engine='browser' needs Pyodide, in a browser or in Node"
#: instructions between two looks at the clock: some 10 ms of the dearest
_SLICE = 1_000_000
#: frames that a trace has of an instrumented module, in V8 and in SpiderMonkey
_FRAME = re.compile(
    r"wasm://wasm/(?:(pywasmgk\.\d+)-)?[0-9a-f]*:wasm-function\[\d+\]:0x([0-9a-f]+)"
)
#: words of the traps of V8, SpiderMonkey and JavaScriptCore
_TRAPS = (
    (r"unreachable", TrapCode.UNREACHABLE),
    (r"memory|data segment", TrapCode.MEMORY_OUT_OF_BOUNDS),
    (r"divide by zero|division by zero|remainder by zero", TrapCode.INTEGER_DIVISION_BY_ZERO),
    (r"integer overflow|unrepresentable$|result unrepresentable", TrapCode.INTEGER_OVERFLOW),
    (r"float|conversion|Out of bounds Trunc", TrapCode.BAD_CONVERSION_TO_INTEGER),
    (r"indirect call to null", TrapCode.INDIRECT_CALL_TO_NULL),
    (r"signature", TrapCode.BAD_SIGNATURE),
    (r"table|element|index", TrapCode.TABLE_OUT_OF_BOUNDS),
    (r"unaligned", TrapCode.UNALIGNED_ATOMIC),
    (r"call stack|recursion", TrapCode.STACK_OVERFLOW),
    (r"[Aa]tomics.wait|shared", TrapCode.EXPECTED_SHARED_MEMORY),
)


@lru_cache(maxsize=1)
def _glue() -> Any:
    """JavaScript's half: that of a page which has loaded it, else it is evaluated here."""
    found = getattr(importlib.import_module("js"), "pywasmgkGlue", None)
    if found is not None:
        return found
    source = files(__package__).joinpath("browser_glue.js").read_text(encoding="utf-8")
    return importlib.import_module("pyodide.code").run_js(source)


@lru_cache(maxsize=1)
def _ffi() -> Any:
    return importlib.import_module("pyodide.ffi")


def is_there() -> bool:
    """Whether this is Pyodide."""
    return sys.platform == "emscripten"


def open_store() -> BrowserStore:
    """A store for instances."""
    return BrowserStore()


def _is_null(value: Any) -> bool:
    """Whether it is JavaScript's null, which newer releases of Pyodide tell from ``undefined``."""
    return value is None or value is getattr(_ffi(), "jsnull", None)


class _Bytes:
    """A memory's bytes, which are copied when they are looked at."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __len__(self) -> int:
        return int(_glue().size(self._raw))

    def __bytes__(self) -> bytes:
        found: bytes = self[:]
        return found

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice):
            return self[key : key + 1][0]
        start, stop, _ = key.indices(len(self))
        part = _glue().part(self._raw, start, max(stop - start, 0))
        return bytes(part.to_bytes())

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, slice):
            key, value = slice(key, key + 1), bytes((value,))
        start, stop, _ = key.indices(len(self))
        if len(value) != max(stop - start, 0):
            raise ValueError("a memory does not change its size so")
        if len(value):
            _glue().part(self._raw, start, len(value)).assign(bytes(value))


class _Handle:
    """Something of a store."""

    def __init__(self, store: BrowserStore, raw: Any, kind: Any) -> None:
        self.store = store
        self.raw = raw
        self.kind = kind


class _Memory(_Handle):
    """A memory's handle."""

    def data(self) -> _Bytes:
        """Its bytes."""
        return _Bytes(self.raw)

    def grow(self, pages: int) -> bool:
        """Adds pages."""
        return bool(_glue().grow(self.raw, pages))


class _Table(_Handle):
    """A table's handle."""

    def size(self) -> int:
        """How many elements it has."""
        return int(self.raw.length)

    def get(self, index: int) -> Any:
        """An element."""
        return self.store.taken(self.kind, _glue().element(self.raw, index))

    def set(self, index: int, value: Any) -> None:
        """Sets an element."""
        _glue().put(self.raw, index, self.store.given(self.kind, value))

    def grow(self, count: int, value: Any) -> bool:
        """Adds elements."""
        return bool(_glue().grow(self.raw, count, self.store.given(self.kind, value)))


class _Global(_Handle):
    """A global's handle."""

    def get(self) -> Any:
        """Its value."""
        return self.store.taken(self.kind, _glue().get(self.raw, str(self.kind)))

    def set(self, value: Any) -> None:
        """Sets it."""
        _glue().set(self.raw, str(self.kind), self.store.given(self.kind, value))


class BrowserStore:
    """Instances in JavaScript's WebAssembly."""

    engine_name = "browser"
    numbered = True
    largest_slice = _SLICE

    def __init__(self) -> None:
        self.domain = Domain()
        self.instances: weakref.WeakSet[Any] = weakref.WeakSet()
        self._objects: list[Any] = []
        self._object_numbers: dict[int, int] = {}
        self._funcs: dict[int, Func] = {}
        self._func_handles: dict[int, tuple[Func, Any]] = {}
        #: functions of the host's, with their types
        self._calls: list[tuple[FuncType, Callable[..., Sequence[Any]]]] = []
        self._proxies: list[Any] = []
        self._raised: BaseException | None = None
        self._account = [
            self._new_global(GlobalType(kind, True), 0)
            for kind in (ValType.I64, ValType.I32, ValType.I64)
        ]
        #: the account, which goes along whenever a guest is entered or left
        self.fuel = self.depth = self.unspent = 0
        self._globals = _ffi().to_js([handle.raw for handle in self._account])
        # looked up once: each look is a way to JavaScript
        self._glue_call = _glue().call
        weakref.finalize(self, _destroy, self._proxies)

    # -- values

    def given(self, kind: ValType, value: Any) -> Any:
        """A value of ours as JavaScript takes it."""
        if kind is ValType.F32:
            return bits_of_f32(value)
        if kind is ValType.F64:
            return bits_of_f64(value)
        if value is None or not kind.is_reference:
            return value
        return self._function_handle(value) if kind is ValType.FUNCREF else self._object(value)

    def taken(self, kind: ValType, value: Any) -> Any:
        """A value of JavaScript's as ours."""
        if kind is ValType.I32:
            return int(value) & 0xFFFFFFFF
        if kind is ValType.I64:
            return int(value) & 0xFFFFFFFFFFFFFFFF
        if kind is ValType.F32:
            return f32_of_bits(int(value))
        if kind is ValType.F64:
            return f64_of_bits(int(value))
        if _is_null(value):
            return None
        return self._func(value) if kind is ValType.FUNCREF else self._objects[int(value)]

    def _object(self, value: Any) -> int:
        number = self._object_numbers.setdefault(id(value), len(self._objects))
        if number == len(self._objects):
            self._objects.append(value)
        return number

    # -- functions

    def function(self, func: Func, type: FuncType, call: Callable[..., Sequence[Any]]) -> Any:
        """A function that calls the host."""
        _require_types(type)
        # what JavaScript holds is in no circle that Python can see: nothing but a number
        reference, number, to_js = weakref.ref(self), len(self._calls), _ffi().to_js
        plain = not type.results or (len(type.results) == 1 and not type.results[0].is_reference)
        self._calls.append((type, call))

        def called(fuel: int, depth: int, unspent: int, *values: Any) -> Any:
            store = reference()
            if store is None:
                return None
            store.fuel, store.depth, store.unspent = fuel, depth, unspent
            found = store._called(number, values)
            same = store.fuel == fuel and store.depth == depth and store.unspent == unspent
            if plain and same and found is not None:
                # an array takes much longer
                return found[0] if found else True
            return to_js([store.fuel, store.depth, store.unspent, found is None, *(found or ())])

        proxy = _ffi().create_proxy(called)
        self._proxies.append(proxy)
        raw = _glue().host(self._globals, proxy, _words(type.params), _words(type.results))
        # a table and a reference take functions of WebAssembly only; what is imported is one
        self._func_handles.setdefault(id(func), (func, raw))
        return raw

    def function_of(self, handle: Any, func: Func) -> None:
        """Says which function of ours a handle stands for."""
        self._funcs[int(_glue().number(handle))] = func
        self._func_handles[id(func)] = func, handle

    def _func(self, raw: Any) -> Func:
        return self._funcs[int(_glue().number(raw))]

    def _function_handle(self, func: Func) -> Any:
        known = self._func_handles.get(id(func))
        if known is None:
            raise Unsuitable("a function of the host's was put into a table")
        return known[1]

    def _called(self, number: int, given: Any) -> list[Any] | None:
        """A guest calls a function of the host's. Gives the results, or nothing if it raised."""
        type, call = self._calls[number]
        try:
            values = [self.taken(kind, value) for kind, value in zip(type.params, given)]
            results = zip(type.results, call(*values))
            return [self.given(kind, value) for kind, value in results]
        except BaseException as error:
            self._raised = error
            return None

    # -- what is imported

    def memory(self, memory: Memory) -> Any:
        """The handle of a memory that a module imports."""
        return adopt_memory(memory, self._new_memory, self._is_own)

    def table(self, table: Table) -> Any:
        """The handle of a table that a module imports."""
        return adopt_table(table, self._new_table, self._is_own)

    def global_(self, item: Global) -> Any:
        """The handle of a global that a module imports."""
        return adopt_global(item, self._new_global, self._is_own)

    def tag(self, tag: Tag) -> Any:
        """Raises Unsuitable."""
        raise Unsuitable("it has exceptions: guests would catch those of JavaScript, too")

    def tag_of(self, handle: Any, tag: Tag) -> None:
        """Raises Unsuitable."""
        self.tag(tag)

    def _is_own(self, handle: Any) -> bool:
        return isinstance(handle, _Handle) and handle.store is self

    def _new_memory(self, pages: int, limit: int) -> _Memory:
        return _Memory(self, _glue().memory(pages, limit), None)

    def _new_table(self, element: ValType, size: int, limit: int) -> _Table:
        word = "anyfunc" if element is ValType.FUNCREF else str(element)
        return _Table(self, _glue().table(word, size, limit), element)

    def _new_global(self, type: GlobalType, value: Any) -> _Global:
        kind = type.value_type
        _require_types(FuncType((kind,)))
        word = "anyfunc" if kind is ValType.FUNCREF else str(kind)
        raw = getattr(_glue(), "global")(word, type.mutable, self.given(kind, value))
        return _Global(self, raw, kind)

    # -- instances

    def prepare(self, made: Instrumented) -> None:
        """Compiles a module."""
        if made.module.tags or made.plan.catches:
            raise Unsuitable("it has exceptions: guests would catch those of JavaScript, too")
        types = [item.type for item in made.module.imports]
        types += [item.type for item in made.module.exports]
        for type in types:
            if isinstance(type, FuncType):
                _require_types(type)
        for kind in made.module.globals:
            _require_types(FuncType((kind.value_type,)))
        if "browser" not in made.compiled:
            try:
                made.compiled["browser"] = _glue().compile(_ffi().to_js(made.data))
            except _ffi().JsException as error:
                raise Unsuitable(f"the browser refuses it: {str(error).splitlines()[0]}") from None

    def instantiate(self, made: Instrumented, given: Sequence[Any]) -> Mapping[str, Any] | Ended:
        """Makes an instance."""
        handles = [*given, *self._account[: len(made.plan.accounts)]]
        raws = [handle.raw if isinstance(handle, _Handle) else handle for handle in handles]
        compiled = made.compiled["browser"]
        found = _glue().instantiate(self._globals, compiled, _ffi().to_js(raws))
        return self._ended(found) if found[0] else _Exports(self, found[4], made)

    def call(self, handle: Any, type: FuncType, args: Sequence[Any]) -> list[Any] | Ended:
        """Calls a function."""
        values = [self.given(kind, value) for kind, value in zip(type.params, args)]
        kinds = _words(type.params), _words(type.results)
        found = self._glue_call(
            self._globals, self.fuel, self.depth, self.unspent, handle, *kinds, *values
        ).to_py(depth=1)
        failed, self.fuel, self.depth, self.unspent, *rest = found
        if failed:
            return self._ended(found)
        return [self.taken(kind, value) for kind, value in zip(type.results, rest)]

    def _ended(self, found: Any) -> Ended:
        is_host, message, trace = (found[at] for at in range(4, 7))
        raised, self._raised = self._raised, None
        spots = [
            Spot(_NAMED[match[1]], int(match[2], 16))
            for match in _FRAME.finditer(trace)
            if match[1] in _NAMED
        ]
        if is_host and raised is not None:
            return Ended(raised, spots)
        code = next((code for words, code in _TRAPS if re.search(words, message)), None)
        if code is TrapCode.STACK_OVERFLOW:
            return Ended(Trap(code, f"{code.value}: the engine's own stack is full"), spots)
        if code is None:
            return Ended(Trap(TrapCode.UNREACHABLE, message), spots)
        return Ended(Trap(code), spots)


class _Exports(Mapping[str, Any]):
    """The handles of an instance's exports."""

    def __init__(self, store: BrowserStore, raw: Any, made: Instrumented) -> None:
        self._store = store
        self._raw = raw
        self._made = made
        _NAMED[made.name] = made

    def __getitem__(self, name: str) -> Any:
        raw = _glue().take(self._raw, name)
        _, _, rest = name.partition(".")
        kind, _, number = rest.partition(".")
        if kind == "memory":
            return _Memory(self._store, raw, None)
        if kind == "table":
            return _Table(self._store, raw, self._made.module.tables[int(number)].element)
        if kind in ("global", "noted", "pages"):
            return _Global(self._store, raw, self._made.global_kind(name))
        return raw

    def __iter__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError


#: modules by the name that was given to them
_NAMED: weakref.WeakValueDictionary[str, Instrumented] = weakref.WeakValueDictionary()


@lru_cache(maxsize=256)
def _words(kinds: tuple[ValType, ...]) -> Any:
    return _ffi().to_js([str(kind) for kind in kinds])


def _require_types(type: FuncType) -> None:
    """Raises Unsuitable for types that JavaScript has no values of."""
    for kind in (*type.params, *type.results):
        if kind in (ValType.V128, ValType.EXNREF):
            raise Unsuitable(f"JavaScript has no values of type {kind}")


def _destroy(proxies: list[Any]) -> None:
    for proxy in proxies:
        proxy.destroy()
