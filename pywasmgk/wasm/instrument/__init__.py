"""Modules that keep our bounds in any engine: fuel, test points, call depth and sizes are code of
their own.

``instrument`` gives the bytes of a module that does what the original does, and counts. It imports
two functions from module ``pywasmgk``:

``refill(i64) -> i64``
    is called at the first test point at which more is charged than was given, with what is left,
    below zero. It gives what is left now, or does not return.
``exhausted()``
    is called where a call would be deeper than ``pywasmgk.depth`` allows. It must not return.

It exports two globals, to be set before a call and read behind it: ``pywasmgk.fuel``, instructions
that are left (i64), and ``pywasmgk.depth``, frames that are left (i32); of a module with tags
``pywasmgk.unspent`` too, what an exception that left it had passed by, which is to be given back.
A start function is not run but exported, as ``pywasmgk.start``, since it is to be bounded like any
other. Functions are behind the added imports; other index spaces begin as they were.

The charges are those of the block map, and so the numbers are those of the tiers.
"""

from __future__ import annotations

import weakref
from array import array
from bisect import bisect_right
from typing import Any, NamedTuple

from ...errors import LinkError
from ..module import Module
from ..runtime.calls import Opened
from ..runtime.defaults import DEFAULT_MEMORY_LIMIT, DEFAULT_TABLE_LIMIT, DEFAULT_TIMEOUT
from ..runtime.metering import CancelToken, Meter
from ..text.encoding import unsigned
from ..types import ValType
from ..watch import Watch
from .bodies import BodyWriter
from .plan import MODULE, Options, Plan
from .sections import SectionWriter

__all__ = ["MODULE", "Instrumented", "Options", "Place", "instrument"]

#: stands for the origin of what is in the place of no instruction; that of others is in a file
_NOWHERE = -1 << 62


class Place(NamedTuple):
    """An instruction of the original module."""

    #: index of its function
    function: int
    #: its offset in the file
    offset: int


class Instrumented:
    """An instrumented module, and where its code comes from."""

    def __init__(self, module: Module, options: Options, name: str | None = None) -> None:
        self.module = module
        self.options = options
        #: its own name, by which an engine's traces tell it
        self.name = name or ""
        #: what engines have made of it
        self.compiled: dict[Any, Any] = {}
        #: those that run it
        self.instances: weakref.WeakSet[Any] = weakref.WeakSet()
        self.plan = plan = Plan(module, options)
        self._first = module.import_counts["func"]
        #: what frames of functions take of the call depth, of those that call others
        self.depths: dict[int, int] = {}
        code = self._code()
        head = bytearray(b"\0asm\1\0\0\0")
        writer = SectionWriter(plan)
        #: where each body begins in the new file
        self._starts: list[int] = []
        self._origins: dict[int, tuple[array[int], array[int]]] = {}
        for number, content in writer.sections(code):
            head += bytes([number]) + unsigned(len(content))
            if number == 10:
                self._starts = [len(head) + start for start in self._relative]
            head += content
        names = writer.names(name)
        head += b"\0" + unsigned(len(names)) + names
        self.data = bytes(head)

    def _code(self) -> bytes:
        plan, module = self.plan, self.module
        bodies = []
        for index in range(self._first, len(module.functions)):
            # which looks at the clock, since it validates
            writer = BodyWriter(plan, index)
            pieces = writer.write()
            if writer.deep:
                self.depths[index] = writer.body.depth
            bodies.append(b"".join([data for data, _, _ in pieces]))
        bodies += [plan.body_of(helper) for helper in plan.helpers]
        code = bytearray(unsigned(len(bodies)))
        self._relative = []
        for body in bodies:
            code += unsigned(len(body))
            self._relative.append(len(code))
            code += body
        return bytes(code)

    def global_kind(self, name: str) -> ValType:
        """The type of the value of a global that was added or exposed, by its export's name."""
        _, _, index = name.rpartition(".")
        return self.module.globals[int(index)].value_type if index.isdigit() else ValType.I32

    def beginning(self, function: int) -> int:
        """Where the code of a function of its own begins, by its index in the new file."""
        return self._starts[function - self._first - self.plan.shift]

    def place(self, offset: int) -> Place | None:
        """The instruction that an offset in the new file belongs to; ``None`` in what stands for
        an instruction of a caller."""
        number = bisect_right(self._starts, offset) - 1
        if not 0 <= number < len(self.module.bodies):
            return None
        rest = offset - self._starts[number]
        index = self._first + number
        starts, origins = self._origins_in(index)
        piece = bisect_right(starts, rest) - 1
        origin = origins[piece]
        if rest >= starts[-1] or origin == _NOWHERE:
            return None
        return Place(index, origin + rest - starts[piece] if origin >= 0 else ~origin)

    def _origins_in(self, index: int) -> tuple[array[int], array[int]]:
        """Where the pieces of a function's new body begin, its end behind them, and where each
        comes from: the complement of that where it stands in the place of the instruction there.
        A trace asks for the same ones again and again."""
        if index not in self._origins:
            starts, origins = array("Q", [0]), array("q")
            for data, origin, copied in BodyWriter(self.plan, index).write():
                starts.append(starts[-1] + len(data))
                origins.append(origin if copied else ~origin if origin >= 0 else _NOWHERE)
            origins.append(_NOWHERE)
            self._origins[index] = starts, origins
        return self._origins[index]


def instrument(
    module: Module | bytes | str,
    *,
    memory_limit: int = DEFAULT_MEMORY_LIMIT,
    table_limit: int = DEFAULT_TABLE_LIMIT,
    timeout: float | None = DEFAULT_TIMEOUT,
    cancel: CancelToken | None = None,
) -> bytes:
    """The bytes of a module that counts fuel and call depth as pywasmgk does, for any engine.

    ``module`` may be its bytes, or its text in WAT; it is validated first. Its memories get no more
    than ``memory_limit`` pages, its tables together no more than ``table_limit`` elements. What it
    imports and exports besides is told in :mod:`pywasmgk.wasm.instrument`. All of it ends after
    ``timeout`` seconds, or when ``cancel`` is used. Raises what ``Module`` does, LinkError for one
    that has more from the beginning, and ValidationError for the legacy encoding of exceptions.
    """
    watch = Watch(timeout, cancel)
    if not isinstance(module, Module):
        module = Module(module, timeout=timeout, cancel=cancel)
    options = Options(memory_limit, table_limit)
    require_room(module, options)
    with Opened(Meter(None, watch.left(), cancel)) as meter:
        meter.look()
        made = Instrumented(module, options)
        if made.plan.catches and not made.plan.throws and module.import_counts["func"]:
            # without a tag of its own it catches whatever the host throws
            made = Instrumented(module, options._replace(throws=True))
    return made.data


def require_room(module: Module, options: Options) -> None:
    """Raises LinkError for a module that begins with more than the limits allow."""
    for memory in module.memories[module.import_counts["memory"] :]:
        if memory.limits.min > options.memory_limit:
            raise LinkError(
                f"section memory: min {memory.limits.min} pages over limit of "
                f"{options.memory_limit} pages"
            )
    needed = sum(table.limits.min for table in module.tables[module.import_counts["table"] :])
    if needed > options.table_limit:
        raise LinkError(f"tables: {needed} elements over limit of {options.table_limit} elements")
