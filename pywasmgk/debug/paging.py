"""How an execution uses its memory: which pages it reads and writes, and when it asks for more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wasm.stepping.stops import Probe, Ranges, memory_ranges
from ..wasm.types import PAGE_SIZE
from .chains import module_of

if TYPE_CHECKING:
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.activations import Activation
    from ..wasm.stepping.execution import Execution
    from ..wasm.valid.blockmap import BlockMap

__all__ = ["Growth", "MemoryMap", "PageUse"]


class PageUse(NamedTuple):
    """How often instructions touched one page of 64 KiB."""

    reads: int = 0
    writes: int = 0


class Growth(NamedTuple):
    """That memory was asked to grow."""

    #: instructions executed before
    step: int
    #: of the function that asked
    name: str | None
    #: of the instruction in the module's file
    offset: int
    #: pages that were asked for, and how many there were before and behind it
    asked: int
    before: int
    after: int

    @property
    def refused(self) -> bool:
        """Whether there was no room."""
        return self.before == self.after and self.asked > 0


class MemoryMap(Probe):
    """Sees what instructions do with memory 0 of an execution's instance. What the host's functions
    read and write is not among it."""

    def __init__(self, execution: Execution) -> None:
        super().__init__()
        self.execution = execution
        #: of pages that were touched, by number
        self.pages: dict[int, PageUse] = {}
        self.growths: list[Growth] = []
        self._memory = execution.instance.first_memory
        self._known: dict[tuple[Func, int], tuple[int, Ranges | None]] = {}
        self._asked: tuple[Activation, int, int] | None = None

    @classmethod
    def attach(cls, execution: Execution) -> MemoryMap:
        """Looks at what an execution does from now on."""
        made = cls(execution)
        execution.attach(made)
        return made

    def detach(self) -> None:
        """Looks no more; what was seen stays. Raises ValueError if it is not attached."""
        self.execution.detach(self)

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        instance: Any = func.instance
        if self._memory is None or instance.first_memory is not self._memory:
            return
        rows = module_of(func).isa.rows
        for pc, (number, x) in enumerate(body.code):
            if rows[number].moves_memory or memory_ranges(rows[number], x) is not None:
                yield pc

    def prepare(self, activation: Activation) -> bool:
        memory = self._memory
        if memory is None:
            return False
        key = activation.function, activation.pc
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _ranges(activation)
        params, ranges = found
        operands = activation.raw_operands(params)
        if ranges is None:
            self._asked = activation, operands[0], memory.pages
            return True
        for start, size, written in ranges(operands):
            if size and start + size <= len(memory):
                self._touch(start // PAGE_SIZE, (start + size - 1) // PAGE_SIZE, written)
        return False

    def _touch(self, first: int, last: int, written: bool) -> None:
        for page in range(first, last + 1):
            reads, writes = self.pages.get(page, PageUse())
            self.pages[page] = PageUse(reads + (not written), writes + written)

    def has_happened(self) -> bool:
        if self._asked is not None and self._memory is not None:
            activation, asked, before = self._asked
            self._asked = None
            place = activation.place
            # what was executed counts already
            step = self.execution.steps - 1
            growth = Growth(step, place.name, place.offset, asked, before, self._memory.pages)
            self.growths.append(growth)
        return False


def _ranges(activation: Activation) -> tuple[int, Ranges | None]:
    """How many operands an instruction takes, and the ranges that it touches; of what lets memory
    grow none."""
    row = activation.row
    params = len(row.typing.params) if row.typing else 0
    return params, None if row.moves_memory else memory_ranges(row, activation.immediate)
