"""Stand-ins for what ppci's reader keeps of every definition, where nobody looks at it."""

from __future__ import annotations

from typing import Any

from ..watch import Look

__all__ = ["OFTEN", "Dropped", "Ids", "Numbered"]

#: definitions between two looks at the clock
OFTEN = 512


class Ids:
    """The ids that ppci has given in an index space: numbers from nothing on."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, id: int) -> bool:
        return id < self._count

    def __setitem__(self, id: int, definition: Any) -> None:
        self._count += 1


class Numbered(list[int]):
    """What ppci sets by number, one after the other."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def __setitem__(self, number: Any, value: Any) -> None:
        if not number % OFTEN:
            self._look(None)
        self.append(value)


class Dropped(list[Any]):
    """Definitions that nobody keeps."""

    def append(self, definition: Any) -> None:
        """Does nothing."""
