"""The code that a held execution runs: copies of its functions' code, with stops in them.

A stop stands in the place of an instruction, so that running up to one costs nothing. Where all
copies take too much together, the oldest are dropped: their operations are taken out of their list,
so that frames that run them hold nothing either. The loop that comes back to such a frame finds
nothing there and has the copy made again, stops and all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .stops import Stop

if TYPE_CHECKING:
    from ..interpreter.code import Code
    from ..runtime.functions import Func

__all__ = ["Copies"]

#: units of weight (``Code.weight``) that the copies of an execution may take together: some 40 MB
_MOST = 1_000_000
#: what a place takes where a stop stands
_PLACE = 8


class _Place(NamedTuple):
    """Where stops stand."""

    stops: list[Stop]
    #: what stands there without them
    operation: Any


class _Copy(NamedTuple):
    """A function's code, and who is to be asked, by position."""

    code: Code
    places: dict[int, _Place]

    @property
    def weight(self) -> int:
        """What it takes, in units."""
        return self.code.weight + _PLACE * len(self.places)


class Copies:
    """The copies of one execution; ``stop`` is the operation of a stop."""

    def __init__(self, stop: tuple[int, Any]) -> None:
        self._stop = stop
        #: the latest last
        self._copies: dict[Func, _Copy] = {}
        #: what all take together, in units
        self.weight = 0
        self._stops: list[Stop] = []
        self._lifted = False

    def __len__(self) -> int:
        return len(self._copies)

    def code(self, func: Func) -> Code | None:
        """A function's copy, if there is one."""
        copy = self._copies.get(func)
        return None if copy is None else copy.code

    def make(self, func: Func, prepared: Code) -> Code:
        """Makes a function's copy; others may be dropped for it."""
        copy = self._copies[func] = _Copy(prepared.copy(), {})
        self._put_into(func, copy, self._stops)
        self.weight += copy.code.weight
        self._make_room(func)
        return copy.code

    def _make_room(self, latest: Func) -> None:
        """Drops the oldest until a quarter is free, if there is too much."""
        if self.weight <= _MOST:
            return
        for func, copy in list(self._copies.items()):
            if self.weight <= _MOST * 3 // 4:
                break
            if func is not latest:
                self.weight -= copy.weight
                del self._copies[func]
                copy.code.operations.clear()

    # -- stops

    def asked(self, func: Func, pc: int) -> Sequence[Stop]:
        """Who is to be asked before an instruction."""
        place = self._place(func, pc)
        if place is None:
            return ()
        return [stop for stop in place.stops if stop.enabled and (stop.lasting or not self._lifted)]

    def has_stop(self, func: Func, pc: int) -> bool:
        """Whether one was put before an instruction, be it asked or not."""
        return self._place(func, pc) is not None

    def _place(self, func: Func, pc: int) -> _Place | None:
        copy = self._copies.get(func)
        return None if copy is None else copy.places.get(pc)

    @property
    def observers(self) -> list[Stop]:
        """The stops that only look."""
        return [stop for stop in self._stops if stop.observes]

    def add(self, stop: Stop) -> None:
        """Has it stop where somebody wants to be asked."""
        self._stops.append(stop)
        latest = None
        for latest, copy in self._copies.items():
            self._put_into(latest, copy, [stop])
        if latest is not None:
            self._make_room(latest)

    def remove(self, stop: Stop) -> None:
        """Takes a stop out again."""
        self._stops.remove(stop)
        for code, places in self._copies.values():
            for pc, (stops, operation) in list(places.items()):
                if stop in stops:
                    stops.remove(stop)
                    if not stops:
                        del places[pc]
                        self.weight -= _PLACE
                        code.operations[pc] = operation

    def _put_into(self, func: Func, copy: _Copy, stops: Iterable[Stop]) -> None:
        operations, places = copy.code.operations, copy.places
        instance: Any = func.instance
        for stop in stops:
            for pc in stop.positions(func, instance.module.block_map(func.index)):
                if pc not in places:
                    places[pc] = _Place([], operations[pc])
                    self.weight += _PLACE
                places[pc].stops.append(stop)
                if stop.lasting or not self._lifted:
                    operations[pc] = self._stop

    @contextmanager
    def without(self, func: Func, pc: int) -> Iterator[None]:
        """Runs an instruction that stops may stand in the place of."""
        copy = self._copies.get(func)
        place = None if copy is None else copy.places.get(pc)
        if copy is None or place is None:
            yield
            return
        operations = copy.code.operations
        stop, operations[pc] = operations[pc], place.operation
        try:
            yield
        finally:
            # what ran may have dropped the copy
            if operations:
                operations[pc] = stop

    @contextmanager
    def unstopped(self) -> Iterator[None]:
        """Runs past all stops but those that are ``lasting``."""
        before, self._lifted = self._lifted, True
        for code, places in self._copies.values():
            for pc, (stops, operation) in places.items():
                if not any(stop.lasting for stop in stops):
                    code.operations[pc] = operation
        try:
            yield
        finally:
            self._lifted = before
            if not before:
                for code, places in self._copies.values():
                    for pc in places:
                        code.operations[pc] = self._stop
