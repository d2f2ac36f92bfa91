"""Many plugins as a platform: policies, a manager, a loader, logs, jobs, health. Every part can be
used alone."""

from __future__ import annotations

from ..errors import PlatformError, PluginDisabled, PluginNotFound, ShutdownError
from .catalog import Catalog
from .envelope import Envelope
from .loader import LoadFailure, PluginFile, PluginLoader
from .log_buffer import JSONLinesHandler, LogBuffer, LogEntry, PlainFormatter
from .manager import PluginChange, PluginManager, PluginStatus
from .records import CallRecord, CallStats
from .registry import Owned, Registry
from .templates import template_function
from .watching import PluginWatcher, WatchEvent

__all__ = [
    "CallRecord",
    "CallStats",
    "Catalog",
    "Envelope",
    "JSONLinesHandler",
    "LoadFailure",
    "LogBuffer",
    "LogEntry",
    "Owned",
    "PlainFormatter",
    "PlatformError",
    "PluginChange",
    "PluginDisabled",
    "PluginFile",
    "PluginLoader",
    "PluginManager",
    "PluginNotFound",
    "PluginStatus",
    "PluginWatcher",
    "Registry",
    "ShutdownError",
    "WatchEvent",
    "template_function",
]
