"""What a guest's caller gets to see of an exception that came up while the guest ran.

Both tiers come here with the wasm frames of their part of the call stack, innermost first. An
exception of Python's is a trap only where the tier itself raised it; what came from a host
function goes on unchanged, with the frames as notes; anything else interrupted the guest between
two steps of one instruction and leaves its instance in no defined state.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import Frame, GuestError, PywasmgkError, Stopped, Trap, TrapCode
from .metering import EASY_ENTRIES, Meter
from .ownership import Domain

__all__ = ["explained"]

#: what the meaning of an instruction may raise itself; its row says which trap that is
_NATIVE = (IndexError, struct.error, ZeroDivisionError, OverflowError)
#: how a note begins that is a frame, and what stands for more of them
_FRAME = "wasm frame: "
_MORE = re.compile(r"\.\.\. ([\d,]+) more wasm frames \.\.\.")
#: frames that are noted, the innermost and the outermost
_FIRST, _LATEST = 10, 10


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
    """Adds frames that it passes. It may pass as many guests as there are calls back in, or be the
    same object at each call, so only the first and the latest frames stay."""
    ends = frames if len(frames) <= _FIRST + _LATEST else (*frames[:_FIRST], *frames[-_LATEST:])
    try:
        notes = list(getattr(error, "__notes__", ()))
        notes += [f"{_FRAME}{frame}" for frame in ends]
        _leave_out(notes, len(frames) - len(ends))
        error.__notes__ = notes  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        return


def _leave_out(notes: list[Any], more: int) -> None:
    """Puts a number in the place of frames between the first and the latest ones, and of ``more``
    that were left out there already; what others have noted stays."""
    ours, said = [], []
    for at, note in enumerate(notes):
        if isinstance(note, str) and note.startswith(_FRAME):
            ours.append(at)
        elif isinstance(note, str) and (found := _MORE.fullmatch(note)):
            said.append(at)
            more += int(found[1].replace(",", ""))
    dropped = ours[_FIRST:-_LATEST]
    more += len(dropped)
    if more:
        for at in sorted((*dropped, *said), reverse=True):
            del notes[at]
        notes.insert(ours[_FIRST - 1] + 1, f"... {more:,} more wasm frames ...")
