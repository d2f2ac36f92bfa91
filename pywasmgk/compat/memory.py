"""Strings, blocks and structures in a guest's memory, as C and its relatives lay them out.

Reading is bounded: by the memory, and for strings by a limit, since a guest may leave out the end.
Everything outside the memory raises IndexError, as ``Memory`` does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from struct import Struct
from types import TracebackType
from typing import Any

from ..errors import Trap, TrapCode
from ..wasm.runtime.instance import Instance
from ..wasm.runtime.memory import Memory, OutOfRange

__all__ = ["Allocator", "Layout", "View", "c_string", "c_text", "prefixed"]

#: bytes of a string that is read without being told its size
LONGEST = 1 << 24
_MASK = 0xFFFFFFFF
_PIECE = 4096


def c_string(memory: Memory, ptr: int, limit: int = LONGEST) -> bytes:
    """The bytes from an address up to a NUL. Raises IndexError where there is none, in the memory
    or within ``limit`` bytes."""
    ptr &= _MASK
    end = _nul(memory, ptr, ptr + limit + 1)
    if end < 0 or ptr > len(memory):
        raise OutOfRange(f"no NUL ends the string at {ptr}, within {limit} bytes")
    return bytes(memory.data[ptr:end])


def _nul(memory: Memory, start: int, stop: int) -> int:
    """Where the first NUL from an address on is, or -1."""
    data: Any = memory.data
    if isinstance(data, bytearray):
        return data.find(0, start, stop)
    # what another engine has is no bytearray: a piece of it is looked at after the other
    for begin in range(start, min(stop, len(data)), _PIECE):
        found = bytes(data[begin : min(begin + _PIECE, stop)]).find(0)
        if found >= 0:
            return begin + found
    return -1


def c_text(memory: Memory, ptr: int, limit: int = LONGEST) -> str:
    """A C string as text; what is no UTF-8 becomes U+FFFD."""
    return c_string(memory, ptr, limit).decode(errors="replace")


def prefixed(memory: Memory, ptr: int, *, width: int = 4) -> bytes:
    """The bytes behind their length, an unsigned integer of ``width`` bytes at the address."""
    ptr &= _MASK
    size = int.from_bytes(memory.read(ptr, width), "little")
    return memory.read(ptr + width, size)


class Allocator:
    """Writes things into memory that the guest's own allocator gives, and frees them.

    ``malloc`` and ``free`` name exports, or are callables. As a context manager it frees all that
    was not freed; memory is freed by whoever takes it, so let ``forget`` know of that.
    """

    def __init__(
        self,
        instance: Instance,
        malloc: str | Callable[..., Any] = "malloc",
        free: str | Callable[..., Any] | None = "free",
    ) -> None:
        self._instance = instance
        self._malloc = self._function(malloc)
        self._free = None if free is None else self._function(free)
        self._held: dict[int, int] = {}

    def _function(self, named: str | Callable[..., Any]) -> Callable[..., Any]:
        return self._instance.exports[named] if isinstance(named, str) else named  # type: ignore[return-value]

    @property
    def memory(self) -> Memory:
        """Memory 0 of the instance. Raises TypeError where there is none."""
        if not self._instance.memories:
            raise TypeError(f"{self._instance!r} has no memory")
        return self._instance.memory

    def room(self, size: int) -> int:
        """The address of so many bytes. Raises MemoryError where the guest has none, Trap where
        what it gives is outside of its memory."""
        ptr: int = self._malloc(size) & _MASK
        if not ptr:
            raise MemoryError(f"the guest has no {size} bytes")
        if ptr + size > len(self.memory):
            text = f"the guest's allocator gave {size} bytes at {ptr}, outside the memory"
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS, text)
        self._held[ptr] = size
        return ptr

    def put(self, data: bytes) -> int:
        """The address of a copy of some bytes."""
        ptr = self.room(len(data))
        self.memory.write(ptr, data)
        return ptr

    def c_string(self, text: str | bytes) -> int:
        """The address of a text, or of bytes, with a NUL behind them."""
        data = text.encode() if isinstance(text, str) else bytes(text)
        if 0 in data:
            raise ValueError("a C string has no NUL inside")
        return self.put(data + b"\0")

    def prefixed(self, data: bytes, *, width: int = 4) -> int:
        """The address of some bytes behind their length."""
        return self.put(len(data).to_bytes(width, "little") + data)

    def free(self, ptr: int) -> None:
        """Frees one of its blocks."""
        del self._held[ptr]
        if self._free is not None:
            self._free(ptr)

    def forget(self, ptr: int) -> None:
        """Leaves a block to whoever frees it."""
        del self._held[ptr]

    def __enter__(self) -> Allocator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # after a trap the guest's heap may be in any state, and it is not asked again
        for ptr in [*self._held] if error is None else ():
            self.free(ptr)


#: what a field may be, as ``struct`` has it; a ``*`` is an address
_FORMS = {
    name: Struct(form)
    for name, form in zip(
        ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "*"),
        ("<B", "<b", "<H", "<h", "<I", "<i", "<Q", "<q", "<f", "<d", "<I"),
    )
}


class Layout:
    """Fields of a C structure, in order, aligned as C does: ``Layout(x="i32", data="u8[16]")``.

    Kinds are ``u8 i8 u16 i16 u32 i32 u64 i64 f32 f64``, ``*`` for an address, and each with a
    count in brackets for an array, which is read as a tuple (of ``u8``: as bytes).
    """

    def __init__(self, **fields: str) -> None:
        #: offset, kind and count (0 for none) by name
        self.fields: dict[str, tuple[int, str, int]] = {}
        at, widest = 0, 1
        for name, form in fields.items():
            kind, _, count = form.removesuffix("]").partition("[")
            if kind not in _FORMS or bool(count) != form.endswith("]"):
                raise ValueError(f"field {name!r}: no kind is called {form!r}")
            size, many = _FORMS[kind].size, int(count or 0)
            at += -at % size
            self.fields[name] = at, kind, many
            at += size * (many or 1)
            widest = max(widest, size)
        #: bytes of one, the next one's alignment included
        self.size = at + -at % widest

    def at(self, memory: Memory, ptr: int) -> View:
        """One of them in memory, whose attributes are its fields."""
        return View(self, memory, ptr & _MASK)

    def array(self, memory: Memory, ptr: int, count: int) -> Iterator[View]:
        """So many of them, one behind the other."""
        return (self.at(memory, ptr + number * self.size) for number in range(count))


class View:
    """A structure in a guest's memory; reading and setting attributes reaches its fields."""

    __slots__ = ("_layout", "_memory", "_ptr")

    def __init__(self, layout: Layout, memory: Memory, ptr: int) -> None:
        object.__setattr__(self, "_layout", layout)
        object.__setattr__(self, "_memory", memory)
        object.__setattr__(self, "_ptr", ptr)

    def _field(self, name: str) -> tuple[int, Struct, int]:
        try:
            at, kind, count = self._layout.fields[name]
        except KeyError:
            raise AttributeError(f"the structure has no field {name!r}") from None
        return self._ptr + at, _FORMS[kind], count

    def __getattr__(self, name: str) -> Any:
        ptr, form, count = self._field(name)
        data = self._memory.read(ptr, form.size * (count or 1))
        if not count:
            return form.unpack(data)[0]
        return data if form.format == "<B" else tuple(item for (item,) in form.iter_unpack(data))

    def __setattr__(self, name: str, value: Any) -> None:
        ptr, form, count = self._field(name)
        items = value if count else (value,)
        if len(items) != (count or 1):
            raise ValueError(f"field {name!r} takes {count} items, found {len(items)}")
        try:
            self._memory.write(ptr, b"".join(map(form.pack, items)))
        except struct.error as error:
            raise OverflowError(f"field {name!r} cannot be {value!r:.80}: {error}") from None

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._layout.fields)
        return f"<View at {self._ptr:#x}: {fields}>"
