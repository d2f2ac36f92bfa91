"""What may be asked of the compiler, and what has been compiled of a module: code objects by
request, shared by its instances.

It brings in the compiler only when there is something to compile.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from ..runtime.memory import Memory
from .budget import Budget, OutOfTime
from .compiled import Compiled

if TYPE_CHECKING:
    from ..module import Module

__all__ = [
    "MOST_GENERATED", "OPTIMIZED", "QUICK", "SMALL_PAGES", "Request", "compiled_function",
    "is_known", "is_small", "usual_request",
]  # fmt: skip

#: one pass over a function, for what is warm, and all passes, for what is hot (RATIONALE.md, "When
#: is a function compiled?")
QUICK, OPTIMIZED = 1, 2

#: addresses that a memory of this many pages cannot have let sums of addresses stay unmasked
SMALL_PAGES = 16_384
#: characters of generated text, above which no more of a module is compiled: what is kept of it
#: takes two to seven bytes for each
MOST_GENERATED = 40_000_000
#: how much more time than what was too short there must be to try again
_PATIENCE = 2.0
#: frames that callers of the compiler may have
_DEEP = 400


class Request(NamedTuple):
    """What is asked of the compiler: a function of a module, or the rest of a call of it."""

    function: int
    #: instruction behind that of the loop where it is entered; 0 is the function's start
    entry: int = 0
    #: operands on the stack there, if it is a loop
    slots: int | None = None
    #: no memory that it sees has more than a gibibyte
    small_memory: bool = True
    #: it may begin with a test of what compilers keep to (``entry_guards``)
    assume: bool = True
    #: QUICK or OPTIMIZED
    level: int = OPTIMIZED

    @property
    def key(self) -> tuple[int, int, bool, bool, int]:
        """What tells it from others of the same module."""
        return self.function, self.entry, self.small_memory, self.assume, self.level

    @property
    def highest_address(self) -> int:
        """Above all addresses that it can access."""
        return SMALL_PAGES << 16 if self.small_memory else 1 << 32


def is_small(memory: Memory | None) -> bool:
    """Whether addresses are so small that sums of them need no mask."""
    return memory is None or memory.limit <= SMALL_PAGES


def usual_request(
    module: Module,
    memory: Memory | None,
    index: int,
    level: int,
    entry: int = 0,
    slots: int | None = None,
) -> Request:
    """What instances of a module with such a memory ask for. Optimized code assumes what compilers
    keep to, but for a function that was compiled without since it did not hold."""
    request = Request(index, entry, slots, is_small(memory), False, level)
    if level == OPTIMIZED and not is_known(module, request):
        request = request._replace(assume=True)
    return request


def compiled_function(
    module: Module, request: Request, budget: Budget | None = None
) -> Compiled | None:
    """A function's code object; ``None`` if it cannot be compiled, or would not pay, or if the
    budget has not time enough. Raises what the budget's ``look`` raises."""
    key, stored = request.key, module.stored
    if key not in module.compiled:
        if stored is not None and key in stored:
            module.compiled[key] = stored.find(key)
            return module.compiled[key]
        if module.generated > MOST_GENERATED:
            return None
        # who finds all that runs in the cache needs no compiler
        from .driver import translated

        budget = budget or Budget()
        if budget.seconds <= module.postponed.get(key, 0.0) * _PATIENCE:
            return None
        try:
            compiled = translated(module, request, budget)
        except (OutOfTime, RecursionError):
            module.postponed[key] = budget.seconds
            return None
        if compiled is None and _is_deep():
            # where Python has more frames left it may be compiled
            module.postponed[key] = budget.seconds
            return None
        module.compiled[key] = compiled
        if stored is not None:
            stored.add(key, compiled)
    return module.compiled[key]


def _is_deep() -> bool:
    """Whether so much of Python's stack is in use that its compiler may refuse what it would not
    refuse otherwise."""
    try:
        sys._getframe(_DEEP)
    except ValueError:
        return False
    return True


def is_known(module: Module, request: Request) -> bool:
    """Whether a function was compiled for another instance, or in an earlier process: then it costs
    nothing any more."""
    key = request.key
    return key in module.compiled or (module.stored is not None and key in module.stored)
