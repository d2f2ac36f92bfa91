"""What is kept of functions that were made ready for the interpreter."""

from __future__ import annotations

from typing import Any

from .code import Code

__all__ = ["Prepared"]

#: units of weight that the operations of a module may take together: some 100 MB, at most 180
_MOST = 3_000_000


class Prepared(dict[int, Code]):
    """The functions of a module that were made ready, by index. Where all take too much together,
    those that were made first are dropped: their next call has them made again.

    No lock: an interruption could leave it taken. Two threads at once may count one twice.
    """

    def __init__(self) -> None:
        #: those that are not dropped, the latest last
        self._whole: dict[int, Code] = {}
        #: of all those, or more
        self._weight = 0

    def keep(self, index: int, code: Code, again: tuple[int, Any]) -> None:
        """Takes one that was made just now, and drops others in its favour; ``again`` is the
        operation that has one made again."""
        self[index] = self._whole[index] = code
        self._weight += code.weight
        if self._weight > _MOST:
            self._make_room(code, again)

    def _make_room(self, latest: Code, again: tuple[int, Any]) -> None:
        """Drops the oldest until a quarter is free, so that this is seldom done."""
        weight = sum(code.weight for code in list(self._whole.values()))
        for index, code in list(self._whole.items()):
            if weight <= _MOST * 3 // 4:
                break
            if code is not latest:
                code.drop(again)
                self._whole.pop(index, None)
                weight -= code.weight
        self._weight = weight
