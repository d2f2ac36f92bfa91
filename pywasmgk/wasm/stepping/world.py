"""The state that an execution works on (spec, "Store"): captured, and put back.

A memory is captured as blocks of 4 KiB; blocks that did not change since the capture before are
the same objects, so that a capture costs what changed, and one can be dropped without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..runtime.functions import Func
from ..types import PAGE_SIZE

if TYPE_CHECKING:
    from ..runtime.globals import Global
    from ..runtime.instance import Instance
    from ..runtime.memory import Memory
    from ..runtime.table import Table

__all__ = [
    "BLOCK",
    "POINTER",
    "VALUE",
    "Blocks",
    "Change",
    "World",
    "WorldState",
    "blocks_of",
    "change",
    "put_blocks",
]

#: bytes of memory that are captured as one
BLOCK = 4096
#: bytes of a reference to an object, and of one with the value that it refers to
POINTER, VALUE = 8, 48
_ZEROS = bytes(BLOCK)

Blocks = tuple[bytes, ...]


class WorldState(NamedTuple):
    """A World as it was: one entry for each of its memories, tables and so on."""

    memories: tuple[Blocks, ...]
    tables: tuple[tuple[Any, ...], ...]
    #: values as the engine has them
    globals: tuple[Any, ...]
    #: segments of each instance; those that were dropped are empty
    datas: tuple[tuple[bytes, ...], ...]
    elems: tuple[tuple[Sequence[Any], ...], ...]


class World:
    """The instances that a function's code can reach, and what they have: each thing once, in an
    order that depends on the modules alone."""

    def __init__(self, root: Instance) -> None:
        self.instances: list[Instance] = []
        self.memories: list[Memory] = []
        self.tables: list[Table] = []
        self.globals: list[Global] = []
        self._known: set[int] = set()
        self._add(root)

    def _add(self, root: Instance) -> None:
        found = [root]
        while found:
            instance = found.pop()
            if not self._is_new(instance):
                continue
            self.instances.append(instance)
            self.memories += filter(self._is_new, instance.memories)
            self.tables += filter(self._is_new, instance.tables)
            self.globals += (
                item for item in instance.globals if item.type.mutable and self._is_new(item)
            )
            found += reversed([*_instances_of(instance)])

    def _is_new(self, item: object) -> bool:
        known = id(item) in self._known
        self._known.add(id(item))
        return not known

    def refresh(self) -> None:
        """Takes in instances that were linked since, by way of tables."""
        for table in self.tables:
            for element in table.elements:
                instance = element.instance if isinstance(element, Func) else None
                if instance is not None and id(instance) not in self._known:
                    self._add(instance)

    # -- capturing

    def capture(self, before: WorldState | None = None) -> WorldState:
        """The state as it is; what is equal in the capture ``before`` is shared with it."""
        self.refresh()
        nothing = WorldState((), (), (), (), ())
        before = before or nothing
        return WorldState(
            tuple(map(blocks_of, self.memories, _padded(before.memories))),
            _each_shared((table.elements for table in self.tables), before.tables),
            _shared([item.raw for item in self.globals], before.globals),
            _each_shared((instance.datas for instance in self.instances), before.datas),
            _each_shared((instance.elems for instance in self.instances), before.elems),
        )

    def put_back(self, state: WorldState) -> None:
        """Makes the state what it was at a capture. What was linked since stays linked."""
        for memory, blocks in zip(self.memories, state.memories):
            put_blocks(memory, blocks)
        for table, elements in zip(self.tables, state.tables):
            if len(table.elements) != len(elements) or _differ(table.elements, elements):
                table.put_back(elements)
        for item, value in zip(self.globals, state.globals):
            item.cell.cell_contents = value
        for instance, datas, elems in zip(self.instances, state.datas, state.elems):
            instance.datas[:] = datas
            instance.elems[:] = elems

    def apply(self, happened: Change) -> None:
        """Does what a change says."""
        for memory, blocks, size in zip(self.memories, happened.blocks, happened.sizes):
            _resize(memory, size)
            for number, block in blocks:
                memory.data[number * BLOCK : (number + 1) * BLOCK] = block
        for number, elements in happened.tables:
            self.tables[number].put_back(elements)
        for item, value in zip(self.globals, happened.globals):
            item.cell.cell_contents = value
        for instance, datas in zip(self.instances, happened.datas or ()):
            instance.datas[:] = datas
        for instance, elems in zip(self.instances, happened.elems or ()):
            instance.elems[:] = elems


def _instances_of(instance: Instance) -> Iterator[Instance]:
    """The instances that one can call into."""
    elements = (element for table in instance.tables for element in table.elements)
    for func in (*instance.funcs, *elements):
        if isinstance(func, Func) and func.instance not in (None, instance):
            yield func.instance


def _padded(items: Sequence[Any]) -> Iterator[Any]:
    yield from items
    while True:
        yield ()


def _shared(items: Sequence[Any], before: tuple[Any, ...]) -> tuple[Any, ...]:
    """Items as a tuple: the one of the capture before, where each is still the same object."""
    if len(items) == len(before) and not _differ(items, before):
        return before
    return tuple(items)


def _each_shared(
    lists: Iterable[Sequence[Any]], before: tuple[tuple[Any, ...], ...]
) -> tuple[tuple[Any, ...], ...]:
    return tuple(map(_shared, lists, _padded(before)))


def _differ(elements: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether references differ; objects of the host's are not asked whether they are equal."""
    return any(map(_is_not, elements, others))


def _is_not(one: object, other: object) -> bool:
    return one is not other


def blocks_of(memory: Memory, before: Blocks = ()) -> Blocks:
    """A memory's content as blocks, those of ``before`` where they are equal."""
    data = memory.data
    found = list(before[: len(data) // BLOCK])
    for number, block in enumerate(found):
        at = number * BLOCK
        # slices of a bytearray are compared ten times as fast as those of a view
        if data[at : at + BLOCK] != block:
            found[number] = _block(data, at)
    found += (_block(data, at) for at in range(len(found) * BLOCK, len(data), BLOCK))
    return tuple(found)


def _block(data: bytearray, at: int) -> bytes:
    block = bytes(data[at : at + BLOCK])
    return _ZEROS if block == _ZEROS else block


def _resize(memory: Memory, blocks: int) -> None:
    pages = blocks * BLOCK // PAGE_SIZE
    if memory.pages > pages:
        memory.shrink_to(pages)
    elif memory.pages < pages:
        memory.grow(pages - memory.pages)


def put_blocks(memory: Memory, blocks: Blocks) -> None:
    """Makes a memory's content what ``blocks`` say, and its size."""
    _resize(memory, len(blocks))
    data = memory.data
    for number, block in enumerate(blocks):
        at = number * BLOCK
        if data[at : at + BLOCK] != block:
            data[at : at + BLOCK] = block


class Change(NamedTuple):
    """What became of one capture in another one."""

    #: blocks of each memory that differ, by number
    blocks: tuple[tuple[tuple[int, bytes], ...], ...]
    #: sizes of the memories in blocks
    sizes: tuple[int, ...]
    #: elements of tables that differ, by the table's number
    tables: tuple[tuple[int, tuple[Any, ...]], ...]
    globals: tuple[Any, ...]
    #: segments, where any was dropped
    datas: tuple[tuple[bytes, ...], ...] | None
    elems: tuple[tuple[Sequence[Any], ...], ...] | None

    @property
    def size(self) -> int:
        """Bytes that it keeps, roughly."""
        kept = sum(len(blocks) for blocks in self.blocks) * BLOCK
        parts = (*(elements for _, elements in self.tables), *(self.datas or ()))
        pointers = sum(map(len, (*parts, *(self.elems or ()))))
        return 200 + kept + POINTER * pointers + VALUE * len(self.globals)


def change(before: WorldState, after: WorldState) -> Change:
    """What happened between two captures, of which the later one was made from the earlier."""
    blocks = tuple(
        tuple(_changed(old, new)) for old, new in zip(_padded(before.memories), after.memories)
    )
    tables = tuple(
        (number, new)
        for number, (old, new) in enumerate(zip(_padded(before.tables), after.tables))
        if old is not new
    )
    return Change(
        blocks,
        tuple(map(len, after.memories)),
        tables,
        after.globals,
        None if before.datas == after.datas else after.datas,
        None if before.elems == after.elems else after.elems,
    )


def _changed(old: Blocks, new: Blocks) -> Iterator[tuple[int, bytes]]:
    for number, (one, other) in enumerate(zip(old, new)):
        if one is not other:
            yield number, other
    for number in range(len(old), len(new)):
        if new[number] is not _ZEROS:
            yield number, new[number]
