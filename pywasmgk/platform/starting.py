"""Threads, where there are any."""

from __future__ import annotations

import threading

__all__ = ["started"]


def started(thread: threading.Thread) -> bool:
    """Starts a thread; where none can be had (in Pyodide, or when there are too many), its work is
    done here and now. Gives whether it is a thread that can be waited for."""
    try:
        thread.start()
    except RuntimeError:
        thread.run()
        return False
    return True
