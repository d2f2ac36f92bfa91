"""Who wants to be told, and the telling."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Listeners"]

T = TypeVar("T")


class Listeners(Generic[T]):
    """Functions that are given each event, in the thread where it happens. What one raises is
    logged, and keeps nobody else from being told."""

    def __init__(self) -> None:
        self._functions: tuple[Callable[[T], object], ...] = ()
        self._lock = threading.Lock()

    def add(self, function: Callable[[T], object]) -> Callable[[], None]:
        """Has a function told from now on; gives what ends that."""

        def told(event: T) -> None:
            function(event)

        with self._lock:
            self._functions = (*self._functions, told)

        def end() -> None:
            with self._lock:
                self._functions = tuple(one for one in self._functions if one is not told)

        return end

    def tell(self, event: T) -> None:
        """Tells all."""
        for function in self._functions:
            try:
                function(event)
            except Exception:  # whatever a listener raises is its own affair
                logging.getLogger("pywasmgk").exception("a listener has failed")
