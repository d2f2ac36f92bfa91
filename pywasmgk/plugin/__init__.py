"""The GoatKit plugin contract, on top of the engine."""

from __future__ import annotations

from .dispatcher import acting
from .host import CallContext, CallObserver, HostAPI, HostFunctionError
from .last_call import LastCall
from .limits import Limits
from .manifest import GKRegistration
from .memory_host import MemoryHost
from .plugin import MISSING, Plugin, PluginOptions, load, load_from_file
from .protocol import PluginLike
from .quotas import HostQuotas

__all__ = [
    "MISSING",
    "CallContext",
    "CallObserver",
    "GKRegistration",
    "HostAPI",
    "HostFunctionError",
    "HostQuotas",
    "LastCall",
    "Limits",
    "MemoryHost",
    "Plugin",
    "PluginLike",
    "PluginOptions",
    "acting",
    "load",
    "load_from_file",
]
