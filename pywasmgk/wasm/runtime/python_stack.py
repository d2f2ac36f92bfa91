"""How much of Python's stack guests may use: its recursion limit, and the thread's stack in C.

Guests that call deep are frames of Python where they are compiled, and so is everything between a
host function and the guest that it calls back into. Python counts them against a limit of the whole
process, 1,000 unless somebody changed it, and some of them take stack in C, of which a thread has
what ``threading.stack_size`` gave it. So that neither overflows, a guest goes on in the
interpreter, whose calls take neither, where an allowance is used up, and calls back in are counted.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import NamedTuple

__all__ = [
    "RECURSION",
    "Allowance",
    "CountedFrames",
    "allowance",
    "frames_of",
    "stack_size",
]

#: bytes of the stack in C that are nobody's: what called us, and what host functions need
_RESERVE = 64 << 10
#: where nothing can be found out: the smallest default that is known, of musl's threads
_SMALLEST = 128 << 10
_USUAL_MAIN = 8 << 20
#: bytes of C for a frame of Python; since 3.11 only where a call leaves the interpreter's loop, one
#: frame in eight
_PER_FRAME = 650 if sys.version_info < (3, 11) else 64
#: bytes of C for a host function that calls back in, through ``max`` and ``reduce``: 1.1 to 1.4 KB
#: are measured where it does so directly, 2.1 to 2.7 KB through those two (3.10: 4.2 and 5.5)
_PER_ENTRY = 12 << 10 if sys.version_info < (3, 11) else 3 << 10
#: calls back in that are open at once: on 3.12 and 3.13 each takes some of a count of C's that no
#: setting enlarges, full after 166 and 1,111 that go through ``max`` and ``reduce``
_MOST_ENTRIES = {12: 150, 13: 1_000}.get(sys.version_info[1], 100_000)
_MOST_FRAMES = 2_000
#: what a frame counts at most against the recursion limit, which counted functions of C until 3.11
_COUNTS = 2 if sys.version_info < (3, 12) else 1
#: frames of Python that are left to host functions at the deepest
_SLACK = 200
#: so many frames are counted sooner in C, again each time, than those since the last time in Python
_SOON_COUNTED = 4_000


class Allowance(NamedTuple):
    """What guests may use of one thread's stack."""

    #: frames of compiled code, and their likes
    frames: int
    #: calls from the host that are open at once
    entries: int


def allowance() -> Allowance:
    """What guests may use of the running thread's stack."""
    quarter = max(stack_size() - _RESERVE, 0) // 4
    frames = min(quarter // _PER_FRAME, _MOST_FRAMES)
    return Allowance(frames, min(3 * quarter // _PER_ENTRY, _MOST_ENTRIES))


def stack_size() -> int:
    """Bytes of stack in C that the running thread has, at least."""
    if threading.current_thread() is threading.main_thread():
        return _main_stack_size()
    try:
        return _thread_stack_size()
    except (ImportError, AttributeError, OSError, ValueError):
        return threading.stack_size() or _SMALLEST


def _main_stack_size() -> int:
    try:
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    except (ImportError, AttributeError):
        # JupyterLite puts an empty module there
        return 1 << 20  # what Windows gives, and Emscripten at least
    return _USUAL_MAIN if soft == resource.RLIM_INFINITY else min(soft, _USUAL_MAIN)


def _thread_stack_size() -> int:
    """What the system says of a thread: ``threading.stack_size`` tells only of those to come."""
    import ctypes

    library = ctypes.CDLL(None)
    library.pthread_self.restype = ctypes.c_void_p
    thread = ctypes.c_void_p(library.pthread_self())
    if sys.platform == "darwin":
        library.pthread_get_stacksize_np.restype = ctypes.c_size_t
        return int(library.pthread_get_stacksize_np(thread))
    attributes = ctypes.create_string_buffer(256)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    if library.pthread_getattr_np(thread, attributes):
        raise OSError("no attributes of the thread")
    library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    library.pthread_attr_destroy(attributes)
    return size.value


def _suffices(limit: int, frames: int) -> bool:
    """Whether a recursion limit leaves room for so many frames more where it is called, and some
    for host functions; in a fiftieth of the time that counting the frames takes."""
    most = (limit - frames - _SLACK) // _COUNTS
    if most <= 0:
        return False
    try:
        sys._getframe(most + 1)
    except ValueError:
        return True
    return False


def frames_of(frame: FrameType | None) -> int:
    """How deep a frame of Python is, itself included."""
    return _counted(frame, {})


def _counted(frame: FrameType | None, known: Mapping[FrameType, int]) -> int:
    """The same, for who knows how deep some frames are that may be below it."""
    count = 0
    while frame is not None:
        if frame in known:
            return count + known[frame]
        count += 1
        frame = frame.f_back
    return count


class CountedFrames:
    """How deep the frames of one thread are.

    Calls from the host are open one in the other, and each may ask. So frames that asked are kept
    while their calls are open, and what is below them is not counted again: all together look at
    each frame once.
    """

    def __init__(self) -> None:
        #: frames that are kept, the outermost first, with the number of calls that were open
        self._kept: list[tuple[int, FrameType]] = []
        self._depths: dict[FrameType, int] = {}

    def depth(self, frame: FrameType) -> int:
        """How deep a frame is, itself included."""
        return _counted(frame, self._depths)

    def keep(self, frame: FrameType, entries: int) -> int:
        """The same, of a frame that is there as long as a call inside so many others."""
        kept = self._kept
        while kept and kept[-1][0] >= entries:
            # its call is over: the one that asks is in its place
            self._depths.pop(kept.pop()[1], None)
        depth = self._depths[frame] = self.depth(frame)
        kept.append((entries, frame))
        return depth

    def suffices(self, limit: int, frames: int, frame: FrameType, entries: int) -> bool:
        """Whether a recursion limit leaves room for so many frames more above one that is there as
        long as a call inside so many others."""
        if limit <= _SOON_COUNTED:
            return _suffices(limit, frames)
        return _COUNTS * self.keep(frame, entries) + frames + _SLACK <= limit

    def forget(self) -> None:
        """Lets go of all frames."""
        self._kept.clear()
        self._depths.clear()


class RecursionLimit:
    """Python's recursion limit, raised while some thread's guests need it, and no longer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: what it is without us
        self._own = 0
        #: what it was raised to; 0 while it is not
        self._raised = 0
        #: what each thread needs
        self._needs: dict[int, int] = {}

    def hold(self, depth: int, frames: int) -> int:
        """Makes room for so many frames more in the running thread, which is at a depth, and some
        for host functions. Gives what :meth:`release` takes."""
        needed = _COUNTS * depth + frames + _SLACK
        with self._lock:
            thread = threading.get_ident()
            before = self._needs.get(thread, 0)
            self._needs[thread] = max(before, needed)
            self._apply()
        return before

    def keep(self, depth: int, frames: int) -> int:
        """The same, until :meth:`release`; gives what the thread needs by then, for
        :meth:`CountedFrames.suffices`."""
        self.hold(depth, frames + _SLACK)
        return self._needs.get(threading.get_ident(), 0)

    def release(self, before: int = 0) -> None:
        """Takes back what :meth:`hold` did."""
        with self._lock:
            thread = threading.get_ident()
            if before:
                self._needs[thread] = before
            else:
                self._needs.pop(thread, None)
            self._apply()

    def _apply(self) -> None:
        """Sets the limit to what the threads need, if that is more than what it would be."""
        now = sys.getrecursionlimit()
        if now != self._raised:
            self._own = now  # nobody raised it, or somebody else set it meanwhile
        wanted = max(self._own, *self._needs.values(), 0)
        if wanted < now and not _is_safe(wanted):
            wanted = now
        if wanted != now:
            sys.setrecursionlimit(wanted)
        self._raised = wanted if wanted > self._own else 0


def _is_safe(limit: int) -> bool:
    """Whether the limit may be lowered: CPython 3.10 and 3.11 abort if another thread is deeper."""
    if sys.version_info >= (3, 12) or threading.active_count() == 1:
        return True
    mine = threading.get_ident()
    others = (frame for thread, frame in sys._current_frames().items() if thread != mine)
    return all(frames_of(frame) < limit - _SLACK for frame in others)


RECURSION = RecursionLimit()
