"""Core dumps of executions that are held, and of calls that fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...errors import GuestError, PywasmgkError
from ..runtime.values import to_python
from ..runtime.witness import WITNESS, LeftFrame, Witness
from ..stepping.activations import typing_before
from ..stepping.world import BLOCK
from ..types import ValType
from .dump import CoreDump
from .parts import CoreFrame, CoreGlobal, CoreInstance, CoreMemory, CoreThread, CoreValue

if TYPE_CHECKING:
    from ..runtime.globals import Global
    from ..runtime.instance import Instance
    from ..runtime.memory import Memory
    from ..stepping.execution import Execution

__all__ = ["core_on_trap", "dump_of_execution"]

_THREAD = "main"
#: a function that is on the stack again and again is typed once for each place
_Kinds = dict[tuple[int, int, int], "tuple[Sequence[ValType], Sequence[ValType | None]]"]


class core_on_trap:
    """``with core_on_trap() as core:`` keeps what a guest was doing when a call inside failed, for
    ``core.dump``, a :class:`CoreDump`; ``None`` while nothing has.

    It is that of the exception that leaves the block, a trap or another GuestError, be it the cause
    of a plugin's CallError; frames, memories and globals are as it left them. Interpreted frames
    have locals and operands, exactly; compiled ones have places alone. What frames held is kept
    until the block ends. What this thread or task calls is looked at, by ``call_async`` too, and
    no thread that somebody else has begun. While nothing fails it costs nothing.
    """

    def __init__(self) -> None:
        self.dump: CoreDump | None = None
        self._witness = Witness()
        self._before: Witness | None = None

    def __enter__(self) -> core_on_trap:
        self._before = WITNESS.get()
        WITNESS.set(self._witness)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        WITNESS.set(self._before)
        seen, self._witness = self._witness, Witness()
        if seen.frames and seen.error is not None and seen.error in _causes(error):
            self.dump = _dump(seen.frames)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """A guest's exception, and what was raised for it."""
    known: set[int] = set()
    while isinstance(error, PywasmgkError) and id(error) not in known:
        known.add(id(error))
        if isinstance(error, GuestError):
            yield error
        error = getattr(error, "cause", None) or error.__cause__


def dump_of_execution(execution: Execution) -> CoreDump:
    """The dump of an execution, as it is now."""
    raw = reversed(execution.raw_frames)
    frames = [
        LeftFrame(activation.function.instance, activation.index, activation.offset, locals_, stack)  # type: ignore[arg-type]
        for activation, (_, stack, locals_, _) in zip(execution.frames, raw)
    ]
    return _dump(frames, execution.instance)


def _dump(frames: Sequence[LeftFrame], root: Instance | None = None) -> CoreDump:
    """A dump of frames, the innermost first, and all that their instances have."""
    first = [root] if root is not None else []
    # the outermost frame's is the program
    instances = _unique([*first, *(frame.instance for frame in reversed(frames))])
    modules = _unique(instance.module for instance in instances)
    memories = _unique(item for instance in instances for item in instance.memories)
    globals_ = _unique(item for instance in instances for item in instance.globals)
    numbers = {id(instance): number for number, instance in enumerate(instances)}
    kinds: _Kinds = {}
    names = [module.name or "" for module in modules]
    return CoreDump(
        names[0] if names else "",
        names,
        [_instance(instance, modules, memories, globals_) for instance in instances],
        [
            CoreThread(
                _THREAD,
                [
                    _frame(frame, numbers[id(frame.instance)], kinds, innermost=not position)
                    for position, frame in enumerate(frames)
                ],
            )
        ],
        [_memory(memory) for memory in memories],
        [_global(item) for item in globals_],
    )


def _unique(items: Iterable[Any]) -> list[Any]:
    return [*{id(item): item for item in items}.values()]


def _instance(
    instance: Instance, modules: Sequence[Any], memories: Sequence[Any], globals_: Sequence[Any]
) -> CoreInstance:
    def places(own: Sequence[Any], of: Sequence[Any]) -> list[int]:
        known = {id(item): number for number, item in enumerate(of)}
        return [known[id(item)] for item in own]

    (module,) = places([instance.module], modules)
    return CoreInstance(
        module, places(instance.memories, memories), places(instance.globals, globals_)
    )


def _frame(frame: LeftFrame, instance: int, kinds: _Kinds, *, innermost: bool) -> CoreFrame:
    offset = frame.offset - frame.instance.module.function_offset(frame.function)
    key = id(frame.instance.module), frame.function, frame.offset
    if key not in kinds:
        kinds[key] = _types(frame)
    locals_, operands = kinds[key]
    stack = frame.stack or ()
    if not innermost:
        # what the call has taken is there no more
        operands = operands[: len(stack)]
    # branches to a function's end leave what lies below its results
    values = stack[max(len(stack) - len(operands), 0) :]
    return CoreFrame(
        instance,
        frame.function,
        offset,
        _values(locals_, frame.locals),
        _values(operands, values),
    )


def _types(frame: LeftFrame) -> tuple[Sequence[ValType], Sequence[ValType | None]]:
    """Types of the locals of a frame, and of the operands before its instruction."""
    module = frame.instance.module
    body = module.block_map(frame.function)
    if frame.stack is None:
        return body.locals, ()
    operands, _ = typing_before(
        module, frame.function, body, body.offsets.index(frame.offset - body.base)
    )
    return body.locals, operands


def _values(
    kinds: Sequence[ValType | None], values: Sequence[Any] | None
) -> list[CoreValue | None]:
    """Values with their types; those that nobody knows are missing."""
    found: list[CoreValue | None] = [None] * len(kinds)
    for number, (kind, value) in enumerate(zip(kinds, values or ())):
        if kind in (ValType.I32, ValType.I64, ValType.F32, ValType.F64):
            found[number] = CoreValue(kind, to_python(kind, value))
    return found


def _memory(memory: Memory) -> CoreMemory:
    """A memory, without the blocks that are zero."""
    data, segments, zeros = memory.data, [], bytes(BLOCK)
    first = None
    for at in range(0, len(data) + BLOCK, BLOCK):
        used = at < len(data) and data[at : at + BLOCK] != zeros
        if used and first is None:
            first = at
        elif not used and first is not None:
            run = bytes(data[first:at]).rstrip(b"\0")
            held = run.lstrip(b"\0")
            segments.append((first + len(run) - len(held), held))
            first = None
    return CoreMemory(memory.pages, segments, memory.type.limits.max)


def _global(item: Global) -> CoreGlobal:
    kind = item.type.value_type
    value = None if kind.is_reference else to_python(kind, item.raw)
    return CoreGlobal(kind, value)
