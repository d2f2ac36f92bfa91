"""Functions, and who calls those of the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...wasm.runtime.functions import Caller as EngineCaller
from ...wasm.runtime.functions import Func as EngineFunc
from ._errors import WasmtimeError
from ._extern import Extern
from ._store import WRAPPERS, Store, StoreContext, Storelike
from ._types import FuncType, of_engine
from ._values import converters, from_engine

__all__ = ["Caller", "Func", "host_function"]


class Caller:
    """Who calls a host function that asked for it: its store, and the exports of the instance. It
    is of no use after the function returned."""

    _store: Store | None = None
    _caller: EngineCaller | None = None

    def __init__(self, ptr: Any) -> None:
        raise TypeError(f"expected a caller of the engine's, found {type(ptr).__name__}")

    @classmethod
    def _of(cls, store: Store, caller: EngineCaller) -> Caller:
        made = cls.__new__(cls)
        made._store, made._caller = store, caller
        return made

    @property
    def _context(self) -> Store:
        if self._store is None:
            raise ValueError("caller is no longer valid")
        return self._store

    def _invalidate(self) -> None:
        self._store = self._caller = None

    def __getitem__(self, name: str) -> Any:
        found = self.get(name)
        if found is None:
            raise KeyError(f"failed to find export {name}")
        return found

    def get(self, name: str) -> Any | None:
        """An export of the calling instance, or ``None``."""
        if self._store is None or self._caller is None or self._caller.instance is None:
            return None
        return self._store.instance_of(self._caller.instance).exports(self._store).get(name)


class Func(Extern):
    """A function of a guest's, or one made of a Python callable. Raises TypeError."""

    _item: EngineFunc

    def __init__(
        self, store: Storelike, ty: FuncType, func: Callable[..., Any], access_caller: bool = False
    ) -> None:
        if not isinstance(store, (Store, Caller, StoreContext)):
            raise TypeError("expected a Store")
        if not isinstance(ty, FuncType):
            raise TypeError("expected a FuncType")
        self._store = store._context
        self._item = host_function(self._store, ty, func, access_caller)

    def type(self, store: Storelike) -> FuncType:
        """Its type."""
        self._in(store)
        return of_engine(self._item.type)  # type: ignore[return-value]

    def __call__(self, store: Storelike, *params: Any) -> Any:
        """Calls it; gives ``None``, the only result, or a list. Raises TypeError for a parameter of
        another kind, WasmtimeError for another number of them, Trap, ExitTrap, and what host
        functions raise."""
        context = self._in(store)
        func = self._item
        kinds = func.type.params
        if len(params) != len(kinds):
            few = "few" if len(params) < len(kinds) else "many"
            counts = f"given {len(params)}, expected {len(kinds)}"
            raise WasmtimeError(f"too {few} parameters provided: {counts}")
        values = [convert(value) for convert, value in zip(converters(kinds), params)]
        results = context.run(func, *values)
        given = func.type.results
        if len(given) == 1:
            return from_engine(context, given[0], results)
        if not given:
            return None
        return [from_engine(context, kind, value) for kind, value in zip(given, results)]


WRAPPERS[EngineFunc] = Func._of


def host_function(
    store: Store,
    ty: FuncType,
    func: Callable[..., Any],
    access_caller: bool,
    name: str | None = None,
) -> EngineFunc:
    """A function of the engine's that calls a Python callable as wasmtime does."""
    params, results = ty._type.params, ty._type.results
    convert = converters(results)
    converters(params)

    def give(result: Any) -> Any:
        if not convert:
            if result is not None:
                raise WasmtimeError("callback produced results when it shouldn't")
            return None
        if len(convert) == 1:
            return convert[0](result)
        if len(result) != len(convert):
            raise WasmtimeError("callback produced wrong number of results")
        return tuple(one(value) for one, value in zip(convert, result))

    def values(args: tuple[Any, ...]) -> list[Any]:
        return [from_engine(store, kind, value) for kind, value in zip(params, args)]

    def call(*args: Any) -> Any:
        return give(func(*values(args)))

    def call_with(engine_caller: EngineCaller, *args: Any) -> Any:
        caller = Caller._of(store, engine_caller)
        try:
            return give(func(caller, *values(args)))
        finally:
            caller._invalidate()

    return EngineFunc(
        ty._type, call_with if access_caller else call, access_caller=access_caller, name=name
    )
