"""A line about a run that takes long, for people who wait at a terminal."""

from __future__ import annotations

import sys

from ..wasm.runtime.metering import Meter

__all__ = ["Progress"]

#: seconds before it shows up, and between two of its lines
_PATIENCE, _EVERY = 1.0, 0.2
_ERASE = "\r\x1b[K"


class Progress:
    """Shows instructions, their rate, and the time that is left. ``with`` erases it at the end."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        #: seconds of the run at which the latest line came, 0 for none
        self._shown = 0.0
        self._there = False

    def __call__(self, meter: Meter) -> None:
        """Looks whether it is time for a line; the meter calls it about every 10 ms."""
        seconds = meter.elapsed()
        if self._wanted and seconds > _PATIENCE and seconds - self._shown > _EVERY:
            self._shown, self._there = seconds, True
            sys.stderr.write(_ERASE + progress_line(meter, seconds))
            sys.stderr.flush()

    def erase(self) -> None:
        """Makes room for what else is printed; the line comes again if the run goes on."""
        if self._there:
            self._there = False
            sys.stderr.write(_ERASE)
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        self.erase()


def progress_line(meter: Meter, seconds: float) -> str:
    """How far a run is after so many seconds; what is left is up to the first limit."""
    used = meter.fuel_used
    rate = used / seconds
    limits = [meter.seconds_left()]
    if meter.fuel_left is not None and rate:
        limits.append(meter.fuel_left / rate)
    left = min((limit for limit in limits if limit is not None), default=None)
    end = "" if left is None else f", at most {left:.0f} s left"
    return f"{used:,} instructions in {seconds:.0f} s, {rate / 1e6:.1f} million a second{end}"
