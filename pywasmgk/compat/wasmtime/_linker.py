"""Linkers: externals by module and name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...wasm import types
from ...wasm.types import ValType as EngineKind
from ...wasm.wasi import MODULE
from ...wasm.wasi.functions import FUNCTIONS
from ._config import Engine
from ._errors import WasmtimeError
from ._extern import Extern, require_extern
from ._func import Func, host_function
from ._instance import Instance, InstancePre
from ._managed import Managed
from ._memory import Memory
from ._module import Module
from ._store import Store, Storelike
from ._table import Global, Table
from ._types import FuncType, of_engine
from ._values import Val

__all__ = ["Linker"]

#: what a store gives for a name: an external that was made in it, or one that is made for it
_Item = Callable[[Store], Extern]
_START, _INITIALIZE = "_start", "_initialize"


class Linker(Managed):
    """Externals by module and name, for instances in any store of an engine."""

    def __init__(self, engine: Engine) -> None:
        engine.ptr()
        self._engine = engine
        self._items: dict[tuple[str, str], _Item] = {}
        self._shadowing = False

    def _allow(self, allow: bool) -> None:
        self.ptr()
        self._shadowing = bool(allow)

    allow_shadowing = property(None, _allow)

    def _add(self, module: str, name: str, item: _Item) -> None:
        self.ptr()
        if (module, name) in self._items and not self._shadowing:
            raise WasmtimeError(f"import of `{module}::{name}` defined twice")
        self._items[module, name] = item

    # -- what is given

    def define(self, store: Storelike, module: str, name: str, item: Any) -> None:
        """Gives an external of a store. Raises TypeError, or WasmtimeError for a second one."""
        _ = store._context
        extern = require_extern(item)
        self._add(module, name, lambda store: extern)

    def define_func(
        self,
        module: str,
        name: str,
        ty: FuncType,
        func: Callable[..., Any],
        access_caller: bool = False,
    ) -> None:
        """Gives a host function for any store."""
        if not isinstance(ty, FuncType):
            raise TypeError("expected a FuncType")
        where = f"{module}.{name}"

        def item(store: Store) -> Extern:
            made = host_function(store, ty, func, access_caller, where)
            return Func._of(store, made)  # type: ignore[no-any-return]

        self._add(module, name, item)

    def define_wasi(self) -> None:
        """Gives WASI preview 1, of what ``Store.set_wasi`` configured."""
        for name in FUNCTIONS:
            self._add(MODULE, name, _wasi_item(name))

    def define_instance(self, store: Storelike, name: str, instance: Instance) -> None:
        """Gives everything that an instance exports."""
        if not isinstance(instance, Instance):
            raise TypeError("expected an `Instance`")
        for export, item in instance.exports(store).items():
            self.define(store, name, export, item)

    def define_module(self, store: Storelike, name: str, module: Module) -> None:
        """Gives what a module exports: of one instance, which is initialized; or if it is a command
        (it exports ``_start``), of an instance anew for each call."""
        if not isinstance(module, Module):
            raise TypeError("expected a `Module`")
        context = store._context
        if any(export.name == _START for export in module.exports):
            self._define_command(name, module)
            return
        instance = self.instantiate(context, module)
        initialize = instance.exports(context).get(_INITIALIZE)
        if isinstance(initialize, Func):
            initialize(context)
        self.define_instance(context, name, instance)

    def _define_command(self, name: str, module: Module) -> None:
        for export in module._module.exports:
            if isinstance(export.type, types.FuncType):
                self._add(name, export.name, self._command(module, export))

    def _command(self, module: Module, export: types.ExportType) -> _Item:
        ty: Any = of_engine(export.type)

        def item(store: Store) -> Extern:
            def call(*args: Any) -> Any:
                return self.instantiate(store, module).exports(store)[export.name](store, *args)

            made = host_function(store, ty, call, False, export.name)
            return Func._of(store, made)  # type: ignore[no-any-return]

        return item

    def define_unknown_imports_as_traps(self, module: Module) -> None:
        """Gives for each function that a module imports and nothing was given for, one that raises
        WasmtimeError."""
        for wanted in self._unknown(module):
            if isinstance(wanted.type, types.FuncType):
                ty: Any = of_engine(wanted.type)
                self.define_func(wanted.module, wanted.name, ty, _missing(wanted))

    def define_unknown_imports_as_default_values(self, store: Storelike, module: Module) -> None:
        """Gives for each import that nothing was given for a function that gives zeros, a memory or
        table of the least size, or a global of zero."""
        context = store._context
        for wanted in self._unknown(module):
            ty: Any = of_engine(wanted.type)
            if isinstance(wanted.type, types.FuncType):
                zeros = [_zero(kind) for kind in wanted.type.results]
                self.define_func(wanted.module, wanted.name, ty, _constant(zeros))
                continue
            made: Any
            if isinstance(wanted.type, types.MemoryType):
                made = Memory(context, ty)
            elif isinstance(wanted.type, types.TableType):
                made = Table(context, ty, None)
            elif isinstance(wanted.type, types.TagType):
                raise WasmtimeError("there is no default value of a tag")
            else:
                made = Global(context, ty, _zero(wanted.type.value_type))
            self.define(context, wanted.module, wanted.name, made)

    def _unknown(self, module: Module) -> list[types.ImportType]:
        imports = module._require().imports
        return [item for item in imports if (item.module, item.name) not in self._items]

    # -- what is made of it

    def get(self, store: Storelike, module: str, name: str) -> Any:
        """What was given under a name. Raises WasmtimeError if nothing was."""
        item = self._items.get((module, name))
        if item is None:
            raise WasmtimeError("item not defined in linker")
        return item(store._context)

    def get_default(self, store: Storelike, name: str) -> Func:
        """A module's function without a name, or ``_start``, or else one that does nothing."""
        for export in ("", _START):
            item = self._items.get((name, export))
            if item is not None:
                return item(store._context)  # type: ignore[return-value]
        return Func(store, FuncType([], []), lambda: None)

    def instantiate(self, store: Storelike, module: Module) -> Instance:
        """An instance of a module with what was given. Raises WasmtimeError for what was not, and
        what Instance raises."""
        context = store._context
        module.ptr()
        self._require_all(module)
        imports = [self._items[item.module, item.name](context) for item in module._module.imports]
        return Instance(context, module, imports)

    def instantiate_pre(self, module: Module) -> InstancePre:
        """The same for any store, with the imports checked now."""
        self._require_all(module)
        return InstancePre._of(self, module)

    def _require_all(self, module: Module) -> None:
        self.ptr()
        if module._engine is not self._engine:
            raise WasmtimeError("cross-`Engine` instantiation is not currently supported")
        for wanted in self._unknown(module):
            raise WasmtimeError(_unknown_import(wanted))


def _unknown_import(wanted: types.ImportType) -> str:
    return f"unknown import: `{wanted.module}::{wanted.name}` has not been defined"


def _missing(wanted: types.ImportType) -> Callable[..., Any]:
    def missing(*args: Any) -> Any:
        raise WasmtimeError(_unknown_import(wanted))

    return missing


def _zero(kind: EngineKind) -> Any:
    return Val._of(kind, None if kind.is_reference else 0.0 if str(kind)[0] == "f" else 0)


def _constant(values: list[Any]) -> Callable[..., Any]:
    result: Any = None if not values else values[0] if len(values) == 1 else values
    return lambda *args: result


def _wasi_item(name: str) -> _Item:
    def item(store: Store) -> Extern:
        if store._wasi is None:
            raise WasmtimeError("wasi context must be populated: use Store.set_wasi first")
        return store.wrap(store._wasi[name])  # type: ignore[no-any-return]

    return item
