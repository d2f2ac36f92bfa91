"""random_get."""

from __future__ import annotations

from ..runtime.functions import Caller
from ..runtime.values import u32
from .context import WasiContext, memory_of, require_memory

#: bytes between two looks at the clock
_PART = 1 << 20


def random_get(wasi: WasiContext, caller: Caller, buffer: u32, size: u32) -> None:
    """Fills a buffer with random bytes, a part at a time so that a deadline is met."""
    memory = memory_of(caller)
    require_memory(memory, buffer, size)
    for done in range(0, size, _PART):
        part = min(size - done, _PART)
        memory.write(buffer + done, wasi.config.random(part))
        caller.meter.check()
