"""Many plugins as a platform: policies, a manager, a loader, logs, jobs, health. Every part can be
used alone."""

from __future__ import annotations

from ..errors import PlatformError, PluginDisabled, PluginNotFound, ShutdownError
from .audit import AuditLog, Refusal
from .catalog import Catalog
from .envelope import Envelope
from .health import HealthMonitor, PluginHealth
from .loader import LoadFailure, PluginFile, PluginLoader
from .log_buffer import JSONLinesHandler, LogBuffer, LogEntry, PlainFormatter
from .manager import PluginChange, PluginManager, PluginStatus
from .policies import Policies
from .policy import Permission, Policy, PolicyError
from .records import CallRecord, CallStats
from .refusals import Refused
from .registry import Owned, Registry
from .sandbox import Sandbox
from .scheduler import JobRun, JobStatus, Scheduler
from .schedules import Schedule, job_timeout
from .templates import template_function
from .watching import PluginWatcher, WatchEvent

__all__ = [
    "AuditLog",
    "CallRecord",
    "CallStats",
    "Catalog",
    "Envelope",
    "HealthMonitor",
    "JSONLinesHandler",
    "JobRun",
    "JobStatus",
    "LoadFailure",
    "LogBuffer",
    "LogEntry",
    "Owned",
    "Permission",
    "PlainFormatter",
    "PlatformError",
    "PluginChange",
    "PluginDisabled",
    "PluginFile",
    "PluginHealth",
    "PluginLoader",
    "PluginManager",
    "PluginNotFound",
    "PluginStatus",
    "PluginWatcher",
    "Policies",
    "Policy",
    "PolicyError",
    "Refusal",
    "Refused",
    "Registry",
    "Sandbox",
    "Schedule",
    "Scheduler",
    "ShutdownError",
    "WatchEvent",
    "job_timeout",
    "template_function",
]
