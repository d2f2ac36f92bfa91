"""tqdm's bar over a run that takes long: instructions, and how many a second."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..wasm.runtime.metering import Meter

__all__ = ["Progress"]

#: seconds before it shows up
_PATIENCE = 0.5


class Progress:
    """Given to a call as ``progress``; ``with`` closes the bar. Without tqdm there is none.

    ``made`` makes a bar as ``tqdm.auto.tqdm`` does, by default that.
    """

    def __init__(self, name: str, made: Any = None) -> None:
        self._name = name
        self._make = made or _tqdm()
        self._bar: Any = None

    def __call__(self, meter: Meter) -> None:
        """Looks how far it is; the account calls it about every 10 ms."""
        if self._bar is None and self._make is not None and meter.elapsed() > _PATIENCE:
            self._bar = self._make(
                desc=self._name, unit=" instructions", unit_scale=True, leave=False
            )
        if self._bar is not None:
            self._bar.update(meter.fuel_used - self._bar.n)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
