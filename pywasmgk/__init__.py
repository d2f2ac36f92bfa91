"""pywasmgk: the WebAssembly plugin runtime that is nothing but Python.

Plugins::

    with pywasmgk.load_from_file("hello.wasm") as plugin:
        plugin.call("hello", {"name": "Ada"})

Any other module::

    instance = pywasmgk.instantiate(pywasmgk.Module.from_file("fib.wasm"))
    instance.exports.fib(20)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .errors import (
        Busy,
        CacheError,
        CallError,
        CallTimeout,
        Cancelled,
        ConfigError,
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
        NoMemory,
        OutOfFuel,
        Place,
        PluginClosed,
        PluginError,
        PywasmgkError,
        ReceiptError,
        RecipeError,
        ResultError,
        SourceLine,
        Stopped,
        SuspensionError,
        TextError,
        Trap,
        TrapCode,
        ValidationError,
        WasmException,
    )
    from .plugin import (
        MISSING,
        CallContext,
        CallObserver,
        GKRegistration,
        HostAPI,
        HostFunctionError,
        HostQuotas,
        LastCall,
        Limits,
        MemoryHost,
        Plugin,
        PluginOptions,
        acting,
        load,
        load_from_file,
    )
    from .plugin.held import HeldCall
    from .plugin.receipts import ReceiptPolicy
    from .plugin.recipe import PluginRecipe
    from .plugin.verifying import Difference, verify_receipt
    from .wasm.coredump.capturing import core_on_trap
    from .wasm.coredump.dump import CoreDump
    from .wasm.features import Features
    from .wasm.inspection import Inspection, inspect
    from .wasm.instrument import instrument
    from .wasm.module import Module
    from .wasm.runtime.functions import Caller, Func
    from .wasm.runtime.globals import Global
    from .wasm.runtime.instance import Instance, instantiate
    from .wasm.runtime.linker import Linker
    from .wasm.runtime.memory import Memory
    from .wasm.runtime.metering import CancelToken, Meter
    from .wasm.runtime.table import Table
    from .wasm.runtime.tags import Tag
    from .wasm.runtime.values import u32, u64
    from .wasm.stepping.activations import Activation, Variable
    from .wasm.stepping.execution import Execution
    from .wasm.stepping.recording import Recording
    from .wasm.stepping.stops import Breakpoint, Watchpoint
    from .wasm.types import FuncType, GlobalType, MemoryType, TableType, TagType, ValType
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
    from .wasm.wasi.held import HeldRun, start_wasi

__all__ = [
    "MISSING",
    "Activation",
    "Breakpoint",
    "Busy",
    "CacheError",
    "CallContext",
    "CallError",
    "CallObserver",
    "CallTimeout",
    "Caller",
    "CancelToken",
    "Cancelled",
    "Clocks",
    "CompletedRun",
    "ConfigError",
    "ContractError",
    "CoreDump",
    "DeadlineExceeded",
    "DecodeError",
    "Difference",
    "Execution",
    "Exit",
    "Features",
    "Frame",
    "Func",
    "FuncType",
    "GKRegistration",
    "Global",
    "GlobalType",
    "GuestError",
    "HeldCall",
    "HeldRun",
    "HostAPI",
    "HostDirectory",
    "HostError",
    "HostFunctionError",
    "HostQuotas",
    "Inspection",
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
    "NoMemory",
    "OutOfFuel",
    "OverlayDirectory",
    "Place",
    "Plugin",
    "PluginClosed",
    "PluginError",
    "PluginOptions",
    "PluginRecipe",
    "Preopen",
    "PywasmgkError",
    "Quotas",
    "ReceiptError",
    "ReceiptPolicy",
    "RecipeError",
    "Recording",
    "ResultError",
    "SourceLine",
    "Stopped",
    "SuspensionError",
    "Table",
    "TableType",
    "Tag",
    "TagType",
    "TextError",
    "Trap",
    "TrapCode",
    "ValType",
    "ValidationError",
    "Variable",
    "WasiConfig",
    "WasmException",
    "Watchpoint",
    "__version__",
    "acting",
    "core_on_trap",
    "inspect",
    "instantiate",
    "instrument",
    "load",
    "load_from_file",
    "run_wasi",
    "start_wasi",
    "u32",
    "u64",
    "verify_receipt",
]

#: where the public names are defined; a module is imported when one of its names is first used,
#: which spares ``import pywasmgk`` nine tenths of its time
_DEFINED_IN = {
    "errors": (
        "Busy CacheError CallError CallTimeout Cancelled ConfigError ContractError "
        "DeadlineExceeded DecodeError Exit Frame GuestError HostError InstanceDead LinkError "
        "ManifestError NoMemory OutOfFuel Place PluginClosed PluginError PywasmgkError "
        "ReceiptError RecipeError ResultError SourceLine Stopped SuspensionError TextError Trap "
        "TrapCode ValidationError WasmException"
    ),
    "plugin": (
        "MISSING CallContext CallObserver GKRegistration HostAPI HostFunctionError HostQuotas "
        "LastCall Limits MemoryHost Plugin PluginOptions acting load load_from_file"
    ),
    "plugin.held": "HeldCall",
    "plugin.receipts": "ReceiptPolicy",
    "plugin.recipe": "PluginRecipe",
    "plugin.verifying": "Difference verify_receipt",
    "wasm.coredump.capturing": "core_on_trap",
    "wasm.coredump.dump": "CoreDump",
    "wasm.features": "Features",
    "wasm.inspection": "Inspection inspect",
    "wasm.instrument": "instrument",
    "wasm.module": "Module",
    "wasm.runtime.functions": "Caller Func",
    "wasm.runtime.globals": "Global",
    "wasm.runtime.instance": "Instance instantiate",
    "wasm.runtime.linker": "Linker",
    "wasm.runtime.memory": "Memory",
    "wasm.runtime.metering": "CancelToken Meter",
    "wasm.runtime.table": "Table",
    "wasm.runtime.tags": "Tag",
    "wasm.runtime.values": "u32 u64",
    "wasm.stepping.activations": "Activation Variable",
    "wasm.stepping.execution": "Execution",
    "wasm.stepping.recording": "Recording",
    "wasm.stepping.stops": "Breakpoint Watchpoint",
    "wasm.types": "FuncType GlobalType MemoryType TableType TagType ValType",
    "wasm.wasi": (
        "Clocks CompletedRun HostDirectory Link MemoryDirectory OverlayDirectory Preopen Quotas "
        "WasiConfig run_wasi"
    ),
    "wasm.wasi.held": "HeldRun start_wasi",
}
_HOMES = {name: home for home, names in _DEFINED_IN.items() for name in names.split()}
#: what others look for by its name: IPython, where ``%load_ext pywasmgk`` is said
_HOOKS = {
    "load_ipython_extension": "notebook.extension",
    "unload_ipython_extension": "notebook.extension",
}
#: packages that can be reached without an import of their own
_PACKAGES = ("errors", "plugin", "wasm")


# type checkers shall find that a name is not there
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """A public name, brought in at its first use. Raises AttributeError."""
        if name in _PACKAGES:
            return import_module(f".{name}", __name__)
        home = _HOMES.get(name) or _HOOKS.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Public names, those that were not used yet among them."""
    return sorted({*globals(), *__all__, *_PACKAGES})
