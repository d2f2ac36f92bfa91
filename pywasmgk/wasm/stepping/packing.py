"""States of an instance as bytes, and back (docs/executions.md, "The format").

What is read is checked before anything is made of it: counts against the bytes that there are and
against what the module declares, values against their types. What does not fit is a
SuspensionError.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import TYPE_CHECKING, Any

from ...errors import DecodeError, HostError, SuspensionError
from ..binary.leb128 import read_unsigned
from ..isa.numerics import bits_of_f32, bits_of_f64, f32_of_bits, f64_of_bits
from ..runtime.functions import Func
from ..runtime.initial import passive_segments
from ..text.encoding import unsigned
from ..types import PAGE_SIZE, ValType
from .world import BLOCK, World, WorldState

if TYPE_CHECKING:
    from ..module import Module
    from ..runtime.instance import Instance
    from ..runtime.memory import Memory
    from ..runtime.table import Table

__all__ = ["Reader", "Writer", "read_world", "seal", "unseal", "write_world"]

_MAGIC = b"pywasmgk"
#: raised whenever the format changes
_VERSION = 1
_DIGEST = hashlib.sha256().digest_size
_U32, _U64 = Struct("<I"), Struct("<Q")
#: bits of a number that is written as LEB128
_MOST_BITS = 64


# -- the envelope


def seal(kind: bytes, content: bytes, key: bytes | None) -> bytes:
    """The bytes of a state: what they are, a digest (with a key its HMAC), and the content."""
    head = _MAGIC + kind + bytes((_VERSION, key is not None))
    return head + _digest(head + content, key) + content


def unseal(kind: bytes, data: bytes, key: bytes | None) -> bytes:
    """The content of what :func:`seal` made. Raises SuspensionError."""
    size = len(_MAGIC) + len(kind)
    head = data[: size + 2]
    if not data.startswith(_MAGIC + kind) or len(data) < size + 2 + _DIGEST:
        raise SuspensionError("these are not the bytes of such a state")
    version, keyed = head[size:]
    if version != _VERSION:
        raise SuspensionError(f"the state has version {version} of the format, not {_VERSION}")
    if bool(keyed) != (key is not None):
        word = "with a key, none was given" if keyed else "without a key, one was given"
        raise SuspensionError(f"the state was made {word}")
    content = data[size + 2 + _DIGEST :]
    found = data[size + 2 : size + 2 + _DIGEST]
    if not hmac.compare_digest(found, _digest(head + content, key)):
        raise SuspensionError("the state was changed, or made with another key")
    return content


def _digest(content: bytes, key: bytes | None) -> bytes:
    if key is None:
        return hashlib.sha256(content).digest()
    return hmac.new(key, content, hashlib.sha256).digest()


# -- numbers and values


class Writer:
    """Puts numbers and values of one instance's world into bytes."""

    def __init__(self, instance: Instance) -> None:
        self.out = bytearray()
        self.instance = instance
        self._indices = {id(func): index for index, func in enumerate(instance.funcs)}

    def number(self, value: int) -> None:
        """An unsigned number as LEB128."""
        self.out += unsigned(value)

    def value(self, kind: ValType, value: Any) -> None:
        """A value as the engine has it. Raises HostError for a reference that cannot travel."""
        if kind is ValType.I32 or kind is ValType.I64:
            self.number(value)
        elif kind is ValType.F32:
            self.out += _U32.pack(bits_of_f32(value))
        elif kind is ValType.F64:
            self.out += _U64.pack(bits_of_f64(value))
        elif kind is ValType.V128:
            self.out += value.to_bytes(16, "little")
        elif value is None:
            self.number(0)
        elif id(value) in self._indices:
            self.number(self._indices[id(value)] + 1)
        else:
            raise HostError(f"this {kind} is no function of the module: {value!r:.80}")

    def values(self, kinds: Sequence[ValType], values: Sequence[Any]) -> None:
        """Values whose types and number the reader knows."""
        for kind, value in zip(kinds, values):
            self.value(kind, value)


class Reader:
    """Takes out what a Writer has put in. Raises SuspensionError for anything else."""

    def __init__(self, data: bytes, instance: Instance) -> None:
        self._data = data
        self._pos = 0
        self._funcs: Sequence[Func] = instance.funcs

    def number(self, most: int, what: str) -> int:
        """An unsigned number that is at most ``most``."""
        try:
            value, self._pos = read_unsigned(self._data, self._pos, _MOST_BITS)
        except DecodeError as error:
            raise SuspensionError(f"{what}: {error.message}") from None
        if value > most:
            raise SuspensionError(f"{what}: {value}, at most {most}")
        return value

    def count(self, most: int, what: str, each: int = 1) -> int:
        """How many things of at least ``each`` bytes follow."""
        return self.number(min(most, (len(self._data) - self._pos) // each), what)

    def bytes(self, size: int) -> bytes:
        """So many bytes."""
        found = self._data[self._pos : self._pos + size]
        if len(found) < size:
            raise self._cut_off()
        self._pos += size
        return found

    def value(self, kind: ValType) -> Any:
        """A value as the engine has it."""
        if kind is ValType.I32:
            return self.number(0xFFFFFFFF, "an i32")
        if kind is ValType.I64:
            return self.number(0xFFFFFFFFFFFFFFFF, "an i64")
        if kind is ValType.F32:
            return f32_of_bits(_U32.unpack(self.bytes(4))[0])
        if kind is ValType.F64:
            return f64_of_bits(_U64.unpack(self.bytes(8))[0])
        if kind is ValType.V128:
            return int.from_bytes(self.bytes(16), "little")
        most = len(self._funcs) if kind is ValType.FUNCREF else 0
        index = self.number(most, f"a {kind}")
        return self._funcs[index - 1] if index else None

    def values(self, kinds: Sequence[ValType]) -> list[Any]:
        """Values of these types."""
        return [self.value(kind) for kind in kinds]

    def end(self) -> None:
        """Nothing may follow."""
        if self._pos != len(self._data):
            raise SuspensionError("there are bytes behind the end of the state")

    def _cut_off(self) -> SuspensionError:
        return SuspensionError("the state is cut off")


# -- the world


def write_world(writer: Writer, instance: Instance) -> None:
    """The state of an instance. Raises HostError where others share it, or hosts."""
    world = World(instance)
    state = world.capture()
    if len(world.instances) > 1:
        raise HostError("the state of linked instances cannot be written: it is not of one module")
    writer.out += _identity(instance.module)
    for number, (memory, blocks) in enumerate(zip(world.memories, state.memories)):
        _write_memory(writer, memory, blocks, _initial(instance.module, number))
    for table, elements in zip(world.tables, state.tables):
        _write_table(writer, table, elements)
    for item, value in zip(world.globals, state.globals):
        writer.value(item.type.value_type, value)
    for segments in (*state.datas, *state.elems):
        writer.out += bytes(not segment for segment in segments)


def read_world(reader: Reader, instance: Instance) -> WorldState:
    """The state that :func:`write_world` wrote, for an instance of the same module."""
    if reader.bytes(_DIGEST) != _identity(instance.module):
        raise SuspensionError("the state is of another module")
    module, world = instance.module, World(instance)
    memories = tuple(
        _read_memory(reader, memory, kind.limits.min, _initial(module, number))
        for number, (memory, kind) in enumerate(zip(world.memories, module.memories))
    )
    tables = tuple(
        _read_table(reader, table, kind.limits.min)
        for table, kind in zip(world.tables, module.tables)
    )
    values = tuple(reader.value(item.type.value_type) for item in world.globals)
    passive = passive_segments(instance)
    datas = tuple(_read_dropped(reader, passive[0], b""))
    elems = tuple(_read_dropped(reader, passive[1], ()))
    return WorldState(memories, tables, values, (datas,), (elems,))


def _identity(module: Module) -> bytes:
    return hashlib.sha256(module.data).digest()


def _initial(module: Module, memory: int) -> dict[int, bytearray]:
    """Blocks that the module's own data fills, where it says so by plain numbers."""
    blocks: dict[int, bytearray] = {}
    for number, expression, offset, start, end in module.datas.placed():
        if number != memory or expression is not None or offset is None:
            continue
        while start < end:
            block, at = divmod(offset, BLOCK)
            size = min(end - start, BLOCK - at)
            content = blocks.setdefault(block, bytearray(BLOCK))
            content[at : at + size] = module.data[start : start + size]
            start, offset = start + size, offset + size
    return blocks


def _write_memory(
    writer: Writer, memory: Memory, blocks: Sequence[bytes], initial: dict[int, bytearray]
) -> None:
    """Its pages, and the blocks that are not what the module made them."""
    writer.number(memory.pages)
    zeros = bytes(BLOCK)
    changed = [
        (number, block)
        for number, block in enumerate(blocks)
        if block != initial.get(number, zeros)
    ]
    writer.number(len(changed))
    last = -1
    for number, block in changed:
        writer.number(number - last - 1)
        writer.out += block
        last = number


def _read_memory(
    reader: Reader, memory: Memory, least: int, initial: dict[int, bytearray]
) -> tuple[bytes, ...]:
    pages = reader.number(memory.limit, "pages of a memory")
    if pages < least:
        raise SuspensionError(f"a memory of {pages} pages, the module begins with {least}")
    size = pages * PAGE_SIZE // BLOCK
    zeros = bytes(BLOCK)
    blocks = [bytes(initial[number]) if number in initial else zeros for number in range(size)]
    number = -1
    for _ in range(reader.count(size, "blocks of a memory", BLOCK + 1)):
        number += 1 + reader.number(size, "the number of a block")
        if number >= size:
            raise SuspensionError(f"block {number} of a memory of {size}")
        blocks[number] = reader.bytes(BLOCK)
    return tuple(blocks)


def _write_table(writer: Writer, table: Table, elements: Sequence[Any]) -> None:
    """Its size, and runs of equal elements."""
    writer.number(len(elements))
    runs = list(_runs(elements))
    writer.number(len(runs))
    for element, count in runs:
        writer.number(count)
        writer.value(table.element, element)


def _runs(elements: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    begin = 0
    for position in range(1, len(elements) + 1):
        if position == len(elements) or elements[position] is not elements[begin]:
            yield elements[begin], position - begin
            begin = position


def _read_table(reader: Reader, table: Table, least: int) -> tuple[Any, ...]:
    most = table.limit if table.quota is None else min(table.limit, table.size + table.quota.left)
    size = reader.number(most, "elements of a table")
    if size < least:
        raise SuspensionError(f"a table of {size} elements, the module begins with {least}")
    found: list[Any] = []
    for _ in range(reader.count(size, "runs of a table", 2)):
        count = reader.number(size - len(found), "elements of a run")
        found += [reader.value(table.element)] * count
    if len(found) != size:
        raise SuspensionError(f"a table of {size} elements with {len(found)}")
    return tuple(found)


def _read_dropped(reader: Reader, segments: Sequence[Any], nothing: Any) -> Iterator[Any]:
    for segment, dropped in zip(segments, reader.bytes(len(segments))):
        yield nothing if dropped else segment
