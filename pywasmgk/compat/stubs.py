"""Stubs for imports that a module declares and, in the end, does not call.

Compilers import what a program might need. ``imports_as_traps`` gives a function for each import
that nothing else answers; one that is called after all is a trap, which says what was called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Trap, TrapCode
from ..printable import printable
from ..wasm.module import Module
from ..wasm.runtime.functions import Func
from ..wasm.runtime.linker import Imports
from ..wasm.types import FuncType, ImportType

__all__ = ["imports_as_traps", "trap_stub"]


def imports_as_traps(module: Module, imports: Imports | None = None) -> dict[str, dict[str, Any]]:
    """The imports that are given, and a stub for each function that is missing among them.

    What is given stays as it is, also where its type does not fit: the linker says so. Memories,
    tables and globals have no stubs. Calling a stub raises Trap (``TrapCode.UNREACHABLE``) with
    the import's module, name and type.
    """
    given: dict[str, dict[str, Any]] = {}
    for module_name, names in (imports or {}).items():
        found: Mapping[str, Any] = names if isinstance(names, Mapping) else names.exports
        given[module_name] = {name: found[name] for name in found}
    for item in module.imports:
        there = given.setdefault(item.module, {})
        if item.kind == "func" and item.name not in there:
            there[item.name] = trap_stub(item)
    return given


def trap_stub(item: ImportType) -> Func:
    """A function of an import's type that traps when it is called."""
    kind = item.type
    if not isinstance(kind, FuncType):
        raise TypeError(f"{item.name!r} is a {item.kind}; only functions have stubs")
    label = f"{printable(item.module)!r}.{printable(item.name)!r} {kind}"

    def missing(*args: Any) -> None:
        raise Trap(TrapCode.UNREACHABLE, f"called the import {label}, which is a stub")

    return Func(kind, missing, name=f"{item.module}.{item.name}")
