"""What ``view()`` gives of a memory whose bytes are out of Python's reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["Window"]


class Window:
    """A range of a memory of another engine, used as a ``memoryview`` of bytes is.

    Items are read and written where they are, each time; slices are windows of their own. Python
    3.12 and newer take it where they want a buffer, and get a copy that cannot be written, since
    what is written to a copy would be lost.
    """

    __slots__ = ("_data", "_size", "_start")

    itemsize, ndim, format, readonly, contiguous = 1, 1, "B", False, True

    def __init__(self, data: Any, start: int, size: int) -> None:
        #: all bytes of the memory, by index and slice
        self._data: Any = data
        self._start, self._size = start, size

    @property
    def nbytes(self) -> int:
        """How many bytes it has."""
        return self._size

    @property
    def shape(self) -> tuple[int]:
        """The same, as a memoryview has it."""
        return (self._size,)

    def __len__(self) -> int:
        return self._size

    def _at(self, index: int) -> int:
        if not -self._size <= index < self._size:
            raise IndexError("index out of bounds on dimension 1")
        return self._start + index % self._size

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, slice):
            return self._open()[self._at(key)]
        start, stop = self._range(key)
        return Window(self._open(), self._start + start, stop - start)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, slice):
            self._open()[self._at(key)] = value
            return
        start, stop = self._range(key)
        content = bytes(value)
        if len(content) != stop - start:
            raise ValueError("memoryview assignment: lvalue and rvalue have different structures")
        self._open()[self._start + start : self._start + stop] = content

    def _range(self, key: slice) -> tuple[int, int]:
        start, stop, step = key.indices(self._size)
        if step != 1:
            raise NotImplementedError("a window of another engine's memory has no steps")
        return start, max(start, stop)

    def _open(self) -> Any:
        if self._data is None:
            raise ValueError("operation forbidden on released memoryview object")
        return self._data

    def tobytes(self) -> bytes:
        """A copy."""
        found: bytes = self._open()[self._start : self._start + self._size]
        return found

    __bytes__ = tobytes

    def tolist(self) -> list[int]:
        """The bytes as integers."""
        return list(self.tobytes())

    def hex(self, *words: Any) -> str:
        """The bytes in hexadecimal, as ``bytes.hex``."""
        return self.tobytes().hex(*words)

    def __iter__(self) -> Iterator[int]:
        return iter(self.tobytes())

    def __contains__(self, value: object) -> bool:
        return value in self.tolist()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Window, bytes, bytearray, memoryview)):
            return self.tobytes() == bytes(other)
        return NotImplemented

    def __hash__(self) -> int:
        raise ValueError("cannot hash writable memoryview object")

    def __buffer__(self, flags: int) -> memoryview:
        return memoryview(self.tobytes())

    def release(self) -> None:
        """Lets go of the memory."""
        self._data = None

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Window of {self._size} bytes at {self._start}>"
