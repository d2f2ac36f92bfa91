"""wasmtime's names for pywasmgk: a program that is written for wasmtime-py 50 runs on it.

::

    import pywasmgk.compat.wasmtime as wasmtime

Arguments, defaults, exceptions and their texts are those of wasmtime-py, as far as programs depend
on them; the page "compat-wasmtime" of the documentation says what differs. ``set_bounds`` raises
the limits that hold here whatever a program asks for.
"""

from __future__ import annotations

from ._bounds import set_bounds
from ._config import Config, Engine
from ._errors import ExitTrap, Frame, Trap, TrapCode, WasmtimeError
from ._func import Caller, Func
from ._instance import Instance, InstancePre
from ._linker import Linker
from ._managed import Managed
from ._memory import Memory, SharedMemory
from ._module import Module, wat2wasm
from ._store import Store, StoreContext, Storelike
from ._table import Global, Table, Tag
from ._types import (
    ExportType,
    FuncType,
    GlobalType,
    ImportType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
)
from ._values import Val
from ._wasi import DirPerms, FilePerms, WasiConfig

__all__ = [
    "Caller",
    "Config",
    "Engine",
    "ExitTrap",
    "ExportType",
    "Frame",
    "Func",
    "FuncType",
    "Global",
    "GlobalType",
    "ImportType",
    "Instance",
    "InstancePre",
    "Limits",
    "Linker",
    "Memory",
    "MemoryType",
    "Module",
    "SharedMemory",
    "Store",
    "StoreContext",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "Trap",
    "TrapCode",
    "Val",
    "ValType",
    "WasiConfig",
    "WasmtimeError",
    "wat2wasm",
]

#: there, and no part of what a star brings in
_ALSO = (DirPerms, FilePerms, Managed, Storelike, set_bounds)
