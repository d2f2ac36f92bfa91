"""The watchpoints that an execution offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..runtime.functions import Func
from .stops import Stop, Touches, Watchpoint, growth, index_access, memory_access

if TYPE_CHECKING:
    from ..runtime.instance import Instance
    from ..runtime.table import Table
    from .activations import Activation

__all__ = ["Watching", "at_index"]

T = TypeVar("T")


def _of_table(table: Table) -> Touches:
    """How instructions get at a table."""

    def concerns(func: Func, x: int) -> bool:
        owner = func.instance
        return owner is not None and owner.tables[x] is table

    return index_access("tableidx", concerns)


def at_index(items: Sequence[T], index: int, what: str) -> T:
    """An item by its index. Raises IndexError for one that is not there, with how many there
    are."""
    if not 0 <= index < len(items):
        raise IndexError(f"there is no {what} {index}: there are {len(items)}")
    return items[index]


class Watching(ABC):
    """Methods that make watchpoints; ``options`` are ``condition`` and ``ignore`` of a Stop."""

    instance: Instance

    @property
    @abstractmethod
    def frames(self) -> tuple[Activation, ...]:
        """The frames, innermost first."""

    @abstractmethod
    def add(self, stop: Stop) -> None:
        """Has a breakpoint or watchpoint stop it."""

    def watch_memory(
        self, start: int, size: int = 1, on: str = "change", *, memory: int = 0, **options: Any
    ) -> Watchpoint:
        """Stops at accesses to bytes of a memory of its instance. Raises IndexError outside."""
        found = at_index(self.instance.memories, memory, "memory")
        found.read(start, size)
        return self._added(
            f"{size} bytes at {start:#x} of memory {memory}",
            on,
            lambda: found.read(start, size),
            memory_access(found, start, size),
            options,
        )

    def watch_global(self, index: int, on: str = "change", **options: Any) -> Watchpoint:
        """Stops at accesses to a global of its instance. Raises IndexError for
        one that is not there."""
        found = at_index(self.instance.globals, index, "global")

        def concerns(func: Func, x: Any) -> bool:
            owner = func.instance
            return owner is not None and owner.globals[x] is found

        touches = index_access("globalidx", concerns)
        return self._added(f"global {index}", on, lambda: found.raw, touches, options)

    def watch_local(
        self, local: int | str, on: str = "change", *, frame: int = 0, **options: Any
    ) -> Watchpoint:
        """Stops at accesses to a local of a frame's function, in any of its frames."""
        activation = at_index(self.frames, frame, "frame")
        func, number = activation.function, activation.local_number(local)
        touches = index_access("localidx", lambda run, x: run is func and x == number)
        title = f"local {local} of {activation.name or activation.index}"
        return self._added(title, on, lambda: self._local(func, number), touches, options)

    def _local(self, func: Func, number: int) -> Any:
        """A local of the function if it runs, innermost; else nothing."""
        innermost = self.frames[0] if self.frames else None
        if innermost is None or innermost.function is not func:
            return None
        return innermost.raw_local(number)

    def watch_table(self, table: int = 0, on: str = "change", **options: Any) -> Watchpoint:
        """Stops at accesses to a table of its instance, growth among them."""
        found = at_index(self.instance.tables, table, "table")

        def look() -> list[int]:
            return [*map(id, found.elements)]

        return self._added(f"table {table}", on, look, _of_table(found), options)

    def watch_growth(
        self, memory: int = 0, *, table: int | None = None, **options: Any
    ) -> Watchpoint:
        """Stops behind growths of a memory of its instance, or of a table."""
        if table is not None:
            grows = at_index(self.instance.tables, table, "table")
            touches = _of_table(grows)
            title = f"the size of table {table}"
            return self._added(title, "change", lambda: grows.size, touches, options)
        found = at_index(self.instance.memories, memory, "memory")
        title = f"the size of memory {memory}"
        return self._added(title, "change", lambda: found.pages, growth(found), options)

    def _added(
        self, title: str, on: str, look: Any, touches: Any, options: dict[str, Any]
    ) -> Watchpoint:
        made = Watchpoint(title, on, look, touches, **options)
        self.add(made)
        return made
