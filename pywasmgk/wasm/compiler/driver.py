"""From a request to a code object, at the level that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .budget import Budget
from .compiled import Compiled
from .quick import quick_source
from .request import OPTIMIZED, QUICK, SMALL_PAGES, Request
from .source import CannotCompile, Source, TooDeep, check_forms, compile_source

if TYPE_CHECKING:
    from ..module import Module
    from .pipeline import Pass

__all__ = ["OPTIMIZED", "QUICK", "CannotCompile", "source_for", "source_of", "translated"]

#: instructions and targets of ``br_table`` above which a function is left to the interpreter
_TOO_LARGE = 60_000


def translated(module: Module, request: Request, budget: Budget) -> Compiled | None:
    """A function's code object; ``None`` if it cannot be compiled, or would not pay. Raises
    OutOfTime, and what the budget's ``look`` raises."""
    try:
        source = source_for(module, request, request.highest_address, budget)
        budget.check_text(len(source.text))
        module.generated += len(source.text)
        return compile_source(source)
    except (CannotCompile, TooDeep):
        return None


def source_of(
    module: Module,
    index: int,
    highest: int = 1 << 31,
    entry: int = 0,
    slots: int | None = None,
    assume: bool = True,
    level: int = OPTIMIZED,
) -> Source:
    """The source of a function. Raises CannotCompile."""
    request = Request(index, entry, slots, assume=assume, level=level)
    return source_for(module, request, highest, Budget())


def source_for(
    module: Module,
    request: Request,
    highest: int,
    budget: Budget,
    passes: Sequence[Pass] | None = None,
) -> Source:
    """The source that is asked for. Raises CannotCompile."""
    if request.level == QUICK:
        return _quick(module, request, highest, budget)
    # most programs that end soon have nothing optimized
    from . import optimizing

    return optimizing.optimized_source(module, request, highest, budget, passes)


def _quick(module: Module, request: Request, highest: int, budget: Budget) -> Source:
    """The form of the quick level. Raises CannotCompile."""
    body = module.block_map(request.function)
    check_forms(module, body)
    size = sum(len(x) if isinstance(x, tuple) else 1 for _, x in body.code)
    if size > _TOO_LARGE:
        raise CannotCompile(f"it has {size:,} instructions and branch targets")
    small = highest <= SMALL_PAGES << 16
    budget.check()
    settings = small, request.entry, request.slots, budget.check
    return quick_source(body, request.function, module.context, module.isa, *settings)
