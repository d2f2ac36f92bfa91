"""An interrupt of the kernel ends the guest that runs, in order: its instance stays usable."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..wasm.runtime.metering import CancelToken

__all__ = ["interruptible"]


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """``with interruptible() as cancel:`` calls that are given the token end with Cancelled when
    the kernel is interrupted (Ctrl-C), at their next test point. The second time Python is
    interrupted, as ever. Where this is not the main thread, nothing is changed: no signal comes
    there."""
    cancel = CancelToken()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        if cancel.cancelled:
            signal.default_int_handler(number, frame)
        cancel.cancel()

    signal.signal(signal.SIGINT, handle)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
