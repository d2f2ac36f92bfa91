"""The requests of the Debug Adapter Protocol that set breakpoints."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..wasm.stepping.activations import Activation
from ..wasm.stepping.stops import Breakpoint, Stop
from .debuggee import GLOBALS, LOCALS, Arguments, Debuggee, Handler, scope_of
from .expressions import Expression, ExpressionError

__all__ = ["StopRequests"]

_HIT = re.compile(r"\s*(>=|>|)\s*(\d{1,15})\s*")
_ACCESSES = {"read": "read", "readWrite": "access"}


class StopRequests:
    """The stops that a client has set, by what it set them with: each request has those of its kind
    take the place of the ones before."""

    def __init__(self, debuggee: Debuggee) -> None:
        self._debuggee = debuggee
        self._stops: dict[str, list[Stop]] = {}
        self._ids: dict[int, int] = {}
        self._latest = 0

    @property
    def handlers(self) -> dict[str, Handler]:
        """What answers which request."""
        return {
            "setBreakpoints": self.set_breakpoints,
            "setFunctionBreakpoints": self.set_function_breakpoints,
            "setInstructionBreakpoints": self.set_instruction_breakpoints,
            "dataBreakpointInfo": self.data_breakpoint_info,
            "setDataBreakpoints": self.set_data_breakpoints,
        }

    def hit(self, stops: Sequence[Stop]) -> dict[str, Any]:
        """What an event says of the stops that were come to."""
        found = [self._ids[id(stop)] for stop in stops if id(stop) in self._ids]
        return {"hitBreakpointIds": found} if found else {}

    def _replace(self, kind: str, stops: Sequence[Stop | None]) -> list[dict[str, Any]]:
        held = self._debuggee.held
        if self._debuggee.is_still:
            return [{"verified": False, "message": "a core dump does not go on"} for _ in stops]
        for old in self._stops.pop(kind, []):
            held.remove(old)
            self._ids.pop(id(old), None)
        made = self._stops[kind] = [stop for stop in stops if stop is not None]
        for stop in made:
            if stop not in held.stops:
                held.add(stop)
            self._latest += 1
            self._ids[id(stop)] = self._latest
        return [
            {"verified": False} if stop is None else {"verified": True, "id": self._ids[id(stop)]}
            for stop in stops
        ]

    def _options(self, wanted: Arguments) -> dict[str, Any]:
        """Condition, hits and log message of a breakpoint."""
        options: dict[str, Any] = {}
        condition = Expression(str(wanted["condition"])).value if wanted.get("condition") else None
        if condition is not None:
            options["condition"] = condition
        if wanted.get("hitCondition"):
            found = _HIT.fullmatch(str(wanted["hitCondition"]))
            if found is None:
                raise ExpressionError("a hit condition is a number, with > or >= before it or not")
            options["ignore"] = int(found[2]) - (found[1] != ">")
        if wanted.get("logMessage"):
            options["condition"] = self._logging(str(wanted["logMessage"]), condition)
        return options

    def _logging(
        self, message: str, condition: Callable[[Activation], object] | None
    ) -> Callable[[Activation], bool]:
        """A condition that never holds, and says a message where another one does."""
        parts = re.split(r"\{([^{}]*)\}", message)
        expressions = [Expression(part) for part in parts[1::2]]

        def log(activation: Activation) -> bool:
            if condition is None or condition(activation):
                values = [str(expression.value(activation)) for expression in expressions]
                text = "".join(one + other for one, other in zip(parts[::2], [*values, ""]))
                self._debuggee.event("output", category="console", output=f"{text}\n")
            return False

        return log

    # -- places in the code

    def set_breakpoints(self, arguments: Arguments) -> Any:
        source = arguments.get("source") or {}
        wanted = arguments.get("breakpoints") or []
        sources = self._debuggee.sources
        stops = [
            sources.breakpoint(source, int(item["line"]), **self._options(item)) for item in wanted
        ]
        key = f"source {source.get('sourceReference') or source.get('path')}"
        found = self._replace(key, stops)
        for item, stop in zip(found, stops):
            if stop is not None and stop.line is not None:
                item["line"] = stop.line
        return {"breakpoints": found}

    def set_function_breakpoints(self, arguments: Arguments) -> Any:
        module = self._debuggee.held.instance.module
        first, count = module.import_counts["func"], len(module.functions)
        names = {module.function_name(index) for index in range(first, count)}
        stops: list[Stop | None] = []
        for item in arguments.get("breakpoints") or []:
            name = str(item["name"]).removeprefix("$")
            number = int(name) if name.isascii() and name.isdigit() else None
            known = name in names or (number is not None and first <= number < count)
            where = name if name in names or number is None else number
            stops.append(Breakpoint(where, **self._options(item)) if known else None)
        return {"breakpoints": self._replace("functions", stops)}

    def set_instruction_breakpoints(self, arguments: Arguments) -> Any:
        stops: list[Stop | None] = []
        for item in arguments.get("breakpoints") or []:
            offset = int(str(item["instructionReference"]), 0) + int(item.get("offset") or 0)
            there = self._is_instruction(offset)
            stops.append(Breakpoint(offset=offset, **self._options(item)) if there else None)
        return {"breakpoints": self._replace("instructions", stops)}

    def _is_instruction(self, offset: int) -> bool:
        module = self._debuggee.held.instance.module
        for index, body in enumerate(module.bodies, module.import_counts["func"]):
            if body.start <= offset < body.end:
                found = module.block_map(index)
                return offset - found.base in found.offsets
        return False

    # -- data

    def data_breakpoint_info(self, arguments: Arguments) -> Any:
        reference, name = arguments.get("variablesReference"), str(arguments["name"])
        if not reference:
            activation = self._debuggee.frame(int(arguments.get("frameId") or 0))
            address = int(Expression(name).value(activation)) & 0xFFFFFFFF
            size = int(arguments.get("bytes") or 4)
            return _watchable(f"memory {address} {size}", f"{size} bytes at {address:#x}")
        frame, kind = scope_of(reference)
        if kind == LOCALS:
            return _watchable(f"local {frame} {self._debuggee.local(frame, name)}", name)
        if kind == GLOBALS:
            return _watchable(f"global {int(name.split()[0][1:])}", name)
        return {"dataId": None, "description": "an operand cannot be watched"}

    def set_data_breakpoints(self, arguments: Arguments) -> Any:
        self._replace("data", [])
        stops: list[Stop | None] = []
        held = self._debuggee.held
        for item in arguments.get("breakpoints") or []:
            kind, *numbers = str(item["dataId"]).split()
            on = _ACCESSES.get(str(item.get("accessType")), "change")
            options = self._options(item)
            made: Stop
            if kind == "memory":
                made = held.watch_memory(int(numbers[0]), int(numbers[1]), on, **options)
            elif kind == "local":
                made = held.watch_local(int(numbers[1]), on, frame=int(numbers[0]), **options)
            else:
                made = held.watch_global(int(numbers[0]), on, **options)
            stops.append(made)
        return {"breakpoints": self._replace("data", stops)}


def _watchable(data_id: str, text: str) -> dict[str, Any]:
    kinds = ["read", "write", "readWrite"]
    return {"dataId": data_id, "description": text, "accessTypes": kinds}
