"""A core dump, looked at with the debugger's commands: everything but going on.

Without its module a dump has frames by number, and what they held; with it names, code and lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DecodeError, Frame, HostError, SourceLine
from ..wasm.coredump.parts import CoreFrame, CoreValue
from ..wasm.stepping.activations import Variable
from ..wasm.types import ValType
from .console import COMMANDS, Console
from .views import Listings, source_of

if TYPE_CHECKING:
    from ..wasm.coredump.dump import CoreDump
    from ..wasm.coredump.parts import CoreMemory
    from ..wasm.module import Module
    from ..wasm.stepping.stops import Stop

__all__ = ["STILL", "PostMortem", "PostMortemConsole"]

#: commands that only look
_LOOKING = "where frame list locals stack globals memory print help quit".split()
#: why it does not go on
STILL = "this is a core dump: it can be looked at, but not go on or be changed"


class Missing:
    """Stands for a value that nobody knew."""

    def __repr__(self) -> str:
        return "(missing)"


class Item(NamedTuple):
    """A global."""

    type: ValType
    value: Any


class Dumped:
    """What an instance of a dump had, where an execution has an instance."""

    def __init__(self, dump: CoreDump, number: int, module: Module | None) -> None:
        instance = dump.instances[number]
        self.module = module
        self.memories: list[CoreMemory] = [dump.memories[index] for index in instance.memories]
        self.globals = [Item(*dump.globals[index]) for index in instance.globals]


@dataclass(frozen=True)
class DumpedFunction:
    """The function of a frame: expressions look for its instance."""

    instance: Dumped
    index: int


class DumpedFrame:
    """A frame of a dump, where an execution has an Activation."""

    def __init__(self, frame: CoreFrame, instance: Dumped) -> None:
        self._frame = frame
        self.function = DumpedFunction(instance, frame.function)
        self.index = frame.function
        self.module = instance.module
        base = 0 if self.module is None else self.module.function_offset(self.index)
        #: in the module's file, or from the function's beginning where there is no module
        self.offset = base + frame.offset
        self.place = (
            Frame(self.index, None, self.offset)
            if self.module is None
            else self.module.frame(self.index, self.offset)
        )

    @property
    def name(self) -> str | None:
        """The function's name, where that is known."""
        return self.place.name

    @property
    def source(self) -> tuple[SourceLine, ...]:
        """Where it is in the source that the module was compiled from."""
        return self.place.source

    @property
    def pc(self) -> int:
        """The position of the instruction in the function; there must be a module."""
        body: Any = None if self.module is None else self.module.block_map(self.index)
        return max(bisect_right(body.offsets, self.offset - body.base) - 1, 0)

    @property
    def locals(self) -> tuple[Variable, ...]:
        """Parameters and declared locals; those that are not in the dump are missing."""
        if self.module is None:
            return tuple(_variable(None, None, value) for value in self._frame.locals)
        names = self.module.names.locals.get(self.index, {})
        kinds = self.module.block_map(self.index).locals
        return tuple(
            _variable(names.get(number), kind, value)
            for number, (kind, value) in enumerate(zip_longest(kinds, self._frame.locals))
        )

    @property
    def operands(self) -> tuple[Variable, ...]:
        """The operand stack, the top last."""
        return tuple(_variable(None, None, value) for value in self._frame.stack)

    def arguments(self) -> tuple[Variable, ...]:
        """Nothing: the operands are there to be looked at."""
        return ()


def _variable(name: str | None, kind: ValType | None, value: CoreValue | None) -> Variable:
    return Variable(name, kind, Missing()) if value is None else Variable(name, *value)


class _Listings(Listings):
    def around(self, activation: Any, count: int) -> Iterator[str]:
        if activation.module is None:
            yield "   (no code: the module is not given)"
            return
        yield from super().around(activation, count)


class PostMortem:
    """A dump, where a debugger has an execution. Raises DecodeError for one of another module than
    ``module``."""

    def __init__(self, dump: CoreDump, module: Module | None = None) -> None:
        self.dump = dump
        number = _number_of(dump, module)
        instances = [
            Dumped(dump, at, module if instance.module == number else None)
            for at, instance in enumerate(dump.instances)
        ]
        for frame in dump.frames:
            if module is not None and dump.instances[frame.instance].module == number:
                _require(frame, module)
        self.frames = tuple(DumpedFrame(frame, instances[frame.instance]) for frame in dump.frames)
        empty = Dumped.__new__(Dumped)
        empty.module, empty.memories, empty.globals = module, [], []
        #: it does not go on, nor back
        self.steps = self.earliest = self.fuel_used = 0
        self.done, self.trap, self.pending, self.closed = False, None, None, True
        self.stops: tuple[Stop, ...] = ()
        self.stopped_by: tuple[Stop, ...] = ()
        #: what the frame that is looked at first can reach
        self.instance = (
            self.frames[0].function.instance if self.frames else next(iter(instances), empty)
        )

    @property
    def depth(self) -> int:
        """How many frames there are."""
        return len(self.frames)

    def step(self, *args: Any, **options: Any) -> str:
        """Raises HostError."""
        raise HostError(STILL)

    run = step_over = step_out = rewind = goto = reverse_run = reverse_step_over = step
    add = remove = set_local = set_global = write_memory = step

    def close(self) -> None:
        """Does nothing."""


def _number_of(dump: CoreDump, module: Module | None) -> int:
    """Which of the dump's modules a module is: by name, else the one of the innermost frame."""
    name = None if module is None else module.name
    if name is not None and list(dump.modules).count(name) == 1:
        return list(dump.modules).index(name)
    return dump.instances[dump.frames[0].instance].module if dump.frames else 0


def _require(frame: CoreFrame, module: Module) -> None:
    """Raises DecodeError for a frame that is none of a module."""
    first, index = module.import_counts["func"], frame.function
    if not first <= index < len(module.functions):
        raise DecodeError(f"a core dump of another module: this one defines no function {index}")
    start, end = module.bodies[index - first]
    body = module.block_map(index)
    if frame.offset >= end - start or len(frame.locals) not in (0, len(body.locals)):
        raise DecodeError(f"a core dump of another module: function {index} is not this one")
    kinds: Sequence[ValType] = body.locals
    for value, kind in zip(frame.locals, kinds):
        if value is not None and value.type is not kind:
            raise DecodeError(f"a core dump of another module: function {index} has other locals")


class PostMortemConsole(Console):
    """The line debugger on a core dump."""

    def __init__(self, subject: PostMortem) -> None:
        held: Any = subject
        super().__init__(held)
        self.subject = subject
        self.listings = _Listings()

    def greet(self) -> Iterator[str]:
        """What is said at the beginning."""
        yield f"{self.subject.dump!r}: help lists the commands"
        if self.subject.instance.module is None:
            yield "offsets count from where functions begin: the module is not given"
        yield from self._here()

    @property
    def progress(self) -> str:
        """How far it is."""
        return f"core dump, frame {self.frame} of {len(self.subject.frames)}"

    def execute(self, line: str) -> Iterator[str]:
        """Carries out a line, unless it would have the guest go on."""
        command = COMMANDS.get((line.split() or [""])[0])
        if command is not None and command.names[0] not in _LOOKING:
            yield f"error: {STILL}"
            return
        yield from super().execute(line)

    def global_names(self) -> Mapping[int, str]:
        """What globals are called, where the module is given."""
        module = self.subject.instance.module
        return {} if module is None else module.names.globals

    def _here(self) -> Iterator[str]:
        if not self.subject.frames:
            yield "no frames"
            return
        activation = self._activation()
        yield f"frame {self.frame} of {len(self.subject.frames)}: {activation.place}"
        yield from source_of(activation)
        yield from self.listings.around(activation, 9)
