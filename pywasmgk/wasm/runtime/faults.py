"""What a guest's caller gets to see of an exception that came up while the guest ran.

Both tiers come here with the wasm frames of their part of the call stack, innermost first. An
exception of Python's is a trap only where the tier itself raised it; what came from a host
function goes on unchanged, with the frames as notes; anything else interrupted the guest between
two steps of one instruction and leaves its instance in no defined state.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from ...errors import Frame, GuestError, PywasmgkError, Stopped, Trap, TrapCode
from .metering import EASY_ENTRIES, Meter
from .ownership import Domain

__all__ = ["explained"]

#: what the meaning of an instruction may raise itself; its row says which trap that is
_NATIVE = (IndexError, struct.error, ZeroDivisionError, OverflowError)


def explained(
    error: BaseException,
    frames: Sequence[Frame],
    meter: Meter,
    domain: Domain,
    native: Callable[[], Trap | None] | None,
) -> BaseException:
    """The exception to be raised in the place of ``error``.

    ``native`` gives the trap that Python's own exceptions stand for at the instruction that ran; it
    is ``None`` if the exception came up deeper than in the tier's own code.
    """
    full = isinstance(error, RecursionError)
    if full and (error is not meter.host_error or meter.entries > EASY_ENTRIES):
        # also a host function's own, where it is the guest that calls it so deep
        text = f"{TrapCode.STACK_OVERFLOW.value}: Python's own stack is full"
        error = Trap(TrapCode.STACK_OVERFLOW, text)
    elif error is not meter.host_error:
        if native is not None and isinstance(error, _NATIVE):
            trap = native()
            if trap is not None:
                trap.__suppress_context__ = True
                error = trap
        elif native is not None and isinstance(error, MemoryError):
            error = Stopped("the host has no memory left for the guest")
    if isinstance(error, Trap) and error.message == TrapCode.STACK_OVERFLOW.value:
        error.message += f": more than depth_limit={meter.terms.depth:,} frames"
        if meter.entries > EASY_ENTRIES:
            error.message += f", {meter.entries:,} calls from the host among them"
    if isinstance(error, Trap) and error.message == TrapCode.UNREACHABLE.value and meter.refused:
        # what most toolchains do when there is no memory
        error.message += f": perhaps for want of memory, after {meter.refused}"
    if isinstance(error, GuestError):
        error.frames += tuple(frames)
    elif error is meter.host_error:
        _add_notes(error, frames)
    elif not isinstance(error, PywasmgkError):
        domain.kill(type(error).__name__)
    meter.told = error
    return error


def _add_notes(error: BaseException, frames: Sequence[Frame]) -> None:
    shown, rest = (frames, ()) if len(frames) <= 20 else (frames[:10], frames[-10:])
    notes = [f"wasm frame: {frame}" for frame in shown]
    if rest:
        notes.append(f"... {len(frames) - 20} more wasm frames ...")
        notes += [f"wasm frame: {frame}" for frame in rest]
    try:
        present = list(getattr(error, "__notes__", ()))
        error.__notes__ = present + notes  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return
