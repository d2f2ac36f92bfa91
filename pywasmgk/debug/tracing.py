"""A trace: each instruction that is wanted, with what it takes and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from ..wasm.isa import CONTROL_FORMS
from ..wasm.runtime.values import to_python
from ..wasm.stepping.activations import is_call, is_indirect, typing_before
from ..wasm.stepping.stops import Probe, Ranges, memory_access, memory_ranges
from ..wasm.types import ValType
from .chains import module_of
from .lines import Line, Lines

if TYPE_CHECKING:
    from ..wasm.isa import Instruction
    from ..wasm.runtime.functions import Func
    from ..wasm.stepping.activations import Activation
    from ..wasm.stepping.execution import Execution
    from ..wasm.valid.blockmap import BlockMap

__all__ = ["KINDS", "Event", "Tracer", "event_text"]

#: kinds of instructions that have a word of their own
KINDS: dict[str, Callable[[Instruction], bool]] = {
    "load": lambda row: "memarg" in row.immediates and bool(row.meaning),
    "store": lambda row: "memarg" in row.immediates and bool(row.effect),
    "calls": lambda row: is_call(row),
    "branches": lambda row: row.form is not None and CONTROL_FORMS[row.form].branches,
}
_TYPES = {str(kind): kind for kind in ValType}
#: how deep a line of text is indented at most
_DEEPEST = 16


class Event(NamedTuple):
    """An instruction that was executed."""

    #: instructions executed before it
    step: int
    #: frames, with its own
    depth: int
    function: int
    name: str | None
    offset: int
    #: its line, of the text that the module was made from, or of its source, if one is known
    line: Line | None
    instruction: str
    #: what it took, the topmost last, as hosts see it
    operands: tuple[Any, ...]
    #: what it gave; of a call only what the host gave
    results: tuple[Any, ...]
    #: where it touched memory first, and how many bytes there
    address: int | None
    size: int | None
    #: what it ended with, if that was an exception
    trap: str | None


class _Shape(NamedTuple):
    """What is known of an instruction before it runs."""

    name: str | None
    offset: int
    line: Line | None
    text: str
    #: which ranges of memory it touches, if it does
    ranges: Ranges | None
    params: Sequence[ValType | None]
    results: Sequence[ValType | None]


class Tracer(Probe):
    """Gives the instructions that an execution runs to ``write``, those that are wanted.

    ``functions`` are indices and patterns over names, ``instructions`` patterns over names of the
    text format and words of KINDS; without any all are wanted. ``memory`` is a range, a start and a
    length: only what touches it. When ``limit`` events are written, the execution stops.
    """

    def __init__(
        self,
        execution: Execution,
        write: Callable[[Event], object],
        *,
        functions: Sequence[int | str] = (),
        instructions: Sequence[str] = (),
        memory: tuple[int, int] | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__()
        self.execution = execution
        self.limit = limit
        #: events so far
        self.written = 0
        self._write = write
        self._functions = functions
        self._instructions = instructions
        own = execution.instance.first_memory
        self._touches = None
        if memory is not None:
            self._touches = (lambda *_: None) if own is None else memory_access(own, *memory)
        self._shapes: dict[tuple[Func, int], _Shape] = {}
        self._lines: dict[int, Lines] = {}
        self._now: tuple[Activation, Event, _Shape] | None = None

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.written >= self.limit

    # -- what is wanted

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        if not self._wants(func):
            return
        rows = module_of(func).isa.rows
        for pc, (number, x) in enumerate(body.code):
            row = rows[number]
            if self._instructions and not any(_is_of(row, word) for word in self._instructions):
                continue
            if self._touches is None or self._touches(func, row, x) is not None:
                yield pc

    def _wants(self, func: Func) -> bool:
        name = module_of(func).function_name(func.index) or ""
        return not self._functions or any(
            func.index == wanted if isinstance(wanted, int) else fnmatchcase(name, wanted)
            for wanted in self._functions
        )

    def holds(self, activation: Activation) -> bool:
        return self.is_full

    # -- what happens

    def prepare(self, activation: Activation) -> bool:
        if self._touches is not None:
            access = self._touches(activation.function, activation.row, activation.immediate)
            if access is None or not access(activation):
                return False
        shape = self._shape(activation)
        taken = activation.raw_operands(len(shape.params))
        address, size, _ = (None, None, None) if shape.ranges is None else next(shape.ranges(taken))
        event = Event(
            self.execution.steps, self.execution.depth, activation.index, shape.name, shape.offset,
            shape.line, shape.text, tuple(map(_seen, shape.params, taken)), (), address, size, None,
        )  # fmt: skip
        self._now = activation, event, shape
        return True

    def has_happened(self) -> bool:
        if self._now is not None:
            activation, event, shape = self._now
            self._now = None
            if self.execution.trap is not None:
                event = event._replace(trap=str(self.execution.trap).split("\n")[0])
            elif shape.results:
                given = activation.raw_operands(len(shape.results))
                event = event._replace(results=tuple(map(_seen, shape.results, given)))
            self.written += 1
            self._write(event)
        return False

    def _shape(self, activation: Activation) -> _Shape:
        key = activation.function, activation.pc
        shape = self._shapes.get(key)
        if shape is None:
            module = activation.module
            lines = self._lines.setdefault(id(module), Lines(module))
            shape = self._shapes[key] = _shape(activation, lines)
        return shape


def _is_of(row: Instruction, word: str) -> bool:
    return KINDS[word](row) if word in KINDS else fnmatchcase(row.name, word)


def _seen(kind: ValType | None, value: Any) -> Any:
    return value if kind is None else to_python(kind, value)


def _shape(activation: Activation, lines: Lines) -> _Shape:
    """What an instruction takes and gives, by its row and by validation."""
    module, row, x = activation.module, activation.row, activation.immediate
    body = module.block_map(activation.index)
    kinds, _ = typing_before(module, activation.index, body, activation.pc)
    results: list[ValType | None] = []
    if row.typing is not None:
        count = len(row.typing.params)
        variable = kinds[-count] if count else _variable(activation, row, x)
        results = [_TYPES.get(name, variable) for name in row.typing.results]
    elif is_call(row):
        indirect = is_indirect(row)
        type_ = x[0] if indirect else module.functions[x]
        count = len(type_.params) + indirect
        callee = activation.callee()
        if callee is not None and callee.host is not None:
            results = [*type_.results]
    else:
        count = int(CONTROL_FORMS[row.form or "nop"].chooses)
    offset = activation.offset
    return _Shape(
        module.function_name(activation.index),
        offset,
        lines.at(offset),
        activation.instruction,
        memory_ranges(row, x),
        kinds[len(kinds) - count :],
        results,
    )


def _variable(activation: Activation, row: Instruction, x: Any) -> ValType | None:
    """The type of what an instruction reads that its immediate names."""
    found: ValType | None = None
    if "localidx" in row.immediates:
        found = activation.module.block_map(activation.index).locals[x]
    elif "globalidx" in row.immediates:
        found = activation.module.globals[x].value_type
    return found


def event_text(event: Event) -> str:
    """An event as a line."""
    indent = "  " * min(event.depth - 1, _DEEPEST)
    name = f"${event.name}" if event.name else f"function {event.function}"
    head = f"{event.step:>10,} {event.offset:#8x}  {indent}{name}  {event.instruction}"
    values = ", ".join(map(_short, event.operands))
    if event.address is not None:
        values = f"[{event.address:#x}] {values}"
    if event.results:
        values += f" -> {', '.join(map(_short, event.results))}"
    if event.trap:
        values += f" !! {event.trap}"
    return f"{head:<56} ;; {values.strip()}" if values.strip() else head


def _short(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else f"{value!r:.60}"
