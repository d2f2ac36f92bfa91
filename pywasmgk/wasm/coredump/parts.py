"""What a core dump holds (tool-conventions, "Coredump.md"), as data."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..types import PAGE_SIZE, ValType

__all__ = ["CoreFrame", "CoreGlobal", "CoreInstance", "CoreMemory", "CoreThread", "CoreValue"]

_FORMS = {
    "u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i32": "<i", "i64": "<q", "f32": "<f",
    "f64": "<d",
}  # fmt: skip


class CoreValue(NamedTuple):
    """A local or an operand."""

    type: ValType
    #: as hosts see it: integers are signed
    value: Any


class CoreFrame(NamedTuple):
    """A function that was running."""

    #: index of its instance among those of the dump
    instance: int
    #: index in the function index space of its module
    function: int
    #: of the instruction, from where the function's body begins in the file; 0 may mean unknown
    offset: int
    #: ``None`` is a value that nobody knew
    locals: Sequence[CoreValue | None]
    #: the topmost last
    stack: Sequence[CoreValue | None]


class CoreThread(NamedTuple):
    """A thread's frames, the innermost first."""

    name: str
    frames: Sequence[CoreFrame]


class CoreInstance(NamedTuple):
    """An instance: which module of the dump it is of, and which memories and globals are its."""

    module: int
    memories: Sequence[int]
    globals: Sequence[int]


class CoreGlobal(NamedTuple):
    """A global; of a reference only is told that it is one."""

    type: ValType
    value: Any


class CoreMemory:
    """A memory: bytes that no segment holds are zero. Nothing is allocated for them."""

    def __init__(
        self, pages: int, segments: Sequence[tuple[int, bytes]], maximum: int | None = None
    ) -> None:
        self.pages = pages
        self.maximum = maximum
        #: address and bytes; later ones win
        self.segments = segments

    def __len__(self) -> int:
        """Its size in bytes."""
        return self.pages * PAGE_SIZE

    def read(self, start: int, size: int) -> bytes:
        """Bytes of it. Raises IndexError outside of it."""
        if not 0 <= start <= start + size <= len(self):
            raise IndexError(f"{size} bytes at {start:#x} are outside of {len(self):#x} bytes")
        found = bytearray(size)
        for at, data in self.segments:
            first, last = max(at, start), min(at + len(data), start + size)
            if first < last:
                found[first - start : last - start] = data[first - at : last - at]
        return bytes(found)

    def __getattr__(self, name: str) -> Any:
        """``read_u8`` and its like, as memories have them."""
        form = _FORMS.get(name.removeprefix("read_"))
        if form is None or not name.startswith("read_"):
            raise AttributeError(name)
        unpack = struct.Struct(form)
        return lambda address: unpack.unpack(self.read(address, unpack.size))[0]

    def __repr__(self) -> str:
        return f"<CoreMemory of {self.pages} pages>"
