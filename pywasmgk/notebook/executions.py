"""Executions: code with what it takes and gives, values, memory, and the history around it.

It is what the debugger's full screen shows, taken by the same camera.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..debug.console import Console
from ..debug.picture import Camera, Memory, Picture
from .parts import Bytes, Cell, Code, Facts, Heading, Note, Part, Row, Side, Text, Timeline, View

if TYPE_CHECKING:
    from ..wasm.stepping.execution import Execution

__all__ = ["camera_of", "code_of", "view", "view_of"]

#: lines of code before and behind the one that runs; values of a kind; bytes of memory
_BEFORE, _AFTER, _VALUES, _BYTES = 8, 10, 40, 128

_CAMERAS: weakref.WeakKeyDictionary[Execution, Camera] = weakref.WeakKeyDictionary()


def camera_of(execution: Execution) -> Camera:
    """Who takes pictures of an execution: always the same, which knows what was shown before."""
    found = _CAMERAS.get(execution)
    if found is None:
        title = f"Execution of {execution.func!r}"
        # a console holds what it controls: nobody else would let go of it
        found = _CAMERAS[execution] = Camera(Console(weakref.proxy(execution)), title)
    return found


def view(execution: Execution) -> View:
    """An execution, where it is now."""
    return view_of(camera_of(execution).take())


def view_of(picture: Picture) -> View:
    """What is to be seen in a picture."""
    return View(picture.title, picture.state, [*_parts(picture)])


def _parts(picture: Picture) -> Iterator[Part]:
    yield Timeline(picture.oldest, picture.step, picture.furthest)
    code = code_of(picture)
    yield Side([[code] if code else [], [*_values(picture)]])
    if picture.memory is not None and picture.memory.size:
        yield Heading("memory")
        yield _memory(picture.memory)


def code_of(picture: Picture) -> Code | None:
    """The code around where the frame is; ``None`` where there is no frame."""
    code, here = picture.code, picture.here
    if code is None or here is None:
        return None
    at = code.row_of(here)
    rows = range(max(at - _BEFORE, 0), min(at + _AFTER, len(code)))
    lines = code.window(rows, here, picture.values, picture.stops)
    return Code(
        [
            Row(
                line.text,
                f"{'●' if line.stops else ''}{line.label}",
                line.lanes,
                line.values,
                "here" if line.here else "",
            )
            for line in lines
        ],
        len(code) - rows.stop,
    )


def _values(picture: Picture) -> Iterator[Part]:
    """Locals, operands, globals and calls, each kind below its heading."""
    heading, facts = "", list[tuple[str, Text]]()
    for row in (*picture.rows, None):
        if row is None or row.style == "heading":
            if facts:
                yield Heading(heading)
                yield Facts(facts[:_VALUES])
                if len(facts) > _VALUES:
                    yield Note(f"and {len(facts) - _VALUES:,} more")
            heading, facts = "" if row is None else row.text, []
            continue
        name, found, value = row.text.partition(" = ")
        style = row.style if row.style in ("changed", "here") else "code"
        facts.append((name, Cell(value, style)) if found else ("", Cell(name, style)))


def _memory(memory: Memory) -> Bytes:
    start = max(memory.focus - _BYTES // 2, memory.start) // 16 * 16
    data = memory.data[start - memory.start :][:_BYTES]
    return Bytes(start, data, memory.changed)
