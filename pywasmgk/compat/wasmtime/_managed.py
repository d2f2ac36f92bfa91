"""Objects that are open until they are closed, as wasmtime keeps them outside of Python."""

from __future__ import annotations

from typing import Any

__all__ = ["Managed"]


class Managed:
    """Something that can be closed, also by ``with``. Using it then raises ValueError."""

    _closed = False

    def ptr(self) -> Any:
        """Itself while it is open: there is no pointer to give. Raises ValueError afterwards."""
        if self._closed:
            raise ValueError("already closed")
        return self

    def close(self) -> None:
        """Closes it; once more does nothing."""
        self._closed = True

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()
