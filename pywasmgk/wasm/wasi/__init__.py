"""WASI preview 1, so far as plugins need it to start and run.

All 46 functions are there. Arguments, environment, clocks, randomness, standard streams, polling
and exiting are real; there is no file system and no socket, so that whatever needs a descriptor
gets ``badf``.
"""

from __future__ import annotations

from ..functions import Func
from .config import Sink, WasiConfig
from .functions import functions

__all__ = ["MODULE", "Sink", "WasiConfig", "imports"]

#: the module that guests import from
MODULE = "wasi_snapshot_preview1"


def imports(config: WasiConfig | None = None) -> dict[str, dict[str, Func]]:
    """The imports of one instance, with a state of its own."""
    return {MODULE: functions(config or WasiConfig())}
