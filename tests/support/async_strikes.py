"""Work in a thread of its own that an exception is raised in at some moment, as by Ctrl-C."""

from __future__ import annotations

import ctypes
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Interruption", "settle", "strike", "strike_often"]

#: seconds until a lock that nobody gives back is found
_PATIENCE = 20.0
#: seconds between two chances of a thread to run: strikes come where they are meant to
_SWITCH = 2e-5


class Interruption(BaseException):
    """No error: as from a signal handler."""


def strike_often(
    action: Callable[[], object],
    after: Callable[[], object],
    count: int,
    seed: int,
    least: int = 3,
    between: Callable[[], object] | None = None,
) -> int:
    """Strikes ``action`` so often, and on until ``least`` strikes have ended it, at most ten times
    as often: most come behind its end, how many, the machine's load says. ``after`` is done each
    time in the thread that was struck, ``between`` in this one. Gives how many have ended it."""
    ended = 0
    for number, delay in enumerate(_delays(action, 10 * count, seed), 1):
        ended += strike(action, delay, after)
        (between or after)()
        if number >= count and ended >= least:
            break
    return ended


def _delays(action: Callable[[], object], count: int, seed: int) -> Iterator[float]:
    """Delays at which ``action`` is struck somewhere; it is done twice to measure it. They are
    CPU seconds of the process, as the striker waits as busily as the thread works."""
    action()
    began = time.process_time()
    action()
    took = time.process_time() - began
    chance = random.Random(seed)
    for _ in range(count):
        yield chance.uniform(0, 2 * took)


def strike(action: Callable[[], object], delay: float, after: Callable[[], object]) -> bool:
    """Does ``action`` in a new thread and strikes it once, then ``after`` in that thread, in peace.
    Gives whether the strike ended the action. Raises what ``after`` raises, and what ``action``
    does; AssertionError if the thread does not end."""
    ends: list[bool] = []
    faults: list[BaseException] = []
    begun: list[bool] = []
    sent: list[bool] = []

    def run() -> None:
        while True:
            try:
                if not ends:
                    begun.append(True)
                    action()
                    ends.append(False)
                while not sent:
                    time.sleep(1e-4)
                _raise_in(threading.get_ident(), None)
                break
            except Interruption:  # it may come behind the end, too
                ends.append(True)
            except BaseException as error:
                ends.append(False)
                faults.append(error)
        try:
            after()
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with _often_switched():
        thread.start()
        while not begun:
            pass
        until = time.process_time() + delay
        while time.process_time() < until:
            pass
        _raise_in(thread.ident or 0, Interruption)
        sent.append(True)
        thread.join(_PATIENCE)
    settle()
    assert not thread.is_alive(), "it waits for something that nobody gives back"
    if faults:
        raise faults[0]
    return ends[0]


def settle() -> None:
    """Has Python find that no exception is on its way. One that is taken back, or whose thread has
    ended, is still looked for between all steps of all threads, until another one arrives; and
    until 3.12 a function that is traced never gets beyond its first step meanwhile."""
    try:
        _raise_in(threading.get_ident(), Interruption)
        while True:
            pass
    except Interruption:
        pass


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raises an exception in a thread, or takes back one that is on its way."""
    what = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


@contextmanager
def _often_switched() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
