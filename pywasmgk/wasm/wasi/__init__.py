"""WASI preview 1: all 46 functions, one file per group, on one virtual file system.

By default a guest has no files: arguments, environment, clocks, randomness, standard streams,
polling and exiting are real, and whatever needs a directory gets ``badf``. Directories are given
as preopens: in memory, of the host, or an overlay that keeps changes of either in memory.
"""

from __future__ import annotations

from ..runtime.functions import Func
from .config import Clocks, Preopen, Quotas, Sink, Source, WasiConfig
from .context import WasiContext
from .functions import functions
from .host import HostDirectory
from .memory import Link, MemoryDirectory
from .overlay import OverlayDirectory
from .run import CompletedRun, run_wasi

__all__ = [
    "MODULE",
    "Clocks",
    "CompletedRun",
    "HostDirectory",
    "Link",
    "MemoryDirectory",
    "OverlayDirectory",
    "Preopen",
    "Quotas",
    "Sink",
    "Source",
    "WasiConfig",
    "imports",
    "run_wasi",
]

#: the module that guests import from
MODULE = "wasi_snapshot_preview1"


def imports(config: WasiConfig | None = None) -> dict[str, dict[str, Func]]:
    """The imports of one instance, with a state of its own. Raises OSError for a preopen that
    cannot be opened."""
    return {MODULE: functions(WasiContext(config or WasiConfig()))}
