"""Dead store elimination: assignments to locals that nobody reads are left out.

Compilers to wasm write locals for their own reasons, and facts turn many reads into constants.
Nothing but generated code sees a local, so an assignment without a reader has no effect, unless it
may trap.
"""

from __future__ import annotations

from ..analysis.liveness import at_end, kept, live_variables
from ..ir.function import Function

__all__ = ["drop_dead_stores"]


def drop_dead_stores(function: Function) -> Function:
    """Takes assignments that have no reader out of the blocks, and notes which variables are live
    at each block's head."""
    live = live_variables(function)
    function = function.with_statements(
        lambda result: kept(result.statements, at_end(result, live))[0]
    )
    return function._replace(live=live)
