"""Compiles at a process's end what will be wanted by the next one: profile-guided, and in advance.

What runs in a process is compiled when that pays within the process (``runtime.tiers``). What ran
less is found in the interpreter by the next process, too, and again little by little; what was not
optimized is not optimized there. With a cache the bill is another one: a compilation is paid once,
and repays in each process to come. So it is done when a process has ended its work, in the order of
what it gains for its cost, and for as long again as the process has run, at most.

Modules come to their ends at any moment, in the garbage collection of any thread. Nothing is
compiled there: what there is to do is written down, with the module's bytes, for the end of the
process.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..compiler.budget import Budget
from ..compiler.request import OPTIMIZED, QUICK, SMALL_PAGES, Request, compiled_function
from ..profile import SAVED_BY_OPTIMIZING, SAVED_PER_INSTRUCTION, Profile

if TYPE_CHECKING:
    from ..features import Features
    from ..interpreter.code import Code
    from .directory import CodeCache
    from .stored import StoredModule

__all__ = ["Candidate", "Plan", "candidates", "carry_out", "forget", "postpone", "watch"]

#: seconds that compiling takes for a byte of a body, by level
_PER_BYTE = {QUICK: 4e-6, OPTIMIZED: 5e-5}
#: starts of a process in which optimizing must repay its cost
_STARTS = 20
#: seconds for a byte that a start saves where it need not prepare a function for the interpreter
_PREPARING = 4e-8
#: seconds of processor time that it takes beside what the process took since the module was loaded,
#: and at the very most
_BESIDE, _MOST = 0.2, 10.0
#: how much longer a processor's time may be on a clock
_OTHERS = 4.0
#: modules that came to their ends which are kept for it, and their bytes
_KEPT_PLANS, _KEPT_BYTES = 16, 32 << 20


class Candidate(NamedTuple):
    """A function that is to be compiled at a level."""

    #: seconds that a start saves for each one that compiling takes
    gain: float
    #: seconds that compiling takes, about
    cost: float
    function: int
    level: int


class Plan(NamedTuple):
    """What there is to compile for a module, which may be gone."""

    cache: CodeCache
    name: str
    data: bytes
    features: Features
    max_locals: int
    profile: Profile
    low_zeros: dict[int, int]
    #: the best one first
    candidates: Sequence[Candidate]


def candidates(
    profile: Profile, codes: Mapping[int, Code], sizes: Callable[[int], int], known: Container[Any]
) -> list[Candidate]:
    """What is worth compiling, the best first: of ``codes``, the functions that ran in the
    interpreter, all; of those at the quick level the ones that have samples. ``sizes`` gives the
    bytes of a body; what is ``known``, keys of requests, has been tried."""
    if not profile.compiles:
        return []
    found = []

    def consider(index: int, level: int, saved: float, least: float) -> None:
        cost = sizes(index) * _PER_BYTE[level]
        if saved >= least * cost and _request(profile, index, level).key not in known:
            found.append(Candidate(saved / cost, cost, index, level))

    for index, code in dict(codes).items():
        if _request(profile, index, OPTIMIZED).key not in known:
            ran = profile.instructions(index, len(code.operations), code.calls)
            saved = ran * SAVED_PER_INSTRUCTION + sizes(index) * _PREPARING
            consider(index, QUICK, saved, 0.0)
    for index, seconds in dict(profile.quick).items():
        consider(index, OPTIMIZED, seconds * SAVED_BY_OPTIMIZING, 1 / _STARTS)
    return sorted(found, reverse=True)


def _request(profile: Profile, index: int, level: int) -> Request:
    small = profile.memory_limit <= SMALL_PAGES
    assume = level == OPTIMIZED and index not in profile.missed
    return Request(index, 0, None, small, assume, level)


# -- at the end of the process

#: modules that live, and plans of those that are gone, the latest last, by the names of their files
_watched: weakref.WeakSet[StoredModule] = weakref.WeakSet()
_postponed: dict[str, Plan] = {}
_lock = threading.Lock()


def watch(stored: StoredModule) -> None:
    """Has a module be looked at when the process ends."""
    with _lock:
        if not _registered:
            _registered.append(atexit.register(_at_exit))
        _watched.add(stored)


_registered: list[Any] = []


def postpone(plan: Plan) -> None:
    """Keeps a plan for the end of the process, in the place of older ones."""
    with _lock:
        _postponed.pop(plan.name, None)
        _postponed[plan.name] = plan
        size = sum(len(kept.data) for kept in _postponed.values())
        for name in list(_postponed)[:-1]:
            if size <= _KEPT_BYTES and len(_postponed) <= _KEPT_PLANS:
                break
            size -= len(_postponed.pop(name).data)


def forget() -> None:
    """Drops everything that is to be done at the end of the process."""
    with _lock:
        _watched.clear()
        _postponed.clear()


def _at_exit() -> None:
    try:
        for stored in list(_watched):
            stored.close()
        began = time.process_time()
        for plan in list(_postponed.values()):
            carry_out(plan, began)
    except KeyboardInterrupt:
        pass  # who is in a hurry compiles another time
    finally:
        forget()


def carry_out(plan: Plan, began: float) -> None:
    """Compiles what is planned, as far as there is processor time from ``began`` on, and stores
    it."""
    # the module's own class, which imports this
    from ..module import Module

    end = began + min(_BESIDE + began - plan.profile.began, _MOST)
    if not plan.cache.has(plan.name):
        return
    # bodies that nobody has validated are when they are compiled
    options: dict[str, Any] = {"features": plan.features, "max_locals": plan.max_locals}
    module = Module(plan.data, validate="lazy", cache=plan.cache, **options)
    if module.stored is None or module.stored.name != plan.name:
        return  # another instruction set is active by now
    module.low_zeros.update(plan.low_zeros)
    for candidate in plan.candidates:
        left = end - time.process_time()
        if candidate.cost < left:
            request = _request(plan.profile, candidate.function, candidate.level)
            # which looks at a clock that goes on while others have the processor
            compiled_function(module, request, Budget(None, _OTHERS * left))
    module.stored.save()
