"""A module of Emscripten's with its runtime: loading it, and calling it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ...errors import Exit, LinkError, Trap, TrapCode, near_miss
from ...wasm.module import Module
from ...wasm.runtime.defaults import DEFAULT_MEMORY_LIMIT
from ...wasm.runtime.functions import Caller, Func
from ...wasm.runtime.instance import Instance, instantiate
from ...wasm.runtime.linker import Imports
from ...wasm.runtime.memory import Memory
from ...wasm.runtime.table import Table
from ...wasm.types import FuncType, GlobalType, ImportType, MemoryType, TableType, ValType
from ...wasm.wasi import MODULE, WasiConfig
from ...wasm.wasi.context import WasiContext
from ...wasm.wasi.functions import functions as wasi_functions
from ..faults import trapping
from ..memory import Allocator, c_text
from ..stubs import trap_stub
from .dynamic import SideModules
from .embind import Embind
from .files import SystemCalls
from .host import FUNCTIONS, invoke
from .names import Names, names_in

__all__ = ["Program", "load"]

_SYSCALL = "__syscall_"
#: bytes that embind's values may take of the host, by default
QUOTA = 1 << 26


class Program:
    """A module with Emscripten's runtime around it.

    ``instance`` is the module's; ``bound`` has what C++ registered with embind, by name.
    """

    def __init__(self, module: Module, names: Names, wasi: WasiConfig, quota: int) -> None:
        self.module = module
        self.names = names
        self.wasi = WasiContext(wasi)
        self.calls = SystemCalls(self.wasi)
        self.embind = Embind(self, quota)
        self.sides = SideModules(self)
        self.instance: Instance
        #: the upper half of the latest i64 result, where i64 is handed over in two halves
        self.temp = 0
        self.options: dict[str, Any] = {}
        self._functions = wasi_functions(self.wasi)
        self._by_name: dict[str, Any] = {}

    # -- what the module has

    def _learn(self, instance: Instance) -> None:
        self.instance = instance
        for name in instance.exports:
            item = instance.exports[name]
            self._by_name[name] = item
            self._by_name.setdefault(self.names.exports.get(name, name), item)

    def optional(self, *names: str) -> Func | None:
        """The first of some exported functions that is there."""
        for name in names:
            found = self._by_name.get(name)
            if isinstance(found, Func):
                return found
        return None

    def required(self, name: str) -> Func:
        """An exported function. Raises AttributeError where there is none."""
        found = self.optional(name, f"_{name}")
        if found is None:
            there = [key for key, item in self._by_name.items() if isinstance(item, Func)]
            raise AttributeError(f"the module exports no {name!r}{near_miss(name, there)}")
        return found

    @property
    def memory(self) -> Memory:
        """Its memory. Raises TypeError where there is none."""
        if not self.instance.memories:
            raise TypeError("the module has no memory")
        return self.instance.memory

    def table_function(self, index: int) -> Func:
        """A function by its number in the table, which is C's pointer to it. Raises Trap, as
        call_indirect does."""
        elements = self.instance.tables[0].elements if self.instance.tables else []
        index &= 0xFFFFFFFF
        if index >= len(elements):
            raise Trap(TrapCode.TABLE_OUT_OF_BOUNDS)
        found = elements[index]
        if not isinstance(found, Func):
            raise Trap(TrapCode.INDIRECT_CALL_TO_NULL)
        return found

    @property
    def bound(self) -> Mapping[str, Any]:
        """What C++ registered: functions, classes, enums and constants, by name."""
        return self.embind.names

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "embind" not in self.__dict__:
            raise AttributeError(name)
        if name in self.embind.names:
            return self.embind.names[name]
        return functools.partial(self.call, self.required(name))

    # -- calls

    def call(self, function: str | Func, *args: Any) -> Any:
        """Calls an export by the name that it has in C. A str is passed as the address of its UTF-8
        with a NUL behind, bytes as that of a copy; both are gone when the call ends."""
        func = self.required(function) if isinstance(function, str) else function
        if not any(isinstance(arg, (str, bytes)) for arg in args):
            return func(*args)
        with self.instance.account(), self.allocator() as allocator:
            given = [
                allocator.c_string(arg) if isinstance(arg, str)
                else allocator.put(arg) if isinstance(arg, bytes) else arg
                for arg in args
            ]  # fmt: skip
            return func(*given)

    def allocator(self) -> Allocator:
        """What gives memory by the module's malloc."""
        return Allocator(self.instance, self.required("malloc"), self.required("free"))

    def text(self, ptr: int) -> str:
        """The C string at an address."""
        return c_text(self.memory, ptr)

    def main(self, *args: str) -> int:
        """Runs the program's ``main`` with arguments behind its name; gives its exit code."""
        words = ["program", *args]
        main = self.optional("__main_argc_argv", "main", "_main", "__main_void")
        if main is None:
            raise AttributeError("the module exports no main")
        with self.instance.account():
            try:
                if not main.type.params:
                    return int(main())
                pointers = [self._stack_put(word.encode() + b"\0") for word in words]
                table = b"".join(ptr.to_bytes(4, "little") for ptr in [*pointers, 0])
                return int(main(len(words), self._stack_put(table)) or 0)
            except Exit as error:
                return error.code

    def _stack_put(self, data: bytes) -> int:
        reserve = self.optional("_emscripten_stack_alloc", "stackAlloc", "malloc")
        if reserve is None:
            raise AttributeError("the module exports neither stackAlloc nor malloc")
        ptr: int = reserve(len(data)) & 0xFFFFFFFF
        if ptr + len(data) > len(self.memory):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, f"the stack is at {ptr}, outside the memory")
        self.memory.write(ptr, data)
        return ptr

    def load_side(self, module: str | Path | Module) -> Instance:
        """Loads a side module (``dylink.0``) into memory and table of this one. See ``dynamic``."""
        loaded = module if isinstance(module, Module) else Module.from_file(module)
        return self.sides.load(loaded)

    def write_error(self, data: bytes) -> None:
        """Writes to standard error, within its quota."""
        node: Any = self.wasi.get(2).node
        node.write(data)

    def __repr__(self) -> str:
        return f"<Program {self.module.name or 'of Emscripten'}>"

    def begin(self) -> None:
        """What the runtime does before anything else: places of the stack, constructors."""
        self.sides.begin()
        stack = self.optional("emscripten_stack_init")
        if stack is not None:
            stack()
        limits = self.optional("__set_stack_limits")
        if limits is not None:
            places = ("emscripten_stack_get_base", "emscripten_stack_get_end")
            limits(*(self.required(name)() for name in places))
        start = self.optional("__wasm_call_ctors", "_initialize")
        if start is not None:
            start()
        self.embind.settle()

    # -- imports

    def imports(self, own: Imports, limit: int) -> dict[str, dict[str, Any]]:
        """What the module imports: of ``own``, else of the runtime, else a stub that traps."""
        given: dict[str, dict[str, Any]] = {}
        for item in self.module.imports:
            name = self.names.imports.get(item.name, item.name)
            explicit = own.get(item.module, {})
            extra = own.get("env", {})
            if item.name in explicit:
                found = explicit[item.name]
            elif name in extra:
                found = extra[name]
            elif isinstance(item.type, FuncType):
                found = self.runtime_function(item, item.type)
            else:
                found = self._thing(item, limit)
            given.setdefault(item.module, {})[item.name] = found
        return given

    def _thing(self, item: ImportType, limit: int) -> Any:
        kind = item.type
        if isinstance(kind, MemoryType):
            if kind.limits.min > limit:
                raise LinkError(
                    f"import memory: min {kind.limits.min} pages over limit of {limit} pages"
                )
            return Memory(kind.limits.min, kind.limits.max, limit=limit, shared=kind.shared)
        if isinstance(kind, TableType):
            # place 0 is C's null, where a relocatable module's functions do not begin
            return Table(kind.element, kind.limits.min + 1, kind.limits.max)
        return self.sides.main_global(item, cast(GlobalType, kind))

    def runtime_function(self, item: ImportType, kind: FuncType) -> Func:
        """A function of the runtime, or a stub that traps."""
        name, wasi = self.names.imports.get(item.name, item.name), self._functions
        if item.module == MODULE or (name in wasi and name not in FUNCTIONS):
            return _legalized(kind, wasi[name]) if name in wasi else trap_stub(item)
        carry_out: Callable[..., Any] | None = FUNCTIONS.get(name)
        if name.startswith("invoke_"):
            carry_out = invoke
        elif name.startswith(_SYSCALL):
            call = self.calls.function(name.removeprefix(_SYSCALL))
            if call is not None:
                return Func(kind, trapping(call, name), access_caller=True, name=name)
            return Func(kind, lambda *args: -52, name=name)
        elif name.startswith(("_embind_", "_emval_")):
            bound = self.embind.function(name)
            return (
                trap_stub(item) if bound is None else Func(kind, trapping(bound, name), name=name)
            )
        if carry_out is None:
            return trap_stub(item)
        work = trapping(_bound(self, kind, carry_out), name)
        return Func(kind, work, access_caller=True, name=name)


def _bound(program: Program, kind: FuncType, carry_out: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the runtime; one whose result nobody wants gives none."""
    has_result = bool(kind.results)

    def call(caller: Caller, *args: Any) -> Any:
        result = carry_out(program, caller, *args)
        return result if has_result else None

    return call


def _legalized(kind: FuncType, func: Func) -> Func:
    """A function of WASI for a module that hands over i64 in two halves."""
    if kind == func.type:
        return func
    wide = [at for at, param in enumerate(func.type.params) if param is ValType.I64]
    carry_out: Any = func.host

    def call(caller: Caller, *args: int) -> Any:
        given = [*args]
        for at in wide:
            given[at : at + 2] = [(given[at] & 0xFFFFFFFF) | given[at + 1] << 32]
        return carry_out(caller, *given)

    return Func(kind, call, access_caller=True, name=func.name)


def load(
    module: str | Path | Module,
    script: str | Path | None = None,
    *,
    wasi: WasiConfig | None = None,
    imports: Imports | None = None,
    names: Mapping[str, str] | None = None,
    quota: int = QUOTA,
    **options: Any,
) -> Program:
    """A module of Emscripten's, its constructors run.

    ``script`` is the text of the package's JavaScript, or a Path to it, where imports or exports
    have short names; ``names`` adds C's names by the module's, for builds whose script lost them.
    ``wasi`` gives files, streams, environment and clocks. ``imports`` win over the runtime's, in
    ``env`` by the names of C. ``quota`` is what embind's values may take of the host, in bytes;
    other options are those of ``instantiate``. Imports that nobody knows trap when they are called.
    Raises what ``Module``, ``instantiate`` and the constructors raise.
    """
    if not isinstance(module, Module):
        module = Module.from_file(module, cache_dir=options.get("cache_dir"))
    text = script.read_text("utf-8", "replace") if isinstance(script, Path) else script or ""
    found = names_in(text)
    for short, name in (names or {}).items():
        table = (
            found.exports if any(item.name == short for item in module.exports) else found.imports
        )
        table[short] = name
    program = Program(module, found, wasi or WasiConfig(), quota)
    program.options = options
    if re.search(r"emval_\w+\s*=\s*\[\s*\{\}|reserved = true|emval_handles\.get", text):
        program.embind.handles.step = 1
    limit = options.get("memory_limit", DEFAULT_MEMORY_LIMIT)
    given = program.imports(imports or {}, limit)
    program._learn(instantiate(module, given, **options))
    with program.instance.account():
        program.begin()
    return program
