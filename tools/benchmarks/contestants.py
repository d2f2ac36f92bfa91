"""Whoever can run a kernel: our engines, other runtimes, and Python itself.

``open_all`` gives, for each contestant, a function that loads a module and returns its exports as
plain functions of integers, signed as in C. Whoever is not installed, or cannot load a module, is
left out with the reason.
"""

from __future__ import annotations

import importlib.metadata
import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

__all__ = ["CONTESTANTS", "PEERS", "SLOW", "Exports", "get", "versions"]

#: an export by its name
Exports = Callable[[str], Callable[..., Any]]
#: fuel that no benchmark uses up
PLENTY = 1 << 50


def _ours(engine: str) -> Callable[[Path], Exports]:
    def load(path: Path) -> Exports:
        import pywasmgk

        instance = pywasmgk.instantiate(pywasmgk.Module.from_file(path), engine=engine)
        return _begun(lambda name: instance.exports[name], "_initialize" in instance.exports)

    return load


def _begun(exports: Exports, reactor: bool) -> Exports:
    """The exports of a module, whose initialisation has run if it has one."""
    if reactor:
        exports("_initialize")()
    return exports


def _pwasm(metered: bool) -> Callable[[Path], Exports]:
    def load(path: Path) -> Exports:
        import pwasm
        from pwasm.runtime import Limits

        limits = Limits(fuel=PLENTY) if metered else None
        module = pwasm.decode_module(path.read_bytes())
        instance = pwasm.instantiate(module, limits=limits, mode="compile")
        reactor = any(export.name == "_initialize" for export in module.exports)
        return _begun(lambda name: getattr(instance.exports, name), reactor)

    return load


def _pywasm(path: Path) -> Exports:
    import pywasm

    runtime = pywasm.core.Runtime()
    instance = runtime.instance_from_file(str(path))

    def export(name: str) -> Callable[..., Any]:
        def call(*args: int) -> Any:
            results = runtime.invocate(instance, name, list(args))
            return results[0] if results else None

        return call

    return _begun(export, any(item.name == "_initialize" for item in instance.exps))


def _ppci(path: Path) -> Exports:
    from ppci import wasm

    with redirect_stdout(io.StringIO()):
        module = wasm.Module(path.read_bytes())
        instance = wasm.instantiate(module, imports={}, target="python")
    reactor = b"_initialize" in path.read_bytes()
    return _begun(lambda name: instance.exports[name], reactor)


def _wasmtime(path: Path) -> Exports:
    import wasmtime

    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module.from_file(store.engine, str(path)), [])
    exports = instance.exports(store)

    def export(name: str) -> Callable[..., Any]:
        func = exports[name]
        return lambda *args: func(store, *args)

    return _begun(export, exports.get("_initialize") is not None)


#: how each contestant loads a module; ours are metered with the limits that hold by default
CONTESTANTS: dict[str, Callable[[Path], Exports]] = {
    "compiler": _ours("compiler"),
    "auto": _ours("auto"),
    "quick": _ours("quick"),
    "interpreter": _ours("interpreter"),
    "pwasm-fuel": _pwasm(True),
    "pwasm": _pwasm(False),
    "pywasm": _pywasm,
    "ppci": _ppci,
    "wasmtime": _wasmtime,
}
#: those that are not pywasmgk
PEERS = ("pwasm-fuel", "pwasm", "pywasm", "ppci", "wasmtime")
#: instructions that a contestant is given at most, since it takes a microsecond or more for each
SLOW = {"interpreter": 100_000, "pywasm": 10_000, "ppci": 40_000}


def get(name: str, path: Path) -> Exports | str:
    """A contestant's exports of a module, or why there are none."""
    try:
        return CONTESTANTS[name](path)
    # whatever a peer makes of a module that it does not know: the reason is shown
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def versions(names: Sequence[str]) -> dict[str, str]:
    """The versions of the packages behind contestants."""
    found = {}
    for name in names:
        package = name.partition("-")[0]
        if name in PEERS:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                found[package] = "not installed"
    return found
