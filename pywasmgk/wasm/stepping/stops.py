"""What stops an execution: breakpoints before instructions, watchpoints on what these do.

A stop says before which instructions of a function it wants to be asked (``positions``); there it
is asked whether it holds (``holds``), and a watchpoint on changes once more behind the instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from ...errors import HostError, near_miss
from ..runtime.functions import Func
from ..valid.blockmap import BlockMap
from .activations import import_name, is_call, is_indirect

if TYPE_CHECKING:
    from ..isa import Instruction
    from ..module import Module
    from ..runtime.memory import Memory
    from .activations import Activation

__all__ = [
    "ON", "Breakpoint", "Probe", "Ranges", "Stop", "Touches", "Watchpoint", "memory_access",
    "memory_ranges",
]  # fmt: skip

#: what a watchpoint on memory waits for
ON = ("change", "write", "read", "access")

Condition = Callable[["Activation"], object]
#: how an instruction gets at something: ``"read"``, ``"write"``, both with a space between, or none
Access = Callable[["Activation"], str]
#: what that is for an instruction of a function, given its row and its immediate
Touches = Callable[[Func, "Instruction", Any], "Access | None"]


class Stop:
    """What stops an execution; ``condition`` is asked with the frame, and the first ``ignore``
    times that all holds are passed over."""

    #: it stops also who wants to run past all stops
    lasting = False
    #: it only looks: what is run again to go back is not shown to it
    observes = False

    def __init__(self, condition: Condition | None = None, ignore: int = 0) -> None:
        self.condition = condition
        self.ignore = ignore
        self.enabled = True
        #: of a watchpoint, what the latest change was: the value before it and behind it
        self.latest: tuple[Any, Any] | None = None
        #: how often it held
        self.hits = 0

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        """Before which instructions of a function it is to be asked."""
        raise NotImplementedError

    def holds(self, activation: Activation) -> bool:
        """Whether what it waits for is there, before the instruction."""
        return True

    def prepare(self, activation: Activation) -> bool:
        """Whether it is to be asked behind the instruction, too (``has_happened``)."""
        return False

    def has_happened(self) -> bool:
        """Whether the instruction did what it waits for."""
        return False

    def counts(self, activation: Activation) -> bool:
        """Takes note that it holds; gives whether the execution stops."""
        if self.condition is not None and not self.condition(activation):
            return False
        self.hits += 1
        return self.hits > self.ignore


class Probe(Stop):
    """Never stops, but is shown each instruction at its ``positions`` before it runs
    (``prepare``), and behind it too if that gives ``True`` (``has_happened``)."""

    lasting = True
    observes = True

    def holds(self, activation: Activation) -> bool:
        return False


class Breakpoint(Stop):
    """Stops before an instruction. All that is given must be so.

    ``function`` is an index or a name; alone it means the function's first instruction. ``offset``
    is in the module's file, ``line`` in the text that it was made from, or with ``file`` in that
    file of the source that the module was compiled from (of a source map, or with the extra
    ``dwarf``; folders may be left out), ``instruction`` a name of the text format or a pattern
    (``i32.div_*``), ``host_call`` a pattern over ``module.name`` of imports that the host's
    functions answer.
    """

    def __init__(
        self,
        function: int | str | None = None,
        *,
        offset: int | None = None,
        line: int | None = None,
        file: str | None = None,
        instruction: str | None = None,
        host_call: str | None = None,
        condition: Condition | None = None,
        ignore: int = 0,
    ) -> None:
        super().__init__(condition, ignore)
        self.function = function
        self.offset = offset
        self.line = line
        self.file = file
        self.instruction = instruction
        self.host_call = host_call
        if not self._given():
            raise ValueError("a breakpoint needs a function, an offset, a line or the like")
        if file is not None and line is None:
            raise ValueError(f"a breakpoint in {file!r} needs a line")

    def _given(self) -> dict[str, Any]:
        names = ("function", "offset", "file", "line", "instruction", "host_call")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def __repr__(self) -> str:
        given = " ".join(
            f"{name}={value:#x}" if name == "offset" else f"{name}={value!r}"
            for name, value in self._given().items()
        )
        return f"<Breakpoint {given}, {self.hits} hits>"

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        if not self._is_of(func):
            return
        given = self._given()
        if list(given) == ["function"]:
            yield 0
            return
        rows = _module(func).isa.rows
        first_of_line: set[int] = set()
        sources = self._in_source(_module(func))
        if sources is not None:
            # a function's own line begins at its locals, which are no instructions
            start = _module(func).function_offset(func.index)
            sources |= {body.base for one in sources if start <= one < body.base}
        for pc, (number, x) in enumerate(body.code):
            offset = body.base + body.offsets[pc]
            if self.offset is not None and offset != self.offset:
                continue
            if self.instruction is not None and not fnmatchcase(
                rows[number].name, self.instruction
            ):
                continue
            if self.host_call is not None and not self._may_call(func, rows[number], x):
                continue
            if sources is not None and offset not in sources:
                continue
            if self.line is not None and sources is None:
                if first_of_line or not self._is_on_line(func, offset):
                    continue
                first_of_line.add(self.line)
            yield pc

    def _is_of(self, func: Func) -> bool:
        if self.function is None:
            return True
        return self.function in (func.index, _module(func).function_name(func.index))

    def _in_source(self, module: Module) -> set[int] | None:
        """Where code of its line of a source file begins; ``None`` where it names none."""
        if self.file is None or self.line is None:
            return None
        return set(module.lines.offsets(self.file, self.line) if module.lines else ())

    def require_source(self, module: Module) -> None:
        """Raises HostError if it names a line of the source from which a module has no code, or
        none that is known."""
        if self.file is None or self.line is None or self._in_source(module):
            return
        table = {} if module.lines is None else module.lines.table
        if not table:
            raise HostError(
                "nothing is known of the module's source: it needs debug information (-g), and "
                "pywasmgk its extra dwarf (pip install 'pywasmgk[dwarf]'), or a source map"
            )
        names = [name for name in table if name == self.file or name.endswith(f"/{self.file}")]
        if not names:
            raise HostError(f"no code comes from {self.file!r}{near_miss(self.file, table)}")
        lines = sorted(number for name in names for number in table[name])
        near = ", ".join(map(str, sorted(lines, key=lambda one: abs(one - (self.line or 0)))[:3]))
        raise HostError(f"line {self.line} of {names[0]} has no code; there is at {near}")

    def _is_on_line(self, func: Func, offset: int) -> bool:
        source = _module(func).source
        place = None if source is None else source.place(offset)
        return place is not None and place.line == self.line

    def _may_call(self, func: Func, row: Instruction, x: Any) -> bool:
        if not is_call(row):
            return False
        return is_indirect(row) or self.is_called(_instance(func).funcs[x], func, x)

    def is_called(self, callee: Func | None, func: Func, index: int | None) -> bool:
        """Whether a function that is called, by its index or not, is one of ``host_call``."""
        if callee is None or callee.host is None:
            return False
        name = None if index is None else import_name(_module(func), index)
        return fnmatchcase(name or callee.name or "", self.host_call or "*")

    def holds(self, activation: Activation) -> bool:
        if self.host_call is None or not is_indirect(activation.row):
            return True
        return self.is_called(activation.callee(), activation.function, None)


def _module(func: Func) -> Any:
    return _instance(func).module


def _instance(func: Func) -> Any:
    return func.instance


class Watchpoint(Stop):
    """Stops at accesses to something: before a ``read`` or ``write`` (``access`` is either), behind
    a ``change``. Made by the ``watch_...`` methods of an execution.

    ``look`` gives the value that is watched, ``touches`` how an instruction gets there.
    """

    def __init__(
        self,
        title: str,
        on: str,
        look: Callable[[], Any],
        touches: Touches,
        condition: Condition | None = None,
        ignore: int = 0,
    ) -> None:
        super().__init__(condition, ignore)
        if on not in ON:
            raise ValueError(f"a watchpoint is on one of {', '.join(ON)}, found {on!r}")
        self.title = title
        self.on = on
        self._look = look
        self._touches = touches
        self._before: Any = None

    def __repr__(self) -> str:
        return f"<Watchpoint on {self.on} of {self.title}, {self.hits} hits>"

    def positions(self, func: Func, body: BlockMap) -> Iterator[int]:
        rows = _module(func).isa.rows
        for pc, (number, x) in enumerate(body.code):
            if self._touches(func, rows[number], x) is not None or (
                self.on == "change" and is_call(rows[number])
            ):
                yield pc

    def _access(self, activation: Activation) -> str:
        row, x = activation.row, activation.immediate
        how = self._touches(activation.function, row, x)
        return "" if how is None else how(activation)

    def holds(self, activation: Activation) -> bool:
        if self.on == "change":
            return False
        access = self._access(activation).split()
        return bool(access) if self.on == "access" else self.on in access

    def prepare(self, activation: Activation) -> bool:
        if self.on != "change":
            return False
        self._before = self._look()
        return True

    def has_happened(self) -> bool:
        now = self._look()
        if now is self._before or now == self._before:
            return False
        self.latest = self._before, now
        return True


# -- how instructions get at things, by what their rows say


#: the ranges of memory in a template, and whether they are written
_RANGE = re.compile(r"mem\[\{(\w)\}:\{\w\} \+ \{(\w)\}\]( =)?")


#: gives ranges of memory, of the operands of an instruction: address, length, whether it is written
Ranges = Callable[[Sequence[Any]], "Iterator[tuple[int, int, bool]]"]


def memory_ranges(row: Instruction, x: Any) -> Ranges | None:
    """How to find the ranges of memory that an instruction touches, if it does touch any."""
    if row.typing is None:
        return None
    if "memarg" in row.immediates:
        offset = x[0] if isinstance(x, tuple) else x
        kinds = [False] * bool(row.meaning) + [True] * bool(row.effect)

        def single(operands: Sequence[Any]) -> Iterator[tuple[int, int, bool]]:
            return ((operands[0] + offset, row.width, written) for written in kinds)

        return single
    ranges = _RANGE.findall(row.effect)

    def bulk(operands: Sequence[Any]) -> Iterator[tuple[int, int, bool]]:
        named = dict(zip("abc", operands))
        return ((named[address], named[count], bool(written)) for address, count, written in ranges)

    return bulk if ranges else None


def memory_access(memory: Memory, start: int, size: int) -> Touches:
    """How an instruction touches a range of a memory."""

    def overlaps(address: int, count: int) -> bool:
        return address < start + size and start < address + count

    def touches(func: Func, row: Instruction, x: Any) -> Access | None:
        if _instance(func).first_memory is not memory or row.typing is None:
            return None
        ranges, params = memory_ranges(row, x), len(row.typing.params)
        if ranges is None:
            return None
        return lambda now: " ".join(
            "write" if written else "read"
            for address, count, written in ranges(now.raw_operands(params))
            if overlaps(address, count)
        )

    return touches


def index_access(kind: str, concerns: Callable[[Func, int], bool]) -> Touches:
    """How instructions get at what an immediate of a kind names (``localidx``, ``globalidx``,
    ``tableidx``), if that is what is watched."""

    def touches(func: Func, row: Instruction, x: Any) -> Access | None:
        if row.form is not None:
            # only calls through tables: these are read
            return (lambda now: "read") if kind in row.immediates and concerns(func, x[1]) else None
        indices = x if isinstance(x, tuple) else (x,)
        named = zip(row.immediates, indices)
        if not any(name == kind and concerns(func, index) for name, index in named):
            return None
        access = "write" if row.effect or row.charge else "read"
        return lambda now: access

    return touches


def growth(memory: Memory) -> Touches:
    """How a memory grows."""

    def touches(func: Func, row: Instruction, x: Any) -> Access | None:
        grows = row.moves_memory and _instance(func).first_memory is memory
        return (lambda now: "write") if grows else None

    return touches
