"""pywasmgk: the WebAssembly plugin runtime that is nothing but Python.

Plugins::

    with pywasmgk.load_from_file("hello.wasm") as plugin:
        plugin.call("hello", {"name": "Ada"})

Any other module::

    instance = pywasmgk.instantiate(pywasmgk.Module.from_file("fib.wasm"))
    instance.exports.fib(20)
"""

from __future__ import annotations

from ._version import __version__
from .errors import (
    Busy,
    CacheError,
    CallError,
    CallTimeout,
    Cancelled,
    ContractError,
    DeadlineExceeded,
    DecodeError,
    Exit,
    Frame,
    GuestError,
    HostError,
    InstanceDead,
    LinkError,
    ManifestError,
    OutOfFuel,
    PluginClosed,
    PluginError,
    PywasmgkError,
    ResultError,
    Stopped,
    TextError,
    Trap,
    TrapCode,
    ValidationError,
)
from .plugin import (
    MISSING,
    CallContext,
    GKRegistration,
    HostAPI,
    HostFunctionError,
    LastCall,
    Limits,
    MemoryHost,
    Plugin,
    PluginOptions,
    acting,
    load,
    load_from_file,
)
from .wasm.features import Features
from .wasm.functions import Caller, Func
from .wasm.globals import Global
from .wasm.instance import Instance, instantiate
from .wasm.linker import Linker
from .wasm.memory import Memory
from .wasm.metering import CancelToken, Meter
from .wasm.module import Module
from .wasm.table import Table
from .wasm.types import FuncType, GlobalType, MemoryType, TableType, ValType
from .wasm.values import u32, u64
from .wasm.wasi import (
    Clocks,
    CompletedRun,
    HostDirectory,
    Link,
    MemoryDirectory,
    OverlayDirectory,
    Preopen,
    Quotas,
    WasiConfig,
    run_wasi,
)

__all__ = [
    "MISSING",
    "Busy",
    "CacheError",
    "CallContext",
    "CallError",
    "CallTimeout",
    "Caller",
    "CancelToken",
    "Cancelled",
    "Clocks",
    "CompletedRun",
    "ContractError",
    "DeadlineExceeded",
    "DecodeError",
    "Exit",
    "Features",
    "Frame",
    "Func",
    "FuncType",
    "GKRegistration",
    "Global",
    "GlobalType",
    "GuestError",
    "HostAPI",
    "HostDirectory",
    "HostError",
    "HostFunctionError",
    "Instance",
    "InstanceDead",
    "LastCall",
    "Limits",
    "Link",
    "LinkError",
    "Linker",
    "ManifestError",
    "Memory",
    "MemoryDirectory",
    "MemoryHost",
    "MemoryType",
    "Meter",
    "Module",
    "OutOfFuel",
    "OverlayDirectory",
    "Plugin",
    "PluginClosed",
    "PluginError",
    "PluginOptions",
    "Preopen",
    "PywasmgkError",
    "Quotas",
    "ResultError",
    "Stopped",
    "Table",
    "TableType",
    "TextError",
    "Trap",
    "TrapCode",
    "ValType",
    "ValidationError",
    "WasiConfig",
    "__version__",
    "acting",
    "instantiate",
    "load",
    "load_from_file",
    "run_wasi",
    "u32",
    "u64",
]
