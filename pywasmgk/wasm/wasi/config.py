"""What a WASI guest gets to see of the world."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Union

__all__ = ["Sink", "WasiConfig"]

#: where output goes: a binary file, a callable that takes bytes, or nowhere
Sink = Union[BinaryIO, Callable[[bytes], object], None]


@dataclass(frozen=True)
class WasiConfig:
    """Arguments, environment, streams, clocks and randomness of a guest.

    By default it has no arguments and no environment, its input is at its end, its output goes
    nowhere, and clocks and randomness are the host's.
    """

    #: the program's name first
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    #: a binary file, or the bytes themselves
    stdin: BinaryIO | bytes | None = None
    stdout: Sink = None
    stderr: Sink = None
    #: nanoseconds since 1970
    realtime: Callable[[], int] = time.time_ns
    #: nanoseconds from any point, never going back
    monotonic: Callable[[], int] = time.monotonic_ns
    #: so many random bytes
    random: Callable[[int], bytes] = os.urandom
