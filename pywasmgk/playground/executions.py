"""An execution that the page holds: it goes on in slices, so that whoever drives it can stop
between any two, and shows where it is as plain data."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from ..debug.listing import value_texts
from ..debug.trail import Trail
from ..debug.views import value_text
from ..error_forms import error_form
from ..errors import Exit, HostError, PywasmgkError
from ..plugin.held import HeldCall
from ..printable import printable
from ..wasm.runtime.value_words import as_json, parse_value
from ..wasm.stepping.activations import Activation, Variable
from ..wasm.stepping.execution import Execution
from ..wasm.stepping.stops import Breakpoint, Stop
from ..wasm.types import ValType
from .terminal import Terminal

__all__ = ["GOES_BACK", "Held"]

#: seconds that a slice should take, and instructions that it may have
_SLICE = 0.04
_FEWEST, _FIRST, _MOST = 200, 5_000, 2_000_000
#: what of lists is shown: values, frames
_VALUES, _FRAMES = 200, 50
#: types of which a word makes a value
_WORDS = (ValType.I32, ValType.I64, ValType.F32, ValType.F64)
#: bytes of a memory that are shown at once at most
_BYTES = 4096
#: ways back, which are not sliced: what lies between two checkpoints is run again, no more
GOES_BACK = ("back", "back-run", "goto")


class Held:
    """An execution, how it goes on, and what changed since it stopped before."""

    def __init__(
        self, execution: Execution, terminal: Terminal, title: str, offsets: Iterable[int] = ()
    ) -> None:
        self.execution = execution
        self.terminal = terminal
        self.title = title
        self.trail = Trail(execution)
        self.stops: dict[int, Stop] = {}
        self._numbers = 0
        self._size = _FIRST
        self._furthest = 0
        #: goes on by at most so many instructions, the way that was begun
        self._advance: Callable[[int], str] = execution.step
        self._values: dict[str, str] = {}
        self._bytes: tuple[int, bytes] = (0, b"")
        self._why = "start"
        for offset in offsets:
            self.toggle(offset)

    # -- going on

    def go(self, way: str, count: int = 1) -> bool:
        """One slice of a way: ``run``, ``step``, ``over``, ``out``, ``back``, ``back-run``, or
        ``goto`` (with a step). Whether it has come to its end; else it is to be called again with
        the ``way`` ``on``. Raises HostError for a way that there is none."""
        if way in GOES_BACK:
            return self._back(way, count)
        held = self.execution
        if held.done or not self._admitted():
            return True
        if way == "step":
            self._why = self._one()
            return True
        if way == "on":
            self._why = self._slice()
            return bool(self._why)
        depth = held.depth
        if way == "over":
            self._why = self._one()
            self._advance = lambda n: held.come_back(depth, n)
            return self._why != "step" or held.depth <= depth
        if way not in ("run", "out"):
            raise HostError(f"there is no way {way!r}")
        self._advance = held.step if way == "run" else lambda n: held.come_back(depth - 1, n)
        self._why = self._slice()
        return bool(self._why)

    def _one(self) -> str:
        """Executes one instruction; if that is a call that reads, once it can be answered."""
        why = self.trail.step()
        return self.trail.step() if why == "pending" and self._admitted() else why

    def _slice(self) -> str:
        """Executes some instructions; gives why it has come to its end, nothing if it has not."""
        began = time.perf_counter()
        why = self._advance(self._size)
        took = time.perf_counter() - began
        wanted = int(self._size * min(max(_SLICE / max(took, 1e-6), 0.25), 2))
        self._size = min(max(wanted, _FEWEST), _MOST)
        goes_on = why == "step" or (why == "pending" and self._admitted())
        return "" if goes_on else why

    def _admitted(self) -> bool:
        """Whether it can go on: it can unless it is before a call that has to wait for input."""
        pending = self.execution.pending
        if pending is None:
            return True
        if not self.terminal.admits(pending, self.execution.instance):
            self._why = "pending"
            return False
        self.execution.accept()
        return True

    def _back(self, way: str, count: int) -> bool:
        held = self.execution
        if way == "back-run":
            self._why = held.reverse_run()
            return True
        step = max(count if way == "goto" else held.steps - count, held.oldest)
        if step <= held.steps:
            self._why = held.goto(step)
            return True
        # on again to what was seen before, in slices as well
        step = min(step, self._furthest)
        self._advance = lambda n: self._forward(step, n)
        self._why = self._slice()
        return bool(self._why)

    def _forward(self, step: int, n: int) -> str:
        held = self.execution
        why = held.goto(min(step, held.steps + n))
        return "until" if why == "step" and held.steps >= step else why

    def note_stop(self, why: str) -> None:
        """It was stopped between two slices."""
        self._why = why

    @property
    def waits(self) -> bool:
        """Whether the program waits for a line of input."""
        return self.execution.pending is not None

    # -- changing what it works on

    def put(self, kind: str, number: int, word: str) -> None:
        """Sets a ``local`` of the innermost frame, or a ``global``. Raises HostError for a word
        that is no such value, and for what cannot be set."""
        self._require_live()
        held = self.execution
        try:
            if kind == "local":
                kind_of = held.frames[0].locals[number].type or ValType.I32
                held.set_local(number, parse_value(kind_of, word))
            else:
                kind_of = held.instance.globals[number].type.value_type
                held.set_global(number, parse_value(kind_of, word))
        except (ValueError, OverflowError, IndexError, TypeError) as error:
            raise HostError(f"{kind} {number} is not set: {error}") from None
        self._furthest = held.steps

    def write(self, start: int, data: str) -> None:
        """Overwrites bytes of the first memory, given in hexadecimal. Raises HostError."""
        self._require_live()
        try:
            content = bytes.fromhex(data)
            self.execution.write_memory(start, content)
        except (ValueError, IndexError) as error:
            raise HostError(f"nothing is written: {error}") from None
        self._furthest = self.execution.steps

    def _require_live(self) -> None:
        if self.execution.done:
            raise HostError("the call is over: go back before something is changed")

    # -- stops

    def toggle(self, offset: int) -> None:
        """Sets a breakpoint before the instruction at an offset, or takes it away."""
        for number, stop in self.stops.items():
            if isinstance(stop, Breakpoint) and stop.offset == offset:
                self.remove(number)
                return
        self._add(self.execution.break_at(offset=offset))

    def watch(self, start: int, size: int, on: str) -> None:
        """Adds a watchpoint on memory. Raises IndexError outside of it."""
        self._add(self.execution.watch_memory(start, size, on))

    def remove(self, number: int) -> None:
        """Takes a stop away. Raises HostError where there is none of that number."""
        stop = self.stops.pop(number, None)
        if stop is None:
            raise HostError(f"there is no stop {number}")
        self.execution.remove(stop)

    @property
    def offsets(self) -> list[int]:
        """Where breakpoints are."""
        stops = self.stops.values()
        found = (one.offset for one in stops if isinstance(one, Breakpoint))
        return [offset for offset in found if offset is not None]

    def _add(self, stop: Stop) -> None:
        self._numbers += 1
        self.stops[self._numbers] = stop

    # -- what there is to see

    def form(self) -> dict[str, Any]:
        """Where it is, on one look: step, frames, values, stops."""
        held = self.execution
        self._furthest = max(self._furthest, held.steps)
        self.trail.follow()
        frames = held.frames
        shown = frames[0] if frames else None
        form = {
            "title": self.title,
            "function": held.func.index,
            "steps": held.steps,
            "oldest": held.oldest,
            "furthest": self._furthest,
            "fuel": held.fuel_used,
            "why": self._why,
            "done": held.done,
            "waits": self.waits,
            "frames": [_frame(one) for one in frames[:_FRAMES]],
            "depth": len(frames),
            "stops": [self._stop(number, one) for number, one in self.stops.items()],
            "globals": self._globals(),
            "address": self.trail.address,
            "pages": held.instance.memories[0].pages if held.instance.memories else 0,
            **self._end(),
        }
        if shown is not None:
            form |= self._frame_values(shown)
        return form

    def _end(self) -> dict[str, Any]:
        held = self.execution
        if not held.done:
            return {}
        if isinstance(held.trap, Exit):
            return {"exit": held.trap.code}
        if held.trap is not None:
            return {"error": error_form(held.trap)}
        try:
            found = held.results
        except PywasmgkError as error:
            return {"error": error_form(error)}
        if isinstance(held, HeldCall):
            return {"results": [printable(json.dumps(found, ensure_ascii=False), lines=True)]}
        return {"results": results_form(found)}

    def _frame_values(self, shown: Activation) -> dict[str, Any]:
        beside = value_texts(self.trail.beside(self.execution.depth, shown.function))
        body = shown.module.block_map(shown.index)
        locals_ = [
            self._variable(f"{shown.index} {number}", one, f"l{number}")
            for number, one in enumerate(shown.locals[:_VALUES])
        ]
        operands = () if self.execution.done else shown.operands[-_VALUES:]
        return {
            "function": shown.index,
            "here": shown.offset,
            "line": shown.line,
            "locals": locals_,
            "operands": [
                {
                    "title": f"s{number}",
                    "type": str(one.type or "?"),
                    "value": value_text(one.value),
                }
                for number, one in enumerate(reversed(operands))
            ],
            "values": {
                body.base + body.offsets[pc]: printable(text) for pc, text in beside.items()
            },
        }

    def _globals(self) -> list[dict[str, Any]]:
        items = self.execution.instance.globals[:_VALUES]
        names = self.execution.instance.module.names.globals
        return [
            self._variable(
                f"g{number}",
                Variable(names.get(number), one.type.value_type, one.value),
                f"g{number}",
                fixed=not one.type.mutable,
            )
            for number, one in enumerate(items)
        ]

    def _variable(
        self, key: str, one: Variable, title: str, *, fixed: bool = False
    ) -> dict[str, Any]:
        text = value_text(one.value)
        changed = self._values.get(key, text) != text
        self._values[key] = text
        shown = f"${printable(one.name)}" if one.name else title
        form = {"title": shown, "type": str(one.type), "value": printable(text), "changed": changed}
        if one.type in _WORDS and not fixed and not self.execution.done:
            # what it is as a word, which another one may take the place of
            form["word"] = str(one.value)
        return form

    def _stop(self, number: int, stop: Stop) -> dict[str, Any]:
        offset = stop.offset if isinstance(stop, Breakpoint) else None
        text = repr(stop).strip("<>")
        if stop.latest is not None and isinstance(stop.latest[0], bytes):
            text += ": " + " became ".join(one.hex(" ") for one in stop.latest)
        here = stop in self.execution.stopped_by
        return {"number": number, "offset": offset, "text": printable(text), "here": here}

    def memory(self, start: int, size: int) -> dict[str, Any]:
        """Bytes of the first memory, and which of them changed since they were asked for before."""
        memories = self.execution.instance.memories
        if not memories:
            return {"start": 0, "size": 0, "bytes": "", "changed": []}
        whole = len(memories[0])
        start = max(min(start, whole - 1), 0)
        data = memories[0].read(start, min(size, _BYTES, whole - start))
        before_start, before = self._bytes
        known = before_start == start and len(before) == len(data)
        changed = [at for at in range(len(data)) if known and before[at] != data[at]]
        self._bytes = start, data
        return {"start": start, "size": whole, "bytes": data.hex(), "changed": changed}


def results_form(results: Any) -> list[str]:
    """Results of a call as words."""
    values = results if isinstance(results, (list, tuple)) else [] if results is None else [results]
    return [printable(str("null" if one is None else as_json(one))) for one in values]


def _frame(one: Activation) -> dict[str, Any]:
    title = printable(one.name or f"function {one.index}")
    return {"title": title, "index": one.index, "offset": one.offset, "line": one.line}
