"""What goes on until it is stopped, in this thread or in one of its own."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import ClassVar, TypeVar

__all__ = ["Background"]

B = TypeVar("B", bound="Background")


class Background:
    """``with it:`` runs it in a thread, :meth:`run` in this one, until :meth:`stop`."""

    #: what its thread is called
    thread_name: ClassVar[str] = "background"

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Goes on until :meth:`stop`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ends :meth:`run`, in whatever thread it is."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None

    def __enter__(self: B) -> B:
        self._stop.clear()
        self._thread = threading.Thread(target=self.run, name=self.thread_name, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
