"""Instances: a module with what it imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...wasm import types
from ...wasm.module import Module as EngineModule
from ...wasm.runtime.instance import Instance as EngineInstance
from ...wasm.runtime.instance import instantiate
from ._errors import WasmtimeError, caused_by
from ._extern import Extern, require_extern
from ._managed import Managed
from ._module import Module
from ._store import WRAPPERS, Store, Storelike

__all__ = ["Instance", "InstanceExports", "InstancePre", "require_matching"]


class InstanceExports(Mapping[str, Any]):
    """What an instance exports, by name; in order in ``by_index``."""

    def __init__(self, store: Store, instance: EngineInstance) -> None:
        items = {name: store.wrap(instance.exports[name]) for name in instance.exports}
        self._items = items
        self.by_index = [*items.values()]

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)


class Instance:
    """A module with what it imports, given in the order of the imports.

    Raises TypeError, WasmtimeError for imports that do not match and limits of the store, Trap for
    segments that do not fit and of the start function.
    """

    _instance: EngineInstance
    _store: Store
    _exports: InstanceExports | None = None

    def __init__(self, store: Storelike, module: Module, imports: Sequence[Any]) -> None:
        context = store._context
        module.ptr()
        externs = [require_extern(item) for item in imports]
        if module._engine is not context._engine:
            raise WasmtimeError("cross-`Engine` instantiation is not currently supported")
        wanted = module._module.imports
        if len(externs) != len(wanted):
            raise WasmtimeError(f"expected {len(wanted)} imports, found {len(externs)}")
        given = _by_name(context, module._module, externs)
        context.require_room(module._module)
        self._store = context
        self._instance = context.run(_instantiate, context, module._module, given, self)

    @classmethod
    def _of(cls, store: Store, instance: EngineInstance) -> Instance:
        made = cls.__new__(cls)
        made._store, made._instance = store, instance
        return made

    def exports(self, store: Storelike) -> InstanceExports:
        """What it exports."""
        if self._exports is None:
            self._exports = InstanceExports(self._store, self._instance)
        return self._exports


WRAPPERS[EngineInstance] = Instance._of


def _instantiate(
    store: Store, module: EngineModule, given: Mapping[str, Any], self: Instance
) -> EngineInstance:
    bounds, epoch = store._bounds, store._epoch
    store._modules[id(module)] = module
    if epoch is not None:
        # an epoch that is reached stops guests, and nothing else
        epoch.quiet = module.start is None
    try:
        instance = instantiate(
            module,
            given,
            memory_limit=max(store._memory_limit(), 0),
            table_limit=bounds.table_limit,
            depth_limit=bounds.depth_limit,
            fuel=bounds.fuel,
            timeout=bounds.timeout,
            cancel=epoch,
        )
    finally:
        if epoch is not None:
            epoch.quiet = False
    # a host function that the start function called may have made one
    store._instances[id(instance)] = self
    counts = module.import_counts
    store.keep(instance.memories[counts["memory"] :], instance.tables[counts["table"] :])
    return instance


def _by_name(
    store: Store, module: EngineModule, externs: Sequence[Extern]
) -> dict[str, dict[str, Any]]:
    """The imports as the engine takes them. Raises WasmtimeError where one does not match, or where
    two of the same name are given different things, which the engine cannot."""
    given: dict[str, dict[str, Any]] = {}
    for wanted, extern in zip(module.imports, externs):
        require_matching(store, wanted, extern)
        names = given.setdefault(wanted.module, {})
        if names.setdefault(wanted.name, extern._item) is not extern._item:
            where = f"`{wanted.module}::{wanted.name}`"
            raise WasmtimeError(f"import {where} is there twice and was given two different items")
    return given


def require_matching(store: Store, wanted: types.ImportType, extern: Extern) -> None:
    """Checks an import against what is given for it. Raises WasmtimeError."""
    if extern._in(store) is not store:
        raise WasmtimeError("object used with the wrong store")
    found = getattr(extern._item, "type", None)
    why = _mismatch(wanted.type, found)
    if why is not None:
        where = f"`{wanted.module}::{wanted.name}`"
        raise WasmtimeError(f"incompatible import type for {where}\n\n{caused_by(why)}")


def _mismatch(wanted: Any, found: Any) -> str | None:
    if type(wanted) is not type(found):
        return f"expected {_kind(wanted)}, but found {_kind(found)}"
    if isinstance(wanted, types.FuncType):
        if wanted == found:
            return None
        words = f"expected type `{_signature(wanted)}`, found type `{_signature(found)}`"
        return f"types incompatible: {words}"
    if isinstance(wanted, (types.MemoryType, types.TableType)):
        kind = _kind(wanted)
        if isinstance(wanted, types.TableType) and wanted.element is not found.element:
            words = f"expected {kind} of type `{wanted.element}`, found `{found.element}`"
            return f"{kind} types incompatible: {words}"
        if isinstance(wanted, types.MemoryType) and wanted.shared != found.shared:
            sharing = ["shared" if item.shared else "non-shared" for item in (wanted, found)]
            return f"memory types incompatible: expected {sharing[0]}, found {sharing[1]}"
        if wanted.limits.accepts(*found.limits):
            return None
        limits = [f"{kind} limits ({_limits(item.limits)})" for item in (wanted, found)]
        words = f"expected {limits[0]} doesn't match provided {limits[1]}"
        return f"{kind} types incompatible: {words}"
    if wanted == found:
        return None
    kind = _kind(wanted)
    return f"{kind} types incompatible: expected {wanted}, found {found}"


def _kind(type_: Any) -> str:
    for kind, words in (
        (types.FuncType, "function"),
        (types.TableType, "table"),
        (types.MemoryType, "memory"),
        (types.GlobalType, "global"),
    ):
        if isinstance(type_, kind):
            return words
    return "tag"


def _signature(type_: types.FuncType) -> str:
    parts = [("param", type_.params), ("result", type_.results)]
    words = [f" ({name} {' '.join(map(str, kinds))})" for name, kinds in parts if kinds]
    return f"(func{''.join(words)})"


def _limits(limits: types.Limits) -> str:
    return f"min: {limits.min}, max: {'none' if limits.max is None else limits.max}"


class InstancePre(Managed):
    """A module with imports from a linker, to be instantiated in any store."""

    _module: Module
    _linker: Any

    @classmethod
    def _of(cls, linker: Any, module: Module) -> InstancePre:
        made = cls()
        made._linker, made._module = linker, module
        return made

    @property
    def module(self) -> Module:
        """The module."""
        self.ptr()
        return self._module

    def instantiate(self, store: Storelike) -> Instance:
        """A new instance. Raises like Instance."""
        self.ptr()
        found: Instance = self._linker.instantiate(store, self._module)
        return found
