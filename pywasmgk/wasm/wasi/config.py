"""What a WASI guest gets to see of the world."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO, Union

from .abi import ALL_RIGHTS, Errno
from .host import HostDirectory
from .overlay import Source as Directory

__all__ = ["Clocks", "Preopen", "Quotas", "Sink", "Source", "WasiConfig"]

#: where output goes: a file, a callable that takes bytes, or nowhere
Sink = Union[BinaryIO, TextIO, Callable[[bytes], object], None]
#: where input comes from: bytes or text, a file, or a callable that gives at most so many bytes and
#: none at the end
Source = Union[bytes, str, BinaryIO, TextIO, Callable[[int], bytes], None]

#: 2022-01-01 00:00 UTC
_FIXED_TIME = 1_640_995_200_000_000_000
_MILLISECOND = 1_000_000


@dataclass(frozen=True)
class Clocks:
    """A guest's clocks, in nanoseconds; by default the host's."""

    #: since 1970
    realtime: Callable[[], int] = time.time_ns
    #: from any point, never going back
    monotonic: Callable[[], int] = time.monotonic_ns
    #: sleeps so long; ``None`` sleeps for real, no longer than the call's deadline
    sleep: Callable[[int], object] | None = None
    #: what the clocks can tell apart
    resolution: int = 1000

    @classmethod
    def fixed(cls, start: int = _FIXED_TIME, step: int = _MILLISECOND) -> Clocks:
        """Clocks that begin at ``start`` (and 0), gain ``step`` at each reading, and skip sleep."""
        passed = 0

        def advance(nanoseconds: int) -> int:
            nonlocal passed
            before, passed = passed, passed + nanoseconds
            return before

        return cls(lambda: start + advance(step), lambda: advance(step), advance, step)


@dataclass(frozen=True)
class Quotas:
    """What a guest may use up; the error number it gets for more."""

    #: descriptors open at a time, the streams included (mfile)
    open_files: int = 1_000
    #: bytes that it may write to files and symbolic links in all, growth by other means included
    #: (dquot)
    written: int = 1 << 28
    #: bytes that one call moves; what is more is left for the next call
    per_call: int = 1 << 24
    #: names that it may make in all (dquot), and names in all directories that it is listing
    #: (overflow)
    entries: int = 100_000
    #: bytes to standard output, and to standard error (nospc); ``None`` is no limit
    output: int | None = None


@dataclass(frozen=True)
class Preopen:
    """A directory with less than all rights (bits of witx ``$rights``)."""

    directory: Directory
    #: what may be done with the directory itself
    rights: int = ALL_RIGHTS
    #: what may be done with what is opened in it
    inheriting: int = ALL_RIGHTS


@dataclass(frozen=True)
class WasiConfig:
    """Arguments, environment, streams, files, clocks and randomness of a guest.

    By default it has no arguments, no environment and no files, its input is at its end, its output
    goes nowhere, and clocks and randomness are the host's.
    """

    #: the program's name first
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: Source = None
    stdout: Sink = None
    stderr: Sink = None
    #: directories by the guest's name for them, such as ``/`` or ``data``; a path of the host is a
    #: ``HostDirectory``, read-only
    preopens: Mapping[str, Directory | Preopen | str | os.PathLike[str]] = field(
        default_factory=dict
    )
    clocks: Clocks = Clocks()
    #: so many random bytes
    random: Callable[[int], bytes] = os.urandom
    quotas: Quotas = Quotas()
    #: what ``sock_*`` answers on the standard streams; plugins are promised badf
    stream_socket: Errno = Errno.NOTSOCK

    @classmethod
    def deterministic(cls, seed: int = 0, **options: Any) -> WasiConfig:
        """Fixed clocks, and randomness that a seed determines: a run with a new one of these is
        like any other. No secrets must be made of it."""
        source = random.Random(seed)
        return cls(clocks=Clocks.fixed(), random=source.randbytes, **options)

    def opened(self) -> list[tuple[str, Preopen]]:
        """The preopens in order, each as Preopen. Raises TypeError for what is none."""
        found = []
        for name, item in self.preopens.items():
            if isinstance(item, (str, os.PathLike)):
                item = HostDirectory(item)
            if not isinstance(item, Preopen):
                item = Preopen(item)
            if not hasattr(item.directory, "open"):
                raise TypeError(
                    f"preopen {name!r} must be a path or a directory, found {item.directory!r:.80}"
                )
            found.append((name, item))
        return found
