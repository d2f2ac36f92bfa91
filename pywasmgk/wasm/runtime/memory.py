"""Linear memory (spec, section "Memory Instances")."""

from __future__ import annotations

import math
import struct
from struct import Struct
from types import CellType

from ...shown import Shown
from ..isa.numerics import bits_of_f32, f32_of_bits, round_f32
from ..types import MAX_PAGES, PAGE_SIZE, Limits, MemoryType
from .metering import CURRENT
from .ownership import Domain

__all__ = ["FORMS", "Memory", "OutOfRange", "filled"]

#: how numbers lie in memory, by name
FORMS = {
    name: Struct(form)
    for name, form in zip(
        ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f64"),
        ("<B", "<b", "<H", "<h", "<I", "<i", "<Q", "<q", "<d"),
    )
}


def filled(value: int, size: int, count: int) -> bytes:
    """Bytes of the same word many times."""
    return value.to_bytes(size, "little") * count if value else bytes(size * count)


class OutOfRange(IndexError):
    """A range of addresses outside a memory."""


class Memory(Shown):
    """Bytes that a guest addresses, in pages of 65536.

    ``limit`` is the most pages it may ever have, whatever ``max`` declares. Ranges are checked
    exactly; one outside raises IndexError, nothing is read or written then. One that is ``shared``
    has a maximum; a module that imports a shared memory takes no other, and guests may wait on it.
    """

    def __init__(
        self, min: int, max: int | None = None, *, limit: int = MAX_PAGES, shared: bool = False
    ) -> None:
        if not 0 <= min <= MAX_PAGES or (max is not None and not min <= max <= MAX_PAGES):
            raise ValueError(f"memory limits must be 0 <= min <= max <= {MAX_PAGES} pages")
        if not 0 <= limit <= MAX_PAGES:
            raise ValueError(f"the memory limit must be 0 to {MAX_PAGES} pages, found {limit}")
        if min > limit:
            raise ValueError(f"memory minimum {min} pages over limit of {limit} pages")
        if shared and max is None:
            raise ValueError("a shared memory must have a maximum")
        self._max = max
        #: whether threads may share it, by its type
        self.shared = shared
        #: most pages it may have
        self.limit = limit if max is None or max > limit else max
        #: the bytes; the same object until a growth while somebody holds a view
        self.data = bytearray(min * PAGE_SIZE)
        self.domain = Domain()
        #: cells that generated code reads the bytes through, by name
        self._cells: dict[str, CellType] = {}
        #: the engine's own views, which a growth gives up first
        self._views: list[memoryview] = []

    def cell(self, name: str) -> CellType:
        """The cell of ``mem``, the bytes, or of ``M`` and a letter of ``struct``: the bytes as
        words of that kind; with ``_`` and a number, those from that one on. What is in it changes
        when the memory grows."""
        cell = self._cells.get(name)
        if cell is None:
            cell = self._cells[name] = CellType(self._content(name))
        return cell

    def _content(self, name: str) -> bytearray | memoryview:
        if name == "mem":
            return self.data
        kind, _, first = name[1:].partition("_")
        plain = memoryview(self.data)
        words: memoryview = plain.cast(kind)  # type: ignore[call-overload]
        self._views += [words, plain]
        if first:
            words = words[int(first) :]
            self._views.append(words)
        return words

    @property
    def type(self) -> MemoryType:
        """Its type, with the present size as minimum, as imports are matched against it."""
        return MemoryType(Limits(self.pages, self._max), self.shared)

    @property
    def pages(self) -> int:
        """Its size in pages."""
        return len(self.data) // PAGE_SIZE

    def __len__(self) -> int:
        """Its size in bytes."""
        return len(self.data)

    def __repr__(self) -> str:
        return f"<Memory {self.pages} pages of at most {self.limit}>"

    def grow(self, pages: int) -> int:
        """Adds zeroed pages; gives the old size in pages, or -1 where the limit forbids it."""
        if pages < 0:
            raise ValueError(f"memory cannot shrink: grow({pages})")
        old = self.pages
        if pages > self.limit - old:
            meter = CURRENT.state.meter
            if meter is not None:
                meter.refused = f"memory.grow({pages}) at {old} pages, the limit is {self.limit}"
            return -1
        return old if self._add(pages) else -1

    def _add(self, pages: int) -> bool:
        """Adds so many pages, which are within the limit; gives whether there is room for them."""
        try:
            if pages:
                self._extend(bytes(pages * PAGE_SIZE))
        except MemoryError:
            return False
        return True

    def shrink_to(self, pages: int) -> None:
        """Takes back growths: no instruction does, but who goes back in time."""
        self._resize(pages * PAGE_SIZE - len(self.data), b"")

    # -- waiting, where one thread runs

    def never_ends(self, address: int, size: int, expected: int, timeout: int) -> bool:
        """Whether a wait with these operands has no end: no time-out of its own, no limit of the
        call's, and nobody who could cancel it."""
        meter = CURRENT.state.meter
        bounded = meter is not None and (meter.deadline is not None or meter.cancel is not None)
        return not bounded and timeout >> 63 == 1 and self._holds(address, size, expected)

    def wait(self, address: int, size: int, expected: int, timeout: int) -> int:
        """What ``memory.atomic.wait`` gives: 1 at once where memory holds something else than the
        operand expects, else 2 when the time-out is over: nanoseconds as 64 bits, endless if
        negative. It ends with the call's time, too; what runs next sees to that."""
        if not self._holds(address, size, expected):
            return 1
        meter = CURRENT.state.meter
        if meter is not None:
            meter.doze(math.inf if timeout >> 63 else timeout / 1e9)
        return 2

    def _holds(self, address: int, size: int, expected: int) -> bool:
        return int.from_bytes(self.data[address : address + size], "little") == expected

    def _extend(self, zeros: bytes) -> None:
        """In place, so that many growths do not copy; the engine's views are made anew."""
        self._resize(0, zeros)

    def _resize(self, less: int, zeros: bytes) -> None:
        for view in self._views:
            view.release()
        self._views.clear()
        size = len(self.data) + less
        try:
            if less:
                del self.data[size:]
            self.data += zeros
        except BufferError:
            # a host holds a view: it keeps the old bytes
            self.data = self.data[:size] + zeros
        finally:
            for name, cell in self._cells.items():
                cell.cell_contents = self._content(name)

    def _require(self, ptr: int, size: int) -> None:
        if ptr < 0 or size < 0 or ptr + size > len(self.data):
            hint = " (pointers are unsigned: mask with & 0xFFFFFFFF)" if ptr < 0 else ""
            raise OutOfRange(
                f"{size} bytes at {ptr} are outside the memory of {len(self.data)} bytes{hint}"
            )

    def __getitem__(self, key: int | slice) -> int | bytes:
        """The byte at an address, or a copy of those from one address to another. Raises IndexError
        outside, also for slices."""
        if not isinstance(key, slice):
            return self.read_u8(key)
        if key.step not in (None, 1):
            raise ValueError("a slice of a memory has no step")
        start = 0 if key.start is None else key.start
        stop = len(self.data) if key.stop is None else key.stop
        return self.read(start, max(stop - start, 0))

    def read(self, ptr: int, n: int) -> bytes:
        """A copy of ``n`` bytes."""
        self._require(ptr, n)
        return bytes(self.data[ptr : ptr + n])

    def write(self, ptr: int, data: bytes | bytearray | memoryview) -> None:
        """Overwrites bytes."""
        size = len(data) if isinstance(data, (bytes, bytearray)) else memoryview(data).nbytes
        self._require(ptr, size)
        self.data[ptr : ptr + size] = data

    def view(self) -> memoryview:
        """The bytes themselves, writable; valid until the memory grows."""
        return memoryview(self.data)

    def _get(self, name: str, ptr: int) -> int | float:
        form = FORMS[name]
        self._require(ptr, form.size)
        value: int | float = form.unpack_from(self.data, ptr)[0]
        return value

    def _put(self, name: str, ptr: int, value: int | float) -> None:
        form = FORMS[name]
        self._require(ptr, form.size)
        try:
            form.pack_into(self.data, ptr, value)
        except struct.error as error:
            raise OverflowError(f"{value} is no {name}") from error

    def read_u8(self, ptr: int) -> int:
        """The byte at an address."""
        return int(self._get("u8", ptr))

    def read_u16(self, ptr: int) -> int:
        """The unsigned 16-bit integer at an address."""
        return int(self._get("u16", ptr))

    def read_u32(self, ptr: int) -> int:
        """The unsigned 32-bit integer at an address."""
        return int(self._get("u32", ptr))

    def read_u64(self, ptr: int) -> int:
        """The unsigned 64-bit integer at an address."""
        return int(self._get("u64", ptr))

    def read_i32(self, ptr: int) -> int:
        """The signed 32-bit integer at an address."""
        return int(self._get("i32", ptr))

    def read_i64(self, ptr: int) -> int:
        """The signed 64-bit integer at an address."""
        return int(self._get("i64", ptr))

    def read_f32(self, ptr: int) -> float:
        """The 32-bit float at an address, NaN bits kept."""
        return f32_of_bits(self.read_u32(ptr))

    def read_f64(self, ptr: int) -> float:
        """The 64-bit float at an address."""
        return float(self._get("f64", ptr))

    def write_u8(self, ptr: int, value: int) -> None:
        """Writes a byte."""
        self._put("u8", ptr, value)

    def write_u16(self, ptr: int, value: int) -> None:
        """Writes an unsigned 16-bit integer."""
        self._put("u16", ptr, value)

    def write_u32(self, ptr: int, value: int) -> None:
        """Writes an unsigned 32-bit integer."""
        self._put("u32", ptr, value)

    def write_u64(self, ptr: int, value: int) -> None:
        """Writes an unsigned 64-bit integer."""
        self._put("u64", ptr, value)

    def write_i32(self, ptr: int, value: int) -> None:
        """Writes a signed 32-bit integer."""
        self._put("i32", ptr, value)

    def write_i64(self, ptr: int, value: int) -> None:
        """Writes a signed 64-bit integer."""
        self._put("i64", ptr, value)

    def write_f32(self, ptr: int, value: float) -> None:
        """Writes a float, rounded to 32 bits."""
        self.write_u32(ptr, bits_of_f32(value if value != value else round_f32(value)))

    def write_f64(self, ptr: int, value: float) -> None:
        """Writes a 64-bit float."""
        self._put("f64", ptr, value)
