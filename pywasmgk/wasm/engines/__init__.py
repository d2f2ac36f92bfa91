"""Other engines that can run our modules under our bounds, one file each.

A module is instrumented (``wasm.instrument``) and run by an engine's :class:`~.store.Store`; all
else is the same for every engine. To add one: a file with a store and ``open_store``, a line in
``ADAPTERS``, its name in ``runtime.defaults.OUTSIDE``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from ...errors import HostError
from ..module import Module
from ..runtime.linker import Extern
from ..watch import Look
from .instance import EngineInstance
from .store import Store
from .views import Unsuitable

__all__ = ["ADAPTERS", "EngineInstance", "Store", "Unsuitable", "open_instance", "open_store"]

#: the parts of this room that are adapters, the quickest engine first
ADAPTERS = ("wasmtime", "browser")


def _adapter(engine: str) -> Any:
    return import_module(f".{engine}", __name__)


def open_store(engine: str) -> Store:
    """A store of an engine, for instances that are to share memories, tables or globals: it can be
    given to ``instantiate`` as the engine of each. Raises HostError for an engine that is not
    installed, Unsuitable if there is none at all."""
    if engine != "fastest":
        adapter = _adapter(engine)
        if not adapter.is_there():
            raise HostError(adapter.ABSENT)
        store: Store = adapter.open_store()
        return store
    for name in ADAPTERS:
        if _adapter(name).is_there():
            return open_store(name)
    raise Unsuitable("no other engine is installed")


def open_instance(
    engine: str | Store,
    module: Module,
    meter_options: Mapping[str, Any],
    externs: Sequence[Extern],
    limits: tuple[int, int],
    look: Look,
) -> EngineInstance:
    """An instance in another engine, linked and allocated. Raises Unsuitable for what cannot run
    there, HostError for an engine that is not there."""
    given = None if isinstance(engine, str) else engine
    known = [store for store in (given, *map(_store_of, externs)) if store is not None]
    if any(store is not known[0] for store in known):
        raise Unsuitable("it imports from instances that share no store")
    if known and (given or known[0].engine_name == engine or engine == "fastest"):
        store = known[0]
    else:
        store = open_store(str(engine))
    instance = EngineInstance(module, store.engine_name, meter_options, store)
    instance.link(externs)
    instance.allocate(*limits, look)
    return instance


def _store_of(extern: Extern) -> Store | None:
    """The store that something lives in, if it is one of another engine's."""
    owner = getattr(extern, "instance", None)
    if isinstance(owner, EngineInstance):
        return owner.store
    handle = getattr(extern, "handle", None) or getattr(
        getattr(extern, "cell", None), "handle", None
    )
    store: Store | None = getattr(handle, "store", None)
    return store
