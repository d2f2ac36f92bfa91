"""What the functions of a module have run, as far as it is known: execution profiles.

Tiers take note here and decide by it; the cache decides by it what is worth compiling for the next
process (``cache.promotion``).
"""

from __future__ import annotations

import time

__all__ = [
    "SAVED_BY_OPTIMIZING", "SAVED_PER_INSTRUCTION", "WARM", "Profile", "calls_until_warm",
]  # fmt: skip

#: a function becomes quick when it has run this many instructions for each one that it has, and a
#: loop of it is entered when it has run twice as many (RATIONALE.md, "When is a function
#: compiled?")
WARM = 30
#: instructions that one call is taken to run, at most
_PER_CALL = 60
#: seconds that an instruction takes less at the quick level than in the interpreter
SAVED_PER_INSTRUCTION = 1.2e-7
#: the share of its time at the quick level that a function takes less when it is optimized
SAVED_BY_OPTIMIZING = 0.4


def calls_until_warm(size: int) -> int:
    """Calls in the interpreter after which a function of so many instructions is compiled."""
    return int(WARM * max(1.0, size / _PER_CALL))


class Profile:
    """What all instances of a module have run. Threads add to it without a lock: a sample that is
    lost costs nothing but time."""

    __slots__ = ("began", "compiles", "interpreted", "memory_limit", "missed", "quick")

    def __init__(self) -> None:
        #: processor time when the module was loaded
        self.began = time.process_time()
        #: instructions that functions are taken to have run in the interpreter, from samples
        self.interpreted: dict[int, int] = {}
        #: seconds that they are taken to have run at the quick level
        self.quick: dict[int, float] = {}
        #: functions for which the assumptions of optimized code did not hold, again and again
        self.missed: set[int] = set()
        #: an instance had an engine that compiles what runs
        self.compiles = False
        #: the most pages that a memory of the latest such instance may have
        self.memory_limit = 0

    def instructions(self, index: int, size: int, calls_left: int) -> int:
        """Instructions that a function of a size has run in the interpreter: the samples, and the
        calls, of which it had so many left until it is warm."""
        calls = max(calls_until_warm(size) - max(calls_left, 0), 1)
        return self.interpreted.get(index, 0) + calls * min(size, _PER_CALL)
