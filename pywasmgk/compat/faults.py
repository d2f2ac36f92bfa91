"""What a guest hands to the host that makes no sense is the guest's fault: a trap.

Host functions of ``compat`` read memory where a guest says, look up what it names, and unpack what
it laid out. What Python raises for that is turned into Trap here. What a host function further in
raised, which is somebody else's, passes as it is.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from typing import Any

from ..errors import Trap, TrapCode
from ..wasm.runtime.memory import OutOfRange
from ..wasm.runtime.metering import current_meter

__all__ = ["from_elsewhere", "trapping"]

#: what Python raises for values that are wrong
_FAULTS = (LookupError, ValueError, TypeError, ArithmeticError, AttributeError, struct.error)


def from_elsewhere(error: BaseException) -> bool:
    """Whether an exception came out of a host function that a guest called meanwhile."""
    meter = current_meter()
    return meter is not None and meter.host_error is error


def trapping(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A host function whose complaints of its arguments are traps that name it."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except _FAULTS as error:
            if from_elsewhere(error):
                raise
            inside = isinstance(error, OutOfRange)
            code = TrapCode.MEMORY_OUT_OF_BOUNDS if inside else TrapCode.UNREACHABLE
            raise Trap(code, f"{name}: {error}") from error

    return call
