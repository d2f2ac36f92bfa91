"""The optimized level: bounds, the passes, then the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .backend.assemble import written
from .budget import Budget, OutOfWork
from .frontend.inlining import expanded
from .ir.body import Body, size_of
from .ir.cfg import Irreducible
from .ir.function import Function
from .ir.handlers import TooManyClauses
from .pipeline import PASSES, Pass, lowered, run, steps
from .request import Request
from .source import CannotCompile, Source, TooDeep, check_forms

if TYPE_CHECKING:
    from ..module import Module

__all__ = ["PASSES", "optimized_source", "stages"]

#: instructions, and targets of ``br_table``, above which a function is not optimized
_TOO_LARGE = 20_000
#: branches times variables, above which what is known at each block takes too much memory
_TOO_WIDE = 4_000_000


def optimized_source(
    module: Module,
    request: Request,
    highest: int,
    budget: Budget,
    passes: Sequence[Pass] | None = None,
) -> Source:
    """The source of a function. What Python cannot nest is left to the quick level (RATIONALE.md,
    "What becomes of code that Python cannot nest?"). Raises CannotCompile."""
    with _reasons():
        chosen = PASSES if passes is None else passes
        function = run(_lowered(module, request, highest, budget), chosen)
        return written(function, request.function, request.entry)


def stages(module: Module, request: Request) -> Iterator[tuple[str, Function]]:
    """A function after lowering and after each pass, by name. Raises CannotCompile."""
    with _reasons():
        yield from steps(_lowered(module, request, request.highest_address, Budget()), PASSES)


def _lowered(module: Module, request: Request, highest: int, budget: Budget) -> Function:
    """A function as it is lowered. Raises CannotCompile for what would not pay."""
    check_forms(module, module.block_map(request.function))
    body = expanded(module, request.function)
    budget.check()
    _check_size(module, body)
    budget.begin(len(body.code))
    return lowered(module, body, request, highest, budget)


@contextmanager
def _reasons() -> Iterator[None]:
    """Says why a function is not optimized."""
    try:
        yield
    except TooDeep:
        raise CannotCompile("Python cannot nest blocks or expressions so deeply") from None
    except Irreducible:
        raise CannotCompile("a loop would be entered past its head") from None
    except TooManyClauses:
        raise CannotCompile("too many clauses are around its calls") from None
    except OutOfWork:
        raise CannotCompile("what its blocks know of each other takes too long to find") from None


def _check_size(module: Module, body: Body) -> None:
    """Raises CannotCompile for what would not pay, or take too much memory."""
    size, count = size_of(body), len(body.code)
    if size > _TOO_LARGE:
        targets = f" and {size - count:,} branch targets" if size > count else ""
        raise CannotCompile(
            f"it has {count:,} instructions{targets}; above {_TOO_LARGE:,} compiling does not pay"
        )
    rows = module.isa.rows
    branches = sum(rows[number].form is not None for number, _ in body.code)
    variables = len(body.locals) + body.max_height + len(module.context.globals)
    if branches * variables > _TOO_WIDE:
        raise CannotCompile(
            f"it has {branches:,} branches and calls and {variables:,} variables; "
            f"above a product of {_TOO_WIDE:,} compiling takes too much memory"
        )
