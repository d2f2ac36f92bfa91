"""What of an execution can be changed by hand: its values and its bytes, as data for a page that
makes elements of it, and what a person puts there as a command of the debugger."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .hexadecimal import NUMBERS, rows_of
from .parts import Bytes, visible

if TYPE_CHECKING:
    from ..debug.picture import Memory, Row

__all__ = ["memory_of", "poking", "values_of"]

#: bytes of memory that are to be seen at once, and how many before what is looked at
_BYTES, _BEFORE = 256, 64
#: values of a kind
_MOST = 40


def values_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Locals, operands, globals, calls and stops: of each its name, its value, how it looks, and
    the command that it stands for; what is put behind a ``set`` changes it."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if row.style == "heading":
            found.append({"title": row.text, "rows": [], "more": 0})
            continue
        name, equals, value = row.text.partition(" = ")
        kind = found[-1]
        if len(kind["rows"]) == _MOST:
            kind["more"] += 1
            continue
        made = {"name": visible(name), "value": visible(value) if equals else None}
        kind["rows"].append({**made, "style": row.style, "line": row.command})
    return [kind for kind in found if kind["rows"]]


def memory_of(memory: Memory | None, follows: bool, kind: str) -> dict[str, Any]:
    """Bytes around what is looked at, or from there on where a person chose it, in rows with
    numbers of a type; nothing where there is no memory."""
    if memory is None or not memory.size:
        return {}
    wanted = memory.focus - (_BEFORE if follows else 0)
    last = max(memory.size - 1, 0) // 16 * 16 - _BYTES + 16
    start = max(min(wanted // 16 * 16, last), memory.start, 0)
    data = memory.data[start - memory.start :][:_BYTES]
    width = struct.calcsize(f"<{NUMBERS[kind]}")
    rows = [
        {"at": row.address, "bytes": row.data.hex(), "numbers": _numbers(row.data, kind)}
        for row in rows_of(Bytes(start, data, memory.changed, kind))
    ]
    changed = sorted(at for at in memory.changed if start <= at < start + len(data))
    return {
        "size": memory.size, "start": start, "step": _BYTES, "kind": kind, "kinds": [*NUMBERS],
        "width": width, "rows": rows, "changed": changed,
    }  # fmt: skip


def _numbers(data: bytes, kind: str) -> list[str]:
    form = f"<{NUMBERS[kind]}"
    whole = len(data) - len(data) % struct.calcsize(form)
    return [
        f"{one:g}" if isinstance(one, float) else f"{one}"
        for (one,) in struct.iter_unpack(form, data[:whole])
    ]


def poking(words: Sequence[str]) -> str:
    """The command that puts ``ADDRESS TYPE NUMBER`` into memory. Raises ValueError, with what is
    wrong."""
    if len(words) != 3 or words[1] not in NUMBERS:
        raise ValueError(f"expected ADDRESS TYPE NUMBER; the types are {', '.join(NUMBERS)}")
    address, kind, text = words
    try:
        number: int | float = float(text) if kind[0] == "f" else int(text, 0)
        data = struct.pack(f"<{NUMBERS[kind]}", number)
    except (ValueError, OverflowError, struct.error):
        raise ValueError(f"{text} is no {kind}") from None
    return f"poke {address} {' '.join(map(str, data))}"
