"""The requests of the Debug Adapter Protocol that look at what is there, and change it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ..wasm.runtime.memory import Memory
from .console import COMMANDS
from .debuggee import (
    GLOBALS,
    LOCALS,
    OPERANDS,
    Arguments,
    Debuggee,
    Handler,
    reference_to,
    scope_of,
    text_of,
    title_of,
)
from .expressions import Expression, ExpressionError

__all__ = ["ViewRequests"]

#: frames, instructions, and bytes that one answer has
_FRAMES, _INSTRUCTIONS, _BYTES = 1_000, 10_000, 16 << 20


class ViewRequests:
    """Frames, variables, sources, code and memory."""

    def __init__(self, debuggee: Debuggee) -> None:
        self._debuggee = debuggee

    @property
    def handlers(self) -> dict[str, Handler]:
        """What answers which request."""
        return {
            "stackTrace": self.stack_trace,
            "scopes": self.scopes,
            "variables": self.variables,
            "setVariable": self.set_variable,
            "evaluate": self.evaluate,
            "source": self.source,
            "loadedSources": self.loaded_sources,
            "disassemble": self.disassemble,
            "readMemory": self.read_memory,
            "writeMemory": self.write_memory,
        }

    # -- frames and variables

    def stack_trace(self, arguments: Arguments) -> Any:
        frames = self._debuggee.held.frames
        first = max(int(arguments.get("startFrame") or 0), 0)
        count = min(int(arguments.get("levels") or 0) or _FRAMES, _FRAMES)
        shown = []
        for number, activation in enumerate(frames[first : first + count], first):
            source, line, column = self._debuggee.sources.place(activation)
            name = activation.name or f"function {activation.index}"
            shown.append(
                {
                    "id": number, "name": name, "source": source, "line": line, "column": column,
                    "instructionPointerReference": f"{activation.offset:#x}",
                }
            )  # fmt: skip
        return {"stackFrames": shown, "totalFrames": len(frames)}

    def scopes(self, arguments: Arguments) -> Any:
        frame = int(arguments["frameId"])
        kinds = (("Locals", LOCALS), ("Operands", OPERANDS), ("Globals", GLOBALS))
        return {
            "scopes": [
                {"name": name, "variablesReference": reference_to(frame, kind), "expensive": False}
                for name, kind in kinds
            ]
        }

    def variables(self, arguments: Arguments) -> Any:
        frame, kind = scope_of(arguments["variablesReference"])
        if kind == GLOBALS:
            items = self._debuggee.held.instance.globals
            found = [_variable(f"g{n}", item.type, item.value) for n, item in enumerate(items)]
        else:
            activation = self._debuggee.frame(frame)
            letter = "l" if kind == LOCALS else "s"
            values = activation.locals if kind == LOCALS else activation.operands[::-1]
            found = [
                _variable(title_of(one, number, letter), one.type, one.value)
                for number, one in enumerate(values)
            ]
        first = max(int(arguments.get("start") or 0), 0)
        count = int(arguments.get("count") or 0) or len(found)
        return {"variables": found[first : first + count]}

    def set_variable(self, arguments: Arguments) -> Any:
        frame, kind = scope_of(arguments["variablesReference"])
        name, held = str(arguments["name"]), self._debuggee.held
        value = Expression(str(arguments["value"])).value(self._debuggee.frame(frame))
        if kind == GLOBALS:
            held.set_global(int(name[1:]), value)
            value = held.instance.globals[int(name[1:])].value
        elif kind == LOCALS:
            number = self._debuggee.local(frame, name)
            held.set_local(number, value, frame)
            value = self._debuggee.frame(frame).locals[number].value
        else:
            raise ExpressionError("an operand cannot be set")
        return {"value": text_of(value)}

    def evaluate(self, arguments: Arguments) -> Any:
        text, frame = str(arguments["expression"]), int(arguments.get("frameId") or 0)
        words = text.split()
        if arguments.get("context") == "repl" and words and words[0] in _LOOKING:
            return {"result": self._said(text, frame), "variablesReference": 0}
        value = Expression(text).value(self._debuggee.frame(frame))
        return {"result": text_of(value), "variablesReference": 0}

    def _said(self, line: str, frame: int) -> str:
        """What a command of the line debugger says."""
        console = self._debuggee.console
        console.frame = frame
        return "\n".join(console.execute(line))

    # -- sources and code

    def source(self, arguments: Arguments) -> Any:
        source = arguments.get("source") or {}
        reference = int(arguments.get("sourceReference") or source.get("sourceReference") or 0)
        sources = self._debuggee.sources
        kind = {} if sources.is_embedded(reference) else {"mimeType": "text/x-wat"}
        return {"content": sources.text(reference), **kind}

    def loaded_sources(self, arguments: Arguments) -> Any:
        return {"sources": self._debuggee.sources.all()}

    def disassemble(self, arguments: Arguments) -> Any:
        offset = int(str(arguments["memoryReference"]), 0) + int(arguments.get("offset") or 0)
        before = int(arguments.get("instructionOffset") or 0)
        count = min(max(int(arguments["instructionCount"]), 0), _INSTRUCTIONS)
        if abs(before) > _INSTRUCTIONS:
            raise ExpressionError(f"at most {_INSTRUCTIONS} instructions before the first")
        return {"instructions": self._instructions(offset, before, count)}

    def _instructions(self, offset: int, before: int, count: int) -> list[dict[str, Any]]:
        """Instructions of the module's code, across functions; what lies outside has no text."""
        module = self._debuggee.held.instance.module
        ranges = enumerate(module.bodies)
        first = next((n for n, body in ranges if body.start <= offset < body.end), None)
        if first is None:
            raise ExpressionError(f"there is no code at {offset:#x}")
        lines = self._lines(first)
        here = next((n for n, line in enumerate(lines) if line["at"] >= offset), len(lines) - 1)
        begin, last = here + before, first
        while begin < 0 and first > 0:
            first -= 1
            more = self._lines(first)
            lines, begin = more + lines, begin + len(more)
        while begin + count > len(lines) and last + 1 < len(module.bodies):
            last += 1
            lines += self._lines(last)
        shown = [
            lines[number] if 0 <= number < len(lines) else {"at": 0, "text": "(no code)"}
            for number in range(begin, begin + count)
        ]
        return [{"address": f"{one['at']:#x}", "instruction": one["text"]} for one in shown]

    def _lines(self, body: int) -> list[dict[str, Any]]:
        module = self._debuggee.held.instance.module
        index = module.import_counts["func"] + body
        found = self._debuggee.sources.listings.function(module, index)[1:]
        return [{"at": one.offset, "text": one.text} for one in found if one.offset is not None]

    # -- memory

    def _place(self, arguments: Arguments) -> tuple[Memory, int]:
        memories = self._debuggee.held.instance.memories
        if not memories:
            raise ExpressionError("the module has no memory")
        start = int(str(arguments["memoryReference"]), 0) + int(arguments.get("offset") or 0)
        if start < 0:
            raise ExpressionError("an address below 0")
        return memories[0], start

    def read_memory(self, arguments: Arguments) -> Any:
        memory, start = self._place(arguments)
        wanted = max(int(arguments["count"]), 0)
        count = max(min(wanted, len(memory) - start, _BYTES), 0)
        data = memory.read(start, count) if count else b""
        return {
            "address": f"{start:#x}",
            "data": base64.b64encode(data).decode(),
            "unreadableBytes": wanted - count,
        }

    def write_memory(self, arguments: Arguments) -> Any:
        memory, start = self._place(arguments)
        try:
            data = base64.b64decode(str(arguments["data"]), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ExpressionError(f"no base64: {error}") from error
        if start + len(data) > len(memory):
            if not arguments.get("allowPartial"):
                raise ExpressionError(f"{len(data)} bytes at {start:#x} are outside of the memory")
            data = data[: max(len(memory) - start, 0)]
        self._debuggee.held.write_memory(start, data)
        return {"bytesWritten": len(data)}


#: commands of the line debugger that do not go anywhere, and set no stop
_NAMES = ("where", "locals", "stack", "globals", "memory", "x", "print", "list", "set", "poke")
_LOOKING = {name for name in _NAMES if name in COMMANDS} | {"help"}


def _variable(name: str, kind: object, value: object) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "value": text_of(value), "type": str(kind or "?")}
    if isinstance(value, int):
        found["memoryReference"] = f"{value & 0xFFFFFFFF:#x}"
    return {**found, "variablesReference": 0}
