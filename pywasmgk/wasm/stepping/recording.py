"""What the host did in a run, as a file: anybody can run it again without the host.

A recording is the execution as it was at its beginning, and the effects of the calls to the host.
Whoever replays it calls nobody; a guest that calls otherwise than it did is told where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import Exit, HostError, SuspensionError, Trap, TrapCode
from ...printable import printable
from ..runtime.functions import Func
from ..runtime.globals import Global
from ..runtime.memory import Memory
from ..runtime.table import Table
from ..runtime.values import ZERO, to_bits, to_python
from ..types import FuncType, GlobalType, MemoryType, ValType
from .history import Effect
from .packing import Reader, Writer, seal, unseal
from .world import BLOCK, Change, World

if TYPE_CHECKING:
    from ..module import Module
    from ..runtime.instance import Instance
    from .execution import Execution

__all__ = ["RecordedCall", "RecordedError", "Recording", "require_same"]

_KIND = b"\3"
_MOST = (1 << 62) - 1
_RETURNED, _RAISED, _EXITED, _TRAPPED = range(4)


class RecordedError(Exception):
    """An exception of the host's that was recorded: its type's name and its message."""


class RecordedCall(NamedTuple):
    """A call to the host, as a recording has it."""

    name: str
    arguments: tuple[Any, ...]
    #: ``None`` if it raised
    results: tuple[Any, ...] | None
    #: what it raised, as text
    error: str | None
    #: bytes of the blocks of memory that are otherwise than before it
    written: int


class Recording:
    """A run of a guest, from its beginning, with what the host did. Made by
    ``Execution.recording``."""

    def __init__(self, beginning: bytes, effects: Sequence[Effect]) -> None:
        #: the execution before its first instruction (``Execution.to_bytes``)
        self.beginning = beginning
        self._effects = tuple(effects)

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """The calls to the host."""
        return tuple(map(_shown, self._effects))

    def __repr__(self) -> str:
        return f"<Recording of {len(self._effects)} calls to the host>"

    # -- as a file

    def to_bytes(self, module: Module, key: bytes | None = None) -> bytes:
        """It as bytes. Raises HostError for references to objects of the host's."""
        writer = Writer(stand_in(module))
        writer.number(len(self.beginning))
        writer.out += self.beginning
        writer.number(len(self._effects))
        for effect in self._effects:
            _write_effect(writer, effect)
        return seal(_KIND, bytes(writer.out), key)

    @classmethod
    def from_bytes(cls, data: bytes, module: Module, key: bytes | None = None) -> Recording:
        """What :meth:`to_bytes` gave, for the same module. Raises SuspensionError."""
        instance = stand_in(module)
        reader = Reader(unseal(_KIND, data, key), instance)
        beginning = reader.bytes(reader.count(_MOST, "bytes of an execution"))
        world = World(instance)
        count = reader.count(_MOST, "calls to the host", 2)
        effects = [_read_effect(reader, world) for _ in range(count)]
        reader.end()
        return cls(beginning, effects)

    def replay(self, module: Module, **options: Any) -> Execution:
        """The run once more, held before its first instruction, without the host; ``options`` are
        those of ``Execution.from_bytes``. A guest that calls otherwise than it did, or more, ends
        with a HostError that says where."""
        from .execution import Execution

        held = Execution.from_bytes(self.beginning, module, stand_ins(module), **options)
        held.expect(self._effects)
        return held


def _shown(effect: Effect) -> RecordedCall:
    kind, results = effect.type, effect.results
    return RecordedCall(
        effect.name,
        tuple(map(to_python, kind.params, effect.arguments)),
        None if results is None else tuple(map(to_python, kind.results, results)),
        None if effect.error is None else f"{type(effect.error).__name__}: {effect.error}",
        sum(len(blocks) for blocks in effect.change.blocks) * BLOCK,
    )


def require_same(
    known: Effect | None, number: int, count: int, func: Func, args: Sequence[Any]
) -> None:
    """A call to the host must be that of the recording. Raises HostError."""
    found = f"{printable(func.name or '?')}({_text(func.type, args)})"
    if known is None:
        raise HostError(f"the recording has {count} calls to the host, the guest calls {found} too")
    bits = [*map(to_bits, func.type.params, args)]
    if func.type != known.type or bits != [*map(to_bits, known.type.params, known.arguments)]:
        was = f"{printable(known.name)}({_text(known.type, known.arguments)})"
        raise HostError(f"call {number} to the host was {was}, now the guest calls {found}")


def _text(kind: FuncType, args: Sequence[Any]) -> str:
    return ", ".join(f"{to_python(one, arg)!r:.40}" for one, arg in zip(kind.params, args))


# -- a module without its host


def stand_ins(module: Module) -> dict[str, dict[str, Any]]:
    """Imports for a module that nobody may call."""
    made: dict[str, dict[str, Any]] = {}
    for item in module.imports:
        made.setdefault(item.module, {})[item.name] = _stand_in(item.type, item.name)
    return made


def _stand_in(kind: Any, name: str) -> Any:
    if isinstance(kind, FuncType):
        return Func(kind, _unanswered, name=name)
    if isinstance(kind, GlobalType):
        return Global(kind, to_python(kind.value_type, ZERO[kind.value_type]))
    if isinstance(kind, MemoryType):
        return Memory(*kind.limits)
    return Table(kind.element, *kind.limits)


def _unanswered(*arguments: Any) -> Any:
    raise HostError("the recording has no answer to this call of the host")


def stand_in(module: Module) -> Instance:
    """An instance of a module on nobody's host, which is not started."""
    from ..runtime.defaults import OWN
    from ..runtime.instance import instantiate

    return instantiate(module, stand_ins(module), run_start=False, engine=OWN)


# -- effects


def _write_effect(writer: Writer, effect: Effect) -> None:
    kind = effect.type
    name = effect.name.encode("utf-8", "surrogatepass")
    writer.number(len(name))
    writer.out += name
    for kinds in (kind.params, kind.results):
        writer.number(len(kinds))
        writer.out += bytes(_KINDS.index(one) for one in kinds)
    writer.values(kind.params, effect.arguments)
    _write_outcome(writer, effect)
    writer.number(effect.charged)
    _write_change(writer, effect.change)


_KINDS = tuple(ValType)


def _write_outcome(writer: Writer, effect: Effect) -> None:
    error = effect.error
    if effect.results is not None:
        writer.number(_RETURNED)
        writer.values(effect.type.results, effect.results)
    elif isinstance(error, Exit):
        writer.number(_EXITED)
        writer.number(error.code)
    elif isinstance(error, Trap):
        writer.number(_TRAPPED)
        writer.number([*TrapCode].index(error.trap_code))
    else:
        writer.number(_RAISED)
        text = f"{type(error).__name__}: {error}".encode("utf-8", "surrogatepass")
        writer.number(len(text))
        writer.out += text


def _read_effect(reader: Reader, world: World) -> Effect:
    name = _read_text(reader, "bytes of a name")
    params, results = (_read_kinds(reader) for _ in range(2))
    kind = FuncType(params, results)
    arguments = tuple(reader.values(params))
    given, error = _read_outcome(reader, kind)
    charged = reader.number(_MOST, "fuel of a call to the host")
    marks = {} if error is None else dict(vars(error))
    happened = _read_change(reader, world)
    return Effect(name, kind, arguments, given, error, marks, happened, charged)


def _read_text(reader: Reader, what: str) -> str:
    return reader.bytes(reader.count(_MOST, what)).decode("utf-8", "replace")


def _read_kinds(reader: Reader) -> tuple[ValType, ...]:
    count = reader.count(1_000, "types of a function")
    found = reader.bytes(count)
    if any(number >= len(_KINDS) for number in found):
        raise SuspensionError("a type that there is not")
    return tuple(_KINDS[number] for number in found)


def _read_outcome(
    reader: Reader, kind: FuncType
) -> tuple[tuple[Any, ...] | None, BaseException | None]:
    how = reader.number(_TRAPPED, "how a call to the host ended")
    if how == _RETURNED:
        return tuple(reader.values(kind.results)), None
    if how == _EXITED:
        return None, Exit(reader.number(0xFFFFFFFF, "an exit code"))
    if how == _TRAPPED:
        codes = [*TrapCode]
        return None, Trap(codes[reader.number(len(codes) - 1, "a trap")])
    return None, RecordedError(printable(_read_text(reader, "bytes of a message")))


def _write_change(writer: Writer, change: Change) -> None:
    for blocks, size in zip(change.blocks, change.sizes):
        writer.number(size)
        writer.number(len(blocks))
        for number, block in blocks:
            writer.number(number)
            writer.out += block
    world = World(writer.instance)
    writer.number(len(change.tables))
    for number, elements in change.tables:
        writer.number(number)
        writer.number(len(elements))
        writer.values([world.tables[number].element] * len(elements), elements)
    for item, value in zip(world.globals, change.globals):
        writer.value(item.type.value_type, value)
    for segments in (change.datas, change.elems):
        writer.number(segments is not None)
        for segment in segments[0] if segments else ():
            writer.number(not segment)


def _read_change(reader: Reader, world: World) -> Change:
    sizes: list[int] = []
    memories: list[tuple[tuple[int, bytes], ...]] = []
    for memory in world.memories:
        most = memory.limit * 16
        size = reader.number(most, "blocks of a memory")
        if size % 16:
            raise SuspensionError(f"a memory of {size} blocks, which are no pages")
        sizes.append(size)
        count = reader.count(size, "blocks of a memory", BLOCK + 1)
        memories.append(
            tuple(
                (reader.number(size - 1, "the number of a block"), reader.bytes(BLOCK))
                for _ in range(count)
            )
        )
    tables = tuple(_read_elements(reader, world) for _ in range(reader.count(1_000, "tables", 2)))
    values = tuple(reader.value(item.type.value_type) for item in world.globals)
    datas = _read_segments(reader, world.instances[0].datas, b"")
    elems = _read_segments(reader, world.instances[0].elems, ())
    return Change(tuple(memories), tuple(sizes), tables, values, datas, elems)


def _read_elements(reader: Reader, world: World) -> tuple[int, tuple[Any, ...]]:
    number = reader.number(len(world.tables) - 1, "the number of a table")
    table = world.tables[number]
    count = reader.count(table.limit, "elements of a table")
    return number, tuple(reader.value(table.element) for _ in range(count))


def _read_segments(reader: Reader, segments: Sequence[Any], nothing: Any) -> Any:
    if not reader.number(1, "whether segments were dropped"):
        return None
    return (tuple(nothing if reader.number(1, "a segment") else item for item in segments),)
